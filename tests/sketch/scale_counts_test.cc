// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// ScaleCounts and HourHistogram; what they share with GapHistogram is in histograms_test.cc.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "distillwatch/histograms.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using support::Random;

constexpr Time kStart = Time(hours(480'000));

ScaleCounts CountsOf(const std::vector<Time>& times, seconds width) {
  ScaleCounts counts;
  for (const Time t : times) counts.Update(t, width);
  return counts;
}

std::vector<Time> RandomTimes(std::size_t n, double mean_gap_s, Random& random) {
  std::vector<Time> times;
  double s = 0;
  for (std::size_t i = 0; i < n; ++i) {
    s += random.Exponential(mean_gap_s);
    times.push_back(kStart + microseconds(static_cast<std::int64_t>(s * 1e6)));
  }
  return times;
}

TEST(ScaleCountsOracle, DispersionAndDutyAreThoseOfTheFinishedBins) {
  Random random(1);
  for (const double mean_gap_s : {20.0, 600.0, 20'000.0}) {
    const std::vector<Time> times = RandomTimes(400, mean_gap_s, random);
    std::map<std::int64_t, double> bins;
    for (const Time t : times) ++bins[t.time_since_epoch() / minutes(15)];
    const std::int64_t first = bins.begin()->first, open = bins.rbegin()->first;
    std::vector<oracle::Weighted> counts;
    double busy = 0;
    for (std::int64_t bin = first; bin < open; ++bin) {
      const auto found = bins.find(bin);
      counts.push_back({found == bins.end() ? 0.0 : found->second, 1});
      busy += found != bins.end();
    }
    const auto [mean, deviation] = oracle::TwoPass(counts);
    const ScaleCounts::Estimate measured = CountsOf(times, minutes(15)).Measure();
    EXPECT_EQ(measured.bins, static_cast<float>(open - first));
    EXPECT_NEAR(measured.dispersion, deviation * deviation / mean, 1e-3);
    EXPECT_NEAR(measured.duty, busy / static_cast<double>(open - first), 1e-6);
  }
}

// 2,000 streams of 300 bins with 3 requests each on average: the standard error of the mean
// dispersion is sqrt(2 / 300 / 2000) = .0018; allowed are 5, and 1/300 because the variance is the
// population's.
TEST(ScaleCountsStat, ARandomStreamHasDispersionOne) {
  Random random(2);
  double sum = 0;
  for (int stream = 0; stream < 2000; ++stream) {
    sum += CountsOf(RandomTimes(900, 300, random), minutes(15)).Measure().dispersion / 2000;
  }
  EXPECT_NEAR(sum, 1, 0.009 + 1.0 / 300);
}

TEST(ScaleCounts, ARegularStreamHasDispersionZeroAndFullDuty) {
  std::vector<Time> times;
  for (int i = 0; i < 200; ++i) times.push_back(kStart + minutes(5 * i));
  const ScaleCounts::Estimate measured = CountsOf(times, minutes(15)).Measure();
  EXPECT_NEAR(measured.dispersion, 0, 1e-5);
  EXPECT_EQ(measured.duty, 1);
  EXPECT_EQ(measured.quota, 1);  // every bin is as full as the fullest
}

TEST(ScaleCounts, QuotaIsTheShareOfBusyBinsCloseToTheFullestSoFar) {
  ScaleCounts counts;
  int hour = 0;
  for (const int requests : {10, 0, 9, 8, 0, 10, 20, 17, 16, 1}) {  // close: 10 9 10 20 17
    for (int i = 0; i < requests; ++i) counts.Update(kStart + hours(hour), hours(1));
    ++hour;
  }
  EXPECT_NEAR(counts.Measure().quota, 5.0 / 7,
              1e-6);  // of seven busy hours; the last one is still open
  EXPECT_EQ(counts.Measure().bins, 9);
  EXPECT_NEAR(counts.Measure().duty, 7.0 / 9, 1e-6);
}

TEST(ScaleCounts, AfterAMergeQuotaIsMeasuredAgainstTheFullestOfBoth) {
  ScaleCounts busy, calm;
  for (int i = 0; i < 100; ++i) busy.Update(kStart, hours(1));
  busy.Update(kStart + hours(1), hours(1));
  calm.Merge(busy);
  for (int i = 0; i < 40; ++i) calm.Update(kStart + hours(i / 10), hours(1));
  EXPECT_EQ(calm.Measure().quota, 0.25f);  // the busy hour, and three that are far from it
}

TEST(ScaleCounts, TheOpenBinDoesNotCount) {
  ScaleCounts counts;
  for (int i = 0; i < 5; ++i) counts.Update(kStart, hours(1));
  EXPECT_EQ(counts.Measure().bins, 0);
  EXPECT_EQ(counts.Measure().duty, 0);
  EXPECT_EQ(counts.Measure().dispersion, 0);
  counts.Update(kStart + hours(1), hours(1));
  EXPECT_EQ(counts.Measure().bins, 1);
}

TEST(ScaleCounts, ALateRequestCountsInTheOpenBin) {
  ScaleCounts late, in_time;
  late.Update(kStart + hours(2), hours(1));
  late.Update(kStart, hours(1));
  in_time.Update(kStart + hours(2), hours(1));
  in_time.Update(kStart + hours(2), hours(1));
  EXPECT_EQ(late, in_time);
}

TEST(ScaleCounts, TimesBefore1970AreMovedToThatBorder) {
  ScaleCounts counts, border;
  for (const Time t : {Time(hours(-100)), Time::min(), Time(microseconds(-1))}) {
    counts.Update(t, hours(1));
    border.Update(Time{}, hours(1));
  }
  EXPECT_EQ(counts, border);
}

TEST(ScaleCounts, DecayKeepsTheShape) {
  Random random(3);
  ScaleCounts counts = CountsOf(RandomTimes(400, 600, random), minutes(15));
  const ScaleCounts::Estimate before = counts.Measure();
  counts.Decay(0.25f);
  const ScaleCounts::Estimate after = counts.Measure();
  EXPECT_EQ(after.bins, before.bins / 4);
  EXPECT_NEAR(after.dispersion, before.dispersion, 1e-4);
  EXPECT_NEAR(after.duty, before.duty, 1e-6);
  EXPECT_NEAR(after.quota, before.quota, 1e-6);
}

TEST(ScaleCountsOracle, MergeAddsFinishedBins) {
  Random random(4);
  const auto sparse = RandomTimes(100, 900, random), dense = RandomTimes(300, 60, random);
  const ScaleCounts::Estimate a = CountsOf(sparse, minutes(15)).Measure(),
                              b = CountsOf(dense, minutes(15)).Measure();
  ScaleCounts merged = CountsOf(sparse, minutes(15));
  merged.Merge(CountsOf(dense, minutes(15)));
  EXPECT_EQ(merged.Measure().bins, a.bins + b.bins);
  EXPECT_NEAR(merged.Measure().duty, (a.duty * a.bins + b.duty * b.bins) / (a.bins + b.bins), 1e-5);
  EXPECT_GT(merged.Measure().dispersion, std::max(a.dispersion, b.dispersion));  // two unlike means
}

HourHistogram HoursOf(std::initializer_list<int> hours_of_day) {
  HourHistogram histogram;
  for (const int h : hours_of_day) histogram.Update(kStart + hours(h));  // kStart is a midnight
  return histogram;
}

TEST(HourHistogram, RoundTheClockIsMaximalEntropyWithoutIdleHours) {
  HourHistogram histogram;
  for (int h = 0; h < 240; ++h) histogram.Update(kStart + hours(h) + minutes(59));
  EXPECT_NEAR(histogram.Measure().entropy_nats, std::log(24.0), 1e-5);
  EXPECT_EQ(histogram.Measure().idle_hours, 0);
  EXPECT_NEAR(histogram.Measure().concentration, 0, 1e-5);
}

TEST(HourHistogram, IdleHoursRunAroundMidnight) {
  EXPECT_EQ(HoursOf({9, 10, 11, 12, 13, 14, 15, 16, 17}).Measure().idle_hours, 15);
  EXPECT_EQ(HoursOf({0, 6, 12}).Measure().idle_hours, 11);
  EXPECT_EQ(HoursOf({0}).Measure().idle_hours, 23);
  EXPECT_EQ(HoursOf({23}).Measure().idle_hours, 23);
}

TEST(HourHistogram, AnHourWithUnderAHundredthOfTheRequestsIsIdle) {
  HourHistogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.Update(kStart + hours(12));
  for (int i = 0; i < 9; ++i) histogram.Update(kStart + hours(3));
  EXPECT_EQ(histogram.Measure().idle_hours, 23);
  for (int i = 0; i < 9; ++i) histogram.Update(kStart + hours(3));
  EXPECT_EQ(histogram.Measure().idle_hours, 14);  // 13 to 2 o'clock
}

TEST(HourHistogram, ConcentrationIsTheLengthOfTheMeanVector) {
  EXPECT_NEAR(HoursOf({5, 5, 5}).Measure().concentration, 1, 1e-6);
  EXPECT_NEAR(HoursOf({0, 6}).Measure().concentration, std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(HoursOf({0, 12}).Measure().concentration, 0, 1e-6);
  EXPECT_NEAR(HoursOf({0, 12}).Measure().entropy_nats, std::log(2.0), 1e-6);
}

TEST(HourHistogram, TimesBefore1970HaveAnHourToo) {
  HourHistogram before, after;
  before.Update(Time(microseconds(-1)));  // 23:59:59.999999
  before.Update(Time(hours(-24)));        // midnight
  before.Update(Time::min());
  after.Update(kStart + hours(23));
  after.Update(kStart);
  after.Update(Time::min() + hours(24 * 100'000'000LL));
  EXPECT_EQ(before, after);
}

TEST(HourHistogram, MergeAddsAndDecayKeepsTheShape) {
  HourHistogram merged = HoursOf({1, 2}), all = HoursOf({1, 2, 2, 3});
  merged.Merge(HoursOf({2, 3}));
  EXPECT_EQ(merged, all);
  const HourHistogram::Estimate before = all.Measure();
  all.Decay(0.125f);
  EXPECT_NEAR(all.Measure().entropy_nats, before.entropy_nats, 1e-6);
  EXPECT_EQ(all.Measure().idle_hours, before.idle_hours);
  EXPECT_EQ(HourHistogram().Measure().idle_hours, 0);
}

}  // namespace
}  // namespace distillwatch
