// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/account.h"

#include <algorithm>
#include <cmath>

namespace distillwatch::monitor {
namespace {

constexpr std::uint8_t kCompared = 1, kContinued = 2;

std::uint8_t In255ths(float share) {
  return static_cast<std::uint8_t>(std::lround(share * 255));
}

Time TimeOf(const LiteAccount& account, std::size_t i) {
  return account.header.first +
         std::chrono::microseconds(account.requests[i].since_first_10ms * LiteAccount::kUnit_us);
}

bool Valid(const Header& h) noexcept {
  return InHistory(h.first) && h.first <= h.last && InHistory(h.last) && InHistory(h.looked) &&
         h.path >= score::kLeastScore && h.path <= score::kMostScore &&
         h.finished >= score::kLeastScore && h.finished <= score::kMostScore &&
         h.level <= Level::kDistilling;
}

}  // namespace

bool LiteAccount::Valid() const noexcept {
  return monitor::Valid(header) && header.kept <= kEvents && header.signed_kept <= header.kept &&
         header.signed_kept <= signatures.size() &&
         std::all_of(priorities.begin(), priorities.end(),
                     [](float p) { return std::isfinite(p); });
}

TinyAccount::TinyAccount(const LiteAccount& lite) noexcept
    : header(lite.header),
      conversation(lite.conversation),
      request(lite.requests[0]),
      signature(lite.signatures[0]),
      priority(lite.priorities[0]) {}

LiteAccount TinyAccount::InLite() const noexcept {
  LiteAccount lite;
  lite.header = header;
  lite.conversation = conversation;
  lite.requests[0] = request;
  lite.signatures[0] = signature;
  lite.priorities[0] = priority;
  return lite;
}

bool TinyAccount::Valid() const noexcept {
  return header.kept <= kEvents && InLite().Valid();
}

bool FullAccount::Valid() const noexcept {
  return monitor::Valid(header) && similarity.frame_last <= kLatestTime &&
         rate_shape.last <= kLatestTime && similarity.Valid() && coverage.Valid() &&
         rate_shape.Valid() && attributes.Valid();
}

void Update(const Detectors& detectors, const Observation& seen, TinyAccount& account) noexcept {
  LiteAccount lite = account.InLite();
  Update(detectors, seen, lite);
  account = TinyAccount(lite);
}

void Update(const Detectors& detectors, const Observation& seen, LiteAccount& account) noexcept {
  LiteAccount::Request& request = account.requests[account.header.kept++];
  const std::int64_t since_us =
      std::max<std::int64_t>((seen.time - account.header.first).count(), 0);
  request = {};
  request.since_first_10ms = static_cast<std::uint32_t>(
      std::min<std::int64_t>(since_us / LiteAccount::kUnit_us, 0xffffffff));
  request.flags = seen.earlier_turns > 0 ? kContinued : 0;
  if (seen.units == 0) return;

  const float log_units = 16 * std::log(static_cast<float>(seen.units));
  request.log_units = static_cast<std::uint8_t>(std::clamp(std::lround(log_units), 1L, 255L));
  if (account.header.signed_kept > 0) {
    const float follow = Agreement(account.signatures[0], seen.signature);
    const float other =
        account.header.signed_kept > 1 ? Agreement(account.signatures[1], seen.signature) : 0;
    request.follow = In255ths(follow);
    request.nearest = In255ths(std::max(follow, other));
    request.flags |= kCompared;
    if (account.header.signed_kept == 1 || account.priorities[0] > account.priorities[1]) {
      account.signatures[1] = account.signatures[0];
      account.priorities[1] = account.priorities[0];
    }
  }
  account.signatures[0] = seen.signature;
  account.priorities[0] = detectors.similarity.PriorityOf(seen);
  account.header.signed_kept =
      static_cast<std::uint8_t>(std::min(account.header.signed_kept + 1, 2));
}

void Update(const Detectors& detectors, const Observation& seen, FullAccount& account) noexcept {
  detectors.similarity.Update(seen, account.similarity);
  detectors.coverage.Update(seen, account.coverage);
  detectors.rate_shape.Update(seen, account.rate_shape);
}

void Promote(const Detectors& detectors, const LiteAccount& lite, FullAccount& full) noexcept {
  full = {};
  full.header = lite.header;
  full.conversations[0] = lite.conversation;
  for (std::size_t i = 0; i < lite.header.kept; ++i) {
    const LiteAccount::Request& request = lite.requests[i];
    Observation seen;
    seen.time = TimeOf(lite, i);
    detectors.rate_shape.Update(seen, full.rate_shape);
    detectors.similarity.Replay({.nearest = request.nearest,
                                 .follow = request.follow,
                                 .log_units = request.log_units,
                                 .compared = (request.flags & kCompared) != 0,
                                 .continued = (request.flags & kContinued) != 0},
                                seen.time, full.similarity);
  }
  for (std::size_t i = lite.header.signed_kept; i-- > 0;) {
    full.similarity.reservoir.Update(lite.signatures[i], lite.priorities[i]);
    full.similarity.last = lite.signatures[i];
  }
}

void Demote(const FullAccount& full, TinyAccount& tiny) noexcept {
  tiny = {};
  tiny.header = full.header;
  tiny.header.kept = tiny.header.signed_kept = 0;
  tiny.conversation = *std::max_element(
      full.conversations.begin(), full.conversations.end(),
      [](const Conversation& a, const Conversation& b) { return a.turns < b.turns; });
}

}  // namespace distillwatch::monitor
