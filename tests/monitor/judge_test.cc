// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/judge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "calibrate/promise.h"
#include "small_monitor.h"

namespace distillwatch::monitor {
namespace {

using score::Points;

Reference Changed(auto&& change) {
  auto content =
      std::make_shared<calibrate::ReferenceContent>(ReferenceOf(std::chrono::hours(720)).content());
  change(*content);
  return Reference(std::move(content));
}

TEST(Judge, LevelsRiseWithTheScoreAndFollowThePromise) {
  const Promise promise = {.per_million = 50'000, .contamination = 0};
  const Reference& reference = ReferenceOf(std::chrono::hours(720));
  const Judge judge = *Judge::Create(reference, promise);
  const double suspect = 10 *
                         static_cast<double>(calibrate::MostRank(promise, reference.accounts())) /
                         static_cast<double>(reference.accounts() + 1);
  Level last = Level::kClear;
  double p_last = 1;
  for (Points path = score::kLeastScore; path <= score::kMostScore; path += 1000) {
    Header header;
    header.path = path;
    header.level = judge.LevelOf(path);
    const Verdict verdict = judge.VerdictOf(header, true);
    EXPECT_GE(verdict.level, last);
    EXPECT_LE(verdict.p_value, p_last);
    EXPECT_EQ(verdict.score, path / 65536.0);
    // What the promise bounds: the share of reference accounts that reach the level.
    EXPECT_EQ(verdict.level == Level::kDistilling, verdict.p_value <= 0.05) << verdict.p_value;
    EXPECT_EQ(verdict.level >= Level::kSuspect, verdict.p_value <= suspect) << verdict.p_value;
    last = verdict.level;
    p_last = verdict.p_value;
  }
  EXPECT_EQ(last, Level::kDistilling);
}

TEST(Judge, AReferenceWithoutAccountsPromisesNothing) {
  const Judge judge =
      *Judge::Create(Changed([](calibrate::ReferenceContent& c) { c.histogram = {}; }), {});
  Header header;
  header.path = score::kMostScore;
  EXPECT_EQ(judge.LevelOf(score::kMostScore), Level::kClear);
  EXPECT_EQ(judge.VerdictOf(header, true).p_value, 1);
}

TEST(Judge, AReferenceOfOtherFeaturesIsRefused) {
  const auto code = [](auto&& change) {
    return Judge::Create(Changed(change), {}).status().code();
  };
  EXPECT_EQ(code([](calibrate::ReferenceContent& c) { c.feature_names[3] += "2"; }),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(code([](calibrate::ReferenceContent& c) { c.feature_names.pop_back(); }),
            StatusCode::kFailedPrecondition);
}

TEST(Judge, AReferenceTooSmallForThePromiseNamesTheSmallestOne) {
  const Status status =
      Judge::Create(ReferenceOf(std::chrono::hours(720)), {.per_million = 1}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("the smallest promise now is "), std::string::npos);
}

TEST(Judge, HostileFeaturesHaveAScore) {
  const Judge judge = *Judge::Create(ReferenceOf(std::chrono::hours(720)),
                                     {.per_million = 50'000, .contamination = 0});
  for (const float value :
       {0.0f, -0.0f, 1e30f, -1e30f, std::nanf(""), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> values(judge.content().feature_names.size(), value);
    for (const std::uint32_t requests : {0u, 1u, 16u, 255u, 0xffffffffu}) {
      const Points points = judge.Score(requests, FeatureVector(std::span<const float>(values)));
      EXPECT_GE(points, score::kLeastScore);
      EXPECT_LE(points, score::kMostScore);
      Explanation out;
      judge.Explain(requests, FeatureVector(std::span<const float>(values)), out);
      double sum = out.base;
      for (const Evidence& piece : out.evidence) sum += piece.contribution;
      EXPECT_EQ(sum, out.score);
    }
  }
}

TEST(InWords, EveryFormReadsWell) {
  const auto words = [](FeatureForm form, double value) {
    return InWords({"name", "it is {} now", form}, value);
  };
  EXPECT_EQ(words(FeatureForm::kShare, 0.613), "it is 61 % now");
  EXPECT_EQ(words(FeatureForm::kNats, 2.304), "it is 2.30 nats now");
  EXPECT_EQ(words(FeatureForm::kHours, 4.2), "it is 4 h now");
  EXPECT_EQ(words(FeatureForm::kLog2, 3), "it is 8 now");
  EXPECT_EQ(words(FeatureForm::kExp, std::log(37)), "it is 37 now");
  EXPECT_EQ(words(FeatureForm::kNumber, 0.12345), "it is 0.123 now");
  EXPECT_EQ(words(FeatureForm::kNumber, std::nan("")), "it is unknown now");
  EXPECT_EQ(words(FeatureForm::kExp, 1e9).size(), std::string("it is inf now").size());
  EXPECT_EQ(InWords({"name", "no place", FeatureForm::kNumber}, 1), "no place");
}

// The largest finite value is longer than any buffer that would do for sensible ones.
TEST(InWords, HugeValuesAreNotCutInTheMiddle) {
  const std::string words = InWords({"name", "{}!", FeatureForm::kShare}, 1e300);
  EXPECT_EQ(words.back(), '!');
  EXPECT_LT(words.size(), 60u);
}

}  // namespace
}  // namespace distillwatch::monitor
