// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The steps of a review: candidates into groups, groups to their tests, accounts to campaigns.

#include <algorithm>

#include "campaign/linker.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr auto kMonth = std::chrono::hours(30 * 24);
constexpr double kMuchBetter = 2.3;       // in logarithms of density: ten times
constexpr std::size_t kLeastBridges = 3;  // in a pool by which accounts are adopted

}  // namespace

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

void Linker::Put(Group& group, const Record& record, Group::Link by, Time now, Review& review) {
  const std::uint64_t account = record.seen.account;
  if (const std::uint32_t home = GroupOf(account); home != 0) {
    Group& old = *owned_[home - 1];
    const auto lock = Lock(old);
    old.Remove({&account, 1});
  }
  homes_[account] = group.id();
  const auto lock = Lock(group);
  group.Join(account, now, record.seen.first, by);
  if (group.named()) review.joined.emplace_back(record.seen.account, group.id());
}

void Linker::Free(std::span<const std::uint64_t> accounts) {
  for (const std::uint64_t account : accounts) homes_.erase(account);
  freed_.insert(freed_.end(), accounts.begin(), accounts.end());
}

bool Linker::IsFree(std::uint64_t account, bool framed) const {
  const std::uint32_t home = GroupOf(account);
  if (home == 0) return true;
  const Group& group = *owned_[home - 1];
  return framed && !group.framed() && !group.named() && !group.IsByEcho(account);
}

bool Linker::IsNamed(std::uint64_t account) const {
  const std::uint32_t home = GroupOf(account);
  return home != 0 && owned_[home - 1]->named();
}

// Members that no candidate of this review has leave, but those that something else links.
void Linker::DropOthers(Group& group, std::vector<std::uint64_t> placed) {
  std::sort(placed.begin(), placed.end());
  std::vector<std::uint64_t> others;
  for (const CampaignMember& m : group.list()) {
    if (!m.by_pool && !m.by_echo && !std::binary_search(placed.begin(), placed.end(), m.account))
      others.push_back(m.account);
  }
  group.Remove(others);
  Free(others);
}

// Most of the candidate first.
std::vector<Group*> Linker::GroupsWith(const Candidate& candidate, const Snapshot& snapshot) const {
  absl::flat_hash_map<std::uint32_t, std::size_t> held;
  for (const std::uint32_t m : candidate.members) {
    const std::uint32_t group = GroupOf(snapshot.records[m].seen.account);
    if (group != 0 && owned_[group - 1]->framed() == !candidate.frame.empty()) ++held[group];
  }
  std::vector<std::pair<std::size_t, Group*>> groups;
  for (const auto& [id, count] : held) {
    Group* group = owned_[id - 1].get();
    const std::size_t least = std::min(candidate.members.size(), group->members());
    if ((group->named() ? 2 : 10) * count >= least) groups.emplace_back(count, group);
  }
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->id() < b.second->id();
  });
  std::vector<Group*> out;
  for (const auto& [count, group] : groups) out.push_back(group);
  return out;
}

Group* Linker::HomeAmong(std::span<Group* const> groups, const Record& record,
                         const Snapshot& snapshot) {
  const Life life = LifeOf(record.seen);
  Group *named = nullptr, *unnamed = nullptr;
  std::size_t most = 0;
  for (Group* group : groups) {
    if (IsStranger(record, *group, snapshot)) continue;
    if (group->named()) {
      const bool fits = group->Admits(life, record.fingerprint);
      if (fits && (named == nullptr || group->LogDensity(life) > named->LogDensity(life)))
        named = group;
      continue;
    }
    const std::size_t echoes = EchoesIn(*group, snapshot.PositionOf(record), snapshot).later;
    if (unnamed != nullptr && echoes <= most) continue;
    unnamed = group;
    most = echoes;
  }
  return named != nullptr ? named : unnamed;
}

// Groups that have accounts of the candidate take the others; who is left begins a new one.
void Linker::Place(const Candidate& candidate, const Snapshot& snapshot, Review& review) {
  const bool framed = !candidate.frame.empty();
  const Group::Link by = framed ? Group::Link::kFrame : Group::Link::kPool;
  const std::vector<Group*> groups = GroupsWith(candidate, snapshot);
  std::vector<const Record*> left;
  for (const std::uint32_t m : candidate.members) {
    const Record& record = snapshot.records[m];
    if (!IsFree(record.seen.account, framed)) continue;
    if (Group* home = HomeAmong(groups, record, snapshot)) {
      Put(*home, record, by, snapshot.now, review);
    } else {
      left.push_back(&record);
    }
  }
  Group* begun = left.size() >= Group::kLeastMembers ? Begin(snapshot.now, review) : nullptr;
  if (begun != nullptr) {
    if (!groups.empty()) {
      const auto lock = Lock(*begun);
      begun->kin = groups.front()->id();
    }
    for (const Record* record : left) Put(*begun, *record, by, snapshot.now, review);
  }
  if (!framed) return;
  const auto unnamed = std::find_if(groups.begin(), groups.end(),
                                    [](const Group* group) { return !group->named(); });
  if (unnamed != groups.end()) Frame(**unnamed, candidate, snapshot);
  if (begun != nullptr) Frame(*begun, candidate, snapshot);
}

