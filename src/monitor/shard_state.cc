// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Shards as bytes. For every pool the places, the free ones in the order in which they are used
// next, and the records by place; then the hands and the counters.

#include <functional>
#include <vector>

#include "monitor/table.h"
#include "wire/wire.h"

namespace distillwatch::monitor {
namespace {

template <typename Record>
void SavePool(const Pool<Record>& pool, wire::Writer& out) {
  out(static_cast<std::uint32_t>(pool.places()), pool.free());
  for (std::uint32_t place = 0; place < pool.places(); ++place) {
    if (pool.used(place)) out(pool[place]);
  }
}

template <typename Record>
bool RestorePool(wire::Reader& in, std::size_t budget, Pool<Record>& pool) {
  std::uint32_t places = 0;
  std::vector<std::uint32_t> free;
  in(places, free);
  // What is reserved is bounded by what the operator allows, whatever the bytes say.
  if (in.failed() || places * sizeof(Record) > budget + Pool<Record>::kChunk * sizeof(Record) ||
      !pool.LayOut(places, free)) {
    return false;
  }
  for (std::uint32_t place = 0; place < places; ++place) {
    if (!pool.used(place)) continue;
    in(pool[place]);
    if (in.failed() || !pool[place].Valid()) return false;
  }
  return true;
}

template <typename Record>
bool ReadPool(wire::Reader& in, const std::function<bool(const Record&)>& visit) {
  std::uint32_t places = 0;
  std::vector<std::uint32_t> free;
  in(places, free);
  if (in.failed() || free.size() > places) return false;
  Record record;
  for (std::size_t left = places - free.size(); left > 0; --left) {
    in(record);
    if (in.failed() || !record.Valid() || !visit(record)) return false;
  }
  return true;
}

}  // namespace

void Shard::Save(wire::Writer& out) const {
  SavePool(lite_, out);
  SavePool(full_, out);
  out(lite_hand_, full_hand_, evicted_, demoted_);
}

bool Shard::Restore(wire::Reader& in, const std::function<bool(std::uint64_t)>& owns) {
  if (!RestorePool(in, budget_, lite_) || !RestorePool(in, budget_, full_)) return false;
  in(lite_hand_, full_hand_, evicted_, demoted_);
  index_.clear();
  index_.reserve(lite_.size() + full_.size());
  const auto known = [&](const auto& pool, std::uint32_t bit) {
    for (std::uint32_t place = 0; place < pool.places(); ++place) {
      if (!pool.used(place)) continue;
      const std::uint64_t id = pool[place].header.id;
      if (!owns(id) || !index_.emplace(id, place | bit).second) return false;
    }
    return true;
  };
  return in.Finished() && lite_hand_ <= lite_.places() && full_hand_ <= full_.places() &&
         known(lite_, 0) && known(full_, kFullBit);
}

bool Shard::Read(wire::Reader& in, const std::function<bool(const LiteAccount&)>& lite,
                 const std::function<bool(const FullAccount&)>& full, Counts& counts) {
  std::uint32_t hands[2] = {};
  if (!ReadPool(in, lite) || !ReadPool(in, full)) return false;
  in(hands[0], hands[1], counts.evicted, counts.demoted);
  return in.Finished();
}

}  // namespace distillwatch::monitor
