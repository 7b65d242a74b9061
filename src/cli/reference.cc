// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <sstream>

#include "cli/commands.h"

namespace distillwatch::cli {

int LearnReference(const ReferenceOptions& options) {
  Result<std::optional<std::string>> key = ReadKey(options.log.key_file);
  if (!key.ok()) return Trouble(key.status().message());
  LearnerOptions learner_options;
  learner_options.key = key->value_or("");
  learner_options.horizon =
      std::chrono::seconds(static_cast<std::int64_t>(options.horizon_days * 86400));
  learner_options.most_accounts = options.most_accounts;
  learner_options.seed = options.seed;
  Result<ReferenceLearner> learner = ReferenceLearner::Create(learner_options);
  if (!learner.ok()) return Trouble(learner.status().message());
  if (!options.without.empty()) {
    Result<std::string> accounts = ReadFile(options.without);
    if (!accounts.ok()) return Trouble("--without: " + accounts.status().message());
    std::istringstream lines(*accounts);
    for (std::string line; std::getline(lines, line);) learner->Exclude(line);
  }
  LogReport report;
  const Status read = ReadLog(options.log, "learning", report, [&](std::span<log::Record> records) {
    std::vector<Attribute> attributes;
    for (const log::Record& record : records) learner->Observe(record.AsEvent(attributes));
  });
  if (!read.ok()) return Trouble(read.message());
  report.Print();
  Result<Reference> reference = learner->Learn();
  if (!reference.ok()) return Trouble(reference.status().message());
  if (const Status status = WriteFile(options.out, reference->Serialize()); !status.ok())
    return Trouble(status.message());
  const Promise promise;
  std::printf("Learned from %s requests of %s accounts, %s to %s.\n",
              Grouped(report.records).c_str(), Grouped(learner->accounts()).c_str(),
              IsoTime(reference->first()).c_str(), IsoTime(reference->last()).c_str());
  std::printf("Score fitted on %s accounts, calibrated on %s others; horizon %.3g days.\n",
              Grouped(reference->fit_accounts()).c_str(), Grouped(reference->accounts()).c_str(),
              static_cast<double>(reference->horizon().count()) / 86400);
  std::printf(
      "Smallest promise: %.0f falsely flagged accounts per million in a horizon.\nWritten to %s\n",
      std::ceil(reference->SmallestPromise(promise)), options.out.c_str());
  return report.complete() ? kFine : kTrouble;
}

}  // namespace distillwatch::cli
