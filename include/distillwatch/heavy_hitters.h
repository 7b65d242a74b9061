// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// HeavyHitters: the terms that recur, with bounds on how often.
//
// Use it when   a stream has a few terms in a large share of its events (a template) and many
// others. Not when      counts of rare terms matter: they are 0 here; or counts beyond 65,535,
// where they stop. Paper         A. Metwally, D. Agrawal, A. El Abbadi, Efficient computation of
// frequent and top-k
//               elements in data streams, ICDT 2005 (Space-Saving). Differs: the table is cut into
//               sets of 8 entries chosen by the term's hash, so that an update reads one cache
//               line; the bound below then holds for the set, not for the table. An entry knows its
//               term by 32 bits of the hash: two terms of one set are taken for one another once in
//               4 billion pairs.
// Tested by     tests/sketch/heavy_hitters_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_HEAVY_HITTERS_H_
#define DISTILLWATCH_HEAVY_HITTERS_H_

#include <array>
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

// Value type, thread-compatible.
class DISTILLWATCH_EXPORT HeavyHitters {
 public:
  static constexpr std::size_t kSets = 11;
  static constexpr std::size_t kWays = 8;

  struct Count {
    std::uint32_t least = 0;  // the true count is at least this, always
    std::uint32_t most = 0;   // and at most this, for a term that is tracked; 65,535: or any more
  };

  // Adds one occurrence.
  //   Returns  the term's count before it
  //   Cost     one set; no allocation  [HeavyHittersAlloc.UpdateFindHalveAndMergeAreFree]
  //   Bound    most - least <= occurrences in the term's set / 8, and 2 more once Halve was called
  //            (occurrences count half then, too)  [HeavyHittersOracle.CountsBracketTruth]
  Count Update(std::uint64_t term) noexcept;

  // The same for many terms, one after the other; least[i] is the i-th one's Count::least.
  //   Needs  as many places in `least` as terms
  void Update(std::span<const std::uint64_t> terms, std::span<std::uint32_t> least) noexcept;

  Count Find(std::uint64_t term) const noexcept;

  // Halves all counts (rounding down what is certain, up what is possible): exponential forgetting.
  void Halve() noexcept;

  // Adds the other's counts; bounds stay bounds.
  // Source  P. Agarwal et al., Mergeable summaries, PODS 2012.
  void Merge(const HeavyHitters& other) noexcept;

  // How many terms have a certain count of at least `count`.
  std::size_t CountAtLeast(std::uint32_t count) const noexcept;

  std::string Serialize(std::uint64_t key_id) const;
  static Result<HeavyHitters> Parse(std::string_view bytes, std::uint64_t key_id);

  friend bool operator==(const HeavyHitters&, const HeavyHitters&) = default;

  bool Valid() const noexcept;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.sets_);
  }
  struct Entry {
    std::uint32_t tag = 0;
    std::uint16_t count = 0;  // 0: free
    std::uint16_t error = 0;  // count may be too high by so much
    template <typename Io>
    static void Fields(Io& io, auto& self) {
      io(self.tag, self.count, self.error);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  static std::size_t SetOf(std::uint64_t term) noexcept { return (term >> 32) * kSets >> 32; }
  static std::uint32_t TagOf(std::uint64_t term) noexcept {
    return static_cast<std::uint32_t>(term >> 1);
  }
  std::array<std::array<Entry, kWays>, kSets> sets_{};
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_HEAVY_HITTERS_H_
