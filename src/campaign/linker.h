// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Linker: what is known of all accounts, the groups that they form, and the reviews that name some.
//
// Thread-safe. Note and Observe are for the hot path, and may be called under locks of the caller's
// that its Assign takes, too: a review calls Assign under no lock that they take
// [Linker.AReviewTakesNoLockOfTheHotPathWhenItAssigns]. It locks a shard of fingerprints or a group
// only while it copies from it, never while it links or tests.
// Tested by  tests/campaign/linker_test.cc, tests/campaign/pool_test.cc, tests/campaign/ban_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "campaign/echo.h"
#include "campaign/echo_graph.h"
#include "campaign/group.h"
#include "campaign/infrastructure.h"
#include "campaign/link.h"
#include "campaign/steps.h"
#include "campaign/succession.h"
#include "distillwatch/campaign.h"
#include "wire/wire.h"

namespace distillwatch::campaign {

class Linker {
 public:
  static constexpr std::uint32_t kMostTracked = 16384;  // groups, over the linker's life

  // common: pairs that link nobody, in any order.
  Linker(const CampaignOptions& options, std::uint64_t seed, std::vector<Pair> common = {});
  ~Linker();

  // A look at an account.
  //   Cost  microseconds, see [BM_Fingerprint]
  void Note(const Seen& seen, const SignatureReservoir& sample, const AttributeSet& attributes = {},
            std::uint32_t system = 0, const Habits& habits = {});
  // Has memory brought near that Listen will need.
  void ExpectPrompt(std::uint64_t prompt) const noexcept { echo_log_.Prefetch(prompt); }
  // A request of any account.
  //   prompt  keyed hash of its newest turn    units  its words
  void Listen(std::uint64_t account, Time time, std::uint64_t prompt,
              std::uint32_t units) noexcept {
    if (units >= EchoLog::kLeastUnits) echo_log_.Observe(prompt, account, time);
  }
  // A request of an account in group `group` (1-based).
  //   system   hash of its system prompt, as for Note; 0: none
  //   Returns  whether it is one that the group is about (Group::Observe)
  bool Observe(std::uint32_t group, std::uint64_t account, Time time,
               const SlimSignature& signature, std::uint32_t system = 0);
  // The host banned an account.
  enum class BanResult { kKept, kUnknown, kTooMany };
  BanResult Ban(std::uint64_t account, Time now);

  // Puts an account into a group (1-based), which may be a named campaign; 0: into none. Every
  // review tells the groups of all their members, for the caller may have forgotten.
  using Assign = std::function<void(std::uint64_t account, std::uint32_t group, bool named)>;
  // One that its limit ends is taken up by the next Run within kPatience, which sees what it saw.
  static constexpr std::chrono::hours kPatience{1};
  Review Run(Time now, const Assign& assign, const StepLimit& limit = {});

  std::vector<Campaign> Campaigns() const;
  // The named group of this number.
  std::optional<Campaign> Find(std::uint32_t group) const;

  // All fingerprints and groups, in an order that hash tables do not decide.
  void Save(wire::Writer& out) const;
  // Adds what was saved; its groups get numbers behind the own ones. An account that is known stays
  // in its group and keeps the newer fingerprint.
  //   Returns  what was added to the numbers; nothing, with all left as it was, for bytes that
  //            Save cannot have written, or when there are too many groups
  std::optional<std::uint32_t> Add(wire::Reader& in);

  // Campaigns named so far; waits for no review.
  std::uint64_t named() const noexcept { return named_.load(std::memory_order_relaxed); }

  // Accounts with a fingerprint.
  std::size_t remembered() const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    absl::node_hash_map<std::uint64_t, Record> records;  // large, and half of the slots are free
  };
  static constexpr std::size_t kShards = 256, kGroupMutexes = 64;
  // Shards are ranges of accounts, so that one after the other is in their order.
  Shard& ShardOf(std::uint64_t account) {
    static_assert(kShards == 256);
    return shards_[account >> 56];
  }
  std::unique_lock<std::mutex> Lock(const Group& group) {
    return std::unique_lock(group_mutexes_[group.id() % kGroupMutexes]);
  }

