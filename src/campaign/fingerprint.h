// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Fingerprint: the signature values that recur among an account's sampled requests.
//
// A frame around changing slots gives slot s of a signature the frame's own least value m_s
// whenever no shingle of the slot text is smaller, so with probability (frame's share of the
// shingles). The values m_s recur within an account, and are the same for every account that uses
// the frame, wherever in the prompt it stands. Two requests of ordinary text rarely share a value,
// so that an ordinary account's fingerprint is almost empty
// [FingerprintStat.OrdinaryAccountsHaveAlmostNone].
// Tested by  tests/campaign/fingerprint_test.cc    Measured by  benchmarks/campaign_bench.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_FINGERPRINT_H_
#define DISTILLWATCH_SRC_CAMPAIGN_FINGERPRINT_H_

#include <array>
#include <cstdint>
#include <span>

#include "distillwatch/reservoir.h"
#include "wire/mix.h"

namespace distillwatch::campaign {

// Slot and value of a signature: slot << 16 | value.
using Pair = std::uint32_t;
constexpr Pair PairOf(std::size_t slot, std::uint16_t value) noexcept {
  return static_cast<Pair>(slot) << 16 | value;
}

// A system prompt that an account repeats is part of its frame, as pairs of slots behind those of
// signatures. Only the very same one agrees.
inline constexpr std::size_t kSystemPairs = 6;
constexpr Pair SystemPair(std::size_t i, std::uint32_t system) noexcept {
  return PairOf(SlimSignature{}.size() + i,
                static_cast<std::uint16_t>(wire::Mix(std::uint64_t{system} << 8 | i)));
}

// Ascending pairs of slots that there are.
bool IsFrame(std::span<const Pair> pairs) noexcept;

struct Fingerprint {
  static constexpr std::size_t kMostPairs = 48;
  std::array<Pair, kMostPairs> pairs{};  // ascending
  std::uint8_t size = 0;
  std::span<const Pair> values() const noexcept { return {pairs.data(), size}; }

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.pairs, s.size);
  }
};

// The pairs that at least two different requests of the sample share; the most frequent ones when
// there are more than fit.
//   Cost  O(64 x 16^2), no allocation
//   common  pairs that are left out, ascending
//   system  hash of the system prompt that the account repeats; 0: none
Fingerprint FingerprintOf(const SignatureReservoir& sample, std::span<const Pair> common = {},
                          std::uint32_t system = 0) noexcept;

// How many of the frame's pairs the signature has. frame: ascending, by slot and value.
std::size_t CountMatches(std::span<const Pair> frame, const SlimSignature& signature,
                         std::uint32_t system = 0) noexcept;

// The share of the fingerprint's pairs that the frame has; 0 for an empty one.
double Containment(const Fingerprint& fingerprint, std::span<const Pair> frame) noexcept;

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_FINGERPRINT_H_
