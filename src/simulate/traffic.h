// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Traffic: labelled accounts in the shapes that were disclosed, with prompts of an artificial
// language.
//
// Benign accounts are people, tenants of apps and agents, templated customers, backfills,
// resellers, classes, retry storms; harvesting ones belong to campaigns with a content pipeline, a
// route and a dilution. Nothing here was fitted to any data set. Tested by
// tests/simulate/traffic_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_
#define DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/arrivals.h"
#include "simulate/language.h"
#include "simulate/random.h"

namespace distillwatch::simulate {

struct Request {
  double time_s = 0;  // since the start of the log
  std::string prompt;
  bool distills = false;
  std::uint8_t address = 0;  // which of the account's addresses
  bool new_model = false;
};

struct Account {
  std::string id;
  std::string persona;   // benign kind or style of campaign
  std::string campaign;  // empty for benign accounts
  std::vector<std::string> addresses;
  std::string payment, client;
  std::vector<Request> requests;  // in order of time
};

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

struct Month {
  double days = 30;
  double release_day = 16;  // when the new model appears
};

// When one member of the campaign asks what the queue gives it, between its first and its last day.
Times MemberTimes(const Campaign& campaign, Window life, Random& random);

// At most `members` of its accounts get their requests (the others only take their turns in the
// queue).
std::vector<Account> SimulateCampaign(const Campaign& campaign, const Month& month,
                                      std::size_t members, Random& random);

// Benign accounts in the usual mix.
std::vector<Account> SimulateBenign(std::size_t accounts, const Month& month, Random& random);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_TRAFFIC_H_
