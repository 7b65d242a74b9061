// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// TermSample: a sample of different terms by their hash, in the order of their first occurrence.
//
// It holds all of them, or those with a zero in the lowest bit above the unspaced one, or in the
// lowest two, and so on: the first of these that fits kMost. Whether a term is new, and whether it
// is sampled, is anybody's guess, so there is no branch on either.
// Tested by  tests/text/shingler_oracle_test.cc    Measured by  benchmarks/kernels_bench.cc

#ifndef DISTILLWATCH_SRC_TEXT_TERM_SAMPLE_H_
#define DISTILLWATCH_SRC_TEXT_TERM_SAMPLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace distillwatch::text {

class TermSample {
 public:
  static constexpr std::size_t kMost = 64;

  void Insert(std::span<const std::uint64_t> terms) noexcept;

  std::span<const std::uint64_t> terms() const noexcept { return {&terms_[1], size_}; }
  void Clear() noexcept;

 private:
  static constexpr std::size_t kPlaces = 512;
  static std::size_t PlaceOf(std::uint64_t term) noexcept { return term >> 55; }

  std::size_t InsertSampled(std::span<const std::uint64_t> terms) noexcept;
  void Thin() noexcept;

  std::uint64_t mask_ = 0;  // ones in the bits that must be zero in a term
  std::size_t size_ = 0;
  std::array<std::uint64_t, kMost + 1> terms_{};  // from 1 on
  // Where in terms_ the term with these upper bits is, or the one after it; 0: nowhere. With places
  // eight times as many as terms, another term is rarely in the way.
  std::array<std::uint8_t, kPlaces> places_{};
};

}  // namespace distillwatch::text

#endif  // DISTILLWATCH_SRC_TEXT_TERM_SAMPLE_H_
