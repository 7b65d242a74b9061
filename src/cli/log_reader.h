// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LogReader: the records of many files, merged by their times, in batches.
// Tested by  tests/cli/scan_test.cc, tests/cli/merge_test.cc

#ifndef DISTILLWATCH_SRC_CLI_LOG_READER_H_
#define DISTILLWATCH_SRC_CLI_LOG_READER_H_

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/common.h"
#include "cli/log_file.h"
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
    const Result<log::RecordReader> tried = log::RecordReader::Create(*format, fields);
    if (!tried.ok()) return tried.status();
    return LogReader(*format, std::move(fields), log::Expand(options.files), report);
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
    std::uint64_t read = closed_;
    for (const Open& open : open_) read += open.file.bytes_read();
    batch.share =
        in_all_ == 0 ? -1 : std::min(1.0, static_cast<double>(read) / static_cast<double>(in_all_));
    batch.records_so_far = report_->records;
    return batch.filled > 0;
  }

 private:
  // Of each of several files so many requests are read ahead, and the file with the earliest of
  // them goes first: a wild clock is one request out of order, not a file.
  static constexpr std::size_t kAhead = 4;
  struct Ahead {
    log::Record record;
    std::uint64_t line = 0;
  };
  struct Open {
    std::size_t number;  // among the files
    LogFile file;
    bool reads_ahead;
    std::deque<Ahead> ahead{};
    Time earliest{};  // of those ahead

    // False when there is nothing left.
    bool Next(log::Record& record, std::uint64_t& line, LogReport& report) {
      if (!reads_ahead) {
        const bool any = file.Next(record, report);
        line = file.line();
        return any;
      }
      if (ahead.empty()) return false;
      std::swap(record, ahead.front().record);
      line = ahead.front().line;
      Ahead next = std::move(ahead.front());  // its buffers are used again
      ahead.pop_front();
      ReadAhead(std::move(next), report);
      return true;
    }
    void Fill(LogReport& report) {
      while (ahead.size() < kAhead && ReadAhead({}, report)) {
      }
    }

   private:
    bool ReadAhead(Ahead next, LogReport& report) {
      const bool any = file.Next(next.record, report);
      if (any) {
        next.line = file.line();
        ahead.push_back(std::move(next));
      }
      earliest = Time::max();
      for (const Ahead& a : ahead) earliest = std::min(earliest, a.record.time);
      return any;
    }
  };
  // A file that is opened when its first requests are the next ones.
  struct Waiting {
    Time earliest;
    std::size_t number;
    auto operator<=>(const Waiting&) const = default;
  };

  LogReader(log::Format format, log::FieldPaths fields, const std::vector<std::string>& files,
            LogReport& report)
      : format_(format), fields_(std::move(fields)), report_(&report) {
    std::set<std::pair<dev_t, ino_t>> known;
    std::vector<bool> regular;
    for (const std::string& file : files) {
      struct stat info {};
      const bool there = file != "-" && stat(file.c_str(), &info) == 0;
      const bool is_regular = there && S_ISREG(info.st_mode);
      if (is_regular && !known.emplace(info.st_dev, info.st_ino).second) continue;  // named twice
      if (there) in_all_ += static_cast<std::uint64_t>(info.st_size);
      files_.push_back(file);
      regular.push_back(is_regular);
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
      // What can be read only once is opened before all others, and stays open.
      waiting_.push_back({regular[i] && files_.size() > 1 ? EarliestOf(i) : Time::min(), i});
    }
    std::sort(waiting_.begin(), waiting_.end());
  }

  std::optional<Open> OpenFile(std::size_t number, LogReport& report) const {
    Result<log::LineSource> source = log::LineSource::Open(files_[number]);
    if (!source.ok()) {
      report.damage.push_back(source.status().message());
      return std::nullopt;
    }
    Open open{.number = number,
              .file = LogFile(files_[number], *std::move(source),
                              log::RecordReader::Create(format_, fields_).value()),
              .reads_ahead = files_.size() > 1};
    if (open.reads_ahead) open.Fill(report);
    return open;
  }

  // Of the first requests; before all times for a file that cannot be opened, so that this is said
  // at once.
  Time EarliestOf(std::size_t number) const {
    LogReport nobodys;
    const std::optional<Open> open = OpenFile(number, nobodys);
    return open ? open->earliest : Time::min();
  }

  bool Next(log::Record& record) {
    while (true) {
      const auto first = Earliest();
      const bool none = first == open_.end();
      if (!waiting_.empty() && (none || waiting_.front().earliest < first->earliest)) {
        std::optional<Open> open = OpenFile(waiting_.front().number, *report_);
        waiting_.pop_front();
        if (open) open_.push_back(*std::move(open));
        continue;
      }
      if (none) return false;
      std::uint64_t line = 0;
      if (first->Next(record, line, *report_)) {
        See(record.time, first->file.path(), line);
        return true;
      }
      closed_ += first->file.bytes_in_all();
      open_.erase(first);
    }
  }

  // Of the open ones, and of several such the one that was named first.
  std::vector<Open>::iterator Earliest() {
    return std::min_element(open_.begin(), open_.end(), [](const Open& a, const Open& b) {
      return std::pair(a.earliest, a.number) < std::pair(b.earliest, b.number);
    });
  }

  void See(Time time, const std::string& path, std::uint64_t line) {
    LogReport& r = *report_;
    ++r.records;
    if (r.records > 1 && time + std::chrono::hours(1) < r.newest) {
      if (r.out_of_order++ == 0) r.first_out_of_order = path + ":" + std::to_string(line);
    }
    r.newest = r.records == 1 ? time : std::max(r.newest, time);
  }

  log::Format format_;
  log::FieldPaths fields_;
  LogReport* report_;
  std::vector<std::string> files_;  // each once
  std::deque<Waiting> waiting_;     // the earliest first
  std::vector<Open> open_;
  std::uint64_t in_all_ = 0, closed_ = 0;  // bytes: of all files, and of those read to their end
};

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_LOG_READER_H_
