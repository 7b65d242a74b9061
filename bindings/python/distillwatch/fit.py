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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import event_columns
from ._columns import datetime_of
from ._core import Promise, Reference
from ._types import FeatureSpec, Text

Array = npt.NDArray[Any]
FEATURES: tuple[tuple[str, FeatureSpec], ...] = _core.FEATURES  # detector and feature, in order
DETECTORS: tuple[str, ...] = tuple(dict.fromkeys(detector for detector, _ in FEATURES))
_UNKNOWN = _core.UNKNOWN_BIN
_DAY_US = 86_400_000_000
_LEAST_ACCOUNTS = 40  # with a look, in each half


def feature_names() -> list[str]:
    """"detector.feature" of every column."""
    return [f"{detector}.{spec.name}" for detector, spec in FEATURES]


@dataclasses.dataclass(frozen=True)
class Looks:
    """Features of looks, one row each; `owner` is an index into `accounts`. Picklable."""

    owner: npt.NDArray[np.int32]
    time_us: npt.NDArray[np.int64]
    requests: npt.NDArray[np.uint32]
    features: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.owner)

    def where(self, rows: Array) -> Looks:
        return Looks(self.owner[rows], self.time_us[rows], self.requests[rows], self.features[rows])

    def last_of_epoch(self) -> Looks:
        """Of several looks of an owner at one age (16 to 31 requests, 32 to 63, ...) only the last."""
        epoch = _core.epochs(self.requests)
        order = np.lexsort(np.stack([self.time_us, self.owner]))
        owner, epoch = self.owner[order], epoch[order]
        last = np.append((owner[1:] != owner[:-1]) | (epoch[1:] != epoch[:-1]), True)
        return self.where(order[last[: len(order)]])

    def frame(self, accounts: Optional[Sequence[str]] = None) -> Any:
        """As a DataFrame."""
        import pandas as pd

        out = pd.DataFrame(self.features, columns=feature_names())
        out.insert(0, "requests", self.requests)
        out.insert(0, "time", self.time_us.astype("M8[us]"))
        owner = self.owner if accounts is None else np.asarray(accounts, dtype=object)[self.owner]
        out.insert(0, "account", owner)
        return out


def _looks(table: Mapping[str, Any]) -> Looks:
    return Looks(table["owner"], table["time_us"], table["requests"], table["features"])


@dataclasses.dataclass(frozen=True)
class Collected:
    """All that refitting needs to know of a log. Holds the key: keep it as secret."""

    accounts: list[str]
    looks: Looks
    calibrates: npt.NDArray[np.bool_]  # by account: in the half that calibrates
    active: npt.NDArray[np.int64]  # rows of account, first and last request of one of its days
    first_us: int
    last_us: int
    simulated: Looks  # generated harvesters; owner is the campaign
    grafted: Looks  # harvesters made of this log's own texts; owner is the graft
    key: bytes
    key_id: int
    key_drawn: bool

    @property
    def first(self) -> datetime:
        return datetime_of(self.first_us)

    @property
    def last(self) -> datetime:
        return datetime_of(self.last_us)

    def frame(self) -> Any:
        """All looks as a DataFrame."""
        return self.looks.frame(self.accounts)

    def __repr__(self) -> str:
        return (
            f"<Collected: {len(self.looks)} looks of {len(self.accounts)} accounts, "
            f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}>"
        )


def collect(
    log: Any,
    *,
    key: Optional[Text] = None,
    harvesters: int = 1200,
    grafts: bool = True,
    seed: int = 1,
    max_prompt_bytes: int = 65536,
) -> Collected:
    """Sees a log (columns account, time, prompt, ...) and keeps the features of every look.

    `harvesters` campaigns are generated, and with `grafts` others are made of the log's own texts.
    No text is kept.
    """
    collector = _core.Collector(key, max_prompt_bytes, grafts, seed)
    columns = event_columns(log)
    columns.pop("attributes", None)  # detectors of one account do not look at them
    collector.observe_many(**columns)
    accounts = collector.accounts()
    if not len(accounts["account"]):
        raise ValueError("the log is empty")
    return Collected(
        accounts=list(accounts["account"]),
        looks=_looks(collector.looks()),
        calibrates=accounts["calibrates"].astype(bool),
        active=np.stack([accounts[c] for c in ("day_owner", "day_first_us", "day_last_us")], axis=1),
        first_us=int(accounts["first_us"].min()),
        last_us=int(accounts["last_us"].max()),
        simulated=_looks(collector.harvesters("simulated", harvesters)),
        grafted=_looks(collector.harvesters("grafted")),
        key=collector.key,
        key_id=collector.key_id,
        key_drawn=key is None,
    )


