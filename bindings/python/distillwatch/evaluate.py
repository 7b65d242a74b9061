# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""How well a detector does on a labelled log, said honestly.

    labels = Labels.from_log(log)
    report = evaluate(labels, alerts(log, verdicts), scores(log, verdicts), promise=promise)

The unit is the account. A distilling account is asked for when it sent at least `least` distilling
requests; accounts whose label is neither "benign" nor "distill" count for nobody. Shares of
accounts have Clopper-Pearson intervals; what campaigns decide (caught, leaked, ROC) has bootstrap
intervals over whole campaigns, because members of one campaign are no independent witnesses.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import events
from ._bins import lower_ends
from ._core import Promise, Reference
from ._intervals import (
    BROKEN_BELOW,
    Interval,
    bootstrap,
    clopper_pearson,
    false_alarm_chance,
    false_alarm_range,
    promise_of,
)
from ._labels import (
    LEAST,
    Alert,
    Alerts,
    Labels,
    Scores,
    alerts,
    campaign_of,
    each_alert,
    first_alerts,
    last_campaigns,
    read_alerts,
    read_scores,
    scores,
)
from ._own import looks_at, run
from ._report import Caught, FalseAlarms, FoundCampaign, Realised, Report
from ._splits import LeaveGroupsOut, leave_campaign_out, leave_source_out
from ._types import Level

__all__ = [
    "BROKEN_BELOW",
    "LEAST",
    "Alerts",
    "Interval",
    "Scores",
    "Caught",
    "FalseAlarms",
    "FoundCampaign",
    "Labels",
    "LeaveGroupsOut",
    "Realised",
    "Report",
    "alerts",
    "events",
    "auc",
    "bootstrap",
    "calibrate",
    "clopper_pearson",
    "evaluate",
    "false_alarm_chance",
    "false_alarm_range",
    "found_campaigns",
    "leave_campaign_out",
    "leave_source_out",
    "looks_at",
    "partial_auc",
    "read_alerts",
    "read_scores",
    "realised",
    "roc",
    "run",
    "scores",
    "tpr_at_fpr",
]
FPRS = (0.01, 0.001)


