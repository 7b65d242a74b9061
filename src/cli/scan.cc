// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <unordered_map>

#include "cli/bans.h"
#include "cli/commands.h"
#include "cli/workers.h"
#include "distillwatch/monitor.h"

namespace distillwatch::cli {
namespace {

constexpr std::size_t kEvidence = 6;

Result<Level> ParseLevel(std::string_view name) {
  for (const Level level : {Level::kWatch, Level::kSuspect, Level::kDistilling}) {
    if (name == Name(level)) return level;
  }
  return InvalidArgument("--fail-on is '" + std::string(name) +
                         "'; allowed: watch, suspect, distilling");
}

// What the scan keeps of an account for its report.
struct Summary {
  std::string account;
  double score = -8, p_value = 1;
  Level level = Level::kClear;
  std::uint32_t campaign = 0;
  std::uint64_t requests = 0;
  Time first_alert{};
  std::uint64_t requests_before = 0;  // the alert
  std::string reasons;
};

struct Outcome {
  std::string alert;  // a line for --alerts; empty: none
};

class Scanner {
 public:
  Scanner(const ScanOptions& options, Bans bans, Monitor& monitor)
      : monitor_(monitor), bans_(std::move(bans)), workers_(options.threads) {}

  void Take(std::span<log::Record> records, std::FILE* alerts) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::optional<Time> review = clock_.Before(records[i].time);
      if (!review) continue;
      TakeUnreviewed(records.subspan(begin, i - begin), alerts);
      Review(*review, alerts);
      begin = i;
    }
    TakeUnreviewed(records.subspan(begin), alerts);
  }

  // The last review, at the end of the log.
  void Finish(Time last, std::FILE* alerts) { Review(clock_.Last(last), alerts); }

 private:
  void Review(Time now, std::FILE* alerts) {
    bans_.Report(now, monitor_);
    const distillwatch::Review review = monitor_.Review(now);
    successors_.insert(successors_.end(), review.successors.begin(), review.successors.end());
    for (const auto& [id, campaign] : review.joined) {
      Summary* const known = Find(id);
      if (known == nullptr) continue;
      Summary& summary = *known;
      summary.campaign = campaign;
      const Result<Explanation> why = monitor_.Explain(summary.account);
      if (!why.ok()) continue;
      summary.score = std::max(summary.score, why->verdict.score);
      summary.reasons = Reasons(*why);
      if (alerts != nullptr) {
        std::fputs(Alert(summary.account, now, why->verdict, *why).c_str(), alerts);
      }
      if (why->verdict.level > summary.level) summary.level = why->verdict.level;
    }
  }

