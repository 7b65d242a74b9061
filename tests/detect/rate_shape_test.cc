// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/rate_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <set>
#include <vector>

#include "support/observations.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;
using support::kStart;
using support::Random;
using Features = RateShapeDetector::Features;

enum Feature {
  kGapDeviation,
  kPaceDeviation,
  kBurstiness,
  kGapMemory,
  kGapEntropy,
  kLongestGap,
  kDispersion1m,
  kDispersion15m,
  kDispersion1h,
  kDispersion6h,
  kDuty1h,
  kDuty6h,
  kHourEntropy,
  kIdleHours,
  kQuota,
  kRamp,
  kBusyRate,
  kPivot,
  kRequestsADay,
};

// A request as this detector sees it.
struct Sent {
  Time time;
  std::uint64_t model = 0;
};

RateShapeDetector::State StateOf(const std::vector<Sent>& sent,
                                 const RateShapeDetector& detector = RateShapeDetector()) {
  RateShapeDetector::State state;
  for (const Sent& s : sent) {
    Observation seen;
    seen.time = s.time;
    seen.model = s.model;
    detector.Update(seen, state);
  }
  EXPECT_TRUE(state.Valid());
  return state;
}

Features MeasureAll(const std::vector<Sent>& sent,
                    const RateShapeDetector& detector = RateShapeDetector()) {
  return detector.Measure(StateOf(sent, detector));
}

std::vector<Sent> Every(microseconds gap, std::size_t requests, Time start = kStart) {
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < requests; ++i) {
    sent.push_back({start + gap * static_cast<std::int64_t>(i)});
  }
  return sent;
}

std::vector<Sent> Draw(std::size_t requests, const std::function<double()>& gap_s,
                       Time start = kStart) {
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < requests; ++i) {
    sent.push_back({start});
    start += microseconds(static_cast<std::int64_t>(1e6 * gap_s()));
  }
  return sent;
}

void ExpectLike(const Features& got, const Features& truth, double error) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto name = RateShapeDetector::kFeatures[i].name;
    ASSERT_EQ(std::isnan(got[i]), std::isnan(truth[i])) << name;
    if (!std::isnan(got[i])) {
      ASSERT_NEAR(got[i], truth[i], error * (1 + std::abs(truth[i]))) << name;
    }
  }
}

double EntropyOf(const std::map<std::int64_t, double>& weights) {
  double total = 0, sum = 0;
  for (const auto& [key, w] : weights) total += w;
  for (const auto& [key, w] : weights) sum -= w > 0 ? w / total * std::log(w / total) : 0;
  return sum;
}

// Counts in bins of one width: those before the last, each worth what it was when it ended.
struct Bins {
  double bins = 0, busy = 0, sum = 0, squares = 0, near_fullest = 0;
};
Bins BinsOf(const std::vector<Sent>& sent, seconds width, seconds half_life) {
  const Time now = sent.back().time;
  const auto bin_of = [width](Time t) { return t.time_since_epoch() / microseconds(width); };
  Bins out;
  double count = 1, fullest = 0;
  for (std::size_t i = 1; i < sent.size(); ++i) {
    const auto passed = bin_of(sent[i].time) - bin_of(sent[i - 1].time);
    if (passed > 0) {
      const double worth = support::Worth(half_life, sent[i].time, now);
      fullest = std::max(fullest, count);
      out.bins += static_cast<double>(passed) * worth;
      out.busy += worth;
      out.sum += count * worth;
      out.squares += count * count * worth;
      out.near_fullest += count >= 0.85 * fullest ? worth : 0;
      count = 0;
    }
    ++count;
  }
  return out;
}

