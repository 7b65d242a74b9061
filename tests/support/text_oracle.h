// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Text oracles: UTF-8 from the standard's table of well-formed sequences, and units, terms and
// shingles from their definitions, without any fast road. Folding of single characters and hashing
// are the library's own; they have tests of their own.

#ifndef DISTILLWATCH_TESTS_SUPPORT_TEXT_ORACLE_H_
#define DISTILLWATCH_TESTS_SUPPORT_TEXT_ORACLE_H_

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/shingler.h"
#include "text/key.h"
#include "text/unicode.h"

namespace distillwatch::oracle {

// The length of the well-formed sequence at the beginning of bytes, 0 when there is none.
// The Unicode standard, table 3-7.
inline std::size_t WellFormed(std::string_view bytes) {
  struct Row {
    unsigned char first, last;                // of the leading byte
    unsigned char second_first, second_last;  // of the second
    std::size_t size;
  };
  constexpr Row kRows[] = {
      {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
  const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (const Row& row : kRows) {
    if (byte(0) < row.first || byte(0) > row.last) continue;
    if (bytes.size() < row.size) return 0;
    if (row.size > 1 && (byte(1) < row.second_first || byte(1) > row.second_last)) return 0;
    for (std::size_t i = 2; i < row.size; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    }
    return row.size;
  }
  return 0;
}

inline std::uint32_t CodePoint(std::string_view sequence) {
  constexpr std::uint32_t kLeading[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t c = static_cast<unsigned char>(sequence[0]) & kLeading[sequence.size()];
  for (std::size_t i = 1; i < sequence.size(); ++i) {
    c = c * 64 + (static_cast<unsigned char>(sequence[i]) & 0x3fu);
  }
  return c;
}

inline std::string Utf8(std::uint32_t c) {
  char bytes[4];
  return std::string(bytes, text::Encode(c, bytes));
}

struct Unit {
  std::string bytes;
  bool unspaced = false;
};

// One character after the other through the folding table.
inline std::vector<Unit> Units(std::string_view text) {
  std::vector<Unit> units;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) units.push_back({word, false});
    word.clear();
  };
  const auto take = [&](std::uint32_t c, text::CharClass char_class) {
    if (char_class == text::CharClass::kDropped) return;
    if (char_class != text::CharClass::kWord) flush();
    if (char_class == text::CharClass::kUnspaced) units.push_back({Utf8(c), true});
    if (char_class != text::CharClass::kWord) return;
    if (word.size() + Utf8(c).size() > Shingler::kMostWordBytes) flush();
    word += Utf8(c);
  };
  while (!text.empty()) {
    const std::size_t size = WellFormed(text);
    if (size == 0) {
      flush();
      text.remove_prefix(1);
      continue;
    }
    const std::uint32_t c = CodePoint(text.substr(0, size));
    text.remove_prefix(size);
    std::uint32_t letters[3];
    const std::size_t hangul = text::DecomposeHangul(c, letters);
    for (std::size_t i = 0; i < hangul; ++i) take(letters[i], text::CharClass::kWord);
    if (hangul > 0) continue;
    const text::Folded folded = text::Fold(c);
    std::string_view replacement = folded.replacement;
    if (replacement.empty()) take(c, folded.char_class);
    while (!replacement.empty()) {
      const std::size_t n = WellFormed(replacement);
      const std::uint32_t x = CodePoint(replacement.substr(0, n));
      replacement.remove_prefix(n);
      take(x, text::Class(x));
    }
  }
  flush();
  return units;
}

inline std::string Normalise(std::string_view text) {
  std::string out;
  for (const Unit& unit : Units(text)) out += (out.empty() ? "" : " ") + unit.bytes;
  return out;
}

// Unit hashes of a text that is not truncated.
inline std::vector<std::uint64_t> UnitHashes(const text::Key& key, std::string_view text) {
  std::vector<std::uint64_t> hashes;
  for (Unit& unit : Units(text)) {
    const std::size_t size = unit.bytes.size();
    unit.bytes.resize(size + 16);
    hashes.push_back((key.HashWord(unit.bytes.data(), size) & ~std::uint64_t{1}) |
                     (unit.unspaced ? 1 : 0));
  }
  return hashes;
}

inline std::vector<std::uint64_t> Shingles(const std::vector<std::uint64_t>& units) {
  std::vector<std::uint64_t> shingles;
  const std::size_t n = units.size();
  if (n == 1) shingles.push_back(text::Mix(units[0]));
  if (n == 2) shingles.push_back(text::Mix(units[0] + std::rotl(units[1], 21)));
  for (std::size_t i = 2; i < n; ++i) {
    shingles.push_back(
        text::Mix(units[i - 2] + std::rotl(units[i - 1], 21) + std::rotl(units[i], 42)));
  }
  return shingles;
}

// Words, pairs of unspaced characters, and characters that stand alone.
inline std::set<std::uint64_t> AllTerms(const std::vector<std::uint64_t>& units) {
  std::set<std::uint64_t> terms;
  const auto unspaced = [&units](std::size_t i) { return i < units.size() && (units[i] & 1) != 0; };
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (unspaced(i) && unspaced(i + 1)) {
      terms.insert(text::Mix(units[i] + std::rotl(units[i + 1], 23)));
    } else if (!unspaced(i) || i == 0 || !unspaced(i - 1)) {
      terms.insert(units[i]);
    }
  }
  return terms;
}

// Those with the fewest zeros above the lowest bit that leave at most kMaxTerms.
inline std::set<std::uint64_t> Terms(std::set<std::uint64_t> terms) {
  for (std::uint64_t mask = 2; terms.size() > Shingler::kMaxTerms; mask |= mask << 1) {
    std::erase_if(terms, [mask](std::uint64_t term) { return (term & mask) != 0; });
  }
  return terms;
}

}  // namespace distillwatch::oracle

#endif  // DISTILLWATCH_TESTS_SUPPORT_TEXT_ORACLE_H_
