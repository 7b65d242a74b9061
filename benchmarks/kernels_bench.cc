// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// From text to signature, in multiples of its floors in the same run (floors.h), and the kernels of
// every target. One item is a prompt, or an element for the kernels.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "distillwatch/minhash.h"
#include "distillwatch/shingler.h"
#include "floors.h"
#include "simd/kernels.h"

namespace distillwatch {
namespace {

using bench::Prompts;
using bench::RunOnText;
using support::Random;

constexpr std::string_view kSecret = "a key for measuring, not for use";
constexpr std::size_t kInputs = 64;        // of a kernel
constexpr std::size_t kMostBytes = 65536;  // of a prompt that the shingler reads

void Extract(benchmark::State& state, const Prompts& prompts, double floor_ns) {
  const Shingler shingler = *Shingler::Create(kSecret, kMostBytes);
  TextScratch scratch(shingler.max_prompt_bytes());
  double units = 0;
  RunOnText(state, prompts, floor_ns, [&](const std::string& prompt) {
    const TextFeatures text = shingler.Extract(prompt, scratch);
    benchmark::DoNotOptimize(text.shingles.data());
    benchmark::DoNotOptimize(text.terms.data());
    units += text.units;
  });
  state.counters["units"] = benchmark::Counter(units, benchmark::Counter::kAvgIterations);
}

template <std::size_t kSlots>
void ExtractAndSign(benchmark::State& state, const Prompts& prompts, double floor_ns) {
  const Shingler shingler = *Shingler::Create(kSecret, kMostBytes);
  TextScratch scratch(shingler.max_prompt_bytes());
  RunOnText(state, prompts, floor_ns, [&](const std::string& prompt) {
    BasicMinHash<kSlots> signature;
    signature.Update(shingler.Extract(prompt, scratch).shingles);
    benchmark::DoNotOptimize(signature);
  });
}

void HashPrefix(benchmark::State& state, const Prompts& prompts, double) {
  const Shingler shingler = *Shingler::Create(kSecret, kMostBytes);
  RunOnText(state, prompts, 0, [&](const std::string& prompt) {
    benchmark::DoNotOptimize(shingler.HashPrefix(prompt, prompt.size()));
  });
}

// The kernels of one target on n elements.
void Kernel(benchmark::State& state, const simd::Kernels& kernels, std::string_view name,
            std::size_t n) {
  Random random(n);
  std::vector<std::vector<std::uint64_t>> hashes;
  for (std::size_t i = 0; i < kInputs; ++i) {
    hashes.push_back(support::RandomHashes(n, random));
  }
  std::vector<std::uint64_t> out(n + simd::kKeepRoom);
  std::vector<std::uint16_t> a(n), b(n), edges(n + simd::kEdgesRoom), signatures(64 * (n + 1));
  std::vector<unsigned char> sets(11 * 64);
  std::vector<std::uint32_t> x(n), y(n), slots(128, 0xffffffff);
  std::array<std::int16_t, 32> votes{};
  std::size_t i = 0;
  for (auto _ : state) {
    const std::vector<std::uint64_t>& in = hashes[i++ % kInputs];
    if (name == "bin_min") {
      kernels.bin_min(in.data(), n, slots.data(), 7, 0);
    } else if (name == "multiply_min") {
      benchmark::DoNotOptimize(kernels.multiply_min(in.data(), n, in[0] | 1));
    } else if (name == "multiply_min_each") {
      kernels.multiply_min_each(in.data(), n, in.data(), 64, slots.data());
    } else if (name == "mix") {
      kernels.mix(in.data(), n, out.data());
    } else if (name == "mix_triples") {
      kernels.mix_triples(in.data(), n, out.data());
    } else if (name == "count_equal") {
      benchmark::DoNotOptimize(kernels.count_equal(a.data(), b.data(), n));
    } else if (name == "count_equal_each") {
      kernels.count_equal_each(signatures.data(), signatures.data() + 64, n, x.data());
    } else if (name == "min_into") {
      kernels.min_into(x.data(), y.data(), n);
    } else if (name == "word_edges") {
      benchmark::DoNotOptimize(kernels.word_edges(in.data(), n, edges.data()));
    } else if (name == "keep_zero") {
      benchmark::DoNotOptimize(kernels.keep_zero(in.data(), n, 2, out.data()));
    } else if (name == "count_terms") {
      kernels.count_terms(sets.data(), 11, in.data(), n, x.data());
    } else {
      kernels.vote(in.data(), n, votes.data());
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

void RegisterText() {
  struct Operation {
    const char* name;
    void (*run)(benchmark::State&, const Prompts&, double floor_ns);
  };
  constexpr std::array<Operation, 4> kOperations = {
      {{"BM_Shingler_HashPrefix", HashPrefix},
       {"BM_Shingler_Extract", Extract},
       {"BM_Shingler_ExtractAndSign64", ExtractAndSign<64>},
       {"BM_Shingler_ExtractAndSign128", ExtractAndSign<128>}}};
  for (const bench::Text& text : bench::kTexts) {
    for (const std::size_t bytes : bench::kTextBytes) {
      for (const Operation& operation : kOperations) {
        const std::string name =
            std::string(operation.name) + "/" + text.name + "/" + std::to_string(bytes);
        benchmark::RegisterBenchmark(
            name.c_str(), [run = operation.run, &text, bytes](benchmark::State& state) {
              // Of a text that is too long, head and tail are read.
              const double floor_ns = bench::TextFloorNs(std::min(bytes, kMostBytes));
              run(state, bench::PromptsOf(text, bytes), floor_ns);
            });
      }
    }
  }
}

void RegisterKernels() {
  for (const char* kernel :
       {"bin_min", "multiply_min", "multiply_min_each", "mix", "mix_triples", "count_equal",
        "count_equal_each", "min_into", "word_edges", "keep_zero", "count_terms", "vote"}) {
    for (const simd::Kernels* target : simd::Available()) {
      for (const std::size_t n : {64, 340}) {
        const std::string name =
            std::string("BM_Kernels_") + kernel + "/" + target->name + "/" + std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(), Kernel, std::cref(*target), kernel, n);
      }
    }
  }
}

const bool registered = (bench::RegisterTextFloors(), RegisterText(), RegisterKernels(), true);

}  // namespace
}  // namespace distillwatch
