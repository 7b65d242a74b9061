// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/common.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

namespace distillwatch::cli {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::size_t kExamples = 10;

// A line that rewrites itself, on terminals only.
class Progress {
 public:
  explicit Progress(std::string_view doing) : doing_(doing), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (printed_) std::fprintf(stderr, "\r\033[K");
  }
  void Show(double share, std::uint64_t records) {
    if (!shown_ || static_cast<int>(share * 200) == at_) return;
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
                 "distillwatch: %s of %s lines could not be read as requests and were left out:\n",
                 Grouped(bad_lines).c_str(), Grouped(lines).c_str());
    for (const std::string& example : examples) std::fprintf(stderr, "  %s\n", example.c_str());
    if (bad_lines > examples.size()) std::fprintf(stderr, "  ...\n");
  }
  for (const std::string& file : damage) std::fprintf(stderr, "distillwatch: %s\n", file.c_str());
  if (!damage.empty())
    std::fprintf(stderr, "distillwatch: what was read before that is reported\n");
}

Status ReadLog(const LogOptions& options, std::string_view doing, LogReport& report,
               const std::function<void(std::span<log::Record>)>& take) {
  Result<log::Format> format = log::ParseFormat(options.format);
  if (!format.ok()) return format.status();
  log::FieldPaths fields;
  for (const std::string& field : options.fields) {
    const auto equals = field.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("--field is '" + field +
                             "'; allowed: name=.path, as in account=.metadata.key");
    }
    fields[field.substr(0, equals)] = field.substr(equals + 1);
  }
  Result<log::RecordReader> reader = log::RecordReader::Create(*format, fields);
  if (!reader.ok()) return reader.status();

  const std::vector<std::string> files = log::Expand(options.files);
  std::uint64_t in_all = 0, before = 0;
  for (const std::string& file : files) {
    struct stat info {};
    if (file != "-" && stat(file.c_str(), &info) == 0)
      in_all += static_cast<std::uint64_t>(info.st_size);
  }
  Progress progress(doing);
  std::vector<log::Record> batch(kBatch);
  std::size_t filled = 0;
  const auto flush = [&] {
    if (filled > 0) take(std::span(batch).first(filled));
    filled = 0;
  };
  for (const std::string& file : files) {
    Result<log::LineSource> source = log::LineSource::Open(file);
    if (!source.ok()) {
      report.damage.push_back(source.status().message());
      continue;
    }
    log::LineSource::Line line;
    while (source->Next(line)) {
      ++report.lines;
      report.bytes += line.text.size() + 1;
      if (line.text.find_first_not_of(" \t") == std::string_view::npos && !line.cut) continue;
      if (const Status status = reader->Read(line, batch[filled]); !status.ok()) {
        ++report.bad_lines;
        if (report.examples.size() < kExamples) {
          report.examples.push_back(file + ":" + std::to_string(line.number) + ": " +
                                    status.message());
        }
        continue;
      }
      ++report.records;
      if (++filled == kBatch) {
        flush();
        if (in_all > 0) {
          progress.Show(std::min(1.0, static_cast<double>(before + source->bytes_read()) /
                                          static_cast<double>(in_all)),
                        report.records);
        }
      }
    }
    if (!source->status().ok()) {
      report.damage.push_back(file + ": after line " + std::to_string(line.number) + ": " +
                              source->status().message());
    }
    before += source->bytes_in_all();
  }
  flush();
  return {};
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file) return NotFound("cannot read '" + path + "'");
  return bytes;
}

Status WriteFile(const std::string& path, std::string_view bytes) {
  // References and snapshots may hold a key: nobody else may read them.
  const mode_t before = umask(077);
  std::ofstream file(path, std::ios::binary);
  umask(before);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return Unavailable("cannot write '" + path + "'");
  return {};
}

Result<std::optional<std::string>> ReadKey(const std::string& key_file) {
  if (key_file.empty()) return std::optional<std::string>();
  Result<std::string> key = ReadFile(key_file);
  if (!key.ok()) return Status(key.status().code(), "--key-file: " + key.status().message());
  return std::optional<std::string>(*std::move(key));
}

Result<Reference> ReadReference(const std::string& path) {
  Result<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  Result<Reference> reference = Reference::Parse(*bytes);
  if (!reference.ok())
    return Status(reference.status().code(),
                  "'" + path + "' is not a reference: " + reference.status().message());
  return reference;
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
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
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

std::string Grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
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
