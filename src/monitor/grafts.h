// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Grafts: harvesting accounts made of the operator's own traffic, while a reference is learned.
//
// The simulator's artificial language cannot look like an operator's customers. So beside the
// simulated campaigns some hundred accounts are grafted onto the log as it streams by: the times,
// frames and dilution of a simulated campaign around slots that are other accounts' newest turns.
// At most kPool texts for each live graft wait in memory until they are used or replaced; none is
// kept.
//
// Sources are accounts of the training half only, so calibration stays exchangeable with later
// traffic. Tested by  tests/monitor/grafts_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_GRAFTS_H_
#define DISTILLWATCH_SRC_MONITOR_GRAFTS_H_

#include <cstdint>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "calibrate/reference_content.h"
#include "monitor/engine.h"
#include "monitor/harvesters.h"
#include "simulate/prompts.h"
#include "simulate/traffic.h"

namespace distillwatch::monitor {

class Grafts {
 public:
  static constexpr std::size_t kLive = 700;  // grafts at a time
  static constexpr std::size_t kPool = 24;   // texts that wait for each
  static constexpr std::size_t kLongestText = 4096;

  Grafts(const Shingler& shingler, calibrate::LookPlan looks, std::uint64_t seed,
         const CustomList& custom = {});

  // A request of the operator's own traffic: its account, time and newest turn.
  void Observe(std::uint64_t account, Time time, std::string_view newest_turn);

  // The last look of each graft in each epoch; every graft is a campaign of its own.
  std::vector<HarvesterLook> Looks() const;

 private:
  struct Graft {
    simulate::Campaign campaign;
    simulate::Harvest harvest;
    simulate::Frame injected;   // around relayed requests
    std::vector<Time> times{};  // planned
    std::size_t next = 0;       // of times
    Time ends{};
    std::vector<std::string> pool{};
    std::size_t sources = 0, most_sources = 1;
    std::size_t forwards_left = 0;  // of the host's requests
    std::uint64_t host = 0;         // whose requests are passed on as they are; 0: none
    std::uint32_t number = 0;
  };
  struct Due {
    Time time;
    std::size_t place;
    std::uint32_t number;
    bool operator<(const Due& other) const { return time > other.time; }  // the earliest first
  };

  bool Relays(const Graft& graft) const;
  void Start(std::size_t place, Time now, bool first_generation);
  void Schedule(std::size_t place);
  void AskPlanned(Time now);
  void Offer(std::uint64_t account);
  void Send(const Graft& graft, Time time, std::string_view prompt);

  Engine engine_;
  simulate::Random random_;
  std::vector<Graft> live_;
  std::unordered_map<std::uint64_t, std::vector<Due>> listeners_;  // account -> grafts that read it
  std::priority_queue<Due> due_;
  std::vector<score::Look> looks_;
  std::uint32_t started_ = 0;
};

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_GRAFTS_H_
