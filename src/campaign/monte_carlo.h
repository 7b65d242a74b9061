// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// SequentialP: a Monte Carlo p-value that stops early where chance explains what was seen.
//
// Paper      J. Besag and P. Clifford, Sequential Monte Carlo p-values, Biometrika 1991.
// Tested by  tests/campaign/surrogate_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_MONTE_CARLO_H_
#define DISTILLWATCH_SRC_CAMPAIGN_MONTE_CARLO_H_

#include <cstddef>

namespace distillwatch::campaign {

// The share of draws at least as extreme as the truth, with the truth itself counted; draws stop
// at the tenth such one.
//   as_extreme  bool(draw): whether draw 1, 2, ... is
template <typename AsExtreme>
double SequentialP(std::size_t most_draws, AsExtreme&& as_extreme) {
  constexpr std::size_t kExtremes = 10;
  std::size_t extreme = 0;
  for (std::size_t draw = 1; draw <= most_draws; ++draw) {
    if (as_extreme(draw) && ++extreme == kExtremes) {
      return static_cast<double>(kExtremes) / static_cast<double>(draw);
    }
  }
  return static_cast<double>(1 + extreme) / static_cast<double>(1 + most_draws);
}

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_MONTE_CARLO_H_
