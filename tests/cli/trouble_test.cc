// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Logs and files as operators have them on a bad day.

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/common.h"
#include "cli/program.h"

namespace distillwatch::cli {
namespace {

std::vector<std::string> ScanOf(const std::string& log, std::vector<std::string> more = {}) {
  std::vector<std::string> out{
      "scan", log, "--reference", Simulated().reference, "--key-file", Simulated().key};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::string TableOf(const std::string& printed) {
  const auto begin = printed.find("\naccount ");
  return begin == std::string::npos ? "" : printed.substr(begin);
}

TEST(Order, ALogThatIsNotInOrderOfTimeHasNoPromise) {
  std::vector<std::string> lines = LinesOf(ReadAll(Simulated().log));
  std::reverse(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  WriteAll(Here() / "backwards.jsonl", text);
  const Ran ran = Program(ScanOf(Here() / "backwards.jsonl"));
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.err.find("sort it"), std::string::npos) << ran.err;
  EXPECT_NE(ran.out.find("Promise: none"), std::string::npos) << ran.out.substr(0, 300);
  const Ran sorted = Program(ScanOf(Simulated().log));
  EXPECT_TRUE(sorted.err.empty()) << sorted.err;
  EXPECT_NE(sorted.out.find("Promise: at most"), std::string::npos);
}

TEST(Order, OneWildClockChangesNothingForOthers) {
  const std::string log = ReadAll(Simulated().log);
  const std::string expected = TableOf(Program(ScanOf(Simulated().log)).out);
  EXPECT_FALSE(expected.empty());
  const std::string future = R"({"time": 7258118000, "account": "zz", "prompt": "hi there"})";
  const std::string past = R"({"time": 0, "account": "zz", "prompt": "hi there"})";
  for (const std::string& text : {future + "\n" + log, past + "\n" + log, log + future + "\n"}) {
    WriteAll(Here() / "wild.jsonl", text);
    const Ran ran = Program(ScanOf(Here() / "wild.jsonl"));
    EXPECT_EQ(TableOf(ran.out), expected);
  }
}

TEST(ReviewClock, BeginsWithMostOfTheFirstRequestsAndGoesInSteps) {
  using std::chrono::hours;
  const Time begin{hours(24 * 20000)};
  for (const Time wild : {begin, Time{}, begin + hours(24 * 9999)}) {
    ReviewClock clock;
    EXPECT_FALSE(clock.Before(wild));
    for (int i = 1; i < 64; ++i) {
      EXPECT_FALSE(clock.Before(begin + std::chrono::minutes(i)));
      EXPECT_EQ(clock.Last(begin), begin);
    }
    const Time first = wild == begin ? begin : begin + std::chrono::minutes(1);
    EXPECT_FALSE(clock.Before(first + hours(12) - std::chrono::microseconds(1)));
    EXPECT_EQ(clock.Before(first + hours(25)), first + hours(12));
    EXPECT_EQ(clock.Before(first + hours(25)), first + hours(24));
    EXPECT_FALSE(clock.Before(first + hours(25)));
    EXPECT_EQ(clock.Last(first + hours(30)), first + hours(30));
    EXPECT_EQ(clock.Last(Time::max()), first + hours(36 + 7 * 24));
  }
}

TEST(Outputs, AreNeverALogAndLeaveWhatTheyCannotReplace) {
  WriteAll(Here() / "own.jsonl", ReadAll(Simulated().log).substr(0, 200000));
  for (const char* option : {"--scores", "--alerts"}) {
    const Ran ran = Program(ScanOf(Here() / "own.jsonl", {option, Here() / "own.jsonl"}));
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find(std::string(option) + " is '"), std::string::npos) << ran.err;
    EXPECT_EQ(ReadAll(Here() / "own.jsonl").size(), 200000u);
  }
  // What cannot be promised is told before anything is read or written.
  WriteAll(Here() / "old.alerts", "old\n");
  const Ran ran =
      Program(ScanOf(Here() / "own.jsonl", {"--promise", "1", "--alerts", Here() / "old.alerts"}));
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ReadAll(Here() / "old.alerts"), "old\n");
  const Ran nowhere = Program({"reference", Simulated().log, "--out", Here() / "no/such"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_NE(nowhere.err.find("--out: cannot write"), std::string::npos) << nowhere.err;
}

TEST(Outputs, AReferenceIsReplacedWholeAndNobodyElseMayReadIt) {
  const std::string path = Here() / "replaced";
  WriteAll(path, "old");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(WriteFile(path, "new").ok());
  EXPECT_EQ(ReadAll(path), "new");
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(WriteFile(Here() / "no/such", "new").ok());
  EXPECT_FALSE(WriteFile("/dev/full", "new").ok());
}

TEST(Outputs, StandardOutputThatIsFullIsTrouble) {
  for (const std::string& arguments :
       {"scan '" + Simulated().log + "' --reference '" + Simulated().reference + "' --key-file '" +
            Simulated().key + "'",
        "simulate --out '" + (Here() / "full") + "' --accounts 20 --days 2"}) {
    const int status = std::system(
        (std::string(DISTILLWATCH_PROGRAM) + " " + arguments + " >/dev/full 2>/dev/null").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << arguments;
  }
}

TEST(Keys, ThatAreShortOrEmptyAreRefused) {
  for (const char* bytes : {"", "short"}) {
    WriteAll(Here() / "shortkey", bytes);
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"scan", Simulated().log},
          {"reference", Simulated().log, "--out", Here() / "never"}}) {
      std::vector<std::string> all = arguments;
      all.insert(all.end(), {"--key-file", Here() / "shortkey"});
      const Ran ran = Program(all);
      EXPECT_EQ(ran.code, 2);
      EXPECT_NE(ran.err.find("bytes; allowed: at least 16 bytes"), std::string::npos) << ran.err;
    }
  }
  for (const char* option : {"--reference", "--fail-on", "--key-file"})
    EXPECT_EQ(Program({"scan", Simulated().log, option, ""}).code, 2) << option;
}

TEST(Logs, ThatCanBeReadOnceAreNotTheirOwnReference) {
  const std::string pipe = Here() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& log : {pipe, std::string("-")}) {
    const Ran ran = Program({"scan", log});
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("can be read only once"), std::string::npos) << ran.err;
  }
}

