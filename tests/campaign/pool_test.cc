// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Pools of infrastructure through the linker: as a link, as evidence, and what explains them.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stop_token>
#include <vector>

#include "campaign/frames.h"
#include "campaign/gateway.h"
#include "campaign/linker.h"

namespace distillwatch::campaign {
namespace {

constexpr std::uint64_t kSeed = 3;

Habits AnyHabits(Random& random) {
  Habits out;
  for (std::uint8_t& place : out.places) {
    place = static_cast<std::uint8_t>(random.Below(Habits::kMostPlace));
  }
  return out;
}

constexpr std::uint64_t kFirstMember = 1000, kFirstUser = 2000;
constexpr std::size_t kMembers = 16, kUsers = 8;

AttributeSet SetOf(std::set<std::uint32_t> values, std::uint32_t organisation = 0) {
  AttributeSet out;
  for (const std::uint32_t value : values) out.sorted[out.size++] = value;
  out.organisation = organisation;
  return out;
}

// 600 strangers; 8 users of a public frame; and 16 accounts with that frame, whose times nothing
// connects, behind a pool of ten addresses.
struct Town {
  Random random;
  Frame frame = RandomSignature(random);
  Gateway gateway;
  std::uint32_t next = 100;

  Times AnyTimes() {
    const double first = random.Uniform(0, 8) * kDay_s;
    return Poisson(60 + random.Below(200), {first, first + 12 * kDay_s}, random);
  }
  AttributeSet OwnHome() {
    std::set<std::uint32_t> values;
    for (std::size_t n = 2 + random.Below(5); n > 0; --n) values.insert(next++);
    return SetOf(values);
  }
  AttributeSet InPool(std::uint32_t organisation = 0) {
    std::set<std::uint32_t> values{next++};
    for (int i = 0; i < 4; ++i) values.insert(1 + static_cast<std::uint32_t>(random.Below(10)));
    return SetOf(values, organisation);
  }
  void AddStrangers() {
    for (std::uint64_t a = 0; a < 600; ++a) {
      gateway.Add({.id = a,
                   .dilution = 1,
                   .times = AnyTimes(),
                   .attributes = OwnHome(),
                   .habits = AnyHabits(random)});
    }
  }
  void AddUsers() {
    for (std::uint64_t a = 0; a < kUsers; ++a) {
      gateway.Add({.id = kFirstUser + a,
                   .frame = frame,
                   .dilution = 0.3,
                   .times = AnyTimes(),
                   .attributes = OwnHome(),
                   .habits = AnyHabits(random)});
    }
  }
  void AddMembers(const Frame& with, double dilution, std::uint32_t organisation = 0) {
    for (std::uint64_t a = 0; a < kMembers; ++a) {
      gateway.Add({.id = kFirstMember + a,
                   .frame = with,
                   .dilution = dilution,
                   .times = AnyTimes(),
                   .attributes = InPool(organisation),
                   .habits = AnyHabits(random)});
    }
  }
  explicit Town(std::uint64_t seed) : random(seed) { AddStrangers(); }
};

TEST(PoolReview, AFrameAndAPoolNameThoseWhoHaveBoth) {
  Town town(1);
  town.AddUsers();
  town.AddMembers(town.frame, 0.3);
  Linker linker({}, kSeed);
  town.gateway.Run(linker, 1);
  const std::vector<Campaign> campaigns = linker.Campaigns();
  ASSERT_FALSE(campaigns.empty());  // members that came later may be a second one
  std::size_t members = 0;
  for (const Campaign& campaign : campaigns) {
    members += campaign.members.size();
    for (const CampaignMember& m : campaign.members) {
      EXPECT_TRUE(m.account >= kFirstMember && m.account < kFirstMember + kMembers) << m.account;
    }
  }
  EXPECT_GE(members, kMembers - 2);
  EXPECT_TRUE(std::any_of(campaigns[0].words.begin(), campaigns[0].words.end(),
                          [](const std::string& w) { return w.find("infrastructure") != w.npos; }));
}

TEST(PoolReview, AnOrganisationsOwnKeysAreExplained) {
  Town town(2);
  town.AddMembers(town.frame, 0.3, 77);
  Linker linker({}, kSeed);
  std::size_t explained = 0;
  town.gateway.Run(linker, 2, [&explained](const Review& r) { explained += r.explained; });
  EXPECT_TRUE(linker.Campaigns().empty());
  EXPECT_GE(explained, 1u);
}

TEST(PoolReview, APoolAloneLinksAndNamesNobody) {
  Town town(3);
  town.AddMembers({}, 1);
  Linker linker({}, kSeed);
  const Outcome outcome = town.gateway.Run(linker, 3);
  EXPECT_TRUE(linker.Campaigns().empty());
  std::size_t linked = 0;
  for (const auto& [account, home] : outcome.homes) {
    EXPECT_GE(account, kFirstMember);
    ++linked;
  }
  EXPECT_GE(linked, kMembers / 2);
}

TEST(PoolReview, APoolWhoseUsersAreNotableByThemselvesIsNamed) {
  for (const double certain : {1.0, 0.25}) {
    Town town(7);
    for (std::uint64_t a = 0; a < kMembers; ++a) {
      const bool notable = static_cast<double>(a) < certain * kMembers;
      town.gateway.Add({.id = kFirstMember + a,
                        .dilution = 1,
                        .times = town.AnyTimes(),
                        .attributes = town.InPool(),
                        .own_p_value = notable ? 0.004f : 0.6f,
                        .habits = AnyHabits(town.random)});
    }
    Linker linker({}, kSeed);
    town.gateway.Run(linker, 7);
    const std::vector<Campaign> campaigns = linker.Campaigns();
    if (certain < 1) {
      EXPECT_TRUE(campaigns.empty());
      continue;
    }
    ASSERT_FALSE(campaigns.empty());  // members that came later may be a second one
    std::size_t members = 0;
    for (const Campaign& campaign : campaigns) {
      members += campaign.members.size();
      for (const CampaignMember& m : campaign.members) EXPECT_GE(m.account, kFirstMember);
    }
    EXPECT_GE(members, kMembers - 3);
    EXPECT_NE(campaigns[0].words.back().find("by itself"), std::string::npos);
  }
}

// What one owner's exits do not explain: members pay with several marks, which others of them
// share.
TEST(PoolReview, APoolWithSeveralPaymentsWhoseUsersAreAlikeIsNamed) {
  for (const bool several : {true, false}) {
    Town town(8);
    const Habits habits = AnyHabits(town.random);
    for (std::uint64_t a = 0; a < kMembers; ++a) {
      std::set<std::uint32_t> values{ValueOf(std::uint64_t{town.next++} << 40, 2)};
      for (int i = 0; i < 4; ++i) values.insert(ValueOf((1 + town.random.Below(10)) << 40, 0));
      values.insert(ValueOf((1 + (several ? town.random.Below(4) : 0)) << 40, 1));
      town.gateway.Add({.id = kFirstMember + a,
                        .dilution = 1,
                        .times = town.AnyTimes(),
                        .attributes = SetOf(values),
                        .habits = habits});
    }
    Linker linker({}, kSeed);
    town.gateway.Run(linker, 8);
    const std::vector<Campaign> campaigns = linker.Campaigns();
    ASSERT_EQ(!campaigns.empty(), several);
    if (!several) continue;
    for (const CampaignMember& m : campaigns[0].members) EXPECT_GE(m.account, kFirstMember);
    EXPECT_NE(campaigns[0].words.back().find("behave alike"), std::string::npos);
  }
}

// A queue behind a pool, without any frame: what one cannot hide links, the other convicts.
TEST(PoolReview, APoolThatServesOneQueueIsNamed) {
  Town town(4);
  const Rhythms rhythms = RoundRobin(kMembers, 80, {2 * kDay_s, 14 * kDay_s}, 0.3, town.random);
  for (std::uint64_t a = 0; a < kMembers; ++a) {
    town.gateway.Add({.id = kFirstMember + a,
                      .dilution = 1,
                      .times = rhythms[a],
                      .attributes = town.InPool(),
                      .habits = AnyHabits(town.random)});
  }
  Linker linker({}, kSeed);
  town.gateway.Run(linker, 4);
  const std::vector<Campaign> campaigns = linker.Campaigns();
  ASSERT_EQ(campaigns.size(), 1u);
  EXPECT_EQ(campaigns[0].frame, 0u);
  EXPECT_GE(campaigns[0].members.size(), kMembers / 2);
  for (const CampaignMember& m : campaigns[0].members) {
    EXPECT_GE(m.account, kFirstMember);
    EXPECT_TRUE(m.by_pool);
  }
}

TEST(PoolReview, WhatIsCommonLinksNobody) {
  Town town(5);
  town.AddUsers();
  town.AddMembers(town.frame, 0.3);
  std::vector<Pair> common;
  for (std::size_t slot = 0; slot < town.frame.size(); ++slot)
    common.push_back(PairOf(slot, town.frame[slot]));
  Linker linker({.infrastructure = {}}, kSeed, common);
  const Outcome outcome = town.gateway.Run(linker, 5);
  EXPECT_TRUE(linker.Campaigns().empty());
  EXPECT_FALSE(outcome.homes.contains(kFirstUser));
}

TEST(PoolReview, AReviewThatIsStoppedLeavesItsWorkToTheNext) {
  Town town(6);
  town.AddMembers(town.frame, 0.3);
  Linker linker({}, kSeed), stopped({}, kSeed);
  std::stop_source stop;
  stop.request_stop();
  for (Linker* each : {&linker, &stopped}) {
    Random random(6);
    for (std::uint64_t a = 0; a < kMembers; ++a) {
      each->Note({a, Gateway::kStart, Gateway::kStart, 20}, SampleOf(town.frame, 0.5, 4, random));
    }
  }
  const Time now = Gateway::kStart + std::chrono::hours(1);
  const auto nothing = [](std::uint64_t, std::uint32_t, bool) {};
  const Review first = stopped.Run(now, nothing, {.stop = stop.get_token()});
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.groups, 0u);
  const Review second = stopped.Run(now, nothing), plain = linker.Run(now, nothing);
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.groups, plain.groups);
  EXPECT_EQ(second.groups, 1u);
}

}  // namespace
}  // namespace distillwatch::campaign
