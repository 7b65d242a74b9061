// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What holds for lines of every format: the operator's own fields, wrong and hostile lines.

#include "log/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "log/reading.h"

namespace distillwatch::log {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

std::string PlainWith(std::string_view field, std::string_view value) {
  std::string line = "{";
  for (const std::string_view name : {"time", "account", "prompt"}) {
    line += std::string(line.size() > 1 ? ", " : "") + '"' + std::string(name) + "\": ";
    line += name == field ? value : name == "time" ? "0" : "\"x\"";
  }
  return line + "}";
}

// ---- Formats ----

TEST(FormatName, IsReadAndWritten) {
  for (std::size_t i = 0; i < kFormats; ++i) {
    const Result<Format> format = ParseFormat(Name(static_cast<Format>(i)));
    ASSERT_TRUE(format.ok());
    EXPECT_EQ(*format, static_cast<Format>(i));
  }
  EXPECT_THAT(
      ParseFormat("csv").status().message(),
      HasSubstr("format is 'csv'; allowed: auto, plain, openai, anthropic, batch, litellm, otel, "
                "openinference, kong, portkey, envoy"));
}

TEST(AutoFormat, DecidesLineByLine) {
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  for (const std::string_view text :
       {R"({"time": 0, "account": "a", "prompt": "why?"})",
        R"({"ts": 0, "user": "a", "input": "why?"})",
        R"({"start_time": 0, "attributes": {"user.id": "a", "gen_ai.prompt": "why?"}})"}) {
    const PaddedLine line(text);
    ASSERT_TRUE(reader.Read(line.line(), record).ok()) << text;
    EXPECT_EQ(record.account + record.prompt, "awhy?") << text;
  }
}

TEST(AutoFormat, SaysWhatTheLineHasInstead) {
  EXPECT_THAT(
      Refusal(Format::kAuto, R"({"level": "info", "msg": "started"})"),
      HasSubstr("of no known format, its fields are 'level', 'msg'; allowed: see --format"));
  EXPECT_THAT(Refusal(Format::kAuto, "{}"), HasSubstr("its fields are none"));
}

TEST(AutoFormat, TakesLinesOfTheOperatorsOwn) {
  const FieldPaths fields = {{"account", ".who"}, {"time", ".when"}, {"prompt", ".what"}};
  const Record record =
      Read(Format::kAuto, R"({"when": 5, "who": 7, "what": "why?", "from": "x"})", fields);
  EXPECT_EQ(record.account, "7");
  EXPECT_EQ(record.time, At(5));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_THAT(record.attributes, ElementsAre(Pair("from", "x")));
}

// ---- Fields of the operator ----

TEST(OwnFields, ReplaceThoseOfTheFormat) {
  constexpr std::string_view kLine = R"({"time": 1, "account": "a", "prompt": "p", "model": "m",
      "deep": [{"account": "b"}], "t.2": "1970-01-01T00:00:02Z", "q": "why?", "sys": "be kind",
      "n": 3})";
  const Record record = Read(Format::kPlain, kLine,
                             {{"account", ".deep[0].account"},
                              {"time", R"(["t.2"])"},
                              {"prompt", ".q"},
                              {"system", ".sys"},
                              {"model", ".n"},
                              {"prompt_tokens", ".n"},
                              {"completion_tokens", ".n"}});
  EXPECT_EQ(record.account, "b");
  EXPECT_EQ(record.time, At(2));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system, "be kind");
  EXPECT_EQ(record.model, "3");
  EXPECT_EQ(record.prompt_tokens, 3u);
  EXPECT_EQ(record.completion_tokens, 3u);
  EXPECT_THAT(record.attributes, IsEmpty());
}

TEST(OwnFields, OfAnyOtherNameAreAttributes) {
  const Record record =
      Read(Format::kOpenAi,
           R"({"ts": 0, "user": "u", "input": "why?", "x": {"plan": "gold", "seat": 4},
      "ip": "1.1.1.1"})",
           {{"plan", ".x.plan"}, {"seat", ".x.seat"}, {"none", ".x.none"}, {"ip", ".x.seat"}});
  EXPECT_THAT(record.attributes, testing::UnorderedElementsAre(Pair("plan", "gold"),
                                                               Pair("seat", "4"), Pair("ip", "4")));
}

