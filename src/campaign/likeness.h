// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Likeness test: do accounts behave more alike than any others that asked as much?
//
// What one program sends through many accounts has the same mix of subjects, the same lengths, the
// same rhythm. So has what one firm's product sends: likeness says that accounts belong together,
// and convicts only those that one owner's infrastructure does not explain.
// Paper      B. Phipson, G. Smyth, Permutation p-values should never be zero, SAGMB 2010.
// Tested by  tests/campaign/likeness_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LIKENESS_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LIKENESS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "campaign/surrogate.h"

namespace distillwatch::campaign {

// Where an account's features lie among those of accounts of its age: places in [0, kMostPlace],
// the middle for what is not known, and 0 behind the last feature.
struct Habits {
  static constexpr std::size_t kMost = 48;
  static constexpr std::uint8_t kMostPlace = 44;
  std::array<std::uint8_t, kMost> places{};

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.places);
  }
};

// Accounts to compare with, by position.
class Crowd {
 public:
  // habits: outlive the crowd.
  void Add(std::uint32_t requests, const Habits& habits);

  // The share of random sets of accounts, for each member one that asked as much (to a power of
  // two, 512 and more alike), whose features vary as little; 1 for fewer than three.
  //   Cost  O(draws x members)
  double LikenessP(std::span<const std::uint32_t> members, const SurrogatePlan& plan) const;

 private:
  static constexpr std::size_t kAges = 10;
  std::vector<const Habits*> habits_;
  std::vector<std::uint32_t> squares_;  // summed over each one's places
  std::vector<std::uint8_t> ages_;
  std::array<std::vector<std::uint32_t>, kAges> of_age_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LIKENESS_H_
