# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Traffic that many tests look at, made once."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # scikit-learn's threads fight over small data

import pytest
from hypothesis import settings

import distillwatch as dw

# Machines that test are busy; those with sanitizers slow as well.
settings.register_profile("here", deadline=None, max_examples=int(os.environ.get("DISTILLWATCH_EXAMPLES", "100")))
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