TEST(OwnFields, AreNotReplacedByTheFormatsWhereTheyAreMissing) {
  EXPECT_THAT(Refusal(Format::kPlain, R"({"time": 0, "account": "a", "prompt": "p"})",
                      {{"account", ".key"}}),
              HasSubstr("no account; format plain has it in .key"));
  EXPECT_THAT(Refusal(Format::kOtel,
                      R"({"start_time": 0, "attributes": {"user.id": "u", "gen_ai.prompt": "p",
                                         "client.address": "1.1.1.1"}})",
                      {{"account", ".key"}}),
              HasSubstr("no account"));
}

TEST(OwnFields, ReachIntoStringsOfJson) {
  EXPECT_EQ(Read(Format::kOpenAi,
                 R"({"ts": 0, "body": "{\"metadata\": {\"key\": \"k\"}, \"input\": \"why?\"}"})",
                 {{"account", ".body.metadata.key"}})
                .account,
            "k");
}

TEST(OwnFields, TakeMessagesFromAString) {
  constexpr std::string_view kLine =
      R"({"time": 0, "account": "a", "m": "[{\"role\": \"user\", \"content\": \"why?\"}]"})";
  EXPECT_EQ(Read(Format::kPlain, kLine, {{"messages", ".m"}}).prompt, "why?");
  EXPECT_EQ(Read(Format::kPlain, kLine, {{"prompt", ".m"}}).prompt,
            R"([{"role": "user", "content": "why?"}])");
}

TEST(OwnFields, MustBeWellFormed) {
  for (const char* path : {"account", ".a[", "", ".."}) {
    const auto reader = RecordReader::Create(Format::kAuto, {{"account", path}});
    ASSERT_FALSE(reader.ok()) << path;
    EXPECT_EQ(reader.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(reader.status().message(),
                AllOf(HasSubstr("field 'account': path is '" + std::string(path) + "'"),
                      HasSubstr("allowed: ")));
  }
  EXPECT_FALSE(RecordReader::Create(Format::kPlain, {{"", ".a"}}).ok());
}

// ---- Values ----

TEST(RecordAccount, MayBeAWholeNumber) {
  EXPECT_EQ(Read(Format::kPlain, PlainWith("account", "17")).account, "17");
  EXPECT_EQ(Read(Format::kPlain, PlainWith("account", "-3")).account, "-3");
  EXPECT_EQ(Read(Format::kPlain, PlainWith("account", "18446744073709551615")).account,
            "18446744073709551615");
}

TEST(RecordAccount, MayBeEmpty) {
  EXPECT_EQ(Read(Format::kPlain, PlainWith("account", R"("")")).account, "");
}

TEST(RecordAccount, IsNothingElse) {
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("account", "1.5")),
              HasSubstr("account is 1.5; allowed: text or a whole number"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("account", "true")),
              HasSubstr("account is true; allowed"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("account", "null")), HasSubstr("no account"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("account", "{}")), HasSubstr("no account"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("account", "x"), {}), HasSubstr("not JSON"));
  EXPECT_THAT(
      Refusal(Format::kPlain, R"({"time": 0, "a": {"b": 1}, "prompt": "p"})", {{"account", ".a"}}),
      HasSubstr("account is an object; allowed"));
}

TEST(RecordTime, SaysWhatIsAllowed) {
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", R"("soon")")),
              HasSubstr("time is 'soon'; allowed: RFC 3339"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", "20000000000")),
              HasSubstr("time is 20000000000; allowed"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", "-1")), HasSubstr("time is -1; allowed"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", "1e300")),
              HasSubstr("time is 1e+300; allowed"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", "18446744073709551615")),
              HasSubstr("time is 18446744073709551615"));
  EXPECT_THAT(Refusal(Format::kPlain, PlainWith("time", "[0]")), HasSubstr("no time"));
}

TEST(RecordTokens, ThatAreNoCountAreNotKnown) {
  for (const char* value :
       {"-1", "4294967296", "1e300", R"("many")", R"("")", "true", "[]", "null"}) {
    EXPECT_EQ(
        Read(Format::kPlain, R"({"time": 0, "account": "a", "prompt": "p", "completion_tokens": )" +
                                 std::string(value) + "}")
            .completion_tokens,
        0u)
        << value;
  }
  EXPECT_EQ(Read(Format::kPlain,
                 R"({"time": 0, "account": "a", "prompt": "p", "completion_tokens": 4294967295})")
                .completion_tokens,
            4294967295u);
}

