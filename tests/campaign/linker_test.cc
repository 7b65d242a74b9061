// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/linker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "campaign/gateway.h"

namespace distillwatch::campaign {
namespace {

using std::chrono::hours;

constexpr std::uint64_t kSeed = 7;

// Rhythms over a fortnight.
constexpr Window kFortnight = {0, 14 * kDay_s};

void AddCampaign(Gateway& gateway, std::size_t members, std::uint64_t first, Random& random) {
  const Frame frame = RandomSignature(random);
  const Rhythms rhythms = RoundRobin(members, 100, kFortnight, 0.2, random);
  for (std::size_t m = 0; m < members; ++m)
    gateway.Add({.id = first + m, .frame = frame, .dilution = 0.3, .times = rhythms[m]});
}

// Customers of one product: they share its frame, and act by themselves.
void AddTenants(Gateway& gateway, std::size_t members, std::uint64_t first, Random& random) {
  const Frame frame = RandomSignature(random);
  for (std::size_t m = 0; m < members; ++m) {
    const Window life = {random.Uniform(0, 6) * kDay_s, kFortnight.last_s};
    const auto n = static_cast<std::size_t>(random.LogNormal(80, 0.9));
    gateway.Add({.id = first + m,
                 .frame = frame,
                 .dilution = random.Uniform(0, 0.6),
                 .times = Product(2 * n + 40, life, random)});
  }
}

void AddStrangers(Gateway& gateway, std::size_t members, std::uint64_t first, Random& random) {
  for (std::size_t m = 0; m < members; ++m) {
    const Window life = {random.Uniform(0, 6) * kDay_s, kFortnight.last_s};
    gateway.Add(
        {.id = first + m, .frame = {}, .dilution = 1, .times = simulate::Person(40, life, random)});
  }
}

Gateway UsualGateway(std::uint64_t seed) {
  Random random(seed);
  Gateway gateway;
  AddCampaign(gateway, 20, 1000, random);
  AddTenants(gateway, 20, 2000, random);
  AddStrangers(gateway, 200, 3000, random);
  return gateway;
}

TEST(Linker, NamesACampaignWithItsMembersAndNoOneElse) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Linker linker({}, kSeed);
    const Outcome seen = UsualGateway(seed).Run(linker, seed);
    ASSERT_EQ(seen.named.size(), 1u);
    const auto campaigns = linker.Campaigns();
    ASSERT_EQ(campaigns.size(), 1u);
    const Campaign& campaign = campaigns[0];
    EXPECT_EQ(campaign.id, seen.named[0]);
    EXPECT_LE(campaign.p_value, 0.01);
    EXPECT_GE(campaign.frame, 4u);
    EXPECT_FALSE(campaign.words.empty());
    EXPECT_GE(campaign.members.size(), 18u);
    std::set<std::uint64_t> members;
    for (const CampaignMember& m : campaign.members) {
      members.insert(m.account);
      EXPECT_GE(m.account, 1000u);
      EXPECT_LT(m.account, 1020u);
      EXPECT_GT(m.matching, 0u);
      EXPECT_GE(m.requests, m.matching);
    }
    EXPECT_EQ(members.size(), campaign.members.size());
    EXPECT_LT(campaign.first_seen, Gateway::kStart + hours(24));
    EXPECT_GT(campaign.linked, campaign.first_seen);
    EXPECT_GT(campaign.named, campaign.linked);
    // Whoever joined is a member, and the caller was told so.
    for (const auto& [account, id] : seen.joined) EXPECT_EQ(id, campaign.id);
    for (const std::uint64_t account : members) {
      EXPECT_EQ(seen.homes.at(account), std::pair(campaign.id, true));
      EXPECT_TRUE(seen.joined.contains({account, campaign.id}));
    }
  }
}

TEST(Linker, ListsOfAReviewAreAscendingAndCountersAgree) {
  Linker linker({}, kSeed);
  Gateway gateway = UsualGateway(4);
  gateway.Run(linker, 4, [](const Review& review) {
    EXPECT_TRUE(std::is_sorted(review.joined.begin(), review.joined.end()));
    EXPECT_LE(review.groups, 4u);
    EXPECT_EQ(review.waiting, 0u);
    EXPECT_LE(review.accounts, 240u);
  });
}

