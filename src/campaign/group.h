// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Group: linked accounts that are watched, and the test that may name them a campaign.
//
// The frame linked them, so it proves nothing. What they do from then on is tested: when their
// matching requests have doubled or their number has grown by half since the last test. Look k has
// the 1/(k (k+1))-th part of the level; the parts add up to it.
// Thread-compatible; the linker locks it. Test alone may run beside Observe.
// Tested by  tests/campaign/group_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_GROUP_H_
#define DISTILLWATCH_SRC_CAMPAIGN_GROUP_H_

#include <absl/container/flat_hash_map.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "campaign/cohort.h"
#include "campaign/evidence.h"
#include "campaign/fingerprint.h"
#include "campaign/surrogate.h"
#include "distillwatch/campaign.h"

namespace distillwatch::campaign {

// What a test compares members with.
struct Backdrop {
  std::span<const Life> population;
  PoolEvidence pool;
  ConductEvidence conduct{};
  EchoEvidence echo{};
};

class Group {
 public:
  static constexpr std::size_t kMostEvents = 4096;    // that a test looks at, the newest
  static constexpr std::size_t kMostPending = 65536;  // between reviews
  // Requests further from a review than this are not tested, whatever clock they came with.
  static constexpr auto kLongestWatch = std::chrono::hours(90 * 24);
  static constexpr std::size_t kLeastMembers = 5;
  static constexpr std::size_t kLeastMatches = 2;  // pairs of the frame in a matching request
  static constexpr std::uint32_t kTestsOfAFailure = 4;
  static constexpr std::size_t kMostPairs = 512;  // of a frame that others were added to

  Group(std::uint32_t id, Time now) noexcept : id_(id), linked_(now), tested_(now) {}

  std::uint32_t id() const noexcept { return id_; }
  bool named() const noexcept { return named_ != Time{}; }
  std::size_t members() const noexcept { return members_.size(); }
  bool Has(std::uint64_t account) const { return places_.contains(account); }
  std::span<const CampaignMember> list() const noexcept { return members_; }

  // What links an account with the others.
  enum class Link { kFrame, kPool, kEcho };
  // first_seen: of the account, which may be long before.
  void Join(std::uint64_t account, Time now, Time first_seen, Link by = Link::kFrame);
  // A member of another group, as it is.
  void Take(const CampaignMember& member, Time first_seen);
  void Remove(std::span<const std::uint64_t> accounts) { Leave(accounts); }
  // Whether several tests found nothing.
  bool has_failed() const noexcept { return !named() && looks_ >= kTestsOfAFailure; }
  // Whether a frame links its members; else something else does.
  bool framed() const noexcept { return !frame_.empty(); }
  std::span<const Pair> frame() const noexcept { return frame_; }
  Link LinkOf(std::uint64_t account) const {
    const CampaignMember& member = members_[places_.at(account)];
    return member.by_echo ? Link::kEcho : member.by_pool ? Link::kPool : Link::kFrame;
  }
  bool IsByEcho(std::uint64_t account) const { return LinkOf(account) == Link::kEcho; }
  bool IsByPool(std::uint64_t account) const { return LinkOf(account) == Link::kPool; }
  Time FirstSeen(std::uint64_t account) const { return first_seen_[places_.at(account)]; }
  // Members that hardly ever ask with the frame; they leave, and what they asked counts no more.
  std::vector<std::uint64_t> DropStrangers();
  // What the linker knows of a member.
  struct Known {
    std::uint64_t account;
    Life life;
    const Fingerprint* fingerprint;
  };
  // Whether the newest test passed by what the pool adds, so that it says nothing of members
  // outside.
  bool passed_by_pool() const noexcept { return by_pool_; }
  // Learns what is usual among the members that are still known.
  void Refresh(std::span<const Known> known);
  // Members unlike those of the cohort that was found, or unlike most others where none was; they
  // leave, but not those who echo others.
  //   echoing  accounts, ascending
  std::vector<std::uint64_t> DropUnlike(std::span<const std::uint64_t> echoing = {});
  // The named group whose frame this one has, but whose members it is unlike; 0: none.
  std::uint32_t kin = 0;
  // Whether this group has the campaign's frame and asks as much, so that both are one.
  bool IsMoreOf(const Group& campaign) const noexcept;
  // All members leave; it is no campaign any more, and nobody joins it by its frame.
  void Dissolve();
  // Whether an account began and asks like the members.
  bool HasLife(const Life& life) const noexcept { return middle_.Has(life); }
  double LogDensity(const Life& life) const noexcept { return middle_.LogDensity(life); }
  // Whether an account may join a named group; true while it has no name.
  bool Admits(const Life& life, const Fingerprint& fingerprint) const noexcept;
  // A frame that has hardly anything of the old one makes it another group: what members asked
  // counts no more.
  //   Returns  whether it did
  bool SetFrame(std::vector<Pair> frame);

