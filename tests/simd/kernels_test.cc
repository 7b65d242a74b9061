// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simd/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "distillwatch/minhash.h"
#include "simd/on_a_target.h"
#include "support/oracle.h"
#include "support/random_inputs.h"
#include "text/key.h"

namespace distillwatch::simd {
namespace {

using support::Random;

class EveryTarget : public OnATarget {};
INSTANTIATE_TEST_SUITE_P(KernelsOracle, EveryTarget,
                         testing::ValuesIn(Available().begin(), Available().end()),
                         [](const auto& target) { return std::string(target.param->name); });

TEST_P(EveryTarget, MultiplyMinIsTheScalarOne) {
  Random random(1);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint64_t> hashes(n);
    for (std::size_t i = 0; i < n; ++i) hashes[i] = random.Bits();
    const std::uint64_t multiplier = random.Bits() | 1;
    ASSERT_EQ(kernels().multiply_min(hashes.data(), n, multiplier),
              Scalar().multiply_min(hashes.data(), n, multiplier))
        << n;
    if (n == 0) continue;
    // The least one at every place in turn; 0 is below everything and 1 times 2^34 is 1 at most.
    const std::size_t place = random.Below(n);
    hashes[place] = 0;
    ASSERT_EQ(kernels().multiply_min(hashes.data(), n, multiplier), 0u) << n << " at " << place;
  }
  EXPECT_EQ(kernels().multiply_min(nullptr, 0, 3), 0xffffffffu);
}

TEST_P(EveryTarget, MultiplyMinKnowsTheLargestProducts) {
  for (std::size_t n = 1; n <= 17; ++n) {
    const std::vector<std::uint64_t> hashes(n, ~std::uint64_t{0});
    EXPECT_EQ(kernels().multiply_min(hashes.data(), n, 1), 0x3fffffffu) << n;
  }
}

TEST_P(EveryTarget, MultiplyMinEachIsMultiplyMinForEach) {
  Random random(11);
  for (std::size_t n = 0; n <= 70; ++n) {
    for (const std::size_t n_multipliers : {0u, 16u, 48u, 256u}) {
      AtTheEdge<std::uint64_t> hashes(n), multipliers(n_multipliers);
      AtTheEdge<std::uint32_t> least(n_multipliers);
      for (std::size_t i = 0; i < n; ++i) hashes[i] = random.Chance(0.05) ? 0 : random.Bits();
      for (std::size_t i = 0; i < n_multipliers; ++i) multipliers[i] = random.Bits() | 1;
      kernels().multiply_min_each(hashes.data(), n, multipliers.data(), n_multipliers,
                                  least.data());
      for (std::size_t i = 0; i < n_multipliers; ++i) {
        ASSERT_EQ(least[i], Scalar().multiply_min(hashes.data(), n, multipliers[i]))
            << n << ", " << i;
      }
    }
  }
}

TEST_P(EveryTarget, MixIsTheScalarOne) {
  Random random(12);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint64_t> in(n), out(n);
    for (std::size_t i = 0; i < n; ++i) in[i] = random.Bits();
    kernels().mix(in.data(), n, out.data());
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], text::Mix(in[i])) << n << " at " << i;
  }
}

TEST_P(EveryTarget, CountEqualIsTheScalarOne) {
  Random random(2);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint16_t> a(n), b(n);
    for (const double share : {0.0, 0.3, 1.0}) {
      std::uint32_t truth = 0;
      for (std::size_t i = 0; i < n; ++i) {
        a[i] = static_cast<std::uint16_t>(random.Bits());
        // Unequal ones differ in a single bit, in either byte.
        const bool same = random.Chance(share);
        b[i] = static_cast<std::uint16_t>(a[i] ^ (same ? 0 : 1 << random.Below(16)));
        truth += same;
      }
      ASSERT_EQ(kernels().count_equal(a.data(), b.data(), n), truth) << n;
      ASSERT_EQ(Scalar().count_equal(a.data(), b.data(), n), truth) << n;
    }
  }
}

