// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "score/ranks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "support/alloc_guard.h"
#include "support/hostile.h"
#include "support/random_inputs.h"
#include "support/references.h"
#include "wire/wire.h"

namespace distillwatch::score {
namespace {

using support::LearnRanks;
using support::Random;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr wire::Kind kKind = {{"TEST"}, 1};

std::string BytesOf(const Ranks& ranks) {
  return wire::FrameOf(kKind, 0, ranks);
}

// The quantiles of the edges, as ranks.h describes them: finer in the tails.
std::vector<float> Quantiles() {
  std::vector<float> q = {.002f, .005f, .01f, .02f, .03f, .04f, .06f, .08f, .1f};
  for (int i = 0; i < 25; ++i) q.push_back(.125f + .03125f * static_cast<float>(i));
  for (const float tail : {.1f, .08f, .06f, .04f, .03f, .02f, .01f, .005f, .002f}) {
    q.push_back(1 - tail);
  }
  return q;
}

// Looks of one feature and one age.
std::vector<Look> LooksOf(const std::vector<float>& values, std::uint32_t requests = 16) {
  std::vector<Look> looks;
  for (const float v : values) {
    looks.push_back({.account = looks.size(), .time_us = 0, .requests = requests, .features = {v}});
  }
  return looks;
}

TEST(EpochOf, IsTheNumberOfDoublings) {
  for (const auto& [requests, epoch] : {std::pair{0u, 0u},
                                        {15u, 0u},
                                        {16u, 0u},
                                        {31u, 0u},
                                        {32u, 1u},
                                        {63u, 1u},
                                        {64u, 2u},
                                        {127u, 2u},
                                        {128u, 3u},
                                        {255u, 3u},
                                        {256u, 4u},
                                        {100'000u, 4u},
                                        {0xffffffffu, 4u}}) {
    EXPECT_EQ(EpochOf(requests), epoch) << requests;
  }
}

TEST(RanksOracle, BinsAreTheMiddleOfTheEdgesAround) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    std::vector<float> values(1 + random.Below(2000));
    const bool coarse = random.Chance(0.5);  // many equal values, so many equal edges
    for (float& v : values) {
      v = static_cast<float>(random.Normal(0, 3));
      if (coarse) v = std::round(v);
    }
    const Ranks ranks = LearnRanks(LooksOf(values), 1);
    ASSERT_TRUE(ranks.Valid());
    std::sort(values.begin(), values.end());
    std::vector<float> edges;
    for (const float q : Quantiles()) {
      edges.push_back(
          values[std::min(static_cast<std::size_t>(q * float(values.size())), values.size() - 1)]);
    }
    ASSERT_EQ(edges.size(), kBins - 1);
    for (int i = 0; i < 200; ++i) {
      const float at =
          random.Chance(0.3) ? random.Choose(edges) : static_cast<float>(random.Normal(0, 4));
      const auto below = std::count_if(edges.begin(), edges.end(), [&](float e) { return e < at; });
      const auto not_above =
          std::count_if(edges.begin(), edges.end(), [&](float e) { return e <= at; });
      ASSERT_EQ(ranks.Bin(0, 0, at), (below + not_above) / 2);
    }
  }
}

TEST(Ranks, PlaceIsAboutTheShareOfTheReferenceBelow) {
  Random random(2);
  std::vector<float> values(20'000);
  for (float& v : values) v = static_cast<float>(random.Normal(0, 1));
  const Ranks ranks = LearnRanks(LooksOf(values), 1);
  std::sort(values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(values.size());
    // Half the widest bin.
    ASSERT_NEAR(Ranks::Place(ranks.Bin(0, 0, values[i])), share, 0.0157) << i;
    // In the tails much finer.
    if (share < 0.01) {
      ASSERT_NEAR(Ranks::Place(ranks.Bin(0, 0, values[i])), share, 0.0026);
    }
    if (share > 0.99) {
      ASSERT_NEAR(Ranks::Place(ranks.Bin(0, 0, values[i])), share, 0.0026);
    }
  }
}

TEST(Ranks, PlacesRiseAndTheUnknownIsInTheMiddle) {
  float before = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const float place = Ranks::Place(static_cast<std::uint8_t>(bin));
    EXPECT_GT(place, before);
    EXPECT_LT(place, 1);
    EXPECT_NEAR(place + Ranks::Place(static_cast<std::uint8_t>(kBins - 1 - bin)), 1, 1e-6);
    before = place;
  }
  EXPECT_EQ(Ranks::Place(kUnknownBin), 0.5f);
  EXPECT_EQ(Ranks::Place(255), 0.5f);
}

TEST(Ranks, UnitsAndOrderDoNotMatter) {
  Random random(3);
  std::vector<Look> looks = support::RandomLooks(200, 3, random);
  const Ranks plain = LearnRanks(looks, 3);
  const auto bent = [](float x) { return std::exp(x / 4) * 7; };
  std::vector<Look> shuffled = looks, other = looks;
  random.Shuffle(shuffled);
  EXPECT_EQ(BytesOf(LearnRanks(shuffled, 3)), BytesOf(plain));
  for (Look& look : other) {
    for (float& v : look.features) v = bent(v);
  }
  const Ranks stretched = LearnRanks(other, 3);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    for (std::size_t f = 0; f < 3; ++f) {
      const std::size_t epoch = EpochOf(looks[i].requests);
      ASSERT_EQ(plain.Bin(epoch, f, looks[i].features[f]),
                stretched.Bin(epoch, f, other[i].features[f]));
    }
  }
}