TEST(Linker, AStableIdNamesTheCampaignInEveryLaterReview) {
  Linker linker({}, kSeed);
  std::map<std::uint32_t, Time> named;
  UsualGateway(5).Run(linker, 5, [&](const Review& review) {
    const auto campaigns = linker.Campaigns();
    for (const std::uint32_t id : review.named) EXPECT_FALSE(named.contains(id));
    for (const Campaign& c : campaigns) {
      const auto [at, is_new] = named.emplace(c.id, c.named);
      EXPECT_EQ(at->second, c.named);
    }
    EXPECT_EQ(campaigns.size(), named.size());
  });
  EXPECT_EQ(named.size(), 1u);
}

TEST(Linker, TheOrderOfNotesDecidesNothing) {
  std::set<std::string> results;
  for (const std::uint64_t order : {1, 2, 3}) {
    Linker linker({}, kSeed);
    const Gateway gateway = UsualGateway(6);
    const Outcome seen = gateway.Run(linker, 6, {}, order);
    std::string text;
    for (const auto& [account, home] : seen.homes)
      text += std::to_string(account) + ":" + std::to_string(home.first) + " ";
    for (const Campaign& c : linker.Campaigns()) {
      text += std::to_string(c.p_value) + " " + std::to_string(c.members.size()) + ";";
      for (const std::string& words : c.words) text += words;
    }
    results.insert(text);
  }
  EXPECT_EQ(results.size(), 1u);
}

// Two monitors with a campaign each, of one frame, become one. Whoever was like the members of the
// first, and is more like those of the second, moves.
TEST(Linker, AMemberMovesToTheCampaignOfTheSameFrameThatItFitsBetter) {
  for (const std::uint64_t seed : {31, 32, 33}) {
    Random random(seed);
    const Frame frame = RandomSignature(random);
    const auto add = [&](Gateway& gateway, std::uint64_t first, const Rhythms& rhythms) {
      for (std::size_t m = 0; m < rhythms.size(); ++m)
        gateway.Add({.id = first + m, .frame = frame, .times = rhythms[m]});
    };
    Gateway slow, busy;
    add(slow, 1000, RoundRobin(20, 140, kFortnight, 0.1, random));
    Rhythms between(5);
    for (Times& times : between) times = Poisson(238, kFortnight, random);
    add(slow, 1100, between);
    AddStrangers(slow, 100, 3000, random);
    add(busy, 2000, RoundRobin(20, 280, kFortnight, 0.1, random));
    AddStrangers(busy, 100, 4000, random);
    Linker linker({}, kSeed), other({}, kSeed);
    Outcome before = slow.Run(linker, seed), of_other = busy.Run(other, seed);
    ASSERT_EQ(before.named.size(), 1u);
    ASSERT_EQ(of_other.named.size(), 1u);
    wire::Writer out;
    other.Save(out);
    const std::string saved = std::move(out).Take();
    wire::Reader in(saved);
    const std::uint32_t second = linker.Add(in).value() + of_other.named[0];
    std::map<std::uint64_t, std::uint32_t> homes;
    linker.Run(
        Gateway::kStart + hours(15 * 24),
        [&homes](std::uint64_t account, std::uint32_t group, bool) { homes[account] = group; });
    for (const auto& [account, group] : homes) {
      EXPECT_EQ(group, account < 1100 ? before.named[0] : second) << account << ' ' << seed;
    }
    std::size_t moved = 0;
    for (std::uint64_t a = 1100; a < 1105; ++a)
      moved += before.homes.contains(a) && homes.contains(a) && homes.at(a) == second;
    EXPECT_GE(moved, 3u) << seed;
    EXPECT_GE(homes.size(), 40u);
  }
}

TEST(Linker, GroupsBeyondMostGroupsWait) {
  Random random(7);
  Gateway gateway;
  for (std::uint64_t f = 0; f < 5; ++f) AddTenants(gateway, 10, 1000 * (f + 1), random);
  Linker linker({.most_groups = 3}, kSeed);
  std::size_t most_groups = 0, most_waiting = 0;
  gateway.Run(linker, 7, [&](const Review& review) {
    most_groups = std::max(most_groups, review.groups);
    most_waiting = std::max(most_waiting, review.waiting);
  });
  EXPECT_EQ(most_groups, 3u);
  EXPECT_EQ(most_waiting, 2u);
}

