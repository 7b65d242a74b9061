// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// A detector of your own: one room with State, Update and Measure, on observations alone.
//
// AppetiteDetector asks what an account gets for what it writes. A harvester is after long answers;
// people ask short things as well. It needs completion_tokens in the events and says nothing where
// they are 0.

#include <distillwatch/calibration.h>
#include <distillwatch/custom_detector.h>
#include <distillwatch/detector.h>
#include <distillwatch/observation.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>

#include "traffic.h"

namespace {

using distillwatch::FeatureForm;
using distillwatch::FeatureSpec;
using distillwatch::Observation;

// Immutable: safe to share between threads.
class AppetiteDetector {
 public:
  static constexpr std::string_view kName = "appetite";
  static constexpr std::array<FeatureSpec, 2> kFeatures = {{
      {"answer_ratio", "answers are {} times as long as questions", FeatureForm::kLog2},
      {"long_answers", "{} of answers run past 1000 tokens", FeatureForm::kShare},
  }};
  using Features = std::array<float, kFeatures.size()>;

  struct State {
    float log2_ratios = 0;  // their sum
    std::uint32_t answers = 0;
    std::uint32_t long_answers = 0;
  };

  void Update(const Observation& seen, State& state) const noexcept {
    if (seen.completion_tokens == 0 || seen.units == 0) return;
    const auto answer = static_cast<float>(seen.completion_tokens);
    state.log2_ratios += std::log2(answer / static_cast<float>(seen.units));
    state.long_answers += seen.completion_tokens > 1000;
    ++state.answers;
  }

  Features Measure(const State& state) const noexcept {
    constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
    if (state.answers < 4) return {kUnknown, kUnknown};
    const auto answers = static_cast<float>(state.answers);
    return {state.log2_ratios / answers, static_cast<float>(state.long_answers) / answers};
  }
};

static_assert(distillwatch::Detector<AppetiteDetector>);
static_assert(sizeof(AppetiteDetector::State) == 12);

}  // namespace

int main() {
  const auto shingler = distillwatch::Shingler::Create("read this from your secret store");
  if (!shingler.ok()) {
    std::fprintf(stderr, "own_detector: %s\n", shingler.status().message().c_str());
    return EXIT_FAILURE;
  }
  distillwatch::TextScratch scratch(shingler->max_prompt_bytes());  // one a thread
  const AppetiteDetector detector;
  std::map<std::string, AppetiteDetector::State> states;

  Traffic traffic(std::chrono::sys_days(std::chrono::year(2026) / 2 / 1), 2);
  for (int c = 0; c < 3; ++c) traffic.AddCustomer("customer-" + std::to_string(c));
  traffic.AddHarvester("newcomer");
  for (const Request& request : traffic.InOrder()) {
    const Observation seen = Read(request.AsEvent(), *shingler, scratch);
    detector.Update(seen, states[request.account]);
  }

  for (const auto& [account, state] : states) {
    const AppetiteDetector::Features features = detector.Measure(state);
    std::printf(
        "%-12s answers are %5.1f times as long as questions, %3.0f %% run past 1000 tokens\n",
        account.c_str(), std::exp2(features[0]), 100 * features[1]);
  }

  // A reference learned with it, and a monitor with that reference, have it beside their own.
  distillwatch::LearnerOptions options;
  options.detectors.push_back(distillwatch::Custom(detector));
  auto learner = distillwatch::ReferenceLearner::Create(options);
  if (!learner.ok()) {
    std::fprintf(stderr, "own_detector: %s\n", learner.status().message().c_str());
    return EXIT_FAILURE;
  }
  for (const Request& request : traffic.InOrder()) learner->Observe(request.AsEvent());
  std::printf("a learner has seen %llu accounts with it\n",
              static_cast<unsigned long long>(learner->accounts()));
}
