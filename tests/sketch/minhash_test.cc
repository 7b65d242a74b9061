// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/minhash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

template <std::size_t kSlots>
BasicMinHash<kSlots> Signature(std::span<const std::uint64_t> hashes) {
  BasicMinHash<kSlots> signature;
  signature.Update(hashes);
  return signature;
}

template <typename T>
class MinHashOracle : public testing::Test {
 public:
  static constexpr std::size_t kSlots = T::value;
  using Sketch = BasicMinHash<kSlots>;
};
using Sizes = testing::Types<std::integral_constant<std::size_t, 64>,
                             std::integral_constant<std::size_t, 128>,
                             std::integral_constant<std::size_t, 256>>;
TYPED_TEST_SUITE(MinHashOracle, Sizes);

TYPED_TEST(MinHashOracle, IsTheSignatureOfItsDefinition) {
  Random random(1);
  for (const std::size_t n : {1, 2, 3, 7, 20, 64, 100, 127, 128, 300, 1000, 4000}) {
    const auto hashes = support::RandomHashes(n, random);
    const auto truth = oracle::MinHash(hashes, TestFixture::kSlots);
    const auto got = Signature<TestFixture::kSlots>(hashes);
    EXPECT_TRUE(std::equal(truth.begin(), truth.end(), got.slots().begin())) << n << " hashes";
  }
}

TYPED_TEST(MinHashOracle, UnionIsSlotwiseMinimum) {
  Random random(2);
  for (int round = 0; round < 400; ++round) {
    const auto a = support::RandomHashes(1 + random.Below(200), random);
    auto b = support::RandomHashes(1 + random.Below(round % 4 == 0 ? 2000 : 100), random);
    for (std::uint64_t& h : b) h = random.Chance(0.3) ? a[random.Below(a.size())] : h;
    std::vector<std::uint64_t> all = a;
    all.insert(all.end(), b.begin(), b.end());

    const auto whole = Signature<TestFixture::kSlots>(all);
    auto merged = Signature<TestFixture::kSlots>(a);
    merged.Merge(Signature<TestFixture::kSlots>(b));
    ASSERT_EQ(merged, whole);
    auto updated = Signature<TestFixture::kSlots>(a);  // a set that comes in two parts
    updated.Update(b);
    ASSERT_EQ(updated, whole);
    for (std::size_t i = 0; i < TestFixture::kSlots; ++i) {
      ASSERT_EQ(whole.slots()[i], std::min(Signature<TestFixture::kSlots>(a).slots()[i],
                                           Signature<TestFixture::kSlots>(b).slots()[i]));
    }
  }
}

TEST(MinHash, OrderAndRepeatsDoNotMatter) {
  Random random(3);
  for (const std::size_t n : {1, 5, 50, 500}) {
    auto hashes = support::RandomHashes(n, random);
    const MinHash once = Signature<128>(hashes);
    for (std::size_t i = 0; i < n; ++i) hashes.push_back(hashes[random.Below(n)]);
    random.Shuffle(hashes);
    EXPECT_EQ(Signature<128>(hashes), once);
  }
}

TEST(MinHash, TheEmptySetResemblesNothingNotEvenItself) {
  const MinHash empty;
  const MinHash some = Signature<128>(std::vector<std::uint64_t>{7});
  EXPECT_TRUE(empty.empty());
  EXPECT_FALSE(some.empty());
  EXPECT_EQ(empty.Jaccard(empty).value, 0);
  EXPECT_EQ(empty.Jaccard(some).value, 0);
  EXPECT_EQ(some.Jaccard(empty).value, 0);
  EXPECT_EQ(Signature<128>({}), empty);
}

TEST(MinHash, TheEmptySetChangesNoUnion) {
  MinHash some = Signature<128>(std::vector<std::uint64_t>{7, 8, 9});
  const MinHash before = some;
  some.Merge(MinHash());
  EXPECT_EQ(some, before);
  MinHash other;
  other.Merge(before);
  EXPECT_EQ(other, before);
}

TEST(MinHash, EqualSetsAgreeWholly) {
  Random random(4);
  const MinHash signature = Signature<128>(support::RandomHashes(40, random));
  EXPECT_EQ(signature.Jaccard(signature).value, 1);
  EXPECT_EQ(signature.Jaccard(signature).standard_error, 0);
}

TEST(MinHash, EverySetLeavesNoSlotEmpty) {
  for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    const MinHash one = Signature<128>(std::vector<std::uint64_t>{hash});
    EXPECT_EQ(std::count(one.slots().begin(), one.slots().end(), MinHash::kEmptySlot), 0);
    EXPECT_TRUE(one.Valid());
  }
}

