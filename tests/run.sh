#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# Builds and tests everything, on Debian 12, Ubuntu 22.04 or 24.04; installs what is missing (examples/setup.sh).
#
#   bash tests/run.sh              within 25 minutes on two cores
#   bash tests/run.sh --all        and the thread sanitizer, the Python extension under the address sanitizer,
#                                  and 64-bit ARM where its compiler and emulator are installed (README.md)
#   bash tests/run.sh --quick      the release build, its tests and the checks
#   --verbose                      shows what the steps print; build/log/ has it anyway
#   --fuzz-seconds N               for each fuzz target, with a new seed; else 10 with a fixed one, so that a run
#                                  says the same of the same commit
#
# Goes on after a failure where that makes sense; exits with 1 and names what failed.
set -euo pipefail
cd "$(dirname "$0")/.."
source examples/setup.sh

quick=false all=false verbose=false fuzz_seconds=10 fuzz_seed=1
while (($#)); do
  case $1 in
    --quick) quick=true ;;
    --all) all=true ;;
    --verbose) verbose=true ;;
    --fuzz-seconds) fuzz_seconds=${2:?--fuzz-seconds needs a number} fuzz_seed=0 && shift ;;  # 0: any
    *) sed -n 's/^#   //p' "$0" >&2 && exit 2 ;;
  esac
  shift
done

jobs=$(nproc)
passed=0
failed=()
# What cmake, ninja and ctest say of what went well.
of_no_interest='^-- |^\[[0-9]+/[0-9]+\]|^ +Start +[0-9]+: | Passed +[0-9.]+ sec$'

# step NAME COMMAND...: runs it, prints how it went and how long it took; `outcome` says the former.
# Commands run as a condition, where set -e is off: functions chain with && what must not go on.
step() {
  local name=$1 start=$SECONDS log=build/log/${1//[^a-z0-9-]/_}.log
  shift
  outcome=passed
  if $verbose; then
    printf '== %s\n' "$name"
    "$@" 2>&1 | tee "$log" || outcome=FAILED
  else
    "$@" >"$log" 2>&1 || outcome=FAILED
  fi
  printf '%-28s %s %5d s  %s\n' "$name" "$outcome" $((SECONDS - start)) "$(closing_line "$log")"
  if [[ $outcome == passed ]]; then
    ((++passed))
  else
    failed+=("$name")
    $verbose || grep -vE "$of_no_interest" "$log" | tail -n 80
  fi
}

# What the step's own runner said last of all: ctest's summary, a check's count.
closing_line() { grep -hE '^[0-9]+% tests passed|^(check_[a-z]+|(compare|consumer|package)_test): ' "$1" | tail -n 1; }

build() { cmake --preset "$1" && cmake --build --preset "$1" --parallel "$jobs"; }
run_tests() { ctest --preset "$1" --parallel "$jobs"; }

build_and_test() {
  step "$1: build" build "$1"
  if [[ $outcome == passed ]]; then step "$1: tests" run_tests "$1"; fi
}

# fuzz NAME: new inputs are kept under build/; one that breaks something is printed with its path.
fuzz() {
  local found=build/asan-ubsan/found/$1
  mkdir -p "$found" && "build/asan-ubsan/tests/fuzz/$1_fuzz" -seed=$fuzz_seed -max_total_time="$fuzz_seconds" \
    -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$1"
}

mkdir -p build/log
install_to_test

build_and_test release
step "checks: layers" python3 tests/check_layers.py
step "checks: comments" python3 tests/check_comments.py
step "checks: exports" python3 tests/check_exports.py build/release/libdistillwatch.so
step "benchmarks: compare" python3 tests/compare_test.py
step "consumers" tests/consumer_test.sh
step "python: package" tests/python/package_test.sh

if ! $quick; then
  step "scalar: tests" run_tests scalar
  build_and_test asan-ubsan # by clang, with the fuzz targets and their corpora
  if [[ $outcome == passed ]]; then
    for target in tests/fuzz/*_fuzz.cc; do
      name=$(basename "$target" _fuzz.cc)
      step "fuzz: $name" fuzz "$name"
    done
  fi
  if $all; then
    build_and_test asan-python
    build_and_test tsan
    if command -v aarch64-linux-gnu-g++ >/dev/null && command -v qemu-aarch64 >/dev/null; then
      build_and_test arm64
    fi
  fi
fi

printf '\nrelease tests: %s\n' "$(closing_line build/log/release__tests.log)"
if ((${#failed[@]})); then
  printf 'FAILED: %s\n' "${failed[@]}"
  echo "${#failed[@]} of $((passed + ${#failed[@]})) steps failed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  exit 1
fi
echo "all $passed steps passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
