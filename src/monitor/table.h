// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// AccountTable: account records in shards, each behind a lock, within a budget of bytes.
//
// When the budget is spent, a new record takes the place of the least suspicious idle one among
// eight: lite records push out lite ones unless full ones hold more than three quarters, so that a
// flood of one-shot accounts cannot push out evidence [AccountTable.FloodOfOneShotsKeepsEvidence].
// A full record at kWatch or above is demoted to a lite one that keeps its score. Everything
// depends on the order of events within a shard alone, hence not on threads. Tested by
// tests/monitor/table_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_TABLE_H_
#define DISTILLWATCH_SRC_MONITOR_TABLE_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "monitor/account.h"

namespace distillwatch::monitor {

// Records of one size in chunks that never move; freed places are used again.
template <typename Record>
class Pool {
 public:
  std::uint32_t Allocate() {
    if (free_.empty()) {
      const auto first = static_cast<std::uint32_t>(chunks_.size() * kChunk);
      chunks_.push_back(std::make_unique<Record[]>(kChunk));
      used_.resize(used_.size() + kChunk, false);
      for (std::uint32_t i = kChunk; i-- > 0;) free_.push_back(first + i);
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    used_[place] = true;
    ++size_;
    (*this)[place] = Record{};
    return place;
  }
  void Free(std::uint32_t place) {
    used_[place] = false;
    free_.push_back(place);
    --size_;
  }
  Record& operator[](std::uint32_t place) { return chunks_[place / kChunk][place % kChunk]; }
  const Record& operator[](std::uint32_t place) const {
    return chunks_[place / kChunk][place % kChunk];
  }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(Record); }

  // The next used places after a hand that goes round; at most `most` of them.
  template <typename Visit>
  void Sweep(std::uint32_t& hand, std::size_t most, Visit&& visit) const {
    for (std::size_t seen = 0, steps = 0; seen < most && steps < used_.size(); ++steps) {
      hand = hand + 1 < used_.size() ? hand + 1 : 0;
      if (used_[hand]) {
        ++seen;
        visit(hand, (*this)[hand]);
      }
    }
  }

 private:
  static constexpr std::uint32_t kChunk = 64;
  std::vector<std::unique_ptr<Record[]>> chunks_;
  std::vector<bool> used_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

class Shard {
 public:
  // One account's record: exactly one of the two is set.
  struct Found {
    LiteAccount* lite = nullptr;
    FullAccount* full = nullptr;
    bool fresh = false;
    Header& header() const { return lite != nullptr ? lite->header : full->header; }
  };

  void SetBudget(std::size_t bytes) { budget_ = bytes; }

  // Null pointers when the account is not known.
  Found Find(std::uint64_t id) const;
  // The record of the account, made if needed.
  Found Touch(std::uint64_t id, Time time);
  // Replaces the account's lite record by an empty full one; `lite` receives what it held.
  FullAccount& Promote(std::uint64_t id, LiteAccount& lite);

  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (const auto& [id, place] : index_) visit(At(place));
  }

  std::size_t accounts() const { return index_.size(); }
  std::size_t full_accounts() const { return full_.size(); }
  std::size_t bytes() const { return lite_.bytes() + full_.bytes(); }
  std::uint64_t evicted() const { return evicted_; }
  std::uint64_t demoted() const { return demoted_; }

  mutable std::mutex mutex;

 private:
  static constexpr std::uint32_t kFullBit = 1u << 31;
  Found At(std::uint32_t place) const;
  void EvictLite(Time now, std::uint64_t keep);
  void EvictFull(Time now, std::uint64_t keep);

  absl::flat_hash_map<std::uint64_t, std::uint32_t> index_;
  mutable Pool<LiteAccount> lite_;
  mutable Pool<FullAccount> full_;
  std::uint32_t lite_hand_ = 0, full_hand_ = 0;
  std::size_t budget_ = 0;
  std::uint64_t evicted_ = 0, demoted_ = 0;
};

class AccountTable {
 public:
  // shards: a power of two.
  AccountTable(std::uint32_t shards, std::size_t max_memory_bytes);
  Shard& ShardOf(std::uint64_t id) { return shards_[id >> 32 & mask_]; }
  const Shard& ShardOf(std::uint64_t id) const { return shards_[id >> 32 & mask_]; }
  std::size_t shards() const { return mask_ + 1; }
  Shard& shard(std::size_t i) const { return shards_[i]; }

 private:
  std::unique_ptr<Shard[]> shards_;
  std::size_t mask_;
};

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_TABLE_H_
