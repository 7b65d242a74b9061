// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/custom.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "distillwatch/custom_detector.h"
#include "small_monitor.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using support::Log;
using support::LogLine;
using support::MixedLog;

// A host's own detector: how long an account's requests are.
class BrevityDetector {
 public:
  static constexpr std::string_view kName = "brevity";
  static constexpr std::array<FeatureSpec, 2> kFeatures = {{
      {"mean_units", "a request has {} words on average"},
      {"short_share", "{} of requests are shorter than 12 words", FeatureForm::kShare},
  }};
  struct State {
    std::uint32_t requests = 0, brief = 0;
    double units = 0;
    bool Valid() const noexcept { return brief <= requests && units >= 0 && units < 1e12; }
  };
  void Update(const Observation& seen, State& state) const noexcept {
    ++state.requests;
    state.brief += seen.units < 12;
    state.units += seen.units;
  }
  std::array<float, 2> Measure(const State& state) const noexcept {
    if (state.requests < 2) return {std::nanf(""), std::nanf("")};
    return {static_cast<float>(state.units / state.requests),
            static_cast<float>(state.brief) / static_cast<float>(state.requests)};
  }
};
static_assert(Detector<BrevityDetector>);

// Beside it one that only counts, to see that states do not get mixed up.
class CountDetector {
 public:
  static constexpr std::string_view kName = "count";
  static constexpr std::array<FeatureSpec, 1> kFeatures = {{{"seen_requests", "{} were seen"}}};
  struct State {
    std::uint8_t count = 7;
  };
  void Update(const Observation&, State& state) const noexcept { ++state.count; }
  std::array<float, 1> Measure(const State& state) const noexcept {
    return {static_cast<float>(state.count)};
  }
};

const monitor::CustomList& Own() {
  static const monitor::CustomList list = {Custom<CountDetector>(), Custom<BrevityDetector>()};
  return list;
}

Options OwnOptions() {
  static const Reference reference = support::SmallReference(hours(72), Own());
  Options options = SmallOptions();
  options.reference = reference;
  options.detectors = Own();
  return options;
}

std::set<std::string> AccountsOf(const Log& log) {
  std::set<std::string> out;
  for (const LogLine& line : log) out.insert(line.account);
  return out;
}

TEST(CustomDetector, ItsEvidenceStandsBesideOurs) {
  const Log log = MixedLog(40, 6, 6, 1);
  Monitor monitor = SmallMonitor(OwnOptions());
  Replay(monitor, log);
  double moved = 0;
  for (const std::string& account : AccountsOf(log)) {
    const Explanation e = *monitor.Explain(account);
    if (e.evidence.empty()) continue;
    EXPECT_EQ(e.evidence.size(), 49u);
    double sum = e.base;
    std::set<std::string> own;
    for (const Evidence& piece : e.evidence) {
      sum += piece.contribution;
      if (piece.detector == "brevity") moved += std::abs(piece.contribution);
      if (piece.detector == "count" || piece.detector == "brevity") own.insert(piece.feature);
      if (piece.feature == "seen_requests") {
        // From the 16th request on, beginning with 7, modulo 256.
        EXPECT_EQ(piece.value, static_cast<std::uint8_t>(e.requests - 15 + 7)) << account;
      }
    }
    EXPECT_EQ(sum, e.score) << account;
    EXPECT_EQ(own, (std::set<std::string>{"mean_units", "seen_requests", "short_share"}));
  }
  EXPECT_GT(moved, 0) << "the fit uses it";
}

// What is infinite, now and then.
class BoundlessDetector : public CountDetector {
 public:
  static constexpr std::string_view kName = "boundless";
  std::array<float, 1> Measure(const State& state) const noexcept {
    return {state.count % 2 == 0 ? std::numeric_limits<float>::infinity()
                                 : -std::numeric_limits<float>::infinity()};
  }
};

