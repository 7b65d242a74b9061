// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/prompts.h"

#include <gtest/gtest.h>

#include <set>

namespace distillwatch::simulate {
namespace {

TEST(Prompts, FillPutsSlotsWhereTheyBelong) {
  EXPECT_EQ(Fill("a {0} b {1} {0}", {"x", "y"}), "a x b y x");
  EXPECT_EQ(Fill("{0}", {"{1}"}), "{1}") << "a slot's own braces are text";
  EXPECT_EQ(Fill("{2} {x} {", {"x"}), "{2} {x} {") << "what is no slot stays";
}

TEST(Prompts, FramesHaveTheirSlotAndAboutTheirLength) {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const Frame frame = AnyFrame(60, random);
    EXPECT_NE(frame.find("{0}"), std::string::npos);
    EXPECT_GT(frame.size(), 60u * 2);
    EXPECT_LT(frame.size(), 60u * 14);
    EXPECT_NE(InjectedInstruction(random).find("{0}"), std::string::npos);
  }
}

TEST(Prompts, PeopleComeBackToTheirSubjectsAndSomeResendTheConversation) {
  std::size_t resent = 0, repeated = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    PersonPrompts person(random);
    std::string before = person.Next(random);
    for (int i = 0; i < 30; ++i) {
      const std::string prompt = person.Next(random);
      EXPECT_FALSE(prompt.empty());
      EXPECT_LT(prompt.size(), 40000u);
      repeated += prompt == before;
      resent += prompt.size() > before.size() && prompt.starts_with(before);
      before = prompt;
    }
  }
  EXPECT_GT(resent, 60u);
  EXPECT_GT(repeated, 5u);
}

TEST(Prompts, AHarvestAsksEachPromptAsOftenAsItSamples) {
  for (std::size_t p = 0; p < kPipelines; ++p) {
    const auto pipeline = static_cast<Pipeline>(p);
    if (pipeline == Pipeline::kRelay || pipeline == Pipeline::kInjectedRelay) continue;
    Random random(p);
    const SlotSource slots = AnySlots(pipeline, random);
    Harvest harvest(pipeline, 4, random);
    std::multiset<std::string> asked;
    for (int i = 0; i < 160; ++i) asked.insert(harvest.Next(slots, random));  // whole batches
    for (const std::string& prompt : asked) EXPECT_GE(asked.count(prompt), 4u) << Name(pipeline);
    EXPECT_GE(std::set<std::string>(asked.begin(), asked.end()).size(), 20u) << Name(pipeline);
  }
}

TEST(Prompts, TemplatedPipelinesShareAFrameAndBareOnesDoNot) {
  const auto common = [](Pipeline pipeline) {
    Random random(21);
    const SlotSource slots = AnySlots(pipeline, random);
    Harvest harvest(pipeline, 1, random);
    std::string shared = harvest.Next(slots, random);
    for (int i = 0; i < 20; ++i) {  // what every prompt begins and ends with
      const std::string next = harvest.Next(slots, random);
      std::size_t head = 0, tail = 0;
      const std::size_t most = std::min(shared.size(), next.size());
      while (head < most && shared[head] == next[head]) ++head;
      while (tail < most - head && shared[shared.size() - 1 - tail] == next[next.size() - 1 - tail])
        ++tail;
      shared = shared.substr(0, head) + shared.substr(shared.size() - tail);
    }
    return shared.size();
  };
  EXPECT_GT(common(Pipeline::kGrading), 20u);
  EXPECT_GT(common(Pipeline::kTaskMaking), 20u);
  EXPECT_LT(common(Pipeline::kBare), 20u);
}

TEST(Prompts, DifferentSeedsWriteDifferentPrompts) {
  std::set<std::string> first;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    PersonPrompts person(random);
    first.insert(person.Next(random));
  }
  EXPECT_GE(first.size(), 195u);
}

}  // namespace
}  // namespace distillwatch::simulate
