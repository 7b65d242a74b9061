// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "monitor/account.h"
#include "small_monitor.h"
#include "support/hostile.h"

namespace distillwatch {
namespace {

using monitor::kHeadKind;
using support::Log;
using support::MixedLog;

StatusCode CodeOf(std::string_view bytes, const Options& options) {
  return Monitor::Restore(bytes, options).status().code();
}

TEST(Snapshot, VerdictsGoOnBitByBit) {
  const Log log = MixedLog(60, 6, 8, 1);
  Options options = SmallOptions(std::chrono::hours(72));
  Monitor whole = SmallMonitor(options);
  Monitor paused = SmallMonitor(options);
  const std::size_t half = log.size() / 2;
  Replay(whole, log, 0, half);
  Replay(paused, log, 0, half);
  Result<Monitor> restored = Monitor::Restore(paused.Save(), options);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(Replay(*restored, log, half), Replay(whole, log, half));
  whole.Finish(log.back().time + std::chrono::hours(100));
  restored->Finish(log.back().time + std::chrono::hours(100));
  EXPECT_EQ(restored->Metrics(), whole.Metrics());
  EXPECT_EQ(restored->Save(), whole.Save());
  EXPECT_GT(restored->Statistics().flagged[1], 0u) << "or the test tests nothing";
}

// Whom a full monitor forgets next is state, too.
TEST(Snapshot, ASinkThatIsNoneIsAnError) {
  const Monitor monitor = SmallMonitor(SmallOptions());
  const Status status = monitor.Save(std::function<Status(std::string_view)>());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

TEST(Snapshot, EvictionGoesOnAsBefore) {
  const Log log = MixedLog(400, 10, 6, 2);
  Options options = SmallOptions();
  options.max_memory_bytes = 1 << 20;
  options.shards = 8;
  Monitor whole = SmallMonitor(options);
  const std::size_t half = log.size() / 2;
  Replay(whole, log, 0, half);
  ASSERT_GT(whole.Statistics().evicted_accounts, 0u) << "or the test tests nothing";
  Result<Monitor> restored = Monitor::Restore(whole.Save(), options);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(Replay(*restored, log, half), Replay(whole, log, half));
  EXPECT_EQ(restored->Metrics(), whole.Metrics());
}

TEST(Snapshot, ShardsAndMemoryMayDiffer) {
  const Log log = MixedLog(60, 6, 6, 3);
  Monitor whole = SmallMonitor();
  const std::size_t half = log.size() / 2;
  Replay(whole, log, 0, half);
  Options options = SmallOptions();
  options.shards = 16;
  options.max_memory_bytes = std::size_t{1} << 28;
  Result<Monitor> restored = Monitor::Restore(whole.Save(), options);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(Replay(*restored, log, half), Replay(whole, log, half));
  EXPECT_EQ(restored->Metrics(), whole.Metrics());
}

TEST(Snapshot, ASmallerBudgetIsKept) {
  Monitor large = SmallMonitor();
  Replay(large, MixedLog(600, 0, 6, 4));
  Options options = SmallOptions();
  options.max_memory_bytes = 1 << 20;
  ASSERT_GT(large.Statistics().state_bytes, options.max_memory_bytes);
  Result<Monitor> small = Monitor::Restore(large.Save(), options);
  ASSERT_TRUE(small.ok()) << small.status().message();
  EXPECT_LE(small->Statistics().state_bytes, options.max_memory_bytes);
  EXPECT_GT(small->Statistics().full_accounts, 20u);
}

TEST(Snapshot, OnlyTheOriginalOpens) {
  Options options = SmallOptions();
  options.shards = 1;
  Monitor monitor = SmallMonitor(options);
  const Log log = MixedLog(3, 0, 2, 5);
  Replay(monitor, log, 0, 20);
  support::ExpectOnlyTheOriginalParses(
      monitor.Save(), [&](std::string_view bytes) { return Monitor::Restore(bytes, options); },
      [](const Monitor& m) { return m.Save(); });
}

// Frames of `bytes`, one changed by `change` and given a right checksum again.
template <typename Change>
std::string WithFrame(const std::string& bytes, std::size_t which, Change&& change) {
  std::string out;
  std::string_view rest = bytes;
  for (std::size_t i = 0; !rest.empty(); ++i) {
    wire::Opened frame = *wire::TakeFrame(rest);
    std::string payload(frame.payload);
    if (i == which) change(frame, payload);
    if (frame.kind.letters[0] != 0) out += wire::Frame(frame.kind, frame.key_id, payload);
  }
  return out;
}

TEST(Snapshot, MessagesNameWhatIsWrong) {
  const Options options = SmallOptions();
  Monitor monitor = SmallMonitor(options);
  Replay(monitor, MixedLog(5, 0, 2, 6));
  const std::string good = monitor.Save();
  const auto message = [&](const std::string& bytes) {
    return Monitor::Restore(bytes, options).status().message();
  };
  const auto with = [&](std::size_t which, auto&& change) {
    return message(WithFrame(good, which, change));
  };
  EXPECT_EQ(message(""), "these bytes do not begin with 'DWMS'");
  EXPECT_EQ(with(0, [](wire::Opened& f, std::string&) { f.kind.version = 2; }),
            "'DWMS' has version 2; allowed: 1");
  EXPECT_EQ(with(2, [](wire::Opened& f, std::string&) { f.kind.version = 9; }),
            "'DWSH' has version 9; allowed: 2");
  EXPECT_EQ(with(1,
                 [](wire::Opened& f, std::string&) {
                   f.kind = {{"ELSE"}, 1};
                 }),
            "the snapshot has 'ELSE' where 'DWSH' belongs");
  EXPECT_EQ(with(1, [](wire::Opened& f, std::string&) { f.kind.letters = {}; }),
            "the snapshot has 5 frames and says 6, and 0 bytes behind its end");
  EXPECT_EQ(with(1, [](wire::Opened& f, std::string&) { ++f.key_id; }),
            "'DWSH' was made under another key");
  EXPECT_EQ(with(1, [](wire::Opened&, std::string& payload) { payload[0] = 77; }),
            "shard 0 of the snapshot holds values that it cannot have produced");
  EXPECT_EQ(message(good.substr(0, good.size() - 40)),
            "the snapshot ends before its end frame 'DWME'");
}

TEST(Snapshot, AnotherKeyOrReferenceIsAFailedPrecondition) {
  const Options options = SmallOptions();
  Monitor monitor = SmallMonitor(options);
  const std::string good = monitor.Save();
  Options other = options;
  other.origin = support::kLogStart + std::chrono::hours(1);
  // Without an event, horizons are not bound to an origin by events but by options.
  EXPECT_EQ(CodeOf(good, other), StatusCode::kFailedPrecondition);
  other = SmallOptions(std::chrono::hours(48));
  EXPECT_EQ(Monitor::Restore(good, other).status().message(),
            "the snapshot was made with another reference");
  auto content = std::make_shared<calibrate::ReferenceContent>(options.reference->content());
  content->key_id = 0;
  other.reference = Reference(content);
  other.key = "another key, as long as it needs to be";
  EXPECT_EQ(Monitor::Restore(good, other).status().message(),
            "the snapshot was made under another key");
}

TEST(Snapshot, AKeyDrawnAtRandomIsKeptAndAGivenOneIsNot) {
  Options options = SmallOptions();
  auto content = std::make_shared<calibrate::ReferenceContent>(options.reference->content());
  content->key_id = 0;
  options.reference = Reference(content);
  Monitor given = SmallMonitor(options);
  EXPECT_EQ(given.Save().find(support::kTestKey), std::string::npos);
  options.key.clear();
  EXPECT_EQ(CodeOf(given.Save(), options), StatusCode::kFailedPrecondition);

  const Log log = MixedLog(20, 2, 5, 7);
  Monitor drawn = SmallMonitor(options);
  Replay(drawn, log, 0, log.size() / 2);
  Result<Monitor> restored = Monitor::Restore(drawn.Save(), options);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(restored->key_id(), drawn.key_id());
  EXPECT_EQ(Replay(*restored, log, log.size() / 2), Replay(drawn, log, log.size() / 2));
  EXPECT_EQ(restored->Save(), drawn.Save()) << "a second snapshot must hold the key as well";
}

// A shard's frame that claims more records than memory allows, or than there are bytes of.
TEST(Snapshot, CountsThatLieAreRefused) {
  const Options options = SmallOptions();
  const std::string good = SmallMonitor(options).Save();
  const auto forged = [&](std::uint32_t records) {
    return WithFrame(good, 1, [&](wire::Opened&, std::string& payload) {
      wire::Writer out;
      out(records);
      payload.replace(0, 4, out.bytes());
    });
  };
  EXPECT_EQ(CodeOf(forged(0), options), StatusCode::kOk);
  EXPECT_EQ(CodeOf(forged(1), options), StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(forged(1000), options), StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(forged(0xffffffff), options), StatusCode::kDataLoss);
}

// Every byte of a record, set to values that overflow what is careless; what is taken must serve.
TEST(Snapshot, ForgedRecordsAreRefusedOrHarmless) {
  Options options = SmallOptions();
  options.shards = 1;
  Monitor monitor = SmallMonitor(options);
  const Log log = MixedLog(2, 1, 5, 8);
  Replay(monitor, log, 0, 150);
  const std::string good = monitor.Save();
  std::size_t size = 0;
  WithFrame(good, 1, [&](wire::Opened&, std::string& payload) { size = payload.size(); });
  std::size_t taken = 0;
  for (std::size_t at = 0; at + 8 <= size; at += 3) {
    for (const char byte : {'\x7f', '\xff', '\x80'}) {
      const std::string bad = WithFrame(good, 1, [&](wire::Opened&, std::string& payload) {
        std::fill_n(payload.begin() + static_cast<std::ptrdiff_t>(at), 8, byte);
      });
      Result<Monitor> restored = Monitor::Restore(bad, options);
      if (!restored.ok()) {
        EXPECT_EQ(restored.status().code(), StatusCode::kDataLoss);
        continue;
      }
      ++taken;
      for (std::size_t i = 150; i < 158; ++i) {
        const Verdict verdict = restored->Observe(log[i].AsEvent());
        EXPECT_GE(verdict.score, -8);
        EXPECT_LE(verdict.score, 24);
        (void)restored->Explain(log[i].account);
      }
    }
  }
  EXPECT_GT(taken, 0u);
}

TEST(Snapshot, ASinkThatFailsEndsTheSave) {
  Monitor monitor = SmallMonitor();
  Replay(monitor, MixedLog(5, 0, 2, 9));
  std::size_t pieces = 0;
  const Status status = monitor.Save(
      [&pieces](std::string_view) { return ++pieces == 3 ? Unavailable("disk full") : Status(); });
  EXPECT_EQ(status.message(), "disk full");
  EXPECT_EQ(pieces, 3u);
  std::string all;
  EXPECT_TRUE(monitor
                  .Save([&all](std::string_view piece) {
                    all += piece;
                    return Status();
                  })
                  .ok());
  EXPECT_EQ(all, monitor.Save());
}

TEST(Snapshot, IsWholeBesideConcurrentEvents) {
  const Log log = MixedLog(60, 4, 6, 10);
  const Options options = SmallOptions();
  Monitor monitor = SmallMonitor(options);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    Replay(monitor, log);
    done = true;
  });
  std::size_t saved = 0;
  do {
    const Result<Monitor> restored = Monitor::Restore(monitor.Save(), options);
    ASSERT_TRUE(restored.ok()) << restored.status().message();
    ++saved;
  } while (!done);
  writer.join();
  EXPECT_GT(saved, 0u);
  EXPECT_EQ(Monitor::Restore(monitor.Save(), options)->Save(), monitor.Save());
}

}  // namespace
}  // namespace distillwatch
