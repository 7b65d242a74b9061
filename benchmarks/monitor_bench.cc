// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What a request costs in a whole monitor, by its size and by the number of accounts, beside its
// floors in the same run: copying the prompt, hashing it in bulk, and reading its text. One item is
// one event. p50, p99 and p99.9 are of single events, in ns, by a histogram of its own.

#include <benchmark/benchmark.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "distillwatch/monitor.h"
#include "support/random_inputs.h"
#include "support/traffic.h"
#include "wire/xxh3.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::size_t kPrompts = 256;  // different ones, a power of two

// Times of single events, in bins an eighth of an octave wide.
class LatencyHistogram {
 public:
  void Add(std::chrono::steady_clock::duration time) {
    const auto ns = static_cast<std::uint64_t>(time.count()) | 1;
    const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - 1;
    const std::size_t eighth = octave < 3 ? 0 : (ns >> (octave - 3)) & 7;
    ++bins_[std::min(octave * 8 + eighth, bins_.size() - 1)];
    ++events_;
  }
  // The upper edge of the bin.
  double Quantile(double q) const {
    std::uint64_t below = 0;
    for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
      below += bins_[bin];
      if (static_cast<double>(below) >= q * static_cast<double>(events_)) {
        return std::exp2(static_cast<double>(bin / 8)) * (1 + static_cast<double>(bin % 8 + 1) / 8);
      }
    }
    return 0;
  }

 private:
  std::array<std::uint64_t, 400> bins_{};
  std::uint64_t events_ = 0;
};

std::vector<std::string> Prompts(std::size_t bytes) {
  Random random(1);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kPrompts; ++i) out.push_back(support::EnglishLike(bytes, random));
  return out;
}

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
  options.max_memory_bytes = std::size_t{8} << 30;
  return *Monitor::Create(options);
}

// Events of accounts drawn evenly, each with 20 requests before the clock starts.
class Traffic {
 public:
  Traffic(std::size_t accounts, std::size_t bytes, std::uint64_t seed)
      : accounts_(accounts), prompts_(Prompts(bytes)), random_(seed) {}

