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

}  // namespace

Linker::Linker(const CampaignOptions& options, std::uint64_t seed)
    : options_(options),
      seed_(seed),
      groups_(std::make_unique<std::atomic<Group*>[]>(kMostTracked)),
      group_mutexes_(std::make_unique<std::mutex[]>(64)) {}

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
  const std::lock_guard lock(group_mutexes_[group % 64]);
  g->Observe(account, time, signature);
}

Life Linker::LifeOf(const Record& record) const noexcept {
  const double days =
      static_cast<double>((record.seen.last - record.seen.first).count()) / kDay_us + 1;
  return {.begin_days = static_cast<double>(record.seen.first.time_since_epoch().count()) / kDay_us,
          .log_volume = std::log(record.seen.requests / days)};
}

// All records of the last month, ordered by account. When too many, forgets those longest idle.
std::vector<Linker::Record> Linker::Collect(Time now) {
  std::vector<Record> out;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [id, record] : shard.records) {
      if (now - record.seen.last <= kMonth) out.push_back(record);
    }
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

void Linker::Put(Group& group, Record& record, Time now, const Assign& assign, Review& review) {
  record.group = group.id();
  group.Join(record.seen.account, now);
  Assigned(record.seen.account, group.id());
  assign(record.seen.account, group.id(), group.named());
  if (group.named()) review.joined.emplace_back(record.seen.account, group.id());
}

void Linker::Free(std::span<const std::uint64_t> accounts, const Assign& assign) {
  for (const std::uint64_t account : accounts) {
    Assigned(account, 0);
    assign(account, 0, false);
  }
}

