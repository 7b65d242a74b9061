// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

namespace distillwatch::simulate {
namespace {

constexpr Window kWindow = {2 * kDay_s, 20 * kDay_s};

using Maker = std::function<Times(std::size_t, Window, Random&)>;
const std::map<std::string, Maker>& Makers() {
  static const std::map<std::string, Maker> makers = {
      {"Person", Person},
      {"Crowd", Crowd},
      {"Service", Service},
      {"Nightly", Nightly},
      {"Hourly", Hourly},
      {"Machine", Machine},
      {"Worker", [](std::size_t n, Window window, Random& random) {
         const Pace pace = AnyPace(random);
         return Worker(n, window, pace, random);
       }}};
  return makers;
}

double ShareOfGapsBelow(const Times& times, double seconds) {
  std::size_t short_ones = 0;
  for (std::size_t i = 1; i < times.size(); ++i) short_ones += times[i] - times[i - 1] < seconds;
  return static_cast<double>(short_ones) / static_cast<double>(times.size() - 1);
}

TEST(Arrivals, AreSortedInsideTheWindowAndNoMoreThanAskedFor) {
  for (const auto& [name, maker] : Makers()) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Random random(seed);
      for (const std::size_t n : {std::size_t{1}, std::size_t{20}, std::size_t{400}}) {
        const Times times = maker(n, kWindow, random);
        EXPECT_LE(times.size(), n) << name << seed;
        EXPECT_TRUE(std::is_sorted(times.begin(), times.end())) << name << seed;
        if (times.empty()) continue;
        EXPECT_GE(times.front(), kWindow.first_s) << name << seed;
        EXPECT_LT(times.back(), kWindow.last_s) << name << seed;
      }
    }
  }
}

TEST(Arrivals, GiveMostOfWhatIsAskedFor) {
  for (const auto& [name, maker] : Makers()) {
    std::size_t given = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Random random(seed);
      given += maker(200, kWindow, random).size();
    }
    EXPECT_GT(given, 40u * 200 / 3) << name;
  }
}

TEST(Arrivals, SameSeedSameTimes) {
  for (const auto& [name, maker] : Makers()) {
    Random a(9), b(9), c(10);
    const Times times = maker(100, kWindow, a);
    EXPECT_EQ(times, maker(100, kWindow, b)) << name;
    EXPECT_NE(times, maker(100, kWindow, c)) << name;
  }
}

TEST(Arrivals, PeopleHaveSessionsAndSleep) {
  Random random(11);
  const Times times = Person(400, kWindow, random);
  ASSERT_GT(times.size(), 100u);
  EXPECT_GT(ShareOfGapsBelow(times, 20 * 60), 0.5);
  EXPECT_LT(ShareOfGapsBelow(times, 6 * kHour_s), 1);
}

TEST(Arrivals, SchedulersKeepTheirMinute) {
  Random random(12);
  for (int i = 0; i < 20; ++i) {
    const Times times = Hourly(300, kWindow, random);
    ASSERT_FALSE(times.empty());
    const double minute = std::floor(std::fmod(times.front(), kHour_s) / 60);
    for (const double t : times) {
      // A run begins within 3 s of its minute and asks for some seconds each.
      const double late_s = std::fmod(t, kHour_s) - 60 * minute;
      EXPECT_GE(late_s, 0);
      EXPECT_LT(late_s, 600);
    }
  }
}

TEST(Arrivals, AMetronomeIsMoreEvenThanAPoissonWorker) {
  Random random(13);
  const auto spread = [&](double jitter) {
    const Times times = Worker(2000, kWindow, {.jitter = jitter}, random);
    double sum = 0, squares = 0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      const double gap = times[i] - times[i - 1];
      sum += gap, squares += gap * gap;
    }
    const auto n = static_cast<double>(times.size() - 1);
    return std::sqrt(squares / n - sum * sum / n / n) / (sum / n);
  };
  EXPECT_NEAR(spread(0.05), 0.05, 0.01);
  EXPECT_NEAR(spread(1), 1, 0.1);
}

TEST(Arrivals, AWorkerOfHalfTheDayRestsTheOtherHalf) {
  Random random(14);
  Pace pace;
  pace.duty = 0.35;
  const Times times = Worker(3000, kWindow, pace, random);
  double longest = 0;
  for (std::size_t i = 1; i < times.size(); ++i)
    longest = std::max(longest, times[i] - times[i - 1]);
  EXPECT_GT(longest, 8 * kHour_s);
}

}  // namespace
}  // namespace distillwatch::simulate
