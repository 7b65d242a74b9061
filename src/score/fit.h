// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Fit: boosts the shape functions of a Model, harvesting accounts (generated) against the operator's own
// unlabelled ones.
//
// Positive-unlabelled learning: the few harvesters among the unlabelled accounts cost power, never the
// promise, because calibration happens on other accounts. Deterministic: no random draw, no threads.
// Paper      D. Marandon et al., Adaptive novelty detection with false discovery rate guarantee, 2024;
//            J. Friedman, Greedy function approximation, 2001; Y. Lou et al., KDD 2013.
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
  int main_rounds = 250;   // over all features
  int pair_rounds = 120;   // over all chosen pairs
  std::size_t pairs = 40;
  double learning_rate = 0.08;
  double ridge = 8;        // added to every leaf's weight, in rows
};

// Rows of features already ranked, one after the other.
struct Rows {
  std::size_t features = 0;
  std::vector<std::uint8_t> bins{};
  std::vector<double> weights{};
  std::size_t size() const { return weights.size(); }
  std::span<const std::uint8_t> row(std::size_t i) const { return {bins.data() + i * features, features}; }
  void Add(std::span<const std::uint8_t> row, double weight) {
    bins.insert(bins.end(), row.begin(), row.end());
    weights.push_back(weight);
  }
};

// Both sides are given the same total weight. Neither may be empty.
Shapes Fit(const Rows& positives, const Rows& unlabelled, const FitOptions& options = {});

}  // namespace distillwatch::score

#endif  // DISTILLWATCH_SRC_SCORE_FIT_H_
