// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "small_monitor.h"
#include "support/alloc_guard.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using support::kLogStart;
using support::Log;
using support::LogLine;
using support::MixedLog;

// Verdict bits by line of the log, events given by so many threads that share the accounts out.
std::vector<VerdictBits> ReplayBy(std::size_t threads, Monitor& monitor, const Log& log) {
  std::vector<VerdictBits> out(log.size());
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (std::size_t i = 0; i < log.size(); ++i) {
        if (std::hash<std::string>()(log[i].account) % threads != t) continue;
        out[i] = BitsOf(monitor.Observe(log[i].AsEvent()));
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return out;
}

TEST(Monitor, ThreadsDoNotChangeVerdicts) {
  const Log log = MixedLog(60, 6, 6, 1);
  const Options options = SmallOptions(hours(72));
  Monitor one = SmallMonitor(options);
  const std::vector<VerdictBits> expected = ReplayBy(1, one, log);
  const Time end = log.back().time + hours(100);
  one.Finish(end);
  for (const std::size_t threads : {2u, 4u}) {
    Monitor many = SmallMonitor(options);
    EXPECT_EQ(ReplayBy(threads, many, log), expected) << threads << " threads";
    many.Finish(end);
    EXPECT_EQ(many.Metrics(), one.Metrics());
  }
}

TEST(Monitor, EverythingMayBeCalledBesideObserve) {
  const Log log = MixedLog(30, 3, 5, 2);
  Monitor monitor = SmallMonitor(SmallOptions(hours(24)));
  Monitor other = SmallMonitor(SmallOptions(hours(24)));
  std::thread first([&] { Replay(monitor, log); });
  std::thread second([&] { Replay(other, log); });
  for (std::size_t i = 0; i < 50; ++i) {
    const LogLine& line = log[i * log.size() / 50];
    (void)monitor.Explain(line.account);
    monitor.Finish(line.time);
    (void)monitor.Metrics();
    (void)monitor.Save();
    if (i % 16 == 15) {
      EXPECT_TRUE(monitor.Merge(other).ok());
    }
  }
  first.join();
  second.join();
}

TEST(Monitor, EvidenceAddsUpExactlyToTheScore) {
  const Log log = MixedLog(30, 4, 5, 4);
  Monitor monitor = SmallMonitor();
  Replay(monitor, log);
  std::set<std::string> accounts;
  for (const LogLine& line : log) accounts.insert(line.account);
  std::size_t explained = 0;
  for (const std::string& account : accounts) {
    const Explanation e = *monitor.Explain(account);
    EXPECT_EQ(e.account, account);
    EXPECT_LE(e.first, e.last);
    if (e.requests < 16) {
      EXPECT_TRUE(e.evidence.empty());
      continue;
    }
    ++explained;
    double sum = e.base;
    for (const Evidence& piece : e.evidence) sum += piece.contribution;
    EXPECT_EQ(sum, e.score) << account;
    EXPECT_EQ(e.evidence.size(), 46u);
    for (std::size_t i = 0; i < e.evidence.size(); ++i) {
      const Evidence& piece = e.evidence[i];
      EXPECT_FALSE(piece.words.empty());
      EXPECT_EQ(piece.words.find("{}"), std::string::npos) << piece.words;
      EXPECT_GT(piece.place, 0);
      EXPECT_LT(piece.place, 1);
      if (i > 0) {
        EXPECT_LE(std::abs(piece.contribution), std::abs(e.evidence[i - 1].contribution));
      }
    }
  }
  EXPECT_GT(explained, 10u);
}

TEST(Monitor, AnExplanationOfALookIsOfItsScore) {
  const Log log = MixedLog(10, 4, 5, 5);
  Monitor monitor = SmallMonitor();
  std::map<std::string, double> highest;
  for (const LogLine& line : log) {
    const Verdict verdict = monitor.Observe(line.AsEvent());
    if (!verdict.looked) continue;
    const double now = std::clamp(monitor.Explain(line.account)->score, -8.0, 24.0);
    auto [path, first] = highest.try_emplace(line.account, now);
    path->second = std::max(path->second, now);
    EXPECT_EQ(verdict.score, path->second) << "the verdict holds the highest of all looks";
  }
  EXPECT_GT(highest.size(), 5u);
}

TEST(Monitor, AnUnknownAccountIsNotFound) {
  EXPECT_EQ(SmallMonitor().Explain("nobody").status().code(), StatusCode::kNotFound);
}

TEST(Monitor, TheEmptyAccountIsAnAccount) {
  Monitor monitor = SmallMonitor();
  for (int i = 0; i < 40; ++i) monitor.Observe({.time = kLogStart + minutes(i), .prompt = "hi"});
  monitor.Observe({.account = std::string_view("\0", 1), .time = kLogStart, .prompt = "hi"});
  EXPECT_EQ(monitor.Statistics().accounts, 2u);
  EXPECT_EQ(monitor.Explain("")->requests, 40u);
  EXPECT_EQ(monitor.Explain("")->account, "");
}

TEST(Monitor, LooksComeAtPowersOfTwoAndOnceADay) {
  Monitor monitor = SmallMonitor();
  std::vector<int> looks;
  for (int i = 1; i <= 300; ++i) {
    if (monitor.Observe({.account = "a", .time = kLogStart + minutes(i), .prompt = "hi"}).looked)
      looks.push_back(i);
  }
  EXPECT_EQ(looks, (std::vector<int>{16, 32, 64, 128, 256}));
  const auto later = [&](hours since) {
    return monitor.Observe({.account = "a", .time = kLogStart + since, .prompt = "hi"}).looked;
  };
  EXPECT_FALSE(later(hours(28)));  // 23 h 44 min after the last look
  EXPECT_TRUE(later(hours(29)));
  EXPECT_FALSE(later(hours(30)));
  EXPECT_TRUE(later(hours(54)));
  EXPECT_EQ(monitor.Statistics().looks, 7u);
}

TEST(Monitor, ANewHorizonBeginsClear) {
  const Log log = MixedLog(20, 6, 5, 6);
  Monitor monitor = SmallMonitor(SmallOptions(hours(24 * 5)));
  Replay(monitor, log);
  std::string suspect;
  for (const LogLine& line : log) {
    if (monitor.Explain(line.account)->verdict.level >= Level::kWatch) suspect = line.account;
  }
  ASSERT_FALSE(suspect.empty());
  const Verdict before = monitor.Explain(suspect)->verdict;
  // One event in the next horizon, two days before a look is due anyway.
  const Verdict after = monitor.Observe(
      {.account = suspect, .time = kLogStart + hours(24 * 5), .prompt = "hello again"});
  EXPECT_LE(after.score, before.score);
  if (!after.looked) {
    EXPECT_EQ(after.level, Level::kClear);
  }
  EXPECT_EQ(monitor.Statistics().finished_horizons, 1u);
}

TEST(Monitor, FinishEndsHorizonsOfTheIdleOnce) {
  const Log log = MixedLog(30, 3, 4, 7);
  Monitor monitor = SmallMonitor(SmallOptions(hours(24 * 4)));
  Replay(monitor, log);
  const std::uint64_t accounts = monitor.Statistics().accounts;
  monitor.Finish(log.back().time);
  EXPECT_EQ(monitor.Statistics().finished_horizons, 0u) << "the horizon is not over";
  monitor.Finish(kLogStart + hours(24 * 4));
  EXPECT_EQ(monitor.Statistics().finished_horizons, accounts);
  monitor.Finish(kLogStart + hours(24 * 4));
  EXPECT_EQ(monitor.Statistics().finished_horizons, accounts);
  for (const LogLine& line : log)
    EXPECT_EQ(monitor.Explain(line.account)->verdict.level, Level::kClear);
  EXPECT_GT(monitor.Statistics().drift, 0);
}

// Accounts that asked nothing in a horizon are not finished in it again: that would teach the drift
// alarm that most accounts are silent.
TEST(Monitor, AnAccountThatStaysAwayFinishesOneHorizonOnly) {
  Monitor monitor = SmallMonitor(SmallOptions(hours(24)));
  for (int i = 0; i < 40; ++i)
    monitor.Observe({.account = "a", .time = kLogStart + minutes(i), .prompt = "hi"});
  for (int day = 1; day <= 5; ++day) monitor.Finish(kLogStart + hours(24 * day));
  EXPECT_EQ(monitor.Statistics().finished_horizons, 1u);
  monitor.Observe({.account = "a", .time = kLogStart + hours(24 * 5), .prompt = "hi"});
  monitor.Finish(kLogStart + hours(24 * 8));
  EXPECT_EQ(monitor.Statistics().finished_horizons, 2u);
  // It comes back after two silent horizons, one of which no Finish has seen.
  monitor.Observe({.account = "a", .time = kLogStart + hours(24 * 9), .prompt = "hi"});
  EXPECT_EQ(monitor.Statistics().finished_horizons, 2u);
}

TEST(Monitor, LateEventsAreSimultaneousAndCounted) {
  Monitor monitor = SmallMonitor();
  monitor.Observe({.account = "a", .time = kLogStart + hours(2), .prompt = "hi"});
  monitor.Observe({.account = "a", .time = kLogStart + hours(1), .prompt = "hi"});
  EXPECT_EQ(monitor.Statistics().late_events, 1u);
  EXPECT_EQ(monitor.Statistics().clock_restarts, 0u);
  EXPECT_EQ(monitor.Explain("a")->last, kLogStart + hours(2));
  EXPECT_EQ(monitor.Explain("a")->first, kLogStart + hours(2));
}

TEST(Monitor, AClockThatIsSetBackStartsAnew) {
  Monitor monitor = SmallMonitor();
  const auto ask = [&](Time time) {
    return monitor.Observe({.account = "a", .time = time, .prompt = "what is new?"});
  };
  for (int i = 0; i < 40; ++i) ask(kLogStart + hours(24 * 365 * 20) + minutes(i));
  for (int i = 0; i < 40; ++i) ask(kLogStart + minutes(i));
  EXPECT_EQ(monitor.Statistics().clock_restarts, 1u);
  EXPECT_EQ(monitor.Explain("a")->last, kLogStart + minutes(39));
  EXPECT_EQ(monitor.Explain("a")->first, kLogStart);
  EXPECT_EQ(monitor.Explain("a")->requests, 80u);
}

TEST(Monitor, WildTimesAreMovedToTheBorderAndCounted) {
  Monitor monitor = SmallMonitor();
  const Time times[] = {Time::min(), Time::max(), Time() - minutes(1),
                        kLatestTime + std::chrono::microseconds(1)};
  for (const Time time : times) {
    for (int i = 0; i < 20; ++i) {
      const Verdict verdict =
          monitor.Observe({.account = "a", .time = time, .prompt = std::to_string(i)});
      EXPECT_TRUE(std::isfinite(verdict.score));
    }
  }
  EXPECT_EQ(monitor.Statistics().wild_times, 80u);
  EXPECT_EQ(monitor.Explain("a")->last, kLatestTime);
  // The hands of Finish are no safer than those of events.
  monitor.Finish(Time::max());
  monitor.Finish(Time::min());
  EXPECT_TRUE(Monitor::Restore(monitor.Save(), SmallOptions()).ok());
}

TEST(Monitor, HostilePromptsGiveVerdicts) {
  support::Random random(8);
  Monitor monitor = SmallMonitor();
  std::vector<std::string> prompts = {std::string(10'000'000, 'x'),
                                      std::string(10'000'000, ' '),
                                      support::RandomBytes(10'000'000, random),
                                      std::string(1 << 20, '\0'),
                                      "\xf0\x9f\x98",
                                      "\xe2\x80\x8b\xe2\x80\x8b",
                                      ""};
  std::string words;
  for (int i = 0; words.size() < 10'000'000; ++i) words += std::to_string(i) + " ";
  prompts.push_back(words);
  for (std::size_t i = 0; i < 40; ++i) {
    const std::string& prompt = prompts[i % prompts.size()];
    const Verdict verdict = monitor.Observe(
        {.account = "a", .time = kLogStart + minutes(i), .prompt = prompt, .system = prompt});
    EXPECT_TRUE(verdict.score >= -8 && verdict.score <= 24);
  }
  const MonitorStatistics s = monitor.Statistics();
  EXPECT_EQ(s.events, 40u);
  EXPECT_GE(s.truncated_prompts, 15u);
  EXPECT_GE(s.empty_prompts, 5u);
  EXPECT_TRUE(Monitor::Restore(monitor.Save(), SmallOptions()).ok());
}

TEST(Monitor, MemoryStaysWithinItsBudget) {
  const Log log = MixedLog(500, 5, 4, 9);
  Options options = SmallOptions();
  options.max_memory_bytes = std::size_t{1} << 20;
  Monitor monitor = SmallMonitor(options);
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    monitor.Observe(log[i].AsEvent());
    if (i % 64 == 0) most = std::max(most, monitor.Statistics().state_bytes);
  }
  EXPECT_LE(most, options.max_memory_bytes);
  EXPECT_GT(most, options.max_memory_bytes / 10 * 9);
  EXPECT_GT(monitor.Statistics().evicted_accounts, 0u);
}

