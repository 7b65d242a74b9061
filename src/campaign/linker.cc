// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/linker.h"

#include <algorithm>
#include <cmath>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr auto kMonth = std::chrono::hours(30 * 24);
constexpr std::size_t kPopulation = 20000;
constexpr double kDay_us = 86'400e6;

Life LifeOf(const Seen& seen) noexcept {
  const double days =
      std::max(0.0, static_cast<double>((seen.last - seen.first).count()) / kDay_us) + 1;
  return {.begin_days = static_cast<double>(seen.first.time_since_epoch().count()) / kDay_us,
          .log_volume = std::log(std::max<double>(seen.requests, 1) / days)};
}

}  // namespace

Linker::Linker(const CampaignOptions& options, std::uint64_t seed)
    : options_(options),
      seed_(seed),
      groups_(std::make_unique<std::atomic<Group*>[]>(kMostTracked)),
      group_mutexes_(std::make_unique<std::mutex[]>(kGroupMutexes)) {}

void Linker::Note(const Seen& seen, const SignatureReservoir& sample) {
  const Fingerprint fingerprint = FingerprintOf(sample);
  Shard& shard = ShardOf(seen.account);
  const std::lock_guard lock(shard.mutex);
  Record& record = shard.records[seen.account];
  record.seen = seen;
  record.fingerprint = fingerprint;
}

void Linker::Observe(std::uint32_t group, std::uint64_t account, Time time,
                     const SlimSignature& signature) {
  if (group == 0 || group > kMostTracked) return;
  Group* g = groups_[group - 1].load(std::memory_order_acquire);
  if (g == nullptr) return;
  const auto lock = Lock(*g);
  g->Observe(account, time, signature);
}

std::uint32_t Linker::GroupOf(std::uint64_t account) const {
  const auto at = homes_.find(account);
  return at == homes_.end() ? 0 : at->second;
}

// All records of the last month, ordered by account. Forgets older ones, and when there are too
// many, those longest idle.
std::vector<Linker::Record> Linker::Collect(Time now) {
  std::vector<Record> out;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    absl::erase_if(shard.records,
                   [now](const auto& entry) { return now - entry.second.seen.last > kMonth; });
    for (const auto& [id, record] : shard.records) out.push_back(record);
  }
  if (out.size() > options_.most_accounts) {
    const auto bound = out.begin() + static_cast<std::ptrdiff_t>(options_.most_accounts);
    std::nth_element(out.begin(), bound, out.end(), [](const Record& a, const Record& b) {
      return std::pair(b.seen.last, b.seen.account) < std::pair(a.seen.last, a.seen.account);
    });
    for (auto r = bound; r != out.end(); ++r) {
      Shard& shard = ShardOf(r->seen.account);
      const std::lock_guard lock(shard.mutex);
      shard.records.erase(r->seen.account);
    }
    out.erase(bound, out.end());
  }
  std::sort(out.begin(), out.end(),
            [](const Record& a, const Record& b) { return a.seen.account < b.seen.account; });
  return out;
}

Group* Linker::Begin(Time now, Review& review) {
  const auto begun_lately = static_cast<std::size_t>(
      std::count_if(begun_.begin(), begun_.end(), [now](Time t) { return now - t < kMonth; }));
  if (owned_.size() >= kMostTracked || begun_lately >= options_.most_groups) {
    ++review.waiting;
    return nullptr;
  }
  owned_.push_back(std::make_unique<Group>(static_cast<std::uint32_t>(owned_.size() + 1), now));
  begun_.push_back(now);
  groups_[owned_.size() - 1].store(owned_.back().get(), std::memory_order_release);
  return owned_.back().get();
}

void Linker::Put(Group& group, const Record& record, Time now, Review& review) {
  homes_[record.seen.account] = group.id();
  group.Join(record.seen.account, now, record.seen.first);
  if (group.named()) review.joined.emplace_back(record.seen.account, group.id());
}

