// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Linker: fingerprints of all accounts, the groups that they form, and the reviews that name some.
//
// Thread-safe. Note and Observe are for the hot path; a review locks a shard of fingerprints or a
// group only while it copies from it.
// Tested by  tests/campaign/linker_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "campaign/group.h"
#include "campaign/link.h"
#include "distillwatch/campaign.h"
#include "wire/wire.h"

namespace distillwatch::campaign {

// An account at a look.
struct Seen {
  std::uint64_t account = 0;
  Time first{}, last{};
  std::uint32_t requests = 0;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.account, s.first, s.last, s.requests);
  }
};

class Linker {
 public:
  static constexpr std::uint32_t kMostTracked = 4096;  // groups, over the linker's life

  Linker(const CampaignOptions& options, std::uint64_t seed);

  // A look at an account.  Cost: about 6 us, see BM_Fingerprint
  void Note(const Seen& seen, const SignatureReservoir& sample);
  // A request of an account in group `group` (1-based).
  void Observe(std::uint32_t group, std::uint64_t account, Time time,
               const SlimSignature& signature);

  // Puts an account into a group (1-based), which may be a named campaign.
  using Assign = std::function<void(std::uint64_t account, std::uint32_t group, bool named)>;
  Review Run(Time now, const Assign& assign);

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

 private:
  struct Record {
    Seen seen;
    Fingerprint fingerprint;
    std::uint32_t group = 0;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.seen, s.fingerprint, s.group);
    }
  };
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<std::uint64_t, Record> records;
  };
  static constexpr std::size_t kShards = 16;
  Shard& ShardOf(std::uint64_t account) { return shards_[account % kShards]; }

  std::vector<Record> Collect(Time now);
  void Forget();
  // Puts the candidate's accounts that are in no group into one.
  void Place(Candidate& candidate, std::vector<Record>& records, Time now, const Assign& assign,
             Review& review);
  Campaign Describe(const Group& group) const;
  void Name(Group& group, Time now, const Assign& assign, Review& review);
  void Assigned(std::uint64_t account, std::uint32_t group);
  Group* Begin(Time now, Review& review);
  void Put(Group& group, Record& record, Time now, const Assign& assign, Review& review);
  void Free(std::span<const std::uint64_t> accounts, const Assign& assign);
  Life LifeOf(const Record& record) const noexcept;

  CampaignOptions options_;
  std::uint64_t seed_;
  std::array<Shard, kShards> shards_;
  mutable std::mutex review_mutex_;
  // Appended to by reviews, read by everyone.
  std::unique_ptr<std::atomic<Group*>[]> groups_;
  std::vector<std::unique_ptr<Group>> owned_;
  std::unique_ptr<std::mutex[]> group_mutexes_;
  std::vector<Time> begun_;  // when each group began
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LINKER_H_
