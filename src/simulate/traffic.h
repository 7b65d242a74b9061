// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Traffic: campaigns of harvesting accounts in the shapes that were disclosed, with prompts of an
// artificial language.
//
// A campaign has a content pipeline, a route from its one queue to its accounts, and a dilution.
// Nothing here was fitted to any data set.
//
// Tested by  tests/simulate/traffic_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_
#define DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/account.h"
#include "simulate/arrivals.h"
#include "simulate/benign.h"
#include "simulate/language.h"
#include "simulate/random.h"

namespace distillwatch::simulate {

// What a harvest asks.
enum class Pipeline {
  kAnswers,       // a short frame around one task after the other
  kBare,          // tasks without a frame
  kTaskMaking,    // a long fixed prompt with a few examples from a small pool
  kElicitation,   // problems with an order to write out the reasoning
  kGrading,       // question, answer and rubric in a long frame
  kRewriting,     // one of several frames around a task, then the task itself
  kRelay,         // other people's conversations, as they are
  kInjectedRelay  // the same around one fixed instruction
};
inline constexpr std::size_t kPipelines = 8;
std::string_view Name(Pipeline pipeline);

enum class Route { kRoundRobin, kWeighted, kRandom, kSticky, kOwnWorkers };

struct Campaign {
  std::string name;
  Pipeline pipeline = Pipeline::kAnswers;
  std::size_t accounts = 1;
  double requests_a_day = 30;  // of one account, harvesting ones only
  double days = 14;
  Route route = Route::kOwnWorkers;
  Pace pace;
  double dilution = 0;       // share of an account's requests that are somebody's ordinary ones
  std::size_t samples = 1;   // times each prompt is asked
  bool human_hours = false;  // a mask of day and night
  bool shares_payment = false, shares_addresses = false;
  bool pivots = false;  // moves to the new model within a day of its release
};

// A campaign as wide as the disclosed ones differ: 5 to 900 requests an account a day, 3 to 26
// days.
Campaign AnyCampaign(Random& random);

// When one member of the campaign asks what the queue gives it, between its first and its last day.
Times MemberTimes(const Campaign& campaign, Window life, Random& random);

// At most `members` of its accounts get their requests (the others only take their turns in the
// queue).
std::vector<Account> SimulateCampaign(const Campaign& campaign, const Month& month,
                                      std::size_t members, Random& random);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_
