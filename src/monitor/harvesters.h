// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Harvesters: the looks at generated harvesting accounts, the positives that a score is fitted
// with.
//
// They are generated anew whenever a reference is learned, by the simulator's disclosed campaign
// shapes and with its artificial language, so they always fit the detectors of this version and
// contain nobody's text. Tested by  tests/monitor/learner_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_HARVESTERS_H_
#define DISTILLWATCH_SRC_MONITOR_HARVESTERS_H_

#include <cstdint>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/shingler.h"
#include "monitor/custom.h"
#include "score/ranks.h"

namespace distillwatch::monitor {

struct HarvesterLook {
  score::Look look;
  std::uint32_t campaign = 0;
};

// The last look of each account in each epoch.
std::vector<HarvesterLook> SimulateHarvesters(std::size_t campaigns, const Shingler& shingler,
                                              calibrate::LookPlan looks, std::uint64_t seed,
                                              const CustomList& custom = {});

// Of several looks of an account in one epoch only the last; in order of account and time.
void KeepLastOfEpoch(std::vector<score::Look>& looks);

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_HARVESTERS_H_
