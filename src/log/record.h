// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Record: one request of a gateway's log, as an event.
//
// RecordReader understands the shapes in which gateways and tracing libraries write requests
// (Format). With kAuto it decides line by line: the first row of kSigns (field_table.cc) that the
// line fits. A bad line is an answer, never a failure, whatever its bytes; a line that a client can
// spoil is mended (mend.h) and read, so that nobody hides by being unreadable.
//
// Account    what the operator wrote (key hash, consumer, account) before what the client wrote
// into its
//            request (user, safety_identifier), before an address. Batch files name none: "batch".
// Time       see timestamp.h. Batch files tell none: all their requests are at 1970-01-01.
// Prompt     the newest user turn of a conversation (conversation.h), or the text of a bare prompt.
// Attributes of a plain line every text field that has no meaning of its own; else ip (without its
// port),
//            user_agent, team, organization, payment, ... as field_table.cc names them.
// Tested by  tests/log/record_test.cc, tests/log/formats_test.cc, tests/fuzz/log_fuzz.cc
// Measured by  benchmarks/log_bench.cc

#ifndef DISTILLWATCH_SRC_LOG_RECORD_H_
#define DISTILLWATCH_SRC_LOG_RECORD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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
  kLiteLlm,        // LiteLLM's standard logging payload, and its spend logs
  kOtel,           // OpenTelemetry GenAI spans and events, current and older names
  kOpenInference,  // llm.input_messages.N.*, as some gateways trace
  kKong,           // Kong's AI log
  kPortkey,        // Portkey's log
  kEnvoy           // Envoy access logs: no prompts, content-free features only
};
inline constexpr std::size_t kFormats = static_cast<std::size_t>(Format::kEnvoy) + 1;

// "auto", "plain", "openai", "anthropic", "batch", "litellm", "otel", "openinference", "kong",
// "portkey", "envoy".
//   Errors  InvalidArgument
Result<Format> ParseFormat(std::string_view name);
std::string_view Name(Format format);

// Fields that the operator names himself: {"account", ".metadata.key_id"}; syntax in json_path.h.
// Fields: account, time, prompt, messages (a prompt that may be a string of JSON), system, model,
// completion_tokens, prompt_tokens, and any other name for an attribute. They replace what the
// format says.
using FieldPaths = std::map<std::string, std::string>;

// Owns its text; the buffers are used again from line to line.
struct Record {
  std::string account, prompt, system, model;
  Time time{};
  std::uint32_t earlier_turns = 0, completion_tokens = 0, prompt_tokens = 0;
  std::vector<std::pair<std::string, std::string>> attributes;
  bool truncated = false;  // the writer of the log had cut the text

  // Views of this record and of `storage`.
  Event AsEvent(std::vector<Attribute>& storage) const;
};

// thread-compatible.
class RecordReader {
 public:
  //   Errors  InvalidArgument for a path that is not of the form .name.name[0]
  static Result<RecordReader> Create(Format format, const FieldPaths& fields);
  ~RecordReader();
  RecordReader(RecordReader&&) noexcept;
  RecordReader& operator=(RecordReader&&) noexcept;

  // Reads a line as LineSource delivers it (kPadding bytes behind it are readable); the line must
  // stay until ReadNext is done with it. After an error `record` is not specified.
  //   Errors  InvalidArgument saying what is wrong with the line: not JSON, no account, no time,
  //   ...
  //           NotFound for a sound line that tells of no request, as a tool's span
  Status Read(const LineSource::Line& line, Record& record);

  // Exporters pack many requests into one line: JSON lists, OTLP's resourceSpans and resourceLogs.
  // Reads the next request of the line that Read has begun.
  //   Errors  InvalidArgument when that request is bad: there may be more; NotFound when there is
  //   none
  Status ReadNext(Record& record);

 private:
  struct State;
  explicit RecordReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_RECORD_H_