TEST(Monitor, ManyEventsGiveTheVerdictsOfOneAfterTheOther) {
  const Log log = MixedLog(40, 4, 5, 12);
  std::vector<Event> events;
  for (const LogLine& line : log) events.push_back(line.AsEvent());
  Monitor one = SmallMonitor(), many = SmallMonitor();
  std::vector<Verdict> truth, got(events.size());
  for (const Event& event : events) truth.push_back(one.Observe(event));
  // In batches of all sizes, an empty one among them.
  for (std::size_t done = 0, size = 0; done < events.size(); done += size++) {
    size = std::min(size, events.size() - done);
    many.ObserveMany(std::span(events).subspan(done, size), std::span(got).subspan(done, size));
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(got[i].score, truth[i].score) << i;
    ASSERT_EQ(got[i].p_value, truth[i].p_value) << i;
    ASSERT_EQ(got[i].level, truth[i].level) << i;
    ASSERT_EQ(got[i].looked, truth[i].looked) << i;
  }
  EXPECT_EQ(many.Save(), one.Save());
  many.ObserveMany(events, {});
  EXPECT_EQ(many.Statistics().events, events.size());
}

TEST(MonitorAlloc, TheSteadyStateNeverAllocates) {
  const Log log = MixedLog(40, 4, 5, 10);
  Monitor monitor = SmallMonitor();
  for (int warm = 0; warm < 2; ++warm) Replay(monitor, log);
  const support::AllocGuard guard;
  for (const LogLine& line : log) monitor.Observe(line.AsEvent());
  const Event event = log[0].AsEvent();
  Verdict verdict;
  monitor.ObserveMany({&event, 1}, {&verdict, 1});
  EXPECT_EQ(guard.count(), 0u);
}

