// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Snapshot: a monitor's state as a sequence of frames, each with name, version, key id, length and
// checksum (wire/wire.h).
//
//   DWMS  head: key, reference, counters, drift      once, first
//   DWSH  one shard's accounts                       as many as the head says, in order
//   DWCL  campaigns: fingerprints and groups         once
//   DWME  end: how many frames there were            once, last
//
// A further part of the state becomes a frame of its own between shards and end. A monitor refuses
// frames that it does not know. Tested by  tests/monitor/snapshot_test.cc,
// tests/fuzz/snapshot_fuzz.cc

#ifndef DISTILLWATCH_SRC_MONITOR_SNAPSHOT_H_
#define DISTILLWATCH_SRC_MONITOR_SNAPSHOT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/drift.h"
#include "calibrate/path_histogram.h"
#include "calibrate/reference_content.h"
#include "distillwatch/status.h"
#include "wire/wire.h"

namespace distillwatch::monitor {

inline constexpr wire::Kind kHeadKind = {{"DWMS"}, 1}, kShardKind = {{"DWSH"}, 2},
                            kCampaignKind = {{"DWCL"}, 1}, kEndKind = {{"DWME"}, 1};

// As origin_us: no event was seen yet.
inline constexpr std::int64_t kNoOrigin = std::numeric_limits<std::int64_t>::min();

// The head of a snapshot: everything but the accounts.
struct SnapshotHead {
  std::uint64_t key_id = 0;
  std::string key;              // set when it was drawn at random
  std::uint64_t reference = 0;  // see ReferenceId
  std::uint32_t shards = 0;
  std::uint64_t shard_budget = 0;
  std::int64_t origin_us = 0;
  std::uint64_t looks = 0, finished_horizons = 0;
  std::array<std::uint64_t, 4> flagged{};
  // events, truncated, empty, late, clock restarts, wild times
  std::array<std::uint64_t, 6> counters{};
  calibrate::PathHistogram seen;
  calibrate::DriftMartingale drift;
  std::vector<std::string> detectors;  // of the host: name and size of state

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.key_id, s.key, s.reference, s.shards, s.shard_budget, s.origin_us, s.looks,
       s.finished_horizons, s.flagged, s.counters, s.seen, s.drift, s.detectors);
  }
};

// Writes frames, and at the end how many they were.
class FrameWriter {
 public:
  using Sink = std::function<Status(std::string_view)>;
  explicit FrameWriter(const Sink& sink) : sink_(sink) {}

  Status Add(wire::Kind kind, std::uint64_t key_id, std::string_view payload);
  Status End();

 private:
  const Sink& sink_;
  std::uint64_t frames_ = 0;
};

// The frames of a snapshot in order, checked as far as frames can be: all lengths and checksums are
// right, the head is the first, and the end, which is left out, says that none is missing.
//   Errors  DataLoss
Result<std::vector<wire::Opened>> ReadFrames(std::string_view snapshot);

// Two references with the same number score, rank and promise the same.
std::uint64_t ReferenceId(const calibrate::ReferenceContent& content);

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_SNAPSHOT_H_
