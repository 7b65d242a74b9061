// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "text/term_sample.h"

#include <algorithm>

#include "simd/kernels.h"

namespace distillwatch::text {

void TermSample::Clear() noexcept {
  mask_ = 0;
  size_ = 0;
  places_ = {};
}

void TermSample::Insert(std::span<const std::uint64_t> terms) noexcept {
  constexpr std::size_t kAtOnce = 64;
  const auto keep_zero = simd::Active().keep_zero;
  std::array<std::uint64_t, kAtOnce + simd::kKeepRoom> kept;
  while (!terms.empty()) {
    const std::uint64_t* some = terms.data();
    std::size_t size = std::min(terms.size(), kAtOnce);
    terms = terms.subspan(size);
    while (size > 0) {
      if (mask_ != 0) {
        size = keep_zero(some, size, mask_, kept.data());
        some = kept.data();
      }
      const std::size_t inserted = InsertSampled({some, size});
      some += inserted;
      size -= inserted;
      if (size > 0) Thin();
    }
  }
}

// Returns how many it has looked at; the next one is new, and there is no room for it.
std::size_t TermSample::InsertSampled(std::span<const std::uint64_t> terms) noexcept {
  std::size_t size = size_;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::uint64_t term = terms[i];
    std::size_t place = PlaceOf(term);
    // In arithmetic, lest it becomes a branch: all ones where the place is free, else 0.
    const auto free_at = [&](std::size_t at) {
      return 0 - ((std::uint64_t{places_[at]} - 1) >> 63);
    };
    // Another term is there.
    while (((terms_[places_[place]] ^ term) & ~free_at(place)) != 0) place = (place + 1) % kPlaces;
    const std::uint64_t is_new = free_at(place);
    if (size == kMost) {
      if (is_new == 0) continue;
      size_ = size;
      return i;
    }
    terms_[size + 1] = term;
    size -= is_new;
    places_[place] = static_cast<std::uint8_t>(places_[place] | (size & is_new));
  }
  size_ = size;
  return terms.size();
}

void TermSample::Thin() noexcept {
  mask_ = mask_ << 1 | 2;
  places_ = {};
  std::size_t kept = 0;
  for (std::size_t i = 1; i <= size_; ++i) {
    terms_[kept + 1] = terms_[i];
    kept += (terms_[i] & mask_) == 0 ? 1 : 0;
  }
  size_ = kept;
  for (std::size_t i = 1; i <= size_; ++i) {
    std::size_t place = PlaceOf(terms_[i]);
    while (places_[place] != 0) place = (place + 1) % kPlaces;
    places_[place] = static_cast<std::uint8_t>(i);
  }
}

}  // namespace distillwatch::text
