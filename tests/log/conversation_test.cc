// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/conversation.h"

#include <gtest/gtest.h>

#include <string>

namespace distillwatch::log {
namespace {

struct Heard {
  std::string prompt, system;
  std::uint32_t earlier_turns = 0;
};

class ConversationTest : public testing::Test {
 protected:
  Heard Hear(const std::string& input) {
    simdjson::dom::element root;
    EXPECT_FALSE(parser_.parse(input).get(root)) << input;
    conversation_.Clear();
    conversation_.AddInput(root);
    Heard heard;
    heard.earlier_turns = conversation_.earlier_turns();
    conversation_.WritePrompt(heard.prompt);
    conversation_.WriteSystem(heard.system);
    return heard;
  }

  simdjson::dom::parser parser_;
  Conversation conversation_;
};

TEST_F(ConversationTest, ThePromptIsTheNewestUserTurn) {
  const Heard heard =
      Hear(R"([{"role": "user", "content": "one"}, {"role": "assistant", "content": "a"},
                               {"role": "user", "content": "two"}, {"role": "assistant",
      "content": "b"},
                               {"role": "user", "content": "three"}])");
  EXPECT_EQ(heard.prompt, "three");
  EXPECT_EQ(heard.earlier_turns, 2u);
}

TEST_F(ConversationTest, ABareTextIsAPrompt) {
  EXPECT_EQ(Hear(R"("hello")").prompt, "hello");
  EXPECT_EQ(Hear(R"("hello")").earlier_turns, 0u);
}

TEST_F(ConversationTest, ABareTextIsNeverTakenForJson) {
  EXPECT_EQ(Hear(R"("[{\"role\": \"user\", \"content\": \"decoy\"}]")").prompt,
            R"([{"role": "user", "content": "decoy"}])");
}

TEST_F(ConversationTest, SystemAndDeveloperMessagesAreTheSystemPrompt) {
  const Heard heard =
      Hear(R"([{"role": "system", "content": "be kind"}, {"role": "user", "content": "q"},
                               {"role": "developer", "content": [{"type": "text",
      "text": "be brief"}]}])");
  EXPECT_EQ(heard.prompt, "q");
  EXPECT_EQ(heard.system, "be kind\nbe brief");
}

TEST_F(ConversationTest, JoinsTheTextParts) {
  EXPECT_EQ(Hear(R"([{"role": "user", "content": [{"type": "text", "text": "look"},
                      {"type": "image_url", "image_url": {"url": "data:..."}},
                      {"type": "input_text", "text": "here"}]}])")
                .prompt,
            "look\nhere");
}

TEST_F(ConversationTest, AQuestionCannotHideBehindAShortLastMessage) {
  const Heard heard =
      Hear(R"([{"role": "user", "content": "before"}, {"role": "assistant", "content": "a"},
                               {"role": "user", "content": "the question"}, {"role": "user",
      "content": "."}])");
  EXPECT_EQ(heard.prompt, "the question\n.");
  EXPECT_EQ(heard.earlier_turns, 1u);
}

TEST_F(ConversationTest, AToolsAnswerLeavesThePrompt) {
  const Heard openai = Hear(R"([{"role": "user", "content": "weather?"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]},
      {"role": "tool", "tool_call_id": "1", "content": "rain"}])");
  EXPECT_EQ(openai.prompt, "weather?");
  EXPECT_EQ(openai.earlier_turns, 0u);
  const Heard anthropic =
      Hear(R"([{"role": "user", "content": [{"type": "text", "text": "weather?"}]},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "w", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1",
                                    "content": [{"type": "text", "text": "rain"}]}]}])");
  EXPECT_EQ(anthropic.prompt, "weather?");
  EXPECT_EQ(anthropic.earlier_turns, 0u);
  const Heard responses = Hear(R"([{"role": "user", "content": "weather?"},
      {"type": "function_call", "name": "w", "arguments": "{}"},
      {"type": "function_call_output", "output": "rain", "content": "rain"}])");
  EXPECT_EQ(responses.prompt, "weather?");
}

TEST_F(ConversationTest, TextBesideAToolsAnswerIsTheUsers) {
  const Heard heard =
      Hear(R"([{"role": "user", "content": "weather?"}, {"role": "assistant", "content": "..."},
      {"role": "user", "content": [{"type": "tool_result", "content": "rain"}, {"type": "text",
      "text": "and now?"}]}])");
  EXPECT_EQ(heard.prompt, "and now?");
  EXPECT_EQ(heard.earlier_turns, 1u);
}

