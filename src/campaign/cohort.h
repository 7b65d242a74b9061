// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Cohort test: did these accounts begin together and take equal parts?
//
// Compared with as many accounts drawn at random from all that the gateway knows. Both must be
// unlikely: customers of a product that was just launched begin together, but their volumes differ
// as people's do.
// Tested by  tests/campaign/cohort_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_
#define DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_

#include <cstdint>
#include <span>

namespace distillwatch::campaign {

struct Life {
  double begin_days = 0;  // when the account was first seen
  double log_volume = 0;  // ln of its requests a day of life
};

// Where the middle of a group's lives lies, and how wide it is (median and 1.48 times the median
// absolute deviation, at least half a day and 0.25).
struct Middle {
  Life median, width;
  double latest_begin_days = 0;
  // Within 3 widths of the others' volume.
  bool HasVolume(const Life& life) const noexcept;
  // And began no more than 3 widths before the median or after the latest.
  bool Has(const Life& life) const noexcept;
};
Middle MiddleOf(std::span<const Life> lives);

struct CohortP {
  double begin = 1, volume = 1;
  double both() const noexcept { return begin > volume ? begin : volume; }
};

// Lower-tail p-values of the interquartile ranges of begin and volume. Fewer than eight members, or
// a population less than four times as large, give 1.
CohortP TestCohort(std::span<const Life> members, std::span<const Life> population,
                   std::size_t most_draws, std::uint64_t seed);

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_COHORT_H_
