// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What each detector costs a request (Update) and a look (Measure), what it costs to read a request
// and to score a look, beside their floors: to copy the detector's state, and those of its text
// (floors.h). One item is a request or a look.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "distillwatch/coverage.h"
#include "distillwatch/observation.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"
#include "floors.h"
#include "support/observations.h"
#include "support/references.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::size_t kRequests = 4096;  // a power of 2: more than a processor learns by heart

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
void BM_Detector_Update(benchmark::State& state) {
  auto stream = Stream();
  const D detector;
  const auto life = stream.back().observation.time - support::kStart + std::chrono::hours(1);
  typename D::State grown;
  std::size_t i = 0;
  bench::Loop loop(state);
  for (auto _ : state) {
    Observation& seen = stream[i++ % kRequests].observation;
    detector.Update(seen, grown);
    benchmark::DoNotOptimize(grown);
    seen.time += life;  // when it comes round again, it is later
  }
  loop.Report();
}
BENCHMARK(BM_Detector_Update<SimilarityDetector>);
BENCHMARK(BM_Detector_Update<CoverageDetector>);
BENCHMARK(BM_Detector_Update<RateShapeDetector>);

template <typename D>
void BM_Detector_Measure(benchmark::State& state) {
  const D detector;
  const typename D::State grown = Grown(detector, Stream());
  bench::Loop loop(state);
  for (auto _ : state) benchmark::DoNotOptimize(detector.Measure(grown));
  loop.Report();
}
BENCHMARK(BM_Detector_Measure<SimilarityDetector>);
BENCHMARK(BM_Detector_Measure<CoverageDetector>);
BENCHMARK(BM_Detector_Measure<RateShapeDetector>);

// The score of a look, by as many trees as `reference` fits; of looks that nobody learns by heart.
void BM_Model_Score(benchmark::State& state) {
  constexpr std::size_t kFeatures = 64, kTrees = 400, kSplits = 15;
  Random random(2);
  const score::Model model = support::RandomModel(kFeatures, kTrees, kSplits, random);
  std::vector<std::uint8_t> bins(kRequests + kFeatures);
  for (std::uint8_t& b : bins) b = static_cast<std::uint8_t>(random.Below(score::kBinsAndUnknown));
  std::size_t i = 0;
  bench::Loop loop(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(model.Score(0, {&bins[i++ * 61 % kRequests], kFeatures}));
  loop.Report();
}
BENCHMARK(BM_Model_Score);

// The floor of an update: the state from memory that the processor has not at hand, and back.
template <typename D>
void BM_Floor_CopyState(benchmark::State& state) {
  std::vector<typename D::State> states(1024, Grown(D(), Stream()));
  typename D::State copy;
  std::size_t i = 0;
  bench::Loop loop(state);
  for (auto _ : state) {
    auto& other = states[i++ * 389 % states.size()];
    std::memcpy(static_cast<void*>(&copy), &other, sizeof(copy));
    benchmark::DoNotOptimize(copy);
    std::memcpy(static_cast<void*>(&other), &copy, sizeof(copy));
    benchmark::DoNotOptimize(other);
  }
  loop.Report(state.iterations() * static_cast<std::int64_t>(2 * sizeof(copy)));
}
BENCHMARK(BM_Floor_CopyState<SimilarityDetector>);
BENCHMARK(BM_Floor_CopyState<CoverageDetector>);
BENCHMARK(BM_Floor_CopyState<RateShapeDetector>);

// The range is the size of the prompt in bytes; x_floor is in multiples of copying, hashing and
// folding it.
void BM_Observation_Read(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const Shingler shingler = *Shingler::Create("sixteen bytes ok");
  TextScratch scratch(shingler.max_prompt_bytes());
  Event event;
  event.time = support::kStart;
  event.model = "a-model";
  bench::RunOnText(state, bench::PromptsOf(bench::kTexts[0], bytes), bench::TextFloorNs(bytes),
                   [&](const std::string& prompt) {
                     event.prompt = prompt;
                     benchmark::DoNotOptimize(Read(event, shingler, scratch));
                   });
}
BENCHMARK(BM_Observation_Read)->Arg(64)->Arg(512)->Arg(2048)->Arg(16384);

}  // namespace
}  // namespace distillwatch