void Linker::Free(std::span<const std::uint64_t> accounts) {
  for (const std::uint64_t account : accounts) homes_.erase(account);
  freed_.insert(freed_.end(), accounts.begin(), accounts.end());
}

// A named group takes those that are like its members; the group with most of the candidate takes
// the others while it has no name; who is left begins a new one.
void Linker::Place(Candidate& candidate, std::span<const Record> records, Time now,
                   Review& review) {
  absl::flat_hash_map<std::uint32_t, std::size_t> held;
  for (const std::uint32_t m : candidate.members) {
    if (const std::uint32_t group = GroupOf(records[m].seen.account); group != 0) ++held[group];
  }
  std::vector<std::pair<std::size_t, Group*>> groups;  // with a tenth of the candidate or of theirs
  for (const auto& [id, count] : held) {
    Group* group = owned_[id - 1].get();
    const std::size_t least = std::min(candidate.members.size(), group->members());
    if ((group->named() ? 2 : 10) * count >= least) {
      groups.emplace_back(count, group);
    }
  }
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->id() < b.second->id();
  });
  Group* unnamed = nullptr;
  for (const auto& [count, group] : groups) {
    if (!group->named() && unnamed == nullptr) unnamed = group;
  }

  std::vector<const Record*> left;
  for (const std::uint32_t m : candidate.members) {
    const Record& record = records[m];
    if (GroupOf(record.seen.account) != 0) continue;
    const Life life = LifeOf(record.seen);
    Group* home = nullptr;
    for (const auto& [count, group] : groups) {
      if (home == nullptr && group->named() && group->Admits(life, record.fingerprint))
        home = group;
    }
    if (home == nullptr) home = unnamed;
    if (home == nullptr) {
      left.push_back(&record);
      continue;
    }
    const auto lock = Lock(*home);
    Put(*home, record, now, review);
  }
  if (unnamed == nullptr && left.size() >= Group::kLeastMembers) {
    unnamed = Begin(now, review);
    if (unnamed == nullptr) return;
    const auto lock = Lock(*unnamed);
    if (!groups.empty()) unnamed->kin = groups.front().second->id();
    for (const Record* record : left) Put(*unnamed, *record, now, review);
  }
  if (unnamed == nullptr) return;
  // Larger candidates come first: a few members that have another frame do not change the group's.
  if (std::find(framed_.begin(), framed_.end(), unnamed->id()) != framed_.end()) return;
  framed_.push_back(unnamed->id());
  const auto lock = Lock(*unnamed);
  unnamed->SetFrame(std::move(candidate.frame));
}

// A group that a named one of its kin asks as much as is more of the same campaign.
void Linker::Name(Group& group, Time now, Review& review) {
  Group* kin = group.kin != 0 ? owned_[group.kin - 1].get() : nullptr;
  if (kin != nullptr && kin->named() && group.IsMoreOf(*kin)) {
    std::vector<std::pair<std::uint64_t, Time>> moved;
    {
      const auto lock = Lock(group);
      for (const CampaignMember& m : group.list()) {
        moved.emplace_back(m.account, group.FirstSeen(m.account));
      }
      group.Dissolve();
    }
    const auto lock = Lock(*kin);
    for (const auto& [account, first_seen] : moved) {
      kin->Join(account, now, first_seen);
      homes_[account] = kin->id();
      review.joined.emplace_back(account, kin->id());
    }
    return;
  }
  const auto lock = Lock(group);
  group.Name(now);
  named_.fetch_add(1, std::memory_order_relaxed);
  review.named.push_back(group.id());
  for (const CampaignMember& m : group.list()) review.joined.emplace_back(m.account, group.id());
}

