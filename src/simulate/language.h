// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Language: an artificial language with the statistics of real text and nobody's words.
//
// Function words are English, content words are built from syllables, and both are drawn by rank
// (Zipf). Every topic has a vocabulary of its own. A second script has no spaces between its
// characters. Tested by  tests/simulate/language_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_LANGUAGE_H_
#define DISTILLWATCH_SRC_SIMULATE_LANGUAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "simulate/random.h"

namespace distillwatch::simulate {

enum class Script { kSpaced, kUnspaced };

using Topic = std::uint32_t;
inline constexpr Topic kTopics = 600;

// How one author, customer or pipeline writes.
struct Voice {
  Script script = Script::kSpaced;
  double function_share = 0.45;  // of words
  double topic_share = 0.8;      // of content words that belong to the topic
  std::size_t vocabulary = 800;  // words of a topic that this voice knows
  std::size_t lead_words = 0;    // opening phrases it chooses from ("Explain", "List"); 0: none
};

Voice AnyVoice(Random& random);

// A text of `words` words (characters, for the unspaced script: twice as many) about the topic.
std::string Write(const Voice& voice, Topic topic, std::size_t words, Random& random);

// One content word.
std::string Word(std::size_t rank);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_LANGUAGE_H_