TEST(Names, FromOutsideCannotWriteToTheTerminal) {
  EXPECT_EQ(Shown("evil\x1b[2J\nrow", 40), "evil\\x1b[2J\\x0arow");
  EXPECT_EQ(Shown("0123456789", 10), "0123456789");
  EXPECT_EQ(Shown("0123456789a", 10), "012345678~");
  EXPECT_EQ(Shown("M\xc3\xbcller", 20), "M\xc3\xbcller");
}

// As scan says it, also of a level that another mode of the promise gives.
TEST(ExplainAgrees, WithScanAboutLevels) {
  const std::vector<std::string> how{"--promise", "100000", "--confidence95", "--contamination",
                                     "0.1"};
  std::vector<std::string> scan = ScanOf(Simulated().log, how);
  scan.insert(scan.end(), {"--rows", "3"});
  const Ran ran = Program(scan);
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::vector<std::string> lines = LinesOf(ran.out);
  const auto table = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("account ");
  });
  ASSERT_GE(lines.end() - table, 4);
  for (int row = 1; row <= 3; ++row) {
    std::istringstream words(table[row]);
    std::string account, level;
    words >> account >> level;
    std::vector<std::string> explain = ScanOf(Simulated().log, how);
    explain[0] = "explain";
    explain.insert(explain.end(), {"--account", account, "--json"});
    const Ran explained = Program(explain);
    ASSERT_EQ(explained.code, 0) << explained.err;
    EXPECT_EQ(Fields(explained.out)["level"], level) << account;
  }
}

}  // namespace
}  // namespace distillwatch::cli
