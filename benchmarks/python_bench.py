#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What Python costs: observe_many on columns of every kind beside the same rows in C++ alone.

    PYTHONPATH=build/release/python /usr/bin/python3 benchmarks/python_bench.py [ROWS] [ROUNDS]

Every round times C++ and each kind of column with a monitor that has seen nothing, in turn; printed
are the median time of an event and the median share of the C++ rate with its range. Time is the
thread's own (processor time), so that other work on the machine disturbs less. Arrow's columns need
pyarrow.
"""

import statistics
import sys
import time

import numpy as np

import distillwatch as dw

try:
    import pyarrow
except ImportError:
    pyarrow = None

KEY = b"0123456789abcdef"


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    log = dw.simulate(seed=1, accounts=max(20, rows // 150), campaigns=8).head(rows)
    rows = len(log)
    accounts, prompts = log["account"].tolist(), log["prompt"].tolist()
    times = log["time"].to_numpy()
    kinds = {
        "lists of str": (accounts, times, prompts),
        "lists of bytes": ([a.encode() for a in accounts], times, [p.encode() for p in prompts]),
        "NumPy objects": (np.array(accounts, object), times, np.array(prompts, object)),
        "pandas": (log["account"], log["time"], log["prompt"]),
        "pandas, categorical": (log["account"].astype("category"), log["time"], log["prompt"]),
    }
    if pyarrow is not None:
        kinds["Arrow"] = (pyarrow.array(accounts), times, pyarrow.array(prompts))
    seconds = {name: [] for name in ["C++ alone", *kinds, "row by row"]}
    seconds_of_times = (times.astype("M8[us]").astype("i8") / 1e6).tolist()
    for _ in range(rounds):
        seconds["C++ alone"].append(dw.Monitor(key=KEY)._observe_seconds(accounts, times, prompts))
        for name, columns in kinds.items():
            monitor = dw.Monitor(key=KEY)
            start = time.thread_time()
            monitor.observe_many(*columns)
            seconds[name].append(time.thread_time() - start)
        observe = dw.Monitor(key=KEY).observe
        start = time.thread_time()
        for account, moment, prompt in zip(accounts, seconds_of_times, prompts):
            observe(account, moment, prompt)
        seconds["row by row"].append(time.thread_time() - start)
    length = statistics.mean(map(len, prompts))
    print(f"{rows} rows, prompts of {length:.0f} characters on average, {rounds} rounds")
    for name, taken in seconds.items():
        shares = sorted(c / t for c, t in zip(seconds["C++ alone"], taken))
        print(
            f"{name:22} {1e6 * statistics.median(taken) / rows:6.2f} us/event   "
            f"{statistics.median(shares):6.1%} of C++  ({shares[0]:.1%} to {shares[-1]:.1%})"
        )


if __name__ == "__main__":
    main()
