// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/minhash.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "simd/kernels.h"
#include "text/key.h"
#include "wire/wire.h"

namespace distillwatch {
namespace {

// A slot is (round << 30 | value): a value of an earlier round beats every value of a later one.
constexpr std::uint32_t kSecondRound = 1u << 30;
constexpr std::uint32_t kFill = 2u << 30;
constexpr std::uint32_t kEmpty = MinHash::kEmptySlot;

// Up to a hash for so many slots, all slots at once are faster than finding the empty ones.
constexpr std::size_t kFewHashes = 4;
// Up to so many empty slots are filled one by one, more of them all at once.
constexpr std::size_t kFewSlots = 8;
// Kernel multiply_min_each wants multiples of so many slots.
constexpr std::size_t kSlotsAtOnce = 16;

// An odd multiplier for each slot's own hash function.
constexpr std::array<std::uint64_t, 256> kMultipliers = [] {
  std::array<std::uint64_t, 256> multipliers{};
  for (std::size_t i = 0; i < multipliers.size(); ++i) {
    multipliers[i] = text::Mix(0x5851f42d4c957f2dULL + i) | 1;
  }
  return multipliers;
}();

// Round 1: like round 0, with hashes mixed once more.
void SecondRound(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> slots) noexcept {
  const simd::Kernels& kernels = simd::Active();
  std::array<std::uint64_t, 256> again;
  while (!hashes.empty()) {
    const std::size_t n = std::min(hashes.size(), again.size());
    kernels.mix(hashes.data(), n, again.data());
    kernels.bin_min(again.data(), n, slots.data(), std::countr_zero(slots.size()), kSecondRound);
    hashes = hashes.subspan(n);
  }
}

// Round 2: every slot that is still empty takes the minimum of its own function.
void Fill(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> slots) noexcept {
  const simd::Kernels& kernels = simd::Active();
  std::array<std::uint32_t, kMultipliers.size() + kSlotsAtOnce> least;
  if (hashes.size() <= slots.size() / kFewHashes) {
    kernels.multiply_min_each(hashes.data(), hashes.size(), kMultipliers.data(), slots.size(),
                              least.data());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = std::min(slots[i], kFill | least[i]);
    return;
  }
  // The empty ones, found without a branch on which they are.
  std::array<std::uint64_t, least.size()> multipliers;
  std::array<std::uint8_t, kMultipliers.size()> places;
  std::size_t empty = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    multipliers[empty] = kMultipliers[i];
    places[empty] = static_cast<std::uint8_t>(i);
    empty += slots[i] == kEmpty ? 1 : 0;
  }
  if (empty <= kFewSlots) {
    for (std::size_t i = 0; i < empty; ++i)
      least[i] = kernels.multiply_min(hashes.data(), hashes.size(), multipliers[i]);
  } else {
    const std::size_t whole = (empty + kSlotsAtOnce - 1) / kSlotsAtOnce * kSlotsAtOnce;
    std::fill(multipliers.begin() + empty, multipliers.begin() + whole, 0);
    kernels.multiply_min_each(hashes.data(), hashes.size(), multipliers.data(), whole,
                              least.data());
  }
  for (std::size_t i = 0; i < empty; ++i) slots[places[i]] = kFill | least[i];
}

template <std::size_t kSlots>
constexpr wire::Kind KindOf() {
  // The number of slots is part of the format: signatures of different size are different kinds.
  return kSlots == 64    ? wire::Kind{{"MH64"}, 1}
         : kSlots == 128 ? wire::Kind{{"M128"}, 1}
                         : wire::Kind{{"M256"}, 1};
}

}  // namespace

template <std::size_t kSlots>
void BasicMinHash<kSlots>::Update(std::span<const std::uint64_t> hashes) noexcept {
  if (hashes.empty()) return;
  constexpr int kLog2 = std::countr_zero(kSlots);
  const simd::Kernels& kernels = simd::Active();
  std::array<std::uint32_t, kSlots> fresh;
  fresh.fill(kEmptySlot);
  kernels.bin_min(hashes.data(), hashes.size(), fresh.data(), kLog2, 0);

  const auto has_empty = [&fresh] {
    bool any = false;
    for (const std::uint32_t slot : fresh) any |= slot == kEmptySlot;
    return any;
  };
  if (has_empty()) {
    SecondRound(hashes, fresh);
    if (has_empty()) Fill(hashes, fresh);
  }
  kernels.min_into(slots_.data(), fresh.data(), kSlots);
}

template <std::size_t kSlots>
void BasicMinHash<kSlots>::Merge(const BasicMinHash& other) noexcept {
  simd::Active().min_into(slots_.data(), other.slots_.data(), kSlots);
}

template <std::size_t kSlots>
JaccardEstimate BasicMinHash<kSlots>::Jaccard(const BasicMinHash& other) const noexcept {
  if (empty() || other.empty()) return {};
  std::size_t equal = 0;
  for (std::size_t i = 0; i < kSlots; ++i) equal += slots_[i] == other.slots_[i];
  const double j = static_cast<double>(equal) / kSlots;
  return {j, std::sqrt(j * (1 - j) / kSlots)};
}

template <std::size_t kSlots>
bool BasicMinHash<kSlots>::Valid() const noexcept {
  std::size_t empty_slots = 0;
  for (const std::uint32_t slot : slots_) {
    if (slot == kEmptySlot)
      ++empty_slots;
    else if (slot >= (3u << 30))
      return false;
  }
  return empty_slots == 0 || empty_slots == kSlots;
}

template <std::size_t kSlots>
std::string BasicMinHash<kSlots>::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(KindOf<kSlots>(), key_id, *this);
}

template <std::size_t kSlots>
Result<BasicMinHash<kSlots>> BasicMinHash<kSlots>::Parse(std::string_view bytes,
                                                         std::uint64_t key_id) {
  return wire::Unframed<BasicMinHash>(KindOf<kSlots>(), key_id, bytes);
}

template class BasicMinHash<64>;
template class BasicMinHash<128>;
template class BasicMinHash<256>;

}  // namespace distillwatch
