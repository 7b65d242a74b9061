// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/linker.h"

#include <algorithm>

namespace distillwatch::campaign {
namespace {

constexpr auto kMonth = std::chrono::hours(30 * 24);
constexpr std::size_t kPopulation = 20000;

}  // namespace

Linker::Linker(const CampaignOptions& options, std::uint64_t seed, std::vector<Pair> common)
    : options_(options),
      seed_(seed),
      common_(std::move(common)),
      groups_(std::make_unique<std::atomic<Group*>[]>(kMostTracked)),
      group_mutexes_(std::make_unique<std::mutex[]>(kGroupMutexes)) {
  std::sort(common_.begin(), common_.end());
}

void Linker::Note(const Seen& seen, const SignatureReservoir& sample,
                  const AttributeSet& attributes, std::uint32_t system, const Habits& habits) {
  const Fingerprint fingerprint = FingerprintOf(sample, common_, system);
  Shard& shard = ShardOf(seen.account);
  const std::lock_guard lock(shard.mutex);
  shard.records[seen.account] = {seen, fingerprint, attributes, habits};
}

Linker::BanResult Linker::Ban(std::uint64_t account, Time now) {
  Succession::Ban ban;
  ban.time = now;
  {
    Shard& shard = ShardOf(account);
    const std::lock_guard lock(shard.mutex);
    const auto record = shard.records.find(account);
    if (record == shard.records.end()) return BanResult::kUnknown;
    ban.record = record->second;
  }
  const std::lock_guard lock(bans_mutex_);
  return succession_.Add(std::move(ban)) ? BanResult::kKept : BanResult::kTooMany;
}

bool Linker::Observe(std::uint32_t group, std::uint64_t account, Time time,
                     const SlimSignature& signature, std::uint32_t system) {
  if (group == 0 || group > kMostTracked) return false;
  Group* g = groups_[group - 1].load(std::memory_order_acquire);
  if (g == nullptr) return false;
  const auto lock = Lock(*g);
  return g->Observe(account, time, signature, system);
}

std::uint32_t Linker::GroupOf(std::uint64_t account) const {
  const auto at = homes_.find(account);
  return at == homes_.end() ? 0 : at->second;
}

const Record* Linker::Snapshot::Find(std::uint64_t account) const {
  const auto record =
      std::lower_bound(records.begin(), records.end(), account,
                       [](const Record& r, std::uint64_t id) { return r.seen.account < id; });
  return record != records.end() && record->seen.account == account ? &*record : nullptr;
}

// All records of the last month. Forgets older ones, and when there are too many, those longest
// idle.
Linker::Snapshot Linker::Collect(Time now) {
  Snapshot snapshot;
  snapshot.now = now;
  std::vector<Record>& out = snapshot.records;
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
  std::vector<const AttributeSet*> attributes;
  for (const Record& r : out) {
    attributes.push_back(&r.attributes);
    snapshot.crowd.Add(r.seen.requests, r.habits);
    if (snapshot.population.size() < kPopulation) snapshot.population.push_back(LifeOf(r.seen));
  }
  snapshot.neighbourhood.emplace(attributes);
  return snapshot;
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

Review Linker::Run(Time now, const Assign& assign, const std::stop_token& stop) {
  const std::lock_guard review_lock(review_mutex_);
  Review review;
  const Snapshot snapshot = Collect(now);
  std::vector<const Fingerprint*> fingerprints;
  std::vector<std::uint64_t> ids;
  for (const Record& r : snapshot.records) {
    fingerprints.push_back(&r.fingerprint);
    ids.push_back(r.seen.account);
    review.accounts += r.fingerprint.size > 0;
  }
  framed_.clear();
  placed_.clear();
  const auto begin = [&stop, &review] {
    review.interrupted = review.interrupted || stop.stop_requested();
    return !review.interrupted;
  };
  if (begin()) {
    for (Candidate& candidate : Link(fingerprints, ids, {}, stop))
      Place(candidate, snapshot, review);
  }
  if (begin()) {
    for (Candidate& candidate : LinkPools(snapshot)) Place(candidate, snapshot, review);
  }
  for (std::size_t g = 0; g < owned_.size() && begin(); ++g) Judge(*owned_[g], snapshot, review);
  if (begin()) AdoptByFrame(snapshot, review);
  if (begin()) AdoptByPool(snapshot, review);
  if (begin()) {
    const std::lock_guard lock(bans_mutex_);
    if (!succession_.empty())
      review.successors = succession_.Find(snapshot.records, *snapshot.neighbourhood, now);
  }
  Tell(assign);
  review.groups = static_cast<std::size_t>(std::count_if(
      owned_.begin(), owned_.end(), [](const auto& group) { return group->members() > 0; }));
  std::sort(review.joined.begin(), review.joined.end());
  return review;
}

// Named groups are described under their own locks alone: a review changes nothing else of them.
std::vector<Campaign> Linker::Campaigns() const {
  std::vector<Campaign> out;
  for (std::uint32_t g = 0; g < kMostTracked; ++g) {
    const Group* group = groups_[g].load(std::memory_order_acquire);
    if (group == nullptr) break;
    const std::lock_guard lock(group_mutexes_[group->id() % kGroupMutexes]);
    if (group->named() && group->members() > 0) out.push_back(group->Describe());
  }
  return out;
}

std::optional<Campaign> Linker::Find(std::uint32_t id) const {
  if (id == 0 || id > kMostTracked) return std::nullopt;
  const Group* group = groups_[id - 1].load(std::memory_order_acquire);
  if (group == nullptr) return std::nullopt;
  const std::lock_guard lock(group_mutexes_[id % kGroupMutexes]);
  return group->named() ? std::optional(group->Describe()) : std::nullopt;
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
