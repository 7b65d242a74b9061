// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "score/model.h"
#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch::score {
namespace {

using support::Random;
using Bins = std::vector<std::uint8_t>;

constexpr FitOptions kQuick = {.trees = 40, .leaves = 8, .learning_rate = 0.2, .least_rows = 20};

std::string BytesOf(const std::vector<Tree>& trees) {
  wire::Writer out;
  out(trees);
  return out.bytes();
}

Model ModelOf(std::size_t features, std::vector<Tree> trees) {
  return {features, std::move(trees), {}};
}

std::uint8_t AnyBin(Random& random) {
  return static_cast<std::uint8_t>(random.Below(kBins));
}

struct Problem {
  Rows positives, unlabelled;
};

// Rows whose bins are even, with unit weights; `positive` says on which side a row is.
Problem Draw(std::size_t features, std::size_t rows, std::uint64_t seed,
             const std::function<bool(const Bins&)>& positive) {
  Random random(seed);
  Problem out{{.features = features}, {.features = features}};
  for (std::size_t i = 0; i < rows; ++i) {
    Bins bins(features);
    for (std::uint8_t& b : bins) b = AnyBin(random);
    (positive(bins) ? out.positives : out.unlabelled).Add(bins, 1);
  }
  return out;
}

// The share of pairs that the score puts in the right order.
double Auc(const Model& model, const Problem& problem) {
  std::vector<double> low, high;
  for (std::size_t i = 0; i < problem.unlabelled.size(); ++i)
    low.push_back(model.LogOdds(problem.unlabelled.row(i)));
  for (std::size_t i = 0; i < problem.positives.size(); ++i)
    high.push_back(model.LogOdds(problem.positives.row(i)));
  std::sort(low.begin(), low.end());
  double sum = 0;
  for (const double h : high) {
    const auto range = std::equal_range(low.begin(), low.end(), h);
    sum += static_cast<double>((range.first - low.begin()) + (range.second - low.begin())) / 2;
  }
  return sum / (static_cast<double>(low.size()) * static_cast<double>(high.size()));
}

// Neither feature says anything alone.
bool Checkers(const Bins& bins) {
  return (bins[0] > 20) != (bins[1] > 25);
}

TEST(Fit, SeparatesWhatNoSingleFeatureDoes) {
  const Problem problem = Draw(4, 3000, 1, Checkers), fresh = Draw(4, 3000, 2, Checkers);
  const Model model = ModelOf(4, Fit(problem.positives, problem.unlabelled, kQuick));
  ASSERT_TRUE(model.Valid());
  EXPECT_GT(Auc(model, fresh), 0.99);
}

TEST(Fit, FindsABandAndTheUnknown) {
  const auto band = [](const Bins& b) { return (b[0] >= 10 && b[0] < 15) || b[0] > 40; };
  Problem problem = Draw(2, 3000, 3, band);
  const Model model = ModelOf(2, Fit(problem.positives, problem.unlabelled, kQuick));
  EXPECT_GT(Auc(model, Draw(2, 3000, 4, band)), 0.995);
}

// To be unknown may be all that there is to know: with every place of the known on both sides.
TEST(Fit, TellsTheUnknownFromTheKnown) {
  for (const bool unknown_is_positive : {false, true}) {
    for (const bool top_only : {false, true}) {
      Random random(5);
      Problem problem{{.features = 1}, {.features = 1}};
      for (int i = 0; i < 500; ++i) {
        const std::uint8_t known = top_only ? kBins - 1 : AnyBin(random);
        const std::uint8_t unknown = kUnknownBin;
        problem.positives.Add({unknown_is_positive ? &unknown : &known, 1}, 1);
        problem.unlabelled.Add({unknown_is_positive ? &known : &unknown, 1}, 1);
      }
      const Model model =
          ModelOf(1, Fit(problem.positives, problem.unlabelled, {.trees = 1, .leaves = 2}));
      EXPECT_EQ(Auc(model, problem), 1) << unknown_is_positive << top_only;
    }
  }
}

TEST(Fit, LearnsNothingFromNoise) {
  Random random(6);
  Problem problem{{.features = 3}, {.features = 3}};
  for (int i = 0; i < 4000; ++i) {
    const Bins bins = {AnyBin(random), AnyBin(random), AnyBin(random)};
    (i % 2 == 0 ? problem.positives : problem.unlabelled).Add(bins, 1);
  }
  const Model model = ModelOf(
      3, Fit(problem.positives, problem.unlabelled, {.trees = 20, .leaves = 4, .ridge = 100}));
  Problem fresh{{.features = 3}, {.features = 3}};
  for (int i = 0; i < 4000; ++i) {
    const Bins bins = {AnyBin(random), AnyBin(random), AnyBin(random)};
    (i % 2 == 0 ? fresh.positives : fresh.unlabelled).Add(bins, 1);
  }
  EXPECT_NEAR(Auc(model, fresh), 0.5, 0.04);  // 4 standard errors of .009
}

TEST(Fit, IsDeterministic) {
  const Problem problem = Draw(4, 2000, 7, Checkers);
  const std::string once = BytesOf(Fit(problem.positives, problem.unlabelled, kQuick));
  EXPECT_EQ(BytesOf(Fit(problem.positives, problem.unlabelled, kQuick)), once);
}

TEST(FitOracle, TheFirstTreesAreNewtonsSteps) {
  // One stump on one feature, with sums that can be done by hand: all curvatures are 1/4.
  const std::uint8_t low = 5, high = 20;
  Problem problem{{.features = 1}, {.features = 1}};
  for (int i = 0; i < 300; ++i) {
    problem.positives.Add({i < 240 ? &high : &low, 1}, 1);
    problem.unlabelled.Add({i < 60 ? &high : &low, 1}, 1);
  }
  const FitOptions options = {.trees = 5, .leaves = 2, .learning_rate = 0.5, .ridge = 10};
  const std::vector<Tree> trees = Fit(problem.positives, problem.unlabelled, options);
  ASSERT_EQ(trees.size(), 5u);
  ASSERT_EQ(trees[0].nodes.size(), 3u);
  EXPECT_EQ(trees[0].nodes[0].last_left & 0x7f, 5);
  EXPECT_FLOAT_EQ(trees[0].nodes[0].value, 0);
  // 240 of one side and 60 of the other, each with a gradient of one half.
  double score = 0;
  for (const Tree& tree : trees) {
    ASSERT_EQ(tree.nodes.size(), 3u);
    const double p = 1 / (1 + std::exp(-score));
    const double step = 0.5 * (240 * (1 - p) - 60 * p) / (300 * p * (1 - p) + 10);
    EXPECT_NEAR(tree.nodes[1].value, -step, 1e-6);
    EXPECT_NEAR(tree.nodes[2].value, step, 1e-6);
    score += step;  // the next one starts from there
  }
}

TEST(FitOracle, TheFirstSplitIsTheBestOfAll) {
  Random random(9);
  for (int round = 0; round < 20; ++round) {
    Problem problem{{.features = 3}, {.features = 3}};
    for (int i = 0; i < 600; ++i) {
      Bins bins = {AnyBin(random), AnyBin(random), AnyBin(random)};
      if (random.Chance(0.2)) bins[random.Below(3)] = kUnknownBin;
      const double score = bins[0] * 0.05 + (bins[1] == kUnknownBin ? 2 : 0) + random.Normal(0, 1);
      (score > 1.4 ? problem.positives : problem.unlabelled).Add(bins, 1);
    }
    const double all = 600, share = 0.5;
    double best = 0;
    std::size_t best_feature = 0;
    int best_rule = 0;
    for (std::size_t f = 0; f < 3; ++f) {
      for (int rule = 0; rule < 256; ++rule) {
        if (rule % 128 >= 44) continue;
        // Sums of gradient and weight on the left; curvature is a quarter of the weight.
        double gradient = 0, weight = 0;
        for (const Rows* side : {&problem.positives, &problem.unlabelled}) {
          const double w = all * share / static_cast<double>(side->size());
          for (std::size_t i = 0; i < side->size(); ++i) {
            const int bin = side->row(i)[f];
            if (bin == 44 ? rule < 128 : bin > rule % 128) continue;
            gradient += side == &problem.positives ? -w / 2 : w / 2;
            weight += w;
          }
        }
        if (weight < 50 || all - weight < 50) continue;
        const double gain = gradient * gradient / (weight / 4 + 10) +
                            gradient * gradient / ((all - weight) / 4 + 10);
        if (gain > best + 1e-9) {
          best = gain;
          best_feature = f;
          best_rule = rule;
        }
      }
    }
    const std::vector<Tree> trees =
        Fit(problem.positives, problem.unlabelled, {.trees = 1, .leaves = 2, .least_rows = 50});
    ASSERT_EQ(trees[0].nodes.size(), 3u);
    EXPECT_EQ(trees[0].nodes[0].feature, best_feature);
    // Rules may tie where a bin is empty or the unknown is even: the gain decides.
    double gradient = 0, weight = 0;
    for (const Rows* side : {&problem.positives, &problem.unlabelled}) {
      const double w = all * share / static_cast<double>(side->size());
      for (std::size_t i = 0; i < side->size(); ++i) {
        if (!trees[0].nodes[0].GoesLeft(side->row(i)[best_feature])) continue;
        gradient += side == &problem.positives ? -w / 2 : w / 2;
        weight += w;
      }
    }
    EXPECT_NEAR(
        gradient * gradient / (weight / 4 + 10) + gradient * gradient / ((all - weight) / 4 + 10),
        best, 1e-6)
        << best_rule;
  }
}

TEST(Fit, RowsMayComeInAnyOrder) {
  const Problem problem = Draw(3, 2000, 10, Checkers);
  Rows reversed{.features = 3};
  for (std::size_t i = problem.positives.size(); i-- > 0;) {
    reversed.Add(problem.positives.row(i), 1);
  }
  const Model a = ModelOf(3, Fit(problem.positives, problem.unlabelled, kQuick));
  const Model b = ModelOf(3, Fit(reversed, problem.unlabelled, kQuick));
  for (std::size_t i = 0; i < problem.unlabelled.size(); i += 10) {
    ASSERT_NEAR(a.LogOdds(problem.unlabelled.row(i)), b.LogOdds(problem.unlabelled.row(i)), 1e-4);
  }
}

TEST(Fit, ARowOfWeightTwoIsTwoRows) {
  Random random(11);
  Problem once{{.features = 3}, {.features = 3}}, twice = once;
  const Problem drawn = Draw(3, 1500, 12, Checkers);
  for (std::size_t i = 0; i < drawn.positives.size(); ++i) {
    const bool heavy = random.Chance(0.4);
    once.positives.Add(drawn.positives.row(i), heavy ? 2 : 1);
    for (int copies = heavy ? 2 : 1; copies > 0; --copies) {
      twice.positives.Add(drawn.positives.row(i), 1);
    }
  }
  // Copies are rows too and rows set the scale of least_rows and ridge: none of both here.
  const FitOptions options = {.trees = 10, .leaves = 4, .ridge = 0, .least_rows = 0};
  const Model a = ModelOf(3, Fit(once.positives, drawn.unlabelled, options));
  const Model b = ModelOf(3, Fit(twice.positives, drawn.unlabelled, options));
  for (std::size_t i = 0; i < drawn.unlabelled.size(); i += 10) {
    ASSERT_NEAR(a.LogOdds(drawn.unlabelled.row(i)), b.LogOdds(drawn.unlabelled.row(i)), 1e-3);
  }
}

TEST(Fit, TheUnitOfWeightsDoesNotMatter) {
  const Problem drawn = Draw(3, 1500, 13, Checkers);
  Problem scaled = drawn;
  for (double& w : scaled.positives.weights) w *= 1024;
  for (double& w : scaled.unlabelled.weights) w /= 64;
  EXPECT_EQ(BytesOf(Fit(scaled.positives, scaled.unlabelled, kQuick)),
            BytesOf(Fit(drawn.positives, drawn.unlabelled, kQuick)));
}

TEST(Fit, RowsWithoutWeightAreNotThere) {
  const Problem drawn = Draw(3, 1500, 14, Checkers);
  Problem noisy = drawn;
  Random random(15);
  for (int i = 0; i < 1500; ++i) {
    noisy.positives.Add(Bins{AnyBin(random), AnyBin(random), AnyBin(random)}, 0);
  }
  const FitOptions options = {.trees = 10, .leaves = 4, .ridge = 0, .least_rows = 0};
  const Model a = ModelOf(3, Fit(drawn.positives, drawn.unlabelled, options));
  const Model b = ModelOf(3, Fit(noisy.positives, noisy.unlabelled, options));
  for (std::size_t i = 0; i < drawn.unlabelled.size(); i += 10) {
    ASSERT_NEAR(a.LogOdds(drawn.unlabelled.row(i)), b.LogOdds(drawn.unlabelled.row(i)), 1e-3);
  }
}

TEST(Fit, FeaturesMayComeInAnyOrder) {
  const Problem drawn = Draw(3, 1500, 16, Checkers);
  Problem turned{{.features = 3}, {.features = 3}};
  const auto turn = [](std::span<const std::uint8_t> row) { return Bins{row[2], row[0], row[1]}; };
  for (std::size_t i = 0; i < drawn.positives.size(); ++i)
    turned.positives.Add(turn(drawn.positives.row(i)), 1);
  for (std::size_t i = 0; i < drawn.unlabelled.size(); ++i)
    turned.unlabelled.Add(turn(drawn.unlabelled.row(i)), 1);
  const Model a = ModelOf(3, Fit(drawn.positives, drawn.unlabelled, kQuick));
  const Model b = ModelOf(3, Fit(turned.positives, turned.unlabelled, kQuick));
  EXPECT_NEAR(Auc(a, drawn), Auc(b, turned), 1e-3);
}

TEST(Fit, KeepsItsLimits) {
  const Problem problem = Draw(3, 3000, 17, Checkers);
  for (const std::size_t leaves : {1u, 2u, 5u, 16u}) {
    const FitOptions options = {.trees = 7, .leaves = leaves, .least_rows = 200};
    const std::vector<Tree> trees = Fit(problem.positives, problem.unlabelled, options);
    EXPECT_EQ(trees.size(), 7u);
    for (const Tree& tree : trees) {
      EXPECT_LE(tree.nodes.size(), 2 * leaves - 1);
      std::vector<double> weight(tree.nodes.size());
      for (const Rows* side : {&problem.positives, &problem.unlabelled}) {
        for (std::size_t i = 0; i < side->size(); ++i) {
          std::size_t at = 0;
          while (tree.nodes[at].left != 0) {
            const bool left = tree.nodes[at].GoesLeft(side->row(i)[tree.nodes[at].feature]);
            at = tree.nodes[at].left + (left ? 0u : 1u);
          }
          weight[at] += 1500 / static_cast<double>(side->size());
        }
      }
      for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
        if (tree.nodes[i].left == 0) {
          EXPECT_GE(weight[i], 200 - 1e-6);
        }
      }
    }
    ASSERT_TRUE(ModelOf(3, trees).Valid());
  }
  EXPECT_TRUE(Fit(problem.positives, problem.unlabelled, {.trees = 0}).empty());
}

