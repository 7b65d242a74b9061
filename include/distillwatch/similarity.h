// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// SimilarityDetector: how much an account's requests resemble each other.
//
// Each request is compared with a time-biased sample of the account's earlier ones. A harvest
// around a frame stays within a band of likeness: never the same, never unlike; and the requests
// inside the band have a rhythm of their own, which ordinary traffic on the same key cannot blur. A
// high share of template alone is the normal state of paying customers; the fused score weighs it
// against everything else. Tested by  tests/detect/similarity_test.cc    Measured by
// benchmarks/detect_bench.cc

#ifndef DISTILLWATCH_SIMILARITY_H_
#define DISTILLWATCH_SIMILARITY_H_

#include <array>
#include <chrono>
#include <cstdint>

#include "distillwatch/decay.h"
#include "distillwatch/detector.h"
#include "distillwatch/export.h"
#include "distillwatch/histograms.h"
#include "distillwatch/reservoir.h"

namespace distillwatch {

class DISTILLWATCH_EXPORT SimilarityDetector {
 public:
  static constexpr std::string_view kName = "similarity";
  static constexpr std::array<FeatureSpec, 15> kFeatures = {{
      {"nearest_mean", "requests are on average {} alike to the nearest earlier one",
       FeatureForm::kShare},
      {"nearest_deviation", "likeness to the nearest earlier request varies by {}",
       FeatureForm::kShare},
      {"template_mass", "{} of requests are at least 30 % alike to an earlier one",
       FeatureForm::kShare},
      {"slot_variation",
       "{} of requests vary a common frame: alike to an earlier one, not the same",
       FeatureForm::kShare},
      {"duplicate_share", "{} of requests repeat an earlier one", FeatureForm::kShare},
      {"recurring_slots", "{} signature values recur among the sampled requests"},
      {"follow_similarity", "a request is {} alike to the one before it", FeatureForm::kShare},
      {"continuation_share", "{} of requests continue a conversation", FeatureForm::kShare},
      {"length", "a request has {} words or characters (geometric mean)", FeatureForm::kExp},
      {"length_deviation", "the logarithm of request length varies by {}"},
      {"kinds", "the sampled requests are of {} unlike kinds"},
      {"largest_kind", "{} of sampled requests are of one kind", FeatureForm::kShare},
      {"frame_gap_deviation", "between framed requests the logarithm of the gaps varies by {}"},
      {"frame_pace_deviation",
       "within activity the gaps between framed requests vary by {} (logarithm)"},
      {"frame_duty", "{} of hours have a framed request", FeatureForm::kShare},
  }};
  using Features = std::array<float, kFeatures.size()>;

  struct State {
    SignatureReservoir reservoir;
    SlimSignature last{};
    Moments nearest;     // likeness to the nearest earlier request
    Moments follow;      // likeness to the request before
    Moments log_length;  // ln of units
    Moments frame_gap,
        frame_pace;  // ln of gaps between framed requests, in seconds; pace: under half an hour
    ScaleCounts frame_hours;
    Time frame_last{};
    float framed = 0, in_template = 0, duplicate = 0;  // decayed counts of compared requests
    float continued = 0, requests = 0;                 // decayed counts of requests
    Tick tick = 0;

    bool Valid() const noexcept;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.reservoir, s.last, s.nearest, s.follow, s.log_length, s.frame_gap, s.frame_pace,
         s.frame_hours, s.frame_last, s.framed, s.in_template, s.duplicate, s.continued, s.requests,
         s.tick);
    }
  };

  // One request in five bytes, for accounts that are too young for a State.
  struct Digest {
    std::uint8_t nearest = 0, follow = 0;  // likeness in 255ths
    std::uint8_t log_units = 0;            // 16 ln(units), saturating
    bool compared = false;                 // there was an earlier request with text
    bool continued = false;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.nearest, s.follow, s.log_units, s.compared, s.continued);
    }
  };

  explicit SimilarityDetector(std::chrono::seconds half_life = std::chrono::hours(7 * 24)) noexcept
      : half_life_(half_life), clock_(half_life) {}

  //   Cost  O(64 x 17); no allocation
  void Update(const Observation& seen, State& state) const noexcept;
  Features Measure(const State& state) const noexcept;
  std::chrono::seconds half_life() const noexcept { return half_life_; }

  // Adds what the other saw of the same account: the sample exactly, the means of likeness to
  // within rounding. Each request was compared with those that its own side had seen. The rhythm of
  // framed requests stays as it is, because gaps between the two sides' requests were seen by
  // neither.
  void Merge(const State& other, State& state) const noexcept;

  // The account's request `digest` came at `time`; its signature is not at hand.
  void Replay(const Digest& digest, Time time, State& state) const noexcept;

  // The reservoir's priority of a request.
  float PriorityOf(const Observation& seen) const noexcept {
    return Priority(seen.time, half_life_, seen.event);
  }

 private:
  void Forget(Time time, State& state) const noexcept;
  static void Decay(Tick tick, State& state) noexcept;
  static void Compared(float nearest, float follow, Time time, State& state) noexcept;

  std::chrono::seconds half_life_;
  DecayClock clock_;
};

static_assert(Detector<SimilarityDetector>);
static_assert(sizeof(SimilarityDetector::State) <= 2424);  // [AccountSize.TiersKeepTheirBudget]

}  // namespace distillwatch

#endif  // DISTILLWATCH_SIMILARITY_H_
