// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// MinHash: a fixed-size signature of a set of hashes whose agreement estimates Jaccard similarity.
//
// Use it when   two sets of shingles may overlap and are too large, or too private, to keep.
// Not when      order or multiplicity matters, or texts are paraphrased word by word.
// Paper         S. Dahlgaard, M. Knudsen, M. Thorup, Fast Similarity Sketching, FOCS 2017,
//               arXiv:1704.04370. Differs: two rounds of bins, then every bin still empty takes the
//               minimum of a hash function of its own over the whole set, so that no slot is ever
//               borrowed from a neighbour. The round sits above the value in each slot, hence the
//               slot-wise minimum of two signatures is exactly the signature of the union
//               [MinHashOracle.UnionIsSlotwiseMinimum].
// Tested by     tests/sketch/minhash_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_MINHASH_H_
#define DISTILLWATCH_MINHASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

namespace wire {
struct Access;
}

struct JaccardEstimate {
  double value = 0;           // in [0, 1]
  double standard_error = 0;  // at the estimated value
};

// Value type, thread-compatible. kSlots is 64, 128 or 256; larger is more accurate.
template <std::size_t kSlots>
class DISTILLWATCH_EXPORT BasicMinHash {
 public:
  static constexpr std::uint32_t kEmptySlot = 0xffffffff;

  BasicMinHash() noexcept { slots_.fill(kEmptySlot); }

  // Adds a set of well-mixed 64-bit hashes. Order and repeats do not matter.
  //   Cost  O(n + kSlots) for n >> kSlots; no allocation
  void Update(std::span<const std::uint64_t> hashes) noexcept;

  // Becomes the signature of the union. Both must come from hashes under the same key.
  void Merge(const BasicMinHash& other) noexcept;

  // Estimates |A and B| / |A or B|; 0 when either set is empty.
  //   Bound   root-mean-square error <= 1.02 sqrt(J (1 - J) / kSlots) at set sizes 8 to 10,000
  //           [MinHashStat.ErrorStaysWithinTheTheory]
  JaccardEstimate Jaccard(const BasicMinHash& other) const noexcept;

  bool empty() const noexcept { return slots_[0] == kEmptySlot; }
  std::span<const std::uint32_t, kSlots> slots() const noexcept { return slots_; }

  // Bytes with format version and the id of the key that the hashes were made with.
  std::string Serialize(std::uint64_t key_id) const;
  //   Errors  DataLoss for damaged bytes, FailedPrecondition for another key
  static Result<BasicMinHash> Parse(std::string_view bytes, std::uint64_t key_id);

  friend bool operator==(const BasicMinHash&, const BasicMinHash&) = default;

  bool Valid() const noexcept;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.slots_);
  }
  std::array<std::uint32_t, kSlots> slots_;
};

using MinHash = BasicMinHash<128>;
using MinHash64 = BasicMinHash<64>;  // what an account keeps of each request

extern template class BasicMinHash<64>;
extern template class BasicMinHash<128>;
extern template class BasicMinHash<256>;

}  // namespace distillwatch

#endif  // DISTILLWATCH_MINHASH_H_
