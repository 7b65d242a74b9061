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
  // Apart from what they are the heads of, so that all of them stay near and tell what to fetch. A
  // prefetch reads them under no lock.
  struct Head {
    std::atomic<std::uint8_t> next{0}, size{0};
  };
  struct Heads {
    Head recent, kept;
    std::uint8_t thinning = 0;
  };
  static constexpr std::size_t kLine = 64;  // bytes
  struct alignas(kLine) Places {
    std::array<std::uint16_t, kPlaces> tags;  // of the prompts, to search all at once
    std::array<Asking, kPlaces> askings;
  };
  // The newest of some, in the order in which they came.
  class Ring {
   public:
    Ring(Head& head, Places& places) noexcept : head_(head), places_(places) {}
    std::size_t size() const noexcept { return head_.size.load(std::memory_order_relaxed); }
    // The place of the next one.
    Asking& next() noexcept { return places_.askings[Next()]; }
    bool MayHave(std::uint32_t prompt) const noexcept;
    //   Returns  whether it took the place of one that was asked within the window
    bool Push(const Asking& asking) noexcept;
    template <typename Visit>
    void ForEach(std::uint32_t prompt, Visit&& visit);
    template <typename Which>
    void Drop(Which&& which) noexcept;
    std::vector<Asking> InOrder() const;

   private:
    std::size_t Next() const noexcept { return head_.next.load(std::memory_order_relaxed); }
    const Asking& at(std::size_t i) const noexcept {
      return places_.askings[(Next() + kPlaces - size() + i) % kPlaces];
    }
    Head& head_;
    Places& places_;
  };
  struct BucketPlaces {
    Places recent, kept;
  };
  struct Bucket {
    Ring recent, kept;
    std::uint8_t& thinning;
    // As Ring::Push
    bool Add(const Asking& asking) noexcept;
    class Askers;
    // Forgets what is looked at no more, so that no close echo outlasts distant ones.
    void Thin(std::uint32_t to, Time now) noexcept;
  };
  Bucket BucketOf(std::size_t i) const noexcept {
    return {Ring(heads_[i].recent, places_[i].recent), Ring(heads_[i].kept, places_[i].kept),
            heads_[i].thinning};
  }
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  static constexpr std::size_t kMutexes = 64;
  std::mutex& MutexOf(std::size_t bucket) const { return mutexes_[bucket % kMutexes]; }

  static constexpr std::uint32_t kMostThinning = 16;
  // With this thinning, there are too many prompts.
  void Thin(std::uint32_t from, Time now) noexcept;

  std::atomic<std::uint32_t> thinning_{0};
  std::atomic<Time> thinned_{Time{}};  // when it last changed
  std::unique_ptr<Heads[]> heads_;
  std::unique_ptr<void, Free> memory_;
  BucketPlaces* places_;  // in memory_; zeros, of which no head tells, are empty places
  std::unique_ptr<std::mutex[]> mutexes_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_ECHO_H_
