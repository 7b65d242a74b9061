// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/line_json.h"

#include "log/mend.h"

namespace distillwatch::log {
namespace {

using simdjson::dom::element;

static_assert(LineSource::kPadding >= simdjson::SIMDJSON_PADDING);

// A parser's memory is some ten times its longest text: what a giant took is given back after it.
constexpr std::size_t kKept = std::size_t{4} << 20;  // bytes of text

bool IsMendable(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
    case simdjson::STRING_ERROR:     // a lone surrogate
    case simdjson::UNESCAPED_CHARS:  // a control character
    case simdjson::NUMBER_ERROR:
    case simdjson::TAPE_ERROR:  // NaN, Infinity
      return true;
    default:
      return false;
  }
}

}  // namespace

simdjson::error_code LineJson::Text::Parse(std::string_view json, bool is_padded) {
  const auto error = parser.parse(json.data(), json.size(), !is_padded).get(root);
  if (!IsMendable(error) || !Mend(json, mended)) return error;
  mended.reserve(mended.size() + LineSource::kPadding);
  return parser.parse(mended).get(root) ? error : simdjson::SUCCESS;
}

Result<element> LineJson::Parse(std::string_view line) {
  if (line_.parser.capacity() > kKept) {
    line_ = Text();
    inside_ = {};
  }
  opened_ = 0;
  if (const auto error = line_.Parse(line, true)) {
    return InvalidArgument("not JSON: " + std::string(simdjson::error_message(error)));
  }
  return line_.root;
}

std::optional<element> LineJson::Open(std::string_view string) {
  const std::size_t begin = string.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || (string[begin] != '{' && string[begin] != '[')) return {};
  std::size_t i = 0;
  while (i < opened_ && inside_[i]->string.data() != string.data()) ++i;
  if (i == kMostInside) return {};
  if (inside_[i] == nullptr) inside_[i] = std::make_unique<Inside>();
  Inside& inside = *inside_[i];
  if (i == opened_) {
    ++opened_;
    inside.string = string;
    inside.is_json = inside.text.Parse(string, false) == simdjson::SUCCESS;
  }
  if (!inside.is_json) return {};
  return inside.text.root;
}

}  // namespace distillwatch::log
