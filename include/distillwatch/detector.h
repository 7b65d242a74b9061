// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Detector: one room with four pieces, State, Update, Measure and Explain.
//
// The detector is immutable and shared by all threads; the state is plain data, one per account,
// and State{} means "never seen". Measure turns a state into features: numbers with a name and a
// meaning, which the score compares with those of the reference accounts. A detector knows no
// threshold.
//
// SimilarityDetector, CoverageDetector and RateShapeDetector are made this way, and so is a
// detector of your own (examples/embed/own_detector.cc). Tested by  tests/detect/detector_test.cc

#ifndef DISTILLWATCH_DETECTOR_H_
#define DISTILLWATCH_DETECTOR_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include "distillwatch/observation.h"

namespace distillwatch {

// How a feature's value is put into words.
//   kLog2, kExp: the value is a logarithm, of which the words show the exponential
enum class FeatureForm { kNumber, kShare, kNats, kHours, kLog2, kExp };

struct FeatureSpec {
  std::string_view name;  // snake_case, unique among all detectors
  std::string_view
      words;  // what the value is, with {} where it stands: "{} of requests repeat ..."
  FeatureForm form = FeatureForm::kNumber;
};

// A value that cannot be known yet (too few events, no text) is NaN.
template <typename D>
concept Detector = std::is_trivially_copyable_v<typename D::State> &&
    std::default_initializable<typename D::State> &&
    requires(const D detector, const Observation& seen, typename D::State& state) {
  { D::kName } -> std::convertible_to<std::string_view>;
  { D::kFeatures.size() } -> std::convertible_to<std::size_t>;
  { detector.Update(seen, state) }
  noexcept->std::same_as<void>;
  { detector.Measure(std::as_const(state)) }
  noexcept->std::same_as<std::array<float, D::kFeatures.size()>>;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_DETECTOR_H_
