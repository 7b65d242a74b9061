// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/conversation.h"

#include <algorithm>
#include <array>
#include <optional>

#include "log/json_view.h"

namespace distillwatch::log {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

enum class Author { kUser, kSystem, kOther };

// A role that is not known is taken for the user's: what is not read can hide a request.
Author AuthorOf(std::string_view role) {
  std::array<char, 16> lower{};
  if (role.size() > lower.size()) return Author::kUser;
  std::transform(role.begin(), role.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view name(lower.data(), role.size());
  if (name == "system" || name == "developer") return Author::kSystem;
  for (const std::string_view other : {"assistant", "model", "ai", "bot", "tool", "function"}) {
    if (name == other) return Author::kOther;
  }
  return Author::kUser;
}

// Types of parts and items that carry text, but not the user's: tool_result, function_call_output,
// tool_call_response, output_text, thinking, reasoning, refusal, ...
bool IsOthersType(std::string_view type) {
  for (const std::string_view mark :
       {"tool", "function", "output", "result", "thinking", "reasoning", "refusal"}) {
    if (type.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

// What of a message or part matters here; where a name is repeated, the last wins.
struct Part {
  explicit Part(element value) {
    ForEachField(value, [this](std::string_view name, element field) {
      if (name == "role") role = TextOf(field);
      if (name == "type") type = TextOf(field).value_or("");
      if (name == "text") text = field;
      if (name == "content") content = field;
      if (name == "parts") parts = field;
      if (name == "source") source = field;
      if (name == "data") data = field;
      if (name == "variables") variables = field;
      if (name == "message") message = field;
    });
  }
  std::optional<std::string_view> role;
  std::string_view type;
  std::optional<element> text, content, parts;
  std::optional<element> source, data;  // of a document, and of its source
  std::optional<element> variables;     // of a prompt that the API keeps
  std::optional<element> message;       // a wrapper
};

// take(text) for the texts of a message, a list of parts, a part or a bare text, until it says no.
template <typename Take>
bool ForEachText(element value, Take&& take) {
  value = Unwrap(value);
  if (std::string_view text; !value.get(text)) return take(text);
  bool more = true;
  const auto descend = [&](element inner) { more = more && ForEachText(inner, take); };
  if (!HasFields(value)) {
    ForEachItem(value, descend);
    return more;
  }
  const Part part(value);
  // Messages have a role; what else a client writes into one does not make it another's.
  if (!part.role && IsOthersType(part.type)) return true;
  for (const std::optional<element>& inner : {part.text, part.content, part.parts, part.source}) {
    if (inner) descend(*inner);
  }
  if (part.data && part.type == "text") descend(*part.data);
  if (part.variables) {
    ForEachField(*part.variables, [&](std::string_view, element variable) { descend(variable); });
  }
  return more;
}

bool HasText(element value) {
  return !ForEachText(value, [](std::string_view) { return false; });
}

}  // namespace

void Conversation::Clear() {
  newest_.clear();
  system_.clear();
  turns_ = messages_ = prompt_tokens_ = 0;
  turn_is_open_ = false;
}

void Conversation::AddInput(element input) {
  input = Unwrap(input);
  if (input.is_string()) {
    AddTurn("user", {&input, 1});
  } else if (HasFields(input)) {
    if (!AddBody(input)) AddMessage(input);
  } else {
    ForEachItem(input, [this](element message) { AddMessage(message); });
  }
}

// The same names as in a request's body, for bodies that lie where the input should be.
bool Conversation::AddBody(element body) {
  constexpr std::array<std::string_view, 4> kInputs = {"messages", "input", "prompt", "contents"};
  std::array<std::optional<element>, kInputs.size()> inputs;
  bool is_message = false;
  const std::size_t before = system_.size();
  ForEachField(body, [&](std::string_view name, element field) {
    is_message = is_message || name == "role";
    if (name == "system" || name == "instructions") system_.push_back(field);
    const auto known = std::find(kInputs.begin(), kInputs.end(), name);
    if (known != kInputs.end() && !field.is_null()) {
      inputs[static_cast<std::size_t>(known - kInputs.begin())] = field;
    }
  });
  const auto input =
      std::find_if(inputs.begin(), inputs.end(), [](const auto& i) { return i.has_value(); });
  if (is_message || input == inputs.end()) {
    system_.resize(before);
    return false;
  }
  ++messages_;
  AddInput(**input);
  return true;
}

void Conversation::AddMessage(element message) {
  message = Unwrap(message);
  switch (message.type()) {
    case element_type::INT64:
    case element_type::UINT64:
      ++prompt_tokens_;
      return;
    case element_type::STRING:
      return AddTurn("user", {&message, 1});
    case element_type::OBJECT:
      break;
    case element_type::ARRAY:
      if (HasFields(message)) break;
      return ForEachItem(message, [this](element inner) { AddMessage(inner); });
    default:
      return;
  }
  const Part part(message);
  if (part.message && !part.role) return AddMessage(*part.message);
  if (part.role) ++messages_;
  AddTurn(part.role.value_or(IsOthersType(part.type) ? "tool" : "user"), {&message, 1});
}

void Conversation::AddTurn(std::string_view role, std::span<const element> content) {
  switch (AuthorOf(role)) {
    case Author::kSystem:
      system_.insert(system_.end(), content.begin(), content.end());
      return;
    case Author::kOther:
      turn_is_open_ = false;
      return;
    case Author::kUser:
      break;
  }
  if (std::none_of(content.begin(), content.end(), HasText)) return;
  if (!turn_is_open_) {
    ++turns_;
    newest_.clear();
  }
  turn_is_open_ = true;
  newest_.insert(newest_.end(), content.begin(), content.end());
}

void Conversation::AddIndexed(std::vector<Findings::Indexed>& fields) {
  const auto before = [](const auto& a, const auto& b) { return a.index < b.index; };
  if (!std::is_sorted(fields.begin(), fields.end(), before)) {
    std::stable_sort(fields.begin(), fields.end(), before);
  }
  for (std::size_t i = 0; i < fields.size();) {
    const std::uint32_t index = fields[i].index;
    std::string_view role = "user";
    parts_.clear();
    for (; i < fields.size() && fields[i].index == index; ++i) {
      std::string_view name = fields[i].name;
      if (name.starts_with("message.")) name.remove_prefix(8);
      if (name == "role") role = TextOf(fields[i].element).value_or(role);
      const bool is_part = name.starts_with("contents.") && name.ends_with(".text");
      if (name == "content" || is_part) parts_.push_back(fields[i].element);
    }
    ++messages_;
    AddTurn(role, parts_);
  }
}

void Conversation::Write(const Texts& texts, std::string& out) {
  out.clear();
  bool first = true;
  for (const element& content : texts) {
    ForEachText(content, [&](std::string_view text) {
      if (!first) out += '\n';
      first = false;
      out += text;
      return true;
    });
  }
}

}  // namespace distillwatch::log