// A named group takes those that are like its members; the group with most of the candidate takes
// the others while it has no name; who is left begins a new one.
void Linker::Place(Candidate& candidate, std::vector<Record>& records, Time now,
                   const Assign& assign, Review& review) {
  absl::flat_hash_map<std::uint32_t, std::size_t> held;
  for (const std::uint32_t m : candidate.members) {
    if (records[m].group != 0) ++held[records[m].group];
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

  std::vector<Record*> left;
  for (const std::uint32_t m : candidate.members) {
    Record& record = records[m];
    if (record.group != 0) continue;
    const Life life = LifeOf(record);
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
    const std::lock_guard lock(group_mutexes_[home->id() % 64]);
    Put(*home, record, now, assign, review);
  }
  if (unnamed == nullptr && left.size() >= Group::kLeastMembers) {
    unnamed = Begin(now, review);
    if (unnamed == nullptr) return;
    const std::lock_guard lock(group_mutexes_[unnamed->id() % 64]);
    if (!groups.empty()) unnamed->kin = groups.front().second->id();
    for (Record* record : left) Put(*unnamed, *record, now, assign, review);
  }
  if (unnamed != nullptr) {
    const std::lock_guard lock(group_mutexes_[unnamed->id() % 64]);
    unnamed->SetFrame(std::move(candidate.frame));
  }
}

// A group that a named one of its kin asks as much as is more of the same campaign.
void Linker::Name(Group& group, Time now, const Assign& assign, Review& review) {
  Group* campaign = &group;
  if (group.kin != 0) {
    Group* kin = owned_[group.kin - 1].get();
    if (kin->named() && group.IsMoreOf(*kin)) campaign = kin;
  }
  if (campaign != &group) {
    std::unique_lock<std::mutex> lock;
    if (campaign->id() % 64 != group.id() % 64) {
      lock = std::unique_lock(group_mutexes_[campaign->id() % 64]);
    }
    for (const std::uint64_t account : group.Dissolve()) {
      campaign->Join(account, now);
      review.joined.emplace_back(account, campaign->id());
      Assigned(account, campaign->id());
      assign(account, campaign->id(), true);
    }
    return;
  }
  review.named.push_back(group.id());
  for (const CampaignMember& m : group.list()) {
    assign(m.account, group.id(), true);
    review.joined.emplace_back(m.account, group.id());
  }
}

// Notes an account's group beside its fingerprint.
void Linker::Assigned(std::uint64_t account, std::uint32_t group) {
  Shard& shard = ShardOf(account);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.records.find(account);
  if (at != shard.records.end()) at->second.group = group;
}

Review Linker::Run(Time now, const Assign& assign) {
  const std::lock_guard review_lock(review_mutex_);
  Review review;
  std::vector<Record> records = Collect(now);
  std::vector<const Fingerprint*> fingerprints;
  std::vector<std::uint64_t> ids;
  std::vector<Life> population;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> places;
  for (const Record& r : records) {
    fingerprints.push_back(&r.fingerprint);
    ids.push_back(r.seen.account);
    places[r.seen.account] = static_cast<std::uint32_t>(places.size());
    review.accounts += r.fingerprint.size > 0;
    if (population.size() < kPopulation) population.push_back(LifeOf(r));
  }

  for (Candidate& candidate : Link(fingerprints, ids, {})) {
    Place(candidate, records, now, assign, review);
  }

  const double share = options_.false_campaigns / static_cast<double>(options_.most_groups);
  for (const auto& group : owned_) {
    const std::lock_guard lock(group_mutexes_[group->id() % 64]);
    const bool due = group->Gather();
    Free(group->DropStrangers(), assign);
    std::vector<Group::Known> known;
    for (const CampaignMember& m : group->list()) {
      const auto place = places.find(m.account);
      if (place == places.end()) continue;
      const Record& record = records[place->second];
      known.push_back({m.account, LifeOf(record), &record.fingerprint});
    }
    group->Refresh(known);
    if (group->named() || !due) continue;
    if (!group->Test(share, population, now, wire::Mix(seed_ ^ group->id()))) continue;
    Free(group->DropUnlike(), assign);
    Name(*group, now, assign, review);
  }
  review.groups = owned_.size();
  std::sort(review.joined.begin(), review.joined.end());
  return review;
}

Campaign Linker::Describe(const Group& group) const {
  Time first = Time::max();
  for (const CampaignMember& m : group.list()) {
    const Shard& shard = shards_[m.account % kShards];
    const std::lock_guard lock(shard.mutex);
    const auto at = shard.records.find(m.account);
    if (at != shard.records.end()) first = std::min(first, at->second.seen.first);
  }
  return group.Describe(first);
}

std::vector<Campaign> Linker::Campaigns() const {
  const std::lock_guard review_lock(review_mutex_);
  std::vector<Campaign> out;
  for (const auto& group : owned_) {
    const std::lock_guard lock(group_mutexes_[group->id() % 64]);
    if (group->named() && group->members() > 0) out.push_back(Describe(*group));
  }
  return out;
}

std::optional<Campaign> Linker::Find(std::uint32_t group) const {
  const std::lock_guard review_lock(review_mutex_);
  if (group == 0 || group > owned_.size()) return std::nullopt;
  const std::lock_guard lock(group_mutexes_[group % 64]);
  const Group& g = *owned_[group - 1];
  return g.named() ? std::optional(Describe(g)) : std::nullopt;
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
    const std::lock_guard lock(group_mutexes_[group->id() % 64]);
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
    if (!r.fingerprint.Valid() || r.group > begun.size() || !InHistory(r.seen.first) ||
        !InHistory(r.seen.last) || r.seen.requests == 0) {
      return std::nullopt;
    }
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i]->Renumber(offset);
    begun_.push_back(begun[i]);
    owned_.push_back(std::move(groups[i]));
    groups_[owned_.size() - 1].store(owned_.back().get(), std::memory_order_release);
  }
  for (Record& r : records) {
    if (r.group != 0) r.group += offset;
    Shard& shard = ShardOf(r.seen.account);
    const std::lock_guard lock(shard.mutex);
    const auto [at, fresh] = shard.records.try_emplace(r.seen.account, r);
    if (fresh) continue;
    Record& own = at->second;
    if (own.group == 0) own.group = r.group;
    if (r.seen.last > own.seen.last) own.fingerprint = r.fingerprint;
    own.seen.first = std::min(own.seen.first, r.seen.first);
    own.seen.last = std::max(own.seen.last, r.seen.last);
    own.seen.requests = std::max(own.seen.requests, r.seen.requests);
  }
  return offset;
}

}  // namespace distillwatch::campaign
