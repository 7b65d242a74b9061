// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The hot loops, behind plain functions. kernels_scalar.cc is the specification; every other target
// must agree with it bit for bit. The target is chosen once, at the first call of Active(). Tested
// by  tests/simd/kernels_test.cc    Measured by  benchmarks/kernels_bench.cc

#ifndef DISTILLWATCH_SRC_SIMD_KERNELS_H_
#define DISTILLWATCH_SRC_SIMD_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace distillwatch::simd {

// Kernels that write vectors may write so many elements more than they say.
inline constexpr std::size_t kEdgesRoom = 64, kKeepRoom = 8;

struct Kernels {
  const char* name;

  // For every hash h: slot = top log2_slots bits of h; slots[slot] = min(slots[slot], tag | h mod
  // 2^30).
  void (*bin_min)(const std::uint64_t* hashes, std::size_t n, std::uint32_t* slots, int log2_slots,
                  std::uint32_t tag);

  // The least ((h * multiplier) >> 34) over all hashes; 0xffffffff when there are none.
  std::uint32_t (*multiply_min)(const std::uint64_t* hashes, std::size_t n,
                                std::uint64_t multiplier);

  // The same for many multipliers at once: for few hashes.
  //   Needs  n_multipliers a multiple of 16
  void (*multiply_min_each)(const std::uint64_t* hashes, std::size_t n,
                            const std::uint64_t* multipliers, std::size_t n_multipliers,
                            std::uint32_t* least);

  // out[i] = Mix(in[i]) (text/key.h).
  void (*mix)(const std::uint64_t* in, std::size_t n, std::uint64_t* out);

  // How many of the n positions agree.
  std::uint32_t (*count_equal)(const std::uint16_t* a, const std::uint16_t* b, std::size_t n);

  // equal[i] = how many of the 64 positions of the i-th of n signatures, which lie one behind the
  // other, agree with `signature`.
  void (*count_equal_each)(const std::uint16_t* signature, const std::uint16_t* signatures,
                           std::size_t n, std::uint32_t* equal);

  // a[i] = min(a[i], b[i]).
  void (*min_into)(std::uint32_t* a, const std::uint32_t* b, std::size_t n);

  // Reads text up to its first byte that is not ASCII, and returns how many bytes it read. Of
  // these, folded[i] is text[i] in lower case where it is a letter or digit, and bit i of `words`
  // says whether it is one. folded and words have room for n rounded up to 64 bytes and bits; what
  // lies beyond the bytes read is 0 in words and anything in folded.
  std::size_t (*fold_ascii)(const char* text, std::size_t n, char* folded, std::uint64_t* words);

  // Writes the places i in [0, n] where bit i of `words` differs from bit i - 1, ascending, and
  // returns how many there are; bits -1 and n count as 0. So words begin and end in turn.
  //   Needs  n < 65536; edges has room for n + kEdgesRoom
  std::size_t (*word_edges)(const std::uint64_t* words, std::size_t n, std::uint16_t* edges);

  // Writes the elements that have only zeros under `mask`, in order, and returns how many there
  // are. out has room for n + kKeepRoom and may be in or begin before it.
  std::size_t (*keep_zero)(const std::uint64_t* in, std::size_t n, std::uint64_t mask,
                           std::uint64_t* out);

  // out[i] = Mix(in[i] + rotl(in[i + 1], 21) + rotl(in[i + 2], 42)) for all n - 2 triples
  // (text/key.h); out may be in or begin before it.
  void (*mix_triples)(const std::uint64_t* in, std::size_t n, std::uint64_t* out);

  // Adds terms to sets of 8 entries by Space-Saving (sketch/heavy_hitters.cc), one after the other:
  // least[i] is what was certain of the i-th term's count before. An entry is a tag of 32 bits, a
  // count and an error of 16 bits each; count 0: it is free. A term belongs into the set
  // (term >> 32) n_sets >> 32, under the tag of its bits 1 to 32.
  void (*count_terms)(unsigned char* sets, std::uint32_t n_sets, const std::uint64_t* terms,
                      std::size_t n, std::uint32_t* least);

  // votes[i] += bit i of the hash ? 1 : -1, for the low 32 bits of every hash.
  void (*vote)(const std::uint64_t* hashes, std::size_t n, std::int16_t votes[32]);
};

const Kernels& Scalar() noexcept;

// The fastest target of this machine; DISTILLWATCH_SIMD=scalar|avx2|avx512|neon in the environment
// asks for another one, and is ignored when the machine does not have it.
const Kernels& Active() noexcept;

// Every target that this machine can run, the scalar one first.
std::span<const Kernels* const> Available() noexcept;

}  // namespace distillwatch::simd

#endif  // DISTILLWATCH_SRC_SIMD_KERNELS_H_
