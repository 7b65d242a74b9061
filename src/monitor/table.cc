// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/table.h"

#include <cstring>
#include <tuple>

namespace distillwatch::monitor {
namespace {

constexpr std::size_t kCandidates = 8;
constexpr auto kIdle = std::chrono::hours(1);

// What is worth keeping compares greater: suspicion, activity, then how much is known and how
// recent it is.
auto Worth(const Header& h, Time now) {
  return std::tuple(h.level, now - h.last < kIdle && h.requests >= 16, h.path, h.requests, h.last);
}

}  // namespace

Shard::Found Shard::At(std::uint32_t place) const {
  if (place & kFullBit) {
    return {.full = &full_[place & ~kFullBit], .custom = CustomAt(place & ~kFullBit)};
  }
  return {.lite = &lite_[place]};
}

Shard::Found Shard::Find(std::uint64_t id) const {
  const auto it = index_.find(id);
  return it == index_.end() ? Found{} : At(it->second);
}

Shard::Found Shard::Touch(std::uint64_t id, Time time, const Hint& hint) {
  const bool known = hint.found.lite != nullptr || hint.found.full != nullptr;
  if (known && hint.given_up == given_up_) return hint.found;
  if (const Found found = Find(id); found.lite != nullptr || found.full != nullptr) return found;
  MakeRoomForLite(time, id);
  const std::uint32_t place = lite_.Allocate();
  index_[id] = place;
  Found found = At(place);
  found.fresh = true;
  found.lite->header.id = id;
  found.lite->header.first = found.lite->header.last = time;
  return found;
}

Shard::Found Shard::Promote(std::uint64_t id, LiteAccount& lite) {
  const std::uint32_t before = index_.find(id)->second;
  lite = lite_[before];
  const Time now = lite.header.last;
  MakeRoomForFull(now, id, full_bytes_ - sizeof(LiteAccount));
  lite_.Free(before);
  ++given_up_;
  const std::uint32_t place = AllocateFull();
  index_[id] = place | kFullBit;
  return At(place | kFullBit);
}

std::uint32_t Shard::AllocateFull() {
  const std::uint32_t place = full_.Allocate();
  GrowCustom();
  if (std::byte* const states = CustomAt(place)) custom_->Begin(states);
  return place;
}

void Shard::GrowCustom() {
  constexpr std::size_t kChunk = Pool<FullAccount>::kChunk;
  if (custom_ == nullptr || custom_->state_bytes() == 0) return;
  while (custom_chunks_.size() * kChunk < full_.places())
    custom_chunks_.push_back(std::make_unique<std::byte[]>(kChunk * custom_->state_bytes()));
}

void Shard::Add(const LiteAccount& account) {
  MakeRoomForLite(account.header.last, account.header.id);
  const std::uint32_t place = lite_.Allocate();
  index_[account.header.id] = place;
  lite_[place] = account;
}

void Shard::Add(const FullAccount& account, const std::byte* custom) {
  MakeRoomForFull(account.header.last, account.header.id, full_bytes_);
  const std::uint32_t place = AllocateFull();
  index_[account.header.id] = place | kFullBit;
  full_[place] = account;
  if (custom != nullptr && custom_->state_bytes() > 0)
    std::memcpy(CustomAt(place), custom, custom_->state_bytes());
}

void Shard::Remove(std::uint64_t id) {
  const auto it = index_.find(id);
  if (it == index_.end()) return;
  if (it->second & kFullBit) {
    full_.Free(it->second & ~kFullBit);
  } else {
    lite_.Free(it->second);
  }
  index_.erase(it);
  ++given_up_;
}

void Shard::MakeRoomForLite(Time now, std::uint64_t keep) {
  if (bytes() + sizeof(LiteAccount) <= budget_) return;
  if (full_.size() * full_bytes_ > budget_ / 4 * 3 || lite_.size() == 0) {
    EvictFull(now, keep);
  } else {
    EvictLite(now, keep);
  }
}

void Shard::MakeRoomForFull(Time now, std::uint64_t keep, std::size_t more) {
  const auto tight = [this, more] { return bytes() + more > budget_; };
  if (tight() && full_.size() > 0 && (full_.size() + 1) * full_bytes_ > budget_ / 4 * 3) {
    EvictFull(now, keep);
  }
  while (tight() && lite_.size() > 1) EvictLite(now, keep);
}

void Shard::EvictLite(Time now, std::uint64_t keep) {
  const LiteAccount* worst = nullptr;
  std::uint32_t place = 0;
  lite_.Sweep(lite_hand_, kCandidates, [&](std::uint32_t at, const LiteAccount& account) {
    if (account.header.id == keep) return;
    if (worst == nullptr || Worth(account.header, now) < Worth(worst->header, now))
      worst = &account, place = at;
  });
  if (worst == nullptr) return;
  index_.erase(worst->header.id);
  lite_.Free(place);
  ++evicted_;
  ++given_up_;
}

void Shard::EvictFull(Time now, std::uint64_t keep) {
  const FullAccount* worst = nullptr;
  std::uint32_t place = 0;
  full_.Sweep(full_hand_, kCandidates, [&](std::uint32_t at, const FullAccount& account) {
    if (account.header.id == keep) return;
    if (worst == nullptr || Worth(account.header, now) < Worth(worst->header, now))
      worst = &account, place = at;
  });
  if (worst == nullptr) return;
  const std::uint64_t id = worst->header.id;
  if (worst->header.level >= Level::kWatch) {
    const std::uint32_t slim = lite_.Allocate();
    Demote(*worst, lite_[slim]);
    index_[id] = slim;
    ++demoted_;
  } else {
    index_.erase(id);
    ++evicted_;
  }
  full_.Free(place);
  ++given_up_;
}

AccountTable::AccountTable(std::uint32_t shards, std::size_t max_memory_bytes,
                           const CustomDetectors& custom)
    : shards_(std::make_unique<Shard[]>(shards)), mask_(shards - 1) {
  for (std::size_t i = 0; i < shards; ++i) shards_[i].Configure(max_memory_bytes / shards, custom);
}

}  // namespace distillwatch::monitor
