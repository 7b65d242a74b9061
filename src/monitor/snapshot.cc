// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/snapshot.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <span>
#include <utility>

#include "distillwatch/monitor.h"
#include "monitor/monitor_state.h"
#include "wire/xxh3.h"

namespace distillwatch {
namespace monitor {
namespace {

constexpr std::uint32_t kMostShards = 4096;

std::string Named(wire::Kind kind) {
  return "'" + std::string(kind.name()) + "'";
}

bool Is(const wire::Opened& frame, wire::Kind kind) {
  return frame.kind.name() == kind.name() && frame.kind.version == kind.version;
}

Status WrongFrame(const wire::Opened& frame, wire::Kind expected) {
  if (frame.kind.name() != expected.name())
    return DataLoss("the snapshot has " + Named(frame.kind) + " where " + Named(expected) +
                    " belongs");
  return DataLoss(Named(frame.kind) + " has version " + std::to_string(frame.kind.version) +
                  "; allowed: " + std::to_string(expected.version));
}

}  // namespace

bool SnapshotHead::Valid() const noexcept {
  const std::int64_t latest_us = kLatestTime.time_since_epoch().count();
  return (key.empty() || (key.size() >= 16 && key.size() <= 4096)) && std::has_single_bit(shards) &&
         shards <= kMostShards &&
         (origin_us == kNoOrigin || (origin_us >= 0 && origin_us <= latest_us)) && seen.Valid() &&
         drift.Valid();
}

Status FrameWriter::Add(wire::Kind kind, std::uint64_t key_id, std::string_view payload) {
  ++frames_;
  return sink_(wire::Frame(kind, key_id, payload));
}

Status FrameWriter::End() {
  wire::Writer out;
  out(frames_);
  return sink_(wire::Frame(kEndKind, 0, out.bytes()));
}

Result<std::vector<wire::Opened>> ReadFrames(std::string_view snapshot) {
  if (snapshot.substr(0, 4) != kHeadKind.name())
    return DataLoss("these bytes do not begin with " + Named(kHeadKind));
  std::vector<wire::Opened> frames;
  while (true) {
    if (snapshot.empty()) return DataLoss("the snapshot ends before its end frame 'DWME'");
    Result<wire::Opened> frame = wire::TakeFrame(snapshot);
    if (!frame.ok()) return frame.status();
    if (frames.empty() && !Is(*frame, kHeadKind)) return WrongFrame(*frame, kHeadKind);
    if (frame->kind.name() == kEndKind.name()) {
      if (!Is(*frame, kEndKind)) return WrongFrame(*frame, kEndKind);
      std::uint64_t count = 0;
      wire::Reader in(frame->payload);
      in(count);
      if (!in.Finished() || count != frames.size() || !snapshot.empty()) {
        return DataLoss("the snapshot has " + std::to_string(frames.size()) + " frames and says " +
                        std::to_string(count) + ", and " + std::to_string(snapshot.size()) +
                        " bytes behind its end");
      }
      return frames;
    }
    frames.push_back(*frame);
  }
}

std::uint64_t ReferenceId(const calibrate::ReferenceContent& content) {
  calibrate::ReferenceContent without_key = content;
  without_key.key.clear();
  wire::Writer out;
  out(without_key);
  return XXH3_64bits(out.bytes().data(), out.bytes().size());
}

}  // namespace monitor

using monitor::kShardKind;
using monitor::SnapshotHead;

SnapshotHead Monitor::State::Head() const {
  SnapshotHead head;
  head.key_id = engine.shingler().key_id();
  if (key_drawn) head.key = key;
  head.reference = monitor::ReferenceId(judge.content());
  head.shards = static_cast<std::uint32_t>(engine.table().shards());
  head.shard_budget = engine.table().shard(0).budget();
  head.origin_us = origin_us;
  head.detectors = engine.custom().Layout();
  head.looks = looks;
  head.finished_horizons = finished_horizons;
  std::copy(flagged.begin(), flagged.end(), head.flagged.begin());
  const monitor::EngineCounters& c = engine.counters();
  head.counters = {c.events, c.truncated, c.empty, c.late, c.clock_restarts, c.wild_times};
  const std::lock_guard lock(drift_mutex);
  head.seen = seen;
  head.drift = drift;
  return head;
}

void Monitor::State::Add(const SnapshotHead& head) {
  looks += head.looks;
  finished_horizons += head.finished_horizons;
  for (std::size_t i = 0; i < flagged.size(); ++i) flagged[i] += head.flagged[i];
  monitor::EngineCounters& c = engine.counters();
  std::atomic<std::uint64_t>* const counters[] = {&c.events, &c.truncated,      &c.empty,
                                                  &c.late,   &c.clock_restarts, &c.wild_times};
  for (std::size_t i = 0; i < head.counters.size(); ++i) *counters[i] += head.counters[i];
  const std::lock_guard lock(drift_mutex);
  seen.Merge(head.seen.Without(judge.content().histogram));
  drift.Merge(head.drift);
}

Status Monitor::Save(const std::function<Status(std::string_view)>& sink) const {
  if (!sink) return InvalidArgument("sink is empty");
  const State& s = *state_;
  monitor::FrameWriter frames(sink);
  wire::Writer head;
  head(s.Head());
  Status status = frames.Add(monitor::kHeadKind, 0, head.bytes());
  for (std::size_t i = 0; i < s.engine.table().shards() && status.ok(); ++i) {
    const monitor::Shard& shard = s.engine.table().shard(i);
    wire::Writer out;
    {
      const std::lock_guard lock(shard.mutex);
      shard.Save(out);
    }
    status = frames.Add(kShardKind, key_id(), out.bytes());
  }
  if (status.ok()) {
    wire::Writer campaigns;
    s.linker.Save(campaigns);
    status = frames.Add(monitor::kCampaignKind, key_id(), campaigns.bytes());
  }
  return status.ok() ? frames.End() : status;
}

std::string Monitor::Save() const {
  std::string bytes;
  bytes.reserve(Statistics().state_bytes + (std::size_t{1} << 16));
  const Status status = Save([&bytes](std::string_view part) {
    bytes += part;
    return Status();
  });
  assert(status.ok());
  return bytes;
}

namespace {

// The shards of a snapshot into an empty state.
Status RestoreShards(std::span<const wire::Opened> frames, const SnapshotHead& head,
                     const monitor::CustomDetectors& custom, monitor::AccountTable& table) {
  const bool same_shape =
      head.shards == table.shards() && head.shard_budget == table.shard(0).budget();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    wire::Reader in(frames[i].payload);
    bool fine = false;
    if (same_shape) {
      monitor::Shard& shard = table.shard(i);
      fine = shard.Restore(in, [&](std::uint64_t id) { return &table.ShardOf(id) == &shard; });
    } else {
      monitor::Shard::Counts counts;
      const auto add = [&table](const auto& account, auto... states) {
        monitor::Shard& shard = table.ShardOf(account.header.id);
        if (shard.Find(account.header.id).known()) return false;
        shard.Add(account, states...);
        return true;
      };
      fine = monitor::Shard::Read(in, custom, add, add, counts);
      table.shard(i % table.shards()).AddCounts(counts);
    }
    if (!fine) {
      return DataLoss("shard " + std::to_string(i) +
                      " of the snapshot holds values that it cannot have produced");
    }
  }
  return {};
}

}  // namespace