void Linker::Frame(Group& group, const Candidate& candidate, const Snapshot& snapshot) {
  std::vector<std::uint64_t>& placed = placed_[group.id()];
  for (const std::uint32_t m : candidate.members)
    placed.push_back(snapshot.records[m].seen.account);
  // Larger candidates come first: a few members that have another frame do not change the group's.
  if (std::find(framed_.begin(), framed_.end(), group.id()) != framed_.end()) return;
  framed_.push_back(group.id());
  const auto lock = Lock(group);
  if (group.SetFrame(candidate.frame)) DropOthers(group, placed);
}

void Linker::MoveTo(Group& campaign, Group& group, Review& review) {
  std::vector<std::pair<CampaignMember, Time>> moved;
  {
    const auto lock = Lock(group);
    for (const CampaignMember& m : group.list()) moved.emplace_back(m, group.FirstSeen(m.account));
    group.Dissolve();
  }
  const auto lock = Lock(campaign);
  for (const auto& [member, first_seen] : moved) {
    campaign.Take(member, first_seen);
    homes_[member.account] = campaign.id();
    review.joined.emplace_back(member.account, campaign.id());
  }
}

// A group that a named one of its kin asks as much as is more of the same campaign.
void Linker::Name(Group& group, Time now, Review& review) {
  Group* kin = group.kin != 0 ? owned_[group.kin - 1].get() : nullptr;
  if (kin != nullptr && kin->named() && group.IsMoreOf(*kin)) {
    return MoveTo(*kin, group, review);
  }
  const auto lock = Lock(group);
  group.Name(now);
  named_.fetch_add(1, std::memory_order_relaxed);
  review.named.push_back(group.id());
  for (const CampaignMember& m : group.list()) review.joined.emplace_back(m.account, group.id());
}

void Linker::Judge(Group& group, const Snapshot& snapshot, Review& review) {
  std::vector<const AttributeSet*> attributes;
  std::vector<double> own;
  std::vector<std::uint32_t> positions;
  bool due = false;
  std::vector<std::uint64_t> strangers;
  for (const CampaignMember& m : group.list()) {
    const Record* record = snapshot.Find(m.account);
    if (record != nullptr && !m.by_pool && !m.by_echo && IsStranger(*record, group, snapshot))
      strangers.push_back(m.account);
  }
  {
    const auto lock = Lock(group);
    due = group.Gather(snapshot.now);
    group.Remove(strangers);
    Free(strangers);
    Free(group.DropStrangers());
    std::vector<Group::Known> known;
    for (const CampaignMember& m : group.list()) {
      const Record* record = snapshot.Find(m.account);
      if (record == nullptr) continue;
      known.push_back({m.account, LifeOf(record->seen), &record->fingerprint});
      attributes.push_back(&record->attributes);
      own.push_back(record->seen.own_p_value);
      positions.push_back(snapshot.PositionOf(*record));
    }
    group.Refresh(known);
  }
  if (!group.named()) {
    if (!due) return;
    if (OrganisationOf(attributes) != 0) {
      ++review.explained;
      return;
    }
  }
  const double share = options_.false_campaigns / static_cast<double>(options_.most_groups);
  if (JoinsCampaign(group, share, snapshot, review)) return;
  if (group.named()) return Split(group, snapshot, review);
  const std::uint64_t seed = wire::Mix(seed_ ^ group.id());
  const Neighbourhood& all = *snapshot.neighbourhood;
  Pool pool;
  Backdrop backdrop;
  backdrop.population = snapshot.population;
  const bool known = std::any_of(attributes.begin(), attributes.end(),
                                 [](const AttributeSet* set) { return set->size > 0; });
  if (known) pool = all.PoolOf(attributes);
  // What linked a group proves nothing: neither the pool that did, nor what accounts with a frame
  // ask.
  if (!group.framed()) {
    backdrop.conduct = {.tested = true, .notable = HalfP(own)};
    if (pool.HasSeveralOwners()) {  // and twice the draws, for its p-value is corrected for two
      backdrop.conduct.alike =
          snapshot.crowd.LikenessP(positions, {.most_draws = 2 * group.Draws(share), .seed = seed});
    }
  } else if (known) {
    backdrop.pool = {
        .tested = true,
        .p_value = all.BridgesP(attributes, {.most_draws = group.Draws(share), .seed = seed}),
        .bridges = static_cast<std::uint32_t>(pool.bridges)};
  }
  backdrop.echo = snapshot.echoes->EvidenceOf(EchoersOf(group, snapshot));
  if (!group.Test(share, backdrop, snapshot.now, seed)) return;
  const std::vector<std::uint64_t> echoing = EchoingIn(group, snapshot);
  {
    const auto lock = Lock(group);
    if (group.passed_by_pool()) {
      std::vector<std::uint64_t> outside;
      for (const CampaignMember& m : group.list()) {
        const Record* record = snapshot.Find(m.account);
        if (record == nullptr || pool.CountIn(record->attributes) == 0)
          outside.push_back(m.account);
      }
      group.Remove(outside);
      Free(outside);
    } else {
      // Who was linked once, by words that many use, need not be linked any more.
      if (group.framed()) DropOthers(group, placed_[group.id()]);
      Free(group.DropUnlike(echoing));
    }
  }
  Name(group, snapshot.now, review);
}

