// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/histograms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "support/alloc_guard.h"
#include "support/golden.h"
#include "support/hostile.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using oracle::Weighted;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using support::Random;

constexpr float kInfinite = std::numeric_limits<float>::infinity();

microseconds Gap(double s) {
  return microseconds(static_cast<std::int64_t>(s * 1e6));
}

// The float at byte `at` of the payload replaced.
std::string WithFloat(const std::string& bytes, std::size_t at, float value) {
  return support::Forge(bytes, [&](std::string& payload) {
    payload.replace(at, 4, reinterpret_cast<const char*>(&value), 4);
  });
}

void Feed(Moments& moments, std::vector<Weighted>& truth, int n, double mean, Random& random) {
  for (int i = 0; i < n; ++i) {
    const auto x = static_cast<float>(random.Normal(mean, 2));
    moments.Update(x);
    truth.push_back({x, 1});
  }
}

void ExpectAsInTwoPasses(const Moments& moments, const std::vector<Weighted>& truth) {
  const oracle::MeanAndDeviation two_pass = oracle::TwoPass(truth);
  EXPECT_NEAR(moments.mean, two_pass.mean, 1e-4 * (1 + std::abs(two_pass.mean)));
  EXPECT_NEAR(moments.deviation(), two_pass.deviation, 1e-3 * (1 + two_pass.deviation));
}

TEST(MomentsOracle, AreThoseOfTwoPasses) {
  Random random(1);
  for (const double mean : {0.0, 8.0, -300.0}) {
    Moments moments;
    std::vector<Weighted> truth;
    for (int part = 0; part < 20; ++part) {
      Feed(moments, truth, 37, mean + part, random);
      ExpectAsInTwoPasses(moments, truth);
      moments.Decay(0.75f);
      for (Weighted& v : truth) v.weight *= 0.75;
      ExpectAsInTwoPasses(moments, truth);
    }
  }
}

TEST(MomentsOracle, MergeIsThatOfAllValues) {
  Random random(2);
  Moments a, b;
  std::vector<Weighted> all, of_b;
  Feed(a, all, 100, 5, random);
  a.Decay(0.3f);
  for (Weighted& v : all) v.weight *= 0.3f;
  Feed(b, of_b, 40, -5, random);
  all.insert(all.end(), of_b.begin(), of_b.end());
  a.Merge(b);
  ExpectAsInTwoPasses(a, all);
  Moments empty;
  empty.Merge(Moments());
  EXPECT_EQ(empty, Moments());
  empty.Merge(a);
  ExpectAsInTwoPasses(empty, all);
  a.Merge(Moments());
  ExpectAsInTwoPasses(a, all);
}

TEST(Moments, NoRoundingMakesThemInvalid) {
  Random random(30);
  for (int round = 0; round < 20'000; ++round) {
    Moments moments;
    moments.Update(static_cast<float>(random.Normal(0, 100)));
    moments.Decay(static_cast<float>(random.Choose({0.0, 1e-6, 0.5})));
    moments.Update(static_cast<float>(random.Normal(0, 10)));
    ASSERT_TRUE(moments.Valid());
  }
}

TEST(Moments, OneValueHasNoDeviation) {
  Moments moments;
  EXPECT_EQ(moments.deviation(), 0);
  moments.Update(7);
  EXPECT_EQ(moments.mean, 7);
  EXPECT_EQ(moments.deviation(), 0);
}

GapHistogram GapsOf(std::span<const double> gaps_s) {
  GapHistogram gaps;
  for (const double s : gaps_s) gaps.Update(Gap(s));
  return gaps;
}

TEST(GapHistogramOracle, DeviationsAreThoseOfTheLogarithms) {
  Random random(3);
  std::vector<double> gaps;
  std::vector<Weighted> logs, pace;
  for (int i = 0; i < 500; ++i) {
    gaps.push_back(random.LogNormal(900, 1.5));
    logs.push_back({std::log(gaps.back()), 1});
    if (gaps.back() < 1800) pace.push_back(logs.back());
  }
  const GapHistogram::Estimate measured = GapsOf(gaps).Measure();
  EXPECT_NEAR(measured.log_deviation, oracle::TwoPass(logs).deviation, 1e-3);
  EXPECT_NEAR(measured.pace_deviation, oracle::TwoPass(pace).deviation, 1e-3);
  EXPECT_EQ(measured.events, 500);
}

