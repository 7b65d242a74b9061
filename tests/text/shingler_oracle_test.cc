// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "distillwatch/minhash.h"
#include "distillwatch/shingler.h"
#include "support/oracle.h"
#include "support/random_inputs.h"
#include "support/text_oracle.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::string_view kSecret = "sixteen bytes ok";

// Words of many scripts, look-alikes, separators, things to drop and broken bytes, in any order:
// every way from the fast road to the slow one and back.
std::string Medley(std::size_t pieces, Random& random) {
  static const std::vector<std::string> kPieces = {" ",
                                                   " ",
                                                   " ",
                                                   "  ",
                                                   "\n",
                                                   ". ",
                                                   ", ",
                                                   "-",
                                                   "_",
                                                   "word",
                                                   "Word",
                                                   "A",
                                                   "x1",
                                                   "supercalifragilistic",
                                                   "internationally",
                                                   "sixteen0letters0",
                                                   "seventeen0letters",
                                                   "\u00e9t\u00e9",
                                                   "na\u00efve",
                                                   "\u043f\u0440\u0438\u0432\u0435\u0442",
                                                   "\u4e2d",
                                                   "\u6587",
                                                   "\u30ab\u30fc\u30c8\u3099",
                                                   "\u0e44\u0e17\u0e22",
                                                   "\ud55c\uad6d\uc5b4",
                                                   "\u200b",
                                                   "\u00ad",
                                                   "\u0301",
                                                   "\ufdfa",
                                                   "\u3316",
                                                   "\u00bd",
                                                   "\U0001f600",
                                                   "\u3002",
                                                   "\xff",
                                                   "\xc3",
                                                   "\xe2\x82",
                                                   "\xf0\x9f",
                                                   "\xed\xa0\x80",
                                                   std::string(1, '\0'),
                                                   "\u00df"};
  std::string out;
  for (std::size_t i = 0; i < pieces; ++i) {
    out += random.Choose(kPieces);
    if (random.Chance(0.02)) out += std::string(random.Below(600), 'q');
    if (random.Chance(0.05)) out += support::EnglishLike(random.Below(300), random);
  }
  return out;
}

// One text of each kind, of many lengths around the borders of 16, 64 and 2048 bytes.
std::vector<std::string> Texts(Random& random) {
  std::vector<std::string> texts = {
      "", "a", "a b", "a b c", "\u4e2d", "\u4e2d\u6587", "\u4e2d a \u6587", "\u4e2d\u6587 a"};
  for (std::size_t bytes = 0; bytes < 140; ++bytes)
    texts.push_back(support::EnglishLike(bytes, random));
  for (const std::size_t border : {2048u, 4096u}) {
    for (std::size_t bytes = border - 70; bytes < border + 70; bytes += 7)
      texts.push_back(support::EnglishLike(bytes, random));
  }
  for (int i = 0; i < 150; ++i) {
    texts.push_back(Medley(random.Below(400), random));
    texts.push_back(support::CodeLike(random.Below(3000), random));
    texts.push_back(support::UnspacedText(random.Below(3000), random));
    texts.push_back(support::RandomBytes(random.Below(1000), random));
  }
  texts.push_back(std::string(5000, 'x'));
  texts.push_back(std::string(2047, ' ') + "straddles");
  texts.push_back(std::string(2040, ' ') + "straddles" + std::string(2048, 'y') + "\u00e9");
  return texts;
}

TEST(ShinglerOracle, NormalisesByDefinition) {
  Random random(1);
  const Shingler shingler = *Shingler::Create(kSecret);
  for (const std::string& text : Texts(random)) {
    ASSERT_EQ(shingler.Normalise(text), oracle::Normalise(text)) << testing::PrintToString(text);
  }
}

