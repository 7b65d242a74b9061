// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/json_path.h"

#include <charconv>
#include <optional>

#include "log/shown.h"

namespace distillwatch::log {
namespace {

// Each takes its step off the front of `rest`; nothing when the step is not well formed.

std::optional<JsonPath::Step> TakeName(std::string_view& rest) {
  const std::size_t size = std::min(rest.find_first_of(".[]\"", 1), rest.size());
  const std::string_view name = rest.substr(1, size - 1);
  rest.remove_prefix(size);
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

std::optional<JsonPath::Step> TakeQuotedName(std::string_view& rest) {
  std::string name;
  std::size_t at = 2;  // behind ["
  while (at < rest.size() && rest[at] != '"') {
    if (rest[at] == '\\') ++at;
    if (at < rest.size()) name += rest[at++];
  }
  if (rest.substr(std::min(at, rest.size()), 2) != "\"]") return std::nullopt;
  rest.remove_prefix(at + 2);
  return name;
}

std::optional<JsonPath::Step> TakeItem(std::string_view& rest) {
  const std::size_t close = rest.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view digits = rest.substr(1, close - 1);
  rest.remove_prefix(close + 1);
  if (digits.empty()) return JsonPath::AnyItem{};
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<JsonPath::Step> TakeStep(std::string_view& rest) {
  if (rest.starts_with('.')) return TakeName(rest);
  if (rest.starts_with("[\"")) return TakeQuotedName(rest);
  if (rest.starts_with('[')) return TakeItem(rest);
  return std::nullopt;
}

}  // namespace

Result<JsonPath> JsonPath::Parse(std::string_view text) {
  JsonPath path;
  path.text_ = text;
  std::string_view rest = text;
  do {
    std::optional<Step> step = TakeStep(rest);
    if (!step) {
      return InvalidArgument("path is " + Shown(text) +
                             R"(; allowed: .name, ["any name"], [0] and [], joined, as in )"
                             R"(.metadata.key or .attributes["user.id"])");
    }
    path.steps_.push_back(*std::move(step));
  } while (!rest.empty());
  return path;
}

}  // namespace distillwatch::log
