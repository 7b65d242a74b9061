// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Campaigns whose dispatcher asks again elsewhere, and people who ask the same for other reasons.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "campaign/gateway.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

constexpr std::uint64_t kSeed = 7;
constexpr Window kFortnight = {0, 14 * kDay_s};

struct Dispatch {
  std::size_t each = 100;  // requests of a member
  double again = 0.1;      // share of prompts that another member asks, too
  double after_s = 30;     // later, on average
  Frame frame{};           // none: bare prompts
};

// Of each account, when it asks what.
using Asked = std::vector<std::vector<std::pair<double, std::uint64_t>>>;

void AddAsked(Gateway& gateway, std::uint64_t first, Asked asked, const Frame& frame = {}) {
  for (std::size_t m = 0; m < asked.size(); ++m) {
    std::sort(asked[m].begin(), asked[m].end());
    Asker asker{
        .id = first + m, .frame = frame, .dilution = frame == Frame{} ? 1.0 : 0.3, .times = {}};
    for (const auto& [t, prompt] : asked[m]) {
      asker.times.push_back(t);
      asker.prompts.push_back(prompt);
    }
    gateway.Add(std::move(asker));
  }
}

// One queue; a random member has each request.
void AddDispatched(Gateway& gateway, std::size_t members, std::uint64_t first,
                   const Dispatch& dispatch, Random& random) {
  Asked asked(members);
  for (const double t : Poisson(members * dispatch.each, kFortnight, random)) {
    const std::uint64_t prompt = random.Bits();
    const std::size_t m = random.Below(members);
    asked[m].emplace_back(t, prompt);
    if (!random.Chance(dispatch.again)) continue;
    const std::size_t other = (m + 1 + random.Below(members - 1)) % members;
    asked[other].emplace_back(t + random.Exponential(dispatch.after_s), prompt);
  }
  AddAsked(gateway, first, std::move(asked), dispatch.frame);
}

// People at their own times, who ask some of `questions` that are everybody's.
void AddReaders(Gateway& gateway, std::size_t people, std::uint64_t first, std::size_t questions,
                double shared, Random& random) {
  for (std::size_t p = 0; p < people; ++p) {
    Asker asker{.id = first + p, .dilution = 1, .times = simulate::Person(80, kFortnight, random)};
    for (std::size_t i = 0; i < asker.times.size(); ++i) {
      asker.prompts.push_back(random.Chance(shared) ? wire::Mix(random.Below(questions) + 1)
                                                    : random.Bits());
    }
    gateway.Add(std::move(asker));
  }
}

std::set<std::uint64_t> MembersOf(const Campaign& campaign) {
  std::set<std::uint64_t> out;
  for (const CampaignMember& m : campaign.members) out.insert(m.account);
  return out;
}

std::size_t CountBetween(const std::set<std::uint64_t>& accounts, std::uint64_t first,
                         std::uint64_t end) {
  return static_cast<std::size_t>(
      std::distance(accounts.lower_bound(first), accounts.lower_bound(end)));
}

TEST(EchoLink, NamesACampaignOfBarePromptsByWhatItAsksAgain) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    Gateway gateway;
    AddDispatched(gateway, 20, 1000, {}, random);
    AddReaders(gateway, 150, 3000, 2000, 0.5, random);
    Linker linker({}, kSeed);
    const Outcome seen = gateway.Run(linker, seed);
    ASSERT_EQ(linker.Campaigns().size(), 1u);
    const Campaign campaign = linker.Campaigns()[0];
    EXPECT_EQ(campaign.frame, 0u);
    EXPECT_GE(MembersOf(campaign).size(), 16u);
    EXPECT_EQ(CountBetween(MembersOf(campaign), 1000, 1020), campaign.members.size());
    for (const CampaignMember& m : campaign.members) EXPECT_TRUE(m.by_echo);
    const std::string words = campaign.words.front() + campaign.words.back();
    EXPECT_NE(words.find("accounts ask what others of them ask"), std::string::npos) << words;
    EXPECT_NE(words.find("of strangers' prompts"), std::string::npos) << words;
  }
}

TEST(EchoLink, AQueueThatTakesMinutesIsOneStill) {
  Random random(4);
  Gateway gateway;
  AddDispatched(gateway, 20, 1000, {.each = 60, .again = 0.3, .after_s = 200}, random);
  Linker linker({}, kSeed);
  gateway.Run(linker, 4);
  ASSERT_EQ(linker.Campaigns().size(), 1u);
  EXPECT_GE(linker.Campaigns()[0].members.size(), 18u);
}

TEST(EchoLink, LoneUsersOfTheFrameAreTold) {
  for (const std::uint64_t seed : {5, 6}) {
    Random random(seed);
    Gateway gateway;
    Dispatch dispatch{.each = 80, .again = 0.1};
    dispatch.frame = RandomSignature(random);
    AddDispatched(gateway, 20, 1000, dispatch, random);
    for (std::uint64_t a = 0; a < 20; ++a) {
      gateway.Add({.id = 2000 + a,
                   .frame = dispatch.frame,
                   .dilution = 0.3,
                   .times = Poisson(85, kFortnight, random)});
    }
    Linker linker({}, kSeed);
    gateway.Run(linker, seed);
    ASSERT_GE(linker.Campaigns().size(), 1u);
    const auto members = MembersOf(linker.Campaigns()[0]);
    EXPECT_GE(CountBetween(members, 1000, 1020), 18u);
    EXPECT_LE(CountBetween(members, 2000, 2020), 1u);
  }
}

