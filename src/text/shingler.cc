// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/shingler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "simd/kernels.h"
#include "text/key.h"
#include "text/unicode.h"

namespace distillwatch {
namespace {

using text::CharClass;

// A unit's hash says in its lowest bit whether the unit is a character of an unspaced script.
constexpr std::uint64_t kUnspacedBit = 1;

// Text is folded in pieces of so many bytes, which stay in the nearest cache.
constexpr std::size_t kPieceBytes = 2048;

// What Splitter works in.
struct SplitBuffers {
  // One word that is not all ASCII, and the 16 bytes that Key::HashWord may read.
  std::array<char, Shingler::kMostWordBytes + 16> word{};
  std::array<char, kPieceBytes + 64> folded{};
  std::array<std::uint64_t, kPieceBytes / 64> words{};
};

// Walks over text once and hands every unit to `sink(const char* unit, size_t size, bool unspaced)`
// until it answers false; 16 bytes at `unit` are readable. Words between ASCII separators take the
// fast road; every other word goes character by character.
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

  // Hands out the words that are surely complete and returns how many bytes they and their
  // separators take: up to the last separator before the first foreign byte or the end of the
  // piece.
  std::size_t SplitAscii(const char* p, const char* end) {
    std::size_t all = 0;
    while (more_) {
      const std::size_t size = std::min(static_cast<std::size_t>(end - p), kPieceBytes);
      std::uint64_t* const words = buffers_.words.data();
      std::size_t read = simd::Active().fold_ascii(p, size, buffers_.folded.data(), words);
      if (p + read != end) read = AfterLastSeparator(words, read);
      HandOut(words, read);
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

  // The first n bits of `words` end with a separator or with the text.
  void HandOut(const std::uint64_t* words, std::size_t n) {
    std::uint64_t before = 0;  // the last bit of the block before
    std::size_t begin = 0;
    bool inside = false;
    for (std::size_t block = 0; block * 64 < n; ++block) {
      std::uint64_t word = words[block];
      if (n - block * 64 < 64) word &= (std::uint64_t{1} << (n - block * 64)) - 1;
      // A one where a word begins or has just ended.
      for (std::uint64_t edges = word ^ (word << 1 | before); edges != 0; edges &= edges - 1) {
        const std::size_t edge = block * 64 + static_cast<std::size_t>(std::countr_zero(edges));
        if (inside) HandOutWord(begin, edge);
        begin = edge;
        inside = !inside;
      }
      before = word >> 63;
    }
    if (inside) HandOutWord(begin, n);
  }

  void HandOutWord(std::size_t begin, std::size_t end) {
    for (; end - begin > Shingler::kMostWordBytes; begin += Shingler::kMostWordBytes) {
      more_ = more_ && sink_(&buffers_.folded[begin], Shingler::kMostWordBytes, false);
    }
    more_ = more_ && sink_(&buffers_.folded[begin], end - begin, false);
  }

  // Reads one character, or a broken byte, which separates; returns what is behind it.
  const char* Read(const char* p, const char* end) {
    const text::Decoded d = text::Decode(reinterpret_cast<const unsigned char*>(p),
                                         reinterpret_cast<const unsigned char*>(end));
    std::uint32_t letters[3];
    const std::size_t n = text::DecomposeHangul(d.code_point, letters);
    for (std::size_t i = 0; i < n; ++i) Take(letters[i], CharClass::kWord);
    if (n > 0) return p + d.size;

    const text::Folded folded = text::Fold(d.code_point);
    if (folded.replacement.empty()) {
      Take(d.code_point, folded.char_class);
      return p + d.size;
    }
    const auto* r = reinterpret_cast<const unsigned char*>(folded.replacement.data());
    const auto* const r_end = r + folded.replacement.size();
    while (r < r_end) {
      const text::Decoded x = text::Decode(r, r_end);
      r += x.size;
      Take(x.code_point, text::Class(x.code_point));
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
        const text::Utf8 utf8 = text::ToUtf8(c);
        if (size_ + utf8.size > Shingler::kMostWordBytes) Flush();
        std::memcpy(&buffers_.word[size_], &utf8.bytes, sizeof(utf8.bytes));
        size_ += utf8.size;
        return;
      }
      case CharClass::kUnspaced:
        break;
    }
    Flush();
    const text::Utf8 utf8 = text::ToUtf8(c);
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
bool Split(std::string_view text, SplitBuffers& buffers, Sink&& sink) {
  return Splitter<Sink>(buffers, sink).Split(text);
}

// A sample of different terms by their hash: all of them, or those with a zero in the lowest bit
// above the unspaced one, or in the lowest two, and so on: the first of these that fits kMaxTerms.
class TermSample {
 public:
  explicit TermSample(std::uint64_t* terms) : terms_(terms) {}

  // Ones in the bits that must be zero in a term.
  std::uint64_t mask() const noexcept { return mask_; }
  std::size_t size() const noexcept { return size_; }

  void Insert(std::uint64_t term) noexcept {
    std::size_t i = term >> 56;
    // With places four times as many as terms, another term is rarely in the way.
    while (places_[i] != 0 && terms_[places_[i] - 1] != term) i = (i + 1) % places_.size();
    if (size_ == Shingler::kMaxTerms) {
      if (places_[i] == 0) InsertIntoFull(term);
      return;
    }
    // Whether it is new is anybody's guess, so there is no branch on it.
    const bool is_new = places_[i] == 0;
    terms_[size_] = term;
    size_ += is_new ? 1 : 0;
    places_[i] = static_cast<std::uint8_t>(is_new ? size_ : places_[i]);
  }

 private:
  void InsertIntoFull(std::uint64_t term) noexcept {
    while (size_ == Shingler::kMaxTerms) Thin();
    if ((term & mask_) == 0) Insert(term);
  }
  void Thin() noexcept {
    mask_ = mask_ << 1 | 2;
    const std::size_t before = size_;
    size_ = 0;
    places_ = {};
    for (std::size_t i = 0; i < before; ++i) {
      if ((terms_[i] & mask_) == 0) Insert(terms_[i]);
    }
  }

  std::uint64_t* terms_;
  std::uint64_t mask_ = 0;
  std::size_t size_ = 0;
  // Where in terms_ the term with these upper bits is, or the one after it, plus 1.
  std::array<std::uint8_t, 256> places_{};
};

// A word is a term. A run of characters gives its pairs; one that stands alone is a term by itself.
// No pair spans the cut.
std::size_t SampleTerms(std::span<const std::uint64_t> units, std::size_t cut,
                        std::uint64_t* terms) {
  TermSample sample(terms);
  bool in_run = false;  // the character before has this one in its pair
  for (std::size_t i = 0; i < units.size(); ++i) {
    const bool unspaced = (units[i] & kUnspacedBit) != 0;
    const bool paired =
        unspaced && i + 1 < units.size() && i + 1 != cut && (units[i + 1] & kUnspacedBit) != 0;
    const std::uint64_t term =
        paired ? text::Mix(units[i] + std::rotl(units[i + 1], 23)) : units[i];
    if ((term & sample.mask()) == 0 && (paired || !in_run)) sample.Insert(term);
    in_run = paired;
  }
  return sample.size();
}

// Writes the shingles of units to `out`, which may be where the units are or before. Returns how
// many there are.
std::size_t Shingle(std::span<const std::uint64_t> units, std::uint64_t* out) {
  if (units.size() >= Shingler::kWidth) {
    simd::Active().mix_triples(units.data(), units.size(), out);
    return units.size() - Shingler::kWidth + 1;
  }
  if (units.empty()) return 0;
  *out = text::Mix(units[0] + (units.size() == 2 ? std::rotl(units[1], 21) : 0));
  return 1;
}

}  // namespace

struct Shingler::Secret {
  text::Key key;
};

struct TextScratch::Buffers {
  std::size_t max_units;
  std::unique_ptr<std::uint64_t[]> units;  // unit hashes, then in place their shingles
  std::array<std::uint64_t, Shingler::kMaxTerms> terms;
  SplitBuffers split;
};

TextScratch::TextScratch(std::size_t max_prompt_bytes) : buffers_(std::make_unique<Buffers>()) {
  buffers_->max_units = max_prompt_bytes / 2 + 2;
  buffers_->units = std::make_unique<std::uint64_t[]>(buffers_->max_units);
}
TextScratch::~TextScratch() = default;
TextScratch::TextScratch(TextScratch&&) noexcept = default;
TextScratch& TextScratch::operator=(TextScratch&&) noexcept = default;

Shingler::Shingler(std::shared_ptr<const Secret> secret, std::size_t max_prompt_bytes)
    : secret_(std::move(secret)), max_prompt_bytes_(max_prompt_bytes) {}

Result<Shingler> Shingler::Create(std::string_view key, std::size_t max_prompt_bytes) {
  if (max_prompt_bytes < kLeastPromptBytes || max_prompt_bytes > kMostPromptBytes) {
    return InvalidArgument("max_prompt_bytes is " + std::to_string(max_prompt_bytes) +
                           "; allowed: " + std::to_string(kLeastPromptBytes) + " to " +
                           std::to_string(kMostPromptBytes));
  }
  Result<text::Key> stretched = text::Key::FromSecret(key);
  if (!stretched.ok()) return stretched.status();
  return Shingler(std::make_shared<const Secret>(Secret{*stretched}), max_prompt_bytes);
}

TextFeatures Shingler::Extract(std::string_view text, TextScratch& scratch) const noexcept {
  const text::Key& key = secret_->key;
  TextScratch::Buffers& b = *scratch.buffers_;
  std::uint64_t* const units = b.units.get();
  std::size_t count = 0;
  const auto sink = [&](const char* unit, std::size_t size, bool unspaced) {
    if (count == b.max_units) return false;
    units[count++] = (key.HashWord(unit, size) & ~kUnspacedBit) | (unspaced ? kUnspacedBit : 0);
    return true;
  };

  // A text beyond the limit is read at its two ends; nothing spans the cut.
  TextFeatures features;
  features.truncated = text.size() > max_prompt_bytes_;
  std::string_view head = text, tail;
  if (features.truncated) {
    head = text.substr(0, max_prompt_bytes_ / 2);
    tail = text.substr(text.size() - max_prompt_bytes_ / 2);
  }
  bool all = Split(head, b.split, sink);
  const std::size_t cut = count;
  all = all && Split(tail, b.split, sink);
  features.truncated = features.truncated || !all;
  features.units = static_cast<std::uint32_t>(count);
  features.terms = {b.terms.data(), SampleTerms({units, count}, cut, b.terms.data())};

  // Shingles overwrite the units.
  std::size_t shingles = Shingle({units, cut}, units);
  shingles += Shingle({units + cut, count - cut}, units + shingles);
  features.shingles = {units, shingles};
  return features;
}

std::string Shingler::Normalise(std::string_view text) const {
  std::string out;
  SplitBuffers buffers;
  Split(text, buffers, [&out](const char* unit, std::size_t size, bool) {
    if (!out.empty()) out += ' ';
    out.append(unit, size);
    return true;
  });
  return out;
}

std::uint64_t Shingler::key_id() const noexcept {
  return secret_->key.id();
}

std::uint64_t Shingler::HashName(std::string_view name, std::string_view value) const noexcept {
  return secret_->key.Hash(name, value);
}

std::uint64_t Shingler::HashPrefix(std::string_view text, std::size_t size) const noexcept {
  constexpr std::size_t kWhole = 4096, kEnds = 1024, kBlocks = 32, kBlock = 64;
  const text::Key& key = secret_->key;
  size = std::min(size, text.size());
  if (size <= kWhole) return text::Mix(key.Hash(text.data(), size) ^ size);
  std::array<std::uint64_t, kBlocks + 3> parts;
  parts[0] = size;
  parts[1] = key.Hash(text.data(), kEnds);
  parts[2] = key.Hash(text.data() + size - kEnds, kEnds);
  const std::size_t stride = (size - 2 * kEnds - kBlock) / (kBlocks - 1);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    parts[i + 3] = key.Hash(text.data() + kEnds + i * stride, kBlock);
  }
  return key.Hash(parts.data(), sizeof(parts));
}

}  // namespace distillwatch
