// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/model.h"

#include <algorithm>
#include <cmath>

namespace distillwatch::score {
namespace {

// One part is never more than this, so that no sum of a valid model's parts overflows.
constexpr Points kMostPart = 1 << 19;
constexpr std::size_t kMostFeatures = 1024, kMostPairs = 512;

Points ToPoints(double units) {
  return static_cast<Points>(
      std::lround(std::clamp(units * kPointsPerUnit, -double{kMostPart}, double{kMostPart})));
}

std::size_t Cell(std::span<const std::uint8_t> bins, Pair pair) noexcept {
  return Coarse(bins[pair.first]) * kCoarse + Coarse(bins[pair.second]);
}

}  // namespace

double Shapes::Evaluate(std::span<const std::uint8_t> bins) const noexcept {
  double sum = base;
  for (std::size_t f = 0; f < main.size(); ++f) sum += main[f][bins[f]];
  for (std::size_t p = 0; p < pairs.size(); ++p) sum += pair_tables[p][Cell(bins, pairs[p])];
  return sum;
}

Model::Model(Shapes shapes, const std::array<Scale, kEpochs>& scales)
    : shapes_(std::move(shapes)), scales_(scales) {
  Tabulate();
}

void Model::Tabulate() {
  main_.clear();
  pair_tables_.clear();
  if (!Valid()) return;
  for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
    const double p95 = scales_[epoch].p95;
    const double unit = std::max(p95 - scales_[epoch].median, 0.05);
    base_[epoch] = ToPoints((shapes_.base - p95) / unit);
    for (const auto& shape : shapes_.main) {
      auto& table = main_.emplace_back();
      std::transform(shape.begin(), shape.end(), table.begin(), [unit](double x) { return ToPoints(x / unit); });
    }
    for (const auto& shape : shapes_.pair_tables) {
      auto& table = pair_tables_.emplace_back();
      std::transform(shape.begin(), shape.end(), table.begin(),
                     [unit](double x) { return 2 * ToPoints(x / unit / 2); });
    }
  }
}

Model::Parts Model::Explain(std::size_t epoch, std::span<const std::uint8_t> bins) const {
  Parts parts;
  parts.base = base_[epoch];
  for (std::size_t f = 0; f < features(); ++f) {
    parts.by_feature.push_back(main_[epoch * features() + f][bins[f]]);
  }
  for (std::size_t p = 0; p < shapes_.pairs.size(); ++p) {
    const Points half = pair_tables_[epoch * shapes_.pairs.size() + p][Cell(bins, shapes_.pairs[p])] / 2;
    parts.by_feature[shapes_.pairs[p].first] += half;
    parts.by_feature[shapes_.pairs[p].second] += half;
  }
  return parts;
}

Points Model::Score(std::size_t epoch, std::span<const std::uint8_t> bins) const noexcept {
  Points sum = base_[epoch];
  for (std::size_t f = 0; f < features(); ++f) sum += main_[epoch * features() + f][bins[f]];
  for (std::size_t p = 0; p < shapes_.pairs.size(); ++p) {
    sum += pair_tables_[epoch * shapes_.pairs.size() + p][Cell(bins, shapes_.pairs[p])];
  }
  return std::clamp(sum, kLeastScore, kMostScore);
}

bool Model::Valid() const noexcept {
  const auto finite = [](const auto& table) {
    return std::all_of(table.begin(), table.end(), [](float x) { return std::isfinite(x); });
  };
  const std::size_t n = features();
  return n > 0 && n <= kMostFeatures && shapes_.pairs.size() <= kMostPairs &&
         shapes_.pair_tables.size() == shapes_.pairs.size() && std::isfinite(shapes_.base) &&
         std::all_of(shapes_.main.begin(), shapes_.main.end(), finite) &&
         std::all_of(shapes_.pair_tables.begin(), shapes_.pair_tables.end(), finite) &&
         std::all_of(scales_.begin(), scales_.end(),
                     [](const Scale& s) { return std::isfinite(s.median) && std::isfinite(s.p95); }) &&
         std::all_of(shapes_.pairs.begin(), shapes_.pairs.end(), [n](Pair p) {
           return p.first < n && p.second < n && p.first != p.second;
         });
}

}  // namespace distillwatch::score