TEST(GapHistogramOracle, BurstinessIsKimAndJos) {
  Random random(4);
  for (const int n : {2, 3, 10, 200}) {
    std::vector<double> gaps;
    std::vector<Weighted> values;
    for (int i = 0; i < n; ++i) {
      gaps.push_back(random.Exponential(100));
      values.push_back({gaps.back(), 1});
    }
    const auto [mean, deviation] = oracle::TwoPass(values);
    const double r = deviation / mean, high = std::sqrt(n + 1.0), low = std::sqrt(n - 1.0);
    EXPECT_NEAR(GapsOf(gaps).Measure().burstiness, (high * r - low) / ((high - 2) * r + low), 1e-3);
  }
}

TEST(GapHistogram, ARegularRhythmHasBurstinessMinusOneAndAnEndlessBurstOne) {
  EXPECT_NEAR(GapsOf(std::vector<double>(50, 60.0)).Measure().burstiness, -1, 1e-3);
  std::vector<double> burst(1000, 1e-6);
  burst[500] = 1e6;
  EXPECT_NEAR(GapsOf(burst).Measure().burstiness, 1, 1e-3);
}

// The mean of 4,000 streams has a standard error of at most .0009 at 100 gaps and .0003 at 1,000;
// the true mean there is -.005 and -.0003. Allowed are 5 standard errors: p_fail = 2e-6.
TEST(GapHistogramStat, ARandomStreamHasNoBurstinessAndNoMemory) {
  Random random(5);
  for (const int n : {100, 1000}) {
    double burstiness = 0, memory = 0;
    constexpr int kStreams = 4000;
    for (int stream = 0; stream < kStreams; ++stream) {
      GapHistogram gaps;
      for (int i = 0; i < n; ++i) gaps.Update(Gap(random.Exponential(100)));
      burstiness += gaps.Measure().burstiness;
      memory += gaps.Measure().memory;
    }
    EXPECT_NEAR(burstiness / kStreams, -0.5 / n, 5 * 0.54 / std::sqrt(n * kStreams));
    EXPECT_NEAR(memory / kStreams, 0, 5 * 1.05 / std::sqrt(n * kStreams));
  }
}

// Autoregressive logarithms of gaps, of any typical gap: what is remembered is seen, also after
// decay.
TEST(GapHistogramOracle, MemoryIsTheLag1Correlation) {
  Random random(6);
  for (const double phi : {0.0, 0.5, -0.5}) {
    for (const double median_s : {0.05, 3000.0}) {
      GapHistogram gaps;
      std::vector<double> logs;
      double x = 0;
      for (int i = 0; i < 3000; ++i) {
        x = phi * x + random.Normal(0, std::sqrt(1 - phi * phi));
        logs.push_back(x);
        gaps.Update(Gap(median_s * std::exp(x)));
      }
      EXPECT_NEAR(gaps.Measure().memory, oracle::Lag1(logs), 0.01);
      GapHistogram twice = gaps;
      twice.Merge(gaps);
      EXPECT_NEAR(twice.Measure().memory, oracle::Lag1(logs), 0.01);
    }
  }
}

TEST(GapHistogramStat, DecayDoesNotMakeMemoryUp) {
  // 400 accounts with an effective 23 gaps each and no memory: standard error .01, allowed 5.
  Random random(7);
  double memory = 0;
  for (int account = 0; account < 400; ++account) {
    GapHistogram gaps;
    for (int i = 0; i < 100; ++i) {
      gaps.Decay(0.917f);
      gaps.Update(Gap(random.LogNormal(3000, 1)));
    }
    memory += gaps.Measure().memory / 400;
  }
  EXPECT_NEAR(memory, 0, 0.05);
}