TEST(RecordAttributes, AreAtMostSixtyFour) {
  std::string line = R"({"time": 0, "account": "a", "prompt": "p")";
  for (int i = 0; i < 1000; ++i) line += ", \"f" + std::to_string(i) + "\": \"x\"";
  EXPECT_EQ(Read(Format::kPlain, line + "}").attributes.size(), 64u);
}

TEST(Record, LeavesNothingOfTheLineBefore) {
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  const PaddedLine full(R"({"startTime": 5, "end_user": "u", "model": "m", "call_type": "c",
      "prompt_tokens": 1, "completion_tokens": 2, "requester_ip_address": "1.1.1.1",
      "messages": [{"role": "system", "content": "s"},
      {"role": "user", "content": "one"}, {"role": "assistant", "content": "x"},
      {"role": "user", "content": "litellm_truncated 5 chars"}]})");
  const PaddedLine bare(R"({"time": 0, "account": "a", "prompt": "why?"})");
  ASSERT_TRUE(reader.Read(full.line(), record).ok());
  EXPECT_TRUE(record.truncated);
  ASSERT_TRUE(reader.Read(bare.line(), record).ok());
  EXPECT_EQ(record.account, "a");
  EXPECT_EQ(record.time, At(0));
  EXPECT_EQ(record.prompt, "why?");
  EXPECT_EQ(record.system + record.model, "");
  EXPECT_EQ(record.earlier_turns + record.prompt_tokens + record.completion_tokens, 0u);
  EXPECT_THAT(record.attributes, IsEmpty());
  EXPECT_FALSE(record.truncated);
}

TEST(Record, IsAnEvent) {
  const Record record = Read(
      Format::kPlain, R"({"time": 3, "account": "a", "prompt": "p", "system": "s", "model": "m",
      "completion_tokens": 4, "prompt_tokens": 5, "earlier_turns": 6, "ip": "1.1.1.1"})");
  std::vector<Attribute> storage;
  const Event event = record.AsEvent(storage);
  EXPECT_EQ(event.account, "a");
  EXPECT_EQ(event.time, At(3));
  EXPECT_EQ(event.prompt, "p");
  EXPECT_EQ(event.system, "s");
  EXPECT_EQ(event.model, "m");
  EXPECT_EQ(event.completion_tokens, 4u);
  EXPECT_EQ(event.prompt_tokens, 5u);
  EXPECT_EQ(event.earlier_turns, 6u);
  ASSERT_EQ(event.attributes.size(), 1u);
  EXPECT_EQ(event.attributes[0].name, "ip");
  EXPECT_EQ(event.attributes[0].value, "1.1.1.1");
}

// ---- Hostile lines ----

TEST(HostileLine, CannotHideByBeingUnreadable) {
  const auto prompt = [](std::string_view bytes) {
    return Read(Format::kAuto, R"({"ts": 0, "user": "u", "seed": )" + std::string(bytes) + "}")
        .prompt;
  };
  EXPECT_EQ(prompt(R"(1, "input": "a\ud800")"), "a\xef\xbf\xbd");
  EXPECT_EQ(prompt("1, \"input\": \"a\xff\""), "a\xef\xbf\xbd");
  EXPECT_EQ(prompt("1, \"input\": \"a\tb\""), "a\tb");
  EXPECT_EQ(prompt(R"(123456789012345678901234567890, "input": "a")"), "a");
  EXPECT_EQ(prompt(R"(NaN, "input": "a")"), "a");
  EXPECT_EQ(prompt(R"(1e999, "input": "a")"), "a");
  EXPECT_EQ(prompt(R"(1, "input": "a\u0000b")"), std::string_view("a\0b", 3));
}

TEST(HostileLine, CannotShowOnePromptToUsAndAnotherToTheModel) {
  EXPECT_EQ(
      Read(Format::kAuto, R"({"ts": 0, "user": "u", "input": "decoy", "input": "why?"})").prompt,
      "why?");
}