TEST(ShinglerOracle, ShinglesAndTermsAreTheDefinedOnes) {
  Random random(2);
  const Shingler shingler = *Shingler::Create(kSecret);
  const text::Key key = *text::Key::FromSecret(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  for (const std::string& text : Texts(random)) {
    const auto units = oracle::UnitHashes(key, text);
    const auto shingles = oracle::Shingles(units);
    const auto terms = oracle::Terms(oracle::AllTerms(units));
    const TextFeatures got = shingler.Extract(text, scratch);
    ASSERT_EQ(got.units, units.size());
    ASSERT_TRUE(
        std::equal(got.shingles.begin(), got.shingles.end(), shingles.begin(), shingles.end()));
    ASSERT_EQ(std::set(got.terms.begin(), got.terms.end()), terms);
    ASSERT_EQ(got.terms.size(), terms.size());
    ASSERT_FALSE(got.truncated);
  }
}

// The order matters to sketches that forget.
// Runs of every length, between and before whatever ends them, also in the midst of a character.
TEST(ShinglerOracle, RunsOfIdeographsAreReadByDefinition) {
  const text::Key key = *text::Key::FromSecret(kSecret);
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  Random random(11);
  const std::vector<std::string> around = {"",
                                           "a",
                                           " ",
                                           "word ",
                                           "\u3002",
                                           "\u4dff",
                                           "\ua000",
                                           "\u3042",
                                           "\ufa10",
                                           "\xe4",
                                           "\xe4\xb8",
                                           "\xe9\xbf",
                                           "\xff",
                                           "\xe5\xc0\x80",
                                           "\xe5\x80\x41",
                                           "\xe4\x80\x80",
                                           "\xe9\x80\xc0",
                                           "\u0301"};
  for (const std::string& before : around) {
    for (const std::string& behind : around) {
      for (std::size_t n = 0; n < 6; ++n) {
        std::string text = before;
        for (std::size_t i = 0; i < n; ++i)
          text += random.Choose(std::vector<std::string>{"\u4e00", "\u9fff", "\u6587", "\u5b57"});
        text += behind;
        // Behind its end there is nothing to read.
        const std::vector<char> exact(text.begin(), text.end());
        const std::string_view view(exact.data(), exact.size());
        ASSERT_EQ(shingler.Normalise(view), oracle::Normalise(text))
            << testing::PrintToString(text);
        const auto got = shingler.Extract(view, scratch);
        ASSERT_EQ(std::vector(got.shingles.begin(), got.shingles.end()),
                  oracle::Shingles(oracle::UnitHashes(key, text)))
            << testing::PrintToString(text);
      }
    }
  }
}

TEST(ShinglerOracle, TermsStandInTheOrderOfTheText) {
  Random random(5);
  const Shingler shingler = *Shingler::Create(kSecret);
  const text::Key key = *text::Key::FromSecret(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  for (const std::size_t bytes : {10u, 300u, 2000u, 30'000u}) {
    const std::string text = support::EnglishLike(bytes, random);
    const TextFeatures got = shingler.Extract(text, scratch);
    const std::set<std::uint64_t> sampled(got.terms.begin(), got.terms.end());
    std::vector<std::uint64_t> order;
    for (const std::uint64_t unit : oracle::UnitHashes(key, text)) {
      if (sampled.contains(unit) && std::find(order.begin(), order.end(), unit) == order.end())
        order.push_back(unit);
    }
    ASSERT_EQ(std::vector(got.terms.begin(), got.terms.end()), order) << bytes;
  }
}

TEST(ShinglerOracle, TermsAreTheFirstLevelThatFits) {
  Random random(3);
  const Shingler shingler = *Shingler::Create(kSecret);
  const text::Key key = *text::Key::FromSecret(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  for (const std::size_t different : {1, 10, 63, 64, 65, 66, 128, 129, 500, 3000}) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < different; ++i)
      words.push_back("w" + std::to_string(random.Bits() % 100'000'000));
    std::string text;
    for (const std::string& word : words) text += word + " " + random.Choose(words) + "\n";
    const auto all = oracle::AllTerms(oracle::UnitHashes(key, text));
    const TextFeatures got = shingler.Extract(text, scratch);
    EXPECT_EQ(std::set(got.terms.begin(), got.terms.end()), oracle::Terms(all)) << different;
    if (all.size() <= Shingler::kMaxTerms) {
      EXPECT_EQ(got.terms.size(), all.size());
    } else {
      EXPECT_GE(got.terms.size(), 16u) << different;
    }
  }
}

TEST(ShinglerOracle, TermsOfALongerTextAreThoseOfItsPartThatFit) {
  Random random(4);
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch part_scratch(65536), whole_scratch(65536);
  for (int i = 0; i < 50; ++i) {
    const std::string part = support::EnglishLike(2000, random);
    const TextFeatures of_part = shingler.Extract(part, part_scratch);
    const TextFeatures of_whole =
        shingler.Extract(part + " " + support::EnglishLike(10'000, random), whole_scratch);
    // The mask of the whole is at least as strict: what it lets through, the part's let through,
    // too.
    std::uint64_t mask = ~std::uint64_t{1};
    for (const std::uint64_t term : of_whole.terms) mask &= ~term;
    mask = ((std::uint64_t{1} << std::countr_one(mask >> 1)) - 1) << 1;
    for (const std::uint64_t term : of_part.terms) {
      if ((term & mask) != 0) continue;
      EXPECT_NE(std::find(of_whole.terms.begin(), of_whole.terms.end(), term),
                of_whole.terms.end());
    }
  }
}

TEST(ShinglerOracle, ALongTextIsItsHeadAndItsTail) {
  Random random(5);
  const Shingler shingler = *Shingler::Create(kSecret, 1024);
  const text::Key key = *text::Key::FromSecret(kSecret);
  TextScratch scratch(1024);
  for (int i = 0; i < 100; ++i) {
    std::string text = i % 2 == 0 ? support::EnglishLike(1025 + random.Below(5000), random)
                                  : support::UnspacedText(1030 + random.Below(5000), random);
    const auto head = oracle::UnitHashes(key, std::string_view(text).substr(0, 512));
    const auto tail = oracle::UnitHashes(key, std::string_view(text).substr(text.size() - 512));
    auto shingles = oracle::Shingles(head);
    for (const std::uint64_t s : oracle::Shingles(tail)) shingles.push_back(s);
    auto terms = oracle::AllTerms(head);
    terms.merge(oracle::AllTerms(tail));

    const TextFeatures got = shingler.Extract(text, scratch);
    EXPECT_TRUE(got.truncated);
    ASSERT_EQ(got.units, head.size() + tail.size());
    ASSERT_TRUE(
        std::equal(got.shingles.begin(), got.shingles.end(), shingles.begin(), shingles.end()));
    ASSERT_EQ(std::set(got.terms.begin(), got.terms.end()), oracle::Terms(terms));
    // What lies between them is not read.
    for (std::size_t at = 512; at < text.size() - 512; ++at) text[at] = 'z';
    const std::vector<std::uint64_t> before(got.shingles.begin(), got.shingles.end());
    const TextFeatures again = shingler.Extract(text, scratch);
    ASSERT_TRUE(
        std::equal(before.begin(), before.end(), again.shingles.begin(), again.shingles.end()));
  }
  EXPECT_FALSE(shingler.Extract(std::string(1024, 'a'), scratch).truncated);
  EXPECT_TRUE(shingler.Extract(std::string(1025, 'a'), scratch).truncated);
}

TEST(ShinglerOracle, MoreUnitsThanThereIsRoomForAreCounted) {
  // One character of three bytes that unfolds into seven units.
  std::string text;
  for (int i = 0; i < 300; ++i) text += "\u3316";
  const Shingler shingler = *Shingler::Create(kSecret, 1024);
  TextScratch scratch(1024);
  const TextFeatures got = shingler.Extract(text, scratch);
  EXPECT_TRUE(got.truncated);
  EXPECT_EQ(got.units, 1024u / 2 + 2);
  const auto units = oracle::UnitHashes(*text::Key::FromSecret(kSecret), text);
  const auto shingles = oracle::Shingles({units.begin(), units.begin() + 514});
  EXPECT_TRUE(
      std::equal(got.shingles.begin(), got.shingles.end(), shingles.begin(), shingles.end()));
}

// Texts that share a share of their shingles are as similar as the exact sets say. Signatures of
// 128 slots: standard error at most .045, allowed are 5; p_fail = 3e-5 for the 50 pairs.
TEST(ShinglerStat, SignaturesOfTextsEstimateTheJaccardIndexOfTheirShingles) {
  Random random(6);
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  for (int i = 0; i < 50; ++i) {
    const std::string common = support::EnglishLike(random.Below(2000), random);
    std::vector<std::uint64_t> shingles[2];
    MinHash signature[2];
    for (int side = 0; side < 2; ++side) {
      const TextFeatures f = shingler.Extract(
          common + " " + support::EnglishLike(random.Below(2000), random), scratch);
      shingles[side].assign(f.shingles.begin(), f.shingles.end());
      signature[side].Update(f.shingles);
    }
    EXPECT_NEAR(signature[0].Jaccard(signature[1]).value, oracle::Jaccard(shingles[0], shingles[1]),
                5 * 0.045);
  }
}

// Saved states hold these hashes: see KeyGolden.
TEST(ShinglerGolden, HashesOfVersionOne) {
  const Shingler shingler = *Shingler::Create(kSecret);
  TextScratch scratch(shingler.max_prompt_bytes());
  const std::string text =
      "One two, THREE four f\u00efve \u4e2d\u6587\u5b57 "
      "a-very-very-long-internationalisation-word " +
      std::string(300, 'b');
  const TextFeatures f = shingler.Extract(text, scratch);
  std::uint64_t shingles = 0, terms = 0;
  for (const std::uint64_t s : f.shingles) shingles = text::Mix(shingles + s);
  for (const std::uint64_t t : f.terms) terms = text::Mix(terms + t);
  EXPECT_EQ(f.units, 16u);
  EXPECT_EQ(shingles, 11150087566806244441u);
  EXPECT_EQ(terms, 1730721234370562331u);
  EXPECT_EQ(shingler.HashPrefix(text, text.size()), 4229693696484393910u);
  std::string squares;
  for (int i = 0; i < 5000; ++i) squares += static_cast<char>(i * i % 251);
  EXPECT_EQ(shingler.HashPrefix(squares, 5000), 8963343797183747006u);
  EXPECT_EQ(shingler.HashName("ip", "203.0.113.9"), 2147811824577220462u);
}

}  // namespace
}  // namespace distillwatch