TEST_F(ConversationTest, APrefilledAnswerLeavesThePrompt) {
  EXPECT_EQ(Hear(R"([{"role": "user", "content": "q"}, {"role": "assistant", "content": "Sure:"}])")
                .prompt,
            "q");
}

TEST_F(ConversationTest, ReadsDocumentsThatAreText) {
  EXPECT_EQ(Hear(R"([{"role": "user", "content": [
      {"type": "document", "source": {"type": "text", "media_type": "text/plain",
      "data": "a story"}},
      {"type": "document", "source": {"type": "base64", "data": "AAAA"}},
      {"type": "text", "text": "sum up"}]}])")
                .prompt,
            "a story\nsum up");
}

TEST_F(ConversationTest, ReadsOpenTelemetryParts) {
  const Heard heard =
      Hear(R"([{"role": "system", "parts": [{"type": "text", "content": "be kind"}]},
      {"role": "user", "parts": [{"type": "text", "content": "q"}]},
      {"role": "assistant", "parts": [{"type": "tool_call", "name": "w"}]},
      {"role": "tool", "parts": [{"type": "tool_call_response", "result": "rain"}]}])");
  EXPECT_EQ(heard.prompt, "q");
  EXPECT_EQ(heard.system, "be kind");
}

TEST_F(ConversationTest, ReadsGeminiContents) {
  const Heard heard = Hear(R"({"contents": [{"role": "user", "parts": [{"text": "one"}]},
      {"role": "model", "parts": [{"text": "a"}]}, {"role": "user",
      "parts": [{"text": "two"}]}]})");
  EXPECT_EQ(heard.prompt, "two");
  EXPECT_EQ(heard.earlier_turns, 1u);
}

TEST_F(ConversationTest, ReadsABodyInPlaceOfTheInput) {
  const Heard heard = Hear(
      R"({"model": "m", "system": "be kind", "messages": [{"role": "user", "content": "q"}]})");
  EXPECT_EQ(heard.prompt, "q");
  EXPECT_EQ(heard.system, "be kind");
}

TEST_F(ConversationTest, ReadsTheVariablesOfAKeptPrompt) {
  EXPECT_EQ(Hear(R"({"id": "p-1", "version": "2", "variables": {"a": "one",
                     "b": {"type": "input_text", "text": "two"}}})")
                .prompt,
            "one\ntwo");
}

TEST_F(ConversationTest, AMessageOfTheUserIsTheUsersWhateverItsType) {
  EXPECT_EQ(Hear(R"([{"role": "user", "type": "tool_result", "content": "q"}])").prompt, "q");
}

TEST_F(ConversationTest, ReadsListsOfTextsAndOfTokens) {
  EXPECT_EQ(Hear(R"(["one", "two"])").prompt, "one\ntwo");
  EXPECT_EQ(Hear("[[1, 2], [3]]").prompt, "");
  EXPECT_EQ(conversation_.prompt_tokens(), 3u);
  EXPECT_FALSE(conversation_.has_user_text());
}

TEST_F(ConversationTest, AnUnknownRoleIsTheUser) {
  EXPECT_EQ(Hear(R"([{"role": "Human", "content": "one"}])").prompt, "one");
  EXPECT_EQ(Hear(R"([{"role": "a role of thirty-two letters....", "content": "two"}])").prompt,
            "two");
  EXPECT_EQ(Hear(R"([{"content": "three"}])").prompt, "three");
  EXPECT_EQ(Hear(R"([{"role": "Assistant", "content": "four"}])").prompt, "");
}

TEST_F(ConversationTest, TheLastOfRepeatedContentsCounts) {
  EXPECT_EQ(Hear(R"([{"role": "user", "content": "decoy", "content": "q"}])").prompt, "q");
  EXPECT_EQ(Hear(R"({"messages": [], "messages": [{"role": "user", "content": "q"}]})").prompt,
            "q");
}

TEST_F(ConversationTest, ForgetsTheOneBefore) {
  Hear(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}])");
  const Heard heard = Hear("[]");
  EXPECT_EQ(heard.prompt + heard.system, "");
  EXPECT_FALSE(conversation_.has_messages());
}

TEST_F(ConversationTest, AnythingElseIsNoText) {
  for (const char* input :
       {"null", "12", "true", "{}", "[null, 1.5, {}]", R"([{"role": "user"}])",
        R"([{"role": "user", "content": null}])", R"([{"role": 5, "content": 6}])"}) {
    EXPECT_EQ(Hear(input).prompt, "") << input;
    EXPECT_FALSE(conversation_.has_user_text()) << input;
  }
}

}  // namespace
}  // namespace distillwatch::log
