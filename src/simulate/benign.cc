// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/benign.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "simulate/arrivals.h"
#include "simulate/prompts.h"

namespace distillwatch::simulate {
namespace {

using Prompts = std::function<std::string()>;

constexpr std::uint64_t kPopularApps = 20260101;

Window AnyWindow(const Month& month, double shortest_share, Random& random) {
  const double span = month.days * kDay_s;
  const double first = random.Uniform(0, 0.7) * span;
  return {first, std::min(span, first + random.Uniform(shortest_share, 1) * span)};
}

// A failed request is sent again after seconds.
void Retry(Account& account, double share, Random& random) {
  const std::size_t asked = account.requests.size();
  for (std::size_t i = 0; i < asked; ++i) {
    if (!random.Chance(share)) continue;
    Request again = account.requests[i];
    again.time_s += random.LogNormal(6, 1);
    account.requests.push_back(std::move(again));
  }
}

class Town {
 public:
  Town(const Month& month, Random& random) : month_(month), random_(random) {
    // The same in every month: a reference learned from one has seen the apps of the next.
    Random apps(kPopularApps);
    for (int i = 0; i < 6; ++i) apps_.push_back(AnyFrame(8 + apps.Below(60), apps));
    harness_ = AnyFrame(350, apps);
  }

  Account Any(std::size_t accounts_before) {
    const double kind = random_.Uniform();
    requests_ = static_cast<std::size_t>(std::clamp(random_.LogNormal(110, 1.0), 5.0, 3000.0));
    window_ = AnyWindow(month_, 0.1, random_);
    account_ = NewAccount("person", random_);
    if (kind < 0.42) {
      Ask(Person(requests_, window_, random_), SomebodysPrompts("{0}"));
    } else if (kind < 0.58) {
      Customer();
    } else if (kind < 0.76) {
      Tenant();
    } else if (kind < 0.82) {
      Reseller();
    } else if (kind < 0.86) {
      Backfill();
    } else if (kind < 0.89) {
      CronJob();
    } else if (kind < 0.92) {
      RetryStorm();
    } else if (kind < 0.95) {
      Pupil(accounts_before);
    } else {
      account_.persona = "trial";
      const Window days = {window_.first_s, window_.first_s + random_.Uniform(0.3, 4) * kDay_s};
      Ask(Person(5 + random_.Below(60), days, random_), SomebodysPrompts("{0}"));
    }
    if (random_.Chance(0.15))
      Ask(Person(requests_ / 2 + 1, window_, random_), SomebodysPrompts("{0}"));
    if (random_.Chance(0.2)) Retry(account_, random_.Uniform(0.01, 0.08), random_);
    Finish(account_, month_, UsualChange(month_, random_));
    return std::move(account_);
  }

 private:
  void Ask(const Times& times, const Prompts& prompts) {
    Add(account_, times, prompts, false, random_);
  }
  Prompts SomebodysPrompts(const Frame& frame) {
    return [this, frame, person = PersonPrompts(random_)]() mutable {
      return Fill(frame, {person.Next(random_)});
    };
  }
  Prompts Records(const Frame& frame, std::size_t topics, double median_words) {
    return [this, frame, data = Texts(topics, median_words, random_)] {
      return Fill(frame, {data.Next(random_)});
    };
  }

  void Customer() {
    account_.persona = "customer";
    const Frame frame = AnyFrame(5 + static_cast<std::size_t>(random_.LogUniform(1, 150)), random_);
    const double median_words = random_.LogUniform(6, 250);
    const Prompts records = Records(frame, 1 + random_.Below(12), median_words);
    Ask(Machine(requests_, window_, random_), records);
  }
  void Tenant() {
    const bool harness = random_.Chance(0.45);
    account_.persona = harness ? "harness" : "app";
    const Frame& frame = harness ? harness_ : random_.Choose(apps_);
    // Some apps send their instructions apart, others within the prompt.
    const bool apart = random_.Chance(0.5);
    if (apart) account_.system = Fill(frame, {""});
    Ask(Person(requests_, window_, random_), SomebodysPrompts(apart ? Frame("{0}") : frame));
  }
  void Reseller() {
    account_.persona = "reseller";
    std::vector<PersonPrompts> people;
    for (std::size_t left = 3 + random_.Below(60); left > 0; --left) people.emplace_back(random_);
    const Times times = random_.Chance(0.6) ? Crowd(2 * requests_, window_, random_)
                                            : Machine(2 * requests_, window_, random_);
    Ask(times, [&] { return people[random_.Below(people.size())].Next(random_); });
  }
  void Backfill() {
    account_.persona = "backfill";
    const Frame frame = random_.Chance(0.5) ? AnyFrame(4 + random_.Below(30), random_) : "{0}";
    const double median_words = random_.LogUniform(6, 80);
    const Prompts records = Records(frame, 30 + random_.Below(300), median_words);
    const Pace pace = AnyPace(random_);
    Ask(Worker(requests_ * 2, window_, pace, random_), records);
  }
  void CronJob() {
    account_.persona = "cron";
    const Frame frame = AnyFrame(5 + random_.Below(60), random_);
    const double median_words = random_.LogUniform(8, 200);
    const Prompts records = Records(frame, 1 + random_.Below(5), median_words);
    Ask(Hourly(requests_, window_, random_), records);
  }
  void RetryStorm() {
    account_.persona = "retry";
    const Texts data(3, 20, random_);
    std::vector<std::string> few;
    for (std::size_t left = 1 + random_.Below(6); left > 0; --left)
      few.push_back(data.Next(random_));
    const Pace pace = AnyPace(random_);
    Ask(Worker(requests_, window_, pace, random_), [&] { return random_.Choose(few); });
  }
  // Every 300 accounts there is another class.
  void Pupil(std::size_t accounts_before) {
    account_.persona = "class";
    if (classes_ < accounts_before / 300 + 1) {
      ++classes_;
      const Texts data(2, 15, random_);
      homework_.clear();
      for (int i = 0; i < 40; ++i) homework_.push_back(data.Next(random_));
    }
    Ask(Person(5 + random_.Below(60), window_, random_),
        [this] { return random_.Choose(homework_); });
  }

  const Month& month_;
  Random& random_;
  std::vector<Frame> apps_;
  Frame harness_;
  std::vector<std::string> homework_;
  std::size_t classes_ = 0;

  // Of the account in the making.
  Account account_;
  Window window_;
  std::size_t requests_ = 0;
};

}  // namespace

std::vector<Account> SimulateBenign(std::size_t n, const Month& month, Random& random,
                                    const std::function<void()>& between) {
  Town town(month, random);
  std::vector<Account> accounts;
  while (accounts.size() < n) {
    if (between) between();
    Account account = town.Any(accounts.size());
    if (account.requests.size() >= 3) accounts.push_back(std::move(account));
  }
  return accounts;
}

}  // namespace distillwatch::simulate