// Nor does a flood, once tables are full. (An open-addressed index that sees as many erasures as
// insertions may rebuild itself in place, or once more in a larger table.)
TEST(MonitorAlloc, AFloodHardlyAllocates) {
  Options options = SmallOptions();
  options.max_memory_bytes = std::size_t{1} << 20;
  Monitor monitor = SmallMonitor(options);
  const auto flood = [&](int from, int to) {
    char account[16];
    for (int i = from; i < to; ++i) {
      std::snprintf(account, sizeof(account), "%d", i);
      monitor.Observe({.account = account, .time = kLogStart + minutes(i / 100), .prompt = "x"});
    }
  };
  flood(0, 50'000);
  const support::AllocGuard guard;
  flood(50'000, 150'000);
  EXPECT_LE(guard.count(), options.shards);
}

TEST(Monitor, MetricsAreValidPrometheusText) {
  Monitor monitor = SmallMonitor();
  Replay(monitor, MixedLog(20, 2, 4, 11));
  const std::regex help("# HELP (distillwatch_[a-z_]+) [^\\\\]+");
  const std::regex type("# TYPE (distillwatch_[a-z_]+) (counter|gauge)");
  const std::regex sample(
      "(distillwatch_[a-z_]+)(\\{[a-z_]+=\"[a-z]+\"(,[a-z_]+=\"[a-z]+\")*\\})? "
      "([0-9.eE+-]+|NaN|[+-]Inf)");
  std::istringstream lines(monitor.Metrics());
  std::map<std::string, std::string> types;
  std::set<std::string> samples;
  std::string name;
  std::smatch m;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, m, help)) {
      name = m[1];
      EXPECT_FALSE(types.contains(name)) << "a metric's lines stand together";
    } else if (std::regex_match(line, m, type)) {
      EXPECT_EQ(m[1], name);
      types[name] = m[2];
    } else {
      ASSERT_TRUE(std::regex_match(line, m, sample)) << line;
      EXPECT_EQ(m[1], name);
      EXPECT_EQ(types[name] == "counter", name.ends_with("_total")) << name;
      EXPECT_TRUE(samples.insert(m[1].str() + m[2].str()).second) << "twice: " << line;
    }
  }
  EXPECT_EQ(monitor.Metrics().back(), '\n');
  EXPECT_EQ(samples.size(), 18u);
}

}  // namespace
}  // namespace distillwatch
