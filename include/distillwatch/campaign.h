// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Campaign and Review: accounts that harvest together, and what a review of all accounts found.
//
// Accounts are linked by what their requests have in common (a frame around changing slots,
// wherever in the prompt it stands), by asking the same prompts within a minute of each other, word
// for word, or by a pool of addresses and payment marks. A linked group is watched, and named only
// on evidence that did not link it: how its members' later requests interleave or echo each other,
// that they began together and take equal parts; a pool, where a frame linked them; or what they
// do, where none did.
// A name says "these accounts act together", with a bound on how often it is wrong; what it means,
// a person decides. No account is called kDistilling for its links alone.

#ifndef DISTILLWATCH_CAMPAIGN_H_
#define DISTILLWATCH_CAMPAIGN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "distillwatch/event.h"

namespace distillwatch {

struct CampaignOptions {
  bool enabled = true;
  // Expected number of falsely named campaigns in 30 days, if members of every other group act
  // independently of each other [CampaignNullStat.FalseNamesStayWithinTheirBudget]; above 0 to
  // 1000. Of groups that falsely become part of a named campaign there are no more than that again.
  double false_campaigns = 1;
  // Groups that may begin to be watched in 30 days; those beyond wait. Fewer groups make each test
  // easier to pass. 1 to 4096.
  std::size_t most_groups = 100;
  // Accounts with a fingerprint that are remembered for linking, 350 to 600 bytes each [BM_Review];
  // those that were longest idle are forgotten first, and all that were idle for 30 days. 16 to
  // 2^28. Besides, up to 14 MB for the newest prompts, as hashes.
  std::size_t most_accounts = std::size_t{1} << 20;
  // Names of attributes that strangers seldom share. Accounts that share several of their values,
  // in different pairs, are watched together, and sharing them is evidence on accounts that a frame
  // linked. Others (a client's name, a network) are not looked at. At most 8.
  std::vector<std::string> infrastructure{"ip", "payment", "device"};
  // Prompts or parts of prompts that many strangers share, as a popular agent's instructions: what
  // they leave in signatures links nobody. At most 256.
  std::vector<std::string> common_templates{};
  // Name of the attribute by which the host marks keys of one organisation; a group of which most
  // members have the same value is not named. Empty: none.
  std::string organisation = "organization";
};

struct CampaignMember {
  std::uint64_t account = 0;   // as Monitor::AccountId gives it
  Time since{};                // when it was linked
  std::uint64_t requests = 0;  // since then
  std::uint64_t matching = 0;  // of those, with the campaign's frame; all, where it has none
  bool by_pool = false;        // linked by infrastructure, not by the frame
  bool by_echo = false;        // linked by asking what other members ask, word for word

  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.account, s.since, s.requests, s.matching, s.by_pool, s.by_echo);
  }
};

struct Campaign {
  // Stable, and never 0; when a campaign turns out to be part of an older one, it is that one's.
  std::uint32_t id = 0;
  Time first_seen{};      // when the earliest member was first seen
  Time linked{};          // when the group was first found
  Time named{};           // when it was named
  double p_value = 1;     // of the evidence that named it, over all its tests
  std::size_t frame = 0;  // signature values that make up the frame; 0: something else linked it
  std::vector<CampaignMember> members{};
  std::vector<std::string> words{};  // the evidence, in words
};

// An account that continues one that the host banned (Monitor::ReportBan).
struct Successor {
  std::uint64_t account = 0, banned = 0;
  Time began{};            // within a day after the ban
  std::size_t pairs = 0;   // signature values of the banned one's frame that it has
  std::size_t values = 0;  // infrastructure of the banned one that it uses
  double p_value = 1;      // that so many accounts like the banned one began then
};

// What a call of Monitor::Review did.
struct Review {
  std::size_t accounts = 0;          // with a fingerprint
  std::size_t groups = 0;            // linked and watched now, named ones among them
  std::size_t waiting = 0;           // groups beyond CampaignOptions::most_groups
  std::size_t explained = 0;         // groups of one organisation, which are not tested
  std::vector<std::uint32_t> named;  // campaigns that this review named
  // Accounts that this review put into a named campaign, ascending by account.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> joined;
  // Found by this review; of all that are found for a ban by chance, 1 in 100 bans has one.
  std::vector<Successor> successors;
  bool interrupted = false;  // the next call goes on with it
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_CAMPAIGN_H_
