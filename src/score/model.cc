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
  points_.clear();
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
      const auto self = static_cast<std::uint32_t>(steps_.size());
      Step& step = steps_.emplace_back();
      step.left = node.left == 0 ? self : root + node.left;
      step.feature = node.feature;
      for (std::uint8_t bin = 0; node.left != 0 && bin < kBinsAndUnknown; ++bin)
        step.right |= std::uint64_t{!node.GoesLeft(bin)} << bin;
      std::array<Points, kEpochs>& points = points_.emplace_back();
      for (std::size_t e = 0; e < kEpochs; ++e)
        points[e] = ToPoints(node.value / unit[e], kMostValue);
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
  // Some trees at once: a way's next step is hard to guess, and waits for memory.
  constexpr std::size_t kAtOnce = 16;
  Points sum = offset_[epoch];
  std::array<std::uint32_t, kAtOnce> at;
  for (std::size_t first = 0; first < roots_.size(); first += kAtOnce) {
    const std::size_t trees = std::min(kAtOnce, roots_.size() - first);
    for (std::size_t i = 0; i < kAtOnce; ++i) at[i] = roots_[first + std::min(i, trees - 1)];
    std::uint32_t moved = 1;
    while (moved != 0) {
      moved = 0;
      for (std::uint32_t& step : at) {
        const std::uint32_t next = steps_[step].Next(bins);
        moved |= next ^ step;
        step = next;
      }
    }
    for (std::size_t i = 0; i < trees; ++i) sum += points_[at[i]][epoch];
  }
  return std::clamp(sum, kLeastScore, kMostScore);
}

Model::Parts Model::Explain(std::size_t epoch, std::span<const std::uint8_t> bins) const {
  Parts parts;
  parts.base = offset_[epoch];
  parts.by_feature.assign(features_, 0);
  for (std::uint32_t at : roots_) {
    parts.base += points_[at][epoch];
    for (std::uint32_t next = steps_[at].Next(bins); next != at;
         at = next, next = steps_[at].Next(bins)) {
      parts.by_feature[steps_[at].feature] += points_[next][epoch] - points_[at][epoch];
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
