// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/coverage_cells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "distillwatch/decay.h"
#include "support/alloc_guard.h"
#include "support/golden.h"
#include "support/hostile.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using oracle::WeightedEvent;
using support::Random;

constexpr std::uint64_t kKey = 42;
constexpr std::size_t kCells = CoverageCells::kCells;

// Cells of the three laws: all alike, a few frequent ones, one in ten events in a single cell.
std::uint8_t Draw(int law, Random& random) {
  if (law == 1) return static_cast<std::uint8_t>(random.Zipf(kCells));
  if (law == 2 && random.Chance(0.1)) return 7;
  return static_cast<std::uint8_t>(random.Below(kCells));
}

// A sketch and the events that went in, decayed alike.
struct Both {
  CoverageCells sketch;
  std::vector<WeightedEvent> events;

  void Update(std::uint8_t cell) {
    sketch.Update(cell);
    events.push_back({cell, 1});
  }
  void Decay(float factor) {
    sketch.Decay(factor);
    for (WeightedEvent& e : events) e.weight *= factor;
    std::erase_if(events, [](const WeightedEvent& e) { return e.weight < 1e-9; });
  }
};

TEST(CoverageCellsOracle, CollisionIsThatOfAllPairs) {
  Random random(1);
  for (const int law : {0, 1, 2}) {
    for (const std::size_t a_tick : {1, 2, 20}) {
      Both both;
      for (int tick = 0; tick < 150; ++tick) {
        both.Decay(DecayClock::Factor(1));
        for (std::size_t i = 0; i < 1 + random.Below(a_tick); ++i) both.Update(Draw(law, random));
        if (tick % 10 != 9) continue;
        const double truth = oracle::Collision(both.events);
        ASSERT_NEAR(both.sketch.Measure().collision, truth, 0.001 * truth + 1e-4);
      }
    }
  }
}

TEST(CoverageCellsOracle, WithoutDecayEverythingIsExact) {
  Random random(2);
  for (const int law : {0, 1, 2}) {
    Both both;
    for (int i = 0; i < 500; ++i) both.Update(Draw(law, random));
    std::array<int, kCells> counts{};
    for (const WeightedEvent& e : both.events) ++counts[e.cell];
    const auto once = std::count(counts.begin(), counts.end(), 1);
    const CoverageCells::Estimate measured = both.sketch.Measure();
    EXPECT_NEAR(measured.collision, oracle::Collision(both.events), 1e-12);
    EXPECT_DOUBLE_EQ(measured.entropy_nats, -std::log(measured.collision));
    EXPECT_DOUBLE_EQ(measured.effective_events, 500);
    EXPECT_DOUBLE_EQ(measured.unseen_mass, static_cast<double>(once) / 500);
    for (std::size_t c = 0; c < kCells; ++c) {
      ASSERT_EQ(both.sketch.weight(static_cast<std::uint8_t>(c)), static_cast<float>(counts[c]));
    }
  }
}

// The chance that two independent draws meet is the sum of squared probabilities; for the uniform
// law 1/256, for the third .01 + .18/256 + .81/256. 2,000 accounts at 3 events a tick, decayed:
// allowed are 5 standard errors of the mean, taken from the sample itself. p_fail = 6e-7 a law.
TEST(CoverageCellsStat, CollisionIsUnbiased) {
  Random random(3);
  std::array<double, kCells> zipf{};
  for (std::size_t c = 0; c < kCells; ++c) {
    const auto rank = static_cast<double>(c);
    zipf[c] = std::log((rank + 2) / (rank + 1)) / std::log(static_cast<double>(kCells) + 1);
  }
  double zipf_collision = 0;
  for (const double p : zipf) zipf_collision += p * p;
  const std::array<double, 3> truth = {1.0 / 256, zipf_collision, 0.01 + 0.99 / 256};
  constexpr int kAccounts = 2000;
  for (const int law : {0, 1, 2}) {
    double sum = 0, squares = 0;
    for (int account = 0; account < kAccounts; ++account) {
      CoverageCells sketch;
      for (int tick = 0; tick < 60; ++tick) {
        sketch.Decay(DecayClock::Factor(1));
        for (int i = 0; i < 3; ++i) sketch.Update(Draw(law, random));
      }
      const double collision = sketch.Measure().collision;
      sum += collision, squares += collision * collision;
    }
    const double mean = sum / kAccounts;
    const double error = std::sqrt((squares / kAccounts - mean * mean) / kAccounts);
    EXPECT_NEAR(mean, truth[static_cast<std::size_t>(law)], 5 * error) << "law " << law;
  }
}