# --- the score


def _mask(bins: Array, detectors: Iterable[str]) -> Array:
    """Makes the features of other detectors unknown."""
    chosen = set(detectors)
    unknown = chosen - set(DETECTORS)
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is not a detector; allowed: {', '.join(DETECTORS)}")
    keep = np.array([detector in chosen for detector, _ in FEATURES])
    out = bins.copy()
    out[:, ~keep] = _UNKNOWN
    return out


def _forest_of_sklearn(
    positive: Array, positive_weights: Array, unlabelled: Array, unlabelled_weights: Array, **options: Any
) -> dict[str, Array]:
    """scikit-learn's gradient boosting over the same bins, as the trees that C++ evaluates."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = np.concatenate([positive, unlabelled]).astype(np.float64)
    x[x == _UNKNOWN] = np.nan
    y = np.repeat([1, 0], [len(positive), len(unlabelled)])
    weights = np.concatenate(
        [positive_weights / positive_weights.sum(), unlabelled_weights / unlabelled_weights.sum()]
    ) * (len(x) / 2)
    settings = {"max_iter": 300, "max_leaf_nodes": 16, "learning_rate": 0.06, "l2_regularization": 10.0,
                "min_samples_leaf": 30, "early_stopping": False, "random_state": 0, **options}
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
    return {"value": np.array(values, np.float32), "left": np.array(left, np.uint16),
            "feature": np.array(feature, np.uint8), "last_left": np.array(last_left, np.uint8),
            "start": np.array(start, np.int32)}


@dataclasses.dataclass(frozen=True)
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
    """How each score comes about, as a DataFrame; columns by "feature" or by "detector", and the base."""
    import pandas as pd

    bins = _core.Ranks.of(reference).bins(looks.requests, looks.features)
    table = _core.Model.of(reference).contributions(looks.requests, bins)
    out = pd.DataFrame(table, columns=[*feature_names(), "base"])
    if by == "feature":
        return out
    if by != "detector":
        raise ValueError(f"by is {by!r}; allowed: feature, detector")
    return pd.DataFrame(
        {d: out[[c for c in out if c.startswith(d + ".")]].sum(axis=1) for d in DETECTORS} | {"base": out["base"]}
    )


def _windows(collected: Collected, horizon_s: float) -> tuple[int, int]:
    """The horizon in microseconds that the log covers, and how many of them."""
    span = collected.last_us - collected.first_us
    horizon = int(horizon_s * 1e6)
    if span < horizon:  # as ReferenceLearner does: whole days where there are some
        horizon = min(horizon, -(-span // _DAY_US) * _DAY_US if span > _DAY_US else max(span, 3_600_000_000))
    return horizon, min(64, max(1, (span + horizon // 20) // horizon))


def path_maxima(
    collected: Collected, scores: npt.NDArray[np.float64], accounts: Array, horizon_s: float
) -> npt.NDArray[np.float64]:
    """The highest scores of these accounts (indices) in the horizons in which they were active."""
    horizon, covered = _windows(collected, horizon_s)
    chosen = np.zeros(len(collected.accounts), bool)
    chosen[accounts] = True
    best: dict[tuple[int, int], float] = {}
    # A window is longer than a day's part of it, so that first and last request show all windows.
    of = collected.active[chosen[collected.active[:, 0]]]
    for column in (1, 2):
        window = (of[:, column] - collected.first_us) // horizon
        for a, w in zip(of[:, 0].tolist(), window.tolist()):
            if 0 <= w < covered:
                best[a, w] = -8.0
    looks = collected.looks
    rows = np.flatnonzero(chosen[looks.owner])
    of_look = (looks.time_us[rows] - collected.first_us) // horizon
    for a, w, s in zip(looks.owner[rows].tolist(), of_look.tolist(), scores[rows].tolist()):
        if w < covered:
            best[a, w] = max(best.get((a, w), -8.0), s)
    return np.array(list(best.values()), float)


def refit(
    collected: Collected,
    *,
    distilling: Union[Iterable[str], Mapping[str, str]] = (),
    exclude: Iterable[str] = (),
    positives: Optional[Looks] = None,
    simulated: bool = True,
    grafted: bool = True,
    detectors: Iterable[str] = DETECTORS,
    engine: str = "trees",
    horizon_days: float = 30,
    **options: Any,
) -> Refitted:
    """Fits the score and calibrates it.

    distilling   own accounts known to distil; as a dict, the campaign of each (campaigns weigh the
                 same). They train as positives and calibrate nothing.
    exclude      accounts to leave out on both sides.
    positives    looks of further harvesters, as of a log that was shared
    simulated, grafted   use the generated harvesters
    detectors    features of the others count as unknown
    engine       "trees" is the C++ library's own; "sklearn" is HistGradientBoostingClassifier
    options      of the engine: trees, leaves, learning_rate, ridge, least_rows; or scikit-learn's

    Raises ValueError when there are too few accounts.
    """
    index = {account: i for i, account in enumerate(collected.accounts)}
    groups = dict(distilling) if isinstance(distilling, Mapping) else {a: f"account {a}" for a in distilling}
    missing = [a for a in groups if a not in index]
    if missing:
        raise ValueError(f"{missing[0]!r} is to distil, but is not in the log")
    left_out = np.zeros(len(collected.accounts), bool)
    for account in [*groups, *exclude]:
        if account in index:
            left_out[index[account]] = True

    looks = collected.looks
    own = ~left_out[looks.owner]
    trains = own & ~collected.calibrates[looks.owner]
    for name, side in (("train", trains), ("calibrate", own & collected.calibrates[looks.owner])):
        n = len(np.unique(looks.owner[side]))
        if n < _LEAST_ACCOUNTS:
            raise ValueError(
                f"only {n} accounts with 16 requests or more are left to {name} with; allowed: {_LEAST_ACCOUNTS} or more"
            )
    rows = looks.where(trains).last_of_epoch()
    ranks = _core.Ranks.learn(rows.requests, rows.features)

    def bins_of(l: Looks) -> Array:
        return _mask(ranks.bins(l.requests, l.features), detectors)

    # Every kind of harvester weighs the same, and within it every campaign.
    sources: list[tuple[Looks, Array]] = []
    if simulated and len(collected.simulated):
        sources.append((collected.simulated, collected.simulated.owner))
    if grafted and len(collected.grafted):
        sources.append((collected.grafted, collected.grafted.owner))
    if groups:
        chosen = np.isin(looks.owner, [index[a] for a in groups])
        known = looks.where(chosen).last_of_epoch()
        if len(known):
            sources.append((known, np.array([groups[collected.accounts[o]] for o in known.owner])))
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
        forest = _core.fit_trees(*sides, **options)
    elif engine == "sklearn":
        forest = _forest_of_sklearn(*sides, **options)
    else:
        raise ValueError(f"engine is {engine!r}; allowed: trees, sklearn")

    # Scores of different ages are made comparable by what the training accounts score.
    unscaled = np.tile(np.array([0, 1], np.float32), (_core.EPOCHS, 1))
    raw = _core.Model(**forest, scales=unscaled)
    of_training = looks.where(trains)
    log_odds = raw.log_odds(bins_of(of_training))
    epoch = _core.epochs(of_training.requests)
    scales = unscaled.copy()
    nearest = scales[0]
    for e in range(_core.EPOCHS):
        if (epoch == e).sum() >= 20:
            nearest = np.quantile(log_odds[epoch == e], [0.5, 0.95]).astype(np.float32)
        scales[e] = nearest
    if set(detectors) != set(DETECTORS):
        forest = _without(forest, detectors)
    model = _core.Model(**forest, scales=scales)

    scores = np.full(len(looks), -8.0)
    calibrating = np.flatnonzero(collected.calibrates & ~left_out)
    side = np.isin(looks.owner, calibrating)
    scored = looks.where(side)
    scores[side] = model.scores(scored.requests, ranks.bins(scored.requests, scored.features))
    horizon, _ = _windows(collected, horizon_days * 86400)
    maxima = path_maxima(collected, scores, calibrating, horizon_days * 86400)
    reference = _core.make_reference(
        ranks, model, maxima, horizon // 1_000_000, len(np.unique(looks.owner[trains])),
        collected.first_us, collected.last_us, collected.key_id,
        collected.key if collected.key_drawn else None,
    )
    return Refitted(reference, ranks, model, maxima)


def _without(forest: dict[str, Array], detectors: Iterable[str]) -> dict[str, Array]:
    """A tree that was grown without a feature may not ask for it; trees never do, so this only checks."""
    allowed = np.array([detector in set(detectors) for detector, _ in FEATURES])
    inner = forest["left"] > 0
    if not allowed[forest["feature"][inner]].all():
        raise AssertionError("a tree asks for a feature that was unknown everywhere")
    return forest


# --- how good it is


@dataclasses.dataclass(frozen=True)
class Power:
    """The share of distilling accounts that would be flagged at promises."""

    caught: dict[float, Optional[float]]  # by falsely flagged of a million; None: cannot be promised
    auc: float
    accounts: int

    def __repr__(self) -> str:
        caught = ", ".join(
            f"{'-' if share is None else f'{share:.3f}'} at {per_million:g}" for per_million, share in self.caught.items()
        )
        return f"Power({self.accounts} accounts: {caught} of a million, AUC {self.auc:.3f})"


def power(
    reference: Reference, looks: Looks, owners: Array, promises: Sequence[float] = (10000, 1000)
) -> Power:
    """What a reference catches of some accounts' looks (owners: which accounts)."""
    scores = score_looks(reference, looks)
    owners = np.asarray(owners)
    best = np.full(int(max(looks.owner.max(initial=0), owners.max(initial=0))) + 1, -8.0)
    np.maximum.at(best, looks.owner, scores)
    mine = best[owners]
    maxima = reference_scores(reference)
    rank = 1 + len(maxima) - np.searchsorted(maxima, mine, "left")
    caught: dict[float, Optional[float]] = {}
    for per_million in promises:
        try:
            most = _core.most_rank(Promise(per_million), len(maxima))
        except ValueError:
            caught[per_million] = None
        else:
            caught[per_million] = float((rank <= most).mean()) if len(mine) else None
    below = np.searchsorted(maxima, mine, "left") + np.searchsorted(maxima, mine, "right")
    return Power(caught, float(below.mean()) / 2 / max(1, len(maxima)) if len(mine) else 0.5, len(mine))


