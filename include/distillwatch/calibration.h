// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Promise, Reference, ReferenceLearner: what the library promises about false alarms, and from whom
// it learns to keep it.
//
// The exchangeable thing is the account, not the event. A reference holds the highest scores that
// the operator's own accounts reached in a horizon; an account is flagged when few of them ever
// came so far. Tested by  tests/calibrate/, tests/monitor/learner_test.cc

#ifndef DISTILLWATCH_CALIBRATION_H_
#define DISTILLWATCH_CALIBRATION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

// E[falsely flagged accounts] <= per_million of a million benign accounts in a horizon, looked at
// any time, if benign accounts are exchangeable with the reference's and at most `contamination` of
// those distil. No independence between accounts or detectors is needed.
struct Promise {
  enum class Mode {
    kExpectation,   // on average over references
    kConfidence95,  // for 95 % of references; needs more accounts
  };
  double per_million = 1000;    // above 0 to 1,000,000
  double contamination = 0.02;  // 0 to below 0.5
  Mode mode = Mode::kExpectation;
};

namespace calibrate {
struct ReferenceContent;
}

// Immutable, cheap to copy, safe to share between threads.
class DISTILLWATCH_EXPORT Reference {
 public:
  // What comes with the library: fitted on simulated traffic alone (src/monitor/make_shipped.cc).
  // It scores, but it is nobody's reference, so no promise can stand on it and accounts() is 0. It
  // ranks simulated harvesters of another seed above simulated customers nine times in ten, and
  // real ones less well; learn a reference of your own as soon as there are accounts for it.
  //   [Shipped.ScoresSimulatedHarvestersAboveSimulatedCustomers]
  static const Reference& Shipped();

  //   Errors  DataLoss for damaged bytes, an unknown version or impossible values
  static Result<Reference> Parse(std::string_view bytes);
  // Holds the key when that was drawn at random, so keep it as secret as the monitor's state.
  std::string Serialize() const;

  // Adds the accounts of a reference that was calibrated with the same model elsewhere (a shard,
  // another month).
  //   Errors  FailedPrecondition when model, ranks, looks, horizon or key differ, or when 2^48
  //           accounts would have one score
  static Result<Reference> Merge(const Reference& a, const Reference& b);

  std::uint64_t accounts() const noexcept;      // that p-values are ranked among
  std::uint64_t fit_accounts() const noexcept;  // others, that the model was fitted against
  std::chrono::seconds horizon() const noexcept;
  Time first() const noexcept;  // of the log it was learned from
  Time last() const noexcept;

  // The smallest per_million that can be promised, given contamination and mode.
  double SmallestPromise(const Promise& promise) const noexcept;
  // ok, or why not: InvalidArgument or FailedPrecondition with the smallest promise that holds now.
  Status Check(const Promise& promise) const;

  const calibrate::ReferenceContent& content() const noexcept { return *content_; }
  explicit Reference(std::shared_ptr<const calibrate::ReferenceContent> content) noexcept
      : content_(std::move(content)) {}

 private:
  std::shared_ptr<const calibrate::ReferenceContent> content_;
};

struct LearnerOptions {
  // The operator's secret, at least 16 bytes; empty: drawn at random and kept in the reference.
  std::string key{};
  std::chrono::seconds horizon = std::chrono::hours(30 * 24);
  // So many accounts are kept, chosen by their hash; 2 to 16,000,000.
  std::size_t most_accounts = 100000;
  std::size_t max_prompt_bytes = 65536;
  std::uint64_t seed = 1;  // of the generated harvesters
  // Harvesting campaigns to generate and fit the score against, 20 to 100,000, and trees of the
  // score, 1 to 4096: fewer of either are learned faster and see less.
  std::size_t campaigns = 1200, trees = 400;
  // Detectors of your own, as the monitor will have them.
  std::vector<std::shared_ptr<const CustomDetector>> detectors{};
};

// Learns a reference from a log: half of the accounts (by hash) train the score against generated
// harvesters, the others calibrate it.  Thread-compatible.
class DISTILLWATCH_EXPORT ReferenceLearner {
 public:
  static constexpr std::size_t kLeastAccounts = 40;  // with a look, in each half

  static Result<ReferenceLearner> Create(const LearnerOptions& options);
  ~ReferenceLearner();
  ReferenceLearner(ReferenceLearner&&) noexcept;
  ReferenceLearner& operator=(ReferenceLearner&&) noexcept;

  // Leaves an account out, also what was observed of it before: one that was adjudicated to be
  // distilling.
  void Exclude(std::string_view account);

  void Observe(const Event& event) noexcept;

  // Fits and calibrates. May take seconds.
  //   Errors  FailedPrecondition when there are too few accounts
  Result<Reference> Learn() const;

  std::size_t accounts() const noexcept;

 private:
  struct State;
  explicit ReferenceLearner(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_CALIBRATION_H_
