// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Echoes: prompts that several accounts ask within 100 minutes, word for word.
//
// A dispatcher that asks again elsewhere what failed, or asks everything several times for several
// answers, leaves them, whatever the prompts have in common otherwise. Of what is asked by up to 16
// accounts, strangers' requests hardly ever agree, and where they do, at any distance: of those
// within 100 minutes a tenth within ten, and of these a tenth within one
// [EchoNullStat.StrangersEchoAtAnyDistance]. What more accounts ask is common, and no echo.
// When there are too many requests to remember for 100 minutes, a part of all prompts is looked at,
// chosen by their hashes, so that close echoes do not outlast distant ones
// [EchoLog.UnderLoadFewerPromptsAreLookedAtForAsLong].
// Thread-safe. What is kept depends on the order of requests only where they are hours of traffic
// apart [EchoLog.TheOrderOfRequestsDoesNotMatter].
// Tested by  tests/campaign/echo_test.cc    Measured by  benchmarks/campaign_bench.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_ECHO_H_
#define DISTILLWATCH_SRC_CAMPAIGN_ECHO_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "distillwatch/event.h"
#include "wire/wire.h"

namespace distillwatch::campaign {

class EchoLog {
 public:
  static constexpr std::chrono::seconds kWindow{6000}, kNear{600}, kSoon{60};
  static constexpr std::size_t kMostAskers = 16;   // of a prompt that is not common
  static constexpr std::uint32_t kLeastUnits = 6;  // words; shorter prompts are anybody's
  static constexpr std::size_t kBuckets = 4096, kPlaces = 64;

  // An account asked a prompt that another one asked, too.
  struct Asking {
    std::uint64_t account = 0;
    Time time{};
    std::uint32_t prompt = 0;  // of its hash, what the bucket does not say
    bool common = false;  // more than kMostAskers are known to ask it; is found anew when saved
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.account, s.time, s.prompt);
    }
  };

  // Takes 14 MB of address space; memory as it is used.
  EchoLog();

  // prompt: keyed hash of the newest turn.
  //   Cost  [BM_EchoLog_Observe], no allocation
  void Observe(std::uint64_t prompt, std::uint64_t account, Time time) noexcept;
  void Prefetch(std::uint64_t prompt) const noexcept;

  // Looks at more prompts again, a day after there were too many.
  void Relax(Time now) noexcept;
  // One of 2^thinning prompts is looked at.
  std::uint32_t thinning() const noexcept { return thinning_.load(std::memory_order_relaxed); }

  // What is kept in a bucket: by prompt, time and account. Of a prompt all who asked it since its
  // first echo, up to kMostAskers + 1, each once; common ones, too.
  std::vector<Asking> Kept(std::size_t bucket) const;

  void Save(wire::Writer& out) const;
  // What was saved.
  struct Content {
    struct Bucket {
      std::uint16_t number = 0;
      std::vector<Asking> recent, kept;  // in the order in which they came
      template <typename Io>
      static void Fields(Io& io, auto& s) {
        io(s.number, s.recent, s.kept);
      }
    };
    std::vector<Bucket> buckets;
    std::uint32_t thinning = 0;
    Time thinned{};
    bool Valid() const noexcept;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.buckets, s.thinning, s.thinned);
    }
  };
  void Add(const Content& content);

 private:
  // The newest of some, in the order in which they came.
  struct Ring {
    std::uint8_t next, size;
    std::array<std::uint16_t, kPlaces> tags;  // of the prompts, to search all at once
    std::array<Asking, kPlaces> askings;

    bool MayHave(std::uint32_t prompt) const noexcept;
    //   Returns  whether it took the place of one that was asked within the window
    bool Push(const Asking& asking) noexcept;
    template <typename Visit>
    void ForEach(std::uint32_t prompt, Visit&& visit);
    template <typename Which>
    void Drop(Which&& which) noexcept;
    std::vector<Asking> InOrder() const;
  };
  // Zeros are an empty one.
  struct Bucket {
    Ring recent, kept;
    std::uint8_t thinning;
    // As Ring::Push
    bool Add(const Asking& asking) noexcept;
    class Askers;
    // Forgets what is looked at no more, so that no close echo outlasts distant ones.
    void Thin(std::uint32_t to, Time now) noexcept;
  };
  struct Free {
    void operator()(Bucket* buckets) const noexcept { std::free(buckets); }
  };
  static constexpr std::size_t kMutexes = 64;
  std::mutex& MutexOf(std::size_t bucket) const { return mutexes_[bucket % kMutexes]; }

  static constexpr std::uint32_t kMostThinning = 16;
  // With this thinning, there are too many prompts.
  void Thin(std::uint32_t from, Time now) noexcept;

  std::atomic<std::uint32_t> thinning_{0};
  std::atomic<Time> thinned_{Time{}};  // when it last changed
  std::unique_ptr<Bucket[], Free> buckets_;
  std::unique_ptr<std::mutex[]> mutexes_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_ECHO_H_
