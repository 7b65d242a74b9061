// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Succession: accounts that began within a day after a ban and continue the banned one.
//
// Like the banned account is who shares its frame or two values of its infrastructure. Many may do
// so, where the frame is public; so it is tested whether more of them began within ten minutes,
// an hour or a day than of all accounts. Each ban has a level of its own, and its k-th test the
// 1/(k (k+1))-th part of it. Thread-compatible. Tested by  tests/campaign/ban_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_SUCCESSION_H_
#define DISTILLWATCH_SRC_CAMPAIGN_SUCCESSION_H_

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "campaign/cohort.h"
#include "campaign/fingerprint.h"
#include "campaign/infrastructure.h"
#include "campaign/likeness.h"
#include "distillwatch/campaign.h"

namespace distillwatch::campaign {

// What linking knows of an account.
struct Record {
  Seen seen;
  Fingerprint fingerprint;
  AttributeSet attributes;
  Habits habits{};
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.seen, s.fingerprint, s.attributes, s.habits);
  }
};
bool IsValid(const Record& record) noexcept;

class Succession {
 public:
  static constexpr std::size_t kMostBans = 16384;
  static constexpr auto kWindow = std::chrono::hours(24);
  // Successors are looked for until so long after a ban.
  static constexpr auto kPatience = std::chrono::hours(8 * 24);
  static constexpr double kLevel = 0.01;  // for a ban [BanStat.StrangersAreSeldomSuccessors]

  struct Ban {
    Record record;
    Time time{};
    std::uint32_t looks = 0;
    std::vector<std::uint64_t> found;  // like it and began after it, at the newest test, ascending
    std::vector<std::uint64_t> told;   // reported, ascending
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.record, s.time, s.looks, s.found, s.told);
    }
  };

  // False when there are too many. A second ban of an account is none.
  bool Add(Ban ban);
  bool empty() const noexcept { return bans_.empty(); }
  // Successors among the records that were not found before.
  //   Cost  O(records), and what is like a banned account
  std::vector<Successor> Find(std::span<const Record> records, const Neighbourhood& neighbourhood,
                              Time now);

  bool Restored() const;
  const std::vector<Ban>& bans() const noexcept { return bans_; }
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.bans_);
  }

 private:
  std::vector<Ban> bans_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_SUCCESSION_H_
