// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Synthetic frames, signatures and fingerprints: what a frame around changing text leaves in a
// signature, without any text.

#ifndef DISTILLWATCH_TESTS_CAMPAIGN_FRAMES_H_
#define DISTILLWATCH_TESTS_CAMPAIGN_FRAMES_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "campaign/fingerprint.h"
#include "support/random_inputs.h"

namespace distillwatch::campaign {

using support::Random;

inline SlimSignature RandomSignature(Random& random) {
  SlimSignature signature;
  for (std::uint16_t& slot : signature) slot = static_cast<std::uint16_t>(random.Bits());
  return signature;
}

// A frame is the signature of its own shingles.
using Frame = SlimSignature;

// A request whose shingles are the frame's by `share`.
inline SlimSignature RequestOf(const Frame& frame, double share, Random& random) {
  SlimSignature signature = RandomSignature(random);
  for (std::size_t slot = 0; slot < signature.size(); ++slot) {
    if (random.Chance(share)) signature[slot] = frame[slot];
  }
  return signature;
}

inline SignatureReservoir ReservoirOf(const std::vector<SlimSignature>& signatures) {
  SignatureReservoir reservoir;
  float priority = 0;
  for (const SlimSignature& s : signatures) reservoir.Update(s, priority++);
  return reservoir;
}

// Sixteen requests, of which `own` are the account's own text and the others have the frame.
inline SignatureReservoir SampleOf(const Frame& frame, double share, std::size_t own,
                                   Random& random) {
  std::vector<SlimSignature> requests;
  for (std::size_t i = 0; i < SignatureReservoir::kCapacity; ++i) {
    requests.push_back(i < own ? RandomSignature(random) : RequestOf(frame, share, random));
  }
  return ReservoirOf(requests);
}

inline Fingerprint FingerprintOf(std::vector<Pair> pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  pairs.resize(std::min(pairs.size(), Fingerprint::kMostPairs));
  Fingerprint fingerprint;
  std::copy(pairs.begin(), pairs.end(), fingerprint.pairs.begin());
  fingerprint.size = static_cast<std::uint8_t>(pairs.size());
  return fingerprint;
}

inline Pair AnyPair(Random& random) {
  return PairOf(random.Below(64), static_cast<std::uint16_t>(random.Bits()));
}

// `kept` pairs of the frame, and `own` of the account's own.
inline Fingerprint FingerprintOf(const Frame& frame, std::size_t kept, std::size_t own,
                                 Random& random) {
  std::vector<std::size_t> slots(64);
  for (std::size_t slot = 0; slot < 64; ++slot) slots[slot] = slot;
  random.Shuffle(slots);
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kept; ++i) pairs.push_back(PairOf(slots[i], frame[slots[i]]));
  for (std::size_t i = 0; i < own; ++i) pairs.push_back(AnyPair(random));
  return FingerprintOf(std::move(pairs));
}

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_TESTS_CAMPAIGN_FRAMES_H_
