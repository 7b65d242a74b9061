// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/program.h"

namespace distillwatch::cli {
namespace {

TEST(Usage, MistakesExitWithTwoAndSayWhatIsAllowed) {
  const std::string log = Here() / "usage.jsonl";
  WriteAll(log, "");
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"frobnicate"},
           {"scan"},
           {"scan", log, "--threads", "0"},
           {"scan", log, "--promise", "many"},
           {"scan", log, "--no-such-option"},
           {"reference", log},
           {"explain", log},
           {"simulate"},
           {"simulate", "--out", Here() / "x", "--accounts", "0"},
           {"simulate", "--out", Here() / "x", "--days", "-1"},
           {"simulate", "--out", Here() / "x", "--days", "nan"}}) {
    const Ran ran = Program(arguments);
    EXPECT_EQ(ran.code, 2) << (arguments.empty() ? "" : arguments.back());
    EXPECT_FALSE(ran.err.empty());
  }
  for (const auto& [arguments, said] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"scan", log, "--fail-on", "madness"}, "watch, suspect, distilling"},
           {{"scan", log, "--rows", "-1"}, "--rows: it is -1; allowed: whole numbers from 0"},
           {{"explain", log, "--account", "a", "--rows", "-1"}, "--rows: it is -1"},
           {{"scan", log, "--max-memory", "-1"}, "--max-memory: it is -1"},
           {{"reference", log, "--out", Here() / "x", "--trees", "-1"}, "--trees: it is -1"},
           {{"simulate", "--out", Here() / "x", "--seed", "-1"}, "--seed: it is -1"},
           {{"scan", log, "--format", "morse"}, "openai, anthropic"},
           {{"scan", log, "--field", "account"}, "account=.metadata.key"},
           {{"scan", log, "--key-file", Here() / "none"}, "--key-file: cannot read"},
           {{"explain", log, "--account", "a", "--at", "noon"}, "RFC 3339"},
           {{"simulate", "--out", Here() / "x", "--start", "2026-02-30"}, "2026-01-31"},
           {{"simulate", "--out", Here() / "no/such/folder"}, "cannot make the folder"}}) {
    const Ran ran = Program(arguments);
    EXPECT_EQ(ran.code, 2) << said;
    EXPECT_NE(ran.err.find(said), std::string::npos) << ran.err;
    EXPECT_TRUE(ran.out.empty()) << ran.out;
  }
}

TEST(Usage, HelpAndVersionAreFine) {
  EXPECT_EQ(Program({"--help"}).code, 0);
  EXPECT_EQ(Program({"--version"}).code, 0);
  const Ran help = Program({"simulate", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"--seed", "--only-benign", "accounts.csv", "round-robin", "relay"})
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
}

// ---- simulate ----

TEST(SimulateCommand, LabelsAgreeWithTheLog) {
  const std::string folder = Here() / "labelled";
  ASSERT_EQ(
      Program({"simulate", "--out", folder, "--accounts", "120", "--campaigns", "5", "--days", "9"})
          .code,
      0);
  std::map<std::string, std::size_t> requests;
  const auto lines = LinesOf(ReadAll(folder + "/log.jsonl"));
  double before = 0;
  for (const std::string& line : lines) {
    const auto fields = Fields(line);
    ++requests[fields.at("account")];
    const double time = std::stod(fields.at("time"));
    EXPECT_GE(time, before);
    EXPECT_LT(time, 1767225600 + 9 * 86400.0);
    before = time;
  }
  const auto labels = LabelsOf(folder + "/accounts.csv");
  EXPECT_EQ(labels.size(), requests.size());
  std::map<std::string, std::size_t> distilled;
  const auto marks = LinesOf(ReadAll(folder + "/requests.csv"));
  for (std::size_t i = 1; i < marks.size(); ++i) {
    std::istringstream row(marks[i]);
    std::string line, account, time, distills;
    std::getline(row, line, ',');
    std::getline(row, account, ',');
    std::getline(row, time, ',');
    std::getline(row, distills, ',');
    EXPECT_NE(lines.at(std::stoul(line) - 1).find(account), std::string::npos);
    EXPECT_NE(lines.at(std::stoul(line) - 1).find(time), std::string::npos);
    distilled[account] += distills == "1";
  }
  std::size_t harvesters = 0;
  for (const auto& [account, label] : labels) {
    EXPECT_EQ(label.requests, requests[account]);
    EXPECT_EQ(label.distilled, distilled[account]) << account;
    EXPECT_EQ(label.label == "distill", label.distilled > 0);
    EXPECT_EQ(label.label == "distill", !label.campaign.empty());
    harvesters += label.label == "distill";
  }
  EXPECT_GE(harvesters, 5u);
}

