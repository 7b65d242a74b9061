// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simd/targets.h"

#if defined(DISTILLWATCH_NEON)

#include <arm_neon.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace distillwatch::simd {
namespace {

// How many of eight lanes of ones there are.
inline uint32x4_t AddOnes(uint32x4_t sum, uint16x8_t lanes) {
  return vpadalq_u16(sum, vshrq_n_u16(lanes, 15));
}

std::uint32_t CountEqual(const std::uint16_t* a, const std::uint16_t* b, std::size_t n) {
  uint32x4_t sum = vdupq_n_u32(0);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) sum = AddOnes(sum, vceqq_u16(vld1q_u16(a + i), vld1q_u16(b + i)));
  return vaddvq_u32(sum) + Scalar().count_equal(a + i, b + i, n - i);
}

void CountEqualEach(const std::uint16_t* signature, const std::uint16_t* signatures, std::size_t n,
                    std::uint32_t* equal) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t* const s = signatures + 64 * i;
    uint16x8_t unequal = vdupq_n_u16(8);  // of the eight in a lane
    for (std::size_t j = 0; j < 64; j += 8) {
      unequal = vaddq_u16(unequal, vceqq_u16(vld1q_u16(signature + j), vld1q_u16(s + j)));
    }
    equal[i] = 64u - vaddvq_u16(unequal);
  }
}

void MinInto(std::uint32_t* a, const std::uint32_t* b, std::size_t n) {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_u32(a + i, vminq_u32(vld1q_u32(a + i), vld1q_u32(b + i)));
  Scalar().min_into(a + i, b + i, n - i);
}

constexpr std::uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};

// A bit for each of 64 lanes of ones.
inline std::uint64_t Bits(const uint8x16x4_t& lanes) {
  const uint8x16_t bits = vld1q_u8(kBits);
  const uint8x16_t a = vpaddq_u8(vandq_u8(lanes.val[0], bits), vandq_u8(lanes.val[1], bits));
  const uint8x16_t b = vpaddq_u8(vandq_u8(lanes.val[2], bits), vandq_u8(lanes.val[3], bits));
  const uint8x16_t all = vpaddq_u8(a, b);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

// Whether first <= c <= last, without sign: what is below first wraps around.
inline uint8x16_t Between(uint8x16_t c, char first, char last) {
  return vcleq_u8(vsubq_u8(c, vdupq_n_u8(static_cast<std::uint8_t>(first))),
                  vdupq_n_u8(static_cast<std::uint8_t>(last - first)));
}

std::size_t FoldAscii(const char* text, std::size_t n, char* folded, std::uint64_t* words) {
  for (std::size_t i = 0; i < n; i += 64) {
    std::uint8_t last[64] = {};
    const auto* block = reinterpret_cast<const std::uint8_t*>(text + i);
    if (n - i < 64) {
      std::memcpy(last, block, n - i);
      block = last;
    }
    uint8x16x4_t word, foreign;
    for (int part = 0; part < 4; ++part) {
      const uint8x16_t c = vld1q_u8(block + 16 * part);
      const uint8x16_t lower = vorrq_u8(c, vandq_u8(Between(c, 'A', 'Z'), vdupq_n_u8(0x20)));
      vst1q_u8(reinterpret_cast<std::uint8_t*>(folded + i) + 16 * part, lower);
      word.val[part] = vorrq_u8(Between(lower, 'a', 'z'), Between(lower, '0', '9'));
      foreign.val[part] = vcgeq_u8(c, vdupq_n_u8(0x80));
    }
    words[i / 64] = Bits(word);
    if (const std::uint64_t at = Bits(foreign); at != 0) {
      words[i / 64] &= (at & (~at + 1)) - 1;  // what is below the first foreign byte
      return i + static_cast<std::size_t>(std::countr_zero(at));
    }
  }
  return n;
}

std::size_t WordEdges(const std::uint64_t* words, std::size_t n, std::uint16_t* edges) {
  constexpr std::size_t kAtOnce = 8;  // whether they are there or not: that is hard to guess
  std::uint16_t* out = edges;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < n; i += 64) {
    const std::uint64_t there = n - i < 64 ? (std::uint64_t{1} << (n - i)) - 1 : ~std::uint64_t{0};
    const std::uint64_t word = words[i / 64] & there;
    std::uint64_t bits = word ^ (word << 1 | before);
    before = word >> 63;
    const auto size = static_cast<std::size_t>(std::popcount(bits));
    for (std::size_t done = 0; done < size; done += kAtOnce) {
      for (std::size_t j = 0; j < kAtOnce; ++j, bits &= bits - 1) {
        out[done + j] =
            static_cast<std::uint16_t>(i + static_cast<unsigned>(std::countr_zero(bits)));
      }
    }
    out += size;
  }
  *out = static_cast<std::uint16_t>(n);
  return static_cast<std::size_t>(out - edges) + before;
}

