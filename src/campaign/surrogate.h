// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Surrogate tests: do the requests of several accounts interleave as those of strangers would?
//
// Each surrogate moves every member's whole time series by an offset of its own: whatever an
// account does by itself, and the shape of its day, stay; what is arranged between accounts is
// lost. The p-value is valid if members act independently and their own rhythm does not change
// within the offsets. An offset turns a member's requests round within its own watch, so that the
// borders of the watch, which all members may have in common, prove nothing
// [SurrogateStat.CommonBordersOfTheWatchProveNothing]. Sequential Monte Carlo stops after ten
// surrogates as extreme.
// Papers     J. Theiler et al., Testing for nonlinearity in time series: the method of surrogate
//            data, Physica D 1992; J. Besag, P. Clifford, Sequential Monte Carlo p-values,
//            Biometrika 1991.
// Tested by  tests/campaign/surrogate_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_SURROGATE_H_
#define DISTILLWATCH_SRC_CAMPAIGN_SURROGATE_H_

#include <cstdint>
#include <span>

namespace distillwatch::campaign {

struct MemberEvent {
  std::int64_t time_us = 0;
  std::uint32_t member = 0;
  auto operator<=>(const MemberEvent&) const = default;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.time_us, s.member);
  }
};

// What several members asked while they were watched.
struct Watched {
  std::span<const MemberEvent> events;    // by member, each one's by time
  std::span<const std::int64_t> from_us;  // since when each member is watched
  std::int64_t to_us = 0;                 // the end, for all; no event lies outside
};

struct SurrogatePlan {
  std::size_t most_draws = 20000;
  std::uint64_t seed = 1;
};

// Small when different members' requests keep a distance that independent members' would not: one
// queue hands them out in turn. Counts pairs in bins of half the median gap; offsets within an
// hour. Fewer than 32 events give 1.
double RegularityP(const Watched& watched, const SurrogatePlan& plan);

// Small when different members are active together, within `bin_us` (a part of an hour), more than
// independent ones would be. Offsets are whole hours within three, so that jobs which strangers
// start on the hour agree in surrogates as they do in truth.
double CoactivityP(const Watched& watched, std::int64_t bin_us, const SurrogatePlan& plan);

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_SURROGATE_H_
