// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Benign: accounts that ask for their own sake, in the usual mix, and those among them that look
// like harvesters.
//
//   person     sessions in waking hours, follow-ups, now and then the conversation resent
//   customer   a template of its own around its records, at a product's pace
//   app        a tenant of one of a few popular apps, which all have its instructions in common
//   harness    a user of one agent whose long system prompt thousands send
//   reseller   many people behind one key
//   backfill   every record of a data set once, at a machine's pace
//   cron       a job at the same minute of the hour
//   retry      the same few requests again and again
//   class      pupils who ask for the same homework
//   trial      a few days, then gone
//
// One account in six has a second use, one in five repeats what failed. Popular apps and the agent
// are the same in every month and for every seed, as they are for a gateway. Nothing here was
// fitted to any data set.
//
// Tested by  tests/simulate/benign_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_BENIGN_H_
#define DISTILLWATCH_SRC_SIMULATE_BENIGN_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "simulate/account.h"
#include "simulate/random.h"

namespace distillwatch::simulate {

// Requests of an account in a month: log-normal around a median of 110, 5 to 3000 (a reseller's and
// a backfill's twice that).
//   between  called before each account; what it throws ends the simulation
std::vector<Account> SimulateBenign(std::size_t accounts, const Month& month, Random& random,
                                    const std::function<void()>& between = {});

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_BENIGN_H_