  // A part's requests are judged in the order of the log, so that verdicts do not depend on the
  // number of threads.
  void TakeUnreviewed(std::span<log::Record> records, std::FILE* alerts) {
    outcomes_.assign(records.size(), {});
    for (Part& part : parts_) part.requests.clear();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::uint64_t id = monitor_.AccountId(records[i].account);
      PartOf(id).requests.emplace_back(i, id);
    }
    workers_.Do(kParts, [&](std::size_t p) {
      std::vector<Attribute> attributes;
      for (const auto& [i, id] : parts_[p].requests) {
        const auto [account, fresh] = parts_[p].accounts.try_emplace(id);
        if (fresh) account->second.account = records[i].account;
        Judge(records[i].AsEvent(attributes), account->second, outcomes_[i]);
      }
    });
    if (alerts == nullptr) return;
    for (const Outcome& outcome : outcomes_) std::fputs(outcome.alert.c_str(), alerts);
  }

 public:
  // All accounts, worst first.
  std::vector<const Summary*> Ranking() const {
    std::vector<const Summary*> out;
    for (const Part& part : parts_) {
      for (const auto& [id, summary] : part.accounts) out.push_back(&summary);
    }
    std::sort(out.begin(), out.end(), [](const Summary* a, const Summary* b) {
      return a->score != b->score ? a->score > b->score : a->account < b->account;
    });
    return out;
  }

  // Who continues a banned account; nothing when nobody does.
  void PrintSuccessors() {
    if (bans_.not_followed() > 0) {
      std::printf("\n%s bans are not followed, the first because %s.\n",
                  Grouped(bans_.not_followed()).c_str(), bans_.reason().c_str());
    }
    if (bans_.not_reached() > 0) {
      std::printf("\n%s bans are later than the log.\n", Grouped(bans_.not_reached()).c_str());
    }
    if (successors_.empty()) return;
    std::printf("\n%-28s %-28s %-20s %9s\n", "account", "continues the banned", "since", "p-value");
    for (const Successor& s : successors_) {
      const Summary* const account = Find(s.account);
      std::printf("%-28s %-28s %-20s %9.2g\n",
                  account == nullptr ? "" : Shown(account->account, 28).c_str(),
                  Shown(bans_.NameOf(s.banned, monitor_), 28).c_str(), IsoTime(s.began).c_str(),
                  s.p_value);
    }
  }

 private:
  // Null when the log did not have it.
  Summary* Find(std::uint64_t id) {
    auto& accounts = PartOf(id).accounts;
    const auto at = accounts.find(id);
    return at == accounts.end() ? nullptr : &at->second;
  }

  // The two strongest; the campaign has a table of its own.
  static std::string Reasons(const Explanation& why) {
    std::string out;
    std::size_t given = 0;
    for (const Evidence& e : why.evidence) {
      const bool known = !std::isnan(e.value);
      if (!known || e.contribution <= 0 || e.detector == "campaign" || given == 2) continue;
      out += (given++ == 0 ? "" : "; ") + e.words;
    }
    return out;
  }

  void Judge(const Event& event, Summary& summary, Outcome& outcome) {
    const Verdict verdict = monitor_.Observe(event);
    ++summary.requests;
    summary.score = std::max(summary.score, verdict.score);
    summary.p_value = std::min(summary.p_value, verdict.p_value);
    if (verdict.level <= summary.level) return;
    summary.level = verdict.level;
    const Result<Explanation> why = monitor_.Explain(event.account);
    if (!why.ok()) return;
    summary.reasons = Reasons(*why);
    if (verdict.level < Level::kDistilling) return;
    summary.first_alert = event.time;
    summary.requests_before = summary.requests;
    outcome.alert = Alert(event.account, event.time, verdict, *why);
  }

  static std::string Alert(std::string_view account, Time time, const Verdict& verdict,
                           const Explanation& why) {
    return "{\"account\": " + Quote(account) + ", \"time\": " + UnixTime(time) +
           ", \"level\": " + Quote(Name(verdict.level)) + ", \"score\": " + Number(verdict.score) +
           ", \"p_value\": " + Number(verdict.p_value) + ", \"campaign\": " +
           (verdict.campaign == 0 ? "null" : std::to_string(verdict.campaign)) +
           ", \"evidence\": " + EvidenceJson(why, kEvidence) + "}\n";
  }

  Monitor& monitor_;
  Bans bans_;
  std::vector<Successor> successors_;
  Workers workers_;
  // Accounts whose requests go to one thread at a time.
  struct Part {
    std::unordered_map<std::uint64_t, Summary> accounts;          // by id
    std::vector<std::pair<std::size_t, std::uint64_t>> requests;  // of the batch: where, of whom
  };
  static constexpr std::size_t kParts = 64;
  Part& PartOf(std::uint64_t id) { return parts_[id % kParts]; }
  std::array<Part, kParts> parts_;
  ReviewClock clock_;
  std::vector<Outcome> outcomes_;
};

void PrintTable(const ScanOptions& options, const std::vector<const Summary*>& ranking) {
  if (options.rows == 0) return;
  const bool colour = UsesColour(stdout);
  std::printf("\n%-28s %-11s %7s %9s %9s %8s  %s\n", "account", "level", "score", "p-value",
              "requests", "campaign", "strongest reasons");
  std::size_t printed = 0;
  for (const Summary* const summary : ranking) {
    if (printed == options.rows || summary->level == Level::kClear) break;
    ++printed;
    const char* paint = !colour                                ? ""
                        : summary->level == Level::kDistilling ? "\033[31m"
                        : summary->level == Level::kSuspect    ? "\033[33m"
                                                               : "";
    const std::string shown = Shown(summary->account, 28);
    const std::string campaign = summary->campaign == 0 ? "" : std::to_string(summary->campaign);
    std::printf("%-28s %s%-11s%s %7.2f %9.2g %9s %8s  %s\n", shown.c_str(), paint,
                std::string(Name(summary->level)).c_str(), *paint ? "\033[0m" : "", summary->score,
                summary->p_value, Grouped(summary->requests).c_str(), campaign.c_str(),
                summary->reasons.c_str());
  }
  if (printed == 0) std::printf("(no account above clear)\n");
}

}  // namespace

