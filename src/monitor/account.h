// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What an account is in memory: a tiny record after its first request, a lite one below 16, from
// then on a full one. All three begin with the same header.
//
// Tested by  tests/monitor/account_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_ACCOUNT_H_
#define DISTILLWATCH_SRC_MONITOR_ACCOUNT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "campaign/infrastructure.h"
#include "distillwatch/coverage.h"
#include "distillwatch/event.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"
#include "distillwatch/verdict.h"
#include "score/model.h"

namespace distillwatch::monitor {

struct Header {
  std::uint64_t id = 0;
  Time first{}, last{};
  Time looked{};                                // when the score was last evaluated
  std::uint32_t requests = 0;                   // saturates
  score::Points path = score::kLeastScore;      // highest score in this horizon
  score::Points finished = score::kLeastScore;  // of the horizon before, until it is counted
  std::uint16_t horizon = 0;                    // which one `path` belongs to
  Level level = Level::kClear;
  bool unfinished = false;       // `finished` waits to be counted
  std::uint32_t group = 0;       // of linked accounts that it is watched with; 0: none
  std::uint8_t kept = 0;         // requests that a tiny or lite record holds
  std::uint8_t signed_kept = 0;  // signatures that a tiny or lite record holds
  bool named = false;            // the group is a named campaign
  bool idle = false;             // no request in this horizon so far

  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.id, s.first, s.last, s.looked, s.requests, s.path, s.finished, s.horizon, s.level,
       s.unfinished, s.group, s.kept, s.signed_kept, s.named, s.idle);
  }
};

// The last prompt of a conversation, so that a request which resends it is recognised and only its
// new turn is judged.
struct Conversation {
  std::uint64_t prefix = 0;  // keyed hash of the whole prompt
  std::uint32_t bytes = 0;   // its length; 0: none
  std::uint32_t turns = 0;

  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.prefix, s.bytes, s.turns);
  }
};

struct LiteAccount {
  static constexpr std::size_t kEvents = 15;
  static constexpr std::int64_t kUnit_us = 10'000;
  // A request in 8 bytes.
  struct Request {
    std::uint32_t since_first_10ms = 0;                   // saturates after 497 days
    std::uint8_t nearest = 0, follow = 0, log_units = 0;  // as in SimilarityDetector::Digest
    std::uint8_t flags = 0;                               // 1 compared, 2 continued
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.since_first_10ms, s.nearest, s.follow, s.log_units, s.flags);
    }
  };

  Header header;
  Conversation conversation;
  std::array<Request, kEvents> requests{};
  // The newest signature and the one of highest priority before it.
  std::array<SlimSignature, 2> signatures{};
  std::array<float, 2> priorities{};

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.header, s.conversation, s.requests, s.signatures, s.priorities);
  }
};

// A lite account of one request, without the room for more; or what is left of a full one.
struct TinyAccount {
  static constexpr std::size_t kEvents = 1;

  Header header;
  Conversation conversation;
  LiteAccount::Request request;
  SlimSignature signature{};
  float priority = 0;

  TinyAccount() = default;
  // Needs  at most one request in `lite`
  explicit TinyAccount(const LiteAccount& lite) noexcept;
  LiteAccount InLite() const noexcept;

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.header, s.conversation, s.request, s.signature, s.priority);
  }
};

struct FullAccount {
  static constexpr std::size_t kConversations = 3;

  Header header;
  std::array<Conversation, kConversations> conversations{};
  SimilarityDetector::State similarity;
  CoverageDetector::State coverage;
  RateShapeDetector::State rate_shape;
  campaign::AttributeCounts attributes;
  campaign::Majority system;  // hash of the system prompt

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.header, s.conversations, s.similarity, s.coverage, s.rate_shape, s.attributes, s.system);
  }
};

static_assert(std::is_trivially_copyable_v<TinyAccount> &&
              std::is_trivially_copyable_v<LiteAccount> &&
              std::is_trivially_copyable_v<FullAccount>);
static_assert(sizeof(TinyAccount) <= 216);   // [AccountSize.TiersKeepTheirBudget]
static_assert(sizeof(LiteAccount) <= 456);   // [AccountSize.TiersKeepTheirBudget]
static_assert(sizeof(FullAccount) <= 4640);  // [AccountSize.TiersKeepTheirBudget]

struct Detectors {
  SimilarityDetector similarity;
  CoverageDetector coverage;
  RateShapeDetector rate_shape;
};

// Adds a request to a tiny or lite record that has room for it (header.kept < kEvents).
void Update(const Detectors& detectors, const Observation& seen, TinyAccount& account) noexcept;
void Update(const Detectors& detectors, const Observation& seen, LiteAccount& account) noexcept;
// Adds a request to a full record.
void Update(const Detectors& detectors, const Observation& seen, FullAccount& account) noexcept;

// The full record of an account that a lite one kept so far.
void Promote(const Detectors& detectors, const LiteAccount& lite, FullAccount& full) noexcept;
// What is left of a suspicious account when memory is short: header and newest conversation.
void Demote(const FullAccount& full, TinyAccount& tiny) noexcept;

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_ACCOUNT_H_
