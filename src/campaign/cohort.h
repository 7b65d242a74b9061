// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Cohort test: did some of these accounts begin together and ask equally much?
//
// A scan over boxes of begin and volume around each member. In a box, volumes must be closer than
// those of other accounts that began then, and begins closer than those of other accounts that ask
// so much: customers of a product that was just launched begin together, but their volumes differ
// as people's do; users of one tool may ask alike, but did not begin together. Binomial tails
// against all accounts that the gateway knows, times the number of boxes.
// Not covered: a launched product whose customers all ask several times as much as is usual at the
// gateway [CohortStat.AProductLaunchIsNone]. Comparing with where others' volumes are densest, or
// testing how close volumes lie wherever they lie, covers it and no longer finds injected prompts
// and thin campaigns (src/README.md).
// Paper      after M. Kulldorff, A spatial scan statistic, Communications in Statistics 1997.
// Tested by  tests/campaign/cohort_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_
#define DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "distillwatch/event.h"

namespace distillwatch::campaign {

// An account at a look.
struct Seen {
  std::uint64_t account = 0;
  Time first{}, last{};
  std::uint32_t requests = 0;
  float own_p_value = 1;  // of its own verdict; least so far
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.account, s.first, s.last, s.requests, s.own_p_value);
  }
};

struct Life {
  double begin_days = 0;  // when the account was first seen
  double log_volume = 0;  // ln of its requests a day of life
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.begin_days, s.log_volume);
  }
};

Life LifeOf(const Seen& seen) noexcept;

// Where the middle of a group's lives lies, and how wide it is (median and 1.48 times the median
// absolute deviation, at least half a day and `least_log`).
struct Middle {
  Life median, width;
  double latest_begin_days = 0;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.median, s.width, s.latest_begin_days);
  }
  // Within 3 widths of the others' volume.
  bool HasVolume(const Life& life) const noexcept;
  // And began no more than 3 widths before the median or after the latest.
  bool Has(const Life& life) const noexcept;
  // How well a life fits, to be compared between groups: the logarithm of a normal density, but for
  // a constant.
  double LogDensity(const Life& life) const noexcept;
};
inline constexpr double kLeastLog = 0.4;
Middle MiddleOf(std::span<const Life> lives, double least_log = kLeastLog);

// The middle of the values, which are reordered; 0 when there is none.
double Median(std::vector<double>& values);

struct Cohort {
  double p_value = 1;
  std::vector<std::uint32_t> members;  // in the most unlikely box, ascending positions
};

// P(at least k of n), each with probability q; 1 where k is not above the mean
// [CohortOracle.TheTailIsTheBinomialSum].
double BinomialTail(std::size_t k, std::size_t n, double q) noexcept;

// A box counts with at least 1.4 times as many members as are expected there. Fewer than five
// members, or a population less than four times as large, give 1. At most 128
// members are looked at, and 4096 of the population.
//   Cost  O(members x population)
Cohort FindCohort(std::span<const Life> members, std::span<const Life> population);

// Members, ascending, that began together and ask equally much, unlike the others: at least eight
// in a box, and as many outside, of whom a quarter at most asks as much; where members whose begins
// and volumes are those of the others would be in one of the boxes by chance once in a billion
// times. None: there is no such part. It is a guess: rounds of one dispatcher may be so.
//   Cost  O(members), with 64 boxes of two sizes
std::vector<std::uint32_t> FindPart(std::span<const Life> members);

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_
