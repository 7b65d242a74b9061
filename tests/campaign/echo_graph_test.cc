// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/echo_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "campaign/rhythms.h"
#include "support/random_inputs.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using support::Random;

// Four minutes after a quarter of an hour.
constexpr Time kStart{seconds(1767225600 + 240)};
using Accounts = std::vector<std::uint32_t>;
using Member = EchoGraph::Member;

// Accounts 0, 1, ... and what they ask.
class Echoes {
 public:
  explicit Echoes(std::uint32_t accounts) : ids_(accounts) {
    std::iota(ids_.begin(), ids_.end(), 0);
  }
  // The accounts ask a prompt of theirs, one after the other.
  void Ask(const Accounts& accounts, seconds apart) {
    const std::uint64_t prompt = wire::Mix(++prompts_);
    Time now = kStart + minutes(15 * (prompts_ % 500));
    for (const std::uint32_t a : accounts) {
      log_.Observe(prompt, a, now);
      now += apart;
    }
  }
  void Observe(std::uint64_t prompt, std::uint32_t account, Time time) {
    log_.Observe(wire::Mix(prompt), account, time);
  }
  // Every two of them, `times` times.
  void AskPairwise(const Accounts& accounts, int times, seconds apart) {
    for (int i = 0; i < times; ++i) {
      for (const std::uint32_t a : accounts) {
        for (const std::uint32_t b : accounts) {
          if (a >= b) continue;
          Ask((b - a) % 2 == 1 ? Accounts{a, b} : Accounts{b, a}, apart);
        }
      }
    }
  }
  const EchoGraph& graph() {
    Steps steps;
    graph_ = std::make_unique<EchoGraph>(log_, kStart + std::chrono::hours(200), ids_, steps);
    EXPECT_TRUE(steps.Run({}));
    return *graph_;
  }

 private:
  EchoLog log_;
  std::vector<std::uint64_t> ids_;
  std::uint64_t prompts_ = 0;
  std::unique_ptr<EchoGraph> graph_;
};

std::vector<Member> Everyone(std::uint32_t n) {
  std::vector<Member> members(n);
  for (std::uint32_t a = 0; a < n; ++a) members[a].account = a;
  return members;
}

TEST(EchoGraph, AccountsThatEchoEachOtherSoonAreACore) {
  Echoes echoes(20);
  echoes.AskPairwise({2, 3, 5, 7, 11}, 1, seconds(20));
  echoes.AskPairwise({12, 13, 14, 15, 16, 17}, 1, seconds(30));
  echoes.AskPairwise({0, 1, 4, 6, 8, 9}, 1, seconds(120));  // not soon
  const EchoGraph& graph = echoes.graph();
  EXPECT_EQ(graph.cores(), (std::vector<Accounts>{{12, 13, 14, 15, 16, 17}, {2, 3, 5, 7, 11}}));
  EXPECT_EQ(graph.CoreOf(13), 0u);
  EXPECT_EQ(graph.CoreOf(7), 1u);
  EXPECT_EQ(graph.CoreOf(0), EchoGraph::kNoCore);
  EXPECT_EQ(graph.EchoesOf(0).size(), 5u);
  EXPECT_EQ(graph.EchoesOf(18).size(), 0u);
}

