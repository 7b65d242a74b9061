// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Bans: whom the operator banned and when, told to the monitor at their time in the log.
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

  // How many the monitor could not follow: accounts that asked too little, or were never seen.
  std::size_t not_followed() const noexcept { return not_followed_; }
  // The name under which an account was banned; empty for one that was not.
  std::string_view NameOf(std::uint64_t account, const Monitor& monitor) const;

 private:
  struct Ban {
    Time time{};
    std::string account;
  };
  std::vector<Ban> bans_;  // by time
  std::size_t reported_ = 0, not_followed_ = 0;
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_BANS_H_
