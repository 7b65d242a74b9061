// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/reservoir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <utility>
#include <vector>

#include "support/alloc_guard.h"
#include "support/golden.h"
#include "support/hostile.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using support::Random;

constexpr std::uint64_t kKey = 42;
constexpr seconds kWeek = hours(7 * 24);
constexpr std::size_t kCapacity = SignatureReservoir::kCapacity;

using Event = std::pair<float, SlimSignature>;  // compares as the reservoir ranks
using Sample = std::set<Event>;

Sample SampleOf(const SignatureReservoir& reservoir) {
  Sample sample;
  for (std::size_t i = 0; i < reservoir.size(); ++i) {
    sample.emplace(reservoir.priority(i), reservoir.signature(i));
  }
  EXPECT_EQ(sample.size(), reservoir.size());  // no event twice
  return sample;
}

// The sample by definition: the kCapacity highest of the set of events.
Sample Highest(const std::vector<Event>& events) {
  Sample all(events.begin(), events.end());
  while (all.size() > kCapacity) all.erase(all.begin());
  return all;
}

SignatureReservoir ReservoirOf(const std::vector<Event>& events) {
  SignatureReservoir reservoir;
  for (const auto& [priority, signature] : events) reservoir.Update(signature, priority);
  return reservoir;
}

SlimSignature RandomSignature(Random& random) {
  SlimSignature signature;
  for (std::uint16_t& slot : signature) slot = static_cast<std::uint16_t>(random.Bits());
  return signature;
}

// Priorities on a grid of `grid` values: the fewer, the more ties.
std::vector<Event> RandomEvents(std::size_t n, std::size_t grid, Random& random) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0 && random.Chance(0.1)) {
      events.push_back(events[random.Below(i)]);  // the same event, seen once more
    } else {
      events.emplace_back(static_cast<float>(random.Below(grid)), RandomSignature(random));
    }
  }
  return events;
}

SlimSignature SlimOf(std::span<const std::uint64_t> hashes) {
  MinHash64 signature;
  signature.Update(hashes);
  return Slim(signature);
}

TEST(ReservoirOracle, HoldsTheHighestInAnyOrderOfArrival) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    auto events = RandomEvents(1 + random.Below(60), round % 2 == 0 ? 12 : 1'000'000, random);
    const Sample truth = Highest(events);
    for (int order = 0; order < 4; ++order) {
      ASSERT_EQ(SampleOf(ReservoirOf(events)), truth);
      random.Shuffle(events);
    }
  }
}

TEST(ReservoirOracle, MergeIsTheSampleOfTheUnion) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const std::size_t grid = round % 2 == 0 ? 12 : 1'000'000;
    const auto a = RandomEvents(random.Below(40), grid, random);
    auto b = RandomEvents(random.Below(40), grid, random);
    for (const Event& event : a) {  // what both replicas saw
      if (random.Chance(0.2)) b.push_back(event);
    }
    auto all = a;
    all.insert(all.end(), b.begin(), b.end());
    SignatureReservoir merged = ReservoirOf(a), reversed = ReservoirOf(b);
    merged.Merge(ReservoirOf(b));
    reversed.Merge(ReservoirOf(a));
    ASSERT_EQ(SampleOf(merged), Highest(all));
    ASSERT_EQ(SampleOf(reversed), Highest(all));
  }
}

TEST(ReservoirOracle, PriorityKeepsItsPrecision) {
  Random random(3);
  const Time last = std::chrono::sys_days(std::chrono::year(2100) / 1 / 1);
  for (const auto& [half_life, allowed] :
       {std::pair<seconds, double>{hours(1), 0.07}, {hours(24), 0.004}, {kWeek, 0.001}}) {
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t hash = random.Bits();
      const Time time = last - seconds(random.Below(100'000'000));
      // By its definition, in long double; u is a number in (0, 1) read off the mixed hash.
      const long double u =
          (static_cast<long double>(text::Mix(hash) >> 12) + 0.5L) / 4503599627370496.0L;
      const long double truth = static_cast<long double>(time.time_since_epoch().count()) * 1e-6L *
                                    std::numbers::ln2_v<long double> /
                                    static_cast<long double>(half_life.count()) -
                                std::log(-std::log(u));
      EXPECT_NEAR(Priority(time, half_life, hash), static_cast<double>(truth), allowed / 2);
    }
  }
}