TEST(EchoGraph, EchoesBetweenTwoSetsAreEvidenceWhereTheyComeSoon) {
  const std::vector<Member> all = Everyone(20);
  const std::vector<Member> members(all.begin(), all.begin() + 10),
      others(all.begin() + 10, all.end());
  const auto between = [&](seconds apart, bool copied) {
    Echoes echoes(20);
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::uint32_t member = i % 10, other = 10 + (i + i / 10) % 10;
      echoes.Ask(copied || i % 2 == 0 ? Accounts{member, other} : Accounts{other, member}, apart);
      echoes.Ask({member, (member + 1) % 10}, seconds(20));  // among themselves
    }
    echoes.Ask({0, 1, 2, 3, 4, 5, 10}, seconds(20));  // a room
    return echoes.graph().EvidenceBetween(members, others);
  };
  const auto [soon, followed] = between(seconds(300), false);
  EXPECT_EQ(soon.prompts, 20u);
  EXPECT_EQ(soon.echoes, 20u);
  EXPECT_EQ(soon.near, 20u);
  EXPECT_EQ(soon.soon, 0u);
  EXPECT_EQ(followed, 10u);
  EXPECT_NEAR(soon.p_value, 2 * std::pow(0.15, 10), 1e-12);  // of ten members, each once
  EXPECT_EQ(between(seconds(300), true).followed, 0u);
  const auto late = between(seconds(3000), false).evidence;
  EXPECT_EQ(late.echoes, 20u);
  EXPECT_EQ(late.near, 0u);
  EXPECT_EQ(late.p_value, 1);
}

TEST(EchoGraph, OneEchoJoinsNoTwoCores) {
  Echoes echoes(10);
  echoes.AskPairwise({0, 1, 2, 3, 4}, 1, seconds(20));
  echoes.AskPairwise({5, 6, 7, 8, 9}, 1, seconds(20));
  echoes.Ask({4, 5}, seconds(20));
  EXPECT_EQ(echoes.graph().cores().size(), 2u);
  echoes.Ask({3, 6}, seconds(20));
  EXPECT_EQ(echoes.graph().cores().size(), 1u);
}

// The parts that are left when every edge is taken away that, alone, would part the graph.
std::vector<Accounts> BlocksBySearch(
    std::uint32_t n, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& e) {
  const auto parts_without = [&](const std::function<bool(std::size_t)>& without) {
    Accounts part(n);
    std::iota(part.begin(), part.end(), 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = 0; i < e.size(); ++i) {
        if (without(i) || part[e[i].first] == part[e[i].second]) continue;
        part[e[i].first] = part[e[i].second] = std::min(part[e[i].first], part[e[i].second]);
        changed = true;
      }
    }
    return part;
  };
  std::set<std::size_t> bridges;
  for (std::size_t i = 0; i < e.size(); ++i) {
    const Accounts part = parts_without([i](std::size_t j) { return j == i; });
    if (part[e[i].first] != part[e[i].second]) bridges.insert(i);
  }
  const Accounts part = parts_without([&bridges](std::size_t i) { return bridges.contains(i); });
  std::vector<Accounts> out;
  for (std::uint32_t a = 0; a < n; ++a) {
    Accounts block;
    for (std::uint32_t b = a; b < n; ++b) {
      if (part[b] == part[a]) block.push_back(b);
    }
    if (block.size() >= EchoGraph::kLeastMembers && part[a] == a) out.push_back(block);
  }
  return out;
}

TEST(EchoGraphOracle, CoresAreWhatNoSingleEchoHoldsTogether) {
  Random random(1);
  int found = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const auto n = static_cast<std::uint32_t>(5 + random.Below(30));
    Echoes echoes(n);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    const std::size_t m = n / 2 + random.Below(2 * n);
    for (std::size_t i = 0; i < m; ++i) {
      const auto a = static_cast<std::uint32_t>(random.Below(n));
      const auto b = static_cast<std::uint32_t>(random.Below(n));
      if (a == b) continue;
      echoes.Ask({a, b}, seconds(10));
      edges.emplace_back(a, b);
    }
    std::vector<Accounts> cores = echoes.graph().cores();
    // Copied accounts are another test's.
    const auto copied = [&edges](std::uint32_t a) {
      const auto first =
          std::count_if(edges.begin(), edges.end(), [a](const auto& e) { return e.first == a; });
      const bool later =
          std::any_of(edges.begin(), edges.end(), [a](const auto& e) { return e.second == a; });
      return first >= static_cast<std::ptrdiff_t>(EchoGraph::kLeastOfACopied) && !later;
    };
    bool any = false;
    for (std::uint32_t a = 0; a < n; ++a) any |= copied(a);
    if (any) continue;
    std::sort(cores.begin(), cores.end());
    EXPECT_EQ(cores, BlocksBySearch(n, edges)) << trial;
    found += static_cast<int>(cores.size());
  }
  EXPECT_GT(found, 100);
}

