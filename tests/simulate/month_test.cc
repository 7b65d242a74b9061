// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/month.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace distillwatch::simulate {
namespace {

TEST(LabelledMonth, IsTheSameForOneSeed) {
  const auto digest = [](std::uint64_t seed) {
    const LabelledMonth month = SimulateMonth({.seed = seed, .accounts = 60, .campaigns = 3});
    std::string all;
    for (const Place& p : month.order) {
      const Account& a = month.accounts[p.account];
      all += a.id + std::to_string(a.requests[p.request].time_s) + a.requests[p.request].prompt;
    }
    return all;
  };
  EXPECT_EQ(digest(1), digest(1));
  EXPECT_NE(digest(1), digest(2));
}

TEST(LabelledMonth, BenignAccountsDoNotDependOnTheCampaigns) {
  const LabelledMonth without = SimulateMonth({.accounts = 40, .campaigns = 0});
  const LabelledMonth with = SimulateMonth({.accounts = 40, .campaigns = 4});
  ASSERT_EQ(without.accounts.size(), 40u);
  ASSERT_GT(with.accounts.size(), 40u);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(without.accounts[i].id, with.accounts[i].id);
    EXPECT_EQ(without.accounts[i].requests.size(), with.accounts[i].requests.size());
  }
}

TEST(LabelledMonth, OrderHoldsEveryRequestOnceByTime) {
  const LabelledMonth month = SimulateMonth({.accounts = 80, .campaigns = 8});
  std::set<std::pair<std::uint32_t, std::uint32_t>> places;
  double before = 0;
  for (const Place& p : month.order) {
    places.insert({p.account, p.request});
    const double t = month.accounts[p.account].requests[p.request].time_s;
    EXPECT_GE(t, before);
    before = t;
  }
  std::size_t requests = 0;
  for (const Account& a : month.accounts) requests += a.requests.size();
  EXPECT_EQ(places.size(), requests);
  EXPECT_EQ(month.order.size(), requests);
}

TEST(LabelledMonth, HarvestersStayAFewPercent) {
  for (const std::size_t campaigns :
       {std::size_t{1}, std::size_t{4}, std::size_t{8}, std::size_t{20}}) {
    const MonthOptions options = {.accounts = 1500, .campaigns = campaigns};
    Random random(51);
    double accounts = 0;
    std::map<std::string, int> names;
    for (const Campaign& c : PlanCampaigns(options, random)) {
      accounts += static_cast<double>(c.accounts);
      ++names[c.name];
      // Half as much again for draws of volume, and somebody's ordinary requests beside it.
      EXPECT_LE(static_cast<double>(c.accounts) * c.requests_a_day * c.days,
                1.01 * kMostHarvest * 1500 * 170)
          << c.name;
    }
    EXPECT_LE(accounts, kMostHarvesters * 1500);
    EXPECT_EQ(names.size(), campaigns) << "every campaign has a name of its own";
  }
}

TEST(LabelledMonth, LabelsAgreeWithTheCampaigns) {
  const LabelledMonth month = SimulateMonth({.accounts = 300, .campaigns = 8});
  std::set<std::string> campaigns;
  for (const Account& a : month.accounts) {
    const bool distills = std::any_of(a.requests.begin(), a.requests.end(),
                                      [](const Request& r) { return r.distills; });
    EXPECT_EQ(distills, !a.campaign.empty()) << a.persona;
    if (!a.campaign.empty()) campaigns.insert(a.campaign);
  }
  EXPECT_EQ(campaigns.size(), 8u);
}

TEST(LabelledMonth, ShortMonthsAndSmallOnesWork) {
  for (const double days : {1.0, 3.0, 60.0}) {
    const LabelledMonth month = SimulateMonth({.days = days, .accounts = 5, .campaigns = 9});
    for (const Account& a : month.accounts) {
      for (const Request& r : a.requests) EXPECT_LT(r.time_s, days * kDay_s);
    }
    EXPECT_GE(month.accounts.size(), 5u);
  }
}

}  // namespace
}  // namespace distillwatch::simulate
