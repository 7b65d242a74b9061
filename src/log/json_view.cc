// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/json_view.h"

namespace distillwatch::log {

using simdjson::dom::element;

element Unwrap(element value) {
  simdjson::dom::object fields;
  if (value.get(fields) || fields.size() != 1) return value;
  const auto [name, inner] = *fields.begin();
  if (name == "stringValue" || name == "intValue" || name == "doubleValue" || name == "boolValue") {
    return inner;
  }
  if (name == "arrayValue" || name == "kvlistValue") {
    element values;
    if (!inner["values"].get(values)) return values;
  }
  return value;
}

bool HasFields(element value) {
  if (value.is_object()) return true;
  simdjson::dom::array items;
  simdjson::dom::object first;
  return !value.get(items) && items.size() > 0 && !items.at(0).get(first) && first.size() == 2 &&
         !first["key"].error() && !first["value"].error();
}

std::optional<std::string_view> TextOf(element value) {
  std::string_view text;
  if (Unwrap(value).get(text)) return {};
  return text;
}

}  // namespace distillwatch::log