TEST(SimulateCommand, OneSeedIsOneMonth) {
  const auto log = [](const std::string& name, const std::string& seed, bool benign) {
    std::vector<std::string> arguments = {
        "simulate", "--out",  Here() / name, "--accounts", "40", "--campaigns",
        "2",        "--seed", seed,          "--days",     "5"};
    if (benign) arguments.push_back("--only-benign");
    EXPECT_EQ(Program(arguments).code, 0);
    return ReadAll(Here() / name + "/log.jsonl");
  };
  const std::string month = log("m1", "3", false);
  EXPECT_EQ(month, log("m2", "3", false));
  EXPECT_NE(month, log("m3", "4", false));
  EXPECT_NE(month, log("m4", "3", true));
  for (const auto& [account, label] : LabelsOf(Here() / "m4/accounts.csv"))
    EXPECT_EQ(label.label, "benign");
}

// ---- reference ----

std::pair<int, int> AccountsLearned(const std::string& out) {
  int fitted = 0, calibrated = 0;
  const auto at = out.find("Score fitted on");
  EXPECT_NE(at, std::string::npos) << out;
  EXPECT_EQ(std::sscanf(out.c_str() + at, "Score fitted on %d accounts, calibrated on %d", &fitted,
                        &calibrated),
            2);
  return {fitted, calibrated};
}

TEST(ReferenceCommand, SaysWhatCanBePromised) {
  const std::string& learned = Simulated().learned;
  const auto [fitted, calibrated] = AccountsLearned(learned);
  EXPECT_GT(fitted, 200);
  EXPECT_GT(calibrated, 200);
  // Of n accounts rank 1 is reached by one benign one in n + 1.
  const auto smallest = std::to_string(static_cast<int>(std::ceil(1e6 / (calibrated + 1))));
  EXPECT_NE(learned.find(" " + smallest + " "), std::string::npos) << learned;
  EXPECT_NE(learned.find("horizon 30 days"), std::string::npos);
}

TEST(ReferenceCommand, NobodyElseMayReadIt) {
  const auto permissions = std::filesystem::status(Simulated().reference).permissions();
  EXPECT_EQ(permissions & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
            std::filesystem::perms::none);
}