Result<Monitor> Monitor::Restore(std::string_view saved, const Options& options) {
  Result<std::vector<wire::Opened>> frames = monitor::ReadFrames(saved);
  if (!frames.ok()) return frames.status();
  SnapshotHead head;
  wire::Reader in(frames->front().payload);
  in(head);
  if (!in.Finished() || !head.Valid())
    return DataLoss("'DWMS' holds values that it cannot have produced");

  Options own = options;
  if (own.key.empty()) own.key = head.key;
  Result<std::unique_ptr<State>> state = State::Create(own);
  if (!state.ok()) return state.status();
  State& s = **state;
  s.key_drawn = !head.key.empty();
  if (s.engine.shingler().key_id() != head.key_id)
    return FailedPrecondition("the snapshot was made under another key");
  if (monitor::ReferenceId(s.judge.content()) != head.reference)
    return FailedPrecondition("the snapshot was made with another reference");
  if (s.engine.custom().Layout() != head.detectors)
    return FailedPrecondition("the snapshot was made with other detectors of the host's");
  if (options.origin && head.origin_us != State::kUnset && s.origin_us != head.origin_us) {
    return FailedPrecondition("origin is " + std::to_string(s.origin_us) +
                              " us; the snapshot's horizons begin at " +
                              std::to_string(head.origin_us) + " us");
  }
  if (head.origin_us != State::kUnset) s.origin_us = head.origin_us;

  const std::span<const wire::Opened> rest = std::span(*frames).subspan(1);
  for (std::size_t i = 0; i < rest.size() || i <= head.shards; ++i) {
    if (i > head.shards)
      return DataLoss("the snapshot has " + monitor::Named(rest[i].kind) +
                      ", which this version does not know");
    if (i >= rest.size())
      return DataLoss("the snapshot has " + std::to_string(rest.size()) +
                      " shards and campaigns and says " + std::to_string(head.shards + 1));
    const wire::Kind expected = i < head.shards ? kShardKind : monitor::kCampaignKind;
    if (!monitor::Is(rest[i], expected)) return monitor::WrongFrame(rest[i], expected);
    if (rest[i].key_id != head.key_id)
      return FailedPrecondition(monitor::Named(rest[i].kind) + " was made under another key");
  }
  if (Status status =
          RestoreShards(rest.first(head.shards), head, s.engine.custom(), s.engine.table());
      !status.ok())
    return status;
  wire::Reader campaigns(rest.back().payload);
  if (!s.linker.Add(campaigns)) return DataLoss("'DWCL' holds values that it cannot have produced");
  s.Add(head);
  return Monitor(*std::move(state));
}

}  // namespace distillwatch
