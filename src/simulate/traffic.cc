// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/traffic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "simulate/prompts.h"

namespace distillwatch::simulate {
namespace {

constexpr std::array<std::string_view, kPipelines> kPipelineNames = {
    "answers", "bare",      "task-making", "elicitation",
    "grading", "rewriting", "relay",       "injected-relay"};

std::string Hex(std::string_view prefix, std::uint64_t bits, int digits) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "%0*llx", digits,
                static_cast<unsigned long long>(bits >> (64 - 4 * digits)));
  return std::string(prefix) + text.data();
}

std::string Address(Random& random) {
  return "100." + std::to_string(64 + random.Below(64)) + "." + std::to_string(random.Below(256)) +
         "." + std::to_string(1 + random.Below(254));
}

std::string Client(Random& random) {
  return random.Choose({"python-client/1.9", "node-client/4.2", "curl/8.5", "browser/131",
                        "agent/0.7", "java-client/2.0"});
}

Account NewAccount(std::string persona, Random& random) {
  Account account;
  account.id = Hex("acct-", random.Bits(), 12);
  account.persona = std::move(persona);
  account.payment = Hex("pay-", random.Bits(), 10);
  account.client = Client(random);
  const std::size_t addresses = random.Choose({1, 1, 2, 3, 8});
  for (std::size_t i = 0; i < addresses; ++i) account.addresses.push_back(Address(random));
  return account;
}

void Add(Account& account, const Times& times,
         const std::function<std::string(std::size_t)>& prompt, bool distills, Random& random) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    account.requests.push_back({times[i], prompt(i), distills,
                                static_cast<std::uint8_t>(random.Below(account.addresses.size())),
                                false});
  }
}

// Sorts, and lets the account change to the new model at `change_s`.
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

Window AnyWindow(const Month& month, double shortest_share, Random& random) {
  const double span = month.days * kDay_s;
  const double first = random.Uniform(0, 0.7) * span;
  return {first, std::min(span, first + random.Uniform(shortest_share, 1) * span)};
}

// Ordinary requests that a harvester sends along, from one or two people or a product.
void Dilute(Account& account, std::size_t n, Window life, Random& random) {
  PersonPrompts person(random);
  const Texts data(1 + random.Below(4), random.LogUniform(8, 120), random);
  const bool product = random.Chance(0.3);
  const Frame frame = product ? AnyFrame(5 + random.Below(60), random) : "{0}";
  const Times times = product              ? Machine(n, life, random)
                      : random.Chance(0.6) ? Person(n, life, random)
                                           : Crowd(n, life, random);
  Add(
      account, times,
      [&](std::size_t) { return product ? Fill(frame, {data.Next(random)}) : person.Next(random); },
      false, random);
}

// The people whose conversations a relay sends on, each session on one account and in its own time.
void Relay(Account& account, std::size_t n, Window life, const Frame& frame, Random& random) {
  for (std::size_t sent = 0; sent < n;) {
    PersonPrompts person(random);
    const std::size_t session = std::min(n - sent, 2 + random.Below(30));
    const double first = random.Uniform(life.first_s, life.last_s);
    double t = first;
    Times times;
    for (std::size_t i = 0; i < session; ++i) times.push_back(t), t += random.LogNormal(80, 1.1);
    Add(
        account, times, [&](std::size_t) { return Fill(frame, {person.Next(random)}); }, true,
        random);
    sent += session;
  }
}

}  // namespace

std::string_view Name(Pipeline pipeline) {
  return kPipelineNames[static_cast<std::size_t>(pipeline)];
}

