// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/similarity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "support/observations.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using support::Random;
using support::Seen;
using Features = SimilarityDetector::Features;

enum Feature {
  kNearestMean,
  kNearestDeviation,
  kTemplateMass,
  kSlotVariation,
  kDuplicateShare,
  kRecurringSlots,
  kFollow,
  kContinuation,
  kLength,
  kLengthDeviation,
  kKinds,
  kLargestKind,
  kFrameGapDeviation,
  kFramePaceDeviation,
  kFrameDuty,
};

Features MeasureAll(std::vector<Seen>& stream,
                    const SimilarityDetector& detector = SimilarityDetector()) {
  SimilarityDetector::State state;
  for (Seen& seen : stream) detector.Update(seen.Get(), state);
  EXPECT_TRUE(state.Valid());
  return detector.Measure(state);
}

// Equal up to float's precision, or both unknown.
void ExpectLike(const Features& got, const Features& truth, double error = 2e-3) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto name = SimilarityDetector::kFeatures[i].name;
    ASSERT_EQ(std::isnan(got[i]), std::isnan(truth[i])) << name;
    if (!std::isnan(got[i])) {
      ASSERT_NEAR(got[i], truth[i], error * (1 + std::abs(truth[i]))) << name;
    }
  }
}

double Agree(const SlimSignature& a, const SlimSignature& b) {
  int equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
  return equal / 64.0;
}

// Sets of signatures that hang together by more than .15.
std::vector<std::size_t> KindsOf(const std::vector<SlimSignature>& sample) {
  std::set<std::size_t> left;
  for (std::size_t i = 0; i < sample.size(); ++i) left.insert(i);
  std::vector<std::size_t> sizes;
  while (!left.empty()) {
    std::vector<std::size_t> kind = {*left.begin()};
    left.erase(left.begin());
    for (std::size_t k = 0; k < kind.size(); ++k) {
      for (auto it = left.begin(); it != left.end();) {
        const bool linked = Agree(sample[kind[k]], sample[*it]) > 0.15;
        if (linked) kind.push_back(*it);
        it = linked ? left.erase(it) : std::next(it);
      }
    }
    sizes.push_back(kind.size());
  }
  return sizes;
}

