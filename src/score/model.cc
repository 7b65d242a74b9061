// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace distillwatch::score {
namespace {

// No value of a node is larger than this, so that no sum of kMostTrees of them overflows.
constexpr Points kMostValue = 1 << 18;
// The most that the steps of a row's ways through all trees may add up to, without their signs.
constexpr double kMostEvidence = 1 << 30;
constexpr double kLeastUnit = 0.05;

Points ToPoints(double units, Points most) {
  return static_cast<Points>(
      std::lround(std::clamp(units * kPointsPerUnit, -double(most), double(most))));
}

double UnitOf(const Scale& scale) {
  return std::max(double{scale.p95} - double{scale.median}, kLeastUnit);
}

// The longest way through a tree, in points: its root's value and all steps, without their signs.
double LongestWay(const Tree& tree, double points_per_log_odds) {
  std::vector<double> way(tree.nodes.size(), 0);
  way[0] = std::min<double>(std::abs(tree.nodes[0].value * points_per_log_odds), kMostValue);
  double longest = way[0];
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Node& node = tree.nodes[i];
    if (node.left == 0) continue;
    for (const std::size_t child : {node.left + 0u, node.left + 1u}) {
      const double step = (double{tree.nodes[child].value} - node.value) * points_per_log_odds;
      // And a point, because either end is rounded.
      way[child] =
          std::max(way[child], way[i] + 1 + std::min<double>(std::abs(step), 2 * kMostValue));
      longest = std::max(longest, way[child]);
    }
  }
  return longest;
}

}  // namespace

Model::Model(std::size_t features, std::vector<Tree> trees,
             const std::array<Scale, kEpochs>& scales)
    : features_(static_cast<std::uint32_t>(features)), trees_(std::move(trees)), scales_(scales) {
  Tabulate();
}

void Model::Tabulate() {
  steps_.clear();
  roots_.clear();
  if (!Valid()) return;
  std::array<double, kEpochs> unit;
  for (std::size_t e = 0; e < kEpochs; ++e) {
    unit[e] = UnitOf(scales_[e]);
    offset_[e] = ToPoints(-scales_[e].p95 / unit[e], kMostScore);
  }
  for (const Tree& tree : trees_) {
    const auto root = static_cast<std::uint32_t>(steps_.size());
    roots_.push_back(root);
    for (const Node& node : tree.nodes) {
      Step& step = steps_.emplace_back();
      step.left = node.left == 0 ? 0 : root + node.left;
      step.feature = node.feature;
      step.last_left = node.last_left;
      for (std::size_t e = 0; e < kEpochs; ++e)
        step.points[e] = ToPoints(node.value / unit[e], kMostValue);
    }
  }
}

double Model::LogOdds(std::span<const std::uint8_t> bins) const noexcept {
  double sum = 0;
  for (const Tree& tree : trees_) {
    const Node* node = &tree.nodes[0];
    while (node->left != 0) {
      node = &tree.nodes[node->left + (node->GoesLeft(bins[node->feature]) ? 0u : 1u)];
    }
    sum += node->value;
  }
  return sum;
}

Points Model::Score(std::size_t epoch, std::span<const std::uint8_t> bins) const noexcept {
  Points sum = offset_[epoch];
  for (const std::uint32_t root : roots_) {
    const Step* step = &steps_[root];
    while (step->left != 0) {
      const Node node{.left = 0, .feature = step->feature, .last_left = step->last_left};
      step = &steps_[step->left + (node.GoesLeft(bins[step->feature]) ? 0u : 1u)];
    }
    sum += step->points[epoch];
  }
  return std::clamp(sum, kLeastScore, kMostScore);
}

Model::Parts Model::Explain(std::size_t epoch, std::span<const std::uint8_t> bins) const {
  Parts parts;
  parts.base = offset_[epoch];
  parts.by_feature.assign(features_, 0);
  for (const std::uint32_t root : roots_) {
    const Step* step = &steps_[root];
    parts.base += step->points[epoch];
    while (step->left != 0) {
      const Node node{.left = 0, .feature = step->feature, .last_left = step->last_left};
      const Step* child = &steps_[step->left + (node.GoesLeft(bins[step->feature]) ? 0u : 1u)];
      parts.by_feature[step->feature] += child->points[epoch] - step->points[epoch];
      step = child;
    }
  }
  return parts;
}

bool Model::Valid() const {
  if (features_ == 0 || features_ > kMostFeatures || trees_.empty() || trees_.size() > kMostTrees)
    return false;
  for (const Scale& s : scales_) {
    if (!std::isfinite(s.median) || !std::isfinite(s.p95)) return false;
  }
  double unit = std::numeric_limits<double>::infinity(), evidence = 0;
  for (const Scale& s : scales_) unit = std::min(unit, UnitOf(s));
  for (const Tree& tree : trees_) {
    if (tree.nodes.empty() || tree.nodes.size() > 0xffff) return false;
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const Node& node = tree.nodes[i];
      // Children lie behind their parent, so every walk ends.
      const bool leaf = node.left == 0;
      if (!std::isfinite(node.value) || node.feature >= features_) return false;
      if (!leaf && (node.left <= i || node.left + 1u >= tree.nodes.size())) return false;
    }
    evidence += LongestWay(tree, kPointsPerUnit / unit);
  }
  return evidence <= kMostEvidence;
}

}  // namespace distillwatch::score
