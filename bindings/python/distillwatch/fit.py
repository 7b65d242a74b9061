# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Refits the score on the deployer's own accounts, and writes the reference that C++ loads.

    looks = collect(january)                     # features of every look, as arrays
    refitted = refit(looks)                      # generated harvesters against own accounts
    refitted = refit(looks, distilling=known)    # and the accounts that were adjudicated
    refitted.reference.save("january.reference")

Half of the accounts (by hash) train the score, the others calibrate it, so the promise holds
whatever the training made of it. The features are the monitor's own; a look is one evaluation of
them, at 16, 32, 64, ... requests and once a day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._bins import lower_ends
from ._core import Promise, Reference
from ._forest import forest_of_core, forest_of_sklearn
from ._looks import (
    DETECTORS,
    FEATURES,
    Array,
    Collected,
    Looks,
    collect,
    feature_names,
    path_maxima,
    require_number,
    windows,
)
from ._progress import progress_over

__all__ = [
    "DETECTORS",
    "FEATURES",
    "Collected",
    "Looks",
    "Power",
    "Refitted",
    "ablation",
    "collect",
    "contributions",
    "feature_names",
    "leave_campaign_out",
    "path_maxima",
    "power",
    "refit",
    "reference_scores",
    "score_looks",
]
_UNKNOWN = _core.UNKNOWN_BIN
_LEAST_ACCOUNTS = 40  # with a look, in each half
_ROLES = {"distilling": "to distil", "exclude": "to be excluded", "labels": "labelled"}

# --- the score


def _columns_of(looks: Looks, detectors: Iterable[str]) -> Array:
    """Which columns are features of these detectors."""
    chosen = set(detectors)
    unknown = chosen - set(looks.detectors)
    if unknown:
        allowed = ", ".join(looks.detectors)
        raise ValueError(f"{sorted(unknown)[0]!r} is not a detector; allowed: {allowed}")
    return np.array([name.partition(".")[0] in chosen for name in looks.names])


@dataclasses.dataclass(frozen=True, eq=False)
class Refitted:
    """A refitted score, and the reference that carries it to C++."""

    reference: Reference
    ranks: Any
    model: Any
    path_maxima: npt.NDArray[np.float64]  # of the calibrating accounts and horizons

    def scores(self, looks: Looks) -> npt.NDArray[np.float64]:
        """What this score says at every look."""
        return score_looks(self.reference, looks)

    def __repr__(self) -> str:
        return f"<Refitted: {self.reference!r}>"


def score_looks(reference: Reference, looks: Looks) -> npt.NDArray[np.float64]:
    """A reference's score at every look."""
    if not len(looks):
        return np.zeros(0)
    bins = _core.Ranks.of(reference).bins(looks.requests, looks.features)
    return _core.Model.of(reference).scores(looks.requests, bins)


def contributions(reference: Reference, looks: Looks, *, by: str = "feature") -> Any:
    """How each score comes about, as a DataFrame: by "feature" or "detector", and the base."""
    import pandas as pd

    bins = _core.Ranks.of(reference).bins(looks.requests, looks.features)
    table = _core.Model.of(reference).contributions(looks.requests, bins)
    out = pd.DataFrame(table, columns=[*looks.names, "base"])
    if by == "feature":
        return out
    if by != "detector":
        raise ValueError(f"by is {by!r}; allowed: feature, detector")
    sums = {d: out[[c for c in out if c.startswith(d + ".")]].sum(axis=1) for d in looks.detectors}
    return pd.DataFrame(sums | {"base": out["base"]})


