// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// PathHistogram: the highest scores that reference accounts reached in a horizon, and the p-values
// that follow from them.
//
// p = (1 + number of reference accounts whose maximum falls into the score's bin or above) / (n +
// 1). If a benign account is exchangeable with the reference accounts, then over its whole life in
// the horizon P(p <= a at any time) <= a, because the running maximum's p-value never rises and its
// last value is a conformal rank; binning only raises it
// [PathHistogramStat.PromiseHoldsAtEveryLook]. Source     V. Vovk et al., Algorithmic learning in a
// random world, 2005; S. Bates et al., Testing for
//            outliers with conformal p-values, 2023.
// Tested by  tests/calibrate/path_histogram_test.cc

#ifndef DISTILLWATCH_SRC_CALIBRATE_PATH_HISTOGRAM_H_
#define DISTILLWATCH_SRC_CALIBRATE_PATH_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "score/model.h"

namespace distillwatch::calibrate {

using score::Points;

class PathHistogram {
 public:
  static constexpr std::size_t kBins = 1024;  // even, over [kLeastScore, kMostScore]
  static std::size_t BinOf(Points score) noexcept;

  // An account's highest score in a finished horizon; kLeastScore for one that never had a look.
  void Add(Points path_maximum) noexcept;
  // Takes an account out again, as one that was adjudicated to be distilling; false when it is not
  // in.
  bool Remove(Points path_maximum) noexcept;
  void Merge(const PathHistogram& other) noexcept;
  // What is left when the other's accounts are taken out, as far as they are in.
  PathHistogram Without(const PathHistogram& other) const noexcept;

  std::uint64_t accounts() const noexcept { return accounts_; }
  // Accounts in the score's bin or above.
  std::uint64_t CountAtLeast(Points score) const noexcept;
  std::uint64_t CountIn(Points score) const noexcept { return counts_[BinOf(score)]; }
  double PValue(Points score) const noexcept {
    return static_cast<double>(1 + CountAtLeast(score)) / static_cast<double>(accounts_ + 1);
  }

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.counts_, self.accounts_);
  }

 private:
  std::array<std::uint64_t, kBins> counts_{};
  std::uint64_t accounts_ = 0;
};

}  // namespace distillwatch::calibrate

#endif  // DISTILLWATCH_SRC_CALIBRATE_PATH_HISTOGRAM_H_
