// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "support/alloc_guard.h"
#include "support/hostile.h"
#include "support/random_inputs.h"
#include "support/references.h"
#include "wire/wire.h"

namespace distillwatch::score {
namespace {

using support::Random;
using Bins = std::vector<std::uint8_t>;
using Scales = std::array<Scale, kEpochs>;

constexpr wire::Kind kKind = {{"TEST"}, 1};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string BytesOf(const Model& model) {
  return wire::FrameOf(kKind, 0, model);
}
Result<Model> Parse(std::string_view bytes) {
  return wire::Unframed<Model>(kKind, 0, bytes);
}

// A sixth of the features is unknown.
Bins RandomBins(std::size_t features, Random& random) {
  Bins bins(features);
  for (std::uint8_t& b : bins) {
    b = static_cast<std::uint8_t>(random.Chance(1.0 / 6) ? kUnknownBin : random.Below(kBins));
  }
  return bins;
}

// The same for all ages.
Scales AllScales(float median, float p95) {
  Scales scales;
  scales.fill({median, p95});
  return scales;
}

// The values along a row's way through a tree, and the features that were asked.
struct Way {
  std::vector<double> values;
  std::vector<std::size_t> features;
};
Way WayOf(const Tree& tree, const Bins& bins) {
  Way way;
  std::size_t at = 0;
  while (true) {
    const Node& node = tree.nodes[at];
    way.values.push_back(double{node.value});
    if (node.left == 0) return way;
    way.features.push_back(node.feature);
    const int bin = bins[node.feature];
    const bool left = bin == 44 ? node.last_left >= 128 : bin <= node.last_left % 128;
    at = node.left + (left ? 0u : 1u);
  }
}

TEST(Model, EvidenceAddsUpExactly) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t features = 1 + random.Below(12);
    const Model model =
        support::RandomModel(features, 1 + random.Below(60), random.Below(30), random);
    ASSERT_TRUE(model.Valid());
    for (int i = 0; i < 30; ++i) {
      const Bins bins = RandomBins(features, random);
      for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
        const Model::Parts parts = model.Explain(epoch, bins);
        ASSERT_EQ(parts.by_feature.size(), features);
        const auto sum = std::accumulate(parts.by_feature.begin(), parts.by_feature.end(),
                                         std::int64_t{parts.base});
        ASSERT_EQ(model.Score(epoch, bins), std::clamp<std::int64_t>(sum, kLeastScore, kMostScore));
      }
    }
  }
}

TEST(ModelOracle, ScoresAndEvidenceAreTheStepsOfEveryTree) {
  Random random(2);
  for (int round = 0; round < 100; ++round) {
    const std::size_t features = 1 + random.Below(6);
    std::vector<Tree> trees;
    for (std::size_t t = 1 + random.Below(20); t > 0; --t) {
      trees.push_back(support::RandomTree(features, random.Below(20), random));
    }
    const Scales scales = support::RandomScales(random);
    const Model model(features, trees, scales);
    for (int i = 0; i < 20; ++i) {
      const Bins bins = RandomBins(features, random);
      double log_odds = 0;
      for (const Tree& tree : trees) log_odds += WayOf(tree, bins).values.back();
      ASSERT_NEAR(model.LogOdds(bins), log_odds, 1e-9);
      for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
        const double unit =
            std::max(double{scales[epoch].p95} - double{scales[epoch].median}, 0.05);
        std::vector<double> parts(features);
        // An offset is cut to 24 units, a node's value to 4.
        const double offset = std::clamp(-scales[epoch].p95 / unit, -24.0, 24.0);
        double base = offset, score = offset;
        for (const Tree& tree : trees) {
          Way way = WayOf(tree, bins);
          for (double& value : way.values) value = std::clamp(value / unit, -4.0, 4.0);
          base += way.values[0];
          score += way.values.back();
          for (std::size_t s = 0; s < way.features.size(); ++s) {
            parts[way.features[s]] += way.values[s + 1] - way.values[s];
          }
        }
        // Every value is rounded to a point, half a point of error at either end of a step.
        const double error = static_cast<double>(trees.size() + 1) * 20;
        const Model::Parts got = model.Explain(epoch, bins);
        ASSERT_NEAR(got.base, base * 65536, error);
        for (std::size_t f = 0; f < features; ++f) {
          ASSERT_NEAR(got.by_feature[f], parts[f] * 65536, error);
        }
        ASSERT_NEAR(model.Score(epoch, bins), std::clamp(score, -8.0, 24.0) * 65536, error);
      }
    }
  }
}

// A tree that asks whether feature 0 is at most bin 20 and says -x, else +x.
Tree Stump(float x, std::uint8_t unknown = 0) {
  return {{{.value = 0, .left = 1, .feature = 0, .last_left = static_cast<uint8_t>(20 | unknown)},
           {.value = -x},
           {.value = x}}};
}