def reference_scores(reference: Reference) -> npt.NDArray[np.float64]:
    """The path maxima that a reference holds, sorted; of each bin its lower end."""
    return _core.path_maxima(reference)


def ablation(
    collected: Collected,
    labels: Mapping[str, str],
    *,
    promises: Sequence[float] = (10000, 1000),
    progress: bool = True,
    **options: Any,
) -> dict[str, Power]:
    """Refits with all detectors, without each, and with each alone; what each catches of `labels`.

    `labels` maps accounts known to distil to their campaigns. They train nothing here, so that what
    is caught of them is honest.
    """
    sets: dict[str, tuple[str, ...]] = {"all": DETECTORS}
    sets.update({f"without {d}": tuple(o for o in DETECTORS if o != d) for d in DETECTORS})
    sets.update({f"{d} alone": (d,) for d in DETECTORS})
    index = {account: i for i, account in enumerate(collected.accounts)}
    owners = np.array([index[a] for a in labels if a in index], np.int64)
    out = {}
    for name, detectors in _progress(sets.items(), progress):
        refitted = refit(collected, exclude=labels, detectors=detectors, **options)
        out[name] = power(refitted.reference, collected.looks, owners, promises)
    return out


def leave_campaign_out(
    collected: Collected,
    labels: Mapping[str, str],
    *,
    folds: Optional[int] = 5,
    promises: Sequence[float] = (10000, 1000),
    progress: bool = True,
    seed: int = 0,
    **options: Any,
) -> Power:
    """Refits with the labels of all campaigns but some, and says what is caught of those."""
    from .evaluate import LeaveGroupsOut

    accounts = [a for a in labels if a in set(collected.accounts)]
    index = {account: i for i, account in enumerate(collected.accounts)}
    groups = [labels[a] for a in accounts]
    splitter = LeaveGroupsOut(folds, seed=seed)
    caught: dict[float, list[tuple[Optional[float], int]]] = {p: [] for p in promises}
    aucs = []
    splits = list(splitter.split(accounts, groups=groups))
    for train, test in _progress(splits, progress):
        refitted = refit(
            collected, distilling={accounts[i]: labels[accounts[i]] for i in train},
            exclude=[accounts[i] for i in test], **options,
        )
        p = power(refitted.reference, collected.looks, np.array([index[accounts[i]] for i in test]), promises)
        aucs.append((p.auc, p.accounts))
        for per_million, share in p.caught.items():
            caught[per_million].append((share, p.accounts))
    total = sum(n for _, n in aucs)

    def mean(parts: list[tuple[Optional[float], int]]) -> Optional[float]:
        if any(share is None for share, _ in parts):
            return None
        return sum((share or 0) * n for share, n in parts) / max(1, total)

    return Power({p: mean(parts) for p, parts in caught.items()}, sum(a * n for a, n in aucs) / max(1, total), total)


def _progress(items: Iterable[Any], wanted: bool) -> Iterator[Any]:
    if wanted:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            yield from tqdm(list(items), leave=False)
            return
    yield from items
