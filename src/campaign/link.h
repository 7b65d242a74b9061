// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Linking: accounts whose fingerprints share a frame.
//
// An inverted index from pair to accounts gives the number of pairs that two accounts share. Both
// of a linked pair must find the other's share large beside their own closest ones, so that
// accounts that share one of several frames do not chain distinct campaigns together. A group is an
// account with its links, then whoever is linked to half of it: no transitive closure
// [Link.AccountsWithTwoFramesChainNoGroups] (but two groups of one size with common members may
// be taken as one).
// Paper      after Q. Cao et al., Uncovering large groups of active malicious accounts, CCS 2014,
//            with the frame as object.
// Tested by  tests/campaign/link_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LINK_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LINK_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "campaign/fingerprint.h"
#include "campaign/lists.h"
#include "campaign/steps.h"

namespace distillwatch::campaign {

struct LinkRules {
  std::size_t least_shared = 4;    // pairs that linked accounts share
  double least_containment = 0.1;  // of the smaller fingerprint
  double beside_closest = 0.5;     // of the fifth closest account's share, on both sides
  std::size_t least_members = 5;
  std::size_t longest_list = 256;  // accounts of a pair; of a longer list a sample by hash
};

struct Candidate {
  std::vector<std::uint32_t> members;  // ascending positions in the input
  std::vector<Pair> frame;             // FrameOf them
};

// The pairs that a fifth of the members, at least three, have.
std::vector<Pair> FrameOf(std::span<const Fingerprint* const> members);

// Finds groups, the largest first; every account is in at most one.
class Linking {
 public:
  // Adds its work to `steps`, which may fill these vectors before.
  //   fingerprints  at most 2^32 - 1, ordered by the accounts' ids (of which `ids` has one each)
  //   Cost  O(sum over pairs of (list length, at most longest_list)^2); memory for the
  //         fingerprints' pairs and the links [LinkOracle.ALongListCostsItsSampleAlone]
  Linking(const std::vector<const Fingerprint*>& fingerprints,
          const std::vector<std::uint64_t>& ids, const LinkRules& rules, Steps& steps);
  Linking(const Linking&) = delete;
  Linking& operator=(const Linking&) = delete;

  // Once all steps are done.
  std::vector<Candidate>& candidates() noexcept { return candidates_; }

 private:
  using Account = std::uint32_t;
  struct Edge {
    Account to;
    std::uint32_t shared;
  };

  std::size_t accounts() const { return fingerprints_.size(); }
  void AddLists(std::size_t bucket);
  void Share(Account a);
  void FindLeast(Account a);
  void KeepClose(Account a);
  void SortSeeds();
  void Gather(Account seed);

  const std::vector<const Fingerprint*>& fingerprints_;
  const std::vector<std::uint64_t>& ids_;
  LinkRules rules_;
  std::optional<Index> index_;         // of pairs
  Lists with_;                         // for pairs that several have, who has them
  std::optional<Turned> of_;           // for accounts, which lists they are in
  std::vector<std::uint32_t> passed_;  // by list, those of its accounts whose links are known
  std::vector<std::uint8_t> shared_;   // at most Fingerprint::kMostPairs
  std::vector<Account> touched_;
  std::vector<std::vector<Edge>> graph_;  // for every account its links
  std::vector<double> least_;             // that a link of the account shares
  std::vector<Account> seeds_;
  std::vector<bool> taken_;
  std::vector<std::uint32_t> links_into_;
  std::vector<Candidate> candidates_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LINK_H_
