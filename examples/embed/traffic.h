// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Made-up traffic for the examples; a gateway has its own.

#ifndef EXAMPLES_EMBED_TRAFFIC_H_
#define EXAMPLES_EMBED_TRAFFIC_H_

#include <distillwatch/event.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

struct Request {
  std::string account;
  distillwatch::Time time;
  std::string prompt;
  std::uint32_t completion_tokens = 0;

  // Views into this request. A gateway would also name model, address, payment mark, ...
  distillwatch::Event AsEvent() const {
    return {
        .account = account, .time = time, .prompt = prompt, .completion_tokens = completion_tokens};
  }
};

// The same seed, the same traffic.
class Traffic {
 public:
  Traffic(distillwatch::Time month, std::uint64_t seed) : month_(month), bits_(seed) {}

  // Somebody who comes now and then, stays for a while and keeps to a few subjects.
  void AddCustomer(const std::string& account) {
    const std::string subject = "s" + std::to_string(bits_() % 1000);
    const double visits_a_day = 0.3 + 2 * Uniform();
    for (double day = 0; day < 29; day += Exponential() / visits_a_day) {
      double time_s = (day + 0.3 * Uniform()) * kDay_s;
      for (int n = 1 + static_cast<int>(4 * Exponential()); n > 0; --n) {
        std::string prompt;
        for (int words = 5 + static_cast<int>(20 * Exponential()); words > 0; --words) {
          prompt += (Uniform() < 0.5 ? subject + Word(60) : Word(3000)) + " ";
        }
        Add(account, time_s, prompt, 400 * Exponential());
        time_s += 20 + 120 * Exponential();
      }
    }
  }

  // One template, filled with one subject after another, day and night.
  void AddHarvester(const std::string& account) {
    for (double time_s = 0; time_s < 20 * kDay_s; time_s += 600 + 60 * Uniform()) {
      Add(account, time_s,
          "Solve the following exercise. Think step by step, write down every step of your "
          "reasoning, "
          "then give the final answer on a line of its own. Exercise: " +
              Word(100000) + " " + Word(100000) + " " + Word(100000),
          1200 + 200 * Uniform());
    }
  }

  // All requests so far, as a gateway would see them.
  const std::vector<Request>& InOrder() {
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.time < b.time; });
    return requests_;
  }

 private:
  static constexpr double kDay_s = 86400;

  double Uniform() { return std::uniform_real_distribution<>()(bits_); }
  double Exponential() { return std::exponential_distribution<>()(bits_); }
  std::string Word(double vocabulary) {
    return "w" + std::to_string(static_cast<int>(vocabulary * Uniform() * Uniform()));
  }
  void Add(const std::string& account, double time_s, std::string prompt, double tokens) {
    const auto since = std::chrono::microseconds(static_cast<std::int64_t>(1e6 * time_s));
    requests_.push_back(
        {account, month_ + since, std::move(prompt), static_cast<std::uint32_t>(tokens)});
  }

  distillwatch::Time month_;
  std::mt19937_64 bits_;
  std::vector<Request> requests_;
};

#endif  // EXAMPLES_EMBED_TRAFFIC_H_
