// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/heavy_hitters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "support/alloc_guard.h"
#include "support/golden.h"
#include "support/hostile.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::uint64_t kKey = 42;

// The set of a term, by its definition: the upper 32 bits scaled to the number of sets.
std::size_t SetOf(std::uint64_t term) {
  return (term >> 32) * HeavyHitters::kSets >> 32;
}

// A sketch and its oracle, fed alike.
class Both {
 public:
  void Update(std::uint64_t term) {
    const HeavyHitters::Count before = sketch.Find(term), returned = sketch.Update(term);
    EXPECT_EQ(returned.least, before.least);
    EXPECT_EQ(returned.most, before.most);
    truth.Update(term);
    occurrences[SetOf(term)] += 1;
  }
  void Halve() {
    sketch.Halve();
    truth.Halve();
    for (double& n : occurrences) n /= 2;
    slack = 2;
  }
  void Merge(const Both& other) {
    sketch.Merge(other.sketch);
    truth.Merge(other.truth);
    for (std::size_t i = 0; i < occurrences.size(); ++i) occurrences[i] += other.occurrences[i];
    slack += other.slack;
  }
  void ExpectBracketed() const {
    std::size_t tracked = 0;
    for (const auto& [term, count] : truth.all()) {
      const HeavyHitters::Count bounds = sketch.Find(term);
      ASSERT_LE(bounds.least, count);
      if (bounds.most == 0) {
        // What is not tracked is rare in its set.
        ASSERT_LE(count, occurrences[SetOf(term)] / HeavyHitters::kWays + slack);
        continue;
      }
      ++tracked;
      ASSERT_GE(bounds.most, count);
      ASSERT_LE(bounds.most - bounds.least, occurrences[SetOf(term)] / HeavyHitters::kWays + slack);
    }
    EXPECT_LE(tracked, HeavyHitters::kSets * HeavyHitters::kWays);
  }

  HeavyHitters sketch;
  oracle::Counts truth;
  std::array<double, HeavyHitters::kSets> occurrences{};
  double slack = 0;
};

// A stream with a few frequent terms and a long tail.
void Feed(Both& both, std::size_t n, std::size_t vocabulary, std::uint64_t salt, Random& random) {
  for (std::size_t i = 0; i < n; ++i) both.Update(text::Mix(random.Zipf(vocabulary) + salt));
}

TEST(HeavyHittersOracle, CountsBracketTruth) {
  Random random(1);
  for (const std::size_t vocabulary : {20, 200, 5000}) {
    Both both;
    for (int i = 0; i < 20; ++i) {
      Feed(both, 500, vocabulary, 0, random);
      both.ExpectBracketed();
    }
  }
}

TEST(HeavyHittersOracle, CountsBracketTruthUnderHalving) {
  Random random(2);
  for (const std::size_t vocabulary : {20, 200, 5000}) {
    Both both;
    for (int i = 0; i < 40; ++i) {
      Feed(both, random.Below(600), vocabulary, 0, random);
      both.Halve();
      both.ExpectBracketed();
    }
  }
}

TEST(HeavyHittersOracle, CountsBracketTruthAfterMerging) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    Both a, b;
    Feed(a, random.Below(3000), 20 + random.Below(2000), 0, random);
    // Streams that share all, some or none of their terms.
    Feed(b, random.Below(3000), 20 + random.Below(2000), round % 3 * 15, random);
    if (round % 2 == 0) a.Halve();
    HeavyHitters reversed = b.sketch;
    reversed.Merge(a.sketch);
    a.Merge(b);
    a.ExpectBracketed();
    for (const auto& [term, count] : a.truth.all()) {
      ASSERT_EQ(a.sketch.Find(term).least, reversed.Find(term).least);
      ASSERT_EQ(a.sketch.Find(term).most, reversed.Find(term).most);
    }
    Feed(a, 500, 200, 0, random);  // a merged sketch lives on
    a.ExpectBracketed();
  }
}

TEST(HeavyHittersOracle, FewTermsAreCountedExactly) {
  Random random(4);
  Both both;
  for (int i = 0; i < 1000; ++i) both.Update(text::Mix(random.Below(8)));
  for (const auto& [term, count] : both.truth.all()) {
    EXPECT_EQ(both.sketch.Find(term).least, count);
    EXPECT_EQ(both.sketch.Find(term).most, count);
  }
}

TEST(HeavyHitters, ATermInEveryRequestStandsOutOfManyRareOnes) {
  Random random(5);
  HeavyHitters sketch;
  const std::uint64_t often = random.Bits();
  for (int request = 0; request < 200; ++request) {
    sketch.Update(often);
    for (int i = 0; i < 40; ++i) sketch.Update(random.Bits());
  }
  EXPECT_GE(sketch.Find(often).least, 200u - 40 * 200 / (11 * 8) - 1);
  EXPECT_EQ(sketch.CountAtLeast(100), 1u);
}

