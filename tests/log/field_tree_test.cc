// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/field_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/json_view.h"
#include "log/reading.h"

namespace distillwatch::log {
namespace {

using Accept = FieldTree::Accept;

class FieldTreeTest : public testing::Test {
 protected:
  static constexpr std::size_t kSlots = 3;

  void Add(std::string_view path, std::uint32_t slot, std::uint32_t rank,
           Accept accept = Accept::kAnything) {
    tree_.Add(*JsonPath::Parse(path), {slot, rank, accept});
  }
  // The text found for a slot; "(none)" without.
  std::string Find(std::string_view text, std::size_t slot = 0) {
    const PaddedLine line(text);
    const auto root = json_.Parse(line.line().text);
    EXPECT_TRUE(root.ok()) << text;
    tree_.Find(*root, kSlots, json_, findings_);
    const Findings::Value& value = findings_.values[slot];
    if (!value.present()) return "(none)";
    return std::string(TextOf(value.element).value_or("(no text)"));
  }

  FieldTree tree_;
  LineJson json_;
  Findings findings_;
};

TEST_F(FieldTreeTest, TheFirstPathThatIsPresentWins) {
  Add(".a", 0, 0);
  Add(".b.c", 0, 1);
  EXPECT_EQ(Find(R"({"b": {"c": "second"}, "a": "first"})"), "first");
  EXPECT_EQ(Find(R"({"b": {"c": "second"}})"), "second");
  EXPECT_EQ(Find(R"({"x": 1})"), "(none)");
}

TEST_F(FieldTreeTest, NullIsAbsent) {
  Add(".a", 0, 0);
  Add(".b", 0, 1);
  EXPECT_EQ(Find(R"({"a": null, "b": "x"})"), "x");
}

TEST_F(FieldTreeTest, WhatIsEmptyYields) {
  Add(".a", 0, 0);
  Add(".b", 0, 1);
  EXPECT_EQ(Find(R"({"a": "", "b": "x"})"), "x");
  EXPECT_EQ(Find(R"({"a": {}, "b": "x"})"), "x");
  EXPECT_EQ(Find(R"({"a": [], "b": "x"})"), "x");
  EXPECT_EQ(Find(R"({"a": "", "c": 1})"), "");
}

TEST_F(FieldTreeTest, TheLastOfRepeatedNamesWins) {
  Add(".a.b", 0, 0);
  EXPECT_EQ(Find(R"({"a": {"b": "decoy", "b": "x"}})"), "x");
  EXPECT_EQ(Find(R"({"a": {"b": "decoy"}, "a": {"b": "x"}})"), "x");
}

TEST_F(FieldTreeTest, APathMayServeTwoSlots) {
  Add(".a", 0, 0);
  Add(".a", 1, 0);
  EXPECT_EQ(Find(R"({"a": "x"})", 0), "x");
  EXPECT_EQ(Find(R"({"a": "x"})", 1), "x");
}

TEST_F(FieldTreeTest, AScalarSlotPassesOverObjects) {
  Add(".user", 0, 0, Accept::kScalar);
  Add(".user.id", 0, 1, Accept::kScalar);
  EXPECT_EQ(Find(R"({"user": {"id": "x"}})"), "x");
  EXPECT_EQ(Find(R"({"user": ["x"]})"), "(none)");
  EXPECT_EQ(Find(R"({"user": {"stringValue": "x"}})"), "x");
}

TEST_F(FieldTreeTest, SeesThroughStringsThatHoldJson) {
  Add(".body.user", 0, 0);
  EXPECT_EQ(Find(R"({"body": "{\"user\": \"x\"}"})"), "x");
  EXPECT_EQ(Find(R"({"body": "{\"user\": \"x\""})"), "(none)");
  EXPECT_EQ(Find(R"({"body": "user"})"), "(none)");
}

TEST_F(FieldTreeTest, SeesThroughListsOfKeysAndValues) {
  Add(R"(.attributes["user.id"])", 0, 0);
  EXPECT_EQ(Find(R"({"attributes": {"user.id": "x"}})"), "x");
  EXPECT_EQ(Find(R"({"attributes": [{"key": "user.id", "value": {"stringValue": "x"}}]})"), "x");
}

TEST_F(FieldTreeTest, CountsItems) {
  Add(".a[1]", 0, 0);
  Add(".a[].b", 1, 0);
  EXPECT_EQ(Find(R"({"a": ["x", "y", "z"]})"), "y");
  EXPECT_EQ(Find(R"({"a": ["x"]})"), "(none)");
  EXPECT_EQ(Find(R"({"a": [{"b": "1"}, {"c": "2"}, {"b": "3"}, 4]})", 1), "3");
}

TEST_F(FieldTreeTest, CollectsFlattenedLists) {
  tree_.AddIndexed(*JsonPath::Parse(R"(.attributes["llm.messages."])"));
  Find(R"({"attributes": {"llm.messages.1.role": "user", "llm.messages.x.role": "no",
                          "llm.messages.7": "no", "llm.messages.0.a.b": "c", "llm.messages.": "no",
                          "llm.messages.99999999999.role": "no"}})");
  ASSERT_EQ(findings_.indexed.size(), 2u);
  EXPECT_EQ(findings_.indexed[0].index, 1u);
  EXPECT_EQ(findings_.indexed[0].name, "role");
  EXPECT_EQ(findings_.indexed[1].index, 0u);
  EXPECT_EQ(findings_.indexed[1].name, "a.b");
}

TEST_F(FieldTreeTest, TellsTheFieldsOfTheRootThatNoPathLeadsThrough) {
  Add(".a.b", 0, 0);
  tree_.Mention(*JsonPath::Parse(".c"));
  EXPECT_EQ(Find(R"({"c": "x", "b": "y", "a": {"b": "z", "d": 1}, "": [2], "b": "again"})"), "z");
  std::vector<std::string_view> others;
  for (const Findings::Other& other : findings_.others) others.push_back(other.name);
  EXPECT_THAT(others, testing::ElementsAre("b", "", "b"));
  EXPECT_EQ(TextOf(findings_.others[2].element), "again");
  EXPECT_EQ(Find(R"({"c": "x"})"), "(none)");
  EXPECT_TRUE(findings_.others.empty());
}

TEST_F(FieldTreeTest, ASignIsToAllElseANameThatNoPathHas) {
  const std::string line =
      R"({"a": "-", "b": {"c": "-"}, "d": "x", "m.0.role": "user", "m.1.role": "user"})";
  Add(".d", 0, 0);
  Add(".b.e", 0, 1);
  tree_.AddIndexed(*JsonPath::Parse(R"(["m."])"));
  tree_.SetAbsentText("-");
  Find(line);
  const std::size_t others = findings_.others.size(), indexed = findings_.indexed.size();
  EXPECT_EQ(others, 3u);  // a, and the flattened list
  EXPECT_EQ(indexed, 2u);
  Add(".a", 1, 0, Accept::kSign);
  Add(".b.c", 2, 0, Accept::kSign);
  Add(R"(["m.1.role"])", 2, 0, Accept::kSign);
  EXPECT_EQ(Find(line, 1), "-");  // absent text is a sign
  EXPECT_EQ(Find(line, 2), "user");
  EXPECT_EQ(Find(line, 0), "x");
  EXPECT_EQ(findings_.others.size(), others);
  EXPECT_EQ(findings_.indexed.size(), indexed);
  EXPECT_EQ(Find(R"({"a": null, "b": {"c": null}})", 1), "(none)");
  Add(".a", 0, 2);  // a path as well: it is known, and absent
  EXPECT_EQ(Find(R"({"a": "-"})", 0), "(none)");
  EXPECT_TRUE(findings_.others.empty());
}

TEST_F(FieldTreeTest, FindsEachOfManyNames) {
  for (std::uint32_t i = 0; i < 300; ++i) Add(".field_" + std::to_string(i), 0, i);
  for (std::uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(Find("{\"field_" + std::to_string(i) + "\": \"x\", \"field_300\": \"y\"}"), "x") << i;
  }
}

}  // namespace
}  // namespace distillwatch::log
