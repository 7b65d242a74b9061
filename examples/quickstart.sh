#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# From a fresh checkout to verdicts, in five minutes on two cores: builds the program, makes two months of
# traffic, learns from the first what is usual, finds the harvesters in the second, explains one verdict, and
# compares all of them with who the harvesters were.
#
# The first month has a campaign of its own, about 1 % of its accounts, and nobody says which: so it would be.
# Takes 1.5 GB below build/.
#
#   bash examples/quickstart.sh
#   ACCOUNTS=1000 bash examples/quickstart.sh    smaller, and so with less power
set -euo pipefail
cd "$(dirname "$0")/.."
source examples/setup.sh

accounts=${ACCOUNTS:-5000}
campaigns=${CAMPAIGNS:-8}
promise=${PROMISE:-5000}
folder=build/quickstart
mkdir -p "$folder"

step() { printf '\n== %s\n' "$*"; }

step "Build the program"
install_to_build
cmake --preset release -B "$folder" -DDISTILLWATCH_BUILD_TESTS=OFF -DDISTILLWATCH_BUILD_BENCHMARKS=OFF \
  -DDISTILLWATCH_BUILD_PYTHON=OFF -DDISTILLWATCH_WERROR=OFF >"$folder/configure.log" 2>&1 || { cat "$folder/configure.log"; exit 1; }
cmake --build "$folder" --target distillwatch_program
distillwatch=$folder/distillwatch

step "Simulate two months: one with a campaign that nobody noticed, one with $campaigns"
"$distillwatch" simulate --out "$folder/january" --seed 1 --accounts "$accounts" --campaigns 1
"$distillwatch" simulate --out "$folder/february" --seed 2 --accounts $((accounts / 2)) --campaigns "$campaigns" \
  --start 2026-02-01

step "Learn from January what is usual (about a minute)"
"$distillwatch" reference "$folder/january/log.jsonl" --out "$folder/january.reference"

step "Find the harvesters of February"
"$distillwatch" scan "$folder/february/log.jsonl" --reference "$folder/january.reference" \
  --promise "$promise" --alerts "$folder/alerts.jsonl" --scores "$folder/scores.jsonl" --threads 2 --rows 12 | tee "$folder/scan.txt"

step "Explain the worst of them"
worst=$(head -n 1 "$folder/scores.jsonl" | cut -d '"' -f 4)
"$distillwatch" explain "$folder/february/log.jsonl" --reference "$folder/january.reference" \
  --promise "$promise" --account "$worst" --rows 8

step "Compare with who they were"
awk -v promise="$promise" '
  # Accounts are flagged under the promise; members of campaigns are named under one of its own.
  FILENAME ~ /alerts/ {
    split($0, quoted, "\"")
    if (quoted[10] == "distilling") flagged[quoted[4]] = 1
    if ($0 ~ /"campaign": [0-9]/) named[quoted[4]] = 1
    next
  }
  FNR == 1 { next }
  $2 == "benign" { benign++; false_alarms += $1 in flagged; false_names += $1 in named; next }
  {
    planted[$4]++; all_planted++
    alone[$4] += $1 in flagged; all_alone += $1 in flagged
    together[$4] += $1 in named; all_together += $1 in named
    found[$4] += $1 in flagged || $1 in named; all_found += $1 in flagged || $1 in named
  }
  END {
    row = "%-28s %8d %8d %12d %8d\n"
    printf "%-28s %8s %8s %12s %8s\n", "campaign", "planted", "flagged", "in campaign", "found"
    for (name in planted) printf row, name, planted[name], alone[name], together[name], found[name] | "sort"
    close("sort")
    printf row, "distilling accounts", all_planted, all_alone, all_together, all_found
    printf "\nFalse alarms: %d of %d benign accounts; the promise allows %.1f on average.\n",
      false_alarms, benign, promise * benign / 1e6
    printf "Benign accounts in a campaign: %d; a month may have one falsely named campaign on average.\n", false_names
  }' "$folder/alerts.jsonl" FS=, "$folder/february/accounts.csv"
