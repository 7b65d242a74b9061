// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/layout.h"

#include <algorithm>

#include "log/shown.h"

namespace distillwatch::log {
namespace {

constexpr std::size_t SlotOfField(Field field) {
  return static_cast<std::size_t>(field);
}

// Of the table: they are well formed [FieldTable.HoldsPathsThatAreWellFormed].
JsonPath PathOf(std::string_view text) {
  return JsonPath::Parse(text).value();
}

// The path itself, or for ~... one for each home.
std::vector<std::string> PathsOf(Formats format, std::string_view path) {
  if (!path.starts_with('~')) return {std::string(path)};
  const std::string_view rest = path.substr(1);
  std::vector<std::string> paths = {std::string(rest)};
  for (const PathRow& home : kHomes) {
    if ((home.formats & format) != 0) paths.push_back(std::string(home.path) += rest);
  }
  return paths;
}

struct OwnName {
  std::string_view name;
  Field field;
};
constexpr OwnName kOwnNames[] = {
    {"account", Field::kAccount},
    {"time", Field::kTime},
    {"prompt", Field::kPrompt},
    {"messages", Field::kPromptOrItsJson},
    {"system", Field::kSystem},
    {"model", Field::kModel},
    {"prompt_tokens", Field::kPromptTokens},
    {"completion_tokens", Field::kCompletionTokens},
};

std::optional<Field> FieldOf(std::string_view own_name) {
  for (const auto& [name, field] : kOwnNames) {
    if (name == own_name) return field;
  }
  return {};
}

// A field that is told twice has one meaning all the same.
Field Twin(Field field) {
  switch (field) {
    case Field::kPrompt:
      return Field::kPromptOrItsJson;
    case Field::kPromptOrItsJson:
      return Field::kPrompt;
    case Field::kSystem:
      return Field::kSystemOrItsJson;
    case Field::kSystemOrItsJson:
      return Field::kSystem;
    default:
      return field;
  }
}

bool TakesCompounds(Field field) {
  return Twin(field) != field;
}

}  // namespace

Result<Layout> Layout::Create(Format format, const FieldPaths& own, const Signs& signs) {
  Layout layout;
  if (Status status = layout.AddOwn(own); !status.ok()) return status;
  layout.AddTables(Only(format));
  signs.AddTo(layout.tree_, layout.first_sign());
  layout.slots_ = layout.first_sign() + signs.size();
  return layout;
}

Status Layout::AddOwn(const FieldPaths& own) {
  for (const auto& [name, text] : own) {
    Result<JsonPath> path = JsonPath::Parse(text);
    if (name.empty() || !path.ok()) {
      return InvalidArgument("field " + Shown(name) + ": " +
                             (name.empty() ? "it needs a name" : path.status().message()));
    }
    std::size_t slot = 0;
    if (const std::optional<Field> field = FieldOf(name)) {
      slot = SlotOfField(*field);
      own_[slot] = own_[SlotOfField(Twin(*field))] = true;
      places_[slot].push_back(text);
    } else {
      slot = AttributeSlot(name);
    }
    tree_.Add(*path, {.number = static_cast<std::uint32_t>(slot), .rank = rank_++});
  }
  return {};
}

void Layout::AddTables(Formats format) {
  if (format == Only(Format::kEnvoy)) tree_.SetAbsentText("-");  // as Envoy writes it
  const std::size_t own_attributes = attributes_.size();
  for (const FieldRow& row : kFieldRows) {
    if ((row.formats & format) != 0) Add(format, SlotOfField(row.field), row.path);
  }
  first_address_ = rank_;
  for (const PathRow& row : kAddressRows) {
    if ((row.formats & format) != 0) Add(format, SlotOfField(Field::kAccount), row.path);
  }
  for (const AttributeRow& row : kAttributeRows) {
    if ((row.formats & format) == 0) continue;
    const std::size_t slot = AttributeSlot(row.name);
    if (slot >= kFields + own_attributes) Add(format, slot, row.path);
  }
  for (const PathRow& row : kIndexedPrompts) {
    if ((row.formats & format) == 0 || is_own(Field::kPrompt)) continue;
    for (const std::string& path : PathsOf(format, row.path)) tree_.AddIndexed(PathOf(path));
  }
}

void Layout::Add(Formats format, std::size_t slot, std::string_view row_path) {
  const bool is_field = slot < kFields;
  for (const std::string& path : PathsOf(format, row_path)) {
    if (is_field && own_[slot]) {
      tree_.Mention(PathOf(path));
      continue;
    }
    const bool compound = is_field && TakesCompounds(static_cast<Field>(slot));
    tree_.Add(PathOf(path),
              {.number = static_cast<std::uint32_t>(slot),
               .rank = rank_++,
               .accept = compound ? FieldTree::Accept::kAnything : FieldTree::Accept::kScalar});
    if (is_field) places_[slot].push_back(path);
  }
}

std::size_t Layout::AttributeSlot(std::string_view name) {
  const auto known = std::find(attributes_.begin(), attributes_.end(), name);
  const auto index = static_cast<std::size_t>(known - attributes_.begin());
  if (known == attributes_.end()) attributes_.emplace_back(name);
  return kFields + index;
}

std::string Layout::Places(Field field) const {
  constexpr std::size_t kTold = 6;
  std::string text;
  std::size_t told = 0;
  for (const Field place : {field, Twin(field)}) {
    for (const std::string& path : places_[SlotOfField(place)]) {
      if (told == kTold) return text + ", ...";
      if (told++ > 0) text += ", ";
      text += path;
    }
    if (Twin(field) == field) break;
  }
  return text;
}

Signs::Signs() {
  for (const SignRow& sign : kSigns) {
    Row row = {sign.format, {}};
    for (const std::string_view path : sign.paths) {
      if (!path.empty()) row.slots.push_back(SlotOf(sign.format, path));
    }
    rows_.push_back(std::move(row));
  }
  AddTo(tree_, 0);
}

// Formats with the same homes share a slot.
std::size_t Signs::SlotOf(Format format, std::string_view path) {
  std::vector<std::string> paths = PathsOf(Only(format), path);
  const auto known = std::find(slots_.begin(), slots_.end(), paths);
  const auto slot = static_cast<std::size_t>(known - slots_.begin());
  if (known == slots_.end()) slots_.push_back(std::move(paths));
  return slot;
}

void Signs::AddTo(FieldTree& tree, std::size_t first) const {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const auto number = static_cast<std::uint32_t>(first + slot);
    for (const std::string& path : slots_[slot]) {
      tree.Add(PathOf(path), {.number = number, .rank = 0, .accept = FieldTree::Accept::kSign});
    }
  }
}

std::optional<Format> Signs::FormatOf(const Findings& findings, std::size_t first) const {
  for (const Row& row : rows_) {
    if (std::all_of(row.slots.begin(), row.slots.end(),
                    [&](std::size_t slot) { return findings.values[first + slot].present(); })) {
      return row.format;
    }
  }
  return {};
}

std::optional<Format> Signs::FormatOf(simdjson::dom::element root, LineJson& json,
                                      Findings& findings) const {
  tree_.Find(root, slots_.size(), json, findings);
  return FormatOf(findings, 0);
}

}  // namespace distillwatch::log
