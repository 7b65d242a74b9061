// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// AccountTable: account records in shards, each behind a lock, within a budget of bytes.
//
// When the budget is spent, a new record takes the place of the least suspicious idle one among
// eight: small records, tiny or lite, push out small ones unless full ones hold more than three
// quarters, so that a flood of one-shot accounts cannot push out evidence
// [AccountTable.FloodOfOneShotsKeepsEvidence]. A full record at kWatch or above is demoted to a
// tiny one that keeps its score. Everything depends on the order of events within a shard alone,
// hence not on threads.
// Tested by  tests/monitor/table_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_TABLE_H_
#define DISTILLWATCH_SRC_MONITOR_TABLE_H_

#include <absl/container/flat_hash_map.h>

#include <array>
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

// Records of one size, without gaps: the last one moves to where one is removed, so that nothing is
// kept of accounts that are gone or whose records became larger. They lie in chunks, which do not
// move, and are of one size for all records, so that a chunk that one pool gave back serves
// another.
template <typename Record>
class Pool {
 public:
  // 32 KiB with what an allocator adds: small budgets are not overdrawn  [Pool.AChunkIsSmall].
  static constexpr std::size_t kChunkBytes = 32768 - 16;
  static constexpr std::uint32_t kChunk = kChunkBytes / sizeof(Record);  // records in it

  // The place of a new record.
  std::uint32_t Add() {
    if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<Chunk>());
    (*this)[size_] = Record{};
    return size_++;
  }
  // The last record, if it is another one, moves to `place`.
  void Remove(std::uint32_t place) {
    --size_;
    if (place != size_) (*this)[place] = (*this)[size_];
    // One empty chunk stays, so that a size that goes up and down does not allocate.
    if (chunks_.size() * kChunk >= size_ + std::size_t{2} * kChunk) chunks_.pop_back();
  }
  Record& operator[](std::uint32_t place) {
    return chunks_[place / kChunk]->records[place % kChunk];
  }
  const Record& operator[](std::uint32_t place) const {
    return chunks_[place / kChunk]->records[place % kChunk];
  }

  std::uint32_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(Record); }
  std::size_t chunks() const { return chunks_.size(); }

 private:
  struct Chunk {
    std::array<Record, kChunk> records;
    std::array<std::byte, kChunkBytes - sizeof(records)> rest;
  };
  static_assert(sizeof(Chunk) == kChunkBytes);
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t size_ = 0;
};

class Shard {
 public:
  // One account's record: one of the three, or none when the account is not known.
  struct Found {
    TinyAccount* tiny = nullptr;
    LiteAccount* lite = nullptr;
    FullAccount* full = nullptr;
    std::byte* custom = nullptr;  // a full record's states of the host's detectors, if it has any
    bool fresh = false;
    bool known() const { return tiny != nullptr || lite != nullptr || full != nullptr; }
    Header& header() const {
      return full != nullptr ? full->header : lite != nullptr ? lite->header : tiny->header;
    }
  };

  // custom: outlives the shard.
  void Configure(std::size_t budget, const CustomDetectors& custom) {
    budget_ = budget;
    custom_ = &custom;
    full_bytes_ = sizeof(FullAccount) + custom.state_bytes();
  }
  std::size_t budget() const { return budget_; }

  Found Find(std::uint64_t id) const;
  // Has memory brought near that Find will need.
  void PrefetchIndex(std::uint64_t id) const { index_.prefetch(id); }
  // What was found under an earlier lock. It still holds while no record was removed since.
  struct Hint {
    Found found;
    std::uint64_t removed = 0;
  };
  Hint FindEarly(std::uint64_t id) const { return {Find(id), removed_}; }
  // The record of the account, made if needed.
  Found Touch(std::uint64_t id, Time time) { return Touch(id, time, Hint()); }
  Found Touch(std::uint64_t id, Time time, const Hint& hint);
  // Has the index brought near that Grow will need for the record that moves when a tiny one goes.
  //   Returns  that record
  const TinyAccount* PrefetchMove() const {
    if (tiny_.size() == 0) return nullptr;
    const TinyAccount& last = tiny_[tiny_.size() - 1];
    PrefetchIndex(last.header.id);
    return &last;
  }
  // Replaces the account's tiny record by a lite one that holds the same.
  Found Grow(std::uint64_t id);
  // Replaces the account's lite record by an empty full one; `lite` receives what it held.
  Found Promote(std::uint64_t id, LiteAccount& lite);

  // Takes over a record of another table, whose account must not be known here. A lite one with at
  // most one request becomes tiny.
  //   custom  its states, or null for new ones
  void Add(const LiteAccount& account);
  void Add(const FullAccount& account, const std::byte* custom);
  // Forgets the account.
  void Remove(std::uint64_t id);

  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (const auto& [id, place] : index_) visit(At(place));
  }

  // The records themselves, tiny ones as lite ones, in an order that depends on the past of the
  // shard alone.
  template <typename Lite, typename Full>
  void ForEachPlace(Lite&& visit_lite, Full&& visit_full) const {
    for (std::uint32_t i = 0; i < tiny_.size(); ++i) visit_lite(tiny_[i].InLite());
    for (std::uint32_t i = 0; i < lite_.size(); ++i) visit_lite(std::as_const(lite_)[i]);
    for (std::uint32_t i = 0; i < full_.size(); ++i)
      visit_full(std::as_const(full_)[i], CustomAt(i));
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
  std::size_t bytes() const { return tiny_.bytes() + lite_.bytes() + full_.size() * full_bytes_; }
  std::uint64_t evicted() const { return evicted_; }
  std::uint64_t demoted() const { return demoted_; }

  mutable std::mutex mutex;

 private:
  // Which pool a place of the index is in; the tiny one without a bit.
  static constexpr std::uint32_t kFullBit = 1u << 31, kLiteBit = 1u << 30;
  Found At(std::uint32_t place) const;
  // Null without detectors of the host's.
  std::byte* CustomAt(std::uint32_t place) const {
    if (custom_chunks_.empty()) return nullptr;
    constexpr std::uint32_t kChunk = Pool<FullAccount>::kChunk;
    return &custom_chunks_[place / kChunk][place % kChunk * custom_->state_bytes()];
  }
  // Makes room for their states beside all chunks of full_, and no more.
  void FitCustom();
  std::uint32_t AddFull();
  // Removes the record at a place of the index, in which another record's place may change.
  void RemoveRecord(std::uint32_t place);
  template <typename Record>
  void RemoveFrom(Pool<Record>& pool, std::uint32_t place, std::uint32_t bit);
  // Evicts until `more` bytes fit, which make `full_more` more full records; but not `keep`.
  void MakeRoom(Time now, std::uint64_t keep, std::size_t more, std::size_t full_more = 0);
  // False when there is none but `keep`.
  bool EvictSmall(Time now, std::uint64_t keep);
  bool EvictFull(Time now, std::uint64_t keep);

  absl::flat_hash_map<std::uint64_t, std::uint32_t> index_;
  mutable Pool<TinyAccount> tiny_;
  mutable Pool<LiteAccount> lite_;
  mutable Pool<FullAccount> full_;
  std::vector<std::unique_ptr<std::byte[]>> custom_chunks_;  // beside those of full_
  const CustomDetectors* custom_ = nullptr;
  std::uint32_t small_hand_ = 0, full_hand_ = 0;
  std::size_t budget_ = 0, full_bytes_ = sizeof(FullAccount);
  std::uint64_t evicted_ = 0, demoted_ = 0;
  std::uint64_t removed_ = 0;  // records, at any time
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
