// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Engine: events into account state. What Monitor and ReferenceLearner have in common: the one
// judges the features of every look, the other collects them.
//
// Thread-safe. Text is read outside the shard's lock.
// Tested by  tests/monitor/engine_test.cc

#ifndef DISTILLWATCH_SRC_MONITOR_ENGINE_H_
#define DISTILLWATCH_SRC_MONITOR_ENGINE_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/event.h"
#include "distillwatch/shingler.h"
#include "monitor/account.h"
#include "monitor/custom.h"
#include "monitor/table.h"

namespace distillwatch::monitor {

// The features of our own detectors, one after the other.
inline constexpr std::size_t kFeatures = SimilarityDetector::kFeatures.size() +
                                         CoverageDetector::kFeatures.size() +
                                         RateShapeDetector::kFeatures.size();

// All features of an account: ours, then those of the host's detectors. No allocation.
class FeatureVector {
 public:
  static constexpr std::size_t kMost = score::Model::kMostFeatures;

  explicit FeatureVector(std::size_t size) noexcept : size_(std::min(size, kMost)) {}
  explicit FeatureVector(std::span<const float> values) noexcept : FeatureVector(values.size()) {
    std::copy_n(values.begin(), size_, values_.begin());
  }
  std::size_t size() const noexcept { return size_; }
  float* data() noexcept { return values_.data(); }
  const float* begin() const noexcept { return values_.data(); }
  const float* end() const noexcept { return values_.data() + size_; }
  float operator[](std::size_t i) const noexcept { return values_[i]; }

 private:
  std::array<float, kMost> values_;
  std::size_t size_;
};

struct NamedFeature {
  std::string_view detector;
  FeatureSpec spec;
};
// Names and words of the features, in their order. Views into the detectors.
std::vector<NamedFeature> FeatureNames(const CustomDetectors& custom = CustomDetectors());

FeatureVector Measure(const Detectors& detectors, const CustomDetectors& custom,
                      const FullAccount& account, const std::byte* custom_states) noexcept;

// Relaxed counters; see MonitorStatistics.
struct EngineCounters {
  std::atomic<std::uint64_t> events{0}, truncated{0}, empty{0}, late{0}, clock_restarts{0},
      wild_times{0};
};

class Engine {
 public:
  Engine(Shingler shingler, calibrate::LookPlan looks, std::uint32_t shards,
         std::size_t max_memory_bytes, CustomList custom = {});
  // Which attributes are counted.
  void Count(std::vector<std::string> infrastructure, std::string organisation);

  // Adds the event. Under the account's lock, calls `touched(Header&, const Observation&)` first,
  // and after the update `looked(Header&, const FullAccount&, const FeatureVector&)` if the event
  // is a look; the header is the record's own.
  //   Returns  what `done(const Header&, bool looked, std::string_view newest_turn,
  //            const Observation&)` returns, called last under the lock
  template <typename Touched, typename Looked, typename Done>
  auto Observe(const Event& event, Touched&& touched, Looked&& looked, Done&& done) noexcept {
    return Observe(event, IdOf(event.account), touched, looked, done);
  }
  // The same where the account's id is known.
  template <typename Touched, typename Looked, typename Done>
  auto Observe(const Event& event, std::uint64_t id, Touched&& touched, Looked&& looked,
               Done&& done) noexcept;

  // Has memory brought near that an event of this account will need: first what finds its record,
  // and once that is there, the record.
  void ExpectAccount(std::uint64_t id) const noexcept;
  void ExpectRecord(std::uint64_t id) const noexcept;

  std::uint64_t IdOf(std::string_view account) const noexcept {
    return shingler_.HashName("account", account);
  }

  const Shingler& shingler() const noexcept { return shingler_; }
  const Detectors& detectors() const noexcept { return detectors_; }
  const CustomDetectors& custom() const noexcept { return custom_; }
  // What is measured of an account; it must have a full record.
  FeatureVector Measure(const Shard::Found& account) const noexcept {
    return monitor::Measure(detectors_, custom_, *account.full, account.custom);
  }
  AccountTable& table() noexcept { return table_; }
  const AccountTable& table() const noexcept { return table_; }
  const EngineCounters& counters() const noexcept { return counters_; }
  EngineCounters& counters() noexcept { return counters_; }

