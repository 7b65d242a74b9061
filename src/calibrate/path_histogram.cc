// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/path_histogram.h"

#include <algorithm>

namespace distillwatch::calibrate {

std::size_t PathHistogram::BinOf(Points score) noexcept {
  const std::int64_t above =
      std::int64_t{std::clamp(score, score::kLeastScore, score::kMostScore)} - score::kLeastScore;
  const std::int64_t range = std::int64_t{score::kMostScore} - score::kLeastScore;
  return std::min<std::size_t>(
      static_cast<std::size_t>(above * static_cast<std::int64_t>(kBins) / range), kBins - 1);
}

void PathHistogram::Add(Points path_maximum) noexcept {
  ++counts_[BinOf(path_maximum)];
  ++accounts_;
}

bool PathHistogram::Remove(Points path_maximum) noexcept {
  std::uint64_t& count = counts_[BinOf(path_maximum)];
  if (count == 0) return false;
  --count;
  --accounts_;
  return true;
}

void PathHistogram::Merge(const PathHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBins; ++i) counts_[i] += other.counts_[i];
  accounts_ += other.accounts_;
}

PathHistogram PathHistogram::Without(const PathHistogram& other) const noexcept {
  PathHistogram left;
  for (std::size_t i = 0; i < kBins; ++i) {
    left.counts_[i] = counts_[i] - std::min(counts_[i], other.counts_[i]);
    left.accounts_ += left.counts_[i];
  }
  return left;
}

std::uint64_t PathHistogram::CountAtLeast(Points score) const noexcept {
  std::uint64_t count = 0;
  for (std::size_t i = BinOf(score); i < kBins; ++i) count += counts_[i];
  return count;
}

bool PathHistogram::Valid() const noexcept {
  constexpr std::uint64_t kMost = std::uint64_t{1}
                                  << 48;  // no sum of so few so small counts overflows
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts_) {
    if (count > kMost) return false;
    sum += count;
  }
  return sum == accounts_;
}

}  // namespace distillwatch::calibrate
