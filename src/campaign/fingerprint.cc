// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/fingerprint.h"

#include <algorithm>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

// The most frequent first; which of equally frequent ones is kept, the hash decides: for all
// accounts alike.
struct Recurring {
  std::uint64_t rank = 0;
  Pair pair = 0;
  Recurring() = default;
  Recurring(std::uint32_t count, Pair of) noexcept
      : rank(~std::uint64_t{count} << 48 | wire::Mix(of) >> 16), pair(of) {}
  bool operator<(const Recurring& other) const noexcept { return rank < other.rank; }
};

// Counts, for every slot, that a later request has the value of an earlier one: all slots at once.
void CountSame(const SlimSignature& a, const SlimSignature& b, SlimSignature& later_than_a,
               SlimSignature& earlier_than_b) noexcept {
  SlimSignature same;  // by itself, so that the compiler takes several slots at once
  for (std::size_t slot = 0; slot < a.size(); ++slot) same[slot] = a[slot] == b[slot] ? 1 : 0;
  for (std::size_t slot = 0; slot < a.size(); ++slot)
    later_than_a[slot] = static_cast<std::uint16_t>(later_than_a[slot] + same[slot]);
  for (std::size_t slot = 0; slot < a.size(); ++slot) earlier_than_b[slot] |= same[slot];
}

}  // namespace

bool IsFrame(std::span<const Pair> pairs) noexcept {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i] >> 16 >= SlimSignature{}.size() + kSystemPairs ||
        (i > 0 && pairs[i] <= pairs[i - 1]))
      return false;
  }
  return true;
}

bool Fingerprint::Valid() const noexcept {
  return size <= kMostPairs && IsFrame(values());
}

Fingerprint FingerprintOf(const SignatureReservoir& sample, std::span<const Pair> common,
                          std::uint32_t system) noexcept {
  // Different requests alone: asking the same again is not a frame.
  std::array<const SlimSignature*, SignatureReservoir::kCapacity> different;
  std::size_t n = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const SlimSignature& s = sample.signature(i);
    const bool known = std::any_of(different.begin(), different.begin() + n,
                                   [&s](const SlimSignature* d) { return *d == s; });
    if (!known && Agreement(s, s) > 0) different[n++] = &s;  // the empty set agrees with nothing
  }
  constexpr std::size_t kSlots = SlimSignature{}.size();
  std::array<SlimSignature, SignatureReservoir::kCapacity> later{}, earlier{};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j)
      CountSame(*different[i], *different[j], later[i], earlier[j]);
  }
  std::array<Recurring, kSlots * SignatureReservoir::kCapacity / 2> recurring;
  std::size_t found = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      if (later[i][slot] == 0 || earlier[i][slot] != 0) continue;
      const Pair pair = PairOf(slot, (*different[i])[slot]);
      if (!std::binary_search(common.begin(), common.end(), pair))
        recurring[found++] = Recurring(later[i][slot] + 1u, pair);
    }
  }
  const bool has_system =
      system != 0 && !std::binary_search(common.begin(), common.end(), SystemPair(0, system));
  const std::size_t kept =
      std::min(found, Fingerprint::kMostPairs - (has_system ? kSystemPairs : 0));
  if (kept < found) {
    std::nth_element(recurring.begin(), recurring.begin() + kept, recurring.begin() + found);
  }
  Fingerprint out;
  out.size = static_cast<std::uint8_t>(kept);
  for (std::size_t i = 0; i < kept; ++i) out.pairs[i] = recurring[i].pair;
  std::sort(out.pairs.begin(), out.pairs.begin() + kept);
  for (std::size_t i = 0; has_system && i < kSystemPairs; ++i)
    out.pairs[out.size++] = SystemPair(i, system);
  return out;
}

std::size_t CountMatches(std::span<const Pair> frame, const SlimSignature& signature,
                         std::uint32_t system) noexcept {
  std::size_t matches = 0;
  for (const Pair pair : frame) {
    const std::size_t slot = pair >> 16;
    matches += slot < signature.size()
                   ? signature[slot] == (pair & 0xffff)
                   : system != 0 && SystemPair(slot - signature.size(), system) == pair;
  }
  return matches;
}

double Containment(const Fingerprint& fingerprint, std::span<const Pair> frame) noexcept {
  if (fingerprint.size == 0) return 0;
  std::size_t common = 0;
  auto next = frame.begin();
  for (const Pair pair : fingerprint.values()) {
    next = std::lower_bound(next, frame.end(), pair);
    common += next != frame.end() && *next == pair;
  }
  return static_cast<double>(common) / fingerprint.size;
}

}  // namespace distillwatch::campaign
