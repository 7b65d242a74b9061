// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/hyperloglog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "support/alloc_guard.h"
#include "support/golden.h"
#include "support/hostile.h"
#include "support/oracle.h"
#include "support/random_inputs.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::uint64_t kKey = 42;
constexpr std::size_t kHeaderBytes = 24;

template <std::size_t kRegisters>
BasicHyperLogLog<kRegisters> Of(std::span<const std::uint64_t> hashes) {
  BasicHyperLogLog<kRegisters> sketch;
  for (const std::uint64_t h : hashes) sketch.Update(h);
  return sketch;
}

// The registers by definition, as the payload holds them: the highest rank, which is the place of
// the first 1 after the bits that name the register.
template <std::size_t kRegisters>
std::string Registers(std::span<const std::uint64_t> hashes) {
  std::string registers(kRegisters, '\0');
  for (const std::uint64_t h : hashes) {
    const int bits = std::countr_zero(kRegisters);
    int rank = 1;
    while (rank <= 64 - bits && (h >> (64 - bits - rank) & 1) == 0) ++rank;
    char& r = registers[h >> (64 - bits)];
    r = std::max(r, static_cast<char>(rank));
  }
  return registers;
}

template <std::size_t kRegisters>
void ExpectRegistersByDefinition() {
  Random random(1);
  auto hashes = support::RandomHashes(1000, random);
  // Ranks that random hashes do not reach, up to the one of a hash of nothing but its register.
  for (int shift = 0; shift < 64; ++shift)
    hashes.push_back(std::uint64_t{0x9abcdef012345678} >> shift);
  hashes.push_back(0);
  hashes.push_back(std::uint64_t{5} << 58);
  const std::string payload =
      Of<kRegisters>(hashes).Serialize(kKey).substr(kHeaderBytes, kRegisters);
  EXPECT_EQ(payload, Registers<kRegisters>(hashes));
}

TEST(HyperLogLogOracle, RegistersHoldTheHighestRank) {
  ExpectRegistersByDefinition<64>();
  ExpectRegistersByDefinition<128>();
  ExpectRegistersByDefinition<1024>();
}

TEST(HyperLogLogOracle, MergeIsTheSketchOfTheUnion) {
  Random random(2);
  for (int round = 0; round < 100; ++round) {
    const auto a = support::RandomHashes(random.Below(3000), random);
    auto all = support::RandomHashes(random.Below(3000), random);
    auto merged = Of<128>(a);
    merged.Merge(Of<128>(all));
    all.insert(all.end(), a.begin(), a.end());
    ASSERT_EQ(merged, Of<128>(all));
  }
}

TEST(HyperLogLog, OrderAndRepeatsDoNotMatter) {
  Random random(3);
  auto hashes = support::RandomHashes(2000, random);
  const auto once = Of<1024>(hashes);
  hashes.insert(hashes.end(), hashes.begin(), hashes.begin() + 1000);
  random.Shuffle(hashes);
  EXPECT_EQ(Of<1024>(hashes), once);
}

TEST(HyperLogLog, ASeenHashIsNotNewAndTheFirstOneIsForSure) {
  HyperLogLog sketch;
  EXPECT_EQ(sketch.Estimate(), 0);
  EXPECT_EQ(sketch.Update(7), 1);
  EXPECT_EQ(sketch.Update(7), 0);
  EXPECT_NEAR(sketch.Estimate(), 1, 0.01);
}

TEST(HyperLogLogOracle, AnIncrementIsTheReciprocalOfTheChanceOfChange) {
  Random random(4);
  BasicHyperLogLog<64> sketch;
  for (int i = 0; i < 5000; ++i) {
    const std::string before = sketch.Serialize(kKey);
    const double increment = sketch.Update(random.Bits());
    double chance = 0;  // that a hash lands on a register and exceeds it
    for (std::size_t r = 0; r < 64; ++r) chance += std::pow(0.5, before[kHeaderBytes + r]) / 64;
    if (sketch.Serialize(kKey) == before) {
      ASSERT_EQ(increment, 0);
    } else {
      ASSERT_DOUBLE_EQ(increment, 1 / chance);
    }
  }
}

// Also beyond the ranks that are added up in integers, and where a hash repeats.
TEST(HyperLogLogOracle, ManyAreOneAfterTheOther) {
  Random random(6);
  for (const bool extreme : {false, true}) {
    BasicHyperLogLog<128> many, one;
    for (std::size_t n = 0; n < 300; ++n) {
      std::vector<std::uint64_t> hashes = support::RandomHashes(n, random);
      for (std::uint64_t& h : hashes) {
        if (extreme && random.Chance(0.05)) h >>= random.Below(64);
        if (extreme && random.Chance(0.01)) h &= std::uint64_t{127} << 57;
        if (random.Chance(0.1)) h = hashes[0];
      }
      std::vector<double> truth, increments(n);
      for (const std::uint64_t h : hashes) {
        if (const double increment = one.Update(h); increment != 0) truth.push_back(increment);
      }
      increments.resize(many.Update(hashes, increments));
      ASSERT_EQ(increments, truth) << n;
      ASSERT_EQ(many, one) << n;
    }
  }
}

