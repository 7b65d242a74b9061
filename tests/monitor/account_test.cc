// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/account.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "distillwatch/observation.h"
#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch::monitor {
namespace {

constexpr Time kNow{std::chrono::seconds(1767225600)};

TEST(AccountSize, TiersKeepTheirBudget) {
  EXPECT_LE(sizeof(TinyAccount), 216u);
  EXPECT_LE(sizeof(LiteAccount), 456u);
  EXPECT_LE(sizeof(FullAccount), 4640u);
  EXPECT_LE(sizeof(SimilarityDetector::State), 2424u);
  EXPECT_LE(sizeof(CoverageDetector::State), 1608u);
  EXPECT_LE(sizeof(RateShapeDetector::State), 496u);
  EXPECT_EQ(sizeof(LiteAccount::Request), 8u);
}

class Reads {
 public:
  Observation Next(std::string_view prompt, Time time) {
    Observation seen = Read({.account = "a", .time = time, .prompt = prompt}, shingler_, scratch_);
    return seen;
  }

 private:
  Shingler shingler_ = *Shingler::Create("a key that only tests use");
  TextScratch scratch_{shingler_.max_prompt_bytes()};
};

// An account that begins in a lite record ends up close to one that had a full record all along.
TEST(Account, PromotionKeepsRhythmAndLikeness) {
  const Detectors detectors;
  support::Random random(1);
  Reads reads;
  LiteAccount lite;
  FullAccount always;
  lite.header.first = lite.header.last = kNow;
  for (std::size_t i = 0; i < LiteAccount::kEvents; ++i) {
    const std::string prompt = "Translate this for me, please, word by word, and nothing else: " +
                               support::EnglishLike(80, random);
    const Observation seen = reads.Next(prompt, kNow + std::chrono::seconds(17 * i * i));
    Update(detectors, seen, lite);
    Update(detectors, seen, always);
  }
  ASSERT_TRUE(lite.Valid());
  EXPECT_EQ(lite.header.kept, LiteAccount::kEvents);
  FullAccount promoted;
  Promote(detectors, lite, promoted);
  ASSERT_TRUE(promoted.Valid());
  const auto rhythm = detectors.rate_shape.Measure(promoted.rate_shape);
  const auto true_rhythm = detectors.rate_shape.Measure(always.rate_shape);
  for (std::size_t f = 0; f < rhythm.size(); ++f) {
    if (std::isnan(true_rhythm[f])) continue;
    EXPECT_NEAR(rhythm[f], true_rhythm[f], 1e-3) << RateShapeDetector::kFeatures[f].name;
  }
  const auto likeness = detectors.similarity.Measure(promoted.similarity);
  const auto true_likeness = detectors.similarity.Measure(always.similarity);
  EXPECT_NEAR(likeness[0], true_likeness[0], 0.1) << "nearest_mean, of two signatures not of all";
  EXPECT_NEAR(likeness[6], true_likeness[6], 0.005) << "follow_similarity";
  EXPECT_NEAR(likeness[8], true_likeness[8], 0.05) << "length";
  EXPECT_EQ(promoted.similarity.reservoir.size(), 2u);
  EXPECT_EQ(promoted.similarity.last, always.similarity.last);
}

// A tiny record is a lite one without the room for more: nothing is lost when it grows.
TEST(Account, ATinyRecordHoldsWhatALiteOneWould) {
  const auto bytes = [](const auto& record) {
    wire::Writer out;
    out(record);
    return out.bytes();
  };
  const Detectors detectors;
  Reads reads;
  for (const char* prompt : {"Name three rivers, please.", ""}) {
    TinyAccount tiny;
    LiteAccount lite;
    tiny.header = lite.header = {.id = 7, .first = kNow, .last = kNow, .requests = 1};
    tiny.conversation = lite.conversation = {.prefix = 5, .bytes = 26, .turns = 2};
    const Observation seen = reads.Next(prompt, kNow + std::chrono::seconds(3));
    Update(detectors, seen, tiny);
    Update(detectors, seen, lite);
    EXPECT_TRUE(tiny.Valid());
    EXPECT_EQ(tiny.header.kept, 1);
    EXPECT_EQ(tiny.header.signed_kept, *prompt == 0 ? 0 : 1);
    EXPECT_EQ(bytes(tiny.InLite()), bytes(lite));
    EXPECT_EQ(bytes(TinyAccount(lite)), bytes(tiny));
  }
}

TEST(Account, DemotionKeepsScoreAndConversation) {
  FullAccount full;
  full.header = {.id = 7, .first = kNow, .last = kNow, .requests = 900, .path = 12, .kept = 0};
  full.header.level = Level::kDistilling;
  full.conversations[0] = {.prefix = 1, .bytes = 10, .turns = 1};
  full.conversations[2] = {.prefix = 3, .bytes = 30, .turns = 9};
  TinyAccount tiny;
  Demote(full, tiny);
  EXPECT_TRUE(tiny.Valid());
  EXPECT_EQ(tiny.header.id, 7u);
  EXPECT_EQ(tiny.header.level, Level::kDistilling);
  EXPECT_EQ(tiny.header.path, 12);
  EXPECT_EQ(tiny.header.requests, 900u);
  EXPECT_EQ(tiny.conversation.prefix, 3u);
  EXPECT_EQ(tiny.header.kept, 0);
}

TEST(Account, RequestsBeforeTheFirstOrLongAfterItAreKept) {
  const Detectors detectors;
  Reads reads;
  LiteAccount lite;
  lite.header.first = kNow;
  Update(detectors, reads.Next("before", kNow - std::chrono::hours(3)), lite);
  Update(detectors, reads.Next("after", kLatestTime), lite);
  EXPECT_EQ(lite.requests[0].since_first_10ms, 0u);
  EXPECT_EQ(lite.requests[1].since_first_10ms, 0xffffffffu);
  lite.header.last = kLatestTime;
  ASSERT_TRUE(lite.Valid());
  FullAccount full;
  Promote(detectors, lite, full);
  EXPECT_TRUE(full.Valid());
}

template <typename Record, typename Change>
bool ValidAfter(Change&& change) {
  Record record;
  EXPECT_TRUE(record.Valid());
  change(record);
  return record.Valid();
}

TEST(Account, WhatNoEventsCanProduceIsInvalid) {
  const Time never = Time(std::chrono::microseconds(std::numeric_limits<std::int64_t>::min()));
  const auto tiny = [](auto&& change) { return ValidAfter<TinyAccount>(change); };
  const auto lite = [](auto&& change) { return ValidAfter<LiteAccount>(change); };
  const auto full = [](auto&& change) { return ValidAfter<FullAccount>(change); };
  EXPECT_FALSE(tiny([&](TinyAccount& a) { a.header.first = never; }));
  EXPECT_FALSE(tiny([](TinyAccount& a) { a.header.kept = 2; }));
  EXPECT_FALSE(tiny([](TinyAccount& a) { a.header.signed_kept = 1; }));
  EXPECT_FALSE(tiny([](TinyAccount& a) { a.priority = std::nanf(""); }));
  EXPECT_FALSE(lite([&](LiteAccount& a) { a.header.first = never; }));
  EXPECT_FALSE(lite([&](LiteAccount& a) { a.header.looked = never; }));
  EXPECT_FALSE(lite([&](LiteAccount& a) { a.header.last = Time::max(); }));
  EXPECT_FALSE(lite([&](LiteAccount& a) { a.header.first = kNow; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.path = score::kMostScore + 1; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.finished = score::kLeastScore - 1; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.level = static_cast<Level>(4); }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.kept = LiteAccount::kEvents + 1; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.kept = 3, a.header.signed_kept = 3; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.header.signed_kept = 1; }));
  EXPECT_FALSE(lite([](LiteAccount& a) { a.priorities[1] = std::nanf(""); }));
  EXPECT_FALSE(full([&](FullAccount& a) { a.similarity.frame_last = never; }));
  EXPECT_FALSE(full([](FullAccount& a) { a.similarity.tick = -1; }));
  EXPECT_FALSE(full([](FullAccount& a) { a.coverage.tick = -1; }));
  EXPECT_FALSE(full([](FullAccount& a) { a.coverage.recent = 1024; }));
  EXPECT_FALSE(full([](FullAccount& a) { a.rate_shape.tick = -1; }));
  EXPECT_FALSE(full([&](FullAccount& a) { a.rate_shape.first = never; }));
  EXPECT_FALSE(full([&](FullAccount& a) { a.rate_shape.model_since = never; }));
  EXPECT_FALSE(full([](FullAccount& a) {
    const std::array<std::uint32_t, 8> twice{7, 7};
    const std::array<std::uint16_t, 8> counts{2, 2};
    wire::Writer out;
    out(twice, counts, std::uint32_t{0});
    wire::Reader(out.bytes())(a.attributes);
  }));
}

}  // namespace
}  // namespace distillwatch::monitor
