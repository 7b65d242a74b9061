// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "distillwatch/calibration.h"
#include "monitor/engine.h"
#include "monitor/grafts.h"
#include "monitor/harvesters.h"
#include "score/fit.h"
#include "text/key.h"

namespace distillwatch {
namespace {

using monitor::Header;
using score::Look;

constexpr std::int64_t kDay_us = 86'400'000'000;
constexpr std::uint64_t kFoldSalt = 0x51ed270b7a3c2d19ULL;
constexpr std::size_t kMostWindows = 64;

// Half of the accounts train the score, the other half calibrates it.
bool Calibrates(std::uint64_t account) {
  return text::Mix(account ^ kFoldSalt) & 1;
}

double Quantile(std::vector<double>& values, double q) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

// Hidden: what is nested in an exported class would be exported with it.
struct __attribute__((visibility("hidden"))) ReferenceLearner::State {
  State(LearnerOptions o, std::string secret, Shingler shingler)
      : options(std::move(o)),
        key(std::move(secret)),
        engine(shingler, plan, 1, std::size_t{1} << 50, options.detectors),
        grafts(shingler, plan, options.seed, options.detectors) {}

  LearnerOptions options;
  std::string key;
  calibrate::LookPlan plan;
  monitor::Engine engine;
  monitor::Grafts grafts;
  std::unordered_set<std::uint64_t> excluded;
  std::uint64_t sampled_below = ~std::uint64_t{0};  // accounts with a smaller hash are kept
  std::vector<Look> looks;
  std::unordered_map<std::uint64_t, std::uint64_t> active;  // account -> bit set of windows
  std::optional<Time> first;
  Time last{};

