// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// DecayClock: exponential forgetting in steps that all replicas share.
//
// Weights fall by 2^(-1/8) at every tick, and ticks lie at absolute times (multiples of half_life /
// 8 since 1970). So two sketches that are at the same tick add up without rescaling, nothing is
// multiplied between ticks, and no weight overflows. Paper      G. Cormode, V. Shkapenyuk, D.
// Srivastava, B. Xu, Forward decay, ICDE 2009. Differs: in steps. Tested by
// tests/sketch/decay_test.cc

#ifndef DISTILLWATCH_DECAY_H_
#define DISTILLWATCH_DECAY_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "distillwatch/event.h"

namespace distillwatch {

using Tick = std::int32_t;

// Immutable.
class DecayClock {
 public:
  static constexpr int kTicksPerHalfLife = 8;

  // Shorter, and ticks until 2200 would not fit; longer ones are for ever.
  static constexpr std::chrono::seconds kLeastHalfLife{32};
  static constexpr std::chrono::seconds kMostHalfLife = std::chrono::hours(24 * 36525);

  // half_life: is moved into the bounds above.
  explicit constexpr DecayClock(std::chrono::seconds half_life) noexcept
      : tick_us_(std::chrono::microseconds(std::clamp(half_life, kLeastHalfLife, kMostHalfLife))
                     .count() /
                 kTicksPerHalfLife) {}

  constexpr std::chrono::seconds half_life() const noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::microseconds(tick_us_ * kTicksPerHalfLife));
  }

  // Never negative: 0 before 1970.
  constexpr Tick At(Time time) const noexcept {
    const std::int64_t tick = time.time_since_epoch().count() / tick_us_;
    return static_cast<Tick>(std::clamp<std::int64_t>(tick, 0, std::numeric_limits<Tick>::max()));
  }

  // What a weight is multiplied with after so many ticks: in (0, 1], 0 beyond 100 half-lives; 1
  // when they are not positive  [DecayClockOracle.FactorIsTheExponential].
  static constexpr float Factor(Tick ticks) noexcept {
    constexpr std::array<double, kTicksPerHalfLife> kEighths = {// 2^(-i/8), i = 0 .. 7
                                                                1.0,
                                                                0.91700404320467123174,
                                                                0.84089641525371454303,
                                                                0.77110541270397041180,
                                                                0.70710678118654752440,
                                                                0.64841977732550483296,
                                                                0.59460355750136053336,
                                                                0.54525386633262882960};
    if (ticks <= 0) return 1;
    if (ticks > 100 * kTicksPerHalfLife) return 0;
    double factor = kEighths[static_cast<std::size_t>(ticks % kTicksPerHalfLife)];
    for (Tick i = ticks / kTicksPerHalfLife; i > 0; --i) factor *= 0.5;
    return static_cast<float>(factor);
  }

 private:
  std::int64_t tick_us_;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_DECAY_H_
