// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "cli/log_reader.h"
#include "cli/read_ahead.h"
#include "distillwatch/monitor.h"

namespace distillwatch::cli {
namespace {

constexpr std::size_t kBatchesAhead = 8;

// A line that rewrites itself, on terminals only.
class Progress {
 public:
  explicit Progress(std::string_view doing) : doing_(doing), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (printed_) std::fprintf(stderr, "\r\033[K");
  }
  // share: of all bytes that has been read; below 0 when that is not known.
  void Show(double share, std::uint64_t records) {
    if (!shown_) return;
    if (share < 0) {  // of standard input nobody knows how much there is
      printed_ = true;
      std::fprintf(stderr, "\r%.*s: %s requests", static_cast<int>(doing_.size()), doing_.data(),
                   Grouped(records).c_str());
      return;
    }
    if (static_cast<int>(share * 200) == at_) return;
    at_ = static_cast<int>(share * 200);
    printed_ = true;
    constexpr int kWidth = 30;
    const int full = static_cast<int>(share * kWidth);
    std::fprintf(stderr, "\r%.*s [%.*s%.*s] %3.0f %%  %s requests", static_cast<int>(doing_.size()),
                 doing_.data(), full, "##############################", kWidth - full,
                 "..............................", 100 * share, Grouped(records).c_str());
  }

 private:
  std::string_view doing_;
  bool shown_, printed_ = false;
  int at_ = -1;
};

}  // namespace

int Trouble(const std::string& message) {
  std::fprintf(stderr, "distillwatch: %s\n", message.c_str());
  return kTrouble;
}

void LogReport::Print() const {
  if (bad_lines > 0) {
    std::fprintf(stderr,
                 "distillwatch: %s requests could not be read and were left out (of %s lines):\n",
                 Grouped(bad_lines).c_str(), Grouped(lines).c_str());
    for (const std::string& example : examples) std::fprintf(stderr, "  %s\n", example.c_str());
    if (bad_lines > examples.size()) std::fprintf(stderr, "  ...\n");
  }
  if (records == 0 && other_lines > 0) {
    std::fprintf(stderr, "distillwatch: %s lines tell of no request to a model\n",
                 Grouped(other_lines).c_str());
  }
  if (!in_order()) {
    std::fprintf(stderr,
                 "distillwatch: %s of %s requests are more than an hour older than one before them "
                 "(the first: %s): scores, campaigns and the promise suppose a log in order of "
                 "time; sort it\n",
                 Grouped(out_of_order).c_str(), Grouped(records).c_str(),
                 first_out_of_order.c_str());
  }
  for (const std::string& file : damage) std::fprintf(stderr, "distillwatch: %s\n", file.c_str());
  if (!damage.empty())
    std::fprintf(stderr, "distillwatch: what was read before that is reported\n");
}

Status ReadLog(const LogOptions& options, std::string_view doing, Reading reading,
               LogReport& report, const std::function<void(std::span<log::Record>)>& take) {
  Result<LogReader> reader = LogReader::Create(options, report);
  if (!reader.ok()) return reader.status();
  Progress progress(doing);
  const auto fill = [&](Batch& batch) { return reader->Fill(batch); };
  const auto take_batch = [&](Batch& batch) {
    take(std::span(batch.records).first(batch.filled));
    progress.Show(batch.share, batch.records_so_far);
  };
  std::vector<Batch> batches(reading == Reading::kAhead ? kBatchesAhead : 1);
  if (reading == Reading::kAhead) {
    ReadAhead<Batch>(batches, fill, take_batch);
  } else {
    while (fill(batches[0])) take_batch(batches[0]);
  }
  return {};
}

Result<std::string> ReadFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return NotFound("cannot read '" + path + "': " + std::strerror(errno));
  std::string bytes;
  std::array<char, 65536> chunk;
  errno = 0;
  for (std::size_t n; (n = std::fread(chunk.data(), 1, chunk.size(), file)) > 0;)
    bytes.append(chunk.data(), n);
  const int error = std::ferror(file) != 0 ? errno : 0;  // a folder, for one
  std::fclose(file);
  if (error != 0) return NotFound("cannot read '" + path + "': " + std::strerror(error));
  return bytes;
}

Status WriteFile(const std::string& path, std::string_view bytes) {
  const auto failed = [&path](int error) {
    return Unavailable("cannot write '" + path + "': " + std::strerror(error));
  };
  struct stat info {};
  const bool special = stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);  // /dev/stdout
  std::string beside = special ? path : path + ".XXXXXX";
  // References and snapshots may hold a key: nobody else may read them.
  const int made = special ? open(path.c_str(), O_WRONLY) : mkstemp(beside.data());
  if (made < 0) return failed(errno);
  std::FILE* file = fdopen(made, "wb");
  if (file == nullptr) return failed(errno);
  errno = 0;
  bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  written =
      std::fclose(file) == 0 && written;  // what could not be written shows here at the latest
  if (written && (special || std::rename(beside.c_str(), path.c_str()) == 0)) return {};
  const int error = errno;
  if (!special) unlink(beside.c_str());
  return failed(error);
}

