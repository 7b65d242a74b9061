// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// distillwatch: find the accounts that harvest a language model, in the logs of its gateway.

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

#include "cli/commands.h"

namespace {

using namespace distillwatch::cli;

constexpr const char* kExitCodes =
    "Exit codes: 0 fine, 1 findings (scan --fail-on), 2 trouble: wrong usage, a file that could "
    "not "
    "be read to its end.";

constexpr const char* kSimulateFooter =
    "log.jsonl     one request a line: time, account, prompt, system, ip, user_agent, payment, "
    "model\n"
    "accounts.csv  account, label (benign, distill), persona, campaign, requests, "
    "distill_requests\n"
    "requests.csv  line, account, time, distill: every request of an account that distils\n"
    "Benign: person, customer (templates), app, harness (one long system prompt), reseller,\n"
    "backfill, cron, retry, class, trial. Campaigns, in turn: round-robin, injected, pivot, "
    "diluted,\n"
    "cleaning, lone, relay, thin.";

// What an unset variable of the shell leaves would switch the option off.
CLI::Validator NotEmpty() {
  return {[](std::string& text) { return text.empty() ? "it is empty" : std::string(); }, ""};
}

// CLI11 takes -1 for the largest number.
CLI::Validator Whole() {
  return {[](std::string& text) {
            return text.find('-') == std::string::npos
                       ? std::string()
                       : "it is " + text + "; allowed: whole numbers from 0";
          },
          ""};
}

// As CLI::Range, which lets NaN through.
CLI::Validator Between(double least, double most) {
  char range[64];
  std::snprintf(range, sizeof(range), "%g to %g", least, most);
  return {[least, most, range = std::string(range)](std::string& text) -> std::string {
            double value = 0;
            const bool known = CLI::detail::lexical_cast(text, value);
            return known && value >= least && value <= most
                       ? std::string()
                       : "it is " + text + "; allowed: " + range;
          },
          std::string("in ") + range};
}

void AddLogOptions(CLI::App& command, LogOptions& log) {
  command
      .add_option("LOG", log.files,
                  "Logs in order of time (JSON lines; plain, gzip or zstd), globs, or - for "
                  "standard input; several are merged by their times")
      ->required();
  command
      .add_option("--format", log.format,
                  "auto, plain, openai, anthropic, batch, litellm, otel, openinference, kong, "
                  "portkey, envoy")
      ->capture_default_str();
  command.add_option("--field", log.fields, "A field of your own: account=.metadata.key");
  command
      .add_option("--key-file", log.key_file,
                  "The secret that fingerprints are keyed with (at least 16 bytes)")
      ->check(NotEmpty());
}

// How scan and explain judge: the same options of both.
template <typename Options>
void AddJudging(CLI::App& command, Options& options) {
  command
      .add_option("--options", options.options,
                  "A file of the monitor's options, name = value, as the gateway has one: what "
                  "campaigns may be, templates and organisations that are no evidence; the other "
                  "options here go before it")
      ->check(NotEmpty());
  command
      .add_option(
          "--reference", options.reference,
          "A file made by 'distillwatch reference'; without it the log is its own reference")
      ->check(NotEmpty());
  command.add_option("--promise", options.promise,
                     "At most so many falsely flagged accounts per million benign ones in a "
                     "horizon [1000, or the smallest that holds]");
  command.add_option("--contamination", options.contamination,
                     "The share of the reference that may itself distil [0.02]");
  command.add_flag("--confidence95", options.confidence95,
                   "Keep the promise for 95 % of references, not on average");
  command
      .add_option("--max-memory", options.max_memory_bytes,
                  "Bytes of account state [4294967296, or as --options says]")
      ->check(Whole());
}

CLI::App* AddScan(CLI::App& app, ScanOptions& scan) {
  CLI::App* command =
      app.add_subcommand("scan", "Which accounts distil, why, and how sure that is");
  AddLogOptions(*command, scan.log);
  AddJudging(*command, scan);
  command
      ->add_option("--bans", scan.bans,
                   "A file of accounts you banned, JSON lines with account and time: who "
                   "continues them is told")
      ->check(CLI::ExistingFile);
  command->add_option("--alerts", scan.alerts,
                      "Write a JSON line for every account flagged, at the moment of the log");
  command->add_option("--scores", scan.scores, "Write a JSON line for every account");
  command
      ->add_option("--fail-on", scan.fail_on,
                   "Exit with 1 if an account reaches this level: watch, suspect, distilling")
      ->check(NotEmpty());
  command
      ->add_option("--threads", scan.threads,
                   "Threads that judge requests; from 2 on, one more reads the log. The output is "
                   "the same, unless memory is short")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--rows", scan.rows, "Rows of the table")
      ->check(Whole())
      ->capture_default_str();
  return command;
}

CLI::App* AddExplain(CLI::App& app, ExplainOptions& explain) {
  CLI::App* command =
      app.add_subcommand("explain", "One account's evidence, in numbers that add up to its score");
  AddLogOptions(*command, explain.log);
  auto* account = command->add_option("--account", explain.account, "Whom to explain");
  command->add_option("--campaign", explain.campaign, "Or a campaign, by the number scan gave it")
      ->excludes(account)
      ->check(CLI::PositiveNumber);
  command->callback([command] {
    if (command->count("--account") + command->count("--campaign") == 0) {
      throw CLI::RequiredError("--account or --campaign");
    }
  });
  AddJudging(*command, explain);
  command->add_option("--at", explain.at,
                      "The score at this time, as in 2026-01-31T12:00:00Z, not the highest");
  command->add_flag("--json", explain.json, "All features, as one JSON object");
  command->add_option("--rows", explain.rows, "Rows of the table")
      ->check(Whole())
      ->capture_default_str();
  return command;
}

CLI::App* AddReference(CLI::App& app, ReferenceOptions& reference) {
  CLI::App* command = app.add_subcommand(
      "reference", "Learn from your own traffic what is usual, and fit the score to it");
  AddLogOptions(*command, reference.log);
  command->add_option("--out", reference.out, "The file to write")->required();
  command->add_option("--exclude", reference.exclude,
                      "A file of accounts to leave out, one a line: those known to distil");
  command
      ->add_option("--horizon", reference.horizon_days, "Days over which false alarms are promised")
      ->check(Between(0.05, 366))
      ->capture_default_str();
  command->add_option("--accounts", reference.most_accounts, "Learn from at most so many accounts")
      ->check(Whole())
      ->capture_default_str();
  command->add_option("--seed", reference.seed, "Of the generated harvesters")
      ->check(Whole())
      ->capture_default_str();
  command
      ->add_option("--campaigns", reference.campaigns,
                   "Generated campaigns to fit the score against; fewer are faster and teach less")
      ->check(Whole())
      ->capture_default_str();
  command->add_option("--trees", reference.trees, "Of the score; fewer are faster and see less")
      ->check(Whole())
      ->capture_default_str();
  return command;
}

CLI::App* AddSimulate(CLI::App& app, SimulateOptions& simulate) {
  CLI::App* command = app.add_subcommand(
      "simulate", "Write a labelled month of traffic, with prompts of an artificial language");
  command->footer(kSimulateFooter);
  command->add_option("--out", simulate.out, "The folder to write log.jsonl and its labels to")
      ->required();
  command->add_option("--seed", simulate.seed, "Another seed is another month")
      ->check(Whole())
      ->capture_default_str();
  command->add_option("--accounts", simulate.benign_accounts, "Benign accounts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      ->add_option("--campaigns", simulate.campaigns,
                   "Campaigns; of many benign accounts they are 3 % at most")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_option("--days", simulate.days, "How long the month is")
      ->check(Between(1, 366))
      ->capture_default_str();
  command->add_option("--start", simulate.start, "Its first day")->capture_default_str();
  command->add_flag("--only-benign", simulate.only_benign, "No campaigns");
  return command;
}

// The exit code, unless standard output could not be written.
int Written(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return Trouble("cannot write to standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Finds the accounts that harvest a language model, in the logs of its gateway.",
               "distillwatch");
  app.require_subcommand(1);
  app.set_version_flag("--version", "distillwatch 0.1.0");
  app.footer(kExitCodes);
  ScanOptions scan;
  ExplainOptions explain;
  ReferenceOptions reference;
  SimulateOptions simulate;
  const CLI::App* scan_command = AddScan(app, scan);
  const CLI::App* explain_command = AddExplain(app, explain);
  const CLI::App* reference_command = AddReference(app, reference);
  const CLI::App* simulate_command = AddSimulate(app, simulate);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kFine : kTrouble;  // it has codes of its own for every mistake
  }
  if (scan_command->parsed()) return Written(Scan(scan));
  if (explain_command->parsed()) return Written(ExplainAccount(explain));
  if (reference_command->parsed()) return Written(LearnReference(reference));
  if (simulate_command->parsed()) return Written(Simulate(simulate));
  return kTrouble;
}
