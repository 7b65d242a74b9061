// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/monitor.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "monitor/monitor_state.h"
#include "text/key.h"

namespace distillwatch {

using monitor::Header;

Monitor::Monitor(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Monitor::~Monitor() = default;
Monitor::Monitor(Monitor&&) noexcept = default;
Monitor& Monitor::operator=(Monitor&&) noexcept = default;

Result<Monitor> Monitor::Create(const Options& options) {
  Result<std::unique_ptr<State>> state = State::Create(options);
  if (!state.ok()) return state.status();
  return Monitor(*std::move(state));
}

Verdict Monitor::Observe(const Event& event) noexcept {
  return state_->Observe(event, AccountId(event.account));
}

Verdict Monitor::State::Observe(const Event& event, std::uint64_t id) noexcept {
  State& s = *this;
  return s.engine.Observe(
      event, id,
      [&s](Header& header, const Observation& request) {
        if (s.linking) s.linker.ExpectPrompt(request.prompt);
        s.BeginHorizonIfDue(header);
      },
      [&s](Header& header, const monitor::FullAccount& account,
           const monitor::FeatureVector& features) {
        s.Raise(header, s.judge.Score(header.requests, features));
        if (s.linking) {
          s.linker.Note({header.id, header.first, header.last, header.requests,
                         static_cast<float>(s.judge.PValueOf(header.path))},
                        account.similarity.reservoir, account.attributes.Frequent(),
                        account.system.value(), s.judge.HabitsOf(header.requests, features));
        }
      },
      [&s](const Header& header, bool looked, std::string_view, const Observation& request) {
        Verdict verdict = s.judge.VerdictOf(header, looked);
        if (s.linking) s.linker.Listen(header.id, request.time, request.prompt, request.units);
        if (header.group == 0) return verdict;
        const bool matches =
            s.linker.Observe(header.group, header.id, request.time, request.signature,
                             campaign::SystemOf(request.system));
        verdict.matches_campaign = matches && header.named;
        return verdict;
      });
}

void Monitor::ObserveMany(std::span<const Event> events, std::span<Verdict> verdicts) noexcept {
  // An event's account is looked up so many events before it, its record read so many.
  constexpr std::size_t kAccountAhead = 8, kRecordAhead = 3;
  const monitor::Engine& engine = state_->engine;
  std::array<std::uint64_t, kAccountAhead> ids;
  const std::size_t n = std::min(events.size(), verdicts.size());
  const auto expect = [&](std::size_t i) {
    if (i >= n) return;
    ids[i % kAccountAhead] = engine.IdOf(events[i].account);
    engine.ExpectAccount(ids[i % kAccountAhead]);
  };
  for (std::size_t i = 0; i < kAccountAhead; ++i) expect(i);
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kRecordAhead < n) engine.ExpectRecord(ids[(i + kRecordAhead) % kAccountAhead]);
    verdicts[i] = state_->Observe(events[i], ids[i % kAccountAhead]);
    expect(i + kAccountAhead);
  }
}

void Monitor::Finish(Time now) {
  State& s = *state_;
  const std::uint16_t horizon = s.HorizonOf(now);
  std::vector<std::pair<std::uint64_t, score::Points>> finished;
  for (std::size_t i = 0; i < s.engine.table().shards(); ++i) {
    monitor::Shard& shard = s.engine.table().shard(i);
    const std::lock_guard lock(shard.mutex);
    shard.ForEach([&](const monitor::Shard::Found& account) {
      Header& header = account.header();
      if (header.horizon < horizon) s.BeginHorizon(header, horizon);
      if (!header.unfinished) return;
      header.unfinished = false;
      finished.emplace_back(header.id, header.finished);
    });
  }
  // In an order that neither threads nor hash tables decide.
  std::sort(finished.begin(), finished.end());
  const std::lock_guard lock(s.drift_mutex);
  for (const auto& [id, path] : finished) {
    s.drift.Update(s.seen, path, id);
    s.seen.Add(path);
  }
}

Review Monitor::Review(Time now, const std::stop_token& stop, std::size_t most_steps) {
  State& s = *state_;
  if (!s.linking) return {};
  now = std::clamp(now, kEarliestTime, kLatestTime);
  const auto assign = [&s](std::uint64_t account, std::uint32_t group, bool named) {
    monitor::Shard& shard = s.engine.table().ShardOf(account);
    const std::lock_guard lock(shard.mutex);
    const monitor::Shard::Found found = shard.Find(account);
    if (!found.known()) return;
    found.header().group = group;
    found.header().named = named;
  };
  return s.linker.Run(now, assign, {stop, most_steps});
}

Status Monitor::ReportBan(std::string_view account, Time now) {
  State& s = *state_;
  if (!s.linking) return FailedPrecondition("campaigns.enabled is false: bans are not followed");
  now = std::clamp(now, kEarliestTime, kLatestTime);
  switch (s.linker.Ban(s.engine.IdOf(account), now)) {
    case campaign::Linker::BanResult::kKept:
      return {};
    case campaign::Linker::BanResult::kUnknown:
      return NotFound("account '" + std::string(account) +
                      "' has not asked 16 times in the last 30 days");
    case campaign::Linker::BanResult::kTooMany:
      break;
  }
  return ResourceExhausted("more than 16384 bans in eight days");
}

std::vector<Campaign> Monitor::Campaigns() const {
  return state_->linker.Campaigns();
}

std::uint64_t Monitor::AccountId(std::string_view account) const noexcept {
  return state_->engine.IdOf(account);
}

std::uint64_t Monitor::key_id() const noexcept {
  return state_->engine.shingler().key_id();
}

Result<Explanation> Monitor::Explain(std::string_view account) const {
  const State& s = *state_;
  const std::uint64_t id = s.engine.IdOf(account);
  const monitor::Shard& shard = s.engine.table().ShardOf(id);
  Header header;
  std::optional<monitor::FeatureVector> features;
  {
    const std::lock_guard lock(shard.mutex);
    const monitor::Shard::Found found = shard.Find(id);
    if (!found.known()) {
      return NotFound("account '" + std::string(account) + "' is not known");
    }
    header = found.header();
    if (found.full != nullptr) features = s.engine.Measure(found);
  }
  Explanation out;
  out.account = account;
  out.requests = header.requests;
  out.first = header.first;
  out.last = header.last;
  out.verdict = s.judge.VerdictOf(header, false);
  out.score = out.verdict.score;
  if (features) s.judge.Explain(header.requests, *features, out);
  if (header.named) {
    if (const std::optional<Campaign> campaign = s.linker.Find(header.group)) {
      out.evidence.insert(out.evidence.begin(), monitor::Judge::EvidenceOf(*campaign));
      if (features) out.score += out.evidence.front().contribution;
    }
  }
  return out;
}

}  // namespace distillwatch
