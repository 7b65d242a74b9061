// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Properties of RecordReader on random lines: every format tells the same request alike, and no
// bytes do harm. Seeds are fixed; the fuzz target goes on where this ends.

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "log/reading.h"
#include "log/record.h"

namespace distillwatch::log {
namespace {

using Random = std::mt19937_64;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[8];
    std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned char>(c));
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\')
      out += escape;
    else
      out += c;
  }
  return out + "\"";
}

std::string RandomText(Random& random) {
  constexpr std::array<std::string_view, 16> kPieces = {"a",
                                                        "why ",
                                                        "\"",
                                                        "\\",
                                                        "\n",
                                                        "{",
                                                        "}",
                                                        "[",
                                                        "]",
                                                        ":",
                                                        ",",
                                                        "\xc3\xa9",
                                                        "\xf0\x9f\x98\x80",
                                                        "\\u0041",
                                                        std::string_view("\0", 1),
                                                        "{\"role\": \"system\"}"};
  std::string text = "q";  // never JSON as a whole
  for (std::uint64_t n = random() % 20; n > 0; --n) text += kPieces[random() % kPieces.size()];
  return text;
}

struct Request {
  explicit Request(Random& random)
      : account(RandomText(random)),
        prompt(RandomText(random)),
        system(RandomText(random)),
        model(RandomText(random)),
        time_s(static_cast<std::int64_t>(random() % 7'258'118'400)),
        tokens(static_cast<std::uint32_t>(random() % 10'000)),
        earlier_turns(static_cast<std::uint32_t>(random() % 3)) {}

  std::string Messages(std::string_view text_key, std::string_view type, bool with_system) const {
    const auto message = [&](std::string_view role, std::string_view text) {
      return "{\"role\":\"" + std::string(role) + "\",\"" + std::string(text_key) + "\":" +
             (type.empty()
                  ? Quoted(text)
                  : "[{\"type\":\"text\",\"" + std::string(type) + "\":" + Quoted(text) + "}]") +
             "}";
    };
    std::string list = "[";
    if (with_system) list += message("system", system) + ",";
    for (std::uint32_t i = 0; i < earlier_turns; ++i)
      list += message("user", "x") + "," + message("assistant", "y") + ",";
    return list + message("user", prompt) + "]";
  }

  std::string account, prompt, system, model;
  std::int64_t time_s;
  std::uint32_t tokens, earlier_turns;
};

std::string Seconds(const Request& r) {
  return std::to_string(r.time_s);
}
std::string Nanoseconds(const Request& r) {
  return Quoted(Seconds(r) + ".0");
}
std::string Tokens(const Request& r) {
  return std::to_string(r.tokens);
}

// The same request as every format writes it.
struct Writer {
  Format format;
  std::string (*write)(const Request&);
};
const Writer kWriters[] = {
    {Format::kPlain,
     [](const Request& r) {
       return "{\"time\":" + Seconds(r) + ",\"account\":" + Quoted(r.account) +
              ",\"prompt\":" + Quoted(r.prompt) + ",\"system\":" + Quoted(r.system) +
              ",\"model\":" + Quoted(r.model) + ",\"completion_tokens\":" + Tokens(r) +
              ",\"earlier_turns\":" + std::to_string(r.earlier_turns) + "}";
     }},
    {Format::kOpenAi,
     [](const Request& r) {
       return "{\"ts\":" + Seconds(r) + ",\"api_key_hash\":" + Quoted(r.account) +
              ",\"request\":{\"model\":" + Quoted(r.model) +
              ",\"messages\":" + r.Messages("content", "", true) +
              "},\"response\":{\"usage\":{\"completion_tokens\":" + Tokens(r) + "}}}";
     }},
    {Format::kOpenAi,
     [](const Request& r) {
       const std::string body = "{\"model\":" + Quoted(r.model) +
                                ",\"instructions\":" + Quoted(r.system) +
                                ",\"input\":" + r.Messages("content", "text", false) + "}";
       return "{\"ts\":" + Seconds(r) + ",\"account\":" + Quoted(r.account) +
              ",\"body\":" + Quoted(body) + ",\"output_tokens\":" + Tokens(r) + "}";
     }},
    {Format::kAnthropic,
     [](const Request& r) {
       return "{\"timestamp\":" + Seconds(r) + ",\"metadata\":{\"user_id\":" + Quoted(r.account) +
              "},\"model\":" + Quoted(r.model) + ",\"system\":" + Quoted(r.system) +
              ",\"messages\":" + r.Messages("content", "text", false) +
              ",\"usage\":{\"output_tokens\":" + Tokens(r) + "}}";
     }},
    {Format::kLiteLlm,
     [](const Request& r) {
       return "{\"call_type\":\"c\",\"startTime\":" + Seconds(r) +
              ".0,\"metadata\":{\"user_api_key_hash\":" + Quoted(r.account) +
              "},\"model\":" + Quoted(r.model) +
              ",\"messages\":" + r.Messages("content", "", true) +
              ",\"completion_tokens\":" + Tokens(r) + "}";
     }},
    {Format::kOtel,
     [](const Request& r) {
       return "{\"startTimeUnixNano\":" + Nanoseconds(r) +
              ",\"attributes\":{\"gen_ai.request.model\":" + Quoted(r.model) +
              ",\"user.id\":" + Quoted(r.account) + ",\"gen_ai.usage.output_tokens\":" + Tokens(r) +
              ",\"gen_ai.input.messages\":" + Quoted(r.Messages("parts", "content", true)) + "}}";
     }},
    {Format::kOtel,
     [](const Request& r) {
       const auto pair = [](std::string_view key, const std::string& value) {
         return "{\"key\":\"" + std::string(key) + "\",\"value\":{\"stringValue\":" + value + "}}";
       };
       return "{\"startTimeUnixNano\":" + Nanoseconds(r) + ",\"attributes\":[" +
              pair("gen_ai.request.model", Quoted(r.model)) + "," +
              pair("user.id", Quoted(r.account)) +
              ",{\"key\":\"gen_ai.usage.output_tokens\",\"value\":{\"intValue\":\"" + Tokens(r) +
              "\"}}," +
              pair("gen_ai.system_instructions",
                   Quoted("[{\"type\":\"text\",\"content\":" + Quoted(r.system) + "}]")) +
              "," + pair("gen_ai.prompt", Quoted(r.Messages("content", "", false))) + "]}";
     }},
    {Format::kOpenInference,
     [](const Request& r) {
       const auto message = [](std::size_t i, std::string_view role, std::string_view text) {
         const std::string name = "\"llm.input_messages." + std::to_string(i) + ".message.";
         return name + "role\":\"" + std::string(role) + "\"," + name +
                "content\":" + Quoted(text) + ",";
       };
       std::string messages = message(0, "system", r.system);
       std::size_t i = 1;
       for (std::uint32_t turn = 0; turn < r.earlier_turns; ++turn) {
         messages += message(i, "user", "x") + message(i + 1, "assistant", "y");
         i += 2;
       }
       return "{\"start_time\":" + Seconds(r) +
              ",\"attributes\":{\"openinference.span.kind\":\"LLM\"," + messages +
              message(i, "user", r.prompt) + "\"user.id\":" + Quoted(r.account) +
              ",\"llm.model_name\":" + Quoted(r.model) +
              ",\"llm.token_count.completion\":" + Tokens(r) + "}}";
     }},
    {Format::kKong,
     [](const Request& r) {
       return "{\"started_at\":" + Seconds(r) + ",\"consumer\":{\"id\":" + Quoted(r.account) +
              "},\"ai\":{\"proxy\":{\"meta\":{\"request_model\":" + Quoted(r.model) +
              "},\"usage\":{\"completion_tokens\":" + Tokens(r) + "},\"payload\":{\"request\":" +
              Quoted("{\"messages\":" + r.Messages("content", "", true) + "}") + "}}}}";
     }},
    {Format::kPortkey,
     [](const Request& r) {
       return "{\"created_at\":" + Seconds(r) + ",\"metadata\":{\"_user\":" + Quoted(r.account) +
              "},\"request\":{\"provider\":\"p\",\"body\":{\"model\":" + Quoted(r.model) +
              ",\"messages\":" + r.Messages("content", "", true) +
              "}},\"response\":{\"body\":{\"usage\":{\"completion_tokens\":" + Tokens(r) + "}}}}";
     }},
};

TEST(RecordProperty, EveryFormatTellsTheSameRequestAlike) {
  Random random(1);
  std::vector<RecordReader> readers;
  for (const Writer& writer : kWriters) readers.push_back(ReaderOf(writer.format));
  RecordReader any = ReaderOf(Format::kAuto);
  Record record;
  for (int round = 0; round < 300; ++round) {
    const Request truth(random);
    for (std::size_t i = 0; i < std::size(kWriters); ++i) {
      const std::string text = kWriters[i].write(truth);
      const PaddedLine line(text);
      for (RecordReader* reader : {&readers[i], &any}) {
        const Status status = reader->Read(line.line(), record);
        ASSERT_TRUE(status.ok()) << status.message() << "\n" << text;
        ASSERT_EQ(record.account, truth.account) << text;
        ASSERT_EQ(record.prompt, truth.prompt) << text;
        ASSERT_EQ(record.system, truth.system) << text;
        ASSERT_EQ(record.model, truth.model) << text;
        ASSERT_EQ(record.time, At(truth.time_s)) << text;
        ASSERT_EQ(record.completion_tokens, truth.tokens) << text;
        ASSERT_EQ(record.earlier_turns, truth.earlier_turns) << text;
      }
    }
  }
}

std::string Mutated(std::string text, Random& random) {
  constexpr std::string_view kBytes("{}[]\",:\\0-eN\0\xff\xc3\x1b \n", 19);
  for (std::uint64_t n = 1 + random() % 4; n > 0 && !text.empty(); --n) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = kBytes[random() % kBytes.size()];
        break;
      case 1:
        text.insert(at, 1, kBytes[random() % kBytes.size()]);
        break;
      case 2:
        text.erase(at, 1 + random() % 8);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 40));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

// The format of a line is guessed from the line before, and the guess never shows: not in lines
// with the fields of two formats, nor in those with more JSON in strings than is opened.
TEST(RecordProperty, NoLineIsReadByTheFormatOfTheLineBefore) {
  Random random(4);
  RecordReader any = ReaderOf(Format::kAuto);
  const auto writer = [&random] { return kWriters[random() % std::size(kWriters)]; };
  std::size_t read = 0, refused = 0;
  for (int round = 0; round < 1500; ++round) {
    const Request truth(random);
    std::string text = writer().write(truth);
    if (random() % 2 == 0) {
      text.back() = ',';
      text += writer().write(truth).substr(1);
    }
    if (random() % 3 == 0) {
      text.back() = ',';
      text += "\"attributes\":" + Quoted(R"({"gen_ai.system":"x"})") + "}";
      for (std::uint64_t n = random() % 12; n > 0; --n) text.insert(1, R"("usage":"{}",)");
    }
    if (random() % 4 == 0) text = Mutated(text, random);
    const PaddedLine line(text);
    RecordReader alone = ReaderOf(Format::kAuto);
    Record truly, record;
    const Status expected = alone.Read(line.line(), truly);
    const Status status = any.Read(line.line(), record);
    ASSERT_EQ(status.code(), expected.code()) << text;
    ASSERT_EQ(status.message(), expected.message()) << text;
    ++(status.ok() ? read : refused);
    if (!status.ok()) continue;
    ASSERT_EQ(record.account, truly.account) << text;
    ASSERT_EQ(record.time, truly.time) << text;
    ASSERT_EQ(record.prompt, truly.prompt) << text;
    ASSERT_EQ(record.system, truly.system) << text;
    ASSERT_EQ(record.model, truly.model) << text;
    ASSERT_EQ(record.attributes, truly.attributes) << text;
    ASSERT_EQ(record.earlier_turns, truly.earlier_turns) << text;
  }
  EXPECT_GT(read, 500u);  // both kinds of lines came
  EXPECT_GT(refused, 100u);
}

TEST(RecordProperty, NoMutationDoesHarm) {
  Random random(2);
  std::vector<RecordReader> readers;
  for (std::size_t i = 0; i < kFormats; ++i) readers.push_back(ReaderOf(static_cast<Format>(i)));
  Record record;
  std::size_t read = 0, refused = 0;
  for (int round = 0; round < 2000; ++round) {
    const Request truth(random);
    const PaddedLine line(Mutated(kWriters[random() % std::size(kWriters)].write(truth), random));
    for (const std::size_t i : {std::size_t{0}, static_cast<std::size_t>(random() % kFormats)}) {
      for (Status status = readers[i].Read(line.line(), record);
           status.code() != StatusCode::kNotFound; status = readers[i].ReadNext(record)) {
        ++(status.ok() ? read : refused);
        ASSERT_EQ(status.ok(), status.message().empty());
        ASSERT_LT(status.message().size(), 1000u);
        ASSERT_GE(record.time, Time{});
      }
    }
  }
  EXPECT_GT(read, 100u);  // both kinds of lines came
  EXPECT_GT(refused, 100u);
}

TEST(RecordProperty, RandomBytesAreRefused) {
  Random random(3);
  RecordReader reader = ReaderOf(Format::kAuto);
  Record record;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const PaddedLine line(bytes);
    EXPECT_FALSE(reader.Read(line.line(), record).ok());
  }
}

}  // namespace
}  // namespace distillwatch::log
