// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "distillwatch/monitor.h"
#include "simulate/random.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr Time kStart{seconds(1767225600)};
constexpr char kKey[] = "a key that only tests use";
constexpr std::size_t kMembers = 12, kStrangers = 60;

std::string Words(simulate::Random& random, std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += "w" + std::to_string(random.Below(50'000)) + " ";
  return text;
}

// Days in which twelve accounts ask within seconds of each other, at another minute of each hour,
// around one frame; and strangers ask when and what they like.
class Campaigns : public testing::Test {
 protected:
  static Monitor Make() {
    Options options;
    options.key = kKey;
    options.origin = kStart;
    return *Monitor::Create(options);
  }

  // Hour `hour` of the log.
  void Observe(Monitor& monitor, std::size_t hour, simulate::Random& random) {
    std::vector<std::pair<Time, std::size_t>> asked;
    const Time begin = kStart + hours(hour);
    const Time meeting = begin + seconds(60 + random.Below(3400));
    for (std::size_t a = 0; a < kMembers + kStrangers; ++a) {
      const Time time = a < kMembers ? meeting + microseconds(random.Below(9'000'000))
                                     : begin + microseconds(random.Below(3'600'000'000));
      asked.emplace_back(time, a);
    }
    std::sort(asked.begin(), asked.end());
    for (const auto& [time, a] : asked) {
      const std::string frame =
          "you are given a task below please solve it step by step and give the final answer at "
          "the very end in one line of its own the task is ";
      const std::string prompt = (a < kMembers ? frame : "") + Words(random, 20);
      verdicts_.push_back(monitor.Observe({.account = Name(a), .time = time, .prompt = prompt}));
    }
  }
  static std::string Name(std::size_t a) { return "account " + std::to_string(a); }

  void Run(Monitor& monitor, std::size_t first_day, std::size_t last_day) {
    for (std::size_t day = first_day; day < last_day; ++day) {
      simulate::Random random(day);
      for (std::size_t hour = 24 * day; hour < 24 * (day + 1); ++hour) {
        Observe(monitor, hour, random);
      }
      monitor.Review(kStart + hours(24 * (day + 1)));
    }
  }

  std::vector<Verdict> verdicts_;
};

TEST_F(Campaigns, AccountsThatMeetAreNamedAndNobodyElse) {
  Monitor monitor = Make();
  Run(monitor, 0, 5);
  const std::vector<Campaign> campaigns = monitor.Campaigns();
  ASSERT_EQ(campaigns.size(), 1u);
  EXPECT_EQ(campaigns[0].members.size(), kMembers);
  EXPECT_EQ(monitor.Statistics().campaigns, 1u);
  for (std::size_t a = 0; a < kMembers + kStrangers; ++a) {
    const Explanation why = *monitor.Explain(Name(a));
    EXPECT_EQ(why.verdict.campaign, a < kMembers ? campaigns[0].id : 0) << a;
    EXPECT_EQ(why.verdict.level, a < kMembers ? Level::kSuspect : Level::kClear) << a;
    double sum = why.base;
    for (const Evidence& e : why.evidence) sum += e.contribution;
    EXPECT_EQ(sum, why.score) << a;
  }
}

TEST_F(Campaigns, ARestoredMonitorGoesOnAsIfItHadNeverStopped) {
  Monitor monitor = Make();
  Run(monitor, 0, 3);  // linked, in the middle of its tests
  Options options;
  options.key = kKey;
  Monitor restored = *Monitor::Restore(monitor.Save(), options);
  EXPECT_EQ(restored.Save(), monitor.Save());
  verdicts_.clear();
  Run(monitor, 3, 6);
  const std::vector<Verdict> expected = std::move(verdicts_);
  verdicts_.clear();
  Run(restored, 3, 6);
  ASSERT_EQ(verdicts_.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(verdicts_[i].campaign, expected[i].campaign) << i;
    ASSERT_EQ(verdicts_[i].score, expected[i].score) << i;
  }
  EXPECT_EQ(restored.Save(), monitor.Save());
  EXPECT_EQ(restored.Campaigns().size(), 1u);
  EXPECT_EQ(restored.Statistics().campaigns, 1u);
}

TEST_F(Campaigns, AMergedMonitorHasTheOthersCampaigns) {
  Monitor monitor = Make(), other = Make();
  Run(other, 0, 5);
  ASSERT_TRUE(monitor.Merge(other).ok());
  ASSERT_EQ(monitor.Campaigns().size(), 1u);
  EXPECT_EQ(monitor.Campaigns()[0].members.size(), kMembers);
  EXPECT_EQ(monitor.Explain(Name(0))->verdict.campaign, monitor.Campaigns()[0].id);
  EXPECT_EQ(monitor.Statistics().campaigns, 1u);
}

TEST_F(Campaigns, WhoDoesNotWantThemGetsNone) {
  Options options;
  options.key = kKey;
  options.campaigns.enabled = false;
  Monitor monitor = *Monitor::Create(options);
  Run(monitor, 0, 5);
  EXPECT_TRUE(monitor.Campaigns().empty());
  EXPECT_EQ(monitor.Review(kStart + hours(200)).groups, 0u);
}

}  // namespace
}  // namespace distillwatch
