// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cinttypes>
#include <cstdio>

#include "distillwatch/monitor.h"
#include "monitor/monitor_state.h"

namespace distillwatch {

MonitorStatistics Monitor::Statistics() const {
  const State& s = *state_;
  const monitor::EngineCounters& c = s.engine.counters();
  MonitorStatistics out;
  out.events = c.events;
  out.truncated_prompts = c.truncated;
  out.empty_prompts = c.empty;
  out.late_events = c.late;
  out.clock_restarts = c.clock_restarts;
  out.wild_times = c.wild_times;
  out.looks = s.looks;
  out.finished_horizons = s.finished_horizons;
  for (std::size_t i = 0; i < s.flagged.size(); ++i) out.flagged[i] = s.flagged[i];
  for (std::size_t i = 0; i < s.engine.table().shards(); ++i) {
    const monitor::Shard& shard = s.engine.table().shard(i);
    const std::lock_guard lock(shard.mutex);
    out.accounts += shard.accounts();
    out.full_accounts += shard.full_accounts();
    out.state_bytes += shard.bytes();
    out.evicted_accounts += shard.evicted();
    out.demoted_accounts += shard.demoted();
  }
  out.campaigns = s.linker.named();
  const std::lock_guard lock(s.drift_mutex);
  out.drift = s.drift.value();
  return out;
}

std::string Monitor::Metrics() const {
  const MonitorStatistics s = Statistics();
  std::string out;
  const auto add = [&out](const char* name, const char* type, const char* help, double value,
                          const char* labels = "") {
    char line[512];
    if (help != nullptr) {
      std::snprintf(line, sizeof(line), "# HELP distillwatch_%s %s\n# TYPE distillwatch_%s %s\n",
                    name, help, name, type);
      out += line;
    }
    std::snprintf(line, sizeof(line), "distillwatch_%s%s %.17g\n", name, labels, value);
    out += line;
  };
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    add(name, "counter", help, static_cast<double>(value));
  };
  const auto gauge = [&](const char* name, const char* help, double value) {
    add(name, "gauge", help, value);
  };
  counter("events_total", "Requests observed.", s.events);
  counter("looks_total", "Evaluations of an account's score.", s.looks);
  gauge("tracked_accounts", "Accounts in memory.", static_cast<double>(s.accounts));
  gauge("full_accounts", "Accounts in memory with 16 requests or more.",
        static_cast<double>(s.full_accounts));
  gauge("state_bytes", "Bytes of account records.", static_cast<double>(s.state_bytes));
  counter("evicted_accounts_total", "Accounts forgotten for want of memory.", s.evicted_accounts);
  counter("demoted_accounts_total", "Suspicious accounts that kept only their score.",
          s.demoted_accounts);
  counter("truncated_prompts_total", "Prompts read at head and tail only.", s.truncated_prompts);
  counter("empty_prompts_total", "Requests without text.", s.empty_prompts);
  counter("late_events_total", "Events older than their account's newest.", s.late_events);
  counter("clock_restarts_total", "Events more than an hour older than their account's newest.",
          s.clock_restarts);
  counter("wild_times_total", "Events before 1970 or after 2200.", s.wild_times);
  counter("campaigns_total", "Campaigns named by reviews.", s.campaigns);
  counter("finished_horizons_total", "Horizons of accounts that ended.", s.finished_horizons);
  add("flagged_accounts_total", "counter", "Accounts that reached a level in a horizon.",
      static_cast<double>(s.flagged[1]), "{level=\"watch\"}");
  add("flagged_accounts_total", "counter", nullptr, static_cast<double>(s.flagged[2]),
      "{level=\"suspect\"}");
  add("flagged_accounts_total", "counter", nullptr, static_cast<double>(s.flagged[3]),
      "{level=\"distilling\"}");
  gauge("drift_martingale",
        "Evidence that accounts no longer look like the reference; alarm above 100.", s.drift);
  return out;
}

}  // namespace distillwatch
