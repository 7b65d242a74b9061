// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/record.h"

#include <simdjson.h>

#include <array>
#include <cmath>

namespace distillwatch::log {

Result<Format> ParseFormat(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Format::kEnvoy); ++i) {
    if (name == Name(static_cast<Format>(i))) return static_cast<Format>(i);
  }
  return InvalidArgument("format is '" + std::string(name) + "'");
}

std::string_view Name(Format format) {
  constexpr std::array<std::string_view, 11> kNames = {"auto", "plain", "openai", "anthropic", "batch", "litellm",
                                                       "otel", "openinference", "kong", "portkey", "envoy"};
  return kNames[static_cast<std::size_t>(format)];
}

Event Record::AsEvent(std::vector<Attribute>& storage) const {
  storage.clear();
  for (const auto& [name, value] : attributes) storage.push_back({name, value});
  return {.account = account, .time = time, .prompt = prompt, .system = system, .earlier_turns = earlier_turns,
          .model = model, .completion_tokens = completion_tokens, .attributes = storage, .prompt_tokens = prompt_tokens};
}

struct RecordReader::State {
  simdjson::dom::parser parser;
};

RecordReader::RecordReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;

Result<RecordReader> RecordReader::Create(Format, const FieldPaths&) {
  return RecordReader(std::make_unique<State>());
}

Status RecordReader::Read(const LineSource::Line& line, Record& record) {
  simdjson::dom::element doc;
  if (state_->parser.parse(line.text.data(), line.text.size(), false).get(doc)) return InvalidArgument("not JSON");
  double t = 0;
  std::string_view text;
  if (doc["time"].get(t)) return InvalidArgument("no time");
  record.time = Time(std::chrono::microseconds(static_cast<std::int64_t>(std::llround(t * 1e6))));
  if (doc["account"].get(text)) return InvalidArgument("no account");
  record.account = text;
  record.prompt.clear();
  record.model.clear();
  if (!doc["prompt"].get(text)) record.prompt = text;
  if (!doc["model"].get(text)) record.model = text;
  record.attributes.clear();
  for (const char* name : {"ip", "user_agent", "payment"}) {
    if (!doc[name].get(text)) record.attributes.emplace_back(name, text);
  }
  return {};
}

}  // namespace distillwatch::log