SignatureReservoir AnySample(Random& random) {
  return SampleOf({}, 0, 16, random);
}

TEST(Linker, ForgetsThoseLongestIdle) {
  Random random(8);
  Linker linker({.most_accounts = 100}, kSeed);
  const Frame frame = RandomSignature(random);
  for (std::uint64_t a = 0; a < 300; ++a) {
    const Time last = Gateway::kStart + hours(a);
    linker.Note({a, Gateway::kStart, last, 20}, SampleOf(frame, 0.5, 4, random));
  }
  const Time now = Gateway::kStart + hours(300);
  std::set<std::uint64_t> linked;
  const Review review =
      linker.Run(now, [&](std::uint64_t account, std::uint32_t, bool) { linked.insert(account); });
  EXPECT_EQ(review.accounts, 100u);
  ASSERT_FALSE(linked.empty());
  EXPECT_GE(*linked.begin(), 200u);
}

TEST(Linker, ForgetsWhoWasIdleForAMonth) {
  Random random(9);
  Linker linker({}, kSeed);
  for (std::uint64_t a = 0; a < 50; ++a)
    linker.Note({a, Gateway::kStart, Gateway::kStart, 20}, AnySample(random));
  const auto nothing = [](std::uint64_t, std::uint32_t, bool) {};
  linker.Run(Gateway::kStart + hours(24), nothing);
  EXPECT_EQ(linker.remembered(), 50u);
  linker.Run(Gateway::kStart + hours(24 * 31), nothing);
  EXPECT_EQ(linker.remembered(), 0u);
}

// An account that the caller evicted comes back without its group; one that the linker forgot is
// still in it.
TEST(Linker, EveryReviewTellsTheGroupsOfAllTheirMembers) {
  Random random(10);
  Linker linker({.most_accounts = 16}, kSeed);
  const Frame frame = RandomSignature(random);
  const auto note = [&](std::uint64_t account, Time last) {
    linker.Note({account, Gateway::kStart, last, 20}, SampleOf(frame, 0.5, 4, random));
  };
  for (std::uint64_t a = 0; a < 10; ++a) note(a, Gateway::kStart + hours(1));
  std::map<std::uint64_t, std::uint32_t> told;
  const auto tell = [&](std::uint64_t account, std::uint32_t group, bool) {
    EXPECT_TRUE(told.emplace(account, group).second);
  };
  linker.Run(Gateway::kStart + hours(2), tell);
  ASSERT_EQ(told.size(), 10u);
  const auto first = told;
  told.clear();
  // All ten are forgotten, and one is seen again.
  for (std::uint64_t a = 100; a < 116; ++a)
    linker.Note({a, Gateway::kStart, Gateway::kStart + hours(3), 20}, AnySample(random));
  linker.Run(Gateway::kStart + hours(4), tell);
  EXPECT_EQ(told, first);
  told.clear();
  note(3, Gateway::kStart + hours(5));
  linker.Run(Gateway::kStart + hours(6), tell);
  EXPECT_EQ(told, first);
}

// Linking samples the accounts that share a pair; a named campaign takes the others, too.
TEST(Linker, ACampaignLargerThanAListIsFoundWhole) {
  Random random(21);
  Gateway gateway;
  const Frame frame = RandomSignature(random);
  constexpr std::size_t kLarge = 600;
  const Rhythms rhythms = RoundRobin(kLarge, 40, {kDay_s, 8 * kDay_s}, 0.3, random);
  for (std::uint64_t a = 0; a < kLarge; ++a) {
    gateway.Add({.id = 5000 + a, .frame = frame, .dilution = 0.2, .times = rhythms[a]});
  }
  for (std::uint64_t a = 0; a < 2500; ++a) {
    const double first = random.Uniform(0, 6) * kDay_s;
    gateway.Add({.id = a,
                 .dilution = 1,
                 .times = Poisson(20 + random.Below(60), {first, first + 4 * kDay_s}, random)});
  }
  Linker linker({}, kSeed);
  gateway.Run(linker, 21);
  std::size_t members = 0;
  for (const Campaign& campaign : linker.Campaigns()) {
    members += campaign.members.size();
    for (const CampaignMember& m : campaign.members) EXPECT_GE(m.account, 5000u);
  }
  EXPECT_GE(members, kLarge * 9 / 10);
}

