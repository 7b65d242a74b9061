// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/request_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "log/json_view.h"
#include "log/shown.h"
#include "log/timestamp.h"

namespace distillwatch::log {
namespace {

using simdjson::dom::element;

constexpr std::string_view kBatchAccount = "batch";
// More than any gateway writes; a hostile line has no end of them.
constexpr std::size_t kMostAttributes = 64;

// The buffers of records live on; a giant's memory is given back.
void GiveBack(std::string& text) {
  constexpr std::size_t kKept = std::size_t{1} << 16;
  if (text.capacity() > kKept && text.size() < text.capacity() / 4) text.shrink_to_fit();
}

// Text, or a whole number as text.
bool ReadScalar(element value, std::string& out) {
  value = Unwrap(value);
  std::array<char, 24> digits;
  const auto write = [&](auto number) {
    const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
    out.assign(digits.data(), end);
    return true;
  };
  if (std::string_view text; !value.get(text)) {
    out = text;
    return true;
  }
  if (std::int64_t number = 0; !value.get(number)) return write(number);
  if (std::uint64_t number = 0; !value.get(number)) return write(number);
  return false;
}

std::string ShownJson(element value) {
  if (const auto text = TextOf(value)) return Shown(*text);
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return simdjson::minify(value);
}

// Of an address with a port, or of a list of forwarders, the address of the first.
void KeepAddress(std::string& text) {
  const auto is_end = [](char c) { return c == ',' || c == ' '; };
  text.erase(std::find_if(text.begin(), text.end(), is_end), text.end());
  const std::size_t first_colon = text.find(':');
  if (text.starts_with('[')) {  // [2001:db8::1]:443
    text.resize(std::min(text.find(']'), text.size()));
    text.erase(0, 1);
  } else if (first_colon != std::string::npos && first_colon == text.rfind(':')) {
    text.resize(first_colon);
  }
}

bool IsAttribute(std::string_view name) {
  return std::find(kNoAttributes.begin(), kNoAttributes.end(), name) == kNoAttributes.end();
}

bool WasCut(std::string_view text) {
  const auto holds = [text](std::string_view mark) {
    return memmem(text.data(), text.size(), mark.data(), mark.size()) != nullptr;
  };
  return holds("truncated by litellm") || holds("litellm_truncated");
}

}  // namespace

Status RequestReader::Read(Findings& findings, Format format, const Layout& layout, LineJson& json,
                           Record& record) {
  findings_ = &findings;
  format_ = format;
  layout_ = &layout;
  if (!IsRequest()) return NotFound("no request");
  if (Status status = ReadAccount(record); !status.ok()) return status;
  if (Status status = ReadTime(record); !status.ok()) return status;
  if (!Found(Field::kModel).present() || !ReadScalar(Found(Field::kModel).element, record.model)) {
    record.model.clear();
  }
  record.prompt_tokens = ReadCount(Field::kPromptTokens);
  record.completion_tokens = ReadCount(Field::kCompletionTokens);
  if (Status status = ReadPrompt(json, record); !status.ok()) return status;
  ReadAttributes(record);
  for (std::string* text : {&record.account, &record.prompt, &record.system}) GiveBack(*text);
  return {};
}

Status RequestReader::Missing(Field field, std::string_view name) const {
  return InvalidArgument("no " + std::string(name) + "; format " + std::string(Name(format_)) +
                         " has it in " + layout_->Places(field));
}

// Traces and Kong's log tell of much besides requests to a model.
bool RequestReader::IsRequest() const {
  const Findings::Value& kind = Found(Field::kKind);
  if (kind.present()) {
    const std::string_view name = TextOf(kind.element).value_or("");
    if (std::find(kOtherKinds.begin(), kOtherKinds.end(), name) != kOtherKinds.end()) return false;
  }
  if (format_ != Format::kOtel && format_ != Format::kOpenInference && format_ != Format::kKong) {
    return true;
  }
  if (!findings_->indexed.empty()) return true;
  for (const Field field : {Field::kPrompt, Field::kPromptOrItsJson, Field::kModel,
                            Field::kPromptTokens, Field::kCompletionTokens}) {
    if (Found(field).present()) return true;
  }
  return false;
}

Status RequestReader::ReadAccount(Record& record) {
  const Findings::Value& found = Found(Field::kAccount);
  if (!found.present()) {
    if (format_ != Format::kBatch || layout_->is_own(Field::kAccount)) {
      return Missing(Field::kAccount, "account");
    }
    record.account = kBatchAccount;
    return {};
  }
  if (!ReadScalar(found.element, record.account)) {
    return InvalidArgument("account is " + ShownJson(found.element) +
                           "; allowed: text or a whole number");
  }
  if (layout_->is_address(found)) KeepAddress(record.account);
  return {};
}

Status RequestReader::ReadTime(Record& record) const {
  const Findings::Value& found = Found(Field::kTime);
  if (!found.present()) {
    if (format_ != Format::kBatch || layout_->is_own(Field::kTime)) {
      return Missing(Field::kTime, "time");
    }
    record.time = {};
    return {};
  }
  const element value = Unwrap(found.element);
  std::optional<Time> time;
  if (std::int64_t whole = 0; !value.get(whole))
    time = TimeOfNumber(whole);
  else if (double number = 0; !value.get(number))
    time = TimeOfNumber(number);
  else if (const auto text = TextOf(value))
    time = ParseTime(*text);
  if (!time) {
    return InvalidArgument("time is " + ShownJson(value) +
                           "; allowed: " + std::string(kAllowedTimes));
  }
  record.time = *time;
  return {};
}

// What cannot be a number of tokens is as good as not told: it must not hide the request.
std::uint32_t RequestReader::ReadCount(Field field) const {
  const Findings::Value& found = Found(field);
  if (!found.present()) return 0;
  const element value = Unwrap(found.element);
  double number = 0;
  if (const auto text = TextOf(value)) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) return 0;
  } else if (value.get(number)) {
    return 0;
  }
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  return number >= 0 && number <= kMost ? static_cast<std::uint32_t>(number) : 0;
}

