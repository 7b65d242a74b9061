#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Tests benchmarks/compare.py: its statistics on simulated noise, its pairing on programs that only
pretend to be benchmarks. No clock is read.
"""

import contextlib
import importlib.util
import io
import itertools
import json
import math
import os
import pathlib
import random
import stat
import statistics
import sys
import tempfile
import unittest
import unittest.mock

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("compare", TOP / "benchmarks" / "compare.py")
compare = importlib.util.module_from_spec(spec)
sys.modules["compare"] = compare
spec.loader.exec_module(compare)


def noisy_rounds(rng, rounds, slowdown=1.0, order_effect=0.05):
    """Times as of a shared machine: a common drift, heavy tails, and a warmer second run."""
    drift, old, new = 0.0, [], []
    for number in range(rounds):
        drift += rng.gauss(0, 0.05)
        noise = [rng.gauss(0, 0.02) + (rng.expovariate(3) if rng.random() < 0.1 else 0)
                 for _ in range(2)]
        second = 1 if number % 2 == 0 else 0
        noise[second] -= order_effect
        old.append(1000 * math.exp(drift + noise[0]))
        new.append(1000 * slowdown * math.exp(drift + noise[1]))
    return old, new


class Statistics(unittest.TestCase):
    def test_rank_agrees_with_all_signs_written_out(self):
        for n in range(1, 11):
            sums = [sum(r for r, s in zip(range(1, n + 1), signs) if s)
                    for signs in itertools.product((0, 1), repeat=n)]
            for tail in (0.005, 0.025, 0.2):
                k = compare.rank_of_bound(n, tail)
                self.assertLessEqual(sum(s < k for s in sums) / 2**n, tail)
                self.assertGreater(sum(s <= k for s in sums) / 2**n, tail)

    def test_fewest_rounds_are_just_enough(self):
        self.assertEqual(compare.rank_of_bound(compare.FEWEST_ROUNDS - 1, 0.005), 0)
        self.assertGreater(compare.rank_of_bound(compare.FEWEST_ROUNDS, 0.005), 0)
        with self.assertRaises(ValueError):
            compare.median_interval([0.0] * (compare.FEWEST_ROUNDS - 1))

    def test_interval_of_few_values_is_their_range(self):
        found = compare.median_interval([1.0, 2, 3, 4, 5, 6, 7, 8])
        self.assertEqual((found.low, found.middle, found.high), (1, 4.5, 8))

    def test_swapping_the_builds_inverts_the_interval(self):
        old, new = noisy_rounds(random.Random(1), 20, 1.1)
        there, back = compare.ratio_interval(old, new), compare.ratio_interval(new, old)
        self.assertAlmostEqual(there.middle * back.middle, 1)
        self.assertAlmostEqual(there.low * back.high, 1)

    def test_a_build_beside_itself_is_hardly_ever_slower(self):
        # Seed fixed. The interval misses the truth in at most 1 % of comparisons: of 4,000, more
        # than 65 have a probability below 1e-4. An alarm needs 3 % on top of that.
        rng = random.Random(7)
        missed = alarms = 0
        for _ in range(4000):
            ratio = compare.ratio_interval(*noisy_rounds(rng, 20))
            missed += not ratio.low <= 1 <= ratio.high
            alarms += ratio.lies_above(1.03)
        self.assertLessEqual(missed, 65)
        self.assertLessEqual(alarms, 4)

    def test_a_slowdown_of_a_tenth_is_found(self):
        rng = random.Random(8)
        found = sum(compare.ratio_interval(*noisy_rounds(rng, 20, 1.15)).lies_above(1.03)
                    for _ in range(200))
        self.assertGreater(found, 150)

    def test_a_slowdown_below_the_limit_is_let_pass(self):
        rng = random.Random(9)
        found = sum(compare.ratio_interval(*noisy_rounds(rng, 20, 1.03)).lies_above(1.03)
                    for _ in range(1000))
        self.assertLessEqual(found, 20)  # half of 1 %, and p(more) < 1e-5


PRETENDER = """#!{python}
import json, re, sys
options = dict(a[2:].split("=", 1) for a in sys.argv[1:])
matching = [n for n in {names} if re.search(options["benchmark_filter"], n)]
if "benchmark_list_tests" in options:
    print("\\n".join(matching))
    sys.exit()
with open({log!r}, "a") as log:
    log.write({label!r})