TEST_P(EveryTarget, MinIntoIsTheScalarOneAndTouchesNothingElse) {
  Random random(3);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint32_t> a(n + 1), b(n);  // a has one element more, which must stay
    std::vector<std::uint32_t> truth(n);
    for (std::size_t i = 0; i < n; ++i) {
      a[i] = static_cast<std::uint32_t>(random.Bits());  // the sign bit set in half of them
      b[i] = static_cast<std::uint32_t>(random.Bits());
      truth[i] = std::min(a[i], b[i]);
    }
    a[n] = 0xdeadbeef;
    kernels().min_into(a.data(), b.data(), n);
    ASSERT_TRUE(std::equal(truth.begin(), truth.end(), a.data())) << n;
    ASSERT_EQ(a[n], 0xdeadbeefu) << n;
  }
}

TEST_P(EveryTarget, BinMinIsTheScalarOne) {
  Random random(4);
  for (const int log2_slots : {6, 7, 8}) {
    for (std::size_t n = 0; n <= kLongest; ++n) {
      AtTheEdge<std::uint64_t> hashes(n);
      const std::size_t slots = std::size_t{1} << log2_slots;
      AtTheEdge<std::uint32_t> got(slots);
      std::vector<std::uint32_t> truth(slots);
      for (std::size_t i = 0; i < n; ++i) hashes[i] = random.Bits();
      if (n > 1) hashes[n - 1] = hashes[0];
      for (std::size_t i = 0; i < slots; ++i) {
        truth[i] = got[i] = random.Chance(0.1) ? 5 : 0xffffffff;  // what is there already counts
      }
      const auto tag = static_cast<std::uint32_t>(n % 2) << 30;
      for (std::size_t i = 0; i < n; ++i) {
        std::uint32_t& slot = truth[hashes[i] >> (64 - log2_slots)];
        slot = std::min(slot, tag + static_cast<std::uint32_t>(hashes[i] % (1u << 30)));
      }
      kernels().bin_min(hashes.data(), n, got.data(), log2_slots, tag);
      ASSERT_TRUE(std::equal(truth.begin(), truth.end(), got.data())) << n;
    }
  }
}

TEST_P(EveryTarget, VoteIsTheScalarOne) {
  Random random(5);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint64_t> hashes(n);
    AtTheEdge<std::int16_t> got(32);
    std::array<std::int16_t, 32> truth{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
      truth[bit] = got[bit] = static_cast<std::int16_t>(random.Below(100));
    }
    for (std::size_t i = 0; i < n; ++i) {
      hashes[i] = random.Bits();
      for (std::size_t bit = 0; bit < 32; ++bit) {
        truth[bit] = static_cast<std::int16_t>(truth[bit] + (hashes[i] >> bit & 1 ? 1 : -1));
      }
    }
    kernels().vote(hashes.data(), n, got.data());
    ASSERT_TRUE(std::equal(truth.begin(), truth.end(), got.data())) << n;
  }
}

// Every byte at every place of two blocks and a half, and foreign bytes at each of them.
TEST_P(EveryTarget, FoldAsciiIsTheScalarOne) {
  Random random(8);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    for (const bool foreign : {false, true}) {
      AtTheEdge<char> text(n);
      for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(random.Below(128));
      if (foreign && n > 0) text[random.Below(n)] = static_cast<char>(128 + random.Below(128));
      const std::size_t rounded = (n + 63) / 64 * 64;
      AtTheEdge<char> got(rounded), truth(rounded);
      AtTheEdge<std::uint64_t> got_words(rounded / 64), truth_words(rounded / 64);
      const std::size_t read = kernels().fold_ascii(text.data(), n, got.data(), got_words.data());
      ASSERT_EQ(read, Scalar().fold_ascii(text.data(), n, truth.data(), truth_words.data()));
      ASSERT_EQ(read < n, foreign && n > 0);
      for (std::size_t i = 0; i < read; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool word = std::isalnum(c) != 0;
        ASSERT_EQ(got_words[i / 64] >> i % 64 & 1, word ? 1u : 0u) << n << " at " << i;
        ASSERT_EQ(truth_words[i / 64] >> i % 64 & 1, word ? 1u : 0u) << n << " at " << i;
        if (!word) continue;
        ASSERT_EQ(got[i], std::tolower(c)) << n << " at " << i;
        ASSERT_EQ(truth[i], std::tolower(c)) << n << " at " << i;
      }
      if (read == 0) continue;
      // Beyond what was read there is no word.
      ASSERT_EQ(got_words[(read - 1) / 64], truth_words[(read - 1) / 64]) << n;
    }
  }
}

