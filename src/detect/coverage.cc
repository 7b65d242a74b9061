// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/coverage.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd/kernels.h"
#include "text/key.h"

namespace distillwatch {
namespace {

// A term is template when it is certain to be in a quarter of the requests, of which there are 8.
constexpr std::uint32_t kHeavyShare = 4;
constexpr std::uint32_t kLeastRequests = 8;
constexpr std::uint32_t kHalveAt = 1024;
constexpr std::uint64_t kTopicSalt = 0x7c15d9e3f2a46b81ULL;  // topics use other bits than sampling
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// To the nearest, halves away from zero, as std::lround does; for what an int can hold.
int Round(float x) noexcept {
  const auto whole = static_cast<int>(x);
  const float rest = x - static_cast<float>(whole);  // exact
  return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

struct Topic {
  std::array<float, CoverageDetector::kDimensions> unit{};
  std::uint8_t cell = 0;
};

Topic TopicOf(std::span<const std::uint64_t> terms) noexcept {
  std::array<std::uint64_t, Shingler::kMaxTerms> mixed;
  for (std::size_t i = 0; i < terms.size(); ++i) mixed[i] = terms[i] + kTopicSalt;
  const simd::Kernels& kernels = simd::Active();
  kernels.mix(mixed.data(), terms.size(), mixed.data());
  std::array<std::int16_t, CoverageDetector::kDimensions> votes{};
  kernels.vote(mixed.data(), terms.size(), votes.data());
  Topic topic;
  std::int32_t squares = 0;
  for (const std::int16_t v : votes) squares += v * v;
  const float scale = squares > 0 ? 1 / std::sqrt(static_cast<float>(squares)) : 0;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    topic.unit[i] = static_cast<float>(votes[i]) * scale;
  }
  for (int bit = 0; bit < 8; ++bit) {
    topic.cell |= static_cast<std::uint8_t>((votes[static_cast<std::size_t>(bit)] > 0) << bit);
  }
  return topic;
}

}  // namespace

bool CoverageDetector::State::Valid() const noexcept {
  for (const float x : {topics, topic_squares, distinct, distinct_half, distinct_quarter}) {
    if (!(std::isfinite(x) && x >= 0)) return false;
  }
  for (const float x : topic_sum) {
    if (!std::isfinite(x)) return false;
  }
  return recent < kHalveAt && terms.Valid() && cells.Valid() && vocabulary.Valid() &&
         order.Valid() && template_share.Valid() && novelty.Valid() && log_residual.Valid() &&
         tick >= 0 && quarter_requests <= half_requests / 2 && half_requests <= requests &&
         distinct_quarter <= distinct_half && distinct_half <= distinct;
}

void CoverageDetector::Decay(Tick tick, State& state) noexcept {
  const float factor = DecayClock::Factor(tick - state.tick);
  state.cells.Decay(factor);
  for (float& x : state.topic_sum) x *= factor;
  state.topics *= factor;
  state.topic_squares *= factor * factor;
  for (Moments* m : {&state.order, &state.template_share, &state.novelty, &state.log_residual}) {
    m->Decay(factor);
  }
  state.tick = tick;
}

void CoverageDetector::Merge(const State& other, State& state) const noexcept {
  State theirs = other;
  if (state.tick > theirs.tick) Decay(state.tick, theirs);
  if (theirs.tick > state.tick) Decay(theirs.tick, state);
  state.terms.Merge(theirs.terms);
  state.recent += theirs.recent;
  while (state.recent >= kHalveAt) {
    state.terms.Halve();
    state.recent /= 2;
  }
  state.cells.Merge(theirs.cells);
  state.vocabulary.Merge(theirs.vocabulary);
  if (state.topics == 0) state.topic_last = theirs.topic_last;
  for (std::size_t i = 0; i < kDimensions; ++i) state.topic_sum[i] += theirs.topic_sum[i];
  state.topics += theirs.topics;
  state.topic_squares += theirs.topic_squares;
  state.order.Merge(theirs.order);
  state.template_share.Merge(theirs.template_share);
  state.novelty.Merge(theirs.novelty);
  state.log_residual.Merge(theirs.log_residual);
  state.requests += theirs.requests;
  state.distinct = static_cast<float>(state.vocabulary.Estimate());
  state.half_requests = state.requests;
  state.distinct_half = state.distinct;
  state.quarter_requests = 0;
  state.distinct_quarter = 0;
}

void CoverageDetector::Update(const Observation& seen, State& state) const noexcept {
  const Tick tick = clock_.At(seen.time);
  if (tick < state.tick - 1) state.tick = tick;  // the clock was set back
  if (tick > state.tick) Decay(tick, state);
  if (seen.units == 0 || seen.terms.empty()) return;
  const auto terms = seen.terms.first(std::min(seen.terms.size(), Shingler::kMaxTerms));

  // Template against residual, by what was known before this request.
  std::array<std::uint32_t, Shingler::kMaxTerms> before;
  state.terms.Update(terms, before);
  std::array<std::uint64_t, Shingler::kMaxTerms> residual;
  std::size_t residual_size = 0;
  const bool enough = state.recent >= kLeastRequests;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    residual[residual_size] = terms[i];
    const bool heavy = enough && before[i] * kHeavyShare >= state.recent;
    residual_size += heavy ? 0 : 1;
  }
  std::array<std::uint64_t, Shingler::kMaxTerms> mixed;
  std::array<double, Shingler::kMaxTerms> increments;
  simd::Active().mix(terms.data(), terms.size(), mixed.data());
  const std::size_t changes = state.vocabulary.Update({mixed.data(), terms.size()}, increments);
  float fresh = 0;
  for (std::size_t i = 0; i < changes; ++i) {
    state.distinct += static_cast<float>(increments[i]);
    fresh += static_cast<float>(increments[i]);
  }
  if (++state.recent >= kHalveAt) {
    state.terms.Halve();
    state.recent /= 2;
  }
  const auto size = static_cast<float>(terms.size());
  const auto left = static_cast<float>(residual_size);
  if (state.recent > kLeastRequests) {
    // A system prompt is template by definition.
    const auto words = static_cast<float>(seen.units),
               frame = static_cast<float>(seen.system_units);
    state.template_share.Update((frame + words * (1 - left / size)) / (frame + words));
    state.log_residual.Update(std::log1p(static_cast<float>(seen.units) * left / size));
  }
  state.novelty.Update(fresh / size);

