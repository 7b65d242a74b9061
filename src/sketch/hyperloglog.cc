// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "wire/wire.h"

namespace distillwatch {
namespace {

template <std::size_t kRegisters>
constexpr wire::Kind KindOf() {
  return kRegisters == 64    ? wire::Kind{{"HL06"}, 1}
         : kRegisters == 128 ? wire::Kind{{"HL07"}, 1}
                             : wire::Kind{{"HL10"}, 1};
}

constexpr double kMostDistinct = 0x1p64;  // there are no more hashes

// 2^-rank, put together from its bits.
double OneOverTwoTo(std::uint8_t rank) {
  return std::bit_cast<double>((std::uint64_t{1023} - rank) << 52);
}

// Ertl's sigma and tau (section 3 of the paper): the corrections for empty and for full registers.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1, z = x;
  for (double before = -1; z != before; y += y) {
    x *= x;
    before = z;
    z += x * y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

template <std::size_t kRegisters>
double BasicHyperLogLog<kRegisters>::Update(std::uint64_t hash) noexcept {
  constexpr int kLog2 = std::countr_zero(kRegisters);
  std::uint8_t& reg = registers_[hash >> (64 - kLog2)];
  const auto rank =
      static_cast<std::uint8_t>(std::min(std::countl_zero(hash << kLog2), 64 - kLog2) + 1);
  if (rank <= reg) return 0;
  // The chance that a new hash changes the sketch as it was, times kRegisters. Four sums, so that
  // the additions need not wait for one another; the order is fixed, so every machine gets the same
  // one.
  std::array<double, 4> chance{};
  for (std::size_t i = 0; i < kRegisters; i += 4) {
    for (std::size_t j = 0; j < 4; ++j) chance[j] += OneOverTwoTo(registers_[i + j]);
  }
  reg = rank;
  return kRegisters / ((chance[0] + chance[1]) + (chance[2] + chance[3]));
}

template <std::size_t kRegisters>
void BasicHyperLogLog<kRegisters>::Merge(const BasicHyperLogLog& other) noexcept {
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

template <std::size_t kRegisters>
double BasicHyperLogLog<kRegisters>::Estimate() const noexcept {
  constexpr int kTop = 64 - std::countr_zero(kRegisters);
  constexpr double kM = kRegisters;
  std::array<int, kTop + 2> count{};
  for (const std::uint8_t r : registers_) ++count[r];
  double z = kM * Tau(1 - count[kTop + 1] / kM);
  for (int k = kTop; k >= 1; --k) z = 0.5 * (z + count[static_cast<std::size_t>(k)]);
  z += kM * Sigma(count[0] / kM);
  // Flajolet's constant for m registers; Ertl's, its limit, is 1 / (2 ln 2) and 1.1 / m too large.
  constexpr double kAlpha = 1 / (2 * std::numbers::ln2 * (1 + 1.079 / kM));
  // All registers full (only hostile bytes get there) would be infinitely many.
  return std::min(kAlpha * kM * kM / z, kMostDistinct);
}

template <std::size_t kRegisters>
bool BasicHyperLogLog<kRegisters>::Valid() const noexcept {
  constexpr int kTop = 64 - std::countr_zero(kRegisters) + 1;
  return std::all_of(registers_.begin(), registers_.end(),
                     [](std::uint8_t r) { return r <= kTop; });
}

template <std::size_t kRegisters>
std::string BasicHyperLogLog<kRegisters>::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(KindOf<kRegisters>(), key_id, *this);
}

template <std::size_t kRegisters>
Result<BasicHyperLogLog<kRegisters>> BasicHyperLogLog<kRegisters>::Parse(std::string_view bytes,
                                                                         std::uint64_t key_id) {
  return wire::Unframed<BasicHyperLogLog>(KindOf<kRegisters>(), key_id, bytes);
}

template class BasicHyperLogLog<64>;
template class BasicHyperLogLog<128>;
template class BasicHyperLogLog<1024>;

}  // namespace distillwatch
