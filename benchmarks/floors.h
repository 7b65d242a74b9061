// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Floors: what no text -> signature and no lookup of an account can be faster than, measured where
// it is asked for: in the same run.
//
// Copy       memcpy of the prompt
// Hash       XXH3 of the prompt in bulk
// Fold       to lower case, and which bytes are of words: the kernel that all ASCII goes through
// Load       a load that waits for the one before it, anywhere in a table as large as all accounts

#ifndef DISTILLWATCH_BENCHMARKS_FLOORS_H_
#define DISTILLWATCH_BENCHMARKS_FLOORS_H_

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "loop.h"
#include "simd/kernels.h"
#include "support/random_inputs.h"
#include "wire/xxh3.h"

namespace distillwatch::bench {

using support::Random;

struct Text {
  const char* name;
  std::string (*make)(std::size_t bytes, Random& random);
};
inline constexpr std::array<Text, 3> kTexts = {{{"english", support::EnglishLike},
                                                {"code", support::CodeLike},
                                                {"chinese", support::UnspacedText}}};
inline constexpr std::array<std::size_t, 5> kTextBytes = {64, 512, 2048, 16384, 131072};

using Prompts = std::vector<std::string>;

// As many as it takes until no processor has their branches by heart: with 64 prompts of 512 B,
// reading one takes half as long as with 1024. A power of 2.
inline std::size_t PromptCount(std::size_t bytes) {
  return std::clamp<std::size_t>(std::bit_floor((std::size_t{2} << 20) / bytes), 64, 4096);
}

// PromptCount(bytes) different ones; made when first asked for, then kept. Thread-safe.
inline const Prompts& PromptsOf(const Text& text, std::size_t bytes) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  static std::map<std::pair<std::string, std::size_t>, Prompts> made;
  Prompts& prompts = made[{text.name, bytes}];
  if (prompts.empty()) {
    Random random(bytes);
    for (std::size_t i = 0; i < PromptCount(bytes); ++i) {
      prompts.push_back(text.make(bytes, random));
    }
  }
  return prompts;
}

struct Copy {
  std::vector<char> to = std::vector<char>(kTextBytes.back());
  void operator()(const std::string& prompt) {
    std::memcpy(to.data(), prompt.data(), prompt.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
};

struct Hash {
  void operator()(const std::string& prompt) {
    benchmark::DoNotOptimize(XXH3_64bits(prompt.data(), prompt.size()));
  }
};

struct Fold {
  std::vector<char> folded = std::vector<char>(kTextBytes.back());
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(kTextBytes.back() / 64);
  void operator()(const std::string& prompt) {
    benchmark::DoNotOptimize(
        simd::Active().fold_ascii(prompt.data(), prompt.size(), folded.data(), words.data()));
    benchmark::ClobberMemory();
  }
};

// A chase through all lines of a table, in random order.
class Load {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // more takes long to make
  explicit Load(std::size_t bytes)
      : lines_(std::clamp<std::size_t>(bytes, 1 << 12, kMostBytes) / sizeof(Line)) {
    std::vector<std::uint32_t> order(lines_.size());
    std::iota(order.begin(), order.end(), 0u);
    Random random(1);
    for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.Below(i)]);
    for (std::size_t i = 0; i < order.size(); ++i) lines_[i].next = order[i];
  }
  void operator()() {
    at_ = lines_[at_].next;
    benchmark::DoNotOptimize(at_);
  }

 private:
  struct alignas(64) Line {
    std::uint32_t next = 0;
  };
  std::vector<Line> lines_;
  std::uint32_t at_ = 0;
};

// Of work(0) to work(inputs - 1), on average: the least of five measurements of some ms each.
template <typename Work>
double LeastNs(std::size_t inputs, Work&& work) {
  double least = 1e300;
  for (int measurement = 0; measurement < 5; ++measurement) {
    const double begin = ThreadNs();
    double taken = 0;
    std::size_t n = 0;
    for (; taken < 4e6; taken = ThreadNs() - begin) {
      for (std::size_t i = 0; i < inputs; ++i) work(i);
      n += inputs;
    }
    least = std::min(least, taken / static_cast<double>(n));
  }
  return least;
}

// One pass of each over a text of that size: copied, hashed and folded. Of ASCII, whatever the
// text: what other scripts cost on top is ours.
inline double TextFloorNs(std::size_t bytes) {
  static std::map<std::size_t, double> found;
  double& ns = found[bytes];
  if (ns == 0) {
    const Prompts& prompts = PromptsOf(kTexts[0], bytes);
    Copy copy;
    Hash hash;
    Fold fold;
    ns = LeastNs(prompts.size(), [&](std::size_t i) { copy(prompts[i]); }) +
         LeastNs(prompts.size(), [&](std::size_t i) { hash(prompts[i]); }) +
         LeastNs(prompts.size(), [&](std::size_t i) { fold(prompts[i]); });
  }
  return ns;
}

inline double LoadFloorNs(std::size_t table_bytes) {
  static std::map<std::size_t, double> found;
  double& ns = found[table_bytes];
  if (ns == 0) {
    Load load(table_bytes);
    ns = LeastNs(1024, [&](std::size_t) { load(); });
  }
  return ns;
}

// Runs work(prompt) round the prompts. floor_ns: what an iteration costs at least; 0: not known.
template <typename Work>
void RunOnText(benchmark::State& state, const Prompts& prompts, double floor_ns, Work&& work) {
  std::size_t i = 0;
  std::int64_t bytes = 0;
  Loop loop(state);
  for (auto _ : state) {
    const std::string& prompt = prompts[i++ % prompts.size()];
    work(prompt);
    bytes += static_cast<std::int64_t>(prompt.size());
  }
  loop.Report(bytes, floor_ns);
}

// BM_Floor_<name>/<bytes>, over English.
template <typename Work>
void RegisterFloor(const std::string& name) {
  for (const std::size_t bytes : kTextBytes) {
    benchmark::RegisterBenchmark(("BM_Floor_" + name + "/" + std::to_string(bytes)).c_str(),
                                 [bytes](benchmark::State& state) {
                                   RunOnText(state, PromptsOf(kTexts[0], bytes), 0, Work());
                                 });
  }
}

inline void RegisterTextFloors() {
  RegisterFloor<Copy>("Copy");
  RegisterFloor<Hash>("Hash");
  RegisterFloor<Fold>("Fold");
}

}  // namespace distillwatch::bench

#endif  // DISTILLWATCH_BENCHMARKS_FLOORS_H_
