// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/promise.h"

#include <cmath>
#include <cstdio>
#include <string>

namespace distillwatch::calibrate {
namespace {

constexpr double kDoubt = 0.05;  // that the confidence mode leaves
// What rounding may have taken from a product that is whole.
constexpr double kRounding = 1 + 1e-12;

double Level(const Promise& promise) {
  return (1 - promise.contamination) * promise.per_million * 1e-6;
}

// The largest k with P(Binomial(n, a) < k) <= doubt, for a mean of some ten thousand at most.
std::uint64_t Point(std::uint64_t n, double a, double doubt) {
  const double log_odds = std::log(a) - std::log1p(-a);
  double log_chance = static_cast<double>(n) * std::log1p(-a);  // of exactly k
  double below = 0;
  for (std::uint64_t k = 0; k < n; ++k) {
    below += std::exp(log_chance);
    if (below > doubt) return k;
    log_chance +=
        log_odds + std::log(static_cast<double>(n - k)) - std::log(static_cast<double>(k + 1));
  }
  return n;
}

std::string Number(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.7g", x);
  return text;
}

}  // namespace

std::uint64_t MostRank(const Promise& promise, std::uint64_t accounts) noexcept {
  const double a = Level(promise), n = static_cast<double>(accounts);
  if (promise.mode == Promise::Mode::kExpectation) {
    return static_cast<std::uint64_t>(std::floor(a * (n + 1) * kRounding));
  }
  // Of many accounts, by the normal law: Phi(-1.7) = .0446, and from a variance of 10^4 on the
  // theorem of Berry and Esseen, with its constant of .4748, adds at most .0048.
  const double variance = n * a * (1 - a);
  if (variance >= 1e4) return static_cast<std::uint64_t>(n * a - 1.7 * std::sqrt(variance));
  if (a <= 0.5) return Point(accounts, a, kDoubt * kRounding);
  // Those not flagged are Binomial(n, 1 - a).
  return accounts - Point(accounts, 1 - a, (1 - kDoubt) / kRounding);
}

double SmallestPerMillion(const Promise& promise, std::uint64_t accounts) noexcept {
  const auto n = static_cast<double>(accounts);
  // Rank 1 needs a >= 1 / (n + 1), or 1 - (1 - a)^n >= .95.
  const double a = promise.mode == Promise::Mode::kExpectation
                       ? 1 / (n + 1)
                       : (accounts == 0 ? 1.0 : -std::expm1(std::log(kDoubt) / n));
  return 1e6 * a / (1 - promise.contamination);
}

Status Check(const Promise& promise, std::uint64_t accounts) {
  if (!(promise.per_million > 0 && promise.per_million <= 1e6)) {
    return InvalidArgument("promise per_million is " + Number(promise.per_million) +
                           "; allowed: above 0 to 1000000");
  }
  if (!(promise.contamination >= 0 && promise.contamination < 0.5)) {
    return InvalidArgument("promise contamination is " + Number(promise.contamination) +
                           "; allowed: 0 to below 0.5");
  }
  if (MostRank(promise, accounts) == 0) {
    const double smallest = std::ceil(SmallestPerMillion(promise, accounts));
    return FailedPrecondition(
        "promise per_million is " + Number(promise.per_million) + ", but " +
        std::to_string(accounts) + " reference accounts cannot keep it; " +
        (smallest > 1e6 ? "no promise holds now"
                        : "the smallest promise now is " + Number(smallest) + " per million"));
  }
  return {};
}

}  // namespace distillwatch::calibrate
