// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/evidence.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "support/random_inputs.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

TEST(HalfP, IsFishersOfTheLargerHalf) {
  EXPECT_EQ(HalfP({}), 1);
  EXPECT_DOUBLE_EQ(HalfP({0.2}), 0.2);
  // One of two must be notable, but two of three, so that the least is left out.
  const double product = 0.2 * 0.3;
  EXPECT_NEAR(HalfP({0.3, 0.2}), product * (1 - std::log(product)), 1e-15);
  EXPECT_NEAR(HalfP({0.3, 1e-9, 0.2}), product * (1 - std::log(product)), 1e-15);
  EXPECT_EQ(HalfP({1, 1, 1, 1}), 1);
}

TEST(HalfP, AFewCertainOnesConvictNoOthers) {
  Random random(1);
  std::vector<double> p_values(4, 1e-9);
  for (int i = 0; i < 6; ++i) p_values.push_back(random.Uniform(0.3, 1));
  EXPECT_GT(HalfP(p_values), 0.2);
  // A whole group of weak ones does.
  EXPECT_LT(HalfP(std::vector<double>(10, 0.01)), 1e-6);
  EXPECT_GT(HalfP(std::vector<double>(10'000, 1e-300)), 0);
}

TEST(HalfPStat, StrangersAreNotableNoMoreOftenThanTheLevelSays) {
  Random random(2);
  for (const std::size_t members : {5, 8, 30}) {
    int extreme = 0;
    for (int trial = 0; trial < 2000; ++trial) {
      std::vector<double> p_values;
      for (std::size_t m = 0; m < members; ++m) p_values.push_back(1 - random.Uniform(0, 1));
      extreme += HalfP(p_values) <= 0.05;
    }
    EXPECT_LE(extreme, 130) << members;  // 100 expected at most, and 3 standard deviations
  }
}

TEST(CombinedP, IsOfAllTogetherOrOfTheLeast) {
  EXPECT_EQ(CombinedP({}), 1);
  EXPECT_EQ(CombinedP(std::array{1.0, 1.0, 1.0}), 1);
  EXPECT_DOUBLE_EQ(CombinedP(std::array{1.0, 1e-6, 1.0}), 6e-6);
  const double product = 0.01 * 0.02;
  EXPECT_NEAR(CombinedP(std::array{0.01, 0.02}), 2 * product * (1 - std::log(product)), 1e-15);
  EXPECT_GT(CombinedP(std::array{0.0, 0.0, 0.0, 0.0}), 0);
}

TEST(CombinedPStat, IsSmallNoMoreOftenThanTheLevelSays) {
  Random random(3);
  constexpr int kTrials = 20'000;
  for (const std::size_t channels : {2, 3, 4}) {
    for (const double level : {0.2, 0.02}) {
      int extreme = 0;
      for (int trial = 0; trial < kTrials; ++trial) {
        std::vector<double> p_values(channels);
        for (double& p : p_values) p = 1 - random.Uniform(0, 1);
        extreme += CombinedP(p_values) <= level;
      }
      EXPECT_LE(extreme, kTrials * level + 3 * std::sqrt(kTrials * level)) << channels;
    }
  }
}

TEST(Evidence, ConductCountsBesideTheRest) {
  Evidence none, own, both;
  none.conduct.tested = true;
  EXPECT_EQ(none.all(), 1);
  own.conduct = {.tested = true, .notable = 1e-6};
  EXPECT_LT(own.all(), 1e-4);
  EXPECT_EQ(own.without_pool(), 1);
  both.conduct = {.tested = true, .alike = 1e-3};
  EXPECT_DOUBLE_EQ(both.conduct.p_value(), 2e-3);
  both.everyone.regularity = 1e-4;
  EXPECT_LT(both.all(), both.without_pool());
}

TEST(TenthP, IsTheTailOfABinomialDistribution) {
  EXPECT_DOUBLE_EQ(TenthP(0, 0), 1);
  EXPECT_NEAR(TenthP(5, 0), 1, 1e-12);
  EXPECT_NEAR(TenthP(2, 1), 1 - 0.85 * 0.85, 1e-12);
  EXPECT_NEAR(TenthP(3, 3), 0.15 * 0.15 * 0.15, 1e-12);
  EXPECT_NEAR(TenthP(4, 3), 4 * 0.15 * 0.15 * 0.15 * 0.85 + std::pow(0.15, 4), 1e-12);
  EXPECT_GT(TenthP(100'000, 100'000), 0);
}

TEST(Evidence, EchoesCountBesideTheRest) {
  Evidence none, echoes;
  none.echo = {.tested = true, .p_value = 1};
  EXPECT_EQ(none.all(), 1);
  EXPECT_FALSE(none.by_echo());
  echoes.echo = {.tested = true, .p_value = 1e-6, .prompts = 9, .echoes = 9, .near = 9, .soon = 8};
  EXPECT_DOUBLE_EQ(echoes.all(), 6e-6);
  EXPECT_TRUE(echoes.by_echo());
  // Weak evidence of three kinds is more than the best of them alone.
  Evidence weak;
  weak.everyone.regularity = 3e-4;
  weak.cohort = 0.03;
  weak.echo = {.tested = true, .p_value = 1.3e-3};
  EXPECT_LT(weak.all(), 1e-4);
  const std::vector<CampaignMember> members = {{.account = 1, .by_echo = true}};
  const std::vector<std::string> words = WordsOf(echoes, false, 0, members);
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0], "1 accounts ask what others of them ask, word for word");
  EXPECT_NE(words[1].find("9 prompts were asked by several of them"), std::string::npos);
}

}  // namespace
}  // namespace distillwatch::campaign