TEST(Model, TheRuleOfANodeIsInclusiveAndKnowsTheUnknown) {
  for (const bool unknown_left : {false, true}) {
    const Model model(1, {Stump(1, unknown_left ? Node::kUnknownLeft : 0)}, AllScales(0, 1));
    for (std::size_t bin = 0; bin <= kUnknownBin; ++bin) {
      const bool left = bin == kUnknownBin ? unknown_left : bin <= 20;
      const std::uint8_t bins[] = {static_cast<std::uint8_t>(bin)};
      EXPECT_EQ(model.LogOdds(bins), left ? -1 : 1) << bin;
      EXPECT_EQ(model.Score(0, bins), left ? -2 * 65536 : 0) << bin;
    }
  }
}

TEST(Model, TheUnitIsFromTheMedianToThe95thPercentile) {
  const std::uint8_t high[] = {43};
  for (const float median : {-3.0f, 0.0f, 0.5f}) {
    for (const float unit : {0.5f, 1.0f, 4.0f}) {
      const float p95 = median + unit;
      const auto score = [&](float log_odds) {
        return Model(1, std::vector<Tree>(8, Stump(log_odds / 8)), AllScales(median, p95))
            .Score(3, high);
      };
      EXPECT_NEAR(score(p95), 0, 5);
      EXPECT_NEAR(score(median), -65536, 5);
      EXPECT_NEAR(score(p95 + unit), 65536, 5);
    }
  }
}

TEST(Model, AgesAreScaledEachByItsOwn) {
  Scales scales;
  for (std::size_t e = 0; e < kEpochs; ++e) scales[e] = {0, static_cast<float>(1 << e)};
  const Model model(1, {Stump(1)}, scales);
  const std::uint8_t high[] = {43};
  for (std::size_t e = 0; e < kEpochs; ++e) {
    EXPECT_EQ(model.Score(e, high), 65536 / (1 << e) - 65536) << e;
  }
}

TEST(Model, AUnitOfNothingIsNotDividedBy) {
  const std::uint8_t high[] = {43}, low[] = {0};
  for (const float p95 : {2.0f, 1.0f, -5.0f}) {  // equal, and below the median
    const Model model(1, {Stump(0.01f)}, AllScales(2, p95));
    ASSERT_TRUE(model.Valid());
    EXPECT_NEAR(model.Explain(0, high).by_feature[0], 0.01 / 0.05 * 65536, 1);
    EXPECT_GE(model.Score(0, low), kLeastScore);
    EXPECT_LE(model.Score(0, high), kMostScore);
  }
}

TEST(Model, ScoresAreCutAndEvidenceIsNot) {
  const std::uint8_t high[] = {43}, low[] = {0};
  const Model model(1, std::vector<Tree>(100, Stump(3)), AllScales(0, 1));
  EXPECT_EQ(model.Score(0, high), kMostScore);
  EXPECT_EQ(model.Score(0, low), kLeastScore);
  EXPECT_EQ(model.Explain(0, high).by_feature[0], 300 * 65536);
  EXPECT_EQ(model.Explain(0, low).by_feature[0], -300 * 65536);
}

TEST(Model, AFeatureThatNoTreeAsksForIsNoEvidence) {
  Random random(3);
  std::vector<Tree> trees;
  for (int i = 0; i < 20; ++i) trees.push_back(support::RandomTree(3, 10, random));
  const Model model(5, trees, AllScales(0, 1));
  for (int i = 0; i < 50; ++i) {
    Bins bins = RandomBins(5, random);
    const Model::Parts parts = model.Explain(0, bins);
    EXPECT_EQ(parts.by_feature[3], 0);
    EXPECT_EQ(parts.by_feature[4], 0);
    const Points before = model.Score(0, bins);
    bins[3] = static_cast<std::uint8_t>(random.Below(45));
    bins[4] = kUnknownBin;
    EXPECT_EQ(model.Score(0, bins), before);
  }
}

TEST(Model, ATreeOfOneLeafSpeaksForNobody) {
  const Model model(1, {Tree{{{.value = 0.25f}}}}, AllScales(0, 1));
  const std::uint8_t any[] = {7};
  EXPECT_EQ(model.Explain(0, any).base, 65536 / 4 - 65536);
  EXPECT_EQ(model.Explain(0, any).by_feature[0], 0);
  EXPECT_EQ(model.Score(0, any), 65536 / 4 - 65536);
}

TEST(Model, ValuesAreRoundedToTheNearestPoint) {
  const std::uint8_t any[] = {7};
  for (const double points : {1000.7, 1000.2, -1000.7, -1000.2}) {
    const Model model(1, {Tree{{{.value = static_cast<float>(points / 65536)}}}}, AllScales(-1, 0));
    EXPECT_EQ(model.Score(0, any), std::lround(points));
  }
}

TEST(Model, OrderOfTreesDoesNotMatter) {
  Random random(4);
  std::vector<Tree> trees;
  for (int i = 0; i < 30; ++i) trees.push_back(support::RandomTree(4, 12, random));
  const Scales scales = support::RandomScales(random);
  const Model model(4, trees, scales);
  random.Shuffle(trees);
  const Model shuffled(4, trees, scales);
  for (int i = 0; i < 200; ++i) {
    const Bins bins = RandomBins(4, random);
    for (std::size_t e = 0; e < kEpochs; ++e) {
      ASSERT_EQ(model.Score(e, bins), shuffled.Score(e, bins));
    }
  }
}