TEST(HostileLine, IsQuotedInMessagesShortAndDisarmed) {
  const std::string refusal = Refusal(
      Format::kPlain, PlainWith("time", "\"\\u001b[31m" + std::string(100'000, 'x') + "\""));
  EXPECT_LT(refusal.size(), 300u);
  EXPECT_THAT(refusal, AllOf(HasSubstr(R"(\x1b[31m)"), Not(HasSubstr("\x1b"))));
  std::string names = "{";
  for (int i = 0; i < 1000; ++i)
    names += std::string(i > 0 ? "," : "") + "\"" + std::string(100, 'n') + "\": 1";
  EXPECT_LT(Refusal(Format::kAuto, names + "}").size(), 1000u);
}

TEST(HostileLine, MayBeOfAnyJsonShape) {
  for (const char* text :
       {"1", "null", "\"x\"", "[]", "[1]", "[[]]", "[null, {}]", "{}", R"({"resourceSpans": 1})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [1, null]}]}]})",
        R"({"attributes": [[], {"key": 1}, {"key": "k"}]})", R"([{"key": "time", "value": 0}])"}) {
    for (std::size_t format = 0; format < kFormats; ++format) {
      EXPECT_NE(CodeOf(static_cast<Format>(format), text), StatusCode::kOk) << text;
    }
  }
}

TEST(HostileLine, MayNestToAnyDepth) {
  for (const int depth : {100, 1000, 1100, 100'000}) {
    std::string content(static_cast<std::size_t>(depth), '[');
    content += "\"deep\"" + std::string(static_cast<std::size_t>(depth), ']');
    const std::string line =
        R"({"ts": 0, "user": "u", "input": [{"role": "user", "content": )" + content + "}]}";
    if (depth <= 1000)
      EXPECT_EQ(Read(Format::kAuto, line).prompt, "deep");
    else
      EXPECT_THAT(Refusal(Format::kAuto, line), HasSubstr("too deep"));
  }
}

TEST(HostileLine, MayBeAsLongAsALineCanBe) {
  const std::string prompt(LineSource::kLongestLine - 100, 'x');
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  {
    const PaddedLine line(R"({"time": 0, "account": "a", "prompt": ")" + prompt + "\"}");
    ASSERT_TRUE(reader.Read(line.line(), record).ok());
    EXPECT_EQ(record.prompt.size(), prompt.size());
  }
  const PaddedLine small(PlainWith("", ""));
  ASSERT_TRUE(reader.Read(small.line(), record).ok());
  EXPECT_LT(record.prompt.capacity(), 1000u);  // the giant's memory is given back
}

TEST(HostileLine, ThatWasCutIsSaidToBeTooLong) {
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  LineSource::Line line;
  line.cut = true;
  EXPECT_THAT(reader.Read(line, record).message(), HasSubstr("longer than 67108864 bytes"));
  EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kNotFound);
}

TEST(HostileLine, MeansNothingToTheNext) {
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  const PaddedLine bad("[{\"time\": 0,"), many(R"([{"x": 1}, {"x": 2}, {"x": 3}])"),
      good(PlainWith("", ""));
  EXPECT_FALSE(reader.Read(many.line(), record).ok());
  EXPECT_FALSE(reader.Read(bad.line(), record).ok());
  EXPECT_EQ(reader.ReadNext(record).code(), StatusCode::kNotFound);
  EXPECT_TRUE(reader.Read(good.line(), record).ok());
}

TEST(RecordReader, UsesTheBuffersOfTheRecordAgain) {
  RecordReader reader = ReaderOf(Format::kPlain);
  Record record;
  const PaddedLine longer(PlainWith("prompt", "\"" + std::string(500, 'x') + "\""));
  const PaddedLine shorter(PlainWith("prompt", "\"" + std::string(50, 'y') + "\""));
  ASSERT_TRUE(reader.Read(longer.line(), record).ok());
  const char* const before = record.prompt.data();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(reader.Read((i % 2 == 0 ? shorter : longer).line(), record).ok());
    EXPECT_EQ(record.prompt.data(), before);
  }
}

TEST(RecordReader, Moves) {
  static_assert(std::is_nothrow_move_constructible_v<RecordReader>);
  RecordReader first = ReaderOf(Format::kPlain);
  RecordReader second = std::move(first);
  const PaddedLine line(PlainWith("", ""));
  Record record;
  EXPECT_TRUE(second.Read(line.line(), record).ok());
}

}  // namespace
}  // namespace distillwatch::log
