// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Lines for the tests of log/: as LineSource would deliver them.

#ifndef DISTILLWATCH_TESTS_LOG_READING_H_
#define DISTILLWATCH_TESTS_LOG_READING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "log/line_source.h"
#include "log/record.h"

namespace distillwatch::log {

// A line, and the readable bytes behind it. They are quotes, so that a parser that reads on is
// seen.
class PaddedLine {
 public:
  explicit PaddedLine(std::string_view text)
      : bytes_(std::string(text) + std::string(LineSource::kPadding, '"')), size_(text.size()) {}
  LineSource::Line line() const { return {.text = {bytes_.data(), size_}, .number = 1}; }

 private:
  std::string bytes_;
  std::size_t size_;
};

inline RecordReader ReaderOf(Format format, const FieldPaths& fields = {}) {
  Result<RecordReader> reader = RecordReader::Create(format, fields);
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  return *std::move(reader);
}

// The record of a line that must be readable.
inline Record Read(Format format, std::string_view text, const FieldPaths& fields = {}) {
  RecordReader reader = ReaderOf(format, fields);
  const PaddedLine line(text);
  Record record;
  const Status status = reader.Read(line.line(), record);
  EXPECT_TRUE(status.ok()) << status.message() << "\n" << text;
  return record;
}

// The reason why a line is not readable; empty when it is.
inline std::string Refusal(Format format, std::string_view text, const FieldPaths& fields = {}) {
  RecordReader reader = ReaderOf(format, fields);
  const PaddedLine line(text);
  Record record;
  return reader.Read(line.line(), record).message();
}

inline StatusCode CodeOf(Format format, std::string_view text) {
  RecordReader reader = ReaderOf(format);
  const PaddedLine line(text);
  Record record;
  return reader.Read(line.line(), record).code();
}

// Reads the line as what it is, and checks that kAuto reads the same.
inline Record ReadBoth(Format format, std::string_view text) {
  const Record record = Read(format, text);
  const Record told = Read(Format::kAuto, text);
  EXPECT_EQ(told.account, record.account) << text;
  EXPECT_EQ(told.time, record.time) << text;
  EXPECT_EQ(told.prompt, record.prompt) << text;
  EXPECT_EQ(told.system, record.system) << text;
  EXPECT_EQ(told.model, record.model) << text;
  EXPECT_EQ(told.earlier_turns, record.earlier_turns) << text;
  EXPECT_EQ(told.prompt_tokens, record.prompt_tokens) << text;
  EXPECT_EQ(told.completion_tokens, record.completion_tokens) << text;
  EXPECT_EQ(told.attributes, record.attributes) << text;
  return record;
}

inline std::string AttributeOf(const Record& record, std::string_view name) {
  const auto found = std::find_if(record.attributes.begin(), record.attributes.end(),
                                  [name](const auto& a) { return a.first == name; });
  return found == record.attributes.end() ? "" : found->second;
}

inline constexpr std::int64_t kNoon_s = 1776859200;  // 2026-04-22T12:00:00Z

inline Time At(std::int64_t seconds, std::int64_t microseconds = 0) {
  return Time(std::chrono::seconds(seconds) + std::chrono::microseconds(microseconds));
}

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_TESTS_LOG_READING_H_
