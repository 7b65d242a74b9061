// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Observation: what detectors see of one request. No text: a signature, sampled term hashes, times.
//
// Tested by  tests/detect/observation_test.cc

#ifndef DISTILLWATCH_OBSERVATION_H_
#define DISTILLWATCH_OBSERVATION_H_

#include <cstdint>
#include <span>

#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/reservoir.h"
#include "distillwatch/shingler.h"

namespace distillwatch {

struct Observation {
  Time time{};
  // Of the newest turn. With units = 0 (no text at hand) signature and terms say nothing.
  SlimSignature signature{};
  std::span<const std::uint64_t> terms;  // live as long as the scratch that they were read with
  std::uint32_t units = 0;               // words and unspaced characters of the newest turn
  std::uint32_t system_units = 0;        // of the system prompt
  std::uint32_t earlier_turns = 0;       // that the request resent
  std::uint32_t completion_tokens = 0;   // 0: not known
  std::uint64_t model = 0;               // keyed hash; 0: not known
  std::uint64_t system = 0;              // keyed hash of the system prompt; 0: none
  std::uint64_t prompt = 0;              // keyed hash of the newest turn, as bytes
  std::uint64_t event = 0;               // the same for the same account, time and prompt
  bool truncated = false;                // the text was longer than the shingler reads
};

// Reads an event.
//   Cost  O(bytes), no allocation
DISTILLWATCH_EXPORT Observation Read(const Event& event, const Shingler& shingler,
                                     TextScratch& scratch) noexcept;

// The same where the prompt's hash is known: shingler.HashPrefix of all of it.
DISTILLWATCH_EXPORT Observation Read(const Event& event, std::uint64_t prompt_hash,
                                     const Shingler& shingler, TextScratch& scratch) noexcept;

}  // namespace distillwatch

#endif  // DISTILLWATCH_OBSERVATION_H_