// The features by their description, but for the memory and the pivot, which have tests below.
Features Oracle(const std::vector<Sent>& sent, seconds half_life) {
  Features f;
  f.fill(std::nanf(""));
  const Time now = sent.back().time;
  std::vector<oracle::Weighted> gaps, logs, paces;
  std::map<std::int64_t, double> bins, by_hour;
  double m = 0, pace = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const double worth = support::Worth(half_life, sent[i].time, now);
    by_hour[sent[i].time.time_since_epoch() / hours(1) % 24] += worth;
    if (i == 0) continue;
    const auto gap_us = std::max<std::int64_t>((sent[i].time - sent[i - 1].time).count(), 1);
    const double gap_s = static_cast<double>(gap_us) / 1e6;
    gaps.push_back({gap_s, worth});
    logs.push_back({std::log(gap_s), worth});
    if (gap_s < 1800) paces.push_back(logs.back()), pace += worth;
    m += worth;
    const double bin = std::floor(std::log2(static_cast<double>(gap_us) / 4096)) + 1;
    bins[static_cast<std::int64_t>(std::clamp(bin, 0.0, 31.0))] += worth;
  }
  if (m < 2) return f;
  f[kGapDeviation] = static_cast<float>(oracle::TwoPass(logs).deviation);
  f[kPaceDeviation] = pace > 1 ? static_cast<float>(oracle::TwoPass(paces).deviation) : 0;
  const auto gap = oracle::TwoPass(gaps);
  const double r = gap.deviation / gap.mean, high = std::sqrt(m + 1), low = std::sqrt(m - 1);
  f[kBurstiness] =
      static_cast<float>(std::clamp((high * r - low) / ((high - 2) * r + low), -1.0, 1.0));
  f[kGapEntropy] = static_cast<float>(EntropyOf(bins));
  double seen = 0;
  std::int64_t median = 0, longest = 0;
  for (const auto& [bin, weight] : bins) {
    if (seen < m / 2) median = bin;
    seen += weight;
    if (weight > 0.01) longest = bin;
  }
  f[kLongestGap] = static_cast<float>(longest - median);
  for (std::size_t i = 0; i < 4; ++i) {
    const Bins b = BinsOf(sent, RateShapeDetector::kScales[i], half_life);
    if (b.bins < 2) continue;
    const double mean = b.sum / b.bins;
    f[kDispersion1m + i] =
        static_cast<float>(std::log2((b.squares / b.bins - mean * mean) / mean + 1e-3));
    if (i == 3) f[kDuty6h] = static_cast<float>(b.busy / b.bins);
    if (i != 2) continue;
    f[kDuty1h] = static_cast<float>(b.busy / b.bins);
    f[kQuota] = static_cast<float>(b.near_fullest / b.busy);
    const double alive_h = std::chrono::duration<double>(now - sent[0].time).count() / 3600;
    f[kBusyRate] = static_cast<float>(
        std::log2(static_cast<double>(sent.size()) / std::max(1.0, alive_h * b.busy / b.bins)));
  }
  f[kHourEntropy] = static_cast<float>(EntropyOf(by_hour));
  double total = 0;
  for (const auto& [hour, w] : by_hour) total += w;
  int longest_idle = 0;
  for (std::int64_t from = 0; from < 24; ++from) {
    int idle = 0;
    while (idle < 24 && by_hour[(from + idle) % 24] < total / 100) ++idle;
    longest_idle = std::max(longest_idle, idle);
  }
  f[kIdleHours] = static_cast<float>(longest_idle);
  const double alive_d = std::chrono::duration<double>(now - sent[0].time).count() / 86400;
  const auto first_day = std::count_if(
      sent.begin(), sent.end(), [&](const Sent& s) { return s.time - sent[0].time < hours(24); });
  const auto n = static_cast<double>(sent.size());
  if (alive_d >= 1) {
    f[kRamp] = static_cast<float>(std::log2(static_cast<double>(first_day) / (n / alive_d)));
  }
  f[kRequestsADay] = static_cast<float>(std::log2(n / std::max(alive_d, 0.05)));
  return f;
}

