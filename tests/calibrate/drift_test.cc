// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/alloc_guard.h"
#include "support/hostile.h"
#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch::calibrate {
namespace {

using support::Random;

constexpr wire::Kind kKind = {{"TEST"}, 1};

Points Cut(double units) {
  return static_cast<Points>(std::clamp(units * score::kPointsPerUnit, double{score::kLeastScore},
                                        double{score::kMostScore}));
}

// A reference, and accounts that finish one after the other.
struct Stream {
  PathHistogram seen;
  DriftMartingale martingale;
  Random random;

  Stream(std::size_t reference, std::uint64_t seed) : random(seed) {
    for (std::size_t i = 0; i < reference; ++i) seen.Add(Cut(random.Normal(0, 1)));
  }
  void Finish(Points path_maximum) {
    martingale.Update(seen, path_maximum, random.Bits());
    seen.Add(path_maximum);
  }
};

// Ville's inequality: at most one null run in 100 ever reaches 100. 4,000 runs of 300 accounts; a
// true share of .01 has a standard error of .0016, and four of them more fail with P = 3e-5.
TEST(DriftMartingaleStat, StaysLowWithoutDrift) {
  int alarms = 0;
  for (std::uint64_t run = 0; run < 4000; ++run) {
    Stream stream(40, run);
    for (int i = 0; i < 300; ++i) stream.Finish(Cut(stream.random.Normal(0, 1)));
    alarms += stream.martingale.peak() >= DriftMartingale::kAlarm;
  }
  EXPECT_LE(alarms / 4000.0, 0.01 + 4 * 0.0016);
  EXPECT_GE(alarms, 1);  // it bets at all
}

TEST(DriftMartingaleStat, TiesAreBrokenFairly) {
  int alarms = 0;
  for (std::uint64_t run = 0; run < 4000; ++run) {
    Stream stream(0, 10'000 + run);
    for (int i = 0; i < 300; ++i) stream.Finish(Cut(stream.random.Chance(0.2) ? 1 : 0));
    alarms += stream.martingale.peak() >= DriftMartingale::kAlarm;
  }
  EXPECT_LE(alarms / 4000.0, 0.01 + 4 * 0.0016);
}

TEST(DriftMartingale, RisesWhenAccountsScoreHigherOrLower) {
  for (const double shift : {-1.0, -0.7, 0.7, 1.0}) {
    Stream stream(2000, 1);
    for (int i = 0; i < 400; ++i) stream.Finish(Cut(stream.random.Normal(shift, 1)));
    EXPECT_GT(stream.martingale.peak(), DriftMartingale::kAlarm) << shift;
  }
}

TEST(DriftMartingale, RisesWhenOnlyTheTailGrows) {
  Stream stream(2000, 2);
  for (int i = 0; i < 1000; ++i) {
    stream.Finish(Cut(stream.random.Chance(0.05) ? 6 : stream.random.Normal(0, 1)));
  }
  EXPECT_GT(stream.martingale.peak(), DriftMartingale::kAlarm);
}

// The definition: the mean over powers of the products of e p^(e - 1).
TEST(DriftMartingaleOracle, IsTheMeanOfItsPowerMartingales) {
  constexpr double kPowers[] = {0.3, 0.5, 0.7, 0.85, 0.95, 1.1, 1.5, 2.5};
  Stream stream(30, 3);
  std::vector<Points> all;  // as the histogram bins them
  for (Points s = score::kLeastScore; s < score::kMostScore; s += 2048) {
    for (std::uint64_t i = 0; i < stream.seen.CountIn(s); ++i) all.push_back(s);
  }
  ASSERT_EQ(all.size(), 30u);
  std::array<double, 8> products;
  products.fill(1);
  double peak = 1;
  for (int i = 0; i < 60; ++i) {
    const Points score = Cut(stream.random.Normal(0.3, 1));
    const std::uint64_t hash = stream.random.Bits();
    stream.martingale.Update(stream.seen, score, hash);
    const double u = (static_cast<double>(text::Mix(hash) >> 11) + 0.5) / 9007199254740992.0;
    double above = 0, ties = 1;
    for (const Points s : all) {
      above += PathHistogram::BinOf(s) > PathHistogram::BinOf(score);
      ties += PathHistogram::BinOf(s) == PathHistogram::BinOf(score);
    }
    const double p = (above + u * ties) / (static_cast<double>(all.size()) + 1);
    double mean = 0;
    for (std::size_t e = 0; e < products.size(); ++e) {
      products[e] *= kPowers[e] * std::pow(p, kPowers[e] - 1);
      mean += products[e] / 8;
    }
    peak = std::max(peak, mean);
    ASSERT_NEAR(stream.martingale.value() / mean, 1, 1e-9);
    ASSERT_NEAR(stream.martingale.peak() / peak, 1, 1e-9);
    stream.seen.Add(score);
    all.push_back(score);
  }
}

TEST(DriftMartingale, BeginsAtOne) {
  EXPECT_DOUBLE_EQ(DriftMartingale().value(), 1);
  EXPECT_EQ(DriftMartingale().peak(), 1);
}

TEST(DriftMartingale, ThePeakStaysWhenTheDriftEnds) {
  Stream stream(500, 4);
  for (int i = 0; i < 60; ++i) stream.Finish(Cut(5));
  const double peak = stream.martingale.peak();
  EXPECT_GT(peak, DriftMartingale::kAlarm);
  for (int i = 0; i < 500; ++i) stream.Finish(Cut(stream.random.Normal(0, 1)));
  EXPECT_GE(stream.martingale.peak(), peak);
  EXPECT_LT(stream.martingale.value(), stream.martingale.peak());
}

TEST(DriftMartingale, ALongDriftOverflowsNothing) {
  DriftMartingale martingale;
  PathHistogram reference;
  for (int i = 0; i < 1000; ++i) reference.Add(score::kLeastScore);
  for (int i = 0; i < 3000; ++i) {
    martingale.Update(reference, score::kMostScore, static_cast<std::uint64_t>(i));
  }
  EXPECT_TRUE(std::isfinite(martingale.value()));
  EXPECT_TRUE(std::isfinite(martingale.peak()));
  EXPECT_GT(martingale.value(), 1e200);
}

TEST(DriftMartingale, OnlyItsOwnBytesParse) {
  Stream stream(50, 5);
  for (int i = 0; i < 30; ++i) stream.Finish(Cut(stream.random.Normal(0.5, 1)));
  const auto serialize = [](const DriftMartingale& m) { return wire::FrameOf(kKind, 0, m); };
  const auto parse = [](std::string_view bytes) {
    return wire::Unframed<DriftMartingale>(kKind, 0, bytes);
  };
  const std::string bytes = serialize(stream.martingale);
  support::ExpectOnlyTheOriginalParses(bytes, parse, serialize);
  const auto back = parse(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->value(), stream.martingale.value());
  EXPECT_EQ(back->peak(), stream.martingale.peak());

  constexpr double kBad[] = {std::numeric_limits<double>::infinity(), -1.0,
                             std::numeric_limits<double>::quiet_NaN()};
  for (const std::size_t field : {8u, 16u}) {
    for (const double bad : kBad) {
      const std::string forged = support::Forge(
          bytes, [&](std::string& payload) { std::memcpy(payload.data() + field, &bad, 8); });
      EXPECT_EQ(parse(forged).status().code(), StatusCode::kDataLoss) << field << ' ' << bad;
    }
  }
}

TEST(DriftMartingaleAlloc, UpdateIsFree) {
  Stream stream(50, 6);
  const support::AllocGuard guard;
  stream.Finish(Cut(1));
  (void)stream.martingale.value();
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch::calibrate
