// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/judging.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include "distillwatch/monitor.h"

namespace distillwatch::cli {

Result<std::optional<std::string>> ReadKey(const std::string& key_file) {
  if (key_file.empty()) return std::optional<std::string>();
  Result<std::string> key = ReadFile(key_file);
  if (!key.ok()) return Status(key.status().code(), "--key-file: " + key.status().message());
  if (key->size() < 16) {
    return InvalidArgument("--key-file: '" + key_file + "' has " + std::to_string(key->size()) +
                           " bytes; allowed: at least 16 bytes");
  }
  return std::optional<std::string>(*std::move(key));
}

Result<Reference> ReadReference(const std::string& path) {
  Result<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  Result<Reference> reference = Reference::Parse(*bytes);
  if (!reference.ok())
    return Status(reference.status().code(),
                  "'" + path + "' is not a reference: " + reference.status().message());
  return reference;
}

Status WithKeyHint(const Status& status) {
  if (status.ok() || status.message().find("key") == std::string::npos) return status;
  return Status(status.code(), status.message() + " (--key-file)");
}

Result<Reference> LearnFrom(const LogOptions& log, const LearnerOptions& options,
                            const std::string& excluded_file, LogReport& report) {
  Result<ReferenceLearner> learner = ReferenceLearner::Create(options);
  if (!learner.ok()) return learner.status();
  if (!excluded_file.empty()) {
    Result<std::string> accounts = ReadFile(excluded_file);
    if (!accounts.ok()) {
      return Status(accounts.status().code(), "--exclude: " + accounts.status().message());
    }
    std::istringstream lines(*accounts);
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) learner->Exclude(line);
    }
  }
  const auto take = [&](std::span<log::Record> records) {
    std::vector<Attribute> attributes;
    for (const log::Record& record : records) learner->Observe(record.AsEvent(attributes));
  };
  const Status read = ReadLog(log, "learning", Reading::kInTurn, report, take);
  if (!read.ok()) return read;
  return learner->Learn();
}

Result<Reference> LearnFromItself(const LogOptions& log, const std::string& key) {
  for (const std::string& file : log::Expand(log.files)) {
    std::error_code ignored;
    const auto kind = std::filesystem::status(file, ignored).type();
    if (file == "-" || kind == std::filesystem::file_type::fifo ||
        kind == std::filesystem::file_type::socket) {
      return FailedPrecondition((file == "-" ? "standard input" : "'" + file + "'") +
                                " can be read only once: give --reference, or the log as a file");
    }
  }
  LearnerOptions options;
  options.key = key;
  LogReport report;
  Result<Reference> reference = LearnFrom(log, options, "", report);
  if (reference.ok()) return reference;
  report.Print();
  if (reference.status().code() != StatusCode::kFailedPrecondition) return reference;
  return FailedPrecondition("the log cannot be its own reference: " + reference.status().message());
}

Result<Judging> JudgingOf(const LogOptions& log, const JudgeOptions& judge) {
  Judging out;
  Options& options = out.options;
  options.max_memory_bytes = std::size_t{1} << 32;
  if (!judge.options.empty()) {
    Result<std::string> text = ReadFile(judge.options);
    Result<Options> told = text.ok() ? ParseOptions(*text) : text.status();
    if (!told.ok()) return Status(told.status().code(), "--options: " + told.status().message());
    options = *std::move(told);
  }
  Result<std::optional<std::string>> key = ReadKey(log.key_file);
  if (!key.ok()) return key.status();
  if (*key) options.key = **key;
  if (judge.max_memory_bytes) options.max_memory_bytes = *judge.max_memory_bytes;
  if (judge.contamination) options.promise.contamination = *judge.contamination;
  if (judge.confidence95) options.promise.mode = Promise::Mode::kConfidence95;
  out.retrospective = judge.reference.empty() && !options.reference;
  if (out.retrospective || !judge.reference.empty()) {
    Result<Reference> reference =
        out.retrospective ? LearnFromItself(log, options.key) : ReadReference(judge.reference);
    if (!reference.ok()) return reference.status();
    options.reference = *std::move(reference);
  }
  if (judge.promise) {
    options.promise.per_million = *judge.promise;
  } else if (judge.options.empty()) {  // a file's promise is meant as it is
    options.promise.per_million =
        std::max(options.promise.per_million,
                 std::ceil(options.reference->SmallestPromise(options.promise)));
  }
  if (const Result<Monitor> tried = Monitor::Create(options); !tried.ok())
    return WithKeyHint(tried.status());
  return out;
}

}  // namespace distillwatch::cli
