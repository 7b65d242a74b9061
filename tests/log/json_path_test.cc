// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/json_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distillwatch::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Step = JsonPath::Step;

std::vector<Step> StepsOf(std::string_view text) {
  const Result<JsonPath> path = JsonPath::Parse(text);
  EXPECT_TRUE(path.ok()) << path.status().message();
  return path.ok() ? path->steps() : std::vector<Step>();
}

TEST(JsonPath, HasNamesAndNumbers) {
  EXPECT_THAT(StepsOf(".path.to[0].key"),
              ElementsAre(Step("path"), Step("to"), Step(0u), Step("key")));
  EXPECT_THAT(StepsOf("[12]"), ElementsAre(Step(12u)));
  EXPECT_THAT(StepsOf(".a-b_c $d"), ElementsAre(Step("a-b_c $d")));
}

TEST(JsonPath, QuotesNamesWithDots) {
  EXPECT_THAT(StepsOf(R"(.attributes["user.id"])"),
              ElementsAre(Step("attributes"), Step("user.id")));
  EXPECT_THAT(StepsOf(R"(["a\"]b\\"].c)"), ElementsAre(Step(R"(a"]b\)"), Step("c")));
  EXPECT_THAT(StepsOf(R"([""])"), ElementsAre(Step("")));
}

TEST(JsonPath, StandsForAnyItem) {
  EXPECT_THAT(StepsOf(".events[].name"),
              ElementsAre(Step("events"), Step(JsonPath::AnyItem{}), Step("name")));
}

TEST(JsonPath, SaysWhatIsWrongWithOne) {
  for (const char* text : {"", "account", ".", "..a", ".a.", ".a..b", ".a[", ".a[x]", ".a[-1]",
                           ".a[1", ".a[99999999999]", ".a]", R"(.a["b)", R"(.a["b"x])", R"(.a["b\)",
                           R"([")", ".a\"b", " .a", "[0]a"}) {
    const Result<JsonPath> path = JsonPath::Parse(text);
    ASSERT_FALSE(path.ok()) << text;
    EXPECT_EQ(path.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(path.status().message(), HasSubstr("allowed: .name"));
  }
  EXPECT_THAT(JsonPath::Parse("account").status().message(), HasSubstr("path is 'account'"));
}

}  // namespace
}  // namespace distillwatch::log