  // What a review looks at.
  struct Snapshot {
    Time now{};
    std::vector<Record> records;  // ascending by account
    std::vector<Life> population;
    std::optional<Neighbourhood> neighbourhood;
    std::optional<EchoGraph> echoes;
    Crowd crowd;  // the records
    const Record* Find(std::uint64_t account) const;
    std::uint32_t PositionOf(const Record& record) const {
      return static_cast<std::uint32_t>(&record - records.data());
    }
  };
  struct Ongoing;  // a review, perhaps left half-way
  void DropOngoing();
  void Plan(Ongoing& review);
  // Adds the records of the last month, and forgets older ones.
  void Collect(Shard& shard, Snapshot& snapshot);
  // When there are too many, those longest idle are forgotten.
  void KeepNewest(std::vector<Record>& records);
  // Puts the candidate's accounts that are in no group into one.
  void Place(const Candidate& candidate, const Snapshot& snapshot, Review& review);
  // Groups with a tenth of the candidate, or a tenth of which it has; of named ones, half.
  std::vector<Group*> GroupsWith(const Candidate& candidate, const Snapshot& snapshot) const;
  // Of the named groups whose members the account is like the one that it fits best, else the one
  // that it echoes most; null: it is a stranger to all of them.
  Group* HomeAmong(std::span<Group* const> groups, const Record& record, const Snapshot& snapshot);
  // Gives the group the candidate's frame, if it is the first in this review.
  void Frame(Group& group, const Candidate& candidate, const Snapshot& snapshot);
  // Puts a core's accounts that are in no named group into one.
  void PlaceCore(std::uint32_t core, const Snapshot& snapshot, Review& review);
  Group* HomeOf(std::uint32_t core, const Snapshot& snapshot);
  bool IsOfAnother(const Group& group, std::uint32_t core, const Snapshot& snapshot) const;
  std::vector<EchoGraph::Member> EchoersOf(const Group& group, const Snapshot& snapshot) const;
  // Echoes of a member's request, where they are evidence of the group; else 0. As of its first
  // call in this review.
  double EchoRate(const Group& group, const Snapshot& snapshot);
  // Whether the account echoes no member, but would if it were one; or members copy it.
  bool IsStranger(const Record& record, const Group& group, const Snapshot& snapshot);
  // Whether it asks within a minute after members, and echoes them more than others.
  bool IsCloseTo(const Group& group, std::uint32_t account, const Snapshot& snapshot);
  struct EchoCounts {
    std::size_t near = 0, later = 0, soon_later = 0;  // later: it asked after the other
  };
  EchoCounts EchoesIn(const Group& group, std::uint32_t account, const Snapshot& snapshot) const;
  // Members that asked after others of the group, ascending.
  std::vector<std::uint64_t> EchoingIn(const Group& group, const Snapshot& snapshot) const;
  // Named campaigns take accounts that have their frame, use their pool, or echo them: from no
  // group, or, by their frame, from one whose tests have failed.
  struct Frames {
    absl::flat_hash_map<Pair, std::vector<std::uint32_t>> groups_with;  // positions in owned_
    std::vector<std::uint32_t> shared;                                  // by group; zeros
  };
  Frames FramesOfNamed() const;
  void AdoptByFrame(const Record& record, Frames& frames, const Snapshot& snapshot, Review& review);
  void AdoptByEcho(const Record& record, const Snapshot& snapshot, Review& review);
  struct Pools {
    std::vector<Pool> pools;                                       // by position in owned_
    absl::flat_hash_map<std::uint32_t, std::uint32_t> first_with;  // the position, by value
  };
  Pools PoolsOfNamed(const Snapshot& snapshot) const;
  void AdoptByPool(const Record& record, const Pools& pools, const Neighbourhood& all, Time now,
                   Review& review);
  // Drops members that are strangers, and names the group if it passes a test that is due.
  void Judge(Group& group, const Snapshot& snapshot, Review& review);
  void Name(Group& group, Time now, Review& review);
  // Of a named group, members that began together and echo each other, but hardly the others, who
  // echo each other, too, are a campaign of their own.
  void Split(Group& group, const Snapshot& snapshot, Review& review);
  // The named group, an older one for one that has a name itself, whose members these echo and that
  // echoes them, by p-values below `level` over all of them; null: none.
  Group* CampaignEchoedBy(const Group& group, double level, const Snapshot& snapshot) const;
  // Of a group that has no name, not all need be the campaign's that it echoes: who does not echo
  // it, and has not the group's frame or did not begin and ask like those who do, leaves.
  void DropUnproven(Group& group, const Group& campaign, const Snapshot& snapshot);
  // Makes the group part of the campaign that it echoes; its frame is the campaign's, too.
  //   share  of the expected number of false names that the group may have
  //   Returns  whether there is one
  bool JoinsCampaign(Group& group, double share, const Snapshot& snapshot, Review& review);
  // All members become the campaign's.
  void MoveTo(Group& campaign, Group& group, Review& review);
  Group* Begin(Time now, Review& review);
  void Put(Group& group, const Record& record, Group::Link by, Time now, Review& review);
  void DropOthers(Group& group, std::vector<std::uint64_t> placed);
  void Free(std::span<const std::uint64_t> accounts);
  void Tell(const Group& group, const Assign& assign) const;
  void TellFreed(const Assign& assign);
  std::uint32_t GroupOf(std::uint64_t account) const;
  // Whether the account is in no group, or, for a frame, in one without a name by a pool alone.
  bool IsFree(std::uint64_t account, bool framed) const;
  bool IsNamed(std::uint64_t account) const;  // a member of a named group

  std::atomic<std::uint64_t> named_{0};
  CampaignOptions options_;
  std::uint64_t seed_;
  std::vector<Pair> common_;  // ascending
  std::array<Shard, kShards> shards_;
  mutable std::mutex review_mutex_;
  std::unique_ptr<Ongoing> ongoing_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> homes_;  // the group of each member
  std::vector<std::uint64_t> freed_;                         // by this review
  std::vector<std::uint32_t> framed_;                        // groups to which it gave a frame
  // By group, the accounts of its candidates in this review.
  absl::flat_hash_map<std::uint32_t, std::vector<std::uint64_t>> placed_;
  absl::flat_hash_map<std::uint32_t, double> echo_rates_;  // by group, in this review
  // Appended to by reviews, read by everyone.
  std::unique_ptr<std::atomic<Group*>[]> groups_;
  std::vector<std::unique_ptr<Group>> owned_;
  std::unique_ptr<std::mutex[]> group_mutexes_;
  std::vector<Time> begun_;  // when each group began
  EchoLog echo_log_;
  mutable std::mutex bans_mutex_;
  Succession succession_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_
