// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Lists of numbers, kept one after the other, the same lists turned around, and an index of keys.
//
// Tested by  tests/campaign/steps_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "campaign/steps.h"

namespace distillwatch::campaign {

// List i is [starts[i], starts[i + 1]).
struct Lists {
  std::vector<std::uint32_t> items;
  std::vector<std::size_t> starts{0};
  std::size_t size() const noexcept { return starts.size() - 1; }
  std::span<const std::uint32_t> operator[](std::size_t i) const noexcept {
    return std::span(items).subspan(starts[i], starts[i + 1] - starts[i]);
  }
  // Ends the list that items were added to.
  void Close() { starts.push_back(items.size()); }
};

// For every item, the lists that it is in, ascending.
class Turned {
 public:
  // Adds its work to `steps`, which may fill the lists before, with items below n().
  Turned(const Lists& from, std::function<std::size_t()> n, Steps& steps) {
    constexpr std::size_t kListsOfAStep = 4096;
    const auto lists = [&from] { return from.size(); };
    steps.Add([this, n = std::move(n)] { lists_.starts.assign(n() + 1, 0); });
    steps.Add(kListsOfAStep, lists, [this, &from](std::size_t list) {
      for (const std::uint32_t item : from[list]) ++lists_.starts[item + 1];
    });
    steps.Add([this, &from] {
      std::partial_sum(lists_.starts.begin(), lists_.starts.end(), lists_.starts.begin());
      lists_.items.resize(from.items.size());
      next_.assign(lists_.starts.begin(), lists_.starts.end() - 1);
    });
    steps.Add(kListsOfAStep, lists, [this, &from](std::size_t list) {
      for (const std::uint32_t item : from[list])
        lists_.items[next_[item]++] = static_cast<std::uint32_t>(list);
    });
    steps.Add([this] { next_ = {}; });
  }
  Turned(const Turned&) = delete;
  Turned& operator=(const Turned&) = delete;

  // Once all steps are done.
  std::span<const std::uint32_t> operator[](std::size_t item) const noexcept {
    return lists_[item];
  }

 private:
  Lists lists_;
  std::vector<std::size_t> next_;
};

// Keys and who has them, in buckets by key, so that a step can take a bucket.
class Index {
 public:
  static constexpr std::size_t kBuckets = 1024;

  // Adds its work to `steps`, which may fill what it is asked for before.
  //   n, keys_of  how many there are who have keys, and an item's keys
  //   BucketOf    below kBuckets, by key
  template <typename KeysOf, typename BucketOf>
  Index(std::function<std::size_t()> n, KeysOf keys_of, BucketOf bucket_of, Steps& steps) {
    constexpr std::size_t kItemsOfAStep = 4096;
    steps.Add(kItemsOfAStep, n, [this, keys_of, bucket_of](std::size_t item) {
      for (const std::uint32_t key : keys_of(item)) ++starts_[bucket_of(key) + 1];
    });
    steps.Add([this] {
      std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
      entries_.resize(starts_.back());
      next_.assign(starts_.begin(), starts_.end() - 1);
    });
    steps.Add(kItemsOfAStep, n, [this, keys_of, bucket_of](std::size_t item) {
      for (const std::uint32_t key : keys_of(item))
        entries_[next_[bucket_of(key)]++] = std::uint64_t{key} << 32 | item;
    });
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // visit(key, items): for every key of the bucket that several have, who has it, ascending, as
  // their entries' lower halves.
  template <typename Visit>
  void ForEachShared(std::size_t bucket, Visit&& visit) {
    const std::span<std::uint64_t> all(entries_.data() + starts_[bucket],
                                       starts_[bucket + 1] - starts_[bucket]);
    std::sort(all.begin(), all.end());
    for (std::size_t begin = 0; begin < all.size();) {
      std::size_t end = begin;
      while (end < all.size() && all[end] >> 32 == all[begin] >> 32) ++end;
      if (end - begin > 1)
        visit(static_cast<std::uint32_t>(all[begin] >> 32), all.subspan(begin, end - begin));
      begin = end;
    }
  }
  void Clear() { entries_ = {}; }

 private:
  std::vector<std::size_t> starts_ = std::vector<std::size_t>(kBuckets + 1, 0);
  std::vector<std::size_t> next_;
  std::vector<std::uint64_t> entries_;  // key, and who has it
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_
