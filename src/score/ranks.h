// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Ranks: features as places among the reference accounts of the same age.
//
// A feature's value falls into one of 44 bins whose edges are quantiles of the reference, finer in
// the tails; a value that is not known has a bin of its own. Ranks have no unit and no outliers.
// Tested by  tests/score/ranks_test.cc

#ifndef DISTILLWATCH_SRC_SCORE_RANKS_H_
#define DISTILLWATCH_SRC_SCORE_RANKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace distillwatch::score {

// An account's age in requests: 16 to 31, 32 to 63, 64 to 127, 128 to 255, 256 and more.
inline constexpr std::size_t kEpochs = 5;
inline constexpr std::uint32_t kFirstLook = 16;
std::size_t EpochOf(std::uint32_t requests) noexcept;

inline constexpr std::size_t kBins = 44;
inline constexpr std::size_t kUnknownBin = kBins;
inline constexpr std::size_t kBinsAndUnknown = kBins + 1;

// The features of one account at one look.
struct Look {
  std::uint64_t account = 0;
  std::int64_t time_us = 0;
  std::uint32_t requests = 0;
  std::vector<float> features;
};

class Ranks {
 public:
  // Edges from at most one look of an account and epoch. Features that an epoch never shows have no
  // edges there, and all their values are unknown.
  static Ranks Learn(std::span<const Look* const> looks, std::size_t features);

  std::size_t features() const noexcept { return features_; }
  std::uint8_t Bin(std::size_t epoch, std::size_t feature, float value) const noexcept;
  // The share of reference accounts below the middle of the bin, in (0, 1).
  static float Place(std::uint8_t bin) noexcept;

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.features_, self.edges_);
  }

 private:
  using Edges = std::array<float, kBins - 1>;
  std::uint32_t features_ = 0;
  std::vector<Edges> edges_;  // by epoch, then feature; NaN when the epoch never shows the feature
};

}  // namespace distillwatch::score

#endif  // DISTILLWATCH_SRC_SCORE_RANKS_H_
