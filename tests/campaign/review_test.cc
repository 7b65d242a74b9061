// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Reviews of simulated text, through Monitor.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "distillwatch/monitor.h"
#include "simulate/traffic.h"

namespace distillwatch {
namespace {

constexpr Time kStart{std::chrono::seconds(1767225600)};  // 2026-01-01
constexpr double kReview_s = simulate::kDay_s / 2;

Time TimeOf(double t) {
  return kStart + std::chrono::microseconds(static_cast<std::int64_t>(t * 1e6));
}

struct Sent {
  double time_s;
  const simulate::Account* account;
  const simulate::Request* request;
};

// Observes all requests in the order of time, with a review twice a day.
void Replay(Monitor& monitor, const std::vector<simulate::Account>& accounts, double days) {
  std::vector<Sent> sent;
  for (const simulate::Account& a : accounts) {
    for (const simulate::Request& r : a.requests) sent.push_back({r.time_s, &a, &r});
  }
  std::stable_sort(sent.begin(), sent.end(),
                   [](const Sent& a, const Sent& b) { return a.time_s < b.time_s; });
  double review_s = kReview_s;
  for (const Sent& s : sent) {
    for (; review_s <= s.time_s; review_s += kReview_s) monitor.Review(TimeOf(review_s));
    monitor.Observe(
        {.account = s.account->id, .time = TimeOf(s.time_s), .prompt = s.request->prompt});
  }
  for (; review_s <= days * simulate::kDay_s + kReview_s; review_s += kReview_s)
    monitor.Review(TimeOf(review_s));
}

TEST(Review, NamesAPlantedCampaignAndNoCustomers) {
  simulate::Random random(1);
  const simulate::Month month = {.days = 12};
  std::vector<simulate::Account> accounts = simulate::SimulateBenign(120, month, random);
  const std::size_t benign = accounts.size();
  const simulate::Campaign planted = {.name = "planted",
                                      .pipeline = simulate::Pipeline::kAnswers,
                                      .accounts = 20,
                                      .requests_a_day = 26,
                                      .days = 12,
                                      .route = simulate::Route::kRoundRobin,
                                      .pace = {.jitter = 0.3},
                                      .dilution = 0.3};
  for (auto& account : simulate::SimulateCampaign(planted, month, 20, random)) {
    accounts.push_back(std::move(account));
  }
  Options options;
  options.key = "a key for the tests alone";
  Result<Monitor> monitor = Monitor::Create(options);
  ASSERT_TRUE(monitor.ok());
  Replay(*monitor, accounts, month.days);

  std::map<std::uint64_t, bool> harvests;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    harvests[monitor->AccountId(accounts[i].id)] = i >= benign;
  }
  const std::vector<Campaign> campaigns = monitor->Campaigns();
  ASSERT_EQ(campaigns.size(), 1u);
  std::size_t right = 0, wrong = 0;
  for (const CampaignMember& m : campaigns[0].members) ++(harvests.at(m.account) ? right : wrong);
  EXPECT_GE(right, 16u);
  EXPECT_EQ(wrong, 0u);
  // A member's verdict tells its campaign.
  const Verdict verdict = monitor->Observe({.account = accounts.back().id,
                                            .time = TimeOf(13 * simulate::kDay_s),
                                            .prompt = accounts.back().requests.back().prompt});
  EXPECT_EQ(verdict.campaign, campaigns[0].id);
}

}  // namespace
}  // namespace distillwatch
