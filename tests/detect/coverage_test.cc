// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
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
using Features = CoverageDetector::Features;

enum Feature {
  kTemplateShare,
  kTemplateDeviation,
  kTemplateTerms,
  kCellEntropy,
  kUnseenMass,
  kVocabularyGrowth,
  kNovelty,
  kNoveltyDeviation,
  kSelfCosine,
  kTopicOrder,
  kResidualLength,
  kResidualDeviation,
};

Features MeasureAll(std::vector<Seen>& stream,
                    const CoverageDetector& detector = CoverageDetector()) {
  CoverageDetector::State state;
  for (Seen& seen : stream) detector.Update(seen.Get(), state);
  EXPECT_TRUE(state.Valid());
  return detector.Measure(state);
}

void ExpectLike(const Features& got, const Features& truth, double error) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto name = CoverageDetector::kFeatures[i].name;
    ASSERT_EQ(std::isnan(got[i]), std::isnan(truth[i])) << name;
    if (!std::isnan(got[i])) {
      ASSERT_NEAR(got[i], truth[i], error * (1 + std::abs(truth[i]))) << name;
    }
  }
}

using Vector = std::array<double, 32>;
double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The unit vector of signs of 32 random projections, added over the terms.
Vector TopicOf(const std::vector<std::uint64_t>& terms) {
  Vector v{};
  for (const std::uint64_t term : terms) {
    const std::uint64_t mixed = text::Mix(term + 0x7c15d9e3f2a46b81ULL);
    for (std::size_t i = 0; i < 32; ++i) v[i] += (mixed >> i & 1) != 0 ? 1 : -1;
  }
  const double norm = std::sqrt(Dot(v, v));
  for (double& x : v) x = norm > 0 ? x / norm : 0;
  return v;
}

// The features by their description. Streams are short enough for exact term counts.
//   doubtful  share of requests in cells whose weight is so close to 1 that rounding decides
Features Oracle(std::vector<Seen>& stream, seconds half_life, double& doubtful) {
  const Time now = stream.back().observation.time;
  oracle::Counts counts;
  BasicHyperLogLog<128> vocabulary;
  std::vector<oracle::Weighted> share, novelty, residual_length, order;
  std::vector<oracle::WeightedEvent> cells;
  std::vector<std::pair<Vector, double>> topics;
  std::vector<double> distinct = {0};  // after so many requests
  std::size_t requests = 0;
  for (Seen& s : stream) {
    const Observation& seen = s.Get();
    if (seen.terms.empty()) continue;
    const double worth = support::Worth(half_life, seen.time, now);
    std::vector<std::uint64_t> residual;
    double fresh = 0;
    for (const std::uint64_t term : seen.terms) {
      const bool heavy = requests >= 8 && counts.Find(term) * 4 >= static_cast<double>(requests);
      counts.Update(term);
      if (!heavy) residual.push_back(term);
      fresh += vocabulary.Update(text::Mix(term));
    }
    ++requests;
    distinct.push_back(distinct.back() + fresh);
    const auto size = static_cast<double>(seen.terms.size());
    novelty.push_back({fresh / size, worth});
    if (requests > 8) {
      const double left = static_cast<double>(residual.size()) / size;
      const double frame = seen.system_units + seen.units * (1 - left);
      share.push_back({frame / (seen.system_units + seen.units), worth});
      residual_length.push_back({std::log(1 + seen.units * left), worth});
    }
    if (residual.empty()) continue;
    const Vector topic = TopicOf(residual);
    if (!topics.empty()) order.push_back({Dot(topic, topics.back().first), worth});
    topics.emplace_back(topic, worth);
    std::size_t cell = 0;
    for (std::size_t bit = 0; bit < 8; ++bit) cell += topic[bit] > 0 ? 1u << bit : 0;
    cells.push_back({cell, worth});
  }

  Features f;
  f.fill(std::nanf(""));
  if (requests == 0) return f;
  const auto mean_and_deviation = [&f](const std::vector<oracle::Weighted>& values, Feature mean,
                                       Feature deviation) {
    double weight = 0;
    for (const auto& v : values) weight += v.weight;
    if (values.empty()) return;
    const auto truth = oracle::TwoPass(values);
    f[mean] = static_cast<float>(truth.mean);
    f[deviation] = weight > 1 ? static_cast<float>(truth.deviation) : 0;
  };
  mean_and_deviation(share, kTemplateShare, kTemplateDeviation);
  mean_and_deviation(residual_length, kResidualLength, kResidualDeviation);
  mean_and_deviation(novelty, kNovelty, kNoveltyDeviation);
  f[kNovelty] = std::min(1.0f, f[kNovelty]);
  if (!share.empty()) {
    const double least = std::max(2.0, std::ceil(static_cast<double>(requests) / 4));
    f[kTemplateTerms] = static_cast<float>(
        std::count_if(counts.all().begin(), counts.all().end(),
                      [least](const auto& entry) { return entry.second >= least; }));
  }
  double w = 0, q = 0;
  std::map<std::size_t, double> by_cell, events;
  for (const auto& c : cells) {
    w += c.weight, q += c.weight * c.weight;
    by_cell[c.cell] += c.weight;
    ++events[c.cell];
  }
  doubtful = 0;
  if (w * w > 2 * q) {
    const double n = w * w / q;
    f[kCellEntropy] =
        static_cast<float>(-std::log(std::max(oracle::Collision(cells), 1 / (n * n))));
    double once = 0;
    for (const auto& [cell, weight] : by_cell) {
      once += weight <= 1 ? weight : 0;
      doubtful += events[cell] > 1 && std::abs(weight - 1) < 5e-3 ? weight / w : 0;
    }
    f[kUnseenMass] = static_cast<float>(std::min(1.0, once / w));
  }
  // From the doubling before the last one to now; doublings are at 8, 16, 32, ...
  std::size_t half = 8;
  while (2 * half <= requests) half *= 2;
  if (requests >= 16) {
    f[kVocabularyGrowth] =
        static_cast<float>(std::log(distinct[requests] / distinct[half / 2]) /
                           std::log(static_cast<double>(requests) / static_cast<double>(half / 2)));
  }
  double order_weight = 0, pairs = 0, cosine = 0;
  for (const auto& o : order) order_weight += o.weight;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    for (std::size_t j = 0; j < topics.size(); ++j) {
      if (i == j) continue;
      const double weight = topics[i].second * topics[j].second;
      pairs += weight;
      cosine += weight * Dot(topics[i].first, topics[j].first);
    }
  }
  if (order_weight > 1 && pairs > 1) {
    f[kSelfCosine] = static_cast<float>(cosine / pairs);
    f[kTopicOrder] = static_cast<float>(oracle::TwoPass(order).mean - cosine / pairs);
  }
  return f;
}