// A few rows that are wholly on one side, at either end, are no leaf of their own.
TEST(Fit, AFewRowsAreNoLeaf) {
  for (const std::uint8_t end : {std::uint8_t{0}, static_cast<std::uint8_t>(kBins - 1)}) {
    Random random(18);
    Problem problem{{.features = 1}, {.features = 1}};
    for (int i = 0; i < 500; ++i) {
      const std::uint8_t any = static_cast<std::uint8_t>(1 + random.Below(kBins - 2));
      problem.positives.Add(Bins{i < 40 ? end : any}, 1);
      problem.unlabelled.Add(Bins{any}, 1);
    }
    const auto rows_at = [&](const Tree& tree, bool left) {
      int rows = 0;
      for (const Rows* side : {&problem.positives, &problem.unlabelled}) {
        for (std::size_t i = 0; i < side->size(); ++i) {
          rows += tree.nodes[0].GoesLeft(side->row(i)[0]) == left;
        }
      }
      return rows;
    };
    for (const double least : {0.0, 100.0}) {
      const FitOptions options = {.trees = 1, .leaves = 2, .least_rows = least};
      const Tree tree = Fit(problem.positives, problem.unlabelled, options)[0];
      ASSERT_EQ(tree.nodes.size(), 3u);
      const int smaller = std::min(rows_at(tree, true), rows_at(tree, false));
      if (least > 0) {
        EXPECT_GE(smaller, 100);
      } else {
        EXPECT_EQ(smaller, 40);
      }
    }
  }
}

