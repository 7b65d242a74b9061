// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// From text to signature, beside the floors that it is compared with in the same run: copying the
// bytes, hashing them in bulk, folding them as ASCII.
//
// One item is a prompt, or an element for the kernels. Every loop goes round many different
// prompts, so that the processor cannot learn one by heart.

#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "distillwatch/minhash.h"
#include "distillwatch/shingler.h"
#include "simd/kernels.h"
#include "support/random_inputs.h"
#include "text/key.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::size_t kPrompts = 64;  // a power of 2
constexpr std::string_view kSecret = "a key for measuring, not for use";

using Prompts = std::vector<std::string>;

struct Kind {
  const char* name;
  std::string (*make)(std::size_t bytes, Random& random);
};
constexpr std::array<Kind, 3> kKinds = {{{"english", support::EnglishLike},
                                         {"code", support::CodeLike},
                                         {"unspaced", support::UnspacedText}}};
constexpr std::array<std::size_t, 4> kSizes = {64, 512, 2048, 16384};

Prompts Make(const Kind& kind, std::size_t bytes) {
  Random random(bytes);
  Prompts prompts;
  for (std::size_t i = 0; i < kPrompts; ++i) prompts.push_back(kind.make(bytes, random));
  return prompts;
}

// Runs work(prompt) over the prompts and reports prompts and bytes a second.
template <typename Work>
void Measure(benchmark::State& state, const Prompts& prompts, Work&& work) {
  std::size_t i = 0;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const std::string& prompt = prompts[i++ % kPrompts];
    work(prompt);
    bytes += static_cast<std::int64_t>(prompt.size());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(bytes);
}

void Memcpy(benchmark::State& state, const Prompts& prompts) {
  std::vector<char> to(1 << 16);
  Measure(state, prompts, [&](const std::string& prompt) {
    std::memcpy(to.data(), prompt.data(), prompt.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  });
}

void Xxh3(benchmark::State& state, const Prompts& prompts) {
  const text::Key key = *text::Key::FromSecret(kSecret);
  Measure(state, prompts,
          [&](const std::string& prompt) { benchmark::DoNotOptimize(key.Hash(prompt)); });
}

void FoldAscii(benchmark::State& state, const Prompts& prompts) {
  std::vector<char> folded(1 << 16);
  std::vector<std::uint64_t> words(1 << 10);
  Measure(state, prompts, [&](const std::string& prompt) {
    benchmark::DoNotOptimize(
        simd::Active().fold_ascii(prompt.data(), prompt.size(), folded.data(), words.data()));
    benchmark::ClobberMemory();
  });
}

void Extract(benchmark::State& state, const Prompts& prompts) {
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  double units = 0, shingles = 0;
  Measure(state, prompts, [&](const std::string& prompt) {
    const TextFeatures text = shingler.Extract(prompt, scratch);
    benchmark::DoNotOptimize(text.shingles.data());
    benchmark::DoNotOptimize(text.terms.data());
    units += text.units, shingles += static_cast<double>(text.shingles.size());
  });
  state.counters["units"] = benchmark::Counter(units, benchmark::Counter::kAvgIterations);
}

template <std::size_t kSlots>
void ExtractAndSign(benchmark::State& state, const Prompts& prompts) {
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  Measure(state, prompts, [&](const std::string& prompt) {
    BasicMinHash<kSlots> signature;
    signature.Update(shingler.Extract(prompt, scratch).shingles);
    benchmark::DoNotOptimize(signature);
  });
}

void HashPrefix(benchmark::State& state, const Prompts& prompts) {
  const Shingler shingler = *Shingler::Create(kSecret);
  Measure(state, prompts, [&](const std::string& prompt) {
    benchmark::DoNotOptimize(shingler.HashPrefix(prompt, prompt.size()));
  });
}

// The kernels of one target on n elements.
void Kernel(benchmark::State& state, const simd::Kernels& kernels, std::string_view name,
            std::size_t n) {
  Random random(n);
  std::vector<std::vector<std::uint64_t>> hashes;
  for (std::size_t i = 0; i < kPrompts; ++i) hashes.push_back(support::RandomHashes(n, random));
  std::vector<std::uint64_t> out(n);
  std::vector<std::uint16_t> a(n), b(n);
  std::vector<std::uint32_t> x(n), y(n), slots(128, 0xffffffff);
  std::array<std::int16_t, 32> votes{};
  std::size_t i = 0;
  for (auto _ : state) {
    const std::vector<std::uint64_t>& in = hashes[i++ % kPrompts];
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
    } else if (name == "min_into") {
      kernels.min_into(x.data(), y.data(), n);
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
    void (*run)(benchmark::State&, const Prompts&);
  };
  constexpr std::array<Operation, 7> kOperations = {
      {{"BM_Floor_Memcpy", Memcpy},
       {"BM_Floor_Xxh3", Xxh3},
       {"BM_Floor_FoldAscii", FoldAscii},
       {"BM_Shingler_HashPrefix", HashPrefix},
       {"BM_Shingler_Extract", Extract},
       {"BM_Shingler_ExtractAndSign64", ExtractAndSign<64>},
       {"BM_Shingler_ExtractAndSign128", ExtractAndSign<128>}}};
  for (const Kind& kind : kKinds) {
    for (const std::size_t bytes : kSizes) {
      const auto prompts = std::make_shared<Prompts>(Make(kind, bytes));
      for (const Operation& operation : kOperations) {
        // What does not look at the text is measured on one kind.
        if (std::string_view(operation.name).starts_with("BM_Floor") && kind.name != kKinds[0].name)
          continue;
        const std::string name =
            std::string(operation.name) + "/" + kind.name + "/" + std::to_string(bytes);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [run = operation.run, prompts](benchmark::State& state) { run(state, *prompts); });
      }
    }
  }
}

void RegisterKernels() {
  for (const char* kernel : {"bin_min", "multiply_min", "multiply_min_each", "mix", "mix_triples",
                             "count_equal", "min_into", "vote"}) {
    for (const simd::Kernels* target : simd::Available()) {
      for (const std::size_t n : {64, 340}) {
        const std::string name =
            std::string("BM_Kernels_") + kernel + "/" + target->name + "/" + std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(), Kernel, std::cref(*target), kernel, n);
      }
    }
  }
}

const bool registered = (RegisterText(), RegisterKernels(), true);

}  // namespace
}  // namespace distillwatch
