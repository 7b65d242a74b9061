// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "campaign/frames.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

// Accounts in the order of their ids, each with the frame that it was made with.
struct World {
  std::vector<Fingerprint> fingerprints;
  std::vector<std::uint64_t> ids;
  std::vector<int> frames;  // -1: none

  void Add(std::uint64_t id, const Fingerprint& fingerprint, int frame) {
    fingerprints.push_back(fingerprint);
    ids.push_back(id);
    frames.push_back(frame);
  }
  void Sort() {
    std::vector<std::size_t> order(ids.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [this](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
    World sorted;
    for (const std::size_t i : order) sorted.Add(ids[i], fingerprints[i], frames[i]);
    *this = std::move(sorted);
  }
  std::vector<Candidate> Link(const LinkRules& rules = {}) const {
    std::vector<const Fingerprint*> pointers;
    for (const Fingerprint& f : fingerprints) pointers.push_back(&f);
    Steps steps;
    Linking linking(pointers, ids, rules, steps);
    EXPECT_TRUE(steps.Run({}));
    return linking.candidates();
  }
  std::set<std::uint64_t> IdsOf(const Candidate& group) const {
    std::set<std::uint64_t> out;
    for (const std::uint32_t m : group.members) out.insert(ids[m]);
    return out;
  }
};

std::size_t SharedBy(const Fingerprint& a, const Fingerprint& b) {
  std::size_t shared = 0;
  for (const Pair x : a.values()) {
    for (const Pair y : b.values()) shared += x == y;
  }
  return shared;
}

// The rules as link.h says them, over all pairs of accounts; lists are never long here.
std::vector<Candidate> BruteForce(const World& world, const LinkRules& rules) {
  const std::size_t n = world.ids.size();
  std::vector<std::vector<std::size_t>> shared(n, std::vector<std::size_t>(n, 0));
  std::vector<double> least(n, 0);
  for (std::size_t a = 0; a < n; ++a) {
    std::vector<std::size_t> most;
    for (std::size_t b = 0; b < n; ++b) {
      const std::size_t s = SharedBy(world.fingerprints[a], world.fingerprints[b]);
      const double smaller = std::min(world.fingerprints[a].size, world.fingerprints[b].size);
      if (a == b || s < rules.least_shared ||
          static_cast<double>(s) < rules.least_containment * smaller)
        continue;
      shared[a][b] = s;
      most.push_back(s);
    }
    std::sort(most.rbegin(), most.rend());
    if (most.size() >= 5) least[a] = rules.beside_closest * static_cast<double>(most[4]);
  }
  const auto linked = [&](std::size_t a, std::size_t b) {
    return shared[a][b] > 0 && static_cast<double>(shared[a][b]) >= std::max(least[a], least[b]);
  };
  std::vector<std::size_t> degree(n, 0), seeds(n);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) degree[a] += linked(a, b);
  }
  std::iota(seeds.begin(), seeds.end(), 0);
  std::stable_sort(seeds.begin(), seeds.end(),
                   [&](std::size_t a, std::size_t b) { return degree[a] > degree[b]; });
  std::set<std::size_t> taken;
  std::vector<Candidate> out;
  for (const std::size_t seed : seeds) {
    if (taken.contains(seed)) continue;
    std::vector<std::size_t> star;
    for (std::size_t a = 0; a < n; ++a) {
      if (a == seed || (linked(seed, a) && !taken.contains(a))) star.push_back(a);
    }
    if (star.size() < rules.least_members) continue;
    Candidate group;
    std::map<Pair, std::size_t> counts;
    for (std::size_t a = 0; a < n; ++a) {
      std::size_t links = 0;
      for (const std::size_t b : star) links += linked(a, b);
      if (taken.contains(a) || links == 0 || 2 * links + 2 < star.size()) continue;
      group.members.push_back(static_cast<std::uint32_t>(a));
    }
    if (group.members.size() < rules.least_members) continue;
    for (const std::uint32_t a : group.members) {
      taken.insert(a);
      for (const Pair pair : world.fingerprints[a].values()) ++counts[pair];
    }
    for (const auto& [pair, count] : counts) {
      if (count >= std::max<std::size_t>(3, group.members.size() / 5)) group.frame.push_back(pair);
    }
    if (!group.frame.empty()) out.push_back(group);
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return a.members.size() > b.members.size();
  });
  return out;
}

