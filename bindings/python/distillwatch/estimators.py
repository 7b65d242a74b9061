# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""The monitor as scikit-learn and river know detectors. Needs scikit-learn.

A sample is a request: `X` is a log in columns (a DataFrame or a dict with account, time, prompt, ...).
As in scikit-learn, score_samples is *low* for what is suspicious and predict gives -1 for it; as in
river, score_one is *high* for it.
"""

from __future__ import annotations

from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.exceptions import NotFittedError

from ._batch import event_columns, learn
from ._core import Monitor, Promise, Reference
from ._types import Event, Level, NotFound, Text


class MonitorDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns a reference from one log and judges others by it.

    Parameters
    ----------
    per_million : promise at most so many falsely flagged accounts of a million benign ones; None
        takes the smallest promise that the reference can keep.
    contamination : share of the reference that may itself distil.
    mode : "expectation" or "confidence95".
    level : predict gives -1 from this level on.
    key : the operator's secret, at least 16 bytes; None draws one.
    horizon_days : over which the promise is made.
    seed : of the generated harvesters that the score is fitted with.
    detectors : of your own (distillwatch.Detector), beside the library's.
    """

    def __init__(
        self,
        *,
        per_million: Optional[float] = 1000,
        contamination: float = 0.02,
        mode: str = "expectation",
        level: int = Level.DISTILLING,
        key: Optional[Text] = None,
        horizon_days: float = 30,
        seed: int = 1,
        detectors: Any = (),
    ) -> None:
        self.per_million = per_million
        self.contamination = contamination
        self.mode = mode
        self.level = level
        self.key = key
        self.horizon_days = horizon_days
        self.seed = seed
        self.detectors = detectors

    def fit(self, X: Any, y: Any = None) -> MonitorDetector:
        """Learns the reference. Accounts whose requests have y = -1 (known to distil) are left out."""
        columns = event_columns(X)
        exclude: Any = ()
        if y is not None:
            known = np.asarray(y) == -1
            exclude = set(np.asarray(columns["accounts"], dtype=object)[known].tolist())
        reference = learn(
            **columns, exclude=exclude, key=self.key, horizon=self.horizon_days * 86400,
            seed=self.seed, detectors=self.detectors,
        )
        return self.set_reference(reference)

    def set_reference(self, reference: Reference) -> MonitorDetector:
        """Takes a reference that was learned or refitted elsewhere; nothing has been seen yet."""
        per_million = self.per_million
        if per_million is None:
            smallest = reference.smallest_promise(Promise(1000, self.contamination, self.mode))
            per_million = min(1e6, smallest * (1 + 1e-9))
        self.promise_ = Promise(per_million, self.contamination, self.mode)
        self.reference_ = reference
        self.monitor_ = self._new_monitor()
        return self

    def _new_monitor(self) -> Monitor:
        if not hasattr(self, "reference_"):
            raise NotFittedError("this MonitorDetector has no reference yet: call fit, or set_reference")
        return Monitor(
            reference=self.reference_, promise=self.promise_, key=self.key, detectors=self.detectors
        )

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("monitor_", None)  # what it has seen is not pickled
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "reference_"):
            self.monitor_ = self._new_monitor()

    # One whole log: each judged by a monitor that has seen nothing.

    def verdicts(self, X: Any, *, threads: int = 1) -> Any:
        """The verdicts on a log as a structured array."""
        return self._new_monitor().observe_many(**event_columns(X), threads=threads, frame=False)

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """Minus each account's highest score so far: the lower, the more suspicious."""
        scores: npt.NDArray[np.float64] = -self.verdicts(X)["score"]
        return scores

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """-1 for a request of an account that is flagged by then, else 1."""
        return np.where(self.verdicts(X)["level"] >= int(self.level), -1, 1)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """ln of the p-value over that of the level: negative exactly for what predict calls -1."""
        rows = self.verdicts(X)
        flagged = rows["level"] >= int(self.level)
        p_value = rows["p_value"]
        # The largest p-value that is still flagged stands for the threshold.
        threshold = self.promise_.per_million / 1e6
        distance = np.log(p_value / threshold)
        return np.where(flagged, np.minimum(distance, -1e-12), np.maximum(distance, 1e-12))

    def fit_predict(self, X: Any, y: Any = None) -> npt.NDArray[np.int64]:
        """Judges a log by itself; the promise holds for logs from elsewhere."""
        return self.fit(X, y).predict(X)

    # A stream.

    def partial_fit(self, X: Any, y: Any = None) -> MonitorDetector:
        """Lets the stream's monitor see more of the log."""
        self._stream().observe_many(**event_columns(X), frame=False)
        return self

    def learn_one(self, x: Union[Event, dict[str, Any]]) -> MonitorDetector:
        """Lets the stream's monitor see one event, or a dict with account, time, prompt, ..."""
        self._stream().observe(x if isinstance(x, Event) else Event(**x))
        return self

    def score_one(self, x: Union[Event, dict[str, Any]]) -> float:
        """The highest score of the event's account so far, before the event; -8 for a new one."""
        account = x.account if isinstance(x, Event) else x["account"]
        try:
            return self._stream().explain(account).verdict.score
        except NotFound:
            return -8.0

    def _stream(self) -> Monitor:
        if not hasattr(self, "monitor_"):
            self.monitor_ = self._new_monitor()
        return self.monitor_