  std::size_t WindowOf(Time time) const {
    const auto window = (time - *first) / std::chrono::microseconds(options.horizon);
    return static_cast<std::size_t>(std::clamp<std::int64_t>(window, 0, kMostWindows - 1));
  }
  void Thin();
};

// Halves the sample of accounts. What is left is what a smaller bound would have kept from the
// beginning.
void ReferenceLearner::State::Thin() {
  sampled_below /= 2;
  const auto outside = [this](std::uint64_t id) { return text::Mix(id) > sampled_below; };
  std::erase_if(looks, [&](const Look& look) { return outside(look.account); });
  std::erase_if(active, [&](const auto& entry) { return outside(entry.first); });
}

ReferenceLearner::ReferenceLearner(std::unique_ptr<State> state) noexcept
    : state_(std::move(state)) {}
ReferenceLearner::~ReferenceLearner() = default;
ReferenceLearner::ReferenceLearner(ReferenceLearner&&) noexcept = default;
ReferenceLearner& ReferenceLearner::operator=(ReferenceLearner&&) noexcept = default;

Result<ReferenceLearner> ReferenceLearner::Create(const LearnerOptions& options) {
  using std::chrono::hours;
  if (options.horizon < hours(1) || options.horizon > hours(366 * 24)) {
    return InvalidArgument("horizon is " + std::to_string(options.horizon.count()) +
                           " s; allowed: an hour to 366 days");
  }
  if (options.most_accounts < 2 || options.most_accounts > 16'000'000) {
    return InvalidArgument("most_accounts is " + std::to_string(options.most_accounts) +
                           "; allowed: 2 to 16000000");
  }
  if (options.campaigns < 20 || options.campaigns > 100'000) {
    return InvalidArgument("campaigns is " + std::to_string(options.campaigns) +
                           "; allowed: 20 to 100000");
  }
  if (options.trees < 1 || options.trees > score::Model::kMostTrees) {
    return InvalidArgument("trees is " + std::to_string(options.trees) + "; allowed: 1 to 4096");
  }
  if (Status status = monitor::Check(options.detectors); !status.ok()) return status;
  std::string key = options.key;
  if (key.empty()) {
    Result<std::string> drawn = text::Key::RandomSecret();
    if (!drawn.ok()) return drawn.status();
    key = *std::move(drawn);
  }
  Result<Shingler> shingler = Shingler::Create(key, options.max_prompt_bytes);
  if (!shingler.ok()) return shingler.status();
  return ReferenceLearner(std::make_unique<State>(options, std::move(key), *std::move(shingler)));
}

void ReferenceLearner::Exclude(std::string_view account) {
  State& s = *state_;
  const std::uint64_t id = s.engine.IdOf(account);
  s.excluded.insert(id);
  // And what was learned from it before. Grafts that took texts of it keep them.
  s.active.erase(id);
  std::erase_if(s.looks, [id](const Look& look) { return look.account == id; });
}

void ReferenceLearner::Observe(const Event& event) noexcept {
  State& s = *state_;
  const std::uint64_t id = s.engine.IdOf(event.account);
  if (text::Mix(id) > s.sampled_below || s.excluded.contains(id)) return;
  s.engine.Observe(
      event,
      [&s](Header& header, const Observation&) {
        if (!s.first) s.first = header.last;
        s.last = std::max(s.last, header.last);
        s.active[header.id] |= std::uint64_t{1} << s.WindowOf(header.last);
      },
      [&s](Header& header, const monitor::FullAccount&, const monitor::FeatureVector& features) {
        s.looks.push_back({header.id,
                           header.last.time_since_epoch().count(),
                           header.requests,
                           {features.begin(), features.end()}});
      },
      [&s](const Header& header, bool, std::string_view newest_turn, const Observation&) {
        if (!Calibrates(header.id)) s.grafts.Observe(header.id, header.last, newest_turn);
        return 0;
      });
  if (s.active.size() > s.options.most_accounts) s.Thin();
}

std::size_t ReferenceLearner::accounts() const noexcept {
  return state_->active.size();
}

Result<Reference> ReferenceLearner::Learn() const {
  const State& s = *state_;
  std::vector<Look> fit_looks, calibration_looks;
  for (const Look& look : s.looks)
    (Calibrates(look.account) ? calibration_looks : fit_looks).push_back(look);

  // One row for an account and age.
  std::vector<Look> rows = fit_looks;
  monitor::KeepLastOfEpoch(rows);
  std::unordered_set<std::uint64_t> with_look[2];
  for (const Look& look : s.looks) with_look[Calibrates(look.account)].insert(look.account);
  for (const auto& side : with_look) {
    if (side.size() < kLeastAccounts) {
      return FailedPrecondition(
          "only " + std::to_string(side.size()) +
          " accounts with 16 requests or more in one half of the log; a reference needs at least " +
          std::to_string(kLeastAccounts) + " in each half");
    }
  }

  auto content = std::make_shared<calibrate::ReferenceContent>();
  for (const auto& name : monitor::FeatureNames(s.engine.custom()))
    content->feature_names.emplace_back(name.spec.name);
  const std::size_t features = content->feature_names.size();
  std::vector<const Look*> pointers;
  for (const Look& look : rows) pointers.push_back(&look);
  content->ranks = score::Ranks::Learn(pointers, features);

  const auto ranked = [&](const Look& look) {
    std::vector<std::uint8_t> bins(features);
    const std::size_t epoch = score::EpochOf(look.requests);
    for (std::size_t f = 0; f < bins.size(); ++f)
      bins[f] = content->ranks.Bin(epoch, f, look.features[f]);
    return bins;
  };
  score::Rows unlabelled{.features = features}, positives{.features = features};
  for (const Look& look : rows) unlabelled.Add(ranked(look), 1);
  // Simulated and grafted harvesters weigh the same, and a campaign the same however many looks it
  // gave.
  for (const auto& harvesters :
       {monitor::SimulateHarvesters(s.options.campaigns, s.engine.shingler(), s.plan,
                                    s.options.seed, s.options.detectors),
        s.grafts.Looks()}) {
    std::map<std::uint32_t, double> looks_of;
    for (const auto& h : harvesters) looks_of[h.campaign] += 1;
    for (const auto& h : harvesters) {
      positives.Add(ranked(h.look),
                    1 / (looks_of[h.campaign] * static_cast<double>(looks_of.size())));
    }
  }
  const std::vector<score::Tree> trees =
      score::Fit(positives, unlabelled, {.trees = s.options.trees});
  const score::Model raw(features, trees, {});

  // Scores of different ages are made comparable by what all looks of the training accounts score.
  std::array<std::vector<double>, score::kEpochs> scores;
  for (const Look& look : fit_looks)
    scores[score::EpochOf(look.requests)].push_back(raw.LogOdds(ranked(look)));
  std::array<score::Scale, score::kEpochs> scales;
  score::Scale nearest;
  for (std::size_t epoch = 0; epoch < score::kEpochs; ++epoch) {
    if (scores[epoch].size() >= 20) {
      nearest = {.median = static_cast<float>(Quantile(scores[epoch], 0.5)),
                 .p95 = static_cast<float>(Quantile(scores[epoch], 0.95))};
    }
    scales[epoch] = nearest;  // of a younger age, where this one was hardly seen
  }
  content->model = score::Model(features, trees, scales);

  // Path maxima of the other accounts in horizons that the log covers.
  const std::int64_t span_us = (s.last - *s.first).count();
  std::int64_t horizon_us = std::chrono::microseconds(s.options.horizon).count();
  if (span_us < horizon_us) {
    // A shorter log gives a shorter horizon, in whole days where it has some.
    horizon_us =
        std::min(horizon_us, span_us > kDay_us ? (span_us + kDay_us - 1) / kDay_us * kDay_us
                                               : std::max<std::int64_t>(span_us, 3'600'000'000));
  }
  const auto covered =
      static_cast<std::size_t>(std::max<std::int64_t>(1, (span_us + horizon_us / 20) / horizon_us));
  const auto window_of = [&](std::int64_t time_us) {
    return static_cast<std::size_t>(
        std::max<std::int64_t>(0, time_us - s.first->time_since_epoch().count()) / horizon_us);
  };
  std::map<std::pair<std::uint64_t, std::size_t>, score::Points> paths;
  for (const auto& [account, windows] : s.active) {
    if (!Calibrates(account)) continue;
    for (std::size_t w = 0; w < std::min(covered, kMostWindows); ++w) {
      if (windows >> w & 1) paths[{account, w}] = score::kLeastScore;
    }
  }
  for (const Look& look : calibration_looks) {
    const auto path = paths.find({look.account, window_of(look.time_us)});
    if (path == paths.end()) continue;
    path->second =
        std::max(path->second, content->model.Score(score::EpochOf(look.requests), ranked(look)));
  }
  for (const auto& [key, points] : paths) content->histogram.Add(points);

  content->looks = s.plan;
  content->horizon_s = horizon_us / 1'000'000;
  content->fit_accounts = with_look[0].size();
  content->first = *s.first;
  content->last = s.last;
  content->key_id = s.engine.shingler().key_id();
  if (s.options.key.empty()) content->key = s.key;
  return Reference(std::move(content));
}

}  // namespace distillwatch
