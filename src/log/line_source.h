// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LineSource: the lines of a file, plain, gzip or zstd (told by their first bytes, not their name),
// as a stream in bounded memory.
//
// A damaged or truncated archive gives every whole line before the damage, and then says so; the
// fragment of a line at the damage is not a line.
// Tested by  tests/log/line_source_test.cc    Measured by  benchmarks/log_bench.cc

#ifndef DISTILLWATCH_SRC_LOG_LINE_SOURCE_H_
#define DISTILLWATCH_SRC_LOG_LINE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/status.h"

namespace distillwatch::log {

// thread-compatible.
class LineSource {
 public:
  // A longer line is cut to this, and said to be cut.
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20;
  // So many readable bytes lie behind every line, for parsers that read ahead.
  static constexpr std::size_t kPadding = 64;

  // path: a file, or "-" for standard input.
  //   Errors  NotFound for what cannot be opened; InvalidArgument for what is no log (an archive of
  //           another kind, UTF-16)
  static Result<LineSource> Open(const std::string& path);
  ~LineSource();
  LineSource(LineSource&&) noexcept;
  LineSource& operator=(LineSource&&) noexcept;

  struct Line {
    std::string_view text;  // without its line end (\n or \r\n); valid until the next call of Next
    std::uint64_t number = 0;  // from 1
    bool cut = false;
  };
  // False at the end, and at damage: then status() says which. A last line needs no line end.
  bool Next(Line& line);

  // Once Next has come to it: DataLoss for a damaged or truncated archive, Unavailable where the
  // operating system could not read on.
  const Status& status() const;
  // Of the file as it lies there: read so far, and in all (0 when it is not a regular file).
  std::uint64_t bytes_read() const;
  std::uint64_t bytes_in_all() const;

 private:
  struct State;
  explicit LineSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Expands globs; a path without a match is returned as it is.
std::vector<std::string> Expand(const std::vector<std::string>& patterns);

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_LINE_SOURCE_H_
