// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What a command judges with: a key, a reference, options.
// Tested by  tests/cli/scan_test.cc, tests/cli/trouble_test.cc

#ifndef DISTILLWATCH_SRC_CLI_JUDGING_H_
#define DISTILLWATCH_SRC_CLI_JUDGING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "cli/common.h"
#include "distillwatch/calibration.h"
#include "distillwatch/options.h"

namespace distillwatch::cli {

// The options of every command that judges accounts. They go before what the file says.
struct JudgeOptions {
  std::string options;            // file, as ParseOptions reads it; empty: none
  std::string reference;          // file; empty: the log is its own reference
  std::optional<double> promise;  // per million; not set: 1000, or the smallest that holds
  std::optional<double> contamination;
  bool confidence95 = false;
  std::optional<std::size_t> max_memory_bytes;  // not set: 4 GiB
};

Result<std::optional<std::string>> ReadKey(const std::string& key_file);
Result<Reference> ReadReference(const std::string& path);

struct Judging {
  Options options;             // as far as they do not depend on what the log holds
  bool retrospective = false;  // the log is its own reference
};
// The promise is what was wished for; without a wish and a file the smallest from 1000 on that the
// reference can keep.
//   Errors  also what no log can mend
Result<Judging> JudgingOf(const LogOptions& log, const JudgeOptions& judge);

// Errors about keys say which option is meant.
Status WithKeyHint(const Status& status);

// Learns from the log.
//   Errors  what makes reading pointless, or FailedPrecondition when there are too few accounts
Result<Reference> LearnFrom(const LogOptions& log, const LearnerOptions& options,
                            const std::string& excluded_file, LogReport& report);

// What a scan without --reference does: the log is its own.
//   Errors  also for standard input, which can be read only once
Result<Reference> LearnFromItself(const LogOptions& log, const std::string& key);

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_JUDGING_H_
