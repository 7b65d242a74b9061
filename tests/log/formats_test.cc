// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What the lines of each format say. Every line is made up; each is also read with kAuto.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/reading.h"
#include "log/record.h"

namespace distillwatch::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr std::int64_t kNoon_s = 1776859200;  // 2026-04-22T12:00:00Z

// Reads the line as what it is, and checks that kAuto reads the same.
Record ReadBoth(Format format, std::string_view text) {
  const Record record = Read(format, text);
  const Record told = Read(Format::kAuto, text);
  EXPECT_EQ(told.account, record.account) << text;
  EXPECT_EQ(told.time, record.time) << text;
  EXPECT_EQ(told.prompt, record.prompt) << text;
  EXPECT_EQ(told.system, record.system) << text;
  EXPECT_EQ(told.model, record.model) << text;
  EXPECT_EQ(told.earlier_turns, record.earlier_turns) << text;
  EXPECT_EQ(told.prompt_tokens, record.prompt_tokens) << text;
  EXPECT_EQ(told.completion_tokens, record.completion_tokens) << text;
  EXPECT_EQ(told.attributes, record.attributes) << text;
  return record;
}

// Plain
// ----------------------------------------------------------------------------------------------

TEST(PlainFormat, HasAllFields) {
  const Record record = ReadBoth(Format::kPlain, R"({"time": 1776859200.25, "account": "a1",
      "prompt": "why?", "system": "be kind", "model": "large-1", "completion_tokens": 20,
      "prompt_tokens": 3, "earlier_turns": 4})");
  EXPECT_EQ(record.account, "a1");
  EXPECT_EQ(record.time, At(kNoon_s, 250000));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "large-1");
  EXPECT_EQ(record.completion_tokens, 20u);
  EXPECT_EQ(record.prompt_tokens, 3u);
  EXPECT_EQ(record.earlier_turns, 4u);
  EXPECT_THAT(record.attributes, IsEmpty());
}

TEST(PlainFormat, EveryOtherTextIsAnAttribute) {
  const Record record = ReadBoth(Format::kPlain, R"({"time": 0, "account": "a1", "prompt": "why?",
      "ip": "203.0.113.9", "user_agent": "curl", "payment": "card-7", "plan": "gold", "empty": "",
      "age": 3, "tags": ["x"], "response": "because", "request_id": "r-1"})");
  EXPECT_THAT(record.attributes, ElementsAre(Pair("ip", "203.0.113.9"), Pair("user_agent", "curl"),
                                             Pair("payment", "card-7"), Pair("plan", "gold")));
}

TEST(PlainFormat, NeedsNoPromptWhereTokensAreCounted) {
  const Record record =
      ReadBoth(Format::kPlain, R"({"time": 0, "account": "a1", "prompt_tokens": 120})");
  EXPECT_EQ(record.prompt, "");
  EXPECT_EQ(record.prompt_tokens, 120u);
}

TEST(PlainFormat, SaysWhatIsMissing) {
  EXPECT_THAT(Refusal(Format::kPlain, R"({"account": "a", "prompt": "p"})"),
              HasSubstr("no time; format plain has it in .time"));
  EXPECT_THAT(Refusal(Format::kPlain, R"({"time": 0, "prompt": "p"})"),
              HasSubstr("no account; format plain has it in .account"));
  EXPECT_THAT(Refusal(Format::kPlain, R"({"time": 0, "account": "a"})"),
              HasSubstr("no prompt; format plain has it in .prompt"));
}

// OpenAI
// ---------------------------------------------------------------------------------------------

TEST(OpenAiFormat, ReadsChatBodies) {
  const Record record = ReadBoth(Format::kOpenAi, R"({"model": "m-4", "user": "u7",
      "created_at": "2026-04-22T12:00:00Z", "messages": [{"role": "developer", "content": "be kind"},
      {"role": "user", "content": [{"type": "text", "text": "why?"}]}],
      "tools": [{"type": "function", "function": {"name": "f", "description": "not the user's"}}]})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "m-4");
}

TEST(OpenAiFormat, ReadsResponsesBodies) {
  const Record record = ReadBoth(Format::kOpenAi, R"({"ts": 1776859200, "safety_identifier": "s1",
      "user": "u7", "model": "m-5", "instructions": "be kind", "input": [
      {"role": "user", "content": [{"type": "input_text", "text": "why?"}]}]})");
  EXPECT_EQ(record.account, "s1");
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(ReadBoth(Format::kOpenAi, R"({"ts": 0, "user": "u", "input": "why?"})").prompt, "why?");
}

