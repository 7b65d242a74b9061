// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simd/targets.h"

#if defined(DISTILLWATCH_X86)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#define DISTILLWATCH_TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))

namespace distillwatch::simd {
namespace {

// a * b mod 2^64 in every lane; AVX2 has no such instruction.
DISTILLWATCH_TARGET inline __m256i Multiply(__m256i a, __m256i b, __m256i b_high) {
  const __m256i low = _mm256_mul_epu32(a, b);
  const __m256i cross =
      _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b), _mm256_mul_epu32(a, b_high));
  return _mm256_add_epi64(low, _mm256_slli_epi64(cross, 32));
}

// The bijection of wire/mix.h in every lane.
DISTILLWATCH_TARGET inline __m256i Mix(__m256i x) {
  const __m256i a = _mm256_set1_epi64x(static_cast<long long>(0x9fb21c651e98df25ULL));
  const __m256i b = _mm256_set1_epi64x(static_cast<long long>(0x9e3779b97f4a7c15ULL));
  x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 32));
  x = Multiply(x, a, _mm256_srli_epi64(a, 32));
  x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 29));
  x = Multiply(x, b, _mm256_srli_epi64(b, 32));
  return _mm256_xor_si256(x, _mm256_srli_epi64(x, 32));
}

DISTILLWATCH_TARGET std::uint32_t MultiplyMin(const std::uint64_t* hashes, std::size_t n,
                                              std::uint64_t multiplier) {
  const __m256i m = _mm256_set1_epi64x(static_cast<long long>(multiplier));
  const __m256i m_high = _mm256_srli_epi64(m, 32);
  __m256i least = _mm256_set1_epi32(-1);
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const __m256i h = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(hashes + i));
    // The product's upper 30 bits in the low half of each lane; the upper half is never the minimum
    // of interest, so it is filled with ones.
    const __m256i product = _mm256_srli_epi64(Multiply(h, m, m_high), 34);
    least = _mm256_min_epu32(
        least, _mm256_or_si256(product,
                               _mm256_set1_epi64x(static_cast<long long>(0xffffffff00000000ULL))));
  }
  alignas(32) std::uint32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), least);
  std::uint32_t out = 0xffffffff;
  for (const std::uint32_t lane : lanes) out = std::min(out, lane);
  return std::min(out, Scalar().multiply_min(hashes + i, n - i, multiplier));
}

DISTILLWATCH_TARGET void MultiplyMinEach(const std::uint64_t* hashes, std::size_t n,
                                         const std::uint64_t* multipliers,
                                         std::size_t n_multipliers, std::uint32_t* least) {
  const __m256i low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
  for (std::size_t i = 0; i < n_multipliers; i += 8) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(multipliers + i));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(multipliers + i + 4));
    const __m256i a_high = _mm256_srli_epi64(a, 32), b_high = _mm256_srli_epi64(b, 32);
    // The upper halves of the lanes are zero but here, and nobody reads them.
    __m256i least_a = _mm256_set1_epi32(-1), least_b = least_a;
    for (std::size_t j = 0; j < n; ++j) {
      const __m256i h = _mm256_set1_epi64x(static_cast<long long>(hashes[j]));
      least_a = _mm256_min_epu32(least_a, _mm256_srli_epi64(Multiply(h, a, a_high), 34));
      least_b = _mm256_min_epu32(least_b, _mm256_srli_epi64(Multiply(h, b, b_high), 34));
    }
    const __m256i packed =
        _mm256_blend_epi32(_mm256_permutevar8x32_epi32(least_a, low_halves),
                           _mm256_permutevar8x32_epi32(least_b, low_halves), 0xf0);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(least + i), packed);
  }
}

DISTILLWATCH_TARGET void MixAll(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), Mix(x));
  }
  Scalar().mix(in + i, n - i, out + i);
}

DISTILLWATCH_TARGET std::uint32_t CountEqual(const std::uint16_t* a, const std::uint16_t* b,
                                             std::size_t n) {
  std::uint32_t bits = 0;
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i));
    bits += static_cast<std::uint32_t>(
        _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(x, y)))));
  }
  return bits / 2 + Scalar().count_equal(a + i, b + i, n - i);
}

