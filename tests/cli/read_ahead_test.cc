// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/read_ahead.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace distillwatch::cli {
namespace {

TEST(ReadAhead, BatchesComeInOrderOnTheThreadThatAsked) {
  for (const int n : {0, 1, 2, 3, 1000}) {
    std::array<int, 3> ring{};
    int next = 0;
    std::vector<int> taken;
    const auto here = std::this_thread::get_id();
    ReadAhead<int>(
        ring,
        [&](int& batch) {
          EXPECT_NE(std::this_thread::get_id(), here);
          if (next == n) return false;
          batch = next++;
          return true;
        },
        [&](int batch) {
          EXPECT_EQ(std::this_thread::get_id(), here);
          taken.push_back(batch);
        });
    ASSERT_EQ(taken.size(), static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) EXPECT_EQ(taken[static_cast<std::size_t>(i)], i);
  }
}

TEST(ReadAhead, FillsTheRingAheadAndNeverABatchInUse) {
  constexpr int kRing = 4, kBatches = 200;
  std::array<int, kRing> ring{};
  std::atomic<int> filled = 0, taken = 0;
  ReadAhead<int>(
      ring,
      [&](int& batch) {
        EXPECT_LE(filled - taken, kRing - 1) << "this one would be a batch too many";
        if (filled == kBatches) return false;
        batch = filled++;
        return true;
      },
      [&](int& batch) {
        // All that there is room for is read while this batch is in use.
        while (filled < std::min(kBatches, taken + kRing)) std::this_thread::yield();
        EXPECT_EQ(batch, taken);
        ++taken;
      });
  EXPECT_EQ(taken, kBatches);
}

}  // namespace
}  // namespace distillwatch::cli