 private:
  // The part of a prompt that is new, where it resends an earlier one of the same account.
  struct NewestTurn {
    std::string_view text;
    std::uint64_t hash = 0;  // of the text
    std::uint32_t earlier_turns = 0;
    Conversation conversation;    // to be remembered
    std::uint64_t continues = 0;  // prefix hash of the conversation that it replaces; 0: a new one
  };
  using Conversations = std::array<Conversation, FullAccount::kConversations>;
  NewestTurn FindNewestTurn(const Event& event, const Conversations& known) const noexcept;
  static void Remember(const NewestTurn& turn, std::span<Conversation> conversations) noexcept;
  // Copies the account's conversations, and has its record, and what its update will move, brought
  // near while the text is read.
  Shard::Hint Recall(const Shard& shard, std::uint64_t id, Conversations& known) const noexcept;

  campaign::RequestInfrastructure ReadInfrastructure(
      std::span<const Attribute> attributes) const noexcept;
  Time Tame(Time time) noexcept;
  TextScratch& Scratch() const noexcept;
  bool LookIsDue(const Header& header) const noexcept;
  void Advance(Header& header, Time& time) noexcept;

  Shingler shingler_;
  calibrate::LookPlan looks_;
  Detectors detectors_;
  CustomDetectors custom_;
  std::vector<std::string> infrastructure_;
  std::string organisation_;
  AccountTable table_;
  EngineCounters counters_;
};

template <typename Touched, typename Looked, typename Done>
auto Engine::Observe(const Event& event, std::uint64_t id, Touched&& touched, Looked&& looked,
                     Done&& done) noexcept {
  Shard& shard = table_.ShardOf(id);

  // Text, outside the lock.
  Conversations known{};
  const Shard::Hint hint = Recall(shard, id, known);
  const NewestTurn turn = FindNewestTurn(event, known);
  Event newest = event;
  newest.time = Tame(event.time);
  newest.prompt = turn.text;
  newest.earlier_turns = turn.earlier_turns;
  Observation seen = Read(newest, turn.hash, shingler_, Scratch());
  seen.event ^= id;
  const campaign::RequestInfrastructure from = ReadInfrastructure(event.attributes);
  counters_.events.fetch_add(1, std::memory_order_relaxed);
  if (seen.truncated) counters_.truncated.fetch_add(1, std::memory_order_relaxed);
  if (seen.units == 0) counters_.empty.fetch_add(1, std::memory_order_relaxed);

  // State, inside it.
  const std::lock_guard lock(shard.mutex);
  Shard::Found account = shard.Touch(id, seen.time, hint);
  Advance(account.header(), seen.time);
  if (account.tiny != nullptr && account.header().kept == TinyAccount::kEvents) {
    account = shard.Grow(id);
  } else if (account.lite != nullptr && account.header().kept == LiteAccount::kEvents) {
    LiteAccount lite;
    account = shard.Promote(id, lite);
    Promote(detectors_, lite, *account.full);
  }
  touched(account.header(), seen);
  const auto add_to_small = [&](auto& record) {
    Update(detectors_, seen, record);
    Remember(turn, {&record.conversation, 1});
    return done(record.header, false, turn.text, seen);
  };
  if (account.tiny != nullptr) return add_to_small(*account.tiny);
  if (account.lite != nullptr) return add_to_small(*account.lite);
  Update(detectors_, seen, *account.full);
  custom_.Update(seen, account.custom);
  account.full->attributes.Update(from);
  account.full->system.Update(campaign::SystemOf(seen.system));
  Remember(turn, account.full->conversations);
  const bool look = LookIsDue(account.header());
  if (look) {
    account.header().looked = seen.time;
    looked(account.header(), *account.full, Measure(account));
  }
  return done(account.header(), look, turn.text, seen);
}

}  // namespace distillwatch::monitor

#endif  // DISTILLWATCH_SRC_MONITOR_ENGINE_H_