scale = {scale} * (1 + len(open({log!r}).read()) % 7 / 100)
result = {{"cpu_time": 2.0 * scale, "real_time": 1e9, "time_unit": "us"}}
print(json.dumps({{"benchmarks": [{{"name": n, **result}} for n in matching]}}))
"""


class Pairing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"

    def pretender(self, label, scale, names=("BM_A/1", "BM_A/12", "BM_B<int>")):
        path = self.folder / label
        path.write_text(PRETENDER.format(python=sys.executable, names=list(names), label=label,
                                         scale=scale, log=str(self.log)))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def run_main(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with unittest.mock.patch.object(sys, "argv", ["compare.py", *arguments]):
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = compare.main()
        return code, out.getvalue(), err.getvalue()

    def test_rounds_swap_the_order(self):
        old, new = self.pretender("o", 1), self.pretender("n", 1)
        code, out, _ = self.run_main(old, new, "--rounds", "9", "--filter", "BM_A/1$")
        self.assertEqual(code, 0, out)
        self.assertEqual(self.log.read_text(), "onno" * 5)  # an even number of rounds

    def test_slower_builds_fail_and_faster_ones_do_not(self):
        old, new = self.pretender("o", 1), self.pretender("n", 1.5)
        code, out, _ = self.run_main(old, new, "--rounds", "8")
        self.assertEqual(code, 1)
        self.assertEqual(out.count("SLOWER"), 3)
        code, out, _ = self.run_main(new, old, "--rounds", "8")
        self.assertEqual(code, 0)
        self.assertEqual(out.count("faster"), 3)
        code, out, _ = self.run_main(old, new, "--rounds", "8", "--limit", "80")
        self.assertEqual(code, 0)

    def test_a_build_passes_beside_itself(self):
        code, out, _ = self.run_main("--self-test", self.pretender("o", 1), "--rounds", "8")
        self.assertEqual(code, 0, out)
        self.assertIn("3 benchmarks, 0 slower", out)

    def test_what_only_one_build_has_is_said(self):
        old, new = self.pretender("o", 1), self.pretender("n", 1, ["BM_A/1", "BM_New"])
        code, out, err = self.run_main(old, new, "--rounds", "8")
        self.assertEqual(code, 0)
        self.assertIn("only one build has BM_New", err)
        self.assertIn("1 benchmarks", out)

    def test_nothing_to_compare_is_trouble(self):
        old = self.pretender("o", 1)
        self.assertEqual(self.run_main(old, old, "--filter", "BM_Z")[0], 2)
        self.assertEqual(self.run_main(old, str(self.folder / "missing"))[0], 2)

    def test_instructions_are_skipped_without_valgrind(self):
        old = self.pretender("o", 1)
        with unittest.mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            code, out, _ = self.run_main(old, old, "--instructions")
        self.assertEqual(code, 0)
        self.assertIn("skipped, valgrind is not installed", out)

    def test_instructions_are_read_from_whole_files_only(self):
        profile = self.folder / "profile"
        self.assertIsNone(compare.instructions_in(profile))
        profile.write_text("events: Ir\nfn=f\n1 99\n")
        self.assertIsNone(compare.instructions_in(profile))
        profile.write_text("events: Ir\nfn=f\n1 99\ntotals: 99\n")
        self.assertEqual(compare.instructions_in(profile), 99)

    def test_names_are_taken_literally(self):
        self.assertEqual(compare.exactly("BM_A<B>/x:1.5"), r"^BM_A<B>/x:1\.5$")
        result = json.dumps({"benchmarks": [{"error_occurred": True, "error_message": "broken"}]})
        with self.assertRaisesRegex(compare.CannotRun, "broken"):
            compare.result_of(result, "BM_A")

    def test_medians_are_of_rounds(self):
        measured = {("o", "BM"): itertools.count(1), ("n", "BM"): itertools.count(3)}
        times = compare.times_of("o", "n", ["BM"], 3, lambda b, n: next(measured[b, n]))
        self.assertEqual(times, {"BM": ([1, 2, 3], [3, 4, 5])})
        self.assertEqual(statistics.median(times["BM"][1]), 4)


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=1)
    faults = len(program.result.failures) + len(program.result.errors)
    print(f"compare_test: {program.result.testsRun} tests, {faults} faults")
    sys.exit(1 if faults else 0)
