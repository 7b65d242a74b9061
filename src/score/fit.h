// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Fit: boosts the trees of a Model, harvesting accounts (generated) against the operator's own
// unlabelled ones.
//
// Positive-unlabelled learning: the few harvesters among the unlabelled accounts cost power, never
// the promise, because calibration happens on other accounts. Deterministic: no random draw, no
// threads. Paper      A. Marandon et al., Adaptive novelty detection with false discovery rate
// guarantee, 2024;
//            J. Friedman 2001; T. Chen, C. Guestrin, XGBoost, KDD 2016 (second-order gain).
// Tested by  tests/score/fit_test.cc

#ifndef DISTILLWATCH_SRC_SCORE_FIT_H_
#define DISTILLWATCH_SRC_SCORE_FIT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "score/model.h"
#include "score/ranks.h"

namespace distillwatch::score {

struct FitOptions {
  std::size_t trees = 400;
  std::size_t leaves = 16;  // of a tree, at most
  double learning_rate = 0.06;
  double ridge = 10;        // added to the curvature of every node, in rows
  double least_rows = 100;  // in a leaf, by weight
};

// Rows of features already ranked, one after the other.
struct Rows {
  std::size_t features = 0;
  std::vector<std::uint8_t> bins{};
  std::vector<double> weights{};
  std::size_t size() const { return weights.size(); }
  std::span<const std::uint8_t> row(std::size_t i) const {
    return {bins.data() + i * features, features};
  }
  void Add(std::span<const std::uint8_t> row, double weight) {
    bins.insert(bins.end(), row.begin(), row.end());
    weights.push_back(weight);
  }
};

// Both sides are given the same total weight; when one has none, the trees say nothing. Both have
// the same number of features, at least 1.
//   Cost  O(trees x log(leaves) x rows x features)
std::vector<Tree> Fit(const Rows& positives, const Rows& unlabelled,
                      const FitOptions& options = {});

}  // namespace distillwatch::score

#endif  // DISTILLWATCH_SRC_SCORE_FIT_H_
