// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/drift.h"

#include <algorithm>
#include <cmath>

#include "text/key.h"

namespace distillwatch::calibrate {
namespace {

// Powers below 1 bet on scores above the reference's, powers above 1 on scores below them.
constexpr std::array<double, 8> kPowers = {0.3, 0.5, 0.7, 0.85, 0.95, 1.1, 1.5, 2.5};

}  // namespace

void DriftMartingale::Update(const PathHistogram& seen, Points path_maximum,
                             std::uint64_t account_hash) noexcept {
  const double u = (static_cast<double>(text::Mix(account_hash) >> 11) + 0.5) * 0x1p-53;
  const auto ties = static_cast<double>(seen.CountIn(path_maximum) + 1);  // and the account itself
  const auto above =
      static_cast<double>(seen.CountAtLeast(path_maximum) - seen.CountIn(path_maximum));
  const double p = (above + u * ties) / static_cast<double>(seen.accounts() + 1);
  ++accounts_;
  surprise_ -= std::log(std::clamp(p, 1e-12, 1.0));
  peak_ = std::max(peak_, value());
}

void DriftMartingale::Merge(const DriftMartingale& other) noexcept {
  accounts_ += other.accounts_;
  surprise_ += other.surprise_;
  peak_ = std::max({peak_, other.peak_, value()});
}

double DriftMartingale::value() const noexcept {
  double sum = 0;
  for (const double e : kPowers) {
    // A log beyond 600 is as much an alarm as any, and must not overflow.
    sum += std::exp(
        std::min(600.0, static_cast<double>(accounts_) * std::log(e) + (1 - e) * surprise_));
  }
  return sum / kPowers.size();
}

bool DriftMartingale::Valid() const noexcept {
  return std::isfinite(surprise_) && surprise_ >= 0 && std::isfinite(peak_) && peak_ >= 0;
}

}  // namespace distillwatch::calibrate