TEST(ReferenceCommand, LeavesOutWhoIsExcludedAndTakesAHorizon) {
  const std::string out = Here() / "short.reference", excluded = Here() / "excluded";
  const auto learn = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"reference",   Simulated().past + "/log.jsonl",
                                          "--out",       out,
                                          "--key-file",  Simulated().key,
                                          "--campaigns", "20",
                                          "--trees",     "5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Program(arguments);
  };
  std::string accounts;
  int left_out = 0;
  for (const auto& [account, label] : LabelsOf(Simulated().past + "/accounts.csv")) {
    if (label.persona != "customer") continue;
    accounts += account + (left_out++ % 2 == 0 ? "\n" : "\r\n");
  }
  WriteAll(excluded, accounts);
  const Ran ran = learn({"--exclude", excluded, "--horizon", "10"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("horizon 10 days"), std::string::npos) << ran.out;
  // Calibration counts an account once for each horizon in which it was active; fits count it once.
  EXPECT_LT(AccountsLearned(ran.out).first, AccountsLearned(Simulated().learned).first);
  const Ran missing = learn({"--exclude", Here() / "none"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.err.find("--exclude"), std::string::npos) << missing.err;
}

TEST(ReferenceCommand, RefusesAFewAccounts) {
  const std::string folder = Here() / "few";
  ASSERT_EQ(Program({"simulate", "--out", folder, "--accounts", "20", "--only-benign"}).code, 0);
  const Ran ran = Program({"reference", folder + "/log.jsonl", "--out", Here() / "few.reference"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("needs at least 40"), std::string::npos) << ran.err;
  const Ran scan = Program({"scan", folder + "/log.jsonl"});
  EXPECT_EQ(scan.code, 2);
  EXPECT_NE(scan.err.find("cannot be its own reference"), std::string::npos) << scan.err;
}

TEST(ReferenceCommand, SaysWhenItCannotWrite) {
  const Ran ran =
      Program({"reference", Simulated().past + "/log.jsonl", "--out",
               Here() / "no/such/folder/reference", "--campaigns", "20", "--trees", "1"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("cannot write"), std::string::npos) << ran.err;
}

// ---- explain ----

TEST(ExplainCommand, AddsUpToTheScoreThatTheScanGave) {
  const Months& months = Simulated();
  const Scanned scan = Scan({});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto worst = Fields(scan.scores.at(i));
    std::vector<std::string> arguments = {"explain",        months.log,         "--reference",
                                          months.reference, "--key-file",       months.key,
                                          "--account",      worst.at("account")};
    const Ran words = Program(arguments);
    ASSERT_EQ(words.code, 0) << words.err;
    long cents = 0, score = 0;  // as printed
    for (const std::string& line : LinesOf(words.out)) {
      const auto sign = line.find_first_not_of(' ');
      if (sign == std::string::npos || (line[sign] != '+' && line[sign] != '-') || sign > 7)
        continue;
      if (line[sign + 1] == '-') continue;  // the rule above the sum
      const long value = std::lround(100 * std::stod(line));
      (line.ends_with("  score") ? score : cents) += value;
    }
    EXPECT_EQ(cents, score) << words.out;
    EXPECT_NEAR(static_cast<double>(score) / 100, std::stod(worst.at("score")), 0.0051);

    arguments.push_back("--json");
    const auto json = Fields(Program(arguments).out);
    double sum = std::stod(json.at("base"));
    simdjson::dom::parser parser;
    simdjson::dom::array evidence;
    const std::string text = json.at("evidence");
    ASSERT_EQ(parser.parse(text).get(evidence), simdjson::SUCCESS);
    for (const simdjson::dom::element piece : evidence) sum += double(piece["contribution"]);
    EXPECT_EQ(sum, std::stod(json.at("score"))) << "to the last bit";
    EXPECT_EQ(json.at("score"), worst.at("score"));
    EXPECT_EQ(json.at("requests"), worst.at("requests"));
  }
}

TEST(ExplainCommand, LooksAtTheTimeGiven) {
  const Months& months = Simulated();
  const auto worst = Fields(Scan({}).scores.at(0)).at("account");
  const auto explain = [&](const std::string& at) {
    return Program({"explain", months.log, "--reference", months.reference, "--key-file",
                    months.key, "--account", worst, "--json", "--at", at});
  };
  const auto all = Fields(explain("2026-04-01T00:00:00Z").out);
  const auto first = explain(all.at("first"));
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(Fields(first.out).at("requests"), "1");
  EXPECT_EQ(Fields(first.out).at("evidence"), "[]") << "nobody is judged by one request";
  const Ran before = explain("2026-01-01T00:00:00Z");
  EXPECT_EQ(before.code, 2);
  EXPECT_NE(before.err.find("no request of account"), std::string::npos) << before.err;
}

}  // namespace
}  // namespace distillwatch::cli
