// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/workers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace distillwatch::cli {
namespace {

TEST(Workers, DoEveryPartOnceAndAllBeforeTheyAreBack) {
  for (const std::size_t threads : {1, 2, 5}) {
    Workers workers(threads);
    for (std::size_t round = 0; round < 2000; ++round) {
      const std::size_t parts = round % 20;
      std::vector<int> done(parts, 0);  // of this round: whoever came late would write elsewhere
      workers.Do(parts, [&done](std::size_t part) { ++done[part]; });
      for (const int times : done) ASSERT_EQ(times, 1);
    }
  }
}

TEST(Workers, ShareTheParts) {
  Workers workers(3);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  const auto wait_for_another = [&](std::size_t) {
    for (int i = 0; i < 2000; ++i) {
      {
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
        if (seen.size() == 3) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  };
  workers.Do(3, wait_for_another);
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Workers, OneThreadIsTheCallersOwn) {
  Workers workers(1);
  std::vector<std::size_t> order;
  workers.Do(4, [&order](std::size_t part) { order.push_back(part); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST(Workers, ThatHadNothingToDoCanBeDestroyed) {
  for (int i = 0; i < 200; ++i) Workers workers(4);
}

}  // namespace
}  // namespace distillwatch::cli
