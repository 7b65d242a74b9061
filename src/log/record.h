// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Record: one line of a gateway's log, as an event.
//
// RecordReader understands the shapes in which gateways and tracing libraries write requests (Format); with
// kAuto it decides line by line. A bad line is an answer, never a failure.
// Tested by  tests/log/record_test.cc

#ifndef DISTILLWATCH_SRC_LOG_RECORD_H_
#define DISTILLWATCH_SRC_LOG_RECORD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/event.h"
#include "distillwatch/status.h"
#include "log/line_source.h"

namespace distillwatch::log {

enum class Format {
  kAuto,
  kPlain,          // {"time", "account", "prompt", ...}
  kOpenAi,         // request or log line with an OpenAI body: messages, input or prompt
  kAnthropic,      // the same with an Anthropic body: system, messages
  kBatch,          // OpenAI batch files: custom_id, method, url, body
  kLiteLlm,        // LiteLLM's standard logging payload
  kOtel,           // OpenTelemetry GenAI spans and events, current and older names
  kOpenInference,  // llm.input_messages.N.*, as some gateways trace
  kKong,           // Kong's AI log
  kPortkey,        // Portkey's log
  kEnvoy           // Envoy access logs: no prompts, content-free features only
};
// "auto", "plain", "openai", "anthropic", "batch", "litellm", "otel", "openinference", "kong", "portkey", "envoy".
Result<Format> ParseFormat(std::string_view name);
std::string_view Name(Format format);

// Fields that the operator names himself: {"account", ".metadata.key_id"}. Fields: account, time, prompt,
// system, model, completion_tokens, prompt_tokens, and any other name for an attribute.
using FieldPaths = std::map<std::string, std::string>;

// Owns its text; the buffers are used again from line to line.
struct Record {
  std::string account, prompt, system, model;
  Time time{};
  std::uint32_t earlier_turns = 0, completion_tokens = 0, prompt_tokens = 0;
  std::vector<std::pair<std::string, std::string>> attributes;
  bool truncated = false;  // the writer of the log had cut the text

  Event AsEvent(std::vector<Attribute>& storage) const;
};

class RecordReader {
 public:
  //   Errors  InvalidArgument for a path that is not of the form .name.name[0]
  static Result<RecordReader> Create(Format format, const FieldPaths& fields);
  ~RecordReader();
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;

  // Reads a line as LineSource delivers it (kPadding bytes behind it are readable).
  //   Errors  InvalidArgument saying what is wrong with the line: not JSON, no account, no time, ...
  Status Read(const LineSource::Line& line, Record& record);

 private:
  struct State;
  explicit RecordReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_RECORD_H_
