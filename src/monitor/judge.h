// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Judge: features to score, score to p-value, p-value to verdict, and all of it back to words.
//
// Immutable: shared by all threads.
// Tested by  tests/monitor/judge_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_JUDGE_H_
#define DISTILLWATCH_SRC_MONITOR_JUDGE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "calibrate/reference_content.h"
#include "campaign/likeness.h"
#include "distillwatch/calibration.h"
#include "distillwatch/campaign.h"
#include "distillwatch/verdict.h"
#include "monitor/engine.h"

namespace distillwatch::monitor {

class Judge {
 public:
  //   Errors  FailedPrecondition when the reference does not rank exactly the features of this
  //   version, or
  //           cannot keep the promise
  static Result<Judge> Create(const Reference& reference, const Promise& promise,
                              const CustomDetectors& custom = CustomDetectors());

  score::Points Score(std::uint32_t requests, const FeatureVector& features) const noexcept;
  Level LevelOf(score::Points path) const noexcept;
  // The first features' places, for linking.
  campaign::Habits HabitsOf(std::uint32_t requests, const FeatureVector& features) const noexcept;
  double PValueOf(score::Points path) const noexcept;
  Verdict VerdictOf(const Header& header, bool looked) const noexcept;
  // Adds score, base and evidence.
  // What a named campaign adds to its members' scores.
  static Evidence EvidenceOf(const Campaign& campaign);

  void Explain(std::uint32_t requests, const FeatureVector& features, Explanation& out) const;

  const calibrate::ReferenceContent& content() const noexcept { return reference_.content(); }

 private:
  explicit Judge(const Reference& reference) : reference_(reference) {}
  Reference reference_;
  CustomDetectors custom_;  // keeps alive what the names are views into
  std::vector<NamedFeature> names_;
  std::array<double, calibrate::PathHistogram::kBins> p_values_{};
  std::array<Level, calibrate::PathHistogram::kBins> levels_{};
};

// "61 %", "2.3 nats", "4 h", "3.2", ...
std::string InWords(const FeatureSpec& spec, double value);

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_JUDGE_H_
