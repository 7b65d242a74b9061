// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What a request costs in a whole monitor: by its text, by the number of accounts, by threads. One
// item is one event. x_floor is its time in multiples of its floors in the same run (floors.h): to
// copy, hash and fold its text, and a load from a table as large as that of the accounts. p50, p99
// and p99.9 are of single events, by a histogram of its own.
//
// Benchmarks of more than 100,000 accounts are there when DISTILLWATCH_BENCH_ACCOUNTS is set to the
// most that there may be. 10 million take 8 GB and minutes.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "distillwatch/monitor.h"
#include "floors.h"
#include "latency_histogram.h"
#include "support/traffic.h"

namespace distillwatch {
namespace {

using bench::LatencyHistogram;
using bench::Loop;
using bench::Prompts;
using bench::PromptsOf;
using support::Random;

// What a host might add, to see what it costs.
class UnitsDetector {
 public:
  static constexpr std::string_view kName = "units";
  static constexpr std::array<FeatureSpec, 1> kFeatures = {{{"mean_units_bench", "{} words"}}};
  struct State {
    double units = 0, requests = 0;
  };
  void Update(const Observation& seen, State& state) const noexcept {
    state.units += seen.units;
    state.requests += 1;
  }
  std::array<float, 1> Measure(const State& state) const noexcept {
    return {static_cast<float>(state.units / state.requests)};
  }
};

constexpr std::size_t kMostMemory = std::size_t{16} << 30;

Monitor NewMonitor(std::uint32_t shards, bool own_detector = false) {
  static const Reference plain = support::SmallReference();
  Options options;
  options.key = support::kTestKey;
  options.reference = plain;
  if (own_detector) {
    options.detectors = {Custom<UnitsDetector>()};
    static const Reference own = support::SmallReference(plain.horizon(), options.detectors);
    options.reference = own;
  }
  options.promise = {.per_million = 50'000, .contamination = 0};
  options.origin = support::kLogStart;
  options.shards = shards;
  options.max_memory_bytes = kMostMemory;
  return *Monitor::Create(options);
}

// Events of accounts drawn evenly.
class Traffic {
 public:
  Traffic(std::size_t accounts, const Prompts& prompts, std::uint64_t seed)
      : accounts_(accounts), prompts_(prompts), random_(seed) {}

  Event Next() {
    account_ = random_.Bits() % accounts_;
    now_ += std::chrono::microseconds(86'400'000'000 / 50 / static_cast<std::int64_t>(accounts_));
    return Request(random_.Bits());
  }
  // One request each of the accounts 0, step, 2 step, ...
  void Round(Monitor& monitor, std::size_t step) {
    for (account_ = 0; account_ < accounts_; account_ += step) {
      monitor.Observe(Request(account_ * 31 + rounds_));
    }
    ++rounds_;
    now_ += std::chrono::minutes(1);
  }
  void Rounds(Monitor& monitor, int rounds, std::size_t step = 1) {
    for (int i = 0; i < rounds; ++i) Round(monitor, step);
  }
  std::size_t bytes() const { return prompts_.front().size(); }

 private:
  Event Request(std::uint64_t prompt) const {
    return {.account = {reinterpret_cast<const char*>(&account_), sizeof(account_)},
            .time = now_,
            .prompt = prompts_[prompt % prompts_.size()]};
  }
  std::uint64_t accounts_;
  const Prompts& prompts_;
  Random random_;
  Time now_ = support::kLogStart;
  std::uint64_t account_ = 0, rounds_ = 0;
};

void Run(benchmark::State& state, Monitor& monitor, Traffic& traffic) {
  const MonitorStatistics before = monitor.Statistics();
  const double floor_ns =
      bench::TextFloorNs(std::min<std::size_t>(traffic.bytes(), Options().max_prompt_bytes)) +
      bench::LoadFloorNs(before.state_bytes);
  LatencyHistogram latency;
  Loop loop(state);
  for (auto _ : state) {
    const Event event = traffic.Next();
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(monitor.Observe(event));
    latency.Add(std::chrono::steady_clock::now() - start);
  }
  loop.Report(state.iterations() * static_cast<std::int64_t>(traffic.bytes()), floor_ns);
  latency.Report(state);
}

// English of these bytes, 1000 accounts with 20 requests each before the clock starts.
void RunThousand(benchmark::State& state, Monitor monitor, const bench::Text& text,
                 std::size_t bytes) {
  Traffic traffic(1000, PromptsOf(text, bytes), 1);
  traffic.Rounds(monitor, 20);
  Run(state, monitor, traffic);
}

void RegisterTexts() {
  for (const bench::Text& text : bench::kTexts) {
    for (const std::size_t bytes : bench::kTextBytes) {
      const std::string kind = &text == &bench::kTexts[0] ? "" : text.name + std::string("/");
      benchmark::RegisterBenchmark(
          ("BM_Monitor_Observe/" + kind + "bytes:" + std::to_string(bytes) + "/accounts:1000")
              .c_str(),
          [&text, bytes](benchmark::State& state) {
            RunThousand(state, NewMonitor(64), text, bytes);
          });
    }
  }
}

// Many accounts, of which all, or one in ten when there are a million or more, have 20 requests.
// They are kept until others are asked for: to make them takes longer than to measure.
struct ManyAccounts {
  ManyAccounts(std::size_t n, std::size_t bytes)
      : accounts(n),
        before(HeapBytes()),
        monitor(NewMonitor(64)),
        traffic(n, PromptsOf(bench::kTexts[0], bytes), 1) {
    traffic.Round(monitor, 1);
    traffic.Rounds(monitor, 19, n >= 1'000'000 ? 10 : 1);
  }
  static double HeapBytes() {
    const struct mallinfo2 heap = mallinfo2();
    return static_cast<double>(heap.uordblks + heap.hblkhd);
  }
  std::size_t accounts;
  double before;
  Monitor monitor;
  Traffic traffic;
};

void RunMany(benchmark::State& state, std::size_t accounts, std::size_t bytes) {
  static std::unique_ptr<ManyAccounts> many;
  if (many == nullptr || many->accounts != accounts || many->traffic.bytes() != bytes) {
    many.reset();
    many = std::make_unique<ManyAccounts>(accounts, bytes);
  }
  Run(state, many->monitor, many->traffic);
  const MonitorStatistics s = many->monitor.Statistics();
  const auto n = static_cast<double>(s.accounts);
  state.counters["state_B_per_account"] = static_cast<double>(s.state_bytes) / n;
  state.counters["heap_B_per_account"] = (ManyAccounts::HeapBytes() - many->before) / n;
  state.counters["full_accounts"] = static_cast<double>(s.full_accounts);
}

void RegisterAccounts() {
  const char* most = std::getenv("DISTILLWATCH_BENCH_ACCOUNTS");
  for (const std::size_t accounts : {10'000, 100'000, 1'000'000, 10'000'000}) {
    if (accounts > (most == nullptr ? 100'000 : std::strtoull(most, nullptr, 10))) continue;
    for (const std::size_t bytes : {512, 2048}) {
      benchmark::RegisterBenchmark(
          ("BM_Monitor_Observe/bytes:" + std::to_string(bytes) +
           "/accounts:" + std::to_string(accounts))
              .c_str(),
          [accounts, bytes](benchmark::State& state) { RunMany(state, accounts, bytes); });
    }
  }
}

// The same events in batches of 64. Argument: accounts.
void BM_Monitor_ObserveMany(benchmark::State& state) {
  constexpr std::size_t kBatch = 64, kBytes = 512;
  const auto accounts = static_cast<std::size_t>(state.range(0));
  Monitor monitor = NewMonitor(64);
  Traffic traffic(accounts, PromptsOf(bench::kTexts[0], kBytes), 1);
  traffic.Rounds(monitor, 20);
  std::array<std::array<char, 8>, kBatch> names;
  std::array<Event, kBatch> events;
  std::array<Verdict, kBatch> verdicts;
  std::size_t size = 0;
  for (auto _ : state) {
    Event& event = events[size] = traffic.Next();
    std::copy(event.account.begin(), event.account.end(), names[size].begin());
    event.account = {names[size].data(), names[size].size()};
    if (++size < kBatch) continue;
    monitor.ObserveMany(events, verdicts);
    benchmark::DoNotOptimize(verdicts);
    size = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Monitor_ObserveMany)->ArgName("accounts")->Arg(1000)->Arg(10'000)->Arg(100'000);

void BM_Monitor_ObserveOneShard(benchmark::State& state) {
  RunThousand(state, NewMonitor(1), bench::kTexts[0], 512);
}
BENCHMARK(BM_Monitor_ObserveOneShard);

void BM_Monitor_ObserveWithOwnDetector(benchmark::State& state) {
  RunThousand(state, NewMonitor(64, true), bench::kTexts[0], 512);
}
BENCHMARK(BM_Monitor_ObserveWithOwnDetector);

// Threads at work on one monitor. With one account, all of them share it; with one shard, all
// accounts wait for the same lock.
void BM_Monitor_ObserveThreads(benchmark::State& state) {
  static std::unique_ptr<Monitor> monitor;
  const auto accounts = static_cast<std::size_t>(state.range(0));
  const Prompts& prompts = PromptsOf(bench::kTexts[0], 512);
  if (state.thread_index() == 0) {
    monitor = std::make_unique<Monitor>(NewMonitor(static_cast<std::uint32_t>(state.range(1))));
    Traffic(accounts, prompts, 2).Rounds(*monitor, 20);
  }
  Traffic traffic(accounts, prompts, static_cast<std::uint64_t>(state.thread_index()) + 3);
  Loop loop(state);
  for (auto _ : state) benchmark::DoNotOptimize(monitor->Observe(traffic.Next()));
  loop.Report(state.iterations() * 512);
}
BENCHMARK(BM_Monitor_ObserveThreads)
    ->ArgNames({"accounts", "shards"})
    ->Args({1, 64})
    ->Args({10'000, 1})
    ->Args({10'000, 64})
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

void BM_Floor_Load(benchmark::State& state) {
  bench::Load load(static_cast<std::size_t>(state.range(0)) << 20);
  Loop loop(state);
  for (auto _ : state) load();
  loop.Report();
}
BENCHMARK(BM_Floor_Load)->ArgName("MiB")->Arg(1)->Arg(32)->Arg(1024);

// Argument: accounts, half of them full. Bytes are of the snapshot.
Monitor HalfFull(std::size_t accounts) {
  Monitor monitor = NewMonitor(64);
  const Prompts& prompts = PromptsOf(bench::kTexts[0], 200);
  Traffic(accounts, prompts, 4).Rounds(monitor, 4);
  Traffic(accounts / 2, prompts, 4).Rounds(monitor, 20);
  return monitor;
}
void BM_Monitor_Save(benchmark::State& state) {
  const Monitor monitor = HalfFull(static_cast<std::size_t>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string saved = monitor.Save();
    bytes += saved.size();
    benchmark::DoNotOptimize(saved.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(BM_Monitor_Save)->Arg(20'000)->Unit(benchmark::kMillisecond);

void BM_Monitor_Restore(benchmark::State& state) {
  const Monitor monitor = HalfFull(static_cast<std::size_t>(state.range(0)));
  const std::string saved = monitor.Save();
  Options options;
  options.key = support::kTestKey;
  options.reference = support::SmallReference();
  options.promise = {.per_million = 50'000, .contamination = 0};
  options.max_memory_bytes = kMostMemory;
  for (auto _ : state) {
    const Result<Monitor> restored = Monitor::Restore(saved, options);
    if (!restored.ok()) state.SkipWithError(restored.status().message().c_str());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(saved.size()));
}
BENCHMARK(BM_Monitor_Restore)->Arg(20'000)->Unit(benchmark::kMillisecond);

const bool registered = (bench::RegisterTextFloors(), RegisterTexts(), RegisterAccounts(), true);

}  // namespace
}  // namespace distillwatch