TEST_P(EveryTarget, FoldAsciiKnowsEveryByte) {
  for (int c = 0; c < 256; ++c) {
    for (const std::size_t at : {0u, 31u, 32u, 63u, 64u, 100u}) {
      std::array<char, 128> text{}, folded{};
      std::array<std::uint64_t, 2> words{};
      text[at] = static_cast<char>(c);
      const std::size_t read = kernels().fold_ascii(text.data(), 101, folded.data(), words.data());
      ASSERT_EQ(read, c < 128 ? 101u : at) << c;
      if (c >= 128) continue;
      ASSERT_EQ(words[at / 64], std::uint64_t{std::isalnum(c) != 0} << at % 64) << c;
      if (std::isalnum(c)) {
        ASSERT_EQ(folded[at], std::tolower(c));
      }
    }
  }
}

TEST_P(EveryTarget, MixTriplesIsTheScalarOneAlsoInPlace) {
  Random random(9);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    AtTheEdge<std::uint64_t> in(n), out(n < 2 ? 0 : n - 2);
    std::vector<std::uint64_t> truth;
    for (std::size_t i = 0; i < n; ++i) in[i] = random.Bits();
    for (std::size_t i = 0; i + 2 < n; ++i) {
      truth.push_back(text::Mix(in[i] + std::rotl(in[i + 1], 21) + std::rotl(in[i + 2], 42)));
    }
    kernels().mix_triples(in.data(), n, out.data());
    ASSERT_TRUE(std::equal(truth.begin(), truth.end(), out.data())) << n;
    kernels().mix_triples(in.data(), n, in.data());
    ASSERT_TRUE(std::equal(truth.begin(), truth.end(), in.data())) << n;
  }
}

TEST_P(EveryTarget, MixTriplesMayWriteBeforeWhereItReads) {
  Random random(10);
  for (const std::size_t shift : {1, 2, 7, 8, 9}) {
    std::vector<std::uint64_t> all = support::RandomHashes(200, random), truth(198 - shift);
    kernels().mix_triples(&all[shift], 200 - shift, truth.data());
    kernels().mix_triples(&all[shift], 200 - shift, all.data());
    ASSERT_TRUE(std::equal(truth.begin(), truth.end(), all.begin())) << shift;
  }
}

// Loads and stores may not count on vector alignment: every start within a vector, with guards
// around.
TEST_P(EveryTarget, NothingDependsOnAlignment) {
  Random random(6);
  std::vector<std::uint64_t> hashes(64 + 100);
  std::vector<std::uint16_t> a(64 + 100), b(64 + 100);
  std::vector<std::uint32_t> x(64 + 100), y(64 + 100);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    hashes[i] = random.Bits();
    a[i] = static_cast<std::uint16_t>(random.Below(3)),
    b[i] = static_cast<std::uint16_t>(random.Below(3));
    x[i] = static_cast<std::uint32_t>(random.Bits()),
    y[i] = static_cast<std::uint32_t>(random.Bits());
  }
  for (std::size_t start = 0; start < 64; ++start) {
    ASSERT_EQ(kernels().multiply_min(&hashes[start], 99, 77),
              Scalar().multiply_min(&hashes[start], 99, 77));
    ASSERT_EQ(kernels().count_equal(&a[start], &b[63 - start], 99),
              Scalar().count_equal(&a[start], &b[63 - start], 99));
    auto got = x, truth = x;
    kernels().min_into(&got[start], &y[63 - start], 99);
    Scalar().min_into(&truth[start], &y[63 - start], 99);
    ASSERT_EQ(got, truth) << start;
    std::array<std::int16_t, 40> votes{}, expected{};
    kernels().vote(&hashes[start], 99, votes.data() + start % 8);
    Scalar().vote(&hashes[start], 99, expected.data() + start % 8);
    ASSERT_EQ(votes, expected) << start;
  }
}

