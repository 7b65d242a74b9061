// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/echo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/alloc_guard.h"
#include "support/random_inputs.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using support::Random;

constexpr Time kStart{seconds(1767225600)};  // 2026-01-01

struct Request {
  std::uint64_t prompt = 0, account = 0;
  Time time{};
};

// Prompt, account and time of everything kept.
using Kept = std::set<std::tuple<std::uint64_t, std::uint64_t, Time>>;

Kept KeptOf(const EchoLog& log) {
  Kept out;
  for (std::uint64_t b = 0; b < EchoLog::kBuckets; ++b) {
    for (const EchoLog::Asking& a : log.Kept(b)) out.emplace(b << 52 | a.prompt, a.account, a.time);
  }
  return out;
}

Kept KeptOf(const std::vector<Request>& requests) {
  EchoLog log;
  for (const Request& r : requests) log.Observe(r.prompt, r.account, r.time);
  return KeptOf(log);
}

constexpr std::uint64_t kAllButOthers = 0xfff00000ffffffffULL;  // of a hash, what a log tells apart
std::uint64_t PromptOf(std::uint64_t i) {
  return wire::Mix(i) & kAllButOthers;
}

// Requests, at about one a minute, of prompts that strangers share.
std::vector<Request> Requests(std::size_t n, std::uint64_t prompts, Random& random) {
  std::vector<Request> out;
  Time now = kStart;
  for (std::size_t i = 0; i < n; ++i) {
    now += seconds(1 + random.Below(120));
    out.push_back({PromptOf(random.Below(prompts)), random.Below(40), now});
  }
  return out;
}

TEST(EchoLog, KeepsWhoAsksTheSameWithinTheWindow) {
  const std::uint64_t prompt = PromptOf(1), other = PromptOf(2);
  const Time later = kStart + minutes(5);
  EXPECT_TRUE(KeptOf({{prompt, 7, kStart}, {other, 8, kStart}}).empty());
  EXPECT_TRUE(KeptOf({{prompt, 7, kStart}, {prompt, 7, kStart + minutes(5)}}).empty());
  EXPECT_TRUE(KeptOf({{prompt, 7, kStart}, {prompt, 8, kStart + hours(2)}}).empty());
  EXPECT_EQ(KeptOf({{prompt, 7, kStart}, {other, 9, kStart}, {prompt, 8, kStart + minutes(5)}}),
            (Kept{{prompt, 7, kStart}, {prompt, 8, later}}));
  // A late request echoes, too.
  EXPECT_EQ(KeptOf({{prompt, 8, kStart + minutes(5)}, {prompt, 7, kStart}}),
            (Kept{{prompt, 7, kStart}, {prompt, 8, later}}));
}

TEST(EchoLog, SinceItsFirstEchoEveryoneWhoAsksAPromptIsKept) {
  const std::uint64_t prompt = PromptOf(1);
  EXPECT_EQ(
      KeptOf({{prompt, 7, kStart}, {prompt, 8, kStart}, {prompt, 9, kStart + hours(90)}}).size(),
      3u);
}

TEST(EchoLog, WhatManyAskTakesNoMorePlaces) {
  EchoLog log;
  for (std::uint64_t account = 0; account < 1000; ++account)
    log.Observe(PromptOf(1), account, kStart + seconds(account));
  EXPECT_EQ(KeptOf(log).size(), EchoLog::kMostAskers + 1);
}

// The same by looking at all pairs of requests. Nobody asks a prompt again within some minutes.
Kept KeptByPairs(const std::vector<Request>& requests) {
  std::map<std::uint64_t, std::vector<Request>> by_prompt;
  for (const Request& r : requests) by_prompt[r.prompt].push_back(r);
  Kept out;
  for (const auto& [prompt, asked] : by_prompt) {
    Time first = Time::max();
    const auto echoes = [&asked = asked](const Request& r) {
      return std::any_of(asked.begin(), asked.end(), [&r](const Request& other) {
        return other.account != r.account &&
               std::max(r.time, other.time) - std::min(r.time, other.time) <= EchoLog::kWindow;
      });
    };
    for (const Request& r : asked) {
      if (echoes(r)) first = std::min(first, r.time);
    }
    std::map<std::uint64_t, Time> askers;
    for (const Request& r : asked) {
      if (r.time < first) continue;
      const auto [at, fresh] = askers.try_emplace(r.account, r.time);
      at->second = std::min(at->second, r.time);
    }
    if (askers.size() > EchoLog::kMostAskers) continue;  // which ones are kept is not promised
    for (const auto& [account, time] : askers) out.emplace(prompt, account, time);
  }
  return out;
}

