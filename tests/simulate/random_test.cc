// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace distillwatch::simulate {
namespace {

TEST(Random, OneSeedGivesOneStreamOnEveryMachine) {
  Random random(1);
  // Written down once; another compiler or machine must draw the same.
  EXPECT_EQ(random.Bits(), 8601841920246595279ULL);
  EXPECT_EQ(random.Bits(), 11905808794843041401ULL);
  Random other(2);
  EXPECT_NE(Random(1).Bits(), other.Bits());
}

TEST(Random, ForksDoNotDisturbEachOther) {
  Random a(3), b(3);
  Random fork_of_a = a.Fork(1), fork_of_b = b.Fork(1);
  for (int i = 0; i < 100; ++i) fork_of_a.Bits();  // however much a part draws,
  EXPECT_EQ(a.Bits(), b.Bits());                   // the whole goes on the same
  Random c(3);
  EXPECT_NE(c.Fork(2).Bits(), fork_of_b.Bits());
}

TEST(Random, DrawsStayInTheirRanges) {
  Random random(4);
  for (int i = 0; i < 20000; ++i) {
    const double u = random.Uniform();
    EXPECT_TRUE(u > 0 && u < 1);
    EXPECT_LT(random.Below(7), 7u);
    EXPECT_EQ(random.Below(1), 0u);
    EXPECT_LT(random.Zipf(5), 5u);
    EXPECT_EQ(random.Zipf(1), 0u);
    const double l = random.LogUniform(2, 50);
    EXPECT_TRUE(l >= 2 && l <= 50);
    EXPECT_GT(random.Gamma(0.2, 3), 0);
    EXPECT_GE(random.Exponential(1), 0);
  }
  EXPECT_FALSE(random.Chance(0));
  EXPECT_TRUE(random.Chance(1));
}

// Means of 40,000 draws lie within 6 standard errors: p_fail below 1e-8 for each.
TEST(RandomStat, MeansAreWhatTheNamesSay) {
  constexpr int kDraws = 40000;
  const auto mean = [](auto draw) {
    double sum = 0;
    for (int i = 0; i < kDraws; ++i) sum += draw();
    return sum / kDraws;
  };
  Random random(5);
  EXPECT_NEAR(mean([&] { return random.Uniform(); }), 0.5, 6 * 0.2887 / 200);
  EXPECT_NEAR(mean([&] { return random.Exponential(3); }), 3, 6 * 3.0 / 200);
  EXPECT_NEAR(mean([&] { return random.Normal(2, 0.5); }), 2, 6 * 0.5 / 200);
  EXPECT_NEAR(mean([&] { return random.Gamma(4, 10); }), 10, 6 * 5.0 / 200);
  EXPECT_NEAR(mean([&] { return random.Gamma(0.25, 10); }), 10, 6 * 20.0 / 200);
}

TEST(RandomStat, ZipfFallsWithTheRank) {
  Random random(6);
  std::vector<int> counts(100);
  for (int i = 0; i < 50000; ++i) ++counts[random.Zipf(100)];
  EXPECT_GT(counts[0], 3 * counts[3]);
  EXPECT_GT(counts[0], 10 * counts[40]);
}

TEST(Random, ShuffleKeepsAllItems) {
  Random random(7);
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  random.Shuffle(items);
  EXPECT_FALSE(std::is_sorted(items.begin(), items.end()));
  std::sort(items.begin(), items.end());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace distillwatch::simulate
