// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LogFile: the requests of one file, in its order; what is wrong in it is reported.
// Tested by  tests/cli/scan_test.cc, tests/cli/merge_test.cc

#ifndef DISTILLWATCH_SRC_CLI_LOG_FILE_H_
#define DISTILLWATCH_SRC_CLI_LOG_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cli/common.h"
#include "distillwatch/status.h"
#include "log/line_source.h"
#include "log/record.h"

namespace distillwatch::cli {

// thread-compatible.
class LogFile {
 public:
  LogFile(std::string path, log::LineSource source, log::RecordReader reader)
      : path_(std::move(path)), source_(std::move(source)), reader_(std::move(reader)) {}

  // False when there is nothing left, as often as it is asked.
  bool Next(log::Record& record, LogReport& report) {
    while (!ended_) {
      const bool begins = !inside_line_;
      if (begins && !NextLine(report)) break;
      if (begins) found_ = 0;
      inside_line_ = true;
      // Exporters pack many requests into one line.
      const Status status = begins ? reader_.Read(line_, record) : reader_.ReadNext(record);
      if (status.code() == StatusCode::kNotFound) {
        report.other_lines += found_ == 0;
        inside_line_ = false;
        continue;
      }
      ++found_;
      if (status.ok()) return true;
      ++report.bad_lines;
      if (report.examples.size() < kExamples)
        report.examples.push_back(path_ + ":" + std::to_string(line()) + ": " + status.message());
    }
    return false;
  }

  const std::string& path() const { return path_; }
  std::uint64_t line() const { return line_.number; }  // of the newest request
  std::uint64_t bytes_read() const { return source_.bytes_read(); }
  std::uint64_t bytes_in_all() const { return source_.bytes_in_all(); }

 private:
  static constexpr std::size_t kExamples = 10;  // of bad lines

  // That is not blank.
  bool NextLine(LogReport& report) {
    while (source_.Next(line_)) {
      ++report.lines;
      report.bytes += line_.text.size() + 1;
      if (line_.cut || line_.text.find_first_not_of(" \t") != std::string_view::npos) return true;
    }
    ended_ = true;
    if (!source_.status().ok()) {
      report.damage.push_back(path_ + ": after line " + std::to_string(line()) + ": " +
                              source_.status().message());
    }
    return false;
  }

  std::string path_;
  log::LineSource source_;
  log::RecordReader reader_;
  log::LineSource::Line line_;
  bool inside_line_ = false, ended_ = false;
  std::size_t found_ = 0;  // requests in the line
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_LOG_FILE_H_
