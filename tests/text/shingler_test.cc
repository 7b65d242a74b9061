// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What a user may rely on: which texts are the same to the library, and which are not.
// shingler_oracle_test.cc compares every hash with its definition.

#include "distillwatch/shingler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "distillwatch/minhash.h"
#include "support/alloc_guard.h"
#include "support/random_inputs.h"
#include "support/text_oracle.h"

namespace distillwatch {
namespace {

using support::Random;

constexpr std::string_view kKey = "sixteen bytes ok";

Shingler Make(std::size_t max_prompt_bytes = 65536, std::string_view key = kKey) {
  return *Shingler::Create(key, max_prompt_bytes);
}

std::string Normalise(std::string_view text) {
  return Make().Normalise(text);
}

// Everything that Extract says, owned.
struct Features {
  std::vector<std::uint64_t> shingles, terms;
  std::uint32_t units = 0;
  bool truncated = false;
  friend bool operator==(const Features&, const Features&) = default;
};
Features Extract(const Shingler& shingler, std::string_view text) {
  TextScratch scratch(shingler.max_prompt_bytes());
  const TextFeatures f = shingler.Extract(text, scratch);
  return {{f.shingles.begin(), f.shingles.end()},
          {f.terms.begin(), f.terms.end()},
          f.units,
          f.truncated};
}

TEST(Shingler, LowerCasesWordsAndDropsEverythingBetweenThem) {
  EXPECT_EQ(Normalise("Hello,  WORLD! 42 times\n\tfoo_bar"), "hello world 42 times foo bar");
  EXPECT_EQ(Normalise(""), "");
  EXPECT_EQ(Normalise(" .,;!?\n\r\t"), "");
  EXPECT_EQ(Normalise(std::string_view("nul\0inside", 10)), "nul inside");
}

TEST(Shingler, FoldsCompatibilityFormsAndAccents) {
  EXPECT_EQ(Normalise("ｆｕｌｌ ｗｉｄｔｈ"), "full width");
  EXPECT_EQ(Normalise("ﬁne Straße Œuvre Ⅷ x²"), "fine strasse œuvre viii x2");
  EXPECT_EQ(Normalise("naïve Ångström Ño İstanbul Tiếng Việt"),
            "naive angstrom no istanbul tieng viet");
  EXPECT_EQ(Normalise("𝐛𝐨𝐥𝐝 𝓈𝒸𝓇𝒾𝓅𝓉 ⓒⓘⓡⓒⓛⓔ"), "bold script circle");
  EXPECT_EQ(Normalise("½ ㎏"), "1 2 kg");
}

TEST(Shingler, FoldsLookAlikesOfLatinLettersInEitherCase) {
  // Cyrillic letters in a Latin word, small and capital.
  EXPECT_EQ(Normalise("\u0440\u0430\u0443\u0440\u0430l"), "paypal");
  EXPECT_EQ(Normalise("\u041d\u0415LL\u041e"), "hello");
  EXPECT_EQ(Normalise("\u041c\u0412\u0422\u041a"), "mbtk");
  EXPECT_EQ(Normalise("\u043c\u0432\u0442\u043a"), "mbtk");
  // Greek ones.
  EXPECT_EQ(Normalise("\u03bf\u03a1\u0395\u039d"), Normalise("\u039f\u03c1\u03b5\u03bd"));
  EXPECT_EQ(Normalise("m\u03bfd\u03b5l"), "model");
  // ASCII never takes part: a zero is not an o, a one no l.
  EXPECT_EQ(Normalise("0o 1l"), "0o 1l");
}

TEST(Fold, EquivalentFormsBecomeOne) {
  // Composed and decomposed; make_fold_table.py checks every character in all four normal forms.
  const std::pair<std::string_view, std::string_view> equivalent[] = {
      {"caf\u00e9", "cafe\u0301"},                               // Latin
      {"\u0439", "\u0438\u0306"},                                // Cyrillic short i
      {"\u1fb3", "\u03b1\u0345"},                                // Greek iota below
      {"\u0622", "\u0627\u0653"},                                // Arabic alef with madda
      {"\u05e9\u05c1", "\ufb2a"},                                // Hebrew shin with its dot
      {"\u30ac", "\u30ab\u3099"},                                // Katakana ga
      {"\uff76\uff9e", "\u30ac"},                                // the same, half width
      {"\ud55c\uad6d", "\u1112\u1161\u11ab\u1100\u116e\u11a8"},  // Hangul
      {"\u0929", "\u0928\u093c"},                                // Devanagari
      {"\u0e33", "\u0e4d\u0e32"},                                // Thai am
      {"\uf900", "\u8c48"},                                      // a Han compatibility form
      {"\U0002f800", "\u4e3d"},                                  // another, beyond the basic plane
  };
  for (const auto& [a, b] : equivalent) {
    EXPECT_EQ(Normalise(a), Normalise(b));
    EXPECT_NE(Normalise(a), "");
  }
}

TEST(Shingler, DropsWhatCannotBeSeen) {
  for (const std::string_view invisible : {"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff",
                                           "\u00ad", "\u202e", "\ufe0f", "\u0301", "\U000e0041"}) {
    const std::string text =
        "one w" + std::string(invisible) + "ord" + std::string(invisible) + " two";
    EXPECT_EQ(Normalise(text), "one word two");
  }
}

TEST(Shingler, CutsUnspacedScriptsIntoCharacters) {
  EXPECT_EQ(Normalise("中文，abc日本"), "中 文 abc 日 本");
  EXPECT_EQ(Normalise("カード"), "カ ー ト");
  EXPECT_EQ(Normalise("ไทย ລາວ"), "ไ ท ย ລ າ ວ");
  EXPECT_EQ(Normalise("ខ្មែរ"), "ខ ្ ម ែ រ");
  EXPECT_EQ(Normalise("한국어 조선"),
            Normalise("한국어") + " " + Normalise("조선"));  // Hangul has spaces
}

TEST(Shingler, ABrokenByteSeparates) {
  EXPECT_EQ(Normalise("one\xfftwo\xc3 three\xe2\x82"), "one two three");
  EXPECT_EQ(Normalise("\xed\xa0\x80x\xc0\x80y"), "x y");
}

TEST(Shingler, LongRunsOfLettersAreCutIntoWords) {
  const std::string ascii(600, 'a');
  EXPECT_EQ(Normalise(ascii),
            ascii.substr(0, 256) + " " + ascii.substr(0, 256) + " " + ascii.substr(0, 88));
  std::string cyrillic;
  for (int i = 0; i < 300; ++i) cyrillic += "\u0431";
  EXPECT_EQ(Normalise(cyrillic),
            cyrillic.substr(0, 256) + " " + cyrillic.substr(0, 256) + " " + cyrillic.substr(0, 88));
  EXPECT_EQ(Extract(Make(), ascii).units, 3u);
}

// A text is the same text under changes that a reader does not see.
class Disguise : public testing::TestWithParam<std::string (*)(std::string_view, Random&)> {};

std::string Shouted(std::string_view text, Random& random) {
  std::string out(text);
  for (char& c : out) {
    if (random.Chance(0.5) && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}
std::string Respaced(std::string_view text, Random& random) {
  std::string out = " \n";
  for (const char c : text) {
    out += c;
    if (c == ' ')
      out += random.Choose<std::string_view>(
          {"", "  ", "\t\r\n", "\u00a0", " \u2014 ", ", ", "\u3000"});
  }
  return out + "...";
}
std::string WithZeroWidth(std::string_view text, Random& random) {
  std::string out;
  for (const char c : text) {
    if (random.Chance(0.2))
      out += random.Choose<std::string_view>({"\u200b", "\u00ad", "\u200d", "\ufeff", "\u0301"});
    out += c;
  }
  return out;
}
std::string FullWidth(std::string_view text, Random& random) {
  std::string out;
  for (const char c : text) {
    const bool letter = c >= '0' && c != ' ';
    out += letter && random.Chance(0.3) ? oracle::Utf8(0xfee0u + static_cast<unsigned char>(c))
                                        : std::string(1, c);
  }
  return out;
}
std::string LookAlike(std::string_view text, Random& random) {
  std::string out;
  for (const char c : text) {
    const bool swap = random.Chance(0.5);
    out += swap && c == 'a'   ? "\u0430"
           : swap && c == 'e' ? "\u0435"
           : swap && c == 'o' ? (random.Chance(0.5) ? "\u043e" : "\u03bf")
           : swap && c == 'p' ? "\u0440"
           : swap && c == 'h' ? "\u041d"
                              : std::string(1, c);
  }
  return out;
}
INSTANTIATE_TEST_SUITE_P(Shingler, Disguise,
                         testing::Values(Shouted, Respaced, WithZeroWidth, FullWidth, LookAlike));

TEST_P(Disguise, ChangesNoHash) {
  Random random(1);
  const Shingler shingler = Make();
  for (int i = 0; i < 100; ++i) {
    const std::string text = support::EnglishLike(20 + random.Below(3000), random);
    ASSERT_EQ(Extract(shingler, GetParam()(text, random)), Extract(shingler, text)) << text;
  }
}

TEST(Shingler, NormalisingTwiceChangesNothing) {
  Random random(2);
  const Shingler shingler = Make();
  for (std::uint32_t c = 0; c < 0x30000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const std::string once = shingler.Normalise("a" + oracle::Utf8(c) + oracle::Utf8(c) + "b");
    ASSERT_EQ(shingler.Normalise(once), once) << c;
  }
  for (int i = 0; i < 300; ++i) {
    const std::string once = shingler.Normalise(support::RandomBytes(random.Below(4000), random));
    ASSERT_EQ(shingler.Normalise(once), once);
  }
}

TEST(Shingler, AnotherKeyChangesEveryHash) {
  Random random(3);
  const std::string text = support::EnglishLike(1000, random);
  const Features a = Extract(Make(), text), b = Extract(Make(65536, "sixteen bytes oK"), text);
  ASSERT_EQ(a.shingles.size(), b.shingles.size());
  std::vector<std::uint64_t> common;
  for (auto [x, y] : {std::pair(a.shingles, b.shingles), std::pair(a.terms, b.terms)}) {
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(common));
  }
  EXPECT_TRUE(common.empty());
  EXPECT_NE(Make().key_id(), Make(65536, "sixteen bytes oK").key_id());
  EXPECT_NE(Make().HashName("ip", "1"), Make(65536, "sixteen bytes oK").HashName("ip", "1"));
  EXPECT_NE(Make().HashPrefix("text", 4), Make(65536, "sixteen bytes oK").HashPrefix("text", 4));
}

TEST(Shingler, RefusesWhatItCannotWorkWithByName) {
  EXPECT_EQ(Shingler::Create("too short").status().message(),
            "key has 9 bytes; allowed: at least 16");
  EXPECT_EQ(Shingler::Create(kKey, 255).status().message(),
            "max_prompt_bytes is 255; allowed: 256 to 16777216");
  EXPECT_EQ(Shingler::Create(kKey, (1 << 24) + 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Shingler::Create(kKey, 256).ok());
  EXPECT_TRUE(Shingler::Create(kKey, 1 << 24).ok());
}

TEST(Shingler, ATextOfOneOrTwoWordsIsOneShingle) {
  const Shingler shingler = Make();
  EXPECT_EQ(Extract(shingler, "").shingles.size(), 0u);
  EXPECT_EQ(Extract(shingler, "one").shingles.size(), 1u);
  EXPECT_EQ(Extract(shingler, "one two").shingles.size(), 1u);
  EXPECT_EQ(Extract(shingler, "one two three").shingles.size(), 1u);
  EXPECT_EQ(Extract(shingler, "one two three four").shingles.size(), 2u);
  EXPECT_NE(Extract(shingler, "one two").shingles, Extract(shingler, "two one").shingles);
  EXPECT_NE(Extract(shingler, "one two three").shingles,
            Extract(shingler, "three two one").shingles);
}

TEST(Shingler, AnyBytesAreText) {
  Random random(4);
  const Shingler shingler = Make(1024);
  TextScratch scratch(1024);
  for (int i = 0; i < 3000; ++i) {
    const TextFeatures f =
        shingler.Extract(support::RandomBytes(random.Below(3000), random), scratch);
    ASSERT_LE(f.shingles.size(), std::max<std::size_t>(f.units, 1));
    ASSERT_LE(f.terms.size(), Shingler::kMaxTerms);
  }
}

TEST(Shingler, ASmallerScratchIsFilledAndNotOverrun) {
  Random random(5);
  TextScratch scratch(16);
  const std::string text = support::EnglishLike(5000, random);
  const TextFeatures f = Make().Extract(text, scratch);
  EXPECT_EQ(f.units, 10u);
  EXPECT_TRUE(f.truncated);
}

TEST(Shingler, AnEqualPrefixHasAnEqualHashAndALongerOneHasNot) {
  Random random(6);
  const Shingler shingler = Make();
  const std::string text = support::EnglishLike(20'000, random);
  for (const std::size_t size : {0, 1, 16, 100, 4095, 4096, 4097, 6144, 12'000, 20'000}) {
    const std::uint64_t hash = shingler.HashPrefix(text, size);
    EXPECT_EQ(shingler.HashPrefix(text.substr(0, size) + "something else", size), hash) << size;
    if (size == 0) continue;
    EXPECT_NE(shingler.HashPrefix(text, size - 1), hash) << size;
    for (const std::size_t at : {std::size_t{0}, size / 3, size - 1}) {
      if (size > 4096 && at == size / 3) continue;  // between the samples
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ 1);
      EXPECT_NE(shingler.HashPrefix(other, size), hash) << size << " at " << at;
    }
  }
  EXPECT_EQ(shingler.HashPrefix(text, text.size() + 100), shingler.HashPrefix(text, text.size()));
}

TEST(Shingler, NoLongStretchOfAPrefixEscapesItsHash) {
  Random random(8);
  const Shingler shingler = Make();
  const std::string text = support::EnglishLike(20'000, random);
  const std::uint64_t hash = shingler.HashPrefix(text, text.size());
  for (std::size_t at = 0; at + 640 <= text.size(); at += 97) {
    std::string other = text;
    other.replace(at, 640, 640, '#');
    EXPECT_NE(shingler.HashPrefix(other, other.size()), hash) << at;
  }
}

TEST(ShinglerAlloc, ExtractIsFreeOnceScratchIsMade) {
  Random random(7);
  const Shingler shingler = Make(4096);
  TextScratch scratch(4096);
  const std::vector<std::string> texts = {support::EnglishLike(100, random),
                                          support::EnglishLike(20'000, random),
                                          support::UnspacedText(3000, random),
                                          support::CodeLike(2000, random),
                                          support::RandomBytes(5000, random),
                                          std::string(3000, 'a'),
                                          ""};
  const support::AllocGuard guard;
  std::size_t units = 0;
  for (const std::string& text : texts) {
    units += shingler.Extract(text, scratch).units;
    (void)shingler.HashPrefix(text, text.size());
    (void)shingler.HashName("name", text);
  }
  EXPECT_EQ(guard.count(), 0u);
  EXPECT_GT(units, 1000u);
}

}  // namespace
}  // namespace distillwatch