// The features by their description, from everything that was ever seen.
Features Oracle(std::vector<Seen>& stream, seconds half_life) {
  const SimilarityDetector detector(half_life);
  const Time now = stream.back().observation.time;
  std::vector<oracle::Weighted> nearest, follow, length, gap, pace;
  std::vector<std::pair<float, SlimSignature>> sample;  // by priority, the highest first
  std::map<std::int64_t, double> busy_hours;            // framed requests
  const SlimSignature* last = nullptr;
  double requests = 0, continued = 0, in_template = 0, framed = 0, duplicates = 0;
  std::vector<Time> framed_at;
  for (Seen& s : stream) {
    const Observation& seen = s.Get();
    const double worth = support::Worth(half_life, seen.time, now);
    requests += worth;
    continued += seen.earlier_turns > 0 ? worth : 0;
    if (seen.units == 0) continue;
    length.push_back({std::log(seen.units), worth});
    if (last != nullptr) {
      double best = Agree(*last, seen.signature);
      follow.push_back({best, worth});
      for (const auto& [priority, signature] : sample) {
        best = std::max(best, Agree(signature, seen.signature));
      }
      nearest.push_back({best, worth});
      in_template += best >= 0.3 ? worth : 0;
      duplicates += best >= 0.95 ? worth : 0;
      if (best > 0.15 && best < 0.9) {
        framed += worth;
        if (!framed_at.empty()) {
          const double gap_s = std::chrono::duration<double>(seen.time - framed_at.back()).count();
          gap.push_back({std::log(gap_s), worth});
          if (gap_s < 1800) pace.push_back({std::log(gap_s), worth});
        }
        framed_at.push_back(seen.time);
      }
    }
    last = &seen.signature;
    sample.emplace_back(detector.PriorityOf(seen), seen.signature);
    std::sort(sample.begin(), sample.end(), std::greater<>());
    if (sample.size() > 16) sample.pop_back();
  }

  Features f;
  f.fill(std::nanf(""));
  const auto weight_of = [](const std::vector<oracle::Weighted>& values) {
    double sum = 0;
    for (const auto& v : values) sum += v.weight;
    return sum;
  };
  const auto deviation = [&](const std::vector<oracle::Weighted>& values) {
    return weight_of(values) > 1 ? static_cast<float>(oracle::TwoPass(values).deviation) : 0;
  };
  f[kContinuation] = static_cast<float>(continued / requests);
  const double compared = weight_of(nearest);
  if (compared < 1) return f;
  f[kNearestMean] = static_cast<float>(oracle::TwoPass(nearest).mean);
  f[kNearestDeviation] = deviation(nearest);
  f[kTemplateMass] = static_cast<float>(in_template / compared);
  f[kSlotVariation] = static_cast<float>(framed / compared);
  f[kDuplicateShare] = static_cast<float>(duplicates / compared);
  f[kFollow] = static_cast<float>(oracle::TwoPass(follow).mean);
  f[kLength] = static_cast<float>(oracle::TwoPass(length).mean);
  f[kLengthDeviation] = deviation(length);
  std::map<std::pair<std::size_t, std::uint16_t>, int> pairs;
  std::vector<SlimSignature> signatures;
  for (const auto& [priority, signature] : sample) {
    signatures.push_back(signature);
    for (std::size_t i = 0; i < 64; ++i) ++pairs[{i, signature[i]}];
  }
  f[kRecurringSlots] = static_cast<float>(
      std::count_if(pairs.begin(), pairs.end(), [](const auto& p) { return p.second >= 3; }));
  const auto kinds = KindsOf(signatures);
  f[kKinds] = static_cast<float>(kinds.size());
  f[kLargestKind] = static_cast<float>(*std::max_element(kinds.begin(), kinds.end())) /
                    static_cast<float>(sample.size());
  if (weight_of(gap) < 8) return f;
  f[kFrameGapDeviation] = deviation(gap);
  f[kFramePaceDeviation] = deviation(pace);
  // Hours are finished by the framed request that opens a later one.
  double bins = 0, busy = 0;
  const auto hour_of = [](Time t) { return t.time_since_epoch() / hours(1); };
  for (std::size_t i = 1; i < framed_at.size(); ++i) {
    const auto passed = hour_of(framed_at[i]) - hour_of(framed_at[i - 1]);
    const double worth = support::Worth(half_life, framed_at[i], now);
    bins += static_cast<double>(passed) * worth;
    busy += passed > 0 ? worth : 0;
  }
  f[kFrameDuty] = static_cast<float>(bins > 0 ? busy / bins : 0);
  return f;
}

TEST(SimilarityDetectorOracle, FeaturesAreWhatTheirNamesSay) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    support::StreamShape shape;
    shape.requests = 1 + random.Below(300);
    shape.median_gap_s = random.LogUniform(1, 20'000);
    shape.framed_share = random.Uniform();
    shape.repeat_share = random.Uniform(0, 0.4);
    const seconds half_life = random.Choose({hours(24), hours(168), hours(24 * 365)});
    auto stream = support::RandomStream(shape, random);
    ExpectLike(MeasureAll(stream, SimilarityDetector(half_life)), Oracle(stream, half_life));
  }
}

