// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/pool_link.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <utility>

namespace distillwatch::campaign {

PoolLinking::PoolLinking(const Neighbourhood& all, std::function<bool(std::uint32_t)> eligible,
                         const PoolRules& rules, Steps& steps)
    : all_(all), eligible_(std::move(eligible)), rules_(rules) {
  constexpr std::size_t kAccountsOfAStep = 4096, kAccountsSharedInAStep = 256;
  const auto n = [this] { return accounts(); };
  steps.Add([this] {
    shared_.resize(accounts());
    links_.resize(accounts());
  });
  steps.Add(kAccountsOfAStep, n,
            [this](std::size_t a) { free_.push_back(eligible_(static_cast<Account>(a))); });
  steps.Add(kAccountsSharedInAStep, n, [this](std::size_t a) { Share(static_cast<Account>(a)); });
  steps.Add([this] {
    for (Account a = 0; a < accounts(); ++a) {
      if (links_[a].size() >= 2) seeds_.push_back(a);
    }
    std::stable_sort(seeds_.begin(), seeds_.end(),
                     [this](Account a, Account b) { return links_[a].size() > links_[b].size(); });
  });
  steps.Add(
      1, [this] { return seeds_.size(); }, [this](std::size_t i) { Gather(seeds_[i]); });
  steps.Add([this] {
    std::stable_sort(groups_.begin(), groups_.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
  });
}

void PoolLinking::Share(Account a) {
  if (!free_[a]) return;
  for (const std::uint32_t number : all_.CommonOf(a)) {
    const auto users = all_.UsersOf(number);
    if (!MayLink(users.size())) continue;
    for (auto b = std::upper_bound(users.begin(), users.end(), a); b != users.end(); ++b) {
      if (free_[*b] && shared_[*b]++ == 0) touched_.push_back(*b);
    }
  }
  for (const Account b : touched_) {
    if (shared_[b] >= rules_.least_shared) {
      links_[a].push_back(b);
      links_[b].push_back(a);
    }
    shared_[b] = 0;
  }
  touched_.clear();
}

// The accounts that live in the pool of the group.
std::vector<PoolLinking::Account> PoolLinking::Grown(const std::vector<Account>& group) const {
  absl::flat_hash_map<std::uint32_t, std::uint32_t> pool;  // of values, how many members use them
  for (const Account a : group) {
    for (const std::uint32_t value : all_.accounts()[a]->values()) ++pool[value];
  }
  std::vector<Account> touched = group;
  for (const auto& [value, members] : pool) {
    const auto users = all_.Sharing(value);
    if (members < 2 || !MayLink(users.size())) continue;
    std::copy_if(users.begin(), users.end(), std::back_inserter(touched),
                 [this](Account a) { return free_[a]; });
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  std::vector<Account> next;
  for (const Account a : touched) {
    double all = 0, common = 0;
    std::size_t values = 0;
    for (const std::uint32_t value : all_.accounts()[a]->values()) {
      const double rarity = all_.RarityOf(value);
      all += rarity;
      const auto in_pool = pool.find(value);
      if (in_pool == pool.end() || in_pool->second < 2 || !MayLink(all_.Users(value))) continue;
      common += rarity;
      ++values;
    }
    if (values >= rules_.least_shared && common >= rules_.least_share * all) next.push_back(a);
  }
  return next;
}

void PoolLinking::Gather(Account seed) {
  if (!free_[seed]) return;
  std::vector<Account> group{seed};
  std::copy_if(links_[seed].begin(), links_[seed].end(), std::back_inserter(group),
               [this](Account a) { return free_[a]; });
  if (group.size() < 3) return;
  std::sort(group.begin(), group.end());
  for (std::size_t round = 0; round < rules_.most_rounds && group.size() >= 2; ++round) {
    std::vector<Account> next = Grown(group);
    if (next == group) break;
    group = std::move(next);
  }
  std::vector<const AttributeSet*> sets;
  for (const Account a : group) sets.push_back(all_.accounts()[a]);
  if (group.size() < rules_.least_members || all_.PoolOf(sets).bridges < rules_.least_members)
    return;
  for (const Account a : group) free_[a] = false;
  groups_.push_back(std::move(group));
}

}  // namespace distillwatch::campaign