def _sides(labels: Labels, scores: Scores, least: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scores of asked distilling accounts and of benign ones."""
    of = read_scores(scores)
    positive, negative = labels.asked(least), labels.named("benign")
    missing = [a for a in labels.label if a not in of]
    if missing:
        raise ValueError(
            f"{len(missing)} accounts of the log have no score, {missing[0]!r} for one"
        )
    return np.array([of[a] for a in positive], float), np.array([of[a] for a in negative], float)


def _auc(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> Optional[float]:
    pairs = len(positive) * len(negative)
    if not pairs:
        return None
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.sum()) / 2 / pairs


def _tpr_at(
    positive: npt.NDArray[Any], negative: npt.NDArray[Any], fpr: float
) -> Optional[float]:
    n = len(negative)
    if not n or not len(positive):
        return None
    cut = np.sort(negative)[min(n - 1, math.ceil(n * (1 - fpr)))]
    return float((positive > cut).sum()) / len(positive)


def roc(labels: Labels, scores: Scores, *, least: int = LEAST) -> Any:
    """The ROC over accounts as structured array: fpr, tpr, threshold (flagged: at or above)."""
    positive, negative = _sides(labels, scores, least)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    out = np.zeros(len(thresholds) + 1, dtype=[("fpr", "f8"), ("tpr", "f8"), ("threshold", "f8")])
    out["threshold"][0] = np.inf
    out["threshold"][1:] = thresholds
    for name, side in (("fpr", negative), ("tpr", positive)):
        at_least = len(side) - np.searchsorted(np.sort(side), thresholds, "left")
        out[name][1:] = at_least / max(1, len(side))
    return out


def auc(labels: Labels, scores: Scores, *, least: int = LEAST) -> Optional[float]:
    """The chance that a distilling account scores above a benign one; None where one is missing."""
    return _auc(*_sides(labels, scores, least))


def partial_auc(
    labels: Labels, scores: Scores, max_fpr: float = 0.01, *, least: int = LEAST
) -> Optional[float]:
    """The mean true positive rate at false positive rates from 0 to max_fpr, in [0, 1]."""
    if not 0 < max_fpr <= 1:
        raise ValueError(f"max_fpr is {max_fpr}; allowed: above 0 to 1")
    if not all(map(len, _sides(labels, scores, least))):
        return None
    curve = roc(labels, scores, least=least)
    fpr, tpr = curve["fpr"], curve["tpr"]
    end = float(np.interp(max_fpr, fpr, tpr))
    inside = fpr <= max_fpr
    x, y = np.append(fpr[inside], max_fpr), np.append(tpr[inside], end)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)) / max_fpr


def tpr_at_fpr(
    labels: Labels, scores: Scores, fpr: float, *, least: int = LEAST
) -> Optional[float]:
    """The share of distilling accounts above what a share `fpr` of benign ones exceeds."""
    if not 0 <= fpr <= 1:
        raise ValueError(f"fpr is {fpr}; allowed: 0 to 1")
    return _tpr_at(*_sides(labels, scores, least), fpr)


def calibrate(
    rows: Any,
    reference: Union[Mapping[Any, float], Iterable[float]],
    promise: Union[Promise, float, None] = None,
) -> Any:
    """Sets the level of rows by the rank of their scores among a reference's path maxima.

    `reference`: the highest scores of the operator's own accounts on another month, as scores()
    or fit.reference_scores give them. The latter know scores by their bins of 1/32 alone, and a
    score counts as below all in its bin, as in the monitor. The promise is the monitor's: at most
    so many falsely flagged accounts of a million, if they are exchangeable with the reference's.
    Raises FailedPrecondition when it is too small.
    """
    promise = Promise() if promise is None else promise_of(promise)
    values = reference.values() if isinstance(reference, Mapping) else reference
    maxima = np.sort(np.array(list(values), float))
    scores = np.asarray(rows["score"], float)
    for name, of in (("reference", maxima), ("score", scores)):
        if np.isnan(of).any():
            raise ValueError(f"a {name} is nan; allowed: numbers")
    most = _core.most_rank(promise, len(maxima))
    if np.array_equal(lower_ends(maxima), maxima):  # as a reference knows them
        scores = lower_ends(scores)
    rank = 1 + len(maxima) - np.searchsorted(maxima, scores, "left")
    out = rows.copy()
    out["level"] = np.select(
        [rank <= most, rank <= 10 * most, rank / (len(maxima) + 1) <= 0.05],
        [int(Level.DISTILLING), int(Level.SUSPECT), int(Level.WATCH)],
        int(Level.CLEAR),
    )
    return out


# --- the report


def _caught(
    labels: Labels,
    names: Sequence[str],
    first: Mapping[str, int],
    least: int,
    rounds: int,
    seed: int,
) -> Caught:
    sent = np.array([len(labels.sent(n)) for n in names], np.int64)
    before = np.array(
        [
            np.searchsorted(labels.sent(n), first[n], "left") if n in first else len(labels.sent(n))
            for n in names
        ],
        np.int64,
    )
    asked = sent >= least
    hit = np.array([n in first for n in names], bool) & asked

    def caught(rows: npt.NDArray[np.int64]) -> Optional[float]:
        n = int(asked[rows].sum())
        return float(hit[rows].sum()) / n if n else None

    def leaked(rows: npt.NDArray[np.int64]) -> Optional[float]:
        n = int(sent[rows].sum())
        return float(before[rows].sum()) / n if n else None

    every = np.arange(len(names))
    return Caught(
        accounts=len(names),
        asked=int(asked.sum()),
        caught=caught(every),
        caught_interval=bootstrap(labels, names, caught, rounds=rounds, seed=seed)
        if rounds
        else None,
        median_queries=float(statistics.median(before[hit].tolist())) if hit.any() else None,
        leaked=leaked(every),
        leaked_interval=bootstrap(labels, names, leaked, rounds=rounds, seed=seed)
        if rounds
        else None,
    )


def _false_alarms(names: Sequence[str], first: Mapping[str, int]) -> FalseAlarms:
    false = sum(n in first for n in names)
    return FalseAlarms(
        len(names), false, false / len(names) if names else None, clopper_pearson(false, len(names))
    )


def found_campaigns(labels: Labels, group: Mapping[str, Any]) -> dict[str, FoundCampaign]:
    """Recall and purity of each true campaign of two accounts or more."""
    true: dict[str, set[str]] = {}
    for name in labels.named("distill"):
        if labels.campaign.get(name):
            true.setdefault(labels.campaign[name], set()).add(name)
    found: dict[Any, set[str]] = {}
    for name, campaign in group.items():
        if campaign_of(campaign) is not None:
            found.setdefault(campaign, set()).add(name)
    out = {}
    for campaign, members in sorted(true.items()):
        if len(members) < 2:
            continue
        best: set[str] = max(found.values(), key=lambda f: len(f & members), default=set())
        hit = len(best & members)
        out[campaign] = FoundCampaign(
            len(members), hit / len(members), hit / len(best) if best else None
        )
    return out


def _realised(
    labels: Labels,
    alerts: Sequence[Alert],
    promise: Union[Promise, float],
    reference: Union[Reference, int, None],
) -> Realised:
    promise = promise_of(promise)
    first = first_alerts(a for a in alerts if a.level >= Level.DISTILLING)
    f = _false_alarms(labels.named("benign"), first)
    chance = false_alarm_chance(f.false, f.accounts, promise, reference)
    return Realised(
        promised=promise.per_million,
        realised=None if f.share is None else 1e6 * f.share,
        interval=f.interval,
        broken=chance < BROKEN_BELOW,
        chance=chance,
        reference=reference.accounts if isinstance(reference, Reference) else reference,
    )


def realised(
    labels: Labels,
    alerts: Alerts,
    promise: Union[Promise, float],
    reference: Union[Reference, int, None] = None,
) -> Realised:
    """The false alarms that came, against the promise.

    The promise is about accounts that are called distilling: alerts of a lower level, as those of
    campaigns' members are, do not count. It is an expectation over references, so with few accounts
    in the `reference` many more can come by luck (see false_alarm_chance).
    """
    return _realised(labels, each_alert(alerts), promise, reference)


def evaluate(
    labels: Labels,
    alerts: Alerts = (),
    scores: Optional[Scores] = None,
    *,
    promise: Union[Promise, float, None] = None,
    reference: Union[Reference, int, None] = None,
    least: int = LEAST,
    rounds: int = 1000,
    seed: int = 0,
) -> Report:
    """All figures at once. `rounds` of bootstrap over campaigns; 0 for none.

    `reference` is the one that the promise stands on, or how many accounts it has.
    """
    every = each_alert(alerts)
    first = first_alerts(every)
    unknown = [account for account in first if account not in labels.label]
    if unknown:
        raise ValueError(f"the alerts name an account that the log does not have: {unknown[0]!r}")
    styles: dict[str, list[str]] = {}
    for name in labels.named("distill"):
        styles.setdefault(labels.persona.get(name, ""), []).append(name)
    personas: dict[str, list[str]] = {}
    for name in labels.named("benign"):
        personas.setdefault(labels.persona.get(name, ""), []).append(name)
    harvesters = [name for style in sorted(styles) for name in styles[style]]
    report = Report(
        styles={s: _caught(labels, styles[s], first, least, rounds, seed) for s in sorted(styles)},
        all=_caught(labels, harvesters, first, least, rounds, seed),
        benign={p: _false_alarms(personas[p], first) for p in sorted(personas)},
        false=_false_alarms(labels.named("benign"), first),
        campaigns=found_campaigns(labels, last_campaigns(every)),
        promise=None if promise is None else _realised(labels, every, promise, reference),
    )
    if scores is None:
        return report
    scores = read_scores(scores)
    asked = labels.asked(least)
    positive, negative = _sides(labels, scores, least)

    def over_campaigns(of: Callable[[npt.NDArray[Any]], Optional[float]]) -> Optional[Interval]:
        if not rounds:
            return None
        return bootstrap(labels, asked, lambda rows: of(positive[rows]), rounds=rounds, seed=seed)

    def tpr_of(fpr: float) -> Callable[[npt.NDArray[Any]], Optional[float]]:
        return lambda rows: _tpr_at(rows, negative, fpr)

    return dataclasses.replace(
        report,
        auc=_auc(positive, negative),
        auc_interval=over_campaigns(lambda p: _auc(p, negative)),
        partial_auc=partial_auc(labels, scores, least=least),
        tpr={fpr: _tpr_at(positive, negative, fpr) for fpr in FPRS},
        tpr_interval={fpr: over_campaigns(tpr_of(fpr)) for fpr in FPRS},
    )
