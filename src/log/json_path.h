// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// JsonPath: where a value lies in a JSON document, as in .messages[0].content or
// .attributes["user.id"].
//
//   .name      the field of that name, without any of . [ ] "
//   ["a.b"]    the field of any name; \" and \\ stand for " and \ in it
//   [0]        the item of that number, from 0
//   []         any item: the last that has the rest of the path
// Tested by  tests/log/json_path_test.cc

#ifndef DISTILLWATCH_SRC_LOG_JSON_PATH_H_
#define DISTILLWATCH_SRC_LOG_JSON_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "distillwatch/status.h"

namespace distillwatch::log {

class JsonPath {
 public:
  struct AnyItem {
    bool operator==(const AnyItem&) const = default;
  };
  using Step = std::variant<std::string, std::uint32_t, AnyItem>;  // field, item, any item

  //   Errors  InvalidArgument naming the path and what is allowed
  static Result<JsonPath> Parse(std::string_view text);

  const std::vector<Step>& steps() const { return steps_; }  // at least one
  const std::string& text() const { return text_; }

 private:
  JsonPath() = default;

  std::vector<Step> steps_;
  std::string text_;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_JSON_PATH_H_
