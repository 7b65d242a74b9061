// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <vector>

#include "support/alloc_guard.h"
#include "support/random_inputs.h"

namespace distillwatch::monitor {
namespace {

constexpr Time kNow{std::chrono::seconds(1767225600)};
const CustomDetectors kNoDetectors;
constexpr std::size_t kBudget = std::size_t{1} << 20;

// A record with 16 requests or more.
FullAccount& Grow(Shard& shard, std::uint64_t id, Level level) {
  const Shard::Found found = shard.Touch(id, kNow);
  found.header().requests = 15;
  LiteAccount lite;
  FullAccount& full = *shard.Promote(id, lite).full;
  full.header = lite.header;
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
    Grow(shard, id, id % 3 == 0 ? Level::kSuspect : Level::kClear);
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
  for (std::uint64_t id = 1; id <= 40; ++id) Grow(shard, id, Level::kDistilling);
  for (std::uint64_t id = 1'000; id < 6'000; ++id) {
    Grow(shard, id, Level::kClear);
    ASSERT_LE(shard.bytes(), kBudget);
  }
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const Shard::Found found = shard.Find(id);
    ASSERT_TRUE(found.lite != nullptr || found.full != nullptr) << id;
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
      if (found.lite != nullptr && ++found.lite->header.kept == LiteAccount::kEvents) {
        LiteAccount lite;
        FullAccount& full = *shard.Promote(id, lite).full;
        full.header = lite.header;
      }
      ASSERT_LE(shard.bytes(), budget) << "after " << i;
      const Shard::Found again = shard.Find(id);
      ASSERT_TRUE(again.lite != nullptr || again.full != nullptr)
          << "an account outlives its event";
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
      const Shard::Found found = shard.Touch(other, kNow);
      LiteAccount lite;
      if (found.lite != nullptr && random.Chance(0.1)) {
        FullAccount& full = *shard.Promote(other, lite).full;
        full.header = lite.header;
      }
      if (random.Chance(0.05)) shard.Remove(other);
    }
    const Shard::Found before = shard.Find(id);
    const bool known = before.lite != nullptr || before.full != nullptr;
    const Shard::Found touched = shard.Touch(id, kNow, hint);
    ASSERT_EQ(touched.fresh, !known);
    ASSERT_EQ(touched.header().id, id);
    if (!known) continue;
    ASSERT_EQ(touched.lite, before.lite);
    ASSERT_EQ(touched.full, before.full);
    held += hint.found.lite == before.lite && hint.found.full == before.full;
  }
  EXPECT_GT(held, 1000u);
}

TEST(Pool, PlacesAreUsedAgain) {
  Pool<LiteAccount> pool;
  std::vector<std::uint32_t> places;
  for (int i = 0; i < 1000; ++i) places.push_back(pool.Allocate());
  const std::size_t room = pool.places();
  EXPECT_LT(room, 1000 + Pool<LiteAccount>::kChunk);
  EXPECT_EQ(std::set<std::uint32_t>(places.begin(), places.end()).size(), 1000u);
  pool[places[7]].header.id = 7;
  for (const std::uint32_t place : places) pool.Free(place);
  EXPECT_EQ(pool.size(), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pool[pool.Allocate()].header.id, 0u) << "is cleared";
  EXPECT_EQ(pool.places(), room);
}

TEST(PoolAlloc, FreeingAllNeverAllocates) {
  Pool<LiteAccount> pool;
  std::vector<std::uint32_t> places;
  for (int i = 0; i < 1000; ++i) places.push_back(pool.Allocate());
  const support::AllocGuard guard;
  for (const std::uint32_t place : places) pool.Free(place);
  EXPECT_EQ(guard.count(), 0u);
}

// A table of many shards must not take many times its budget for chunks that are hardly used.
TEST(Pool, AChunkIsSmall) {
  EXPECT_LE(Pool<LiteAccount>::kChunk * sizeof(LiteAccount), 32768u);
  EXPECT_LE(Pool<FullAccount>::kChunk * sizeof(FullAccount), 32768u);
}

}  // namespace
}  // namespace distillwatch::monitor
