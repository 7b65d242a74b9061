// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace distillwatch::campaign {
namespace {

constexpr double kPlain = 1e-4;  // of echoes that need no other evidence
constexpr double kTenth = 0.15;  // of strangers' echoes, with a margin

// Of the product of n independent p-values: the tail of chi-square with 2 n degrees of freedom.
//   minus_log  of the product
double FisherP(double minus_log, std::size_t n) {
  double term = std::exp(-minus_log), sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    sum += term;
    term *= minus_log / static_cast<double>(k + 1);
  }
  return std::clamp(sum, std::numeric_limits<double>::min(), 1.0);
}

// A cohort's p-value may have any number of zeros; beyond a billion they say no more.
std::string Odds(double p) {
  char text[32];
  std::snprintf(text, sizeof(text), "1 in %.0f", std::floor(std::min(1 / p, 1e9)));
  return text;
}

}  // namespace

double HalfP(std::vector<double> p_values) {
  const std::size_t n = p_values.size();
  const auto combined = static_cast<std::ptrdiff_t>(n / 2 + 1);  // all but the least ones
  if (n == 0) return 1;
  std::nth_element(p_values.begin(), p_values.end() - combined, p_values.end());
  double minus_log = 0;
  std::for_each(p_values.end() - combined, p_values.end(),
                [&minus_log](double p) { minus_log -= std::log(p); });
  return FisherP(minus_log, static_cast<std::size_t>(combined));
}

double CombinedP(std::span<const double> p_values) {
  if (p_values.empty()) return 1;
  double minus_log = 0, least = 1;
  for (const double given : p_values) {
    const double p = std::max(given, std::numeric_limits<double>::min());
    minus_log -= std::log(p);
    least = std::min(least, p);
  }
  const auto n = static_cast<double>(p_values.size());
  return std::min({1.0, 2 * FisherP(minus_log, p_values.size()), 2 * n * least});
}

double TimeEvidence::least() const noexcept {
  return std::min({regularity, seconds, quarter_hours});
}

double ConductEvidence::p_value() const noexcept {
  return std::min(1.0, 2 * std::min(notable, alike));
}

double Evidence::time() const noexcept {
  return std::min(1.0, 6 * std::min(everyone.least(), together.least()));
}

double Evidence::without_pool() const noexcept {
  const double times = time();
  return echo.tested ? CombinedP(std::array{times, cohort, echo.p_value})
                     : CombinedP(std::array{times, cohort});
}

bool Evidence::by_echo() const noexcept {
  return echo.p_value < kPlain;
}

double Evidence::all() const noexcept {
  if (!pool.tested && !conduct.tested) return without_pool();
  const double times = time();
  const double more = pool.tested ? pool.p_value : conduct.p_value();  // never both
  return echo.tested ? CombinedP(std::array{times, cohort, more, echo.p_value})
                     : CombinedP(std::array{times, cohort, more});
}

double TenthP(std::uint32_t echoes, std::uint32_t within) {
  const auto n = static_cast<double>(echoes);
  double sum = 0;
  for (std::uint32_t i = within; i <= echoes; ++i) {
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(kTenth) + (n - k) * std::log1p(-kTenth));
  }
  return std::clamp(sum, std::numeric_limits<double>::min(), 1.0);
}

std::vector<std::string> WordsOf(const Evidence& evidence, bool framed, double share,
                                 std::span<const CampaignMember> members) {
  std::size_t with_frame = 0, in_pool = 0, echoing = 0;
  for (const CampaignMember& m : members) {
    in_pool += m.by_pool;
    echoing += m.by_echo;
    if (m.by_pool || m.by_echo) continue;
    ++with_frame;
  }
  std::vector<std::string> words;
  char text[300];
  const auto add = [&words, &text] { words.emplace_back(text); };
  if (framed) {
    std::snprintf(
        text, sizeof(text),
        "%zu accounts share a frame around changing text; %.0f %% of their requests since they "
        "were linked have it",
        with_frame, 100 * share);
    add();
  }
  if (in_pool > 0) {
    std::snprintf(text, sizeof(text), "%zu %saccounts use the same pool of infrastructure", in_pool,
                  framed ? "more " : "");
    add();
  }
  if (echoing > 0) {
    std::snprintf(text, sizeof(text), "%zu %saccounts ask what others of them ask, word for word",
                  echoing, with_frame + in_pool > 0 ? "more " : "");
    add();
  }
  const double echo = evidence.echo.p_value;
  if (echo < 0.01) {
    std::snprintf(text, sizeof(text),
                  "%u prompts were asked by several of them, word for word; of %u such pairs of "
                  "requests within 100 minutes %u came within ten and %u within one: so do less "
                  "than %s sets of strangers' prompts",
                  evidence.echo.prompts, evidence.echo.echoes, evidence.echo.near,
                  evidence.echo.soon, Odds(echo).c_str());
    add();
  }
  const TimeEvidence& times =
      evidence.together.least() < evidence.everyone.least() ? evidence.together : evidence.everyone;
  const double least = std::min(times.least(), evidence.cohort);
  if (least > 0.01 && echo < 0.01) return words;
  if (evidence.pool.tested && evidence.pool.p_value < 0.01) {
    std::snprintf(text, sizeof(text),
                  "%u of them share infrastructure with different others that hardly anyone else "
                  "uses: so do less than %s random sets of accounts",
                  evidence.pool.bridges, Odds(evidence.pool.p_value).c_str());
    add();
    if (least > 0.01) return words;
  }
  const ConductEvidence& conduct = evidence.conduct;
  if (conduct.tested && conduct.p_value() < 0.01) {
    words.push_back(
        conduct.notable < conduct.alike
            ? "what half of them ask is out of the ordinary by itself: so it is in less than " +
                  Odds(conduct.notable) + " groups of strangers"
            : "they behave alike: so do less than " + Odds(conduct.alike) +
                  " random sets of accounts that ask as much");
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