Campaign AnyCampaign(Random& random) {
  Campaign c;
  c.pipeline = static_cast<Pipeline>(random.Below(kPipelines));
  c.accounts = random.Choose<std::size_t>({1, 1, 6, 20, 60, 200});
  // Disclosed loads of an account a day; a lone harvester has to be faster to get anywhere.
  c.requests_a_day = c.accounts == 1 ? random.LogUniform(15, 900)
                                     : random.Choose({5.6, 13.0, 26.0, 26.0, 282.0, 857.0}) *
                                           random.LogNormal(1, 0.4);
  c.days = random.Choose({3.0, 7.0, 10.0, 14.0, 17.0, 20.0, 26.0});
  c.route = c.accounts == 1
                ? Route::kOwnWorkers
                : random.Choose({Route::kRoundRobin, Route::kRoundRobin, Route::kWeighted,
                                 Route::kRandom, Route::kSticky, Route::kOwnWorkers});
  c.pace = AnyPace(random);
  c.dilution = random.Choose({0.0, 0.0, 0.0, 0.3, 0.5, 0.7, 0.9});
  c.samples = random.Choose({1, 1, 1, 1, 2, 4, 8});
  c.human_hours = random.Chance(0.25);
  c.shares_payment = random.Chance(0.4);
  c.shares_addresses = random.Chance(0.4);
  c.pivots = random.Chance(0.15);
  return c;
}

