// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/account.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace distillwatch::simulate {
namespace {

std::string Hex(std::string_view prefix, std::uint64_t bits, int digits) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "%0*llx", digits,
                static_cast<unsigned long long>(bits >> (64 - 4 * digits)));
  return std::string(prefix) + text.data();
}

std::string Client(Random& random) {
  return random.Choose({"python-client/1.9", "node-client/4.2", "curl/8.5", "browser/131",
                        "agent/0.7", "java-client/2.0"});
}

}  // namespace

std::string NewPayment(Random& random) {
  return Hex("pay-", random.Bits(), 10);
}

std::string NewAddress(Random& random) {
  // One draw a statement: the order of operands is the compiler's own.
  const std::size_t high = random.Below(64);
  const std::size_t middle = random.Below(256);
  const std::size_t low = random.Below(254);
  return "100." + std::to_string(64 + high) + "." + std::to_string(middle) + "." +
         std::to_string(1 + low);
}

Account NewAccount(std::string persona, Random& random) {
  Account account;
  account.id = Hex("acct-", random.Bits(), 12);
  account.persona = std::move(persona);
  account.payment = NewPayment(random);
  account.client = Client(random);
  const std::size_t addresses = random.Choose({1, 1, 2, 3, 8});
  for (std::size_t i = 0; i < addresses; ++i) account.addresses.push_back(NewAddress(random));
  return account;
}

void Add(Account& account, const Times& times, const std::function<std::string()>& prompt,
         bool distills, Random& random) {
  for (const double time_s : times) {
    Request request{.time_s = time_s, .prompt = prompt(), .distills = distills};
    request.address = static_cast<std::uint8_t>(random.Below(account.addresses.size()));
    account.requests.push_back(std::move(request));
  }
}

void Finish(Account& account, const Month& month, double change_s) {
  auto& requests = account.requests;
  std::erase_if(requests, [&month](const Request& r) {
    return r.time_s < 0 || r.time_s >= month.days * kDay_s;
  });
  std::stable_sort(requests.begin(), requests.end(),
                   [](const Request& a, const Request& b) { return a.time_s < b.time_s; });
  for (Request& r : requests) r.new_model = r.time_s >= change_s;
}

double UsualChange(const Month& month, Random& random) {
  return random.Chance(0.4) ? month.release_day * kDay_s + random.Exponential(8 * kDay_s) : 1e18;
}

}  // namespace distillwatch::simulate
