// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/observation.h"

#include "distillwatch/minhash.h"
#include "text/key.h"

namespace distillwatch {

Observation Read(const Event& event, const Shingler& shingler, TextScratch& scratch) noexcept {
  const std::uint64_t prompt_hash = shingler.HashPrefix(event.prompt, event.prompt.size());
  return Read(event, prompt_hash, shingler, scratch);
}

Observation Read(const Event& event, std::uint64_t prompt_hash, const Shingler& shingler,
                 TextScratch& scratch) noexcept {
  Observation seen;
  seen.time = event.time;
  seen.earlier_turns = event.earlier_turns;
  seen.completion_tokens = event.completion_tokens;
  if (!event.model.empty()) seen.model = shingler.HashName("model", event.model);
  if (!event.system.empty()) {
    seen.system = shingler.HashName("system", event.system);
    // About six bytes a word; the share of template needs no more precision.
    seen.system_units = static_cast<std::uint32_t>(event.system.size() / 6 + 1);
  }
  const TextFeatures text = shingler.Extract(event.prompt, scratch);
  MinHash64 signature;
  signature.Update(text.shingles);
  seen.signature = Slim(signature);
  seen.terms = text.terms;
  seen.units = text.units;
  seen.truncated = text.truncated;
  seen.prompt = prompt_hash;
  seen.event =
      text::Mix(prompt_hash + static_cast<std::uint64_t>(event.time.time_since_epoch().count()));
  return seen;
}

}  // namespace distillwatch
