// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/merge.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "distillwatch/monitor.h"
#include "monitor/monitor_state.h"
#include "wire/wire.h"

namespace distillwatch {
namespace monitor {
namespace {

constexpr std::int64_t kUnit_us = LiteAccount::kUnit_us;

template <typename Record>
std::string Bytes(const Record& record) {
  wire::Writer out;
  out(record);
  return std::move(out).Take();
}

// The busier one first; equally busy ones in an order that does not depend on who asks.
template <typename Record>
std::pair<const Record*, const Record*> ByActivity(const Record& a, const Record& b) {
  const auto rank = [](const Header& h) { return std::tuple(h.requests, h.last, h.first); };
  const auto rank_a = rank(a.header), rank_b = rank(b.header);
  const bool swap = rank_a != rank_b ? rank_a < rank_b : Bytes(a) < Bytes(b);
  return swap ? std::pair(&b, &a) : std::pair(&a, &b);
}

Header UnionOf(const Header& busier, const Header& other) {
  Header out = busier;
  out.first = std::min(busier.first, other.first);
  out.last = std::max(busier.last, other.last);
  out.looked = std::max(busier.looked, other.looked);
  out.requests = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      std::uint64_t{busier.requests} + other.requests, std::numeric_limits<std::uint32_t>::max()));
  if (out.group == 0) {
    out.group = other.group;
    out.named = other.named;
  }
  out.finished = std::max(busier.unfinished ? busier.finished : score::kLeastScore,
                          other.unfinished ? other.finished : score::kLeastScore);
  out.unfinished = busier.unfinished || other.unfinished;
  if (busier.horizon == other.horizon) {
    out.path = std::max(busier.path, other.path);
    out.level = std::max(busier.level, other.level);
    out.idle = busier.idle && other.idle;
    return out;
  }
  const Header& later = busier.horizon > other.horizon ? busier : other;
  const Header& earlier = busier.horizon > other.horizon ? other : busier;
  out.path = later.path;
  out.level = later.level;
  out.horizon = later.horizon;
  out.idle = later.idle;
  // The earlier horizon is over for this account.
  if (!earlier.idle) {
    out.finished = std::max(out.finished, earlier.path);
    out.unfinished = true;
  }
  return out;
}

LiteAccount UnionOf(const LiteAccount& a, const LiteAccount& b) {
  const auto [busier, other] = ByActivity(a, b);
  const bool other_is_newer = other->header.last > busier->header.last;
  const LiteAccount& newer = other_is_newer ? *other : *busier;
  const LiteAccount& older = other_is_newer ? *busier : *other;
  LiteAccount out;
  out.header = UnionOf(busier->header, other->header);
  out.conversation = newer.conversation.bytes > 0 ? newer.conversation : older.conversation;

  std::vector<LiteAccount::Request> requests;
  for (const LiteAccount* from : {busier, other}) {
    const auto shift = (from->header.first - out.header.first).count() / kUnit_us;
    for (std::size_t i = 0; i < from->header.kept; ++i) {
      LiteAccount::Request request = from->requests[i];
      request.since_first_10ms = static_cast<std::uint32_t>(
          std::min<std::int64_t>(request.since_first_10ms + shift, 0xffffffff));
      requests.push_back(request);
    }
  }
  std::stable_sort(requests.begin(), requests.end(), [](const auto& x, const auto& y) {
    return x.since_first_10ms < y.since_first_10ms;
  });
  std::copy(requests.begin(), requests.end(), out.requests.begin());
  out.header.kept = static_cast<std::uint8_t>(requests.size());

  // The newest signature, then of the others the one of highest priority.
  std::vector<std::pair<float, SlimSignature>> known;
  for (const LiteAccount* from : {&newer, &older}) {
    for (std::size_t i = 0; i < from->header.signed_kept; ++i)
      known.emplace_back(from->priorities[i], from->signatures[i]);
  }
  if (known.size() > 1) std::sort(known.begin() + 1, known.end(), std::greater<>());
  known.resize(std::min(known.size(), out.signatures.size()));
  out.header.signed_kept = static_cast<std::uint8_t>(known.size());
  for (std::size_t i = 0; i < known.size(); ++i)
    std::tie(out.priorities[i], out.signatures[i]) = known[i];
  return out;
}

FullAccount UnionOf(const Detectors& detectors, const FullAccount& a, const FullAccount& b) {
  const auto [busier, other] = ByActivity(a, b);
  FullAccount out = *busier;
  out.header = UnionOf(busier->header, other->header);
  out.header.kept = out.header.signed_kept = 0;
  detectors.similarity.Merge(other->similarity, out.similarity);
  detectors.coverage.Merge(other->coverage, out.coverage);
  out.attributes.Merge(other->attributes);
  if (out.system.value() == 0) out.system = other->system;
  if (other->header.last > busier->header.last) {
    out.conversations = other->conversations;
    if (other->similarity.reservoir.size() > 0) out.similarity.last = other->similarity.last;
    if (other->coverage.topics > 0) out.coverage.topic_last = other->coverage.topic_last;
  }
  return out;
}

FullAccount InFull(const Detectors& detectors, const Account& account) {
  if (const auto* full = std::get_if<FullAccount>(&account)) return *full;
  FullAccount full;
  Promote(detectors, std::get<LiteAccount>(account), full);
  return full;
}

}  // namespace

