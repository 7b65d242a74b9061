// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// JSON values, seen through the wrappers of OTLP: {"stringValue": "x"} is "x", {"arrayValue": ...}
// its items, and both {"kvlistValue": ...} and [{"key": "a", "value": ...}] are objects.
//
// A value without wrappers costs nothing extra. Where an object has a name twice, both are visited;
// the last should win, as in most parsers, or a request could hide a text behind another. Tested by
// tests/log/json_view_test.cc

#ifndef DISTILLWATCH_SRC_LOG_JSON_VIEW_H_
#define DISTILLWATCH_SRC_LOG_JSON_VIEW_H_

#include <simdjson.h>

#include <optional>
#include <string_view>

namespace distillwatch::log {

// The value inside of an OTLP wrapper, or the value itself.
simdjson::dom::element Unwrap(simdjson::dom::element value);

// Whether an unwrapped value is an object, or OTLP's list of keys and values.
bool HasFields(simdjson::dom::element value);

// Of a string, wrapped or not.
std::optional<std::string_view> TextOf(simdjson::dom::element value);

// visit(item) for the items of an array, wrapped or not; of anything else there are none.
template <typename Visit>
void ForEachItem(simdjson::dom::element value, Visit&& visit) {
  simdjson::dom::array items;
  if (Unwrap(value).get(items)) return;
  for (const simdjson::dom::element item : items) visit(item);
}

// visit(name, value) for the fields of an object, or of what OTLP writes for one.
template <typename Visit>
void ForEachField(simdjson::dom::element value, Visit&& visit) {
  value = Unwrap(value);
  if (simdjson::dom::object fields; !value.get(fields)) {
    for (const auto [name, field] : fields) visit(name, field);
    return;
  }
  ForEachItem(value, [&](simdjson::dom::element item) {
    simdjson::dom::object pair;
    std::string_view name;
    simdjson::dom::element field;
    if (item.get(pair) || pair["key"].get(name) || pair["value"].get(field)) return;
    visit(name, field);
  });
}

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_JSON_VIEW_H_