TEST(EchoGraph, WhoIsCopiedIsInNoCore) {
  Echoes echoes(12);
  // Accounts 0 to 5 ask each other's prompts again; all of them copy 10, and 11 as well.
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t a = 0; a < 6; ++a) {
      echoes.Ask({a, (a + 1) % 6}, seconds(20));
      echoes.Ask({10, a}, seconds(20));
      echoes.Ask({11, a}, seconds(20));
    }
  }
  EXPECT_EQ(echoes.graph().cores(), (std::vector<Accounts>{{0, 1, 2, 3, 4, 5}}));
  // Copying alone is no core at all.
  Echoes mirror(12);
  for (std::uint32_t a = 0; a < 6; ++a) {
    for (std::uint32_t victim = 6; victim < 12; ++victim) mirror.Ask({victim, a}, seconds(20));
  }
  EXPECT_TRUE(mirror.graph().cores().empty());
}

TEST(EchoGraph, AClassInARoomIsNoCore) {
  Echoes echoes(12);
  Accounts everyone(12);
  std::iota(everyone.begin(), everyone.end(), 0);
  for (int question = 0; question < 30; ++question) echoes.Ask(everyone, seconds(4));
  const EchoGraph& graph = echoes.graph();
  EXPECT_TRUE(graph.cores().empty());
  EXPECT_FALSE(graph.EvidenceOf(Everyone(12)).tested);
}

TEST(EchoGraph, WhatStartsByTheClockIsNoEcho) {
  Echoes echoes(6);
  const Time quarter = kStart - seconds(240);
  for (std::uint64_t day = 0; day < 8; ++day) {
    for (std::uint32_t a = 0; a < 6; ++a) {  // each with another one, every day
      const std::uint64_t prompt = 1000 + day * 10 + (a + day) % 6 / 2;
      echoes.Observe(prompt, a, quarter + std::chrono::hours(24 * day) + seconds(5 * a));
    }
  }
  EXPECT_TRUE(echoes.graph().EchoesOf(0).empty());
}

TEST(EchoGraph, CommonPromptsAreNoEchoes) {
  Echoes echoes(40);
  Accounts many(EchoLog::kMostAskers + 1), few(EchoLog::kMostAskers);
  std::iota(many.begin(), many.end(), 0);
  std::iota(few.begin(), few.end(), 20);
  for (int i = 0; i < 5; ++i) {
    echoes.Ask(many, seconds(10));
    echoes.Ask(few, seconds(10));
  }
  const EchoGraph& graph = echoes.graph();
  EXPECT_TRUE(graph.EchoesOf(3).empty());
  EXPECT_EQ(graph.EchoesOf(21).size(), 75u);  // with 15 others, five times
}

TEST(EchoGraph, EvidenceIsOfAllPairsOfMembers) {
  Echoes echoes(10);
  for (std::uint32_t i = 0; i < 5; ++i) echoes.Ask({i, i + 1, i + 2}, seconds(40));
  for (std::uint32_t i = 0; i < 4; ++i) echoes.Ask({i, i + 2}, seconds(300));
  for (std::uint32_t i = 0; i < 3; ++i) echoes.Ask({i, i + 3}, seconds(3000));
  const EchoEvidence evidence = echoes.graph().EvidenceOf(Everyone(10));
  EXPECT_TRUE(evidence.tested);
  EXPECT_EQ(evidence.prompts, 12u);
  EXPECT_EQ(evidence.echoes, 22u);
  EXPECT_EQ(evidence.near, 19u);
  EXPECT_EQ(evidence.soon, 10u);
  EXPECT_LT(evidence.p_value, 0.2);
  // Only what both ends ask since they count.
  std::vector<Member> later = Everyone(10);
  for (Member& m : later) m.since = kStart + std::chrono::hours(190);
  EXPECT_EQ(echoes.graph().EvidenceOf(later).prompts, 0u);
}

