# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""The monitor, and its score, as scikit-learn and river know estimators. Needs scikit-learn.

MonitorDetector: a sample is a request, `X` is a log in columns (a DataFrame or a dict with account,
time, prompt, ...). As in scikit-learn, score_samples is *low* for what is suspicious and predict
gives -1 for it; as in river, score_one is *high* for it.

LookClassifier: a sample is a row of features, as fit.collect has them; for model selection.
"""

from __future__ import annotations

from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from . import _core
from ._batch import event_columns, learn
from ._core import Monitor, Promise, Reference
from ._forest import forest_of_core
from ._types import Event, Level, NotFound, Text

try:  # from 1.6 on
    from sklearn.utils.validation import validate_data
except ImportError:

    def validate_data(estimator: Any, *arrays: Any, ensure_all_finite: Any, **options: Any) -> Any:
        return estimator._validate_data(*arrays, force_all_finite=ensure_all_finite, **options)


def _known_to_distil(y: Any, rows: int) -> npt.NDArray[np.bool_]:
    """Which rows y calls outliers: -1 among 1, or True among False."""
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise ValueError(
            f"y has shape {labels.shape}; allowed: ({rows},), a label for each row of X"
        )
    values = labels.tolist()
    if all(isinstance(value, bool) for value in values):
        return labels.astype(bool)
    for row, value in enumerate(values):
        if isinstance(value, bool) or value not in (-1, 1):
            raise ValueError(
                f"y[{row}] is {value!r}; allowed: -1 (known to distil) and 1, or True and False"
            )
    distils: npt.NDArray[np.bool_] = labels == -1
    return distils


_MATRIX: dict[str, Any] = {"dtype": np.float32, "order": "C", "ensure_all_finite": "allow-nan"}


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
    seed, campaigns : of the generated harvesters that the score is fitted with.
    trees : of the score; fewer campaigns and trees are learned faster and see less.
    detectors : of your own (distillwatch.Detector), beside the library's.
    """

    def __init__(
        self,
        *,
        per_million: Optional[float] = 1000,
        contamination: float = 0.02,
        mode: str = "expectation",
        level: int = int(Level.DISTILLING),
        key: Optional[Text] = None,
        horizon_days: float = 30,
        seed: int = 1,
        campaigns: int = 1200,
        trees: int = 400,
        detectors: Any = (),
    ) -> None:
        self.per_million = per_million
        self.contamination = contamination
        self.mode = mode
        self.level = level
        self.key = key
        self.horizon_days = horizon_days
        self.seed = seed
        self.campaigns = campaigns
        self.trees = trees
        self.detectors = detectors

    def fit(self, X: Any, y: Any = None) -> MonitorDetector:
        """Learns the reference. Accounts with y = -1 or True (known to distil) are left out."""
        columns = event_columns(X)
        exclude: Any = ()
        if y is not None:
            accounts = np.asarray(columns["accounts"], dtype=object)
            exclude = set(accounts[_known_to_distil(y, len(accounts))].tolist())
        reference = learn(
            **columns,
            exclude=exclude,
            key=self.key,
            horizon=self.horizon_days * 86400,
            seed=self.seed,
            campaigns=self.campaigns,
            trees=self.trees,
            detectors=self.detectors,
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
            raise NotFittedError(
                "this MonitorDetector has no reference yet: call fit, or set_reference"
            )
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
        """Lets the stream's monitor see one event, or a dict with account, time, prompt, ...

        A dict is a row of a log: it may have the attributes that a log's columns have.
        """
        if isinstance(x, Event):
            self._stream().observe(x)
            return self
        row: dict[str, Any] = {"prompt": "", **x}
        columns: dict[str, Any] = {name: [value] for name, value in row.items()}
        attributes: dict[Any, Any] = dict(row.get("attributes") or {})
        columns["attributes"] = {name: [value] for name, value in attributes.items()}
        self._stream().observe_many(**event_columns(columns), frame=False)
        return self

    def score_one(self, x: Union[Event, dict[str, Any]]) -> float:
        """The highest score of the event's account so far, before the event; -8 for a new one.

        Before fit or set_reference, the model that comes with the library scores.
        """
        account = x.account if isinstance(x, Event) else x["account"]
        try:
            return self._stream().explain(account).verdict.score
        except NotFound:
            return -8.0

    def _stream(self) -> Monitor:
        if not hasattr(self, "monitor_"):
            if hasattr(self, "reference_") or len(self.detectors):
                self.monitor_ = self._new_monitor()
            else:  # the shipped model scores, and flags nobody
                self.monitor_ = Monitor(key=self.key)
        return self.monitor_

    def _more_tags(self) -> dict[str, Any]:
        return {"X_types": ["dict"], "no_validation": True, "non_deterministic": self.key is None}


class LookClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The library's own score, ranks and boosted trees, as a classifier of rows of numbers.

    Rows are looks: `X` is Looks.features (NaN where a feature cannot be known), `y` has two
    classes, of which the second (1, True, "harvester" after "benign") is the harvesters'. Both
    classes weigh the same, as the score does it. Rows of one age should be compared with each
    other: pick one, as looks.requests says.

    Parameters
    ----------
    trees, leaves, learning_rate : of the boosting.
    ridge : added to the curvature of every node, in rows; None: 10, for fewer than 2,000 rows less.
    least_rows : in a leaf; None: 100, for fewer than 2,000 rows less.
    """

    def __init__(
        self,
        *,
        trees: int = 100,
        leaves: int = 16,
        learning_rate: float = 0.1,
        ridge: Optional[float] = None,
        least_rows: Optional[float] = None,
    ) -> None:
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.ridge = ridge
        self.least_rows = least_rows

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LookClassifier:
        """Learns ranks and trees."""
        X, y = validate_data(self, X, y, **_MATRIX)
        check_classification_targets(y)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        self.classes_, side = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                "Only binary classification is supported: y must have two classes, "
                f"and it has {len(self.classes_)} class{'es' * (len(self.classes_) != 1)}"
            )
        rows = len(X)
        self.ranks_ = _core.Ranks.learn(self._age(rows), X)
        bins = self.ranks_.bins(self._age(rows), X)
        forest = forest_of_core(
            bins[side == 1],
            weights[side == 1],
            bins[side == 0],
            weights[side == 0],
            trees=self.trees,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            ridge=min(10.0, rows / 200) if self.ridge is None else self.ridge,
            least_rows=min(100.0, rows / 20) if self.least_rows is None else self.least_rows,
        )
        scales = np.tile(np.array([0, 1], np.float32), (_core.EPOCHS, 1))
        self.model_ = _core.Model(**forest, scales=scales, features=X.shape[1])
        return self

    @staticmethod
    def _age(rows: int) -> npt.NDArray[np.uint32]:
        return np.full(rows, 16, np.uint32)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Log odds: above 0 for the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_MATRIX)
        return self.model_.log_odds(self.ranks_.bins(self._age(len(X)), X))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class."""
        above = self.decision_function(X) > 0
        labels: npt.NDArray[Any] = self.classes_[above.astype(int)]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The chance of either class, where both are equally frequent."""
        second = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.stack([1 - second, second], axis=1)

    def _more_tags(self) -> dict[str, Any]:
        return {"binary_only": True, "allow_nan": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags
