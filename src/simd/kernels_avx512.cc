// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simd/targets.h"

#if defined(DISTILLWATCH_X86)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#define DISTILLWATCH_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,popcnt")))

namespace distillwatch::simd {
namespace {

DISTILLWATCH_TARGET std::uint32_t MultiplyMin(const std::uint64_t* hashes, std::size_t n,
                                              std::uint64_t multiplier) {
  const __m512i m = _mm512_set1_epi64(static_cast<long long>(multiplier));
  __m512i least = _mm512_set1_epi64(0xffffffff);
  std::size_t i = 0;
  for (; i < n; i += 8) {
    const auto lanes = static_cast<__mmask8>(n - i >= 8 ? 0xff : (1u << (n - i)) - 1);
    const __m512i h = _mm512_maskz_loadu_epi64(lanes, hashes + i);
    const __m512i product = _mm512_srli_epi64(_mm512_mullo_epi64(h, m), 34);
    least = _mm512_mask_min_epu64(least, lanes, least, product);
  }
  return static_cast<std::uint32_t>(_mm512_reduce_min_epu64(least));
}

// The bijection of wire/mix.h in every lane.
DISTILLWATCH_TARGET inline __m512i Mix(__m512i x) {
  x = _mm512_xor_si512(x, _mm512_srli_epi64(x, 32));
  x = _mm512_mullo_epi64(x, _mm512_set1_epi64(static_cast<long long>(0x9fb21c651e98df25ULL)));
  x = _mm512_xor_si512(x, _mm512_srli_epi64(x, 29));
  x = _mm512_mullo_epi64(x, _mm512_set1_epi64(static_cast<long long>(0x9e3779b97f4a7c15ULL)));
  return _mm512_xor_si512(x, _mm512_srli_epi64(x, 32));
}

DISTILLWATCH_TARGET void MultiplyMinEach(const std::uint64_t* hashes, std::size_t n,
                                         const std::uint64_t* multipliers,
                                         std::size_t n_multipliers, std::uint32_t* least) {
  for (std::size_t i = 0; i < n_multipliers; i += 16) {
    const __m512i a = _mm512_loadu_si512(multipliers + i);
    const __m512i b = _mm512_loadu_si512(multipliers + i + 8);
    __m512i least_a = _mm512_set1_epi64(0xffffffff), least_b = least_a;
    for (std::size_t j = 0; j < n; ++j) {
      const __m512i h = _mm512_set1_epi64(static_cast<long long>(hashes[j]));
      least_a = _mm512_min_epu64(least_a, _mm512_srli_epi64(_mm512_mullo_epi64(h, a), 34));
      least_b = _mm512_min_epu64(least_b, _mm512_srli_epi64(_mm512_mullo_epi64(h, b), 34));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(least + i), _mm512_cvtepi64_epi32(least_a));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(least + i + 8), _mm512_cvtepi64_epi32(least_b));
  }
}

DISTILLWATCH_TARGET void MixAll(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm512_storeu_si512(out + i, Mix(_mm512_loadu_si512(in + i)));
  Scalar().mix(in + i, n - i, out + i);
}

DISTILLWATCH_TARGET std::uint32_t CountEqual(const std::uint16_t* a, const std::uint16_t* b,
                                             std::size_t n) {
  std::uint32_t equal = 0;
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    equal += static_cast<std::uint32_t>(_mm_popcnt_u32(
        _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i))));
  }
  return equal + Scalar().count_equal(a + i, b + i, n - i);
}

DISTILLWATCH_TARGET void CountEqualEach(const std::uint16_t* signature,
                                        const std::uint16_t* signatures, std::size_t n,
                                        std::uint32_t* equal) {
  const __m512i a = _mm512_loadu_si512(signature), b = _mm512_loadu_si512(signature + 32);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t* const s = signatures + 64 * i;
    // Counted one by one: where g++ 12 has to keep a mask of 32 bits that is wanted as one of 64,
    // as under the thread sanitizer, it keeps 32 and takes 64 back.
    const __mmask32 low = _mm512_cmpeq_epi16_mask(a, _mm512_loadu_si512(s));
    const __mmask32 high = _mm512_cmpeq_epi16_mask(b, _mm512_loadu_si512(s + 32));
    equal[i] = static_cast<std::uint32_t>(_mm_popcnt_u32(low) + _mm_popcnt_u32(high));
  }
}

DISTILLWATCH_TARGET void MinInto(std::uint32_t* a, const std::uint32_t* b, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    _mm512_storeu_si512(a + i,
                        _mm512_min_epu32(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)));
  }
  Scalar().min_into(a + i, b + i, n - i);
}

// Whether first <= c <= last, without sign: what is below first wraps around.
DISTILLWATCH_TARGET inline std::uint64_t Between(__m512i c, char first, char last) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(c, _mm512_set1_epi8(first)),
                                _mm512_set1_epi8(static_cast<char>(last - first)));
}

DISTILLWATCH_TARGET std::size_t FoldAscii(const char* text, std::size_t n, char* folded,
                                          std::uint64_t* words) {
  for (std::size_t i = 0; i < n; i += 64) {
    const std::uint64_t there = n - i >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (n - i)) - 1;
    const __m512i c = _mm512_maskz_loadu_epi8(there, text + i);
    const __m512i lower = _mm512_mask_add_epi8(c, Between(c, 'A', 'Z'), c, _mm512_set1_epi8(0x20));
    const std::uint64_t foreign = _mm512_movepi8_mask(c);
    _mm512_storeu_si512(folded + i, lower);
    words[i / 64] = Between(lower, 'a', 'z') | Between(lower, '0', '9');
    if (foreign != 0) {
      words[i / 64] &= (foreign & (~foreign + 1)) - 1;  // what is below the first foreign byte
      return i + static_cast<std::size_t>(std::countr_zero(foreign));
    }
  }
  return n;
}

// Needs VBMI2 beside what the others need.
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,bmi,bmi2,popcnt")))
std::size_t
WordEdgesVbmi2(const std::uint64_t* words, std::size_t n, std::uint16_t* edges) {
  alignas(64) static constexpr std::array<std::uint8_t, 64> kPlaces = [] {
    std::array<std::uint8_t, 64> places{};
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint8_t>(i);
    return places;
  }();
  const __m512i places = _mm512_load_si512(kPlaces.data());
  std::uint16_t* out = edges;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < n; i += 64) {
    const std::uint64_t word =
        n - i < 64 ? _bzhi_u64(words[i / 64], static_cast<unsigned>(n - i)) : words[i / 64];
    const std::uint64_t bits = word ^ (word << 1 | before);
    before = word >> 63;
    const __m512i front = _mm512_maskz_compress_epi8(bits, places);
    const __m512i base = _mm512_set1_epi16(static_cast<short>(i));
    const __m256i low = _mm512_castsi512_si256(front), high = _mm512_extracti64x4_epi64(front, 1);
    _mm512_storeu_si512(out, _mm512_add_epi16(_mm512_cvtepu8_epi16(low), base));
    _mm512_storeu_si512(out + 32, _mm512_add_epi16(_mm512_cvtepu8_epi16(high), base));
    out += _mm_popcnt_u64(bits);
  }
  *out = static_cast<std::uint16_t>(n);
  return static_cast<std::size_t>(out - edges) + before;
}

DISTILLWATCH_TARGET std::size_t KeepZero(const std::uint64_t* in, std::size_t n, std::uint64_t mask,
                                         std::uint64_t* out) {
  const __m512i m = _mm512_set1_epi64(static_cast<long long>(mask));
  std::size_t size = 0;
  for (std::size_t i = 0; i < n; i += 8) {
    const auto there = static_cast<__mmask8>(n - i >= 8 ? 0xff : (1u << (n - i)) - 1);
    const __m512i x = _mm512_maskz_loadu_epi64(there, in + i);
    const __mmask8 zero = _mm512_mask_testn_epi64_mask(there, x, m);
    // Not compressed while it is stored, which is slow on some machines.
    _mm512_storeu_si512(out + size, _mm512_maskz_compress_epi64(zero, x));
    size += static_cast<std::size_t>(_mm_popcnt_u32(zero));
  }
  return size;
}

DISTILLWATCH_TARGET void MixTriples(const std::uint64_t* in, std::size_t n, std::uint64_t* out) {
  std::size_t i = 0;
  for (; i + 10 <= n; i += 8) {
    const __m512i a = _mm512_loadu_si512(in + i);
    const __m512i b = _mm512_loadu_si512(in + i + 1);
    const __m512i c = _mm512_loadu_si512(in + i + 2);
    const __m512i turned = _mm512_add_epi64(_mm512_rol_epi64(b, 21), _mm512_rol_epi64(c, 42));
    _mm512_storeu_si512(out + i, Mix(_mm512_add_epi64(a, turned)));
  }
  Scalar().mix_triples(in + i, n - i, out + i);
}

