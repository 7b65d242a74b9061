// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Conversation: what of a request the user has newly written.
//
// Chat requests resend their history. The prompt is the newest user turn: the user messages since
// the last answer, so that a question cannot hide behind a short last message; answers of tools are
// no user's text, so a request that only hands them back keeps the prompt of the turn it continues.
// Reads the messages of the OpenAI, Anthropic and Gemini APIs, OpenTelemetry's and OpenInference's.
// Not when   the text is a bare prompt from the client: text is never taken for JSON here.
// Tested by  tests/log/conversation_test.cc

#ifndef DISTILLWATCH_SRC_LOG_CONVERSATION_H_
#define DISTILLWATCH_SRC_LOG_CONVERSATION_H_

#include <simdjson.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/field_tree.h"

namespace distillwatch::log {

// Uses its memory again from request to request; thread-compatible.
class Conversation {
 public:
  void Clear();

  // Text, a list of messages, parts or texts, one message, or a body that has one of those.
  void AddInput(simdjson::dom::element input);
  // Messages as flattened lists, in any order: "3.message.role", "3.message.content", ...
  void AddIndexed(std::vector<Findings::Indexed>& fields);
  void AddSystem(simdjson::dom::element content) { system_.push_back(content); }

  bool has_user_text() const { return turns_ > 0; }
  // Whether anything in the input was made as a message is.
  bool has_messages() const { return messages_ > 0; }
  // User turns before the newest.
  std::uint32_t earlier_turns() const { return turns_ > 0 ? turns_ - 1 : 0; }
  // Of a prompt that was given as numbers instead of text.
  std::uint32_t prompt_tokens() const { return prompt_tokens_; }
  // The texts, joined by line ends.
  void WritePrompt(std::string& out) const { Write(newest_, out); }
  void WriteSystem(std::string& out) const { Write(system_, out); }

 private:
  using Element = simdjson::dom::element;
  using Texts = std::vector<Element>;
  void AddMessage(Element message);
  void AddTurn(std::string_view role, std::span<const Element> content);
  bool AddBody(Element body);
  static void Write(const Texts& texts, std::string& out);

  Texts newest_, system_, parts_;
  std::uint32_t turns_ = 0, messages_ = 0, prompt_tokens_ = 0;
  bool turn_is_open_ = false;  // no answer came after it
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_CONVERSATION_H_
