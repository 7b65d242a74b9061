// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/linker.h"

#include "campaign/pool_link.h"

#include <algorithm>
#include <utility>

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

void Linker::Collect(Shard& shard, Snapshot& snapshot) {
  const auto before = static_cast<std::ptrdiff_t>(snapshot.records.size());
  {
    const std::lock_guard lock(shard.mutex);
    absl::erase_if(shard.records, [&snapshot](const auto& entry) {
      return snapshot.now - entry.second.seen.last > kMonth;
    });
    for (const auto& [id, record] : shard.records) snapshot.records.push_back(record);
  }
  std::sort(snapshot.records.begin() + before, snapshot.records.end(),
            [](const Record& a, const Record& b) { return a.seen.account < b.seen.account; });
}

void Linker::KeepNewest(std::vector<Record>& records) {
  if (records.size() <= options_.most_accounts) return;
  std::vector<std::pair<Time, std::uint64_t>> ages;
  for (const Record& r : records) ages.emplace_back(r.seen.last, r.seen.account);
  const auto oldest_kept = ages.end() - static_cast<std::ptrdiff_t>(options_.most_accounts);
  std::nth_element(ages.begin(), oldest_kept, ages.end());
  const std::pair<Time, std::uint64_t> least = *oldest_kept;
  std::erase_if(records, [this, least](const Record& r) {
    if (std::pair(r.seen.last, r.seen.account) >= least) return false;
    Shard& shard = ShardOf(r.seen.account);
    const std::lock_guard lock(shard.mutex);
    shard.records.erase(r.seen.account);
    return true;
  });
}

void Linker::TellFreed(const Assign& assign) {
  for (const std::uint64_t account : freed_) {
    if (GroupOf(account) == 0) assign(account, 0, false);
  }
  freed_.clear();
}

void Linker::Tell(const Group& group, const Assign& assign) const {
  for (const CampaignMember& m : group.list()) {  // no one else changes lists
    // Of two monitors that became one, both may have linked the account.
    if (GroupOf(m.account) == group.id()) assign(m.account, group.id(), group.named());
  }
}

struct Linker::Ongoing {
  Snapshot snapshot;
  std::vector<const Fingerprint*> fingerprints;
  std::vector<std::uint64_t> ids;
  std::size_t fingerprinted = 0;
  std::vector<const AttributeSet*> attributes;
  std::optional<Linking> linking;
  std::optional<PoolLinking> pool_linking;
  Frames frames;
  Pools pools;
  Steps steps;
  // Of the Run that goes on with it.
  Review* review = nullptr;
  const Assign* assign = nullptr;
};

Linker::~Linker() = default;

void Linker::DropOngoing() {
  ongoing_.reset();
}

void Linker::Plan(Ongoing& o) {
  constexpr std::size_t kRecords = 4096;  // of a step
  Snapshot& s = o.snapshot;
  const auto records = [&s] { return s.records.size(); };
  const auto groups = [this] { return owned_.size(); };

  o.steps.Add(
      1, [] { return kShards; }, [this, &s](std::size_t shard) { Collect(shards_[shard], s); });
  o.steps.Add([this, &s] { KeepNewest(s.records); });
  o.steps.Add(kRecords, records, [&o, &s](std::size_t i) {
    const Record& r = s.records[i];
    o.fingerprints.push_back(&r.fingerprint);
    o.ids.push_back(r.seen.account);
    o.attributes.push_back(&r.attributes);
    o.fingerprinted += r.fingerprint.size > 0;
    s.crowd.Add(r.seen.requests, r.habits);
    if (s.population.size() < kPopulation) s.population.push_back(LifeOf(r.seen));
  });
  s.neighbourhood.emplace(o.attributes, o.steps);
  o.steps.Add([this, &s] { echo_log_.Relax(s.now); });
  s.echoes.emplace(echo_log_, s.now, o.ids, o.steps);
  o.steps.Add(
      1, [&s] { return s.echoes->cores().size(); },
      [this, &o, &s](std::size_t i) { PlaceCore(static_cast<std::uint32_t>(i), s, *o.review); });
  o.linking.emplace(o.fingerprints, o.ids, LinkRules{}, o.steps);
  o.steps.Add(
      1, [&o] { return o.linking->candidates().size(); },
      [this, &o](std::size_t i) { Place(o.linking->candidates()[i], o.snapshot, *o.review); });
  const auto in_no_frame = [this, &s](std::uint32_t position) {
    const std::uint32_t home = GroupOf(s.records[position].seen.account);
    return home == 0 || (!owned_[home - 1]->framed() &&
                         !owned_[home - 1]->IsByEcho(s.records[position].seen.account));
  };
  o.pool_linking.emplace(*s.neighbourhood, in_no_frame, PoolRules{}, o.steps);
  o.steps.Add(
      1, [&o] { return o.pool_linking->groups().size(); },
      [this, &o](std::size_t i) {
        Candidate candidate{.members = std::move(o.pool_linking->groups()[i]), .frame = {}};
        Place(candidate, o.snapshot, *o.review);
      });
  o.steps.Add(1, groups, [this, &o](std::size_t g) { Judge(*owned_[g], o.snapshot, *o.review); });
  o.steps.Add([this, &o] { o.frames = FramesOfNamed(); });
  o.steps.Add(
      kRecords, [&o, records] { return o.frames.groups_with.empty() ? 0 : records(); },
      [this, &o, &s](std::size_t i) { AdoptByFrame(s.records[i], o.frames, s, *o.review); });
  o.steps.Add([this, &o] { o.pools = PoolsOfNamed(o.snapshot); });
  o.steps.Add(
      kRecords, [&o, records] { return o.pools.first_with.empty() ? 0 : records(); },
      [this, &o, &s](std::size_t i) {
        AdoptByPool(s.records[i], o.pools, *s.neighbourhood, s.now, *o.review);
      });
  o.steps.Add(
      kRecords, [this, records] { return named() == 0 ? 0 : records(); },
      [this, &o, &s](std::size_t i) { AdoptByEcho(s.records[i], s, *o.review); });
  o.steps.Add([this, &o, &s] {
    const std::lock_guard lock(bans_mutex_);
    if (succession_.empty()) return;
    o.review->successors = succession_.Find(s.records, *s.neighbourhood, s.now);
  });
  o.steps.Add(1, groups, [this, &o](std::size_t g) { Tell(*owned_[g], *o.assign); });
}

Review Linker::Run(Time now, const Assign& assign, const StepLimit& limit) {
  const std::lock_guard review_lock(review_mutex_);
  Review review;
  auto ongoing = std::exchange(ongoing_, nullptr);  // nobody goes on with one that throws
  if (ongoing != nullptr &&
      (now < ongoing->snapshot.now || now - ongoing->snapshot.now > kPatience)) {
    ongoing.reset();
  }
  if (ongoing == nullptr) {
    ongoing = std::make_unique<Ongoing>();
    ongoing->snapshot.now = now;
    Plan(*ongoing);
    framed_.clear();
    placed_.clear();
    echo_rates_.clear();
  }
  ongoing->review = &review;
  ongoing->assign = &assign;
  review.interrupted = !ongoing->steps.Run(limit);
  review.accounts = ongoing->fingerprinted;
  if (review.interrupted) ongoing_ = std::move(ongoing);
  TellFreed(assign);
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
