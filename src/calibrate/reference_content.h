// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// ReferenceContent: what a Reference holds.

#ifndef DISTILLWATCH_SRC_CALIBRATE_REFERENCE_CONTENT_H_
#define DISTILLWATCH_SRC_CALIBRATE_REFERENCE_CONTENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "calibrate/path_histogram.h"
#include "distillwatch/calibration.h"
#include "score/model.h"
#include "score/ranks.h"

namespace distillwatch::calibrate {

// When an account's score is evaluated: at 16, 32, 64, ... requests, and while it is active once in
// every interval. Fewer looks lower the path maximum of benign accounts: against a look every 6 h,
// one a day cost nothing in power and won a little (src/README.md, dead ends).
struct LookPlan {
  std::int64_t interval_s = 24 * 3600;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.interval_s);
  }
};

struct ReferenceContent {
  std::vector<std::string> feature_names;  // in the order of ranks and model
  score::Ranks ranks;
  score::Model model;
  PathHistogram histogram;
  LookPlan looks;
  std::int64_t horizon_s = 0;
  std::uint64_t fit_accounts = 0;
  Time first{}, last{};
  std::uint64_t key_id = 0;  // 0: learned under no key in particular (the shipped one)
  std::string key;           // set when it was drawn at random

  bool Valid() const;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.feature_names, self.ranks, self.model, self.histogram, self.looks, self.horizon_s,
       self.fit_accounts, self.first, self.last, self.key_id, self.key);
  }
};

}  // namespace distillwatch::calibrate

#endif  // DISTILLWATCH_SRC_CALIBRATE_REFERENCE_CONTENT_H_
