// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/surrogate.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "campaign/monte_carlo.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastEvents = 32;
constexpr std::int64_t kHour_us = 3'600'000'000;

// Bins of time, and how many requests they hold.
class Bins {
 public:
  Bins(std::int64_t first_us, std::int64_t last_us, std::int64_t bin_us)
      : first_(first_us), bin_(bin_us), per_us_(1 / static_cast<double>(bin_us)) {
    counts_.resize(static_cast<std::size_t>((last_us - first_us) / bin_us + 1), 0);
  }
  // By a product: it is at most one off, and corrected, and takes a fraction of a division.
  std::uint32_t Of(std::int64_t time_us) const {
    const std::int64_t since = time_us - first_;
    auto bin = static_cast<std::int64_t>(static_cast<double>(since) * per_us_);
    const std::int64_t rest = since - bin * bin_;
    bin += (rest >= bin_) - (rest < 0);
    return static_cast<std::uint32_t>(bin);
  }
  std::uint64_t& operator[](std::uint32_t bin) { return counts_[bin]; }

 private:
  std::int64_t first_, bin_;
  double per_us_;
  std::vector<std::uint64_t> counts_;
};

// A member's request, moved; what leaves the watch at one end comes back at the other.
std::int64_t Moved(const Watched& watched, const MemberEvent& event, std::int64_t offset) {
  const std::int64_t time = event.time_us + offset;
  const std::int64_t from = watched.from_us[event.member];
  if (time >= from && time <= watched.to_us) return time;
  const std::int64_t length = watched.to_us - from + 1;
  if (time > watched.to_us) return from + (time - from) % length;
  return watched.to_us - (from - 1 - time) % length;
}

// Counts pairs of different members' requests in a common bin.
class Crowding {
 public:
  Crowding(const Watched& watched, Bins bins) : watched_(watched), bins_(std::move(bins)) {
    taken_.reserve(watched.events.size());
  }
  // Stops above `most`, which the number then exceeds.
  std::uint64_t Pairs(std::span<const std::int64_t> offsets,
                      std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    std::uint64_t pairs = 0;
    for (auto e = watched_.events.begin(); e != watched_.events.end() && pairs <= most;) {
      const std::size_t others = taken_.size();
      for (const std::uint32_t member = e->member;
           e != watched_.events.end() && e->member == member; ++e) {
        taken_.push_back(bins_.Of(Moved(watched_, *e, offsets[member])));
        pairs += bins_[taken_.back()];
      }
      for (std::size_t i = others; i < taken_.size(); ++i) ++bins_[taken_[i]];
    }
    for (const std::uint32_t bin : taken_) bins_[bin] = 0;
    taken_.clear();
    return pairs;
  }

 private:
  const Watched& watched_;
  Bins bins_;
  std::vector<std::uint32_t> taken_;
};

// Counts pairs of different members' requests in a common bin, when members are moved by one of a
// few offsets: where a member's requests come to lie is found once for each; and, when there were
// so many draws that it has paid, what company every two members are to each other under every two
// of their offsets.
class Company {
 public:
  static constexpr std::int64_t kMostHours = 3;
  static constexpr std::size_t kOffsets = 2 * kMostHours + 1;

  Company(const Watched& watched, Bins bins)
      : watched_(watched), bins_(std::move(bins)), moved_(watched.from_us.size() * kOffsets) {
    begins_.assign(members() + 1, 0);
    for (const MemberEvent& e : watched.events) ++begins_[e.member + 1];
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  }
  std::size_t members() const { return watched_.from_us.size(); }

  // hours: of every member, from 0 for kMostHours earlier. May stop at `most`, which the number
  // then has reached.
  std::uint64_t Pairs(std::span<const std::size_t> hours,
                      std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    if (between_.empty() && ++draws_ == kOffsets * kOffsets * members() && IsWorthATable()) {
      Tabulate();
    }
    return between_.empty() ? Walked(hours, most) : LookedUp(hours);
  }

