// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Monitor::State: what stands behind the public face.

#ifndef DISTILLWATCH_SRC_MONITOR_MONITOR_STATE_H_
#define DISTILLWATCH_SRC_MONITOR_MONITOR_STATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "calibrate/drift.h"
#include "calibrate/path_histogram.h"
#include "campaign/linker.h"
#include "distillwatch/monitor.h"
#include "distillwatch/options.h"
#include "monitor/engine.h"
#include "monitor/judge.h"
#include "monitor/merge.h"
#include "monitor/snapshot.h"

namespace distillwatch {

// Hidden: what is nested in an exported class would be exported with it.
struct __attribute__((visibility("hidden"))) Monitor::State {
  static constexpr std::int64_t kUnset = monitor::kNoOrigin;

  static Result<std::unique_ptr<State>> Create(const Options& options);
  State(Shingler shingler, monitor::Judge judge_of, const Options& options);

  Verdict Observe(const Event& event, std::uint64_t id) noexcept;

  // Which horizon a time lies in; the first event decides where the first begins.
  std::uint16_t HorizonOf(Time time) noexcept;
  // Under the account's lock: closes the account's horizon if `header.last` lies in a later one.
  void BeginHorizonIfDue(monitor::Header& header) noexcept;
  void BeginHorizon(monitor::Header& header, std::uint16_t horizon) noexcept;
  // Under the account's lock: a look gave this score.
  void Raise(monitor::Header& header, score::Points points) noexcept;

  // For a snapshot, all but the accounts; and the counters and finished horizons of another state.
  monitor::SnapshotHead Head() const;
  void Add(const monitor::SnapshotHead& head);
  // What another monitor knows of an account, beside or into what this one does.
  void TakeOver(const monitor::Account& account, const std::byte* states);

  std::string key;         // the operator's secret
  bool key_drawn = false;  // at random, so that a snapshot has to hold it
  monitor::Judge judge;
  monitor::Engine engine;
  campaign::Linker linker;
  bool linking;
  std::atomic<std::int64_t> origin_us{kUnset};
  std::atomic<std::uint64_t> looks{0}, finished_horizons{0};
  std::array<std::atomic<std::uint64_t>, 4> flagged{};

  mutable std::mutex drift_mutex;
  calibrate::PathHistogram seen;  // the reference and all accounts that finished a horizon since
  calibrate::DriftMartingale drift;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_SRC_MONITOR_MONITOR_STATE_H_
