// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What spans and events say: OpenTelemetry, OpenInference. Every line is made up.

#include <gtest/gtest.h>

#include "log/reading.h"
#include "log/record.h"

namespace distillwatch::log {
namespace {

// ---- OpenTelemetry ----

TEST(OtelFormat, ReadsASpanWithFlatAttributes) {
  const Record record =
      ReadBoth(Format::kOtel, R"({"name": "chat m", "start_time": "2026-04-22T12:00:00.5Z",
      "context": {"trace_id": "0x1"}, "attributes": {"gen_ai.operation.name": "chat",
      "gen_ai.request.model": "m", "gen_ai.response.model": "m-2026", "user.id": "u7",
      "session.id": "s", "client.address": "203.0.113.9", "gen_ai.usage.input_tokens": 5,
      "gen_ai.usage.output_tokens": 6,
      "gen_ai.system_instructions": "[{\"type\": \"text\", \"content\": \"be kind\"}]",
      "gen_ai.input.messages": "[{\"role\": \"user\", \"parts\": [{\"type\": \"text\", )"
                              R"(\"content\": \"why?\"}]}]"}})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.time, At(kNoon_s, 500000));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
  EXPECT_EQ(AttributeOf(record, "ip"), "203.0.113.9");
}

TEST(OtelFormat, ReadsASpanWithOtlpAttributes) {
  const Record record =
      ReadBoth(Format::kOtel, R"({"traceId": "1", "startTimeUnixNano": "1776859200500000000",
      "attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
      {"key": "enduser.id", "value": {"stringValue": "u7"}},
      {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}},
      {"key": "gen_ai.input.messages",
      "value": {"stringValue": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",)"
                              R"(\"content\":\"why?\"}]}]"}}]})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.time, At(kNoon_s, 500000));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.prompt_tokens, 5u);
}

TEST(OtelFormat, ReadsMessagesThatAreNoStrings) {
  EXPECT_EQ(ReadBoth(Format::kOtel, R"({"timeUnixNano": "1776859200000000000",
      "eventName": "gen_ai.client.inference.operation.details",
      "attributes": {"user.id": "u", "gen_ai.input.messages": [
        {"role": "user", "parts": [{"type": "text", "content": "why?"}]}]}})")
                .prompt,
            "why?");
  EXPECT_EQ(ReadBoth(Format::kOtel, R"({"timeUnixNano": "1776859200000000000",
      "attributes": [{"key": "user.id", "value": {"stringValue": "u"}},
        {"key": "gen_ai.input.messages",
      "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [
          {"key": "role", "value": {"stringValue": "user"}},
          {"key": "parts", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [
            {"key": "type", "value": {"stringValue": "text"}},
            {"key": "content", "value": {"stringValue": "why?"}}]}}]}}}]}}]}}}]})")
                .prompt,
            "why?");
}

TEST(OtelFormat, ReadsOlderNames) {
  EXPECT_EQ(ReadBoth(Format::kOtel,
                     R"({"start_time": 0, "attributes": {"gen_ai.system": "x", "user.id": "u",
      "gen_ai.prompt": "[{\"role\": \"user\", \"content\": \"why?\"}]",
      "gen_ai.usage.prompt_tokens": 5}})")
                .prompt,
            "why?");
  EXPECT_EQ(ReadBoth(Format::kOtel,
                     R"({"start_time": 0, "attributes": {"gen_ai.system": "x", "user.id": "u",
      "gen_ai.prompt": "why?"}})")
                .prompt,
            "why?");
  const Record indexed =
      ReadBoth(Format::kOtel, R"({"start_time": 0, "attributes": {"gen_ai.system": "x",
      "user.id": "u", "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "why?",
      "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "be kind"}})");
  EXPECT_EQ(indexed.prompt, "why?");
  EXPECT_EQ(indexed.system, "be kind");
  EXPECT_EQ(ReadBoth(Format::kOtel,
                     R"({"start_time": 0, "attributes": {"gen_ai.system": "x", "user.id": "u"},
      "events": [{"name": "other"}, {"name": "gen_ai.content.prompt",
      "attributes": {"gen_ai.prompt": "why?"}}]})")
                .prompt,
            "why?");
  EXPECT_EQ(Read(Format::kOtel, R"({"timeUnixNano": 0, "body": {"content": "why?"},
      "attributes": {"event.name": "gen_ai.user.message", "user.id": "u"}})")
                .prompt,
            "why?");
}