def _in_log(collected: Collected, accounts: Iterable[str], name: str) -> list[int]:
    """The indices of these accounts."""
    if isinstance(accounts, (str, bytes)):
        raise TypeError(f"{name} is {accounts!r}; it must be a sequence of accounts, not one")
    accounts = list(accounts)
    if not accounts:
        return []
    index = {account: i for i, account in enumerate(collected.accounts)}
    unknown = [a for a in accounts if a not in index]
    if unknown:
        raise ValueError(
            f"{unknown[0]!r} is {_ROLES[name]}, but is not in the log; "
            f"of {len(accounts)} accounts {len(unknown)} are not"
        )
    return [index[a] for a in accounts]


def refit(
    collected: Collected,
    *,
    distilling: Union[Iterable[str], Mapping[str, str]] = (),
    exclude: Iterable[str] = (),
    positives: Optional[Looks] = None,
    simulated: bool = True,
    grafted: bool = True,
    detectors: Optional[Iterable[str]] = None,
    engine: str = "trees",
    horizon_days: float = 30,
    **options: Any,
) -> Refitted:
    """Fits the score and calibrates it.

    distilling   own accounts known to distil; as a dict, the campaign of each (campaigns weigh the
                 same; None or "": a campaign of its own). They train as positives and calibrate
                 nothing.
    exclude      accounts to leave out on both sides.
    positives    looks of further harvesters, as of a log that was shared
    simulated, grafted   use the generated harvesters
    detectors    features of the others count as unknown; None: all that the log was collected with
    engine       "trees" is the C++ library's own; "sklearn" is HistGradientBoostingClassifier
    options      of the engine: trees, leaves, learning_rate, ridge, least_rows; or scikit-learn's

    Raises ValueError when there are too few accounts, or when one that is named is not in the log.
    """
    require_number("horizon_days", horizon_days, 1 / 24, 366, allowed="an hour to 366 days")
    known = _in_log(collected, distilling, "distilling")
    # Campaigns as numbers, whatever they are called.
    number: dict[Any, int] = {}
    campaigns = np.full(len(collected.accounts), -1)
    for owner in known:
        name = collected.accounts[owner]
        campaign = distilling[name] if isinstance(distilling, Mapping) else None
        key = ("account", name) if campaign in (None, "") else ("campaign", campaign)
        campaigns[owner] = number.setdefault(key, len(number))
    left_out = campaigns >= 0
    excluded = _in_log(collected, exclude, "exclude")
    left_out[excluded] = True
    campaigns[excluded] = -1

    looks = collected.looks
    own = ~left_out[looks.owner]
    trains = own & ~collected.calibrates[looks.owner]
    for name, side in (("train", trains), ("calibrate", own & collected.calibrates[looks.owner])):
        n = len(np.unique(looks.owner[side]))
        if n < _LEAST_ACCOUNTS:
            raise ValueError(
                f"only {n} accounts with 16 requests or more are left to {name} with; "
                f"allowed: {_LEAST_ACCOUNTS} or more"
            )
    rows = looks.where(trains).last_of_epoch()
    ranks = _core.Ranks.learn(rows.requests, rows.features)
    keep = _columns_of(looks, looks.detectors if detectors is None else detectors)

    def bins_of(l: Looks) -> Array:
        bins = ranks.bins(l.requests, l.features)
        bins[:, ~keep] = _UNKNOWN
        return bins

    # Every kind of harvester weighs the same, and within it every campaign.
    sources: list[tuple[Looks, Array]] = []
    if simulated and len(collected.simulated):
        sources.append((collected.simulated, collected.simulated.owner))
    if grafted and len(collected.grafted):
        sources.append((collected.grafted, collected.grafted.owner))
    own_positives = looks.where(campaigns[looks.owner] >= 0).last_of_epoch()
    if len(own_positives):
        sources.append((own_positives, campaigns[own_positives.owner]))
    if positives is not None and len(positives):
        sources.append((positives, positives.owner))
    if not sources:
        raise ValueError("there are no harvesters to fit with")
    weights, bins = [], []
    for source, campaign in sources:
        _, inverse, counts = np.unique(campaign, return_inverse=True, return_counts=True)
        weights.append(1.0 / (counts[inverse] * len(counts)))
        bins.append(bins_of(source))
    sides = (np.concatenate(bins), np.concatenate(weights), bins_of(rows), np.ones(len(rows)))
    if engine == "trees":
        forest = forest_of_core(*sides, **options)
    elif engine == "sklearn":
        forest = forest_of_sklearn(*sides, **options)
    else:
        raise ValueError(f"engine is {engine!r}; allowed: trees, sklearn")

    # Scores of different ages are made comparable by what the training accounts score.
    unscaled = np.tile(np.array([0, 1], np.float32), (_core.EPOCHS, 1))
    raw = _core.Model(**forest, scales=unscaled, features=len(keep))
    of_training = looks.where(trains)
    log_odds = raw.log_odds(bins_of(of_training))
    epoch = _core.epochs(of_training.requests)
    scales = unscaled.copy()
    nearest = scales[0]
    for e in range(_core.EPOCHS):
        if (epoch == e).sum() >= 20:
            nearest = np.quantile(log_odds[epoch == e], [0.5, 0.95]).astype(np.float32)
        scales[e] = nearest
    asks = forest["feature"][forest["left"] > 0]
    if not keep[asks].all():  # it was unknown everywhere, so no split can have gained by it
        raise AssertionError("a tree asks for a feature that it was not shown")
    model = _core.Model(**forest, scales=scales, features=len(keep))

    scores = np.full(len(looks), -8.0)
    calibrating = np.flatnonzero(collected.calibrates & ~left_out)
    side = np.isin(looks.owner, calibrating)
    scored = looks.where(side)
    scores[side] = model.scores(scored.requests, ranks.bins(scored.requests, scored.features))
    horizon, _ = windows(collected, horizon_days * 86400)
    maxima = path_maxima(collected, scores, calibrating, horizon_days * 86400)
    reference = _core.make_reference(
        ranks,
        model,
        maxima,
        horizon // 1_000_000,
        len(np.unique(looks.owner[trains])),
        collected.first_us,
        collected.last_us,
        collected.key_id,
        collected.key if collected.key_drawn else None,
        [name.partition(".")[2] for name in looks.names],
    )
    return Refitted(reference, ranks, model, maxima)


