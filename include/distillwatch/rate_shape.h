// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// RateShapeDetector: when an account asks, never what.
//
// Regularity of gaps, dispersion of counts at four scales, idle hours, hugging a quota, full volume
// from day one, moving to a new model within a day. Strong against the lazy, worthless against the
// careful (an attacker who replays a real client's times is invisible here), so it is never the
// only leg. Works on logs without text. Paper         E.-K. Kim, H.-H. Jo 2016 (burstiness); usage
// signs after the joint advisory AA26-251A. Tested by     tests/detect/rate_shape_test.cc Measured
// by  benchmarks/detect_bench.cc

#ifndef DISTILLWATCH_RATE_SHAPE_H_
#define DISTILLWATCH_RATE_SHAPE_H_

#include <array>
#include <chrono>
#include <cstdint>

#include "distillwatch/decay.h"
#include "distillwatch/detector.h"
#include "distillwatch/export.h"
#include "distillwatch/histograms.h"

namespace distillwatch {

class DISTILLWATCH_EXPORT RateShapeDetector {
 public:
  static constexpr std::string_view kName = "rate_shape";
  static constexpr std::array<FeatureSpec, 19> kFeatures = {{
      {"gap_deviation", "the logarithm of the gaps between requests varies by {}"},
      {"pace_deviation", "within activity the logarithm of the gaps varies by {}"},
      {"burstiness", "burstiness of the gaps is {} (-1 regular, 0 random, 1 bursty)"},
      {"gap_memory", "successive gaps correlate by {}"},
      {"gap_entropy", "the entropy of the gaps is {}", FeatureForm::kNats},
      {"longest_gap", "the longest gap is {} times the median one", FeatureForm::kLog2},
      {"dispersion_1m", "counts a minute vary {} times as much as a random stream's",
       FeatureForm::kLog2},
      {"dispersion_15m", "counts a quarter of an hour vary {} times as much as a random stream's",
       FeatureForm::kLog2},
      {"dispersion_1h", "counts an hour vary {} times as much as a random stream's",
       FeatureForm::kLog2},
      {"dispersion_6h", "counts six hours vary {} times as much as a random stream's",
       FeatureForm::kLog2},
      {"duty_1h", "{} of all hours have a request", FeatureForm::kShare},
      {"duty_6h", "{} of all quarters of a day have a request", FeatureForm::kShare},
      {"hour_entropy", "the entropy of the hours of the day is {}", FeatureForm::kNats},
      {"idle_hours", "the longest idle stretch of the day is {}", FeatureForm::kHours},
      {"quota", "{} of busy hours come close to the busiest one", FeatureForm::kShare},
      {"ramp", "the first day had {} times the requests of a mean day", FeatureForm::kLog2},
      {"busy_rate", "a busy hour has {} requests", FeatureForm::kLog2},
      {"pivot", "{} of a day's requests moved to a model that was new to the account",
       FeatureForm::kShare},
      {"requests_a_day", "the account sends {} requests a day", FeatureForm::kLog2},
  }};
  using Features = std::array<float, kFeatures.size()>;

  static constexpr std::array<std::chrono::seconds, 4> kScales = {
      std::chrono::minutes(1), std::chrono::minutes(15), std::chrono::hours(1),
      std::chrono::hours(6)};

  struct State {
    GapHistogram gaps;
    std::array<ScaleCounts, kScales.size()> scales;
    HourHistogram hours;
    Time first{}, last{};
    std::uint32_t requests = 0;
    std::uint32_t first_day = 0;  // requests in the first 24 h
    // The newest model, since when, and how the day after its first use was shared.
    std::uint32_t model = 0, model_before = 0;
    Time model_since{};
    std::uint32_t on_new_model = 0, since_new_model = 0, before_new_model = 0;
    float pivot = 0;
    Tick tick = 0;

    bool Valid() const noexcept;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.gaps, s.scales, s.hours, s.first, s.last, s.requests, s.first_day, s.model,
         s.model_before, s.model_since, s.on_new_model, s.since_new_model, s.before_new_model,
         s.pivot, s.tick);
    }
  };

  explicit RateShapeDetector(std::chrono::seconds half_life = std::chrono::hours(7 * 24)) noexcept
      : clock_(half_life) {}

  //   Cost  O(1); no allocation
  void Update(const Observation& seen, State& state) const noexcept;
  Features Measure(const State& state) const noexcept;
  std::chrono::seconds half_life() const noexcept { return clock_.half_life(); }

 private:
  DecayClock clock_;
};

static_assert(Detector<RateShapeDetector>);
static_assert(sizeof(RateShapeDetector::State) <= 496);  // [AccountSize.TiersKeepTheirBudget]

}  // namespace distillwatch

#endif  // DISTILLWATCH_RATE_SHAPE_H_