DISTILLWATCH_TARGET inline __m256i Load(const std::uint16_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
// A bit for each of 32 positions where they agree, in an order of its own.
DISTILLWATCH_TARGET inline std::uint64_t Equal(__m256i a, __m256i b, const std::uint16_t* p) {
  const __m256i bytes =
      _mm256_packs_epi16(_mm256_cmpeq_epi16(a, Load(p)), _mm256_cmpeq_epi16(b, Load(p + 16)));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

DISTILLWATCH_TARGET void CountEqualEach(const std::uint16_t* signature,
                                        const std::uint16_t* signatures, std::size_t n,
                                        std::uint32_t* equal) {
  const __m256i a = Load(signature), b = Load(signature + 16), c = Load(signature + 32),
                d = Load(signature + 48);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t* const s = signatures + 64 * i;
    equal[i] =
        static_cast<std::uint32_t>(_mm_popcnt_u64(Equal(a, b, s) | Equal(c, d, s + 32) << 32));
  }
}

DISTILLWATCH_TARGET void MinInto(std::uint32_t* a, const std::uint32_t* b, std::size_t n) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(a + i), _mm256_min_epu32(x, y));
  }
  Scalar().min_into(a + i, b + i, n - i);
}

// 32 bytes in lower case, their word characters and those that are not ASCII, as bits.
struct Folded {
  __m256i bytes;
  std::uint32_t words, foreign;
};
// Signed comparison: bytes that are not ASCII are negative and lie in no range.
DISTILLWATCH_TARGET inline __m256i Between(__m256i x, char first, char last) {
  return _mm256_and_si256(_mm256_cmpgt_epi8(x, _mm256_set1_epi8(static_cast<char>(first - 1))),
                          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(last + 1)), x));
}
DISTILLWATCH_TARGET inline Folded Fold(__m256i c) {
  const __m256i upper = Between(c, 'A', 'Z');
  const __m256i lower = _mm256_or_si256(c, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
  const __m256i word = _mm256_or_si256(Between(lower, 'a', 'z'), Between(lower, '0', '9'));
  return {lower, static_cast<std::uint32_t>(_mm256_movemask_epi8(word)),
          static_cast<std::uint32_t>(_mm256_movemask_epi8(c))};
}

DISTILLWATCH_TARGET std::size_t FoldAscii(const char* text, std::size_t n, char* folded,
                                          std::uint64_t* words) {
  for (std::size_t i = 0; i < n; i += 64) {
    alignas(32) char last[64];
    const char* block = text + i;
    if (n - i < 64) {
      std::memset(last, 0, sizeof(last));
      std::memcpy(last, block, n - i);
      block = last;
    }
    const Folded a = Fold(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block)));
    const Folded b = Fold(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(folded + i), a.bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(folded + i + 32), b.bytes);
    const std::uint64_t foreign = a.foreign | std::uint64_t{b.foreign} << 32;
    words[i / 64] = a.words | std::uint64_t{b.words} << 32;
    if (foreign != 0) {
      words[i / 64] &= (foreign & (~foreign + 1)) - 1;  // what is below the first foreign byte
      return i + static_cast<std::size_t>(std::countr_zero(foreign));
    }
  }
  return n;
}

// Eight edges at a time, whether they are there or not: how many there are is hard to guess.
DISTILLWATCH_TARGET inline void EightEdges(std::uint64_t& bits, std::size_t base,
                                           std::uint16_t* out) {
  for (int i = 0; i < 8; ++i) {
    out[i] = static_cast<std::uint16_t>(base + _tzcnt_u64(bits));
    bits = _blsr_u64(bits);
  }
}

