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

// Sums of 2^-rank over registers without a rank above kMostExactRank are multiples of 2^-40 below
// 2^11: no addition rounds, so that they are the same in every order, and in integers.
constexpr int kMostExactRank = 40;
constexpr std::uint64_t Units(int rank) {
  return std::uint64_t{1} << (kMostExactRank - rank);
}
constexpr std::array<std::uint64_t, 64> kUnits = [] {
  std::array<std::uint64_t, 64> units{};
  for (int rank = 0; rank <= kMostExactRank; ++rank)
    units[static_cast<std::size_t>(rank)] = Units(rank);
  return units;
}();

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
std::uint8_t BasicHyperLogLog<kRegisters>::RankOf(std::uint64_t hash) noexcept {
  constexpr int kLog2 = std::countr_zero(kRegisters);
  return static_cast<std::uint8_t>(std::min(std::countl_zero(hash << kLog2), 64 - kLog2) + 1);
}

template <std::size_t kRegisters>
double BasicHyperLogLog<kRegisters>::Update(std::uint64_t hash) noexcept {
  std::uint8_t& reg = RegisterOf(hash);
  const std::uint8_t rank = RankOf(hash);
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
std::size_t BasicHyperLogLog<kRegisters>::Update(std::span<const std::uint64_t> hashes,
                                                 std::span<double> increments) noexcept {
  constexpr int kLog2 = std::countr_zero(kRegisters);
  std::size_t changes = 0;
  std::uint64_t units = 0;  // the chance that a new hash changes the sketch, times kRegisters
  bool exact = true;
  while (!hashes.empty()) {
    // First those that may change something, without a branch on it: their rank - 1 zeros reach
    // beyond the register's rank. (A full register's do, too; the rank is looked at again.)
    std::array<std::uint64_t, 64> candidates;
    std::size_t found = 0;
    const auto some = hashes.first(std::min(hashes.size(), candidates.size()));
    hashes = hashes.subspan(some.size());
    for (const std::uint64_t hash : some) {
      candidates[found] = hash;
      found += (hash << kLog2) >> (63 - RegisterOf(hash)) >> 1 == 0 ? 1 : 0;
    }
    for (std::size_t i = 0; i < found; ++i) {
      std::uint8_t& reg = RegisterOf(candidates[i]);
      const std::uint8_t rank = RankOf(candidates[i]);
      if (rank <= reg) continue;
      if (exact && units == 0) {
        exact = *std::max_element(registers_.begin(), registers_.end()) <= kMostExactRank;
        for (const std::uint8_t r : registers_) units += kUnits[r];
      }
      if (exact && rank <= kMostExactRank) {
        increments[changes++] = kRegisters / (static_cast<double>(units) / Units(0));
        units -= kUnits[reg] - kUnits[rank];
        reg = rank;
      } else {
        exact = false;
        increments[changes++] = Update(candidates[i]);
      }
    }
  }
  return changes;
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
