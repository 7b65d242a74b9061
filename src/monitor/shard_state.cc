// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Shards as bytes. For every pool the number of records, and the records by place; then the hands
// and the counters.

#include <functional>

#include "monitor/table.h"
#include "wire/wire.h"

namespace distillwatch::monitor {
namespace {

// after(place): what stands behind a record.
template <typename Record, typename After>
void SavePool(const Pool<Record>& pool, wire::Writer& out, After&& after) {
  out(pool.size());
  for (std::uint32_t place = 0; place < pool.size(); ++place) {
    out(pool[place]);
    after(place);
  }
}

template <typename Record, typename After>
bool RestorePool(wire::Reader& in, std::size_t budget, Pool<Record>& pool, After&& after) {
  std::uint32_t size = 0;
  in(size);
  // What is reserved is bounded by what the operator allows, whatever the bytes say.
  if (size * sizeof(Record) > budget + Pool<Record>::kChunk * sizeof(Record)) return false;
  while (pool.size() < size) {
    const std::uint32_t place = pool.Add();
    in(pool[place]);
    if (in.failed() || !pool[place].Valid() || !after(place)) return false;
  }
  return true;
}

template <typename Record, typename Visit>
bool ReadPool(wire::Reader& in, Visit&& visit) {
  std::uint32_t size = 0;
  in(size);
  Record record;
  for (; size > 0; --size) {
    in(record);
    if (in.failed() || !record.Valid() || !visit(record)) return false;
  }
  return !in.failed();
}

}  // namespace

void Shard::Save(wire::Writer& out) const {
  SavePool(tiny_, out, [](std::uint32_t) {});
  SavePool(lite_, out, [](std::uint32_t) {});
  SavePool(full_, out, [&](std::uint32_t place) {
    if (const std::byte* const states = CustomAt(place)) out.Raw(states, custom_->state_bytes());
  });
  out(small_hand_, full_hand_, evicted_, demoted_);
}

bool Shard::Restore(wire::Reader& in, const std::function<bool(std::uint64_t)>& owns) {
  const auto custom_at = [&](std::uint32_t place) {
    FitCustom();
    std::byte* const states = CustomAt(place);
    return states == nullptr || (in.Raw(states, custom_->state_bytes()) && custom_->Valid(states));
  };
  if (!RestorePool(in, budget_, tiny_, [](std::uint32_t) { return true; }) ||
      !RestorePool(in, budget_, lite_, [](std::uint32_t) { return true; }) ||
      !RestorePool(in, budget_, full_, custom_at)) {
    return false;
  }
  in(small_hand_, full_hand_, evicted_, demoted_);
  index_.clear();
  index_.reserve(tiny_.size() + lite_.size() + full_.size());
  const auto known = [&](const auto& pool, std::uint32_t bit) {
    for (std::uint32_t place = 0; place < pool.size(); ++place) {
      const std::uint64_t id = pool[place].header.id;
      if (!owns(id) || !index_.emplace(id, place | bit).second) return false;
    }
    return true;
  };
  return in.Finished() && known(tiny_, 0) && known(lite_, kLiteBit) && known(full_, kFullBit);
}

bool Shard::Read(wire::Reader& in, const CustomDetectors& custom, const VisitLite& lite,
                 const VisitFull& full, Counts& counts) {
  std::uint32_t hands[2] = {};
  const auto states = std::make_unique<std::byte[]>(custom.state_bytes());
  const auto with_custom = [&](const FullAccount& account) {
    return in.Raw(states.get(), custom.state_bytes()) && custom.Valid(states.get()) &&
           full(account, states.get());
  };
  const auto as_lite = [&lite](const TinyAccount& account) { return lite(account.InLite()); };
  if (!ReadPool<TinyAccount>(in, as_lite) || !ReadPool<LiteAccount>(in, lite) ||
      !ReadPool<FullAccount>(in, with_custom))
    return false;
  in(hands[0], hands[1], counts.evicted, counts.demoted);
  return in.Finished();
}

}  // namespace distillwatch::monitor
