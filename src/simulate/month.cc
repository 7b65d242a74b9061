// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/month.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "simulate/benign.h"

namespace distillwatch::simulate {
namespace {

constexpr double kRequestsOfBenign = 170;  // a month, on average
constexpr double kReleaseShare = 0.55;     // of the month, when the new model appears

struct Shape {
  std::string_view name;
  Pipeline pipeline;
  double requests_a_day, days;
  Route route;
  double dilution;
  bool alone;
};
constexpr std::array<Shape, 8> kShapes = {{
    {"round-robin", Pipeline::kAnswers, 26, 14, Route::kRoundRobin, 0, false},
    {"injected", Pipeline::kInjectedRelay, 13, 20, Route::kSticky, 0, false},
    {"pivot", Pipeline::kRewriting, 26, 17, Route::kWeighted, 0, false},
    {"diluted", Pipeline::kElicitation, 26, 20, Route::kRoundRobin, 0.7, false},
    {"cleaning", Pipeline::kGrading, 282, 10, Route::kRandom, 0, false},
    {"lone", Pipeline::kTaskMaking, 300, 9, Route::kOwnWorkers, 0, true},
    {"relay", Pipeline::kRelay, 13, 14, Route::kSticky, 0, false},
    {"thin", Pipeline::kBare, 5.6, 20, Route::kRoundRobin, 0, false},
}};

}  // namespace

std::vector<Campaign> PlanCampaigns(const MonthOptions& options, Random& random) {
  const auto benign = static_cast<double>(options.accounts);
  const double share =
      kMostHarvesters * benign / static_cast<double>(std::max<std::size_t>(options.campaigns, 1));
  std::vector<Campaign> out;
  for (std::size_t i = 0; i < options.campaigns; ++i) {
    const Shape& shape = kShapes[i % kShapes.size()];
    Campaign c;
    c.name = shape.name;
    if (i >= kShapes.size()) c.name += "-" + std::to_string(i / kShapes.size() + 1);
    c.pipeline = shape.pipeline;
    c.days = std::min(shape.days, options.days);
    c.requests_a_day = shape.requests_a_day;
    const double most_requests = kMostHarvest * benign * kRequestsOfBenign;
    const double affordable = std::min(share, most_requests / (c.requests_a_day * c.days));
    c.accounts = shape.alone ? 1 : static_cast<std::size_t>(std::max(1.0, affordable));
    if (c.accounts == 1) c.requests_a_day *= std::clamp(affordable, 0.1, 1.0);
    c.route = c.accounts == 1 ? Route::kOwnWorkers : shape.route;
    c.pace = AnyPace(random);
    c.dilution = shape.dilution;
    c.samples = random.Choose<std::size_t>({1, 1, 1, 2});
    c.human_hours = random.Chance(0.2);
    c.shares_payment = random.Chance(0.5);
    c.shares_addresses = random.Chance(0.5);
    c.pivots = shape.name == "pivot";
    out.push_back(std::move(c));
  }
  return out;
}

LabelledMonth SimulateMonth(const MonthOptions& options) {
  const Month month = {.days = options.days, .release_day = kReleaseShare * options.days};
  Random random(options.seed);
  Random town = random.Fork(1), plans = random.Fork(2), harvests = random.Fork(3);
  LabelledMonth out;
  out.accounts = SimulateBenign(options.accounts, month, town, options.between);
  for (const Campaign& campaign : PlanCampaigns(options, plans)) {
    if (options.between) options.between();
    for (Account& account : SimulateCampaign(campaign, month, campaign.accounts, harvests))
      out.accounts.push_back(std::move(account));
  }
  for (std::uint32_t a = 0; a < out.accounts.size(); ++a) {
    for (std::uint32_t r = 0; r < out.accounts[a].requests.size(); ++r) out.order.push_back({a, r});
  }
  const auto time_of = [&out](const Place& p) {
    return out.accounts[p.account].requests[p.request].time_s;
  };
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](const Place& a, const Place& b) { return time_of(a) < time_of(b); });
  return out;
}

}  // namespace distillwatch::simulate
