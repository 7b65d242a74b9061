// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/traffic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

namespace distillwatch::simulate {
namespace {

Campaign Pool(Pipeline pipeline, Route route) {
  Campaign c;
  c.name = "pool";
  c.pipeline = pipeline;
  c.route = route;
  c.accounts = 6;
  c.requests_a_day = 26;
  c.days = 14;
  return c;
}

std::size_t Harvests(const Account& account) {
  return static_cast<std::size_t>(std::count_if(account.requests.begin(), account.requests.end(),
                                                [](const Request& r) { return r.distills; }));
}

TEST(Traffic, CampaignsOfAllKindsAreSortedInsideTheMonthAndNamed) {
  const Month month;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    Campaign campaign = AnyCampaign(random);
    campaign.name = "any";
    for (const Account& account : SimulateCampaign(campaign, month, 3, random)) {
      EXPECT_EQ(account.campaign, "any");
      EXPECT_GE(account.requests.size(), 3u);
      EXPECT_LE(Harvests(account), 3000 * campaign.accounts);  // lives may leave all to one
      double before = 0;
      for (const Request& r : account.requests) {
        EXPECT_GE(r.time_s, before);
        EXPECT_LT(r.time_s, month.days * kDay_s);
        EXPECT_LT(r.address, account.addresses.size());
        EXPECT_FALSE(r.prompt.empty());
        before = r.time_s;
      }
    }
  }
}

TEST(Traffic, SameSeedSameCampaign) {
  const auto prompts = [](std::uint64_t seed) {
    Random random(seed);
    std::string all;
    for (const Account& a :
         SimulateCampaign(Pool(Pipeline::kAnswers, Route::kRoundRobin), {}, 6, random)) {
      all += a.id;
      for (const Request& r : a.requests) all += r.prompt;
    }
    return all;
  };
  EXPECT_EQ(prompts(1), prompts(1));
  EXPECT_NE(prompts(1), prompts(2));
}

TEST(Traffic, APoolAsksWhatItsAccountsAreMeantToAsk) {
  for (const Route route :
       {Route::kRoundRobin, Route::kWeighted, Route::kRandom, Route::kSticky, Route::kOwnWorkers}) {
    Random random(31);
    double requests = 0;
    std::size_t accounts = 0;
    for (int i = 0; i < 10; ++i) {
      for (const Account& a : SimulateCampaign(Pool(Pipeline::kAnswers, route), {}, 6, random)) {
        requests += static_cast<double>(a.requests.size());
        ++accounts;
      }
    }
    // 26 a day; an account lives for 1 - .175 - .15 of the campaign's days on average.
    EXPECT_NEAR(requests / static_cast<double>(accounts), 26 * 14 * 0.675, 26 * 14 * 0.25)
        << static_cast<int>(route);
  }
}

TEST(Traffic, RoundRobinGivesNeighboursTurns) {
  Random random(32);
  std::map<double, std::string> order;
  for (const Account& a :
       SimulateCampaign(Pool(Pipeline::kAnswers, Route::kRoundRobin), {}, 6, random)) {
    for (const Request& r : a.requests) order[r.time_s] = a.id;
  }
  std::size_t twice = 0;
  for (auto i = std::next(order.begin()); i != order.end(); ++i)
    twice += i->second == std::prev(i)->second;
  EXPECT_LT(twice, order.size() / 10) << "an account is hardly ever asked twice in a row";
}

TEST(Traffic, DilutionIsTheShareOfOrdinaryRequests) {
  Random random(33);
  Campaign campaign = Pool(Pipeline::kElicitation, Route::kRoundRobin);
  campaign.dilution = 0.7;
  std::size_t all = 0, harvests = 0;
  for (int i = 0; i < 10; ++i) {
    for (const Account& a : SimulateCampaign(campaign, {}, 6, random)) {
      all += a.requests.size();
      harvests += Harvests(a);
    }
  }
  EXPECT_NEAR(static_cast<double>(harvests) / static_cast<double>(all), 0.3, 0.08);
}

TEST(Traffic, AnInjectedInstructionStandsInEveryRelayedRequest) {
  Random random(34);
  const auto accounts =
      SimulateCampaign(Pool(Pipeline::kInjectedRelay, Route::kSticky), {}, 6, random);
  ASSERT_GE(accounts.size(), 2u);
  // 12 characters that many prompts have in common, near the beginning or the end of the first.
  const std::string& first = accounts[0].requests[0].prompt;
  std::size_t best = 0;
  for (const std::string& piece : {first.substr(0, 12), first.substr(first.size() - 12)}) {
    std::size_t with = 0, in_all = 0;
    for (const Account& a : accounts) {
      for (const Request& r : a.requests) {
        ++in_all;
        with += r.prompt.find(piece) != std::string::npos;
      }
    }
    best = std::max(best, with == in_all ? with : 0);
  }
  EXPECT_GT(best, 50u);
}

TEST(Traffic, APivotMovesToTheNewModelWithinADay) {
  Random random(35);
  Campaign campaign = Pool(Pipeline::kRewriting, Route::kWeighted);
  campaign.pivots = true;
  const Month month;
  for (const Account& a : SimulateCampaign(campaign, month, 6, random)) {
    for (const Request& r : a.requests) {
      const double since_s = r.time_s - month.release_day * kDay_s;
      EXPECT_TRUE(since_s >= 0 || !r.new_model);
      EXPECT_TRUE(since_s <= kDay_s || r.new_model);
    }
  }
}

TEST(Traffic, SharedPaymentIsShared) {
  Random random(36);
  Campaign campaign = Pool(Pipeline::kAnswers, Route::kRoundRobin);
  campaign.accounts = 40;
  campaign.shares_payment = true;
  std::map<std::string, int> payments;
  for (const Account& a : SimulateCampaign(campaign, {}, 40, random)) ++payments[a.payment];
  int most = 0;
  for (const auto& [payment, accounts] : payments) most = std::max(most, accounts);
  EXPECT_GE(most, 18);  // 70 % of 40; p_fail < 1e-3 for one seed, which is fixed
}

}  // namespace
}  // namespace distillwatch::simulate