TEST(CoverageDetectorOracle, FeaturesAreWhatTheirNamesSay) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    support::StreamShape shape;
    shape.requests = 1 + random.Below(300);
    shape.median_gap_s = random.LogUniform(1, 5000);
    shape.repeat_share = random.Uniform(0, 0.4);
    const seconds half_life = random.Choose({hours(24), hours(168), hours(24 * 365)});
    auto stream = support::RandomStream(shape, random);
    double doubtful = 0;
    Features got = MeasureAll(stream, CoverageDetector(half_life));
    Features truth = Oracle(stream, half_life, doubtful);
    if (doubtful > 0) {
      ASSERT_NEAR(got[kUnseenMass], truth[kUnseenMass], doubtful + 6e-3);
      got[kUnseenMass] = truth[kUnseenMass];
    }
    // The last topic is kept in 127ths, and cells in 11 bits.
    ExpectLike(got, truth, 6e-3);
  }
}

// Requests of the given terms and as many words, a minute apart.
std::vector<Seen> Requests(const std::vector<std::vector<std::uint64_t>>& terms) {
  std::vector<Seen> stream(terms.size());
  for (std::size_t i = 0; i < stream.size(); ++i) {
    stream[i].observation.time = support::kStart + std::chrono::minutes(i);
    stream[i].observation.units = static_cast<std::uint32_t>(terms[i].size());
    stream[i].terms = terms[i];
  }
  return stream;
}

// `frame` recurring terms and `slot` new ones in each request.
std::vector<Seen> Templated(std::size_t requests, std::size_t frame, std::size_t slot,
                            std::uint64_t seed) {
  Random random(seed);
  const auto common = support::RandomHashes(frame, random);
  std::vector<std::vector<std::uint64_t>> terms(requests, common);
  for (auto& request : terms) {
    for (const std::uint64_t h : support::RandomHashes(slot, random)) request.push_back(h);
  }
  return Requests(terms);
}

TEST(CoverageDetector, ATemplateIsToldFromItsSlots) {
  auto stream = Templated(200, 15, 5, 2);
  const Features f = MeasureAll(stream);
  EXPECT_NEAR(f[kTemplateShare], 0.75, 0.01);
  EXPECT_NEAR(f[kTemplateTerms], 15, 1);
  EXPECT_NEAR(f[kResidualLength], std::log(6), 0.05);
  EXPECT_LT(f[kTemplateDeviation], 0.05);
  EXPECT_NEAR(f[kNovelty], 0.25, 0.08);
  EXPECT_GT(f[kVocabularyGrowth], 0.8);
  EXPECT_NEAR(f[kSelfCosine], 0, 0.02);
}

