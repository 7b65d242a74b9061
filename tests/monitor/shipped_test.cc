// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/monitor.h"
#include "monitor/engine.h"
#include "simulate/benign.h"
#include "simulate/month.h"

namespace distillwatch {
namespace {

constexpr Time kStart{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};

// The highest score of each account, and the highest level of any.
struct Replay {
  std::vector<double> scores;
  Level level = Level::kClear;
  double least_p_value = 1;
};
Replay ReplayOf(const std::vector<simulate::Account>& accounts) {
  Options options;
  options.key = "a key for the tests of this room";
  Result<Monitor> monitor = Monitor::Create(options);
  EXPECT_TRUE(monitor.ok()) << monitor.status().message();
  Replay out;
  for (const simulate::Account& account : accounts) {
    double score = -8;
    for (const simulate::Request& request : account.requests) {
      const Verdict verdict =
          monitor->Observe({.account = account.id,
                            .time = kStart + std::chrono::microseconds(
                                                 static_cast<std::int64_t>(request.time_s * 1e6)),
                            .prompt = request.prompt,
                            .system = account.system,
                            .model = request.new_model ? "new" : "old"});
      score = std::max(score, verdict.score);
      out.level = std::max(out.level, verdict.level);
      out.least_p_value = std::min(out.least_p_value, verdict.p_value);
    }
    out.scores.push_back(score);
  }
  return out;
}

// The share of pairs in which the harvester scores higher; ties count half.
double Auc(const std::vector<double>& harvesters, const std::vector<double>& customers) {
  double won = 0;
  for (const double h : harvesters) {
    for (const double c : customers) won += h > c ? 1 : h == c ? 0.5 : 0;
  }
  return won / static_cast<double>(harvesters.size() * customers.size());
}

TEST(Shipped, IsNobodysReference) {
  const Reference& shipped = Reference::Shipped();
  EXPECT_EQ(shipped.accounts(), 0u);
  EXPECT_EQ(shipped.content().key_id, 0u);
  EXPECT_TRUE(shipped.content().key.empty());
  EXPECT_FALSE(shipped.Check({.per_million = 1000}).ok());
  EXPECT_LT(shipped.Serialize().size(), 150'000u);
}

TEST(Shipped, RanksTheFeaturesOfThisVersion) {
  std::vector<std::string> names;
  for (const auto& name : monitor::FeatureNames()) names.emplace_back(name.spec.name);
  EXPECT_EQ(Reference::Shipped().content().feature_names, names)
      << "a detector changed: build the target make_shipped and run it "
         "(src/monitor/make_shipped.cc)";
}

TEST(Shipped, ScoresSimulatedHarvestersAboveSimulatedCustomers) {
  const simulate::Month month;
  simulate::Random random(77);  // not the seed that it was learned from
  const Replay customers = ReplayOf(simulate::SimulateBenign(250, month, random));
  std::vector<double> harvesters;
  std::map<std::string, std::vector<double>> by_style;
  for (const simulate::Campaign& campaign :
       simulate::PlanCampaigns({.accounts = 2000, .campaigns = 16}, random)) {
    const Replay some = ReplayOf(simulate::SimulateCampaign(campaign, month, 2, random));
    EXPECT_EQ(some.level, Level::kClear)
        << "nothing may be flagged without a reference of one's own";
    EXPECT_EQ(some.least_p_value, 1);
    harvesters.insert(harvesters.end(), some.scores.begin(), some.scores.end());
    auto& style = by_style[campaign.name.substr(0, campaign.name.find("-2"))];
    style.insert(style.end(), some.scores.begin(), some.scores.end());
  }
  const double auc = Auc(harvesters, customers.scores);
  std::printf("AUC of the shipped model on simulated traffic: %.3f\n", auc);
  RecordProperty("auc", std::to_string(auc));
  for (const auto& [style, scores] : by_style)
    std::printf("  %-12s %.3f (%zu accounts)\n", style.c_str(), Auc(scores, customers.scores),
                scores.size());
  EXPECT_GT(auc, 0.75);
}

}  // namespace
}  // namespace distillwatch
