// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Verdict and Explanation: what the library answers, at once and on request.

#ifndef DISTILLWATCH_VERDICT_H_
#define DISTILLWATCH_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/event.h"

namespace distillwatch {

// What a host does with a level is the host's map. Levels rise with the account's path maximum and
// fall only when a new horizon begins. Being named in a campaign raises to kSuspect, no further.
enum class Level : std::uint8_t {
  kClear,
  kWatch,       // p-value at most 0.05: for a reviewer's queue
  kSuspect,     // p-value at most ten times the threshold of the promise
  kDistilling,  // at most the threshold: this is what the promise bounds
};

// "clear", "watch", "suspect", "distilling".
constexpr std::string_view Name(Level level) noexcept {
  constexpr std::string_view kNames[] = {"clear", "watch", "suspect", "distilling"};
  return kNames[static_cast<std::size_t>(level)];
}

struct Verdict {
  Level level = Level::kClear;
  // The account's highest score over its looks in this horizon. 0 is the 95th percentile of
  // reference accounts of the same age at one look; 1 unit is the distance from their median to it.
  // In [-8, 24]; a member of a named campaign has 8 more.
  double score = -8;
  // The share of reference accounts that ever reach such a score in a horizon; valid at any time. 1
  // until the first look (16 requests) and where there is no reference of one's own.
  double p_value = 1;
  bool looked = false;  // this event was a look: the score was evaluated anew
  // The campaign that the account belongs to, if a review found one; 0: none.
  std::uint64_t campaign = 0;
  // This request is the campaign's: it has the campaign's frame. Where the campaign has none, all
  // of a member's are. What a host does to single requests, or which it shows a reviewer, may
  // follow it [ReviewStat.TellsACampaignsRequestsFromItsMembersOthers].
  bool matches_campaign = false;
};

// One piece of evidence. All pieces of an explanation and its base add up to its score exactly (all
// are multiples of 2^-16 and small enough for a double).
struct Evidence {
  std::string detector;  // "similarity", "coverage", "rate_shape", or a detector of your own
  std::string feature;
  double value = 0;         // in the feature's own unit; NaN when it is not known yet
  double place = 0.5;       // share of reference accounts of the same age below it, in (0, 1)
  double contribution = 0;  // to the score, in its unit; positive speaks for distillation
  std::string words;
};

struct Explanation {
  std::string account;
  std::uint64_t requests = 0;
  Time first{}, last{};
  Verdict verdict;
  // The account's score if it were looked at now (the verdict holds the highest of all looks).
  double score = 0;
  double base = 0;                 // the score of an account about which nothing is known
  std::vector<Evidence> evidence;  // by absolute contribution, largest first
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_VERDICT_H_