// A target that quietly ran the scalar code would pass everything above.
TEST_P(EveryTarget, IsReallyItsOwn) {
  if (&kernels() == &Scalar()) GTEST_SKIP() << "scalar is the specification";
  EXPECT_NE(kernels().count_equal, Scalar().count_equal);
  EXPECT_NE(kernels().min_into, Scalar().min_into);
  EXPECT_NE(kernels().vote, Scalar().vote);
  EXPECT_NE(kernels().fold_ascii, Scalar().fold_ascii);
  EXPECT_NE(kernels().word_edges, Scalar().word_edges);
  EXPECT_NE(kernels().count_terms, Scalar().count_terms);
  EXPECT_NE(kernels().count_equal_each, Scalar().count_equal_each);
  if (std::string_view(kernels().name) == "neon") return;  // which multiplies no 64-bit lanes
  EXPECT_NE(kernels().multiply_min, Scalar().multiply_min);
  EXPECT_NE(kernels().multiply_min_each, Scalar().multiply_min_each);
  EXPECT_NE(kernels().mix, Scalar().mix);
  EXPECT_NE(kernels().mix_triples, Scalar().mix_triples);
  EXPECT_NE(kernels().keep_zero, Scalar().keep_zero);
}

// What the processor says it can do, read from the system and not from the compiler's runtime.
std::set<std::string> Flags() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("flags", 0) != 0) continue;
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

std::set<std::string> Names() {
  std::set<std::string> names;
  for (const Kernels* k : Available()) names.insert(k->name);
  return names;
}

TEST(Dispatch, OffersEveryTargetThatTheProcessorHasAndNoOther) {
#if defined(__aarch64__)
  EXPECT_EQ(Names(), (std::set<std::string>{"scalar", "neon"}));
  return;
#endif
  const std::set<std::string> flags = Flags();
  if (flags.empty()) GTEST_SKIP() << "no x86 flags to read";
  const auto has = [&flags](std::initializer_list<const char*> needed) {
    return std::all_of(needed.begin(), needed.end(), [&](const char* f) { return flags.count(f); });
  };
  std::set<std::string> expected = {"scalar"};
  if (has({"avx2", "bmi1", "bmi2", "popcnt"})) expected.insert("avx2");
  if (has({"avx2", "bmi1", "bmi2", "popcnt", "avx512f", "avx512bw", "avx512dq", "avx512vl"})) {
    expected.insert("avx512");
  }
  EXPECT_EQ(Names(), expected);
}

TEST(Dispatch, ScalarComesFirstAndTheFastestLast) {
  ASSERT_FALSE(Available().empty());
  EXPECT_EQ(Available().front(), &Scalar());
  if (std::getenv("DISTILLWATCH_SIMD") == nullptr) {
    EXPECT_EQ(&Active(), Available().back());
  }
}

// The choice is made once in a process, so each wish is tried in a process of its own.
bool SignaturesAreRight() {
  Random random(7);
  for (const std::size_t n : {1u, 5u, 60u, 300u, 3000u}) {
    const auto hashes = support::RandomHashes(n, random);
    MinHash signature;
    signature.Update(hashes);
    const auto truth = oracle::MinHash(hashes, 128);
    if (!std::equal(truth.begin(), truth.end(), signature.slots().begin())) return false;
  }
  return true;
}

void ExitAfterActivating(const char* wish, std::string_view expected) {
  setenv("DISTILLWATCH_SIMD", wish, 1);
  std::fprintf(stderr, "%s ran", Active().name);
  std::exit(Active().name == expected && SignaturesAreRight() ? 0 : 1);
}

class DispatchDeath : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(DispatchDeath, TheEnvironmentChoosesATargetAndAllGiveTheSameSignatures) {
  for (const Kernels* k : Available()) {
    EXPECT_EXIT(ExitAfterActivating(k->name, k->name), testing::ExitedWithCode(0),
                std::string(k->name) + " ran");
  }
}

TEST_F(DispatchDeath, AWishThatTheMachineCannotGrantIsIgnored) {
  EXPECT_EXIT(ExitAfterActivating("avx9000", Available().back()->name), testing::ExitedWithCode(0),
              std::string(Available().back()->name) + " ran");
}

}  // namespace
}  // namespace distillwatch::simd