TEST(CustomDetector, WhatIsInfiniteIsNotKnown) {
  const monitor::CustomList list = {Custom<BoundlessDetector>()};
  const Reference reference = support::SmallReference(hours(72), list);
  EXPECT_TRUE(Reference::Parse(reference.Serialize()).ok());
  Options options = SmallOptions();
  options.reference = reference;
  options.detectors = list;
  Monitor monitor = SmallMonitor(options);
  const Log log = MixedLog(10, 3, 3, 1);
  Replay(monitor, log);
  std::size_t seen = 0;
  for (const std::string& account : AccountsOf(log)) {
    const Explanation why = *monitor.Explain(account);
    for (const Evidence& piece : why.evidence) {
      if (piece.detector != "boundless") continue;
      ++seen;
      EXPECT_TRUE(std::isnan(piece.value));
    }
  }
  EXPECT_GT(seen, 0u);
}

TEST(CustomDetector, AReferenceLearnedWithOthersIsRefused) {
  Options options = SmallOptions();
  options.detectors = Own();
  EXPECT_EQ(Monitor::Create(options).status().code(), StatusCode::kFailedPrecondition);
  options = OwnOptions();
  options.detectors.pop_back();
  EXPECT_EQ(Monitor::Create(options).status().code(), StatusCode::kFailedPrecondition);
  options = OwnOptions();
  std::swap(options.detectors[0], options.detectors[1]);
  EXPECT_EQ(Monitor::Create(options).status().code(), StatusCode::kFailedPrecondition);
}

