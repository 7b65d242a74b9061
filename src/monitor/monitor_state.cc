// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/monitor_state.h"

#include <algorithm>

#include "text/key.h"

namespace distillwatch {
namespace {

// The secret to use, from the options, else from the reference, else from the operating system.
Result<std::pair<std::string, bool>> ChooseKey(const Options& options) {
  const std::string& learned = options.reference ? options.reference->content().key : options.key;
  if (!options.key.empty()) return std::pair(options.key, false);
  if (!learned.empty()) return std::pair(learned, true);
  if (options.reference && options.reference->content().key_id != 0) {
    return FailedPrecondition(
        "the reference was learned under a key of its own; key must be that key");
  }
  Result<std::string> drawn = text::Key::RandomSecret();
  if (!drawn.ok()) return drawn.status();
  return std::pair(*std::move(drawn), true);
}

}  // namespace

namespace {

// What the operator says that many strangers share, as it shows in signatures.
std::vector<campaign::Pair> PairsOf(const std::vector<std::string>& templates,
                                    const Shingler& shingler) {
  std::vector<campaign::Pair> out;
  TextScratch scratch(shingler.max_prompt_bytes());
  for (const std::string& text : templates) {
    const std::uint32_t system = campaign::SystemOf(shingler.HashName("system", text));
    for (std::size_t i = 0; i < campaign::kSystemPairs; ++i)
      out.push_back(campaign::SystemPair(i, system));
    MinHash64 signature;
    signature.Update(shingler.Extract(text, scratch).shingles);
    const SlimSignature slim = Slim(signature);
    if (Agreement(slim, slim) == 0) continue;  // the empty set
    for (std::size_t slot = 0; slot < slim.size(); ++slot)
      out.push_back(campaign::PairOf(slot, slim[slot]));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Monitor::State>> Monitor::State::Create(const Options& options) {
  if (Status status = Check(options); !status.ok()) return status;
  Result<std::pair<std::string, bool>> key = ChooseKey(options);
  if (!key.ok()) return key.status();
  Result<Shingler> shingler = Shingler::Create(key->first, options.max_prompt_bytes);
  if (!shingler.ok()) return shingler.status();
  const Reference& reference = options.reference ? *options.reference : Reference::Shipped();
  const std::uint64_t learned_under = reference.content().key_id;
  if (learned_under != 0 && learned_under != shingler->key_id()) {
    return FailedPrecondition("the reference was learned under another key");
  }
  Result<monitor::Judge> judge = monitor::Judge::Create(
      reference, options.promise, monitor::CustomDetectors(options.detectors));
  if (!judge.ok()) return judge.status();
  auto state = std::make_unique<State>(*std::move(shingler), *std::move(judge), options);
  std::tie(state->key, state->key_drawn) = *key;
  return state;
}

Monitor::State::State(Shingler shingler, monitor::Judge judge_of, const Options& options)
    : judge(std::move(judge_of)),
      engine(std::move(shingler), judge.content().looks, options.shards, options.max_memory_bytes,
             options.detectors),
      linker(options.campaigns, engine.shingler().key_id(),
             PairsOf(options.campaigns.common_templates, engine.shingler())),
      linking(options.campaigns.enabled),
      seen(judge.content().histogram) {
  engine.Count(options.campaigns.infrastructure, options.campaigns.organisation);
  if (options.origin) origin_us = options.origin->time_since_epoch().count();
}

std::uint16_t Monitor::State::HorizonOf(Time time) noexcept {
  const std::int64_t us = std::clamp(time, kEarliestTime, kLatestTime).time_since_epoch().count();
  std::int64_t origin = origin_us.load(std::memory_order_relaxed);
  if (origin == kUnset && origin_us.compare_exchange_strong(origin, us, std::memory_order_relaxed))
    origin = us;
  const std::int64_t horizon_us = judge.content().horizon_s * 1'000'000;
  return static_cast<std::uint16_t>(
      std::clamp<std::int64_t>((us - origin) / horizon_us, 0, 0xffff));
}

void Monitor::State::BeginHorizonIfDue(monitor::Header& header) noexcept {
  const std::uint16_t horizon = HorizonOf(header.last);
  if (header.requests == 1) header.horizon = horizon;
  if (header.horizon < horizon) BeginHorizon(header, horizon);
  header.idle = false;
}

void Monitor::State::BeginHorizon(monitor::Header& header, std::uint16_t horizon) noexcept {
  // A reference counts accounts in the horizons in which they asked something, so drift must, too.
  if (!header.idle) {
    header.finished = header.path;
    header.unfinished = true;
    finished_horizons.fetch_add(1, std::memory_order_relaxed);
  }
  header.idle = true;
  header.path = score::kLeastScore;
  header.level = Level::kClear;
  header.horizon = horizon;
}

void Monitor::State::Raise(monitor::Header& header, score::Points points) noexcept {
  looks.fetch_add(1, std::memory_order_relaxed);
  header.path = std::max(header.path, points);
  const Level level = judge.LevelOf(header.path);
  for (auto l = static_cast<std::size_t>(header.level) + 1; l <= static_cast<std::size_t>(level);
       ++l) {
    flagged[l].fetch_add(1, std::memory_order_relaxed);
  }
  header.level = std::max(header.level, level);
}

}  // namespace distillwatch
