// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "text/unicode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/text_oracle.h"

namespace distillwatch::text {
namespace {

Decoded DecodeAll(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  return Decode(p, p + bytes.size());
}

// Decode against the standard's table. Kept cheap: it is called for 17 million sequences.
void ExpectAsInTheTable(std::string_view bytes) {
  const std::size_t size = oracle::WellFormed(bytes);
  const Decoded got = DecodeAll(bytes);
  const bool right =
      size == 0 ? got.code_point == kBroken && got.size == 1
                : got.code_point == oracle::CodePoint(bytes.substr(0, size)) && got.size == size;
  if (right) return;
  ADD_FAILURE() << testing::PrintToString(std::string(bytes)) << " gave " << got.code_point << ", "
                << got.size;
}

TEST(DecodeOracle, EveryOneTwoAndThreeBytesAreAsInTheStandard) {
  for (int a = 0; a < 256; ++a) {
    char bytes[3] = {static_cast<char>(a), 0, 0};
    ExpectAsInTheTable({bytes, 1});
    for (int b = 0; b < 256; ++b) {
      bytes[1] = static_cast<char>(b);
      ExpectAsInTheTable({bytes, 2});
      for (int c = 0; c < 256; ++c) {
        bytes[2] = static_cast<char>(c);
        ExpectAsInTheTable({bytes, 3});
      }
    }
  }
}

TEST(DecodeOracle, FourBytesOfEveryKindAreAsInTheStandard) {
  const std::string kinds =
      "\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xfe"
      "\xff" +
      std::string(1, '\0');
  for (const char a : kinds) {
    for (const char b : kinds) {
      for (const char c : kinds) {
        for (const char d : kinds) ExpectAsInTheTable(std::string{a, b, c, d});
      }
    }
  }
}

TEST(Decode, OverlongSurrogateAndTooLargeFormsAreBrokenByteByByte) {
  for (const std::string_view bytes :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",  // overlong
        "\xed\xa0\x80", "\xed\xbf\xbf",                              // surrogates
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xff", "\x80"}) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ(DecodeAll(bytes.substr(i)).code_point, kBroken);
      EXPECT_EQ(DecodeAll(bytes.substr(i)).size, 1u);
    }
  }
}

TEST(Encode, IsUndoneByDecodeForEveryCharacter) {
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string bytes = oracle::Utf8(c);
    ASSERT_EQ(oracle::WellFormed(bytes), bytes.size()) << c;
    ASSERT_EQ(oracle::CodePoint(bytes), c);
    const Utf8 utf8 = ToUtf8(c);
    ASSERT_EQ(utf8.size, bytes.size());
    ASSERT_EQ(utf8.size == 4 || utf8.bytes >> 8 * utf8.size == 0, true);
  }
}

TEST(DecomposeHangul, UndoesTheStandardsComposition) {
  for (std::uint32_t lead = 0; lead < 19; ++lead) {
    for (std::uint32_t vowel = 0; vowel < 21; ++vowel) {
      for (std::uint32_t trail = 0; trail < 28; ++trail) {
        std::uint32_t letters[3] = {};
        const std::size_t n = DecomposeHangul(0xac00 + (lead * 21 + vowel) * 28 + trail, letters);
        ASSERT_EQ(n, trail == 0 ? 2u : 3u);
        ASSERT_EQ(letters[0], 0x1100 + lead);
        ASSERT_EQ(letters[1], 0x1161 + vowel);
        ASSERT_TRUE(trail == 0 || letters[2] == 0x11a7 + trail);
      }
    }
  }
  std::uint32_t letters[3];
  for (const std::uint32_t c : {0x41u, 0xabffu, 0xd7a4u, 0x1100u, 0x10ffffu})
    EXPECT_EQ(DecomposeHangul(c, letters), 0u);
  for (std::uint32_t c = 0x1100; c < 0x11c3; ++c) {
    if (Fold(c).char_class == CharClass::kDropped) continue;  // the two fillers
    EXPECT_TRUE(Fold(c).replacement.empty()) << c;
    EXPECT_EQ(Fold(c).char_class, CharClass::kWord) << c;
  }
}