TEST(CustomDetector, ItsStatesAreSavedAndRestored) {
  const Log log = MixedLog(40, 6, 6, 2);
  for (const std::uint32_t shards : {4u, 16u}) {
    Options options = OwnOptions();
    Monitor whole = SmallMonitor(options);
    Replay(whole, log, 0, log.size() / 2);
    options.shards = shards;
    Result<Monitor> restored = Monitor::Restore(whole.Save(), options);
    ASSERT_TRUE(restored.ok()) << restored.status().message();
    EXPECT_EQ(Replay(*restored, log, log.size() / 2), Replay(whole, log, log.size() / 2));
    for (const std::string& account : AccountsOf(log)) {
      const Explanation a = *whole.Explain(account), b = *restored->Explain(account);
      ASSERT_EQ(a.evidence.size(), b.evidence.size());
      for (std::size_t i = 0; i < a.evidence.size(); ++i)
        EXPECT_EQ(a.evidence[i].words, b.evidence[i].words);
    }
    if (shards == 4) {
      EXPECT_EQ(whole.Save(), restored->Save());
    }
  }
  Options fewer = OwnOptions();
  const std::string saved = SmallMonitor(fewer).Save();
  EXPECT_EQ(Monitor::Restore(saved, SmallOptions()).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(CustomDetector, AStateThatItCallsInvalidIsRefused) {
  const auto detector = Custom<BrevityDetector>();
  alignas(16) std::array<std::byte, sizeof(BrevityDetector::State)> state{};
  detector->Begin(state);
  EXPECT_TRUE(detector->Valid(state));
  state[4] = std::byte{9};  // brief requests without any
  EXPECT_FALSE(detector->Valid(state));
  alignas(16) std::array<std::byte, 1> any{std::byte{255}};
  EXPECT_TRUE(Custom<CountDetector>()->Valid(any));
}

TEST(CustomDetector, ItsStatesCountAsMemory) {
  const Log log = MixedLog(40, 0, 6, 3);
  Monitor without = SmallMonitor(), with = SmallMonitor(OwnOptions());
  Replay(without, log);
  Replay(with, log);
  const MonitorStatistics a = without.Statistics(), b = with.Statistics();
  ASSERT_GT(a.full_accounts, 10u);
  EXPECT_EQ(a.full_accounts, b.full_accounts);
  EXPECT_EQ(b.state_bytes - a.state_bytes, a.full_accounts * (16 + 16));

  Options small = OwnOptions();
  small.max_memory_bytes = std::size_t{1} << 20;
  Monitor tight = SmallMonitor(small);
  Replay(tight, MixedLog(500, 5, 4, 4));
  EXPECT_LE(tight.Statistics().state_bytes, small.max_memory_bytes);
  EXPECT_GT(tight.Statistics().evicted_accounts, 0u);
}

TEST(CustomDetector, MergingKeepsTheBusierSidesState) {
  const auto ask = [](Monitor& monitor, int requests, std::string_view prompt) {
    for (int i = 0; i < requests; ++i) {
      monitor.Observe(
          {.account = "a", .time = support::kLogStart + std::chrono::minutes(i), .prompt = prompt});
    }
  };
  const auto brief = [](const Monitor& monitor) {
    const Explanation e = *monitor.Explain("a");
    for (const Evidence& piece : e.evidence) {
      if (piece.feature == "short_share") return piece.value;
    }
    return -1.0;
  };
  for (const bool swap : {false, true}) {
    Monitor busy = SmallMonitor(OwnOptions()), idle = SmallMonitor(OwnOptions());
    ask(busy, 60, "few words");
    ask(idle, 40, "many many words, one after the other, until there are more than twelve of them");
    ASSERT_TRUE((swap ? idle.Merge(busy) : busy.Merge(idle)).ok());
    EXPECT_EQ(brief(swap ? idle : busy), 1);
  }
}

// Detectors that break a rule, one each.
struct Rules {
  std::string name = "fine";
  std::string feature = "fine_feature";
  std::size_t features = 1, bytes = 8;
};
class RuleBreaker final : public CustomDetector {
 public:
  explicit RuleBreaker(Rules rules) : rules_(std::move(rules)) {
    for (std::size_t i = 0; i < rules_.features; ++i)
      names_.push_back(rules_.feature + (i == 0 ? "" : "_" + std::to_string(i)));
    for (const std::string& n : names_) specs_.push_back({n, "{}"});
  }
  std::string_view name() const noexcept override { return rules_.name; }
  std::span<const FeatureSpec> features() const noexcept override { return specs_; }
  std::size_t state_bytes() const noexcept override { return rules_.bytes; }
  void Begin(std::span<std::byte>) const noexcept override {}
  void Update(const Observation&, std::span<std::byte>) const noexcept override {}
  void Measure(std::span<const std::byte>, std::span<float>) const noexcept override {}
  bool Valid(std::span<const std::byte>) const noexcept override { return true; }

 private:
  Rules rules_;
  std::vector<std::string> names_;
  std::vector<FeatureSpec> specs_;
};

TEST(CustomDetector, WhatAMonitorCannotTakeIsRefused) {
  const auto message = [](const Rules& rules) {
    Options options = SmallOptions();
    options.detectors = {std::make_shared<RuleBreaker>(rules)};
    return Check(options).message();
  };
  EXPECT_EQ(message({}), "");
  EXPECT_EQ(message({.name = "coverage"}),
            "detectors[0] is named 'coverage'; allowed: a name of its own, 1 to 64 of a-z, 0-9 "
            "and _");
  EXPECT_NE(message({.name = ""}), "");
  EXPECT_NE(message({.name = "Big"}), "");
  EXPECT_NE(message({.name = std::string(65, 'a')}), "");
  EXPECT_NE(message({.feature = "duty_1h"}), "") << "is one of ours";
  EXPECT_NE(message({.feature = "with space"}), "");
  EXPECT_EQ(message({.features = 0}), "detectors[0] has 0 features; allowed: 1 to 16");
  EXPECT_NE(message({.features = 17}), "");
  EXPECT_EQ(message({.bytes = 0}), "detectors[0] has a state of 0 bytes; allowed: 1 to 1024");
  EXPECT_NE(message({.bytes = 1025}), "");
  Options options = SmallOptions();
  options.detectors = {nullptr};
  EXPECT_EQ(Check(options).message(), "detectors[0] is null; allowed: a detector");
  options.detectors = {std::make_shared<RuleBreaker>(Rules{}),
                       std::make_shared<RuleBreaker>(Rules{})};
  EXPECT_NE(Check(options).message(), "");
  options.detectors.clear();
  for (int i = 0; i < 8; ++i) {
    options.detectors.push_back(std::make_shared<RuleBreaker>(
        Rules{"d" + std::to_string(i), "f" + std::to_string(i), 16, 8}));
  }
  EXPECT_EQ(Check(options).message(), "detectors bring the features to 174; allowed: 128");
  options.detectors.push_back(nullptr);
  EXPECT_EQ(Check(options).message(), "detectors has 9 entries; allowed: at most 8");
  EXPECT_EQ(ReferenceLearner::Create({.detectors = {nullptr}}).status().message(),
            "detectors[0] is null; allowed: a detector");
}

}  // namespace
}  // namespace distillwatch