# --- how good it is


@dataclasses.dataclass(frozen=True)
class Power:
    """The share of distilling accounts that would be flagged at promises."""

    caught: dict[
        float, Optional[float]
    ]  # by falsely flagged of a million; None: cannot be promised
    auc: Optional[float]  # None: of no accounts
    accounts: int

    def __repr__(self) -> str:
        caught = ", ".join(
            f"{'-' if share is None else f'{share:.3f}'} at {per_million:g}"
            for per_million, share in self.caught.items()
        )
        auc = "-" if self.auc is None else f"{self.auc:.3f}"
        return f"Power({self.accounts} accounts: {caught} of a million, AUC {auc})"


def power(
    reference: Reference, looks: Looks, owners: Array, promises: Sequence[float] = (10000, 1000)
) -> Power:
    """What a reference catches of some accounts' looks (owners: which, as in `looks.owner`)."""
    owners = np.asarray(owners)
    if owners.size == 0:
        owners = owners.astype(np.int64)
    if owners.ndim != 1 or owners.dtype.kind not in "iu":
        raise TypeError("owners must be indices of accounts, as looks.owner has them")
    if (owners < 0).any():
        raise ValueError(f"owners has {owners.min()}; allowed: 0 and above")
    scores = score_looks(reference, looks)
    best = np.full(int(looks.owner.max(initial=0)) + 2, -8.0)
    np.maximum.at(best, looks.owner, scores)
    mine = best[np.minimum(owners, len(best) - 1)]
    maxima = reference_scores(reference)
    # As the monitor does it: what is in the score's bin counts as at least as high.
    lowest = lower_ends(mine)
    rank = 1 + len(maxima) - np.searchsorted(maxima, lowest, "left")
    caught: dict[float, Optional[float]] = {}
    for per_million in promises:
        try:
            most = _core.most_rank(Promise(per_million), len(maxima))
        except ValueError:
            caught[per_million] = None
        else:
            caught[per_million] = float((rank <= most).mean()) if len(mine) else None
    if not len(mine) or not len(maxima):
        return Power(caught, None, len(mine))
    below = np.searchsorted(maxima, lowest, "left") + np.searchsorted(maxima, lowest, "right")
    return Power(caught, float(below.mean()) / 2 / len(maxima), len(mine))


