// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/cohort.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastMembers = 5, kMostMembers = 128, kMostPopulation = 4096;
constexpr double kWidths = 3;
constexpr double kDay_us = 86'400e6;

}  // namespace

double Median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Life LifeOf(const Seen& seen) noexcept {
  const double days =
      std::max(0.0, static_cast<double>((seen.last - seen.first).count()) / kDay_us) + 1;
  return {.begin_days = static_cast<double>(seen.first.time_since_epoch().count()) / kDay_us,
          .log_volume = std::log(std::max<double>(seen.requests, 1) / days)};
}

bool Middle::HasVolume(const Life& life) const noexcept {
  return std::abs(life.log_volume - median.log_volume) <= kWidths * width.log_volume;
}

bool Middle::Has(const Life& life) const noexcept {
  return HasVolume(life) && life.begin_days >= median.begin_days - kWidths * width.begin_days &&
         life.begin_days <= latest_begin_days + kWidths * width.begin_days;
}

double Middle::LogDensity(const Life& life) const noexcept {
  const double begin = (life.begin_days - median.begin_days) / width.begin_days,
               volume = (life.log_volume - median.log_volume) / width.log_volume;
  return -(begin * begin + volume * volume) / 2 - std::log(width.begin_days * width.log_volume);
}

Middle MiddleOf(std::span<const Life> lives, double least_log) {
  constexpr double kNormal = 1.4826, kLeastDays = 0.5;
  Middle middle;
  std::vector<double> values(lives.size());
  const auto along = [&](double Life::*axis, double least) {
    for (std::size_t i = 0; i < lives.size(); ++i) values[i] = lives[i].*axis;
    const double median = middle.median.*axis = Median(values);
    for (std::size_t i = 0; i < lives.size(); ++i) values[i] = std::abs(lives[i].*axis - median);
    middle.width.*axis = std::max(least, kNormal * Median(values));
  };
  along(&Life::begin_days, kLeastDays);
  along(&Life::log_volume, least_log);
  // Of those that are not far off themselves.
  for (const Life& life : lives) {
    if (std::abs(life.begin_days - middle.median.begin_days) <= kWidths * middle.width.begin_days) {
      middle.latest_begin_days = std::max(middle.latest_begin_days, life.begin_days);
    }
  }
  return middle;
}

double BinomialTail(std::size_t k, std::size_t n, double q) noexcept {
  if (k == 0 || q >= 1) return 1;
  if (static_cast<double>(k) <= q * static_cast<double>(n)) return 1;  // not even above the mean
  const double odds = q / (1 - q);
  const auto N = static_cast<double>(n);
  auto i = static_cast<double>(k);
  double term = std::exp(std::lgamma(N + 1) - std::lgamma(i + 1) - std::lgamma(N - i + 1) +
                         i * std::log(q) + (N - i) * std::log1p(-q));
  double sum = term;
  for (; i < N && term > 1e-12 * sum; ++i) sum += term *= (N - i) / (i + 1) * odds;
  return std::min(1.0, sum);
}

namespace {

struct Counts {
  std::size_t begin = 0, volume = 0, box = 0;
};

Counts CountAround(const Life& centre, std::span<const Life> lives, double days, double log) {
  Counts counts;
  for (const Life& life : lives) {
    const bool begin = std::abs(life.begin_days - centre.begin_days) <= days;
    const bool volume = std::abs(life.log_volume - centre.log_volume) <= log;
    counts.begin += begin;
    counts.volume += volume;
    counts.box += begin && volume;
  }
  return counts;
}

}  // namespace