// Accounts that take part in few of the common jobs at first are a group of their own, and join
// when they ask as much as the others.
TEST(Linker, WhoComesToAskAsMuchJoinsFromAGroupWithoutAName) {
  constexpr std::uint64_t kMembers = 20, kLate = 8;
  for (const std::uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    const Frame frame = RandomSignature(random);
    std::vector<Times> times(kMembers + kLate);
    for (double job = 0; job < kFortnight.last_s; job += random.Uniform(2, 6) * kHour_s) {
      for (std::uint64_t m = 0; m < times.size(); ++m) {
        if (m >= kMembers && job < 6 * kDay_s && !random.Chance(0.2)) continue;
        for (int i = 0; i < 4; ++i) times[m].push_back(job + random.Uniform(0, kHour_s / 2));
      }
    }
    Gateway gateway;
    for (std::uint64_t m = 0; m < times.size(); ++m) {
      std::sort(times[m].begin(), times[m].end());
      gateway.Add({.id = 1000 + m, .frame = frame, .dilution = 0.3, .times = times[m]});
    }
    AddStrangers(gateway, 200, 3000, random);
    Linker linker({}, kSeed);
    std::size_t groups = 0;
    const Outcome seen = gateway.Run(
        linker, seed, [&](const Review& review) { groups = std::max(groups, review.groups); });
    EXPECT_EQ(groups, 2u);
    std::size_t late = 0;
    for (std::uint64_t m = kMembers; m < times.size(); ++m) late += seen.homes.at(1000 + m).second;
    EXPECT_GE(late, kLate - 1) << "seed " << seed;
  }
}

// The caller observes under its account's lock, and Assign takes that lock.
TEST(Linker, AReviewTakesNoLockOfTheHotPathWhenItAssigns) {
  Random random(11);
  Linker linker({}, kSeed);
  const Frame frame = RandomSignature(random);
  for (std::uint64_t a = 0; a < 10; ++a)
    linker.Note({a, Gateway::kStart, Gateway::kStart, 20}, SampleOf(frame, 0.5, 4, random));
  const Time now = Gateway::kStart + hours(1);
  const SlimSignature request = RequestOf(frame, 0.5, random);
  const SignatureReservoir sample = SampleOf(frame, 0.5, 4, random);
  std::size_t told = 0;
  linker.Run(now, [&](std::uint64_t account, std::uint32_t group, bool) {
    ++told;
    std::thread([&] {  // would wait for ever on a lock that the review holds
      linker.Observe(group, account, now, request);
      linker.Note({account, Gateway::kStart, now, 21}, sample);
    })
        .join();
  });
  EXPECT_EQ(told, 10u);
}

TEST(Linker, UnknownGroupsAreIgnored) {
  Linker linker({}, kSeed);
  for (const std::uint32_t group : {0u, 1u, 4096u, 4097u, ~0u})
    linker.Observe(group, 1, Gateway::kStart, {});
  EXPECT_TRUE(linker.Campaigns().empty());
}

// Clocks of 1970 and 2200 in one group: the bins of a test would not fit into memory.
TEST(Linker, WildClocksAreNotTested) {
  const Gateway gateway = UsualGateway(12);
  Linker linker({}, kSeed);
  std::size_t reviews = 0;
  gateway.Run(linker, 12, [&](const Review&) {
    ++reviews;
    for (std::uint64_t a = 1000; a < 1020; ++a) {
      for (std::uint32_t group = 1; group < 4; ++group) {
        linker.Observe(group, a, Time{}, gateway.frame(a));
        linker.Observe(group, a, Time{std::chrono::seconds(7258118400)}, gateway.frame(a));
      }
    }
  });
  EXPECT_GT(reviews, 10u);
  EXPECT_EQ(linker.Campaigns().size(), 1u);
}

