// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/cohort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <vector>

#include "support/random_inputs.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

// Accounts of a gateway that grows: begins over 90 days, volumes lognormal, and late ones ask less.
Life AnyLife(Random& random) {
  const double begin = 90 * std::sqrt(random.Uniform());
  return {.begin_days = begin,
          .log_volume = random.Normal(3 - begin / 60, random.Chance(0.3) ? 1.5 : 0.8)};
}

std::vector<Life> Lives(std::size_t n, Random& random) {
  std::vector<Life> lives(n);
  for (Life& life : lives) life = AnyLife(random);
  return lives;
}

// Shares of worlds with a p-value of at most the level.
struct Shares {
  int worlds = 0, at_05 = 0, at_001 = 0;
  void Add(double p) { ++worlds, at_05 += p <= 0.05, at_001 += p <= 0.001; }
};

double ExactTail(std::size_t k, std::size_t n, long double q) {
  long double sum = 0, choose = 1;
  for (std::size_t i = 0; i <= n; ++i) {
    if (i >= k) {
      sum += choose * std::pow(q, static_cast<long double>(i)) *
             std::pow(1 - q, static_cast<long double>(n - i));
    }
    choose = choose * static_cast<long double>(n - i) / static_cast<long double>(i + 1);
  }
  return static_cast<double>(sum);
}

TEST(CohortOracle, TheTailIsTheBinomialSum) {
  for (const std::size_t n : {1, 5, 20, 60}) {
    for (const double q : {0.001, 0.05, 0.3, 0.7, 0.99}) {
      for (std::size_t k = 0; k <= n; ++k) {
        const double tail = BinomialTail(k, n, q);
        // Up to the mean, where no evidence is, it says 1.
        const bool above = static_cast<double>(k) > q * static_cast<double>(n);
        const double truth = above ? ExactTail(k, n, q) : 1;
        EXPECT_NEAR(tail, truth, 1e-9 * truth + 1e-300) << k << " of " << n << " at " << q;
      }
    }
  }
}

// Counts of a Bonferroni bound: at .05, 400 worlds, mean at most 20 and sd 4.4; allowed 40, p_fail
// = 1e-5 for each size; at .001 a mean of at most .4, allowed 4: p_fail = 6e-5.
TEST(CohortStat, RandomMembersOfAMixedPopulationAreNone) {
  Random random(1);
  for (const std::size_t members : {5, 16, 60}) {
    Shares shares;
    for (int world = 0; world < 400; ++world) {
      const auto population = Lives(600, random);
      std::vector<Life> chosen;
      for (std::size_t i = 0; i < members; ++i) chosen.push_back(random.Choose(population));
      shares.Add(FindCohort(chosen, population).p_value);
    }
    EXPECT_LE(shares.at_05, 40) << members << " members";
    EXPECT_LE(shares.at_001, 4) << members << " members";
  }
}

// Volumes around the gateway's usual ones: 300 worlds at .001 with a mean of at most .3; four and
// more have P = 3e-4. Customers who all ask far more or less than other accounts do are not
// covered: their volumes are unlike the gateway's, which is what the test looks for.
TEST(CohortStat, AProductLaunchIsNone) {
  Random random(2);
  Shares shares;
  for (int world = 0; world < 300; ++world) {
    auto population = Lives(1000, random);
    std::vector<Life> members;
    const double launch = random.Uniform(20, 80);
    for (std::size_t i = 0; i < 16; ++i) {
      members.push_back({launch + random.Exponential(0.5), random.Normal(3 - launch / 60, 1)});
    }
    population.insert(population.end(), members.begin(), members.end());
    shares.Add(FindCohort(members, population).p_value);
  }
  EXPECT_LE(shares.at_001, 3);
}

TEST(CohortStat, UsersOfOneToolAreNone) {
  Random random(3);
  Shares shares;
  for (int world = 0; world < 300; ++world) {
    auto population = Lives(1000, random);
    std::vector<Life> members;
    const double usual = random.Uniform(1, 4);
    for (std::size_t i = 0; i < 16; ++i) {
      members.push_back({90 * std::sqrt(random.Uniform()), random.Normal(usual, 0.15)});
    }
    population.insert(population.end(), members.begin(), members.end());
    shares.Add(FindCohort(members, population).p_value);
  }
  EXPECT_LE(shares.at_001, 3);
}

// Hundreds of users prove any small difference from all accounts: here more came in the first
// weeks, and their volumes differ a little less.
TEST(CohortStat, ManyUsersOfOneToolAreNone) {
  Random random(8);
  Shares shares;
  for (int world = 0; world < 40; ++world) {
    std::vector<Life> population(4096), users(256);
    for (Life& life : population) life = {random.Uniform(0, 20), random.Normal(3, 1)};
    for (Life& life : users) {
      const double begin = random.Chance(0.8) ? random.Uniform(0, 12) : random.Uniform(12, 20);
      life = {begin, random.Normal(3, 0.72)};
    }
    shares.Add(FindCohort(users, population).p_value);
  }
  EXPECT_LE(shares.at_001, 2);  // 28 where 256 members are looked at and any excess counts
}

// Groups list their members as they joined, and who joined first began first.
TEST(CohortStat, TheMembersThatAreLookedAtAreNotTheFirst) {
  Random random(9);
  Shares shares;
  for (int world = 0; world < 20; ++world) {
    std::vector<Life> population(4096), users(600);
    for (Life& life : population) life = {random.Uniform(0, 30), random.Normal(3, 1)};
    for (Life& life : users) life = {random.Uniform(0, 30), random.Normal(3, 0.5)};
    std::sort(users.begin(), users.end(),
              [](const Life& a, const Life& b) { return a.begin_days < b.begin_days; });
    shares.Add(FindCohort(users, population).p_value);
  }
  EXPECT_LE(shares.at_001, 1);  // 20 where the first are
}

