// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Link: accounts whose fingerprints share a frame.
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
#include <span>
#include <stop_token>
#include <vector>

#include "campaign/fingerprint.h"

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
  std::vector<Pair> frame;             // pairs that a fifth of the members, at least three, have
};

// Groups in the order of their size, largest first; every account in at most one.
//   fingerprints  at most 2^32 - 1, ordered by the accounts' ids (of which `ids` has one each)
//   Cost  O(sum over pairs of (list length, at most longest_list)^2); memory for the fingerprints'
//         pairs and the links [LinkOracle.ALongListCostsItsSampleAlone]
std::vector<Candidate> Link(std::span<const Fingerprint* const> fingerprints,
                            std::span<const std::uint64_t> ids, const LinkRules& rules,
                            const std::stop_token& stop = {});

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LINK_H_
