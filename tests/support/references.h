// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Small references: a model over a few features, with ranks and a histogram, as a learner could
// have made them.

#ifndef DISTILLWATCH_TESTS_SUPPORT_REFERENCES_H_
#define DISTILLWATCH_TESTS_SUPPORT_REFERENCES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "support/random_inputs.h"

namespace distillwatch::support {

// A tree with random rules and values, of at most `splits` splits.
inline score::Tree RandomTree(std::size_t features, std::size_t splits, Random& random) {
  score::Tree tree;
  const auto node = [&random] {
    score::Node n;
    n.value = static_cast<float>(random.Normal(0, 0.5));
    return n;
  };
  tree.nodes.push_back(node());
  for (std::size_t i = 0; i < splits; ++i) {
    const std::size_t parent = random.Below(tree.nodes.size());
    if (tree.nodes[parent].left != 0) continue;
    tree.nodes[parent].left = static_cast<std::uint16_t>(tree.nodes.size());
    tree.nodes[parent].feature = static_cast<std::uint8_t>(random.Below(features));
    tree.nodes[parent].last_left = static_cast<std::uint8_t>(
        random.Below(score::kBins) | (random.Chance(0.5) ? score::Node::kUnknownLeft : 0u));
    tree.nodes.push_back(node());
    tree.nodes.push_back(node());
  }
  return tree;
}

inline std::array<score::Scale, score::kEpochs> RandomScales(Random& random) {
  std::array<score::Scale, score::kEpochs> scales;
  for (score::Scale& s : scales) {
    s.median = static_cast<float>(random.Normal(-2, 1));
    s.p95 = s.median + static_cast<float>(random.Exponential(1));
  }
  return scales;
}

inline score::Model RandomModel(std::size_t features, std::size_t trees, std::size_t splits,
                                Random& random) {
  std::vector<score::Tree> all;
  while (all.size() < trees) all.push_back(RandomTree(features, splits, random));
  return {features, std::move(all), RandomScales(random)};
}

// Looks of as many accounts at all ages; about a tenth of the values is unknown.
inline std::vector<score::Look> RandomLooks(std::size_t accounts, std::size_t features,
                                            Random& random) {
  std::vector<score::Look> looks;
  for (std::size_t a = 0; a < accounts; ++a) {
    for (std::uint32_t requests = score::kFirstLook; requests <= 256; requests *= 2) {
      score::Look look{.account = a, .time_us = 0, .requests = requests, .features = {}};
      for (std::size_t f = 0; f < features; ++f) {
        const double x = random.Normal(static_cast<double>(f), 1 + static_cast<double>(f));
        look.features.push_back(random.Chance(0.1) ? std::numeric_limits<float>::quiet_NaN()
                                                   : static_cast<float>(x));
      }
      looks.push_back(std::move(look));
    }
  }
  return looks;
}

inline score::Ranks LearnRanks(const std::vector<score::Look>& looks, std::size_t features) {
  std::vector<const score::Look*> all;
  for (const score::Look& look : looks) all.push_back(&look);
  return score::Ranks::Learn(all, features);
}

inline calibrate::ReferenceContent SmallContent(std::uint64_t seed, std::size_t accounts = 300) {
  constexpr std::size_t kFeatures = 3;
  Random random(seed);
  calibrate::ReferenceContent content;
  content.feature_names = {"first_of_them", "second", "third"};
  content.ranks = LearnRanks(RandomLooks(60, kFeatures, random), kFeatures);
  content.model = RandomModel(kFeatures, 5, 4, random);
  for (std::size_t i = 0; i < accounts; ++i) {
    content.histogram.Add(static_cast<score::Points>(random.Normal(0, 1) * score::kPointsPerUnit));
  }
  content.horizon_s = 30 * 86400;
  content.fit_accounts = 60;
  content.first = Time(std::chrono::hours(480'000));
  content.last = content.first + std::chrono::hours(30 * 24);
  content.key_id = 7;
  content.key = "a key of 16 bytes, or more";
  return content;
}

inline Reference ReferenceOf(calibrate::ReferenceContent content) {
  return Reference(std::make_shared<const calibrate::ReferenceContent>(std::move(content)));
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_REFERENCES_H_
