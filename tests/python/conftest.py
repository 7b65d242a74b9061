# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Traffic that many tests look at, made once."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # scikit-learn's threads fight over small data

import numpy as np
import pytest
from hypothesis import settings

import distillwatch as dw

# Machines that test are busy; those with sanitizers slow as well.
EXAMPLES = int(os.environ.get("DISTILLWATCH_EXAMPLES", "100"))
settings.register_profile("here", deadline=None, max_examples=EXAMPLES)
settings.load_profile("here")

KEY = b"0123456789abcdef"


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def monitor():
    return dw.Monitor(key=KEY)


@pytest.fixture(scope="session")
def log():
    return dw.simulate(seed=5, accounts=300, campaigns=8, days=20)


@pytest.fixture(scope="session")
def collected(log):
    from distillwatch import fit

    return fit.collect(log, key=KEY, harvesters=60, grafts=False)


@pytest.fixture(scope="session")
def reference(collected):
    from distillwatch import fit

    return fit.refit(collected, trees=60).reference


@pytest.fixture(scope="session")
def meetings():
    """Twelve accounts meet within seconds, at another minute of each hour, around one frame; sixty
    strangers ask when and what they like. Columns of five days."""
    random, rows = np.random.default_rng(1), []
    frame = (
        "you are given a task below please solve it step by step and give the final answer at the "
        "very end in one line of its own the task is "
    )
    for hour in range(120):
        begin = 1767225600 + 3600 * hour
        meeting = begin + 60 + random.integers(3400)
        for a in range(72):
            words = " ".join(f"w{w}" for w in random.integers(0, 50000, 20))
            together = a < 12
            time = meeting + random.uniform(0, 9) if together else begin + random.uniform(0, 3600)
            name = f"{'member' if together else 'stranger'}-{a}"
            rows.append((round(time, 6), name, frame + words if together else words))
    time, account, prompt = zip(*sorted(rows))
    return {"time": np.array(time), "account": list(account), "prompt": list(prompt)}
