// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Shingler: any bytes in, keyed hashes of words and of word 3-shingles out. Total: nothing is an
// error.
//
// UTF-8 is repaired (a broken byte separates words), case, compatibility forms, accents of Latin,
// Greek and Cyrillic, vowel points of Arabic and Hebrew, voicing marks of kana and look-alike
// letters are folded, zero-width and format characters dropped, everything that is neither letter
// nor digit separates. Scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) are cut into
// characters: their shingles are character 3-grams, their terms 2-grams. Words of more than 256
// bytes are cut, too.
//
// Paper         A. Broder, On the resemblance and containment of documents, 1997 (w-shingling).
// Tested by     tests/text/shingler_test.cc    Measured by  benchmarks/kernels_bench.cc

#ifndef DISTILLWATCH_SHINGLER_H_
#define DISTILLWATCH_SHINGLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

// What a text is to the sketches. Views into the scratch it was extracted with.
struct TextFeatures {
  std::span<const std::uint64_t> shingles;  // in text order, repeats kept
  // At most Shingler::kMaxTerms different terms (all, when there are no more), chosen by their
  // hash: the same ones in texts of about the same vocabulary, and fewer of them where it is larger
  // [ShinglerOracle.TermsAreTheFirstLevelThatFits].
  std::span<const std::uint64_t> terms;
  std::uint32_t units = 0;  // words and unspaced characters, before sampling
  // Longer than max_prompt_bytes, so that only head and tail were read; or more units than half as
  // many.
  bool truncated = false;
};

// The working memory of one extraction; one per thread, reusable.  Thread-compatible.
class DISTILLWATCH_EXPORT TextScratch {
 public:
  explicit TextScratch(std::size_t max_prompt_bytes);
  ~TextScratch();
  TextScratch(TextScratch&&) noexcept;
  TextScratch& operator=(TextScratch&&) noexcept;

 private:
  friend class Shingler;
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

// Immutable: safe to share between threads.
class DISTILLWATCH_EXPORT Shingler {
 public:
  static constexpr std::size_t kMaxTerms = 64;
  static constexpr std::size_t kWidth = 3;  // units in a shingle
  static constexpr std::size_t kMostWordBytes = 256;
  static constexpr std::size_t kLeastPromptBytes = 256;
  static constexpr std::size_t kMostPromptBytes = std::size_t{1} << 24;

  // key: the operator's secret, at least 16 bytes.  max_prompt_bytes: see the bounds above.
  //   Errors  InvalidArgument
  static Result<Shingler> Create(std::string_view key, std::size_t max_prompt_bytes = 65536);

  Shingler(const Shingler&) = default;
  Shingler& operator=(const Shingler&) = default;

  // The scratch must have been made for at least this shingler's max_prompt_bytes.
  //   Cost  O(bytes), no allocation  [ShinglerAlloc.ExtractIsFreeOnceScratchIsMade]
  TextFeatures Extract(std::string_view text, TextScratch& scratch) const noexcept;

  // The words as they are hashed, one space between units; for people and for tests.
  std::string Normalise(std::string_view text) const;

  std::size_t max_prompt_bytes() const noexcept { return max_prompt_bytes_; }
  // Names the key without giving it away.
  std::uint64_t key_id() const noexcept;
  // The keyed hash of a name and a value, as accounts, models and attributes are hashed.
  std::uint64_t HashName(std::string_view name, std::string_view value) const noexcept;
  // The keyed hash of the first `size` bytes, or of all when there are fewer. Prefixes of more than
  // 4096 bytes are sampled (head, tail and 32 blocks), so that its cost is bounded; equal ones
  // always agree.
  //   Cost  O(min(size, 4096))
  std::uint64_t HashPrefix(std::string_view text, std::size_t size) const noexcept;

 private:
  struct Secret;
  explicit Shingler(std::shared_ptr<const Secret> secret, std::size_t max_prompt_bytes);

  std::shared_ptr<const Secret> secret_;
  std::size_t max_prompt_bytes_;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_SHINGLER_H_