int Scan(const ScanOptions& options) {
  std::optional<Level> fail_on;
  if (!options.fail_on.empty()) {
    Result<Level> level = ParseLevel(options.fail_on);
    if (!level.ok()) return Trouble(level.status().message());
    fail_on = *level;
  }
  Result<Bans> bans = Bans::Read(options.bans);
  if (!bans.ok()) return Trouble(bans.status().message());
  for (const auto& [option, path] :
       {std::pair("--alerts", options.alerts), std::pair("--scores", options.scores)}) {
    if (const Status status = CheckOutput(options.log, option, path); !status.ok())
      return Trouble(status.message());
  }
  Result<Judging> judging = JudgingOf(options.log, options);
  if (!judging.ok()) return Trouble(judging.status().message());
  Options& monitor_options = judging->options;

  std::FILE* alerts = nullptr;
  if (!options.alerts.empty() && (alerts = std::fopen(options.alerts.c_str(), "wb")) == nullptr)
    return Trouble("--alerts: cannot write '" + options.alerts + "': " + std::strerror(errno));
  std::optional<Monitor> monitor;
  std::optional<Scanner> scanner;
  Time last{};
  LogReport report;
  Status created;
  const Reading reading = options.threads > 1 ? Reading::kAhead : Reading::kInTurn;
  const auto take = [&](std::span<log::Record> records) {
    if (!monitor && created.ok()) {  // the first requests decide where the horizon begins
      if (!monitor_options.origin) monitor_options.origin = BeginOf(records);
      Result<Monitor> made = Monitor::Create(monitor_options);
      created = made.status();
      if (!made.ok()) return;
      monitor.emplace(*std::move(made));
      scanner.emplace(options, *std::move(bans), *monitor);
    }
    if (!records.empty()) last = std::max(last, records.back().time);
    if (scanner) scanner->Take(records, alerts);
    if (alerts != nullptr) std::fflush(alerts);
  };
  const Status read = ReadLog(options.log, "scanning", reading, report, take);
  if (scanner) scanner->Finish(last, alerts);
  bool all_written = true;
  if (alerts != nullptr) {
    const bool written = std::ferror(alerts) == 0;
    if (std::fclose(alerts) != 0 || !written) {
      Trouble("--alerts: cannot write '" + options.alerts + "'");
      all_written = false;
    }
  }
  if (!read.ok()) return Trouble(read.message());
  if (!created.ok()) return Trouble(WithKeyHint(created).message());
  report.Print();
  if (!scanner) return Trouble("the log holds no request");

  const auto ranking = scanner->Ranking();
  if (!options.scores.empty()) {
    std::ofstream out(options.scores, std::ios::binary);
    for (const Summary* const summary : ranking) {
      out << "{\"account\": " << Quote(summary->account)
          << ", \"score\": " << Number(summary->score) << ", \"requests\": " << summary->requests
          << "}\n";
    }
    out.close();
    if (!out) {
      Trouble("--scores: cannot write '" + options.scores + "'");
      all_written = false;
    }
  }
  std::size_t by_level[4] = {};
  for (const Summary* const summary : ranking) ++by_level[static_cast<std::size_t>(summary->level)];
  const MonitorStatistics statistics = monitor->Statistics();
  std::printf("%s requests of %s accounts.  distilling %zu, suspect %zu, watch %zu.\n",
              Grouped(report.records).c_str(), Grouped(ranking.size()).c_str(), by_level[3],
              by_level[2], by_level[1]);
  const Promise& promise = monitor_options.promise;
  if (!report.in_order()) {
    std::printf("Promise: none, because the log is not in order of time.\n");
  } else {
    std::printf(
        "Promise: at most %.6g falsely flagged accounts per million benign ones in %.3g days (%s; "
        "reference of %s accounts, up to %.3g %% of it bad).\n",
        promise.per_million,
        static_cast<double>(monitor_options.reference->horizon().count()) / 86400,
        promise.mode == Promise::Mode::kConfidence95 ? "for 95 % of references" : "in expectation",
        Grouped(monitor_options.reference->accounts()).c_str(), 100 * promise.contamination);
  }
  if (judging->retrospective) {
    std::printf(
        "Retrospective: the log was its own reference. Harvesters in it hide each other; use "
        "--reference for a log of another time.\n");
  }
  if (statistics.evicted_accounts > 0) {
    std::printf("Memory was short: %s accounts were forgotten on the way.\n",
                Grouped(statistics.evicted_accounts).c_str());
  }
  PrintTable(options, ranking);
  PrintCampaigns(monitor->Campaigns());
  scanner->PrintSuccessors();
  if (!report.complete() || !all_written) return kTrouble;
  if (fail_on) {
    for (std::size_t l = static_cast<std::size_t>(*fail_on); l < 4; ++l) {
      if (by_level[l] > 0) return kFindings;
    }
  }
  return kFine;
}

}  // namespace distillwatch::cli