TEST(RateShapeDetectorOracle, FeaturesAreWhatTheirNamesSay) {
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    const double median = random.LogUniform(0.001, 20'000), sigma = random.Uniform(0, 3);
    const auto sent = Draw(
        1 + random.Below(500),
        [&] { return random.Chance(0.05) ? 0 : random.LogNormal(median, sigma); },
        kStart + seconds(random.Below(100'000)));
    const seconds half_life = random.Choose({hours(24), hours(168), hours(24 * 365)});
    Features got = MeasureAll(sent, RateShapeDetector(half_life));
    Features truth = Oracle(sent, half_life);
    if (!std::isnan(got[kGapDeviation])) {
      EXPECT_GE(got[kGapMemory], -1);
      EXPECT_LE(got[kGapMemory], 1);
      got[kGapMemory] = truth[kGapMemory];
    }
    got[kPivot] = truth[kPivot];
    ExpectLike(got, truth, 5e-3);
  }
}

TEST(RateShapeDetector, KnowsRegularRandomAndBursty) {
  Random random(2);
  const Features regular = MeasureAll(Every(seconds(60), 400));
  const Features poisson = MeasureAll(Draw(4000, [&] { return random.Exponential(60); }));
  const Features bursty =
      MeasureAll(Draw(4000, [&] { return random.Chance(0.05) ? random.Exponential(5000) : 2.0; }));
  EXPECT_EQ(regular[kGapDeviation], 0);
  EXPECT_FLOAT_EQ(regular[kBurstiness], -1);
  EXPECT_NEAR(poisson[kBurstiness], 0, 0.05);
  EXPECT_GT(bursty[kBurstiness], 0.4);
  // The logarithm of an exponential gap deviates by pi / sqrt(6).
  EXPECT_NEAR(poisson[kGapDeviation], std::numbers::pi / std::sqrt(6), 0.06);
  EXPECT_LT(regular[kDispersion1h], -5);
  EXPECT_NEAR(poisson[kDispersion1h], 0, 0.7);
  EXPECT_GT(bursty[kDispersion1h], 2);
  EXPECT_EQ(regular[kGapEntropy], 0);
  EXPECT_EQ(regular[kLongestGap], 0);
  EXPECT_NEAR(poisson[kGapMemory], 0, 0.07);
}

TEST(RateShapeDetector, MemoryIsTheCorrelationOfSuccessiveGaps) {
  Random random(3);
  for (const double memory : {-0.6, 0.0, 0.6}) {
    double log_gap = 0;
    const auto sent = Draw(4000, [&] {
      log_gap = memory * log_gap + random.Normal(0, 0.5);
      return 10 * std::exp(log_gap);
    });
    EXPECT_NEAR(MeasureAll(sent)[kGapMemory], memory, 0.07);
  }
}

TEST(RateShapeDetector, PeopleSleepAndSchedulersDoNot) {
  std::vector<Sent> awake;
  for (int day = 0; day < 20; ++day) {
    for (int i = 0; i < 32; ++i) {
      awake.push_back({kStart + hours(24 * day) + std::chrono::minutes(15 * i)});
    }
  }
  const Features person = MeasureAll(awake),
                 machine = MeasureAll(Every(std::chrono::minutes(15), 20 * 96));
  EXPECT_EQ(person[kIdleHours], 16);
  EXPECT_EQ(machine[kIdleHours], 0);
  EXPECT_NEAR(person[kHourEntropy], std::log(8), 0.01);
  EXPECT_NEAR(machine[kHourEntropy], std::log(24), 0.01);
  EXPECT_NEAR(person[kDuty1h], 1.0 / 3, 0.02);
  EXPECT_EQ(machine[kDuty1h], 1);
  EXPECT_NEAR(machine[kBusyRate], 2, 0.01);
  EXPECT_NEAR(person[kBusyRate], 2, 0.1);
  EXPECT_EQ(machine[kQuota], 1);
}

TEST(RateShapeDetector, FullVolumeFromTheFirstDayIsARampOfNothing) {
  EXPECT_NEAR(MeasureAll(Every(seconds(600), 144 * 10))[kRamp], 0, 0.05);
  std::vector<Sent> grows;
  for (int day = 0; day < 10; ++day) {
    for (int i = 0; i < 10 << (day / 2); ++i)
      grows.push_back({kStart + hours(24 * day) + seconds(i)});
  }
  EXPECT_LT(MeasureAll(grows)[kRamp], -2);
  auto stops = Every(seconds(600), 144);
  for (const Sent& s : Every(hours(24), 10, kStart + hours(48))) stops.push_back(s);
  EXPECT_GT(MeasureAll(stops)[kRamp], 2.5);
  EXPECT_TRUE(std::isnan(MeasureAll(Every(seconds(60), 1000))[kRamp]));  // under a day
}

// `before` requests to an old model, then as many pairs of old and new as the share wants.
float PivotOf(std::size_t before, std::size_t after, double share, seconds gap) {
  std::vector<Sent> sent = Every(gap, before + after);
  double owed = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sent[i].model = std::uint64_t{1} << 40;
    if (i < before) continue;
    owed += share;
    if (owed < 1) continue;
    owed -= 1;
    sent[i].model = std::uint64_t{2} << 40;
  }
  return StateOf(sent).pivot;
}

TEST(RateShapeDetector, AMoveToANewModelWithinADayIsAPivot) {
  EXPECT_EQ(PivotOf(100, 100, 1, seconds(60)), 1);
  EXPECT_NEAR(PivotOf(100, 100, 0.5, seconds(60)), 0.5, 0.05);
  EXPECT_EQ(PivotOf(15, 100, 1, seconds(60)), 0);  // no past without it
  EXPECT_EQ(PivotOf(16, 100, 1, seconds(60)), 1);
  EXPECT_EQ(PivotOf(100, 15, 1, seconds(60)), 0);  // not enough since
  EXPECT_EQ(PivotOf(100, 16, 1, seconds(60)), 1);
  EXPECT_EQ(PivotOf(100, 100, 1, hours(2)), 0);  // not within a day
  EXPECT_EQ(PivotOf(100, 100, 0, seconds(60)), 0);
}

TEST(RateShapeDetector, ThePivotIsTheHighestShareOfTheDay) {
  std::vector<Sent> sent = Every(seconds(60), 100);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i].model = (i / 20 == 2 ? 2ull : 1ull) << 40;
  EXPECT_EQ(StateOf(sent).pivot, 1);
}

TEST(RateShapeDetector, TheFirstDayHas24Hours) {
  EXPECT_EQ(StateOf(Every(hours(12), 5)).first_day, 2u);
  EXPECT_EQ(StateOf(Every(hours(12) - microseconds(1), 5)).first_day, 3u);
}

TEST(RateShapeDetector, ReturningToAnOldModelIsNoPivot) {
  std::vector<Sent> sent = Every(seconds(60), 400);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i].model = (1 + i / 100 % 2) << 40;
  // The first change was the only one, so all that follows counts as since then.
  EXPECT_EQ(StateOf(sent).since_new_model, 300u);
  sent.resize(200);
  EXPECT_EQ(StateOf(sent).since_new_model, 100u);
}

