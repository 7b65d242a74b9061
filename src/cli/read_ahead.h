// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// ReadAhead: reads in a thread of its own while what was read before is being worked on.

#ifndef DISTILLWATCH_SRC_CLI_READ_AHEAD_H_
#define DISTILLWATCH_SRC_CLI_READ_AHEAD_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <thread>

namespace distillwatch::cli {

// Calls fill(batch) in another thread, until it returns false, and take(batch) here, in the same
// order; never both for the same batch at a time. As many batches as there are in the ring are
// filled before they are taken.
template <typename Batch, typename Fill, typename Take>
void ReadAhead(std::span<Batch> ring, Fill&& fill, Take&& take) {
  std::mutex mutex;
  std::condition_variable filled_one, took_one;
  std::size_t filled = 0, taken = 0;
  bool ended = false;
  std::thread reader([&] {
    for (std::size_t i = 0;; ++i) {
      {
        std::unique_lock lock(mutex);
        took_one.wait(lock, [&] { return filled - taken < ring.size(); });
      }
      const bool more = fill(ring[i % ring.size()]);
      {
        const std::lock_guard lock(mutex);
        more ? static_cast<void>(++filled) : static_cast<void>(ended = true);
      }
      filled_one.notify_one();
      if (!more) return;
    }
  });
  for (std::size_t i = 0;; ++i) {
    {
      std::unique_lock lock(mutex);
      filled_one.wait(lock, [&] { return filled > taken || ended; });
      if (filled == taken) break;
    }
    take(ring[i % ring.size()]);
    {
      const std::lock_guard lock(mutex);
      ++taken;
    }
    took_one.notify_one();
  }
  reader.join();
}

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_READ_AHEAD_H_
