#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# From a fresh checkout to verdicts, in a few minutes: builds the program, makes two months of traffic, learns
# from the first what is usual, finds the harvesters in the second, and compares that with who they were.
#
#   bash examples/quickstart.sh
#   ACCOUNTS=500 CAMPAIGNS=2 bash examples/quickstart.sh    smaller
set -euo pipefail
cd "$(dirname "$0")/.."
source examples/setup.sh

accounts=${ACCOUNTS:-2500}
campaigns=${CAMPAIGNS:-4}
folder=build/quickstart
mkdir -p "$folder"

step() { printf '\n== %s\n' "$*"; }

step "Build the program"
install_to_build
cmake --preset release -B "$folder" -DDISTILLWATCH_BUILD_TESTS=OFF -DDISTILLWATCH_BUILD_BENCHMARKS=OFF \
  -DDISTILLWATCH_WERROR=OFF >"$folder/configure.log" 2>&1 || { cat "$folder/configure.log"; exit 1; }
cmake --build "$folder"
distillwatch=$folder/distillwatch

step "Simulate two months: customers alone, then customers and harvesters"
"$distillwatch" simulate --out "$folder/january" --seed 1 --accounts "$accounts" --only-benign
"$distillwatch" simulate --out "$folder/february" --seed 2 --accounts "$accounts" --campaigns "$campaigns"

step "Learn from January what is usual (about a minute)"
"$distillwatch" reference "$folder/january/log.jsonl" --out "$folder/january.reference"

step "Find the harvesters of February"
"$distillwatch" scan "$folder/february/log.jsonl" --reference "$folder/january.reference" \
  --alerts "$folder/alerts.jsonl" --rows 10 | tee "$folder/scan.txt"

step "Compare with who they were"
promise=$(sed -n 's/^Promise: at most \([0-9.e+]*\) .*/\1/p' "$folder/scan.txt")
awk -v promise="$promise" '
  FILENAME ~ /alerts/ { split($0, quoted, "\""); flagged[quoted[4]] = 1; next }
  FNR == 1 { next }
  $2 == "benign" { benign++; false_alarms += $1 in flagged; next }
  { planted[$4]++; found[$4] += $1 in flagged; in_all++; in_all_found += $1 in flagged }
  END {
    printf "%-28s %9s %9s\n", "campaign", "planted", "found"
    for (name in planted) printf "%-28s %9d %9d\n", name, planted[name], found[name] | "sort"
    close("sort")
    printf "%-28s %9d %9d\n\n", "distilling accounts", in_all, in_all_found
    printf "False alarms: %d of %d benign accounts; the promise allows %.1f on average.\n",
      false_alarms, benign, promise * benign / 1e6
  }' "$folder/alerts.jsonl" FS=, "$folder/february/accounts.csv"
