// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/cohort.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastMembers = 8, kMostMembers = 128;
constexpr std::size_t kExtremes = 10;
constexpr double kWidths = 3;

double InterquartileRange(std::vector<double>& values) {
  const auto quarter = static_cast<std::ptrdiff_t>(values.size() / 4);
  std::nth_element(values.begin(), values.begin() + quarter, values.end());
  const double low = values[quarter];
  std::nth_element(values.begin(), values.end() - 1 - quarter, values.end());
  return *(values.end() - 1 - quarter) - low;
}

template <typename Of>
double LowerTail(std::span<const Life> members, std::span<const Life> population, Of&& of,
                 std::size_t most_draws, std::uint64_t seed) {
  std::vector<double> values;
  for (const Life& life : members) values.push_back(of(life));
  const std::size_t n = values.size();
  const double truth = InterquartileRange(values);
  std::size_t extreme = 0;
  for (std::size_t draw = 1; draw <= most_draws; ++draw) {
    for (std::size_t i = 0; i < n; ++i) {
      values[i] = of(population[wire::Mix(seed ^ wire::Mix(draw << 16 | i)) % population.size()]);
    }
    if (InterquartileRange(values) <= truth && ++extreme == kExtremes) {
      return static_cast<double>(kExtremes) / static_cast<double>(draw);
    }
  }
  return static_cast<double>(1 + extreme) / static_cast<double>(1 + most_draws);
}

double Median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

bool Middle::HasVolume(const Life& life) const noexcept {
  return std::abs(life.log_volume - median.log_volume) <= kWidths * width.log_volume;
}

bool Middle::Has(const Life& life) const noexcept {
  return HasVolume(life) && life.begin_days >= median.begin_days - kWidths * width.begin_days &&
         life.begin_days <= latest_begin_days + kWidths * width.begin_days;
}

Middle MiddleOf(std::span<const Life> lives) {
  constexpr double kNormal = 1.4826, kLeastDays = 0.5, kLeastLog = 0.25;
  Middle middle;
  std::vector<double> values(lives.size());
  const auto along = [&](double Life::*axis, double least) {
    for (std::size_t i = 0; i < lives.size(); ++i) values[i] = lives[i].*axis;
    const double median = middle.median.*axis = Median(values);
    for (std::size_t i = 0; i < lives.size(); ++i) values[i] = std::abs(lives[i].*axis - median);
    middle.width.*axis = std::max(least, kNormal * Median(values));
  };
  along(&Life::begin_days, kLeastDays);
  along(&Life::log_volume, kLeastLog);
  // Of those that are not far off themselves.
  for (const Life& life : lives) {
    if (std::abs(life.begin_days - middle.median.begin_days) <= kWidths * middle.width.begin_days) {
      middle.latest_begin_days = std::max(middle.latest_begin_days, life.begin_days);
    }
  }
  return middle;
}

CohortP TestCohort(std::span<const Life> members, std::span<const Life> population,
                   std::size_t most_draws, std::uint64_t seed) {
  if (members.size() < kLeastMembers || population.size() < 4 * members.size()) return {};
  members = members.first(std::min(members.size(), kMostMembers));
  CohortP p;
  p.begin = LowerTail(
      members, population, [](const Life& l) { return l.begin_days; }, most_draws, seed);
  if (p.begin > 0.01) return p;
  p.volume = LowerTail(
      members, population, [](const Life& l) { return l.log_volume; }, most_draws, ~seed);
  return p;
}

}  // namespace distillwatch::campaign
