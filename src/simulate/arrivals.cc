// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/arrivals.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace distillwatch::simulate {
namespace {

// Keeps one contiguous stretch of n: sessions stay sessions.
Times Stretch(Times times, std::size_t n, Random& random) {
  std::sort(times.begin(), times.end());
  if (times.size() <= n) return times;
  const auto first =
      times.begin() + static_cast<std::ptrdiff_t>(random.Below(times.size() - n + 1));
  return {first, first + static_cast<std::ptrdiff_t>(n)};
}

}  // namespace

Times Person(std::size_t n, Window window, Random& random) {
  const double days = std::max(1.0, window.days());
  const double noon_h = random.Normal(14, 4), spread_h = random.Uniform(1.5, 4);
  const double pace_s = random.LogNormal(70, 0.6);
  const double needed = static_cast<double>(n) / days / random.Uniform(4, 14);
  const double sessions_a_day = std::max(random.Gamma(2, 1.6), needed);
  Times out;
  for (double day = std::floor(window.first_s / kDay_s); day * kDay_s < window.last_s; ++day) {
    const bool weekend = std::fmod(day, 7) >= 5;
    double left = sessions_a_day * (weekend ? 0.5 : 1.0);
    while (random.Chance(std::min(1.0, left))) {
      left -= 1;
      double t = day * kDay_s + random.Normal(noon_h, spread_h) * kHour_s;
      const double requests = 1 + random.Exponential(8);
      for (double i = 0; i < requests; ++i) {
        if (t >= window.first_s && t < window.last_s) out.push_back(t);
        t += random.LogNormal(pace_s, 1.1);
      }
    }
  }
  return Stretch(std::move(out), n, random);
}

Times Crowd(std::size_t n, Window window, Random& random) {
  const auto people =
      static_cast<std::size_t>(std::max(2.0, static_cast<double>(n) / random.Uniform(10, 60)));
  Times out;
  for (std::size_t i = 0; i < people; ++i) {
    const Times one = Person(n / people + 1, window, random);
    out.insert(out.end(), one.begin(), one.end());
  }
  std::sort(out.begin(), out.end());
  if (out.size() > n) out.resize(n);
  return out;
}

Times Service(std::size_t n, Window window, Random& random) {
  const double swing = random.Uniform(0, 0.95), phase = random.Uniform(0, 24);
  const double burst = random.Chance(0.5) ? random.Uniform(0.1, 0.6) : 0;
  const double mean_s =
      (window.last_s - window.first_s) / static_cast<double>(std::max<std::size_t>(n, 1));
  const double shape = random.Uniform(0.25, 1.1);
  Times out;
  double t = window.first_s;
  while (t < window.last_s && out.size() < n) {
    t += random.Chance(burst) ? random.Exponential(1.5)
                              : random.Gamma(shape, mean_s * random.Uniform(0.5, 1.0));
    const double level =
        1 - swing +
        swing * (0.5 + 0.5 * std::sin((t / kHour_s + phase) / 24 * 2 * std::numbers::pi));
    if (t < window.last_s && random.Chance(level)) out.push_back(t);
  }
  return out;
}

Times Nightly(std::size_t n, Window window, Random& random) {
  const double hour_s = random.Uniform(0, 24) * kHour_s, pace_s = random.LogNormal(5, 0.8);
  const double per_day = std::max(5.0, static_cast<double>(n) / std::max(1.0, window.days()));
  Times out;
  for (double day = std::floor(window.first_s / kDay_s); day * kDay_s < window.last_s; ++day) {
    double t = day * kDay_s + hour_s + random.Exponential(150);
    const double count = per_day * random.Uniform(0.7, 1.4);
    for (double i = 0; i < count; ++i) {
      t += random.Gamma(6, pace_s);
      if (t >= window.first_s && t < window.last_s) out.push_back(t);
    }
  }
  std::sort(out.begin(), out.end());
  if (out.size() > n) out.resize(n);
  return out;
}

Times Hourly(std::size_t n, Window window, Random& random) {
  const double every_s = random.Choose({1.0, 1.0, 2.0, 4.0, 6.0}) * kHour_s;
  const double minute_s = random.Chance(0.6) ? 0 : 60 * std::floor(random.Uniform(0, 60));
  const double runs = std::max(1.0, (window.last_s - window.first_s) / every_s);
  const double at_once = std::max(1.0, std::round(static_cast<double>(n) / runs));
  Times out;
  for (double start = std::ceil(window.first_s / every_s) * every_s + minute_s;
       start < window.last_s && out.size() < n; start += every_s) {
    double t = start + random.Uniform(0, 3);
    for (double i = 0; i < at_once && out.size() < n; ++i) {
      if (t < window.last_s) out.push_back(t);
      t += random.Gamma(4, 2.5);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Pace AnyPace(Random& random) {
  Pace pace;
  pace.jitter = random.LogUniform(0.04, 1.3);
  pace.concurrency = random.Choose({1, 1, 1, 1, 2, 4, 8});
  pace.duty = random.Choose({1.0, 1.0, 1.0, 0.65, 0.35});
  pace.stall = random.Choose({0.0, 0.0, 0.003, 0.01});
  return pace;
}

Times Worker(std::size_t n, Window window, const Pace& pace, Random& random) {
  const double span = (window.last_s - window.first_s) * pace.duty * random.Uniform(0.75, 1.0);
  const double shape = 1 / (pace.jitter * pace.jitter);
  std::vector<double> gaps(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double gap = random.Gamma(shape, 1);
    if (pace.concurrency > 1)
      gap *= i % pace.concurrency == 0 ? static_cast<double>(pace.concurrency) : 0.02;
    sum += gaps[i] = gap;
  }
  const double begin_s = pace.duty < 1 ? random.Uniform(0, 1 - pace.duty) * kDay_s : 0;
  Times out;
  double t = 0, day_before = -1, shift = 0;
  for (const double gap : gaps) {
    t += gap * span / std::max(sum, 1e-9) +
         (random.Chance(pace.stall) ? random.LogNormal(2400, 1.2) : 0);
    double when = window.first_s + t;
    if (pace.duty < 1) {
      const double day = std::floor(t / (kDay_s * pace.duty));
      if (day != day_before) shift = random.Normal(0, 1800);
      day_before = day;
      when = window.first_s + day * kDay_s + begin_s + shift + (t - day * kDay_s * pace.duty);
    }
    if (when >= window.first_s && when < window.last_s) out.push_back(when);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Times Machine(std::size_t n, Window window, Random& random) {
  switch (random.Below(5)) {
    case 0:
      return Nightly(n, window, random);
    case 1:
      return Worker(n, window, AnyPace(random), random);
    case 2:
      return Crowd(n, window, random);
    default:
      return Service(n, window, random);
  }
}

}  // namespace distillwatch::simulate
