// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/surrogate.h"

#include <algorithm>
#include <vector>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastEvents = 32;
constexpr std::size_t kExtremes = 10;
constexpr std::int64_t kHour_us = 3'600'000'000;

// Counts in bins of time, in a table that is cleared by what was touched.
class Bins {
 public:
  Bins(std::int64_t first_us, std::int64_t last_us, std::int64_t bin_us)
      : first_(first_us), bin_(bin_us) {
    counts_.resize(static_cast<std::size_t>((last_us - first_us) / bin_us + 1), 0);
  }
  std::size_t Of(std::int64_t time_us) const {
    return static_cast<std::size_t>((time_us - first_) / bin_);
  }
  std::uint32_t Add(std::size_t bin) {
    if (counts_[bin] == 0) touched_.push_back(bin);
    return counts_[bin]++;
  }
  void Clear() {
    for (const std::size_t bin : touched_) counts_[bin] = 0;
    touched_.clear();
  }

 private:
  std::int64_t first_, bin_;
  std::vector<std::uint32_t> counts_;
  std::vector<std::size_t> touched_;
};

// The share of draws at least as extreme as the truth, with the truth itself counted.
template <typename AsExtreme>
double SequentialP(std::size_t most_draws, AsExtreme&& as_extreme) {
  std::size_t extreme = 0;
  for (std::size_t draw = 1; draw <= most_draws; ++draw) {
    if (as_extreme(draw) && ++extreme == kExtremes) {
      return static_cast<double>(kExtremes) / static_cast<double>(draw);
    }
  }
  return static_cast<double>(1 + extreme) / static_cast<double>(1 + most_draws);
}

// Pairs of requests in a common bin.
std::uint64_t PairsInBins(std::span<const MemberEvent> events,
                          std::span<const std::int64_t> offsets, Bins& bins) {
  std::uint64_t pairs = 0;
  for (const MemberEvent& e : events) pairs += bins.Add(bins.Of(e.time_us + offsets[e.member]));
  bins.Clear();
  return pairs;
}

std::int64_t MedianGap(std::span<const MemberEvent> events) {
  std::vector<std::int64_t> gaps;
  for (std::size_t i = 1; i < events.size(); ++i) {
    gaps.push_back(events[i].time_us - events[i - 1].time_us);
  }
  std::nth_element(gaps.begin(), gaps.begin() + gaps.size() / 2, gaps.end());
  return gaps[gaps.size() / 2];
}

}  // namespace

double RegularityP(std::span<const MemberEvent> events, std::uint32_t members,
                   const SurrogatePlan& plan) {
  if (events.size() < kLeastEvents) return 1;
  // Three requests at the pace of active times, but no more bins than the whole span can fill.
  const std::int64_t span = events.back().time_us - events.front().time_us;
  const std::int64_t bin = std::max({3 * MedianGap(events), span / 200'000, std::int64_t{1000}});
  Bins bins(events.front().time_us - kHour_us, events.back().time_us + kHour_us, bin);
  std::vector<std::int64_t> offsets(members, 0);
  const std::uint64_t truth = PairsInBins(events, offsets, bins);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::uint32_t m = 0; m < members; ++m) {
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      offsets[m] = static_cast<std::int64_t>(bits % (2 * kHour_us + 1)) - kHour_us;
    }
    return PairsInBins(events, offsets, bins) <= truth;
  });
}

double CoactivityP(std::span<const MemberEvent> events, std::uint32_t members, std::int64_t bin_us,
                   const SurrogatePlan& plan) {
  if (events.size() < kLeastEvents) return 1;
  constexpr std::int64_t kMostHours = 3;
  Bins bins(events.front().time_us - kMostHours * kHour_us,
            events.back().time_us + kMostHours * kHour_us, bin_us);
  // Whole hours are a multiple of the bins, so that pairs within an account do not change.
  std::vector<std::int64_t> offsets(members, 0);
  const std::uint64_t truth = PairsInBins(events, offsets, bins);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::uint32_t m = 0; m < members; ++m) {
      const std::uint64_t bits = wire::Mix(~plan.seed ^ wire::Mix(draw << 32 | m));
      offsets[m] = (static_cast<std::int64_t>(bits % (2 * kMostHours + 1)) - kMostHours) * kHour_us;
    }
    return PairsInBins(events, offsets, bins) >= truth;
  });
}

}  // namespace distillwatch::campaign
