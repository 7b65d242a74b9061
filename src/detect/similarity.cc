// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/similarity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace distillwatch {
namespace {

// Bands of likeness to the nearest earlier request. A 17-word frame around a long slot shows .18; a
// frame of some 300 words with a fifth of its words replaced .36; re-asking differs by white space
// only.
constexpr float kFrameLow = 0.15f, kTemplate = 0.3f, kFrameHigh = 0.9f, kDuplicate = 0.95f;
constexpr std::size_t kRecurs = 3;  // of the reservoir's 16 signatures
constexpr float kLeastFramed = 8;   // before their rhythm is worth a feature
constexpr float kPaceGap_s = 1800;
constexpr auto kLate = std::chrono::hours(1);  // up to here a late request is simultaneous
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

struct Kinds {
  float count = 0, largest_share = 0;
};

// Connected sets of sampled requests, linked where two are alike beyond chance.
Kinds KindsIn(const SignatureReservoir& reservoir) noexcept {
  std::array<std::size_t, 16> kind{}, members{};
  const std::size_t n = reservoir.size();
  for (std::size_t i = 0; i < n; ++i) {
    kind[i] = i;
    const auto alike = reservoir.AgreementWithEach(reservoir.signature(i), i);
    for (std::size_t j = 0; j < i; ++j) {
      if (kind[j] == kind[i] || alike[j] <= kFrameLow) continue;
      const std::size_t from = kind[i], to = kind[j];
      std::replace(kind.begin(), kind.begin() + static_cast<std::ptrdiff_t>(i) + 1, from, to);
    }
  }
  for (std::size_t i = 0; i < n; ++i) ++members[kind[i]];
  Kinds out;
  for (const std::size_t m : members) {
    out.count += m > 0 ? 1 : 0;
    out.largest_share = std::max(out.largest_share, static_cast<float>(m) / static_cast<float>(n));
  }
  return out;
}

}  // namespace

bool SimilarityDetector::State::Valid() const noexcept {
  for (const float x : {framed, in_template, duplicate, continued, requests}) {
    if (!(std::isfinite(x) && x >= 0)) return false;
  }
  return tick >= 0 && frame_last >= Time{} && reservoir.Valid() && nearest.Valid() &&
         follow.Valid() && log_length.Valid() && frame_gap.Valid() && frame_pace.Valid() &&
         frame_hours.Valid();
}

void SimilarityDetector::Forget(Time time, State& state) const noexcept {
  const Tick tick = clock_.At(time);
  if (tick < state.tick - 1) {
    // The clock was set back. Entries of a future sample would outlive all that comes now.
    state.tick = tick;
    state.reservoir = {};
  }
  if (state.frame_last - time > kLate) {  // rhythm starts anew
    state.frame_last = {};
    state.frame_hours = {};
  }
  if (tick > state.tick) Decay(tick, state);
}

void SimilarityDetector::Decay(Tick tick, State& state) noexcept {
  const float factor = DecayClock::Factor(tick - state.tick);
  for (Moments* m :
       {&state.nearest, &state.follow, &state.log_length, &state.frame_gap, &state.frame_pace}) {
    m->Decay(factor);
  }
  state.frame_hours.Decay(factor);
  for (float* x :
       {&state.framed, &state.in_template, &state.duplicate, &state.continued, &state.requests}) {
    *x *= factor;
  }
  state.tick = tick;
}

void SimilarityDetector::Compared(float nearest, float follow, Time time, State& state) noexcept {
  state.follow.Update(follow);
  state.nearest.Update(nearest);
  state.in_template += nearest >= kTemplate ? 1 : 0;
  state.duplicate += nearest >= kDuplicate ? 1 : 0;
  if (nearest <= kFrameLow || nearest >= kFrameHigh) return;
  state.framed += 1;
  time = std::max(time, state.frame_last);
  if (state.frame_last != Time{}) {
    const auto gap_us = std::max<std::int64_t>((time - state.frame_last).count(), 1);
    const auto gap_s = static_cast<float>(static_cast<double>(gap_us) * 1e-6);
    state.frame_gap.Update(std::log(gap_s));
    if (gap_s < kPaceGap_s) state.frame_pace.Update(std::log(gap_s));
  }
  state.frame_hours.Update(time, std::chrono::hours(1));
  state.frame_last = time;
}

void SimilarityDetector::Update(const Observation& seen, State& state) const noexcept {
  const Time time = std::max(seen.time, Time{});
  Forget(time, state);
  state.requests += 1;
  state.continued += seen.earlier_turns > 0 ? 1 : 0;
  if (seen.units == 0) return;
  state.log_length.Update(std::log(static_cast<float>(seen.units)));
  if (state.reservoir.size() > 0) {
    const float follow = Agreement(state.last, seen.signature);
    const float nearest = std::max(follow, state.reservoir.FindNearest(seen.signature).similarity);
    Compared(nearest, follow, time, state);
  }
  state.last = seen.signature;
  state.reservoir.Update(seen.signature, seen.time, half_life_, seen.event);
}

void SimilarityDetector::Merge(const State& other, State& state) const noexcept {
  State theirs = other;
  if (state.tick > theirs.tick) Decay(state.tick, theirs);
  if (theirs.tick > state.tick) Decay(theirs.tick, state);
  if (state.reservoir.size() == 0) state.last = theirs.last;
  state.reservoir.Merge(theirs.reservoir);
  state.nearest.Merge(theirs.nearest);
  state.follow.Merge(theirs.follow);
  state.log_length.Merge(theirs.log_length);
  state.framed += theirs.framed;
  state.in_template += theirs.in_template;
  state.duplicate += theirs.duplicate;
  state.continued += theirs.continued;
  state.requests += theirs.requests;
}

void SimilarityDetector::Replay(const Digest& digest, Time time, State& state) const noexcept {
  time = std::max(time, Time{});
  Forget(time, state);
  state.requests += 1;
  state.continued += digest.continued ? 1 : 0;
  if (digest.log_units == 0) return;
  state.log_length.Update(static_cast<float>(digest.log_units) / 16);
  if (digest.compared) {
    Compared(static_cast<float>(digest.nearest) / 255, static_cast<float>(digest.follow) / 255,
             time, state);
  }
}

SimilarityDetector::Features SimilarityDetector::Measure(const State& state) const noexcept {
  Features f;
  f.fill(kUnknown);
  if (state.requests > 0) f[7] = state.continued / state.requests;
  const float compared = state.nearest.weight;
  if (compared < 1) return f;
  f[0] = state.nearest.mean;
  f[1] = state.nearest.deviation();
  f[2] = state.in_template / compared;
  f[3] = state.framed / compared;
  f[4] = state.duplicate / compared;
  f[6] = state.follow.mean;
  f[8] = state.log_length.mean;
  f[9] = state.log_length.deviation();
  if (state.reservoir.size() > 0) {
    const Kinds kinds = KindsIn(state.reservoir);
    f[5] = static_cast<float>(state.reservoir.CountRecurring(kRecurs));
    f[10] = kinds.count;
    f[11] = kinds.largest_share;
  }
  if (state.frame_gap.weight >= kLeastFramed) {
    f[12] = state.frame_gap.deviation();
    f[13] = state.frame_pace.deviation();
    f[14] = state.frame_hours.Measure().duty;
  }
  return f;
}

}  // namespace distillwatch