TEST(GapHistogram, BinsDoubleFromFourMilliseconds) {
  const auto spread = [](std::initializer_list<std::int64_t> gaps_us) {
    GapHistogram gaps;
    for (const std::int64_t us : gaps_us) gaps.Update(microseconds(us));
    return gaps.Measure().entropy_nats;
  };
  constexpr float kTwoBins = std::numbers::ln2_v<float>;
  for (std::int64_t border = 4096; border < (std::int64_t{4096} << 31); border *= 2) {
    const bool last = border == std::int64_t{4096} << 30;
    ASSERT_NEAR(spread({border - 1, border}), kTwoBins, 1e-6) << border;
    ASSERT_NEAR(spread({border, 2 * border - 1}), 0, 1e-6) << border;
    if (last) {  // the last bin has no end
      EXPECT_NEAR(spread({border, 1000 * border}), 0, 1e-6);
    }
  }
  EXPECT_NEAR(spread({0, 1, 4095, -5}), 0, 1e-6);
}

TEST(GapHistogram, MeasuresHowFarTheLongestGapIsFromTheMedian) {
  std::vector<double> gaps(20, 1.0);
  gaps.push_back(64);
  EXPECT_EQ(GapsOf(gaps).Measure().longest_to_median_log2, 6);
  EXPECT_EQ(GapsOf(std::vector<double>(20, 1.0)).Measure().longest_to_median_log2, 0);
  EXPECT_EQ(GapsOf(std::vector<double>{1, 1, 8, 8, 8, 64}).Measure().longest_to_median_log2, 3);
}

TEST(GapHistogram, DecayKeepsTheShapeAndFewerEvents) {
  Random random(8);
  std::vector<double> gaps;
  for (int i = 0; i < 100; ++i) gaps.push_back(random.LogNormal(60, 1));
  GapHistogram decayed = GapsOf(gaps);
  const GapHistogram::Estimate before = decayed.Measure();
  decayed.Decay(0.5f);
  const GapHistogram::Estimate after = decayed.Measure();
  EXPECT_EQ(after.events, 50);
  EXPECT_NEAR(after.log_deviation, before.log_deviation, 1e-5);
  EXPECT_NEAR(after.entropy_nats, before.entropy_nats, 1e-5);
  EXPECT_NEAR(after.memory, before.memory, 1e-5);
}

TEST(GapHistogramOracle, MergeIsTheHistogramOfAllGaps) {
  Random random(9);
  std::vector<double> a, b;
  std::vector<Weighted> logs;
  for (int i = 0; i < 200; ++i) {
    (i % 3 == 0 ? a : b).push_back(random.LogNormal(i % 3 == 0 ? 10 : 1000, 1));
  }
  for (const auto* gaps : {&a, &b}) {
    for (const double s : *gaps) logs.push_back({std::log(s), 1});
  }
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  GapHistogram merged = GapsOf(a);
  merged.Merge(GapsOf(b));
  const GapHistogram::Estimate truth = GapsOf(all).Measure(), measured = merged.Measure();
  EXPECT_NEAR(measured.log_deviation, oracle::TwoPass(logs).deviation, 1e-3);
  EXPECT_NEAR(measured.pace_deviation, truth.pace_deviation, 1e-3);
  EXPECT_NEAR(measured.burstiness, truth.burstiness, 1e-3);
  EXPECT_NEAR(measured.entropy_nats, truth.entropy_nats, 1e-4);
  EXPECT_EQ(measured.longest_to_median_log2, truth.longest_to_median_log2);
  EXPECT_EQ(measured.events, 200);
}

TEST(GapHistogram, OneGapOrNoneSaysNothing) {
  EXPECT_EQ(GapHistogram().Measure().log_deviation, 0);
  EXPECT_EQ(GapHistogram().Measure().events, 0);
  EXPECT_EQ(GapsOf(std::vector<double>{5.0}).Measure().burstiness, 0);
  EXPECT_EQ(GapsOf(std::vector<double>{5.0}).Measure().entropy_nats, 0);
}

