// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// CoverageCells: how widely an account's requests spread over topic cells, as collision entropy.
//
// With decayed weights S_c of the cells, W = sum of weights and Q = sum of squared weights,
//   collision = (sum S_c^2 - Q) / (W^2 - Q)
// estimates without bias the chance that two requests fall into one cell, for independent requests
// and any weights [CoverageCellsStat.CollisionIsUnbiased]. Its negative logarithm is the collision
// entropy (Renyi order 2, the Hill number's logarithm), in nats. Paper      M. Hill, Diversity and
// evenness, Ecology 1973; E. Simpson, Measurement of diversity, 1949. Tested by
// tests/sketch/coverage_cells_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_COVERAGE_CELLS_H_
#define DISTILLWATCH_COVERAGE_CELLS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

namespace wire {
struct Access;
}

// Value type, thread-compatible.
class DISTILLWATCH_EXPORT CoverageCells {
 public:
  static constexpr std::size_t kCells = 256;

  struct Estimate {
    double collision = 0;     // chance that two requests share a cell, in [0, 1]
    double entropy_nats = 0;  // collision entropy, in [0, ln of the square of the effective events]
    double effective_events = 0;  // W^2 / Q
    // Good-Turing: the share of requests in cells of weight at most 1, which is the chance that the
    // next request opens a cell, in [0, 1]. Once weights have decayed it is too high.
    double unseen_mass = 0;
  };

  // Adds one request of weight 1. Everything is halved when the total reaches 512, which also keeps
  // the memory of a busy account short.
  void Update(std::uint8_t cell) noexcept;

  // Multiplies all weights with factor in [0, 1]; above 1 counts as 1, below 0 as 0.
  void Decay(float factor) noexcept;

  // Adds the other's weights; both must be decayed to the same tick and use the same cells. Halves
  // like Update.
  void Merge(const CoverageCells& other) noexcept;

  //   Cost  O(kCells), no allocation  [CoverageCellsAlloc.UpdateDecayMergeAndMeasureAreFree]
  Estimate Measure() const noexcept;

  float weight(std::uint8_t cell) const noexcept;
  float total() const noexcept { return total_; }

  std::string Serialize(std::uint64_t key_id) const;
  static Result<CoverageCells> Parse(std::string_view bytes, std::uint64_t key_id);

  friend bool operator==(const CoverageCells&, const CoverageCells&) = default;

  bool Valid() const noexcept;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.cells_, self.total_, self.squares_);
  }
  // Weights in a floating-point form of 16 bits. Fixed point will not do: a small weight times
  // 0.917, rounded, stays what it is, and an idle account's cells would never fade.
  std::array<std::uint16_t, kCells> cells_{};
  float total_ = 0;    // W
  float squares_ = 0;  // Q
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_COVERAGE_CELLS_H_