TEST(HeavyHittersOracle, CountsHowManyTermsAreCertain) {
  Random random(6);
  Both both;
  Feed(both, 5000, 300, 0, random);
  for (const std::uint32_t least : {1u, 10u, 100u, 1000u}) {
    std::size_t truth = 0;
    for (const auto& [term, count] : both.truth.all())
      truth += both.sketch.Find(term).least >= least;
    EXPECT_EQ(both.sketch.CountAtLeast(least), truth);
  }
  EXPECT_EQ(HeavyHitters().CountAtLeast(1), 0u);
}

TEST(HeavyHittersOracle, ManyAreOneAfterTheOther) {
  Random random(9);
  HeavyHitters many, one;
  for (std::size_t n = 0; n < 200; ++n) {
    std::vector<std::uint64_t> terms(n);
    for (std::uint64_t& term : terms) term = text::Mix(random.Zipf(300));
    std::vector<std::uint32_t> truth, least(n);
    for (const std::uint64_t term : terms) truth.push_back(one.Update(term).least);
    many.Update(terms, least);
    ASSERT_EQ(least, truth);
    ASSERT_EQ(many, one);
  }
}

TEST(HeavyHitters, AnUnknownTermHasNoCount) {
  HeavyHitters sketch;
  EXPECT_EQ(sketch.Find(0).most, 0u);  // a free entry has tag 0, too
  sketch.Update(77);
  EXPECT_EQ(sketch.Find(78).most, 0u);
  EXPECT_EQ(sketch.Find(77).least, 1u);
}

TEST(HeavyHitters, CountsStopAtTheirLargestValue) {
  HeavyHitters a;
  for (int i = 0; i < 70'000; ++i) a.Update(5);
  EXPECT_EQ(a.Find(5).least, 65'535u);
  EXPECT_EQ(a.Find(5).most, 65'535u);
  HeavyHitters b = a;
  b.Merge(a);
  EXPECT_EQ(b.Find(5).least, 65'535u);
  // A set whose eight entries are all full gives its next term no certain count, and still works.
  for (std::uint64_t term = 16; term < 30; term += 2) {
    for (int i = 0; i < 65'600; ++i) a.Update(term);
  }
  a.Update(100);
  a.Update(100);
  EXPECT_EQ(a.Find(100).least, 0u);
  EXPECT_TRUE(a.Valid());
}

TEST(HeavyHitters, MergingWithAnEmptyOneChangesNothing) {
  Random random(7);
  Both both;
  Feed(both, 300, 50, 0, random);
  HeavyHitters other;
  other.Merge(both.sketch);
  both.sketch.Merge(HeavyHitters());
  for (const auto& [term, count] : both.truth.all()) {
    EXPECT_EQ(other.Find(term).least, both.sketch.Find(term).least);
    EXPECT_EQ(other.Find(term).most, both.sketch.Find(term).most);
  }
  both.ExpectBracketed();
}

TEST(HeavyHitters, OnlyTheOriginalBytesParse) {
  Random random(8);
  Both both;
  Feed(both, 500, 300, 0, random);
  support::ExpectOnlyTheOriginalParses(
      both.sketch.Serialize(kKey),
      [](std::string_view bytes) { return HeavyHitters::Parse(bytes, kKey); },
      [](const HeavyHitters& sketch) { return sketch.Serialize(kKey); });
  EXPECT_EQ(HeavyHitters::Parse(both.sketch.Serialize(kKey), kKey + 1).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(HeavyHitters, EntriesThatNoStreamProducesAreRefused) {
  HeavyHitters sketch;
  sketch.Update(0);  // the first entry of the first set: tag 0, count 1, error 0
  sketch.Update(2);  // the second: tag 1
  const auto with = [&sketch](std::size_t at, char byte) {
    const std::string forged =
        support::Forge(sketch.Serialize(kKey), [=](std::string& payload) { payload[at] = byte; });
    return HeavyHitters::Parse(forged, kKey).status().code();
  };
  EXPECT_EQ(with(6, 1), StatusCode::kOk);
  EXPECT_EQ(with(6, 2), StatusCode::kDataLoss);   // an error above the count
  EXPECT_EQ(with(8, 0), StatusCode::kDataLoss);   // a term twice in its set
  EXPECT_EQ(with(16, 1), StatusCode::kDataLoss);  // a free entry with a tag
}

TEST(HeavyHittersGolden, BytesOfVersionOne) {
  HeavyHitters sketch;
  for (std::uint64_t i = 0; i < 1000; ++i) sketch.Update(text::Mix(i * i % 301));
  support::ExpectGolden("heavy_hitters.v1", sketch.Serialize(kKey));
  const auto back = HeavyHitters::Parse(support::Golden("heavy_hitters.v1"), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, sketch);
}

TEST(HeavyHittersAlloc, UpdateFindHalveAndMergeAreFree) {
  Random random(9);
  HeavyHitters a, b;
  const support::AllocGuard guard;
  for (int i = 0; i < 1000; ++i) a.Update(random.Bits()), b.Update(random.Bits());
  a.Halve();
  a.Merge(b);
  (void)a.Find(7);
  (void)a.CountAtLeast(3);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch
