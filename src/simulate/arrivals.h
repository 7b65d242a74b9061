// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Arrivals: when people, services and harvesters ask. Every function returns sorted times, in
// seconds.
//
// Tested by  tests/simulate/arrivals_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_ARRIVALS_H_
#define DISTILLWATCH_SRC_SIMULATE_ARRIVALS_H_

#include <cstddef>
#include <vector>

#include "simulate/random.h"

namespace distillwatch::simulate {

inline constexpr double kHour_s = 3600, kDay_s = 86400;

struct Window {
  double first_s = 0, last_s = 0;
  double days() const { return (last_s - first_s) / kDay_s; }
};

using Times = std::vector<double>;

// Sessions in one's waking hours; fewer at week-ends. May return fewer than n.
Times Person(std::size_t n, Window window, Random& random);

// Many people behind one key.
Times Crowd(std::size_t n, Window window, Random& random);

// A product's traffic: Poisson with a rhythm of the day and bursts.
Times Service(std::size_t n, Window window, Random& random);

// A job at about the same hour each day, at a machine's pace.
Times Nightly(std::size_t n, Window window, Random& random);

// A scheduler's job: at the same minute of every so many hours, a few requests within seconds.
Times Hourly(std::size_t n, Window window, Random& random);

// How a worker process asks.
struct Pace {
  double jitter = 0.3;          // coefficient of variation of its gaps: 0 a metronome, 1 Poisson
  std::size_t concurrency = 1;  // so many at once, then a wait
  double duty = 1;              // share of each day in which it runs
  double stall = 0;             // chance of a long pause before a request
};
Pace AnyPace(Random& random);
Times Worker(std::size_t n, Window window, const Pace& pace, Random& random);

// A product's key: one of Service, Nightly, Worker and Crowd.
Times Machine(std::size_t n, Window window, Random& random);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_ARRIVALS_H_
