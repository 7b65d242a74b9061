// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/surrogate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "campaign/monte_carlo.h"
#include "campaign/rhythms.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

constexpr std::int64_t kSeconds = 20'000'000, kQuarter = 900'000'000;
constexpr std::size_t kTests = 3;
constexpr const char* kTestNames[kTests] = {"regularity", "seconds", "quarter hours"};

std::array<double, kTests> AllTests(const Watch& watch, const SurrogatePlan& plan) {
  return {RegularityP(watch.watched(), plan), CoactivityP(watch.watched(), kSeconds, plan),
          CoactivityP(watch.watched(), kQuarter, plan)};
}

// Counts p-values at most .05 and .2 of each test, and holds them against the levels.
class Levels {
 public:
  void Add(const std::array<double, kTests>& p_values) {
    ++worlds_;
    for (std::size_t t = 0; t < kTests; ++t) {
      low_[t] += p_values[t] <= 0.05;
      middle_[t] += p_values[t] <= 0.2;
    }
  }
  // Counts of a valid test lie below the mean plus four standard deviations but for P = 1e-4 (the
  // binomial's skewness included), and `slack` of the level for rhythms that are not quite
  // stationary over an hour or three.
  void Expect(const std::string& name, double slack) const {
    for (std::size_t t = 0; t < kTests; ++t) {
      EXPECT_LE(low_[t], Most(0.05 * (1 + slack))) << name << ", " << kTestNames[t];
      EXPECT_LE(middle_[t], Most(0.2 * (1 + slack))) << name << ", " << kTestNames[t];
    }
  }

 private:
  double Most(double p) const { return worlds_ * p + 4.5 * std::sqrt(worlds_ * p * (1 - p)); }
  double worlds_ = 0;
  std::array<double, kTests> low_{}, middle_{};
};

// 16 members, 60 requests each, a week. Six rhythms, 36 comparisons: p_fail < 2e-3 if the tests are
// just valid; most are conservative.
TEST(SurrogateStat, IndependentMembersAreSeldomSignificant) {
  Random random(1);
  for (const NamedRhythm& rhythm : IndependentRhythms()) {
    Levels levels;
    for (std::uint64_t world = 0; world < 250; ++world) {
      const Window week = {0, 7 * kDay_s};
      Rhythms rhythms;
      for (int m = 0; m < 16; ++m) rhythms.push_back(rhythm.of(60, week, random));
      levels.Add(AllTests(Watch(rhythms, std::vector<double>(16, 0), week.last_s), {300, world}));
    }
    levels.Expect(rhythm.name, 0.5);
  }
}

// Volumes from 10 to 300, each member with a rhythm of its own and watched since it was linked.
TEST(SurrogateStat, WatchesThatBeginAtDifferentTimesProveNothing) {
  Random random(2);
  const auto kinds = IndependentRhythms();
  Levels levels;
  for (std::uint64_t world = 0; world < 300; ++world) {
    Rhythms rhythms;
    std::vector<double> from;
    for (int m = 0; m < 12; ++m) {
      from.push_back(random.Uniform(0, 5) * kDay_s);
      const Window own = {from.back(), 7.3 * kDay_s};
      rhythms.push_back(random.Choose(kinds).of(
          static_cast<std::size_t>(random.LogUniform(10, 300)), own, random));
    }
    levels.Add(AllTests(Watch(rhythms, from, 7.3 * kDay_s), {300, world}));
  }
  levels.Expect("mixed rhythms", 0.5);
}

// All members are watched from one moment to another, and are busy right at both: when an account
// asks more than before is no meeting of accounts.
TEST(SurrogateStat, CommonBordersOfTheWatchProveNothing) {
  Random random(3);
  Levels levels;
  for (std::uint64_t world = 0; world < 300; ++world) {
    const double from = random.Uniform(0, kDay_s), to = from + random.Uniform(0.5, 2) * kDay_s;
    Rhythms rhythms;
    for (int m = 0; m < 16; ++m) rhythms.push_back(Poisson(40, {from, to}, random));
    levels.Add(AllTests(Watch(rhythms, std::vector<double>(16, from), to), {300, world}));
  }
  levels.Expect("Poisson between common borders", 0);
}

