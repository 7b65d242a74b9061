// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>

#include "cli/commands.h"

namespace distillwatch::cli {
namespace {

// Which promises hold, for what share of bad accounts among those learned from.
void PrintPromises(const Reference& reference) {
  std::printf(
      "Smallest promise: falsely flagged accounts per million benign ones in the horizon\n"
      "  %-38s %12s %12s\n",
      "if so many of these accounts distil", "on average", "95 % sure");
  for (const double contamination : {0.0, 0.02, 0.1}) {
    const auto smallest = [&](Promise::Mode mode) {
      return std::ceil(reference.SmallestPromise({.contamination = contamination, .mode = mode}));
    };
    std::printf("  at most %2.0f %%%26s %12.0f %12.0f\n", 100 * contamination, "",
                smallest(Promise::Mode::kExpectation), smallest(Promise::Mode::kConfidence95));
  }
}

}  // namespace

int LearnReference(const ReferenceOptions& options) {
  Result<std::optional<std::string>> key = ReadKey(options.log.key_file);
  if (!key.ok()) return Trouble(key.status().message());
  if (const Status status = CheckOutput(options.log, "--out", options.out); !status.ok())
    return Trouble(status.message());
  LearnerOptions learner_options;
  learner_options.key = key->value_or("");
  learner_options.horizon =
      std::chrono::seconds(static_cast<std::int64_t>(options.horizon_days * 86400));
  learner_options.most_accounts = options.most_accounts;
  learner_options.seed = options.seed;
  learner_options.campaigns = options.campaigns;
  learner_options.trees = options.trees;
  LogReport report;
  Result<Reference> reference = LearnFrom(options.log, learner_options, options.exclude, report);
  report.Print();
  if (!reference.ok()) return Trouble(reference.status().message());
  if (const Status status = WriteFile(options.out, reference->Serialize()); !status.ok())
    return Trouble(status.message());
  std::printf("Learned from %s requests, %s to %s.\n", Grouped(report.records).c_str(),
              IsoTime(reference->first()).c_str(), IsoTime(reference->last()).c_str());
  std::printf("Score fitted on %s accounts, calibrated on %s others; horizon %.3g days.\n",
              Grouped(reference->fit_accounts()).c_str(), Grouped(reference->accounts()).c_str(),
              static_cast<double>(reference->horizon().count()) / 86400);
  PrintPromises(*reference);
  std::printf("Written to %s%s\n", options.out.c_str(),
              key->has_value() ? "" : "; it holds the key that was drawn for it: keep it secret");
  return report.complete() ? kFine : kTrouble;
}

}  // namespace distillwatch::cli