TEST(Ranks, AgesAndFeaturesHaveTheirOwnEdges) {
  std::vector<Look> looks;
  for (int i = 0; i < 1000; ++i) {
    const auto x = static_cast<float>(i);
    looks.push_back({.requests = 16, .features = {x, -x}});
    looks.push_back({.requests = 64, .features = {x + 5000, x}});
  }
  const Ranks ranks = LearnRanks(looks, 2);
  EXPECT_EQ(ranks.features(), 2u);
  EXPECT_EQ(ranks.Bin(0, 0, 5500), kBins - 1);
  EXPECT_EQ(ranks.Bin(2, 0, 5500), kBins / 2 - 1);
  EXPECT_EQ(ranks.Bin(2, 0, 500), 0);
  EXPECT_EQ(ranks.Bin(0, 1, 500), kBins - 1);
  EXPECT_EQ(ranks.Bin(2, 1, -500), 0);
}

TEST(Ranks, WhatIsUnknownHasABinOfItsOwn) {
  Random random(4);
  std::vector<Look> looks = LooksOf({1, 2, 3, kNaN});
  for (Look& look : looks) look.features.push_back(kNaN);  // a feature that is never shown
  const Ranks ranks = LearnRanks(looks, 2);
  EXPECT_TRUE(ranks.Valid());
  EXPECT_EQ(ranks.Bin(0, 0, kNaN), kUnknownBin);
  EXPECT_NE(ranks.Bin(0, 0, 2), kUnknownBin);
  for (const float v : {-1.0f, 0.0f, 1.0f, kNaN, kInfinity}) {
    EXPECT_EQ(ranks.Bin(0, 1, v), kUnknownBin);
    EXPECT_EQ(ranks.Bin(1, 0, v), kUnknownBin);  // an age that nobody reached
  }
}

TEST(Ranks, UnknownValuesMoveNoEdge) {
  EXPECT_EQ(BytesOf(LearnRanks(LooksOf({5, kNaN, 1, kNaN, 3}), 1)),
            BytesOf(LearnRanks(LooksOf({5, 1, 3}), 1)));
}

TEST(Ranks, NothingLiesOutsideTheBins) {
  Random random(5);
  std::vector<float> values(500);
  for (float& v : values) v = static_cast<float>(random.Normal(0, 1));
  const Ranks ranks = LearnRanks(LooksOf(values), 1);
  EXPECT_EQ(ranks.Bin(0, 0, -kInfinity), 0);
  EXPECT_EQ(ranks.Bin(0, 0, std::numeric_limits<float>::lowest()), 0);
  EXPECT_EQ(ranks.Bin(0, 0, kInfinity), kBins - 1);
  EXPECT_EQ(ranks.Bin(0, 0, std::numeric_limits<float>::max()), kBins - 1);
}

TEST(Ranks, AConstantFeatureTellsOnlyMoreFromLess) {
  const Ranks ranks = LearnRanks(LooksOf(std::vector<float>(100, 7)), 1);
  EXPECT_EQ(ranks.Bin(0, 0, 6.9f), 0);
  EXPECT_EQ(ranks.Bin(0, 0, 7), (kBins - 1) / 2);
  EXPECT_EQ(ranks.Bin(0, 0, 7.1f), kBins - 1);
}

TEST(Ranks, OneAccountIsAReferenceToo) {
  const Ranks ranks = LearnRanks(LooksOf({3}), 1);
  EXPECT_TRUE(ranks.Valid());
  EXPECT_EQ(ranks.Bin(0, 0, 2), 0);
  EXPECT_EQ(ranks.Bin(0, 0, 4), kBins - 1);
}

TEST(Ranks, OnlyTheOriginalBytesParse) {
  Random random(6);
  support::ExpectOnlyTheOriginalParses(
      BytesOf(LearnRanks(support::RandomLooks(30, 2, random), 2)),
      [](std::string_view bytes) { return wire::Unframed<Ranks>(kKind, 0, bytes); }, BytesOf);
}

TEST(Ranks, EdgesThatNobodyLearnsAreRefused) {
  Random random(7);
  const std::string bytes = BytesOf(LearnRanks(support::RandomLooks(30, 1, random), 1));
  // features, number of edge sets, 5 x 43 edges
  const auto parses = [&](const std::function<void(std::string&)>& change) {
    return wire::Unframed<Ranks>(kKind, 0, support::Forge(bytes, change)).ok();
  };
  const auto edge = [&](std::size_t i, float value) {
    return parses([=](std::string& p) { std::memcpy(p.data() + 8 + 4 * i, &value, 4); });
  };
  EXPECT_TRUE(parses([](std::string&) {}));
  EXPECT_FALSE(edge(0, kNaN));
  EXPECT_FALSE(edge(42, kNaN));
  EXPECT_FALSE(edge(42, kInfinity));
  EXPECT_FALSE(edge(0, -kInfinity));
  EXPECT_FALSE(edge(0, 1e30f));
  EXPECT_FALSE(edge(43 * 5 - 1, -1e30f));
  EXPECT_TRUE(edge(0, -1e30f));
  EXPECT_TRUE(edge(42, 1e30f));
  const auto features = [&](std::uint32_t n) {
    return parses([=](std::string& p) { std::memcpy(p.data(), &n, 4); });
  };
  EXPECT_FALSE(features(0));
  EXPECT_FALSE(features(2));
  EXPECT_FALSE(features(0xffffffff));
}

TEST(RanksAlloc, BinIsFree) {
  Random random(8);
  const Ranks ranks = LearnRanks(support::RandomLooks(30, 2, random), 2);
  const support::AllocGuard guard;
  (void)ranks.Bin(0, 1, 3);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch::score