// Everything that is kept about times comes back, and nothing else is accepted.
TEST(Histograms, OnlyTheOriginalBytesParse) {
  Random random(10);
  GapHistogram gaps;
  ScaleCounts scale;
  HourHistogram day;
  Time now = Time(hours(480'000));
  for (int i = 0; i < 100; ++i) {
    const microseconds gap = Gap(random.LogNormal(100, 2));
    now += gap;
    gaps.Update(gap);
    scale.Update(now, minutes(15));
    day.Update(now);
  }
  support::ExpectOnlyTheOriginalParses(gaps.Serialize(), GapHistogram::Parse,
                                       [](const auto& sketch) { return sketch.Serialize(); });
  support::ExpectOnlyTheOriginalParses(scale.Serialize(), ScaleCounts::Parse,
                                       [](const auto& sketch) { return sketch.Serialize(); });
  support::ExpectOnlyTheOriginalParses(day.Serialize(), HourHistogram::Parse,
                                       [](const auto& sketch) { return sketch.Serialize(); });
}

TEST(Histograms, NumbersThatNoStreamProducesAreRefused) {
  GapHistogram gaps;
  gaps.Update(seconds(1));
  for (std::size_t at = 0; at < 43 * 4; at += 4) {
    EXPECT_FALSE(GapHistogram::Parse(WithFloat(gaps.Serialize(), at, std::nanf(""))).ok()) << at;
    EXPECT_FALSE(GapHistogram::Parse(WithFloat(gaps.Serialize(), at, kInfinite)).ok()) << at;
  }
  EXPECT_FALSE(GapHistogram::Parse(WithFloat(gaps.Serialize(), 0, -1)).ok());  // a bin
  for (std::size_t at = 8; at < 36; at += 4) {
    EXPECT_FALSE(ScaleCounts::Parse(WithFloat(ScaleCounts().Serialize(), at, std::nanf(""))).ok());
    EXPECT_FALSE(ScaleCounts::Parse(WithFloat(ScaleCounts().Serialize(), at, -1)).ok()) << at;
  }
  const std::string before_time =
      support::Forge(ScaleCounts().Serialize(), [](std::string& p) { p[0] = '\xfe'; });
  EXPECT_FALSE(ScaleCounts::Parse(before_time).ok());
  EXPECT_FALSE(HourHistogram::Parse(WithFloat(HourHistogram().Serialize(), 92, kInfinite)).ok());
}

TEST(HistogramsGolden, BytesOfVersionOne) {
  GapHistogram gaps;
  ScaleCounts scale;
  HourHistogram day;
  // Sums of halves and quarters only, so that no compiler may round them differently.
  for (int i = 0; i < 64; ++i) {
    scale.Update(Time(minutes(i * i)), minutes(15));
    day.Update(Time(minutes(i * i)));
  }
  gaps.Update(seconds(1));
  gaps.Update(seconds(1));
  gaps.Decay(0.5f), scale.Decay(0.5f), day.Decay(0.5f);
  support::ExpectGolden("gap_histogram.v1", gaps.Serialize());
  support::ExpectGolden("scale_counts.v1", scale.Serialize());
  support::ExpectGolden("hour_histogram.v1", day.Serialize());
  EXPECT_EQ(*GapHistogram::Parse(support::Golden("gap_histogram.v1")), gaps);
  EXPECT_EQ(*ScaleCounts::Parse(support::Golden("scale_counts.v1")), scale);
  EXPECT_EQ(*HourHistogram::Parse(support::Golden("hour_histogram.v1")), day);
}

TEST(HistogramsAlloc, UpdateDecayMergeAndMeasureAreFree) {
  const support::AllocGuard guard;
  GapHistogram gaps, more_gaps;
  ScaleCounts scale, more_counts;
  HourHistogram day, more_hours;
  for (int i = 0; i < 100; ++i) {
    gaps.Update(seconds(i));
    scale.Update(Time(hours(480'000 + i)), hours(6));
    day.Update(Time(hours(480'000 + i)));
  }
  gaps.Decay(0.5f), scale.Decay(0.5f), day.Decay(0.5f);
  gaps.Merge(more_gaps), scale.Merge(more_counts), day.Merge(more_hours);
  (void)gaps.Measure(), (void)scale.Measure(), (void)day.Measure();
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch
