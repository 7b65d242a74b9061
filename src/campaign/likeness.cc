// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/likeness.h"

#include <algorithm>
#include <bit>

#include "campaign/monte_carlo.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kMostMembers = 128;

// The sum over features of the variance of their places, times the members squared.
std::uint64_t Spread(std::span<const Habits* const> members) {
  std::array<std::uint32_t, Habits::kMost> sums{}, squares{};
  for (const Habits* m : members) {
    for (std::size_t f = 0; f < Habits::kMost; ++f) {
      const std::uint32_t place = m->places[f];
      sums[f] += place;
      squares[f] += place * place;
    }
  }
  std::uint64_t spread = 0;
  for (std::size_t f = 0; f < Habits::kMost; ++f) {
    spread += members.size() * squares[f] - std::uint64_t{sums[f]} * sums[f];
  }
  return spread;
}

}  // namespace

bool Habits::Valid() const noexcept {
  return std::all_of(places.begin(), places.end(), [](std::uint8_t p) { return p <= kMostPlace; });
}

void Crowd::Add(std::uint32_t requests, const Habits& habits) {
  const auto age = std::min<std::size_t>(std::bit_width(requests), kAges - 1);
  of_age_[age].push_back(static_cast<std::uint32_t>(habits_.size()));
  ages_.push_back(static_cast<std::uint8_t>(age));
  habits_.push_back(&habits);
}

double Crowd::LikenessP(std::span<const std::uint32_t> members, const SurrogatePlan& plan) const {
  members = members.first(std::min(members.size(), kMostMembers));
  if (members.size() < 3) return 1;
  std::vector<const Habits*> chosen;
  for (const std::uint32_t m : members) chosen.push_back(habits_[m]);
  const std::uint64_t truth = Spread(chosen);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    for (std::size_t m = 0; m < members.size(); ++m) {
      const std::vector<std::uint32_t>& peers = of_age_[ages_[members[m]]];
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      chosen[m] = habits_[peers[bits % peers.size()]];
    }
    return Spread(chosen) <= truth;
  });
}

}  // namespace distillwatch::campaign