TEST(Linker, NotesRequestsAndReviewsRunAtOnce) {
  Random random(13);
  Linker linker({}, kSeed);
  std::vector<Frame> frames;
  for (int f = 0; f < 4; ++f) frames.push_back(RandomSignature(random));
  constexpr std::uint64_t kAccounts = 80;
  std::mutex mutex;
  std::map<std::uint64_t, std::uint32_t> homes;
  std::atomic<bool> done{false};
  const auto work = [&](std::uint64_t seed) {
    Random own(seed);
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t account = own.Below(kAccounts);
      const Time now = Gateway::kStart + std::chrono::minutes(i);
      if (i % 16 == 0) {
        linker.Note({account, Gateway::kStart, now, 20},
                    SampleOf(frames[account % 4], 0.5, 4, own));
      }
      const std::lock_guard lock(mutex);  // as the caller's own over an account
      linker.Observe(homes[account], account, now, RequestOf(frames[account % 4], 0.5, own));
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 2; ++t) threads.emplace_back(work, t);
  threads.emplace_back([&] {
    for (int i = 0; !done; ++i) {  // every other one in slices
      linker.Run(Gateway::kStart + hours(2 * (i / 2) + 1),
                 [&](std::uint64_t account, std::uint32_t group, bool) {
                   const std::lock_guard lock(mutex);
                   homes[account] = group;
                 },
                 {.most_steps = i % 4 == 0 ? 700u : ~0u});
      linker.Campaigns();
      std::this_thread::yield();
    }
  });
  threads[0].join();
  threads[1].join();
  done = true;
  threads[2].join();
  const Review review = linker.Run(Gateway::kStart + hours(60), [](auto, auto, auto) {});
  EXPECT_EQ(review.accounts, kAccounts);
  EXPECT_EQ(review.groups, 4u);
}

TEST(Linker, AReviewInSlicesIsTheSameReview) {
  Gateway gateway = UsualGateway(2);
  Linker whole({}, kSeed), sliced({}, kSeed);
  const Outcome expected = gateway.Run(whole, 2);
  gateway.slices = 3;
  std::size_t slices = 0;
  const Outcome outcome =
      gateway.Run(sliced, 2, [&slices](const Review& r) { slices += r.interrupted; });
  EXPECT_GT(slices, 200u);
  EXPECT_EQ(expected.named.size(), 1u);
  EXPECT_EQ(outcome.named, expected.named);
  EXPECT_EQ(outcome.joined, expected.joined);
  EXPECT_EQ(outcome.homes, expected.homes);
  const auto saved = [](const Linker& linker) {
    wire::Writer out;
    linker.Save(out);
    return std::move(out).Take();
  };
  EXPECT_TRUE(saved(sliced) == saved(whole));
}

// Twenty accounts with one frame, as they are after a look.
void NoteGroup(Linker& linker, std::uint64_t first) {
  Random random(4);
  const Frame frame = RandomSignature(random);
  for (std::uint64_t a = 0; a < 20; ++a) {
    linker.Note({first + a, Gateway::kStart, Gateway::kStart, 20}, SampleOf(frame, 0.5, 4, random));
  }
}

constexpr auto kNobody = [](std::uint64_t, std::uint32_t, bool) {};

TEST(Linker, AReviewLeftForLongBeginsAnew) {
  for (const auto& [later, accounts] :
       {std::pair(hours(1), 20u), std::pair(hours(2), 40u), std::pair(hours(-1), 40u)}) {
    Linker linker({}, kSeed);
    NoteGroup(linker, 0);
    const Time now = Gateway::kStart + hours(3);
    const Review begun = linker.Run(now, kNobody, {.most_steps = 300});
    EXPECT_TRUE(begun.interrupted);
    EXPECT_EQ(begun.accounts, 20u);
    NoteGroup(linker, 1000);
    const Review done = linker.Run(now + later, kNobody);
    EXPECT_FALSE(done.interrupted);
    EXPECT_EQ(done.accounts, accounts) << later.count();
  }
}

TEST(Linker, AddingALinkerEndsAReviewThatWasLeft) {
  Linker linker({}, kSeed), other({}, kSeed);
  NoteGroup(linker, 0);
  NoteGroup(other, 1000);
  const Time now = Gateway::kStart + hours(3);
  EXPECT_EQ(other.Run(now, kNobody).groups, 1u);
  EXPECT_TRUE(linker.Run(now, kNobody, {.most_steps = 300}).interrupted);
  wire::Writer out;
  other.Save(out);
  const std::string saved = std::move(out).Take();
  wire::Reader in(saved);
  ASSERT_TRUE(linker.Add(in).has_value());
  const Review done = linker.Run(now, kNobody);
  EXPECT_EQ(done.accounts, 40u);
  EXPECT_FALSE(done.interrupted);
}

}  // namespace
}  // namespace distillwatch::campaign
