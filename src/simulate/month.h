// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LabelledMonth: a gateway's month with known harvesters, to try the program on without anybody's
// data.
//
// Campaigns take the disclosed shapes in turn (PlanCampaigns). Together they have at most 3 % of
// the accounts, and each asks at most 2 % of what the benign ones ask: a month in which harvesters
// are the majority would be found by anything.
// Not when   figures are to be compared with others' (one simulator's harvesters, with prompts of
// an artificial language, are easier to find than real ones).
// Tested by  tests/simulate/month_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_MONTH_H_
#define DISTILLWATCH_SRC_SIMULATE_MONTH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "simulate/account.h"
#include "simulate/random.h"
#include "simulate/traffic.h"

namespace distillwatch::simulate {

inline constexpr double kMostHarvesters = 0.03;  // of the benign accounts
inline constexpr double kMostHarvest = 0.02;     // of the benign requests, by one campaign

struct MonthOptions {
  std::uint64_t seed = 1;
  double days = 30;
  std::size_t accounts = 2000;  // benign ones
  std::size_t campaigns = 8;
  std::function<void()> between = {};  // called now and then; what it throws ends the simulation
};

// One request of the month, by place in `accounts` and in that account's requests.
struct Place {
  std::uint32_t account = 0, request = 0;
};

struct LabelledMonth {
  std::vector<Account> accounts;  // benign ones first
  std::vector<Place> order;       // all requests, in order of time
};

// The first campaigns that are asked for; more repeat the shapes with other draws:
//   round-robin   a pool at 26 requests an account a day, one after the other
//   injected      one fixed instruction around relayed users' requests, 13 a day
//   pivot         a pool that moves to the new model within a day
//   diluted       a pool whose accounts send more than twice as much of other things
//   cleaning      a few accounts that grade and clean at 282 a day
//   lone          one account that makes tasks at hundreds a day
//   relay         other people's conversations as they are: invisible by content
//   thin          5.6 requests an account a day
std::vector<Campaign> PlanCampaigns(const MonthOptions& options, Random& random);

// The same options give the same month on every machine [LabelledMonth.IsTheSameForOneSeed].
LabelledMonth SimulateMonth(const MonthOptions& options);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_MONTH_H_
