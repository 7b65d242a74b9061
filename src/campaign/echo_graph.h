// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Echo graph: accounts, and which of them ask the same prompts within 100 minutes.
//
// Accounts that echo each other within a minute are linked where the links have no weak point: no
// single echo, which may be a chance, holds two parts together. Who is copied, so that others
// always ask after it, is linked with none of them. What convicts is another thing, how soon echoes
// come among those that come at all: independent accounts that want the same things leave about a
// tenth of them within a tenth of the time.
// Paper      R. Tarjan, A note on finding the bridges of a graph, Inf. Process. Lett. 1974.
// Tested by  tests/campaign/echo_graph_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_ECHO_GRAPH_H_
#define DISTILLWATCH_SRC_CAMPAIGN_ECHO_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "campaign/echo.h"
#include "campaign/evidence.h"
#include "campaign/steps.h"

namespace distillwatch::campaign {

class EchoGraph {
 public:
  using Account = std::uint32_t;  // a position in the input
  // Two accounts that asked a prompt within 100 minutes.
  struct Echo {
    Account from = 0, to = 0;
    std::uint32_t prompt = 0;           // number; the same for all echoes of one
    Time time{};                        // of the later request
    std::chrono::microseconds after{};  // the earlier one
    bool later = false;                 // whether `from` asked later
    bool next = false;                  // whether nobody asked between them
    bool near() const noexcept { return next && after <= EchoLog::kNear; }
    bool soon() const noexcept { return next && after <= EchoLog::kSoon; }
  };
  // A member of a group, and since when its echoes count.
  struct Member {
    Account account = 0;
    Time since{};
    auto operator<=>(const Member&) const = default;
  };
  static constexpr std::size_t kLeastMembers = 5;
  static constexpr std::size_t kLeastPrompts = 5;
  static constexpr std::size_t kLeastOfACopied = 6;

  // Adds its work to `steps`, which may fill the vector before.
  //   ids   of the accounts, ascending
  EchoGraph(const EchoLog& log, Time now, const std::vector<std::uint64_t>& ids, Steps& steps);
  EchoGraph(const EchoGraph&) = delete;
  EchoGraph& operator=(const EchoGraph&) = delete;

  // Once all steps are done.
  // Every echo twice, once from either side: those from one account.
  std::span<const Echo> EchoesOf(Account account) const noexcept;
  // Accounts that echo each other within a minute, ascending, the largest core first, without those
  // that have kLeastOfACopied echoes and never asked after another one. At least kLeastPrompts of
  // what they ask is asked by half of them at most: a class in a room is no core.
  const std::vector<std::vector<Account>>& cores() const noexcept { return cores_; }
  // The number of its core; kNoCore: it is in none.
  static constexpr std::uint32_t kNoCore = ~std::uint32_t{0};
  std::uint32_t CoreOf(Account account) const noexcept { return core_of_[account]; }
  // Whether the accounts of two cores do not echo each other, though one of the cores has so many
  // echoes that whoever belongs to it would have been seen.
  bool AreApart(std::uint32_t core, std::uint32_t other) const;
  // members: ascending.
  EchoEvidence EvidenceOf(std::span<const Member> members) const;
  // Of echoes between members and others, both ascending and without common accounts, where they
  // are evidence from both sides: a few accounts that take part in both prove nothing.
  struct Between {
    EchoEvidence evidence;
    std::uint32_t followed = 0;  // of the near ones, those in which the member asked later
  };
  Between EvidenceBetween(std::span<const Member> members, std::span<const Member> others) const;

 private:
  void Read(std::size_t bucket);
  void FindCores();
  bool IsCopied(Account account, const std::vector<Account>& others) const;
  std::vector<Echo> SoonAmong(const std::vector<Account>& accounts) const;
  // The echoes of members with others, by prompt, of prompts that half of the members asked at
  // most; each once where both are the same.
  std::vector<Echo> With(std::span<const Member> members, std::span<const Member> others) const;

  const EchoLog& log_;
  Time earliest_, latest_;
  const std::vector<std::uint64_t>& ids_;
  std::uint32_t prompts_ = 0;
  std::vector<Echo> echoes_;         // by account, prompt and time
  std::vector<std::size_t> starts_;  // of each account's echoes
  std::vector<std::vector<Account>> cores_;
  std::vector<std::uint32_t> core_of_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_ECHO_GRAPH_H_
