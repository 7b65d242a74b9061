// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/infrastructure.h"

#include "campaign/pool_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

AttributeSet SetOf(std::set<std::uint32_t> values, std::uint32_t organisation = 0) {
  AttributeSet out;
  for (const std::uint32_t value : values) {
    if (out.size < AttributeSet::kMost) out.sorted[out.size++] = value;
  }
  out.organisation = organisation;
  return out;
}

std::vector<const AttributeSet*> PointersTo(const std::vector<AttributeSet>& sets) {
  std::vector<const AttributeSet*> out;
  for (const AttributeSet& set : sets) out.push_back(&set);
  return out;
}

// A world of accounts: strangers with addresses of their own who meet at carriers' exits, firms,
// and a pool.
struct World {
  static constexpr std::size_t kStrangers = 2000;
  Random random;
  std::uint32_t next = 1'000'000;
  std::vector<AttributeSet> sets;

  explicit World(std::uint64_t seed) : random(seed) {}
  std::uint32_t Own() { return next++; }
  std::uint32_t Exit() { return 1 + static_cast<std::uint32_t>(random.Below(60)); }

  void AddStrangers() {
    for (std::size_t i = 0; i < kStrangers; ++i) {
      std::set<std::uint32_t> values{Own(), Own()};
      if (random.Chance(0.4)) values.insert(Exit());
      sets.push_back(SetOf(values));
    }
  }
  // Keys of one firm: one payment mark, one to three addresses of the office, of which a key may
  // use some.
  void AddFirm(std::size_t keys) {
    const std::uint32_t card = Own();
    const std::vector<std::uint32_t> office{Own(), Own(), Own()};
    for (std::size_t k = 0; k < keys; ++k) {
      std::set<std::uint32_t> values{card, Own()};
      for (const std::uint32_t address : office)
        if (random.Chance(0.8)) values.insert(address);
      sets.push_back(SetOf(values));
    }
  }
  // Accounts that each use four of the pool's exits, and a card of their own.
  void AddPool(std::size_t accounts, std::size_t exits) {
    std::vector<std::uint32_t> pool;
    for (std::size_t i = 0; i < exits; ++i) pool.push_back(Own());
    for (std::size_t a = 0; a < accounts; ++a) {
      std::set<std::uint32_t> values{Own()};
      for (int i = 0; i < 4; ++i) values.insert(random.Choose(pool));
      sets.push_back(SetOf(values));
    }
  }
};

TEST(AttributeCounts, KeepsWhatRecursAsAMapWould) {
  Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    AttributeCounts counts;
    std::map<std::uint32_t, std::size_t> truth;
    for (int i = 0; i < 60; ++i) {
      RequestInfrastructure request;
      request.values[0] = 1 + static_cast<std::uint32_t>(random.Below(7));
      ++truth[request.values[0]];
      counts.Update(request);
    }
    std::set<std::uint32_t> recurring;
    for (const auto& [value, n] : truth) {
      if (n >= 2) recurring.insert(value);
    }
    const AttributeSet found = counts.Frequent();
    EXPECT_TRUE(found.Valid());
    EXPECT_EQ(std::set<std::uint32_t>(found.values().begin(), found.values().end()), recurring);
  }
}

TEST(AttributeCounts, AFrequentValueSurvivesAddressesThatNeverRecur) {
  AttributeCounts counts;
  for (std::uint32_t i = 0; i < 1000; ++i)
    counts.Update({.values = {7, 1000 + i}, .organisation = 0});
  const AttributeSet found = counts.Frequent();
  EXPECT_TRUE(std::binary_search(found.values().begin(), found.values().end(), 7u));
}

TEST(AttributeCounts, MergesAndRemembersTheNewestOrganisation) {
  AttributeCounts a, b;
  a.Update({.values = {5}, .organisation = 1});
  b.Update({.values = {5}, .organisation = 2});
  a.Merge(b);
  const AttributeSet found = a.Frequent();
  ASSERT_EQ(found.size, 1);
  EXPECT_EQ(found.sorted[0], 5u);
  EXPECT_EQ(found.organisation, 2u);
}

// Counts as a snapshot might claim them.
AttributeCounts CountsOf(std::array<std::uint32_t, AttributeSet::kMost> values,
                         std::array<std::uint16_t, AttributeSet::kMost> counts) {
  wire::Writer out;
  out(values, counts, std::uint32_t{0});
  wire::Reader in(out.bytes());
  AttributeCounts read;
  in(read);
  EXPECT_TRUE(in.Finished());
  return read;
}

