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

// Accounts 1000 to 1029 begin over ten days and ask as people do; 2000 to 2011 begin together on
// the fourth and ask equally much, as the first ones would on a busy day. Minutes later another one
// asks again what one of them asked, of the own ones or of all.
Gateway TwoWithOneFrame(bool of_all, Random& random) {
  Asked asked(42);
  const auto again = [&](std::size_t m, double t, std::uint64_t prompt) {
    const bool first = m < 30;
    const std::size_t other = of_all  ? random.Below(42)
                              : first ? random.Below(30)
                                      : 30 + random.Below(12);
    asked[other].emplace_back(t + random.Uniform(90, 500), prompt);
  };
  for (std::size_t m = 0; m < asked.size(); ++m) {
    const double begin_s = m < 30 ? random.Uniform(0, 10) * kDay_s : 4 * kDay_s;
    const auto n = m < 30 ? static_cast<std::size_t>(random.LogNormal(60, 0.7)) : 200;
    for (const double t : Poisson(n, {begin_s, kFortnight.last_s}, random)) {
      const std::uint64_t prompt = random.Bits();
      asked[m].emplace_back(t, prompt);
      if (random.Chance(0.1)) again(m, t, prompt);
    }
  }
  Gateway gateway;
  const Frame frame = RandomSignature(random);
  AddAsked(gateway, 1000, Asked(asked.begin(), asked.begin() + 30), frame);
  AddAsked(gateway, 2000, Asked(asked.begin() + 30, asked.end()), frame);
  return gateway;
}

TEST(EchoLink, TwoCampaignsWithOneFrameAreToldApartByWhatTheyDoNotAskAgain) {
  for (const std::uint64_t seed : {31, 32, 33}) {
    Random random(seed);
    Linker linker({}, kSeed);
    TwoWithOneFrame(false, random).Run(linker, seed);
    std::size_t first = 0, second = 0;
    for (const Campaign& c : linker.Campaigns()) {
      const auto members = MembersOf(c);
      const std::size_t of_first = CountBetween(members, 1000, 2000);
      const std::size_t of_second = CountBetween(members, 2000, 3000);
      EXPECT_LE(std::min(of_first, of_second), 4u) << seed;  // who began then and asks as much
      first = std::max(first, of_first);
      second = std::max(second, of_second);
    }
    EXPECT_GE(first, 20u) << seed;
    EXPECT_GE(second, 11u) << seed;
  }
}

TEST(EchoLink, ACampaignWhoseRoundsDifferIsOne) {
  for (const std::uint64_t seed : {31, 32, 33}) {
    Random random(seed);
    Linker linker({}, kSeed);
    TwoWithOneFrame(true, random).Run(linker, seed);
    ASSERT_EQ(linker.Campaigns().size(), 1u) << seed;
    EXPECT_GE(CountBetween(MembersOf(linker.Campaigns()[0]), 2000, 3000), 11u) << seed;
  }
}

// Accounts 1000 to 1019 ask with one frame, from the fifth day on 2000 to 2019 with another, which
// is public: from the sixth on 3000 to 3007 use it, too. What one of the first forty asks is asked
// again minutes later: by anyone, but what the second ones ask by the first ones; or by the own
// ones, and from the ninth day on by anyone.
Gateway TurningCampaign(bool by_first, Random& random) {
  Asked asked(48);
  for (const double t : Poisson(4000, kFortnight, random)) {
    const std::uint64_t prompt = random.Bits();
    const bool late = t >= 9 * kDay_s;
    const std::size_t m = random.Below(t < 5 * kDay_s ? 20 : t < 6 * kDay_s ? 40 : 48);
    asked[m].emplace_back(t, prompt);
    if (m >= 40 || !random.Chance(0.15)) continue;
    const bool by_anyone = by_first ? m < 20 && t >= 5 * kDay_s : late;
    const std::size_t first = by_anyone || by_first || m < 20 ? 0 : 20;
    const std::size_t other = first + random.Below(by_anyone ? 40 : 20);
    asked[other].emplace_back(t + random.Uniform(90, 500), prompt);
  }
  Gateway gateway;
  const Frame second = RandomSignature(random);
  AddAsked(gateway, 1000, Asked(asked.begin(), asked.begin() + 20), RandomSignature(random));
  AddAsked(gateway, 2000, Asked(asked.begin() + 20, asked.begin() + 40), second);
  AddAsked(gateway, 3000, Asked(asked.begin() + 40, asked.end()), second);
  return gateway;
}

TEST(EchoLink, ACampaignThatTurnsToAnotherFrameIsOne) {
  for (const bool by_first : {true, false}) {
    Random random(21);
    Linker linker({}, kSeed);
    const Outcome seen = TurningCampaign(by_first, random).Run(linker, 21);
    EXPECT_EQ(seen.named.size(), by_first ? 1u : 2u);
    ASSERT_EQ(linker.Campaigns().size(), 1u) << by_first;
    const Campaign campaign = linker.Campaigns()[0];
    const auto members = MembersOf(campaign);
    EXPECT_GE(CountBetween(members, 1000, 1020), 18u);
    EXPECT_GE(CountBetween(members, 2000, 2020), 16u);
    for (std::uint64_t lone = 3000; lone < 3008; ++lone) {
      const auto home = seen.homes.find(lone);
      EXPECT_FALSE(home != seen.homes.end() && home->second.second) << lone;
    }
    for (const std::uint64_t account : members) {
      EXPECT_EQ(seen.homes.at(account), std::pair(campaign.id, true));
      EXPECT_TRUE(seen.joined.contains({account, campaign.id}));
    }
    // Requests with either frame are the campaign's.
    for (const CampaignMember& m : campaign.members) {
      EXPECT_TRUE(m.requests < 10 || 3 * m.matching > m.requests) << m.account;
    }
  }
}

// The others ask with another frame, and nothing that the campaign asks; or, always first, what it
// then copies; or what one account of it asks, that somebody took over.
TEST(EchoLink, WhoEchoesNoCampaignOrIsCopiedByItDoesNotJoin) {
  enum class Others { kApart, kCopied, kOne };
  for (const Others others : {Others::kApart, Others::kCopied, Others::kOne}) {
    Random random(22);
    Asked asked(40);
    for (const double t : Poisson(4000, kFortnight, random)) {
      const std::uint64_t prompt = random.Bits();
      const std::size_t m = random.Below(40);
      asked[m].emplace_back(t, prompt);
      const auto again = [&](std::size_t other) {
        asked[other].emplace_back(t + random.Uniform(90, 500), prompt);
      };
      const bool shared = others == Others::kOne && m == 0;
      if (m < 20 && !shared && random.Chance(0.2)) again(random.Below(20));
      if (m >= 20 && others == Others::kCopied && random.Chance(0.2)) again(random.Below(20));
      if (m >= 20 && others == Others::kOne && random.Chance(0.01)) again(0);
      if (shared && random.Chance(0.5)) again(20 + random.Below(20));
    }
    Gateway gateway;
    AddAsked(gateway, 1000, Asked(asked.begin(), asked.begin() + 20), RandomSignature(random));
    AddAsked(gateway, 2000, Asked(asked.begin() + 20, asked.end()), RandomSignature(random));
    Linker linker({}, kSeed);
    gateway.Run(linker, 22);
    ASSERT_EQ(linker.Campaigns().size(), 1u) << static_cast<int>(others);
    const auto members = MembersOf(linker.Campaigns()[0]);
    EXPECT_GE(CountBetween(members, 1000, 1020), 18u) << static_cast<int>(others);
    EXPECT_EQ(CountBetween(members, 2000, 2020), 0u) << static_cast<int>(others);
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
