// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/json_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace distillwatch::log {
namespace {

using simdjson::dom::element;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class JsonView : public testing::Test {
 protected:
  element Parse(const std::string& text) {
    element root;
    EXPECT_FALSE(parser_.parse(text).get(root)) << text;
    return root;
  }
  static std::vector<std::pair<std::string, std::string>> FieldsOf(element value) {
    std::vector<std::pair<std::string, std::string>> fields;
    ForEachField(value, [&](std::string_view name, element field) {
      fields.emplace_back(name, TextOf(field).value_or("?"));
    });
    return fields;
  }

 private:
  simdjson::dom::parser parser_;
};

TEST_F(JsonView, SeesTextThroughItsWrapper) {
  EXPECT_EQ(TextOf(Parse(R"("x")")), "x");
  EXPECT_EQ(TextOf(Parse(R"({"stringValue": "x"})")), "x");
  EXPECT_EQ(TextOf(Parse(R"({"intValue": "7"})")), "7");
  EXPECT_EQ(TextOf(Parse(R"({"intValue": 7})")), std::nullopt);
  EXPECT_EQ(TextOf(Parse(R"({"stringValue": "x", "b": 1})")), std::nullopt);
  EXPECT_EQ(TextOf(Parse("{}")), std::nullopt);
}

TEST_F(JsonView, SeesTheFieldsOfAllSpellingsOfAnObject) {
  for (const char* text :
       {R"({"a": "1", "b": "2"})", R"([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])",
        R"({"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "1"}},
                                       {"key": "b", "value": {"stringValue": "2"}}]}})"}) {
    EXPECT_THAT(FieldsOf(Parse(text)), ElementsAre(Pair("a", "1"), Pair("b", "2"))) << text;
    EXPECT_TRUE(HasFields(Unwrap(Parse(text)))) << text;
  }
}

TEST_F(JsonView, LeavesOutWhatIsNoPairOfKeyAndValue) {
  EXPECT_THAT(
      FieldsOf(Parse(R"([1, {"key": "a"}, {"key": 1, "value": 2}, {"key": "b", "value": "2"}])")),
      ElementsAre(Pair("b", "2")));
  EXPECT_THAT(FieldsOf(Parse("12")), IsEmpty());
  EXPECT_FALSE(HasFields(Parse("[]")));
  EXPECT_FALSE(HasFields(Parse(R"([{"key": "a", "value": 1, "more": 2}])")));
}

TEST_F(JsonView, SeesItemsThroughTheirWrapper) {
  for (const char* text :
       {R"(["a", "b"])", R"({"arrayValue": {"values": [{"stringValue": "a"}, "b"]}})"}) {
    std::vector<std::string> items;
    ForEachItem(Parse(text), [&](element item) { items.emplace_back(TextOf(item).value_or("?")); });
    EXPECT_THAT(items, ElementsAre("a", "b")) << text;
  }
}

}  // namespace
}  // namespace distillwatch::log
