// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/language.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace distillwatch::simulate {
namespace {

std::set<std::string> WordsOf(const std::string& text) {
  std::istringstream words(text);
  std::set<std::string> out;
  for (std::string word; words >> word;) out.insert(word);
  return out;
}

double Overlap(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::size_t both = 0;
  for (const std::string& word : a) both += b.contains(word);
  return static_cast<double>(both) / static_cast<double>(std::min(a.size(), b.size()));
}

TEST(Language, WritesAsManyWordsAsAskedFor) {
  Random random(1);
  const Voice voice;  // no lead words; "how many" is one function word of two
  for (const std::size_t words : {std::size_t{1}, std::size_t{13}, std::size_t{200}}) {
    const std::string text = Write(voice, 5, words, random);
    const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
    EXPECT_GE(spaces + 1, words);
    EXPECT_LE(spaces + 1, words + words / 10 + 1);
  }
  EXPECT_TRUE(Write(voice, 5, 0, random).empty());
}

TEST(Language, TheUnspacedScriptIsUtf8WithoutSpaces) {
  Random random(2);
  Voice voice;
  voice.script = Script::kUnspaced;
  const std::string text = Write(voice, 5, 50, random);
  EXPECT_EQ(text.find(' '), std::string::npos);
  EXPECT_EQ(text.size() % 3, 0u);
  EXPECT_GE(text.size(), 3u * 100);
  for (std::size_t i = 0; i < text.size(); i += 3) {
    EXPECT_EQ(text[i] & '\xf0', '\xe0') << "at byte " << i;
  }
}

TEST(Language, TextsOfOneTopicShareWords) {
  Random random(3);
  Voice voice;
  voice.function_share = 0;
  voice.topic_share = 0.95;
  const auto one = WordsOf(Write(voice, 1, 400, random));
  const auto same = WordsOf(Write(voice, 1, 400, random));
  const auto other = WordsOf(Write(voice, 2, 400, random));
  EXPECT_GT(Overlap(one, same), 2 * Overlap(one, other));
}

TEST(Language, WordsAreLettersAndFrequentOnesAreShort) {
  std::size_t frequent = 0, rare = 0;
  for (std::size_t rank = 0; rank < 300; ++rank) {
    for (const char c : Word(rank)) EXPECT_TRUE(c >= 'a' && c <= 'z');
    frequent += Word(rank).size();
    rare += Word(rank + 10000).size();
  }
  EXPECT_LT(frequent, rare);
  EXPECT_EQ(Word(17), Word(17));
}

TEST(Language, VoicesStayInTheirRanges) {
  Random random(4);
  for (int i = 0; i < 500; ++i) {
    const Voice voice = AnyVoice(random);
    EXPECT_TRUE(voice.function_share >= 0.3 && voice.function_share <= 0.58);
    EXPECT_TRUE(voice.topic_share >= 0.5 && voice.topic_share <= 0.95);
    EXPECT_TRUE(voice.vocabulary >= 149 && voice.vocabulary <= 4000);
    EXPECT_LE(voice.lead_words, 64u);
  }
}

}  // namespace
}  // namespace distillwatch::simulate