// The bits that a hash is mixed to, undone: a hash for every u, also the outermost.
std::uint64_t HashThatMixesTo(std::uint64_t target) {
  const auto inverse = [](std::uint64_t odd) {
    std::uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
  };
  target ^= target >> 32;
  target *= inverse(0x9e3779b97f4a7c15ULL);
  target ^= target >> 29 ^ target >> 58;
  target *= inverse(0x9fb21c651e98df25ULL);
  return target ^ target >> 32;
}

TEST(Reservoir, EveryHashHasAFinitePriority) {
  for (const std::uint64_t bits :
       {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, ~std::uint64_t{0} - 1}) {
    ASSERT_EQ(text::Mix(HashThatMixesTo(bits)), bits);
    EXPECT_TRUE(std::isfinite(Priority(Time{}, kWeek, HashThatMixesTo(bits))));
  }
}

TEST(Reservoir, PriorityIsTheSameWhereverTheEventIsSeen) {
  const Time time = Time(hours(500'000));
  EXPECT_EQ(Priority(time, kWeek, 7), Priority(time, kWeek, 7));
  EXPECT_NE(Priority(time, kWeek, 7), Priority(time, kWeek, 8));
  EXPECT_NEAR(Priority(time + kWeek, kWeek, 7) - Priority(time, kWeek, 7), std::numbers::ln2, 1e-3);
}

// Of a new and an old event, the old one is kept with probability odds / (1 + odds). 200,000 pairs
// have a standard error of at most .0011; allowed are 5 of them, P = 6e-7 for each age. p_fail =
// 2e-6.
TEST(ReservoirOracle, WhatIsKeptOutUnseenWouldHaveBeenKeptOut) {
  Random random(17);
  for (const seconds half_life : {seconds(hours(1)), seconds(hours(24)), kWeek}) {
    for (const int gap_s : {0, 1, 600, 86'400}) {
      SignatureReservoir fast, truth;
      Time time{seconds(1'700'000'000)};
      for (int i = 0; i < 3000; ++i) {
        const SlimSignature signature = RandomSignature(random);
        const std::uint64_t hash = random.Chance(0.1) ? random.Below(50) : random.Bits();
        time += seconds(gap_s);
        fast.Update(signature, time, half_life, hash);
        truth.Update(signature, Priority(time, half_life, hash));
        ASSERT_EQ(fast, truth) << i;
      }
    }
  }
}

TEST(ReservoirOracle, AgreesWithEachAsWithOne) {
  Random random(18);
  const SignatureReservoir reservoir = ReservoirOf(RandomEvents(40, 1000, random));
  SlimSignature empty;
  empty.fill(0xffff);
  for (const SlimSignature& s : {reservoir.signature(3), RandomSignature(random), empty}) {
    for (std::size_t n = 0; n <= kCapacity; ++n) {
      const auto agreement = reservoir.AgreementWithEach(s, n);
      for (std::size_t i = 0; i < kCapacity; ++i) {
        ASSERT_EQ(agreement[i], i < n ? Agreement(s, reservoir.signature(i)) : 0) << i;
      }
    }
  }
}

TEST(ReservoirStat, AnOldEventIsKeptWithItsOdds) {
  Random random(4);
  const Time now = Time(hours(24 * 365 * 56));
  constexpr int kPairs = 200'000;
  for (const double half_lives : {0.0, 1.0, 3.0}) {
    const Time then = now - std::chrono::duration_cast<seconds>(kWeek * half_lives);
    int kept = 0;
    for (int i = 0; i < kPairs; ++i) {
      kept += Priority(then, kWeek, random.Bits()) > Priority(now, kWeek, random.Bits());
    }
    const double odds = std::exp2(-half_lives), truth = odds / (1 + odds);
    EXPECT_NEAR(static_cast<double>(kept) / kPairs, truth,
                5 * std::sqrt(truth * (1 - truth) / kPairs));
  }
}

// 1,000 new events and as many that are one half-life old: a sample holds about half as many old
// ones. Fisher's noncentral hypergeometric mean for 16 of 2,000 is within .001 of 1/3; 2,000
// samples of 16 have a standard error of .0026, allowed are 5: p_fail = 6e-7.
TEST(ReservoirStat, OldEventsFadeFromTheSample) {
  Random random(5);
  const Time now = Time(hours(24 * 365 * 56));
  int old = 0, all = 0;
  for (int sample = 0; sample < 2000; ++sample) {
    SignatureReservoir reservoir;
    for (int i = 0; i < 1000; ++i) {
      SlimSignature is_old{}, is_new{};
      is_old[0] = 1;
      reservoir.Update(is_old, Priority(now - kWeek, kWeek, random.Bits()));
      reservoir.Update(is_new, Priority(now, kWeek, random.Bits()));
    }
    for (std::size_t i = 0; i < reservoir.size(); ++i) old += reservoir.signature(i)[0];
    all += static_cast<int>(reservoir.size());
  }
  EXPECT_NEAR(static_cast<double>(old) / all, 1.0 / 3, 0.013 + 0.001);
}

// 30 million slot pairs: 458 chance agreements expected, standard deviation 21.4; allowed 5 of
// them.
TEST(SlimStat, StrangersAgreeOnceIn65536) {
  Random random(6);
  double agreeing = 0;
  std::vector<SlimSignature> signatures;
  for (std::size_t i = 0; i < 970; ++i) {
    signatures.push_back(
        SlimOf(support::RandomHashes(1 + random.Below(i % 10 == 0 ? 8000 : 200), random)));
    for (std::size_t j = 0; j < i; ++j) agreeing += 64.0 * Agreement(signatures[i], signatures[j]);
  }
  const double expected = 970.0 * 969 / 2 * 64 / 65536;
  EXPECT_NEAR(agreeing, expected, 5 * std::sqrt(expected));
}

TEST(Slim, AgreesWhereTheFullSignatureAgrees) {
  Random random(7);
  for (const std::size_t common : {0, 100, 200, 300}) {
    const support::SetPair sets = support::OverlappingSets(300, common, random);
    MinHash64 a, b;
    a.Update(sets.a);
    b.Update(sets.b);
    EXPECT_NEAR(Agreement(Slim(a), Slim(b)), a.Jaccard(b).value, 1e-6);
  }
}

TEST(Slim, TheEmptySetResemblesNothingNotEvenItself) {
  const SlimSignature empty = Slim(MinHash64()), some = SlimOf(std::vector<std::uint64_t>{1});
  EXPECT_EQ(Agreement(empty, empty), 0);
  EXPECT_EQ(Agreement(empty, some), 0);
  EXPECT_EQ(Agreement(some, empty), 0);
  EXPECT_EQ(Agreement(some, some), 1);
  SignatureReservoir reservoir;
  reservoir.Update(empty, 1);
  EXPECT_EQ(reservoir.FindNearest(empty).similarity, 0);
  EXPECT_EQ(reservoir.FindNearest(some).similarity, 0);
}

TEST(ReservoirOracle, FindsTheNearest) {
  Random random(8);
  EXPECT_EQ(SignatureReservoir().FindNearest(RandomSignature(random)).similarity, 0);
  for (int round = 0; round < 300; ++round) {
    SignatureReservoir reservoir;
    const SlimSignature asked = RandomSignature(random);
    const std::size_t n = 1 + random.Below(20);
    for (std::size_t i = 0; i < n; ++i) {
      SlimSignature other = RandomSignature(random);
      for (std::size_t slot = random.Below(64); slot < 64; ++slot) other[slot] = asked[slot];
      reservoir.Update(other, static_cast<float>(random.Normal(0, 1)));
    }
    float most = 0;
    for (std::size_t i = 0; i < reservoir.size(); ++i) {
      int equal = 0;
      for (std::size_t slot = 0; slot < 64; ++slot)
        equal += reservoir.signature(i)[slot] == asked[slot];
      most = std::max(most, static_cast<float>(equal) / 64);
    }
    const SignatureReservoir::Nearest nearest = reservoir.FindNearest(asked);
    ASSERT_EQ(nearest.similarity, most);
    ASSERT_EQ(Agreement(reservoir.signature(nearest.index), asked), most);
  }
}

TEST(ReservoirOracle, CountsWhatRecurs) {
  Random random(9);
  for (int round = 0; round < 100; ++round) {
    SignatureReservoir reservoir;
    for (std::size_t i = 0; i < random.Below(20); ++i) {
      SlimSignature signature;
      for (std::uint16_t& slot : signature) slot = static_cast<std::uint16_t>(random.Below(6));
      reservoir.Update(signature, static_cast<float>(random.Normal(0, 1)));
    }
    std::map<std::pair<std::size_t, std::uint16_t>, std::size_t> counts;
    for (std::size_t i = 0; i < reservoir.size(); ++i) {
      for (std::size_t slot = 0; slot < 64; ++slot) ++counts[{slot, reservoir.signature(i)[slot]}];
    }
    for (const std::size_t least : {1, 2, 3, 16}) {
      const auto truth = std::count_if(counts.begin(), counts.end(),
                                       [least](const auto& c) { return c.second >= least; });
      ASSERT_EQ(reservoir.CountRecurring(least), static_cast<std::size_t>(truth));
    }
  }
}

TEST(Reservoir, IgnoresAPriorityThatIsNotFinite) {
  SignatureReservoir reservoir;
  for (const float priority :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    reservoir.Update(SlimSignature{}, priority);
  }
  EXPECT_EQ(reservoir, SignatureReservoir());
}

TEST(Reservoir, OnlyTheOriginalBytesParse) {
  Random random(10);
  for (const std::size_t n : {0, 3, 30}) {
    support::ExpectOnlyTheOriginalParses(
        ReservoirOf(RandomEvents(n, 1000, random)).Serialize(kKey),
        [](std::string_view bytes) { return SignatureReservoir::Parse(bytes, kKey); },
        [](const SignatureReservoir& reservoir) { return reservoir.Serialize(kKey); });
  }
}

TEST(Reservoir, WhatNoStreamProducesIsRefused) {
  SignatureReservoir two;
  two.Update(SlimSignature{1}, 1);
  two.Update(SlimSignature{2}, 1);
  const std::string bytes = two.Serialize(kKey);
  const auto with = [&bytes](std::size_t at, const auto& value) {
    const std::string forged = support::Forge(bytes, [&](std::string& payload) {
      payload.replace(at, sizeof(value), reinterpret_cast<const char*>(&value), sizeof(value));
    });
    return SignatureReservoir::Parse(forged, kKey).status().code();
  };
  constexpr std::size_t kPriorities = 16 * 128, kSize = kPriorities + 16 * 4;
  EXPECT_EQ(with(kSize, std::uint32_t{2}), StatusCode::kOk);
  EXPECT_EQ(with(kSize, std::uint32_t{17}), StatusCode::kDataLoss);
  EXPECT_EQ(with(kSize, std::uint32_t{1}), StatusCode::kDataLoss);    // a hidden entry
  EXPECT_EQ(with(kPriorities + 8, 1.0f), StatusCode::kDataLoss);      // a hidden priority
  EXPECT_EQ(with(2 * 128, std::uint16_t{1}), StatusCode::kDataLoss);  // a hidden signature
  EXPECT_EQ(with(kPriorities, std::nanf("")), StatusCode::kDataLoss);
  EXPECT_EQ(with(128, std::uint16_t{1}), StatusCode::kDataLoss);  // one event twice
  EXPECT_EQ(SignatureReservoir::Parse(bytes, kKey + 1).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(ReservoirGolden, BytesOfVersionOne) {
  SignatureReservoir reservoir;
  for (std::uint64_t i = 0; i < 20; ++i) {
    SlimSignature signature;
    for (std::size_t slot = 0; slot < 64; ++slot)
      signature[slot] = static_cast<std::uint16_t>(text::Mix(64 * i + slot));
    reservoir.Update(signature, static_cast<float>(text::Mix(i) % 1000) / 8);
  }
  support::ExpectGolden("reservoir.v1", reservoir.Serialize(kKey));
  const auto back = SignatureReservoir::Parse(support::Golden("reservoir.v1"), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, reservoir);
}

TEST(ReservoirAlloc, UpdateFindNearestAndMergeAreFree) {
  Random random(11);
  const auto events = RandomEvents(40, 1000, random);
  const support::AllocGuard guard;
  SignatureReservoir a, b;
  for (const auto& [priority, signature] : events) {
    a.Update(signature, priority);
    b.Update(signature, priority + 1);
    (void)a.FindNearest(signature);
  }
  a.Merge(b);
  (void)a.CountRecurring(3);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace distillwatch
