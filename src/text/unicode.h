// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What a Unicode character is to the tokeniser, and UTF-8 decoding that is total on any bytes.
// Tested by  tests/text/unicode_test.cc

#ifndef DISTILLWATCH_SRC_TEXT_UNICODE_H_
#define DISTILLWATCH_SRC_TEXT_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace distillwatch::text {

enum class CharClass : std::uint8_t {
  kSeparator,  // white space, punctuation, symbols, broken bytes
  kDropped,    // zero-width and format characters, combining accents: as if not there
  kWord,       // letters, digits and marks of scripts that put spaces between words
  kUnspaced,   // Han, kana, Thai, Lao, Khmer, Burmese, ...: every character is a unit
};

struct Folded {
  CharClass char_class;
  // UTF-8 that replaces the character; empty when it stays itself. Characters of a replacement are
  // final: they are classed by Class, never folded again.
  std::string_view replacement;
};

// Folds case, compatibility forms, accents and look-alike letters, so that canonically equivalent
// texts become one [Fold.EquivalentFormsBecomeOne]; rules in make_fold_table.py. Hangul
// syllables stay.
Folded Fold(std::uint32_t code_point) noexcept;

// The class of a character that folding produced.
CharClass Class(std::uint32_t code_point) noexcept;

// A Hangul syllable as the two or three letters that it is equivalent to; these stay as they are
// when folded. Returns how many, 0 for any other character.
std::size_t DecomposeHangul(std::uint32_t code_point, std::uint32_t letters[3]) noexcept;

struct Decoded {
  std::uint32_t code_point;
  std::uint32_t size;  // bytes read, at least 1
};

inline constexpr std::uint32_t kBroken = 0xffffffff;  // a byte that is not UTF-8; a separator

// Reads one character of [p, end), p < end. Overlong forms, surrogates and values past U+10FFFF are
// broken bytes, one at a time.
Decoded Decode(const unsigned char* p, const unsigned char* end) noexcept;

// A character in UTF-8: the first of its bytes is the lowest of `bytes`, those beyond `size` are 0.
struct Utf8 {
  std::uint32_t bytes;
  std::uint32_t size;
};
Utf8 ToUtf8(std::uint32_t code_point) noexcept;

// Writes at most 4 bytes; returns how many are the character's.
std::size_t Encode(std::uint32_t code_point, char* out) noexcept;

}  // namespace distillwatch::text

#endif  // DISTILLWATCH_SRC_TEXT_UNICODE_H_
