// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/line_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/reading.h"

namespace distillwatch::log {
namespace {

using testing::HasSubstr;

std::string_view StringAt(simdjson::dom::element value, std::string_view name) {
  std::string_view text;
  EXPECT_FALSE(value[name].get(text)) << name;
  return text;
}

TEST(LineJson, OpensTheJsonInAString) {
  const PaddedLine line(R"({"body": "{\"model\": \"m\", \"inner\": \"[1, 2]\"}"})");
  LineJson json;
  const auto root = json.Parse(line.line().text);
  ASSERT_TRUE(root.ok());
  const auto body = json.Open(StringAt(*root, "body"));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(StringAt(*body, "model"), "m");
  const auto inner = json.Open(StringAt(*body, "inner"));
  ASSERT_TRUE(inner.has_value());
  EXPECT_TRUE(inner->is_array());
  EXPECT_EQ(StringAt(*body, "model"), "m");  // the outer one stays
}

TEST(LineJson, OpensAStringTwiceForThePriceOfOne) {
  const PaddedLine line(R"({"body": "{\"a\": 1}"})");
  LineJson json;
  const auto root = json.Parse(line.line().text);
  ASSERT_TRUE(root.ok());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(json.Open(StringAt(*root, "body")).has_value());
}

TEST(LineJson, OpensOnlyObjectsAndLists) {
  const PaddedLine line(R"({"a": "12", "b": "\"x\"", "c": "", "d": "{cut", "e": " [ ] "})");
  LineJson json;
  const auto root = json.Parse(line.line().text);
  ASSERT_TRUE(root.ok());
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_FALSE(json.Open(StringAt(*root, name)).has_value()) << name;
  }
  EXPECT_TRUE(json.Open(StringAt(*root, "e")).has_value());
}

TEST(LineJson, OpensNoMoreThanEightStringsOfALine) {
  std::string text = "[";
  for (int i = 0; i < 20; ++i) text += std::string(i > 0 ? "," : "") + R"("{\"a\": 1}")";
  const PaddedLine line(text + "]");
  LineJson json;
  for (int again = 0; again < 2; ++again) {
    const auto root = json.Parse(line.line().text);
    ASSERT_TRUE(root.ok());
    int opened = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      std::string_view string;
      ASSERT_FALSE(root->at(i).get(string));
      opened += json.Open(string).has_value();
    }
    EXPECT_EQ(opened, 8);
  }
}

TEST(LineJson, MendsWhatIsInsideOfAStringToo) {
  const PaddedLine line(R"({"body": "{\"a\": \"x\\ud800\"}"})");
  LineJson json;
  const auto root = json.Parse(line.line().text);
  ASSERT_TRUE(root.ok());
  const auto body = json.Open(StringAt(*root, "body"));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(StringAt(*body, "a"), "x\xef\xbf\xbd");
}

TEST(LineJson, SaysWhyALineIsNotJson) {
  LineJson json;
  for (const char* text :
       {"", "{", "nonsense", R"({"a": 1}x)", R"({"a": "unclosed})", "{\"a\" 1}"}) {
    const PaddedLine line(text);
    const auto root = json.Parse(line.line().text);
    ASSERT_FALSE(root.ok()) << text;
    EXPECT_EQ(root.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(root.status().message(), HasSubstr("not JSON: "));
  }
}

TEST(LineJson, RefusesBottomlessNesting) {
  LineJson json;
  const PaddedLine line(std::string(1 << 20, '['));
  EXPECT_FALSE(json.Parse(line.line().text).ok());
  const PaddedLine closed(std::string(5000, '[') + std::string(5000, ']'));
  EXPECT_THAT(json.Parse(closed.line().text).status().message(), HasSubstr("too deep"));
}

TEST(LineJson, ReadsOnAfterAGiantLine) {
  LineJson json;
  const PaddedLine giant("\"" + std::string(std::size_t{5} << 20, 'x') + "\"");
  const PaddedLine small(R"({"a": "b"})");
  ASSERT_TRUE(json.Parse(giant.line().text).ok());
  const auto root = json.Parse(small.line().text);
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(StringAt(*root, "a"), "b");
}

}  // namespace
}  // namespace distillwatch::log
