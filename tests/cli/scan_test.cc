// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/program.h"

namespace distillwatch::cli {
namespace {

void WriteGzip(const std::string& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb1");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  gzclose(file);
}

void WriteZstd(const std::string& path, const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  WriteAll(path, packed);
}

// Scans these files, or standard input.
Ran ScanFiles(const std::vector<std::string>& files, const std::string& input = "/dev/null") {
  std::vector<std::string> arguments = {"scan", "--reference", Simulated().reference, "--key-file",
                                        Simulated().key};
  arguments.insert(arguments.end(), files.begin(), files.end());
  return Program(arguments, input);
}

// The first requests of the second month.
const std::string& Beginning() {
  static const std::string text = [] {
    const std::string all = ReadAll(Simulated().log);
    return all.substr(0, all.find('\n', all.size() / 20) + 1);
  }();
  return text;
}

// From a month without harvesters to verdicts on another. Seeds and key are fixed, so the figures
// are too; the bound on false alarms is the promise and 3.5 standard deviations of what chance may
// add (the second month's accounts and the reference's own draw).
TEST(ScanCommand, FindsPlantedHarvestersWithFalseAlarmsWithinThePromise) {
  constexpr double kPromise = 30000, kBenign = 900;
  const Scanned scan = Scan({"--promise", "30000", "--contamination", "0"});
  ASSERT_EQ(scan.code, 0) << scan.err;
  const auto labels = LabelsOf(Simulated().now + "/accounts.csv");
  double false_alarms = 0, found = 0, planted = 0;
  for (const auto& [account, label] : labels) {
    planted += label.label == "distill" && label.campaign != "relay" && label.campaign != "thin";
  }
  std::set<std::string> campaigns;
  for (const std::string& line : scan.alerts) {
    const auto alert = Fields(line);
    if (alert.at("level") != "distilling") continue;  // named as a campaign's: another promise
    const Label& label = labels.at(alert.at("account"));
    false_alarms += label.label == "benign";
    found += label.label == "distill" && label.campaign != "relay" && label.campaign != "thin";
    if (label.label == "distill") campaigns.insert(label.campaign);
  }
  std::printf(
      "%.0f of %.0f planted harvesters (relayed and thin ones apart), %.0f false alarms; the "
      "promise allows %.1f\n",
      found, planted, false_alarms, kPromise * kBenign * 1e-6);
  EXPECT_LE(false_alarms, 60);
  EXPECT_GE(found, planted / 2);
  EXPECT_TRUE(campaigns.contains("lone"));
}

TEST(ScanCommand, AlertsAndScoresAreJsonAtTheTimeOfTheEvent) {
  const Scanned scan = Scan({"--promise", "30000"});
  ASSERT_FALSE(scan.alerts.empty());
  const std::string log = ReadAll(Simulated().log);
  double before = 0;
  std::set<std::string> alerted;
  for (const std::string& line : scan.alerts) {
    auto fields = Fields(line);
    if (fields.at("campaign") != "null") continue;  // of a review, at the review's time
    EXPECT_TRUE(alerted.insert(fields["account"]).second) << "an account is alerted once";
    EXPECT_EQ(fields["level"], "distilling");
    EXPECT_LE(std::stod(fields["p_value"]), 0.03);
    EXPECT_GT(fields["evidence"].size(), 50u);
    EXPECT_NE(fields["evidence"].find("\"words\":"), std::string::npos);
    const double time = std::stod(fields["time"]);
    EXPECT_GE(time, before) << "in the order of the log";
    before = time;
    std::array<char, 32> milliseconds;  // as the log has it
    std::snprintf(milliseconds.data(), milliseconds.size(), "%.3f", time);
    const std::string asked =
        std::string("{\"time\": ") + milliseconds.data() + ", \"account\": \"" + fields["account"];
    EXPECT_NE(log.find(asked), std::string::npos) << asked;
  }
  const auto labels = LabelsOf(Simulated().now + "/accounts.csv");
  EXPECT_EQ(scan.scores.size(), labels.size());
  double worse = 1e9;
  for (const std::string& line : scan.scores) {
    auto fields = Fields(line);
    EXPECT_EQ(std::stoul(fields["requests"]), labels.at(fields["account"]).requests);
    EXPECT_LE(std::stod(fields["score"]), worse) << "worst first";
    worse = std::stod(fields["score"]);
  }
}

TEST(ScanCommand, ThreadsDoNotChangeTheOutput) {
  const Scanned one = Scan({"--threads", "1"});
  for (const char* threads : {"2", "4"}) {
    const Scanned more = Scan({"--threads", threads});
    EXPECT_EQ(more.out, one.out);
    EXPECT_EQ(more.alerts, one.alerts);
    EXPECT_EQ(more.scores, one.scores);
  }
}

TEST(ScanCommand, ReadsPlainPackedGlobbedAndPipedLogsAlike) {
  const std::string& text = Beginning();
  const auto half = text.find('\n', text.size() / 2) + 1;
  const std::string folder = Here() / "parts";
  std::filesystem::create_directory(folder);
  WriteAll(Here() / "whole.jsonl", text);
  WriteGzip(folder + "/part-1.jsonl.gz", text.substr(0, half));
  WriteZstd(folder + "/part-2.jsonl.zst", text.substr(half));
  const Ran plain = ScanFiles({Here() / "whole.jsonl"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(ScanFiles({folder + "/part-1.jsonl.gz", folder + "/part-2.jsonl.zst"}).out, plain.out);
  EXPECT_EQ(ScanFiles({folder + "/part-*"}).out, plain.out);
  EXPECT_EQ(ScanFiles({"-"}, Here() / "whole.jsonl").out, plain.out);
}

TEST(ScanCommand, BadLinesAreCountedWithTheirNumbersAndNeverFatal) {
  const std::string path = Here() / "bad.jsonl";
  WriteAll(path, Beginning() + "not json\n\n{\"time\": 1, \"prompt\": \"whose?\"}\n");
  const auto good = LinesOf(Beginning()).size();
  const Ran ran = ScanFiles({path});
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.err.find("2 requests could not be read"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find(path + ":" + std::to_string(good + 1) + ": "), std::string::npos);
  EXPECT_NE(ran.err.find(path + ":" + std::to_string(good + 3) + ": "), std::string::npos);
}

TEST(ScanCommand, APackedLineHoldsManyRequestsAndAToolsSpanNone) {
  const std::string path = Here() / "packed.jsonl";
  WriteAll(path, R"([{"time": 1770000000, "account": "a", "prompt": "one"},)"
                 R"( {"time": 1770000001, "account": "b", "prompt": "two"}, 7,)"
                 R"( {"time": 1770000002, "account": "a", "prompt": "three"}])"
                 "\n"
                 R"({"start_time": 0, "attributes": {"gen_ai.operation.name": "execute_tool",)"
                 R"( "gen_ai.tool.name": "t", "user.id": "u"}})"
                 "\n");
  const Ran ran = ScanFiles({path});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("3 requests of 2 accounts"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("1 requests could not be read"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find(path + ":1: "), std::string::npos) << ran.err;
}

TEST(ScanCommand, WhatCannotBeReadIsSaidAndTheRestReported) {
  const std::string cut = Here() / "cut.jsonl.gz", whole = Here() / "whole2.jsonl";
  WriteGzip(cut, Beginning());
  const std::string packed = ReadAll(cut);
  WriteAll(cut, packed.substr(0, packed.size() / 2));
  WriteAll(whole, Beginning());
  const Ran truncated = ScanFiles({cut});
  EXPECT_EQ(truncated.code, 2);
  EXPECT_NE(truncated.err.find("archive is truncated"), std::string::npos) << truncated.err;
  EXPECT_NE(truncated.err.find("after line "), std::string::npos) << truncated.err;
  EXPECT_NE(truncated.out.find(" requests of "), std::string::npos) << truncated.out;

  const Ran missing = ScanFiles({Here() / "missing.jsonl", whole});
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.err.find("missing.jsonl"), std::string::npos) << missing.err;
  EXPECT_EQ(missing.out, ScanFiles({whole}).out);

  const Ran nothing = ScanFiles({"-"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_NE(nothing.err.find("holds no request"), std::string::npos) << nothing.err;
}

TEST(ScanCommand, AWrongReferenceOrKeyIsAClearError) {
  const Months& months = Simulated();
  const std::string damaged = Here() / "damaged.reference", other_key = Here() / "other key",
                    short_key = Here() / "short key";
  std::string bytes = ReadAll(months.reference);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  WriteAll(damaged, bytes);
  WriteAll(other_key, "another thirty-two bytes, no secret either");
  WriteAll(short_key, "short");
  const auto said = [&](const std::string& reference, const std::string& key) {
    std::vector<std::string> arguments = {"scan", months.log, "--reference", reference};
    if (!key.empty()) arguments.insert(arguments.end(), {"--key-file", key});
    const Ran ran = Program(arguments);
    EXPECT_EQ(ran.code, 2);
    EXPECT_TRUE(ran.out.empty()) << ran.out;
    return ran.err;
  };
  EXPECT_NE(said(damaged, months.key).find("is not a reference"), std::string::npos);
  EXPECT_NE(said(months.log, months.key).find("is not a reference"), std::string::npos);
  EXPECT_NE(said(Here() / "none", months.key).find("cannot read"), std::string::npos);
  EXPECT_NE(said(months.now, months.key).find("cannot read"), std::string::npos) << "a folder";
  EXPECT_NE(said(months.reference, other_key).find("another key"), std::string::npos);
  EXPECT_NE(said(months.reference, "").find("--key-file"), std::string::npos);
  EXPECT_NE(said(months.reference, short_key).find("at least 16 bytes"), std::string::npos);
}

TEST(ScanCommand, APromiseThatCannotBeKeptIsRefusedWithTheSmallestThatCan) {
  const Scanned scan = Scan({"--promise", "10"});
  EXPECT_EQ(scan.code, 2);
  EXPECT_NE(scan.err.find("the smallest promise now is"), std::string::npos) << scan.err;
}

// The gateway's own file, so that a scan judges as the gateway does.
TEST(ScanCommand, OptionsComeFromAFileAndTheCommandLineGoesFirst) {
  const std::string file = Here() / "gateway.conf", alerts = Here() / "gateway.alerts";
  const auto scan = [&](const std::string& options, std::vector<std::string> more = {}) {
    WriteAll(file, options);
    more.insert(more.begin(), {"scan", Simulated().log, "--options", file, "--alerts", alerts});
    return Program(more);
  };
  const std::string common = "reference_file = " + Simulated().reference +
                             "\nkey_file = " + Simulated().key + "\npromise_per_million = 30000\n";
  const Scanned by_arguments = Scan({"--promise", "30000"});
  const Ran by_file = scan(common);
  EXPECT_EQ(by_file.code, 0) << by_file.err;
  EXPECT_EQ(by_file.out, by_arguments.out);
  EXPECT_EQ(LinesOf(ReadAll(alerts)), by_arguments.alerts);

  const std::string easy = common + "false_campaigns = 1000\nmost_groups = 16\n";
  const Ran with_campaigns = scan(easy, {"--promise", "40000"});
  EXPECT_NE(with_campaigns.out.find("\ncampaign "), std::string::npos) << with_campaigns.err;
  EXPECT_NE(with_campaigns.out.find("at most 40000 falsely"), std::string::npos);
  const Ran without_campaigns = scan(easy + "campaigns = off\n");
  EXPECT_EQ(without_campaigns.code, 0) << without_campaigns.err;
  EXPECT_EQ(without_campaigns.out.find("\ncampaign "), std::string::npos);

  const Ran wrong = scan("false_campaigns = many\n");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("--options: line 1: false_campaigns is 'many'; allowed: a number"),
            std::string::npos)
      << wrong.err;
  EXPECT_NE(Program({"scan", Simulated().log, "--options", Here() / "none"}).err.find("--options"),
            std::string::npos);
}

TEST(ScanCommand, FailOnExitsWithOneWhenThereAreFindings) {
  EXPECT_EQ(Scan({"--promise", "30000", "--fail-on", "distilling"}).code, 1);
  EXPECT_EQ(Scan({"--promise", "30000", "--fail-on", "watch"}).code, 1);
  const std::string clean = Here() / "clean.jsonl";
  WriteAll(clean, R"({"time": 1770000000, "account": "a", "prompt": "one"})"
                  "\n");
  EXPECT_EQ(ScanFiles({clean, "--fail-on", "watch"}).code, 0);
}

TEST(ScanCommand, SaysWhenItCannotWrite) {
  for (const char* option : {"--alerts", "--scores"}) {
    const Ran ran = ScanFiles({Simulated().log, option, Here() / "no/such/folder/file"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("cannot write"), std::string::npos) << ran.err;
    EXPECT_EQ(ScanFiles({Simulated().log, "--promise", "30000", option, "/dev/full"}).code, 2);
  }
}

TEST(ScanCommand, WithoutAReferenceTheLogIsItsOwnAndThisIsSaid) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "learning in full takes minutes here";
#endif
  const std::string folder = Here() / "own";
  ASSERT_EQ(Program({"simulate", "--out", folder, "--accounts", "150", "--days", "3"}).code, 0);
  const Ran ran = Program({"scan", folder + "/log.jsonl"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("Retrospective"), std::string::npos) << ran.out;
  const Ran piped = Program({"scan", "-"}, folder + "/log.jsonl");
  EXPECT_EQ(piped.code, 2);
  EXPECT_NE(piped.err.find("only once"), std::string::npos) << piped.err;
}

}  // namespace
}  // namespace distillwatch::cli
