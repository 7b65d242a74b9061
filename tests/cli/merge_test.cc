// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Several files as one log: the nodes of a gateway write one each, and days are named in any order.

#include <gtest/gtest.h>
#include <zlib.h>

#include "cli/log_reader.h"
#include "cli/program.h"

namespace distillwatch::cli {
namespace {

constexpr int kBegin = 1770000000;

std::string LineAt(int seconds, const std::string& account) {
  return R"({"time": )" + std::to_string(kBegin + seconds) + R"(, "account": ")" + account +
         R"(", "prompt": "what is it"})" + "\n";
}

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = Here() / name;
  WriteAll(path, text);
  return path;
}

struct Merged {
  std::vector<int> seconds;  // since kBegin
  std::string accounts;
  LogReport report;
};
Merged ReadAllOf(const std::vector<std::string>& files) {
  Merged out;
  LogOptions options;
  options.files = files;
  Result<LogReader> reader = LogReader::Create(options, out.report);
  EXPECT_TRUE(reader.ok());
  Batch batch;
  while (reader->Fill(batch)) {
    for (std::size_t i = 0; i < batch.filled; ++i) {
      const Time time = batch.records[i].time;
      const auto since = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch();
      out.seconds.push_back(static_cast<int>(since.count() - kBegin));
      out.accounts += batch.records[i].account;
    }
    EXPECT_LE(batch.share, 1);
  }
  return out;
}

TEST(Merge, FilesOfNodesAreOneLogInOrderOfTime) {
  std::vector<std::string> text(3), files;
  for (int i = 0; i < 1000; ++i) text[static_cast<std::size_t>(i * i % 3)] += LineAt(i * 60, "a");
  for (std::size_t f = 0; f < text.size(); ++f)
    files.push_back(Write("node" + std::to_string(f), text[f]));
  files.push_back(Write("empty", ""));
  const Merged merged = ReadAllOf(files);
  ASSERT_EQ(merged.seconds.size(), 1000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(merged.seconds[static_cast<std::size_t>(i)], i * 60);
  EXPECT_EQ(merged.report.lines, 1000u);
  EXPECT_EQ(merged.report.records, 1000u);
  EXPECT_EQ(merged.report.out_of_order, 0u);
}

TEST(Merge, DaysMayBeNamedInAnyOrderAndAFileTwice) {
  const std::string first = Write("first", LineAt(0, "a") + LineAt(10, "b")),
                    second = Write("second", LineAt(20, "c") + LineAt(30, "d")),
                    third = Write("third", LineAt(40, "e"));
  for (const auto& files : std::vector<std::vector<std::string>>{
           {first, second, third}, {third, first, second}, {second, third, second, first, third}}) {
    const Merged merged = ReadAllOf(files);
    EXPECT_EQ(merged.accounts, "abcde");
    EXPECT_EQ(merged.report.lines, 5u);
  }
}

TEST(Merge, OfOneTimeTheFileThatIsNamedFirstComesFirst) {
  const std::string a = Write("a", LineAt(5, "a") + LineAt(5, "a")),
                    b = Write("b", LineAt(5, "b") + LineAt(5, "b"));
  EXPECT_EQ(ReadAllOf({a, b}).accounts, "aabb");
  EXPECT_EQ(ReadAllOf({b, a}).accounts, "bbaa");
}

// Years ahead, it must not keep back what comes behind it until all other files are read.
TEST(Merge, AWildClockHoldsNoFileUp) {
  std::string wild, fine;
  for (int i = 0; i < 50; ++i) {
    wild += LineAt(i == 0 || i == 25 ? 300'000'000 : 20 * i, "w");
    fine += LineAt(20 * i + 10, "f");
  }
  const Merged merged = ReadAllOf({Write("wild", wild), Write("fine", fine)});
  ASSERT_EQ(merged.seconds.size(), 100u);
  std::string in_turn;
  for (int i = 0; i < 50; ++i) in_turn += "wf";
  int misplaced = 0;
  for (std::size_t i = 0; i < in_turn.size(); ++i) misplaced += merged.accounts[i] != in_turn[i];
  EXPECT_LE(misplaced, 4) << merged.accounts;
}

TEST(Merge, WhatIsWrongInAFileIsReportedOnceWithItsName) {
  const std::string bad = Write("bad", LineAt(0, "a") + "{\n" + LineAt(20, "b") + "[]\n"),
                    fine = Write("fine", LineAt(10, "c"));
  gzFile file = gzopen((Here() / "cut.gz").c_str(), "wb");
  for (int i = 0; i < 1000; ++i) {
    const std::string line = LineAt(30 + i, std::to_string(i * 7919 % 1009));
    ASSERT_GT(gzwrite(file, line.data(), static_cast<unsigned>(line.size())), 0);
  }
  gzclose(file);
  const std::string cut = ReadAll(Here() / "cut.gz");
  const Merged merged =
      ReadAllOf({fine, bad, Here() / "nowhere", Write("cut.gz", cut.substr(0, cut.size() / 2))});
  EXPECT_TRUE(merged.accounts.starts_with("acb0")) << merged.accounts.substr(0, 20);
  EXPECT_EQ(merged.report.bad_lines, 1u);
  ASSERT_EQ(merged.report.examples.size(), 1u);
  EXPECT_TRUE(merged.report.examples[0].starts_with(bad + ":2: ")) << merged.report.examples[0];
  ASSERT_EQ(merged.report.damage.size(), 2u);
  EXPECT_NE(merged.report.damage[0].find("nowhere"), std::string::npos);
  EXPECT_NE(merged.report.damage[1].find("cut.gz: after line"), std::string::npos);
}

TEST(Merge, AScanOfNodesIsTheScanOfTheirLog) {
  std::vector<std::string> text(3);
  for (const std::string& line : LinesOf(ReadAll(Simulated().log)))
    text[std::hash<std::string>()(Fields(line).at("account")) % 3] += line + "\n";
  std::vector<std::string> arguments = {"scan", "--reference", Simulated().reference, "--key-file",
                                        Simulated().key};
  std::vector<std::string> nodes = arguments;
  arguments.push_back(Simulated().log);
  for (std::size_t f = 0; f < text.size(); ++f)
    nodes.push_back(Write("gateway" + std::to_string(f), text[f]));
  const Ran one = Program(arguments), many = Program(nodes);
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(many.out, one.out);
  EXPECT_TRUE(many.err.empty()) << many.err;
}

}  // namespace
}  // namespace distillwatch::cli