Times MemberTimes(const Campaign& c, Window life, Random& random) {
  const auto n = static_cast<std::size_t>(
      std::clamp(c.requests_a_day * life.days() * random.LogNormal(1, 0.3), 4.0, 3000.0));
  Pace pace = c.pace;
  Times times;
  switch (c.route) {
    case Route::kOwnWorkers:
      times = Worker(n, life, pace, random);
      break;
    case Route::kRoundRobin:  // every so many of the queue's requests: its jitter averages out
      pace.jitter = std::max(0.02, pace.jitter / std::sqrt(static_cast<double>(c.accounts)));
      pace.concurrency = 1;
      times = Worker(n, life, pace, random);
      break;
    case Route::kSticky:  // an hour's worth at a time
      for (double left = static_cast<double>(n); left > 0;) {
        const double turn =
            std::min(left, std::max(2.0, c.requests_a_day * static_cast<double>(c.accounts) / 24));
        double t = random.Uniform(life.first_s, life.last_s);
        for (double i = 0; i < turn; ++i) times.push_back(t += random.Gamma(4, kHour_s / turn));
        left -= turn;
      }
      break;
    case Route::kWeighted:
    case Route::kRandom:
      pace.jitter = 1;
      pace.concurrency = 1;
      times = Worker(n, life, pace, random);
  }
  const double night_h = random.Uniform(0, 24);
  std::erase_if(times, [&](double t) {
    return t >= life.last_s || (c.human_hours && std::fmod(t / kHour_s + night_h, 24) < 8);
  });
  for (double& t : times) t += random.Uniform(0, 0.8);
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<Account> SimulateCampaign(const Campaign& c, const Month& month, std::size_t members,
                                      Random& random) {
  const double days = std::min(c.days, month.days);
  const double first = c.pivots ? std::max(0.0, month.release_day - random.Uniform(2, 7)) * kDay_s
                                : random.Uniform(0, month.days - days) * kDay_s;
  const Window span = {first, std::min(month.days * kDay_s, first + days * kDay_s)};
  const bool relay = c.pipeline == Pipeline::kRelay || c.pipeline == Pipeline::kInjectedRelay;
  const Frame frame = c.pipeline == Pipeline::kInjectedRelay ? InjectedInstruction(random) : "{0}";

  // Lives, volumes, identities.
  std::vector<Account> accounts;
  std::vector<Window> lives;
  std::vector<double> weights;
  const std::string payment = Hex("pay-", random.Bits(), 10);
  std::vector<std::string> exits;
  for (std::size_t i = 0; i < 2 + c.accounts / 3; ++i) exits.push_back(Address(random));
  for (std::size_t i = 0; i < c.accounts; ++i) {
    Account account = NewAccount(std::string(Name(c.pipeline)), random);
    account.campaign = c.name;
    if (c.shares_payment && random.Chance(0.7)) account.payment = payment;
    if (c.shares_addresses) account.addresses = {random.Choose(exits), random.Choose(exits)};
    accounts.push_back(std::move(account));
    const double length = span.last_s - span.first_s;
    lives.push_back({span.first_s + random.Uniform(0, 0.35) * length,
                     span.last_s - random.Uniform(0, 0.3) * length});
    weights.push_back(c.route == Route::kWeighted ? random.LogNormal(1, 0.6) : 1);
  }
  std::vector<std::size_t> volume;
  for (const Window& life : lives) {
    volume.push_back(static_cast<std::size_t>(
        std::clamp(c.requests_a_day * life.days() * random.LogNormal(1, 0.3), 4.0, 3000.0)));
  }
  const double night_h = random.Uniform(0, 24);
  const auto asleep = [&](double t) {
    return c.human_hours && std::fmod(t / kHour_s + night_h, 24) < 8;
  };

  if (relay) {
    for (std::size_t i = 0; i < std::min(members, c.accounts); ++i)
      Relay(accounts[i], volume[i], lives[i], frame, random);
  } else {
    std::size_t total = 0;
    for (const std::size_t v : volume) total += v;
    Harvest harvest(c.pipeline, c.samples, random);
    const SlotSource slots = AnySlots(c.pipeline, random);
    const auto ask = [&](std::size_t owner, double t) {
      if (asleep(t) || owner >= members) return;
      Account& account = accounts[owner];
      account.requests.push_back({t + random.Uniform(0, 0.8), harvest.Next(slots, random), true,
                                  static_cast<std::uint8_t>(random.Below(account.addresses.size())),
                                  false});
    };
    if (c.route == Route::kOwnWorkers) {
      for (std::size_t i = 0; i < std::min(members, c.accounts); ++i) {
        for (const double t : Worker(volume[i], lives[i], c.pace, random)) ask(i, t);
      }
    } else {
      // One dispatcher: as many requests in a moment as there are accounts alive.
      std::size_t turn = 0, sticky = 0;
      double sticky_until = 0;
      const Times times = Worker(total, span, c.pace, random);
      for (const double t : times) {
        std::vector<std::size_t> alive;
        for (std::size_t i = 0; i < c.accounts; ++i) {
          if (t >= lives[i].first_s && t < lives[i].last_s) alive.push_back(i);
        }
        if (alive.empty()) continue;
        std::size_t owner = alive[turn++ % alive.size()];
        if (c.route == Route::kRandom) owner = random.Choose(alive);
        if (c.route == Route::kSticky) {
          if (t >= sticky_until) sticky = random.Choose(alive), sticky_until = t + kHour_s;
          owner = sticky;
        }
        if (c.route == Route::kWeighted) {
          double sum = 0;
          for (const std::size_t i : alive) sum += weights[i];
          double at = random.Uniform(0, sum);
          for (const std::size_t i : alive) {
            owner = i;
            if ((at -= weights[i]) < 0) break;
          }
        }
        ask(owner, t);
      }
    }
  }

  const double pivot_s = (month.release_day + random.Uniform(0.1, 1)) * kDay_s;
  for (std::size_t i = 0; i < c.accounts; ++i) {
    if (c.dilution > 0 && !accounts[i].requests.empty()) {
      const auto cover = static_cast<std::size_t>(static_cast<double>(accounts[i].requests.size()) *
                                                  c.dilution / (1 - c.dilution));
      Window life = lives[i];
      if (random.Chance(0.4)) life.first_s = random.Uniform(0, life.first_s);  // an aged account
      Dilute(accounts[i], std::min<std::size_t>(cover, 4000), life, random);
    }
    Finish(accounts[i], month, c.pivots ? pivot_s : UsualChange(month, random));
  }
  std::erase_if(accounts, [](const Account& a) { return a.requests.size() < 3; });
  return accounts;
}

std::vector<Account> SimulateBenign(std::size_t n, const Month& month, Random& random) {
  // What many accounts have in common: apps, an agent with a long system prompt, classes.
  std::vector<Frame> apps;
  for (int i = 0; i < 6; ++i) apps.push_back(AnyFrame(8 + random.Below(60), random));
  const Frame agent = AnyFrame(350, random);
  std::vector<std::vector<std::string>> homework;

  std::vector<Account> accounts;
  while (accounts.size() < n) {
    const double kind = random.Uniform();
    const auto requests =
        static_cast<std::size_t>(std::clamp(random.LogNormal(110, 1.0), 5.0, 3000.0));
    const Window window = AnyWindow(month, 0.1, random);
    Account account = NewAccount("person", random);
    if (kind < 0.42) {
      PersonPrompts person(random);
      Add(
          account, Person(requests, window, random),
          [&](std::size_t) { return person.Next(random); }, false, random);
    } else if (kind < 0.60) {
      account.persona = "customer";
      const Frame frame = AnyFrame(5 + static_cast<std::size_t>(random.LogUniform(1, 150)), random);
      const Texts data(1 + random.Below(12), random.LogUniform(6, 250), random);
      Add(
          account, Machine(requests, window, random),
          [&](std::size_t) { return Fill(frame, {data.Next(random)}); }, false, random);
    } else if (kind < 0.78) {
      const bool is_agent = random.Chance(0.45);
      account.persona = is_agent ? "agent" : "app";
      const Frame& frame = is_agent ? agent : random.Choose(apps);
      PersonPrompts person(random);
      Add(
          account, Person(requests, window, random),
          [&](std::size_t) { return Fill(frame, {person.Next(random)}); }, false, random);
    } else if (kind < 0.84) {
      account.persona = "reseller";
      std::vector<PersonPrompts> people;
      for (std::size_t i = 0; i < 3 + random.Below(60); ++i) people.emplace_back(random);
      const std::size_t many = requests * 2;
      Add(
          account, random.Chance(0.6) ? Crowd(many, window, random) : Machine(many, window, random),
          [&](std::size_t) { return people[random.Below(people.size())].Next(random); }, false,
          random);
    } else if (kind < 0.88) {
      account.persona = "backfill";
      const Frame frame = random.Chance(0.5) ? AnyFrame(4 + random.Below(30), random) : "{0}";
      const Texts data(30 + random.Below(300), random.LogUniform(6, 80), random);
      Add(
          account, Worker(requests * 2, window, AnyPace(random), random),
          [&](std::size_t) { return Fill(frame, {data.Next(random)}); }, false, random);
    } else if (kind < 0.91) {
      account.persona = "retry";
      const Texts data(3, 20, random);
      std::vector<std::string> few;
      for (std::size_t i = 0; i < 1 + random.Below(6); ++i) few.push_back(data.Next(random));
      Add(
          account, Worker(requests, window, AnyPace(random), random),
          [&](std::size_t) { return random.Choose(few); }, false, random);
    } else if (kind < 0.94) {
      account.persona = "class";
      if (homework.size() < accounts.size() / 300 + 1) {
        const Texts data(2, 15, random);
        homework.emplace_back();
        for (int i = 0; i < 40; ++i) homework.back().push_back(data.Next(random));
      }
      const auto& questions = homework.back();
      Add(
          account, Person(5 + random.Below(60), window, random),
          [&](std::size_t) { return random.Choose(questions); }, false, random);
    } else {
      account.persona = "trial";
      PersonPrompts person(random);
      const Window days = {window.first_s, window.first_s + random.Uniform(0.3, 4) * kDay_s};
      Add(
          account, Person(5 + random.Below(60), days, random),
          [&](std::size_t) { return person.Next(random); }, false, random);
    }
    if (random.Chance(0.15)) {  // the key has a second use
      PersonPrompts person(random);
      Add(
          account, Person(requests / 2 + 1, window, random),
          [&](std::size_t) { return person.Next(random); }, false, random);
    }
    Finish(account, month, UsualChange(month, random));
    if (account.requests.size() >= 3) accounts.push_back(std::move(account));
  }
  return accounts;
}

}  // namespace distillwatch::simulate