Status CheckOutput(const LogOptions& log, std::string_view option, const std::string& path) {
  if (path.empty()) return {};
  const std::filesystem::path output(path);
  std::error_code ignored;
  for (const std::string& file : log::Expand(log.files)) {
    if (file != "-" && std::filesystem::equivalent(file, output, ignored)) {
      return InvalidArgument(std::string(option) + " is '" + path + "', which is one of the logs");
    }
  }
  const std::filesystem::path folder = output.has_parent_path() ? output.parent_path() : ".";
  if (std::filesystem::is_directory(output, ignored))
    return InvalidArgument(std::string(option) + " is '" + path + "', which is a folder");
  const bool there = std::filesystem::exists(output, ignored);  // /dev/stdout, for one
  if (access(there ? path.c_str() : folder.c_str(), W_OK) != 0) {
    return Unavailable(std::string(option) + ": cannot write '" + path +
                       "': " + std::strerror(errno));
  }
  return {};
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Number(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 40> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string IsoTime(Time time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text;
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string UnixTime(Time time) {
  const std::int64_t us = time.time_since_epoch().count();
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%s%lld.%06lld", us < 0 ? "-" : "",
                static_cast<long long>(std::abs(us) / 1'000'000),
                static_cast<long long>(std::abs(us) % 1'000'000));
  return text.data();
}

std::string Grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string Shown(std::string_view name, std::size_t most) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 8> escape;
    std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
    out += escape.data();
  }
  return out.size() > most ? out.substr(0, most - 1) + "~" : out;
}

namespace {

constexpr auto kReviewEvery = std::chrono::hours(12), kWeek = std::chrono::hours(7 * 24);

Time BeginOf(std::vector<Time> first) {
  std::sort(first.begin(), first.end());
  return *std::lower_bound(first.begin(), first.end(), first[first.size() / 2] - kWeek);
}

}  // namespace

Time BeginOf(std::span<const log::Record> first) {
  std::vector<Time> times;
  for (const log::Record& r : first.first(std::min(first.size(), kFirstRequests)))
    times.push_back(r.time);
  return BeginOf(std::move(times));
}

Time ReviewClock::Last(Time request) const {
  return first_.size() < kFirstRequests ? request : std::min(request, next_ + kWeek);
}

std::optional<Time> ReviewClock::Before(Time request) {
  if (first_.size() < kFirstRequests) {
    first_.push_back(request);
    if (first_.size() == kFirstRequests) next_ = BeginOf(first_) + kReviewEvery;
    return std::nullopt;
  }
  if (request < next_) return std::nullopt;
  // One step at a time: a single request from the future does not put off all reviews until then.
  const Time due = next_;
  next_ += kReviewEvery;
  return due;
}

void PrintCampaigns(const std::vector<Campaign>& campaigns) {
  if (campaigns.empty()) return;
  std::printf("\n%-9s %8s %10s %9s  %-20s  %s\n", "campaign", "accounts", "requests", "p-value",
              "named", "evidence");
  for (const Campaign& campaign : campaigns) {
    std::uint64_t matching = 0;
    for (const CampaignMember& m : campaign.members) matching += m.matching;
    std::string words;
    for (const std::string& w : campaign.words) words += (words.empty() ? "" : "; ") + w;
    std::printf("%-9u %8zu %10s %9.2g  %-20s  %s\n", campaign.id, campaign.members.size(),
                Grouped(matching).c_str(), campaign.p_value, IsoTime(campaign.named).c_str(),
                words.c_str());
  }
}

std::string EvidenceJson(const Explanation& explanation, std::size_t most) {
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(most, explanation.evidence.size()); ++i) {
    const Evidence& e = explanation.evidence[i];
    if (i > 0) out += ", ";
    out += "{\"detector\": " + Quote(e.detector) + ", \"feature\": " + Quote(e.feature) +
           ", \"value\": " + Number(e.value) + ", \"place\": " + Number(e.place) +
           ", \"contribution\": " + Number(e.contribution) + ", \"words\": " + Quote(e.words) + "}";
  }
  return out + "]";
}

bool UsesColour(std::FILE* file) {
  return isatty(fileno(file)) != 0 && std::getenv("NO_COLOR") == nullptr;
}

}  // namespace distillwatch::cli
