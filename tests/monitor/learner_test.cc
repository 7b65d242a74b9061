// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <string>

#include "distillwatch/calibration.h"
#include "distillwatch/monitor.h"
#include "support/traffic.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using support::kLogStart;
using support::kTestKey;
using support::Log;
using support::LogLine;
using support::MixedLog;

ReferenceLearner LearnerOf(const LearnerOptions& options, const Log& log) {
  ReferenceLearner learner = *ReferenceLearner::Create(options);
  for (const LogLine& line : log) learner.Observe(line.AsEvent());
  return learner;
}

// A host's own detector: the learner ranks it among customers and generated harvesters alike.
class TurnDetector {
 public:
  static constexpr std::string_view kName = "turns";
  static constexpr std::array<FeatureSpec, 1> kFeatures = {{{"turns_mean", "{} turns before"}}};
  struct State {
    std::uint32_t requests = 0, turns = 0;
  };
  void Update(const Observation& seen, State& state) const noexcept {
    ++state.requests;
    state.turns += seen.earlier_turns;
  }
  std::array<float, 1> Measure(const State& state) const noexcept {
    return {static_cast<float>(state.turns) / static_cast<float>(state.requests)};
  }
};

const Log& Customers() {
  static const Log log = MixedLog(260, 0, 6, 1);
  return log;
}

// One case for all that needs a reference learned in full, because learning takes seconds.
TEST(ReferenceLearner, LearnsWhatAMonitorCanPromiseWith) {
  const LearnerOptions options = {
      .key = std::string(kTestKey), .campaigns = 150, .detectors = {Custom<TurnDetector>()}};
  const ReferenceLearner learner = LearnerOf(options, Customers());
  EXPECT_GT(learner.accounts(), 200u);
  const Result<Reference> learned = learner.Learn();
  ASSERT_TRUE(learned.ok()) << learned.status().message();
  EXPECT_GE(learned->accounts(), ReferenceLearner::kLeastAccounts);
  EXPECT_GE(learned->fit_accounts(), ReferenceLearner::kLeastAccounts);
  EXPECT_LE(learned->horizon(), hours(6 * 24)) << "a shorter log gives a shorter horizon";
  EXPECT_GE(learned->first(), kLogStart);
  EXPECT_EQ(learned->Serialize().find(kTestKey), std::string::npos) << "a given key is not kept";
  const Result<Reference> again = Reference::Parse(learned->Serialize());
  ASSERT_TRUE(again.ok()) << again.status().message();

  // Accounts that it has not seen: harvesters stand out, of customers about so many as promised.
  Options monitor_options;
  monitor_options.key = kTestKey;
  monitor_options.detectors = options.detectors;
  monitor_options.reference = *again;
  monitor_options.promise = {.per_million = 50'000, .contamination = 0};
  Result<Monitor> monitor = Monitor::Create(monitor_options);
  ASSERT_TRUE(monitor.ok()) << monitor.status().message();
  const Log log = MixedLog(200, 30, 6, 2);
  std::map<std::string, std::uint32_t> requests;
  for (const LogLine& line : log) {
    monitor->Observe(line.AsEvent());
    ++requests[line.account];
  }
  double flagged[2] = {}, all[2] = {};
  for (const auto& [account, n] : requests) {
    const bool harvests = account.starts_with("campaign");
    if (harvests && n < 64) continue;
    all[harvests] += 1;
    const Explanation e = *monitor->Explain(account);
    flagged[harvests] += e.verdict.level == Level::kDistilling;
    const bool known = std::any_of(e.evidence.begin(), e.evidence.end(), [](const Evidence& piece) {
      return piece.feature == "turns_mean" && !std::isnan(piece.value);
    });
    EXPECT_EQ(known, n >= 16) << account;
  }
  EXPECT_GT(flagged[1] / all[1], 2 * flagged[0] / all[0]);
  EXPECT_LT(flagged[0] / all[0], 0.12);
}

TEST(ReferenceLearner, TooSmallALogIsRefused) {
  const Status status =
      LearnerOf({.key = std::string(kTestKey)}, MixedLog(30, 0, 3, 3)).Learn().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("needs at least 40 in each half"), std::string::npos)
      << status.message();
  EXPECT_EQ(LearnerOf({}, {}).Learn().status().code(), StatusCode::kFailedPrecondition);
}

TEST(ReferenceLearner, ExcludedAccountsAreLeftOut) {
  ReferenceLearner learner = *ReferenceLearner::Create({.key = std::string(kTestKey)});
  learner.Exclude("adjudicated");
  for (int i = 0; i < 100; ++i) {
    const Time time = kLogStart + std::chrono::minutes(i);
    learner.Observe({.account = "adjudicated", .time = time, .prompt = "hi"});
    learner.Observe({.account = "customer", .time = time, .prompt = "hi"});
  }
  EXPECT_EQ(learner.accounts(), 1u);
}

// An account may be adjudicated after its requests were read.
TEST(ReferenceLearner, ExcludingLaterTakesOutWhatWasLearned) {
  ReferenceLearner learner = LearnerOf({.key = std::string(kTestKey)}, MixedLog(20, 0, 3, 4));
  const std::size_t before = learner.accounts();
  learner.Observe({.account = "adjudicated", .time = kLogStart + hours(24), .prompt = "hi"});
  EXPECT_EQ(learner.accounts(), before + 1);
  learner.Exclude("adjudicated");
  EXPECT_EQ(learner.accounts(), before);
}

TEST(ReferenceLearner, ThinningKeepsWhatASmallerBoundWouldHaveKept) {
  const Log log = MixedLog(400, 0, 2, 5);
  const ReferenceLearner small =
      LearnerOf({.key = std::string(kTestKey), .most_accounts = 50}, log);
  EXPECT_LE(small.accounts(), 50u);
  EXPECT_GT(small.accounts(), 10u);
  // The accounts that survive are those of the smallest hashes, whatever the order of the log.
  Log reversed(log.rbegin(), log.rend());
  for (LogLine& line : reversed) line.time = kLogStart + (log.back().time - line.time);
  EXPECT_EQ(LearnerOf({.key = std::string(kTestKey), .most_accounts = 50}, reversed).accounts(),
            small.accounts());
}

TEST(ReferenceLearner, OptionsOutOfRangeAreRefused) {
  const auto message = [](const LearnerOptions& options) {
    return ReferenceLearner::Create(options).status().message();
  };
  EXPECT_EQ(message({.horizon = std::chrono::seconds(59)}),
            "horizon is 59 s; allowed: an hour to 366 days");
  EXPECT_EQ(message({.most_accounts = 1}), "most_accounts is 1; allowed: 2 to 16000000");
  EXPECT_EQ(message({.campaigns = 19}), "campaigns is 19; allowed: 20 to 100000");
  EXPECT_NE(message({.key = "short"}), "");
  EXPECT_NE(message({.max_prompt_bytes = 1}), "");
}

}  // namespace
}  // namespace distillwatch
