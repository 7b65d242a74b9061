// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Model: one additive score over ranked features. Every feature has a shape function (a table over its
// bins), a few pairs of features have a table of their own; the score is their sum, so that it decomposes
// into evidence without a remainder. Sums are in integers: exact, and the same on every machine
// [Model.EvidenceAddsUpExactly].
// Paper      Y. Lou, R. Caruana, J. Gehrke, G. Hooker, Accurate intelligible models with pairwise
//            interactions, KDD 2013.
// Tested by  tests/score/model_test.cc

#ifndef DISTILLWATCH_SRC_SCORE_MODEL_H_
#define DISTILLWATCH_SRC_SCORE_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "score/ranks.h"

namespace distillwatch::score {

// A score or a part of one, in 65536ths of the model's unit: 0 is the 95th percentile of the reference
// accounts of the same age, 1 unit is the distance from their median to it.
using Points = std::int32_t;
inline constexpr double kPointsPerUnit = 65536;
inline constexpr Points kLeastScore = static_cast<Points>(-8 * kPointsPerUnit);
inline constexpr Points kMostScore = static_cast<Points>(24 * kPointsPerUnit);

// Pairs see coarser bins: 11 of four, and one for unknown.
inline constexpr std::size_t kCoarse = 12;
constexpr std::size_t Coarse(std::uint8_t bin) noexcept { return bin == kUnknownBin ? kCoarse - 1 : bin / 4u; }

struct Pair {
  std::uint32_t first = 0, second = 0;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.first, self.second);
  }
};

// Shape functions in natural units (log odds), as fitted. One for all ages.
struct Shapes {
  float base = 0;
  std::vector<std::array<float, kBinsAndUnknown>> main;           // by feature
  std::vector<Pair> pairs;
  std::vector<std::array<float, kCoarse * kCoarse>> pair_tables;  // by pair
  double Evaluate(std::span<const std::uint8_t> bins) const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.base, self.main, self.pairs, self.pair_tables);
  }
};

// What the unlabelled accounts of one age score: makes scores of different ages comparable.
struct Scale {
  float median = 0, p95 = 1;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.median, self.p95);
  }
};

class Model {
 public:
  Model() = default;
  Model(Shapes shapes, const std::array<Scale, kEpochs>& scales);

  std::size_t features() const noexcept { return shapes_.main.size(); }

  // The score's parts: by_feature[f] belongs to feature f (half of a pair's value each), the rest is base.
  struct Parts {
    Points base = 0;
    std::vector<Points> by_feature;
  };
  Parts Explain(std::size_t epoch, std::span<const std::uint8_t> bins) const;

  // base + all parts, cut to [kLeastScore, kMostScore].
  //   Cost  O(features + pairs), no allocation
  Points Score(std::size_t epoch, std::span<const std::uint8_t> bins) const noexcept;

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.shapes_, self.scales_);
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(self)>>) self.Tabulate();
  }

 private:
  // Fills the tables from shapes and scales, if those are valid.
  void Tabulate();

  Shapes shapes_;
  std::array<Scale, kEpochs> scales_{};
  // In points, scaled for each age.
  std::array<Points, kEpochs> base_{};
  std::vector<std::array<Points, kBinsAndUnknown>> main_;           // by epoch, then feature
  std::vector<std::array<Points, kCoarse * kCoarse>> pair_tables_;  // by epoch, then pair; even numbers
};

}  // namespace distillwatch::score

#endif  // DISTILLWATCH_SRC_SCORE_MODEL_H_
