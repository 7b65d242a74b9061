// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#ifndef DISTILLWATCH_SRC_WIRE_MIX_H_
#define DISTILLWATCH_SRC_WIRE_MIX_H_

#include <cstdint>

namespace distillwatch::wire {

// A bijection of 64-bit words that spreads every input bit over all output bits.
constexpr std::uint64_t Mix(std::uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0x9fb21c651e98df25ULL;
  x ^= x >> 29;
  x *= 0x9e3779b97f4a7c15ULL;
  return x ^ (x >> 32);
}

}  // namespace distillwatch::wire

#endif  // DISTILLWATCH_SRC_WIRE_MIX_H_
