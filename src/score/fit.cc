// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace distillwatch::score {
namespace {

// Gradient and curvature of the logistic loss and weight, summed over rows.
struct Slope {
  double gradient = 0, curvature = 0, weight = 0;
  Slope& operator+=(const Slope& other) {
    gradient += other.gradient;
    curvature += other.curvature;
    weight += other.weight;
    return *this;
  }
  Slope operator-(const Slope& other) const {
    return {gradient - other.gradient, curvature - other.curvature, weight - other.weight};
  }
};

// Slopes by feature and bin, of the rows of one node.
using Histogram = std::vector<std::array<Slope, kBinsAndUnknown>>;

struct Split {
  double gain = 0;
  std::uint8_t feature = 0, last_left = 0;
};

// A leaf that may still be split: its rows are [begin, end) of the order.
struct Leaf {
  std::size_t node = 0, begin = 0, end = 0;
  Slope sum;
  Split split;
  Histogram histogram;
};

class Booster {
 public:
  Booster(const Rows& positives, const Rows& unlabelled, const FitOptions& options)
      : options_(options),
        features_(positives.features),
        rows_(positives.size() + unlabelled.size()) {
    columns_.resize(features_ * rows_);
    const auto total_of = [](const Rows& side) {
      return std::accumulate(side.weights.begin(), side.weights.end(), 0.0);
    };
    const bool both = total_of(positives) > 0 && total_of(unlabelled) > 0;
    std::size_t i = 0;
    for (const Rows* side : {&positives, &unlabelled}) {
      const double total = total_of(*side);
      for (std::size_t r = 0; r < side->size(); ++r, ++i) {
        const auto row = side->row(r);
        for (std::size_t f = 0; f < features_; ++f) columns_[f * rows_ + i] = row[f];
        // Scaled so that a mean row weighs 1.
        weights_.push_back(both ? side->weights[r] / total * static_cast<double>(rows_) / 2 : 0);
        targets_.push_back(side == &positives ? 1 : 0);
      }
    }
    scores_.assign(rows_, 0);
    slopes_.resize(rows_);
    order_.resize(rows_);
  }

  Tree Grow() {
    for (std::size_t i = 0; i < rows_; ++i) {
      const double p = 1 / (1 + std::exp(-scores_[i]));
      slopes_[i] = {weights_[i] * (p - targets_[i]), weights_[i] * std::max(p * (1 - p), 1e-4),
                    weights_[i]};
    }
    std::iota(order_.begin(), order_.end(), 0);
    Tree tree;
    std::vector<Leaf> leaves;
    leaves.push_back(MakeLeaf(tree, 0, rows_, HistogramOf(0, rows_)));
    while (leaves.size() < options_.leaves) {
      const auto best = std::max_element(
          leaves.begin(), leaves.end(),
          [](const Leaf& a, const Leaf& b) { return a.split.gain < b.split.gain; });
      if (best->split.gain <= 1e-9) break;
      Leaf parent = std::move(*best);
      leaves.erase(best);
      SplitLeaf(tree, std::move(parent), leaves);
    }
    for (const Leaf& leaf : leaves) {
      for (std::size_t i = leaf.begin; i < leaf.end; ++i)
        scores_[order_[i]] += tree.nodes[leaf.node].value;
    }
    return tree;
  }

 private:
  // The step that the loss asks for, and how much it wins; nothing where nobody weighs anything.
  double Step(const Slope& s) const {
    const double curvature = s.curvature + options_.ridge;
    return curvature > 1e-9 ? -s.gradient / curvature : 0;
  }
  double Gain(const Slope& s) const { return -s.gradient * Step(s); }

  Histogram HistogramOf(std::size_t begin, std::size_t end) const {
    Histogram histogram(features_);
    for (std::size_t f = 0; f < features_; ++f) {
      const std::uint8_t* const column = columns_.data() + f * rows_;
      for (std::size_t i = begin; i < end; ++i)
        histogram[f][column[order_[i]]] += slopes_[order_[i]];
    }
    return histogram;
  }

  // Every bin as the last one to go left, with the unknown on either side; the last bin of all
  // parts the known from the unknown.
  Split BestSplit(const Leaf& leaf) const {
    Split best;
    const double whole = Gain(leaf.sum);
    for (std::size_t f = 0; f < features_; ++f) {
      const auto& bins = leaf.histogram[f];
      Slope known_left;
      for (std::size_t b = 0; b < kBins; ++b) {
        known_left += bins[b];
        for (const bool unknown_left : {true, false}) {
          Slope left = known_left;
          if (unknown_left) left += bins[kUnknownBin];
          const Slope right = leaf.sum - left;
          if (left.weight < options_.least_rows || right.weight < options_.least_rows) continue;
          const double gain = Gain(left) + Gain(right) - whole;
          if (gain > best.gain) {
            best = {gain, static_cast<std::uint8_t>(f),
                    static_cast<std::uint8_t>(b | (unknown_left ? Node::kUnknownLeft : 0))};
          }
        }
      }
    }
    return best;
  }

  Leaf MakeLeaf(Tree& tree, std::size_t begin, std::size_t end, Histogram histogram) {
    Leaf leaf;
    leaf.node = tree.nodes.size();
    leaf.begin = begin;
    leaf.end = end;
    for (const Slope& s : histogram[0]) leaf.sum += s;
    leaf.histogram = std::move(histogram);
    leaf.split = BestSplit(leaf);
    Node& node = tree.nodes.emplace_back();
    node.value = static_cast<float>(options_.learning_rate * Step(leaf.sum));
    return leaf;
  }

  void SplitLeaf(Tree& tree, Leaf parent, std::vector<Leaf>& leaves) {
    Node rule{.left = static_cast<std::uint16_t>(tree.nodes.size()),
              .feature = parent.split.feature,
              .last_left = parent.split.last_left};
    rule.value = tree.nodes[parent.node].value;
    tree.nodes[parent.node] = rule;
    const std::uint8_t* const column = columns_.data() + rule.feature * rows_;
    const auto middle = static_cast<std::size_t>(
        std::stable_partition(order_.begin() + static_cast<std::ptrdiff_t>(parent.begin),
                              order_.begin() + static_cast<std::ptrdiff_t>(parent.end),
                              [&](std::uint32_t i) { return rule.GoesLeft(column[i]); }) -
        order_.begin());
    // The smaller side is counted, the larger one is what is left of the parent.
    const bool left_is_smaller = middle - parent.begin < parent.end - middle;
    Histogram small =
        left_is_smaller ? HistogramOf(parent.begin, middle) : HistogramOf(middle, parent.end);
    Histogram large = std::move(parent.histogram);
    for (std::size_t f = 0; f < features_; ++f) {
      for (std::size_t b = 0; b < kBinsAndUnknown; ++b) large[f][b] = large[f][b] - small[f][b];
    }
    leaves.push_back(MakeLeaf(tree, parent.begin, middle,
                              left_is_smaller ? std::move(small) : std::move(large)));
    leaves.push_back(
        MakeLeaf(tree, middle, parent.end, left_is_smaller ? std::move(large) : std::move(small)));
  }

  FitOptions options_;
  std::size_t features_, rows_;
  std::vector<std::uint8_t> columns_;
  std::vector<double> weights_, targets_, scores_;
  std::vector<Slope> slopes_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::vector<Tree> Fit(const Rows& positives, const Rows& unlabelled, const FitOptions& options) {
  Booster booster(positives, unlabelled, options);
  std::vector<Tree> trees;
  for (std::size_t i = 0; i < options.trees; ++i) trees.push_back(booster.Grow());
  return trees;
}

}  // namespace distillwatch::score