TEST(SurrogateStat, FindsAQueueThatServesInTurn) {
  Random random(4);
  for (const auto& [cv, least] : {std::pair(0.1, 20), std::pair(0.3, 20), std::pair(0.5, 17)}) {
    int found = 0;
    for (std::uint64_t world = 0; world < 20; ++world) {
      const Window week = {0, 7 * kDay_s};
      const Rhythms rhythms = RoundRobin(16, 60, week, cv, random);
      found += RegularityP(Watch(rhythms, std::vector<double>(16, 0), week.last_s).watched(),
                           {2000, world}) <= 0.01;
    }
    EXPECT_GE(found, least) << "gaps with a coefficient of variation of " << cv;
  }
}

// What strangers do by themselves drowns no queue, and proves none.
TEST(SurrogateStat, FindsASmallQueueAmongStrangers) {
  Random random(9);
  int found = 0, alone = 0;
  for (std::uint64_t world = 0; world < 20; ++world) {
    const Window week = {0, 7 * kDay_s};
    Rhythms strangers;
    for (int m = 0; m < 4; ++m) strangers.push_back(StallingWorker(50, week, random));
    Rhythms all = RoundRobin(6, 100, week, 0.3, random);
    all.insert(all.end(), strangers.begin(), strangers.end());
    const SurrogatePlan plan = {2000, world};
    found +=
        RegularityP(Watch(all, std::vector<double>(10, 0), week.last_s).watched(), plan) <= 0.01;
    alone += RegularityP(Watch(strangers, std::vector<double>(4, 0), week.last_s).watched(),
                         plan) <= 0.01;
  }
  EXPECT_GE(found, 18);
  EXPECT_LE(alone, 2);
}

TEST(SurrogateStat, FindsJobsThatRunTogether) {
  Random random(5);
  int found = 0;
  for (std::uint64_t world = 0; world < 20; ++world) {
    const Window week = {0, 7 * kDay_s};
    const Rhythms rhythms = OnAndOff(16, 60, week, random);
    found += CoactivityP(Watch(rhythms, std::vector<double>(16, 0), week.last_s).watched(),
                         kQuarter, {2000, world}) <= 0.001;
  }
  EXPECT_EQ(found, 20);
}

TEST(Surrogate, FewRequestsProveNothing) {
  Random random(6);
  const Watch watch(RoundRobin(5, 6, {0, kDay_s}, 0.1, random), std::vector<double>(5, 0), kDay_s);
  ASSERT_LT(watch.events.size(), 32u);
  for (const double p : AllTests(watch, {})) EXPECT_EQ(p, 1);
}

TEST(Surrogate, TheSameSeedGivesTheSameNumbers) {
  Random random(7);
  const Rhythms rhythms = RoundRobin(8, 40, {0, kDay_s}, 0.7, random);
  const Watch watch(rhythms, std::vector<double>(8, 0), kDay_s);
  EXPECT_EQ(AllTests(watch, {500, 1}), AllTests(watch, {500, 1}));
}

// Pairs of different members' requests in a common bin, members moved by offsets within their
// watch.
std::size_t PairsInBins(const Watched& watched, const std::vector<std::int64_t>& offsets,
                        std::int64_t origin, std::int64_t bin_us) {
  std::vector<std::pair<std::uint32_t, std::int64_t>> in_bins;  // member and bin
  for (const MemberEvent& e : watched.events) {
    std::int64_t time = e.time_us + offsets[e.member];
    const std::int64_t turn = watched.to_us - watched.from_us[e.member] + 1;
    while (time > watched.to_us) time -= turn;
    while (time < watched.from_us[e.member]) time += turn;
    in_bins.emplace_back(e.member, (time - origin) / bin_us);
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < in_bins.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      count += in_bins[i].first != in_bins[j].first && in_bins[i].second == in_bins[j].second;
    }
  }
  return count;
}