TEST(Model, ImpossibleModelsAreNotValid) {
  const auto valid = [](std::size_t features, std::vector<Tree> trees, Scales scales) {
    return Model(features, std::move(trees), scales).Valid();
  };
  const Scales fine = AllScales(0, 1);
  const auto with = [&](const std::function<void(Tree&)>& change) {
    Tree tree = Stump(1);
    change(tree);
    return valid(1, {tree}, fine);
  };
  EXPECT_FALSE(Model().Valid());
  EXPECT_TRUE(valid(1, {Stump(1)}, fine));
  EXPECT_FALSE(valid(0, {Stump(1)}, fine));
  EXPECT_TRUE(valid(Model::kMostFeatures, {Stump(1)}, fine));
  EXPECT_FALSE(valid(Model::kMostFeatures + 1, {Stump(1)}, fine));
  EXPECT_FALSE(valid(1, {}, fine));
  EXPECT_TRUE(valid(1, std::vector<Tree>(Model::kMostTrees, Stump(0.1f)), fine));
  EXPECT_FALSE(valid(1, std::vector<Tree>(Model::kMostTrees + 1, Stump(0.1f)), fine));
  EXPECT_FALSE(valid(1, {Tree{}}, fine));
  EXPECT_TRUE(with([](Tree&) {}));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[0].left = 2; }));  // no right child
  EXPECT_FALSE(with([](Tree& t) { t.nodes[0].left = 0xffff; }));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[1].left = 1; }));  // a walk that never ends
  EXPECT_FALSE(with([](Tree& t) { t.nodes[2].left = 1; }));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[0].feature = 1; }));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[2].feature = 1; }));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[1].value = kInfinity; }));
  EXPECT_FALSE(with([](Tree& t) { t.nodes[2].value = std::nanf(""); }));
  for (std::size_t e = 0; e < kEpochs; ++e) {
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      Scales scales = fine;
      scales[e].median = bad;
      EXPECT_FALSE(valid(1, {Stump(1)}, scales));
      scales = fine;
      scales[e].p95 = bad;
      EXPECT_FALSE(valid(1, {Stump(1)}, scales));
    }
  }
}

TEST(Model, EvidenceThatWouldOverflowIsNotValid) {
  const Scales scales = AllScales(0, 1);
  // A chain that goes up and down by 8 units at each of its steps, all asked of feature 0.
  Tree chain = {{{.value = 4, .left = 1, .feature = 0, .last_left = 43}}};
  for (std::uint16_t step = 1; step <= 1000; ++step) {
    chain.nodes.push_back({.value = step % 2 == 0 ? 4.0f : -4.0f,
                           .left = static_cast<std::uint16_t>(step < 1000 ? 2 * step + 1 : 0),
                           .feature = 0,
                           .last_left = 43});
    chain.nodes.push_back({.value = 0});
  }
  EXPECT_TRUE(Model(1, {chain}, scales).Valid());  // 8,000 units
  EXPECT_FALSE(Model(1, {chain, chain, chain}, scales).Valid());
  Tree step = Stump(1e30f);
  step.nodes[0].value = -1e30f;  // 8 units once it is cut
  EXPECT_TRUE(Model(1, std::vector<Tree>(1000, step), scales).Valid());
  EXPECT_FALSE(Model(1, std::vector<Tree>(Model::kMostTrees, step), scales).Valid());
}

TEST(Model, OnlyTheOriginalBytesParse) {
  Random random(5);
  support::ExpectOnlyTheOriginalParses(BytesOf(support::RandomModel(4, 6, 9, random)), Parse,
                                       BytesOf);
}

TEST(Model, AnyForgedByteIsRefusedOrScoresWithinBounds) {
  Random random(6);
  const std::string bytes = BytesOf(support::RandomModel(3, 5, 6, random));
  int taken = 0;
  for (std::size_t at = 0; at < bytes.size() - 32; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      const std::string forged = support::Forge(
          bytes, [&](std::string& p) { p[at] = static_cast<char>(p[at] ^ (1 << bit)); });
      const Result<Model> model = Parse(forged);
      if (!model.ok()) continue;
      ++taken;
      ASSERT_EQ(BytesOf(*model), forged);
      const Bins bins = RandomBins(model->features(), random);
      const Points score = model->Score(at % kEpochs, bins);
      ASSERT_GE(score, kLeastScore);
      ASSERT_LE(score, kMostScore);
      const Model::Parts parts = model->Explain(at % kEpochs, bins);
      const auto sum = std::accumulate(parts.by_feature.begin(), parts.by_feature.end(),
                                       std::int64_t{parts.base});
      ASSERT_EQ(score, std::clamp<std::int64_t>(sum, kLeastScore, kMostScore));
    }
  }
  EXPECT_GT(taken, 500);
}

TEST(ModelAlloc, ScoreIsFree) {
  Random random(7);
  const Model model = support::RandomModel(4, 50, 15, random);
  const Bins bins = RandomBins(4, random);
  const support::AllocGuard guard;
  (void)model.Score(2, bins);
  (void)model.LogOdds(bins);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch::score
