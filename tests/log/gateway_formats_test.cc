// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What the logs of gateways say: Kong, Portkey, Envoy. Every line is made up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/reading.h"
#include "log/record.h"

namespace distillwatch::log {
namespace {

using testing::IsEmpty;

// ---- Kong ----

TEST(KongFormat, ReadsTheAiLog) {
  const Record record =
      ReadBoth(Format::kKong, R"({"started_at": 1776859200500, "client_ip": "203.0.113.9",
      "consumer": {"id": "c1", "username": "n"}, "request": {"uri": "/chat",
      "headers": {"user-agent": "curl"}},
      "ai": {"proxy": {"payload": {"request": "{\"model\": \"m\", \"user\": \"u\", )"
                              R"(\"messages\": [{\"role\": \"user\", \"content\": \"why?\"}]}"},
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
      R"([{"started_at": 0, "consumer": {"username": "a"},
      "ai": {"proxy": {"usage": {"prompt_tokens": 5}}}},
                            {"started_at": 0, "client_ip": "203.0.113.9",
      "ai": {"proxy": {"usage": {"prompt_tokens": 6}}}}])");
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

// ---- Portkey ----

TEST(PortkeyFormat, ReadsTheLog) {
  const Record record = ReadBoth(Format::kPortkey, R"({"created_at": "2026-04-22T12:00:00Z",
      "request": {"url": "https://x/v1", "provider": "p", "method": "POST",
      "headers": {"user-agent": "curl"},
        "body": {"model": "m", "user": "u", "messages": [{"role": "user", "content": "why?"}]}},
      "response": {"status": 200, "response_time": 80, "time": 80,
      "body": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}},
      "metadata": {"_user": "p1", "organization": "o1", "traceId": "t"}})");
  EXPECT_EQ(record.account, "p1");
  EXPECT_EQ(record.time, At(kNoon_s));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.model, "m");
  EXPECT_EQ(record.prompt_tokens, 5u);
  EXPECT_EQ(record.completion_tokens, 6u);
  EXPECT_EQ(AttributeOf(record, "organization"), "o1");
}

// ---- Envoy ----

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
      "x-user-id": "u7", "x-forwarded-for": "-", "user-agent": "-",
      "gen_ai.usage.input_tokens": "-"})");
  EXPECT_EQ(record.account, "u7");
  EXPECT_EQ(record.prompt_tokens, 0u);
  EXPECT_THAT(record.attributes, IsEmpty());
}

}  // namespace
}  // namespace distillwatch::log
