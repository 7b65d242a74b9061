// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/bans.h"

#include <algorithm>

#include "cli/common.h"

namespace distillwatch::cli {

Result<Bans> Bans::Read(const std::string& file) {
  Bans out;
  if (file.empty()) return out;
  // A log of requests that say nothing but who and when.
  const LogOptions log{.files = {file},
                       .format = "plain",
                       .fields = {"account=.account", "time=.time", "prompt=.account"},
                       .key_file = {}};
  LogReport report;
  const auto take = [&out](std::span<log::Record> records) {
    for (log::Record& r : records) out.bans_.push_back({r.time, std::move(r.account)});
  };
  const Status read = ReadLog(log, "reading bans", Reading::kInTurn, report, take);
  if (!read.ok()) return read;
  if (!report.damage.empty()) return NotFound("--bans: " + report.damage.front());
  if (report.bad_lines > 0) {
    return InvalidArgument("--bans: " + report.examples.front() +
                           R"(; a line is {"account": "...", "time": "..."})");
  }
  std::stable_sort(out.bans_.begin(), out.bans_.end(),
                   [](const Ban& a, const Ban& b) { return a.time < b.time; });
  return out;
}

void Bans::Report(Time now, Monitor& monitor) {
  for (; reported_ < bans_.size() && bans_[reported_].time <= now; ++reported_) {
    const Ban& ban = bans_[reported_];
    const Status status = monitor.ReportBan(ban.account, ban.time);
    if (status.ok()) continue;
    if (not_followed_++ == 0) reason_ = status.message();
  }
}

std::string_view Bans::NameOf(std::uint64_t account, const Monitor& monitor) const {
  const auto ban = std::find_if(bans_.begin(), bans_.end(), [&](const Ban& b) {
    return monitor.AccountId(b.account) == account;
  });
  return ban == bans_.end() ? std::string_view() : std::string_view(ban->account);
}

}  // namespace distillwatch::cli