TEST(OpenAiFormat, ReadsCompletionsBodies) {
  EXPECT_EQ(ReadBoth(Format::kOpenAi, R"({"ts": 0, "user": "u", "prompt": "once upon"})").prompt,
            "once upon");
  EXPECT_EQ(ReadBoth(Format::kOpenAi, R"({"ts": 0, "user": "u", "prompt": ["a", "b"]})").prompt,
            "a\nb");
  EXPECT_EQ(
      ReadBoth(Format::kOpenAi, R"({"ts": 0, "user": "u", "prompt": [5, 6, 7]})").prompt_tokens,
      3u);
}

TEST(OpenAiFormat, FindsTheBodyInALogLine) {
  constexpr std::string_view kBody =
      R"({"model": "m", "messages": [{"role": "user", "content": "why?"}]})";
  for (const std::string_view home : {"request", "body", "payload", "request_body"}) {
    const std::string line =
        R"({"ts": 1776859200000, "api_key_hash": "k1", "ip": "203.0.113.9", ")" +
        std::string(home) + R"(": )" + std::string(kBody) +
        R"(, "response": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}})";
    const Record record = ReadBoth(Format::kOpenAi, line);
    EXPECT_EQ(record.account, "k1") << home;
    EXPECT_EQ(record.time, At(kNoon_s)) << home;
    EXPECT_EQ(record.prompt, "why?") << home;
    EXPECT_EQ(record.model, "m") << home;
    EXPECT_EQ(record.prompt_tokens, 5u) << home;
    EXPECT_EQ(record.completion_tokens, 6u) << home;
    EXPECT_EQ(AttributeOf(record, "ip"), "203.0.113.9") << home;
  }
  EXPECT_EQ(ReadBoth(Format::kOpenAi,
                     R"({"ts": 0, "key_id": 17, "request": {"method": "POST", "body": )" +
                         std::string(kBody) + "}}")
                .prompt,
            "why?");
}

TEST(OpenAiFormat, FindsTheBodyInAString) {
  for (const std::string_view line :
       {R"({"ts": 0, "account": "a", "request": "{\"input\": \"why?\"}"})",
        R"({"ts": 0, "account": "a", "request": {"body": "{\"input\": \"why?\"}"}})"}) {
    EXPECT_EQ(ReadBoth(Format::kOpenAi, line).prompt, "why?");
  }
}

TEST(OpenAiFormat, TheOperatorsWordOnTheAccountComesFirst) {
  // A client may name another user in every request.
  EXPECT_EQ(
      Read(Format::kOpenAi, R"({"ts": 0, "user": "u1", "api_key_hash": "k1", "input": "why?"})")
          .account,
      "k1");
  EXPECT_EQ(
      Read(
          Format::kOpenAi,
          R"({"ts": 0, "api_key_hash": "k1", "request": {"safety_identifier": "s", "input": "why?"}})")
          .account,
      "k1");
}

TEST(OpenAiFormat, ReadsGeminiBodies) {
  const Record record = ReadBoth(Format::kOpenAi, R"({"ts": 0, "account": "a", "body": {
      "systemInstruction": {"parts": [{"text": "be kind"}]},
      "contents": [{"role": "user", "parts": [{"text": "why?"}]}]}})");
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
}

// Anthropic
// ------------------------------------------------------------------------------------------

TEST(AnthropicFormat, ReadsMessagesBodies) {
  const Record record = ReadBoth(Format::kAnthropic, R"({"timestamp": "2026-04-22T14:00:00+02:00",
      "model": "c-3", "metadata": {"user_id": "u7"}, "system": [{"type": "text", "text": "be kind"}],
      "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
                   {"role": "user", "content": [{"type": "text", "text": "why?"}]}],
      "usage": {"input_tokens": 9, "output_tokens": 8}})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.earlier_turns, 1u);
  EXPECT_EQ(record.prompt_tokens, 9u);
  EXPECT_EQ(record.completion_tokens, 8u);
}

TEST(AnthropicFormat, ReadsASystemPromptThatIsText) {
  EXPECT_EQ(
      ReadBoth(Format::kAnthropic, R"({"ts": 0, "metadata": {"user_id": "u"}, "system": "be kind",
                     "messages": [{"role": "user", "content": "why?"}]})")
          .system,
      "be kind");
}

