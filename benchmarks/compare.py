#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Compares two builds of a benchmark: is the new one slower, or is the machine noisy?

    benchmarks/compare.py OLD NEW --filter 'BM_Monitor_Observe/.*512' --rounds 20
    benchmarks/compare.py --self-test BINARY       the same binary twice: must find nothing
    benchmarks/compare.py OLD NEW --instructions   counts by valgrind in place of times

Every round runs each benchmark once in both builds, one right after the other, every other round in
the other order. Printed are the median of the rounds' ratios of CPU time, new to old, and its
exact 99 % interval (Hodges and Lehmann's, by inversion of Wilcoxon's signed rank test; assumes only
that a round's noise is as likely to favour either build). A benchmark is SLOWER when the whole
interval lies above the limit, 3 %; the exit code is then 1, and 2 when something could not be run.

Instruction counts repeat to the last digits, however busy the machine, but know nothing of memory
and of AVX-512, which valgrind does not have: the AVX2 kernels are counted. Benchmarks of several
threads are left out.
"""

import argparse
import dataclasses
import functools
import json
import math
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CONFIDENCE = 0.99
FEWEST_ROUNDS = 8  # with fewer, no interval has that confidence
NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class CannotRun(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Interval:
    middle: float
    low: float
    high: float

    def lies_above(self, limit):
        return self.low > limit


@functools.cache
def rank_of_bound(n, tail):
    """The largest k with P(W < k) <= tail, W being the sum of ranks of n symmetric differences."""
    ways = [1]
    for rank in range(1, n + 1):
        more = ways + [0] * rank
        for w, count in enumerate(ways):
            more[w + rank] += count
        ways = more
    below = 0
    for k, count in enumerate(ways):
        below += count
        if below > tail * 2**n:
            return k
    raise AssertionError("tail is at most 1 / 2")


def median_interval(values, confidence=CONFIDENCE):
    """The median of the means of all pairs of values, and an interval of this confidence."""
    n = len(values)
    k = rank_of_bound(n, (1 - confidence) / 2)
    if k == 0:
        raise ValueError(f"{n} rounds are too few for confidence {confidence}")
    means = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
    return Interval(statistics.median(means), means[k - 1], means[-k])


def ratio_interval(old, new, confidence=CONFIDENCE):
    """Of new[i] / old[i]."""
    logs = [math.log(b / a) for a, b in zip(old, new, strict=True)]
    found = median_interval(logs, confidence)
    return Interval(*(math.exp(x) for x in (found.middle, found.low, found.high)))


def exactly(name):
    """A regular expression, in any dialect, for this benchmark alone."""
    return "^" + re.sub(r"([][.*+?^$(){}|\\])", r"\\\1", name) + "$"


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def names_in(binary, wanted):
    listed = run([binary, "--benchmark_list_tests=true", f"--benchmark_filter={wanted}"])
    return [line for line in listed.splitlines() if line and not line.startswith("Failed to match")]


def result_of(output, name):
    """The one result in a benchmark's JSON."""
    results = json.loads(output)["benchmarks"]
    if len(results) != 1 or results[0].get("error_occurred"):
        said = results[0].get("error_message", "") if results else "no result"
        raise CannotRun(f"{name}: {said}")
    return results[0]


def time_ns(binary, name, min_time):
    command = [binary, f"--benchmark_filter={exactly(name)}", "--benchmark_format=json"]
    result = result_of(run([*command, f"--benchmark_min_time={min_time}"]), name)
    by_wall = name.endswith("/real_time") or "/real_time/" in name
    return result["real_time" if by_wall else "cpu_time"] * NS[result["time_unit"]]


def times_of(old, new, names, rounds, measure):
    """{name: (times of old, times of new)}."""
    times = {name: ([], []) for name in names}
    for number in range(rounds):
        for name in names:
            order = (0, 1) if number % 2 == 0 else (1, 0)
            for which in order:
                times[name][which].append(measure((old, new)[which], name))
        if sys.stderr.isatty():
            print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return times


def compare_times(old, new, names, options):
    """Prints a table and returns the slower ones."""
    rounds = max(FEWEST_ROUNDS, options.rounds + options.rounds % 2)  # as many in either order
    limit = 1 + options.limit / 100
    times = times_of(old, new, names, rounds, lambda b, n: time_ns(b, n, options.min_time))
    slower = []
    width = max(map(len, names))
    print(f"{'benchmark':{width}} {'old ns':>11} {'new ns':>11}  ratio  99 % interval")
    for name, (before, after) in times.items():
        ratio = ratio_interval(before, after)
        verdict = ""
        if ratio.lies_above(limit):
            verdict = "SLOWER"
            slower.append(name)
        elif ratio.high < 1:
            verdict = "faster"
        print(f"{name:{width}} {statistics.median(before):11.1f} {statistics.median(after):11.1f}"
              f"  {ratio.middle:5.3f}  {ratio.low:.3f} to {ratio.high:.3f}  {verdict}".rstrip())
    return slower


def instructions_in(profile):
    """The total of a callgrind file, or None while it is still being written."""
    try:
        text = profile.read_text()
    except FileNotFoundError:
        return None
    total = re.search(r"^(?:totals|summary): (\d+)$", text, re.MULTILINE)
    return int(total[1]) if total and text.endswith("\n") else None


def instructions(binary, name, iterations):
    """Of one iteration, on average.

    The library tries 1, 10, 100, ... iterations until these take long enough: told that nothing is
    long enough, it comes to the number that is wanted. What callgrind counted between the begin
    and the end of the loop is in the file of that try; what comes after it is cut off.
    """
    tries = max(0, round(math.log10(iterations)))
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "profile")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}",
                   "--zero-before=benchmark::State::StartKeepRunning()",
                   "--dump-before=benchmark::State::FinishKeepRunning()",
                   binary, f"--benchmark_filter={exactly(name)}", "--benchmark_format=json",
                   "--benchmark_min_time=1000000"]
        wanted = pathlib.Path(f"{profile}.{tries + 1}")
        output = pathlib.Path(folder, "output")
        with output.open("w") as out, pathlib.Path(folder, "errors").open("w+") as errors:
            process = subprocess.Popen(command, stdout=out, stderr=errors)
            try:
                while process.poll() is None and instructions_in(wanted) is None:
                    time.sleep(0.05)
            finally:
                stopped = process.poll() is None
                process.kill()
                process.wait()
            total = instructions_in(wanted)
            if total is not None:
                return total / 10**tries
            if stopped or process.returncode != 0:
                errors.seek(0)
                raise CannotRun(f"{name}: {errors.read()[-2000:]}")
        # The benchmark says itself how many iterations it wants.
        profiles = sorted(pathlib.Path(folder).glob("profile.*"), key=lambda p: int(p.suffix[1:]))
        counts = [n for n in map(instructions_in, profiles) if n is not None]
        if not counts:
            raise CannotRun(f"{name}: valgrind counted nothing")
        return counts[-1] / result_of(output.read_text(), name)["iterations"]


