// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "c_api/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace distillwatch::c_api {
namespace {

TEST(Json, StringsOfAnyBytesAreJson) {
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("plain text"), "\"plain text\"");
  EXPECT_EQ(Quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(Quoted(std::string_view("\0\n\x1f\x7f", 4)), R"("\u0000\u000a\u001f\u007f")");
  EXPECT_EQ(Quoted("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80"),
            "\"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80\"");
}

TEST(Json, BrokenBytesAreReplacedOneByOne) {
  EXPECT_EQ(Quoted("\xff"), R"("\ufffd")");
  EXPECT_EQ(Quoted("a\xc3"), R"("a\ufffd")");
  EXPECT_EQ(Quoted("\xc3z"), R"("\ufffdz")");
  EXPECT_EQ(Quoted("\xc0\xaf"), R"("\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xe0\x80\xaf"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\x80"), R"("\ufffd")");
}

TEST(Json, NumbersReadAsTheSameDouble) {
  for (const double x : {0.0, -0.5, 1e300, 0.1, 1.0 / 3, -5e-324, 65536.0}) {
    EXPECT_EQ(std::strtod(Number(x).c_str(), nullptr), x);
  }
  EXPECT_EQ(Number(std::nan("")), "null");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "null");
}

TEST(Json, AnExplanationIsOneObject) {
  Explanation e;
  e.account = "a";
  e.requests = 20;
  e.verdict.level = Level::kWatch;
  e.score = 1.5;
  e.evidence = {{"coverage", "novelty", std::nan(""), 0.5, 0.25, "unknown of it"},
                {"own", "x", 2, 0.75, 0, "2"}};
  EXPECT_EQ(Json(e),
            R"({"account":"a","requests":20,"first_us":0,"last_us":0,"level":"watch","p_value":1,)"
            R"("campaign":0,"highest_score":-8,"score":1.5,"base":0,"evidence":[)"
            R"({"detector":"coverage","feature":"novelty","value":null,"place":0.5,)"
            R"("contribution":0.25,"words":"unknown of it"},)"
            R"({"detector":"own","feature":"x","value":2,"place":0.75,"contribution":0,)"
            R"("words":"2"}]})");
  EXPECT_EQ(Json(Explanation()).back(), '}');
}

TEST(Json, CampaignsHaveTheirMembersAndWords) {
  EXPECT_EQ(Json(std::vector<Campaign>{}), "[]");
  Campaign c{.id = 7, .first_seen = Time(std::chrono::microseconds(1)), .p_value = 0.5, .frame = 9};
  c.members = {{.account = 18446744073709551615u, .requests = 3, .matching = 2},
               {.account = 4, .by_echo = true}};
  c.words = {"say \"so\"", "twice"};
  EXPECT_EQ(
      Json({c}),
      R"([{"id":7,"first_seen_us":1,"linked_us":0,"named_us":0,"p_value":0.5,"frame":9,)"
      R"("members":[{"account":"18446744073709551615","since_us":0,"requests":3,"matching":2,)"
      R"("by_pool":false,"by_echo":false},)"
      R"({"account":"4","since_us":0,"requests":0,"matching":0,"by_pool":false,"by_echo":true}],)"
      R"("words":["say \"so\"","twice"]}])");
}

TEST(Json, AReviewTellsNamesJoinsAndSuccessors) {
  Review r;
  r.accounts = 5;
  r.groups = 2;
  r.waiting = 1;
  r.explained = 3;
  r.named = {1, 4};
  r.joined = {{18, 4}};
  r.successors.push_back({7, 8, {}, 9, 2, 0.25});
  EXPECT_EQ(Json(r),
            R"({"accounts":5,"groups":2,"waiting":1,"explained":3,"named":[1,4],)"
            R"("joined":[{"account":"18","campaign":4}],)"
            R"("successors":[{"account":"7","banned":"8","began_us":0,"pairs":9,"values":2,)"
            R"("p_value":0.25}],"interrupted":false})");
}

}  // namespace
}  // namespace distillwatch::c_api
