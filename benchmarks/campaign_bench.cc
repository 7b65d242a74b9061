// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What campaigns cost a look, any request, a member's request and a review. One item is a look, a
// request or an account. Of the accounts under review, 70 in 100 have almost empty fingerprints, 25
// a frame of their own and 5 one that they share, one of these with 10,000 users; everyone has a
// payment mark and four addresses, of as many as there are accounts.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "campaign/frames.h"
#include "campaign/linker.h"
#include "campaign/rhythms.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

constexpr std::size_t kInputs = 64;
constexpr Time kStart{std::chrono::seconds(1767225600)};  // 2026-01-01

void BM_Fingerprint(benchmark::State& state) {
  Random random(1);
  const Frame frame = RandomSignature(random);
  std::vector<SignatureReservoir> samples;
  for (std::size_t i = 0; i < kInputs; ++i) {
    samples.push_back(SampleOf(frame, static_cast<double>(state.range(0)) / 100, 0, random));
  }
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(FingerprintOf(samples[i++ % kInputs]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Fingerprint)->ArgName("frame_percent")->Arg(0)->Arg(30)->Arg(90);

void BM_CountMatches(benchmark::State& state) {
  Random random(2);
  const Frame frame = RandomSignature(random);
  const Fingerprint pairs = FingerprintOf(frame, Fingerprint::kMostPairs, 0, random);
  std::vector<SlimSignature> requests;
  for (std::size_t i = 0; i < kInputs; ++i) requests.push_back(RequestOf(frame, 0.3, random));
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(CountMatches(pairs.values(), requests[i++ % kInputs]));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CountMatches);

// A test of a group with 4096 requests that chance does not explain, so that it takes all draws; an
// item is a draw.
void BM_Coactivity(benchmark::State& state) {
  Random random(4);
  const auto members = static_cast<std::size_t>(state.range(0));
  const SurrogatePlan plan = {static_cast<std::size_t>(state.range(1)), 1};
  const Window month = {0, 30 * kDay_s};
  const Watch watch(OnAndOff(members, 4096 / members, month, random),
                    std::vector<double>(members, 0), month.last_s);
  for (auto _ : state) {
    benchmark::DoNotOptimize(CoactivityP(watch.watched(), 20'000'000, plan));
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(BM_Coactivity)
    ->ArgNames({"members", "draws"})
    ->Args({24, 1000})
    ->Args({24, 100'000})
    ->Args({128, 1000})
    ->Unit(benchmark::kMillisecond);

AttributeSet AttributesOf(std::size_t n, Random& random) {
  AttributeSet out;
  out.sorted[out.size++] = ValueOf(random.Bits(), 1);
  for (int i = 0; i < 4; ++i) out.sorted[out.size++] = ValueOf(wire::Mix(random.Below(n)), 0);
  std::sort(out.sorted.begin(), out.sorted.begin() + out.size);
  return out;
}

// Requests at ten a second, of which one in 20 is another account's once more.
void BM_EchoLog_Observe(benchmark::State& state) {
  Random random(4);
  EchoLog log;
  Time now = kStart;
  std::uint64_t last = 0, account = 0;
  const auto ask = [&] {
    last = random.Chance(0.05) ? last : random.Bits();
    log.Observe(last, ++account, now += std::chrono::milliseconds(100));
  };
  for (int i = 0; i < 300'000; ++i) ask();  // until its memory is full
  for (auto _ : state) ask();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EchoLog_Observe);

// Looks at n accounts; frames 0 to n / 2000 are shared, most by 10 to 160 users.
void Fill(Linker& linker, std::size_t n, Random& random) {
  const std::size_t sharing = n / 20, popular = std::min<std::size_t>(10'000, sharing / 4);
  Frame frame = RandomSignature(random);
  std::size_t users = popular;
  std::uint64_t last = 0;
  for (std::size_t a = 0; a < n; ++a) {
    const Time first = kStart + std::chrono::seconds(random.Below(14 * 86'400));
    const auto requests = static_cast<std::uint32_t>(16 + random.LogUniform(1, 500));
    const Seen seen = {random.Bits(), first, first + std::chrono::hours(24 * random.Below(14)),
                       requests};
    if (a < sharing) {
      if (users-- == 0) {
        frame = RandomSignature(random);
        users = 10 + random.Below(150);
      }
      linker.Note(seen, SampleOf(frame, 0.5, 4, random), AttributesOf(n, random));
    } else {
      const bool own = random.Chance(0.25 / 0.95);
      linker.Note(seen, SampleOf(RandomSignature(random), 0.5, own ? 4 : 16, random),
                  AttributesOf(n, random));
    }
    // One prompt in twenty is asked again, by the next account.
    const std::uint64_t prompt = random.Chance(0.05) ? last : random.Bits();
    linker.Listen(seen.account, kStart + std::chrono::hours(24 * 13), prompt, 20);
    last = prompt;
  }
}

// The first review begins the groups; what is measured is a later one, with all of them in place.
void BM_Review(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Random random(3);
  Linker linker({.most_groups = 4096}, 1);
  const auto before = mallinfo2().uordblks + mallinfo2().hblkhd;
  Fill(linker, n, random);
  const auto after = mallinfo2().uordblks + mallinfo2().hblkhd;
  const Time now = kStart + std::chrono::hours(28 * 24);
  const auto nothing = [](std::uint64_t, std::uint32_t, bool) {};
  Review review = linker.Run(now, nothing);
  for (auto _ : state) review = linker.Run(now, nothing);
  state.SetItemsProcessed(state.iterations() * state.range(0));
  double longest_s = 0, steps = 0;
  for (bool interrupted = true; interrupted; ++steps) {
    const auto begin = std::chrono::steady_clock::now();
    interrupted = linker.Run(now, nothing, {.most_steps = 1}).interrupted;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    longest_s = std::max(longest_s, took.count());
  }
  state.counters["steps"] = steps;
  state.counters["longest_step_ms"] = 1e3 * longest_s;
  state.counters["bytes_per_account"] =
      static_cast<double>(after - before) / static_cast<double>(n);
  state.counters["groups"] = static_cast<double>(review.groups);
  state.counters["named"] = static_cast<double>(linker.Campaigns().size());
}
BENCHMARK(BM_Review)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace distillwatch::campaign