TEST(Fit, TheUnknownMayBeLikeTheLowOrLikeTheHigh) {
  for (const bool like_low : {false, true}) {
    Random random(19);
    Problem problem{{.features = 1}, {.features = 1}};
    for (int i = 0; i < 2000; ++i) {
      const std::uint8_t bin = random.Chance(0.3) ? kUnknownBin : AnyBin(random);
      const bool low = bin == kUnknownBin ? like_low : bin < 20;
      (low ? problem.positives : problem.unlabelled).Add(Bins{bin}, 1);
    }
    const FitOptions options = {.trees = 1, .leaves = 2};
    EXPECT_EQ(Auc(ModelOf(1, Fit(problem.positives, problem.unlabelled, options)), problem), 1);
  }
}

TEST(Fit, TheLeafThatWinsMostIsSplitFirst) {
  // Only where one feature is high does the other one matter.
  const Problem problem = Draw(2, 3000, 20, [](const Bins& b) { return b[0] > 20 && b[1] > 20; });
  const FitOptions options = {.trees = 1, .leaves = 3};
  const std::vector<Tree> trees = Fit(problem.positives, problem.unlabelled, options);
  EXPECT_EQ(trees[0].nodes.size(), 5u);
  EXPECT_EQ(Auc(ModelOf(2, trees), problem), 1);
}

