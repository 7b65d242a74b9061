# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Trees of either engine, as C++ evaluates them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._looks import Array, require_number

_UNKNOWN = _core.UNKNOWN_BIN
# Least and most, and whether it is a whole number.
_OPTIONS: dict[str, tuple[float, float, bool]] = {
    "trees": (1, 4096, True),
    "leaves": (2, 1024, True),
    "learning_rate": (1e-6, 1, False),
    "ridge": (0, 1e12, False),
    "least_rows": (0, 1e12, False),
}


def forest_of_core(
    positive: Array,
    positive_weights: Array,
    unlabelled: Array,
    unlabelled_weights: Array,
    **options: Any,
) -> dict[str, Array]:
    """The library's own trees."""
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"{name} is no option of the trees; allowed: {', '.join(_OPTIONS)}")
        least, most, whole = _OPTIONS[name]
        require_number(name, value, least, most, whole=whole)
    return _core.fit_trees(positive, positive_weights, unlabelled, unlabelled_weights, **options)


def forest_of_sklearn(
    positive: Array,
    positive_weights: Array,
    unlabelled: Array,
    unlabelled_weights: Array,
    **options: Any,
) -> dict[str, Array]:
    """scikit-learn's gradient boosting over the same bins, as the trees that C++ evaluates."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = np.concatenate([positive, unlabelled]).astype(np.float64)
    x[x == _UNKNOWN] = np.nan
    y = np.repeat([1, 0], [len(positive), len(unlabelled)])
    weights = np.concatenate(
        [positive_weights / positive_weights.sum(), unlabelled_weights / unlabelled_weights.sum()]
    ) * (len(x) / 2)
    settings = {
        "max_iter": 300,
        "max_leaf_nodes": 16,
        "learning_rate": 0.06,
        "l2_regularization": 10.0,
        "min_samples_leaf": 30,
        "early_stopping": False,
        "random_state": 0,
        **options,
    }
    model = HistGradientBoostingClassifier(**settings).fit(x, y, sample_weight=weights)
    values: list[float] = [float(np.ravel(model._baseline_prediction)[0])]
    left, feature, last_left, start = [0], [0], [0], [0]
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        weight, value = nodes["count"].astype(float), nodes["value"].astype(float)
        for i in reversed(range(len(nodes))):  # children lie behind their parents
            if not nodes[i]["is_leaf"]:
                l, r = int(nodes[i]["left"]), int(nodes[i]["right"])
                value[i] = (weight[l] * value[l] + weight[r] * value[r]) / (weight[l] + weight[r])
        order, at = [0], 0
        start.append(len(values))
        while at < len(order):
            node = nodes[order[at]]
            values.append(float(value[order[at]]))
            if node["is_leaf"]:
                for column in (left, feature, last_left):
                    column.append(0)
            else:
                left.append(len(order))
                feature.append(int(node["feature_idx"]))
                threshold = int(np.clip(np.floor(node["num_threshold"]), 0, _UNKNOWN - 1))
                last_left.append(threshold | (0x80 if node["missing_go_to_left"] else 0))
                order += [int(node["left"]), int(node["right"])]
            at += 1
    return {
        "value": np.array(values, np.float32),
        "left": np.array(left, np.uint16),
        "feature": np.array(feature, np.uint8),
        "last_left": np.array(last_left, np.uint8),
        "start": np.array(start, np.int32),
    }