TEST(CoverageCells, AnIdleAccountsCellsFadeAway) {
  Random random(4);
  CoverageCells sketch;
  for (int i = 0; i < 300; ++i) sketch.Update(static_cast<std::uint8_t>(random.Below(kCells)));
  for (int tick = 0; tick < 8 * 30; ++tick) sketch.Decay(DecayClock::Factor(1));
  double left = 0;
  for (std::size_t c = 0; c < kCells; ++c) left += sketch.weight(static_cast<std::uint8_t>(c));
  EXPECT_LT(left, 1e-3);
  EXPECT_LT(sketch.total(), 1e-6);
}

TEST(CoverageCells, WithoutEventsThereIsNothingToSay) {
  const CoverageCells::Estimate none = CoverageCells().Measure();
  EXPECT_EQ(none.collision, 0);
  EXPECT_EQ(none.entropy_nats, 0);
  EXPECT_EQ(none.effective_events, 0);
  EXPECT_EQ(none.unseen_mass, 0);
  CoverageCells one;
  one.Update(3);
  EXPECT_EQ(one.Measure().collision, 0);
  EXPECT_EQ(one.Measure().effective_events, 1);
  EXPECT_EQ(one.Measure().unseen_mass, 1);
}

TEST(CoverageCells, WithoutACollisionEntropyIsThatOfTheLeastChanceThatCouldShow) {
  CoverageCells sketch;
  for (std::uint8_t cell = 0; cell < 10; ++cell) sketch.Update(cell);
  EXPECT_EQ(sketch.Measure().collision, 0);
  EXPECT_DOUBLE_EQ(sketch.Measure().entropy_nats, std::log(100));
}

TEST(CoverageCells, OneCellAloneHasNoEntropy) {
  CoverageCells sketch;
  for (int i = 0; i < 100; ++i) sketch.Update(200);
  EXPECT_EQ(sketch.Measure().collision, 1);
  EXPECT_EQ(sketch.Measure().entropy_nats, 0);
}

TEST(CoverageCells, ABusyAccountIsHalvedAndNeverOverflows) {
  CoverageCells sketch;
  for (int i = 0; i < 512; ++i) sketch.Update(1);
  EXPECT_EQ(sketch.total(), 512);
  sketch.Update(2);
  EXPECT_EQ(sketch.total(), 257);
  EXPECT_EQ(sketch.weight(1), 256);
  EXPECT_EQ(sketch.weight(2), 1);
  for (int i = 0; i < 100'000; ++i) {
    sketch.Update(1);
    ASSERT_LE(sketch.total(), 513);
  }
  EXPECT_NEAR(sketch.weight(1) / sketch.total(), 1, 1e-3);
  EXPECT_TRUE(sketch.Valid());
}

TEST(CoverageCells, HalvingChangesNoShareAndNoCollision) {
  Random random(5);
  CoverageCells sketch;
  for (int i = 0; i < 400; ++i) sketch.Update(Draw(1, random));
  const double before = sketch.Measure().collision;
  sketch.Decay(0.5f);
  EXPECT_NEAR(sketch.Measure().collision, before, 1e-9);
}

