# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""A detector of one's own, judged as the monitor's are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Union

import numpy as np

from . import _core
from ._batch import event_columns, events
from ._core import CustomDetector, Shingler
from ._types import Event

_Feature = Union[str, Callable[[Mapping[str, float]], float], None]


def looks_at(requests: int, time_us: int, last_look_us: int) -> bool:
    """Whether the monitor would look at an account's score now.

    That is at 16, 32, 64, ... requests, and once a day.
    """
    if requests < 16:
        return False
    return requests & (requests - 1) == 0 or time_us - last_look_us >= 86_400_000_000


class _Stateful:
    """A detector of the monitor's shape, with a state for each account."""

    def __init__(self, detector: Any, feature: _Feature, key: bytes) -> None:
        self.ours = hasattr(getattr(detector, "State", None), "__deepcopy__")
        own = isinstance(detector, CustomDetector) or self.ours
        self.detector = detector if own else CustomDetector(detector)
        self.shingler = Shingler(key)
        self.states: dict[Any, Any] = {}
        names = [spec.name for spec in self.detector.features]
        if feature is None and len(names) == 1:
            feature = names[0]
        if feature is None or isinstance(feature, str) and feature not in names:
            raise ValueError(f"feature is {feature!r}; allowed: {', '.join(names)}, or a function")
        self.feature = feature

    def learn_one(self, event: Event) -> None:
        seen = _core.read(event, self.shingler)
        state = self.states.get(event.account)
        if self.ours:
            if state is None:
                state = self.states[event.account] = self.detector.State()
            self.detector.update(seen, state)
        else:
            state = self.detector.begin() if state is None else state
            self.states[event.account] = self.detector.update(seen, state)

    def score_one(self, event: Event) -> float:
        measured: dict[str, float] = self.detector.measure(self.states[event.account])
        if isinstance(self.feature, str):
            return measured[self.feature]
        assert self.feature is not None
        return float(self.feature(measured))


def run(
    detector: Any, log: Any, *, feature: _Feature = None, key: bytes = b"distillwatch: evaluate.run"
) -> Any:
    """Lets a detector of one's own see a log; returns a structured array with a score for each row.

    The detector is one of
      update(seen, state), measure(state)   as a monitor takes it, also one of ours; the score is
                                            the `feature` of that name, or a function of all
      learn_one(event), score_one(event)    as in river
      observe(event) -> float
    Higher is worse, NaN says nothing. Each row has the account's highest score over the same looks
    that the monitor takes, -inf before the first: so scores(log, rows) compares it with the C++
    detectors, and calibrate() makes alerts of it.
    """
    if hasattr(detector, "update") and hasattr(detector, "measure"):
        detector = _Stateful(detector, feature, key)
    elif feature is not None:
        raise ValueError("feature is given, but the detector has no update and measure")
    rows = len(_core.microseconds(event_columns(log)["times"]))
    dtype = [("score", "f8"), ("looked", "?"), ("level", "u1"), ("campaign", "u8")]
    out = np.zeros(rows, dtype=dtype)
    observe = getattr(detector, "observe", None)
    seen: dict[Any, list[Any]] = {}  # requests, last look, highest score
    for row, event in enumerate(events(log)):
        score = math.nan if observe is None else float(observe(event))
        if observe is None:
            detector.learn_one(event)
        state = seen.setdefault(event.account, [0, 0, -math.inf])
        state[0] += 1
        us = round(float(event.time) * 1e6)  # type: ignore[arg-type]
        if looks_at(state[0], us, state[1]):
            if observe is None:
                score = float(detector.score_one(event))
            state[1] = us
            if score > state[2]:
                state[2] = score
            out["looked"][row] = True
        out["score"][row] = state[2]
    return out