// Requests that agree with the one before in `equal` of 64 slots.
std::vector<Seen> Chain(const std::vector<int>& equal, Random& random) {
  std::vector<Seen> stream(equal.size() + 1);
  SlimSignature signature = support::RandomSignature(random);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    stream[i].observation.time = support::kStart + std::chrono::minutes(7 * i);
    stream[i].observation.units = 10;
    stream[i].observation.event = random.Bits();
    if (i > 0) {
      for (int slot = equal[i - 1]; slot < 64; ++slot) {
        signature[static_cast<std::size_t>(slot)] = static_cast<std::uint16_t>(
            signature[static_cast<std::size_t>(slot)] + 1 + random.Below(60'000));
      }
    }
    stream[i].observation.signature = signature;
  }
  return stream;
}

TEST(SimilarityDetector, BandsOfLikenessAreWhereTheyAreSaidToBe) {
  struct Case {
    int equal;
    float in_template, framed, duplicate;
  };
  for (const Case& c : {Case{0, 0, 0, 0}, Case{9, 0, 0, 0}, Case{10, 0, 1, 0}, Case{19, 0, 1, 0},
                        Case{20, 1, 1, 0}, Case{57, 1, 1, 0}, Case{58, 1, 0, 0}, Case{60, 1, 0, 0},
                        Case{61, 1, 0, 1}, Case{64, 1, 0, 1}}) {
    Random random(2);
    auto stream = Chain({c.equal}, random);
    const Features f = MeasureAll(stream);
    EXPECT_EQ(f[kNearestMean], static_cast<float>(c.equal) / 64);
    EXPECT_EQ(f[kTemplateMass], c.in_template) << c.equal;
    EXPECT_EQ(f[kSlotVariation], c.framed) << c.equal;
    EXPECT_EQ(f[kDuplicateShare], c.duplicate) << c.equal;
  }
}

TEST(SimilarityDetector, OneRequestOnlyTellsWhetherItContinues) {
  for (const std::uint32_t turns : {0u, 4u}) {
    SimilarityDetector::State state;
    Observation seen;
    seen.time = support::kStart;
    seen.units = 5;
    seen.earlier_turns = turns;
    SimilarityDetector().Update(seen, state);
    const Features f = SimilarityDetector().Measure(state);
    for (std::size_t i = 0; i < f.size(); ++i) {
      if (i == kContinuation) {
        EXPECT_EQ(f[i], turns > 0 ? 1 : 0);
      } else {
        EXPECT_TRUE(std::isnan(f[i])) << i;
      }
    }
  }
}

TEST(SimilarityDetector, RequestsWithoutTextSayNothingOfLikeness) {
  Random random(3);
  auto stream = support::RandomStream({.requests = 100, .empty_share = 0}, random);
  const Features before = MeasureAll(stream);
  std::vector<Seen> mixed;
  for (const Seen& seen : stream) {
    mixed.push_back(seen);
    Seen empty;
    empty.observation.time = seen.observation.time;
    empty.observation.signature.fill(0xffff);
    empty.observation.earlier_turns = seen.observation.earlier_turns;
    mixed.push_back(empty);
  }
  ExpectLike(MeasureAll(mixed), before, 0);
}

TEST(SimilarityDetector, NamesOfSlotValuesDoNotMatter) {
  // Another key gives other hashes: here every slot's values are permuted.
  Random random(4);
  auto stream = support::RandomStream({}, random);
  const Features before = MeasureAll(stream);
  for (Seen& seen : stream) {
    if (seen.observation.units == 0) continue;
    for (std::size_t i = 0; i < 64; ++i) {
      auto& slot = seen.observation.signature[i];
      slot = static_cast<std::uint16_t>((slot + 1000 * i) % 65535);
    }
  }
  ExpectLike(MeasureAll(stream), before, 0);
}

TEST(SimilarityDetector, WhenALifeIsLivedDoesNotMatter) {
  Random random(5);
  const seconds half_life = hours(168);
  auto stream = support::RandomStream({}, random);
  const Features before = MeasureAll(stream);
  for (Seen& seen : stream) seen.observation.time += 4 * half_life;  // whole ticks and hours
  ExpectLike(MeasureAll(stream), before, 1e-6);
}

TEST(SimilarityDetector, ForgetsWhatIsLongAgo) {
  Random random(6);
  auto stream = support::RandomStream({.requests = 100, .framed_share = 1}, random);
  const auto old_size = stream.size();
  auto fresh = support::RandomStream(
      {.requests = 100, .empty_share = 0, .framed_share = 0, .repeat_share = 0}, random);
  for (Seen& seen : fresh) {
    seen.observation.time += hours(24 * 365);
    stream.push_back(seen);
  }
  ASSERT_GT(stream.size(), old_size);
  const Features f = MeasureAll(stream);
  EXPECT_LT(f[kNearestMean], 0.02);
  EXPECT_LT(f[kTemplateMass], 0.01);
  EXPECT_EQ(f[kKinds], 16);
}

// The lite record keeps likeness in 255ths and length in 16ths of a logarithm.
SimilarityDetector::Digest DigestOf(const Observation& seen, const SlimSignature* last,
                                    double nearest) {
  SimilarityDetector::Digest digest;
  digest.continued = seen.earlier_turns > 0;
  if (seen.units == 0) return digest;
  digest.log_units =
      static_cast<std::uint8_t>(std::clamp(std::lround(16 * std::log(seen.units)), 1L, 255L));
  digest.compared = last != nullptr;
  if (last == nullptr) return digest;
  digest.nearest = static_cast<std::uint8_t>(std::lround(255 * nearest));
  digest.follow = static_cast<std::uint8_t>(std::lround(255 * Agree(*last, seen.signature)));
  return digest;
}

TEST(SimilarityDetector, ReplayIsUpdateUpToTheDigestsPrecision) {
  Random random(7);
  for (int round = 0; round < 40; ++round) {
    auto stream = support::RandomStream({.requests = 15, .median_gap_s = 100}, random);
    const SimilarityDetector detector;
    SimilarityDetector::State updated, replayed;
    std::vector<SlimSignature> earlier;
    for (Seen& s : stream) {
      const Observation& seen = s.Get();
      detector.Update(seen, updated);
      double nearest = 0;
      for (const SlimSignature& e : earlier) nearest = std::max(nearest, Agree(e, seen.signature));
      detector.Replay(DigestOf(seen, earlier.empty() ? nullptr : &earlier.back(), nearest),
                      seen.time, replayed);
      if (seen.units == 0) continue;
      earlier.push_back(seen.signature);
    }
    replayed.reservoir = updated.reservoir;  // those are kept beside the digests
    replayed.last = updated.last;
    ASSERT_TRUE(replayed.Valid());
    // Bands and their rhythm are exact; likeness is to 1/510, length to 1/32 (and 1 is taken for
    // e^(1/16)).
    EXPECT_EQ(replayed.framed, updated.framed);
    EXPECT_EQ(replayed.in_template, updated.in_template);
    EXPECT_EQ(replayed.duplicate, updated.duplicate);
    EXPECT_EQ(replayed.frame_gap, updated.frame_gap);
    EXPECT_EQ(replayed.frame_pace, updated.frame_pace);
    EXPECT_EQ(replayed.frame_hours, updated.frame_hours);
    const Features a = detector.Measure(updated), b = detector.Measure(replayed);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(std::isnan(a[i]), std::isnan(b[i])) << i;
      if (std::isnan(a[i])) continue;
      ASSERT_NEAR(a[i], b[i], i == kLength || i == kLengthDeviation ? 1.0 / 16 : 1.0 / 500) << i;
    }
  }
}

