// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "simulate/benign.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace distillwatch::simulate {
namespace {

const std::vector<Account>& Town() {
  static const std::vector<Account> town = [] {
    Random random(41);
    return SimulateBenign(600, Month{}, random);
  }();
  return town;
}

std::vector<const Account*> Of(const std::string& persona) {
  std::vector<const Account*> out;
  for (const Account& a : Town()) {
    if (a.persona == persona) out.push_back(&a);
  }
  return out;
}

TEST(Benign, HasAllTheLookAlikes) {
  std::map<std::string, int> personas;
  std::set<std::string> ids;
  for (const Account& a : Town()) {
    ++personas[a.persona];
    ids.insert(a.id);
    EXPECT_TRUE(a.campaign.empty());
    for (const Request& r : a.requests) EXPECT_FALSE(r.distills);
  }
  EXPECT_EQ(Town().size(), 600u);
  EXPECT_EQ(ids.size(), 600u);
  for (const char* persona : {"person", "customer", "app", "harness", "reseller", "backfill",
                              "cron", "retry", "class", "trial"}) {
    EXPECT_GE(personas[persona], 4) << persona;
  }
  EXPECT_EQ(personas.size(), 10u);
}

TEST(Benign, VolumesAreCapped) {
  std::size_t all = 0;
  for (const Account& a : Town()) {
    EXPECT_GE(a.requests.size(), 3u);
    EXPECT_LE(a.requests.size(), 9000u);
    all += a.requests.size();
  }
  const double mean = static_cast<double>(all) / 600;
  EXPECT_GT(mean, 100);
  EXPECT_LT(mean, 300);
}

TEST(Benign, HarnessUsersHaveTheAgentsPromptInCommonAndSomeSendItApart) {
  std::set<std::string> systems;
  std::size_t apart = 0;
  for (const Account* a : Of("harness")) {
    if (a->system.empty()) continue;
    systems.insert(a->system);
    ++apart;
  }
  EXPECT_EQ(systems.size(), 1u);
  EXPECT_GT(apart, 3u);
  EXPECT_LT(apart, Of("harness").size());
}

TEST(Benign, PopularAppsAreTheSameInEveryMonth) {
  Random other(42);
  std::set<std::string> here, there;
  for (const Account& a : Town()) here.insert(a.system);
  for (const Account& a : SimulateBenign(600, Month{}, other)) there.insert(a.system);
  EXPECT_EQ(here, there);
  EXPECT_EQ(here.size(), 8u);  // six apps, one agent, and none
}

TEST(Benign, AClassAsksForTheSameHomework) {
  std::map<std::string, std::set<std::string>> askers;
  for (const Account* a : Of("class")) {
    for (const Request& r : a->requests) askers[r.prompt].insert(a->id);
  }
  std::size_t most = 0;
  for (const auto& [prompt, accounts] : askers) most = std::max(most, accounts.size());
  EXPECT_GE(most, 3u);
}

TEST(Benign, ARetryStormKnowsFewRequests) {
  for (const Account* a : Of("retry")) {
    std::map<std::string, std::size_t> prompts;
    for (const Request& r : a->requests) ++prompts[r.prompt];
    std::size_t most = 0;
    for (const auto& [prompt, times] : prompts) most = std::max(most, times);
    EXPECT_GE(most * 12, a->requests.size()) << "of at most six, and perhaps a second use";
  }
}

TEST(Benign, SameSeedSameTown) {
  Random a(43), b(43);
  const auto one = SimulateBenign(30, Month{}, a), two = SimulateBenign(30, Month{}, b);
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].id, two[i].id);
    ASSERT_EQ(one[i].requests.size(), two[i].requests.size());
    EXPECT_EQ(one[i].requests.back().prompt, two[i].requests.back().prompt);
  }
}

}  // namespace
}  // namespace distillwatch::simulate