 private:
  struct Run {
    std::uint32_t bin = 0, requests = 0;
  };
  // A member's requests come in runs of a bin, within which they are no company to each other; an
  // offset's turn parts one run in two.
  std::uint64_t Walked(std::span<const std::size_t> hours, std::uint64_t most) {
    std::uint64_t pairs = 0;
    std::size_t walked = 0;
    while (walked < members() && pairs < most) {
      for (const Run& run : RunsOf(walked, hours[walked])) {
        pairs += bins_[run.bin] * run.requests;
        bins_[run.bin] += run.requests;
      }
      ++walked;
    }
    for (std::size_t m = 0; m < walked; ++m) {
      for (const Run& run : moved_[m * kOffsets + hours[m]]) bins_[run.bin] = 0;
    }
    return pairs;
  }
  std::uint64_t LookedUp(std::span<const std::size_t> hours) const {
    std::uint64_t pairs = 0;
    const std::uint32_t* row = between_.data();
    for (std::size_t m = 0; m < members(); ++m) {
      row += hours[m] * m * kOffsets;
      for (std::size_t n = 0; n < m; ++n) pairs += row[n * kOffsets + hours[n]];
      row += (kOffsets - hours[m]) * m * kOffsets;
    }
    return pairs;
  }
  // Whether to look up two members takes less than to walk their requests.
  bool IsWorthATable() const { return members() * members() < watched_.events.size(); }
  void Tabulate() {
    between_.reserve(kOffsets * kOffsets * members() * (members() - 1) / 2);
    for (std::size_t m = 0; m < members(); ++m) {
      for (std::size_t hours = 0; hours < kOffsets; ++hours) {
        for (const Run& run : RunsOf(m, hours)) bins_[run.bin] += run.requests;
        for (std::size_t other = 0; other < m * kOffsets; ++other) {
          std::uint64_t pairs = 0;
          for (const Run& run : RunsOf(other / kOffsets, other % kOffsets))
            pairs += bins_[run.bin] * run.requests;
          between_.push_back(static_cast<std::uint32_t>(pairs));
        }
        for (const Run& run : RunsOf(m, hours)) bins_[run.bin] = 0;
      }
    }
  }
  const std::vector<Run>& RunsOf(std::size_t member, std::size_t hours) {
    std::vector<Run>& runs = moved_[member * kOffsets + hours];
    if (!runs.empty()) return runs;
    const std::int64_t offset = (static_cast<std::int64_t>(hours) - kMostHours) * kHour_us;
    for (std::size_t i = begins_[member]; i < begins_[member + 1]; ++i) {
      const std::uint32_t bin = bins_.Of(Moved(watched_, watched_.events[i], offset));
      if (runs.empty() || runs.back().bin != bin) runs.push_back({bin, 0});
      ++runs.back().requests;
    }
    return runs;
  }

  const Watched& watched_;
  Bins bins_;
  std::vector<std::vector<Run>> moved_;  // by member and offset; empty until they are needed
  std::vector<std::size_t> begins_;      // of each member's events
  std::size_t draws_ = 0;
  // Pairs between members, once there is a table: by the later member, its offset, the earlier one
  // and that one's offset.
  std::vector<std::uint32_t> between_;
};

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
  // Half a gap at the pace of active times, but no more bins than the whole watch can fill.
  const std::int64_t first = *std::min_element(watched.from_us.begin(), watched.from_us.end());
  const std::int64_t bin = std::max(
      {MedianGap(watched.events) / 2, (watched.to_us - first) / 200'000, std::int64_t{1000}});
  Crowding crowding(watched, BinsFor(watched, bin));
  std::vector<std::int64_t> offsets(watched.from_us.size(), 0);
  const std::uint64_t truth = crowding.Pairs(offsets);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < offsets.size(); ++m) {
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      offsets[m] = static_cast<std::int64_t>(bits % (2 * kHour_us + 1)) - kHour_us;
    }
    return crowding.Pairs(offsets, truth) <= truth;
  });
}

double CoactivityP(const Watched& watched, std::int64_t bin_us, const SurrogatePlan& plan) {
  if (watched.events.size() < kLeastEvents) return 1;
  Company company(watched, BinsFor(watched, bin_us));
  std::vector<std::size_t> hours(watched.from_us.size(), Company::kMostHours);
  const std::uint64_t truth = company.Pairs(hours);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < hours.size(); ++m) {
      hours[m] = wire::Mix(~plan.seed ^ wire::Mix(draw << 32 | m)) % Company::kOffsets;
    }
    return company.Pairs(hours, truth) >= truth;
  });
}

}  // namespace distillwatch::campaign
