// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace distillwatch::score {
namespace {

// Gradient and curvature of the logistic loss, summed over rows.
struct Slope {
  double gradient = 0, curvature = 0;
  Slope& operator+=(const Slope& other) {
    gradient += other.gradient;
    curvature += other.curvature;
    return *this;
  }
  Slope operator-(const Slope& other) const {
    return {gradient - other.gradient, curvature - other.curvature};
  }
  double Gain(double ridge) const { return gradient * gradient / (curvature + ridge); }
  double Step(double ridge) const { return -gradient / (curvature + ridge); }
};

// All rows of both sides, by column, with their running score.
class Problem {
 public:
  Problem(const Rows& positives, const Rows& unlabelled, const FitOptions& options)
      : options_(options), features_(positives.features), size_(positives.size() + unlabelled.size()) {
    columns_.resize(features_ * size_);
    std::size_t i = 0;
    for (const Rows* side : {&positives, &unlabelled}) {
      const double total = std::accumulate(side->weights.begin(), side->weights.end(), 0.0);
      for (std::size_t r = 0; r < side->size(); ++r, ++i) {
        const auto row = side->row(r);
        for (std::size_t f = 0; f < features_; ++f) columns_[f * size_ + i] = row[f];
        // Weights are scaled so that a mean row weighs 1.
        weights_.push_back(side->weights[r] / total * static_cast<double>(size_) / 2);
        positive_.push_back(side == &positives);
      }
    }
    score_.assign(size_, 0);
    slopes_.resize(size_);
    ridge_ = options.ridge / 4;  // the curvature of a row of weight 1 is at most a quarter
  }

  void Boost(Shapes& shapes) {
    shapes.main.assign(features_, {});
    for (int round = 0; round < options_.main_rounds; ++round) {
      for (std::size_t f = 0; f < features_; ++f) BoostMain(f, shapes.main[f]);
    }
    ChoosePairs(shapes);
    for (int round = 0; round < options_.pair_rounds; ++round) {
      for (std::size_t p = 0; p < shapes.pairs.size(); ++p) BoostPair(shapes.pairs[p], shapes.pair_tables[p]);
    }
  }

 private:
  std::span<const std::uint8_t> column(std::size_t f) const { return {columns_.data() + f * size_, size_}; }

  Slope SlopeOf(std::size_t i) const {
    const double p = 1 / (1 + std::exp(-score_[i]));
    return {weights_[i] * (p - (positive_[i] ? 1 : 0)), weights_[i] * std::max(p * (1 - p), 1e-4)};
  }

  // One small tree (at most four leaves and one for unknown values) on one feature.
  void BoostMain(std::size_t f, std::array<float, kBinsAndUnknown>& shape) {
    std::array<Slope, kBinsAndUnknown> at{};
    const auto bins = column(f);
    for (std::size_t i = 0; i < size_; ++i) at[bins[i]] += SlopeOf(i);

    std::array<double, kBinsAndUnknown> step{};
    step[kUnknownBin] = at[kUnknownBin].Step(ridge_);
    struct Leaf {
      std::size_t begin, end;
    };
    std::vector<Leaf> leaves = {{0, kBins}};
    while (leaves.size() < 4) {
      double best_gain = 1e-9;
      std::size_t best_leaf = 0, best_cut = 0;
      for (std::size_t l = 0; l < leaves.size(); ++l) {
        Slope all, left;
        for (std::size_t b = leaves[l].begin; b < leaves[l].end; ++b) all += at[b];
        for (std::size_t b = leaves[l].begin; b + 1 < leaves[l].end; ++b) {
          left += at[b];
          const double gain = left.Gain(ridge_) + (all - left).Gain(ridge_) - all.Gain(ridge_);
          if (gain > best_gain) best_gain = gain, best_leaf = l, best_cut = b + 1;
        }
      }
      if (best_cut == 0) break;
      leaves.push_back({best_cut, leaves[best_leaf].end});
      leaves[best_leaf].end = best_cut;
    }
    for (const Leaf& leaf : leaves) {
      Slope all;
      for (std::size_t b = leaf.begin; b < leaf.end; ++b) all += at[b];
      std::fill(step.begin() + static_cast<std::ptrdiff_t>(leaf.begin),
                step.begin() + static_cast<std::ptrdiff_t>(leaf.end), all.Step(ridge_));
    }
    for (std::size_t b = 0; b < kBinsAndUnknown; ++b) shape[b] += static_cast<float>(step[b] *= options_.learning_rate);
    for (std::size_t i = 0; i < size_; ++i) score_[i] += step[bins[i]];
  }