Linker::Frames Linker::FramesOfNamed() const {
  Frames out;
  for (std::uint32_t g = 0; g < owned_.size(); ++g) {
    if (!owned_[g]->named()) continue;
    for (const Pair pair : owned_[g]->frame()) out.groups_with[pair].push_back(g);
  }
  out.shared.resize(owned_.size());
  return out;
}

// Linking looks at a sample of the accounts that share a pair, and a campaign may be larger; and an
// account that was unlike the members, in a group that came to nothing, may be like them by now.
// Where campaigns use one template, a member moves to the one that it fits much better.
void Linker::AdoptByFrame(const Record& record, Frames& frames, const Snapshot& snapshot,
                          Review& review) {
  const std::uint64_t account = record.seen.account;
  const std::uint32_t home = GroupOf(account), position = snapshot.PositionOf(record);
  const Group* const own =
      home != 0 && owned_[home - 1]->named() ? owned_[home - 1].get() : nullptr;
  if (own != nullptr && (own->IsByEcho(account) || own->IsByPool(account) ||
                         EchoesIn(*own, position, snapshot).near > 0)) {
    return;
  }
  std::vector<std::uint32_t> touched;
  for (const Pair pair : record.fingerprint.values()) {
    const auto groups = frames.groups_with.find(pair);
    if (groups == frames.groups_with.end()) continue;
    for (const std::uint32_t g : groups->second) {
      if (frames.shared[g]++ == 0) touched.push_back(g);
    }
  }
  if (touched.empty()) return;
  const bool free = own != nullptr || IsFree(account, true) || owned_[home - 1]->has_failed();
  const Life life = LifeOf(record.seen);
  Group* best = nullptr;
  std::pair<std::size_t, double> most;  // echoes, and how well it fits
  for (const std::uint32_t g : touched) {
    Group& group = *owned_[g];
    const bool shares = frames.shared[g] >= LinkRules{}.least_shared;
    frames.shared[g] = 0;
    if (!shares || &group == own) continue;
    const bool fits =
        IsCloseTo(group, position, snapshot) ||
        (free && group.Admits(life, record.fingerprint) && !IsStranger(record, group, snapshot));
    if (!fits) continue;
    const std::pair fit{EchoesIn(group, position, snapshot).near, group.LogDensity(life)};
    if (best != nullptr && fit <= most) continue;
    best = &group;
    most = fit;
  }
  if (best == nullptr) return;
  if (own != nullptr && most.second < own->LogDensity(life) + kMuchBetter) return;
  Put(*best, record, Group::Link::kFrame, snapshot.now, review);
}

Linker::Pools Linker::PoolsOfNamed(const Snapshot& snapshot) const {
  Pools out;
  out.pools.resize(owned_.size());
  for (std::uint32_t g = 0; g < owned_.size(); ++g) {
    if (!owned_[g]->named()) continue;
    std::vector<const AttributeSet*> members;
    for (const CampaignMember& m : owned_[g]->list()) {
      if (const Record* record = snapshot.Find(m.account)) members.push_back(&record->attributes);
    }
    out.pools[g] = snapshot.neighbourhood->PoolOf(members);
    if (out.pools[g].bridges < kLeastBridges) continue;
    for (const std::uint32_t value : out.pools[g].values) out.first_with.try_emplace(value, g);
  }
  return out;
}

void Linker::AdoptByPool(const Record& record, const Pools& pools, const Neighbourhood& all,
                         Time now, Review& review) {
  if (!IsFree(record.seen.account, true)) return;
  for (const std::uint32_t value : record.attributes.values()) {
    const auto pool = pools.first_with.find(value);
    if (pool == pools.first_with.end()) continue;
    Group& group = *owned_[pool->second];
    if (!all.LivesIn(pools.pools[pool->second], record.attributes) ||
        !group.HasLife(LifeOf(record.seen))) {
      continue;
    }
    Put(group, record, Group::Link::kPool, now, review);
    break;
  }
}

}  // namespace distillwatch::campaign