TEST(EchoLink, TwoCampaignsWithOneFrameAreTwo) {
  for (const std::uint64_t seed : {7, 8}) {
    Random random(seed);
    Gateway gateway;
    Dispatch dispatch{.each = 80, .again = 0.5};
    dispatch.frame = RandomSignature(random);
    AddDispatched(gateway, 15, 1000, dispatch, random);
    AddDispatched(gateway, 15, 2000, dispatch, random);
    Linker linker({}, kSeed);
    gateway.Run(linker, seed);
    std::size_t of_one = 0, of_other = 0;
    for (const Campaign& c : linker.Campaigns()) {
      const auto members = MembersOf(c);
      const std::size_t one = CountBetween(members, 1000, 2000);
      const std::size_t other = CountBetween(members, 2000, 3000);
      EXPECT_LE(std::min(one, other), 1u) << c.id;
      of_one = std::max(of_one, one);
      of_other = std::max(of_other, other);
    }
    EXPECT_GE(of_one, 14u);
    EXPECT_GE(of_other, 14u);
  }
}

TEST(EchoLink, WhoIsCopiedIsNotNamed) {
  for (const std::uint64_t seed : {9, 10}) {
    Random random(seed);
    Gateway gateway;
    // 20 accounts of one queue, that also send whatever ten customers asked through them again.
    Asked asked(30);
    for (const double t : Poisson(3000, kFortnight, random)) {
      const std::uint64_t prompt = random.Bits();
      const std::size_t m = random.Chance(0.3) ? 20 + random.Below(10) : random.Below(20);
      asked[m].emplace_back(t, prompt);
      if (random.Chance(m < 20 ? 0.05 : 0.5))
        asked[random.Below(20)].emplace_back(t + random.Exponential(20), prompt);
    }
    AddAsked(gateway, 1000, std::move(asked));
    Linker linker({}, kSeed);
    gateway.Run(linker, seed);
    ASSERT_EQ(linker.Campaigns().size(), 1u);
    const auto members = MembersOf(linker.Campaigns()[0]);
    EXPECT_GE(CountBetween(members, 1000, 1020), 18u);
    EXPECT_EQ(CountBetween(members, 1020, 1030), 0u);
  }
}

// Groups of strangers who ask the same, in months without any campaign.
TEST(EchoLinkNullStat, WhoWantsTheSameIsNotNamed) {
  for (std::uint64_t seed = 10; seed < 18; ++seed) {
    Random random(seed);
    Gateway gateway;
    // Readers of some books; a few of them are read by three people, so that they have echoes.
    for (std::uint64_t book = 0; book < 6; ++book)
      AddReaders(gateway, 3 + random.Below(30), 1000 * (book + 1), 60, 0.8, random);
    // A class that does its homework on some evenings, each at a speed of its own.
    for (std::uint64_t student = 0; student < 12; ++student) {
      Asker asker{.id = 8000 + student, .dilution = 1};
      for (int evening = 0; evening < 4; ++evening) {
        double t = (evening * 3 + 18.0 / 24) * kDay_s + random.Exponential(1200);
        for (std::uint64_t question = 0; question < 10; ++question) {
          asker.times.push_back(t += random.Exponential(240));
          asker.prompts.push_back(
              wire::Mix(90'000 + static_cast<std::uint64_t>(evening) * 100 + question));
        }
      }
      gateway.Add(std::move(asker));
    }
    // Jobs of one tool, on the hour, whose prompt has the date.
    for (std::uint64_t user = 0; user < 30; ++user) {
      Asker asker{.id = 9000 + user, .dilution = 1};
      const double hour = static_cast<double>(random.Below(8));
      for (int day = 0; day < 14; ++day) {
        for (std::uint64_t job = 0; job < 2; ++job) {
          asker.times.push_back(day * kDay_s + hour * kHour_s + random.Uniform(0, 20));
          asker.prompts.push_back(wire::Mix(95'000 + static_cast<std::uint64_t>(day) * 10 + job));
        }
      }
      std::sort(asker.times.begin(), asker.times.end());
      gateway.Add(std::move(asker));
    }
    Linker linker({}, kSeed);
    const Outcome seen = gateway.Run(linker, seed);
    EXPECT_TRUE(seen.named.empty()) << seed;
  }
}

TEST(EchoLink, SlicesAndASnapshotChangeNothing) {
  Random random(20);
  Gateway gateway;
  AddDispatched(gateway, 20, 1000, {}, random);
  AddReaders(gateway, 60, 3000, 500, 0.5, random);
  Linker whole({}, kSeed), sliced({}, kSeed);
  const Outcome at_once = gateway.Run(whole, 20);
  gateway.slices = 3;
  const Outcome in_slices = gateway.Run(sliced, 20);
  ASSERT_EQ(at_once.named.size(), 1u);
  EXPECT_EQ(in_slices.named, at_once.named);
  EXPECT_EQ(in_slices.joined, at_once.joined);
  wire::Writer one, other;
  whole.Save(one);
  Linker restored({}, kSeed);
  wire::Reader in(one.bytes());
  ASSERT_TRUE(restored.Add(in));
  restored.Save(other);
  EXPECT_EQ(one.bytes(), other.bytes());
}

}  // namespace
}  // namespace distillwatch::campaign
