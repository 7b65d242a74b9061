// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/observation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "distillwatch/minhash.h"
#include "support/alloc_guard.h"
#include "support/observations.h"
#include "support/oracle.h"
#include "support/random_inputs.h"
#include "support/text_oracle.h"

namespace distillwatch {
namespace {

using support::kStart;
using support::Random;

constexpr std::string_view kSecret = "sixteen bytes ok", kOther = "sixteen bytes no";
constexpr std::size_t kMost = 4096;

class ObservationTest : public testing::Test {
 protected:
  Observation Read(const Event& event) { return distillwatch::Read(event, shingler_, scratch_); }
  Observation Read(std::string_view prompt, Time time = kStart) {
    Event event;
    event.prompt = prompt;
    event.time = time;
    return Read(event);
  }
  Shingler shingler_ = *Shingler::Create(kSecret, kMost);
  TextScratch scratch_{kMost};
};
using ObservationOracle = ObservationTest;

TEST_F(ObservationOracle, TextIsReadByItsDefinition) {
  Random random(1);
  const text::Key key = *text::Key::FromSecret(kSecret);
  for (int round = 0; round < 300; ++round) {
    const std::size_t bytes = random.Below(1500);
    const std::string prompt = round % 3 == 0   ? support::UnspacedText(bytes, random)
                               : round % 3 == 1 ? support::EnglishLike(bytes, random)
                                                : support::RandomBytes(bytes, random);
    const Observation seen = Read(prompt);
    const auto units = oracle::UnitHashes(key, prompt);
    ASSERT_EQ(seen.units, units.size());
    ASSERT_FALSE(seen.truncated);
    const auto slots = oracle::MinHash(oracle::Shingles(units), 64);
    for (std::size_t i = 0; i < 64; ++i) {
      ASSERT_EQ(seen.signature[i], static_cast<std::uint16_t>(slots[i]));
    }
    ASSERT_EQ(std::set(seen.terms.begin(), seen.terms.end()),
              oracle::Terms(oracle::AllTerms(units)));
  }
}

TEST_F(ObservationTest, WhatTheHostSaysIsTakenOver) {
  Event event;
  event.time = kStart;
  event.earlier_turns = 7;
  event.completion_tokens = 99;
  event.model = "a-model";
  event.system = "You are a helpful one.";
  const Observation seen = Read(event);
  EXPECT_EQ(seen.time, kStart);
  EXPECT_EQ(seen.earlier_turns, 7u);
  EXPECT_EQ(seen.completion_tokens, 99u);
  EXPECT_EQ(seen.model, shingler_.HashName("model", "a-model"));
  EXPECT_EQ(seen.system, shingler_.HashName("system", event.system));
  EXPECT_NEAR(seen.system_units, 4, 2);
}

TEST_F(ObservationTest, AnEmptyEventSaysNothing) {
  const Observation seen = Read(Event{});
  EXPECT_EQ(seen.units, 0u);
  EXPECT_EQ(seen.system_units, 0u);
  EXPECT_EQ(seen.model, 0u);
  EXPECT_EQ(seen.system, 0u);
  EXPECT_TRUE(seen.terms.empty());
  EXPECT_EQ(Agreement(seen.signature, seen.signature), 0);
  // Nor do white space, marks and broken bytes.
  for (const std::string_view silent : {" \t\n", "?!...", "\xff\xfe", "\u200b"}) {
    EXPECT_EQ(Read(silent).units, 0u);
    EXPECT_TRUE(Read(silent).terms.empty());
  }
}

TEST_F(ObservationTest, EverythingWithUnitsHasASignatureAndTerms) {
  for (const std::string_view prompt : {"a", "7", "\u4e2d", "one two", "\u4e2d\u6587"}) {
    const Observation seen = Read(prompt);
    EXPECT_GT(seen.units, 0u);
    EXPECT_FALSE(seen.terms.empty());
    EXPECT_EQ(Agreement(seen.signature, seen.signature), 1);
  }
}

TEST_F(ObservationTest, TheEventIsKnownByTimeAndPrompt) {
  const auto event = [this](std::string_view prompt, std::int64_t us) {
    return Read(prompt, kStart + std::chrono::microseconds(us)).event;
  };
  EXPECT_EQ(event("one", 0), event("one", 0));
  std::set<std::uint64_t> events;
  for (const std::string_view prompt : {"", "one", "one ", "One", "two"}) {
    for (std::int64_t us = 0; us < 100; ++us) events.insert(event(prompt, us));
  }
  EXPECT_EQ(events.size(), 500u);
}

TEST_F(ObservationTest, AnotherKeySharesNothing) {
  const Shingler other = *Shingler::Create(kOther, kMost);
  Random random(2);
  const std::string prompt = support::EnglishLike(600, random);
  Event event;
  event.time = kStart;
  event.prompt = prompt;
  event.model = "a-model";
  event.system = "You are.";
  const Observation a = Read(event);
  const std::set<std::uint64_t> terms(a.terms.begin(), a.terms.end());
  TextScratch scratch(kMost);
  const Observation b = distillwatch::Read(event, other, scratch);
  EXPECT_EQ(a.units, b.units);
  EXPECT_LE(Agreement(a.signature, b.signature), 1.0 / 64);
  EXPECT_NE(a.model, b.model);
  EXPECT_NE(a.system, b.system);
  EXPECT_NE(a.event, b.event);
  for (const std::uint64_t term : b.terms) EXPECT_EQ(terms.count(term), 0u);
}

TEST_F(ObservationTest, NamesOfModelsAndSystemPromptsAreKeptApart) {
  Event event;
  event.model = event.system = "the same";
  const Observation seen = Read(event);
  EXPECT_NE(seen.model, seen.system);
}

TEST_F(ObservationTest, LongTextIsCutAndSaysSo) {
  Random random(3);
  const std::string prompt = support::EnglishLike(10 * kMost, random);
  const Observation seen = Read(prompt);
  EXPECT_TRUE(seen.truncated);
  EXPECT_GT(seen.units, 100u);
  EXPECT_LE(seen.units, kMost / 2);
  EXPECT_LE(seen.terms.size(), Shingler::kMaxTerms);
}

TEST_F(ObservationTest, LongSystemPromptsAreLong) {
  Random random(4);
  const std::string prompt = support::EnglishLike(30'000, random);
  Event event;
  event.system = prompt;
  TextScratch scratch(1 << 20);
  const auto units = Shingler::Create(kSecret, 1 << 20)->Extract(prompt, scratch).units;
  // Without reading it: to a factor of two.
  EXPECT_GT(Read(event).system_units, units / 2);
  EXPECT_LT(Read(event).system_units, units * 2);
}

TEST_F(ObservationTest, ReadingAllocatesNothing) {
  Random random(5);
  const std::string prompt = support::EnglishLike(3000, random);
  Event event;
  event.prompt = event.system = prompt;
  event.model = "a-model";
  (void)Read(event);
  const support::AllocGuard guard;
  (void)Read(event);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch
