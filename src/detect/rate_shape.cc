// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/rate_shape.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace distillwatch {
namespace {

using std::chrono::hours;

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint32_t kLeastForPivot = 16;

// A model counts as pivoted to when the account had a past without it.
void UpdatePivot(std::uint64_t model_hash, Time now, RateShapeDetector::State& state) noexcept {
  const auto model = static_cast<std::uint32_t>(model_hash >> 32) | 1;
  if (model_hash == 0) return;
  if (state.model == 0) {
    state.model = model;
    state.model_since = now;
    return;
  }
  if (model != state.model && model != state.model_before) {
    state.model_before = state.model;
    state.model = model;
    state.model_since = now;
    state.before_new_model = state.requests;
    state.on_new_model = state.since_new_model = 0;
  }
  if (state.before_new_model >= kLeastForPivot && now - state.model_since < hours(24)) {
    if (state.since_new_model == std::numeric_limits<std::uint32_t>::max()) return;
    state.on_new_model += model == state.model;
    if (++state.since_new_model >= kLeastForPivot) {
      state.pivot = std::max(state.pivot, static_cast<float>(state.on_new_model) /
                                              static_cast<float>(state.since_new_model));
    }
  }
}

}  // namespace

bool RateShapeDetector::State::Valid() const noexcept {
  return gaps.Valid() && hours.Valid() && tick >= 0 && pivot >= 0 && pivot <= 1 &&
         Time{} <= first && first <= last && Time{} <= model_since && model_since <= last &&
         first_day <= requests && (first_day > 0 || requests == 0) &&
         on_new_model <= since_new_model && since_new_model <= requests &&
         std::all_of(scales.begin(), scales.end(), [](const ScaleCounts& s) { return s.Valid(); });
}

void RateShapeDetector::Update(const Observation& seen, State& state) const noexcept {
  // A little late is simultaneous; much too late means that the clock was set back, and rhythm
  // starts anew.
  const Time time = std::max(seen.time, Time{});
  if (state.requests > 0 && state.last - time > hours(1)) state = {};
  const Time now = std::max(time, state.last);
  const Tick tick = clock_.At(now);
  if (tick > state.tick) {
    const float factor = DecayClock::Factor(tick - state.tick);
    state.gaps.Decay(factor);
    for (ScaleCounts& scale : state.scales) scale.Decay(factor);
    state.hours.Decay(factor);
    state.tick = tick;
  }
  if (state.requests == 0) {
    state.first = now;
  } else {
    state.gaps.Update(now - state.last);
  }
  for (std::size_t i = 0; i < kScales.size(); ++i) state.scales[i].Update(now, kScales[i]);
  state.hours.Update(now);
  UpdatePivot(seen.model, now, state);
  if (state.requests < std::numeric_limits<std::uint32_t>::max()) {
    ++state.requests;
    if (now - state.first < hours(24)) ++state.first_day;
  }
  state.last = now;
}

RateShapeDetector::Features RateShapeDetector::Measure(const State& state) const noexcept {
  Features f;
  f.fill(kUnknown);
  const GapHistogram::Estimate gaps = state.gaps.Measure();
  if (gaps.events < 2 || state.requests == 0) return f;
  f[0] = gaps.log_deviation;
  f[1] = gaps.pace_deviation;
  f[2] = gaps.burstiness;
  f[3] = gaps.memory;
  f[4] = gaps.entropy_nats;
  f[5] = gaps.longest_to_median_log2;
  for (std::size_t i = 0; i < kScales.size(); ++i) {
    const ScaleCounts::Estimate scale = state.scales[i].Measure();
    if (scale.bins < 2) continue;
    f[6 + i] = std::log2(scale.dispersion + 1e-3f);
    if (i == 2) {
      f[10] = scale.duty;
      f[14] = scale.quota;
      // Requests an hour among the hours that have any.
      const double alive_h =
          std::chrono::duration<double, std::ratio<3600>>(state.last - state.first).count();
      f[16] = static_cast<float>(
          std::log2(state.requests / std::max(1.0, alive_h * static_cast<double>(scale.duty))));
    }
    if (i == 3) f[11] = scale.duty;
  }
  const HourHistogram::Estimate day = state.hours.Measure();
  f[12] = day.entropy_nats;
  f[13] = day.idle_hours;
  const double alive_d =
      std::chrono::duration<double, std::ratio<86400>>(state.last - state.first).count();
  if (alive_d >= 1) {
    f[15] = static_cast<float>(std::log2(state.first_day * alive_d / state.requests));
  }
  f[18] = static_cast<float>(std::log2(state.requests / std::max(alive_d, 0.05)));
  return f;
}

}  // namespace distillwatch
