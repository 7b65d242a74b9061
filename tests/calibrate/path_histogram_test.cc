// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/path_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "calibrate/promise.h"
#include "support/alloc_guard.h"
#include "support/hostile.h"
#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch::calibrate {
namespace {

using score::kLeastScore;
using score::kMostScore;
using support::Random;

constexpr wire::Kind kKind = {{"TEST"}, 1};
std::string BytesOf(const PathHistogram& histogram) {
  return wire::FrameOf(kKind, 0, histogram);
}

Points Cut(double units) {
  return static_cast<Points>(
      std::clamp(units * score::kPointsPerUnit, double{kLeastScore}, double{kMostScore}));
}

// What an account scored at each of its events.
using Path = std::vector<Points>;

// How the accounts of a population are drawn.
using Draw = Path (*)(Random&);

// All alike: 60 events of one random walk.
Path AnyoneOfOneKind(Random& random) {
  Path path;
  double score = random.Normal(0, 0.5);
  for (int i = 0; i < 60; ++i) path.push_back(Cut(score += random.Normal(0, 0.2)));
  return path;
}

// Lengths from 1 to 400, scales over a factor of a thousand, trends, jumps, and long falls after an
// early peak.
Path AnyoneOfManyKinds(Random& random) {
  Path path;
  const double scale = random.LogUniform(0.001, 1), trend = random.Normal(0, scale / 8);
  const auto events = static_cast<std::size_t>(random.LogUniform(1, 400));
  const bool jumps = random.Chance(0.2);
  double score = random.Normal(-1, 1);
  for (std::size_t i = 0; i < events; ++i) {
    score += trend + random.Normal(0, scale);
    if (jumps && random.Chance(0.02)) score += random.Exponential(3);
    path.push_back(Cut(score));
    score *= 0.97;
  }
  return path;
}

// Harvesters among the reference: above all others, or below all.
Path AlwaysHigh(Random& random) {
  return Path(10, Cut(random.Uniform(20, 24)));
}
Path AlwaysLow(Random& random) {
  return Path(10, Cut(random.Uniform(-8, -7)));
}

struct Setting {
  Draw benign = AnyoneOfOneKind;
  Draw harvester = AlwaysHigh;
  double harvesters = 0;  // their share of the reference
  double declared = 0;
  double per_million = 10'000;
  // What of a path the reference keeps; an account's own score counts at every event.
  Points (*keep)(const Path&) = [](const Path& path) {
    return *std::max_element(path.begin(), path.end());
  };
};

struct Realised {
  double share = 0;           // of benign accounts flagged at any event, mean over splits
  double standard_error = 0;  // of that mean
};

// 1,000 reference and 1,000 test accounts, split 240 times out of 2,000. Over random splits of any
// population the expectation is bounded exactly, so only the splits' own noise needs a margin.
constexpr std::size_t kReference = 1000, kTest = 1000, kSplits = 240;

PathHistogram LearnInPieces(const std::vector<const Path*>& reference, const Setting& setting,
                            Random& random) {
  std::vector<PathHistogram> pieces(1 + random.Below(9));
  for (const Path* path : reference) {
    pieces[random.Below(pieces.size())].Add(setting.keep(*path));
  }
  random.Shuffle(pieces);
  PathHistogram all;
  for (const PathHistogram& piece : pieces) all.Merge(piece);
  return all;
}

Realised Realise(const Setting& setting, std::uint64_t seed) {
  Random random(seed);
  const auto harvesters =
      static_cast<std::size_t>(setting.harvesters * static_cast<double>(kReference));
  std::vector<Path> benign, bad;
  while (benign.size() < kReference - harvesters + kTest) benign.push_back(setting.benign(random));
  while (bad.size() < harvesters) bad.push_back(setting.harvester(random));
  std::vector<const Path*> order;
  for (const Path& path : benign) order.push_back(&path);

  const Promise promise = {.per_million = setting.per_million, .contamination = setting.declared};
  std::vector<double> shares;
  for (std::size_t split = 0; split < kSplits; ++split) {
    random.Shuffle(order);
    std::vector<const Path*> reference(order.begin() + kTest, order.end());
    for (const Path& path : bad) reference.push_back(&path);
    const PathHistogram histogram = LearnInPieces(reference, setting, random);
    const std::uint64_t most = MostRank(promise, histogram.accounts());
    std::array<bool, PathHistogram::kBins> flags{};
    for (std::size_t bin = 0; bin < flags.size(); ++bin) {
      const Points score = Cut((static_cast<double>(bin) + 0.5) / 32 - 8);  // 32 bins a unit
      EXPECT_EQ(PathHistogram::BinOf(score), bin);
      flags[bin] = histogram.PValue(score) * static_cast<double>(histogram.accounts() + 1) <
                   static_cast<double>(most) + 0.5;
    }
    const auto flagged = std::count_if(order.begin(), order.begin() + kTest, [&](const Path* p) {
      return std::any_of(p->begin(), p->end(),
                         [&](Points score) { return flags[PathHistogram::BinOf(score)]; });
    });
    shares.push_back(static_cast<double>(flagged) / kTest);
  }
  Realised out;
  for (const double s : shares) out.share += s / kSplits;
  for (const double s : shares) out.standard_error += (s - out.share) * (s - out.share);
  out.standard_error = std::sqrt(out.standard_error / (kSplits - 1) / kSplits);
  return out;
}

// Four standard errors: a true promise fails a case with P(z > 4) = 3e-5; p_fail < 5e-4 over all.
void ExpectKept(const Setting& setting, std::uint64_t seed, const char* name) {
  const Realised realised = Realise(setting, seed);
  EXPECT_LE(realised.share, setting.per_million * 1e-6 + 4 * realised.standard_error) << name;
}
void ExpectBroken(const Setting& setting, std::uint64_t seed, const char* name) {
  const Realised realised = Realise(setting, seed);
  EXPECT_GT(realised.share, setting.per_million * 1e-6 + 4 * realised.standard_error) << name;
}

TEST(PathHistogramStat, PromiseHoldsAtEveryLook) {
  for (const double per_million : {3'000.0, 10'000.0, 50'000.0}) {
    ExpectKept({.per_million = per_million}, 1, "accounts of one kind");
    ExpectKept({.benign = AnyoneOfManyKinds, .per_million = per_million}, 2, "of many kinds");
  }
  for (const Draw harvester : {AlwaysHigh, AlwaysLow}) {
    ExpectKept({.benign = AnyoneOfManyKinds,
                .harvester = harvester,
                .harvesters = 0.03,
                .declared = 0.03,
                .per_million = 50'000},
               3, "3 % of the reference harvest");
    ExpectKept({.benign = AnyoneOfManyKinds,
                .harvester = harvester,
                .harvesters = 0.4,
                .declared = 0.4,
                .per_million = 50'000},
               4, "40 % of the reference harvest");
  }
}

TEST(PathHistogramStat, ThePromiseIsUsedUpWhereItMayBe) {
  // Not by flagging nobody: at least 70 % of what is promised, where bins and ranks allow it.
  for (const Draw benign : {AnyoneOfOneKind, AnyoneOfManyKinds}) {
    EXPECT_GT(Realise({.benign = benign}, 5).share, 0.007);
    EXPECT_GT(Realise({.benign = benign, .per_million = 50'000}, 6).share, 0.035);
  }
}

TEST(PathHistogramStat, CalibratedAtTheLastLookThePromiseBreaks) {
  const auto last = [](const Path& path) { return path.back(); };
  ExpectBroken({.keep = last}, 7, "accounts of one kind");
  ExpectBroken({.benign = AnyoneOfManyKinds, .keep = last}, 8, "of many kinds");
}

TEST(PathHistogramStat, HarvestersThatNobodyDeclaredBreakThePromise) {
  ExpectBroken({.harvester = AlwaysLow, .harvesters = 0.4, .per_million = 50'000}, 9, "undeclared");
}

// Given a reference the rate of false flags is known where scores are uniform: the share of bins at
// and above the threshold. 2,000 references: a share of .05 has a standard error of .0049, so 4 of
// them above fails with P = 3e-5.
double ShareOfReferencesAbovePromise(Promise::Mode mode, std::uint64_t seed) {
  Random random(seed);
  const Promise promise = {.per_million = 50'000, .contamination = 0, .mode = mode};
  int above = 0;
  for (int round = 0; round < 2000; ++round) {
    PathHistogram histogram;
    for (int i = 0; i < 500; ++i) histogram.Add(Cut(random.Uniform(-8, 24)));
    const std::uint64_t most = MostRank(promise, histogram.accounts());
    int flagged = 0;
    for (int bin = 0; bin < 1024; ++bin) {
      flagged += 1 + histogram.CountAtLeast(Cut((bin + 0.5) / 32 - 8)) <= most;
    }
    above += flagged / 1024.0 > promise.per_million * 1e-6;
  }
  return above / 2000.0;
}

TEST(PathHistogramStat, WithConfidenceOneReferenceInTwentyExceeds) {
  const double share = ShareOfReferencesAbovePromise(Promise::Mode::kConfidence95, 10);
  EXPECT_LE(share, 0.05 + 4 * 0.0049);
  EXPECT_GE(share, 0.01);  // and it does not buy that by flagging nobody
  // In expectation only, many more do: the test above can fail.
  EXPECT_GT(ShareOfReferencesAbovePromise(Promise::Mode::kExpectation, 11), 0.2);
}

TEST(PathHistogram, BinsAreEvenOverTheWholeRange) {
  EXPECT_EQ(PathHistogram::BinOf(kLeastScore), 0u);
  EXPECT_EQ(PathHistogram::BinOf(kMostScore), PathHistogram::kBins - 1);
  EXPECT_EQ(PathHistogram::BinOf(std::numeric_limits<Points>::min()), 0u);
  EXPECT_EQ(PathHistogram::BinOf(std::numeric_limits<Points>::max()), PathHistogram::kBins - 1);
  constexpr Points kWidth = 32 * 65536 / 1024;
  for (Points bin = 0; bin < 1024; ++bin) {
    EXPECT_EQ(PathHistogram::BinOf(kLeastScore + bin * kWidth), static_cast<std::size_t>(bin));
    EXPECT_EQ(PathHistogram::BinOf(kLeastScore + (bin + 1) * kWidth - 1),
              static_cast<std::size_t>(bin));
  }
}

TEST(PathHistogramOracle, CountsAndPValuesAreThoseOfTheSortedScores) {
  Random random(12);
  for (int round = 0; round < 50; ++round) {
    PathHistogram histogram;
    std::vector<Points> scores(random.Below(300));
    for (Points& s : scores) {
      s = Cut(random.Chance(0.1) ? random.Uniform(-100, 100) : random.Normal(0, 2));
      histogram.Add(s);
    }
    EXPECT_EQ(histogram.accounts(), scores.size());
    EXPECT_TRUE(histogram.Valid());
    for (int i = 0; i < 100; ++i) {
      const Points at = Cut(random.Normal(0, 3));
      std::uint64_t least = 0, in = 0;
      for (const Points s : scores) {
        least += PathHistogram::BinOf(s) >= PathHistogram::BinOf(at);
        in += PathHistogram::BinOf(s) == PathHistogram::BinOf(at);
      }
      ASSERT_EQ(histogram.CountAtLeast(at), least);
      ASSERT_EQ(histogram.CountIn(at), in);
      ASSERT_DOUBLE_EQ(histogram.PValue(at),
                       (1 + static_cast<double>(least)) / (static_cast<double>(scores.size()) + 1));
    }
  }
}

TEST(PathHistogram, PValuesNeverRiseWithTheScore) {
  Random random(13);
  PathHistogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.Add(Cut(random.Normal(0, 2)));
  double before = 1;
  for (Points score = kLeastScore; score <= kMostScore; score += 517) {
    ASSERT_LE(histogram.PValue(score), before);
    before = histogram.PValue(score);
  }
  EXPECT_GE(before, 1 / 1001.0);
}

TEST(PathHistogram, WithoutAReferenceEveryPValueIsOne) {
  const PathHistogram nobody;
  for (const Points score : {kLeastScore, 0, kMostScore}) EXPECT_EQ(nobody.PValue(score), 1);
}

TEST(PathHistogram, MergingIsExactInAnyOrder) {
  Random random(14);
  for (int round = 0; round < 50; ++round) {
    PathHistogram whole, a, b, c;
    for (int i = 0; i < 400; ++i) {
      const Points score = Cut(random.Normal(0, 4));
      whole.Add(score);
      (i % 3 == 0 ? a : i % 3 == 1 ? b : c).Add(score);
    }
    PathHistogram abc = a, cba = c, bc = b;
    abc.Merge(b), abc.Merge(c);
    cba.Merge(b), cba.Merge(a);
    bc.Merge(c), bc.Merge(a);
    EXPECT_EQ(BytesOf(abc), BytesOf(whole));
    EXPECT_EQ(BytesOf(cba), BytesOf(whole));
    EXPECT_EQ(BytesOf(bc), BytesOf(whole));
    abc.Merge(PathHistogram());
    EXPECT_EQ(BytesOf(abc), BytesOf(whole));
  }
}

TEST(PathHistogram, RemovingTakesOutWhatWasAddedAndNothingElse) {
  PathHistogram histogram;
  histogram.Add(100);
  const std::string before = BytesOf(histogram);
  histogram.Add(Cut(5));
  EXPECT_TRUE(histogram.Remove(Cut(5)));
  EXPECT_EQ(BytesOf(histogram), before);
  EXPECT_FALSE(histogram.Remove(Cut(5)));
  EXPECT_EQ(BytesOf(histogram), before);
  EXPECT_TRUE(histogram.Remove(100));
  EXPECT_EQ(BytesOf(histogram), BytesOf(PathHistogram()));
}

TEST(PathHistogram, CountsThatDoNotAddUpAreRefused) {
  PathHistogram histogram;
  for (int i = 0; i < 100; ++i) histogram.Add(Cut(i / 10.0));
  const std::string bytes = BytesOf(histogram);
  const auto parse = [](std::string_view b) { return wire::Unframed<PathHistogram>(kKind, 0, b); };
  support::ExpectOnlyTheOriginalParses(bytes, parse, BytesOf);
  const auto forged = [&](std::size_t bin, std::uint64_t count, std::uint64_t accounts) {
    return parse(support::Forge(BytesOf(PathHistogram()),
                                [&](std::string& payload) {
                                  std::memcpy(payload.data() + 8 * bin, &count, 8);
                                  std::memcpy(payload.data() + 8 * 1024, &accounts, 8);
                                }))
        .status()
        .code();
  };
  EXPECT_EQ(forged(7, 3, 3), StatusCode::kOk);
  EXPECT_EQ(forged(7, 3, 2), StatusCode::kDataLoss);
  EXPECT_EQ(forged(7, 0, 1), StatusCode::kDataLoss);
  EXPECT_EQ(forged(7, std::uint64_t{1} << 48, std::uint64_t{1} << 48), StatusCode::kOk);
  // Sums of such counts would overflow.
  EXPECT_EQ(forged(7, (std::uint64_t{1} << 48) + 1, (std::uint64_t{1} << 48) + 1),
            StatusCode::kDataLoss);
}

TEST(PathHistogramAlloc, NothingAllocates) {
  PathHistogram a, b;
  const support::AllocGuard guard;
  a.Add(7);
  b.Merge(a);
  (void)b.PValue(7);
  (void)b.Remove(7);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch::calibrate