TEST(CoverageDetector, ASystemPromptIsTemplate) {
  Random random(3);
  std::vector<std::vector<std::uint64_t>> terms;
  for (int i = 0; i < 100; ++i) terms.push_back(support::RandomHashes(10, random));
  auto stream = Requests(terms);
  EXPECT_EQ(MeasureAll(stream)[kTemplateShare], 0);
  for (Seen& seen : stream) seen.observation.system_units = 30;
  EXPECT_FLOAT_EQ(MeasureAll(stream)[kTemplateShare], 0.75);
}

TEST(CoverageDetector, NothingIsTemplateBeforeEightRequests) {
  auto stream = Templated(8, 10, 0, 4);
  EXPECT_TRUE(std::isnan(MeasureAll(stream)[kTemplateShare]));
  stream = Templated(9, 10, 0, 4);
  EXPECT_EQ(MeasureAll(stream)[kTemplateShare], 1);
}

TEST(CoverageDetector, SayingTheSameThingIsNarrowAndSayingEverythingWide) {
  // Residuals that repeat without being a template: each in one request of eight.
  Random random(5);
  std::vector<std::vector<std::uint64_t>> phrases, terms, fresh;
  for (int i = 0; i < 8; ++i) phrases.push_back(support::RandomHashes(6, random));
  for (std::size_t i = 0; i < 200; ++i) {
    terms.push_back(phrases[i % 8]);
    fresh.push_back(support::RandomHashes(6, random));
  }
  auto narrow = Requests(terms), wide = Requests(fresh);
  const Features n = MeasureAll(narrow), w = MeasureAll(wide);
  EXPECT_NEAR(n[kCellEntropy], std::log(8), 0.3);
  EXPECT_GT(w[kCellEntropy], 4.5);
  EXPECT_EQ(n[kUnseenMass], 0);
  EXPECT_GT(w[kUnseenMass], 0.2);
  EXPECT_LT(n[kVocabularyGrowth], 0.05);
  EXPECT_GT(w[kVocabularyGrowth], 0.8);
  EXPECT_LT(n[kNovelty], 0.1);
  EXPECT_GT(w[kNovelty], 0.7);
}

TEST(CoverageDetector, StayingOnATopicIsToldFromAShuffledQueue) {
  Random random(6);
  std::vector<std::vector<std::uint64_t>> topics, terms;
  for (int i = 0; i < 10; ++i) topics.push_back(support::RandomHashes(200, random));
  for (std::size_t i = 0; i < 400; ++i) {
    std::vector<std::uint64_t> request;
    const auto base = support::RandomHashes(3, random);
    request.insert(request.end(), base.begin(), base.end());
    for (int k = 0; k < 30; ++k) request.push_back(topics[i / 40][random.Below(200)]);
    std::sort(request.begin(), request.end());
    request.erase(std::unique(request.begin(), request.end()), request.end());
    terms.push_back(request);
  }
  auto ordered = Requests(terms);
  random.Shuffle(terms);
  auto shuffled = Requests(terms);
  const Features o = MeasureAll(ordered), s = MeasureAll(shuffled);
  EXPECT_GT(o[kTopicOrder], 0.08);
  EXPECT_NEAR(s[kTopicOrder], 0, 0.03);
  EXPECT_NEAR(o[kSelfCosine], s[kSelfCosine], 0.02);
}

TEST(CoverageDetector, RequestsWithoutTextChangeNothing) {
  Random random(7);
  auto stream = support::RandomStream({.empty_share = 0}, random);
  const Features before = MeasureAll(stream);
  std::vector<Seen> mixed;
  for (const Seen& seen : stream) {
    Seen empty, contradictory = seen;
    empty.observation.time = seen.observation.time;
    // Without units the terms say nothing.
    contradictory.observation.units = 0;
    contradictory.observation.system_units = 0;
    for (const Seen& s : {empty, seen, contradictory}) mixed.push_back(s);
  }
  ExpectLike(MeasureAll(mixed), before, 0);
}

TEST(CoverageDetector, TermsBeyondTheShinglersMostAreLeftAside) {
  Random random(8);
  auto few = Templated(30, 20, 44, 9), many = few;
  for (Seen& seen : many) {
    const auto more = support::RandomHashes(500, random);
    seen.terms.insert(seen.terms.end(), more.begin(), more.end());
  }
  ExpectLike(MeasureAll(many), MeasureAll(few), 0);
}

TEST(CoverageDetector, OrderOfTermsWithinARequestDoesNotMatter) {
  Random random(10);
  auto stream = support::RandomStream({}, random);
  const Features before = MeasureAll(stream);
  for (Seen& seen : stream) random.Shuffle(seen.terms);
  // Up to the increments of the distinct count.
  const Features after = MeasureAll(stream);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (std::isnan(before[i])) continue;
    EXPECT_NEAR(before[i], after[i], i == kVocabularyGrowth ? 0.02 : 0.005) << i;
  }
}

TEST(CoverageDetector, WhenALifeIsLivedDoesNotMatter) {
  Random random(11);
  auto stream = support::RandomStream({}, random);
  const Features before = MeasureAll(stream);
  for (Seen& seen : stream) seen.observation.time += hours(168 * 5);
  ExpectLike(MeasureAll(stream), before, 0);
}

TEST(CoverageDetector, AClockThatIsSetBackLosesNothing) {
  auto stream = Templated(200, 15, 5, 12);
  const Features before = MeasureAll(stream);
  for (std::size_t i = 0; i < 100; ++i) stream[i].observation.time += hours(24 * 3650);
  ExpectLike(MeasureAll(stream), before, 0);
}

TEST(CoverageDetector, ForgetsWhatIsLongAgo) {
  auto stream = Templated(300, 15, 5, 13), fresh = Templated(300, 0, 20, 14);
  for (Seen& seen : fresh) {
    seen.observation.time += hours(24 * 365);
    stream.push_back(seen);
  }
  const Features f = MeasureAll(stream);
  EXPECT_LT(f[kTemplateShare], 0.01);
  EXPECT_GT(f[kNovelty], 0.7);
  EXPECT_GT(f[kResidualLength], 2.9);
}

TEST(CoverageDetector, ABusyAccountStaysWithinItsRanges) {
  auto stream = Templated(5000, 10, 10, 15);
  const Features f = MeasureAll(stream);
  EXPECT_NEAR(f[kTemplateShare], 0.5, 0.02);
  EXPECT_NEAR(f[kTemplateTerms], 10, 1);
  EXPECT_NEAR(f[kVocabularyGrowth], 1, 0.3);
}

TEST(CoverageDetector, AnOldTemplateGivesWayToANewOne) {
  auto stream = Templated(2500, 10, 10, 17);
  auto next = Templated(2500, 12, 10, 18);
  for (Seen& seen : next) {
    seen.observation.time += std::chrono::minutes(2500);
    stream.push_back(seen);
  }
  EXPECT_NEAR(MeasureAll(stream)[kTemplateTerms], 12, 1);
}

TEST(CoverageDetector, ForgetsAfterTheClockWasSetBackToo) {
  auto stream = Templated(100, 15, 5, 19), later = Templated(100, 15, 5, 19),
       fresh = Templated(100, 0, 20, 20);
  for (Seen& seen : stream) seen.observation.time += hours(24 * 3650);
  for (Seen& seen : fresh) seen.observation.time += hours(24 * 365);
  stream.insert(stream.end(), later.begin(), later.end());
  stream.insert(stream.end(), fresh.begin(), fresh.end());
  EXPECT_GT(MeasureAll(stream)[kNovelty], 0.7);
  EXPECT_GT(MeasureAll(stream)[kResidualLength], 2.8);
}

TEST(CoverageDetector, ThreeRequestsHaveAnEntropy) {
  auto stream = Templated(3, 0, 20, 21);
  EXPECT_FALSE(std::isnan(MeasureAll(stream)[kCellEntropy]));
  EXPECT_FALSE(std::isnan(MeasureAll(stream)[kUnseenMass]));
  stream.pop_back();
  EXPECT_TRUE(std::isnan(MeasureAll(stream)[kCellEntropy]));
}

TEST(CoverageDetector, BillionsOfRequestsOverflowNoCount) {
  CoverageDetector::State state;
  const CoverageDetector detector;
  auto stream = Templated(40, 10, 10, 16);
  for (Seen& seen : stream) detector.Update(seen.Get(), state);
  for (const std::uint32_t requests : {0x7fffffffu, 0xfffffff0u}) {
    state.requests = requests;
    state.half_requests = requests / 2 + 1;
    state.quarter_requests = state.half_requests / 2;
    for (Seen& seen : stream) {
      detector.Update(seen.Get(), state);
      ASSERT_GE(state.requests, requests);
      ASSERT_TRUE(state.Valid());
      ASSERT_TRUE(std::isfinite(detector.Measure(state)[kVocabularyGrowth]));
    }
  }
}

}  // namespace
}  // namespace distillwatch
