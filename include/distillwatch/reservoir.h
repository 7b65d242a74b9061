// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// SignatureReservoir: a time-biased sample of an account's request signatures.
//
// An event of age a is kept with odds 2^(-a / half_life) against a new one
// [ReservoirStat.AnOldEventIsKeptWithItsOdds]. Each event has a deterministic priority,
// lambda t - ln(-ln u) with u from the event's hash, and the reservoir holds the events with the
// highest (the signature decides between equal ones; the same event counts once): so the sample, as
// a set, does not depend on the order of arrival, and two samples merge exactly into the sample of
// the union [ReservoirOracle.MergeIsTheSampleOfTheUnion]. Paper      P. Efraimidis, P. Spirakis,
// Weighted random sampling with a reservoir, IPL 2006, in Gumbel
//            form.
// Tested by  tests/sketch/reservoir_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_RESERVOIR_H_
#define DISTILLWATCH_RESERVOIR_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/minhash.h"
#include "distillwatch/status.h"

namespace distillwatch {

namespace wire {
struct Access;
}

// 64 slots of 16 bits: two different sets agree in a slot by chance once in 65,536
// [SlimStat.StrangersAgreeOnceIn65536]. The empty set's is all ones.
using SlimSignature = std::array<std::uint16_t, 64>;

DISTILLWATCH_EXPORT SlimSignature Slim(const MinHash64& signature) noexcept;

// The share of equal slots, in [0, 1]; 0 when either set is empty.
DISTILLWATCH_EXPORT float Agreement(const SlimSignature& a, const SlimSignature& b) noexcept;

// The reservoir's priority of an event.
//   half_life  at least an hour. Until 2100 rounding moves the logarithm of two events' odds by at
//   most
//              0.07 for an hour, by 0.004 for a day  [ReservoirOracle.PriorityKeepsItsPrecision]
//   hash       of the event: the same event has the same hash wherever it is seen
DISTILLWATCH_EXPORT float Priority(Time time, std::chrono::seconds half_life,
                                   std::uint64_t hash) noexcept;

// Value type, thread-compatible.
class DISTILLWATCH_EXPORT SignatureReservoir {
 public:
  static constexpr std::size_t kCapacity = 16;

  struct Nearest {
    float similarity = 0;   // Jaccard estimate, in [0, 1]
    std::size_t index = 0;  // of the entry; meaningless when the reservoir is empty
  };

  // Keeps the signature if its priority is among the highest. One that is not finite is ignored.
  //   Cost  O(kCapacity), no allocation  [ReservoirAlloc.UpdateFindNearestAndMergeAreFree]
  void Update(const SlimSignature& signature, float priority) noexcept;

  // The same with the event's Priority, which is computed only if it may be high enough.
  void Update(const SlimSignature& signature, Time time, std::chrono::seconds half_life,
              std::uint64_t hash) noexcept;

  // The Agreement with the first n of its signatures.
  //   Cost  O(64 n)
  std::array<float, kCapacity> AgreementWithEach(const SlimSignature& signature,
                                                 std::size_t n) const noexcept;

  // The most similar signature; similarity 0 when there is none.
  //   Cost  O(64 kCapacity)
  Nearest FindNearest(const SlimSignature& signature) const noexcept;

  void Merge(const SignatureReservoir& other) noexcept;

  // How many (slot, value) pairs recur in at least `least` of the signatures: a template's
  // fingerprint.
  std::size_t CountRecurring(std::size_t least) const noexcept;

  std::size_t size() const noexcept { return size_; }
  const SlimSignature& signature(std::size_t i) const noexcept { return signatures_[i]; }
  float priority(std::size_t i) const noexcept { return priorities_[i]; }

  std::string Serialize(std::uint64_t key_id) const;
  static Result<SignatureReservoir> Parse(std::string_view bytes, std::uint64_t key_id);

  friend bool operator==(const SignatureReservoir&, const SignatureReservoir&) = default;

  bool Valid() const noexcept;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.signatures_, self.priorities_, self.size_);
  }
  std::array<SlimSignature, kCapacity> signatures_{};
  std::array<float, kCapacity> priorities_{};
  std::uint32_t size_ = 0;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_RESERVOIR_H_
