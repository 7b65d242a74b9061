// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Monitor: watches a gateway's requests and says which accounts harvest the model, how surely, and
// why.
//
//   auto monitor = distillwatch::Monitor::Create(options);
//   Verdict v = monitor->Observe({.account = key, .time = now, .prompt = body});
//   if (v.level >= Level::kSuspect) throttle(v);
//
// Time enters only through events, so a replay gives the verdicts that production gave. The same
// events in the same order per account give the same verdicts for any number of threads, when
// Options::origin is set (else the first event sets it) and nothing is forgotten for want of memory
// [Monitor.ThreadsDoNotChangeVerdicts].
// Tested by  tests/monitor/    Measured by  benchmarks/monitor_bench.cc

#ifndef DISTILLWATCH_MONITOR_H_
#define DISTILLWATCH_MONITOR_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "distillwatch/campaign.h"
#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/options.h"
#include "distillwatch/status.h"
#include "distillwatch/verdict.h"

namespace distillwatch {

// What the monitor knows of itself. Counters never fall.
struct MonitorStatistics {
  std::uint64_t events = 0;
  std::uint64_t looks = 0;             // evaluations of a score
  std::uint64_t accounts = 0;          // tracked now, in both tiers
  std::uint64_t full_accounts = 0;     // of them with 16 requests or more
  std::uint64_t state_bytes = 0;       // of account records, without allocator overhead
  std::uint64_t evicted_accounts = 0;  // forgotten for want of memory
  std::uint64_t demoted_accounts = 0;  // suspicious ones that kept only their score
  std::uint64_t truncated_prompts = 0;
  std::uint64_t empty_prompts = 0;      // events without text
  std::uint64_t late_events = 0;        // older than their account's newest; taken as simultaneous
  std::uint64_t clock_restarts = 0;     // more than an hour older: rhythm is learned anew
  std::uint64_t wild_times = 0;         // before 1970 or after 2200, moved to that border
  std::uint64_t finished_horizons = 0;  // of accounts
  std::uint64_t flagged[4] =
      {};  // accounts by the level that their own scores reached, in their horizons
  std::uint64_t campaigns = 0;  // named so far
  double drift = 1;  // martingale over finished accounts; above 100: rebuild the reference
};

// Thread-safe: every member function may be called from any thread at any time.
class DISTILLWATCH_EXPORT Monitor {
 public:
  //   Errors  InvalidArgument; FailedPrecondition when the reference cannot keep the promise (the
  //   message
  //           has the smallest one that holds) or was learned under another key
  static Result<Monitor> Create(const Options& options);
  ~Monitor();
  // What was moved from may be assigned to or destroyed, nothing else.
  Monitor(Monitor&&) noexcept;
  Monitor& operator=(Monitor&&) noexcept;

  // Any bytes, any clock, any account. Hostile input gives a verdict, never an error.
  //   Cost  see benchmarks/monitor_bench.cc; no allocation once account tables have grown
  Verdict Observe(const Event& event) noexcept;

  // The same for many events, one after the other; faster where accounts are too many for the
  // processor's caches, because it asks for the next ones' state ahead.
  //   Needs  as many verdicts as events; what has no place for its verdict is not observed
  void ObserveMany(std::span<const Event> events, std::span<Verdict> verdicts) noexcept;

  // The account's evidence now.  Errors: NotFound
  Result<Explanation> Explain(std::string_view account) const;

  // Ends the horizons that are over by `now` and feeds the drift alarm. Call it once an hour or so;
  // every call may take tens of milliseconds a million accounts.
  void Finish(Time now);

  // Links accounts, tests the groups that they form and names campaigns. Call it once or twice a
  // day of event time, beside Observe; a verdict tells a member's campaign from then on.
  // A review that is stopped, or out of steps, says `interrupted` and is taken up by the next call
  // within an hour of event time, as if it had never been left
  // [Linker.AReviewInSlicesIsTheSameReview]; it holds a copy of what is known of all accounts
  // meanwhile.
  //   Cost        see BM_Review: seconds for a million accounts; takes no lock for long
  //   now         is believed: linking forgets who was idle for the 30 days before it
  //   stop        asked before every step
  //   most_steps  for hosts without a thread to spare; what the longest takes, see BM_Review
  distillwatch::Review Review(Time now, const std::stop_token& stop = {},
                              std::size_t most_steps = std::numeric_limits<std::size_t>::max());
  // The host banned this account. Reviews of the next eight days look for accounts that began
  // within a day after it and continue it (Review::successors).
  //   Errors  NotFound for an account without 16 requests in the last 30 days; FailedPrecondition
  //           when campaigns are off; ResourceExhausted beyond 16,384 bans in eight days
  Status ReportBan(std::string_view account, Time now);
  // All campaigns named so far.
  std::vector<Campaign> Campaigns() const;
  // What CampaignMember::account says for this account name.
  std::uint64_t AccountId(std::string_view account) const noexcept;

  MonitorStatistics Statistics() const;
  // The same in Prometheus' text format, names beginning with distillwatch_.
  std::string Metrics() const;

  // All state, with format version, key id and checksums; a key that was drawn at random is in it,
  // one that was given is not. Shard after shard is copied under its lock, so events may go on:
  // those that come meanwhile are in it or not, each account is whole.
  std::string Save() const;
  // The same in pieces, none much larger than a shard. Returns the first error of the sink.
  Status Save(const std::function<Status(std::string_view)>& sink) const;
  // A monitor in the saved state: further events give the verdicts that they would have given
  // without the pause [Snapshot.VerdictsGoOnBitByBit]. Key, reference and origin must be the saved
  // ones; shards and max_memory_bytes may differ, and where memory gets short the choice of whom to
  // forget then differs too.
  //   Errors  DataLoss, FailedPrecondition, InvalidArgument
  static Result<Monitor> Restore(std::string_view saved, const Options& options);
  // Takes over the other's accounts, levels and counters. The two must have seen different
  // requests. Of an account that both have seen
  //   kept         the later horizon's highest score and level
  //   exact        number of requests, union of the signature samples, vocabulary
  //   within       rounding or the sketch's own bounds: means, topic cells, term counts
  //   not merged   gaps between requests, which neither side saw whole: the busier side's rhythm
  //                stays; growth of the vocabulary, unknown until requests have doubled twice
  // While memory suffices, a.Merge(b) and b.Merge(a) give the same verdicts [Merge.IsCommutative].
  //   Errors  FailedPrecondition when key, reference or origin differ (set Options::origin on all
  //           replicas); InvalidArgument for a monitor and itself
  Status Merge(const Monitor& other);

  // Names the key without giving it away.
  std::uint64_t key_id() const noexcept;

 private:
  struct State;
  explicit Monitor(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_MONITOR_H_