TEST(AttributeCounts, WhatCannotBeIsNotValid) {
  EXPECT_TRUE(CountsOf({}, {}).Valid());
  EXPECT_TRUE(CountsOf({7, 9, 7}, {2, 3, 0}).Valid()) << "a free place's value means nothing";
  EXPECT_FALSE(CountsOf({7, 9, 7}, {2, 3, 1}).Valid()) << "one value in two places";
  EXPECT_FALSE(CountsOf({7, 0}, {2, 1}).Valid()) << "0 is no value";
}

TEST(Majority, IsWhatMoreThanHalfHave) {
  Random random(9);
  Majority majority;
  EXPECT_EQ(majority.value(), 0u);
  for (int i = 0; i < 200; ++i) {
    majority.Update(random.Chance(0.7) ? 5 : 100 + static_cast<std::uint32_t>(i));
    majority.Update(0);  // requests without one do not vote
  }
  EXPECT_EQ(majority.value(), 5u);
  for (int i = 0; i < 400; ++i) majority.Update(6);
  EXPECT_EQ(majority.value(), 6u);
}

TEST(AttributeSet, WhatCannotBeIsNotValid) {
  AttributeSet set = SetOf({3, 4});
  EXPECT_TRUE(set.Valid());
  set.size = 9;
  EXPECT_FALSE(set.Valid());
  set = SetOf({3, 4});
  std::swap(set.sorted[0], set.sorted[1]);
  EXPECT_FALSE(set.Valid());
  set = SetOf({3});
  set.sorted[0] = 0;
  EXPECT_FALSE(set.Valid());
}

TEST(AttributeSet, AValueKnowsItsKind) {
  Random random(13);
  for (std::uint32_t kind = 0; kind < kMostKinds; ++kind) {
    for (const std::uint64_t hash : {std::uint64_t{0}, ~std::uint64_t{0}, random.Bits()}) {
      EXPECT_NE(ValueOf(hash, kind), 0u);
      EXPECT_EQ(KindOf(ValueOf(hash, kind)), kind);
    }
  }
}

TEST(Pool, HasSeveralOwnersWithTwoValuesOfTwoKinds) {
  const auto pool = [](std::vector<std::uint32_t> values) { return Pool{std::move(values), 5}; };
  EXPECT_FALSE(pool({}).HasSeveralOwners());
  EXPECT_FALSE(pool({8, 16, 24, 32}).HasSeveralOwners());  // four exits
  EXPECT_FALSE(pool({8, 9, 16, 24}).HasSeveralOwners());   // and a payment mark
  EXPECT_FALSE(pool({8, 9, 17, 25}).HasSeveralOwners());
  EXPECT_TRUE(pool({8, 9, 16, 17}).HasSeveralOwners());
}

TEST(Pool, AFirmHasNone) {
  World world(2);
  world.AddStrangers();
  const std::size_t first = world.sets.size();
  for (const std::size_t keys : {5, 12, 40}) world.AddFirm(keys);
  const auto all = PointersTo(world.sets);
  Steps steps;
  const Neighbourhood neighbourhood(all, steps);
  EXPECT_TRUE(steps.Run({}));
  // Nor have three firms together.
  const Pool pool = neighbourhood.PoolOf(std::span(all).subspan(first));
  EXPECT_EQ(pool.bridges, 0u);
  EXPECT_TRUE(pool.values.empty());
  EXPECT_EQ(neighbourhood.BridgesP(std::span(all).subspan(first), {}), 1);
}

TEST(Pool, SharedExitsAreOne) {
  World world(3);
  world.AddStrangers();
  const std::size_t first = world.sets.size();
  world.AddPool(16, 10);
  const auto all = PointersTo(world.sets);
  Steps steps;
  const Neighbourhood neighbourhood(all, steps);
  EXPECT_TRUE(steps.Run({}));
  const auto members = std::span(all).subspan(first);
  const Pool pool = neighbourhood.PoolOf(members);
  EXPECT_GE(pool.bridges, 14u);
  EXPECT_TRUE(std::is_sorted(pool.values.begin(), pool.values.end()));
  EXPECT_LT(neighbourhood.BridgesP(members, {.most_draws = 2000, .seed = 1}), 0.001);
  std::size_t living = 0;
  for (const AttributeSet* set : all) living += neighbourhood.LivesIn(pool, *set);
  EXPECT_GE(living, 14u);
  EXPECT_LE(living, 16u);
}

