// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "campaign/frames.h"
#include "campaign/linker.h"
#include "campaign/succession.h"

namespace distillwatch::campaign {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Time kStart{std::chrono::seconds(1767225600)};
constexpr std::uint64_t kBanned = 1;

// A month of strangers, some with a public frame, and an account that is banned on day 10.
struct Gate {
  Random random;
  Frame own = RandomSignature(random), common = RandomSignature(random);
  Linker linker{{}, 5};
  static constexpr Time kBan = kStart + hours(240);
  static constexpr Time kNow = kStart + hours(30 * 24);

  explicit Gate(std::uint64_t seed) : random(seed) {
    for (std::uint64_t a = 1000; a < 3000; ++a) {
      const Time first = kStart + minutes(random.Below(29 * 24 * 60));
      Note(a, first, a % 8 == 0 ? common : RandomSignature(random));
    }
  }
  void Note(std::uint64_t account, Time first, const Frame& frame,
            const AttributeSet& attributes = {}) {
    linker.Note({account, first, kNow - hours(1), 40}, SampleOf(frame, 0.5, 4, random), attributes);
  }
  std::vector<Successor> Review(Time now = kNow) {
    return linker.Run(now, [](std::uint64_t, std::uint32_t, bool) {}).successors;
  }
  bool Ban(std::uint64_t account, Time time) {
    return linker.Ban(account, time) == Linker::BanResult::kKept;
  }
};

TEST(Ban, WhoeverContinuesABannedAccountIsFoundOnce) {
  Gate gate(1);
  gate.Note(kBanned, kStart, gate.own);
  gate.Note(2, Gate::kBan + minutes(5), gate.own);
  ASSERT_TRUE(gate.Ban(kBanned, Gate::kBan));
  const Time now = Gate::kBan + hours(48);
  const std::vector<Successor> found = gate.Review(now);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].account, 2u);
  EXPECT_EQ(found[0].banned, kBanned);
  EXPECT_EQ(found[0].began, Gate::kBan + minutes(5));
  EXPECT_GE(found[0].pairs, 4u);
  EXPECT_LT(found[0].p_value, 0.005);
  EXPECT_TRUE(gate.Review(now + hours(12)).empty());
}

TEST(Ban, InfrastructureContinuesItToo) {
  Gate gate(2);
  const AttributeSet lair{{11, 12, 13}, 3, 0};
  gate.Note(kBanned, kStart, RandomSignature(gate.random), lair);
  gate.Note(2, Gate::kBan + minutes(2), RandomSignature(gate.random), lair);
  ASSERT_TRUE(gate.Ban(kBanned, Gate::kBan));
  const std::vector<Successor> found = gate.Review(Gate::kBan + hours(24));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].account, 2u);
  EXPECT_EQ(found[0].values, 3u);
}

TEST(Ban, WhoeverBeganBeforeOrLongAfterDoesNot) {
  Gate gate(3);
  gate.Note(kBanned, kStart, gate.own);
  gate.Note(2, Gate::kBan - hours(1), gate.own);
  gate.Note(3, Gate::kBan + hours(30), gate.own);
  ASSERT_TRUE(gate.Ban(kBanned, Gate::kBan));
  EXPECT_TRUE(gate.Review(Gate::kBan + hours(96)).empty());
}

TEST(Ban, IsForgottenAfterEightDays) {
  Gate gate(4);
  gate.Note(kBanned, kStart, gate.own);
  ASSERT_TRUE(gate.Ban(kBanned, Gate::kBan));
  EXPECT_TRUE(gate.Review(Gate::kBan + hours(9 * 24)).empty());
  gate.Note(2, Gate::kBan + minutes(5), gate.own);
  EXPECT_TRUE(gate.Review(Gate::kBan + hours(9 * 24 + 1)).empty());
}

TEST(Ban, UnknownAccountsCannotBeFollowed) {
  Gate gate(5);
  EXPECT_EQ(gate.linker.Ban(77, Gate::kBan), Linker::BanResult::kUnknown);
}

TEST(Ban, OutlivesSaving) {
  Gate gate(6);
  gate.Note(kBanned, kStart, gate.own);
  ASSERT_TRUE(gate.Ban(kBanned, Gate::kBan));
  wire::Writer out;
  gate.linker.Save(out);
  Linker restored({}, 5);
  wire::Reader in(out.bytes());
  ASSERT_TRUE(restored.Add(in).has_value());
  restored.Note({2, Gate::kBan + minutes(5), Gate::kBan + hours(20), 40},
                SampleOf(gate.own, 0.5, 4, gate.random));
  const Review review =
      restored.Run(Gate::kBan + hours(24), [](std::uint64_t, std::uint32_t, bool) {});
  ASSERT_EQ(review.successors.size(), 1u);
  EXPECT_EQ(review.successors[0].account, 2u);
}

// Bans of users of a public frame, which 250 strangers have: somebody always begins next day.
TEST(BanStat, StrangersAreSeldomSuccessors) {
  Gate gate(7);
  std::size_t bans = 0;
  std::set<std::uint64_t> followed;
  for (std::uint64_t a = 1000; a < 3000; a += 8) {
    bans += gate.Ban(a, Gate::kBan + minutes(gate.random.Below(3 * 24 * 60)));
  }
  for (int day = 1; day <= 8; ++day) {
    for (const Successor& s : gate.Review(Gate::kBan + hours(24 * day))) followed.insert(s.banned);
  }
  ASSERT_EQ(bans, 250u);
  EXPECT_LE(followed.size(), 8u);  // 2.5 at most expected, and 3 standard deviations
}

}  // namespace
}  // namespace distillwatch::campaign