  // Requests with this frame match, too, up to kMostPairs of all.
  void AddFrame(std::span<const Pair> frame);

  // A request of a member.
  //   Returns  whether it has the frame; true where there is none
  bool Observe(std::uint64_t account, Time time, const SlimSignature& signature,
               std::uint32_t system = 0);

  // Takes in what was observed since the last call; true when a test is due.
  bool Gather(Time now);
  // The level of the next test, a part of the share that all tests of the group have, and how many
  // draws a Monte Carlo p-value needs to reach it.
  double Level(double share) const noexcept;
  std::size_t Draws(double share) const noexcept;
  // Tests with a part of the level `share`; true when the evidence is enough for a name.
  //   Threads  safe beside Observe, so that requests need not wait for the surrogates
  bool Test(double share, const Backdrop& backdrop, Time now, std::uint64_t seed);
  // Names the group on the evidence of the newest test.
  void Name(Time now) noexcept { named_ = now; }

  // Begins as a part of a named group, on its evidence.
  void SplitFrom(const Group& campaign, Time now);

  Campaign Describe() const;

  // A group that was saved; `id` differs where another monitor's is taken over.
  Group() = default;
  void Renumber(std::uint32_t offset) noexcept;
  // After reading: false for what no group can be.
  bool Restored();
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.kin, s.id_, s.linked_, s.named_, s.frame_, s.members_, s.first_seen_, s.pending_,
       s.events_, s.matched_, s.tested_events_, s.tested_members_, s.tested_, s.looks_, s.middle_,
       s.containment_, s.share_, s.typical_, s.evidence_, s.split_, s.by_pool_);
  }

 private:
  // The requests of some members that a test looks at.
  struct Watch {
    std::vector<MemberEvent> events;
    std::vector<std::int64_t> from_us;
    std::int64_t to_us = 0;
    Watched watched() const { return {events, from_us, to_us}; }
  };
  Watch WatchOf(const std::vector<std::uint8_t>& chosen, Time now) const;
  TimeEvidence TestTimes(const std::vector<std::uint8_t>& chosen, Time now,
                         const SurrogatePlan& plan) const;
  void Leave(std::span<const std::uint64_t> accounts);

  std::uint32_t id_ = 0;
  Time linked_{}, named_{};
  std::vector<Pair> frame_;
  std::vector<CampaignMember> members_;
  std::vector<Time> first_seen_;  // of each member
  absl::flat_hash_map<std::uint64_t, std::uint32_t> places_;
  std::vector<MemberEvent> pending_, events_;
  std::uint64_t matched_ = 0;
  std::uint64_t tested_events_ = 32;
  std::uint64_t tested_members_ = 4;
  Time tested_{};                     // the newest test
  std::vector<std::uint64_t> known_;  // members at the newest review, and their lives
  std::vector<Life> lives_;
  Middle middle_;
  double containment_ = 0;             // of a member's fingerprint in the frame, the median
  double share_ = 0;                   // of requests that have the frame, at the newest review
  std::vector<std::uint8_t> typical_;  // members whose volume is like the others'
  std::uint32_t looks_ = 0;
  Evidence evidence_;
  bool split_ = false;    // the name is the cohort's, not everyone's
  bool by_pool_ = false;  // it is the pool's, and other evidence was not enough
  Cohort cohort_;         // of the newest test, among the accounts known then
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_GROUP_H_
