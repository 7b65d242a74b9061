// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/surrogate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "campaign/monte_carlo.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastEvents = 32;
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

struct Pairs {
  std::uint64_t all = 0, within_members = 0;
  std::uint64_t across() const { return all - within_members; }
};

// Pairs of requests in a common bin.
Pairs PairsInBins(const Watched& watched, std::span<const std::int64_t> offsets, Bins& bins) {
  Pairs pairs;
  std::uint32_t member = ~std::uint32_t{0};
  std::size_t bin = 0;
  std::uint64_t in_run = 0;
  for (const MemberEvent& e : watched.events) {
    const std::int64_t from = watched.from_us[e.member];
    const std::int64_t length = watched.to_us - from + 1;
    std::int64_t time = e.time_us + offsets[e.member];
    if (time > watched.to_us) time = from + (time - from) % length;
    if (time < from) time = watched.to_us - (from - 1 - time) % length;
    const std::size_t of = bins.Of(time);
    pairs.all += bins.Add(of);
    // A member's requests come in runs of bins; an offset's wrap parts one run in two.
    in_run = e.member == member && of == bin ? in_run + 1 : 0;
    pairs.within_members += in_run;
    member = e.member;
    bin = of;
  }
  bins.Clear();
  return pairs;
}

std::int64_t MedianGap(std::span<const MemberEvent> events) {
  std::vector<std::int64_t> times;
  for (const MemberEvent& e : events) times.push_back(e.time_us);
  std::sort(times.begin(), times.end());
  std::adjacent_difference(times.begin(), times.end(), times.begin());
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin() + 1, middle, times.end());
  return *middle;
}

Bins BinsFor(const Watched& watched, std::int64_t bin_us) {
  const std::int64_t first = *std::min_element(watched.from_us.begin(), watched.from_us.end());
  return Bins(first - first % kHour_us, watched.to_us, bin_us);
}

}  // namespace

double RegularityP(const Watched& watched, const SurrogatePlan& plan) {
  if (watched.events.size() < kLeastEvents) return 1;
  // Three requests at the pace of active times, but no more bins than the whole watch can fill.
  const std::int64_t first = *std::min_element(watched.from_us.begin(), watched.from_us.end());
  const std::int64_t bin = std::max(
      {3 * MedianGap(watched.events), (watched.to_us - first) / 200'000, std::int64_t{1000}});
  Bins bins = BinsFor(watched, bin);
  std::vector<std::int64_t> offsets(watched.from_us.size(), 0);
  const std::uint64_t truth = PairsInBins(watched, offsets, bins).all;
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < offsets.size(); ++m) {
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      offsets[m] = static_cast<std::int64_t>(bits % (2 * kHour_us + 1)) - kHour_us;
    }
    return PairsInBins(watched, offsets, bins).all <= truth;
  });
}

double CoactivityP(const Watched& watched, std::int64_t bin_us, const SurrogatePlan& plan) {
  if (watched.events.size() < kLeastEvents) return 1;
  constexpr std::int64_t kMostHours = 3;
  Bins bins = BinsFor(watched, bin_us);
  std::vector<std::int64_t> offsets(watched.from_us.size(), 0);
  const std::uint64_t truth = PairsInBins(watched, offsets, bins).across();
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < offsets.size(); ++m) {
      const std::uint64_t bits = wire::Mix(~plan.seed ^ wire::Mix(draw << 32 | m));
      const auto hours = static_cast<std::int64_t>(bits % (2 * kMostHours + 1)) - kMostHours;
      offsets[m] = hours * kHour_us;
    }
    return PairsInBins(watched, offsets, bins).across() >= truth;
  });
}

}  // namespace distillwatch::campaign
