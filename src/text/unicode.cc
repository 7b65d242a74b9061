// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "text/unicode.h"

#include <cstring>

namespace distillwatch::text {
namespace {

#include "text/fold_table.inc"

// The values of kFoldEntry below the first replacement, as make_fold_table.py writes them.
constexpr std::uint16_t kEntrySeparator = 0, kEntryDrop = 1, kEntryKeep = 2, kEntryUnspaced = 3,
                        kEntryFirst = 4;

std::uint16_t Entry(std::uint32_t c) noexcept {
  if (c < kFoldEnd) return kFoldEntry[kFoldPageIndex[c / kFoldPage] * kFoldPage + c % kFoldPage];
  if (c < 0x40000) return kEntryUnspaced;              // the rest of planes 2 and 3: ideographs
  if (c >= 0xe0000 && c < 0xe1000) return kEntryDrop;  // tags, variation selectors
  return kEntrySeparator;
}

bool Continues(unsigned char c) noexcept {
  return (c & 0xc0) == 0x80;
}

}  // namespace

Folded Fold(std::uint32_t code_point) noexcept {
  const std::uint16_t entry = Entry(code_point);
  switch (entry) {
    case kEntrySeparator:
      return {CharClass::kSeparator, {}};
    case kEntryDrop:
      return {CharClass::kDropped, {}};
    case kEntryKeep:
      return {CharClass::kWord, {}};
    case kEntryUnspaced:
      return {CharClass::kUnspaced, {}};
    default:
      break;
  }
  const std::size_t begin = kFoldOffset[entry - kEntryFirst];
  const std::size_t end = kFoldOffset[entry - kEntryFirst + 1];
  return {CharClass::kWord, {reinterpret_cast<const char*>(kFoldText) + begin, end - begin}};
}

CharClass Class(std::uint32_t code_point) noexcept {
  const std::uint16_t entry = Entry(code_point);
  if (entry == kEntrySeparator) return CharClass::kSeparator;
  if (entry == kEntryUnspaced) return CharClass::kUnspaced;
  return entry == kEntryDrop ? CharClass::kDropped : CharClass::kWord;
}

Decoded Decode(const unsigned char* p, const unsigned char* end) noexcept {
  const std::uint32_t c = *p;
  const auto left = static_cast<std::size_t>(end - p);
  if (c < 0x80) return {c, 1};
  if (c >= 0xc2 && c < 0xe0 && left >= 2 && Continues(p[1])) {
    return {(c & 0x1f) << 6 | (p[1] & 0x3fu), 2};
  }
  if (c >= 0xe0 && c < 0xf0 && left >= 3 && Continues(p[1]) && Continues(p[2])) {
    const std::uint32_t x = (c & 0x0f) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    if (x >= 0x800 && (x < 0xd800 || x > 0xdfff)) return {x, 3};
  }
  if (c >= 0xf0 && c < 0xf5 && left >= 4 && Continues(p[1]) && Continues(p[2]) && Continues(p[3])) {
    const std::uint32_t x =
        (c & 0x07) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    if (x >= 0x10000 && x <= 0x10ffff) return {x, 4};
  }
  return {kBroken, 1};
}

std::size_t DecomposeHangul(std::uint32_t c, std::uint32_t jamo[3]) noexcept {
  // The Unicode standard, section 3.12: 19 leading consonants, 21 vowels, 27 trailing consonants or
  // none.
  constexpr std::uint32_t kFirst = 0xac00, kLast = 0xd7a3, kVowels = 21, kTrails = 28;
  if (c < kFirst || c > kLast) return 0;
  const std::uint32_t index = c - kFirst, trail = index % kTrails;
  jamo[0] = 0x1100 + index / kTrails / kVowels;
  jamo[1] = 0x1161 + index / kTrails % kVowels;
  jamo[2] = 0x11a7 + trail;
  return trail == 0 ? 2 : 3;
}

Utf8 ToUtf8(std::uint32_t c) noexcept {
  // The last six bits but 6 n, as a continuing byte.
  const auto continuing = [c](int n) { return 0x80 | (c >> 6 * n & 0x3f); };
  if (c < 0x80) return {c, 1};
  if (c < 0x800) return {(0xc0 | c >> 6) | continuing(0) << 8, 2};
  if (c < 0x10000) return {(0xe0 | c >> 12) | continuing(1) << 8 | continuing(0) << 16, 3};
  return {(0xf0 | c >> 18) | continuing(2) << 8 | continuing(1) << 16 | continuing(0) << 24, 4};
}

std::size_t Encode(std::uint32_t code_point, char* out) noexcept {
  const Utf8 utf8 = ToUtf8(code_point);
  std::memcpy(out, &utf8.bytes, sizeof(utf8.bytes));
  return utf8.size;
}

}  // namespace distillwatch::text
