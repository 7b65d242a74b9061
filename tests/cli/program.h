// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Runs the built program, and keeps what its tests have in common: two simulated months and a
// reference learned from the first.

#ifndef DISTILLWATCH_TESTS_CLI_PROGRAM_H_
#define DISTILLWATCH_TESTS_CLI_PROGRAM_H_

#include <gtest/gtest.h>
#include <simdjson.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace distillwatch::cli {

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteAll(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A folder of this run's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "distillwatch-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline const Folder& Here() {
  static const Folder folder;
  return folder;
}

struct Ran {
  int code = -1;
  std::string out, err;
};

// Runs the program on these arguments; input is a file.
inline Ran Program(const std::vector<std::string>& arguments,
                   const std::string& input = "/dev/null") {
  std::string command = DISTILLWATCH_PROGRAM;
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  const std::string out = Here() / "out", err = Here() / "err";
  const int status = std::system((command + " <" + input + " >" + out + " 2>" + err).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadAll(out), ReadAll(err)};
}

// The fields of a JSON object as text: strings without quotes, all else as written.
inline std::map<std::string, std::string> Fields(const std::string& line) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  std::map<std::string, std::string> out;
  EXPECT_EQ(parser.parse(line).get(object), simdjson::SUCCESS) << line;
  for (const auto& [name, value] : object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS)
      out[std::string(name)] = text;
    else
      out[std::string(name)] = simdjson::minify(value);
  }
  return out;
}

struct Label {
  std::string label, persona, campaign;
  std::size_t requests = 0, distilled = 0;
};

inline std::map<std::string, Label> LabelsOf(const std::string& csv) {
  std::map<std::string, Label> out;
  const auto lines = LinesOf(ReadAll(csv));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::istringstream row(lines[i]);
    std::string account, requests, distilled;
    Label l;
    std::getline(row, account, ',');
    std::getline(row, l.label, ',');
    std::getline(row, l.persona, ',');
    std::getline(row, l.campaign, ',');
    std::getline(row, requests, ',');
    std::getline(row, distilled, ',');
    l.requests = std::stoul(requests);
    l.distilled = std::stoul(distilled);
    out[account] = l;
  }
  return out;
}

// Made at first use, for all tests of one run.
struct Months {
  std::string key = Here() / "key", past = Here() / "past", now = Here() / "now",
              log = now + "/log.jsonl", reference = Here() / "reference";
  std::string learned;  // what learning printed

  Months() {
    WriteAll(key, "thirty-two bytes of no secret at all");
    EXPECT_EQ(
        Program({"simulate", "--out", past, "--seed", "1", "--accounts", "700", "--only-benign"})
            .code,
        0);
    EXPECT_EQ(Program({"simulate", "--out", now, "--seed", "2", "--accounts", "900", "--start",
                       "2026-02-01"})
                  .code,
              0);
    // Few campaigns and trees: enough to see that the parts fit together.
    const Ran ran = Program({"reference", past + "/log.jsonl", "--out", reference, "--key-file",
                             key, "--campaigns", "100", "--trees", "60"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    learned = ran.out;
  }
};

inline const Months& Simulated() {
  static const Months months;
  return months;
}

// A scan of the second month, and what it wrote.
struct Scanned : Ran {
  std::vector<std::string> alerts, scores;
};
inline Scanned Scan(std::vector<std::string> more) {
  const Months& months = Simulated();
  const std::string alerts = Here() / "alerts", scores = Here() / "scores";
  std::vector<std::string> arguments = {"scan",       months.log, "--reference", months.reference,
                                        "--alerts",   alerts,     "--scores",    scores,
                                        "--key-file", months.key};
  arguments.insert(arguments.end(), more.begin(), more.end());
  Scanned out{Program(arguments), {}, {}};
  out.alerts = LinesOf(ReadAll(alerts));
  out.scores = LinesOf(ReadAll(scores));
  return out;
}

}  // namespace distillwatch::cli

#endif  // DISTILLWATCH_TESTS_CLI_PROGRAM_H_
