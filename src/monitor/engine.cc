// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/engine.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>

namespace distillwatch::monitor {
namespace {

constexpr auto kLate = std::chrono::hours(1);

// Asks for memory that will be needed soon, and does not wait for it.
void Prefetch(const void* begin, std::size_t bytes) noexcept {
#if defined(__GNUC__)
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < bytes; i += kLine) {
    __builtin_prefetch(static_cast<const char*>(begin) + i);
  }
#endif
}

// What an event reads of a record, its header aside.
void Prefetch(const Shard::Found& found) noexcept {
  if (const FullAccount* const full = found.full; full != nullptr) {
    // Topic cells, of which a request needs one, are left out.
    Prefetch(&full->similarity, sizeof(full->similarity));
    Prefetch(&full->coverage.terms, sizeof(full->coverage.terms));
    Prefetch(&full->coverage.vocabulary,
             sizeof(full->coverage) - offsetof(CoverageDetector::State, vocabulary));
    Prefetch(&full->rate_shape, sizeof(full->rate_shape));
  } else if (found.lite != nullptr) {
    Prefetch(found.lite, sizeof(*found.lite));
  } else if (found.tiny != nullptr) {
    Prefetch(found.tiny, sizeof(*found.tiny));
  }
}

}  // namespace

std::vector<NamedFeature> FeatureNames(const CustomDetectors& custom) {
  std::vector<NamedFeature> out;
  const auto add = [&out](std::string_view detector, std::span<const FeatureSpec> specs) {
    for (const FeatureSpec& spec : specs) out.push_back({detector, spec});
  };
  add(SimilarityDetector::kName, SimilarityDetector::kFeatures);
  add(CoverageDetector::kName, CoverageDetector::kFeatures);
  add(RateShapeDetector::kName, RateShapeDetector::kFeatures);
  for (const auto& d : custom.list()) add(d->name(), d->features());
  return out;
}

FeatureVector Measure(const Detectors& detectors, const CustomDetectors& custom,
                      const FullAccount& account, const std::byte* custom_states) noexcept {
  FeatureVector out(kFeatures + custom.features());
  float* next = out.data();
  const auto add = [&next](const auto& features) {
    next = std::copy(features.begin(), features.end(), next);
  };
  add(detectors.similarity.Measure(account.similarity));
  add(detectors.coverage.Measure(account.coverage));
  add(detectors.rate_shape.Measure(account.rate_shape));
  custom.Measure(custom_states, next);
  return out;
}

Engine::Engine(Shingler shingler, calibrate::LookPlan looks, std::uint32_t shards,
               std::size_t max_memory_bytes, CustomList custom)
    : shingler_(std::move(shingler)),
      looks_(looks),
      custom_(std::move(custom)),
      table_(shards, max_memory_bytes, custom_) {}

void Engine::Count(std::vector<std::string> infrastructure, std::string organisation) {
  infrastructure_ = std::move(infrastructure);
  organisation_ = std::move(organisation);
}

campaign::RequestInfrastructure Engine::ReadInfrastructure(
    std::span<const Attribute> attributes) const noexcept {
  campaign::RequestInfrastructure out;
  const auto hash = [this](const Attribute& a) { return shingler_.HashName(a.name, a.value); };
  std::size_t size = 0;
  for (const Attribute& a : attributes) {
    if (a.value.empty() || a.name.empty()) continue;
    if (a.name == organisation_) out.organisation = static_cast<std::uint32_t>(hash(a) >> 32);
    const auto kind = std::find(infrastructure_.begin(), infrastructure_.end(), a.name);
    if (kind == infrastructure_.end() || size == out.values.size()) continue;
    out.values[size++] =
        campaign::ValueOf(hash(a), static_cast<std::uint32_t>(kind - infrastructure_.begin()));
  }
  return out;
}

Time Engine::Tame(Time time) noexcept {
  if (InHistory(time)) return time;
  counters_.wild_times.fetch_add(1, std::memory_order_relaxed);
  return std::clamp(time, kEarliestTime, kLatestTime);
}

