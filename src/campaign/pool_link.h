// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Pool linking: accounts that share infrastructure which others hardly use.
//
// Accounts that share two rare values are a seed; it grows and shrinks until every account has two
// fifths of its infrastructure, by rarity, in common with the others.
// Tested by  tests/campaign/infrastructure_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_POOL_LINK_H_
#define DISTILLWATCH_SRC_CAMPAIGN_POOL_LINK_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "campaign/infrastructure.h"
#include "campaign/steps.h"

namespace distillwatch::campaign {

struct PoolRules {
  std::size_t most_users = 32;    // of a value that may link
  std::size_t least_shared = 2;   // values that linked accounts share
  double least_share = 0.4;       // of an account's values, by rarity, in the group's pool
  std::size_t least_members = 5;  // and as many bridges
  std::size_t most_rounds = 6;    // of growth
};

// Finds groups of accounts that share a pool, the largest first; no account is in two.
class PoolLinking {
 public:
  // Adds its work to `steps`, which may fill the neighbourhood before.
  //   eligible  whether the account at a position may be in a group
  PoolLinking(const Neighbourhood& all, std::function<bool(std::uint32_t)> eligible,
              const PoolRules& rules, Steps& steps);
  PoolLinking(const PoolLinking&) = delete;
  PoolLinking& operator=(const PoolLinking&) = delete;

  // Once all steps are done: positions, ascending.
  std::vector<std::vector<std::uint32_t>>& groups() noexcept { return groups_; }

 private:
  using Account = std::uint32_t;
  std::size_t accounts() const noexcept { return all_.accounts().size(); }
  bool MayLink(std::size_t users) const noexcept { return users <= rules_.most_users; }
  void Share(Account a);
  void Gather(Account seed);
  std::vector<Account> Grown(const std::vector<Account>& group) const;

  const Neighbourhood& all_;
  std::function<bool(std::uint32_t)> eligible_;
  PoolRules rules_;
  std::vector<bool> free_;            // eligible, and in no group yet
  std::vector<std::uint8_t> shared_;  // at most AttributeSet::kMost
  std::vector<Account> touched_;
  std::vector<std::vector<Account>> links_;
  std::vector<Account> seeds_;
  std::vector<std::vector<std::uint32_t>> groups_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_POOL_LINK_H_