TEST(SimilarityDetector, ALateRequestIsSimultaneousForTheRhythm) {
  Random random(8);
  auto stream = Chain(std::vector<int>(60, 30), random);
  for (std::size_t i = 1; i < stream.size(); ++i) {
    // In pairs, of which the second was stamped half an hour earlier.
    stream[i].observation.time = support::kStart + hours(i / 2);
    if (i % 2 == 1 && i > 1) stream[i].observation.time -= std::chrono::minutes(30);
  }
  auto truth = stream;
  for (std::size_t i = 1; i < truth.size(); i += 2) {
    truth[i].observation.time = std::max(truth[i].observation.time, truth[i - 1].observation.time);
  }
  const Features got = MeasureAll(stream), want = MeasureAll(truth);
  for (const Feature f : {kFrameGapDeviation, kFramePaceDeviation, kFrameDuty}) {
    EXPECT_FLOAT_EQ(got[f], want[f]) << f;
  }
}

TEST(SimilarityDetector, AClockThatIsSetBackStartsTheRhythmAnew) {
  Random random(9);
  for (const auto ahead : {hours(3), hours(24 * 30), hours(24 * 3650)}) {
    const auto after = Chain(std::vector<int>(40, 30), random);
    auto stream = Chain(std::vector<int>(40, 30), random);
    for (Seen& seen : stream) seen.observation.time += ahead;
    stream.insert(stream.end(), after.begin(), after.end());
    const Features f = MeasureAll(stream);
    // All requests but the first after the jump are framed, one in 7 minutes, so every hour has
    // one; and no gap leads across the jump.
    EXPECT_EQ(f[kFrameGapDeviation], 0);
    EXPECT_EQ(f[kFramePaceDeviation], 0);
    EXPECT_EQ(f[kFrameDuty], 1);
  }
}

