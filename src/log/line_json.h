// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// LineJson: the JSON of a log line, and the JSON that gateways put into its strings.
//
// Uses its memory again from line to line. What it hands out lives until the next Parse, what Open
// hands out until CloseAll. Tested by  tests/log/line_json_test.cc

#ifndef DISTILLWATCH_SRC_LOG_LINE_JSON_H_
#define DISTILLWATCH_SRC_LOG_LINE_JSON_H_

#include <simdjson.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "distillwatch/status.h"
#include "log/line_source.h"

namespace distillwatch::log {

// thread-compatible.
class LineJson {
 public:
  // `line` is followed by LineSource::kPadding readable bytes. What a strict parser refuses is
  // mended.
  //   Errors  InvalidArgument saying why it is not JSON
  Result<simdjson::dom::element> Parse(std::string_view line);

  // The object or array whose JSON a string of the line holds; nothing when it holds none, and when
  // kMostInside strings are open.
  std::optional<simdjson::dom::element> Open(std::string_view string);
  // Closes what was opened.
  void CloseAll() { opened_ = 0; }
  bool MayOpenMore() const { return opened_ < kMostInside; }

 private:
  static constexpr std::size_t kMostInside = 8;
  struct Text {
    simdjson::error_code Parse(std::string_view json, bool is_padded);

    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string mended;
  };
  struct Inside {
    std::string_view string;  // as it lies in the line: to find it again
    bool is_json = false;
    Text text;
  };

  Text line_;
  std::array<std::unique_ptr<Inside>, kMostInside> inside_;
  std::size_t opened_ = 0;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_LINE_JSON_H_
