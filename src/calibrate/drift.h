// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// DriftMartingale: do finished accounts still look like the reference?
//
// Every finished account gets a conformal p-value among the reference and the accounts that
// finished before it, ties broken by its hash. While all are exchangeable these are independent and
// uniform, so a mixture of power martingales stays below 100 for ever with probability .99
// [DriftMartingaleStat.StaysLowWithoutDrift]. Paper      V. Vovk, I. Nouretdinov, A. Gammerman,
// Testing exchangeability on-line, ICML 2003. Tested by  tests/calibrate/drift_test.cc

#ifndef DISTILLWATCH_SRC_CALIBRATE_DRIFT_H_
#define DISTILLWATCH_SRC_CALIBRATE_DRIFT_H_

#include <array>
#include <cstdint>

#include "calibrate/path_histogram.h"

namespace distillwatch::calibrate {

class DriftMartingale {
 public:
  static constexpr double kAlarm = 100;

  // `seen` holds the reference and all accounts that finished before; the caller adds this one
  // afterwards.
  void Update(const PathHistogram& seen, Points path_maximum, std::uint64_t account_hash) noexcept;

  // Goes on from both: the product of what two disjoint sets of accounts gave, power by power.
  void Merge(const DriftMartingale& other) noexcept;

  // The martingale now: above kAlarm, rebuild the reference and stop acting automatically.
  double value() const noexcept;
  // The highest value so far.
  double peak() const noexcept { return peak_; }

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.accounts_, self.surprise_, self.peak_);
  }

 private:
  // prod e p^(e - 1) depends on the p-values by their number and the sum of -ln p alone.
  std::uint64_t accounts_ = 0;
  double surprise_ = 0;
  double peak_ = 1;
};

}  // namespace distillwatch::calibrate

#endif  // DISTILLWATCH_SRC_CALIBRATE_DRIFT_H_
