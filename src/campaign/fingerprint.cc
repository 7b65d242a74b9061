// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/fingerprint.h"

#include <algorithm>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

// The most frequent first; which of equally frequent ones is kept, the hash decides: for all
// accounts alike.
struct Recurring {
  std::uint32_t count = 0;
  Pair pair = 0;
  bool operator<(const Recurring& other) const noexcept {
    return count != other.count ? count > other.count : wire::Mix(pair) < wire::Mix(other.pair);
  }
};

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
  std::array<Recurring, 64 * SignatureReservoir::kCapacity / 2> recurring;
  std::size_t found = 0;
  for (std::size_t slot = 0; slot < 64; ++slot) {
    std::array<std::uint16_t, SignatureReservoir::kCapacity> values;
    for (std::size_t i = 0; i < n; ++i) values[i] = (*different[i])[slot];
    std::sort(values.begin(), values.begin() + n);
    for (std::size_t i = 0; i < n;) {
      std::size_t end = i + 1;
      while (end < n && values[end] == values[i]) ++end;
      const Pair pair = PairOf(slot, values[i]);
      if (end - i >= 2 && !std::binary_search(common.begin(), common.end(), pair)) {
        recurring[found++] = {static_cast<std::uint32_t>(end - i), pair};
      }
      i = end;
    }
  }
  const bool has_system =
      system != 0 && !std::binary_search(common.begin(), common.end(), SystemPair(0, system));
  const std::size_t kept =
      std::min(found, Fingerprint::kMostPairs - (has_system ? kSystemPairs : 0));
  std::partial_sort(recurring.begin(), recurring.begin() + kept, recurring.begin() + found);
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