Kept WithoutCommon(const Kept& kept) {
  std::map<std::uint64_t, std::size_t> askers;
  for (const auto& [prompt, account, time] : kept) ++askers[prompt];
  Kept out;
  for (const auto& k : kept) {
    if (askers[std::get<0>(k)] <= EchoLog::kMostAskers) out.insert(k);
  }
  return out;
}

TEST(EchoLogOracle, AgreesWithAllPairsOfRequests) {
  Random random(1);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<Request> requests = Requests(3000, 100 + random.Below(3000), random);
    std::map<std::pair<std::uint64_t, std::uint64_t>, Time> last;
    std::erase_if(requests, [&last](const Request& r) {
      Time& before = last[{r.prompt, r.account}];
      if (r.time - before <= EchoLog::kNear) return true;
      before = r.time;
      return false;
    });
    EXPECT_EQ(WithoutCommon(KeptOf(requests)), KeptByPairs(requests));
  }
}

TEST(EchoLog, TheOrderOfRequestsDoesNotMatter) {
  Random random(2);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<Request> requests = Requests(4000, 100 + random.Below(4000), random);
    const Kept in_order = WithoutCommon(KeptOf(requests));
    ASSERT_GT(in_order.size(), 50u);
    // As threads would have it: each account's own requests stay in order.
    for (std::size_t i = 0; i + 500 <= requests.size(); i += 500) {
      std::stable_sort(requests.begin() + static_cast<std::ptrdiff_t>(i),
                       requests.begin() + static_cast<std::ptrdiff_t>(i + 500),
                       [](const Request& a, const Request& b) { return a.account < b.account; });
    }
    const Kept in_batches = WithoutCommon(KeptOf(requests));
    std::vector<std::tuple<std::uint64_t, std::uint64_t, Time>> different;
    std::set_symmetric_difference(in_order.begin(), in_order.end(), in_batches.begin(),
                                  in_batches.end(), std::back_inserter(different));
    EXPECT_TRUE(different.empty()) << different.size();
  }
}

TEST(EchoLog, UnderLoadFewerPromptsAreLookedAtForAsLong) {
  Random random(3);
  EchoLog log;
  // Every prompt is asked twice, seconds to 99 minutes apart; 100 requests a second.
  std::map<std::int64_t, std::vector<Request>> second_ones;
  std::map<std::uint64_t, Time> first;
  constexpr std::int64_t kSeconds = 4 * 3600;
  for (std::int64_t s = 0; s < kSeconds; ++s) {
    const Time now = kStart + seconds(s);
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t prompt = random.Bits();
      log.Observe(prompt, random.Bits(), now);
      first[prompt & kAllButOthers] = now;
      second_ones[s + static_cast<std::int64_t>(random.Below(5940))].push_back({prompt, 1, now});
    }
    for (const Request& r : second_ones[s]) log.Observe(r.prompt, random.Bits(), now);
  }
  EXPECT_GE(log.thinning(), 2u);
  EXPECT_LE(log.thinning(), 4u);
  // Of those first asked in the second hour, as many near as distant ones.
  int near = 0, distant = 0;
  std::map<std::uint64_t, std::pair<Time, Time>> apart;
  for (const auto& [prompt, account, time] : KeptOf(log)) {
    auto& [least, most] = apart.try_emplace(prompt, time, time).first->second;
    least = std::min(least, time);
    most = std::max(most, time);
  }
  for (const auto& [prompt, times] : apart) {
    const Time began = first.contains(prompt) ? first[prompt] : kStart;
    if (began < kStart + hours(1) || began > kStart + hours(2)) continue;
    near += times.second - times.first < seconds(2970);
    distant += times.second - times.first >= seconds(2970);
  }
  EXPECT_GT(near, 1000);
  EXPECT_NEAR(near, distant, 0.1 * near);
}