TEST(OtelFormat, FallsBackToTheAddressWithoutItsPort) {
  EXPECT_EQ(Read(Format::kOtel, R"({"start_time": 0, "attributes": {"gen_ai.prompt": "why?",
      "client.address": "203.0.113.9:5123"}})")
                .account,
            "203.0.113.9");
}

TEST(OtelFormat, PassesOverSpansThatAreNoRequests) {
  for (const char* attributes :
       {R"("gen_ai.operation.name": "execute_tool", "gen_ai.request.model": "m")",
        R"("gen_ai.operation.name": "invoke_agent")", R"("http.method": "GET")",
        R"("event.name": "gen_ai.choice")"}) {
    const std::string line =
        R"({"start_time": 0, "attributes": {"user.id": "u", )" + std::string(attributes) + "}}";
    EXPECT_EQ(CodeOf(Format::kOtel, line), StatusCode::kNotFound) << line;
    EXPECT_EQ(CodeOf(Format::kAuto, line), StatusCode::kNotFound) << line;
  }
}

TEST(OtelFormat, ReadsTheManySpansOfALine) {
  const PaddedLine line(
      R"({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [
      {"startTimeUnixNano": "1776859200000000000", "attributes": [
        {"key": "user.id", "value": {"stringValue": "a"}}, {"key": "gen_ai.prompt",
      "value": {"stringValue": "one"}}]},
      {"startTimeUnixNano": "1776859200000000000", "attributes": [{"key": "db.system",
      "value": {"stringValue": "pg"}}]},
      {"startTimeUnixNano": "yesterday", "attributes": [
        {"key": "user.id", "value": {"stringValue": "b"}}, {"key": "gen_ai.prompt",
      "value": {"stringValue": "two"}}]}]}]},
      {"scopeSpans": [{"spans": [{"startTimeUnixNano": "1776859200000000000", "attributes": [
        {"key": "user.id", "value": {"stringValue": "c"}}, {"key": "gen_ai.prompt",
      "value": {"stringValue": "three"}}]}]}]}]})");
  for (const Format format : {Format::kOtel, Format::kAuto}) {
    RecordReader reader = ReaderOf(format);
    Record record;
    ASSERT_TRUE(reader.Read(line.line(), record).ok());
    EXPECT_EQ(record.account + record.prompt, "aone");
    EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kInvalidArgument);  // yesterday
    ASSERT_TRUE(reader.ReadNext(record).ok());
    EXPECT_EQ(record.account + record.prompt, "cthree");
    EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kNotFound);
    EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kNotFound);
  }
}

// ---- OpenInference ----

TEST(OpenInferenceFormat, ReadsFlattenedMessages) {
  const Record record =
      ReadBoth(Format::kOpenInference, R"({"start_time": "2026-04-22T12:00:00Z", "attributes": {
      "openinference.span.kind": "LLM", "llm.model_name": "m", "user.id": "u7", "session.id": "s",
      "llm.input_messages.0.message.role": "system",
      "llm.input_messages.0.message.content": "be kind",
      "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "hi",
      "llm.input_messages.2.message.role": "assistant",
      "llm.input_messages.2.message.content": "hello",
      "llm.input_messages.3.message.role": "user",
      "llm.input_messages.3.message.contents.0.message_content.type": "text",
      "llm.input_messages.3.message.contents.0.message_content.text": "why?",
      "llm.token_count.prompt": 5, "llm.token_count.completion": 6}})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.earlier_turns, 1u);
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
}

TEST(OpenInferenceFormat, ReadsTheInputValue) {
  const auto prompt = [](const std::string& value) {
    return ReadBoth(Format::kOpenInference,
                    R"({"start_time": 0, "attributes": {"openinference.span.kind": "LLM",
        "session.id": "s", "input.value": )" +
                        value + "}}")
        .prompt;
  };
  EXPECT_EQ(prompt(R"("why?")"), "why?");
  EXPECT_EQ(
      prompt(
          R"("{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"why?\"}]}")"),
      "why?");
}

TEST(OpenInferenceFormat, PassesOverOtherKindsOfSpans) {
  EXPECT_EQ(
      CodeOf(Format::kAuto, R"({"start_time": 0, "attributes": {"openinference.span.kind": "CHAIN",
                                       "user.id": "u", "input.value": "why?"}})"),
      StatusCode::kNotFound);
}

}  // namespace
}  // namespace distillwatch::log