TEST(CohortStat, FindsAPlantedCohortWithItsMembers) {
  Random random(4);
  int found = 0;
  for (int world = 0; world < 50; ++world) {
    auto population = Lives(4000, random);
    std::vector<Life> members = Lives(20, random);
    std::set<std::uint32_t> planted;
    const Life queue = AnyLife(random);
    for (int i = 0; i < 14; ++i) {
      planted.insert(static_cast<std::uint32_t>(members.size()));
      members.push_back({queue.begin_days + random.Uniform(-0.8, 0.8),
                         queue.log_volume + random.Uniform(-0.25, 0.25)});
    }
    population.insert(population.end(), members.begin(), members.end());
    const Cohort cohort = FindCohort(members, population);
    if (cohort.p_value > 0.01) continue;
    ++found;
    EXPECT_TRUE(std::is_sorted(cohort.members.begin(), cohort.members.end()));
    std::size_t right = 0;
    for (const std::uint32_t m : cohort.members) right += planted.contains(m);
    EXPECT_GE(right, 7u);
    EXPECT_LE(cohort.members.size() - right, 4u);
  }
  EXPECT_GE(found, 48);
}

TEST(Cohort, FewMembersOrAThinPopulationProveNothing) {
  Random random(5);
  const std::vector<Life> alike(10, Life{40, 2});
  const auto population = Lives(1000, random);
  EXPECT_EQ(FindCohort(std::span(alike).first(4), population).p_value, 1);
  EXPECT_EQ(FindCohort(alike, std::span(population).first(39)).p_value, 1);
  EXPECT_LT(FindCohort(alike, Lives(4000, random)).p_value, 0.01);
  EXPECT_EQ(FindCohort({}, {}).p_value, 1);
}

TEST(Cohort, OnlySomeMembersAreLookedAt) {
  Random random(6);
  const std::vector<Life> alike(1000, Life{40, 2});
  const Cohort cohort = FindCohort(alike, Lives(6000, random));
  EXPECT_EQ(cohort.members.size(), 128u);
}

// Of a campaign whose accounts come over three weeks and ask as much as chance has it.
Life AnyMember(Random& random) {
  return {.begin_days = random.Uniform(0, 20), .log_volume = random.Normal(2, 0.6)};
}

TEST(Part, IsFoundWithItsMembersWhereverItLies) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const double begin = random.Uniform(2, 18), volume = random.Normal(2, 0.5);
    std::vector<Life> lives;
    std::vector<std::uint32_t> part;
    for (std::uint32_t m = 0; m < 70; ++m) {
      if (m % 3 == 0) part.push_back(m);
      lives.push_back(m % 3 == 0 ? Life{begin + random.Uniform(0, 0.7), random.Normal(volume, 0.03)}
                                 : AnyMember(random));
    }
    const std::vector<std::uint32_t> found = FindPart(lives);
    std::vector<std::uint32_t> both;
    std::set_intersection(found.begin(), found.end(), part.begin(), part.end(),
                          std::back_inserter(both));
    EXPECT_GE(both.size(), part.size() - 2) << seed;
    EXPECT_LE(found.size(), part.size() + 4) << seed;  // whoever is like them
  }
}

TEST(PartStat, ThereIsNoneAmongMembersOfOneKindNorInTheRoundsOfOneQueue) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::vector<Life> lives, rounds;
    for (std::size_t m = 0; m < 16 + seed % 150; ++m) {
      lives.push_back(AnyMember(random));
      // All ask as much, and began on one of three days.
      rounds.push_back({7.0 * static_cast<double>(m % 3), random.Normal(3, 0.05)});
    }
    EXPECT_TRUE(FindPart(lives).empty()) << seed;
    EXPECT_TRUE(FindPart(rounds).empty()) << seed;
  }
  EXPECT_TRUE(FindPart({}).empty());
}

TEST(Middle, KeepsOutWhoBeganElsewhenOrAsksOtherwise) {
  std::vector<Life> lives;
  for (int i = 0; i < 21; ++i) lives.push_back({50 + 0.1 * i, 3 + 0.02 * i});
  lives.push_back({10, 8});
  const Middle middle = MiddleOf(lives);
  EXPECT_TRUE(middle.Has(lives[0]));
  EXPECT_TRUE(middle.Has({53, 3.2}));  // one that came later
  EXPECT_FALSE(middle.Has({10, 3.2}));
  EXPECT_FALSE(middle.Has({51, 8}));
  EXPECT_TRUE(middle.HasVolume({10, 3.2}));
  EXPECT_FALSE(MiddleOf({}).Has({51, 8}));
}

TEST(Middle, ALifeFitsWhereItIsNearerAndOfEquallyNearOnesTheNarrower) {
  const auto around = [](double begin_days, double log_volume, double width) {
    std::vector<Life> lives;
    for (int i = -10; i <= 10; ++i)
      lives.push_back({begin_days + width * i, log_volume + width * i});
    return MiddleOf(lives, 0.2);
  };
  const Middle narrow = around(100, 2, 0.1), wide = around(100, 2, 0.4),
               later = around(110, 2, 0.1), busier = around(100, 4, 0.1);
  const Life life{100, 2};
  EXPECT_GT(narrow.LogDensity(life), wide.LogDensity(life));
  EXPECT_GT(wide.LogDensity(life), later.LogDensity(life));
  EXPECT_GT(wide.LogDensity(life), busier.LogDensity(life));
  const Life far{106, 5};
  EXPECT_LT(narrow.LogDensity(far), wide.LogDensity(far));
}

}  // namespace
}  // namespace distillwatch::campaign