def reference_scores(reference: Reference) -> npt.NDArray[np.float64]:
    """The path maxima that a reference holds, sorted; of each bin its lower end."""
    return _core.path_maxima(reference)


def _refuse(options: Mapping[str, Any], name: str, reason: str) -> None:
    if name in options:
        raise TypeError(f"{name} is no option here: {reason}")


def ablation(
    collected: Collected,
    labels: Mapping[str, str],
    *,
    exclude: Iterable[str] = (),
    promises: Sequence[float] = (10000, 1000),
    progress: bool = True,
    **options: Any,
) -> dict[str, Power]:
    """Refits with all detectors, without each, and with each alone; what each catches of `labels`.

    `labels` maps accounts known to distil to their campaigns. They train nothing here, so that what
    is caught of them is honest.
    """
    _refuse(options, "detectors", "ablation chooses them")
    owners = np.array(_in_log(collected, labels, "labels"), np.int64)
    left_out = [collected.accounts[i] for i in _in_log(collected, exclude, "exclude")]
    every = collected.detectors
    sets: dict[str, tuple[str, ...]] = {"all": every}
    sets.update({f"without {d}": tuple(o for o in every if o != d) for d in every})
    sets.update({f"{d} alone": (d,) for d in every})
    out = {}
    for name, detectors in progress_over(sets.items(), progress):
        refitted = refit(collected, exclude=[*labels, *left_out], detectors=detectors, **options)
        out[name] = power(refitted.reference, collected.looks, owners, promises)
    return out


def leave_campaign_out(
    collected: Collected,
    labels: Mapping[str, str],
    *,
    exclude: Iterable[str] = (),
    folds: Optional[int] = 5,
    promises: Sequence[float] = (10000, 1000),
    progress: bool = True,
    seed: int = 0,
    **options: Any,
) -> Power:
    """Refits with the labels of all campaigns but some, and says what is caught of those."""
    from .evaluate import LeaveGroupsOut

    _refuse(options, "distilling", "it follows from labels")
    owners = np.array(_in_log(collected, labels, "labels"), np.int64)
    accounts, groups = list(labels), list(labels.values())
    left_out = [collected.accounts[i] for i in _in_log(collected, exclude, "exclude")]
    splitter = LeaveGroupsOut(folds, seed=seed)
    caught: dict[float, list[tuple[Optional[float], int]]] = {p: [] for p in promises}
    aucs = []
    splits = list(splitter.split(accounts, groups=groups))
    for train, test in progress_over(splits, progress):
        refitted = refit(
            collected,
            distilling={accounts[i]: labels[accounts[i]] for i in train},
            exclude=[*left_out, *(accounts[i] for i in test)],
            **options,
        )
        p = power(refitted.reference, collected.looks, owners[test], promises)
        aucs.append((p.auc, p.accounts))
        for per_million, share in p.caught.items():
            caught[per_million].append((share, p.accounts))
    total = sum(n for _, n in aucs)

    def mean(parts: list[tuple[Optional[float], int]]) -> Optional[float]:
        if any(share is None for share, _ in parts):
            return None
        return sum((share or 0) * n for share, n in parts) / max(1, total)

    return Power(
        {p: mean(parts) for p, parts in caught.items()},
        mean(aucs),
        total,
    )