DISTILLWATCH_TARGET void CountTerms(unsigned char* sets, std::uint32_t n_sets,
                                    const std::uint64_t* terms, std::size_t n,
                                    std::uint32_t* least) {
  const __m512i tags_only = _mm512_set1_epi64(0xffffffff);
  const __m512i counts_only = _mm512_slli_epi64(_mm512_set1_epi64(0xffff), 32);
  const __m512i one = _mm512_slli_epi64(_mm512_set1_epi64(1), 32);
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char* const at = sets + ((terms[i] >> 32) * n_sets >> 32) * 64;
    const __m512i tag = _mm512_set1_epi64(static_cast<std::uint32_t>(terms[i] >> 1));
    const __m512i set = _mm512_loadu_si512(at);
    const __m128i counts = _mm512_cvtepi64_epi16(_mm512_srli_epi64(set, 32));
    const unsigned same = _mm512_cmpeq_epi64_mask(_mm512_and_si512(set, tags_only), tag);
    const unsigned found = same & _mm_test_epi16_mask(counts, counts);
    const auto rarest = static_cast<unsigned>(_mm_extract_epi16(_mm_minpos_epu16(counts), 1));
    // Whether it is there is anybody's guess, so there is no branch on it, nor could a compiler
    // make one: of the places where it is, and behind them the rarest one's, the first.
    const unsigned place = _blsi_u32(found | 0x100u << rarest);
    const auto here = static_cast<__mmask8>(place), instead = static_cast<__mmask8>(place >> 8);
    const __m512i certain =
        _mm512_sub_epi64(_mm512_and_si512(_mm512_srli_epi64(set, 32), _mm512_set1_epi64(0xffff)),
                         _mm512_srli_epi64(set, 48));
    least[i] = static_cast<std::uint32_t>(
        _mm_cvtsi128_si32(_mm512_castsi512_si128(_mm512_maskz_compress_epi64(here, certain))));
    const __m512i more = _mm512_adds_epu16(set, one);
    const __m512i taken_over =
        _mm512_or_si512(_mm512_slli_epi64(_mm512_and_si512(set, counts_only), 16),
                        _mm512_or_si512(_mm512_and_si512(more, counts_only), tag));
    // All of the set is stored, because it is read as a whole soon again.
    _mm512_storeu_si512(
        at, _mm512_mask_mov_epi64(_mm512_mask_mov_epi64(set, here, more), instead, taken_over));
  }
}

DISTILLWATCH_TARGET void Vote(const std::uint64_t* hashes, std::size_t n, std::int16_t votes[32]) {
  const __m256i one = _mm256_set1_epi8(1);
  __m512i sum = _mm512_loadu_si512(votes);
  while (n > 0) {
    const std::size_t some = std::min<std::size_t>(n, 255);  // as many as a byte can count
    __m256i even = _mm256_setzero_si256(), odd = even;
    std::size_t i = 0;
    for (; i + 2 <= some; i += 2) {
      even = _mm256_mask_add_epi8(even, static_cast<__mmask32>(hashes[i]), even, one);
      odd = _mm256_mask_add_epi8(odd, static_cast<__mmask32>(hashes[i + 1]), odd, one);
    }
    if (i < some) even = _mm256_mask_add_epi8(even, static_cast<__mmask32>(hashes[i]), even, one);
    const __m512i set = _mm512_cvtepu8_epi16(_mm256_add_epi8(even, odd));
    // What is set counts 1, all else -1.
    sum = _mm512_add_epi16(sum, _mm512_add_epi16(set, set));
    sum = _mm512_sub_epi16(sum, _mm512_set1_epi16(static_cast<short>(some)));
    hashes += some;
    n -= some;
  }
  _mm512_storeu_si512(votes, sum);
}

}  // namespace

const Kernels& Avx512() noexcept {
  static const Kernels kernels = {
      .name = "avx512",
      .bin_min = Scalar().bin_min,
      .multiply_min = MultiplyMin,
      .multiply_min_each = MultiplyMinEach,
      .mix = MixAll,
      .count_equal = CountEqual,
      .count_equal_each = CountEqualEach,
      .min_into = MinInto,
      .fold_ascii = FoldAscii,
      .word_edges = __builtin_cpu_supports("avx512vbmi2") ? WordEdgesVbmi2 : Avx2().word_edges,
      .keep_zero = KeepZero,
      .mix_triples = MixTriples,
      .count_terms = CountTerms,
      .vote = Vote,
  };
  return kernels;
}

}  // namespace distillwatch::simd

#endif
