// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The names that gateways and tracing libraries give to the fields of a request.
//
// To teach a format another name, add a line to field_table.cc: nothing else needs to change. Names
// are only ever added, since logs of older writers stay. Tested by  tests/log/field_table_test.cc,
// tests/log/formats_test.cc

#ifndef DISTILLWATCH_SRC_LOG_FIELD_TABLE_H_
#define DISTILLWATCH_SRC_LOG_FIELD_TABLE_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "log/record.h"

namespace distillwatch::log {

enum class Field : std::uint8_t {
  kAccount,
  kTime,
  // Text, parts, or the messages of a conversation.
  kPrompt,
  // The same where the gateway makes strings of it: they may be JSON. A client's own text is never
  // taken for JSON, or it could pass for a conversation that never was.
  kPromptOrItsJson,
  kSystem,
  kSystemOrItsJson,
  kModel,
  kPromptTokens,
  kCompletionTokens,
  kEarlierTurns,
  kKind  // what sort of event the line tells of
};
inline constexpr std::size_t kFields = static_cast<std::size_t>(Field::kKind) + 1;

// A set of formats.
using Formats = std::uint32_t;
constexpr Formats Only(Format format) {
  return 1u << static_cast<unsigned>(format);
}

// A path that begins with ~ lies in any home of the format, see kHomes.
struct FieldRow {
  Formats formats;
  Field field;
  std::string_view path;
};
struct AttributeRow {
  Formats formats;
  std::string_view name;
  std::string_view path;
};
struct PathRow {
  Formats formats;
  std::string_view path;
};
struct SignRow {
  Format format;
  std::array<std::string_view, 3> paths;
};

// Where a field lies; of those present, the first wins.
extern const std::span<const FieldRow> kFieldRows;
// What names the account where none of its fields is present: an address, without its port.
extern const std::span<const PathRow> kAddressRows;
// Properties that accounts may share. One that is named "ip" loses its port.
extern const std::span<const AttributeRow> kAttributeRows;
// Where the request's own fields lie, beside the root of the line.
extern const std::span<const PathRow> kHomes;
// Prompts as flattened lists: what their names begin with.
extern const std::span<const PathRow> kIndexedPrompts;
// Kinds of events that are no requests to a model.
extern const std::span<const std::string_view> kOtherKinds;
// Formats by what their lines have: the first row whose paths are all present names the format.
extern const std::span<const SignRow> kSigns;
// Text fields of a plain line that are no attributes, since they differ from request to request.
extern const std::span<const std::string_view> kNoAttributes;

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_FIELD_TABLE_H_
