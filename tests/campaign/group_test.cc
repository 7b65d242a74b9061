// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "campaign/frames.h"
#include "campaign/rhythms.h"

namespace distillwatch::campaign {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Time kStart{seconds(1767225600)};  // 2026-01-01
constexpr Time kEnd = kStart + hours(7 * 24);

Time After(double t) {
  return kStart + std::chrono::microseconds(static_cast<std::int64_t>(t * 1e6));
}

std::vector<Pair> PairsOf(const Frame& frame) {
  std::vector<Pair> pairs;
  for (std::size_t slot = 0; slot < frame.size(); ++slot)
    pairs.push_back(PairOf(slot, frame[slot]));
  return pairs;
}

// A group of accounts 0, 1, ... that are as a linker knows them.
struct World {
  Random random;
  Frame frame = RandomSignature(random);
  Group group{1, kStart};
  std::vector<Fingerprint> fingerprints;
  std::vector<Life> lives;

  explicit World(std::uint64_t seed) : random(seed) { group.SetFrame(PairsOf(frame)); }

  void Join(std::size_t members, double log_volume = 3) {
    for (std::size_t m = 0; m < members; ++m) {
      group.Join(lives.size(), kStart, kStart - hours(lives.size()));
      lives.push_back({20000 + random.Uniform(0, 20), log_volume + random.Normal(0, 0.8)});
      fingerprints.push_back(FingerprintOf(frame, 30, 0, random));
    }
  }
  void Refresh() {
    std::vector<Group::Known> known;
    for (const CampaignMember& m : group.list()) {
      known.push_back({m.account, lives[m.account], &fingerprints[m.account]});
    }
    group.Refresh(known);
  }
  void Ask(const Rhythms& rhythms, std::uint64_t first = 0) {
    for (std::size_t m = 0; m < rhythms.size(); ++m) {
      for (const double t : rhythms[m])
        group.Observe(first + m, After(t), RequestOf(frame, 0.5, random));
    }
  }
  // A review with a level of .01.
  bool Review(Time now = kEnd) {
    const bool due = group.Gather(now);
    group.DropStrangers();
    Refresh();
    const bool passed = due && group.Test(0.02, {}, now, 5);
    if (passed) group.Name(now);
    return passed;
  }
};

Rhythms Independent(std::size_t members, std::size_t each, Random& random) {
  Rhythms rhythms(members);
  for (Times& times : rhythms) times = Poisson(each, {0, 7 * kDay_s}, random);
  return rhythms;
}

TEST(Group, OnlyRequestsWithTheFrameCount) {
  World world(1);
  world.Join(5);
  for (int i = 0; i < 10; ++i) {
    world.group.Observe(0, kStart, RequestOf(world.frame, 0.5, world.random));
    world.group.Observe(0, kStart, RandomSignature(world.random));
    world.group.Observe(99, kStart, world.frame);  // no member
  }
  EXPECT_EQ(world.group.list()[0].requests, 20u);
  EXPECT_EQ(world.group.list()[0].matching, 10u);
  EXPECT_EQ(world.group.list()[1].requests, 0u);
}

TEST(Group, ATestIsDueWhenRequestsDoubledOrMembersGrewByHalf) {
  constexpr Time kSoon = kStart + hours(12);
  World world(2);
  world.Join(5);
  const auto ask = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) world.group.Observe(i % 5, kSoon - seconds(i), world.frame);
  };
  ask(63);
  EXPECT_FALSE(world.group.Gather(kSoon));
  ask(1);
  EXPECT_TRUE(world.group.Gather(kSoon));
  world.Refresh();
  world.group.Test(1e-9, {}, kSoon, 1);
  ask(63);
  EXPECT_FALSE(world.group.Gather(kSoon));
  ask(1);
  EXPECT_TRUE(world.group.Gather(kSoon));
  world.Refresh();
  world.group.Test(1e-9, {}, kSoon, 1);
  EXPECT_FALSE(world.group.Gather(kSoon));
  world.Join(2);
  EXPECT_FALSE(world.group.Gather(kSoon));
  world.Join(1);
  EXPECT_TRUE(world.group.Gather(kSoon));
}

TEST(Group, AfterFourDaysATenthMoreRequestsAreEnough) {
  World world(20);
  world.Join(5);
  const auto ask = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) world.group.Observe(i % 5, kStart, world.frame);
  };
  ask(35);
  EXPECT_FALSE(world.group.Gather(kStart + hours(97)));
  ask(1);
  EXPECT_FALSE(world.group.Gather(kStart + hours(95)));
  EXPECT_TRUE(world.group.Gather(kStart + hours(96)));
  world.Refresh();
  world.group.Test(1e-9, {}, kStart + hours(96), 1);
  ask(4);
  EXPECT_FALSE(world.group.Gather(kStart + hours(191)));
  EXPECT_TRUE(world.group.Gather(kStart + hours(192)));
}

TEST(Group, AQueueIsNamedAndStrangersAreNot) {
  World queue(3), strangers(3);
  queue.Join(12);
  strangers.Join(12);
  queue.Ask(RoundRobin(12, 60, {0, 7 * kDay_s}, 0.2, queue.random));
  strangers.Ask(Independent(12, 60, strangers.random));
  EXPECT_TRUE(queue.Review());
  EXPECT_TRUE(queue.group.named());
  EXPECT_FALSE(strangers.Review());
  const Campaign campaign = queue.group.Describe();
  EXPECT_LE(campaign.p_value, 0.01);
  EXPECT_EQ(campaign.members.size(), 12u);
  EXPECT_EQ(campaign.first_seen, kStart - hours(11));
  EXPECT_EQ(campaign.named, kEnd);
  ASSERT_EQ(campaign.words.size(), 2u);
  EXPECT_EQ(campaign.words[0].rfind("12 accounts share a frame", 0), 0u) << campaign.words[0];
  EXPECT_EQ(campaign.words[1].rfind("their requests come evenly", 0), 0u);
}