  Event Next() {
    account_ = random_.Bits() % accounts_;
    now_ += std::chrono::microseconds(86'400'000'000 / 50 / static_cast<std::int64_t>(accounts_));
    return {.account = {reinterpret_cast<const char*>(&account_), sizeof(account_)},
            .time = now_,
            .prompt = prompts_[random_.Bits() % kPrompts]};
  }
  void Warm(Monitor& monitor, int requests) {
    for (int i = 0; i < requests; ++i) {
      for (account_ = 0; account_ < accounts_; ++account_) {
        monitor.Observe(
            {.account = {reinterpret_cast<const char*>(&account_), sizeof(account_)},
             .time = now_ + std::chrono::minutes(i),
             .prompt = prompts_[(account_ * 31 + static_cast<std::size_t>(i)) % kPrompts]});
      }
    }
    now_ += std::chrono::minutes(requests);
  }
  const std::vector<std::string>& prompts() const { return prompts_; }

 private:
  std::uint64_t accounts_;
  std::vector<std::string> prompts_;
  Random random_;
  Time now_ = support::kLogStart;
  std::uint64_t account_ = 0;
};

void Count(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void Run(benchmark::State& state, Monitor& monitor, Traffic& traffic, std::size_t bytes) {
  LatencyHistogram latency;
  for (auto _ : state) {
    const Event event = traffic.Next();
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(monitor.Observe(event));
    latency.Add(std::chrono::steady_clock::now() - start);
  }
  Count(state, bytes);
  state.counters["p50_ns"] = latency.Quantile(0.5);
  state.counters["p99_ns"] = latency.Quantile(0.99);
  state.counters["p99.9_ns"] = latency.Quantile(0.999);
  const MonitorStatistics s = monitor.Statistics();
  state.counters["state_B_per_account"] =
      static_cast<double>(s.state_bytes) / static_cast<double>(s.accounts);
}

// Arguments: bytes of a prompt, accounts.
void BM_Monitor_Observe(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto accounts = static_cast<std::size_t>(state.range(1));
  Monitor monitor = NewMonitor(64);
  Traffic traffic(accounts, bytes, 1);
  traffic.Warm(monitor, accounts > 100'000 ? 1 : 20);  // a million stay in the lite tier
  Run(state, monitor, traffic, bytes);
}
BENCHMARK(BM_Monitor_Observe)
    ->ArgNames({"bytes", "accounts"})
    ->Args({64, 1000})
    ->Args({512, 1000})
    ->Args({2048, 1000})
    ->Args({16384, 1000})
    ->Args({512, 100'000})
    ->Args({2048, 100'000})
    ->Args({512, 1'000'000})
    ->Args({2048, 1'000'000});

void BM_Monitor_ObserveOneShard(benchmark::State& state) {
  Monitor monitor = NewMonitor(1);
  Traffic traffic(1000, 512, 2);
  traffic.Warm(monitor, 20);
  Run(state, monitor, traffic, 512);
}
BENCHMARK(BM_Monitor_ObserveOneShard);

void BM_Monitor_ObserveWithOwnDetector(benchmark::State& state) {
  Monitor monitor = NewMonitor(64, true);
  Traffic traffic(1000, 512, 2);
  traffic.Warm(monitor, 20);
  Run(state, monitor, traffic, 512);
}
BENCHMARK(BM_Monitor_ObserveWithOwnDetector);

// Threads at work on one monitor. Argument: accounts; 1 is a hot account that all of them share.
void BM_Monitor_ObserveThreads(benchmark::State& state) {
  static std::unique_ptr<Monitor> monitor;
  const auto accounts = static_cast<std::size_t>(state.range(0));
  if (state.thread_index() == 0) monitor = std::make_unique<Monitor>(NewMonitor(64));
  Traffic traffic(accounts, 512, static_cast<std::uint64_t>(state.thread_index()) + 3);
  for (auto _ : state) benchmark::DoNotOptimize(monitor->Observe(traffic.Next()));
  Count(state, 512);
}
BENCHMARK(BM_Monitor_ObserveThreads)
    ->ArgName("accounts")
    ->Arg(1)
    ->Arg(10'000)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

// Floors: what an event of that size costs at least.
template <typename Work>
void Floor(benchmark::State& state, Work&& work) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> prompts = Prompts(bytes);
  std::size_t i = 0;
  for (auto _ : state) work(prompts[i++ % kPrompts]);
  Count(state, bytes);
}
void BM_Floor_Copy(benchmark::State& state) {
  std::string copy(16384, '\0');
  Floor(state, [&](const std::string& prompt) {
    std::memcpy(copy.data(), prompt.data(), prompt.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  });
}
BENCHMARK(BM_Floor_Copy)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);
void BM_Floor_Xxh3(benchmark::State& state) {
  Floor(state, [&](const std::string& prompt) {
    benchmark::DoNotOptimize(XXH3_64bits(prompt.data(), prompt.size()));
  });
}
BENCHMARK(BM_Floor_Xxh3)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);
void BM_Floor_Shingler(benchmark::State& state) {
  const Shingler shingler = *Shingler::Create(support::kTestKey);
  TextScratch scratch(shingler.max_prompt_bytes());
  Floor(state, [&](const std::string& prompt) {
    benchmark::DoNotOptimize(shingler.Extract(prompt, scratch));
  });
}
BENCHMARK(BM_Floor_Shingler)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);

// Argument: accounts, half of them full. Bytes are of the snapshot.
Monitor HalfFull(std::size_t accounts) {
  Monitor monitor = NewMonitor(64);
  Traffic all(accounts, 200, 4), half(accounts / 2, 200, 4);
  all.Warm(monitor, 4);
  half.Warm(monitor, 20);
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
  options.max_memory_bytes = std::size_t{8} << 30;
  for (auto _ : state) {
    const Result<Monitor> restored = Monitor::Restore(saved, options);
    if (!restored.ok()) state.SkipWithError(restored.status().message().c_str());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(saved.size()));
}
BENCHMARK(BM_Monitor_Restore)->Arg(20'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace distillwatch
