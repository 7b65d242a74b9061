// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/shingler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "simd/kernels.h"
#include "text/key.h"
#include "text/splitter.h"
#include "text/term_sample.h"

namespace distillwatch {
namespace {

// A unit's hash says in its lowest bit whether the unit is a character of an unspaced script.
constexpr std::uint64_t kUnspacedBit = 1;

// A sink of text::Splitter: writes the units' hashes to `units`, which has room for `most`.
class UnitHasher {
 public:
  UnitHasher(const text::Key& key, std::uint64_t* units, std::size_t most)
      : key_(key), units_(units), most_(most) {}

  std::size_t size() const noexcept { return size_; }
  bool any_unspaced() const noexcept { return any_unspaced_; }

  bool operator()(const char* unit, std::size_t size, bool unspaced) noexcept {
    if (size_ == most_) return false;
    any_unspaced_ |= unspaced;
    units_[size_++] = (key_.HashWord(unit, size) & ~kUnspacedBit) | (unspaced ? kUnspacedBit : 0);
    return true;
  }

  bool Ideographs(const char* text, std::size_t n) noexcept {
    const std::size_t hashed = std::min(n, most_ - size_);
    const text::Key::ShortWordHash hash = key_.short_word_hash();
    std::uint64_t* const out = units_ + size_;
    for (std::size_t i = 0; i < hashed; ++i) {
      std::uint32_t bytes;
      std::memcpy(&bytes, text + text::kIdeographBytes * i, sizeof(bytes));
      out[i] = hash(bytes & 0xffffff) | kUnspacedBit;
    }
    any_unspaced_ |= hashed > 0;
    size_ += hashed;
    return hashed == n;
  }

  bool Words(const char* folded, std::span<const std::uint16_t> edges) noexcept {
    // A long word is several units.
    const std::size_t units = edges.size() / 2 + edges.back() / Shingler::kMostWordBytes;
    if (units > most_ - size_) return LongWords(folded, edges);
    const text::Key::ShortWordHash hash = key_.short_word_hash();
    std::uint64_t* out = units_ + size_;
    for (std::size_t i = 0; i < edges.size(); i += 2) {
      const char* const word = folded + edges[i];
      const std::size_t size = edges[i + 1] - std::size_t{edges[i]};
      if (size <= text::Key::kShortWord) {
        *out++ = hash(word, size) & ~kUnspacedBit;
      } else {
        size_ = static_cast<std::size_t>(out - units_);
        LongWords(folded, edges.subspan(i, 2));
        out = units_ + size_;
      }
    }
    size_ = static_cast<std::size_t>(out - units_);
    return true;
  }

 private:
  bool LongWords(const char* folded, std::span<const std::uint16_t> edges) noexcept {
    for (std::size_t i = 0; i < edges.size(); i += 2) {
      const char* word = folded + edges[i];
      const char* const end = folded + edges[i + 1];
      for (; word + Shingler::kMostWordBytes < end; word += Shingler::kMostWordBytes) {
        if (!(*this)(word, Shingler::kMostWordBytes, false)) return false;
      }
      if (!(*this)(word, static_cast<std::size_t>(end - word), false)) return false;
    }
    return true;
  }

  const text::Key& key_;
  std::uint64_t* const units_;
  const std::size_t most_;
  std::size_t size_ = 0;
  bool any_unspaced_ = false;
};

// A word is a term. A run of characters gives its pairs; one that stands alone is a term by itself.
// No pair spans the cut. Writes them to `out` and returns how many there are.
std::size_t PairUnspaced(std::span<const std::uint64_t> units, std::size_t cut,
                         std::uint64_t* out) noexcept {
  std::size_t size = 0;
  bool in_run = false;  // the character before has this one in its pair
  for (std::size_t i = 0; i < units.size(); ++i) {
    const bool unspaced = (units[i] & kUnspacedBit) != 0;
    const bool last = i + 1 == units.size() || i + 1 == cut;
    const std::uint64_t next = last ? 0 : units[i + 1];
    const bool paired = unspaced && (next & kUnspacedBit) != 0;
    out[size] = paired ? text::Mix(units[i] + std::rotl(next, 23)) : units[i];
    size += paired || !in_run ? 1 : 0;
    in_run = paired;
  }
  return size;
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
  std::unique_ptr<std::uint64_t[]> terms;  // before they are sampled, if they are not the units
  text::TermSample sample;
  text::SplitBuffers split;
};

TextScratch::TextScratch(std::size_t max_prompt_bytes) : buffers_(std::make_unique<Buffers>()) {
  buffers_->max_units = max_prompt_bytes / 2 + 2;
  buffers_->units = std::make_unique<std::uint64_t[]>(buffers_->max_units);
  buffers_->terms = std::make_unique<std::uint64_t[]>(buffers_->max_units);
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
  TextScratch::Buffers& b = *scratch.buffers_;
  std::uint64_t* const units = b.units.get();
  UnitHasher hasher(secret_->key, units, b.max_units);

  // A text beyond the limit is read at its two ends; nothing spans the cut.
  TextFeatures features;
  features.truncated = text.size() > max_prompt_bytes_;
  std::string_view head = text, tail;
  if (features.truncated) {
    head = text.substr(0, max_prompt_bytes_ / 2);
    tail = text.substr(text.size() - max_prompt_bytes_ / 2);
  }
  bool all = text::Split(head, b.split, hasher);
  const std::size_t cut = hasher.size();
  all = all && text::Split(tail, b.split, hasher);
  const std::size_t count = hasher.size();
  features.truncated = features.truncated || !all;
  features.units = static_cast<std::uint32_t>(count);
  b.sample.Clear();
  if (hasher.any_unspaced()) {
    b.sample.Insert({b.terms.get(), PairUnspaced({units, count}, cut, b.terms.get())});
  } else {
    b.sample.Insert({units, count});
  }
  features.terms = b.sample.terms();

  // Shingles overwrite the units.
  std::size_t shingles = Shingle({units, cut}, units);
  shingles += Shingle({units + cut, count - cut}, units + shingles);
  features.shingles = {units, shingles};
  return features;
}

std::string Shingler::Normalise(std::string_view text) const {
  struct Writer {
    bool operator()(const char* unit, std::size_t size, bool) {
      if (!out.empty()) out += ' ';
      out.append(unit, size);
      return true;
    }
    bool Ideographs(const char* ideographs, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i)
        (*this)(ideographs + text::kIdeographBytes * i, text::kIdeographBytes, true);
      return true;
    }
    bool Words(const char* folded, std::span<const std::uint16_t> edges) {
      for (std::size_t i = 0; i < edges.size(); i += 2) {
        std::string_view word(folded + edges[i], edges[i + 1] - std::size_t{edges[i]});
        for (; word.size() > kMostWordBytes; word.remove_prefix(kMostWordBytes))
          (*this)(word.data(), kMostWordBytes, false);
        (*this)(word.data(), word.size(), false);
      }
      return true;
    }
    std::string out;
  } writer;
  text::SplitBuffers buffers;
  text::Split(text, buffers, writer);
  return writer.out;
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
