// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests of this room share: a monitor over a small reference, and verdicts as they can be
// compared.

#ifndef DISTILLWATCH_TESTS_MONITOR_SMALL_MONITOR_H_
#define DISTILLWATCH_TESTS_MONITOR_SMALL_MONITOR_H_

#include <bit>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "distillwatch/monitor.h"
#include "support/traffic.h"

namespace distillwatch {

inline const Reference& ReferenceOf(std::chrono::seconds horizon) {
  static const Reference thirty_days = support::SmallReference();
  if (horizon == thirty_days.horizon()) return thirty_days;
  auto content = std::make_shared<calibrate::ReferenceContent>(thirty_days.content());
  content->horizon_s = horizon.count();
  static std::vector<std::unique_ptr<Reference>> others;
  return *others.emplace_back(std::make_unique<Reference>(std::move(content)));
}

// Levels are reached often: the promise is loose, because the reference is small.
inline Options SmallOptions(std::chrono::seconds horizon = std::chrono::hours(30 * 24)) {
  Options options;
  options.key = support::kTestKey;
  options.reference = ReferenceOf(horizon);
  options.promise = {.per_million = 50'000, .contamination = 0};
  options.origin = support::kLogStart;
  options.shards = 4;
  return options;
}

inline Monitor SmallMonitor(const Options& options = SmallOptions()) {
  Result<Monitor> monitor = Monitor::Create(options);
  EXPECT_TRUE(monitor.ok()) << monitor.status().message();
  return *std::move(monitor);
}

// A verdict, to the last bit.
using VerdictBits = std::tuple<Level, std::uint64_t, std::uint64_t, bool, std::uint64_t>;
inline VerdictBits BitsOf(const Verdict& v) {
  return {v.level, std::bit_cast<std::uint64_t>(v.score), std::bit_cast<std::uint64_t>(v.p_value),
          v.looked, v.campaign};
}

inline std::vector<VerdictBits> Replay(Monitor& monitor, const support::Log& log,
                                       std::size_t first = 0, std::size_t last = ~std::size_t{0}) {
  std::vector<VerdictBits> out;
  for (std::size_t i = first; i < std::min(last, log.size()); ++i)
    out.push_back(BitsOf(monitor.Observe(log[i].AsEvent())));
  return out;
}

}  // namespace distillwatch

#endif  // DISTILLWATCH_TESTS_MONITOR_SMALL_MONITOR_H_