void Linker::Judge(Group& group, std::span<const Record> records, std::span<const Life> population,
                   Time now, Review& review) {
  bool due = false;
  {
    const auto lock = Lock(group);
    due = group.Gather(now);
    Free(group.DropStrangers());
    std::vector<Group::Known> known;
    for (const CampaignMember& m : group.list()) {
      const auto record = std::lower_bound(
          records.begin(), records.end(), m.account,
          [](const Record& r, std::uint64_t account) { return r.seen.account < account; });
      if (record == records.end() || record->seen.account != m.account) continue;
      known.push_back({m.account, LifeOf(record->seen), &record->fingerprint});
    }
    group.Refresh(known);
  }
  if (group.named() || !due) return;
  const double share = options_.false_campaigns / static_cast<double>(options_.most_groups);
  if (!group.Test(share, population, now, wire::Mix(seed_ ^ group.id()))) return;
  {
    const auto lock = Lock(group);
    Free(group.DropUnlike());
  }
  Name(group, now, review);
}

void Linker::Tell(const Assign& assign) {
  for (const std::uint64_t account : freed_) {
    if (GroupOf(account) == 0) assign(account, 0, false);
  }
  freed_.clear();
  for (const auto& group : owned_) {  // no one else changes lists
    for (const CampaignMember& m : group->list()) {
      // Of two monitors that became one, both may have linked the account.
      if (GroupOf(m.account) == group->id()) assign(m.account, group->id(), group->named());
    }
  }
}

Review Linker::Run(Time now, const Assign& assign) {
  const std::lock_guard review_lock(review_mutex_);
  Review review;
  const std::vector<Record> records = Collect(now);
  std::vector<const Fingerprint*> fingerprints;
  std::vector<std::uint64_t> ids;
  std::vector<Life> population;
  for (const Record& r : records) {
    fingerprints.push_back(&r.fingerprint);
    ids.push_back(r.seen.account);
    review.accounts += r.fingerprint.size > 0;
    if (population.size() < kPopulation) population.push_back(LifeOf(r.seen));
  }
  framed_.clear();
  for (Candidate& candidate : Link(fingerprints, ids, {})) Place(candidate, records, now, review);
  for (const auto& group : owned_) Judge(*group, records, population, now, review);
  Tell(assign);
  review.groups = static_cast<std::size_t>(std::count_if(
      owned_.begin(), owned_.end(), [](const auto& group) { return group->members() > 0; }));
  std::sort(review.joined.begin(), review.joined.end());
  return review;
}

std::vector<Campaign> Linker::Campaigns() const {
  const std::lock_guard review_lock(review_mutex_);
  std::vector<Campaign> out;
  for (const auto& group : owned_) {
    const std::lock_guard lock(group_mutexes_[group->id() % kGroupMutexes]);
    if (group->named() && group->members() > 0) out.push_back(group->Describe());
  }
  return out;
}

std::optional<Campaign> Linker::Find(std::uint32_t group) const {
  const std::lock_guard review_lock(review_mutex_);
  if (group == 0 || group > owned_.size()) return std::nullopt;
  const std::lock_guard lock(group_mutexes_[group % kGroupMutexes]);
  const Group& g = *owned_[group - 1];
  return g.named() ? std::optional(g.Describe()) : std::nullopt;
}

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
  if (!in.Finished()) return std::nullopt;
  for (const Record& r : records) {
    if (!r.fingerprint.Valid() || !InHistory(r.seen.first) || !InHistory(r.seen.last) ||
        r.seen.requests == 0) {
      return std::nullopt;
    }
  }
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
    if (r.seen.last > own.seen.last) own.fingerprint = r.fingerprint;
    own.seen.first = std::min(own.seen.first, r.seen.first);
    own.seen.last = std::max(own.seen.last, r.seen.last);
    own.seen.requests = std::max(own.seen.requests, r.seen.requests);
  }
  return offset;
}

std::size_t Linker::remembered() const {
  std::size_t accounts = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    accounts += shard.records.size();
  }
  return accounts;
}

}  // namespace distillwatch::campaign