Cohort FindCohort(std::span<const Life> members, std::span<const Life> population) {
  constexpr double kDays[] = {1, 3, 6}, kLogs[] = {0.35, 0.8};
  constexpr std::size_t kBoxes = std::size(kDays) * std::size(kLogs);
  constexpr double kPrior = 3;  // in favour of chance, where the population is thin
  // The crowd of any product differs a little from all accounts, which many members would prove:
  // so no more than 128 are looked at, and a small excess does not count
  // [CohortStat.ManyUsersOfOneToolAreNone].
  constexpr double kLeastExcess = 1.4;
  Cohort best;
  if (members.size() < kLeastMembers || population.size() < 4 * members.size()) return best;
  // Evenly spread, for who joined first began first.
  const std::size_t looked_at = std::min(members.size(), kMostMembers);
  std::vector<std::uint32_t> positions;
  std::vector<Life> chosen;
  for (std::size_t i = 0; i < looked_at; ++i) {
    positions.push_back(static_cast<std::uint32_t>(i * members.size() / looked_at));
    chosen.push_back(members[positions.back()]);
  }
  members = chosen;
  population = population.first(std::min(population.size(), kMostPopulation));
  const auto tests = static_cast<double>(members.size() * kBoxes);
  Life centre;
  double best_days = 0, best_log = 0, least = 1;
  for (const Life& member : members) {
    for (const double days : kDays) {
      for (const double log : kLogs) {
        const Counts mine = CountAround(member, members, days, log);
        if (mine.box < kLeastMembers) continue;
        const Counts all = CountAround(member, population, days, log);
        // The centre itself is given.
        const double in_box = static_cast<double>(all.box) + kPrior;
        const double of_volume = in_box / (static_cast<double>(all.volume) + kPrior);
        const double of_begin = in_box / (static_cast<double>(all.begin) + kPrior);
        const double expected = std::max(of_volume * static_cast<double>(mine.volume - 1),
                                         of_begin * static_cast<double>(mine.begin - 1));
        if (static_cast<double>(mine.box - 1) < kLeastExcess * expected) continue;
        const double p = std::max(BinomialTail(mine.box - 1, mine.volume - 1, of_volume),
                                  BinomialTail(mine.box - 1, mine.begin - 1, of_begin));
        if (p >= least) continue;
        least = p;
        centre = member;
        best_days = days;
        best_log = log;
      }
    }
  }
  if (least >= 1) return {};
  best.p_value = std::clamp(tests * least, 1e-300, 1.0);
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (CountAround(centre, members.subspan(m, 1), best_days, best_log).box != 0) {
      best.members.push_back(positions[m]);
    }
  }
  return best;
}

std::vector<std::uint32_t> FindPart(std::span<const Life> members) {
  struct Box {
    double days, log;
  };
  constexpr Box kBoxes[] = {{0.75, 0.1}, {1.5, 0.2}};
  constexpr std::size_t kMostCentres = 64, kLeast = 8;
  constexpr double kLevel = 1e-9;
  const std::size_t n = members.size(), centres = std::min(n, kMostCentres);
  double least =
      kLevel / static_cast<double>(std::max<std::size_t>(1, centres) * std::size(kBoxes));
  Life centre;
  const Box* best = nullptr;
  for (std::size_t i = 0; i < centres; ++i) {
    const Life& member = members[i * n / centres];
    for (const Box& box : kBoxes) {
      const Counts mine = CountAround(member, members, box.days, box.log);
      const std::size_t rest = n - mine.box;
      if (mine.box < kLeast || rest < kLeast || 4 * (mine.volume - mine.box) > rest) continue;
      const auto share = [&](std::size_t along) {  // of the others, one more in favour of chance
        return static_cast<double>(along - mine.box + 1) / static_cast<double>(rest + 2);
      };
      const double p = BinomialTail(mine.box, n, share(mine.volume) * share(mine.begin));
      if (p >= least) continue;
      least = p;
      centre = member;
      best = &box;
    }
  }
  std::vector<std::uint32_t> part;
  for (std::uint32_t m = 0; best != nullptr && m < n; ++m) {
    if (CountAround(centre, members.subspan(m, 1), best->days, best->log).box != 0)
      part.push_back(m);
  }
  return part;
}

}  // namespace distillwatch::campaign
