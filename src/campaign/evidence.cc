// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/evidence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace distillwatch::campaign {
namespace {

// Of the level, where a pool is tested, too.
constexpr double kCommonShare = 2.0 / 3;

// Of two independent p-values: chi-square with four degrees of freedom.
double Fisher(double p, double q) {
  const double product = std::max(p * q, std::numeric_limits<double>::min());
  return product * (1 - std::log(product));
}

// A cohort's p-value may have any number of zeros; beyond a billion they say no more.
std::string Odds(double p) {
  char text[32];
  std::snprintf(text, sizeof(text), "1 in %.0f", std::floor(std::min(1 / p, 1e9)));
  return text;
}

}  // namespace

double TimeEvidence::least() const noexcept {
  return std::min({regularity, seconds, quarter_hours});
}

double Evidence::time() const noexcept {
  return std::min(1.0, 6 * std::min(everyone.least(), together.least()));
}

double Evidence::common() const noexcept {
  const double fisher = Fisher(time(), cohort);
  return std::min(1.0, 2 * std::min(fisher, 2 * std::min(time(), cohort)));
}

double Evidence::all() const noexcept {
  if (!pool.tested) return common();
  return std::min(
      {1.0, common() / kCommonShare, Fisher(common(), pool.p_value) / (1 - kCommonShare)});
}

std::vector<std::string> WordsOf(const Evidence& evidence, bool framed,
                                 std::span<const CampaignMember> members) {
  std::uint64_t requests = 0, matching = 0;
  std::size_t with_frame = 0;
  for (const CampaignMember& m : members) {
    if (m.by_pool) continue;
    ++with_frame;
    requests += m.requests;
    matching += m.matching;
  }
  std::vector<std::string> words;
  char text[200];
  const auto add = [&words, &text] { words.emplace_back(text); };
  if (framed) {
    std::snprintf(
        text, sizeof(text),
        "%zu accounts share a frame around changing text; %.0f %% of their requests since they "
        "were linked have it",
        with_frame,
        100 * static_cast<double>(matching) / std::max(1.0, static_cast<double>(requests)));
    add();
  }
  if (with_frame < members.size()) {
    std::snprintf(text, sizeof(text), "%zu %saccounts use the same pool of infrastructure",
                  members.size() - with_frame, framed ? "more " : "");
    add();
  }
  const TimeEvidence& times =
      evidence.together.least() < evidence.everyone.least() ? evidence.together : evidence.everyone;
  const double least = std::min(times.least(), evidence.cohort);
  if (evidence.pool.tested && evidence.pool.p_value < 0.01) {
    std::snprintf(text, sizeof(text),
                  "%u of them share infrastructure with different others that hardly anyone else "
                  "uses: so do less than %s random sets of accounts",
                  evidence.pool.bridges, Odds(evidence.pool.p_value).c_str());
    add();
    if (least > 0.01) return words;
  }
  const std::string shuffles = ": so do less than " + Odds(least) + " shuffles of their times";
  if (times.regularity == least) {
    words.push_back("their requests come evenly, as from one queue" + shuffles);
  } else if (times.seconds == least) {
    words.push_back("their requests come within seconds of each other" + shuffles);
  } else if (times.quarter_hours == least) {
    words.push_back("they are active together" + shuffles);
  } else {
    words.push_back("they began together and ask equally much: so do less than " + Odds(least) +
                    " random sets of accounts");
  }
  return words;
}

}  // namespace distillwatch::campaign
