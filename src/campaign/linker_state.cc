// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Saving a linker, and adding a saved one.

#include <algorithm>

#include "campaign/linker.h"

namespace distillwatch::campaign {

void Linker::Save(wire::Writer& out) const {
  const std::lock_guard review_lock(review_mutex_);
  std::vector<Record> records;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, record] : shard.records) records.push_back(record);
  }
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.seen.account < b.seen.account; });
  out(begun_);
  for (const auto& group : owned_) {
    const std::lock_guard lock(group_mutexes_[group->id() % kGroupMutexes]);
    out(*group);
  }
  out(records);
  {
    const std::lock_guard lock(bans_mutex_);
    out(succession_);
  }
  echo_log_.Save(out);
}

std::optional<std::uint32_t> Linker::Add(wire::Reader& in) {
  const std::lock_guard review_lock(review_mutex_);
  std::vector<Time> begun;
  in(begun);
  if (in.failed() || owned_.size() + begun.size() > kMostTracked) return std::nullopt;
  const auto offset = static_cast<std::uint32_t>(owned_.size());
  std::vector<std::unique_ptr<Group>> groups;
  for (std::size_t i = 0; i < begun.size(); ++i) {
    groups.push_back(std::make_unique<Group>());
    in(*groups.back());
    const bool fine = !in.failed() && InHistory(begun[i]) && groups.back()->Restored() &&
                      groups.back()->id() == i + 1 && groups.back()->kin <= begun.size();
    if (!fine) return std::nullopt;
  }
  std::vector<Record> records;
  in(records);
  Succession succession;
  in(succession);
  EchoLog::Content echoes;
  in(echoes);
  if (!in.Finished() || !std::all_of(records.begin(), records.end(), IsValid) ||
      !succession.Restored() || !echoes.Valid()) {
    return std::nullopt;
  }
  {
    const std::lock_guard lock(bans_mutex_);
    for (const Succession::Ban& ban : succession.bans()) succession_.Add(ban);
  }
  echo_log_.Add(echoes);
  DropOngoing();  // it does not know them
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i]->Renumber(offset);
    if (groups[i]->named()) named_.fetch_add(1, std::memory_order_relaxed);
    for (const CampaignMember& m : groups[i]->list()) {
      homes_.try_emplace(m.account, groups[i]->id());
    }
    begun_.push_back(begun[i]);
    owned_.push_back(std::move(groups[i]));
    groups_[owned_.size() - 1].store(owned_.back().get(), std::memory_order_release);
  }
  for (const Record& r : records) {
    Shard& shard = ShardOf(r.seen.account);
    const std::lock_guard lock(shard.mutex);
    const auto [at, fresh] = shard.records.try_emplace(r.seen.account, r);
    if (fresh) continue;
    Record& own = at->second;
    if (r.seen.last > own.seen.last) {
      own.fingerprint = r.fingerprint;
      own.attributes = r.attributes;
      own.habits = r.habits;
    }
    own.seen.first = std::min(own.seen.first, r.seen.first);
    own.seen.last = std::max(own.seen.last, r.seen.last);
    own.seen.requests = std::max(own.seen.requests, r.seen.requests);
    own.seen.own_p_value = std::min(own.seen.own_p_value, r.seen.own_p_value);
  }
  return offset;
}

}  // namespace distillwatch::campaign