// Nothing to learn gives trees of one leaf that say nothing.
TEST(Fit, DegenerateProblemsSayNothing) {
  const auto expect_silence = [](const Rows& positives, const Rows& unlabelled, const char* what) {
    const std::vector<Tree> trees =
        Fit(positives, unlabelled, {.trees = 3, .ridge = 0, .least_rows = 0});
    ASSERT_EQ(trees.size(), 3u) << what;
    for (const Tree& tree : trees) {
      ASSERT_EQ(tree.nodes.size(), 1u) << what;
      EXPECT_NEAR(tree.nodes[0].value, 0, 1e-6) << what;
    }
    EXPECT_TRUE(ModelOf(2, trees).Valid()) << what;
  };
  const Rows none{.features = 2};
  const auto rows = [](int n, std::uint8_t bin, double weight) {
    Rows out{.features = 2};
    for (int i = 0; i < n; ++i) out.Add(Bins{bin, bin}, weight);
    return out;
  };
  expect_silence(none, none, "no rows");
  expect_silence(rows(50, 3, 1), none, "no unlabelled rows");
  expect_silence(none, rows(50, 3, 1), "no positive rows");
  expect_silence(rows(50, 3, 0), rows(50, 9, 1), "positive rows without weight");
  expect_silence(rows(50, 3, 1), rows(50, 9, 0), "unlabelled rows without weight");
  expect_silence(rows(50, 3, 1), rows(70, 3, 1), "all rows the same");
  expect_silence(rows(50, kUnknownBin, 1), rows(70, kUnknownBin, 1), "all rows unknown");
}

TEST(Fit, OneRowOfEachSideIsEnough) {
  Rows positives{.features = 1}, unlabelled{.features = 1};
  positives.Add(Bins{40}, 1);
  unlabelled.Add(Bins{2}, 1);
  const FitOptions options = {.trees = 5, .least_rows = 0};
  const Model model = ModelOf(1, Fit(positives, unlabelled, options));
  ASSERT_TRUE(model.Valid());
  EXPECT_GT(model.LogOdds(Bins{40}), model.LogOdds(Bins{2}));
}

}  // namespace
}  // namespace distillwatch::score
