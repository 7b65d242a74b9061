// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Loop: what every hot loop reports beside its time.
//
//   Loop loop(state);                  the last line before the loop
//   for (auto _ : state) ...
//   loop.Report(bytes, floor_ns);      the first one behind it

#ifndef DISTILLWATCH_BENCHMARKS_LOOP_H_
#define DISTILLWATCH_BENCHMARKS_LOOP_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <ctime>

#include "support/alloc_guard.h"

namespace distillwatch::bench {

// CPU time of this thread.
inline double ThreadNs() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

class Loop {
 public:
  explicit Loop(benchmark::State& state) : state_(state), begin_ns_(ThreadNs()) {}

  // One item is an iteration. bytes: of all iterations; 0: not of text.
  // floor_ns: what an iteration costs at least; 0: not known. x_floor is the time in multiples of
  // it.
  void Report(std::int64_t bytes = 0, double floor_ns = 0) {
    const double taken_ns = ThreadNs() - begin_ns_;
    const auto iterations = static_cast<double>(state_.iterations());
    state_.counters["allocs"] = benchmark::Counter(static_cast<double>(allocations_.count()),
                                                   benchmark::Counter::kAvgIterations);
    state_.SetItemsProcessed(state_.iterations());
    if (bytes > 0) state_.SetBytesProcessed(bytes);
    if (floor_ns > 0) {
      state_.counters["x_floor"] =
          benchmark::Counter(taken_ns / iterations / floor_ns, benchmark::Counter::kAvgThreads);
    }
  }

 private:
  benchmark::State& state_;
  support::AllocGuard allocations_;
  double begin_ns_;
};

}  // namespace distillwatch::bench

#endif  // DISTILLWATCH_BENCHMARKS_LOOP_H_
