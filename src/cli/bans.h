// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Bans: whom the operator banned and when, told to the monitor before the first review after it.
//
// Tested by  tests/cli/bans_test.cc

#ifndef DISTILLWATCH_SRC_CLI_BANS_H_
#define DISTILLWATCH_SRC_CLI_BANS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "distillwatch/monitor.h"

namespace distillwatch::cli {

class Bans {
 public:
  // Reads lines of JSON: {"account": "key-9", "time": "2026-01-31T12:00:00Z"}, in any order.
  //   file    empty: there are none
  //   Errors  InvalidArgument with file, line and reason; NotFound when it cannot be read
  static Result<Bans> Read(const std::string& file);

  // Tells the monitor of those until `now` that it has not been told of.
  void Report(Time now, Monitor& monitor);

  // How many the monitor could not follow, and why not the first of them.
  std::size_t not_followed() const noexcept { return not_followed_; }
  const std::string& reason() const noexcept { return reason_; }
  // How many are later than all that it was told of.
  std::size_t not_reached() const noexcept { return bans_.size() - reported_; }
  // The name under which an account was banned; empty for one that was not.
  std::string_view NameOf(std::uint64_t account, const Monitor& monitor) const;

 private:
  struct Ban {
    Time time{};
    std::string account;
  };
  std::vector<Ban> bans_;  // by time
  std::size_t reported_ = 0, not_followed_ = 0;
  std::string reason_;
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_BANS_H_
