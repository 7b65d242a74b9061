// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/language.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace distillwatch::simulate {
namespace {

constexpr std::size_t kLexicon = 30000;    // content words
constexpr std::size_t kCharacters = 3500;  // of the unspaced script
constexpr std::uint32_t kFirstCharacter = 0x4e00;

constexpr std::array<std::string_view, 96> kFunctionWords = {
    "the",   "of",      "and",   "to",    "a",     "in",   "is",      "that",     "it",
    "for",   "i",       "you",   "with",  "as",    "on",   "be",      "this",     "are",
    "or",    "by",      "not",   "at",    "from",  "my",   "can",     "have",     "but",
    "what",  "if",      "an",    "do",    "how",   "will", "your",    "we",       "which",
    "one",   "all",     "so",    "there", "when",  "me",   "has",     "more",     "was",
    "they",  "about",   "would", "no",    "into",  "some", "could",   "them",     "other",
    "than",  "then",    "its",   "out",   "who",   "up",   "should",  "any",      "only",
    "our",   "does",    "these", "also",  "use",   "two",  "like",    "how many", "time",
    "just",  "make",    "get",   "why",   "where", "need", "between", "after",    "each",
    "while", "because", "first", "over",  "such",  "were", "both",    "most",     "without",
    "their", "same",    "very",  "must",  "used",  "new"};

constexpr std::array<std::string_view, 64> kLeads = {
    "Explain",  "Write",       "List",       "Describe",  "Give",      "Find",      "Name",
    "Create",   "Compare",     "Summarise",  "Translate", "Suggest",   "Rewrite",   "Generate",
    "Design",   "Compute",     "Identify",   "Classify",  "Tell me",   "Convert",   "Edit",
    "Plan",     "Draft",       "Propose",    "Estimate",  "Prove",     "Derive",    "Sort",
    "Correct",  "Outline",     "Evaluate",   "Rank",      "Answer",    "Discuss",   "Analyse",
    "Define",   "Show",        "Simplify",   "Prepare",   "Construct", "Count",     "Determine",
    "Develop",  "Extract",     "Illustrate", "Implement", "Interpret", "Invent",    "Justify",
    "Match",    "Outline why", "Paraphrase", "Predict",   "Provide",   "Recommend", "Replace",
    "Research", "Select",      "Solve",      "State",     "Test",      "What is",   "How does",
    "Why is"};

// Word `rank` of a topic, as a rank of the whole lexicon.
std::size_t OfTopic(Topic topic, std::size_t rank, std::size_t lexicon) {
  return static_cast<std::size_t>(text::Mix((std::uint64_t{topic} << 32) + rank) % lexicon);
}

// All content words, made once.
const std::string& OfLexicon(std::size_t rank) {
  static const std::vector<std::string> lexicon = [] {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < kLexicon; ++i) words.push_back(Word(i));
    return words;
  }();
  return lexicon[rank];
}

// Draws ranks below n.
class Ranks {
 public:
  explicit Ranks(std::size_t n) : n_(n), log_n1_(std::log(static_cast<double>(n) + 1)) {}
  std::size_t Draw(Random& random) const { return random.Zipf(n_, log_n1_); }

 private:
  std::size_t n_;
  double log_n1_;
};

}  // namespace

std::string Word(std::size_t rank) {
  constexpr std::array<std::string_view, 24> kOnsets = {
      "b", "br", "c", "d",  "dr", "f", "fl", "g", "gr", "h", "k", "l",
      "m", "n",  "p", "pr", "r",  "s", "st", "t", "tr", "v", "w", "z"};
  constexpr std::array<std::string_view, 8> kVowels = {"a", "e", "i", "o", "u", "ai", "ea", "ou"};
  constexpr std::array<std::string_view, 8> kCodas = {"", "", "n", "r", "l", "s", "m", "nd"};
  std::uint64_t bits = text::Mix(rank + 1);
  std::string word;
  const std::size_t syllables = rank < 300 ? 1 + bits % 2 : 2 + bits % 2;
  bits >>= 3;
  for (std::size_t i = 0; i < syllables; ++i) {
    word += kOnsets[bits % kOnsets.size()];
    bits /= kOnsets.size();
    word += kVowels[bits % kVowels.size()];
    bits /= kVowels.size();
    word += kCodas[bits % kCodas.size()];
    bits /= kCodas.size();
  }
  return word;
}

Voice AnyVoice(Random& random) {
  Voice voice;
  voice.script = random.Chance(0.15) ? Script::kUnspaced : Script::kSpaced;
  voice.function_share = random.Uniform(0.3, 0.58);
  voice.topic_share = random.Uniform(0.5, 0.95);
  voice.vocabulary = static_cast<std::size_t>(random.LogUniform(150, 4000));
  voice.lead_words = random.Chance(0.5) ? 4 + random.Below(kLeads.size() - 4) : 0;
  return voice;
}

std::string Write(const Voice& voice, Topic topic, std::size_t words, Random& random) {
  std::string out;
  if (voice.script == Script::kUnspaced) {
    const Ranks characters(std::min(voice.vocabulary, kCharacters));
    for (std::size_t i = 0; i < 2 * words; ++i) {
      const std::size_t rank = characters.Draw(random);
      const bool of_topic = random.Chance(voice.topic_share * (1 - voice.function_share));
      const std::size_t character = of_topic ? OfTopic(topic, rank, kCharacters) : rank;
      char utf8[4];
      out.append(utf8, text::Encode(kFirstCharacter + static_cast<std::uint32_t>(character), utf8));
      if (i % 19 == 18) out += "\xef\xbc\x8c";  // a full-width comma
    }
    return out;
  }
  if (voice.lead_words > 0) out += kLeads[random.Zipf(std::min(voice.lead_words, kLeads.size()))];
  const Ranks function_words(kFunctionWords.size()), numbers(5000), of_topic(voice.vocabulary),
      of_all(kLexicon);
  out.reserve(out.size() + 7 * words);
  for (std::size_t i = 0; i < words; ++i) {
    if (!out.empty()) out += i % 13 == 12 ? ". " : " ";
    if (random.Chance(voice.function_share)) {
      out += kFunctionWords[function_words.Draw(random)];
    } else if (random.Chance(0.04)) {
      out += std::to_string(numbers.Draw(random));
    } else {
      const std::size_t rank = of_topic.Draw(random);
      out += OfLexicon(random.Chance(voice.topic_share) ? OfTopic(topic, rank, kLexicon)
                                                        : of_all.Draw(random));
    }
  }
  return out;
}

}  // namespace distillwatch::simulate
