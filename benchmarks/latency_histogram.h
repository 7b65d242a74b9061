// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LatencyHistogram: times of single events, in bins an eighth of an octave wide. Adding costs some
// ns and allocates nothing.

#ifndef DISTILLWATCH_BENCHMARKS_LATENCY_HISTOGRAM_H_
#define DISTILLWATCH_BENCHMARKS_LATENCY_HISTOGRAM_H_

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace distillwatch::bench {

class LatencyHistogram {
 public:
  void Add(std::chrono::steady_clock::duration time) {
    const auto ns = static_cast<std::uint64_t>(time.count()) | 1;
    const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - 1;
    const std::size_t eighth = octave < 3 ? 0 : (ns >> (octave - 3)) & 7;
    ++bins_[std::min(octave * 8 + eighth, bins_.size() - 1)];
    ++events_;
  }
  // The upper edge of the bin, in ns.
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
  void Report(benchmark::State& state) const {
    state.counters["p50_ns"] = Quantile(0.5);
    state.counters["p99_ns"] = Quantile(0.99);
    state.counters["p99.9_ns"] = Quantile(0.999);
  }

 private:
  std::array<std::uint64_t, 400> bins_{};
  std::uint64_t events_ = 0;
};

}  // namespace distillwatch::bench

#endif  // DISTILLWATCH_BENCHMARKS_LATENCY_HISTOGRAM_H_