DISTILLWATCH_TARGET std::size_t WordEdges(const std::uint64_t* words, std::size_t n,
                                          std::uint16_t* edges) {
  std::uint16_t* out = edges;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < n; i += 64) {
    const std::uint64_t word =
        n - i < 64 ? _bzhi_u64(words[i / 64], static_cast<unsigned>(n - i)) : words[i / 64];
    std::uint64_t bits = word ^ (word << 1 | before);
    before = word >> 63;
    const auto size = static_cast<std::size_t>(_mm_popcnt_u64(bits));
    EightEdges(bits, i, out);
    EightEdges(bits, i, out + 8);
    EightEdges(bits, i, out + 16);
    for (std::size_t done = 24; done < size; done += 8) EightEdges(bits, i, out + done);
    out += size;
  }
  *out = static_cast<std::uint16_t>(n);
  return static_cast<std::size_t>(out - edges) + before;
}

// The lanes whose bits are set in the index, moved to the front, as halves.
constexpr std::array<std::array<std::uint32_t, 8>, 16> kToFront = [] {
  std::array<std::array<std::uint32_t, 8>, 16> out{};
  for (std::uint32_t lanes = 0; lanes < 16; ++lanes) {
    std::size_t size = 0;
    for (std::uint32_t lane = 0; lane < 4; ++lane) {
      if ((lanes >> lane & 1) == 0) continue;
      out[lanes][size++] = 2 * lane;
      out[lanes][size++] = 2 * lane + 1;
    }
  }
  return out;
}();

DISTILLWATCH_TARGET std::size_t KeepZero(const std::uint64_t* in, std::size_t n, std::uint64_t mask,
                                         std::uint64_t* out) {
  const __m256i m = _mm256_set1_epi64x(static_cast<long long>(mask));
  std::size_t i = 0, size = 0;
  for (; i + 4 <= n; i += 4) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
    const __m256i zero = _mm256_cmpeq_epi64(_mm256_and_si256(x, m), _mm256_setzero_si256());
    const auto lanes = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(zero)));
    const __m256i order =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kToFront[lanes].data()));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + size),
                        _mm256_permutevar8x32_epi32(x, order));
    size += static_cast<std::size_t>(_mm_popcnt_u32(lanes));
  }
  return size + Scalar().keep_zero(in + i, n - i, mask, out + size);
}

DISTILLWATCH_TARGET void MixTriples(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  std::size_t i = 0;
  for (; i + 6 <= n; i += 4) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i + 1));
    const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + i + 2));
    const __m256i turned_b = _mm256_or_si256(_mm256_slli_epi64(b, 21), _mm256_srli_epi64(b, 43));
    const __m256i turned_c = _mm256_or_si256(_mm256_slli_epi64(c, 42), _mm256_srli_epi64(c, 22));
    const __m256i sum = _mm256_add_epi64(a, _mm256_add_epi64(turned_b, turned_c));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), Mix(sum));
  }
  Scalar().mix_triples(in + i, n - i, out + i);
}

// The upper halves' low 16 bits of four and four lanes, in their order.
DISTILLWATCH_TARGET inline __m128i Counts(__m256i a, __m256i b) {
  const __m256i low_quarter = _mm256_set1_epi64x(0xffff);
  const __m256i x = _mm256_and_si256(_mm256_srli_epi64(a, 32), low_quarter);
  const __m256i y = _mm256_and_si256(_mm256_srli_epi64(b, 32), low_quarter);
  const __m256i half = _mm256_packus_epi32(x, y);  // 0 1 4 5, 2 3 6 7
  const __m256i quarter = _mm256_packus_epi32(half, half);
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(quarter), _mm256_extracti128_si256(quarter, 1));
}

// Counts in four entries of a set where `lanes` says so; `found` says how.
DISTILLWATCH_TARGET inline __m256i Count(__m256i set, __m256i lanes, __m256i found, __m256i tag) {
  const __m256i counts_only = _mm256_set1_epi64x(0xffff00000000);
  const __m256i more = _mm256_adds_epu16(set, _mm256_set1_epi64x(0x100000000));
  const __m256i taken_over =
      _mm256_or_si256(_mm256_slli_epi64(_mm256_and_si256(set, counts_only), 16),
                      _mm256_or_si256(_mm256_and_si256(more, counts_only), tag));
  return _mm256_blendv_epi8(set, _mm256_blendv_epi8(taken_over, more, found), lanes);
}

