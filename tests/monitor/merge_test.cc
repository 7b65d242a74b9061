// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "small_monitor.h"

namespace distillwatch {
namespace {

using support::Log;
using support::LogLine;
using support::MixedLog;

template <typename Belongs>
Log Part(const Log& log, Belongs&& belongs) {
  Log out;
  std::copy_if(log.begin(), log.end(), std::back_inserter(out), belongs);
  return out;
}

std::set<std::string> AccountsOf(const Log& log) {
  std::set<std::string> out;
  for (const LogLine& line : log) out.insert(line.account);
  return out;
}

// What can be asked of a monitor, account by account.
std::string Known(const Monitor& monitor, const std::set<std::string>& accounts) {
  std::string out = monitor.Metrics();
  for (const std::string& account : accounts) {
    const Result<Explanation> e = monitor.Explain(account);
    if (!e.ok()) continue;
    out += account + " " + std::to_string(e->requests) + " " + std::to_string(e->score) + " " +
           std::to_string(e->verdict.score) + " " + std::string(Name(e->verdict.level)) + "\n";
    for (const Evidence& piece : e->evidence) out += piece.feature + " " + piece.words + "\n";
  }
  return out;
}

TEST(Merge, SplitByAccountIsAsIfOneHadSeenAll) {
  const Log log = MixedLog(60, 6, 6, 1);
  const auto is_mine = [](const LogLine& line) {
    return std::hash<std::string>()(line.account) % 2 == 0;
  };
  Monitor whole = SmallMonitor(), mine = SmallMonitor(), yours = SmallMonitor();
  Replay(whole, log);
  Replay(mine, Part(log, is_mine));
  Replay(yours, Part(log, std::not_fn(is_mine)));
  ASSERT_TRUE(mine.Merge(yours).ok());
  EXPECT_EQ(Known(mine, AccountsOf(log)), Known(whole, AccountsOf(log)));
  // And it goes on in the same way.
  const Log more = MixedLog(60, 6, 8, 1);
  EXPECT_EQ(Replay(mine, more, log.size()), Replay(whole, more, log.size()));
}

TEST(Merge, IsCommutative) {
  const Log log = MixedLog(60, 6, 6, 2);
  std::size_t i = 0;
  const auto alternate = [&i](const LogLine&) { return ++i % 3 == 0; };
  Monitor a = SmallMonitor(), b = SmallMonitor(), c = SmallMonitor(), d = SmallMonitor();
  for (Monitor* m : {&a, &c}) {
    i = 0;
    Replay(*m, Part(log, alternate));
  }
  for (Monitor* m : {&b, &d}) {
    i = 0;
    Replay(*m, Part(log, std::not_fn(alternate)));
  }
  ASSERT_TRUE(a.Merge(b).ok());
  ASSERT_TRUE(d.Merge(c).ok());
  EXPECT_EQ(Known(a, AccountsOf(log)), Known(d, AccountsOf(log)));
  const Log more = MixedLog(60, 6, 8, 2);
  EXPECT_EQ(Replay(a, more, log.size()), Replay(d, more, log.size()));
}

// The accounts that harvest stand out of a merged monitor as they do out of a whole one.
TEST(Merge, EvidenceOfTwoReplicasIsAboutThatOfOne) {
  const Log log = MixedLog(80, 8, 8, 3);
  std::size_t i = 0;
  const auto alternate = [&i](const LogLine&) { return ++i % 2 == 0; };
  Monitor whole = SmallMonitor(), left = SmallMonitor(), right = SmallMonitor();
  Replay(whole, log);
  Replay(left, Part(log, alternate));
  i = 0;
  Replay(right, Part(log, std::not_fn(alternate)));
  ASSERT_TRUE(left.Merge(right).ok());
  EXPECT_EQ(left.Statistics().events, whole.Statistics().events);
  EXPECT_EQ(left.Statistics().accounts, whole.Statistics().accounts);
  std::size_t compared = 0;
  std::map<std::string, double> apart = {{"length", 0},
                                         {"nearest_mean", 0},
                                         {"largest_kind", 0},
                                         {"template_share", 0},
                                         {"self_cosine", 0}};
  for (const std::string& account : AccountsOf(log)) {
    const Explanation one = *whole.Explain(account), two = *left.Explain(account);
    EXPECT_EQ(one.requests, two.requests);
    EXPECT_EQ(one.first, two.first);
    EXPECT_EQ(one.last, two.last);
    if (one.requests < 64) continue;
    const auto value = [](const Explanation& e, std::string_view feature) {
      for (const Evidence& piece : e.evidence) {
        if (piece.feature == feature) return piece.value;
      }
      return -1.0;
    };
    for (auto& [feature, sum] : apart) sum += std::abs(value(one, feature) - value(two, feature));
    ++compared;
  }
  ASSERT_GT(compared, 20u);
  // Each side compared its requests with those that it had seen, and cut conversations where it
  // knew their beginning: alike on average, not account by account.
  const auto n = static_cast<double>(compared);
  EXPECT_LT(apart["length"] / n, 0.1);
  EXPECT_LT(apart["nearest_mean"] / n, 0.05);
  EXPECT_LT(apart["largest_kind"] / n, 0.1);
  EXPECT_LT(apart["template_share"] / n, 0.1);
  EXPECT_LT(apart["self_cosine"] / n, 0.1);
}

TEST(Merge, YoungAccountsStayLiteWhileTheyFit) {
  const auto replay = [](Monitor& monitor, int from, int to, int step) {
    for (int i = from; i < to; i += step) {
      monitor.Observe({.account = "young",
                       .time = support::kLogStart + std::chrono::minutes(i),
                       .prompt = "question number " + std::to_string(i)});
    }
  };
  for (const int requests : {2, 15, 16, 30}) {
    Monitor left = SmallMonitor(), right = SmallMonitor();
    replay(left, 0, requests, 2);
    replay(right, 1, requests, 2);
    ASSERT_TRUE(left.Merge(right).ok());
    EXPECT_EQ(left.Statistics().full_accounts, requests > 15 ? 1u : 0u);
    EXPECT_EQ(left.Explain("young")->requests, static_cast<std::uint64_t>(requests));
    // A lite record in time's order is the record of one who saw it all, but for likeness.
    replay(left, requests, 40, 1);
    EXPECT_EQ(left.Explain("young")->requests, 40u);
    EXPECT_FALSE(left.Explain("young")->evidence.empty());
  }
}

TEST(Merge, TheHighestScoreAndLevelOfTheLaterHorizonStay) {
  monitor::FullAccount old_one, new_one;
  old_one.header.requests = 500;
  old_one.header.path = 70'000;
  old_one.header.level = Level::kDistilling;
  new_one.header.requests = 20;
  new_one.header.horizon = 1;
  new_one.header.path = -4;
  new_one.header.level = Level::kWatch;
  const auto both = [](const auto& a, const auto& b) {
    return std::get<monitor::FullAccount>(monitor::Union(monitor::Detectors(), a, b)).header;
  };
  for (const monitor::Header& h : {both(old_one, new_one), both(new_one, old_one)}) {
    EXPECT_EQ(h.requests, 520u);
    EXPECT_EQ(h.horizon, 1);
    EXPECT_EQ(h.path, -4);
    EXPECT_EQ(h.level, Level::kWatch);
    EXPECT_EQ(h.finished, 70'000);
    EXPECT_TRUE(h.unfinished);
  }
  old_one.header.horizon = 1;
  EXPECT_EQ(both(new_one, old_one).path, 70'000);
  EXPECT_EQ(both(new_one, old_one).level, Level::kDistilling);
  EXPECT_FALSE(both(new_one, old_one).unfinished);
}

TEST(Merge, ForeignStateIsAFailedPrecondition) {
  Monitor monitor = SmallMonitor();
  EXPECT_EQ(monitor.Merge(monitor).code(), StatusCode::kInvalidArgument);
  Options other = SmallOptions(std::chrono::hours(48));
  EXPECT_EQ(monitor.Merge(SmallMonitor(other)).message(),
            "the two monitors have different references");
  other = SmallOptions();
  auto content = std::make_shared<calibrate::ReferenceContent>(other.reference->content());
  content->key_id = 0;
  other.reference = Reference(content);
  other.key = "another key, as long as it needs to be";
  EXPECT_EQ(monitor.Merge(SmallMonitor(other)).message(), "the two monitors have different keys");
  other = SmallOptions();
  *other.origin += std::chrono::hours(1);
  EXPECT_EQ(monitor.Merge(SmallMonitor(other)).code(), StatusCode::kFailedPrecondition);
}

TEST(Merge, TwoMonitorsMayMergeEachOtherAtOnce) {
  Monitor a = SmallMonitor(), b = SmallMonitor();
  Replay(a, MixedLog(20, 1, 3, 5));
  Replay(b, MixedLog(20, 1, 3, 6));
  std::thread other([&] { EXPECT_TRUE(a.Merge(b).ok()); });
  EXPECT_TRUE(b.Merge(a).ok());
  other.join();
}

}  // namespace
}  // namespace distillwatch
