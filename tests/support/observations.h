// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Random streams of one account's observations, and weights that decay like the detectors'.

#ifndef DISTILLWATCH_TESTS_SUPPORT_OBSERVATIONS_H_
#define DISTILLWATCH_TESTS_SUPPORT_OBSERVATIONS_H_

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "distillwatch/decay.h"
#include "distillwatch/observation.h"
#include "support/random_inputs.h"

namespace distillwatch::support {

inline constexpr Time kStart{std::chrono::hours(480'000)};

// Owns what an observation points to.
struct Seen {
  Observation observation;
  std::vector<std::uint64_t> terms;

  const Observation& Get() {
    observation.terms = terms;
    return observation;
  }
};

inline SlimSignature RandomSignature(Random& random) {
  SlimSignature signature;
  for (std::uint16_t& slot : signature) slot = static_cast<std::uint16_t>(random.Below(65535));
  return signature;
}

// Agrees with `frame` in about `share` of the slots.
inline SlimSignature Vary(SlimSignature frame, double share, Random& random) {
  for (std::uint16_t& slot : frame) {
    if (!random.Chance(share)) slot = static_cast<std::uint16_t>(random.Below(65535));
  }
  return frame;
}

struct StreamShape {
  std::size_t requests = 200;
  double median_gap_s = 600, gap_sigma = 2;
  double empty_share = 0.1;     // of requests without text
  double framed_share = 0.5;    // of requests that vary one of three frames
  double repeat_share = 0.1;    // of requests that repeat the one before
  std::size_t vocabulary = 30;  // small: no term crowds another out of a sketch
  std::size_t models = 3;
};

inline std::vector<Seen> RandomStream(const StreamShape& shape, Random& random) {
  std::vector<SlimSignature> frames;
  for (int i = 0; i < 3; ++i) frames.push_back(RandomSignature(random));
  const std::vector<std::uint64_t> vocabulary = RandomHashes(shape.vocabulary, random),
                                   models = RandomHashes(shape.models, random);
  std::vector<Seen> stream(shape.requests);
  Time now = kStart + std::chrono::microseconds(random.Below(1u << 30));
  std::size_t model = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    Observation& seen = stream[i].observation;
    seen.time = now;
    now += std::chrono::microseconds(
        static_cast<std::int64_t>(1e6 * random.LogNormal(shape.median_gap_s, shape.gap_sigma)));
    seen.event = random.Bits();
    seen.earlier_turns = random.Chance(0.3) ? static_cast<std::uint32_t>(random.Below(5)) : 0;
    seen.system_units = random.Chance(0.3) ? static_cast<std::uint32_t>(random.Below(200)) : 0;
    if (random.Chance(0.02)) model = random.Below(models.size());
    seen.model = random.Chance(0.1) ? 0 : models[model];
    if (random.Chance(shape.empty_share)) {
      seen.signature.fill(0xffff);
      continue;
    }
    seen.units = static_cast<std::uint32_t>(random.LogUniform(1, 3000));
    if (i > 0 && stream[i - 1].observation.units > 0 && random.Chance(shape.repeat_share)) {
      seen.signature = stream[i - 1].observation.signature;
      seen.units = stream[i - 1].observation.units;
      stream[i].terms = stream[i - 1].terms;
      continue;
    }
    seen.signature = random.Chance(shape.framed_share)
                         ? Vary(random.Choose(frames), random.Uniform(0.3, 0.9), random)
                         : RandomSignature(random);
    for (const std::uint64_t term : vocabulary) {
      // The first few are in most requests.
      if (random.Chance(&term < &vocabulary[4] ? 0.8 : 0.1)) stream[i].terms.push_back(term);
    }
    if (stream[i].terms.empty()) stream[i].terms.push_back(vocabulary.back());
  }
  return stream;
}

// What weight 1 given at `then` is worth at `now`, by the formula.
inline double Worth(std::chrono::seconds half_life, Time then, Time now) {
  const std::int64_t tick_us =
      std::chrono::microseconds(half_life).count() / DecayClock::kTicksPerHalfLife;
  const auto ticks =
      now.time_since_epoch().count() / tick_us - then.time_since_epoch().count() / tick_us;
  return std::exp2(-static_cast<double>(ticks) / DecayClock::kTicksPerHalfLife);
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_OBSERVATIONS_H_
