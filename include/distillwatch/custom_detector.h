// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// CustomDetector: a detector of your own inside a monitor, beside ours.
//
//   options.detectors.push_back(distillwatch::Custom(AppetiteDetector()));
//
// Give the same list to LearnerOptions: a reference ranks the features of exactly these detectors,
// the score is fitted with them, and Explain shows their evidence. Generated harvesters carry
// prompts, times and model names, but no completion tokens and no system prompts; a feature that
// rests on those is unknown among them, and the fit must not learn that as a sign: give it a value
// only where the operator's own traffic has one about as often.
//
// A monitor keeps a detector's state for accounts with 16 requests or more and shows it the
// requests from the 16th on. Tested by  tests/monitor/custom_test.cc

#ifndef DISTILLWATCH_CUSTOM_DETECTOR_H_
#define DISTILLWATCH_CUSTOM_DETECTOR_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "distillwatch/detector.h"
#include "distillwatch/export.h"
#include "distillwatch/observation.h"

namespace distillwatch {

// Immutable: the monitor calls it from many threads, on one account's state by one at a time.
class DISTILLWATCH_EXPORT CustomDetector {
 public:
  static constexpr std::size_t kMostDetectors = 8;      // in one monitor
  static constexpr std::size_t kMostFeatures = 16;      // of one detector
  static constexpr std::size_t kMostStateBytes = 1024;  // of one detector
  static constexpr std::size_t kAlignment = 16;         // of every state

  virtual ~CustomDetector();

  virtual std::string_view name() const noexcept = 0;
  // The same at every call, and alive as long as the detector.
  virtual std::span<const FeatureSpec> features() const noexcept = 0;
  // A state is so many bytes, which may be copied, saved and restored as such; at least 1.
  virtual std::size_t state_bytes() const noexcept = 0;

  // Makes the state of an account that was never seen. The bytes are zero.
  virtual void Begin(std::span<std::byte> state) const noexcept = 0;
  virtual void Update(const Observation& seen, std::span<std::byte> state) const noexcept = 0;
  // Fills in all features; NaN for those that cannot be known yet.
  virtual void Measure(std::span<const std::byte> state,
                       std::span<float> features) const noexcept = 0;
  // Whether restored bytes can be a state: a snapshot is hostile input.
  virtual bool Valid(std::span<const std::byte> state) const noexcept = 0;
};

// A detector that satisfies the Detector concept, as a monitor takes it. Its state may have a
// `bool Valid() const noexcept`; without one every value of its bytes must be harmless.
template <Detector D>
std::shared_ptr<const CustomDetector> Custom(D detector = {}) {
  using State = typename D::State;
  static_assert(sizeof(State) <= CustomDetector::kMostStateBytes);
  static_assert(alignof(State) <= CustomDetector::kAlignment);
  static_assert(D::kFeatures.size() >= 1 && D::kFeatures.size() <= CustomDetector::kMostFeatures);

  class Adapter final : public CustomDetector {
   public:
    explicit Adapter(D wrapped) : detector_(std::move(wrapped)) {}
    std::string_view name() const noexcept override { return D::kName; }
    std::span<const FeatureSpec> features() const noexcept override { return D::kFeatures; }
    std::size_t state_bytes() const noexcept override { return sizeof(State); }
    void Begin(std::span<std::byte> state) const noexcept override {
      ::new (static_cast<void*>(state.data())) State{};
    }
    void Update(const Observation& seen, std::span<std::byte> state) const noexcept override {
      detector_.Update(seen, *std::launder(reinterpret_cast<State*>(state.data())));
    }
    void Measure(std::span<const std::byte> state,
                 std::span<float> features) const noexcept override {
      const auto measured = detector_.Measure(StateIn(state));
      std::copy(measured.begin(), measured.end(), features.begin());
    }
    bool Valid(std::span<const std::byte> state) const noexcept override {
      if constexpr (requires(const State& s) { s.Valid(); }) {
        return StateIn(state).Valid();
      } else {
        return true;
      }
    }

   private:
    static const State& StateIn(std::span<const std::byte> state) noexcept {
      return *std::launder(reinterpret_cast<const State*>(state.data()));
    }
    D detector_;
  };
  return std::make_shared<const Adapter>(std::move(detector));
}

}  // namespace distillwatch

#endif  // DISTILLWATCH_CUSTOM_DETECTOR_H_