TEST(EchoLog, ADayLaterItLooksAtMoreAgain) {
  Random random(4);
  EchoLog log;
  Time now = kStart;
  for (int i = 0; i < 600'000; ++i)
    log.Observe(random.Bits(), 1, now += std::chrono::milliseconds(5));
  const std::uint32_t thinning = log.thinning();
  ASSERT_GE(thinning, 1u);
  log.Relax(now);
  EXPECT_EQ(log.thinning(), thinning);
  for (std::uint32_t i = 0; i < thinning; ++i) log.Relax(now += hours(25));
  EXPECT_EQ(log.thinning(), 0u);
  log.Relax(now += hours(25));
  EXPECT_EQ(log.thinning(), 0u);
}

TEST(EchoLog, IsTheSameAfterItWasSaved) {
  Random random(5);
  const std::vector<Request> requests = Requests(20'000, 3000, random);
  EchoLog whole, first_half;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Request& r = requests[i];
    whole.Observe(r.prompt, r.account, r.time);
    if (i < requests.size() / 2) first_half.Observe(r.prompt, r.account, r.time);
  }
  wire::Writer saved;
  first_half.Save(saved);
  wire::Reader in(saved.bytes());
  EchoLog::Content content;
  in(content);
  ASSERT_TRUE(in.Finished());
  ASSERT_TRUE(content.Valid());
  EchoLog restored;
  restored.Add(content);
  wire::Writer again;
  restored.Save(again);
  EXPECT_EQ(again.bytes(), saved.bytes());
  for (std::size_t i = requests.size() / 2; i < requests.size(); ++i)
    restored.Observe(requests[i].prompt, requests[i].account, requests[i].time);
  EXPECT_EQ(KeptOf(restored), KeptOf(whole));
}

TEST(EchoLog, TwoLogsBecomeOneWithTheEchoesBetweenThem) {
  EchoLog one, other;
  one.Observe(PromptOf(1), 7, kStart);
  other.Observe(PromptOf(1), 8, kStart + minutes(1));
  wire::Writer saved;
  other.Save(saved);
  wire::Reader in(saved.bytes());
  EchoLog::Content content;
  in(content);
  one.Add(content);
  EXPECT_EQ(KeptOf(one).size(), 2u);
}

TEST(EchoLog, RefusesWhatItCannotHaveSaved) {
  using Bucket = EchoLog::Content::Bucket;
  const auto valid = [](std::vector<Bucket> buckets) {
    EchoLog::Content content;
    content.buckets = std::move(buckets);
    return content.Valid();
  };
  const EchoLog::Asking asking{1, kStart, 3};
  EXPECT_TRUE(valid({{3, {asking}, {}}, {4, {}, {asking}}}));
  EXPECT_FALSE(valid({{4, {asking}, {}}, {3, {}, {asking}}}));
  EXPECT_FALSE(valid({{3, {asking}, {}}, {3, {}, {asking}}}));
  EXPECT_FALSE(valid({{EchoLog::kBuckets, {asking}, {}}}));
  EXPECT_FALSE(valid({{3, std::vector<EchoLog::Asking>(EchoLog::kPlaces + 1, asking), {}}}));
  EXPECT_FALSE(valid({{3, {{1, kLatestTime + seconds(1), 3}}, {}}}));
  EchoLog::Content thin;
  thin.thinning = 17;
  EXPECT_FALSE(thin.Valid());
}

TEST(EchoLog, NothingAllocates) {
  Random random(6);
  EchoLog log;
  const std::vector<Request> requests = Requests(2000, 50, random);
  const support::AllocGuard guard;
  for (const Request& r : requests) log.Observe(r.prompt, r.account, r.time);
  EXPECT_EQ(guard.count(), 0u);
}

TEST(EchoLog, ThreadsMayAskAndReadAtOnce) {
  EchoLog log;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&log, t] {
      for (std::uint64_t i = 0; i < 20'000; ++i)
        log.Observe(PromptOf(i), t, kStart + seconds(i / 10));
    });
  }
  std::thread reader([&log, &done] {
    while (!done) KeptOf(log);
  });
  for (std::thread& t : threads) t.join();
  done = true;
  reader.join();
  EXPECT_GT(KeptOf(log).size(), 1000u);
}

}  // namespace
}  // namespace distillwatch::campaign