TEST(EchoGraph, CoresAreApartWhereOneWouldHaveEchoedTheOther) {
  Echoes echoes(24);
  echoes.AskPairwise({0, 1, 2, 3, 4, 5}, 1, seconds(20));
  echoes.AskPairwise({6, 7, 8, 9, 10, 11}, 1, seconds(20));
  ASSERT_EQ(echoes.graph().cores().size(), 2u);
  EXPECT_FALSE(echoes.graph().AreApart(0, 1));  // too few to say
  echoes.AskPairwise({0, 1, 2, 3, 4, 5}, 1, seconds(400));
  EXPECT_TRUE(echoes.graph().AreApart(0, 1));
  EXPECT_TRUE(echoes.graph().AreApart(1, 0));
  echoes.Ask({0, 7}, seconds(400));
  EXPECT_TRUE(echoes.graph().AreApart(0, 1));
  echoes.Ask({5, 6}, seconds(400));
  EXPECT_FALSE(echoes.graph().AreApart(0, 1));
}

// People who draw from the same questions, as many as they like, whenever they like.
TEST(EchoNullStat, StrangersEchoAtAnyDistance) {
  Random random(2);
  int tested = 0, extreme = 0;
  std::uint32_t pairs = 0, near = 0, soon = 0;
  for (int trial = 0; trial < 120; ++trial) {
    const auto n = static_cast<std::uint32_t>(10 + random.Below(40));
    Echoes echoes(n);
    const std::uint64_t questions = 200 + random.Below(3000);
    const Window week = {0, 8 * kDay_s};
    const std::vector<NamedRhythm> rhythms = IndependentRhythms();
    for (std::uint32_t a = 0; a < n; ++a) {
      const NamedRhythm& rhythm = rhythms[random.Below(rhythms.size())];
      std::uint64_t next = random.Below(questions);
      for (const double t : rhythm.of(60 + random.Below(100), week, random)) {
        // Some at random, some in the order of the book.
        next = random.Chance(0.5) ? next + 1 : random.Below(questions);
        echoes.Observe(
            10 + next % questions, a,
            kStart - seconds(240) + std::chrono::microseconds(static_cast<std::int64_t>(t * 1e6)));
      }
    }
    const EchoEvidence evidence = echoes.graph().EvidenceOf(Everyone(n));
    if (!evidence.tested) continue;
    ++tested;
    extreme += evidence.p_value <= 0.05;
    pairs += evidence.echoes;
    near += evidence.near;
    soon += evidence.soon;
  }
  EXPECT_GE(tested, 60);
  EXPECT_LE(extreme, tested / 10);
  EXPECT_NEAR(static_cast<double>(near) / pairs, 0.1, 0.03);
  EXPECT_NEAR(static_cast<double>(soon) / near, 0.1, 0.05);
}

// Each began when it liked to, and all read one list at about one speed: what is between two of
// them stays.
TEST(EchoNullStat, ReadersOfOneListInStepProveNothing) {
  Random random(3);
  int tested = 0, extreme = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const auto n = static_cast<std::uint32_t>(10 + random.Below(20));
    Echoes echoes(n);
    const double pace_s = random.LogUniform(5, 60);
    for (std::uint32_t a = 0; a < n; ++a) {
      double t = random.Uniform(0, 5) * kHour_s;
      for (std::uint64_t prompt = 0; prompt < 200; ++prompt) {
        t += pace_s * random.Uniform(0.8, 1.2);
        if (!random.Chance(0.25)) continue;  // a part of it, so that no prompt is common
        echoes.Observe(10 + prompt, a,
                       kStart + std::chrono::microseconds(static_cast<std::int64_t>(t * 1e6)));
      }
    }
    const EchoEvidence evidence = echoes.graph().EvidenceOf(Everyone(n));
    tested += evidence.tested;
    extreme += evidence.p_value <= 0.01;
  }
  EXPECT_GE(tested, 150);
  EXPECT_LE(extreme, tested / 50);
}

}  // namespace
}  // namespace distillwatch::campaign
