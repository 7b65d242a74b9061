// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/likeness.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "campaign/monte_carlo.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kMostMembers = 128;

using Places = std::array<std::uint8_t, Habits::kMost>;

std::uint32_t SquaresOf(const Places& places) noexcept {
  return std::inner_product(places.begin(), places.end(), places.begin(), std::uint32_t{0});
}

// The sum over features of the variance of their places, times the members squared.
//   squares  the sum of all members' SquaresOf
std::uint64_t Spread(std::span<const Habits* const> members, std::uint64_t squares) noexcept {
  static_assert(kMostMembers * Habits::kMostPlace <= std::numeric_limits<std::uint16_t>::max());
  std::array<std::uint16_t, Habits::kMost> sums{};
  for (const Habits* m : members) {
    for (std::size_t f = 0; f < Habits::kMost; ++f)
      sums[f] = static_cast<std::uint16_t>(sums[f] + m->places[f]);
  }
  std::uint64_t of_sums = 0;
  for (const std::uint32_t sum : sums) of_sums += sum * sum;
  return members.size() * squares - of_sums;
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
  squares_.push_back(SquaresOf(habits.places));
}

double Crowd::LikenessP(std::span<const std::uint32_t> members, const SurrogatePlan& plan) const {
  members = members.first(std::min(members.size(), kMostMembers));
  if (members.size() < 3) return 1;
  std::vector<const Habits*> chosen;
  std::uint64_t squares = 0;
  for (const std::uint32_t m : members) {
    chosen.push_back(habits_[m]);
    squares += squares_[m];
  }
  const std::uint64_t truth = Spread(chosen, squares);
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    squares = 0;
    for (std::size_t m = 0; m < members.size(); ++m) {
      const std::vector<std::uint32_t>& peers = of_age_[ages_[members[m]]];
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      const std::uint32_t peer = peers[bits % peers.size()];
      chosen[m] = habits_[peer];
      squares += squares_[peer];
    }
    return Spread(chosen, squares) <= truth;
  });
}

}  // namespace distillwatch::campaign
