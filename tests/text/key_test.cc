// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "text/key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "support/random_inputs.h"

namespace distillwatch::text {
namespace {

using support::Random;

constexpr std::string_view kSecret = "sixteen bytes ok";

Key KeyOf(std::string_view secret) {
  return *Key::FromSecret(secret);
}

TEST(Key, AShortSecretIsRefusedByName) {
  for (const std::size_t size : {0, 1, 15}) {
    const Status status = Key::FromSecret(kSecret.substr(0, size)).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "key has " + std::to_string(size) + " bytes; allowed: at least 16");
  }
  EXPECT_TRUE(Key::FromSecret(kSecret).ok());
  EXPECT_TRUE(Key::FromSecret(std::string(100'000, '\0')).ok());
}

TEST(Key, EverythingDependsOnTheSecret) {
  const Key a = KeyOf(kSecret), b = KeyOf("sixteen bytes oK"), again = KeyOf(kSecret);
  char word[16] = "word";
  EXPECT_NE(a.id(), b.id());
  EXPECT_NE(a.Hash("text"), b.Hash("text"));
  EXPECT_NE(a.Hash(std::string(1000, 'x')), b.Hash(std::string(1000, 'x')));
  EXPECT_NE(a.Hash("name", "value"), b.Hash("name", "value"));
  EXPECT_NE(a.HashWord(word, 4), b.HashWord(word, 4));
  EXPECT_EQ(a.id(), again.id());
  EXPECT_EQ(a.HashWord(word, 4), again.HashWord(word, 4));
}

TEST(Key, TheIdGivesNoHashAway) {
  const Key key = KeyOf(kSecret);
  EXPECT_NE(key.id(), key.Hash(""));
  EXPECT_NE(key.id(), key.Hash(kSecret));
}

TEST(Key, WhereANameEndsAndTheValueBeginsMatters) {
  const Key key = KeyOf(kSecret);
  std::set<std::uint64_t> hashes;
  for (std::size_t cut = 0; cut <= 6; ++cut) {
    hashes.insert(key.Hash(std::string_view("abcdef").substr(0, cut),
                           std::string_view("abcdef").substr(cut)));
  }
  hashes.insert(key.Hash("", ""));
  EXPECT_EQ(hashes.size(), 8u);
}

TEST(Key, AWordIsItsBytesAndNotWhatLiesBehindIt) {
  const Key key = KeyOf(kSecret);
  Random random(1);
  for (std::size_t size = 0; size <= 40; ++size) {
    std::string word = support::RandomBytes(64, random), other = support::RandomBytes(64, random);
    for (std::size_t i = 0; i < size; ++i) other[i] = word[i];
    EXPECT_EQ(key.HashWord(word.data(), size), key.HashWord(other.data(), size)) << size;
    for (std::size_t i = 0; i < size; ++i) {
      other[i] = static_cast<char>(other[i] ^ 1);
      EXPECT_NE(key.HashWord(word.data(), size), key.HashWord(other.data(), size))
          << size << " at " << i;
      other[i] = word[i];
    }
  }
}

TEST(Key, WordsOfAllLengthsDiffer) {
  const Key key = KeyOf(kSecret);
  const std::string word(300, 'a');
  std::set<std::uint64_t> hashes;
  for (std::size_t size = 0; size < 280; ++size) hashes.insert(key.HashWord(word.data(), size));
  EXPECT_EQ(hashes.size(), 280u);
}

// Word hashes feed bins, samples and table places by different bits: each bit of a million hashes
// of numbered words is one in half of them. Standard error .0005, allowed are 5: p_fail = 64 x
// 6e-7. And no two agree: a 64-bit hash has P = 3e-8 for one collision.
TEST(KeyStat, EveryBitOfAWordsHashIsFair) {
  const Key key = KeyOf(kSecret);
  constexpr int kWords = 1'000'000;
  std::array<int, 64> ones{};
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < kWords; ++i) {
    char word[16] = {};
    const int size = std::snprintf(word, sizeof(word), "w%d", i);
    const std::uint64_t h = key.HashWord(word, static_cast<std::size_t>(size));
    hashes.push_back(h);
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(h >> bit & 1);
  }
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::adjacent_find(hashes.begin(), hashes.end()), hashes.end());
  for (std::size_t bit = 0; bit < 64; ++bit) EXPECT_NEAR(ones[bit], kWords / 2, 5 * 500) << bit;
}

// A changed bit of a word changes each bit of its hash half of the time: 20,000 changes give each
// pair of bits a standard error of 71 changes; allowed are 5.5 of them, P = 4e-8 for each of 12,288
// pairs: p_fail = 5e-4.
TEST(KeyStat, EveryBitOfAWordReachesEveryBitOfItsHash) {
  const Key key = KeyOf(kSecret);
  Random random(2);
  constexpr int kTrials = 20'000;
  for (const std::size_t size : {8, 16}) {
    for (std::size_t in = 0; in < 8 * size; ++in) {
      std::array<int, 64> changed{};
      for (int trial = 0; trial < kTrials; ++trial) {
        std::string word = support::RandomBytes(16, random);
        const std::uint64_t before = key.HashWord(word.data(), size);
        word[in / 8] = static_cast<char>(word[in / 8] ^ 1 << in % 8);
        const std::uint64_t difference = before ^ key.HashWord(word.data(), size);
        for (std::size_t bit = 0; bit < 64; ++bit) {
          changed[bit] += static_cast<int>(difference >> bit & 1);
        }
      }
      for (std::size_t bit = 0; bit < 64; ++bit) {
        EXPECT_NEAR(changed[bit], kTrials / 2, 5.5 * std::sqrt(kTrials / 4)) << in << " to " << bit;
      }
    }
  }
}

// What is saved holds these hashes: another value here is another format, and a new number in the
// key's id.
TEST(KeyGolden, HashesOfVersionOne) {
  const Key key = KeyOf(kSecret);
  EXPECT_EQ(key.id(), 5741725219344078727u);
  EXPECT_EQ(key.Hash("text"), 12121774843681616342u);
  EXPECT_EQ(key.Hash("name", "value"), 13056624351536728713u);
  EXPECT_EQ(key.HashWord("shingle and what is behind it", 7), 9116590045707419255u);
  EXPECT_EQ(key.HashWord("a word of more than sixteen bytes", 33), 2996409117054128438u);
}

TEST(Mix, IsABijectionThatSpreads) {
  EXPECT_EQ(Mix(0), 0u);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 100'000; ++i) seen.insert(Mix(i));
  EXPECT_EQ(seen.size(), 100'000u);
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_GE(std::popcount(Mix(12345) ^ Mix(12345 ^ std::uint64_t{1} << bit)), 12) << bit;
  }
}

TEST(Key, RandomSecretsAreLongAndDiffer) {
  const auto a = Key::RandomSecret(), b = Key::RandomSecret();
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->size(), 32u);
  EXPECT_NE(*a, *b);
}

}  // namespace
}  // namespace distillwatch::text
