// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Lists of numbers, kept one after the other, and the same lists turned around.
//
// Tested by  tests/campaign/steps_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_
#define DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_

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

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_LISTS_H_
