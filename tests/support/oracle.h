// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Oracles: the slow and obvious twin of each sketch, written from its definition and sharing no
// code with it.

#ifndef DISTILLWATCH_TESTS_SUPPORT_ORACLE_H_
#define DISTILLWATCH_TESTS_SUPPORT_ORACLE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "text/key.h"

namespace distillwatch::oracle {

using Hashes = std::span<const std::uint64_t>;

inline std::set<std::uint64_t> SetOf(Hashes hashes) {
  return {hashes.begin(), hashes.end()};
}

inline std::size_t Distinct(Hashes hashes) {
  return SetOf(hashes).size();
}

inline double Jaccard(Hashes a, Hashes b) {
  const auto x = SetOf(a), y = SetOf(b);
  std::size_t common = 0;
  for (const std::uint64_t h : x) common += y.count(h);
  const std::size_t all = x.size() + y.size() - common;
  return all == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

// Fast Similarity Sketching by its definition in minhash.h: the least (round, value) that any
// member of the set offers to the slot. Round 0: the top bits of the hash name the one slot it is
// offered to. Round 1: the same of the hash mixed once more. Round 2: every member offers a value
// of the slot's own function to every slot. The constants are part of the format.
inline std::vector<std::uint32_t> MinHash(Hashes hashes, std::size_t slots) {
  constexpr std::uint64_t kValues = std::uint64_t{1} << 30;
  std::vector<std::uint32_t> signature(slots, 0xffffffff);
  const auto slot_of = [slots](std::uint64_t h) { return (h >> 32) * slots >> 32; };
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const std::uint64_t multiplier = text::Mix(0x5851f42d4c957f2dULL + slot) | 1;
    for (const std::uint64_t h : hashes) {
      const std::uint64_t again = text::Mix(h);
      std::uint64_t offer = 2 * kValues + (h * multiplier >> 34);
      if (slot_of(again) == slot) offer = std::min(offer, kValues + again % kValues);
      if (slot_of(h) == slot) offer = std::min(offer, h % kValues);
      signature[slot] = std::min(signature[slot], static_cast<std::uint32_t>(offer));
    }
  }
  return signature;
}

// Counts without error; halving keeps fractions.
class Counts {
 public:
  void Update(std::uint64_t term) { counts_[term] += 1; }
  double Find(std::uint64_t term) const {
    const auto found = counts_.find(term);
    return found == counts_.end() ? 0 : found->second;
  }
  void Halve() {
    for (auto& [term, count] : counts_) count /= 2;
  }
  void Merge(const Counts& other) {
    for (const auto& [term, count] : other.counts_) counts_[term] += count;
  }
  const std::map<std::uint64_t, double>& all() const { return counts_; }

 private:
  std::map<std::uint64_t, double> counts_;
};

// The chance that two different events, drawn by their weights, share a cell; by all pairs.
struct WeightedEvent {
  std::size_t cell;
  double weight;
};
inline double Collision(std::span<const WeightedEvent> events) {
  double same = 0, all = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (std::size_t j = 0; j < events.size(); ++j) {
      if (i == j) continue;
      const double pair = events[i].weight * events[j].weight;
      all += pair;
      if (events[i].cell == events[j].cell) same += pair;
    }
  }
  return all > 0 ? same / all : 0;
}

// Weighted mean and population deviation in two passes.
struct Weighted {
  double value, weight;
};
struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};
inline MeanAndDeviation TwoPass(std::span<const Weighted> values) {
  double weight = 0, sum = 0, squares = 0;
  for (const Weighted& v : values) weight += v.weight, sum += v.value * v.weight;
  const double mean = sum / weight;
  for (const Weighted& v : values) squares += v.weight * (v.value - mean) * (v.value - mean);
  return {mean, std::sqrt(squares / weight)};
}

// Lag-1 autocorrelation: products of successive deviations over the sum of squared deviations.
inline double Lag1(std::span<const double> values) {
  double mean = 0, products = 0, squares = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    squares += (values[i] - mean) * (values[i] - mean);
    if (i > 0) products += (values[i] - mean) * (values[i - 1] - mean);
  }
  return squares > 0 ? products / squares : 0;
}

}  // namespace distillwatch::oracle

#endif  // DISTILLWATCH_TESTS_SUPPORT_ORACLE_H_
