// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stop_token>
#include <vector>

#include "campaign/lists.h"
#include "support/random_inputs.h"

namespace distillwatch::campaign {
namespace {

using support::Random;
using testing::ElementsAre;
using testing::ElementsAreArray;

// Of two phases, the second as long as the first has made it.
struct Work {
  std::vector<int> first, second;
  Steps steps;
  Work() {
    steps.Add(
        2, [] { return std::size_t{5}; }, [this](std::size_t i) { first.push_back(int(i)); });
    steps.Add(
        3, [] { return std::size_t{0}; }, [](std::size_t) { FAIL() << "an item of none"; });
    steps.Add(
        1, [this] { return first.size() - 2; },
        [this](std::size_t i) { second.push_back(int(i)); });
  }
};

TEST(Steps, AllItemsAreDoneOnceAndInOrderHoweverTheyAreSliced) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    Work work;
    for (std::size_t most = random.Below(4); !work.steps.Run({.most_steps = most});) {
      most = random.Below(4);
    }
    EXPECT_THAT(work.first, ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(work.second, ElementsAre(0, 1, 2));
    EXPECT_TRUE(work.steps.Run({.most_steps = 0}));  // there is nothing left to do
  }
}

TEST(Steps, ALimitIsKept) {
  Work work;
  EXPECT_FALSE(work.steps.Run({.most_steps = 0}));
  EXPECT_TRUE(work.first.empty());
  EXPECT_FALSE(work.steps.Run({.most_steps = 2}));
  EXPECT_THAT(work.first, ElementsAre(0, 1, 2, 3));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(work.steps.Run({.stop = stop.get_token()}));
  EXPECT_EQ(work.first.size(), 4u);
  EXPECT_FALSE(work.steps.Run({.most_steps = 3}));
  EXPECT_THAT(work.second, ElementsAre(0, 1));
  EXPECT_TRUE(work.steps.Run({}));
}

TEST(Lists, TurnedTheyNameTheListsOfEachItem) {
  Random random(2);
  constexpr std::size_t kItems = 50, kLists = 9000;
  Lists lists;
  std::vector<std::vector<std::uint32_t>> truth(kItems);
  Steps steps;
  steps.Add([&] {
    for (std::uint32_t list = 0; list < kLists; ++list) {
      for (std::uint32_t item = 0; item < kItems; ++item) {
        if (!random.Chance(0.05)) continue;
        lists.items.push_back(item);
        truth[item].push_back(list);
      }
      lists.Close();
    }
  });
  const Turned turned(
      lists, [] { return kItems; }, steps);
  while (!steps.Run({.most_steps = 1})) {
  }
  for (std::size_t item = 0; item < kItems; ++item)
    EXPECT_THAT(turned[item], ElementsAreArray(truth[item])) << item;
}

// Against maps, on keys of which some are rare and some are everybody's.
TEST(Index, TellsWhoSharesEveryKeyOnce) {
  Random random(5);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{300}}) {
    std::vector<std::vector<std::uint32_t>> keys(n);
    std::map<std::uint32_t, std::vector<std::uint64_t>> having, truth, found;
    for (std::size_t item = 0; item < n; ++item) {
      std::set<std::uint32_t> own;
      for (std::size_t k = random.Below(6); k-- > 0;)
        own.insert(static_cast<std::uint32_t>(random.Below(2) ? random.Below(5) : random.Bits()));
      keys[item].assign(own.begin(), own.end());
      for (const std::uint32_t key : own) having[key].push_back(item);
    }
    for (const auto& [key, items] : having) {
      if (items.size() > 1) truth[key] = items;
    }
    Steps steps;
    Index index([&] { return keys.size(); },
                [&](std::size_t item) { return std::span<const std::uint32_t>(keys[item]); },
                [](std::uint32_t key) { return key % Index::kBuckets; }, steps);
    EXPECT_TRUE(steps.Run({}));
    for (std::size_t bucket = 0; bucket < Index::kBuckets; ++bucket) {
      index.ForEachShared(bucket, [&](std::uint32_t key, std::span<const std::uint64_t> entries) {
        EXPECT_EQ(key % Index::kBuckets, bucket);
        EXPECT_FALSE(found.contains(key));
        for (const std::uint64_t e : entries) found[key].push_back(e & 0xffffffff);
      });
    }
    EXPECT_EQ(found, truth);
  }
}

}  // namespace
}  // namespace distillwatch::campaign