TEST(SimilarityDetector, TwoHoursBackAreNotLate) {
  Random random(11);
  auto stream = Chain(std::vector<int>(40, 30), random);
  for (std::size_t i = 20; i < stream.size(); ++i) {
    stream[i].observation.time -= hours(2) + std::chrono::minutes(7);
  }
  EXPECT_EQ(MeasureAll(stream)[kFrameGapDeviation], 0);
}

TEST(SimilarityDetector, HoursFromTheFutureAreNotCounted) {
  Random random(12);
  const auto after = Chain(std::vector<int>(40, 30), random);
  auto stream = Chain(std::vector<int>(40, 30), random);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    stream[i].observation.time += hours(24 * 30) + hours(5 * i);
  }
  EXPECT_LT(MeasureAll(stream)[kFrameDuty], 0.3);
  stream.insert(stream.end(), after.begin(), after.end());
  EXPECT_EQ(MeasureAll(stream)[kFrameDuty], 1);
}

TEST(SimilarityDetector, ADigestOfEqualsIsOfEquals) {
  SimilarityDetector::State state;
  const SimilarityDetector detector;
  for (int i = 0; i < 3; ++i) {
    detector.Replay({.nearest = 255, .follow = 255, .log_units = 16, .compared = true},
                    support::kStart, state);
  }
  const Features f = detector.Measure(state);
  EXPECT_EQ(f[kNearestMean], 1);
  EXPECT_EQ(f[kFollow], 1);
  EXPECT_EQ(f[kDuplicateShare], 1);
  EXPECT_EQ(f[kLength], 1);
}

TEST(SimilarityDetector, ASampleFromTheFutureDoesNotStay) {
  Random random(10);
  auto stream = support::RandomStream(
      {.requests = 40, .empty_share = 0, .framed_share = 0, .repeat_share = 0}, random);
  for (Seen& seen : stream) seen.observation.time += hours(24 * 3650);
  auto after = Chain(std::vector<int>(40, 30), random);
  SimilarityDetector::State state;
  const SimilarityDetector detector;
  for (Seen& seen : stream) detector.Update(seen.Get(), state);
  for (Seen& seen : after) detector.Update(seen.Get(), state);
  const Features f = detector.Measure(state);
  // The frame of the requests now is in the sample, the strangers of before are not.
  EXPECT_EQ(f[kKinds], 1);
  EXPECT_EQ(f[kLargestKind], 1);
  EXPECT_GE(f[kRecurringSlots], 30);
}

TEST(SimilarityDetector, WithoutASampleItsKindsAreUnknown) {
  SimilarityDetector::State state;
  const SimilarityDetector detector;
  for (int i = 0; i < 5; ++i) {
    detector.Replay({.nearest = 100, .follow = 90, .log_units = 40, .compared = true},
                    support::kStart + std::chrono::minutes(i), state);
  }
  const Features f = detector.Measure(state);
  EXPECT_FALSE(std::isnan(f[kNearestMean]));
  for (const Feature i : {kRecurringSlots, kKinds, kLargestKind}) EXPECT_TRUE(std::isnan(f[i]));
}

}  // namespace
}  // namespace distillwatch
