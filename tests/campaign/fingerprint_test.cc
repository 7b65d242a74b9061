// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "campaign/frames.h"
#include "support/alloc_guard.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

// How many different requests have each pair; those of at least two.
std::map<Pair, std::size_t> Recurring(const std::vector<SlimSignature>& requests) {
  std::map<Pair, std::size_t> counts;
  for (const SlimSignature& s : std::set<SlimSignature>(requests.begin(), requests.end())) {
    for (std::size_t slot = 0; slot < s.size(); ++slot) ++counts[PairOf(slot, s[slot])];
  }
  std::erase_if(counts, [](const auto& c) { return c.second < 2; });
  return counts;
}

std::vector<Pair> PairsOf(const Fingerprint& fingerprint) {
  return {fingerprint.values().begin(), fingerprint.values().end()};
}

TEST(FingerprintOracle, HasThePairsThatRecurMostFrequentFirst) {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const std::size_t values = 2 + random.Below(60);  // the fewer, the more recurs
    std::vector<SlimSignature> requests(random.Below(SignatureReservoir::kCapacity + 1));
    for (SlimSignature& s : requests) {
      for (std::uint16_t& slot : s) slot = static_cast<std::uint16_t>(random.Below(values));
      if (random.Chance(0.2)) s = requests.front();
    }
    const auto truth = Recurring(requests);
    std::vector<std::pair<Pair, std::size_t>> ranked(truth.begin(), truth.end());
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : wire::Mix(a.first) < wire::Mix(b.first);
    });
    ranked.resize(std::min(ranked.size(), Fingerprint::kMostPairs));
    std::vector<Pair> expected;
    for (const auto& [pair, count] : ranked) expected.push_back(pair);
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(PairsOf(FingerprintOf(ReservoirOf(requests))), expected);
  }
}

TEST(Fingerprint, AskingTheSameAgainIsNoFrame) {
  Random random(2);
  SignatureReservoir sample;
  const SlimSignature request = RandomSignature(random);
  for (int i = 0; i < 10; ++i) sample.Update(request, static_cast<float>(i));
  EXPECT_EQ(FingerprintOf(sample).size, 0);
  sample.Update(RequestOf(request, 0.5, random), 11);
  EXPECT_GT(FingerprintOf(sample).size, 16);
}

TEST(Fingerprint, EmptyRequestsHaveNone) {
  EXPECT_EQ(FingerprintOf(SignatureReservoir()).size, 0);
  SlimSignature empty;
  empty.fill(0xffff);
  SignatureReservoir sample;
  for (int i = 0; i < 10; ++i) sample.Update(empty, static_cast<float>(i));
  EXPECT_EQ(FingerprintOf(sample).size, 0);
}

// A frame of half of a prompt's words: an account that sends it among much else has it too.
// A slot is the frame's in two of four requests with P = 11/16: 44 of 64 expected, sd 3.7; allowed
// 5 of them: p_fail < 1e-6 for each account, 1e-4 for all.
TEST(FingerprintStat, TheFrameIsFoundUnderDilution) {
  Random random(3);
  const Frame frame = RandomSignature(random);
  for (int account = 0; account < 50; ++account) {
    const Fingerprint found = FingerprintOf(SampleOf(frame, 0.5, 12, random));
    EXPECT_GE(CountMatches(found.values(), frame), 25u);
  }
}

// 120 pairs of requests share 64 slots by chance 120 * 64 / 65536 = .12 times: Poisson, more than
// three with P = 7e-6; in 100 accounts p_fail = 7e-4.
TEST(FingerprintStat, OrdinaryAccountsHaveAlmostNone) {
  Random random(4);
  for (int account = 0; account < 100; ++account) {
    EXPECT_LE(FingerprintOf(SampleOf({}, 0, 16, random)).size, 3);
  }
}

TEST(FingerprintOracle, MatchesAndContainmentAreCounts) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    const Frame frame = RandomSignature(random);
    const Fingerprint a = FingerprintOf(frame, random.Below(30), random.Below(18), random);
    const Fingerprint b = FingerprintOf(frame, random.Below(30), random.Below(18), random);
    const auto has = PairsOf(b);
    const std::set<Pair> other(has.begin(), has.end());
    std::size_t common = 0, matches = 0;
    const SlimSignature request = RequestOf(frame, 0.4, random);
    for (const Pair pair : a.values()) {
      common += other.contains(pair);
      matches += request[pair / 65536] == pair % 65536;
    }
    ASSERT_EQ(CountMatches(a.values(), request), matches);
    const double share = a.size == 0 ? 0 : static_cast<double>(common) / a.size;
    ASSERT_DOUBLE_EQ(Containment(a, b.values()), share);
  }
  EXPECT_EQ(Containment(Fingerprint(), {}), 0);
}

TEST(FingerprintAlloc, IsFree) {
  Random random(6);
  const SignatureReservoir sample = SampleOf(RandomSignature(random), 0.5, 4, random);
  const SlimSignature request = RandomSignature(random);
  const support::AllocGuard guard;
  const Fingerprint fingerprint = FingerprintOf(sample);
  EXPECT_EQ(CountMatches(fingerprint.values(), request), 0u);
  EXPECT_EQ(guard.count(), 0u);
}

// Nothing in their prompts is common, but the system prompt is.
TEST(FingerprintOf, ASystemPromptIsPartOfTheFrame) {
  Random random(41);
  const auto sample = [&random] { return SampleOf({}, 0, SignatureReservoir::kCapacity, random); };
  const Fingerprint a = FingerprintOf(sample(), {}, 77), b = FingerprintOf(sample(), {}, 77);
  const Fingerprint other = FingerprintOf(sample(), {}, 78);
  EXPECT_TRUE(a.Valid());
  EXPECT_GE(a.size, kSystemPairs);
  EXPECT_GT(Containment(a, b.values()), 0.5);
  EXPECT_EQ(Containment(a, other.values()), 0);
  const SlimSignature request = RandomSignature(random);
  EXPECT_EQ(CountMatches(a.values(), request, 77), kSystemPairs);
  EXPECT_EQ(CountMatches(a.values(), request, 78), 0u);
  EXPECT_EQ(CountMatches(a.values(), request), 0u);
  std::vector<Pair> common;
  for (std::size_t i = 0; i < kSystemPairs; ++i) common.push_back(SystemPair(i, 77));
  std::sort(common.begin(), common.end());
  EXPECT_EQ(CountMatches(FingerprintOf(sample(), common, 77).values(), request, 77), 0u);
}

TEST(FingerprintOf, TheSystemPromptHasItsPlaceInALongFrame) {
  Random random(42);
  const Frame frame = RandomSignature(random);
  const Fingerprint full = FingerprintOf(SampleOf(frame, 0.95, 0, random), {}, 77);
  EXPECT_TRUE(full.Valid());
  EXPECT_EQ(full.size, Fingerprint::kMostPairs);
  EXPECT_EQ(CountMatches(full.values(), RandomSignature(random), 77), kSystemPairs);
}

}  // namespace
}  // namespace distillwatch::campaign