bool IsBusier(const FullAccount& a, const FullAccount& b) {
  return ByActivity(a, b).first == &a;
}

Account Union(const Detectors& detectors, const Account& a, const Account& b) {
  const auto* lite_a = std::get_if<LiteAccount>(&a);
  const auto* lite_b = std::get_if<LiteAccount>(&b);
  if (lite_a != nullptr && lite_b != nullptr &&
      lite_a->header.kept + lite_b->header.kept <= static_cast<int>(LiteAccount::kEvents)) {
    return UnionOf(*lite_a, *lite_b);
  }
  return UnionOf(detectors, InFull(detectors, a), InFull(detectors, b));
}

}  // namespace monitor

Status Monitor::Merge(const Monitor& other) {
  State& s = *state_;
  const State& from = *other.state_;
  if (&s == &from) return InvalidArgument("a monitor cannot be merged with itself");
  if (key_id() != other.key_id()) return FailedPrecondition("the two monitors have different keys");
  const monitor::SnapshotHead head = from.Head();
  if (monitor::ReferenceId(s.judge.content()) != head.reference)
    return FailedPrecondition("the two monitors have different references");
  if (s.engine.custom().Layout() != head.detectors)
    return FailedPrecondition("the two monitors have different detectors of the host's");
  const std::size_t state_bytes = from.engine.custom().state_bytes();
  std::int64_t origin = State::kUnset;
  if (head.origin_us != State::kUnset &&
      !s.origin_us.compare_exchange_strong(origin, head.origin_us) && origin != head.origin_us) {
    return FailedPrecondition("horizons begin at " + std::to_string(origin) + " us and at " +
                              std::to_string(head.origin_us) +
                              " us; origin must be the same in both");
  }
  // Groups first, so that their numbers are known; a lone fingerprint does no harm.
  wire::Writer campaigns;
  from.linker.Save(campaigns);
  wire::Reader in(campaigns.bytes());
  const std::optional<std::uint32_t> offset = s.linker.Add(in);
  if (!offset) return FailedPrecondition("the two monitors have more groups than one can watch");
  const auto renumber = [&offset](monitor::Header& header) {
    if (header.group != 0) header.group += *offset;
  };
  for (std::size_t i = 0; i < from.engine.table().shards(); ++i) {
    // Copied under the one lock, taken over under the other: two monitors may merge each other.
    std::vector<monitor::LiteAccount> lite;
    std::vector<monitor::FullAccount> full;
    std::vector<std::byte> states;  // of the host's detectors, account after account
    {
      const monitor::Shard& shard = from.engine.table().shard(i);
      const std::lock_guard lock(shard.mutex);
      full.reserve(shard.full_accounts());
      lite.reserve(shard.accounts() - shard.full_accounts());
      states.reserve(shard.full_accounts() * state_bytes);
      shard.ForEachPlace([&](const monitor::LiteAccount& record) { lite.push_back(record); },
                         [&](const monitor::FullAccount& record, const std::byte* custom) {
                           full.push_back(record);
                           states.insert(states.end(), custom, custom + state_bytes);
                         });
    }
    for (monitor::LiteAccount& account : lite) {
      renumber(account.header);
      s.TakeOver(account, nullptr);
    }
    for (std::size_t a = 0; a < full.size(); ++a) {
      renumber(full[a].header);
      s.TakeOver(full[a], state_bytes > 0 ? &states[a * state_bytes] : nullptr);
    }
  }
  s.Add(head);
  return {};
}

void Monitor::State::TakeOver(const monitor::Account& account, const std::byte* states) {
  const std::uint64_t id = std::visit([](const auto& record) { return record.header.id; }, account);
  const auto* lite = std::get_if<monitor::LiteAccount>(&account);
  const auto* full = std::get_if<monitor::FullAccount>(&account);
  monitor::Shard& shard = engine.table().ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const monitor::Shard::Found known = shard.Find(id);
  if (!known.known()) {
    if (lite != nullptr) return shard.Add(*lite);
    return shard.Add(*full, states);
  }
  if (known.full != nullptr) {
    const bool replace = states != nullptr && monitor::IsBusier(*full, *known.full);
    *known.full = std::get<monitor::FullAccount>(
        monitor::Union(engine.detectors(), monitor::Account(*known.full), account));
    if (replace) std::memcpy(known.custom, states, engine.custom().state_bytes());
    return;
  }
  const monitor::Account both = monitor::Union(
      engine.detectors(), known.lite != nullptr ? *known.lite : known.tiny->InLite(), account);
  shard.Remove(id);
  if (const auto* still_lite = std::get_if<monitor::LiteAccount>(&both))
    return shard.Add(*still_lite);
  shard.Add(std::get<monitor::FullAccount>(both), states);
}

}  // namespace distillwatch
