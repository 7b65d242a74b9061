// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What each sketch costs an event, and a look. One item is an update, a comparison or a
// measurement.

#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

#include "distillwatch/coverage_cells.h"
#include "distillwatch/decay.h"
#include "distillwatch/heavy_hitters.h"
#include "distillwatch/histograms.h"
#include "distillwatch/hyperloglog.h"
#include "distillwatch/minhash.h"
#include "distillwatch/reservoir.h"
#include "loop.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::size_t kInputs = 4096;  // a power of 2: more than a processor learns by heart
constexpr std::uint64_t kKey = 42;

// Runs work(i) for i = 0, 1, ... round the inputs.
template <typename Work>
void Measure(benchmark::State& state, Work&& work) {
  std::size_t i = 0;
  bench::Loop loop(state);
  for (auto _ : state) work(i++ % kInputs);
  loop.Report();
}

template <std::size_t kSlots>
void BM_MinHash_Update(benchmark::State& state) {
  Random random(1);
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::vector<std::uint64_t>> sets;
  for (int i = 0; i < 64; ++i) sets.push_back(support::RandomHashes(n, random));
  Measure(state, [&](std::size_t i) {
    BasicMinHash<kSlots> signature;
    signature.Update(sets[i % sets.size()]);
    benchmark::DoNotOptimize(signature);
  });
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(n * sizeof(std::uint64_t)));
}
BENCHMARK(BM_MinHash_Update<64>)->Arg(8)->Arg(75)->Arg(300)->Arg(2400);
BENCHMARK(BM_MinHash_Update<128>)->Arg(8)->Arg(75)->Arg(300)->Arg(2400);

void BM_MinHash_Merge(benchmark::State& state) {
  Random random(2);
  MinHash a, b;
  a.Update(support::RandomHashes(300, random));
  b.Update(support::RandomHashes(300, random));
  Measure(state, [&](std::size_t) {
    a.Merge(b);
    benchmark::DoNotOptimize(a);
  });
}
BENCHMARK(BM_MinHash_Merge);

void BM_MinHash_Jaccard(benchmark::State& state) {
  Random random(3);
  MinHash a, b;
  a.Update(support::RandomHashes(300, random));
  b.Update(support::RandomHashes(300, random));
  Measure(state, [&](std::size_t) {
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(a.Jaccard(b));
  });
}
BENCHMARK(BM_MinHash_Jaccard);

std::vector<SlimSignature> Signatures() {
  Random random(4);
  std::vector<SlimSignature> signatures(kInputs);
  for (SlimSignature& s : signatures) {
    for (std::uint16_t& slot : s) slot = static_cast<std::uint16_t>(random.Below(8));
  }
  return signatures;
}

void BM_SignatureReservoir_Update(benchmark::State& state) {
  const auto signatures = Signatures();
  SignatureReservoir reservoir;
  Time now = Time(std::chrono::hours(480'000));
  Measure(state, [&](std::size_t i) {
    now += std::chrono::seconds(100);
    reservoir.Update(signatures[i], Priority(now, std::chrono::hours(168), i));
  });
}
BENCHMARK(BM_SignatureReservoir_Update);

void BM_SignatureReservoir_FindNearest(benchmark::State& state) {
  const auto signatures = Signatures();
  SignatureReservoir reservoir;
  for (std::size_t i = 0; i < SignatureReservoir::kCapacity; ++i)
    reservoir.Update(signatures[i], 1);
  Measure(state,
          [&](std::size_t i) { benchmark::DoNotOptimize(reservoir.FindNearest(signatures[i])); });
}
BENCHMARK(BM_SignatureReservoir_FindNearest);

void BM_SignatureReservoir_CountRecurring(benchmark::State& state) {
  const auto signatures = Signatures();
  SignatureReservoir reservoir;
  for (std::size_t i = 0; i < SignatureReservoir::kCapacity; ++i)
    reservoir.Update(signatures[i], 1);
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(reservoir.CountRecurring(3)); });
}
BENCHMARK(BM_SignatureReservoir_CountRecurring);

void BM_HeavyHitters_Update(benchmark::State& state) {
  Random random(5);
  std::vector<std::uint64_t> terms(kInputs);
  for (std::uint64_t& t : terms) t = text::Mix(random.Zipf(2000));
  HeavyHitters sketch;
  Measure(state, [&](std::size_t i) { benchmark::DoNotOptimize(sketch.Update(terms[i])); });
}
BENCHMARK(BM_HeavyHitters_Update);