TEST(RateShapeDetector, OneModelOrNoneIsNoPivot) {
  auto sent = Every(seconds(60), 100);
  EXPECT_EQ(StateOf(sent).pivot, 0);
  for (std::size_t i = 0; i < sent.size(); i += 2) sent[i].model = std::uint64_t{7} << 40;
  EXPECT_EQ(StateOf(sent).pivot, 0);
  EXPECT_EQ(StateOf(sent).since_new_model, 0u);
}

TEST(RateShapeDetector, TwoRequestsSayNothingOfTheirRhythm) {
  for (const std::size_t n : {1u, 2u}) {
    for (const float x : MeasureAll(Every(seconds(60), n))) EXPECT_TRUE(std::isnan(x));
  }
  EXPECT_FALSE(std::isnan(MeasureAll(Every(seconds(60), 3))[kGapDeviation]));
}

TEST(RateShapeDetector, AllAtOnceIsFiniteToo) {
  for (const std::size_t n : {3u, 1000u}) {
    const Features f = MeasureAll(Every(microseconds(0), n));
    EXPECT_EQ(f[kGapDeviation], 0);
    EXPECT_FLOAT_EQ(f[kBurstiness], -1);
    EXPECT_TRUE(std::isnan(f[kDuty1h]));
    EXPECT_NEAR(f[kRequestsADay], std::log2(static_cast<double>(n) / 0.05), 1e-4);
    for (const float x : f) EXPECT_FALSE(std::isinf(x));
  }
}

