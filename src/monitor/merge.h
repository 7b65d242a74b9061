// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What two monitors know of one account, in one record. What merges exactly and what does not is
// said at Monitor::Merge; the result does not depend on which of the two is named first.
//
// Tested by  tests/monitor/merge_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_MERGE_H_
#define DISTILLWATCH_SRC_MONITOR_MERGE_H_

#include <variant>

#include "monitor/account.h"

namespace distillwatch::monitor {

using Account = std::variant<LiteAccount, FullAccount>;

// Whose rhythm, and whose states of the host's detectors, stand for both.
bool IsBusier(const FullAccount& a, const FullAccount& b);

Account Union(const Detectors& detectors, const Account& a, const Account& b);

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_MERGE_H_
