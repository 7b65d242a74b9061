// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Workers: threads that share the parts of a piece of work.
// Tested by  tests/cli/workers_test.cc

#ifndef DISTILLWATCH_SRC_CLI_WORKERS_H_
#define DISTILLWATCH_SRC_CLI_WORKERS_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace distillwatch::cli {

// thread-compatible.
class Workers {
 public:
  explicit Workers(std::size_t n) {
    for (std::size_t i = 1; i < n; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    start_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  // Calls work(0) to work(parts - 1), each in the thread that is free next, and waits for all; not
  // for threads that still sleep when nothing is left.
  void Do(std::size_t parts, const std::function<void(std::size_t)>& work) {
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      parts_ = parts;
      next_ = 0;
      ++round_;
    }
    start_.notify_all();
    Work();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return helping_ == 0; });
    work_ = nullptr;
  }

 private:
  void Work() {
    for (std::size_t part; (part = next_++) < parts_;) (*work_)(part);
  }
  void Run() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      start_.wait(lock, [&] { return stopping_ || (round_ != seen && work_ != nullptr); });
      if (stopping_) return;
      seen = round_;
      ++helping_;
      lock.unlock();
      Work();
      lock.lock();
      if (--helping_ == 0) done_.notify_one();
    }
  }
  std::mutex mutex_;
  std::condition_variable start_, done_;
  std::vector<std::thread> threads_;
  const std::function<void(std::size_t)>* work_ = nullptr;  // null: between two calls of Do
  std::size_t parts_ = 0;
  std::atomic<std::size_t> next_{0};
  std::uint64_t round_ = 0;
  std::size_t helping_ = 0;  // threads at it, but for the caller's
  bool stopping_ = false;
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_WORKERS_H_
