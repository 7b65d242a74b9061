# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Intervals that are honest about few accounts and fewer campaigns."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._core import Promise, Reference
from ._labels import Labels

Interval = tuple[float, float]
BROKEN_BELOW = 0.025  # the chance of what came, if the promise is kept


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _beta_cdf(x: float, a: float, b: float) -> float:
    """P(Beta(a, b) <= x), by the continued fraction of DLMF 8.17.22 (Lentz's method)."""
    if x <= 0 or x >= 1:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):  # where it would converge slowly
        return 1 - _beta_cdf(1 - x, b, a)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction, m, step = d, 0, 0.0
    while abs(step - 1) > 1e-14 and m < 100000:  # some sqrt(max(a, b)) steps
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        c, d = 1 + even / c, 1 / (1 + even * d)
        fraction *= c * d
        c, d = 1 + odd / c, 1 / (1 + odd * d)
        step = c * d
        fraction *= step
    return min(1.0, front * fraction)


def _beta_quantile(chance: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta_cdf(middle, a, b) < chance else (low, middle)
    return (low + high) / 2


def _check_count(k: int, n: int, name: str = "k") -> None:
    if not isinstance(n, numbers.Integral) or n < 0:
        raise ValueError(f"n is {n}; allowed: whole numbers from 0 on")
    if not isinstance(k, numbers.Integral) or not 0 <= k <= n:
        raise ValueError(f"{name} is {k}; allowed: whole numbers from 0 to n, {n}")


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval for a share, of which k in n were seen."""
    _check_count(k, n)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; allowed: above 0 to below 1")
    if n == 0:
        return 0.0, 1.0
    alpha = (1 - confidence) / 2
    # P(X >= k | low) = alpha and P(X <= k | high) = alpha.
    low = 0.0 if k == 0 else _beta_quantile(alpha, k, n - k + 1)
    high = 1.0 if k == n else _beta_quantile(1 - alpha, k + 1, n - k)
    return low, high


def _beta_binomial(n: int, a: float, b: float) -> npt.NDArray[np.float64]:
    """P(X = 0) to P(X = n) for X ~ Binomial(n, p) with p ~ Beta(a, b)."""
    i = np.arange(n)
    ratios = (n - i) / (i + 1.0) * (i + a) / (n - i - 1 + b)  # of P(i + 1) to P(i)
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    shares = np.exp(logs - logs.max())
    chances: npt.NDArray[np.float64] = shares / shares.sum()
    return chances


def promise_of(promise: Union[Promise, float]) -> Promise:
    if isinstance(promise, numbers.Real):
        promise = Promise(float(promise))
    if not isinstance(promise, Promise):
        raise TypeError(f"promise must be a Promise or a number, not {type(promise).__name__}")
    if not 0 < promise.per_million <= 1e6:
        raise ValueError(f"promise is {promise.per_million:g}; allowed: above 0 to 1000000")
    return promise


def false_alarm_chance(
    false: int,
    accounts: int,
    promise: Union[Promise, float],
    reference: Union[Reference, int, None] = None,
) -> float:
    """The chance of so many false alarms or more among benign accounts when the promise is kept.

    The bound is the r-th highest score of a reference of n benign accounts, so that a new account
    exceeds it with a probability that is Beta(r, n + 1 - r). `reference` is that reference, or how
    many accounts it has; without it, the smallest that can keep the promise, which leaves most to
    luck. Below BROKEN_BELOW the promise is called broken.
    """
    _check_count(false, accounts, "false")
    chances = _false_alarms(accounts, promise, reference)
    return min(1.0, float(chances[false:].sum()))


def false_alarm_range(
    accounts: int,
    promise: Union[Promise, float],
    reference: Union[Reference, int, None] = None,
    confidence: float = 0.95,
) -> tuple[int, int]:
    """How many false alarms there may be when the promise is kept; see false_alarm_chance.

    With the confidence the count lies in these bounds; half of the rest lies on each side.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; allowed: above 0 to below 1")
    below = np.cumsum(_false_alarms(accounts, promise, reference))
    low, high = np.searchsorted(below, [(1 - confidence) / 2, (1 + confidence) / 2])
    return int(low), min(int(high), accounts)


def _false_alarms(
    accounts: int, promise: Union[Promise, float], reference: Union[Reference, int, None]
) -> npt.NDArray[np.float64]:
    """The chances of 0 to `accounts` false alarms."""
    promise = promise_of(promise)
    if reference is None:
        above, below = 1.0, 1e6 / promise.per_million - 1
    else:
        n = reference.accounts if isinstance(reference, Reference) else reference
        above = float(_core.most_rank(promise, n))
        # Its harvesters may all lie below the bound.
        below = math.floor((1 - promise.contamination) * n) + 1 - above
    if below <= 0:
        return np.concatenate([np.zeros(accounts), [1.0]])
    return _beta_binomial(accounts, above, below)


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
