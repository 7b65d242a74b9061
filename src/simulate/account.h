// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Account: one simulated customer or harvester, and what building one takes.
//
// Tested by  tests/simulate/traffic_test.cc

#ifndef DISTILLWATCH_SRC_SIMULATE_ACCOUNT_H_
#define DISTILLWATCH_SRC_SIMULATE_ACCOUNT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/arrivals.h"
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
  std::string persona;   // benign kind or what its campaign asks
  std::string campaign;  // empty for benign accounts
  std::vector<std::string> addresses;
  std::string payment, client;
  std::string system;             // what its app puts before every request, apart from the prompt
  std::vector<Request> requests;  // in order of time
};

struct Month {
  double days = 30;
  double release_day = 16;  // when the new model appears
};

// With names and addresses of its own, and no request yet.
Account NewAccount(std::string persona, Random& random);
std::string NewPayment(Random& random);
std::string NewAddress(Random& random);

// One request for every time, asking what `prompt` gives next.
void Add(Account& account, const Times& times, const std::function<std::string()>& prompt,
         bool distills, Random& random);

// Sorts the requests, leaves out those outside the month, and lets the account change to the new
// model at `change_s`.
void Finish(Account& account, const Month& month, double change_s);

// When an ordinary account changes to the new model, if it does.
double UsualChange(const Month& month, Random& random);

}  // namespace distillwatch::simulate

#endif  // DISTILLWATCH_SRC_SIMULATE_ACCOUNT_H_
