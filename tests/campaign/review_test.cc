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

// Observes all requests in the order of time, with a review twice a day, and calls seen(account,
// request, verdict) for each.
template <typename Seen>
void Replay(Monitor& monitor, const std::vector<simulate::Account>& accounts, double days,
            Seen&& seen) {
  std::vector<Sent> sent;
  for (const simulate::Account& a : accounts) {
    for (const simulate::Request& r : a.requests) sent.push_back({r.time_s, &a, &r});
  }
  std::stable_sort(sent.begin(), sent.end(),
                   [](const Sent& a, const Sent& b) { return a.time_s < b.time_s; });
  double review_s = kReview_s;
  for (const Sent& s : sent) {
    for (; review_s <= s.time_s; review_s += kReview_s) monitor.Review(TimeOf(review_s));
    seen(*s.account, *s.request,
         monitor.Observe(
             {.account = s.account->id, .time = TimeOf(s.time_s), .prompt = s.request->prompt}));
  }
  for (; review_s <= days * simulate::kDay_s + kReview_s; review_s += kReview_s)
    monitor.Review(TimeOf(review_s));
}

// Benign accounts, and twenty behind them that ask for a campaign.
struct Traffic {
  static constexpr double kDays = 12;
  std::vector<simulate::Account> accounts;
  std::size_t benign = 0;

  explicit Traffic(std::uint64_t seed) {
    simulate::Random random(seed);
    const simulate::Month month = {.days = kDays};
    accounts = simulate::SimulateBenign(120, month, random);
    benign = accounts.size();
    const simulate::Campaign planted = {.name = "planted",
                                        .pipeline = simulate::Pipeline::kAnswers,
                                        .accounts = 20,
                                        .requests_a_day = 26,
                                        .days = kDays,
                                        .route = simulate::Route::kRoundRobin,
                                        .pace = {.jitter = 0.3},
                                        .dilution = 0.3};
    for (auto& account : simulate::SimulateCampaign(planted, month, 20, random)) {
      accounts.push_back(std::move(account));
    }
  }
};

Monitor NewMonitor() {
  Options options;
  options.key = "a key for the tests alone";
  Result<Monitor> monitor = Monitor::Create(options);
  EXPECT_TRUE(monitor.ok());
  return *std::move(monitor);
}

TEST(Review, NamesAPlantedCampaignAndNoCustomers) {
  const Traffic traffic(1);
  Monitor monitor = NewMonitor();
  Replay(monitor, traffic.accounts, traffic.kDays, [](const auto&...) {});

  std::map<std::uint64_t, bool> harvests;
  for (std::size_t i = 0; i < traffic.accounts.size(); ++i) {
    harvests[monitor.AccountId(traffic.accounts[i].id)] = i >= traffic.benign;
  }
  const std::vector<Campaign> campaigns = monitor.Campaigns();
  ASSERT_EQ(campaigns.size(), 1u);
  std::size_t right = 0, wrong = 0;
  for (const CampaignMember& m : campaigns[0].members) ++(harvests.at(m.account) ? right : wrong);
  EXPECT_GE(right, 16u);
  EXPECT_EQ(wrong, 0u);
  // A member's verdict tells its campaign.
  const simulate::Account& last = traffic.accounts.back();
  const Verdict verdict = monitor.Observe({.account = last.id,
                                           .time = TimeOf(13 * simulate::kDay_s),
                                           .prompt = last.requests.back().prompt});
  EXPECT_EQ(verdict.campaign, campaigns[0].id);
}

TEST(ReviewStat, TellsACampaignsRequestsFromItsMembersOthers) {
  double distilling = 0, told = 0, others = 0, mistaken = 0;
  for (const std::uint64_t seed : {2, 3, 4}) {
    const Traffic traffic(seed);
    Monitor monitor = NewMonitor();
    Replay(monitor, traffic.accounts, traffic.kDays,
           [&](const simulate::Account&, const simulate::Request& request, const Verdict& verdict) {
             if (verdict.campaign == 0) {
               EXPECT_FALSE(verdict.matches_campaign);
               return;
             }
             (request.distills ? distilling : others) += 1;
             if (verdict.matches_campaign) (request.distills ? told : mistaken) += 1;
           });
  }
  std::printf("%.0f of %.0f requests of the campaign and %.0f of %.0f of its members' others\n",
              told, distilling, mistaken, others);
  ASSERT_GE(distilling, 1000);
  ASSERT_GE(others, 300);
  EXPECT_GE(told, 0.95 * distilling);
  EXPECT_LE(mistaken, 0.02 * others);
}

}  // namespace
}  // namespace distillwatch
