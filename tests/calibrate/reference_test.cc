// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "calibrate/promise.h"
#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "support/hostile.h"
#include "support/random_inputs.h"
#include "support/references.h"

namespace distillwatch {
namespace {

using calibrate::ReferenceContent;
using std::chrono::hours;
using support::Random;
using support::ReferenceOf;
using support::SmallContent;

std::string Serialize(const Reference& reference) {
  return reference.Serialize();
}

// Everything that a host does with a reference.
void Use(const Reference& reference) {
  const ReferenceContent& content = reference.content();
  for (const Promise::Mode mode : {Promise::Mode::kExpectation, Promise::Mode::kConfidence95}) {
    (void)reference.SmallestPromise({.mode = mode});
    (void)reference.Check({.mode = mode});
  }
  std::vector<std::uint8_t> bins(content.model.features());
  for (std::size_t epoch = 0; epoch < score::kEpochs; ++epoch) {
    for (const float value : {-1e30f, 0.0f, 3.0f}) {
      for (std::size_t f = 0; f < bins.size(); ++f) bins[f] = content.ranks.Bin(epoch, f, value);
      const score::Points score = content.model.Score(epoch, bins);
      EXPECT_GE(score, score::kLeastScore);
      EXPECT_LE(score, score::kMostScore);
      (void)content.model.Explain(epoch, bins);
      (void)content.histogram.PValue(score);
    }
  }
}

TEST(Reference, OnlyTheOriginalBytesParse) {
  support::ExpectOnlyTheOriginalParses(Serialize(ReferenceOf(SmallContent(1))), Reference::Parse,
                                       Serialize);
}

TEST(Reference, WhatIsParsedScoresTheSame) {
  const Reference reference = ReferenceOf(SmallContent(2));
  const Result<Reference> back = Reference::Parse(reference.Serialize());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->accounts(), 300u);
  EXPECT_EQ(back->fit_accounts(), 60u);
  EXPECT_EQ(back->horizon(), hours(30 * 24));
  EXPECT_EQ(back->first(), Time(hours(480'000)));
  EXPECT_EQ(back->last(), Time(hours(480'000 + 30 * 24)));
  EXPECT_EQ(back->content().key, "a key of 16 bytes, or more");
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::uint8_t> bins(3);
    for (std::uint8_t& b : bins) b = static_cast<std::uint8_t>(random.Below(45));
    for (std::size_t epoch = 0; epoch < score::kEpochs; ++epoch) {
      ASSERT_EQ(back->content().model.Score(epoch, bins),
                reference.content().model.Score(epoch, bins));
    }
  }
}

// What an attacker who can write checksums could try: every byte of the payload, replaced.
TEST(Reference, AnyForgedByteIsRefusedOrIsAReferenceOfItsOwn) {
  const std::string bytes = Serialize(ReferenceOf(SmallContent(4)));
  const std::size_t payload = bytes.size() - 32;
  int refused = 0, taken = 0;
  for (std::size_t at = 0; at < payload; ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      const std::string forged =
          support::Forge(bytes, [&](std::string& p) { p[at] = static_cast<char>(p[at] ^ change); });
      const Result<Reference> got = Reference::Parse(forged);
      if (!got.ok()) {
        ASSERT_EQ(got.status().code(), StatusCode::kDataLoss) << at;
        ++refused;
        continue;
      }
      ++taken;
      ASSERT_EQ(got->Serialize(), forged) << at;
      Use(*got);
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(taken, 1000);
}

TEST(Reference, APayloadThatIsCutOrTooLongIsRefused) {
  const std::string bytes = Serialize(ReferenceOf(SmallContent(5)));
  const std::size_t payload = bytes.size() - 32;
  for (std::size_t size = 0; size <= payload + 1; ++size) {
    if (size == payload) continue;
    const std::string forged = support::Forge(bytes, [&](std::string& p) { p.resize(size, '\0'); });
    ASSERT_EQ(Reference::Parse(forged).status().code(), StatusCode::kDataLoss) << size;
  }
}

TEST(Reference, ImpossibleValuesAreRefused) {
  using Change = std::function<void(ReferenceContent&)>;
  const auto parses = [](const Change& change) {
    ReferenceContent content = SmallContent(6);
    change(content);
    const Result<Reference> got = Reference::Parse(ReferenceOf(content).Serialize());
    EXPECT_TRUE(got.ok() || got.status().code() == StatusCode::kDataLoss);
    return got.ok();
  };
  EXPECT_TRUE(parses([](ReferenceContent&) {}));
  const std::pair<const char*, Change> impossible[] = {
      {"names missing", [](auto& c) { c.feature_names.pop_back(); }},
      {"an empty name", [](auto& c) { c.feature_names[1].clear(); }},
      {"a long name", [](auto& c) { c.feature_names[1].assign(65, 'x'); }},
      {"no ranks", [](auto& c) { c.ranks = {}; }},
      {"no model", [](auto& c) { c.model = {}; }},
      {"looks too often", [](auto& c) { c.looks.interval_s = 59; }},
      {"looks too rarely", [](auto& c) { c.looks.interval_s = 367 * 86400; }},
      {"looks backwards", [](auto& c) { c.looks.interval_s = -1; }},
      {"no horizon", [](auto& c) { c.horizon_s = 0; }},
      {"a horizon too long", [](auto& c) { c.horizon_s = 367 * 86400; }},
      {"an end before the beginning", [](auto& c) { c.first = c.last + hours(1); }},
      {"a beginning before 1970", [](auto& c) { c.first = Time::min(); }},
      {"an end after 2200", [](auto& c) { c.last = Time::max(); }},
      {"a long key", [](auto& c) { c.key.assign(4097, 'k'); }},
      {"other features",
       [](auto& c) {
         Random random(7);
         c.model = support::RandomModel(4, 5, 4, random);
       }},
  };
  for (const auto& [name, change] : impossible) EXPECT_FALSE(parses(change)) << name;

  const std::pair<const char*, Change> possible[] = {
      {"nobody calibrated", [](auto& c) { c.histogram = {}; }},
      {"the shortest times", [](auto& c) { c.looks.interval_s = c.horizon_s = 60; }},
      {"the longest", [](auto& c) { c.looks.interval_s = c.horizon_s = 366 * 86400; }},
      {"one moment", [](auto& c) { c.last = c.first; }},
      {"from 1970 to 2200",
       [](auto& c) {
         c.first = {};
         c.last = Time(std::chrono::seconds(7'258'118'400));
       }},
      {"no key", [](auto& c) { c.key.clear(); }},
      {"a name of 64", [](auto& c) { c.feature_names[1].assign(64, 'x'); }},
  };
  for (const auto& [name, change] : possible) EXPECT_TRUE(parses(change)) << name;
}

Reference WithHistogram(const std::vector<score::Points>& scores) {
  ReferenceContent content = SmallContent(8, 0);
  for (const score::Points s : scores) content.histogram.Add(s);
  return ReferenceOf(std::move(content));
}

TEST(Reference, MergingAddsAccountsInAnyOrder) {
  Random random(9);
  std::vector<std::vector<score::Points>> parts(4);
  std::vector<score::Points> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(static_cast<score::Points>(random.Normal(0, 2e5)));
    parts[random.Below(parts.size())].push_back(all.back());
  }
  const std::string whole = WithHistogram(all).Serialize();
  for (int round = 0; round < 10; ++round) {
    random.Shuffle(parts);
    Reference sum = WithHistogram(parts[0]);
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const Reference next = WithHistogram(parts[i]);
      Result<Reference> merged =
          random.Chance(0.5) ? Reference::Merge(sum, next) : Reference::Merge(next, sum);
      ASSERT_TRUE(merged.ok()) << merged.status().message();
      sum = *merged;
    }
    EXPECT_EQ(sum.accounts(), 500u);
    EXPECT_EQ(sum.Serialize(), whole);
  }
}

TEST(Reference, MergingSpansBothLogs) {
  ReferenceContent early = SmallContent(10), late = early;
  early.first = Time(hours(1000));
  early.last = Time(hours(5000));
  late.first = Time(hours(3000));
  late.last = Time(hours(9000));
  for (const auto& merged : {Reference::Merge(ReferenceOf(early), ReferenceOf(late)),
                             Reference::Merge(ReferenceOf(late), ReferenceOf(early))}) {
    ASSERT_TRUE(merged.ok());
    EXPECT_EQ(merged->first(), Time(hours(1000)));
    EXPECT_EQ(merged->last(), Time(hours(9000)));
  }
}

TEST(Reference, IsNotMergedWithItself) {
  const Reference reference = ReferenceOf(SmallContent(10));
  const Result<Reference> merged = Reference::Merge(reference, reference);
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.status().code(), StatusCode::kInvalidArgument);
}

TEST(Reference, UnlikeReferencesDoNotMerge) {
  using Change = std::function<void(ReferenceContent&)>;
  const std::pair<const char*, Change> changes[] = {
      {"horizon", [](auto& c) { c.horizon_s += 1; }},
      {"looks", [](auto& c) { c.looks.interval_s += 1; }},
      {"key", [](auto& c) { c.key[0] = 'x'; }},
      {"key id", [](auto& c) { c.key_id += 1; }},
      {"names", [](auto& c) { c.feature_names[2] = "another"; }},
      {"fitted", [](auto& c) { c.fit_accounts += 1; }},
      {"model and ranks", [](auto& c) { c.model = SmallContent(12).model; }},
      {"ranks", [](auto& c) { c.ranks = SmallContent(12).ranks; }},
  };
  const ReferenceContent content = SmallContent(11);
  for (const auto& [name, change] : changes) {
    ReferenceContent other = content;
    change(other);
    for (const auto& merged : {Reference::Merge(ReferenceOf(content), ReferenceOf(other)),
                               Reference::Merge(ReferenceOf(other), ReferenceOf(content))}) {
      ASSERT_FALSE(merged.ok()) << name;
      EXPECT_EQ(merged.status().code(), StatusCode::kFailedPrecondition) << name;
    }
  }
}

TEST(Reference, ASumThatCouldNotBeReadAgainIsRefused) {
  ReferenceContent content = SmallContent(13, 0);
  content.histogram.Add(0);
  for (int i = 0; i < 47; ++i) content.histogram.Merge(calibrate::PathHistogram(content.histogram));
  const Reference half = ReferenceOf(content);  // 2^47 accounts in one bin
  content.last += hours(1);
  const Result<Reference> most = Reference::Merge(half, ReferenceOf(content));
  ASSERT_TRUE(most.ok());
  EXPECT_TRUE(Reference::Parse(most->Serialize()).ok());
  const Result<Reference> more = Reference::Merge(*most, half);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.status().code(), StatusCode::kFailedPrecondition);
}

TEST(Reference, MergingLeavesItsArgumentsAlone) {
  const Reference a = WithHistogram({1, 2, 3}), b = WithHistogram({4});
  const std::string before_a = a.Serialize(), before_b = b.Serialize();
  ASSERT_TRUE(Reference::Merge(a, b).ok());
  EXPECT_EQ(a.Serialize(), before_a);
  EXPECT_EQ(b.Serialize(), before_b);
}

TEST(Reference, PromisesStandOnItsAccounts) {
  const Reference reference = ReferenceOf(SmallContent(14, 1000));
  const Promise promise = {.per_million = 500};
  EXPECT_EQ(reference.SmallestPromise(promise), calibrate::SmallestPerMillion(promise, 1000));
  EXPECT_EQ(reference.Check(promise).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(reference.Check({.per_million = reference.SmallestPromise(promise)}).ok());
}

}  // namespace
}  // namespace distillwatch