void RequestReader::AddSystem(LineJson& json) {
  if (const auto& found = Found(Field::kSystem); found.present()) {
    conversation_.AddSystem(found.element);
  }
  if (const auto& found = Found(Field::kSystemOrItsJson); found.present()) {
    const auto text = TextOf(found.element);
    const auto inside = text ? json.Open(*text) : std::nullopt;
    conversation_.AddSystem(inside.value_or(found.element));
  }
}

void RequestReader::AddPrompt(LineJson& json) {
  if (const auto& found = Found(Field::kPromptOrItsJson); found.present()) {
    const auto text = TextOf(found.element);
    const auto inside = text ? json.Open(*text) : std::nullopt;
    conversation_.AddInput(inside.value_or(found.element));
    // JSON that is no conversation is what the user wrote.
    if (inside && !conversation_.has_messages() && !conversation_.has_user_text()) {
      conversation_.AddInput(found.element);
    }
  }
  if (!conversation_.has_user_text()) conversation_.AddIndexed(findings_->indexed);
  if (const auto& found = Found(Field::kPrompt);
      found.present() && !conversation_.has_user_text()) {
    conversation_.AddInput(found.element);
  }
}

Status RequestReader::ReadPrompt(LineJson& json, Record& record) {
  conversation_.Clear();
  AddSystem(json);
  AddPrompt(json);
  conversation_.WritePrompt(record.prompt);
  conversation_.WriteSystem(record.system);
  record.earlier_turns = std::max(conversation_.earlier_turns(), ReadCount(Field::kEarlierTurns));
  if (record.prompt_tokens == 0) record.prompt_tokens = conversation_.prompt_tokens();
  record.truncated =
      format_ == Format::kLiteLlm && (WasCut(record.prompt) || WasCut(record.system));

  const bool told = Found(Field::kPrompt).present() || Found(Field::kPromptOrItsJson).present() ||
                    !findings_->indexed.empty() || record.prompt_tokens > 0;
  if (!told && format_ != Format::kEnvoy) return Missing(Field::kPrompt, "prompt");
  return {};
}

void RequestReader::ReadAttributes(Record& record) const {
  std::size_t count = 0;
  const auto add = [&](std::string_view name, element value) {
    if (count == kMostAttributes) return;
    if (count == record.attributes.size()) record.attributes.emplace_back();
    auto& [own_name, text] = record.attributes[count];
    own_name = name;
    if (!ReadScalar(value, text) || text.empty()) return;
    if (name == "ip") KeepAddress(text);
    ++count;
  };
  for (std::size_t i = 0; i < layout_->attributes().size(); ++i) {
    const Findings::Value& found = findings_->values[kFields + i];
    if (found.present()) add(layout_->attributes()[i], found.element);
  }
  if (format_ == Format::kPlain) {
    for (const Findings::Other& other : findings_->others) {
      if (other.element.is_string() && IsAttribute(other.name)) add(other.name, other.element);
    }
  }
  record.attributes.resize(count);
}

}  // namespace distillwatch::log
