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

// after(place): what stands behind a record.
template <typename Record, typename After>
void SavePool(const Pool<Record>& pool, wire::Writer& out, After&& after) {
  out(static_cast<std::uint32_t>(pool.places()), pool.free());
  for (std::uint32_t place = 0; place < pool.places(); ++place) {
    if (!pool.used(place)) continue;
    out(pool[place]);
    after(place);
  }
}

template <typename Record, typename After>
bool RestorePool(wire::Reader& in, std::size_t budget, Pool<Record>& pool, After&& after) {
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
    if (in.failed() || !pool[place].Valid() || !after(place)) return false;
  }
  return true;
}

template <typename Record, typename Visit>
bool ReadPool(wire::Reader& in, Visit&& visit) {
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
  SavePool(lite_, out, [](std::uint32_t) {});
  SavePool(full_, out, [&](std::uint32_t place) {
    if (const std::byte* const states = CustomAt(place)) out.Raw(states, custom_->state_bytes());
  });
  out(lite_hand_, full_hand_, evicted_, demoted_);
}

bool Shard::Restore(wire::Reader& in, const std::function<bool(std::uint64_t)>& owns) {
  const auto custom_at = [&](std::uint32_t place) {
    GrowCustom();
    std::byte* const states = CustomAt(place);
    return states == nullptr || (in.Raw(states, custom_->state_bytes()) && custom_->Valid(states));
  };
  if (!RestorePool(in, budget_, lite_, [](std::uint32_t) { return true; }) ||
      !RestorePool(in, budget_, full_, custom_at)) {
    return false;
  }
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

bool Shard::Read(wire::Reader& in, const CustomDetectors& custom, const VisitLite& lite,
                 const VisitFull& full, Counts& counts) {
  std::uint32_t hands[2] = {};
  const auto states = std::make_unique<std::byte[]>(custom.state_bytes());
  const auto with_custom = [&](const FullAccount& account) {
    return in.Raw(states.get(), custom.state_bytes()) && custom.Valid(states.get()) &&
           full(account, states.get());
  };
  if (!ReadPool<LiteAccount>(in, lite) || !ReadPool<FullAccount>(in, with_custom)) return false;
  in(hands[0], hands[1], counts.evicted, counts.demoted);
  return in.Finished();
}

}  // namespace distillwatch::monitor
