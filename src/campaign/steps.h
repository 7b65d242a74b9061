// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Steps: a long computation that can be left after any step and taken up again.
//
// Tested by  tests/campaign/steps_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_STEPS_H_
#define DISTILLWATCH_SRC_CAMPAIGN_STEPS_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <stop_token>
#include <utility>
#include <vector>

namespace distillwatch::campaign {

// How far to go before leaving.
struct StepLimit {
  std::stop_token stop{};
  std::size_t most_steps = std::numeric_limits<std::size_t>::max();
};

class Steps {
 public:
  // A phase of size() items, asked when the phase begins; a step does `items` of them.
  void Add(std::size_t items, std::function<std::size_t()> size,
           std::function<void(std::size_t)> work) {
    phases_.push_back({items, std::move(size), std::move(work)});
  }
  // A phase of one step.
  void Add(std::function<void()> work) {
    Add(
        1, [] { return std::size_t{1}; }, [work = std::move(work)](std::size_t) { work(); });
  }

  // Goes on. The limit is asked before every step.
  //   Returns  whether all is done
  bool Run(const StepLimit& limit) {
    for (std::size_t step = 0; phase_ < phases_.size();) {
      const Phase& phase = phases_[phase_];
      if (!begun_) size_ = phase.size();
      begun_ = true;
      if (next_ == size_) {
        ++phase_;
        next_ = 0;
        begun_ = false;
        continue;
      }
      if (step++ == limit.most_steps || limit.stop.stop_requested()) return false;
      const std::size_t end = next_ + std::min(phase.items, size_ - next_);
      while (next_ < end) phase.work(next_++);
    }
    return true;
  }

 private:
  struct Phase {
    std::size_t items;
    std::function<std::size_t()> size;
    std::function<void(std::size_t)> work;
  };
  std::vector<Phase> phases_;
  std::size_t phase_ = 0, next_ = 0, size_ = 0;
  bool begun_ = false;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_STEPS_H_
