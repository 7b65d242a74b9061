// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/heavy_hitters.h"

#include <algorithm>
#include <cstddef>

#include "simd/kernels.h"
#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kKind = {{"HEAV"}, 1};
constexpr std::uint32_t kMost = 0xffff;

std::uint16_t Saturate(std::uint32_t count) {
  return static_cast<std::uint16_t>(std::min(count, kMost));
}

}  // namespace

HeavyHitters::Count HeavyHitters::Find(std::uint64_t term) const noexcept {
  const std::uint32_t tag = TagOf(term);
  for (const Entry& e : sets_[SetOf(term)]) {
    if (e.count != 0 && e.tag == tag)
      return {static_cast<std::uint32_t>(e.count - e.error), e.count};
  }
  return {};
}

HeavyHitters::Count HeavyHitters::Update(std::uint64_t term) noexcept {
  const std::uint32_t tag = TagOf(term);
  auto& set = sets_[SetOf(term)];
  Entry* least = &set[0];
  for (Entry& e : set) {
    if (e.count != 0 && e.tag == tag) {
      const Count before = {static_cast<std::uint32_t>(e.count - e.error), e.count};
      if (e.count < kMost) ++e.count;
      return before;
    }
    if (e.count < least->count) least = &e;
  }
  // The new term takes over the rarest entry's count, because it may have been seen that often.
  least->tag = tag;
  least->error = least->count;
  if (least->count < kMost) ++least->count;
  return {};
}

void HeavyHitters::Update(std::span<const std::uint64_t> terms,
                          std::span<std::uint32_t> least) noexcept {
  // The kernel knows entries by their bytes.
  static_assert(sizeof(Entry) == 8 && offsetof(Entry, count) == 4 && offsetof(Entry, error) == 6);
  simd::Active().count_terms(reinterpret_cast<unsigned char*>(sets_.data()), kSets, terms.data(),
                             std::min(terms.size(), least.size()), least.data());
}

void HeavyHitters::Halve() noexcept {
  for (auto& set : sets_) {
    for (Entry& e : set) {
      const std::uint32_t certain = static_cast<std::uint32_t>(e.count - e.error) / 2;
      const std::uint32_t possible = (e.count + 1u) / 2;
      e.count = Saturate(possible);
      e.error = Saturate(possible - certain);
    }
  }
}

void HeavyHitters::Merge(const HeavyHitters& other) noexcept {
  for (std::size_t s = 0; s < kSets; ++s) {
    // What a set does not track may have been there up to its least count, once it is full.
    const auto missing = [](const std::array<Entry, kWays>& set) {
      std::uint32_t least = kMost;
      for (const Entry& e : set) least = std::min<std::uint32_t>(least, e.count);
      return least;
    };
    struct Sum {
      std::uint32_t tag, count, error;
    };
    std::array<Sum, 2 * kWays> sums;
    std::size_t size = 0;
    const std::uint32_t mine = missing(sets_[s]), theirs = missing(other.sets_[s]);
    for (const Entry& e : sets_[s]) {
      if (e.count != 0) sums[size++] = {e.tag, e.count + theirs, e.error + theirs};
    }
    const std::size_t own = size;
    for (const Entry& e : other.sets_[s]) {
      if (e.count == 0) continue;
      const auto same = std::find_if(sums.begin(), sums.begin() + own,
                                     [&e](const Sum& sum) { return sum.tag == e.tag; });
      if (same != sums.begin() + own) {
        same->count += e.count - theirs;
        same->error += e.error - theirs;
      } else {
        sums[size++] = {e.tag, e.count + mine, e.error + mine};
      }
    }
    std::sort(sums.begin(), sums.begin() + size, [](const Sum& a, const Sum& b) {
      return a.count != b.count ? a.count > b.count : a.tag < b.tag;
    });
    for (std::size_t i = 0; i < kWays; ++i) {
      sets_[s][i] =
          i < size ? Entry{sums[i].tag, Saturate(sums[i].count), Saturate(sums[i].error)} : Entry{};
    }
  }
}

std::size_t HeavyHitters::CountAtLeast(std::uint32_t count) const noexcept {
  std::size_t n = 0;
  for (const auto& set : sets_) {
    for (const Entry& e : set)
      n += e.count != 0 && static_cast<std::uint32_t>(e.count - e.error) >= count;
  }
  return n;
}

bool HeavyHitters::Valid() const noexcept {
  for (const auto& set : sets_) {
    for (std::size_t i = 0; i < kWays; ++i) {
      const Entry& e = set[i];
      if (e.error > e.count || (e.count == 0 && e.tag != 0)) return false;
      // A term has one entry: Merge counts on it.
      for (std::size_t j = 0; j < i; ++j) {
        if (e.count != 0 && set[j].count != 0 && set[j].tag == e.tag) return false;
      }
    }
  }
  return true;
}

std::string HeavyHitters::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(kKind, key_id, *this);
}

Result<HeavyHitters> HeavyHitters::Parse(std::string_view bytes, std::uint64_t key_id) {
  return wire::Unframed<HeavyHitters>(kKind, key_id, bytes);
}

}  // namespace distillwatch