def compare_instructions(old, new, names, options):
    """As compare_times."""
    slower = []
    width = max(map(len, names))
    print(f"{'benchmark':{width}} {'old':>11} {'new':>11}  ratio  (instructions)")
    for name in names:
        if re.search(r"/threads:(?!1$)", name):
            print(f"{name:{width}} left out: several threads")
            continue
        before, after = (instructions(b, name, options.iterations) for b in (old, new))
        verdict = "faster" if after < before * 0.999 else ""
        if after > before * (1 + options.limit / 100):
            verdict = "SLOWER"
            slower.append(name)
        print(f"{name:{width}} {before:11.1f} {after:11.1f}  {after / before:5.3f}  {verdict}"
              .rstrip(), flush=True)
    return slower


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="*", metavar="BINARY", help="OLD NEW")
    parser.add_argument("--self-test", metavar="BINARY", help="compares it with itself")
    parser.add_argument("--filter", default=".", help="regular expression of names")
    parser.add_argument("--rounds", type=int, default=20,
                        help=f"default %(default)s; an even number, at least {FEWEST_ROUNDS}")
    parser.add_argument("--min-time", type=float, default=0.1, help="seconds a run; %(default)s")
    parser.add_argument("--limit", type=float, default=3, help="percent; %(default)s")
    parser.add_argument("--instructions", action="store_true", help="counts in place of times")
    parser.add_argument("--iterations", type=int, default=1000, metavar="N",
                        help="to count, a power of ten; %(default)s")
    options = parser.parse_args()
    if options.self_test:
        options.builds = [options.self_test] * 2
    if len(options.builds) != 2:
        parser.error("needs two builds, or --self-test and one")
    options.builds = [str(pathlib.Path(b).resolve()) for b in options.builds]
    return options


def main():
    options = arguments()
    if options.instructions and shutil.which("valgrind") is None:
        print("compare: skipped, valgrind is not installed (apt-get install valgrind)")
        return 0
    old, new = options.builds
    try:
        there = [names_in(binary, options.filter) for binary in (old, new)]
        names = [name for name in there[1] if name in there[0]]
        for name in [*there[0], *there[1]]:
            if name not in names:
                print(f"compare: only one build has {name}", file=sys.stderr)
        if not names:
            raise CannotRun(f"no benchmark that both builds have matches '{options.filter}'")
        compare = compare_instructions if options.instructions else compare_times
        slower = compare(old, new, names, options)
    except (CannotRun, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    print(f"compare: {len(names)} benchmarks, {len(slower)} slower by more than"
          f" {options.limit:g} %")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
