// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/decay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

TEST(DecayClockOracle, FactorIsTheExponential) {
  for (Tick ticks = 0; ticks <= 800; ++ticks) {
    const double truth = std::exp2(-ticks / 8.0);
    ASSERT_NEAR(DecayClock::Factor(ticks), truth, truth * 1e-7) << ticks;
    ASSERT_GT(DecayClock::Factor(ticks), 0) << ticks;
  }
  EXPECT_EQ(DecayClock::Factor(801), 0);
  EXPECT_EQ(DecayClock::Factor(std::numeric_limits<Tick>::max()), 0);
}

TEST(DecayClock, NoTimeHasPassedWithoutATickAndWhenTheClockRanBackwards) {
  EXPECT_EQ(DecayClock::Factor(0), 1);
  EXPECT_EQ(DecayClock::Factor(-1), 1);
  EXPECT_EQ(DecayClock::Factor(std::numeric_limits<Tick>::min()), 1);
}

TEST(DecayClock, EightTicksAreAHalfLife) {
  const DecayClock clock(hours(24));
  const Time time = Time(hours(500'000));
  EXPECT_EQ(clock.At(time + hours(24)) - clock.At(time), DecayClock::kTicksPerHalfLife);
  EXPECT_EQ(DecayClock::Factor(DecayClock::kTicksPerHalfLife), 0.5f);
}

TEST(DecayClock, TicksLieAtAbsoluteTimesForEveryReplica) {
  const DecayClock clock(hours(8));  // a tick an hour
  const Time hour = Time(hours(480'000));
  EXPECT_EQ(clock.At(hour), 480'000);
  EXPECT_EQ(clock.At(hour + microseconds(hours(1)) - microseconds(1)), 480'000);
  EXPECT_EQ(clock.At(hour + hours(1)), 480'001);
}

TEST(DecayClock, TimesFromAnyClockHaveATick) {
  for (const seconds half_life : {seconds(32), seconds(hours(24 * 7)), seconds(hours(24 * 365))}) {
    const DecayClock clock(half_life);
    EXPECT_EQ(clock.At(Time::min()), 0);
    EXPECT_EQ(clock.At(std::chrono::sys_days(std::chrono::year(1900) / 1 / 1)), 0);
    Tick before = clock.At(Time{});
    EXPECT_EQ(before, 0);
    for (int year = 1980; year <= 2200; year += 10) {
      const Tick tick = clock.At(std::chrono::sys_days(std::chrono::year(year) / 1 / 1));
      EXPECT_GT(tick, before) << year;
      before = tick;
    }
    EXPECT_GT(clock.At(Time::max()), before);
  }
}

TEST(DecayClock, SaysItsHalfLifeToTheSecond) {
  for (const std::int64_t s : {32, 33, 86'401, 604'800, 1'000'003})
    EXPECT_EQ(DecayClock(seconds(s)).half_life(), seconds(s));
  EXPECT_EQ(DecayClock(seconds(1)).half_life(), DecayClock::kLeastHalfLife);
  EXPECT_EQ(DecayClock(seconds::max()).half_life(), DecayClock::kMostHalfLife);
}

TEST(DecayClock, AnyHalfLifeMakesAClock) {
  const Time time = Time(hours(480'000));
  EXPECT_EQ(DecayClock(seconds(0)).At(time), DecayClock(seconds(32)).At(time));
  EXPECT_EQ(DecayClock(seconds(-5)).At(time), DecayClock(seconds(32)).At(time));
  EXPECT_EQ(DecayClock(seconds::max()).At(time), DecayClock(hours(24 * 36525)).At(time));
}

}  // namespace
}  // namespace distillwatch
