// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "simd/kernels.h"
#include "wire/mix.h"

namespace distillwatch::simd {
namespace {

void BinMin(const std::uint64_t* hashes, std::size_t n, std::uint32_t* slots, int log2_slots,
            std::uint32_t tag) {
  const int shift = 64 - log2_slots;
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = tag | static_cast<std::uint32_t>(hashes[i] & 0x3fffffff);
    std::uint32_t& slot = slots[hashes[i] >> shift];
    slot = std::min(slot, value);
  }
}

std::uint32_t MultiplyMin(const std::uint64_t* hashes, std::size_t n, std::uint64_t multiplier) {
  std::uint32_t least = 0xffffffff;
  for (std::size_t i = 0; i < n; ++i) {
    least = std::min(least, static_cast<std::uint32_t>(hashes[i] * multiplier >> 34));
  }
  return least;
}

void MultiplyMinEach(const std::uint64_t* hashes, std::size_t n, const std::uint64_t* multipliers,
                     std::size_t n_multipliers, std::uint32_t* least) {
  for (std::size_t i = 0; i < n_multipliers; ++i) least[i] = MultiplyMin(hashes, n, multipliers[i]);
}

void Mix(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = wire::Mix(in[i]);
}

std::uint32_t CountEqual(const std::uint16_t* a, const std::uint16_t* b, std::size_t n) {
  std::uint32_t equal = 0;
  for (std::size_t i = 0; i < n; ++i) equal += a[i] == b[i];
  return equal;
}

void CountEqualEach(const std::uint16_t* signature, const std::uint16_t* signatures, std::size_t n,
                    std::uint32_t* equal) {
  for (std::size_t i = 0; i < n; ++i) equal[i] = CountEqual(signature, signatures + 64 * i, 64);
}

void MinInto(std::uint32_t* a, const std::uint32_t* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) a[i] = std::min(a[i], b[i]);
}

std::size_t FoldAscii(const char* text, std::size_t n, char* folded, std::uint64_t* words) {
  for (std::size_t i = 0; i < n; ++i) {
    if (i % 64 == 0) words[i / 64] = 0;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) return i;
    const bool upper = c >= 'A' && c <= 'Z';
    const bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    folded[i] = static_cast<char>(upper ? c + 32 : c);
    words[i / 64] |= std::uint64_t{word} << i % 64;
  }
  return n;
}

std::size_t WordEdges(const std::uint64_t* words, std::size_t n, std::uint16_t* edges) {
  std::size_t size = 0;
  bool before = false;
  for (std::size_t i = 0; i <= n; ++i) {
    const bool word = i < n && (words[i / 64] >> i % 64 & 1) != 0;
    if (word != before) edges[size++] = static_cast<std::uint16_t>(i);
    before = word;
  }
  return size;
}

std::size_t KeepZero(const std::uint64_t* in, std::size_t n, std::uint64_t mask,
                     std::uint64_t* out) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < n; ++i) {
    out[size] = in[i];
    size += (in[i] & mask) == 0 ? 1 : 0;
  }
  return size;
}

void MixTriples(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  for (std::size_t i = 0; i + 2 < n; ++i) {
    out[i] = wire::Mix(in[i] + std::rotl(in[i + 1], 21) + std::rotl(in[i + 2], 42));
  }
}

struct Entry {
  std::uint32_t tag;
  std::uint16_t count, error;
};
using EntrySet = std::array<Entry, 8>;

// Returns the count that is certain, before.
std::uint32_t CountTerm(std::uint32_t tag, EntrySet& set) {
  Entry* least = &set[0];
  for (Entry& e : set) {
    if (e.count != 0 && e.tag == tag) {
      const auto certain = static_cast<std::uint32_t>(e.count - e.error);
      if (e.count < 0xffff) ++e.count;
      return certain;
    }
    if (e.count < least->count) least = &e;
  }
  // The new term takes over the rarest entry's count, because it may have been seen that often.
  least->tag = tag;
  least->error = least->count;
  if (least->count < 0xffff) ++least->count;
  return 0;
}

void CountTerms(unsigned char* sets, std::uint32_t n_sets, const std::uint64_t* terms,
                std::size_t n, std::uint32_t* least) {
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char* const at = sets + ((terms[i] >> 32) * n_sets >> 32) * sizeof(EntrySet);
    EntrySet set;
    std::memcpy(&set, at, sizeof(set));
    least[i] = CountTerm(static_cast<std::uint32_t>(terms[i] >> 1), set);
    std::memcpy(at, &set, sizeof(set));
  }
}

void Vote(const std::uint64_t* hashes, std::size_t n, std::int16_t votes[32]) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = static_cast<std::uint32_t>(hashes[i]);
    for (int bit = 0; bit < 32; ++bit) {
      const int vote = 2 * static_cast<int>(bits >> bit & 1) - 1;
      votes[bit] = static_cast<std::int16_t>(votes[bit] + vote);
    }
  }
}

constexpr Kernels kScalar = {
    .name = "scalar",
    .bin_min = BinMin,
    .multiply_min = MultiplyMin,
    .multiply_min_each = MultiplyMinEach,
    .mix = Mix,
    .count_equal = CountEqual,
    .count_equal_each = CountEqualEach,
    .min_into = MinInto,
    .fold_ascii = FoldAscii,
    .word_edges = WordEdges,
    .keep_zero = KeepZero,
    .mix_triples = MixTriples,
    .count_terms = CountTerms,
    .vote = Vote,
};

}  // namespace

const Kernels& Scalar() noexcept {
  return kScalar;
}

}  // namespace distillwatch::simd
