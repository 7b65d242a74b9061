// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What each detector costs a request (Update) and a look (Measure), and what it costs to read a
// request, beside their floors: to copy the detector's state, and to hash the text in bulk. One
// item is a request or a look.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "distillwatch/coverage.h"
#include "distillwatch/observation.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"
#include "support/observations.h"
#include "support/random_inputs.h"
#include "wire/xxh3.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::size_t kRequests = 4096;  // a power of 2: more than a processor learns by heart
constexpr std::size_t kPrompts = 64;

// The stream of a customer who varies a few frames, with as many terms as the shingler gives.
std::vector<support::Seen> Stream() {
  Random random(1);
  auto stream = support::RandomStream(
      {.requests = kRequests, .median_gap_s = 300, .empty_share = 0, .vocabulary = 400}, random);
  for (support::Seen& seen : stream) seen.Get();
  return stream;
}

template <typename D>
typename D::State Grown(const D& detector, const std::vector<support::Seen>& stream) {
  typename D::State state;
  for (const support::Seen& seen : stream) detector.Update(seen.observation, state);
  return state;
}

template <typename D>
void BM_Detector_Update(benchmark::State& bench) {
  auto stream = Stream();
  const D detector;
  const auto life = stream.back().observation.time - support::kStart + std::chrono::hours(1);
  typename D::State state;
  std::size_t i = 0;
  for (auto _ : bench) {
    Observation& seen = stream[i++ % kRequests].observation;
    detector.Update(seen, state);
    benchmark::DoNotOptimize(state);
    seen.time += life;  // when it comes round again, it is later
  }
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(BM_Detector_Update<SimilarityDetector>);
BENCHMARK(BM_Detector_Update<CoverageDetector>);
BENCHMARK(BM_Detector_Update<RateShapeDetector>);

template <typename D>
void BM_Detector_Measure(benchmark::State& bench) {
  const D detector;
  const typename D::State state = Grown(detector, Stream());
  for (auto _ : bench) benchmark::DoNotOptimize(detector.Measure(state));
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(BM_Detector_Measure<SimilarityDetector>);
BENCHMARK(BM_Detector_Measure<CoverageDetector>);
BENCHMARK(BM_Detector_Measure<RateShapeDetector>);

// The floor of an update: the state from memory that the processor has not at hand, and back.
template <typename D>
void BM_Floor_CopyState(benchmark::State& bench) {
  std::vector<typename D::State> states(1024, Grown(D(), Stream()));
  typename D::State state;
  std::size_t i = 0;
  for (auto _ : bench) {
    auto& other = states[i++ * 389 % states.size()];
    std::memcpy(static_cast<void*>(&state), &other, sizeof(state));
    benchmark::DoNotOptimize(state);
    std::memcpy(static_cast<void*>(&other), &state, sizeof(state));
    benchmark::DoNotOptimize(other);
  }
  bench.SetItemsProcessed(bench.iterations());
  bench.SetBytesProcessed(bench.iterations() * static_cast<std::int64_t>(2 * sizeof(state)));
}
BENCHMARK(BM_Floor_CopyState<SimilarityDetector>);
BENCHMARK(BM_Floor_CopyState<CoverageDetector>);
BENCHMARK(BM_Floor_CopyState<RateShapeDetector>);

std::vector<std::string> Prompts(std::size_t bytes) {
  Random random(2);
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < kPrompts; ++i) {
    prompts.push_back(support::EnglishLike(bytes, random));
  }
  return prompts;
}

// The range is the size of the prompt in bytes.
void BM_Observation_Read(benchmark::State& bench) {
  const auto prompts = Prompts(static_cast<std::size_t>(bench.range(0)));
  const Shingler shingler = *Shingler::Create("sixteen bytes ok");
  TextScratch scratch(shingler.max_prompt_bytes());
  Event event;
  event.time = support::kStart;
  event.model = "a-model";
  std::size_t i = 0;
  for (auto _ : bench) {
    event.prompt = prompts[i++ % kPrompts];
    benchmark::DoNotOptimize(Read(event, shingler, scratch));
  }
  bench.SetItemsProcessed(bench.iterations());
  bench.SetBytesProcessed(bench.iterations() * bench.range(0));
}
BENCHMARK(BM_Observation_Read)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);

// The floor of reading: one pass over the same text.
void BM_Floor_HashText(benchmark::State& bench) {
  const auto prompts = Prompts(static_cast<std::size_t>(bench.range(0)));
  std::size_t i = 0;
  for (auto _ : bench) {
    const std::string& prompt = prompts[i++ % kPrompts];
    benchmark::DoNotOptimize(XXH3_64bits(prompt.data(), prompt.size()));
  }
  bench.SetItemsProcessed(bench.iterations());
  bench.SetBytesProcessed(bench.iterations() * bench.range(0));
}
BENCHMARK(BM_Floor_HashText)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);

}  // namespace
}  // namespace distillwatch
