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

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "monitor/account.h"
#include "monitor/custom.h"
#include "wire/wire.h"

namespace distillwatch::monitor {

// Records of one size in chunks that never move; freed places are used again.
template <typename Record>
class Pool {
 public:
  // A chunk takes some 32 KiB, so that small budgets are not overdrawn.
  static constexpr std::uint32_t kChunk = std::bit_floor(32768 / sizeof(Record));

  std::uint32_t Allocate() {
    if (free_.empty()) {
      const auto first = static_cast<std::uint32_t>(used_.size());
      Grow();
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
  // How many records there is room for, used or free.
  std::size_t places() const { return used_.size(); }
  const std::vector<std::uint32_t>& free() const { return free_; }
  bool used(std::uint32_t place) const { return used_[place]; }

  // Takes on another pool's layout: the same places in use, all records empty, and the same free
  // ones next. False, and nothing has changed, when this is no layout.
  bool LayOut(std::size_t places, const std::vector<std::uint32_t>& free) {
    if (places % kChunk != 0 || free.size() > places) return false;
    std::vector<bool> used(places, true);
    for (const std::uint32_t place : free) {
      if (place >= places || !used[place]) return false;
      used[place] = false;
    }
    *this = {};
    while (used_.size() < places) Grow();
    used_ = std::move(used);
    free_.assign(free.begin(), free.end());
    size_ = places - free.size();
    return true;
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
  void Grow() {
    chunks_.push_back(std::make_unique<Record[]>(kChunk));
    used_.resize(used_.size() + kChunk, false);
    // All places may become free, and that must not allocate.
    if (free_.capacity() < used_.size()) free_.reserve(2 * used_.size());
  }
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
    std::byte* custom = nullptr;  // a full record's states of the host's detectors, if it has any
    bool fresh = false;
    Header& header() const { return lite != nullptr ? lite->header : full->header; }
  };

  // custom: outlives the shard.
  void Configure(std::size_t budget, const CustomDetectors& custom) {
    budget_ = budget;
    custom_ = &custom;
    full_bytes_ = sizeof(FullAccount) + custom.state_bytes();
  }
  std::size_t budget() const { return budget_; }

  // Null pointers when the account is not known.
  Found Find(std::uint64_t id) const;
  // Has memory brought near that Find will need.
  void PrefetchIndex(std::uint64_t id) const { index_.prefetch(id); }
  // What was found under an earlier lock. It still holds while no record was given up since.
  struct Hint {
    Found found;
    std::uint64_t given_up = 0;
  };
  Hint FindEarly(std::uint64_t id) const { return {Find(id), given_up_}; }
  // The record of the account, made if needed.
  Found Touch(std::uint64_t id, Time time) { return Touch(id, time, Hint()); }
  Found Touch(std::uint64_t id, Time time, const Hint& hint);
  // Replaces the account's lite record by an empty full one; `lite` receives what it held.
  Found Promote(std::uint64_t id, LiteAccount& lite);

  // Takes over a record of another table, whose account must not be known here.
  //   custom  its states, or null for new ones
  void Add(const LiteAccount& account);
  void Add(const FullAccount& account, const std::byte* custom);
  // Forgets the account.
  void Remove(std::uint64_t id);

  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (const auto& [id, place] : index_) visit(At(place));
  }

  // The records themselves, in an order that depends on the past of the shard alone.
  template <typename Lite, typename Full>
  void ForEachPlace(Lite&& visit_lite, Full&& visit_full) const {
    for (std::uint32_t place = 0; place < lite_.places(); ++place) {
      if (lite_.used(place)) visit_lite(std::as_const(lite_)[place]);
    }
    for (std::uint32_t place = 0; place < full_.places(); ++place) {
      if (full_.used(place)) visit_full(std::as_const(full_)[place], CustomAt(place));
    }
  }

  // All of it: records, and everything that decides who is evicted next.
  void Save(wire::Writer& out) const;
  // Becomes the saved shard.
  //   owns     bool(id): whether an account belongs here
  //   Returns  false when the bytes cannot be a shard's, or need more than its budget
  bool Restore(wire::Reader& in, const std::function<bool(std::uint64_t)>& owns);
  // Reads the records of a saved shard one by one, for a table of another shape.
  struct Counts {
    std::uint64_t evicted = 0, demoted = 0;
  };
  using VisitLite = std::function<bool(const LiteAccount&)>;
  using VisitFull = std::function<bool(const FullAccount&, const std::byte* custom)>;
  static bool Read(wire::Reader& in, const CustomDetectors& custom, const VisitLite& lite,
                   const VisitFull& full, Counts& counts);
  void AddCounts(Counts counts) { evicted_ += counts.evicted, demoted_ += counts.demoted; }

  std::size_t accounts() const { return index_.size(); }
  std::size_t full_accounts() const { return full_.size(); }
  std::size_t bytes() const { return lite_.bytes() + full_.size() * full_bytes_; }
  std::uint64_t evicted() const { return evicted_; }
  std::uint64_t demoted() const { return demoted_; }

  mutable std::mutex mutex;

 private:
  static constexpr std::uint32_t kFullBit = 1u << 31;
  Found At(std::uint32_t place) const;
  // Null without detectors of the host's.
  std::byte* CustomAt(std::uint32_t place) const {
    if (custom_chunks_.empty()) return nullptr;
    constexpr std::uint32_t kChunk = Pool<FullAccount>::kChunk;
    return &custom_chunks_[place / kChunk][place % kChunk * custom_->state_bytes()];
  }
  void GrowCustom();
  std::uint32_t AllocateFull();
  void MakeRoomForLite(Time now, std::uint64_t keep);
  void MakeRoomForFull(Time now, std::uint64_t keep, std::size_t more);
  void EvictLite(Time now, std::uint64_t keep);
  void EvictFull(Time now, std::uint64_t keep);

  absl::flat_hash_map<std::uint64_t, std::uint32_t> index_;
  mutable Pool<LiteAccount> lite_;
  mutable Pool<FullAccount> full_;
  std::vector<std::unique_ptr<std::byte[]>> custom_chunks_;  // beside those of full_
  const CustomDetectors* custom_ = nullptr;
  std::uint32_t lite_hand_ = 0, full_hand_ = 0;
  std::size_t budget_ = 0, full_bytes_ = sizeof(FullAccount);
  std::uint64_t evicted_ = 0, demoted_ = 0;
  std::uint64_t given_up_ = 0;  // records that were freed, at any time
};

class AccountTable {
 public:
  // shards: a power of two.
  AccountTable(std::uint32_t shards, std::size_t max_memory_bytes, const CustomDetectors& custom);
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
