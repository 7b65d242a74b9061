// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>

#include "cli/commands.h"
#include "simulate/month.h"

namespace distillwatch::cli {
namespace {

using simulate::Account;
using simulate::LabelledMonth;

std::optional<Time> MidnightOf(const std::string& date) {
  int year = 0, read = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(date.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &read) != 3 ||
      static_cast<std::size_t>(read) != date.size()) {
    return std::nullopt;
  }
  const std::chrono::year_month_day civil{std::chrono::year(year), std::chrono::month(month),
                                          std::chrono::day(day)};
  if (!civil.ok() || year < 1970 || year > 2199) return std::nullopt;
  return Time(std::chrono::sys_days(civil));
}

// A file that is written line by line; says once whether all of it got there.
class Output {
 public:
  explicit Output(std::string path)
      : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wb")) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (file_ != nullptr) std::fclose(file_);
  }
  void Write(std::string_view text) {
    if (file_ != nullptr) std::fwrite(text.data(), 1, text.size(), file_);
  }
  Status Close() {
    const bool fine = file_ != nullptr && std::ferror(file_) == 0;
    const bool closed = file_ != nullptr && std::fclose(file_) == 0;
    file_ = nullptr;
    return fine && closed ? Status() : Unavailable("cannot write '" + path_ + "'");
  }

 private:
  std::string path_;
  std::FILE* file_;
};

std::string Seconds(Time start, double time_s) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f",
                static_cast<double>(start.time_since_epoch().count()) * 1e-6 + time_s);
  return text;
}

std::string LineOf(const Account& account, const simulate::Request& request, Time start) {
  std::string line = "{\"time\": " + Seconds(start, request.time_s) +
                     ", \"account\": " + Quote(account.id) +
                     ", \"prompt\": " + Quote(request.prompt);
  if (!account.system.empty()) line += ", \"system\": " + Quote(account.system);
  return line + ", \"ip\": " + Quote(account.addresses[request.address]) +
         ", \"user_agent\": " + Quote(account.client) + ", \"payment\": " + Quote(account.payment) +
         ", \"model\": \"" + (request.new_model ? "model-2" : "model-1") + "\"}\n";
}

struct Written {
  std::uint64_t requests = 0, harvests = 0;
  std::size_t benign = 0, harvesters = 0;
};

// log.jsonl is all that a detector may read; the other two files are its labels.
Result<Written> WriteMonth(const LabelledMonth& month, Time start, const std::string& folder) {
  Written written;
  Output log(folder + "/log.jsonl"), accounts(folder + "/accounts.csv"),
      requests(folder + "/requests.csv");
  requests.Write("line,account,time,distill\n");
  for (const simulate::Place& place : month.order) {
    const Account& account = month.accounts[place.account];
    const simulate::Request& request = account.requests[place.request];
    log.Write(LineOf(account, request, start));
    ++written.requests;
    written.harvests += request.distills;
    if (account.campaign.empty()) continue;
    requests.Write(std::to_string(written.requests) + "," + account.id + "," +
                   Seconds(start, request.time_s) + (request.distills ? ",1\n" : ",0\n"));
  }
  accounts.Write("account,label,persona,campaign,requests,distill_requests\n");
  for (const Account& account : month.accounts) {
    std::size_t distilled = 0;
    for (const simulate::Request& request : account.requests) distilled += request.distills;
    ++(account.campaign.empty() ? written.benign : written.harvesters);
    accounts.Write(account.id + (account.campaign.empty() ? ",benign," : ",distill,") +
                   account.persona + "," + account.campaign + "," +
                   std::to_string(account.requests.size()) + "," + std::to_string(distilled) +
                   "\n");
  }
  for (Output* output : {&log, &accounts, &requests}) {
    if (const Status status = output->Close(); !status.ok()) return status;
  }
  return written;
}

}  // namespace

int Simulate(const SimulateOptions& options) {
  const std::optional<Time> start = MidnightOf(options.start);
  if (!start) {
    return Trouble("--start is '" + options.start +
                   "'; allowed: a day as in 2026-01-31, of the years 1970 to 2199");
  }
  if (mkdir(options.out.c_str(), 0777) != 0 && errno != EEXIST)
    return Trouble("cannot make the folder '" + options.out + "': " + std::strerror(errno));
  const LabelledMonth month =
      simulate::SimulateMonth({.seed = options.seed,
                               .days = options.days,
                               .accounts = options.benign_accounts,
                               .campaigns = options.only_benign ? 0 : options.campaigns});
  const Result<Written> written = WriteMonth(month, *start, options.out);
  if (!written.ok()) return Trouble(written.status().message());
  std::printf("%s requests of %s benign and %s distilling accounts, %.3g days from %s.\n",
              Grouped(written->requests).c_str(), Grouped(written->benign).c_str(),
              Grouped(written->harvesters).c_str(), options.days, options.start.c_str());
  if (written->harvesters > 0) {
    std::printf(
        "Distillation: %.2g %% of accounts, %.2g %% of requests.\n",
        100.0 * static_cast<double>(written->harvesters) /
            static_cast<double>(month.accounts.size()),
        100.0 * static_cast<double>(written->harvests) / static_cast<double>(written->requests));
  }
  std::printf("Written to %s: log.jsonl, and its labels in accounts.csv and requests.csv\n",
              options.out.c_str());
  return kFine;
}

}  // namespace distillwatch::cli
