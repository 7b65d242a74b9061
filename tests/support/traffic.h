// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Traffic: named logs for tests of whole monitors, by the simulator, and a small reference learned
// from such a log in a fraction of a second (ReferenceLearner takes seconds for a good one).

#ifndef DISTILLWATCH_TESTS_SUPPORT_TRAFFIC_H_
#define DISTILLWATCH_TESTS_SUPPORT_TRAFFIC_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "distillwatch/event.h"
#include "monitor/engine.h"
#include "monitor/harvesters.h"
#include "score/fit.h"
#include "simulate/benign.h"
#include "simulate/traffic.h"

namespace distillwatch::support {

inline constexpr std::string_view kTestKey = "a key that only tests use";
inline constexpr Time kLogStart{std::chrono::seconds(1767225600)};  // 2026-01-01

struct LogLine {
  std::string account;
  Time time;
  std::string prompt;
  std::string model;
  bool distills = false;
  Event AsEvent() const {
    return {.account = account, .time = time, .prompt = prompt, .model = model};
  }
};
using Log = std::vector<LogLine>;

// Customers and harvesters for some days, in order of time; the same seed, the same log.
inline Log MixedLog(std::size_t customers, std::size_t campaigns, double days, std::uint64_t seed) {
  simulate::Random random(seed);
  const simulate::Month month{.days = days, .release_day = days / 2};
  Log log;
  const auto add = [&](const std::vector<simulate::Account>& accounts, const std::string& prefix) {
    for (const simulate::Account& account : accounts) {
      for (const simulate::Request& request : account.requests) {
        if (request.time_s >= days * 86400) continue;
        const auto since = static_cast<std::int64_t>(request.time_s * 1e6);
        log.push_back({prefix + account.id, kLogStart + std::chrono::microseconds(since),
                       request.prompt, request.new_model ? "new" : "old", request.distills});
      }
    }
  };
  add(simulate::SimulateBenign(customers, month, random), "");
  for (std::size_t c = 0; c < campaigns; ++c) {
    simulate::Random own = random.Fork(c);
    add(simulate::SimulateCampaign(simulate::AnyCampaign(own), month, 2, own),
        "campaign" + std::to_string(c) + "/");
  }
  std::stable_sort(log.begin(), log.end(),
                   [](const LogLine& a, const LogLine& b) { return a.time < b.time; });
  return log;
}

// What ReferenceLearner does, in small: few trees, half of the customers ranks and fits, the other
// half calibrates. horizon: of the promise.
// detectors: the host's own, beside ours.
inline Reference SmallReference(std::chrono::seconds horizon = std::chrono::hours(30 * 24),
                                const monitor::CustomList& detectors = {}) {
  constexpr std::size_t kCustomers = 160, kCampaigns = 30;
  const Shingler shingler = *Shingler::Create(kTestKey);
  auto content = std::make_shared<calibrate::ReferenceContent>();
  for (const auto& name : monitor::FeatureNames(monitor::CustomDetectors(detectors)))
    content->feature_names.emplace_back(name.spec.name);
  const auto looks_at = [&](const Log& log) {
    monitor::Engine engine(shingler, content->looks, 1, std::size_t{1} << 40, detectors);
    std::vector<score::Look> looks;
    for (const LogLine& line : log) {
      engine.Observe(
          line.AsEvent(), [](monitor::Header&, const Observation&) {},
          [&](monitor::Header& header, const monitor::FullAccount&,
              const monitor::FeatureVector& features) {
            looks.push_back({header.id,
                             header.last.time_since_epoch().count(),
                             header.requests,
                             {features.begin(), features.end()}});
          },
          [](const monitor::Header&, bool, std::string_view, const Observation&) { return 0; });
    }
    return looks;
  };
  std::vector<score::Look> fit, calibration;
  for (score::Look& look : looks_at(MixedLog(kCustomers, 0, 10, 77)))
    (look.account & 1 ? fit : calibration).push_back(std::move(look));
  std::vector<score::Look> harvests = looks_at(MixedLog(0, kCampaigns, 10, 78));
  monitor::KeepLastOfEpoch(harvests);
  std::vector<score::Look> rows = fit;
  monitor::KeepLastOfEpoch(rows);

  std::vector<const score::Look*> pointers;
  for (const score::Look& look : rows) pointers.push_back(&look);
  const std::size_t features = content->feature_names.size();
  content->ranks = score::Ranks::Learn(pointers, features);
  const auto ranked = [&](const score::Look& look) {
    std::vector<std::uint8_t> bins(features);
    for (std::size_t f = 0; f < features; ++f)
      bins[f] = content->ranks.Bin(score::EpochOf(look.requests), f, look.features[f]);
    return bins;
  };
  score::Rows positives{.features = features}, unlabelled{.features = features};
  for (const score::Look& look : harvests) positives.Add(ranked(look), 1);
  for (const score::Look& look : rows) unlabelled.Add(ranked(look), 1);
  const auto trees = score::Fit(positives, unlabelled,
                                {.trees = 40, .leaves = 6, .learning_rate = 0.2, .least_rows = 5});
  const score::Model raw(features, trees, {});
  std::vector<double> scores;
  for (const score::Look& look : fit) scores.push_back(raw.LogOdds(ranked(look)));
  std::sort(scores.begin(), scores.end());
  std::array<score::Scale, score::kEpochs> scales;
  scales.fill({.median = static_cast<float>(scores[scores.size() / 2]),
               .p95 = static_cast<float>(scores[scores.size() * 95 / 100])});
  content->model = score::Model(features, trees, scales);

  std::map<std::uint64_t, score::Points> paths;
  for (const score::Look& look : calibration) {
    score::Points& path = paths.try_emplace(look.account, score::kLeastScore).first->second;
    path = std::max(path, content->model.Score(score::EpochOf(look.requests), ranked(look)));
  }
  for (const auto& [account, path] : paths) content->histogram.Add(path);
  content->horizon_s = horizon.count();
  content->fit_accounts = rows.size();
  content->first = kLogStart;
  content->last = kLogStart + std::chrono::hours(240);
  content->key_id = shingler.key_id();
  return Reference(std::move(content));
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_TRAFFIC_H_
