// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Evidence: what tests of a group found, combined into one p-value and put into words.
//
// Tested by  tests/campaign/evidence_test.cc, tests/campaign/group_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_EVIDENCE_H_
#define DISTILLWATCH_SRC_CAMPAIGN_EVIDENCE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distillwatch/campaign.h"

namespace distillwatch::campaign {

struct TimeEvidence {
  double regularity = 1, seconds = 1, quarter_hours = 1;
  double least() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.regularity, s.seconds, s.quarter_hours);
  }
};

// What accounts do, where infrastructure alone linked them, so that it was not selected.
struct ConductEvidence {
  bool tested = false;
  double notable = 1;               // by the accounts' own verdicts
  double alike = 1;                 // likeness, where no single owner's infrastructure explains it
  double p_value() const noexcept;  // corrected for both
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.tested, s.notable, s.alike);
  }
};

// Of the hypothesis that fewer than half of the accounts are out of the ordinary, so that a few
// which are certainly so convict no others. 1 for none.
//   p_values  of the accounts, each in (0, 1], independent
// Paper  Y. Benjamini, R. Heller, Screening for partial conjunction hypotheses, Biometrics 2008,
//        with Fisher's combination.
double HalfP(std::vector<double> p_values);

// Of the hypothesis that no p-value is less than chance leaves, for independent ones in [0, 1]:
// half of the level is for all together, by Fisher's combination, half for the least, by
// Bonferroni's inequality [CombinedPStat.IsSmallNoMoreOftenThanTheLevelSays].
double CombinedP(std::span<const double> p_values);

// A pool of infrastructure among members that a frame linked.
struct PoolEvidence {
  bool tested = false;        // members have infrastructure that is known
  double p_value = 1;         // of as many bridges
  std::uint32_t bridges = 0;  // members
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.tested, s.p_value, s.bridges);
  }
};

// How soon members ask again what other members asked.
struct EchoEvidence {
  bool tested = false;
  double p_value = 1;         // by TenthP, of members, corrected for two tests
  std::uint32_t prompts = 0;  // that several members asked within 100 minutes
  std::uint32_t echoes = 0;   // pairs of them
  std::uint32_t near = 0;     // of those, within ten
  std::uint32_t soon = 0;     // of these, within one
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.tested, s.p_value, s.prompts, s.echoes, s.near, s.soon);
  }
};

// Of so many echoes of independent accounts, the chance that so many come within a tenth of the
// time: the tail of a binomial distribution, whose share is 0.15 rather than a tenth, for people
// who want the same start together and lose step [EchoNullStat.StrangersEchoAtAnyDistance].
double TenthP(std::uint32_t echoes, std::uint32_t within);

struct Evidence {
  TimeEvidence everyone;  // whose volume is like the others'
  TimeEvidence together;  // the cohort alone
  double cohort = 1;
  PoolEvidence pool;
  ConductEvidence conduct;
  EchoEvidence echo;
  double time() const noexcept;          // corrected for six tests
  double without_pool() const noexcept;  // of times, cohort and echoes
  bool by_echo() const noexcept;         // whether they are evidence enough
  double all() const noexcept;           // and of the pool or the conduct
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.everyone, s.together, s.cohort, s.pool, s.conduct, s.echo);
  }
};

// In words, by members.
//   share  of requests with the frame
std::vector<std::string> WordsOf(const Evidence& evidence, bool framed, double share,
                                 std::span<const CampaignMember> members);

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_EVIDENCE_H_
