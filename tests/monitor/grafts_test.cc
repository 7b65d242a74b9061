// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/grafts.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "support/traffic.h"

namespace distillwatch::monitor {
namespace {

using support::Log;
using support::LogLine;
using support::MixedLog;

std::vector<HarvesterLook> LooksOver(const Log& log, std::uint64_t seed) {
  const Shingler shingler = *Shingler::Create(support::kTestKey);
  Grafts grafts(shingler, {}, seed);
  for (const LogLine& line : log)
    grafts.Observe(shingler.HashName("account", line.account), line.time, line.prompt);
  return grafts.Looks();
}

TEST(Grafts, AreMadeOfTheLogAndTheSeedAlone) {
  const Log log = MixedLog(30, 0, 4, 1);
  const auto a = LooksOver(log, 1), b = LooksOver(log, 1), c = LooksOver(log, 2);
  ASSERT_EQ(a.size(), b.size());
  ASSERT_GT(a.size(), 40u);
  std::set<std::uint32_t> campaigns;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].look.requests, b[i].look.requests);
    EXPECT_EQ(std::memcmp(a[i].look.features.data(), b[i].look.features.data(),
                          a[i].look.features.size() * sizeof(float)),
              0);
    EXPECT_GE(a[i].look.time_us, log.front().time.time_since_epoch().count());
    EXPECT_LE(a[i].look.time_us, log.back().time.time_since_epoch().count());
    campaigns.insert(a[i].campaign);
  }
  EXPECT_GT(campaigns.size(), 20u);
  EXPECT_NE(a.size(), c.size());
}

TEST(Grafts, AnEmptyOrHostileLogIsSurvived) {
  EXPECT_TRUE(LooksOver({}, 1).empty());
  Log log(3);
  log[0].time = kEarliestTime;
  log[1].time = kLatestTime;
  log[1].prompt = std::string(1 << 20, '{');
  log[2].time = kEarliestTime;
  log[2].prompt = "{0} {1} {2} {99}";
  LooksOver(log, 1);
}

}  // namespace
}  // namespace distillwatch::monitor
