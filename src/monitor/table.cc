// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/table.h"

#include <algorithm>
#include <cstring>
#include <optional>
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

// Of `size` records the one least worth keeping among the next after a hand that goes round, but
// not that of account `keep`.
//   header_of(i)  the i-th one's header
template <typename HeaderOf>
std::optional<std::uint32_t> LeastWorth(std::uint32_t size, HeaderOf&& header_of,
                                        std::uint32_t& hand, Time now, std::uint64_t keep) {
  std::optional<std::uint32_t> worst;
  for (std::size_t i = std::min<std::size_t>(kCandidates, size); i > 0; --i) {
    hand = hand + 1 < size ? hand + 1 : 0;
    if (header_of(hand).id == keep) continue;
    if (!worst || Worth(header_of(hand), now) < Worth(header_of(*worst), now)) worst = hand;
  }
  return worst;
}

}  // namespace

Shard::Found Shard::At(std::uint32_t place) const {
  if (place & kFullBit) {
    return {.full = &full_[place & ~kFullBit], .custom = CustomAt(place & ~kFullBit)};
  }
  if (place & kLiteBit) return {.lite = &lite_[place & ~kLiteBit]};
  return {.tiny = &tiny_[place]};
}

Shard::Found Shard::Find(std::uint64_t id) const {
  const auto it = index_.find(id);
  return it == index_.end() ? Found{} : At(it->second);
}

Shard::Found Shard::Touch(std::uint64_t id, Time time, const Hint& hint) {
  if (hint.found.known() && hint.removed == removed_) return hint.found;
  if (const Found found = Find(id); found.known()) return found;
  MakeRoom(time, id, sizeof(TinyAccount));
  const std::uint32_t place = tiny_.Add();
  index_[id] = place;
  Found found = At(place);
  found.fresh = true;
  found.tiny->header.id = id;
  found.tiny->header.first = found.tiny->header.last = time;
  return found;
}

Shard::Found Shard::Grow(std::uint64_t id) {
  const LiteAccount lite = Find(id).tiny->InLite();
  MakeRoom(lite.header.last, id, sizeof(LiteAccount) - sizeof(TinyAccount));
  const auto it = index_.find(id);
  RemoveRecord(it->second);
  const std::uint32_t place = lite_.Add();
  lite_[place] = lite;
  it->second = place | kLiteBit;
  return At(it->second);
}

Shard::Found Shard::Promote(std::uint64_t id, LiteAccount& lite) {
  lite = *Find(id).lite;
  MakeRoom(lite.header.last, id, full_bytes_ - sizeof(LiteAccount), 1);
  const auto it = index_.find(id);
  RemoveRecord(it->second);
  it->second = AddFull() | kFullBit;
  return At(it->second);
}

std::uint32_t Shard::AddFull() {
  const std::uint32_t place = full_.Add();
  FitCustom();
  if (std::byte* const states = CustomAt(place)) custom_->Begin(states);
  return place;
}

void Shard::FitCustom() {
  constexpr std::size_t kChunk = Pool<FullAccount>::kChunk;
  if (custom_ == nullptr || custom_->state_bytes() == 0) return;
  while (custom_chunks_.size() < full_.chunks())
    custom_chunks_.push_back(std::make_unique<std::byte[]>(kChunk * custom_->state_bytes()));
  while (custom_chunks_.size() > full_.chunks()) custom_chunks_.pop_back();
}

template <typename Record>
void Shard::RemoveFrom(Pool<Record>& pool, std::uint32_t place, std::uint32_t bit) {
  pool.Remove(place);
  if (place < pool.size()) index_.find(pool[place].header.id)->second = place | bit;
}

void Shard::RemoveRecord(std::uint32_t place) {
  ++removed_;
  if (place & kLiteBit) return RemoveFrom(lite_, place & ~kLiteBit, kLiteBit);
  if (!(place & kFullBit)) return RemoveFrom(tiny_, place, 0);
  place &= ~kFullBit;
  const std::uint32_t last = full_.size() - 1;
  if (std::byte* const states = CustomAt(place); states != nullptr && place != last)
    std::memcpy(states, CustomAt(last), custom_->state_bytes());
  RemoveFrom(full_, place, kFullBit);
  FitCustom();
}

void Shard::Add(const LiteAccount& account) {
  const bool tiny = account.header.kept <= TinyAccount::kEvents;
  MakeRoom(account.header.last, account.header.id,
           tiny ? sizeof(TinyAccount) : sizeof(LiteAccount));
  if (tiny) {
    const std::uint32_t place = tiny_.Add();
    tiny_[place] = TinyAccount(account);
    index_[account.header.id] = place;
  } else {
    const std::uint32_t place = lite_.Add();
    lite_[place] = account;
    index_[account.header.id] = place | kLiteBit;
  }
}

void Shard::Add(const FullAccount& account, const std::byte* custom) {
  MakeRoom(account.header.last, account.header.id, full_bytes_, 1);
  const std::uint32_t place = AddFull();
  index_[account.header.id] = place | kFullBit;
  full_[place] = account;
  if (custom != nullptr && custom_->state_bytes() > 0)
    std::memcpy(CustomAt(place), custom, custom_->state_bytes());
}

void Shard::Remove(std::uint64_t id) {
  const auto it = index_.find(id);
  if (it == index_.end()) return;
  RemoveRecord(it->second);
  index_.erase(it);
}

void Shard::MakeRoom(Time now, std::uint64_t keep, std::size_t more, std::size_t full_more) {
  while (bytes() + more > budget_) {
    const bool full_hold_most = (full_.size() + full_more) * full_bytes_ > budget_ / 4 * 3;
    const bool evicted = full_hold_most ? EvictFull(now, keep) || EvictSmall(now, keep)
                                        : EvictSmall(now, keep) || EvictFull(now, keep);
    if (!evicted) return;
  }
}

bool Shard::EvictSmall(Time now, std::uint64_t keep) {
  // One round over both pools.
  const auto header_of = [this](std::uint32_t i) -> const Header& {
    return i < tiny_.size() ? tiny_[i].header : lite_[i - tiny_.size()].header;
  };
  const std::optional<std::uint32_t> worst =
      LeastWorth(tiny_.size() + lite_.size(), header_of, small_hand_, now, keep);
  if (!worst) return false;
  Remove(header_of(*worst).id);
  ++evicted_;
  return true;
}

bool Shard::EvictFull(Time now, std::uint64_t keep) {
  const auto header_of = [this](std::uint32_t i) -> const Header& { return full_[i].header; };
  const std::optional<std::uint32_t> place =
      LeastWorth(full_.size(), header_of, full_hand_, now, keep);
  if (!place) return false;
  const FullAccount& worst = full_[*place];
  const std::uint64_t id = worst.header.id;
  if (worst.header.level < Level::kWatch) {
    Remove(id);
    ++evicted_;
    return true;
  }
  const std::uint32_t left = tiny_.Add();
  Demote(worst, tiny_[left]);
  RemoveRecord(*place | kFullBit);
  index_[id] = left;
  ++demoted_;
  return true;
}

AccountTable::AccountTable(std::uint32_t shards, std::size_t max_memory_bytes,
                           const CustomDetectors& custom)
    : shards_(std::make_unique<Shard[]>(shards)), mask_(shards - 1) {
  for (std::size_t i = 0; i < shards; ++i) shards_[i].Configure(max_memory_bytes / shards, custom);
}

}  // namespace distillwatch::monitor