// Batch
// ----------------------------------------------------------------------------------------------

TEST(BatchFormat, BelongsToTheBatchAndHasNoTime) {
  const Record record = ReadBoth(Format::kBatch, R"({"custom_id": "r-1", "method": "POST",
      "url": "/v1/chat/completions", "body": {"model": "m", "messages": [
      {"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}]}})");
  EXPECT_EQ(record.account, "batch");
  EXPECT_EQ(record.time, At(0));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "m");
}

TEST(BatchFormat, TakesAccountAndTimeFromTheOperatorsFields) {
  const FieldPaths fields = {{"account", ".owner"}, {"time", ".at"}};
  constexpr std::string_view kLine =
      R"({"custom_id": "r", "owner": "o1", "at": 1776859200, "body": {"input": "why?"}})";
  const Record record = Read(Format::kBatch, kLine, fields);
  EXPECT_EQ(record.account, "o1");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_THAT(
      Refusal(Format::kBatch, R"({"custom_id": "r", "at": 1, "body": {"input": "why?"}})", fields),
      HasSubstr("no account; format batch has it in .owner"));
}

// LiteLLM
// --------------------------------------------------------------------------------------------

TEST(LiteLlmFormat, ReadsTheStandardPayload) {
  const Record record = ReadBoth(Format::kLiteLlm, R"({"id": "x", "call_type": "acompletion",
      "startTime": 1776859200.5, "endTime": 1776859201.5, "model": "m", "prompt_tokens": 5,
      "completion_tokens": 6, "end_user": "e1", "requester_ip_address": "203.0.113.9",
      "metadata": {"user_api_key_hash": "h1", "user_api_key_team_id": "t1"},
      "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "why?"}],
      "response": {"choices": []}})");
  EXPECT_EQ(record.account, "h1");
  EXPECT_EQ(record.time, At(kNoon_s, 500000));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(AttributeOf(record, "ip"), "203.0.113.9");
  EXPECT_EQ(AttributeOf(record, "team"), "t1");
  EXPECT_FALSE(record.truncated);
}

TEST(LiteLlmFormat, TheFirstAccountFieldPresentWins) {
  const auto account = [](const std::string& fields) {
    return Read(Format::kLiteLlm, R"({"startTime": 0, "messages": "why?", )" + fields + "}")
        .account;
  };
  EXPECT_EQ(
      account(R"("metadata": {"user_api_key_alias": "alias", "user_api_key_user_id": "user"})"),
      "alias");
  EXPECT_EQ(account(R"("metadata": {"user_api_key_hash": null, "user_api_key_org_id": "o"})"), "o");
  EXPECT_EQ(account(R"("metadata": {"user_api_key_hash": ""}, "end_user": "e")"), "e");
  EXPECT_EQ(account(R"("end_user": "")"), "");
}

TEST(LiteLlmFormat, ReadsMessagesOfAnyShape) {
  const auto prompt = [](const std::string& messages) {
    return ReadBoth(Format::kLiteLlm,
                    R"({"call_type": "completion", "startTime": 0, "end_user": "e", "messages": )" +
                        messages + "}")
        .prompt;
  };
  EXPECT_EQ(prompt(R"("why?")"), "why?");
  EXPECT_EQ(prompt(R"([{"role": "user", "content": "why?"}])"), "why?");
  EXPECT_EQ(prompt(R"({"messages": [{"role": "user", "content": "why?"}]})"), "why?");
  EXPECT_EQ(prompt(R"({"role": "user", "content": "why?"})"), "why?");
  EXPECT_EQ(prompt(R"("[{\"role\": \"user\", \"content\": \"why?\"}]")"), "why?");
  EXPECT_EQ(prompt(R"("[an essay on brackets")"), "[an essay on brackets");
  EXPECT_EQ(prompt(R"("{\"city\": \"Rome\"}")"), R"({"city": "Rome"})");
}

TEST(LiteLlmFormat, MarksWhatWasCut) {
  for (const char* messages :
       {R"("[{'role': 'user', 'content': 'why...truncated by litellm, this logger ...")",
        R"([{"role": "user", "content": "why ... (litellm_truncated 12 chars) ... so?"}])",
        R"("[truncated by litellm]...so?'}]")"}) {
    EXPECT_TRUE(Read(Format::kLiteLlm, R"({"startTime": 0, "end_user": "e", "messages": )" +
                                           std::string(messages) + "}")
                    .truncated)
        << messages;
  }
}

TEST(LiteLlmFormat, ReadsSpendLogs) {
  const Record record =
      ReadBoth(Format::kLiteLlm, R"({"request_id": "x", "call_type": "acompletion",
      "api_key": "h1", "user": "u", "spend": 0.1, "prompt_tokens": 5, "completion_tokens": 6,
      "startTime": "2026-04-22T12:00:00.000Z", "model": "m", "messages": {}, "response": {}})");
  EXPECT_EQ(record.account, "h1");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_EQ(record.prompt, "");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(ReadBoth(Format::kLiteLlm, R"({"api_key": "h1", "startTime": 0, "messages": {},
      "proxy_server_request": "{\"messages\": [{\"role\": \"user\", \"content\": \"why?\"}]}"})")
                .prompt,
            "why?");
}

// OpenTelemetry
// --------------------------------------------------------------------------------------

TEST(OtelFormat, ReadsASpanWithFlatAttributes) {
  const Record record =
      ReadBoth(Format::kOtel, R"({"name": "chat m", "start_time": "2026-04-22T12:00:00.5Z",
      "context": {"trace_id": "0x1"}, "attributes": {"gen_ai.operation.name": "chat",
      "gen_ai.request.model": "m", "gen_ai.response.model": "m-2026", "user.id": "u7",
      "session.id": "s", "client.address": "203.0.113.9", "gen_ai.usage.input_tokens": 5,
      "gen_ai.usage.output_tokens": 6,
      "gen_ai.system_instructions": "[{\"type\": \"text\", \"content\": \"be kind\"}]",
      "gen_ai.input.messages": "[{\"role\": \"user\", \"parts\": [{\"type\": \"text\", \"content\": \"why?\"}]}]"}})");
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
      {"key": "gen_ai.input.messages", "value": {"stringValue": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"why?\"}]}]"}}]})");
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
        {"key": "gen_ai.input.messages", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [
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
      "gen_ai.prompt": "[{\"role\": \"user\", \"content\": \"why?\"}]", "gen_ai.usage.prompt_tokens": 5}})")
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
      "events": [{"name": "other"}, {"name": "gen_ai.content.prompt", "attributes": {"gen_ai.prompt": "why?"}}]})")
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
        {"key": "user.id", "value": {"stringValue": "a"}}, {"key": "gen_ai.prompt", "value": {"stringValue": "one"}}]},
      {"startTimeUnixNano": "1776859200000000000", "attributes": [{"key": "db.system", "value": {"stringValue": "pg"}}]},
      {"startTimeUnixNano": "yesterday", "attributes": [
        {"key": "user.id", "value": {"stringValue": "b"}}, {"key": "gen_ai.prompt", "value": {"stringValue": "two"}}]}]}]},
      {"scopeSpans": [{"spans": [{"startTimeUnixNano": "1776859200000000000", "attributes": [
        {"key": "user.id", "value": {"stringValue": "c"}}, {"key": "gen_ai.prompt", "value": {"stringValue": "three"}}]}]}]}]})");
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