TEST(PoolStat, StrangersHaveNoneMoreOftenThanTheLevelSays) {
  World world(4);
  world.AddStrangers();
  world.AddFirm(30);
  const auto all = PointersTo(world.sets);
  Steps steps;
  const Neighbourhood neighbourhood(all, steps);
  EXPECT_TRUE(steps.Run({}));
  Random random(5);
  int extreme = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<const AttributeSet*> members;
    for (int m = 0; m < 20; ++m) members.push_back(random.Choose(all));
    extreme += neighbourhood.BridgesP(members, {.most_draws = 200, .seed = random.Bits()}) <= 0.05;
  }
  EXPECT_LE(extreme, 33);  // 20 expected, and 3 standard deviations
}

// Most draws are put aside by a bound; the slow twin looks closely at each.
TEST(PoolOracle, BridgesPIsTheShareOfDraws) {
  World world(11);
  world.AddStrangers();
  for (int pool = 0; pool < 60; ++pool) world.AddPool(12, 8);
  const auto all = PointersTo(world.sets);
  Steps steps;
  const Neighbourhood neighbourhood(all, steps);
  EXPECT_TRUE(steps.Run({}));
  Random random(12);
  std::vector<const AttributeSet*> members;
  while (neighbourhood.PoolOf(members).bridges < 3) {
    members.clear();
    for (int m = 0; m < 40; ++m) members.push_back(random.Choose(all));
  }
  const std::size_t truth = neighbourhood.PoolOf(members).bridges;
  std::array<std::vector<const AttributeSet*>, AttributeSet::kMost + 1> by_size;
  for (const AttributeSet* set : all) by_size[set->size].push_back(set);
  constexpr int kTrials = 4000;
  double extreme = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<const AttributeSet*> drawn;
    for (const AttributeSet* m : members) drawn.push_back(random.Choose(by_size[m->size]));
    extreme += static_cast<double>(neighbourhood.PoolOf(drawn).bridges >= truth);
  }
  const double share = extreme / kTrials;
  ASSERT_GT(share, 0.001);
  double mean = 0;  // each p-value of ten extremes has a third of its size as deviation
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    mean += neighbourhood.BridgesP(members, {.most_draws = 20'000, .seed = seed}) / 40;
  EXPECT_NEAR(mean, share, 0.35 * share + 0.002);
}

std::vector<std::vector<std::uint32_t>> PoolsIn(const Neighbourhood& all, bool eligible) {
  Steps steps;
  PoolLinking linking(
      all, [eligible](std::uint32_t) { return eligible; }, {}, steps);
  EXPECT_TRUE(steps.Run({}));
  return linking.groups();
}

TEST(PoolLink, FindsPoolsAndNoFirms) {
  World world(6);
  world.AddStrangers();
  for (const std::size_t keys : {5, 9, 20}) world.AddFirm(keys);
  const std::size_t first = world.sets.size();
  world.AddPool(20, 12);
  const std::size_t second = world.sets.size();
  world.AddPool(10, 6);
  const auto all = PointersTo(world.sets);
  Steps steps;
  const Neighbourhood neighbourhood(all, steps);
  EXPECT_TRUE(steps.Run({}));
  const auto groups = PoolsIn(neighbourhood, true);
  // A pool may be found in two parts, but nothing else is.
  std::size_t of_first = 0, of_second = 0;
  for (const auto& group : groups) {
    const bool is_first = group.front() < second;
    for (const std::uint32_t a : group) EXPECT_TRUE(a >= first && (a < second) == is_first) << a;
    (is_first ? of_first : of_second) += group.size();
  }
  EXPECT_GE(of_first, 16u);
  EXPECT_GE(of_second, 8u);
  EXPECT_TRUE(PoolsIn(neighbourhood, false).empty());
}

TEST(Organisation, IsThatOfMoreThanHalf) {
  const std::vector<AttributeSet> sets{SetOf({1}, 7), SetOf({2}, 7), SetOf({3}, 8)};
  EXPECT_EQ(OrganisationOf(PointersTo(sets)), 7u);
  const std::vector<AttributeSet> even{SetOf({1}, 7), SetOf({2}, 8)};
  EXPECT_EQ(OrganisationOf(PointersTo(even)), 0u);
  const std::vector<AttributeSet> none{SetOf({1}), SetOf({2})};
  EXPECT_EQ(OrganisationOf(PointersTo(none)), 0u);
}

}  // namespace
}  // namespace distillwatch::campaign