// Relative errors of the estimate and of the summed increments, over streams of distinct hashes.
// The true root-mean-square error is at most 1.078 / sqrt(64), 1.06 / sqrt(128) and 1.035 /
// sqrt(1024). With `streams` of 20,000 / 20,000 / 4,000 its standard error is .0054 / .0053 /
// .0116, so that 1.1 is at least 4 standard errors away; biases are allowed 5 of theirs. p_fail <
// 1e-3.
struct Errors {
  double sum = 0, squares = 0;
  void Add(double error) { sum += error, squares += error * error; }
};
template <std::size_t kRegisters>
void ExpectErrorsAsInTheory(int streams) {
  constexpr std::array<int, 6> kSizes = {1, 10, 100, 1000, 4000, 10'000};
  std::array<Errors, kSizes.size()> estimates, counts;
  Random random(5);
  for (int stream = 0; stream < streams; ++stream) {
    BasicHyperLogLog<kRegisters> sketch;
    double increments = 0;
    int n = 0;
    for (std::size_t s = 0; s < kSizes.size(); ++s) {
      for (; n < kSizes[s]; ++n) increments += sketch.Update(random.Bits());
      estimates[s].Add(sketch.Estimate() / n - 1);
      counts[s].Add(increments / n - 1);
    }
  }
  for (std::size_t s = 0; s < kSizes.size(); ++s) {
    const double rmse = std::sqrt(estimates[s].squares / streams),
                 theory = 1.1 / std::sqrt(kRegisters);
    EXPECT_LE(rmse, theory) << kRegisters << " registers, " << kSizes[s];
    const double bias = kSizes[s] < 100 ? 1.1 / kRegisters : 0.5 / kRegisters;
    EXPECT_LE(std::abs(estimates[s].sum / streams), bias + 5 * rmse / std::sqrt(streams))
        << kRegisters << " registers, " << kSizes[s];
    // The sum of increments is unbiased at every size, and more accurate.
    EXPECT_LE(std::abs(counts[s].sum), 5 * std::sqrt(counts[s].squares))
        << kRegisters << ", " << kSizes[s];
    EXPECT_LE(std::sqrt(counts[s].squares / streams), 0.9 / std::sqrt(kRegisters));
  }
}

TEST(HyperLogLogStat, ErrorIsAsInTheory) {
  ExpectErrorsAsInTheory<64>(20'000);
  ExpectErrorsAsInTheory<1024>(4'000);
}
TEST(HyperLogLogStat, IncrementsAreUnbiased) {
  ExpectErrorsAsInTheory<128>(20'000);
}

TEST(HyperLogLog, OnlyTheOriginalBytesParse) {
  Random random(6);
  support::ExpectOnlyTheOriginalParses(
      Of<64>(support::RandomHashes(500, random)).Serialize(kKey),
      [](std::string_view bytes) { return BasicHyperLogLog<64>::Parse(bytes, kKey); },
      [](const auto& sketch) { return sketch.Serialize(kKey); });
}

TEST(HyperLogLog, AnotherKeyOrSizeIsRefused) {
  const std::string bytes = HyperLogLog().Serialize(kKey);
  EXPECT_EQ(HyperLogLog::Parse(bytes, kKey + 1).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(BasicHyperLogLog<128>::Parse(bytes, kKey).status().code(), StatusCode::kDataLoss);
}

TEST(HyperLogLog, RegistersBeyondTheHighestRankAreRefused) {
  const auto all_registers = [](char rank) {
    const std::string forged = support::Forge(
        BasicHyperLogLog<128>().Serialize(kKey),
        [rank](std::string& payload) { std::fill(payload.begin(), payload.end(), rank); });
    return BasicHyperLogLog<128>::Parse(forged, kKey);
  };
  EXPECT_EQ(all_registers(59).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(all_registers(-1).status().code(), StatusCode::kDataLoss);
  // The fullest sketch there is stays finite.
  const auto full = all_registers(58);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->Estimate(), 0x1p64);
  auto fuller = *full;
  EXPECT_EQ(fuller.Update(0), 0);
}

TEST(HyperLogLogGolden, BytesOfVersionOne) {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 700; ++i) hashes.push_back(text::Mix(i));
  support::ExpectGolden("hyperloglog64.v1", Of<64>(hashes).Serialize(kKey));
  support::ExpectGolden("hyperloglog128.v1", Of<128>(hashes).Serialize(kKey));
  support::ExpectGolden("hyperloglog1024.v1", Of<1024>(hashes).Serialize(kKey));
  const auto back = HyperLogLog::Parse(support::Golden("hyperloglog1024.v1"), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, Of<1024>(hashes));
}

TEST(HyperLogLogAlloc, UpdateMergeAndEstimateAreFree) {
  Random random(7);
  const auto hashes = support::RandomHashes(1000, random);
  const support::AllocGuard guard;
  HyperLogLog a, b;
  for (const std::uint64_t h : hashes) a.Update(h);
  b.Merge(a);
  const double estimate = b.Estimate();
  EXPECT_EQ(guard.count(), 0u);
  EXPECT_NEAR(estimate, 1000, 200);
}

}  // namespace
}  // namespace distillwatch
