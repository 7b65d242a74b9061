// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Prompts: what people, products and harvest pipelines send, one prompt after the other.
//
// Tested by  tests/simulate/prompts_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_PROMPTS_H_
#define DISTILLWATCH_SRC_SIMULATE_PROMPTS_H_

#include <functional>
#include <string>
#include <vector>

#include "simulate/language.h"
#include "simulate/random.h"
#include "simulate/traffic.h"

namespace distillwatch::simulate {

// A text with places for slots: "{0}", "{1}", "{2}".
using Frame = std::string;
std::string Fill(const Frame& frame, const std::vector<std::string>& slots);

// Texts of one kind: a data set, a customer's records, tasks out of one generator.
class Texts {
 public:
  // topics: how many subjects it covers.  median_words: of a text.
  Texts(std::size_t topics, double median_words, Random& random);
  std::string Next(Random& random) const;

 private:
  Voice voice_;
  std::vector<Topic> topics_;
  double median_words_, spread_;
  std::string fixed_opening_;  // some kinds begin all alike ("Q:", "Review:")
};

// One person's requests: subjects that last, follow-ups, at times the whole conversation resent.
class PersonPrompts {
 public:
  explicit PersonPrompts(Random& random);
  std::string Next(Random& random);

 private:
  Voice voice_;
  std::vector<Topic> interests_;
  Topic topic_ = 0;
  double stay_, resend_, repeat_;
  double median_words_;
  std::string conversation_, last_;
};

// A frame of about `words` words with its slot at any place.
Frame AnyFrame(std::size_t words, Random& random);

// Where a harvest takes the texts that it puts into its frames.
enum class Slot { kTask, kAnswer };
using SlotSource = std::function<std::string(Slot)>;

// Tasks and answers of one generator, in one field or as broad as can be.
SlotSource AnySlots(Pipeline pipeline, Random& random);

// The prompts of a harvest, in the order in which its queue asks them. Not for the relaying
// pipelines.
class Harvest {
 public:
  // samples: how often each prompt is asked.
  Harvest(Pipeline pipeline, std::size_t samples, Random& random);
  std::string Next(const SlotSource& slots, Random& random);

 private:
  std::string Example(const SlotSource& slots, Random& random);

  Pipeline pipeline_;
  std::vector<Frame> frames_;
  std::vector<std::string> pool_;  // examples that a task-making pipeline draws from
  std::size_t pool_size_ = 0;
  std::vector<std::string> queue_;  // still to be asked
  std::size_t samples_;
  bool shuffles_;  // samples of one prompt lie apart
};

// The instruction that a relay wraps around its users' requests.
Frame InjectedInstruction(Random& random);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_PROMPTS_H_
