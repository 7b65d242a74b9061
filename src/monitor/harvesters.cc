// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/harvesters.h"

#include <algorithm>
#include <limits>

#include "monitor/engine.h"
#include "simulate/traffic.h"

namespace distillwatch::monitor {
namespace {

constexpr std::size_t kMembers = 3;                       // of a campaign that are looked at
constexpr Time kStart{std::chrono::seconds(1767225600)};  // 2026-01-01

}  // namespace

void KeepLastOfEpoch(std::vector<score::Look>& looks) {
  std::stable_sort(looks.begin(), looks.end(), [](const score::Look& a, const score::Look& b) {
    return a.account != b.account ? a.account < b.account : a.time_us < b.time_us;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const bool last = i + 1 == looks.size() || looks[i + 1].account != looks[i].account ||
                      score::EpochOf(looks[i + 1].requests) != score::EpochOf(looks[i].requests);
    if (!last) continue;
    if (kept != i) looks[kept] = std::move(looks[i]);
    ++kept;
  }
  looks.resize(kept);
}

std::vector<HarvesterLook> SimulateHarvesters(std::size_t campaigns, const Shingler& shingler,
                                              calibrate::LookPlan plan, std::uint64_t seed,
                                              const CustomList& custom) {
  std::vector<HarvesterLook> out;
  simulate::Random random(seed);
  const simulate::Month month;
  for (std::uint32_t c = 0; c < campaigns; ++c) {
    simulate::Random own = random.Fork(c);
    const simulate::Campaign campaign = simulate::AnyCampaign(own);
    Engine engine(shingler, plan, 1, std::numeric_limits<std::size_t>::max() / 2, custom);
    std::vector<score::Look> looks;
    for (const simulate::Account& account :
         simulate::SimulateCampaign(campaign, month, kMembers, own)) {
      for (const simulate::Request& request : account.requests) {
        const Event event = {.account = account.id,
                             .time = kStart + std::chrono::microseconds(
                                                  static_cast<std::int64_t>(request.time_s * 1e6)),
                             .prompt = request.prompt,
                             .model = request.new_model ? "new" : "old"};
        engine.Observe(
            event, [](Header&, const Observation&) {},
            [&](Header& header, const FullAccount&, const FeatureVector& features) {
              looks.push_back({header.id,
                               header.last.time_since_epoch().count(),
                               header.requests,
                               {features.begin(), features.end()}});
            },
            [](const Header&, bool, std::string_view, const Observation&) { return 0; });
      }
    }
    KeepLastOfEpoch(looks);
    for (score::Look& look : looks) out.push_back({std::move(look), c});
  }
  return out;
}

}  // namespace distillwatch::monitor
