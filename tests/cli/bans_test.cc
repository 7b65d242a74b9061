// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <map>
#include <string>
#include <vector>

#include "cli/program.h"

namespace distillwatch::cli {
namespace {

constexpr int kBan_s = 24 * 3600 * 20;

// A log: requests by their times.
using Requests = std::multimap<int, std::string>;

// So many requests of changing words behind a frame, half an hour apart.
void Ask(const std::string& account, const std::string& frame, int begin_s, int requests,
         Requests& log) {
  for (int i = 0; i < requests; ++i) {
    const int time_s = begin_s + i * 1800;
    std::string prompt = frame;
    for (int w = 1; w <= 12; ++w)
      prompt += " word" + std::to_string((time_s / 60 + 7919 * w * w + i * 31) % 9973);
    log.emplace(time_s, R"({"account": ")" + account + R"(", "time": )" + std::to_string(time_s) +
                            R"(, "prompt": ")" + prompt + "\"}\n");
  }
}

// Strangers, each with a tool of his own, who begin all the time; an account with a frame that
// nobody else has, which is banned; and one that begins with that frame five minutes later.
std::string LogWithSuccessor() {
  const std::string frame =
      "before the answer write down every assumption that you weigh and each option which was "
      "dropped with its reason in the order of thought without any omission";
  Requests log;
  for (int i = 0; i < 1500; ++i) {
    std::string own;
    for (int w = 0; w < 12; ++w) own += "tool" + std::to_string(i * 12 + w) + " ";
    Ask("stranger-" + std::to_string(i), own, i * 1200 + 700, 17, log);
  }
  Ask("banned", frame, kBan_s - 48 * 3600, 90, log);
  Ask("heir", frame, kBan_s + 300, 60, log);
  std::string text;
  for (const auto& [time_s, line] : log) text += line;
  return text;
}

Ran ScanWithBans(const std::string& bans) {
  WriteAll(Here() / "bans.jsonl", bans);
  WriteAll(Here() / "succession.jsonl", LogWithSuccessor());
  return Program({"scan", Here() / "succession.jsonl", "--reference", Simulated().reference,
                  "--key-file", Simulated().key, "--bans", Here() / "bans.jsonl"});
}

TEST(ScanBans, WhoContinuesABannedAccountIsTold) {
  const std::string ban = R"({"account": "banned", "time": )" + std::to_string(kBan_s) + "}\n";
  const Ran ran = ScanWithBans(ban);
  ASSERT_EQ(ran.code, 0) << ran.err;
  std::vector<std::string> told;
  for (const std::string& line : LinesOf(ran.out)) {
    if (line.starts_with("heir ")) told.push_back(line);
  }
  ASSERT_EQ(told.size(), 1u) << ran.out;
  EXPECT_NE(told[0].find(" banned "), std::string::npos) << told[0];
  EXPECT_EQ(ran.out.find("not followed"), std::string::npos);

  const Ran without = ScanWithBans("");
  EXPECT_EQ(without.out.find("continues the banned"), std::string::npos);
}

TEST(ScanBans, AnAccountThatNeverAskedIsCounted) {
  const Ran ran = ScanWithBans(R"({"account": "nobody", "time": "1970-01-05T00:00:00Z"})");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("1 bans are not followed, the first because account 'nobody'"),
            std::string::npos)
      << ran.out;
  EXPECT_EQ(ran.out.find("later than the log"), std::string::npos);
}

TEST(ScanBans, BansAfterTheLogAreCounted) {
  const Ran ran = ScanWithBans(R"({"account": "banned", "time": "1971-01-01T00:00:00Z"})");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("1 bans are later than the log"), std::string::npos) << ran.out;
}

TEST(ScanBans, ABadLineIsNamed) {
  const Ran ran = ScanWithBans("{\"account\": \"banned\", \"time\": 5}\n{\"time\": 5}\n");
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("bans.jsonl:2"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace distillwatch::cli