TextScratch& Engine::Scratch() const noexcept {
  // One per thread and size, made at a thread's first event.
  static thread_local std::unique_ptr<TextScratch> scratch;
  static thread_local std::size_t bytes = 0;
  if (scratch == nullptr || bytes < shingler_.max_prompt_bytes()) {
    bytes = shingler_.max_prompt_bytes();
    scratch = std::make_unique<TextScratch>(bytes);
  }
  return *scratch;
}

void Engine::ExpectAccount(std::uint64_t id) const noexcept {
  const Shard& shard = table_.ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  shard.PrefetchIndex(id);
}

void Engine::ExpectRecord(std::uint64_t id) const noexcept {
  const Shard& shard = table_.ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const Shard::Found found = shard.Find(id);
  if (found.full != nullptr) Prefetch(found.full, offsetof(FullAccount, similarity));
  Prefetch(found);
}

Shard::Hint Engine::Recall(const Shard& shard, std::uint64_t id,
                           Conversations& known) const noexcept {
  const std::lock_guard lock(shard.mutex);
  const Shard::Hint hint = shard.FindEarly(id);
  Prefetch(hint.found);
  if (hint.found.full != nullptr) known = hint.found.full->conversations;
  if (hint.found.lite != nullptr) known[0] = hint.found.lite->conversation;
  if (hint.found.tiny != nullptr) {
    known[0] = hint.found.tiny->conversation;
    Prefetch(shard.PrefetchMove(), sizeof(TinyAccount));
  }
  return hint;
}

Engine::NewestTurn Engine::FindNewestTurn(const Event& event,
                                          const Conversations& known) const noexcept {
  NewestTurn turn;
  turn.text = event.prompt;
  turn.hash = shingler_.HashPrefix(event.prompt, event.prompt.size());
  turn.earlier_turns = event.earlier_turns;
  if (event.prompt.empty() || event.prompt.size() > std::numeric_limits<std::uint32_t>::max())
    return turn;
  turn.conversation = {.prefix = turn.hash,
                       .bytes = static_cast<std::uint32_t>(event.prompt.size()),
                       .turns = event.earlier_turns};
  if (event.earlier_turns > 0) return turn;  // the host has cut the newest turn out already
  std::uint32_t longest = 0;
  for (const Conversation& c : known) {
    if (c.bytes <= longest || c.bytes >= event.prompt.size()) continue;
    if (shingler_.HashPrefix(event.prompt, c.bytes) != c.prefix) continue;
    longest = c.bytes;
    turn.continues = c.prefix;
    turn.earlier_turns = turn.conversation.turns = c.turns + 1;
  }
  if (longest == 0) return turn;
  turn.text.remove_prefix(longest);
  turn.hash = shingler_.HashPrefix(turn.text, turn.text.size());
  return turn;
}

void Engine::Remember(const NewestTurn& turn, std::span<Conversation> conversations) noexcept {
  if (turn.conversation.bytes == 0) return;
  // In place of the conversation that it continues, else of the oldest; the newest stands first.
  const auto same =
      std::find_if(conversations.begin(), conversations.end(), [&turn](const Conversation& c) {
        return c.bytes > 0 && (c.prefix == turn.continues || c.prefix == turn.conversation.prefix);
      });
  const auto place = same == conversations.end() ? conversations.end() - 1 : same;
  std::rotate(conversations.begin(), place, place + 1);
  conversations.front() = turn.conversation;
}

void Engine::Advance(Header& header, Time& time) noexcept {
  if (time < header.last) {
    if (header.last - time <= kLate) {
      counters_.late.fetch_add(1, std::memory_order_relaxed);
      time = header.last;
    } else {
      // The clock was set back, or an earlier event came from the future. Detectors see the jump
      // too.
      counters_.clock_restarts.fetch_add(1, std::memory_order_relaxed);
      header.first = std::min(header.first, time);
      header.looked = std::min(header.looked, time);
    }
  }
  header.last = time;
  if (header.requests < std::numeric_limits<std::uint32_t>::max()) ++header.requests;
}

bool Engine::LookIsDue(const Header& header) const noexcept {
  if (header.requests < score::kFirstLook) return false;
  return std::has_single_bit(header.requests) ||
         header.last - header.looked >= std::chrono::seconds(looks_.interval_s);
}

}  // namespace distillwatch::monitor