TEST(Fold, IsFinalForEveryCharacter) {
  for (std::uint32_t c = 0x80; c <= 0x10ffff; ++c) {
    const Folded folded = Fold(c);
    if (folded.replacement.empty()) {
      ASSERT_EQ(folded.char_class, Class(c)) << c;
      continue;
    }
    ASSERT_LE(folded.replacement.size(), 33u) << c;
    std::string_view left = folded.replacement;
    while (!left.empty()) {
      const std::size_t size = oracle::WellFormed(left);
      ASSERT_GT(size, 0u) << c;
      const std::uint32_t x = oracle::CodePoint(left.substr(0, size));
      left.remove_prefix(size);
      if (x < 0x80) {
        ASSERT_TRUE(x == ' ' || (x >= 'a' && x <= 'z') || (x >= '0' && x <= '9')) << c;
        continue;
      }
      ASSERT_TRUE(Fold(x).replacement.empty()) << c << " folds to " << x << ", which folds again";
      ASSERT_NE(Class(x), CharClass::kSeparator) << c;
    }
  }
}

TEST(Fold, KnowsAsciiToo) {
  for (std::uint32_t c = 0; c < 0x80; ++c) {
    const bool lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9',
               upper = c >= 'A' && c <= 'Z';
    const Folded folded = Fold(c);
    EXPECT_EQ(folded.char_class, lower || digit || upper ? CharClass::kWord : CharClass::kSeparator)
        << c;
    EXPECT_EQ(folded.replacement, upper ? std::string(1, static_cast<char>(c + 32)) : std::string())
        << c;
  }
}

TEST(Fold, ClassesCharactersByTheirPartInText) {
  const std::pair<std::uint32_t, CharClass> known[] = {
      {0x20, CharClass::kSeparator},
      {0xa0, CharClass::kSeparator},  // no-break space
      {0x2014, CharClass::kSeparator},
      {0x3002, CharClass::kSeparator},  // dash, ideographic full stop
      {0x1f600, CharClass::kSeparator},
      {0xe000, CharClass::kSeparator},  // emoji, private use
      {0x200b, CharClass::kDropped},
      {0x200d, CharClass::kDropped},  // zero-width space and joiner
      {0xad, CharClass::kDropped},
      {0xfeff, CharClass::kDropped},  // soft hyphen, byte order mark
      {0x301, CharClass::kDropped},
      {0xfe0f, CharClass::kDropped},  // acute accent, variation selector
      {0xe0041, CharClass::kDropped},
      {0x202e, CharClass::kDropped},  // tag, right-to-left override
      {0x431, CharClass::kWord},
      {0x939, CharClass::kWord},  // Cyrillic be, Devanagari ha
      {0x663, CharClass::kWord},
      {0x10d0, CharClass::kWord},  // Arabic three, Georgian an
      {0x4e2d, CharClass::kUnspaced},
      {0x20000, CharClass::kUnspaced},  // Han
      {0x3042, CharClass::kUnspaced},
      {0x30fc, CharClass::kUnspaced},  // kana, its long mark
      {0xe01, CharClass::kUnspaced},
      {0x1780, CharClass::kUnspaced},  // Thai, Khmer
      {0x1000, CharClass::kUnspaced},
      {0xe81, CharClass::kUnspaced},  // Burmese, Lao
      {0x3fffd, CharClass::kUnspaced},
      {0x10ffff, CharClass::kSeparator},
      {kBroken, CharClass::kSeparator},
  };
  for (const auto& [c, char_class] : known) EXPECT_EQ(Class(c), char_class) << std::hex << c;
}

TEST(Splitter, IdeographsAreUnspacedAndFoldToThemselves) {
  for (std::uint32_t c = 0x4e00; c <= 0x9fff; ++c) {
    EXPECT_EQ(Class(c), CharClass::kUnspaced) << std::hex << c;
    EXPECT_TRUE(Fold(c).replacement.empty()) << std::hex << c;
  }
}

}  // namespace
}  // namespace distillwatch::text