// The first of eight lanes of ones; 8 when there is none.
inline unsigned First(uint16x8_t lanes) {
  const uint64x1_t bytes = vreinterpret_u64_u8(vmovn_u16(lanes));
  return static_cast<unsigned>(std::countr_zero(vget_lane_u64(bytes, 0))) / 8;
}

void CountTerms(unsigned char* sets, std::uint32_t n_sets, const std::uint64_t* terms,
                std::size_t n, std::uint32_t* least) {
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char* const at = sets + ((terms[i] >> 32) * n_sets >> 32) * 64;
    const auto tag = static_cast<std::uint32_t>(terms[i] >> 1);
    std::uint32_t words[16];
    std::memcpy(words, at, sizeof(words));
    // Tags, and beside them counts in the lower halves.
    const uint32x4x2_t lower = vld2q_u32(words), upper = vld2q_u32(words + 8);
    const uint16x8_t counts = vcombine_u16(vmovn_u32(lower.val[1]), vmovn_u32(upper.val[1]));
    const uint16x8_t same = vcombine_u16(vmovn_u32(vceqq_u32(lower.val[0], vdupq_n_u32(tag))),
                                         vmovn_u32(vceqq_u32(upper.val[0], vdupq_n_u32(tag))));
    const unsigned match = First(vandq_u16(same, vtstq_u16(counts, counts)));
    const unsigned rarest = First(vceqq_u16(counts, vdupq_n_u16(vminvq_u16(counts))));
    const bool found = match < 8;
    const unsigned place = found ? match : rarest;
    const std::uint32_t count = words[2 * place + 1] & 0xffff, error = words[2 * place + 1] >> 16;
    least[i] = found ? count - error : 0;
    const std::uint32_t entry[2] = {
        tag, std::min(count + 1, std::uint32_t{0xffff}) | (found ? error : count) << 16};
    std::memcpy(at + 8 * place, entry, sizeof(entry));
  }
}

void Vote(const std::uint64_t* hashes, std::size_t n, std::int16_t votes[32]) {
  // Byte b of 32 looks at bit b % 8 of the hash's byte b / 8.
  constexpr std::uint8_t kSpread[32] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                        2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
  const uint8x16_t low_bytes = vld1q_u8(kSpread), high_bytes = vld1q_u8(kSpread + 16);
  const uint8x16_t bits = vld1q_u8(kBits);
  while (n > 0) {
    const std::size_t some = std::min<std::size_t>(n, 255);  // as many as a byte can count
    uint8x16_t low = vdupq_n_u8(0), high = low;
    for (std::size_t i = 0; i < some; ++i) {
      const uint8x16_t hash = vreinterpretq_u8_u64(vdupq_n_u64(hashes[i]));
      low = vsubq_u8(low, vtstq_u8(vqtbl1q_u8(hash, low_bytes), bits));
      high = vsubq_u8(high, vtstq_u8(vqtbl1q_u8(hash, high_bytes), bits));
    }
    // What is set counts 1, all else -1.
    const int16x8_t all = vdupq_n_s16(static_cast<std::int16_t>(some));
    const uint8x8_t set[4] = {vget_low_u8(low), vget_high_u8(low), vget_low_u8(high),
                              vget_high_u8(high)};
    for (int part = 0; part < 4; ++part) {
      const int16x8_t twice = vreinterpretq_s16_u16(vshll_n_u8(set[part], 1));
      std::int16_t* const out = votes + 8 * part;
      vst1q_s16(out, vaddq_s16(vld1q_s16(out), vsubq_s16(twice, all)));
    }
    hashes += some;
    n -= some;
  }
}

}  // namespace

const Kernels& Neon() noexcept {
  // NEON multiplies no 64-bit lanes; the scalar unit takes one product a cycle.
  static const Kernels kernels = {
      .name = "neon",
      .bin_min = Scalar().bin_min,
      .multiply_min = Scalar().multiply_min,
      .multiply_min_each = Scalar().multiply_min_each,
      .mix = Scalar().mix,
      .count_equal = CountEqual,
      .count_equal_each = CountEqualEach,
      .min_into = MinInto,
      .fold_ascii = FoldAscii,
      .word_edges = WordEdges,
      .keep_zero = Scalar().keep_zero,
      .mix_triples = Scalar().mix_triples,
      .count_terms = CountTerms,
      .vote = Vote,
  };
  return kernels;
}

}  // namespace distillwatch::simd

#endif
