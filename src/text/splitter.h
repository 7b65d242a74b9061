// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Splitter: walks over text once and hands every unit (a word, or a character of a script without
// spaces), folded, to a sink
//   bool operator()(const char* unit, std::size_t size, bool unspaced)
//   bool Words(const char* folded, std::span<const std::uint16_t> edges)
//   bool Ideographs(const char* text, std::size_t n)
// until it answers false. The second form takes many words of ASCII at once, which lie in `folded`
// from edges[0] to edges[1], from edges[2] to edges[3], and so on; they may be longer than a unit
// may be. Of every unit and word 16 bytes are readable, however short it is. The third form takes n
// unspaced characters of kIdeographBytes each; a byte behind the last one is readable.
//
// Words between ASCII separators and the common Chinese characters take fast roads; all else goes
// character by character.
// Tested by  tests/text/shingler_oracle_test.cc    Measured by  benchmarks/kernels_bench.cc

#ifndef DISTILLWATCH_SRC_TEXT_SPLITTER_H_
#define DISTILLWATCH_SRC_TEXT_SPLITTER_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "distillwatch/shingler.h"
#include "simd/kernels.h"
#include "text/unicode.h"

namespace distillwatch::text {

// What Splitter works in.
struct SplitBuffers {
  // Text is folded in pieces of so many bytes, which stay in the nearest cache.
  static constexpr std::size_t kPieceBytes = 2048;

  // One word that is not all ASCII, and the 16 bytes that Key::HashWord may read.
  std::array<char, Shingler::kMostWordBytes + 16> word{};
  std::array<char, kPieceBytes + 64> folded{};
  std::array<std::uint64_t, kPieceBytes / 64> words{};
  std::array<std::uint16_t, kPieceBytes + simd::kEdgesRoom> edges{};
};

inline constexpr std::size_t kIdeographBytes = 3;

template <typename Sink>
class Splitter {
 public:
  Splitter(SplitBuffers& buffers, Sink& sink) : buffers_(buffers), sink_(sink) {}

  // False when the sink had enough.
  bool Split(std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p < end && more_) {
      if (IsPlain(p, end)) p += SplitAscii(p, end);
      if (const std::size_t n = CountIdeographs(p, end); n > 0) {
        more_ = more_ && sink_.Ideographs(p, n);
        p += kIdeographBytes * n;
      }
      while (p < end && more_) {
        p = Read(p, end);
        if (size_ == 0) break;
      }
    }
    Flush();
    return more_;
  }

 private:
  // Whether it is worth to look for ASCII words here.
  static bool IsPlain(const char* p, const char* end) {
    if (end - p < 16) return false;
    std::uint64_t bytes;
    std::memcpy(&bytes, p, sizeof(bytes));
    return (bytes & 0x8080808080808080ULL) == 0;
  }

  // How many characters from U+4E00 to U+9FFF follow, which are unspaced and fold to themselves
  // [Splitter.IdeographsAreUnspacedAndFoldToThemselves]; one at the very end is not counted.
  static std::size_t CountIdeographs(const char* p, const char* end) {
    // Both as the bytes of UTF-8, the first in the highest bits.
    constexpr std::uint32_t kFirst = 0xe4b880, kLast = 0xe9bfbf;
    std::size_t n = 0;
    for (; end - p > static_cast<std::ptrdiff_t>(kIdeographBytes); p += kIdeographBytes, ++n) {
      const auto byte = [p](std::size_t i) {
        return std::uint32_t{static_cast<unsigned char>(p[i])};
      };
      const std::uint32_t bytes = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (bytes - kFirst > kLast - kFirst || (bytes & 0xc0c0) != 0x8080) break;
    }
    return n;
  }

  // Hands out the words that are surely complete and returns how many bytes they and their
  // separators take: up to the last separator before the first foreign byte or the end of the
  // piece.
  std::size_t SplitAscii(const char* p, const char* end) {
    const simd::Kernels& kernels = simd::Active();
    std::size_t all = 0;
    while (more_) {
      const std::size_t size =
          std::min(static_cast<std::size_t>(end - p), SplitBuffers::kPieceBytes);
      std::uint64_t* const words = buffers_.words.data();
      std::size_t read = kernels.fold_ascii(p, size, buffers_.folded.data(), words);
      if (p + read != end) read = AfterLastSeparator(words, read);
      const std::size_t edges = kernels.word_edges(words, read, buffers_.edges.data());
      if (edges > 0) more_ = sink_.Words(buffers_.folded.data(), {buffers_.edges.data(), edges});
      all += read;
      p += read;
      if (read == 0 || p == end) break;
    }
    return all;
  }

  static std::size_t AfterLastSeparator(const std::uint64_t* words, std::size_t n) {
    while (n > 0) {
      // The bits of n's block below n, moved to the top: a separator is a zero among them.
      const std::size_t bits = (n - 1) % 64 + 1;
      const std::uint64_t separators = ~words[(n - 1) / 64] << (64 - bits);
      const auto words_behind = static_cast<std::size_t>(std::countl_zero(separators));
      if (words_behind < bits) return n - words_behind;
      n -= bits;
    }
    return 0;
  }

  // Reads one character, or a broken byte, which separates; returns what is behind it.
  const char* Read(const char* p, const char* end) {
    const Decoded d = Decode(reinterpret_cast<const unsigned char*>(p),
                             reinterpret_cast<const unsigned char*>(end));
    std::uint32_t letters[3];
    const std::size_t n = DecomposeHangul(d.code_point, letters);
    for (std::size_t i = 0; i < n; ++i) Take(letters[i], CharClass::kWord);
    if (n > 0) return p + d.size;

    const Folded folded = Fold(d.code_point);
    if (folded.replacement.empty()) {
      Take(d.code_point, folded.char_class);
      return p + d.size;
    }
    const auto* r = reinterpret_cast<const unsigned char*>(folded.replacement.data());
    const auto* const r_end = r + folded.replacement.size();
    while (r < r_end) {
      const Decoded x = Decode(r, r_end);
      r += x.size;
      Take(x.code_point, Class(x.code_point));
    }
    return p + d.size;
  }

  void Take(std::uint32_t c, CharClass char_class) {
    switch (char_class) {
      case CharClass::kDropped:
        return;
      case CharClass::kSeparator:
        return Flush();
      case CharClass::kWord: {
        const Utf8 utf8 = ToUtf8(c);
        if (size_ + utf8.size > Shingler::kMostWordBytes) Flush();
        std::memcpy(&buffers_.word[size_], &utf8.bytes, sizeof(utf8.bytes));
        size_ += utf8.size;
        return;
      }
      case CharClass::kUnspaced:
        break;
    }
    Flush();
    const Utf8 utf8 = ToUtf8(c);
    // As two words of memory, which is how they are read again.
    const std::array<std::uint64_t, 2> bytes = {utf8.bytes, 0};
    more_ = more_ && sink_(reinterpret_cast<const char*>(bytes.data()), utf8.size, true);
  }

  void Flush() {
    if (size_ > 0) more_ = more_ && sink_(buffers_.word.data(), size_, false);
    size_ = 0;
  }

  SplitBuffers& buffers_;
  Sink& sink_;
  std::size_t size_ = 0;  // of the word in buffers_.word
  bool more_ = true;      // the sink wants more
};

template <typename Sink>
bool Split(std::string_view text, SplitBuffers& buffers, Sink& sink) {
  return Splitter<Sink>(buffers, sink).Split(text);
}

}  // namespace distillwatch::text

#endif  // DISTILLWATCH_SRC_TEXT_SPLITTER_H_