  // Vocabulary growth is read between the last doubling but one of the number of requests and now.
  if (state.requests < std::numeric_limits<std::uint32_t>::max()) ++state.requests;
  if (state.requests / 2 >= std::max(state.half_requests, 4u)) {
    state.quarter_requests = state.half_requests;
    state.distinct_quarter = state.distinct_half;
    state.half_requests = state.requests;
    state.distinct_half = state.distinct;
  }

  if (residual_size == 0) return;
  const Topic topic = TopicOf({residual.data(), residual_size});
  state.cells.Update(topic.cell);
  std::array<float, kDimensions> products;
  for (std::size_t i = 0; i < kDimensions; ++i) {
    products[i] = topic.unit[i] * static_cast<float>(state.topic_last[i]) / 127;
    state.topic_sum[i] += topic.unit[i];
    state.topic_last[i] = static_cast<std::int8_t>(Round(topic.unit[i] * 127));
  }
  float cosine = 0;
  for (const float product : products) cosine += product;
  if (state.topics > 0) state.order.Update(cosine);
  state.topics += 1;
  state.topic_squares += 1;
}

CoverageDetector::Features CoverageDetector::Measure(const State& state) const noexcept {
  Features f;
  f.fill(kUnknown);
  if (state.requests == 0) return f;
  if (state.template_share.weight > 0) {
    f[0] = state.template_share.mean;
    f[1] = state.template_share.deviation();
    f[2] = static_cast<float>(
        state.terms.CountAtLeast(std::max(2u, (state.recent + kHeavyShare - 1) / kHeavyShare)));
    f[10] = state.log_residual.mean;
    f[11] = state.log_residual.deviation();
  }
  const CoverageCells::Estimate cells = state.cells.Measure();
  if (cells.effective_events > 2) {
    f[3] = static_cast<float>(cells.entropy_nats);
    f[4] = static_cast<float>(cells.unseen_mass);
  }
  if (state.quarter_requests > 0 && state.distinct_quarter > 0) {
    f[5] =
        std::log(state.distinct / state.distinct_quarter) /
        std::log(static_cast<float>(state.requests) / static_cast<float>(state.quarter_requests));
  }
  f[6] = std::min(1.0f, state.novelty.mean);  // an estimate, that may be above what there is
  f[7] = state.novelty.deviation();
  const float pairs = state.topics * state.topics - state.topic_squares;
  if (state.order.weight > 1 && pairs > 1) {
    float squared = 0;
    for (const float x : state.topic_sum) squared += x * x;
    f[8] = (squared - state.topic_squares) / pairs;
    f[9] = state.order.mean - f[8];
  }
  return f;
}

}  // namespace distillwatch
