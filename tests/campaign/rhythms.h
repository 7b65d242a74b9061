// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Rhythms: when several accounts ask while they are watched, independently or arranged.

#ifndef DISTILLWATCH_TESTS_CAMPAIGN_RHYTHMS_H_
#define DISTILLWATCH_TESTS_CAMPAIGN_RHYTHMS_H_

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "campaign/surrogate.h"
#include "simulate/arrivals.h"
#include "support/random_inputs.h"

namespace distillwatch::campaign {

using simulate::kDay_s;
using simulate::kHour_s;
using simulate::Times;
using simulate::Window;

// Members' times, in seconds.
using Rhythms = std::vector<Times>;

// The events of members who are watched since from_s each, until to_s.
struct Watch {
  std::vector<MemberEvent> events;
  std::vector<std::int64_t> from_us;
  std::int64_t to_us = 0;

  Watch(const Rhythms& rhythms, const std::vector<double>& from_s, double to_s)
      : to_us(static_cast<std::int64_t>(to_s * 1e6)) {
    for (std::uint32_t m = 0; m < rhythms.size(); ++m) {
      from_us.push_back(static_cast<std::int64_t>(from_s[m] * 1e6));
      for (const double t : rhythms[m]) {
        const auto time = static_cast<std::int64_t>(t * 1e6);
        if (time >= from_us[m] && time <= to_us) events.push_back({time, m});
      }
    }
    std::sort(events.begin(), events.end(), [](const MemberEvent& a, const MemberEvent& b) {
      return std::pair(a.member, a.time_us) < std::pair(b.member, b.time_us);
    });
  }
  Watched watched() const { return {events, from_us, to_us}; }
};

inline Times Poisson(std::size_t n, Window window, support::Random& random) {
  Times times(n);
  for (double& t : times) t = random.Uniform(window.first_s, window.last_s);
  std::sort(times.begin(), times.end());
  return times;
}

// Jobs of its own, each some minutes of requests, at any time.
inline Times BatchJobs(std::size_t n, Window window, support::Random& random) {
  Times times;
  while (times.size() < n) {
    double t = random.Uniform(window.first_s, window.last_s - kHour_s);
    const double gap_s = random.LogUniform(2, 60);
    for (std::size_t i = 0; i < 8 && times.size() < n; ++i) times.push_back(t += gap_s);
  }
  std::sort(times.begin(), times.end());
  return times;
}

// A job that starts at the full hour, some of the day's hours, as strangers' schedulers do.
inline Times Cron(std::size_t n, Window window, support::Random& random) {
  Times times;
  const std::size_t burst = 1 + random.Below(4);
  for (double hour = std::ceil(window.first_s / kHour_s); hour * kHour_s < window.last_s; ++hour) {
    if (!random.Chance(static_cast<double>(n) / static_cast<double>(burst) / (window.days() * 24)))
      continue;
    double t = hour * kHour_s;
    for (std::size_t i = 0; i < burst; ++i) times.push_back(t += random.Exponential(3));
  }
  std::sort(times.begin(), times.end());
  return times;
}

inline Times StallingWorker(std::size_t n, Window window, support::Random& random) {
  simulate::Pace pace = simulate::AnyPace(random);
  pace.stall = random.Uniform(0.01, 0.1);
  return simulate::Worker(n, window, pace, random);
}

// A product that was there before: simulate::Service starts every product with its window.
inline Times Product(std::size_t n, Window window, support::Random& random) {
  const double before_s = random.Uniform(1, 3) * (window.last_s - window.first_s);
  const double times = 1 + before_s / (window.last_s - window.first_s);
  Times all = simulate::Service(static_cast<std::size_t>(times * static_cast<double>(n)),
                                {window.first_s - before_s, window.last_s}, random);
  std::erase_if(all, [&window](double t) { return t < window.first_s; });
  return all;
}

// A health check: one request a period, to the second, since some moment of its own.
inline Times Polling(std::size_t n, Window window, support::Random& random) {
  const double period_s = (window.last_s - window.first_s) / static_cast<double>(n);
  Times times;
  for (double t = window.first_s + random.Uniform(0, period_s); t < window.last_s; t += period_s) {
    times.push_back(t + random.Uniform(0, 1));
  }
  return times;
}

using Rhythm = std::function<Times(std::size_t n, Window, support::Random&)>;
struct NamedRhythm {
  std::string name;
  Rhythm of;
};
// Whatever one account does by itself.
inline std::vector<NamedRhythm> IndependentRhythms() {
  return {{"people", simulate::Person}, {"Poisson", Poisson},
          {"batch jobs", BatchJobs},    {"stalling workers", StallingWorker},
          {"cron on the hour", Cron},   {"products", Product},
          {"polling", Polling}};
}

// One queue hands its requests to the members in turn; cv: of the queue's gaps.
inline Rhythms RoundRobin(std::size_t members, std::size_t each, Window window, double cv,
                          support::Random& random) {
  Rhythms rhythms(members);
  const double mean_s = (window.last_s - window.first_s) / static_cast<double>(members * each);
  double t = window.first_s;
  for (std::size_t i = 0; i < members * each; ++i) {
    t += cv == 0 ? mean_s : random.Gamma(1 / (cv * cv), mean_s);
    rhythms[i % members].push_back(t);
  }
  return rhythms;
}

// Common jobs, minutes to an hour long, during which every member asks at its own times.
inline Rhythms OnAndOff(std::size_t members, std::size_t each, Window window,
                        support::Random& random) {
  std::vector<Window> jobs;
  for (int i = 0; i < 12; ++i) {
    const double first = random.Uniform(window.first_s, window.last_s - kHour_s);
    jobs.push_back({first, first + random.Uniform(600, 3600)});
  }
  Rhythms rhythms(members);
  for (Times& times : rhythms) {
    for (std::size_t i = 0; i < each; ++i) {
      const Window& job = random.Choose(jobs);
      times.push_back(random.Uniform(job.first_s, job.last_s));
    }
    std::sort(times.begin(), times.end());
  }
  return rhythms;
}

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_TESTS_CAMPAIGN_RHYTHMS_H_
