// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// HyperLogLog: how many different hashes were seen, in kRegisters bytes.
//
// Paper      P. Flajolet et al., HyperLogLog, 2007; O. Ertl, New cardinality estimation algorithms
// for
//            HyperLogLog sketches, arXiv:1702.01284 (the estimator; differs: with Flajolet's
//            constant for the number of registers, which takes a bias of 1.1 / kRegisters away); D.
//            Ting, Streamed approximate counting of distinct elements, KDD 2014 (Update's
//            increment).
// Tested by  tests/sketch/hyperloglog_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_HYPERLOGLOG_H_
#define DISTILLWATCH_HYPERLOGLOG_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

namespace wire {
struct Access;
}

// Value type, thread-compatible. kRegisters is 64, 128 or 1024.
template <std::size_t kRegisters>
class DISTILLWATCH_EXPORT BasicHyperLogLog {
 public:
  // Adds a well-mixed hash.
  //   Returns  an unbiased estimate of whether it is new: 0 when nothing changed, else the
  //   reciprocal
  //            of the chance that a new hash changes the sketch (at least 1). The sum over a stream
  //            is an unbiased count of its distinct hashes  [HyperLogLogStat.IncrementsAreUnbiased]
  //   Cost     O(1), and O(kRegisters) when something changed; no allocation
  //            [HyperLogLogAlloc.UpdateMergeAndEstimateAreFree]
  double Update(std::uint64_t hash) noexcept;

  // The same for many hashes, one after the other. Writes the increments that are not 0, in order,
  // and returns how many there are  [HyperLogLogOracle.ManyAreOneAfterTheOther].
  //   Needs  as many places in `increments` as hashes
  std::size_t Update(std::span<const std::uint64_t> hashes, std::span<double> increments) noexcept;

  // Becomes the sketch of the union, exactly  [HyperLogLogOracle.MergeIsTheSketchOfTheUnion].
  void Merge(const BasicHyperLogLog& other) noexcept;

  // The number of different hashes; at most 2^64.
  //   Bound  root-mean-square relative error <= 1.1 / sqrt(kRegisters), bias <= 1.1 / kRegisters,
  //   and
  //          0.5 / kRegisters from 100 hashes on  [HyperLogLogStat.ErrorIsAsInTheory]
  double Estimate() const noexcept;

  std::string Serialize(std::uint64_t key_id) const;
  static Result<BasicHyperLogLog> Parse(std::string_view bytes, std::uint64_t key_id);

  friend bool operator==(const BasicHyperLogLog&, const BasicHyperLogLog&) = default;

  bool Valid() const noexcept;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.registers_);
  }
  static std::uint8_t RankOf(std::uint64_t hash) noexcept;
  std::uint8_t& RegisterOf(std::uint64_t hash) noexcept {
    return registers_[hash >> (64 - std::countr_zero(kRegisters))];
  }
  std::array<std::uint8_t, kRegisters> registers_{};
};

using HyperLogLog = BasicHyperLogLog<1024>;

extern template class BasicHyperLogLog<64>;
extern template class BasicHyperLogLog<128>;
extern template class BasicHyperLogLog<1024>;

}  // namespace distillwatch

#endif  // DISTILLWATCH_HYPERLOGLOG_H_
