// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Months of a gateway on which accounts share frames and nobody acts together.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "campaign/gateway.h"

namespace distillwatch::campaign {
namespace {

constexpr double kMonth_s = 30 * kDay_s;

struct Kind {
  std::string name;
  // Times of one account.
  std::function<Times(Random&)> of;
};

std::size_t Volume(double median, double sigma, Random& random) {
  return 16 + static_cast<std::size_t>(random.LogNormal(median, sigma));
}

Window AnyLife(Random& random) {
  return {random.Uniform(0, 22) * kDay_s, kMonth_s};
}

// Each request is asked again within seconds, some times over.
Times Retried(const Times& times, Random& random) {
  Times out;
  for (double t : times) {
    for (std::size_t i = random.Chance(0.1) ? random.Below(8) : 0; i > 0; --i) {
      out.push_back(t += random.Exponential(4));
    }
    out.push_back(t);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<Kind> Kinds() {
  return {
      {"app tenants", [](Random& r) { return Product(2 * Volume(60, 0.9, r), AnyLife(r), r); }},
      {"an agent's users",
       [](Random& r) { return simulate::Person(Volume(60, 0.8, r), AnyLife(r), r); }},
      {"resellers", [](Random& r) { return simulate::Crowd(Volume(120, 0.7, r), AnyLife(r), r); }},
      {"users of a harness", [](Random& r) { return BatchJobs(Volume(80, 1, r), AnyLife(r), r); }},
      {"a class with one homework",
       [](Random& r) {
         const double first = r.Uniform(10, 13) * kDay_s;
         return simulate::Person(Volume(25, 0.5, r), {first, first + 10 * kDay_s}, r);
       }},
      {"cron on the hour", [](Random& r) { return Cron(Volume(80, 0.8, r), AnyLife(r), r); }},
      {"retry storms",
       [](Random& r) { return Retried(simulate::Person(Volume(50, 0.8, r), AnyLife(r), r), r); }},
  };
}

Gateway BenignMonth(const std::vector<Kind>& kinds, Random& random) {
  Gateway gateway;
  std::uint64_t id = 0;
  for (const Kind& kind : kinds) {
    const Frame frame = RandomSignature(random);
    const std::size_t members = 6 + random.Below(14);
    for (std::size_t m = 0; m < members; ++m) {
      gateway.Add({++id, frame, random.Uniform(0, 0.5), kind.of(random)});
    }
  }
  for (int i = 0; i < 250; ++i) {
    gateway.Add({++id, {}, 1, simulate::Person(Volume(30, 0.9, random), AnyLife(random), random)});
  }
  return gateway;
}

// 40 months of 7 benign groups, all of which may be tested, share one expected false name a month.
// A Poisson count with that mean would exceed 60 with P = 1.2e-3; the tests' corrections leave far
// fewer.
TEST(CampaignNullStat, FalseNamesStayWithinTheirBudget) {
  constexpr int kMonths = 40;
  const auto kinds = Kinds();
  std::size_t named = 0;
  for (std::uint64_t month = 0; month < kMonths; ++month) {
    Random random(month);
    Linker linker({.false_campaigns = 1, .most_groups = kinds.size()}, month);
    named += BenignMonth(kinds, random).Run(linker, month).named.size();
  }
  EXPECT_LE(named, 60u);
  RecordProperty("false_names", std::to_string(named));
}

}  // namespace
}  // namespace distillwatch::campaign
