// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/ranks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace distillwatch::score {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// Nine edges in either tail, 25 evenly between .125 and .875.
constexpr std::array<float, kBins - 1> kQuantiles = [] {
  constexpr std::array<float, 9> kTail = {.002f, .005f, .01f, .02f, .03f, .04f, .06f, .08f, .1f};
  std::array<float, kBins - 1> q{};
  for (std::size_t i = 0; i < kTail.size(); ++i) {
    q[i] = kTail[i];
    q[q.size() - 1 - i] = 1 - kTail[i];
  }
  for (std::size_t i = 0; i < 25; ++i)
    q[kTail.size() + i] = .125f + .03125f * static_cast<float>(i);
  return q;
}();

}  // namespace

std::size_t EpochOf(std::uint32_t requests) noexcept {
  const auto doublings = static_cast<std::size_t>(std::bit_width(requests / kFirstLook));
  return std::clamp<std::size_t>(doublings, 1, kEpochs) - 1;
}

Ranks Ranks::Learn(std::span<const Look* const> looks, std::size_t features) {
  Ranks ranks;
  ranks.features_ = static_cast<std::uint32_t>(features);
  Edges none;
  none.fill(kNone);
  ranks.edges_.assign(kEpochs * features, none);
  std::vector<float> values;
  for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
    for (std::size_t f = 0; f < features; ++f) {
      values.clear();
      for (const Look* look : looks) {
        if (EpochOf(look->requests) == epoch && !std::isnan(look->features[f])) {
          values.push_back(look->features[f]);
        }
      }
      if (values.empty()) continue;
      std::sort(values.begin(), values.end());
      Edges& edges = ranks.edges_[epoch * features + f];
      for (std::size_t i = 0; i < edges.size(); ++i) {
        const auto at = static_cast<std::size_t>(kQuantiles[i] * static_cast<float>(values.size()));
        edges[i] = values[std::min(at, values.size() - 1)];
      }
    }
  }
  return ranks;
}

std::uint8_t Ranks::Bin(std::size_t epoch, std::size_t feature, float value) const noexcept {
  const Edges& edges = edges_[epoch * features_ + feature];
  if (std::isnan(value) || std::isnan(edges[0])) return kUnknownBin;
  // Between the edges strictly below and those not above: the middle of a run of equal edges.
  // Counted, because a search guesses wrong at every other step.
  int low = 0, high = 0;
  for (const float edge : edges) {
    low += edge < value ? 1 : 0;
    high += edge <= value ? 1 : 0;
  }
  return static_cast<std::uint8_t>((low + high) / 2);
}

float Ranks::Place(std::uint8_t bin) noexcept {
  if (bin >= kBins) return 0.5f;
  const float low = bin == 0 ? 0 : kQuantiles[bin - 1u];
  const float high = bin == kBins - 1 ? 1 : kQuantiles[bin];
  return (low + high) / 2;
}

bool Ranks::Valid() const noexcept {
  if (features_ == 0 || features_ > 1024 || edges_.size() != kEpochs * features_) return false;
  return std::all_of(edges_.begin(), edges_.end(), [](const Edges& edges) {
    const bool none =
        std::all_of(edges.begin(), edges.end(), [](float x) { return std::isnan(x); });
    const bool finite =
        std::all_of(edges.begin(), edges.end(), [](float x) { return std::isfinite(x); });
    return none || (finite && std::is_sorted(edges.begin(), edges.end()));
  });
}

}  // namespace distillwatch::score