// One product that asks a hundred times as much as each of the queue's members would drown them.
TEST(Group, OneBusyStrangerDrownsNoRhythm) {
  World world(4);
  world.Join(12);
  world.Join(1, 9);
  world.Refresh();
  world.Ask(RoundRobin(12, 60, {0, 7 * kDay_s}, 0.2, world.random));
  world.Ask(Independent(1, 6000, world.random), 12);
  EXPECT_TRUE(world.Review());
}

TEST(Group, StrangersLeaveWithWhatTheyAsked) {
  World world(5);
  world.Join(8);
  world.Ask(RoundRobin(8, 60, {0, 7 * kDay_s}, 0.2, world.random));
  for (int i = 0; i < 400; ++i)  // its share of requests with the frame falls to 60 in 460 and less
    world.group.Observe(3, kStart, RandomSignature(world.random));
  for (int i = 0; i < 1600; ++i) world.group.Observe(5, kStart, RandomSignature(world.random));
  EXPECT_EQ(world.group.DropStrangers(), (std::vector<std::uint64_t>{3, 5}));
  EXPECT_FALSE(world.group.Has(3));
  EXPECT_TRUE(world.group.Has(7));
  EXPECT_EQ(world.group.members(), 6u);
  EXPECT_EQ(world.group.FirstSeen(7), kStart - hours(7));
  // The places of those behind them moved up; what they ask is still theirs.
  world.group.Observe(7, kStart, world.frame);
  EXPECT_EQ(world.group.list()[5].account, 7u);
  EXPECT_EQ(world.group.list()[5].requests, 61u);
}

TEST(Group, ANamedGroupAdmitsOnlyAccountsLikeItsMembers) {
  World world(6);
  world.Join(12);
  const Life like = {20010, 3}, busy = {20010, 12}, old = {15000, 3};
  EXPECT_TRUE(world.group.Admits(busy, Fingerprint()));  // while it has no name
  world.Ask(RoundRobin(12, 60, {0, 7 * kDay_s}, 0.2, world.random));
  ASSERT_TRUE(world.Review());
  const Fingerprint frame = FingerprintOf(world.frame, 30, 0, world.random);
  EXPECT_TRUE(world.group.Admits(like, frame));
  EXPECT_FALSE(world.group.Admits(busy, frame));
  EXPECT_FALSE(world.group.Admits(old, frame));
  EXPECT_FALSE(world.group.Admits(like, FingerprintOf(world.frame, 10, 30, world.random)));
  EXPECT_FALSE(world.group.Admits(like, Fingerprint()));
}

TEST(Group, ACohortsOddsAreNoLongerThanALineOfText) {
  World world(7);
  std::vector<Life> population;
  for (int i = 0; i < 4000; ++i) {
    population.push_back({20000 + world.random.Uniform(0, 300), world.random.Normal(1, 2)});
  }
  for (std::uint64_t a = 0; a < 200; ++a) {
    world.group.Join(a, kStart, kStart);
    world.lives.push_back({20150, 3});
    world.fingerprints.push_back(FingerprintOf(world.frame, 30, 0, world.random));
  }
  ASSERT_TRUE(world.group.Gather(kEnd));
  world.Refresh();
  ASSERT_TRUE(world.group.Test(0.01, {population, {}, {}}, kEnd, 1));
  const std::string words = world.group.Describe().words.back();
  EXPECT_NE(words.find("less than 1 in 1000000000 random sets"), std::string::npos) << words;
}

TEST(Group, TimesFarFromTheReviewAreNotTested) {
  World world(8);
  world.Join(12);
  for (int i = 0; i < 200; ++i) {
    world.group.Observe(static_cast<std::uint64_t>(i % 12), Time{}, world.frame);
    world.group.Observe(static_cast<std::uint64_t>(i % 12), kEnd + hours(24 * 365), world.frame);
  }
  world.Refresh();
  EXPECT_FALSE(world.Review());
  world.Ask(RoundRobin(12, 60, {0, 7 * kDay_s}, 0.2, world.random));
  EXPECT_TRUE(world.Review());
}

TEST(Group, EvidenceIsCorrectedForWhatItWasChosenFrom) {
  EXPECT_EQ(Evidence().all(), 1);
  Evidence time, cohort, both, certain;
  time.everyone.regularity = 1e-6;
  EXPECT_DOUBLE_EQ(time.time(), 6e-6);
  EXPECT_DOUBLE_EQ(time.all(), 24e-6);
  cohort.cohort = 1e-6;
  EXPECT_DOUBLE_EQ(cohort.all(), 4e-6);
  // Weak evidence of both kinds is more than of one.
  both.everyone.regularity = 1e-3;
  both.cohort = 6e-3;
  EXPECT_LT(both.all(), cohort.all() * 6e-3 / 1e-6);
  certain.everyone.regularity = certain.cohort = 0;
  EXPECT_LE(certain.all(), 1e-300);
}

}  // namespace
}  // namespace distillwatch::campaign
