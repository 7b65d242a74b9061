// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/random_inputs.h"

namespace distillwatch::monitor {
namespace {

using std::chrono::minutes;
constexpr Time kNow{std::chrono::seconds(1767225600)};

class EngineTest : public testing::Test {
 protected:
  // What the engine takes as the newest turn of this request.
  std::string NewestTurn(std::string_view prompt, std::string_view account = "a",
                         std::uint32_t earlier_turns = 0) {
    now_ += minutes(1);
    return engine_.Observe(
        {.account = account, .time = now_, .prompt = prompt, .earlier_turns = earlier_turns},
        [](Header&, const Observation&) {},
        [](Header&, const FullAccount&, const FeatureVector&) {},
        [](const Header&, bool, std::string_view newest, const Observation&) {
          return std::string(newest);
        });
  }

  Engine engine_{*Shingler::Create("a key that only tests use"), {}, 1, std::size_t{1} << 30};
  Time now_ = kNow;
};

TEST_F(EngineTest, AResentConversationIsCutToItsNewestTurn) {
  for (int round = 0; round < 10; ++round) {  // in a lite record and in a full one
    std::string conversation = "round " + std::to_string(round) + ": what is a gradient?";
    EXPECT_EQ(NewestTurn(conversation), conversation);
    for (const std::string turn : {" A: a slope. Q: of what?", " A: of a function. Q: thanks"}) {
      conversation += turn;
      EXPECT_EQ(NewestTurn(conversation), turn);
    }
  }
}

TEST_F(EngineTest, TheSamePromptAgainIsWhole) {
  EXPECT_EQ(NewestTurn("the same"), "the same");
  EXPECT_EQ(NewestTurn("the same"), "the same");
}

TEST_F(EngineTest, AFullRecordKnowsThreeConversations) {
  for (int i = 0; i < 20; ++i) NewestTurn("warm up " + std::to_string(i));
  const std::vector<std::string> starts = {"one: begin", "two: begin", "three: begin"};
  for (const std::string& start : starts) NewestTurn(start);
  for (const std::string& start : starts) EXPECT_EQ(NewestTurn(start + " and on"), " and on");
  NewestTurn("four: begin");
  EXPECT_EQ(NewestTurn("one: begin and on, further"), "one: begin and on, further")
      << "the oldest is forgotten";
  EXPECT_EQ(NewestTurn("four: begin now"), " now");
}

TEST_F(EngineTest, ConversationsAreTheAccountsOwn) {
  NewestTurn("begin", "a");
  EXPECT_EQ(NewestTurn("begin and on", "b"), "begin and on");
  EXPECT_EQ(NewestTurn("begin and on", "a"), " and on");
}

TEST_F(EngineTest, AHostThatCutsTurnsItselfIsBelieved) {
  NewestTurn("begin");
  EXPECT_EQ(NewestTurn("begin and on", "a", 3), "begin and on");
}

TEST_F(EngineTest, LooksHaveTheFeaturesOfTheirMoment) {
  std::vector<std::uint32_t> looks;
  for (int i = 0; i < 64; ++i) {
    engine_.Observe(
        {.account = "a", .time = kNow + minutes(i), .prompt = "again"},
        [](Header&, const Observation&) {},
        [&](Header& header, const FullAccount&, const FeatureVector& features) {
          looks.push_back(header.requests);
          EXPECT_EQ(features.size(), kFeatures);
          const Shard& shard = engine_.table().ShardOf(header.id);
          const FeatureVector now = engine_.Measure(shard.Find(header.id));
          for (std::size_t f = 0; f < kFeatures; ++f) {
            EXPECT_TRUE(now[f] == features[f] || (std::isnan(now[f]) && std::isnan(features[f])));
          }
          EXPECT_EQ(header.looked, header.last);
        },
        [](const Header&, bool, std::string_view, const Observation&) { return 0; });
  }
  EXPECT_EQ(looks, (std::vector<std::uint32_t>{16, 32, 64}));
}

TEST_F(EngineTest, FeatureNamesAreUnique) {
  std::set<std::string_view> names;
  for (const NamedFeature& feature : FeatureNames()) {
    EXPECT_TRUE(names.insert(feature.spec.name).second) << feature.spec.name;
    EXPECT_NE(feature.spec.words.find("{}"), std::string_view::npos) << feature.spec.name;
  }
  EXPECT_EQ(names.size(), kFeatures);
}

}  // namespace
}  // namespace distillwatch::monitor
