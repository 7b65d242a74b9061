// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Random: a seeded stream whose draws are the same on every platform (the standard library's
// distributions are not).
// Tested by  tests/simulate/random_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_RANDOM_H_
#define DISTILLWATCH_SRC_SIMULATE_RANDOM_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <span>
#include <vector>

#include "text/key.h"

namespace distillwatch::simulate {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(text::Mix(seed + 0x9e3779b97f4a7c15ULL)) {}

  // A stream of its own for part `name` of this one: parts do not disturb each other's draws.
  Random Fork(std::uint64_t name) { return Random(Bits() ^ text::Mix(name)); }

  std::uint64_t Bits() { return text::Mix(state_ += 0x9e3779b97f4a7c15ULL); }
  double Uniform() { return (static_cast<double>(Bits() >> 11) + 0.5) * 0x1p-53; }  // in (0, 1)
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  double LogUniform(double low, double high) {
    return std::exp(Uniform(std::log(low), std::log(high)));
  }
  // In [0, n); n > 0.
  std::size_t Below(std::size_t n) {
    return static_cast<std::size_t>(Uniform() * static_cast<double>(n));
  }
  bool Chance(double p) { return Uniform() < p; }
  double Exponential(double mean) { return -mean * std::log(Uniform()); }
  double Normal(double mean, double deviation) {
    const double r = std::sqrt(-2 * std::log(Uniform()));
    return mean + deviation * r * std::cos(2 * std::numbers::pi * Uniform());
  }
  double LogNormal(double median, double sigma) { return median * std::exp(Normal(0, sigma)); }

  // Marsaglia and Tsang 2000; shape > 0.
  double Gamma(double shape, double mean) {
    if (shape < 1) {  // one draw a statement: the order of operands is the compiler's own
      const double larger = Gamma(shape + 1, mean * (shape + 1) / shape);
      return larger * std::pow(Uniform(), 1 / shape);
    }
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    while (true) {
      const double x = Normal(0, 1), v = std::pow(1 + c * x, 3);
      if (v > 0 && std::log(Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
        return d * v * mean / shape;
      }
    }
  }

  // Rank in [0, n) with probability about proportional to 1 / (rank + 1).
  std::size_t Zipf(std::size_t n) { return Zipf(n, std::log(static_cast<double>(n) + 1)); }
  // The same, where the logarithm of n + 1 is at hand.
  std::size_t Zipf(std::size_t n, double log_n1) {
    const double rank = std::exp(Uniform() * log_n1) - 1;
    return rank >= static_cast<double>(n) ? n - 1 : static_cast<std::size_t>(rank);
  }

  template <typename T>
  const T& Choose(std::span<const T> from) {
    return from[Below(from.size())];
  }
  template <typename T>
  const T& Choose(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  template <typename T>
  T Choose(std::initializer_list<T> from) {
    return from.begin()[Below(from.size())];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_RANDOM_H_