// OpenInference
// --------------------------------------------------------------------------------------

TEST(OpenInferenceFormat, ReadsFlattenedMessages) {
  const Record record =
      ReadBoth(Format::kOpenInference, R"({"start_time": "2026-04-22T12:00:00Z", "attributes": {
      "openinference.span.kind": "LLM", "llm.model_name": "m", "user.id": "u7", "session.id": "s",
      "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "be kind",
      "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "hi",
      "llm.input_messages.2.message.role": "assistant", "llm.input_messages.2.message.content": "hello",
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

// Kong
// -----------------------------------------------------------------------------------------------

TEST(KongFormat, ReadsTheAiLog) {
  const Record record =
      ReadBoth(Format::kKong, R"({"started_at": 1776859200500, "client_ip": "203.0.113.9",
      "consumer": {"id": "c1", "username": "n"}, "request": {"uri": "/chat", "headers": {"user-agent": "curl"}},
      "ai": {"proxy": {"payload": {"request": "{\"model\": \"m\", \"user\": \"u\", \"messages\": [{\"role\": \"user\", \"content\": \"why?\"}]}"},
             "usage": {"prompt_tokens": 5, "completion_tokens": 6},
             "meta": {"request_model": "m-1", "provider_name": "p"}}}})");
  EXPECT_EQ(record.account, "c1");
  EXPECT_EQ(record.time, At(kNoon_s, 500000));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.model, "m-1");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
  EXPECT_EQ(AttributeOf(record, "ip"), "203.0.113.9");
  EXPECT_EQ(AttributeOf(record, "user_agent"), "curl");
}

