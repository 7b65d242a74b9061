// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The program's commands; each returns the exit code.

#ifndef DISTILLWATCH_SRC_CLI_COMMANDS_H_
#define DISTILLWATCH_SRC_CLI_COMMANDS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "cli/common.h"
#include "cli/judging.h"

namespace distillwatch::cli {

struct ScanOptions : JudgeOptions {
  LogOptions log;
  std::string bans;            // file; empty: none
  std::string alerts, scores;  // files to write
  std::string fail_on;         // level
  std::size_t threads = 1;
  std::size_t rows = 20;  // of the table
};
int Scan(const ScanOptions& options);

struct ReferenceOptions {
  LogOptions log;
  std::string out;
  std::string exclude;  // file of adjudicated accounts, one a line
  double horizon_days = 30;
  std::size_t most_accounts = 100000;
  std::uint64_t seed = 1;
  std::size_t campaigns = 1200, trees = 400;
};
// Prints what can be promised with what was learned.
int LearnReference(const ReferenceOptions& options);

struct ExplainOptions : JudgeOptions {
  LogOptions log;
  std::string account;
  std::uint32_t campaign = 0;  // in place of an account
  std::string at;  // time up to which the log is read; empty: explains the highest score
  bool json = false;
  std::size_t rows = 12;  // of the table
};
// Replays the account's requests and prints what its highest score consists of, or its score at
// the time given.
int ExplainAccount(const ExplainOptions& options);

struct SimulateOptions {
  std::string out;  // folder
  std::string start = "2026-01-01";
  std::uint64_t seed = 1;
  double days = 30;
  std::size_t benign_accounts = 2000;
  std::size_t campaigns = 8;
  bool only_benign = false;
};
// Memory: the whole month at once, about 0.2 MB an account.
int Simulate(const SimulateOptions& options);

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_COMMANDS_H_
