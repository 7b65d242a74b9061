# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Intervals that are honest about few accounts and fewer campaigns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Optional

import numpy as np
import numpy.typing as npt

from ._labels import Labels

Interval = tuple[float, float]


def _log_tail(k: int, n: int, p: float) -> float:
    """P(Binomial(n, p) <= k)."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 1.0 if k >= n else 0.0
    i = np.arange(k + 1)
    # ln of the binomial coefficients, by their ratios.
    steps = np.log((n - i[:-1]) / (i[:-1] + 1.0))
    terms = np.concatenate([[0.0], np.cumsum(steps)]) + i * math.log(p) + (n - i) * math.log1p(-p)
    most = float(terms.max())
    return min(1.0, math.exp(most) * float(np.exp(terms - most).sum()))


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval for a share, of which k in n were seen."""
    if not 0 <= k <= n:
        raise ValueError(f"k is {k}; allowed: 0 to n, {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; allowed: above 0 to below 1")
    if n == 0:
        return 0.0, 1.0
    alpha = (1 - confidence) / 2

    def solve(f: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if f(middle) else (low, middle)
        return (low + high) / 2

    # P(X >= k | low) = alpha and P(X <= k | high) = alpha.
    low = 0.0 if k == 0 else solve(lambda p: 1 - _log_tail(k - 1, n, p) < alpha)
    high = 1.0 if k == n else solve(lambda p: _log_tail(k, n, p) > alpha)
    return low, high


def bootstrap(
    labels: Labels,
    accounts: Sequence[str],
    statistic: Callable[[npt.NDArray[np.int64]], Optional[float]],
    *,
    rounds: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Optional[Interval]:
    """Resamples whole campaigns: `statistic` gets indices into `accounts`, repeats among them."""
    clusters: dict[str, list[int]] = {}
    for i, account in enumerate(accounts):
        clusters.setdefault(labels.cluster(account), []).append(i)
    parts = [np.array(members, np.int64) for members in clusters.values()]
    if len(parts) < 2:
        return None
    random = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        chosen = random.integers(len(parts), size=len(parts))
        value = statistic(np.concatenate([parts[c] for c in chosen]))
        if value is not None:
            values.append(value)
    if not values:
        return None
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