TEST(RateShapeDetector, TheTextDoesNotMatter) {
  Random random(4);
  auto stream = support::RandomStream({}, random);
  RateShapeDetector::State with, without;
  const RateShapeDetector detector;
  for (support::Seen& s : stream) {
    detector.Update(s.Get(), with);
    Observation bare;
    bare.time = s.observation.time;
    bare.model = s.observation.model;
    detector.Update(bare, without);
  }
  ExpectLike(detector.Measure(with), detector.Measure(without), 0);
}

TEST(RateShapeDetector, WhenALifeIsLivedDoesNotMatter) {
  Random random(5);
  auto sent = Draw(300, [&] { return random.LogNormal(600, 2); });
  const Features before = MeasureAll(sent);
  for (Sent& s : sent) s.time += hours(168 * 4);
  ExpectLike(MeasureAll(sent), before, 1e-6);
}

TEST(RateShapeDetector, SlowerIsOnlySlower) {
  Random random(6);
  const auto sent = Draw(
      300, [&] { return random.LogNormal(100, 0.5); }, Time(hours(1)));
  auto slower = sent;
  for (Sent& s : slower) s.time = Time(s.time.time_since_epoch() * 4);
  // So slow to forget that nothing decays.
  const RateShapeDetector detector(hours(24 * 365 * 90));
  const Features a = MeasureAll(sent, detector), b = MeasureAll(slower, detector);
  for (const Feature f : {kGapDeviation, kBurstiness, kGapMemory, kGapEntropy, kLongestGap}) {
    EXPECT_NEAR(a[f], b[f], 1e-3) << f;
  }
  EXPECT_NEAR(a[kDispersion15m], b[kDispersion1h], 1e-3);
  EXPECT_NEAR(a[kRequestsADay] - b[kRequestsADay], 2, 1e-3);
}

TEST(RateShapeDetector, ALateRequestIsSimultaneous) {
  auto late = Every(seconds(600), 50), truth = late;
  for (std::size_t i = 5; i < late.size(); i += 7) {
    late[i].time = late[i - 1].time - std::chrono::minutes(59);
    truth[i].time = truth[i - 1].time;
  }
  ExpectLike(MeasureAll(late), MeasureAll(truth), 0);
}

TEST(RateShapeDetector, AClockThatIsSetBackStartsTheRhythmAnew) {
  const auto after = Every(seconds(600), 200);
  for (const auto ahead : {hours(100), hours(24 * 3650), hours(24 * 365 * 200)}) {
    auto sent = Every(seconds(7), 100, kStart + ahead);
    sent.insert(sent.end(), after.begin(), after.end());
    ExpectLike(MeasureAll(sent), MeasureAll(after), 0);
  }
}

TEST(RateShapeDetector, ForgetsWhatIsLongAgo) {
  Random random(7);
  const auto recent = Draw(
      500, [&] { return random.Exponential(600); }, kStart + hours(24 * 365));
  auto sent = Every(seconds(1), 500);
  sent.insert(sent.end(), recent.begin(), recent.end());
  const Features f = MeasureAll(sent), alone = MeasureAll(recent);
  // What is left of the year before is its one long gap.
  EXPECT_NEAR(f[kPaceDeviation], alone[kPaceDeviation], 0.01);
  EXPECT_NEAR(f[kGapEntropy], alone[kGapEntropy], 0.05);
  EXPECT_NEAR(f[kHourEntropy], alone[kHourEntropy], 0.01);
  EXPECT_GT(f[kLongestGap], alone[kLongestGap] + 8);
}

TEST(RateShapeDetector, BillionsOfRequestsOverflowNoCount) {
  RateShapeDetector::State state;
  const RateShapeDetector detector;
  for (const Sent& s : Every(seconds(60), 50)) {
    Observation seen;
    seen.time = s.time;
    detector.Update(seen, state);
  }
  state.requests = state.first_day = 0xfffffffe;
  for (int i = 0; i < 5; ++i) {
    Observation seen;
    seen.time = state.last + seconds(60);
    detector.Update(seen, state);
    ASSERT_TRUE(state.Valid());
    for (const float x : detector.Measure(state)) ASSERT_FALSE(std::isinf(x));
  }
  EXPECT_NEAR(detector.Measure(state)[kRequestsADay], 36, 1);
}

}  // namespace
}  // namespace distillwatch
