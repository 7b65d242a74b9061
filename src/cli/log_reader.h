// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LogReader: the records of many files, one after the other, in batches.
// Tested by  tests/cli/scan_test.cc

#ifndef DISTILLWATCH_SRC_CLI_LOG_READER_H_
#define DISTILLWATCH_SRC_CLI_LOG_READER_H_

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/common.h"
#include "distillwatch/status.h"
#include "log/line_source.h"
#include "log/record.h"

namespace distillwatch::cli {

struct Batch {
  // Few, so that they are judged while they are still in the caches.
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostBytes = std::size_t{4} << 20;  // of text, but for the last one

  std::vector<log::Record> records = std::vector<log::Record>(kMost);
  std::size_t filled = 0;
  double share = 0;  // of all bytes that has been read; below 0 when that is not known
  std::uint64_t records_so_far = 0;
};

// thread-compatible.
class LogReader {
 public:
  // report: is written while batches are filled; must outlive the reader.
  //   Errors  for a wrong format or field
  static Result<LogReader> Create(const LogOptions& options, LogReport& report) {
    Result<log::Format> format = log::ParseFormat(options.format);
    if (!format.ok()) return format.status();
    log::FieldPaths fields;
    for (const std::string& field : options.fields) {
      const auto equals = field.find('=');
      if (equals == std::string::npos || equals == 0) {
        return InvalidArgument("--field is '" + field +
                               "'; allowed: name=.path, as in account=.metadata.key");
      }
      fields[field.substr(0, equals)] = field.substr(equals + 1);
    }
    Result<log::RecordReader> reader = log::RecordReader::Create(*format, fields);
    if (!reader.ok()) return reader.status();
    return LogReader(*std::move(reader), log::Expand(options.files), report);
  }

  // False when there is nothing left.
  bool Fill(Batch& batch) {
    batch.filled = 0;
    for (std::size_t bytes = 0; batch.filled < Batch::kMost && bytes < Batch::kMostBytes;) {
      log::Record& record = batch.records[batch.filled];
      if (!Next(record)) break;
      ++batch.filled;
      bytes += record.prompt.size() + record.system.size();
    }
    const std::uint64_t read = before_ + (source_ ? source_->bytes_read() : 0);
    batch.share =
        in_all_ == 0 ? -1 : std::min(1.0, static_cast<double>(read) / static_cast<double>(in_all_));
    batch.records_so_far = report_->records;
    return batch.filled > 0;
  }

 private:
  static constexpr std::size_t kExamples = 10;  // of bad lines

  LogReader(log::RecordReader reader, std::vector<std::string> files, LogReport& report)
      : reader_(std::move(reader)), files_(std::move(files)), report_(&report) {
    for (const std::string& file : files_) {
      struct stat info {};
      if (file != "-" && stat(file.c_str(), &info) == 0)
        in_all_ += static_cast<std::uint64_t>(info.st_size);
    }
  }

  bool Next(log::Record& record) {
    while (true) {
      const bool begins = !inside_line_;
      if (begins && !NextLine()) return false;
      if (begins) found_ = 0;
      inside_line_ = true;
      // Exporters pack many requests into one line.
      const Status status = begins ? reader_.Read(line_, record) : reader_.ReadNext(record);
      if (status.code() == StatusCode::kNotFound) {
        report_->other_lines += found_ == 0;
        inside_line_ = false;
        continue;
      }
      ++found_;
      if (status.ok()) {
        ++report_->records;
        SeeTime(record.time);
        return true;
      }
      ++report_->bad_lines;
      if (report_->examples.size() < kExamples) {
        report_->examples.push_back(files_[file_] + ":" + std::to_string(line_.number) + ": " +
                                    status.message());
      }
    }
  }

  void SeeTime(Time time) {
    LogReport& r = *report_;
    if (r.records > 1 && time + std::chrono::hours(1) < r.newest) {
      if (r.out_of_order++ == 0)
        r.first_out_of_order = files_[file_] + ":" + std::to_string(line_.number);
    }
    r.newest = r.records == 1 ? time : std::max(r.newest, time);
  }

  // That is not blank.
  bool NextLine() {
    while (source_ || Open()) {
      while (source_->Next(line_)) {
        ++report_->lines;
        report_->bytes += line_.text.size() + 1;
        if (line_.cut || line_.text.find_first_not_of(" \t") != std::string_view::npos) return true;
      }
      if (!source_->status().ok()) {
        report_->damage.push_back(files_[file_] + ": after line " + std::to_string(line_.number) +
                                  ": " + source_->status().message());
      }
      before_ += source_->bytes_in_all();
      source_.reset();
      line_ = {};
      ++file_;
    }
    return false;
  }

  // The next file that can be opened.
  bool Open() {
    for (; file_ < files_.size(); ++file_) {
      Result<log::LineSource> source = log::LineSource::Open(files_[file_]);
      if (source.ok()) {
        source_.emplace(*std::move(source));
        return true;
      }
      report_->damage.push_back(source.status().message());
    }
    return false;
  }

  log::RecordReader reader_;
  std::vector<std::string> files_;
  LogReport* report_;
  std::uint64_t in_all_ = 0, before_ = 0;  // bytes: of all files, and of those read to their end
  std::size_t file_ = 0;
  std::optional<log::LineSource> source_;
  log::LineSource::Line line_;
  bool inside_line_ = false;
  std::size_t found_ = 0;  // requests in the line
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_LOG_READER_H_