// The terms of a request at once, for 200 accounts in turn: so many that nobody learns by heart
// which of them are there.
void BM_HeavyHitters_UpdateMany(benchmark::State& state) {
  constexpr std::size_t kTerms = 60, kRequests = 20'000;
  Random random(5);
  std::vector<std::uint64_t> terms(kTerms * kRequests);
  for (std::uint64_t& t : terms) t = text::Mix(random.Zipf(3000));
  std::vector<HeavyHitters> sketches(200);
  std::array<std::uint32_t, kTerms> least;
  Measure(state, [&](std::size_t i) {
    sketches[i % sketches.size()].Update({&terms[i % kRequests * kTerms], kTerms}, least);
    benchmark::DoNotOptimize(least);
  });
}
BENCHMARK(BM_HeavyHitters_UpdateMany);

// The range is how many different hashes the sketch already saw: the fewer, the more updates change
// it.
void BM_HyperLogLog_Update(benchmark::State& state) {
  Random random(6);
  BasicHyperLogLog<128> full;
  for (int i = 0; i < state.range(0); ++i) full.Update(random.Bits());
  const auto hashes = support::RandomHashes(kInputs, random);
  BasicHyperLogLog<128> sketch = full;
  Measure(state, [&](std::size_t i) {
    if (i % 64 == 0) sketch = full;
    benchmark::DoNotOptimize(sketch.Update(hashes[i]));
  });
}
BENCHMARK(BM_HyperLogLog_Update)->Arg(0)->Arg(300)->Arg(10'000);

void BM_HyperLogLog_Estimate(benchmark::State& state) {
  Random random(7);
  HyperLogLog sketch;
  for (int i = 0; i < 5000; ++i) sketch.Update(random.Bits());
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(sketch.Estimate()); });
}
BENCHMARK(BM_HyperLogLog_Estimate);

void BM_CoverageCells_Update(benchmark::State& state) {
  CoverageCells cells;
  Measure(state, [&](std::size_t i) {
    cells.Update(static_cast<std::uint8_t>(text::Mix(i)));
    benchmark::DoNotOptimize(cells);
  });
}
BENCHMARK(BM_CoverageCells_Update);

CoverageCells FullCells() {
  CoverageCells cells;
  for (std::uint64_t i = 0; i < 400; ++i) cells.Update(static_cast<std::uint8_t>(text::Mix(i)));
  return cells;
}

void BM_CoverageCells_Decay(benchmark::State& state) {
  const CoverageCells full = FullCells();
  CoverageCells cells = full;
  Measure(state, [&](std::size_t i) {
    if (i % 64 == 0) cells = full;
    cells.Decay(DecayClock::Factor(1));
    benchmark::DoNotOptimize(cells);
  });
}
BENCHMARK(BM_CoverageCells_Decay);

void BM_CoverageCells_Measure(benchmark::State& state) {
  const CoverageCells cells = FullCells();
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(cells.Measure()); });
}
BENCHMARK(BM_CoverageCells_Measure);

std::vector<std::chrono::microseconds> Gaps() {
  Random random(8);
  std::vector<std::chrono::microseconds> gaps(kInputs);
  for (auto& gap : gaps) {
    gap = std::chrono::microseconds(static_cast<std::int64_t>(random.LogNormal(60e6, 1.5)));
  }
  return gaps;
}

void BM_GapHistogram_Update(benchmark::State& state) {
  const auto gaps = Gaps();
  GapHistogram histogram;
  Measure(state, [&](std::size_t i) { histogram.Update(gaps[i]); });
  benchmark::DoNotOptimize(histogram);
}
BENCHMARK(BM_GapHistogram_Update);

void BM_GapHistogram_Measure(benchmark::State& state) {
  GapHistogram histogram;
  for (const auto gap : Gaps()) histogram.Update(gap);
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(histogram.Measure()); });
}
BENCHMARK(BM_GapHistogram_Measure);

void BM_ScaleCounts_Update(benchmark::State& state) {
  const auto gaps = Gaps();
  ScaleCounts counts;
  Time now = Time(std::chrono::hours(480'000));
  Measure(state, [&](std::size_t i) { counts.Update(now += gaps[i], std::chrono::minutes(15)); });
  benchmark::DoNotOptimize(counts);
}
BENCHMARK(BM_ScaleCounts_Update);

void BM_HourHistogram_Measure(benchmark::State& state) {
  HourHistogram histogram;
  Time now = Time(std::chrono::hours(480'000));
  for (const auto gap : Gaps()) histogram.Update(now += gap);
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(histogram.Measure()); });
}
BENCHMARK(BM_HourHistogram_Measure);

// Saving and restoring, by bytes.
template <typename Sketch>
void BM_Sketch_Parse(benchmark::State& state) {
  const std::string bytes = Sketch().Serialize(kKey);
  Measure(state, [&](std::size_t) { benchmark::DoNotOptimize(Sketch::Parse(bytes, kKey)); });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(BM_Sketch_Parse<MinHash>);
BENCHMARK(BM_Sketch_Parse<SignatureReservoir>);
BENCHMARK(BM_Sketch_Parse<CoverageCells>);

}  // namespace
}  // namespace distillwatch
