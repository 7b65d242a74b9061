// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What the program's commands share: reading logs, printing, exit codes.

#ifndef DISTILLWATCH_SRC_CLI_COMMON_H_
#define DISTILLWATCH_SRC_CLI_COMMON_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/campaign.h"
#include "distillwatch/monitor.h"
#include "distillwatch/verdict.h"
#include "log/line_source.h"
#include "log/record.h"

namespace distillwatch::cli {

inline constexpr int kFine = 0, kFindings = 1, kTrouble = 2;

// Prints "distillwatch: <message>" to standard error and returns kTrouble.
int Trouble(const std::string& message);

// The options of every command that reads logs.
struct LogOptions {
  std::vector<std::string> files;
  std::string format = "auto";
  std::vector<std::string> fields;  // "account=.path"
  std::string key_file;
};

// What was read, and what could not be.
struct LogReport {
  std::uint64_t lines = 0, records = 0, bad_lines = 0;  // a packed line holds many records
  std::uint64_t other_lines = 0;                        // sound, but of no request: a tool's span
  std::vector<std::string> examples;  // of bad lines, with file, number and reason; at most ten
  std::vector<std::string> damage;    // files that could not be read to their end
  std::uint64_t bytes = 0;            // of text
  // More than an hour older than one before them; where the first of them is.
  std::uint64_t out_of_order = 0;
  std::string first_out_of_order;
  Time newest{};
  bool complete() const { return damage.empty(); }
  // Scores, reviews and the promise suppose that time goes forward; a few stragglers do no harm.
  bool in_order() const { return 1000 * out_of_order <= records; }
  // To standard error; nothing when all was well.
  void Print() const;
};

// kAhead: in a thread of its own, beside what is done with the records.
enum class Reading { kInTurn, kAhead };

// Records of the log, in order, batch after batch. `take` may keep the batch only during the call,
// and runs in the thread that called.
//   Errors  for what makes reading pointless: a wrong format or field; unreadable files go to the
//   report
Status ReadLog(const LogOptions& options, std::string_view doing, Reading reading,
               LogReport& report, const std::function<void(std::span<log::Record>)>& take);

// The bytes of a file; NotFound names it.
Result<std::string> ReadFile(const std::string& path);
// Writes beside it and renames, so that the old file stays until the new one is whole.
Status WriteFile(const std::string& path, std::string_view bytes);
// Whether a command may write there: not over one of its logs, and in a folder that there is.
//   option  by which the path was given
Status CheckOutput(const LogOptions& log, std::string_view option, const std::string& path);
std::string Quote(std::string_view text);   // as a JSON string
std::string Number(double value);           // as JSON, to the last bit; null when not finite
std::string IsoTime(Time time);             // 2026-04-22T00:15:59Z
std::string UnixTime(Time time);            // seconds since 1970, with six digits behind the point
std::string Grouped(std::uint64_t number);  // 513,293
// A name from outside for a terminal: without control characters, at most so many bytes.
std::string Shown(std::string_view name, std::size_t most);

// When a log begins, by its first 64 requests or as many as there are: not with one that is a week
// before most of them, or later.
Time BeginOf(std::span<const log::Record> first);
inline constexpr std::size_t kFirstRequests = 64;

// When a log is reviewed for campaigns: twice a day of its own time from its beginning on, between
// the same requests however it is read.
class ReviewClock {
 public:
  // The time of the review that comes before a request of this time, if one is due.
  std::optional<Time> Before(Time request);
  // The time of the last review, when the log ends with a request of this time.
  Time Last(Time request) const;

 private:
  std::vector<Time> first_;
  Time next_{};
};

// The campaigns as a table with their evidence in words; nothing when there is none.
void PrintCampaigns(const std::vector<Campaign>& campaigns);

// The evidence of an explanation as a JSON array of its `most` strongest pieces.
std::string EvidenceJson(const Explanation& explanation, std::size_t most);

// Colours only on a terminal and without NO_COLOR.
bool UsesColour(std::FILE* file);

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_SRC_CLI_COMMON_H_
