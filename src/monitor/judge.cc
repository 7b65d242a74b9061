// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/judge.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "calibrate/promise.h"

namespace distillwatch::monitor {
namespace {

using calibrate::PathHistogram;
using score::Points;

constexpr double kWatchLevel = 0.05;
constexpr std::uint64_t kSuspectTimes = 10;

// What a named campaign adds to its members' scores.
constexpr Points kCampaignPoints = static_cast<Points>(8 * score::kPointsPerUnit);

using Bins = std::array<std::uint8_t, FeatureVector::kMost>;

Bins BinsOf(const score::Ranks& ranks, std::size_t epoch, const FeatureVector& features) noexcept {
  Bins bins;
  for (std::size_t f = 0; f < features.size(); ++f) bins[f] = ranks.Bin(epoch, f, features[f]);
  return bins;
}

double Units(Points points) noexcept {
  return points / score::kPointsPerUnit;
}

}  // namespace

std::string InWords(const FeatureSpec& spec, double value) {
  char number[48];
  if (std::isnan(value)) {
    std::snprintf(number, sizeof(number), "unknown");
  } else {
    switch (spec.form) {
      case FeatureForm::kShare:
        std::snprintf(number, sizeof(number), "%.0f %%", 100 * value);
        break;
      case FeatureForm::kNats:
        std::snprintf(number, sizeof(number), "%.2f nats", value);
        break;
      case FeatureForm::kHours:
        std::snprintf(number, sizeof(number), "%.0f h", value);
        break;
      case FeatureForm::kLog2:
        std::snprintf(number, sizeof(number), "%.3g", std::exp2(value));
        break;
      case FeatureForm::kExp:
        std::snprintf(number, sizeof(number), "%.0f", std::exp(value));
        break;
      case FeatureForm::kNumber:
        std::snprintf(number, sizeof(number), "%.3g", value);
        break;
    }
  }
  std::string out(spec.words);
  if (const auto at = out.find("{}"); at != std::string::npos) out.replace(at, 2, number);
  return out;
}

Result<Judge> Judge::Create(const Reference& reference, const Promise& promise,
                            const CustomDetectors& custom) {
  const calibrate::ReferenceContent& content = reference.content();
  const std::vector<NamedFeature> names = FeatureNames(custom);
  if (!std::equal(content.feature_names.begin(), content.feature_names.end(), names.begin(),
                  names.end(),
                  [](const std::string& a, const NamedFeature& b) { return a == b.spec.name; })) {
    if (reference.accounts() == 0 && custom.features() > 0) {
      return FailedPrecondition(
          "detectors of one's own need a reference that was learned with them; none was given");
    }
    return FailedPrecondition("the reference was learned from other features (" +
                              std::to_string(content.feature_names.size()) +
                              " of them) than this monitor's " + std::to_string(names.size()) +
                              "; learn it anew, with the same detectors");
  }
  Judge judge(reference);
  judge.custom_ = custom;
  judge.names_ = names;
  const PathHistogram& histogram = content.histogram;
  judge.p_values_.fill(1);
  judge.levels_.fill(Level::kClear);
  if (histogram.accounts() == 0) return judge;  // the shipped one: it scores and promises nothing

  if (Status status = calibrate::Check(promise, histogram.accounts()); !status.ok()) return status;
  const std::uint64_t most = calibrate::MostRank(promise, histogram.accounts());
  for (std::size_t bin = 0; bin < PathHistogram::kBins; ++bin) {
    // The lowest score of the bin stands for all of it: the whole bin counts as at least as high.
    const auto range = static_cast<double>(score::kMostScore) - score::kLeastScore;
    const auto low = static_cast<Points>(
        score::kLeastScore + std::ceil(range * static_cast<double>(bin) / PathHistogram::kBins));
    const std::uint64_t rank = 1 + histogram.CountAtLeast(low);
    judge.p_values_[bin] =
        static_cast<double>(rank) / static_cast<double>(histogram.accounts() + 1);
    judge.levels_[bin] = rank <= most                          ? Level::kDistilling
                         : rank <= most * kSuspectTimes        ? Level::kSuspect
                         : judge.p_values_[bin] <= kWatchLevel ? Level::kWatch
                                                               : Level::kClear;
  }
  return judge;
}

Points Judge::Score(std::uint32_t requests, const FeatureVector& features) const noexcept {
  const std::size_t epoch = score::EpochOf(requests);
  const Bins bins = BinsOf(content().ranks, epoch, features);
  return content().model.Score(epoch, {bins.data(), features.size()});
}

Level Judge::LevelOf(Points path) const noexcept {
  return levels_[PathHistogram::BinOf(path)];
}

campaign::Habits Judge::HabitsOf(std::uint32_t requests,
                                 const FeatureVector& features) const noexcept {
  campaign::Habits out;
  const std::size_t epoch = score::EpochOf(requests);
  for (std::size_t f = 0; f < std::min(features.size(), out.places.size()); ++f) {
    const std::uint8_t bin = content().ranks.Bin(epoch, f, features[f]);
    out.places[f] = bin == score::kUnknownBin ? score::kBins / 2 : bin;
  }
  return out;
}

double Judge::PValueOf(Points path) const noexcept {
  return p_values_[PathHistogram::BinOf(path)];
}

Verdict Judge::VerdictOf(const Header& header, bool looked) const noexcept {
  const bool named = header.named;
  return {.level = named ? std::max(header.level, Level::kSuspect) : header.level,
          .score = Units(header.path + (named ? kCampaignPoints : 0)),
          .p_value = PValueOf(header.path),
          .looked = looked,
          .campaign = named ? header.group : 0};
}

Evidence Judge::EvidenceOf(const Campaign& campaign) {
  std::string words;
  for (const std::string& w : campaign.words) words += (words.empty() ? "" : "; ") + w;
  return {.detector = "campaign",
          .feature = "members",
          .value = static_cast<double>(campaign.members.size()),
          .place = 1,
          .contribution = Units(kCampaignPoints),
          .words = "of campaign " + std::to_string(campaign.id) + ": " + words};
}

void Judge::Explain(std::uint32_t requests, const FeatureVector& features, Explanation& out) const {
  const std::size_t epoch = score::EpochOf(requests);
  const Bins bins = BinsOf(content().ranks, epoch, features);
  const score::Model::Parts parts = content().model.Explain(epoch, {bins.data(), features.size()});
  Points sum = parts.base;
  for (std::size_t f = 0; f < features.size(); ++f) {
    sum += parts.by_feature[f];
    out.evidence.push_back({.detector = std::string(names_[f].detector),
                            .feature = std::string(names_[f].spec.name),
                            .value = features[f],
                            .place = score::Ranks::Place(bins[f]),
                            .contribution = Units(parts.by_feature[f]),
                            .words = InWords(names_[f].spec, features[f])});
  }
  out.base = Units(parts.base);
  out.score = Units(sum);
  std::stable_sort(out.evidence.begin(), out.evidence.end(),
                   [](const Evidence& a, const Evidence& b) {
                     return std::abs(a.contribution) > std::abs(b.contribution);
                   });
}

}  // namespace distillwatch::monitor
