// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/promise.h"

#include <cmath>
#include <cstdio>
#include <string>

namespace distillwatch::calibrate {
namespace {

constexpr double kConfidence = 0.95;

double Level(const Promise& promise) {
  return (1 - promise.contamination) * promise.per_million * 1e-6;
}

// P(Binomial(n, a) >= k), by summing the lower tail in logarithms.
double AtLeast(std::uint64_t k, std::uint64_t n, double a) {
  double below = 0;
  const double log_n = std::lgamma(static_cast<double>(n) + 1);
  for (std::uint64_t i = 0; i < k; ++i) {
    const auto x = static_cast<double>(i), rest = static_cast<double>(n - i);
    below += std::exp(log_n - std::lgamma(x + 1) - std::lgamma(rest + 1) + x * std::log(a) +
                      rest * std::log1p(-a));
  }
  return 1 - below;
}

std::string Number(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", x);
  return text;
}

}  // namespace

std::uint64_t MostRank(const Promise& promise, std::uint64_t accounts) noexcept {
  const double a = Level(promise);
  const auto expected =
      static_cast<std::uint64_t>(std::floor(a * static_cast<double>(accounts + 1)));
  if (promise.mode == Promise::Mode::kExpectation) return expected;
  // The binomial's 5 % point lies below its mean, so the search goes down from there.
  for (std::uint64_t k = expected; k > 0; --k) {
    if (AtLeast(k, accounts, a) >= kConfidence) return k;
  }
  return 0;
}

double SmallestPerMillion(const Promise& promise, std::uint64_t accounts) noexcept {
  const auto n = static_cast<double>(accounts);
  // Rank 1 needs a >= 1 / (n + 1), or 1 - (1 - a)^n >= .95.
  const double a = promise.mode == Promise::Mode::kExpectation
                       ? 1 / (n + 1)
                       : (accounts == 0 ? 1.0 : -std::expm1(std::log(1 - kConfidence) / n));
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
    return FailedPrecondition("promise per_million is " + Number(promise.per_million) + ", but " +
                              std::to_string(accounts) +
                              " reference accounts cannot keep it; the smallest promise now is " +
                              Number(std::ceil(SmallestPerMillion(promise, accounts))) +
                              " per million");
  }
  return {};
}

}  // namespace distillwatch::calibrate
