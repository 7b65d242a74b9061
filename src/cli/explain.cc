// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>
#include <optional>

#include <map>
#include <unordered_set>

#include "cli/commands.h"
#include "distillwatch/monitor.h"
#include "log/timestamp.h"

namespace distillwatch::cli {
namespace {

struct Replay {
  std::uint64_t requests = 0;
  Time first{}, last{};
  Verdict verdict;           // with the highest score, to which it holds
  std::optional<Time> peak;  // when that was; none before the first look
  Explanation why;           // at the peak, or with --at at the end of the replay
};

// The numbers are rounded, and still add up: what is left over goes to the last row.
void PrintEvidence(const Explanation& why, std::size_t rows) {
  const auto cents = [](double score) { return std::lround(100 * score); };
  long rest = cents(why.score) - cents(why.base);
  std::printf("\n%+8.2f  for an account of its age about which nothing is known\n",
              0.01 * static_cast<double>(cents(why.base)));
  rows = std::min(rows, why.evidence.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const Evidence& e = why.evidence[i];
    const std::string place =
        e.detector == "campaign" ? ""  // is not measured on others
        : std::isnan(e.value)
            ? " (not known yet)"
            : "; " + std::to_string(std::lround(100 * e.place)) + " % of accounts have less";
    std::printf("%+8.2f  %-10s  %s%s\n", 0.01 * static_cast<double>(cents(e.contribution)),
                e.detector.c_str(), e.words.c_str(), place.c_str());
    rest -= cents(e.contribution);
  }
  std::printf("%+8.2f  %zu further features\n--------\n%+8.2f  score\n",
              0.01 * static_cast<double>(rest), why.evidence.size() - rows,
              0.01 * static_cast<double>(cents(why.score)));
}

void Print(const Replay& replay, const ExplainOptions& options) {
  std::printf("%s: %s requests from %s to %s\n", Shown(options.account, 256).c_str(),
              Grouped(replay.requests).c_str(), IsoTime(replay.first).c_str(),
              IsoTime(replay.last).c_str());
  if (!replay.peak) {
    std::printf("Not judged yet: that takes 16 requests.\n");
    return;
  }
  std::printf("Level %s, p-value %.2g: its score was highest, %.2f, at %s.\n",
              std::string(Name(replay.verdict.level)).c_str(), replay.verdict.p_value,
              replay.verdict.score, IsoTime(*replay.peak).c_str());
  std::printf("Its score %s, after %s requests (+ speaks for distillation):\n",
              options.at.empty() ? "there" : "at the end", Grouped(replay.why.requests).c_str());
  PrintEvidence(replay.why, options.rows);
  std::printf(
      "\n0: 95 %% of reference accounts of its age stay below; 1: as far again as from their "
      "median to there.\n");
}

void PrintJson(const Replay& replay, const ExplainOptions& options) {
  const Explanation& why = replay.why;
  std::printf(
      "{\"account\": %s, \"requests\": %llu, \"first\": %s, \"last\": %s, \"level\": %s, "
      "\"p_value\": %s, \"highest_score\": %s, \"highest_at\": %s, \"score\": %s, \"base\": %s, "
      "\"evidence\": %s}\n",
      Quote(options.account).c_str(), static_cast<unsigned long long>(replay.requests),
      UnixTime(replay.first).c_str(), UnixTime(replay.last).c_str(),
      Quote(Name(replay.verdict.level)).c_str(), Number(replay.verdict.p_value).c_str(),
      Number(replay.verdict.score).c_str(), replay.peak ? UnixTime(*replay.peak).c_str() : "null",
      Number(why.score).c_str(), Number(why.base).c_str(),
      EvidenceJson(why, why.evidence.size()).c_str());
}

}  // namespace

namespace {

int ExplainCampaign(std::uint32_t id, const Monitor& monitor, const std::vector<std::string>& names,
                    const LogReport& report) {
  for (const Campaign& campaign : monitor.Campaigns()) {
    if (campaign.id != id) continue;
    PrintCampaigns({campaign});
    std::map<std::uint64_t, std::string_view> name_of;
    for (const std::string& name : names) name_of[monitor.AccountId(name)] = name;
    std::printf("\n%-28s %-20s %9s %9s\n", "account", "member since", "requests", "matching");
    for (const CampaignMember& m : campaign.members) {
      std::printf("%-28s %-20s %9s %9s\n", Shown(name_of[m.account], 28).c_str(),
                  IsoTime(m.since).c_str(), Grouped(m.requests).c_str(),
                  Grouped(m.matching).c_str());
    }
    return report.complete() ? kFine : kTrouble;
  }
  return Trouble("the log has no campaign " + std::to_string(id));
}

}  // namespace

int ExplainAccount(const ExplainOptions& options) {
  std::optional<Time> end;
  if (!options.at.empty() && !(end = log::ParseTime(options.at)))
    return Trouble("--at is '" + options.at + "'; allowed: " + std::string(log::kAllowedTimes));
  Result<Judging> judging = JudgingOf(options.log, options);
  if (!judging.ok()) return Trouble(judging.status().message());
  Options& monitor_options = judging->options;

  std::optional<Monitor> monitor;
  Status created;
  Replay replay;
  ReviewClock clock;
  Time last{};
  std::unordered_set<std::string> names;  // for a campaign's members
  LogReport report;
  const auto take = [&](std::span<log::Record> batch) {
    std::vector<Attribute> attributes;
    for (const log::Record& record : batch) {
      if (!monitor && created.ok()) {  // the first requests decide where the horizon begins
        if (!monitor_options.origin) monitor_options.origin = BeginOf(batch);
        Result<Monitor> made = Monitor::Create(monitor_options);
        created = made.status();
        if (made.ok()) monitor.emplace(*std::move(made));
      }
      if (!monitor || (end && record.time > *end)) continue;
      if (const std::optional<Time> review = clock.Before(record.time)) monitor->Review(*review);
      last = std::max(last, record.time);
      if (options.campaign != 0) names.insert(record.account);
      if (record.account != options.account) {
        monitor->Observe(record.AsEvent(attributes));
        continue;
      }
      const Verdict verdict = monitor->Observe(record.AsEvent(attributes));
      if (verdict.looked && (!replay.peak || verdict.score > replay.verdict.score)) {
        replay.peak = record.time;
        if (Result<Explanation> why = monitor->Explain(options.account); why.ok())
          replay.why = *std::move(why);
      }
      replay.verdict.score = std::max(replay.verdict.score, verdict.score);
      replay.verdict.level = std::max(replay.verdict.level, verdict.level);
      replay.verdict.p_value = std::min(replay.verdict.p_value, verdict.p_value);
    }
  };
  const Status read = ReadLog(options.log, "replaying", Reading::kInTurn, report, take);
  if (!read.ok()) return Trouble(read.message());
  if (!created.ok()) return Trouble(WithKeyHint(created).message());
  report.Print();
  if (monitor) monitor->Review(clock.Last(last));
  if (monitor && options.campaign != 0)
    return ExplainCampaign(options.campaign, *monitor, {names.begin(), names.end()}, report);
  const Result<Explanation> end_of_it =
      monitor ? monitor->Explain(options.account) : NotFound("no request");
  if (!end_of_it.ok()) {
    return Trouble("the log has no request of account '" + options.account + "'" +
                   (end ? " until " + IsoTime(*end) : std::string()));
  }
  replay.requests = end_of_it->requests;
  replay.first = end_of_it->first;
  replay.last = end_of_it->last;
  // Only a review may have put it into a campaign since it was seen.
  if (end_of_it->verdict.score > replay.verdict.score) {
    replay.peak = last;
    replay.why = *end_of_it;
    replay.verdict.score = end_of_it->verdict.score;
    replay.verdict.p_value = std::min(replay.verdict.p_value, end_of_it->verdict.p_value);
  }
  replay.verdict.level = std::max(replay.verdict.level, end_of_it->verdict.level);
  if (end || !replay.peak) replay.why = *end_of_it;
  options.json ? PrintJson(replay, options) : Print(replay, options);
  return report.complete() ? kFine : kTrouble;
}

}  // namespace distillwatch::cli
