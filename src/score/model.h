// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Model: one score over ranked features, a sum of small decision trees that decomposes into
// evidence without a remainder.
//
// Every node of a tree has a value. Where a tree asks for a feature, the step from the node's value
// to the chosen child's is that feature's evidence; so base and evidence add up to the score
// exactly, in integers, the same on every machine [Model.EvidenceAddsUpExactly].
//
// A sum of shape functions of single features (and of forty pairs) was the first choice and
// explains itself more simply; it lost too much power (src/README.md, dead ends). Paper      J.
// Friedman, Greedy function approximation: a gradient boosting machine, 2001; A. Saabas,
//            Interpreting random forests, 2014 (the decomposition along paths).
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

// A score or a part of one, in 65536ths of the model's unit: 0 is the 95th percentile of the
// reference accounts of the same age, 1 unit is the distance from their median to it.
using Points = std::int32_t;
inline constexpr double kPointsPerUnit = 65536;
inline constexpr Points kLeastScore = static_cast<Points>(-8 * kPointsPerUnit);
inline constexpr Points kMostScore = static_cast<Points>(24 * kPointsPerUnit);

// A node of a tree. Nodes lie before their children; left + 1 is the right child.
struct Node {
  float value = 0;         // log odds, of the accounts that come this far
  std::uint16_t left = 0;  // index within the tree; 0: a leaf
  std::uint8_t feature = 0;
  std::uint8_t last_left = 0;  // the last bin that goes left; unknown goes left when bit 7 is set

  static constexpr std::uint8_t kUnknownLeft = 0x80;
  bool GoesLeft(std::uint8_t bin) const noexcept {
    return bin == kUnknownBin ? (last_left & kUnknownLeft) != 0
                              : bin <= (last_left & ~kUnknownLeft);
  }
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.value, self.left, self.feature, self.last_left);
  }
};

struct Tree {
  std::vector<Node> nodes;  // the root is the first
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.nodes);
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
  static constexpr std::size_t kMostTrees = 4096, kMostFeatures = 128;

  Model() = default;
  Model(std::size_t features, std::vector<Tree> trees, const std::array<Scale, kEpochs>& scales);

  std::size_t features() const noexcept { return features_; }

  // Log odds as fitted, before scores of different ages are made comparable.
  double LogOdds(std::span<const std::uint8_t> bins) const noexcept;

  struct Parts {
    Points base = 0;
    std::vector<Points> by_feature;
  };
  Parts Explain(std::size_t epoch, std::span<const std::uint8_t> bins) const;

  // base + all parts, cut to [kLeastScore, kMostScore].
  //   Cost  O(trees x depth), no allocation
  Points Score(std::size_t epoch, std::span<const std::uint8_t> bins) const noexcept;

  // No walk through a tree goes astray and no evidence overflows
  // [Model.EvidenceThatWouldOverflowIsNotValid].
  bool Valid() const;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.features_, self.trees_, self.scales_);
    if constexpr (!std::is_const_v<std::remove_reference_t<decltype(self)>>) self.Tabulate();
  }

 private:
  // A node as it is evaluated: where the way goes on from it. A leaf goes on to itself.
  struct Step {
    std::uint64_t right = 0;  // bit i: to the right of `left` when the feature is in bin i
    std::uint32_t left = 0;   // index into steps_
    std::uint32_t feature = 0;
    std::uint32_t Next(std::span<const std::uint8_t> bins) const noexcept {
      return left + static_cast<std::uint32_t>(right >> bins[feature] & 1);
    }
  };
  static_assert(kBinsAndUnknown <= 64);
  // Fills what follows from trees and scales, if those are valid.
  void Tabulate();

  std::uint32_t features_ = 0;
  std::vector<Tree> trees_;
  std::array<Scale, kEpochs> scales_{};
  std::vector<Step> steps_;                          // of all trees
  std::vector<std::array<Points, kEpochs>> points_;  // of every step, for every age
  std::vector<std::uint32_t> roots_;                 // index into steps_
  std::array<Points, kEpochs> offset_{};             // minus the age's 95th percentile
};

}  // namespace distillwatch::score

#endif  // DISTILLWATCH_SRC_SCORE_MODEL_H_
