// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// distillwatch: find the accounts that harvest a language model, in the logs of its gateway.

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace {

using namespace distillwatch::cli;

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

void AddLogOptions(CLI::App& command, LogOptions& log) {
  command
      .add_option("LOG", log.files,
                  "Logs (JSON lines; plain, gzip or zstd), globs, or - for standard input")
      ->required();
  command
      .add_option("--format", log.format,
                  "auto, plain, openai, anthropic, batch, litellm, otel, openinference, kong, "
                  "portkey, envoy")
      ->capture_default_str();
  command.add_option("--field", log.fields, "A field of your own: account=.metadata.key");
  command.add_option("--key-file", log.key_file,
                     "The secret that fingerprints are keyed with (at least 16 bytes)");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Finds the accounts that harvest a language model, in the logs of its gateway.",
               "distillwatch");
  app.require_subcommand(1);
  app.set_version_flag("--version", "distillwatch 0.1.0");

  ScanOptions scan;
  CLI::App* scan_command =
      app.add_subcommand("scan", "Which accounts distil, why, and how sure that is");
  AddLogOptions(*scan_command, scan.log);
  scan_command->add_option(
      "--reference", scan.reference,
      "A file made by 'distillwatch reference'; without it the log is its own reference");
  scan_command->add_option("--promise", scan.promise,
                           "At most so many falsely flagged accounts per million benign ones in a "
                           "horizon [1000, or the smallest that holds]");
  scan_command
      ->add_option("--contamination", scan.contamination,
                   "The share of the reference that may itself distil")
      ->capture_default_str();
  scan_command->add_flag("--confidence95", scan.confidence95,
                         "Keep the promise for 95 % of references, not on average");
  scan_command->add_option("--alerts", scan.alerts,
                           "Write a JSON line for every account flagged, at the moment of the log");
  scan_command->add_option("--scores", scan.scores, "Write a JSON line for every account");
  scan_command->add_option(
      "--fail-on", scan.fail_on,
      "Exit with 1 if an account reaches this level: watch, suspect, distilling");
  scan_command->add_option("--threads", scan.threads, "Threads that judge requests")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  scan_command->add_option("--rows", scan.rows, "Rows of the table")->capture_default_str();
  scan_command->add_option("--max-memory", scan.max_memory_bytes, "Bytes of account state")
      ->transform(CLI::AsSizeValue(false));

  ReferenceOptions reference;
  CLI::App* reference_command = app.add_subcommand(
      "reference", "Learn from your own traffic what is usual, and fit the score to it");
  AddLogOptions(*reference_command, reference.log);
  reference_command->add_option("--out", reference.out, "The file to write")->required();
  reference_command->add_option(
      "--without", reference.without,
      "A file of accounts to leave out, one a line: those known to distil");
  reference_command
      ->add_option("--horizon-days", reference.horizon_days,
                   "Time over which false alarms are promised")
      ->capture_default_str();
  reference_command
      ->add_option("--accounts", reference.most_accounts, "Learn from at most so many accounts")
      ->capture_default_str();
  reference_command->add_option("--seed", reference.seed, "Of the generated harvesters")
      ->capture_default_str();

  SimulateOptions simulate;
  CLI::App* simulate_command = app.add_subcommand(
      "simulate", "Write a labelled month of traffic, with prompts of an artificial language");
  simulate_command->footer(kSimulateFooter);
  simulate_command
      ->add_option("--out", simulate.out, "The folder to write log.jsonl and its labels to")
      ->required();
  simulate_command->add_option("--seed", simulate.seed, "Another seed is another month")
      ->capture_default_str();
  simulate_command->add_option("--accounts", simulate.benign_accounts, "Benign accounts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  simulate_command
      ->add_option("--campaigns", simulate.campaigns, "Campaigns; together 3 % of accounts at most")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  simulate_command->add_option("--days", simulate.days, "How long the month is")
      ->check(CLI::Range(1.0, 366.0))
      ->capture_default_str();
  simulate_command->add_option("--start", simulate.start, "Its first day")->capture_default_str();
  simulate_command->add_flag("--only-benign", simulate.only_benign, "No campaigns");

  CLI11_PARSE(app, argc, argv);
  if (simulate_command->parsed()) return Simulate(simulate);
  if (scan_command->parsed()) return Scan(scan);
  if (reference_command->parsed()) return LearnReference(reference);
  return kTrouble;
}