// As surrogate.h says it: every two requests of different members compared.
double RegularityByPairs(const Watched& watched, const SurrogatePlan& plan) {
  std::vector<std::int64_t> gaps;
  for (const MemberEvent& e : watched.events) gaps.push_back(e.time_us);
  std::sort(gaps.begin(), gaps.end());
  for (std::size_t i = gaps.size() - 1; i > 0; --i) gaps[i] -= gaps[i - 1];
  std::sort(gaps.begin() + 1, gaps.end());
  const std::int64_t first = *std::min_element(watched.from_us.begin(), watched.from_us.end());
  const std::int64_t bin_us =
      std::max({gaps[gaps.size() / 2] / 2, (watched.to_us - first) / 200'000, std::int64_t{1000}});
  const std::int64_t origin = first - first % 3'600'000'000;
  const auto pairs = [&](const std::vector<std::int64_t>& offsets) {
    return PairsInBins(watched, offsets, origin, bin_us);
  };
  std::vector<std::int64_t> offsets(watched.from_us.size(), 0);
  const std::size_t truth = pairs(offsets);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < offsets.size(); ++m) {
      offsets[m] = static_cast<std::int64_t>(wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m)) %
                                             7'200'000'001) -
                   3'600'000'000;
    }
    return pairs(offsets) <= truth;
  });
}

TEST(Surrogate, RegularityCountsEveryTwoRequests) {
  Random random(10);
  for (std::uint64_t world = 0; world < 12; ++world) {
    const Window days = {0, 2 * kDay_s};
    const Rhythms rhythms =
        RoundRobin(2 + world % 5, 20, days, 0.2 * static_cast<double>(world % 4), random);
    const Watch watch(rhythms, std::vector<double>(rhythms.size(), 0), days.last_s);
    const SurrogatePlan plan = {200, world};
    EXPECT_EQ(RegularityP(watch.watched(), plan), RegularityByPairs(watch.watched(), plan))
        << world;
  }
}

// As surrogate.h says it: offsets of whole hours, every two requests compared.
double CoactivityByPairs(const Watched& watched, std::int64_t bin_us, const SurrogatePlan& plan) {
  constexpr std::int64_t kHour_us = 3'600'000'000;
  const std::int64_t first = *std::min_element(watched.from_us.begin(), watched.from_us.end());
  const std::int64_t origin = first - first % kHour_us;
  const auto pairs = [&](const std::vector<std::int64_t>& hours) {
    std::vector<std::int64_t> offsets;
    for (const std::int64_t hour : hours) offsets.push_back(hour * kHour_us);
    return PairsInBins(watched, offsets, origin, bin_us);
  };
  std::vector<std::int64_t> hours(watched.from_us.size(), 0);
  const std::size_t truth = pairs(hours);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < hours.size(); ++m) {
      hours[m] =
          static_cast<std::int64_t>(wire::Mix(~plan.seed ^ wire::Mix(draw << 32 | m)) % 7) - 3;
    }
    return pairs(hours) >= truth;
  });
}

// Of few members with many requests, two are looked up from the 49th draw a member on; of many,
// requests are walked at every draw.
TEST(Surrogate, CoactivityCountsEveryTwoRequests) {
  Random random(8);
  int looked_up = 0;
  for (const std::size_t members : {3, 4, 14}) {
    for (std::uint64_t world = 0; world < 6; ++world) {
      const Window days = {0, 2 * kDay_s};
      const Watch watch(OnAndOff(members, 80 / members, days, random),
                        std::vector<double>(members, 0), days.last_s);
      const SurrogatePlan plan = {1500, world};
      const double p = CoactivityP(watch.watched(), kQuarter, plan);
      EXPECT_EQ(p, CoactivityByPairs(watch.watched(), kQuarter, plan))
          << members << " members, world " << world;
      // Ten surrogates as extreme were found, and not before there was a table.
      looked_up += members < 5 && p > 10.0 / 1500 && p < 10.0 / 49 / static_cast<double>(members);
    }
  }
  EXPECT_GE(looked_up, 4);
}

// All requests at one moment, a watch of a microsecond, members without requests.
TEST(Surrogate, AnyTimesGiveAProbability) {
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1} << 50}) {
    std::vector<MemberEvent> events(40, {time, 1});
    const std::vector<std::int64_t> from = {time, time, time};
    for (const double p : {RegularityP({events, from, time}, {100, 1}),
                           CoactivityP({events, from, time}, kSeconds, {100, 1})}) {
      EXPECT_GT(p, 0);
      EXPECT_LE(p, 1);
    }
  }
}

}  // namespace
}  // namespace distillwatch::campaign
