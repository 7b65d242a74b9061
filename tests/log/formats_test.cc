// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What lines with request bodies say: plain, OpenAI, Anthropic, batch, LiteLLM. Every line is made
// up.

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

// ---- Plain ----

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

// ---- OpenAI ----

TEST(OpenAiFormat, ReadsChatBodies) {
  const Record record = ReadBoth(Format::kOpenAi, R"({"model": "m-4", "user": "u7",
      "created_at": "2026-04-22T12:00:00Z", "messages": [{"role": "developer",
      "content": "be kind"},
      {"role": "user", "content": [{"type": "text", "text": "why?"}]}],
      "tools": [{"type": "function", "function": {"name": "f",
      "description": "not the user's"}}]})");
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
  EXPECT_EQ(Read(Format::kOpenAi,
                 R"({"ts": 0, "api_key_hash": "k1", "request": {"safety_identifier": "s",
      "input": "why?"}})")
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

// ---- Anthropic ----

TEST(AnthropicFormat, ReadsMessagesBodies) {
  const Record record = ReadBoth(Format::kAnthropic, R"({"timestamp": "2026-04-22T14:00:00+02:00",
      "model": "c-3", "metadata": {"user_id": "u7"}, "system": [{"type": "text",
      "text": "be kind"}],
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

// ---- Batch ----

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

// ---- LiteLLM ----

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

}  // namespace
}  // namespace distillwatch::log