// Squared errors over theory, by set size and Jaccard index. For the sizes where the true ratio is
// near one (3,000 and 10,000) 20,000 pairs give it a standard error of .0050, so a correct sketch
// fails a cell with P(z > 4) = 3e-5; below, the true ratio is under .97 and its standard error
// .0091. p_fail < 1e-3 over all cells.
template <std::size_t kSlots>
void ExpectErrorWithinTheory() {
  Random random(5);
  for (const std::size_t n : {8, 32, 128, 300, 1000, 3000, 10000}) {
    const int trials = n >= 3000 ? 20'000 : 6'000;
    for (const double wanted : {0.1, 0.3, 0.5, 0.7, 0.9}) {
      const auto common =
          static_cast<std::size_t>(std::lround(2 * static_cast<double>(n) * wanted / (1 + wanted)));
      if (common == n) continue;
      double squared = 0, sum = 0, jaccard = 0;
      for (int i = 0; i < trials; ++i) {
        const support::SetPair sets = support::OverlappingSets(n, common, random);
        jaccard = sets.jaccard;
        const double error =
            Signature<kSlots>(sets.a).Jaccard(Signature<kSlots>(sets.b)).value - jaccard;
        squared += error * error;
        sum += error;
      }
      const double theory = std::sqrt(jaccard * (1 - jaccard) / kSlots);
      EXPECT_LE(std::sqrt(squared / trials), 1.02 * theory) << n << " hashes, J = " << jaccard;
      // No bias: 5 standard errors, P = 6e-7.
      EXPECT_LE(std::abs(sum / trials), 5 * theory / std::sqrt(trials)) << n << ", J = " << jaccard;
    }
  }
}

TEST(MinHashStat, ErrorStaysWithinTheTheory) {
  ExpectErrorWithinTheory<128>();
}
TEST(MinHashStat, ErrorOfTheSmallSignatureStaysWithinTheTheory) {
  ExpectErrorWithinTheory<64>();
}

TEST(MinHash, StandardErrorIsTheBinomialOneAtTheEstimate) {
  Random random(6);
  const support::SetPair sets = support::OverlappingSets(1000, 600, random);
  const JaccardEstimate estimate = Signature<128>(sets.a).Jaccard(Signature<128>(sets.b));
  ASSERT_GT(estimate.value, 0);
  EXPECT_DOUBLE_EQ(estimate.standard_error, std::sqrt(estimate.value * (1 - estimate.value) / 128));
}

TEST(MinHash, OnlyTheOriginalBytesParse) {
  Random random(7);
  support::ExpectOnlyTheOriginalParses(
      Signature<64>(support::RandomHashes(30, random)).Serialize(kKey),
      [](std::string_view bytes) { return MinHash64::Parse(bytes, kKey); },
      [](const MinHash64& signature) { return signature.Serialize(kKey); });
}

TEST(MinHash, TheEmptySetIsSerialisedToo) {
  const auto back = MinHash::Parse(MinHash().Serialize(kKey), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->empty());
}

TEST(MinHash, AnotherKeyOrSizeIsRefused) {
  const std::string bytes = Signature<128>(std::vector<std::uint64_t>{1}).Serialize(kKey);
  EXPECT_EQ(MinHash::Parse(bytes, kKey + 1).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MinHash64::Parse(bytes, kKey).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(BasicMinHash<256>::Parse(bytes, kKey).status().code(), StatusCode::kDataLoss);
}

TEST(MinHash, SlotsThatNoSetProducesAreRefused) {
  const std::string bytes = Signature<64>(std::vector<std::uint64_t>{1}).Serialize(kKey);
  const auto slot_becomes = [&bytes](std::size_t slot, std::uint32_t value) {
    return MinHash64::Parse(support::Forge(bytes,
                                           [=](std::string& payload) {
                                             payload.replace(4 * slot, 4,
                                                             reinterpret_cast<const char*>(&value),
                                                             4);
                                           }),
                            kKey)
        .status()
        .code();
  };
  EXPECT_EQ(slot_becomes(3, 0xbfffffff), StatusCode::kOk);        // the largest of the last round
  EXPECT_EQ(slot_becomes(3, 0xc0000000), StatusCode::kDataLoss);  // no such round
  EXPECT_EQ(slot_becomes(3, MinHash::kEmptySlot), StatusCode::kDataLoss);  // some empty, some not
  EXPECT_EQ(slot_becomes(0, MinHash::kEmptySlot), StatusCode::kDataLoss);
}

TEST(MinHashGolden, BytesOfVersionOne) {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 100; ++i) hashes.push_back(text::Mix(i));
  support::ExpectGolden("minhash64.v1", Signature<64>(hashes).Serialize(kKey));
  support::ExpectGolden("minhash128.v1", Signature<128>(hashes).Serialize(kKey));
  support::ExpectGolden("minhash256.v1", Signature<256>(hashes).Serialize(kKey));
  const auto back = MinHash::Parse(support::Golden("minhash128.v1"), kKey);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, Signature<128>(hashes));
}

TEST(MinHashAlloc, UpdateMergeAndJaccardAreFree) {
  Random random(8);
  const auto few = support::RandomHashes(20, random), many = support::RandomHashes(2000, random);
  const support::AllocGuard guard;
  MinHash a, b;
  a.Update(few);
  b.Update(many);
  const double similarity = a.Jaccard(b).value;
  a.Merge(b);
  EXPECT_EQ(guard.count(), 0u);
  EXPECT_LT(similarity, 0.1);
}

}  // namespace
}  // namespace distillwatch
