// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The part that echoes have in a review: they link, tell members from strangers, and adopt.

#include <absl/container/btree_map.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "campaign/linker.h"

namespace distillwatch::campaign {
namespace {

constexpr double kStrong = 1e-3;              // p of a group by which strangers are told
constexpr double kExpectedOfAMember = 2;      // echoes; who has none then is a member in 1 of 7
constexpr std::size_t kLeastOfAnAdopted = 2;  // prompts that it and members asked within a minute

}  // namespace

// The group that has most of the core's accounts, if that is a quarter.
Group* Linker::HomeOf(std::uint32_t core, const Snapshot& snapshot) {
  const std::vector<std::uint32_t>& members = snapshot.echoes->cores()[core];
  absl::flat_hash_map<std::uint32_t, std::size_t> held;
  for (const std::uint32_t a : members) {
    if (const std::uint32_t home = GroupOf(snapshot.records[a].seen.account); home != 0)
      ++held[home];
  }
  std::pair<std::size_t, std::uint32_t> most{0, 0};  // and of several the oldest group
  for (const auto& [id, count] : held) most = std::max(most, {count, ~id});
  return 4 * most.first >= members.size() ? owned_[~most.second - 1].get() : nullptr;
}

// Whether the group is another core's, that has more of it and hardly echoes this one.
bool Linker::IsOfAnother(const Group& group, std::uint32_t core, const Snapshot& snapshot) const {
  absl::flat_hash_map<std::uint32_t, std::size_t> of_core;
  for (const EchoGraph::Member& m : EchoersOf(group, snapshot))
    ++of_core[snapshot.echoes->CoreOf(m.account)];
  const std::size_t own = of_core[core];
  return std::any_of(of_core.begin(), of_core.end(), [&](const auto& other) {
    return other.first != EchoGraph::kNoCore &&
           std::pair(other.second, core) > std::pair(own, other.first) &&
           snapshot.echoes->AreApart(core, other.first);
  });
}

// Echoes say more than frames that many use: groups without a name give their members up, and a
// named one with two cores is two campaigns.
void Linker::PlaceCore(std::uint32_t core, const Snapshot& snapshot, Review& review) {
  Group* const home = HomeOf(core, snapshot);
  Group* group = home;
  if (home == nullptr || IsOfAnother(*home, core, snapshot)) group = Begin(snapshot.now, review);
  if (group == nullptr) return;
  const bool split = group != home && home != nullptr && home->named();
  if (split) {
    const auto lock = Lock(*group);
    group->SplitFrom(*home, snapshot.now);
    named_.fetch_add(1, std::memory_order_relaxed);
    review.named.push_back(group->id());
  }
  // Who is only copied is no member.
  const auto follows = [core, &snapshot](std::uint32_t account) {
    const auto echoes = snapshot.echoes->EchoesOf(account);
    return std::any_of(echoes.begin(), echoes.end(), [core, &snapshot](const EchoGraph::Echo& e) {
      return e.near() && e.later && snapshot.echoes->CoreOf(e.to) == core;
    });
  };
  std::vector<const Fingerprint*> fingerprints;
  for (const std::uint32_t a : snapshot.echoes->cores()[core]) {
    const Record& record = snapshot.records[a];
    fingerprints.push_back(&record.fingerprint);
    const std::uint32_t from = GroupOf(record.seen.account);
    const bool moves = !IsNamed(record.seen.account) || (split && from == home->id());
    if (from == group->id() || !moves || !follows(a)) continue;
    Put(*group, record, Group::Link::kEcho, snapshot.now, review);
  }
  if (group->framed()) return;
  // If most of them have a frame, it is the group's, and who has it may join.
  std::vector<Pair> frame = FrameOf(fingerprints);
  const auto with = std::count_if(
      fingerprints.begin(), fingerprints.end(), [&frame](const Fingerprint* fingerprint) {
        return Containment(*fingerprint, frame) * fingerprint->size >= LinkRules{}.least_shared;
      });
  if (2 * with < static_cast<std::ptrdiff_t>(fingerprints.size())) return;
  framed_.push_back(group->id());
  const auto lock = Lock(*group);
  group->SetFrame(std::move(frame));
}

// What linked an account proves nothing: echoes of accounts that echoes linked count from then on.
std::vector<EchoGraph::Member> Linker::EchoersOf(const Group& group,
                                                 const Snapshot& snapshot) const {
  std::vector<EchoGraph::Member> out;
  for (const CampaignMember& m : group.list()) {
    if (const Record* record = snapshot.Find(m.account)) {
      out.push_back({snapshot.PositionOf(*record), m.by_echo ? m.since : Time{}});
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::uint64_t> Linker::EchoingIn(const Group& group, const Snapshot& snapshot) const {
  std::vector<std::uint64_t> out;
  for (const EchoGraph::Member& m : EchoersOf(group, snapshot)) {
    if (EchoesIn(group, m.account, snapshot).later > 0)
      out.push_back(snapshot.records[m.account].seen.account);
  }
  return out;  // ascending, as records are
}

double Linker::EchoRate(const Group& group, const Snapshot& snapshot) {
  const auto [at, fresh] = echo_rates_.try_emplace(group.id(), 0.0);
  if (!fresh) return at->second;
  const std::vector<EchoGraph::Member> members = EchoersOf(group, snapshot);
  const EchoEvidence evidence = snapshot.echoes->EvidenceOf(members);
  if (evidence.p_value > kStrong) return 0;
  double echoes = 0, requests = 0;
  for (const EchoGraph::Member& m : members) {
    const std::size_t own = EchoesIn(group, m.account, snapshot).near;
    if (own == 0) continue;
    echoes += static_cast<double>(own - 1);  // one is why it is counted here
    requests += snapshot.records[m.account].seen.requests;
  }
  return at->second = echoes / std::max(1.0, requests);
}

// Two campaigns may use one public template. Where one queue hands prompts out again to anyone,
// echoes across two parts are twice the geometric mean of those within them.
void Linker::Split(Group& group, const Snapshot& snapshot, Review& review) {
  constexpr std::size_t kLeastWithin = 10;
  constexpr double kFew = 0.125, kChance = 0.01;
  if (!group.framed()) return;
  std::vector<Life> lives;
  std::vector<EchoGraph::Member> members;
  for (const CampaignMember& m : group.list()) {
    const Record* record = snapshot.Find(m.account);
    if (record == nullptr) continue;
    lives.push_back(LifeOf(record->seen));
    members.push_back({snapshot.PositionOf(*record)});
  }
  std::vector<EchoGraph::Member> part, rest;
  const std::vector<std::uint32_t> found = FindPart(lives);
  if (found.empty()) return;
  for (std::uint32_t m = 0; m < members.size(); ++m)
    (std::binary_search(found.begin(), found.end(), m) ? part : rest).push_back(members[m]);
  std::sort(part.begin(), part.end());
  std::sort(rest.begin(), rest.end());
  const std::size_t within = snapshot.echoes->EvidenceOf(part).near;
  const std::size_t others = snapshot.echoes->EvidenceOf(rest).near;
  const EchoEvidence across = snapshot.echoes->EvidenceBetween(part, rest).evidence;
  const double expected = 2 * std::sqrt(static_cast<double>(within * others));
  const bool are_apart = across.near <= kFew * expected && across.p_value > kChance;
  if (std::min(within, others) < kLeastWithin || !are_apart) return;
  Group* const begun = Begin(snapshot.now, review);
  if (begun == nullptr) return;
  {
    const auto lock = Lock(*begun);
    begun->SplitFrom(group, snapshot.now);
    begun->AddFrame(group.frame());
  }
  named_.fetch_add(1, std::memory_order_relaxed);
  review.named.push_back(begun->id());
  for (const EchoGraph::Member& m : part) {
    const Record& record = snapshot.records[m.account];
    Put(*begun, record, group.LinkOf(record.seen.account), snapshot.now, review);
  }
}

// One queue that hands prompts out again hands them to whoever is next: a campaign that turns to
// another template is found by the new one's users. Who is only copied is none of it; but of two
// campaigns that do so nobody is innocent.
Group* Linker::CampaignEchoedBy(const Group& group, double level, const Snapshot& snapshot) const {
  const std::vector<EchoGraph::Member> members = EchoersOf(group, snapshot);
  absl::btree_map<std::uint32_t, std::size_t> echoes;  // at any distance, by group
  for (const EchoGraph::Member& m : members) {
    for (const EchoGraph::Echo& e : snapshot.echoes->EchoesOf(m.account))
      ++echoes[GroupOf(snapshot.records[e.to].seen.account)];
  }
  // Only so many are tested; how many echoes there are says nothing of how soon they come.
  absl::erase_if(echoes, [&](const auto& of) {
    const auto& [id, count] = of;
    return count < EchoGraph::kLeastPrompts || id == 0 || id == group.id() ||
           !owned_[id - 1]->named() || (group.named() && id > group.id());
  });
  std::pair<double, Group*> best{
      level / static_cast<double>(std::max<std::size_t>(1, echoes.size())), nullptr};
  for (const auto& [id, count] : echoes) {
    Group& campaign = *owned_[id - 1];
    const std::vector<EchoGraph::Member> others = EchoersOf(campaign, snapshot);
    const auto [echo, followed] = snapshot.echoes->EvidenceBetween(members, others);
    if (!group.named() && 4 * followed < echo.near) continue;
    if (echo.p_value < best.first) best = {echo.p_value, &campaign};
  }
  return best.second;
}

void Linker::DropUnproven(Group& group, const Group& campaign, const Snapshot& snapshot) {
  std::vector<const Record*> silent;
  std::vector<Life> echoing;
  for (const CampaignMember& m : group.list()) {
    const Record* record = snapshot.Find(m.account);
    if (record == nullptr) continue;
    if (EchoesIn(campaign, snapshot.PositionOf(*record), snapshot).near > 0) {
      echoing.push_back(LifeOf(record->seen));
    } else {
      silent.push_back(record);
    }
  }
  const Middle usual = MiddleOf(echoing);
  std::vector<std::uint64_t> others;
  for (const Record* record : silent) {
    const bool framed =
        Containment(record->fingerprint, group.frame()) * record->fingerprint.size >=
        LinkRules{}.least_shared;
    if (!framed || !usual.HasVolume(LifeOf(record->seen))) others.push_back(record->seen.account);
  }
  const auto lock = Lock(group);
  group.Remove(others);
  Free(others);
}

bool Linker::JoinsCampaign(Group& group, double share, const Snapshot& snapshot, Review& review) {
  if (!group.framed() || named() == 0) return false;
  const double level = group.named() ? share / static_cast<double>(named()) : group.Level(share);
  Group* const campaign = CampaignEchoedBy(group, level, snapshot);
  if (campaign == nullptr) return false;
  if (!group.named()) DropUnproven(group, *campaign, snapshot);
  {
    const auto lock = Lock(*campaign);
    campaign->AddFrame(group.frame());
  }
  MoveTo(*campaign, group, review);
  return true;
}

Linker::EchoCounts Linker::EchoesIn(const Group& group, std::uint32_t account,
                                    const Snapshot& snapshot) const {
  EchoCounts out;
  for (const EchoGraph::Echo& e : snapshot.echoes->EchoesOf(account)) {
    if (!e.near() || !group.Has(snapshot.records[e.to].seen.account)) continue;
    ++out.near;
    out.later += e.later;
    out.soon_later += e.later && e.soon();
  }
  return out;
}

bool Linker::IsCloseTo(const Group& group, std::uint32_t account, const Snapshot& snapshot) {
  if (EchoRate(group, snapshot) == 0) return false;
  const auto echoes = snapshot.echoes->EchoesOf(account);
  const auto all = std::count_if(echoes.begin(), echoes.end(),
                                 [](const EchoGraph::Echo& e) { return e.near(); });
  const EchoCounts in_group = EchoesIn(group, account, snapshot);
  return in_group.soon_later > 0 && 2 * in_group.near > static_cast<std::size_t>(all);
}

bool Linker::IsStranger(const Record& record, const Group& group, const Snapshot& snapshot) {
  const EchoCounts in_group = EchoesIn(group, snapshot.PositionOf(record), snapshot);
  if (in_group.near >= EchoGraph::kLeastOfACopied && in_group.later == 0) return true;
  return in_group.near == 0 &&
         EchoRate(group, snapshot) * record.seen.requests >= kExpectedOfAMember;
}

// An account that asks within a minute after members of one named group what they ask, and of what
// it asks within ten minutes of others most with them.
void Linker::AdoptByEcho(const Record& record, const Snapshot& snapshot, Review& review) {
  const std::uint32_t own = GroupOf(record.seen.account);
  struct With {
    std::size_t near = 0, soon = 0;  // prompts
  };
  absl::flat_hash_map<std::uint32_t, With> with;  // by group
  std::size_t near = 0;
  std::uint32_t last = ~std::uint32_t{0};
  for (const EchoGraph::Echo& e : snapshot.echoes->EchoesOf(snapshot.PositionOf(record))) {
    if (!e.near() || e.prompt == last) continue;
    last = e.prompt;  // they are by prompt
    ++near;
    const std::uint32_t home = GroupOf(snapshot.records[e.to].seen.account);
    if (home == 0 || !owned_[home - 1]->named()) continue;
    ++with[home].near;
    with[home].soon += e.soon() && e.later;
  }
  for (const auto& [home, prompts] : with) {
    const std::size_t least = IsNamed(record.seen.account) ? 1 : kLeastOfAnAdopted;
    if (home == own || prompts.soon < least || 2 * prompts.near <= near) continue;
    Put(*owned_[home - 1], record, Group::Link::kEcho, snapshot.now, review);
    break;  // no other has half of them
  }
}

}  // namespace distillwatch::campaign
