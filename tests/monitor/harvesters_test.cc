// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/harvesters.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

#include "support/traffic.h"

namespace distillwatch::monitor {
namespace {

using score::Look;

TEST(Harvesters, TheSameSeedGivesTheSameLooks) {
  const Shingler shingler = *Shingler::Create(support::kTestKey);
  const auto looks = [&](std::uint64_t seed) { return SimulateHarvesters(12, shingler, {}, seed); };
  const auto a = looks(1), b = looks(1), c = looks(2);
  ASSERT_EQ(a.size(), b.size());
  std::set<std::uint32_t> campaigns;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].look.account, b[i].look.account);
    EXPECT_EQ(a[i].look.requests, b[i].look.requests);
    EXPECT_EQ(std::memcmp(a[i].look.features.data(), b[i].look.features.data(),
                          a[i].look.features.size() * sizeof(float)),
              0);
    EXPECT_EQ(a[i].look.features.size(), FeatureNames().size());
    EXPECT_GE(a[i].look.requests, score::kFirstLook);
    campaigns.insert(a[i].campaign);
  }
  EXPECT_GT(campaigns.size(), 6u);
  ASSERT_FALSE(c.empty());
  EXPECT_NE(a[0].look.account, c[0].look.account);
}

TEST(Harvesters, AnAccountHasOneLookAnEpoch) {
  const Shingler shingler = *Shingler::Create(support::kTestKey);
  std::set<std::tuple<std::uint32_t, std::uint64_t, std::size_t>> seen;
  for (const HarvesterLook& h : SimulateHarvesters(12, shingler, {}, 3)) {
    EXPECT_TRUE(seen.insert({h.campaign, h.look.account, score::EpochOf(h.look.requests)}).second);
  }
}

TEST(KeepLastOfEpoch, KeepsTheLastOfEach) {
  std::vector<Look> looks = {{2, 10, 16, {}}, {1, 30, 40, {}}, {1, 10, 16, {}},
                             {1, 20, 31, {}}, {2, 20, 17, {}}, {1, 40, 300, {}}};
  KeepLastOfEpoch(looks);
  ASSERT_EQ(looks.size(), 4u);
  const auto is = [&](std::size_t i, std::uint64_t account, std::int64_t time) {
    return looks[i].account == account && looks[i].time_us == time;
  };
  EXPECT_TRUE(is(0, 1, 20) && is(1, 1, 30) && is(2, 1, 40) && is(3, 2, 20));
  std::vector<Look> none;
  KeepLastOfEpoch(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace distillwatch::monitor
