// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/likeness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/random_inputs.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using support::Random;

Habits AnyHabits(Random& random) {
  Habits out;
  for (std::uint8_t& place : out.places) {
    place = static_cast<std::uint8_t>(random.Below(Habits::kMostPlace + 1));
  }
  return out;
}

// Accounts of which the first `alike` share most of their habits; every second one is old.
struct World {
  std::vector<Habits> habits;
  Crowd crowd;

  World(std::size_t alike, std::size_t features, Random& random) {
    const Habits common = AnyHabits(random);
    for (std::size_t a = 0; a < 1000; ++a) {
      habits.push_back(AnyHabits(random));
      if (a >= alike) continue;
      for (std::size_t f = 0; f < features; ++f) habits.back().places[f] = common.places[f];
    }
    for (std::size_t a = 0; a < habits.size(); ++a) crowd.Add(a % 2 == 0 ? 40 : 700, habits[a]);
  }
};

TEST(Likeness, AccountsWithHalfTheirHabitsInCommonAreAlike) {
  Random random(1);
  const World world(8, 24, random);
  const std::vector<std::uint32_t> members{0, 1, 2, 3, 4, 5, 6, 7}, few{0, 1};
  EXPECT_LT(world.crowd.LikenessP(members, {.most_draws = 5000, .seed = 1}), 3e-4);
  EXPECT_EQ(world.crowd.LikenessP(few, {.most_draws = 5000, .seed = 1}), 1);
}

// The sum over features of the variance of members' places, as a text-book has it.
double VarianceOf(const std::vector<const Habits*>& members) {
  double sum = 0;
  for (std::size_t f = 0; f < Habits::kMost; ++f) {
    double mean = 0, squares = 0;
    for (const Habits* m : members) mean += m->places[f] / static_cast<double>(members.size());
    for (const Habits* m : members) squares += std::pow(m->places[f] - mean, 2);
    sum += squares / static_cast<double>(members.size());
  }
  return sum;
}

TEST(LikenessOracle, ItIsTheShareOfDrawsThatVaryNoMore) {
  Random random(4);
  constexpr std::size_t kDraws = 300;
  for (const std::size_t size : {3, 9, 128}) {
    const World world(64, 6, random);
    std::vector<std::uint32_t> members;
    for (std::size_t m = 0; m < size; ++m)
      members.push_back(static_cast<std::uint32_t>(m < size / 2 ? m : 64 + m));
    std::vector<const Habits*> drawn;
    for (const std::uint32_t m : members) drawn.push_back(&world.habits[m]);
    const double truth = VarianceOf(drawn);
    // Draw `draw` has in the place of member m an account of m's age, by these bits.
    std::size_t extreme = 0, draws = 0;
    while (draws < kDraws && extreme < 10) {
      ++draws;
      for (std::size_t m = 0; m < size; ++m) {
        const std::uint64_t bits = wire::Mix(7 ^ wire::Mix(draws << 32 | m));
        drawn[m] = &world.habits[2 * (bits % 500) + members[m] % 2];
      }
      extreme += VarianceOf(drawn) <= truth + 1e-9;
    }
    const double expected = extreme == 10 ? 10.0 / static_cast<double>(draws)
                                          : static_cast<double>(1 + extreme) / (1 + kDraws);
    EXPECT_EQ(world.crowd.LikenessP(members, {.most_draws = kDraws, .seed = 7}), expected) << size;
    EXPECT_LT(expected, 1) << size;
  }
}

TEST(LikenessStat, StrangersAreAlikeAsOftenAsTheLevelSays) {
  Random random(2);
  const World world(0, 0, random);
  int extreme = 0;
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<std::uint32_t> members;
    for (int m = 0; m < 9; ++m) members.push_back(static_cast<std::uint32_t>(random.Below(1000)));
    extreme += world.crowd.LikenessP(members, {.most_draws = 400, .seed = random.Bits()}) <= 0.05;
  }
  EXPECT_GE(extreme, 10);
  EXPECT_LE(extreme, 40);  // 25 expected, and 3 standard deviations
}

// Whoever asks little has other habits than who asks much; that makes no two of them alike.
TEST(LikenessStat, MembersAreComparedWithWhoAskedAsMuch) {
  Random random(3);
  std::vector<Habits> habits(1000);
  for (std::size_t a = 0; a < habits.size(); ++a) {
    if (a % 10 != 0) {
      habits[a] = AnyHabits(random);
      continue;
    }
    for (std::uint8_t& place : habits[a].places)
      place = static_cast<std::uint8_t>(10 + random.Below(5));
  }
  Crowd crowd;
  for (std::size_t a = 0; a < habits.size(); ++a) crowd.Add(a % 10 == 0 ? 20 : 300, habits[a]);
  int extreme = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::uint32_t> members;
    for (int m = 0; m < 8; ++m)
      members.push_back(10 * static_cast<std::uint32_t>(random.Below(100)));
    extreme += crowd.LikenessP(members, {.most_draws = 400, .seed = random.Bits()}) <= 0.05;
  }
  EXPECT_LE(extreme, 27);  // 15 expected, and 3 standard deviations
}

TEST(Likeness, PlacesThatCannotBeAreNotValid) {
  Habits habits;
  EXPECT_TRUE(habits.Valid());
  habits.places[47] = Habits::kMostPlace + 1;
  EXPECT_FALSE(habits.Valid());
}

}  // namespace
}  // namespace distillwatch::campaign
