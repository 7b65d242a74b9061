// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/shingler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "text/key.h"
#include "text/unicode.h"

namespace distillwatch {
namespace {

using text::CharClass;

// Lower-cased byte of a word, or 0 for a separator, or 0xff for the start of a non-ASCII character.
constexpr std::array<unsigned char, 256> kAscii = [] {
  std::array<unsigned char, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    table[static_cast<std::size_t>(c)] =
        static_cast<unsigned char>(c >= 0x80 ? 0xff : word ? (upper ? c + 32 : c) : 0);
  }
  return table;
}();

// A unit's hash says in its lowest bit whether the unit is a character of an unspaced script.
constexpr std::uint64_t kUnspacedBit = 1;

// The longest replacement is 18 characters of at most 4 bytes for one character of 3.
constexpr std::size_t kWordSlack = 128;

// Walks over text once and hands every unit to `sink(const char* begin, size_t size, bool unspaced)`,
// until sink answers false. `word` holds the unit under construction: text.size() + kWordSlack bytes.
template <typename Sink>
bool Split(std::string_view text, char* word, std::size_t word_capacity, Sink&& sink) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  char* out = word;
  char* const last = word + word_capacity - 4;
  const auto flush = [&] {
    if (out == word) return true;
    const bool more = sink(word, static_cast<std::size_t>(out - word), false);
    out = word;
    return more;
  };
  const auto take = [&](std::uint32_t c, CharClass char_class) {
    switch (char_class) {
      case CharClass::kDropped: return true;
      case CharClass::kSeparator: return flush();
      case CharClass::kWord:
        if (out < last) out += text::Encode(c, out);
        return true;
      case CharClass::kUnspaced: break;
    }
    if (!flush()) return false;
    char one[4];
    return sink(one, text::Encode(c, one), true);
  };
  while (p < end) {
    const unsigned char lower = kAscii[*p];
    if (lower == 0) {
      if (!flush()) return false;
      ++p;
    } else if (lower != 0xff) {
      if (out < last) *out++ = static_cast<char>(lower);
      ++p;
    } else {
      const text::Decoded d = text::Decode(p, end);
      p += d.size;
      if (d.code_point == text::kBroken) {
        if (!flush()) return false;
        continue;
      }
      const text::Folded folded = text::Fold(d.code_point);
      if (folded.replacement.empty()) {
        if (!take(d.code_point, folded.char_class)) return false;
        continue;
      }
      const auto* r = reinterpret_cast<const unsigned char*>(folded.replacement.data());
      const auto* const r_end = r + folded.replacement.size();
      while (r < r_end) {
        const text::Decoded x = text::Decode(r, r_end);
        r += x.size;
        if (!take(x.code_point, text::Class(x.code_point))) return false;
      }
    }
  }
  return flush();
}

// A small set of hashes on the stack.
class TermSet {
 public:
  explicit TermSet(std::uint64_t* terms) : terms_(terms) {}
  void Insert(std::uint64_t term) noexcept {
    for (std::size_t i = term >> 57;; i = (i + 1) % slots_.size()) {
      if (slots_[i] == 0) {
        if (size_ == Shingler::kMaxTerms) return;
        terms_[size_++] = term;
        slots_[i] = static_cast<std::uint8_t>(size_);
        return;
      }
      if (terms_[slots_[i] - 1] == term) return;
    }
  }
  std::size_t size() const noexcept { return size_; }

 private:
  std::uint64_t* terms_;
  std::size_t size_ = 0;
  std::array<std::uint8_t, 128> slots_{};  // index of the term plus 1; at most half full
};

}  // namespace

struct Shingler::Secret {
  text::Key key;
};

struct TextScratch::Buffers {
  std::size_t max_units;
  std::size_t word_capacity;
  std::unique_ptr<char[]> word;
  std::unique_ptr<std::uint64_t[]> units;  // unit hashes, then in place their shingles
  std::array<std::uint64_t, Shingler::kMaxTerms> terms;
};

TextScratch::TextScratch(std::size_t max_prompt_bytes)
    : buffers_(std::make_unique<Buffers>()) {
  buffers_->max_units = max_prompt_bytes / 2 + 2;
  buffers_->word_capacity = max_prompt_bytes + kWordSlack;
  buffers_->word = std::make_unique<char[]>(buffers_->word_capacity);
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
    units[count++] = (key.Hash(unit, size) & ~kUnspacedBit) | (unspaced ? kUnspacedBit : 0);
    return true;
  };

  // A text beyond the limit is read at its two ends; no shingle spans the cut.
  TextFeatures features;
  std::string_view parts[2] = {text, {}};
  if (text.size() > max_prompt_bytes_) {
    features.truncated = true;
    parts[0] = text.substr(0, max_prompt_bytes_ / 2);
    parts[1] = text.substr(text.size() - max_prompt_bytes_ / 2);
  }
  std::size_t cut = 0;
  for (const std::string_view part : parts) {
    cut = count;
    if (!part.empty() && !Split(part, b.word.get(), b.word_capacity, sink)) {
      features.truncated = true;
    }
  }
  if (parts[1].empty()) cut = count;
  features.units = static_cast<std::uint32_t>(count);

  // Terms, sampled by hash so that about 48 of them are left.
  const int levels = count > 48 ? static_cast<int>(std::bit_width((count - 1) / 48)) : 0;
  const std::uint64_t mask = ((std::uint64_t{1} << levels) - 1) << 1;
  TermSet terms(b.terms.data());
  for (std::size_t i = 0; i < count; ++i) {
    const bool unspaced = units[i] & kUnspacedBit;
    std::uint64_t term = units[i];
    if (unspaced && i + 1 < count && (units[i + 1] & kUnspacedBit)) {
      term = text::Mix(units[i] + std::rotl(units[i + 1], 23));
    } else if (unspaced && i > 0 && (units[i - 1] & kUnspacedBit)) {
      continue;  // the last character of a run is in the 2-gram before it
    }
    if ((term & mask) == 0) terms.Insert(term);
  }
  features.terms = {b.terms.data(), terms.size()};

  // Shingles overwrite the units they start at.
  std::size_t shingles = 0;
  const auto shingle = [&](std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (end - begin < kWidth) {
      units[shingles++] = key.Hash(units + begin, (end - begin) * sizeof(std::uint64_t));
      return;
    }
    for (std::size_t i = begin; i + kWidth <= end; ++i) {
      units[shingles++] = key.Hash(units + i, kWidth * sizeof(std::uint64_t));
    }
  };
  shingle(0, cut);
  shingle(cut, count);
  features.shingles = {units, shingles};
  return features;
}

std::string Shingler::Normalise(std::string_view text) const {
  std::string out;
  std::string word(text.size() + kWordSlack, '\0');
  Split(text, word.data(), word.size(), [&out](const char* unit, std::size_t size, bool) {
    if (!out.empty()) out += ' ';
    out.append(unit, size);
    return true;
  });
  return out;
}

std::uint64_t Shingler::key_id() const noexcept { return secret_->key.id(); }

std::uint64_t Shingler::HashName(std::string_view name, std::string_view value) const noexcept {
  return secret_->key.Hash(name, value);
}

std::uint64_t Shingler::HashPrefix(std::string_view text, std::size_t size) const noexcept {
  constexpr std::size_t kWhole = 4096, kEnds = 1024, kBlocks = 32, kBlock = 64;
  const text::Key& key = secret_->key;
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
