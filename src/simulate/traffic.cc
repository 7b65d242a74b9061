// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/traffic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "simulate/prompts.h"

namespace distillwatch::simulate {
namespace {

constexpr std::array<std::string_view, kPipelines> kPipelineNames = {
    "answers", "bare",      "task-making", "elicitation",
    "grading", "rewriting", "relay",       "injected-relay"};

// Ordinary requests that a harvester sends along, from one or two people or a product.
void Dilute(Account& account, std::size_t n, Window life, Random& random) {
  PersonPrompts person(random);
  const double median_words = random.LogUniform(8, 120);
  const Texts data(1 + random.Below(4), median_words, random);
  const bool product = random.Chance(0.3);
  const Frame frame = product ? AnyFrame(5 + random.Below(60), random) : "{0}";
  const Times times = product              ? Machine(n, life, random)
                      : random.Chance(0.6) ? Person(n, life, random)
                                           : Crowd(n, life, random);
  Add(
      account, times,
      [&] { return product ? Fill(frame, {data.Next(random)}) : person.Next(random); }, false,
      random);
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
        account, times, [&] { return Fill(frame, {person.Next(random)}); }, true, random);
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
  if (c.accounts == 1) {
    c.requests_a_day = random.LogUniform(15, 900);
  } else {
    c.requests_a_day = random.Choose({5.6, 13.0, 26.0, 26.0, 282.0, 857.0});
    c.requests_a_day *= random.LogNormal(1, 0.4);
  }
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
  const std::string payment = NewPayment(random);
  std::vector<std::string> exits;
  for (std::size_t i = 0; i < 2 + c.accounts / 3; ++i) exits.push_back(NewAddress(random));
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

}  // namespace distillwatch::simulate
