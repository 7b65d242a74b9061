// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// CustomDetectors: the host's own detectors of one monitor, and their states of one account, which
// lie one behind the other. Immutable.
//
// Tested by  tests/monitor/custom_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_CUSTOM_H_
#define DISTILLWATCH_SRC_MONITOR_CUSTOM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "distillwatch/status.h"

namespace distillwatch::monitor {

using CustomList = std::vector<std::shared_ptr<const CustomDetector>>;

// InvalidArgument for the first detector that a monitor cannot take.
Status Check(const CustomList& detectors);

class CustomDetectors {
 public:
  explicit CustomDetectors(CustomList detectors = {});

  const CustomList& list() const noexcept { return list_; }
  // Of all states of an account; 0 without detectors.
  std::size_t state_bytes() const noexcept { return state_bytes_; }
  std::size_t features() const noexcept { return features_; }
  // Name and size of each state, as a snapshot names them.
  std::vector<std::string> Layout() const;

  void Begin(std::byte* states) const noexcept;
  void Update(const Observation& seen, std::byte* states) const noexcept;
  void Measure(const std::byte* states, float* features) const noexcept;
  bool Valid(const std::byte* states) const noexcept;

 private:
  CustomList list_;
  std::size_t state_bytes_ = 0, features_ = 0;
};

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_CUSTOM_H_