// Groups of 5 to 20 around frames of which some are kin, among strangers.
World MixedWorld(Random& random) {
  World world;
  std::vector<Frame> frames;
  for (int f = 0; f < 6; ++f) {
    frames.push_back(f % 2 == 1 ? RequestOf(frames.back(), random.Uniform(), random)
                                : RandomSignature(random));
    for (std::size_t i = 0; i < 5 + random.Below(16); ++i) {
      world.Add(random.Bits(),
                FingerprintOf(frames.back(), 2 + random.Below(40), random.Below(20), random), f);
    }
  }
  for (int i = 0; i < 40; ++i) {
    world.Add(random.Bits(), FingerprintOf({}, 0, random.Below(49), random), -1);
  }
  world.Sort();
  return world;
}

TEST(LinkOracle, FollowsItsRules) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const World world = MixedWorld(random);
    LinkRules rules;
    rules.least_shared = 2 + random.Below(4);
    rules.least_containment = random.Choose({0.1, 0.3});
    const auto found = world.Link(rules), truth = BruteForce(world, rules);
    ASSERT_EQ(found.size(), truth.size());
    for (std::size_t g = 0; g < found.size(); ++g) {
      ASSERT_EQ(found[g].members, truth[g].members);
      ASSERT_EQ(found[g].frame, truth[g].frame);
    }
  }
}

TEST(Link, PlantedGroupsAreFoundWholeAndPure) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    World world;
    std::map<int, std::size_t> planted;
    for (int f = 0; f < 20; ++f) {
      const Frame frame = RandomSignature(random);
      const std::size_t members = 5 + random.Below(60);
      for (std::size_t i = 0; i < members; ++i) {
        world.Add(random.Bits(),
                  FingerprintOf(frame, 24 + random.Below(20), random.Below(4), random), f);
      }
      planted[f] = members;
    }
    for (int i = 0; i < 2000; ++i) {
      world.Add(random.Bits(), FingerprintOf({}, 0, random.Below(49), random), -1);
    }
    world.Sort();
    const auto groups = world.Link();
    ASSERT_EQ(groups.size(), planted.size());
    for (const Candidate& group : groups) {
      const int frame = world.frames[group.members.front()];
      ASSERT_NE(frame, -1);
      for (const std::uint32_t m : group.members) ASSERT_EQ(world.frames[m], frame);
      ASSERT_EQ(group.members.size(), planted[frame]);
      planted.erase(frame);
    }
  }
}

TEST(Link, AccountsWithTwoFramesChainNoGroups) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    World world;
    const Frame frames[] = {RandomSignature(random), RandomSignature(random)};
    for (int f = 0; f < 2; ++f) {
      for (int i = 0; i < (f == 0 ? 40 : 12); ++i)
        world.Add(random.Bits(), FingerprintOf(frames[f], 40, 2, random), f);
    }
    for (int i = 0; i < 3; ++i) {  // customers of both
      const Fingerprint a = FingerprintOf(frames[0], 24, 0, random);
      const Fingerprint b = FingerprintOf(frames[1], 24, 0, random);
      std::vector<Pair> pairs(a.values().begin(), a.values().end());
      pairs.insert(pairs.end(), b.values().begin(), b.values().end());
      world.Add(random.Bits(), FingerprintOf(pairs), 2);
    }
    world.Sort();
    for (const Candidate& group : world.Link()) {
      std::set<int> of;
      for (const std::uint32_t m : group.members) of.insert(world.frames[m]);
      ASSERT_FALSE(of.contains(0) && of.contains(1));
    }
  }
}