  using PairSlopes = std::array<Slope, kCoarse * kCoarse>;

  PairSlopes SlopesOf(Pair pair) const {
    PairSlopes at{};
    const auto a = column(pair.first), b = column(pair.second);
    for (std::size_t i = 0; i < size_; ++i) at[Coarse(a[i]) * kCoarse + Coarse(b[i])] += slopes_[i];
    return at;
  }

  // What one step of a two-by-two table on the pair would win at its best cuts.
  double PairGain(const PairSlopes& at) const {
    std::array<Slope, (kCoarse + 1) * (kCoarse + 1)> below{};  // sums over [0, i) x [0, j)
    const auto index = [](std::size_t i, std::size_t j) { return i * (kCoarse + 1) + j; };
    for (std::size_t i = 0; i < kCoarse; ++i) {
      for (std::size_t j = 0; j < kCoarse; ++j) {
        Slope sum = at[i * kCoarse + j];
        sum += below[index(i, j + 1)];
        sum += below[index(i + 1, j)] - below[index(i, j)];
        below[index(i + 1, j + 1)] = sum;
      }
    }
    const Slope all = below[index(kCoarse, kCoarse)];
    double best = 0;
    for (std::size_t i = 1; i < kCoarse; ++i) {
      for (std::size_t j = 1; j < kCoarse; ++j) {
        const Slope low_low = below[index(i, j)], low = below[index(i, kCoarse)], left = below[index(kCoarse, j)];
        const Slope low_high = low - low_low, high_low = left - low_low;
        const Slope high_high = (all - low) - high_low;
        // Against what the two features could win alone, which main effects have already won.
        const double gain = low_low.Gain(ridge_) + low_high.Gain(ridge_) + high_low.Gain(ridge_) +
                            high_high.Gain(ridge_) - low.Gain(ridge_) - (all - low).Gain(ridge_);
        best = std::max(best, gain);
      }
    }
    return best;
  }

  void Refresh() {
    for (std::size_t i = 0; i < size_; ++i) slopes_[i] = SlopeOf(i);
  }

  void ChoosePairs(Shapes& shapes) {
    struct Candidate {
      double gain;
      Pair pair;
    };
    std::vector<Candidate> candidates;
    Refresh();
    for (std::uint32_t a = 0; a < features_; ++a) {
      for (std::uint32_t b = a + 1; b < features_; ++b) {
        candidates.push_back({PairGain(SlopesOf({a, b})), {a, b}});
      }
    }
    const std::size_t keep = std::min(options_.pairs, candidates.size());
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& x, const Candidate& y) { return x.gain > y.gain; });
    for (std::size_t i = 0; i < keep; ++i) shapes.pairs.push_back(candidates[i].pair);
    shapes.pair_tables.assign(keep, {});
  }

  void BoostPair(Pair pair, std::array<float, kCoarse * kCoarse>& table) {
    Refresh();
    const PairSlopes at = SlopesOf(pair);
    std::array<double, kCoarse * kCoarse> step;
    for (std::size_t c = 0; c < step.size(); ++c) {
      step[c] = options_.learning_rate * at[c].Step(ridge_);
      table[c] += static_cast<float>(step[c]);
    }
    const auto a = column(pair.first), b = column(pair.second);
    for (std::size_t i = 0; i < size_; ++i) score_[i] += step[Coarse(a[i]) * kCoarse + Coarse(b[i])];
  }

  FitOptions options_;
  std::size_t features_, size_;
  std::vector<std::uint8_t> columns_;
  std::vector<double> weights_;
  std::vector<bool> positive_;
  std::vector<double> score_;
  std::vector<Slope> slopes_;
  double ridge_ = 0;
};

}  // namespace

Shapes Fit(const Rows& positives, const Rows& unlabelled, const FitOptions& options) {
  Shapes shapes;
  Problem(positives, unlabelled, options).Boost(shapes);
  return shapes;
}

}  // namespace distillwatch::score