DISTILLWATCH_TARGET void CountTerms(unsigned char* sets, std::uint32_t n_sets,
                                    const std::uint64_t* terms, std::size_t n,
                                    std::uint32_t* least) {
  // From place 8 - i on, eight lanes of which the i-th is full.
  static constexpr std::array<std::uint64_t, 16> kLane = {
      0, 0, 0, 0, 0, 0, 0, 0, ~std::uint64_t{0}};
  const __m256i tags_only = _mm256_set1_epi64x(0xffffffff);
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char* const at = sets + ((terms[i] >> 32) * n_sets >> 32) * 64;
    auto* const lower = reinterpret_cast<__m256i*>(at);
    auto* const upper = reinterpret_cast<__m256i*>(at + 32);
    const __m256i tag = _mm256_set1_epi64x(static_cast<std::uint32_t>(terms[i] >> 1));
    const __m256i a = _mm256_loadu_si256(lower), b = _mm256_loadu_si256(upper);
    const __m128i counts = Counts(a, b);
    const auto same = [&](__m256i x) DISTILLWATCH_TARGET {
      const __m256i equal = _mm256_cmpeq_epi64(_mm256_and_si256(x, tags_only), tag);
      return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(equal)));
    };
    const __m128i is_free = _mm_cmpeq_epi16(counts, _mm_setzero_si128());
    const unsigned found =
        (same(a) | same(b) << 4) &
        ~static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(is_free, _mm_setzero_si128())));
    const auto rarest = static_cast<unsigned>(_mm_extract_epi16(_mm_minpos_epu16(counts), 1));
    // Whether it is there is anybody's guess, so there is no branch on it, nor could a compiler
    // make one: of the places where it is, and behind them the rarest one's, the first.
    const unsigned first = _tzcnt_u32(found | 0x100u << rarest), place = first % 8;
    const std::uint64_t is_there = first / 8 - std::uint64_t{1};  // all ones, or 0
    std::uint64_t entry;
    std::memcpy(&entry, at + 8 * place, sizeof(entry));
    least[i] = static_cast<std::uint32_t>(((entry >> 32 & 0xffff) - (entry >> 48)) & is_there);
    const __m256i how = _mm256_set1_epi64x(static_cast<long long>(is_there));
    const std::uint64_t* const lanes = kLane.data() + 8 - place;
    // All of the set is stored, because it is read as a whole soon again.
    _mm256_storeu_si256(
        lower, Count(a, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes)), how, tag));
    _mm256_storeu_si256(
        upper, Count(b, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes + 4)), how, tag));
  }
}

DISTILLWATCH_TARGET void Vote(const std::uint64_t* hashes, std::size_t n, std::int16_t votes[32]) {
  // Byte b of 32 looks at bit b % 8 of the hash's byte b / 8.
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                          2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bits = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ULL));
  __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(votes));
  __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(votes + 16));
  while (n > 0) {
    const std::size_t some = std::min<std::size_t>(n, 255);  // as many as a byte can count
    __m256i set = _mm256_setzero_si256();
    for (std::size_t i = 0; i < some; ++i) {
      const __m256i word = _mm256_set1_epi32(static_cast<int>(hashes[i]));
      const __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(word, spread), bits);
      set = _mm256_sub_epi8(set, _mm256_cmpeq_epi8(bit, bits));
    }
    // What is set counts 1, all else -1.
    const __m256i all = _mm256_set1_epi16(static_cast<short>(some));
    const __m256i a = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(set));
    const __m256i b = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(set, 1));
    low = _mm256_add_epi16(low, _mm256_sub_epi16(_mm256_add_epi16(a, a), all));
    high = _mm256_add_epi16(high, _mm256_sub_epi16(_mm256_add_epi16(b, b), all));
    hashes += some;
    n -= some;
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(votes), low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(votes + 16), high);
}

}  // namespace

const Kernels& Avx2() noexcept {
  // The bins are scattered stores: there is nothing to win in AVX2.
  static const Kernels kernels = {
      .name = "avx2",
      .bin_min = Scalar().bin_min,
      .multiply_min = MultiplyMin,
      .multiply_min_each = MultiplyMinEach,
      .mix = MixAll,
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
  return kernels;
}

}  // namespace distillwatch::simd

#endif
