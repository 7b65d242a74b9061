// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/table.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "support/alloc_guard.h"
#include "support/random_inputs.h"

namespace distillwatch::monitor {
namespace {

constexpr Time kNow{std::chrono::seconds(1767225600)};
const CustomDetectors kNoDetectors;
constexpr std::size_t kBudget = std::size_t{1} << 20;

// Moves a tiny record to a lite one, a lite one to a full one.
void MoveUp(Shard& shard, std::uint64_t id) {
  if (shard.Find(id).tiny != nullptr) {
    shard.Grow(id);
  } else if (shard.Find(id).lite != nullptr) {
    LiteAccount lite;
    const Shard::Found promoted = shard.Promote(id, lite);
    promoted.full->header = lite.header;
  }
}

// A record with 16 requests or more.
FullAccount& MakeFull(Shard& shard, std::uint64_t id, Level level) {
  shard.Touch(id, kNow);
  while (shard.Find(id).full == nullptr) MoveUp(shard, id);
  FullAccount& full = *shard.Find(id).full;
  full.header.requests = 16;
  full.header.level = level;
  full.header.path = static_cast<score::Points>(level) * 1000;
  return full;
}

TEST(AccountTable, FloodOfOneShotsKeepsEvidence) {
  Shard shard;
  shard.Configure(kBudget, kNoDetectors);
  std::vector<std::uint64_t> suspects, busy;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    MakeFull(shard, id, id % 3 == 0 ? Level::kSuspect : Level::kClear);
    (id % 3 == 0 ? suspects : busy).push_back(id);
  }
  for (std::uint64_t id = 1'000; id < 101'000; ++id) {
    shard.Touch(id, kNow + std::chrono::seconds(id));
    ASSERT_LE(shard.bytes(), kBudget);
  }
  EXPECT_GT(shard.evicted(), 90'000u);
  EXPECT_EQ(shard.demoted(), 0u);
  for (const std::uint64_t id : suspects) EXPECT_NE(shard.Find(id).full, nullptr) << id;
  for (const std::uint64_t id : busy) EXPECT_NE(shard.Find(id).full, nullptr) << id;
}

// Accounts that pay for 16 requests each push out others like them; a suspect keeps its score.
TEST(AccountTable, FloodOfBusyAccountsKeepsTheScoresOfSuspects) {
  Shard shard;
  shard.Configure(kBudget, kNoDetectors);
  for (std::uint64_t id = 1; id <= 40; ++id) MakeFull(shard, id, Level::kDistilling);
  for (std::uint64_t id = 1'000; id < 6'000; ++id) {
    MakeFull(shard, id, Level::kClear);
    ASSERT_LE(shard.bytes(), kBudget);
  }
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const Shard::Found found = shard.Find(id);
    ASSERT_TRUE(found.known()) << id;
    EXPECT_EQ(found.header().level, Level::kDistilling);
    EXPECT_EQ(found.header().path, 3000);
  }
}

TEST(AccountTable, TheBudgetHoldsForEveryMixOfRequests) {
  support::Random random(1);
  for (const std::size_t budget : {std::size_t{16384}, std::size_t{20000}, std::size_t{100'000}}) {
    Shard shard;
    shard.Configure(budget, kNoDetectors);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t id = 1 + random.Below(300);
      const Time now = kNow + std::chrono::minutes(i);
      const Shard::Found found = shard.Touch(id, now);
      found.header().last = now;
      ++found.header().requests;
      if (random.Chance(0.05)) found.header().level = Level::kWatch;
      const std::size_t kept = ++found.header().kept;
      if (found.tiny != nullptr || kept == LiteAccount::kEvents) MoveUp(shard, id);
      ASSERT_LE(shard.bytes(), budget) << "after " << i;
      ASSERT_TRUE(shard.Find(id).known()) << "an account outlives its event";
    }
    std::size_t visited = 0;
    shard.ForEach([&](const Shard::Found&) { ++visited; });
    EXPECT_EQ(visited, shard.accounts());
  }
}

// Whatever happens between two locks: other accounts come, go, grow up and are forgotten.
TEST(AccountTable, AnEarlyFindNeverLeadsToAnotherRecord) {
  support::Random random(2);
  Shard shard;
  shard.Configure(30'000, kNoDetectors);
  std::size_t held = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t id = 1 + random.Below(60);
    const Shard::Hint hint = shard.FindEarly(id);
    for (std::size_t others = random.Below(4); others > 0; --others) {
      const std::uint64_t other = 1 + random.Below(60);
      shard.Touch(other, kNow);
      if (random.Chance(0.1)) MoveUp(shard, other);
      if (random.Chance(0.05)) shard.Remove(other);
    }
    const Shard::Found before = shard.Find(id);
    const Shard::Found touched = shard.Touch(id, kNow, hint);
    ASSERT_EQ(touched.fresh, !before.known());
    ASSERT_EQ(touched.header().id, id);
    if (!before.known()) continue;
    ASSERT_EQ(&touched.header(), &before.header());
    held += hint.found.known() && &hint.found.header() == &before.header();
  }
  EXPECT_GT(held, 1000u);
}

struct Counter {
  static constexpr std::string_view kName = "counter";
  static constexpr std::array<FeatureSpec, 1> kFeatures = {{{"events", "{} events"}}};
  struct State {
    std::uint64_t events = 0;
  };
  void Update(const Observation&, State& state) const noexcept { ++state.events; }
  std::array<float, 1> Measure(const State&) const noexcept { return {}; }
};

// Whatever comes and goes, an account has the record and the custom states that it had.
TEST(AccountTable, RecordsThatMoveKeepTheirAccounts) {
  const CustomDetectors counter({Custom<Counter>()});
  support::Random random(3);
  Shard shard;
  shard.Configure(std::size_t{1} << 30, counter);
  std::map<std::uint64_t, std::uint64_t> states;  // of all accounts; 0: it has none
  for (int i = 0; i < 30'000; ++i) {
    // Grows to some 300 accounts, shrinks to a few, and so on: chunks come and go.
    const std::uint64_t id = 1 + random.Below(400);
    if (random.Chance(i / 3000 % 2 == 0 ? 0.2 : 0.9)) {
      shard.Remove(id);
      states.erase(id);
    } else if (const Shard::Found found = shard.Touch(id, kNow); found.fresh) {
      states[id] = 0;
    } else if (found.full == nullptr) {
      MoveUp(shard, id);
      const Shard::Found moved = shard.Find(id);
      if (moved.full == nullptr) continue;
      states[id] = random.Bits() | 1;
      std::memcpy(moved.custom, &states[id], sizeof(states[id]));
    }
    ASSERT_EQ(shard.accounts(), states.size());
    if (i % 100 != 0) continue;
    for (const auto& [account, state] : states) {
      const Shard::Found known = shard.Find(account);
      ASSERT_EQ(known.full != nullptr, state != 0);
      ASSERT_EQ(known.header().id, account);
      if (state == 0) continue;
      ASSERT_EQ(std::memcmp(known.custom, &state, sizeof(state)), 0);
    }
  }
}

TEST(Pool, TheLastRecordMovesToTheFreePlace) {
  Pool<LiteAccount> pool;
  for (std::uint64_t id = 0; id < 1000; ++id) pool[pool.Add()].header.id = id;
  pool.Remove(7);
  EXPECT_EQ(pool[7].header.id, 999u);
  pool.Remove(998);
  EXPECT_EQ(pool.size(), 998u);
  EXPECT_EQ(pool[7].header.id, 999u);
  const std::uint32_t next = pool.Add();
  EXPECT_EQ(next, 998u);
  EXPECT_EQ(pool[next].header.id, 0u) << "is cleared";
}

TEST(Pool, GivesBackWhatItDoesNotNeed) {
  constexpr std::uint32_t kChunk = Pool<LiteAccount>::kChunk;
  Pool<LiteAccount> pool;
  for (std::uint32_t i = 0; i < 10 * kChunk; ++i) pool.Add();
  EXPECT_EQ(pool.chunks(), 10u);
  while (pool.size() > 2 * kChunk + 1) pool.Remove(0);
  EXPECT_EQ(pool.chunks(), 4u) << "three that are in use, and one";
  while (pool.size() > 0) pool.Remove(0);
  EXPECT_EQ(pool.chunks(), 1u);
}

TEST(PoolAlloc, ASizeThatGoesUpAndDownAllocatesNothing) {
  constexpr std::uint32_t kChunk = Pool<LiteAccount>::kChunk;
  Pool<LiteAccount> pool;
  for (std::uint32_t i = 0; i < 3 * kChunk + 1; ++i) pool.Add();
  const support::AllocGuard guard;
  for (int round = 0; round < 100; ++round) {
    for (std::uint32_t i = 0; i < kChunk; ++i) pool.Remove(0);
    for (std::uint32_t i = 0; i < kChunk; ++i) pool.Add();
  }
  EXPECT_EQ(guard.count(), 0u);
}

// Small records are evicted by one rule, whether they hold one request or several.
TEST(AccountTable, TinyAndLiteRecordsMakeRoomForEachOther) {
  for (const bool flood_asks_twice : {false, true}) {
    Shard shard;
    shard.Configure(kBudget, kNoDetectors);
    std::vector<std::uint64_t> watched;
    for (std::uint64_t id = 1; id < 101'000; ++id) {
      const Time now = kNow + std::chrono::minutes(id);
      const Shard::Found found = shard.Touch(id, now);
      found.header().requests = 1;
      if (id < 1000 && id % 10 == 0) {
        found.header().level = Level::kWatch;
        watched.push_back(id);
      }
      if (flood_asks_twice || id % 3 == 0) MoveUp(shard, id);
      ASSERT_LE(shard.bytes(), kBudget);
      ASSERT_EQ(shard.Find(id).header().last, now);
    }
    EXPECT_GT(shard.bytes(), kBudget - 2 * sizeof(LiteAccount));
    for (const std::uint64_t id : watched) EXPECT_TRUE(shard.Find(id).known()) << id;
  }
}

// Or accounts of a few requests each, left behind by a flood, would keep new ones from ever having
// 16.
TEST(AccountTable, OldSmallRecordsMakeRoomForNewOnesHoweverMuchTheyAsked) {
  Shard shard;
  shard.Configure(kBudget, kNoDetectors);
  std::uint64_t id = 0;
  while (shard.evicted() == 0) {
    shard.Touch(++id, kNow).header().requests = 9;
    MoveUp(shard, id);
  }
  const std::uint64_t old = id;
  while (id < 100'000) shard.Touch(++id, kNow + std::chrono::hours(48));
  std::size_t left = 0;
  for (std::uint64_t i = 1; i <= old; ++i) left += shard.Find(i).known();
  EXPECT_LT(left, old / 20);
}

// A table of many shards must not take many times its budget for chunks that are hardly used.
TEST(Pool, AChunkIsSmall) {
  EXPECT_EQ(Pool<TinyAccount>::kChunk, 151u);
  EXPECT_EQ(Pool<LiteAccount>::kChunk, 71u);
  EXPECT_EQ(Pool<FullAccount>::kChunk, 7u);
  EXPECT_LE(Pool<FullAccount>::kChunkBytes, 32768u);
}

}  // namespace
}  // namespace distillwatch::monitor
