// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/link.h"

#include <algorithm>
#include <array>
#include <utility>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kClosest = 5;
constexpr std::size_t kAccountsOfAStep = 4096, kAccountsSharedInAStep = 256;

}  // namespace

Linking::Linking(const std::vector<const Fingerprint*>& fingerprints,
                 const std::vector<std::uint64_t>& ids, const LinkRules& rules, Steps& steps)
    : fingerprints_(fingerprints), ids_(ids), rules_(rules) {
  const auto each = [this, &steps](std::size_t accounts_of_a_step, void (Linking::*work)(Account)) {
    steps.Add(
        accounts_of_a_step, [this] { return accounts(); },
        [this, work](std::size_t a) { (this->*work)(static_cast<Account>(a)); });
  };
  index_.emplace([this] { return accounts(); },
                 [this](std::size_t a) { return fingerprints_[a]->values(); },
                 [](Pair pair) { return pair % Index::kBuckets; }, steps);
  steps.Add(
      1, [] { return Index::kBuckets; }, [this](std::size_t bucket) { AddLists(bucket); });
  steps.Add([this] { index_->Clear(); });
  of_.emplace(
      with_, [this] { return accounts(); }, steps);
  steps.Add([this] {
    graph_.resize(accounts());
    passed_.resize(with_.size());
    shared_.resize(accounts());
    least_.resize(accounts());
    taken_.resize(accounts());
    links_into_.resize(accounts());
  });
  each(kAccountsSharedInAStep, &Linking::Share);
  each(kAccountsOfAStep, &Linking::FindLeast);
  each(kAccountsOfAStep, &Linking::KeepClose);
  steps.Add([this] { SortSeeds(); });
  steps.Add(
      1, [this] { return seeds_.size(); }, [this](std::size_t i) { Gather(seeds_[i]); });
  steps.Add([this] {
    std::stable_sort(
        candidates_.begin(), candidates_.end(),
        [](const Candidate& a, const Candidate& b) { return a.members.size() > b.members.size(); });
  });
}

// For every pair of the bucket that several accounts have, these accounts, ascending.
void Linking::AddLists(std::size_t bucket) {
  index_->ForEachShared(bucket, [this](Pair, std::span<const std::uint64_t> having) {
    for (const std::uint64_t a : having) with_.items.push_back(static_cast<Account>(a));
    if (having.size() > rules_.longest_list) {
      // The same sample of accounts in every list: what is common stays visible, at a bounded cost.
      const auto first = with_.items.begin() + static_cast<std::ptrdiff_t>(with_.starts.back());
      const auto last = first + static_cast<std::ptrdiff_t>(rules_.longest_list);
      std::nth_element(first, last, with_.items.end(), [this](Account a, Account b) {
        return wire::Mix(ids_[a]) < wire::Mix(ids_[b]);
      });
      with_.items.erase(last, with_.items.end());
      std::sort(first, last);
    }
    with_.Close();
  });
}

// Links one account after the other, so that no more is held than the links themselves.
void Linking::Share(Account a) {
  for (const std::uint32_t list : (*of_)[a]) {
    // Accounts come in the order in which lists have them.
    for (const Account b : with_[list].subspan(++passed_[list])) {
      if (shared_[b]++ == 0) touched_.push_back(b);
    }
  }
  for (const Account b : touched_) {
    const double smaller = std::min(fingerprints_[a]->size, fingerprints_[b]->size);
    if (shared_[b] >= rules_.least_shared && shared_[b] >= rules_.least_containment * smaller) {
      graph_[a].push_back({b, shared_[b]});
      graph_[b].push_back({a, shared_[b]});
    }
    shared_[b] = 0;
  }
  touched_.clear();
}

void Linking::FindLeast(Account a) {
  if (graph_[a].size() < kClosest) return;
  std::array<std::uint32_t, kClosest> closest{};  // what they share, the most first
  for (const Edge& e : graph_[a]) {
    std::uint32_t shared = e.shared;
    for (std::uint32_t& c : closest) {
      if (shared > c) std::swap(shared, c);
    }
  }
  least_[a] = rules_.beside_closest * closest.back();
}

// Drops links that are weak beside either side's closest ones.
void Linking::KeepClose(Account a) {
  std::erase_if(graph_[a], [this, a](const Edge& e) {
    return e.shared < least_[a] || e.shared < least_[e.to];
  });
}

void Linking::SortSeeds() {
  for (Account a = 0; a < accounts(); ++a) {
    if (graph_[a].size() + 1 >= rules_.least_members) seeds_.push_back(a);
  }
  std::stable_sort(seeds_.begin(), seeds_.end(),
                   [this](Account a, Account b) { return graph_[a].size() > graph_[b].size(); });
}

void Linking::Gather(Account seed) {
  if (taken_[seed]) return;
  std::vector<Account> star{seed};
  for (const Edge& e : graph_[seed]) {
    if (!taken_[e.to]) star.push_back(e.to);
  }
  if (star.size() < rules_.least_members) return;
  // Whoever is linked to half of the star, itself in it or not.
  for (const Account a : star) {
    for (const Edge& e : graph_[a]) {
      if (!taken_[e.to] && links_into_[e.to]++ == 0) touched_.push_back(e.to);
    }
  }
  Candidate group;
  for (const Account a : touched_) {
    if (2 * links_into_[a] + 2 >= star.size()) group.members.push_back(a);
    links_into_[a] = 0;
  }
  touched_.clear();
  if (group.members.size() < rules_.least_members) return;
  std::sort(group.members.begin(), group.members.end());
  for (const Account a : group.members) taken_[a] = true;
  std::vector<const Fingerprint*> fingerprints;
  for (const Account a : group.members) fingerprints.push_back(fingerprints_[a]);
  group.frame = FrameOf(fingerprints);
  if (!group.frame.empty()) candidates_.push_back(std::move(group));
}

std::vector<Pair> FrameOf(std::span<const Fingerprint* const> members) {
  std::vector<Pair> pairs, frame;
  for (const Fingerprint* fingerprint : members) {
    const auto values = fingerprint->values();
    pairs.insert(pairs.end(), values.begin(), values.end());
  }
  std::sort(pairs.begin(), pairs.end());
  const std::size_t least = std::max<std::size_t>(3, members.size() / 5);
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin;
    while (end < pairs.size() && pairs[end] == pairs[begin]) ++end;
    if (end - begin >= least) frame.push_back(pairs[begin]);
    begin = end;
  }
  return frame;
}

}  // namespace distillwatch::campaign