TEST(CoverageCells, DecayTakesAnyFactor) {
  CoverageCells sketch;
  sketch.Update(1);
  const CoverageCells before = sketch;
  for (const float factor : {1.0f, 2.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    sketch.Decay(factor);
    EXPECT_EQ(sketch, before);
  }
  sketch.Decay(-1);
  EXPECT_EQ(sketch, CoverageCells());
}

TEST(CoverageCellsOracle, MergeIsTheSketchOfAllEvents) {
  Random random(6);
  for (int round = 0; round < 50; ++round) {
    Both a, b;
    for (int tick = 0; tick < 20; ++tick) {
      a.Decay(DecayClock::Factor(1));
      b.Decay(DecayClock::Factor(1));
      for (std::size_t i = random.Below(8); i > 0; --i) a.Update(Draw(round % 3, random));
      for (std::size_t i = random.Below(8); i > 0; --i) b.Update(Draw(round % 3, random));
    }
    CoverageCells reversed = b.sketch;
    reversed.Merge(a.sketch);
    a.sketch.Merge(b.sketch);
    EXPECT_EQ(a.sketch, reversed);
    a.events.insert(a.events.end(), b.events.begin(), b.events.end());
    const double truth = oracle::Collision(a.events);
    EXPECT_NEAR(a.sketch.Measure().collision, truth, 0.001 * truth + 1e-4);
  }
}

TEST(CoverageCells, ManyMergesHalveAndNeverOverflow) {
  CoverageCells all, one;
  for (int i = 0; i < 500; ++i) one.Update(static_cast<std::uint8_t>(i % 5));
  for (int i = 0; i < 40; ++i) {
    all.Merge(one);
    ASSERT_LE(all.total(), 512);
    ASSERT_NEAR(all.weight(0) / all.total(), 0.2, 1e-3);
    ASSERT_NEAR(all.Measure().collision, 0.2, 0.005);
  }
}

TEST(CoverageCells, OnlyTheOriginalBytesParse) {
  Random random(7);
  CoverageCells sketch;
  for (int i = 0; i < 100; ++i) sketch.Update(Draw(1, random));
  sketch.Decay(0.3f);
  support::ExpectOnlyTheOriginalParses(
      sketch.Serialize(kKey),
      [](std::string_view bytes) { return CoverageCells::Parse(bytes, kKey); },
      [](const CoverageCells& cells) { return cells.Serialize(kKey); });
  EXPECT_EQ(CoverageCells::Parse(sketch.Serialize(kKey), kKey + 1).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(CoverageCells, TotalsThatNoStreamProducesAreRefused) {
  CoverageCells sketch;
  for (int i = 0; i < 10; ++i) sketch.Update(1);
  const auto with = [&sketch](float total, float squares) {
    const std::string forged = support::Forge(sketch.Serialize(kKey), [&](std::string& payload) {
      payload.replace(2 * kCells, 4, reinterpret_cast<const char*>(&total), 4);
      payload.replace(2 * kCells + 4, 4, reinterpret_cast<const char*>(&squares), 4);
    });
    return CoverageCells::Parse(forged, kKey).status().code();
  };
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(with(10, 10), StatusCode::kOk);
  EXPECT_EQ(with(513, 10), StatusCode::kOk);
  EXPECT_EQ(with(10, 11), StatusCode::kDataLoss);
  EXPECT_EQ(with(514, 10), StatusCode::kDataLoss);
  EXPECT_EQ(with(kInfinite, kInfinite), StatusCode::kDataLoss);
  EXPECT_EQ(with(std::nanf(""), 1), StatusCode::kDataLoss);
  EXPECT_EQ(with(1, std::nanf("")), StatusCode::kDataLoss);
  EXPECT_EQ(with(-1, -1), StatusCode::kDataLoss);
}

TEST(CoverageCellsGolden, BytesOfVersionOne) {
  CoverageCells sketch;
  for (std::uint64_t i = 0; i < 300; ++i) {
    sketch.Update(static_cast<std::uint8_t>(text::Mix(i * i % 97)));
    if (i % 100 == 99) sketch.Decay(DecayClock::Factor(3));
  }
  support::ExpectGolden("coverage_cells.v1", sketch.Serialize(kKey));
  const auto back = CoverageCells::Parse(support::Golden("coverage_cells.v1"), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, sketch);
}

TEST(CoverageCellsAlloc, UpdateDecayMergeAndMeasureAreFree) {
  CoverageCells a, b;
  const support::AllocGuard guard;
  for (int i = 0; i < 1000; ++i) a.Update(static_cast<std::uint8_t>(i));
  a.Decay(0.7f);
  b.Merge(a);
  const auto measured = b.Measure();
  EXPECT_EQ(guard.count(), 0u);
  EXPECT_GT(measured.effective_events, 1);
}

}  // namespace
}  // namespace distillwatch