TEST(Link, FewerThanFiveAreNoGroup) {
  Random random(4);
  const Frame frame = RandomSignature(random);
  World world;
  for (std::uint64_t i = 0; i < 4; ++i) world.Add(i, FingerprintOf(frame, 40, 0, random), 0);
  EXPECT_TRUE(world.Link().empty());
  world.Add(4, FingerprintOf(frame, 40, 0, random), 0);
  ASSERT_EQ(world.Link().size(), 1u);
  EXPECT_EQ(world.Link()[0].members.size(), 5u);
  EXPECT_TRUE(World().Link().empty());
}

// Accounts' numbers are hashes; which of two equal fingerprints has which number decides nothing.
TEST(Link, ResultDoesNotDependOnTheOrderOfIds) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    World world;
    for (int f = 0; f < 8; ++f) {
      const Frame frame = RandomSignature(random);
      for (int i = 0; i < 12; ++i)
        world.Add(world.ids.size(), FingerprintOf(frame, 36, 4, random), f);
    }
    World shuffled = world;
    std::vector<std::uint64_t> ids = world.ids;
    random.Shuffle(ids);
    shuffled.ids = ids;
    shuffled.Sort();
    std::map<std::uint64_t, std::uint64_t> original;
    for (std::size_t i = 0; i < ids.size(); ++i) original[ids[i]] = world.ids[i];
    std::set<std::set<std::uint64_t>> groups, others;
    for (const Candidate& group : world.Link()) groups.insert(world.IdsOf(group));
    for (const Candidate& group : shuffled.Link()) {
      std::set<std::uint64_t> back;
      for (const std::uint64_t id : shuffled.IdsOf(group)) back.insert(original.at(id));
      others.insert(back);
    }
    ASSERT_EQ(groups, others);
    ASSERT_EQ(groups.size(), 8u);
  }
}

// 10,000 users of one frame: without the sample, 2.4 billion meetings. The group is the sample,
// accounts with the least hashes, and those outside it neither help nor hide the others.
TEST(LinkOracle, ALongListCostsItsSampleAlone) {
  Random random(6);
  const Frame frame = RandomSignature(random), rare = RandomSignature(random);
  World world;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 10'000; ++i) {
    ids.push_back(random.Bits());
    world.Add(ids.back(), FingerprintOf(frame, 48, 0, random), 0);
  }
  for (int i = 0; i < 10; ++i) world.Add(random.Bits(), FingerprintOf(rare, 40, 0, random), 1);
  std::set<std::set<std::uint64_t>> earlier;
  for (int order = 0; order < 2; ++order) {
    World shuffled;
    std::vector<std::size_t> places(world.ids.size());
    std::iota(places.begin(), places.end(), 0);
    random.Shuffle(places);
    for (const std::size_t i : places)
      shuffled.Add(world.ids[i], world.fingerprints[i], world.frames[i]);
    shuffled.Sort();
    const auto groups = shuffled.Link();
    // 48 of a frame's 64 slots are kept, so that each list misses a quarter of the accounts.
    ASSERT_FALSE(groups.empty());
    EXPECT_GE(groups[0].members.size(), 250u);
    std::sort(ids.begin(), ids.end(),
              [](std::uint64_t a, std::uint64_t b) { return wire::Mix(a) < wire::Mix(b); });
    const std::set<std::uint64_t> first(ids.begin(), ids.begin() + 500);
    std::set<std::set<std::uint64_t>> found;
    for (const Candidate& group : groups) {
      const auto members = shuffled.IdsOf(group);
      found.insert(members);
      if (shuffled.frames[group.members[0]] == 1) {
        EXPECT_EQ(members.size(), 10u);
        continue;
      }
      for (const std::uint64_t id : members) EXPECT_TRUE(first.contains(id));
    }
    if (order == 0) earlier = found;
    EXPECT_EQ(found, earlier);
  }
}

}  // namespace
}  // namespace distillwatch::campaign