TEST(KongFormat, ReadsListsOfRequests) {
  const PaddedLine line(
      R"([{"started_at": 0, "consumer": {"username": "a"}, "ai": {"proxy": {"usage": {"prompt_tokens": 5}}}},
                            {"started_at": 0, "client_ip": "203.0.113.9", "ai": {"proxy": {"usage": {"prompt_tokens": 6}}}}])");
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  ASSERT_TRUE(reader.Read(line.line(), record).ok());
  EXPECT_EQ(record.account, "a");
  ASSERT_TRUE(reader.ReadNext(record).ok());
  EXPECT_EQ(record.account, "203.0.113.9");
  EXPECT_EQ(record.prompt_tokens, 6u);
  EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kNotFound);
}

TEST(KongFormat, PassesOverRequestsThatWentToNoModel) {
  EXPECT_EQ(CodeOf(Format::kAuto,
                   R"({"started_at": 0, "client_ip": "203.0.113.9", "consumer": {"id": "c"},
                                       "request": {"uri": "/health"}})"),
            StatusCode::kNotFound);
}

// Portkey
// --------------------------------------------------------------------------------------------

TEST(PortkeyFormat, ReadsTheLog) {
  const Record record = ReadBoth(Format::kPortkey, R"({"created_at": "2026-04-22T12:00:00Z",
      "request": {"url": "https://x/v1", "provider": "p", "method": "POST", "headers": {"user-agent": "curl"},
        "body": {"model": "m", "user": "u", "messages": [{"role": "user", "content": "why?"}]}},
      "response": {"status": 200, "response_time": 80, "time": 80, "body": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}},
      "metadata": {"_user": "p1", "organization": "o1", "traceId": "t"}})");
  EXPECT_EQ(record.account, "p1");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
  EXPECT_EQ(AttributeOf(record, "organization"), "o1");
}

// Envoy
// ----------------------------------------------------------------------------------------------

TEST(EnvoyFormat, IsFreeOfContent) {
  const Record record =
      ReadBoth(Format::kEnvoy, R"({"start_time": "2026-04-22T12:00:00.500Z", "method": "POST",
      "response_code": 200, "duration": 80, "x-forwarded-for": "203.0.113.9, 10.0.0.1",
      "downstream_remote_address": "10.0.0.1:4000", "user-agent": "curl", "x-request-id": "r",
      "x-account-id": "a1", "gen_ai.request.model": "m", "gen_ai.response.model": "m-2026",
      "gen_ai.usage.input_tokens": "5", "gen_ai.usage.output_tokens": 6})");
  EXPECT_EQ(record.account, "a1");
  EXPECT_EQ(record.time, At(kNoon_s, 500000));
  EXPECT_EQ(record.prompt, "");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
  EXPECT_EQ(AttributeOf(record, "ip"), "203.0.113.9");
  EXPECT_EQ(AttributeOf(record, "user_agent"), "curl");
}

TEST(EnvoyFormat, TakesAnAddressForTheAccountWithoutItsPort) {
  const auto account = [](const std::string& fields) {
    return ReadBoth(Format::kEnvoy, R"({"start_time": 0, "response_code": 429, )" + fields + "}")
        .account;
  };
  EXPECT_EQ(account(R"("x-forwarded-for": "203.0.113.9, 10.0.0.1")"), "203.0.113.9");
  EXPECT_EQ(account(R"("downstream_remote_address": "203.0.113.9:5123")"), "203.0.113.9");
  EXPECT_EQ(account(R"("downstream_remote_address": "[2001:db8::1]:5123")"), "2001:db8::1");
  EXPECT_EQ(account(R"("x-forwarded-for": "2001:db8::1")"), "2001:db8::1");
}

TEST(EnvoyFormat, ADashIsNothing) {
  const Record record =
      ReadBoth(Format::kEnvoy, R"({"start_time": 0, "response_code": 200, "x-account-id": "-",
      "x-user-id": "u7", "x-forwarded-for": "-", "user-agent": "-", "gen_ai.usage.input_tokens": "-"})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.prompt_tokens, 0u);
  EXPECT_THAT(record.attributes, IsEmpty());
}

}  // namespace
}  // namespace distillwatch::log
