# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""How well a detector does on a labelled log, said honestly.

    labels = Labels.from_log(log)
    report = evaluate(labels, alerts=alerts(log, verdicts), scores=scores(log, verdicts), promise=promise)

The unit is the account. A distilling account is asked for when it sent at least `least` distilling
requests; accounts whose label is neither "benign" nor "distill" count for nobody. Shares of
accounts have Clopper-Pearson intervals; what campaigns decide (caught, leaked, ROC) has bootstrap
intervals over whole campaigns, because members of one campaign are no independent witnesses.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import html
import json
import math
import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import events
from ._core import Promise
from ._types import Level

Interval = tuple[float, float]
Alerts = Union[str, "os.PathLike[str]", Iterable[Mapping[str, Any]], Any]
Scores = Union[str, "os.PathLike[str]", Mapping[str, float], Iterable[Mapping[str, Any]]]
LEAST = 20
FPRS = (0.01, 0.001)


def _open(path: Union[str, os.PathLike[str]]) -> Any:
    for name in (os.fspath(path), os.fspath(path) + ".gz"):
        if os.path.exists(name):
            if name.endswith(".gz"):
                return gzip.open(name, "rt", encoding="utf-8", newline="")
            return open(name, encoding="utf-8", newline="")
    raise FileNotFoundError(f"neither {path} nor {path}.gz")


@dataclasses.dataclass(frozen=True)
class Labels:
    """What is known of a log's accounts, and when each sent its distilling requests (sorted)."""

    label: dict[str, str]  # "benign", "distill", or anything else for neither
    persona: dict[str, str]
    campaign: dict[str, str]  # "" for none
    times: dict[str, npt.NDArray[np.int64]]  # microseconds; only of accounts that have any

    @staticmethod
    def from_log(log: Any) -> Labels:
        """Of a log with the columns account, time, distill, label and perhaps persona, campaign."""
        accounts = np.asarray(log["account"], dtype=object)
        us = _core.microseconds(log["time"])
        distill = np.asarray(log["distill"], dtype=bool)
        names = list(log.keys())

        def of(column: str) -> dict[str, str]:
            if column not in names:
                return dict.fromkeys(accounts.tolist(), "")
            return dict(zip(accounts.tolist(), np.asarray(log[column], dtype=object).tolist()))

        times: dict[str, list[int]] = {}
        for account, time in zip(accounts[distill].tolist(), us[distill].tolist()):
            times.setdefault(account, []).append(time)
        return Labels(of("label"), of("persona"), of("campaign"),
                      {a: np.sort(np.array(t, np.int64)) for a, t in times.items()})

    @staticmethod
    def read(folder: Union[str, os.PathLike[str]]) -> Labels:
        """Of accounts.csv and requests.csv, either compressed with gzip or not."""
        label, persona, campaign = {}, {}, {}
        with _open(os.path.join(folder, "accounts.csv")) as file:
            for row in csv.DictReader(file):
                name = row["account"]
                label[name], persona[name] = row["label"], row.get("persona") or ""
                campaign[name] = row.get("campaign") or ""
        times: dict[str, list[int]] = {}
        with _open(os.path.join(folder, "requests.csv")) as file:
            for row in csv.DictReader(file):
                if row["distill"] == "1":
                    times.setdefault(row["account"], []).append(round(float(row["time"]) * 1e6))
        return Labels(label, persona, campaign,
                      {a: np.sort(np.array(t, np.int64)) for a, t in times.items()})

    def named(self, label: str) -> list[str]:
        return [account for account, value in self.label.items() if value == label]

    def sent(self, account: str) -> npt.NDArray[np.int64]:
        return self.times.get(account, np.zeros(0, np.int64))

    def asked(self, least: int = LEAST) -> list[str]:
        """The distilling accounts that a detector is asked for."""
        return [a for a in self.named("distill") if len(self.sent(a)) >= least]

    def cluster(self, account: str) -> str:
        """What resampling keeps together: the campaign, or the account where there is none."""
        return self.campaign.get(account) or f"account {account}"


# --- from verdicts to alerts and scores


def alerts(
    log: Any,
    verdicts: Any,
    level: Level = Level.DISTILLING,
    *,
    joined: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The first verdict of each account that reached the level, and the campaign that it ended in.

    `joined`, as distillwatch.watch gives it, adds an alert for each account that a review named.
    """
    accounts = np.asarray(log["account"], dtype=object)
    us = _core.microseconds(log["time"])
    flagged = np.flatnonzero(np.asarray(verdicts["level"]) >= int(level))
    campaigns = np.asarray(verdicts["campaign"])
    out: dict[str, dict[str, Any]] = {}
    for row in flagged.tolist():
        alert = out.setdefault(accounts[row], {"account": accounts[row], "time": us[row] / 1e6, "campaign": None})
        if campaigns[row]:
            alert["campaign"] = int(campaigns[row])
    return [*out.values(), *map(dict, joined)]


def scores(log: Any, verdicts: Any) -> dict[str, float]:
    """Each account's highest score."""
    names, index = np.unique(np.asarray(log["account"], dtype=str), return_inverse=True)
    best = np.full(len(names), -np.inf)
    np.maximum.at(best, index, np.asarray(verdicts["score"], dtype=np.float64))
    return dict(zip(names.tolist(), best.tolist()))


def _records(source: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(source, (str, os.PathLike)):
        with open(source, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    yield json.loads(line)
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):
        yield from source.to_dict("records")
    else:
        yield from source


def read_alerts(source: Alerts) -> tuple[dict[str, int], dict[str, Any]]:
    """The time of each account's first alert in microseconds, and its campaign by its last alert."""
    first: dict[str, int] = {}
    group: dict[str, Any] = {}
    for record in _records(source):
        account = record["account"]
        time = record["time"]
        us = round(time * 1e6) if isinstance(time, (int, float)) else int(_core.microseconds([time])[0])
        first[account] = min(first.get(account, us), us)
        campaign = record.get("campaign")
        if campaign is not None and campaign == campaign:
            group[account] = campaign
    return first, group


def read_scores(source: Scores) -> dict[str, float]:
    if isinstance(source, Mapping):
        return {account: float(score) for account, score in source.items()}
    return {record["account"]: float(record["score"]) for record in _records(source)}


# --- intervals


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


# --- curves


def _sides(labels: Labels, scores: Scores, least: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scores of asked distilling accounts and of benign ones."""
    of = read_scores(scores)
    positive, negative = labels.asked(least), labels.named("benign")
    missing = [a for a in labels.label if a not in of]
    if missing:
        raise ValueError(f"{len(missing)} accounts of the log have no score, {missing[0]!r} for one")
    return np.array([of[a] for a in positive], float), np.array([of[a] for a in negative], float)


def _auc(positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> float:
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.sum()) / 2 / max(1, len(positive) * len(negative))


def _tpr_at(positive: npt.NDArray[Any], negative: npt.NDArray[Any], fpr: float) -> float:
    n = len(negative)
    cut = np.sort(negative)[min(n - 1, math.ceil(n * (1 - fpr)))] if n else math.inf
    return float((positive > cut).sum()) / max(1, len(positive))


def roc(labels: Labels, scores: Scores, *, least: int = LEAST) -> Any:
    """The ROC over accounts: a structured array of fpr, tpr and threshold (flagged: at or above)."""
    positive, negative = _sides(labels, scores, least)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    out = np.zeros(len(thresholds) + 1, dtype=[("fpr", "f8"), ("tpr", "f8"), ("threshold", "f8")])
    out["threshold"][0] = np.inf
    out["threshold"][1:] = thresholds
    for name, side in (("fpr", negative), ("tpr", positive)):
        at_least = len(side) - np.searchsorted(np.sort(side), thresholds, "left")
        out[name][1:] = at_least / max(1, len(side))
    return out


def auc(labels: Labels, scores: Scores, *, least: int = LEAST) -> float:
    """The chance that a distilling account scores above a benign one."""
    return _auc(*_sides(labels, scores, least))


def partial_auc(labels: Labels, scores: Scores, max_fpr: float = 0.01, *, least: int = LEAST) -> float:
    """The mean true positive rate at false positive rates from 0 to max_fpr, in [0, 1]."""
    if not 0 < max_fpr <= 1:
        raise ValueError(f"max_fpr is {max_fpr}; allowed: above 0 to 1")
    curve = roc(labels, scores, least=least)
    fpr, tpr = curve["fpr"], curve["tpr"]
    end = float(np.interp(max_fpr, fpr, tpr))
    inside = fpr <= max_fpr
    x, y = np.append(fpr[inside], max_fpr), np.append(tpr[inside], end)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)) / max_fpr


def tpr_at_fpr(labels: Labels, scores: Scores, fpr: float, *, least: int = LEAST) -> float:
    """The share of distilling accounts above the score that a share `fpr` of benign ones exceeds."""
    return _tpr_at(*_sides(labels, scores, least), fpr)


# --- the report


@dataclasses.dataclass(frozen=True)
class Caught:
    """How a group of distilling accounts fared."""

    accounts: int
    asked: int  # accounts with enough distilling requests
    caught: Optional[float]  # share of the asked ones that were alerted
    caught_interval: Optional[Interval]  # bootstrap over campaigns
    median_queries: Optional[float]  # distilling requests of a caught account before its alert
    leaked: Optional[float]  # share of all distilling requests that went out before the alert
    leaked_interval: Optional[Interval]


@dataclasses.dataclass(frozen=True)
class FalseAlarms:
    accounts: int
    false: int
    share: Optional[float]
    interval: Interval  # Clopper-Pearson


@dataclasses.dataclass(frozen=True)
class FoundCampaign:
    accounts: int
    linked: float  # share of its accounts in the best found campaign
    purity: Optional[float]  # share of that campaign's accounts that belong here


@dataclasses.dataclass(frozen=True)
class Realised:
    """False alarms as they came against the promise."""

    promised: float  # falsely flagged of a million benign accounts
    realised: Optional[float]
    interval: Interval
    broken: bool  # the interval lies above the promise


@dataclasses.dataclass(frozen=True)
class Report:
    styles: dict[str, Caught]
    all: Caught
    benign: dict[str, FalseAlarms]
    false: FalseAlarms
    campaigns: dict[str, FoundCampaign]
    auc: Optional[float] = None
    auc_interval: Optional[Interval] = None
    partial_auc: Optional[float] = None  # up to a false positive rate of 1 %
    tpr: dict[float, float] = dataclasses.field(default_factory=dict)  # by false positive rate
    tpr_interval: dict[float, Optional[Interval]] = dataclasses.field(default_factory=dict)
    promise: Optional[Realised] = None

    def _tables(self) -> Iterator[tuple[list[str], list[list[Any]]]]:
        yield (
            ["style", "accounts", "asked", "caught", "95 %", "median queries", "leaked", "95 %"],
            [
                [style, c.accounts, c.asked, c.caught, c.caught_interval, c.median_queries, c.leaked, c.leaked_interval]
                for style, c in [*self.styles.items(), ("ALL", self.all)]
            ],
        )
        yield (
            ["benign persona", "accounts", "false", "share", "95 %"],
            [
                [persona, f.accounts, f.false, f.share, f.interval]
                for persona, f in [*self.benign.items(), ("ALL", self.false)]
            ],
        )
        if self.campaigns:
            yield (
                ["campaign", "accounts", "linked", "purity"],
                [[name, c.accounts, c.linked, c.purity] for name, c in self.campaigns.items()],
            )

    def _lines(self) -> Iterator[str]:
        if self.auc is not None:
            text = f"AUC {self.auc:.4f} {_show(self.auc_interval)}, up to 1 % of false positives {self.partial_auc:.4f}"
            yield text + "".join(
                f"; TPR at FPR {fpr:.1%} {tpr:.3f} {_show(self.tpr_interval.get(fpr))}"
                for fpr, tpr in self.tpr.items()
            )
        if self.promise is not None:
            p = self.promise
            low, high = (1e6 * x for x in p.interval)
            realised = "-" if p.realised is None else f"{p.realised:.0f}"
            yield (
                f"Promised at most {p.promised:.0f} false alarms in a million benign accounts, realised "
                f"{realised} (95 % {low:.0f} to {high:.0f}): {'BROKEN' if p.broken else 'no sign that it is broken'}"
            )

    def __repr__(self) -> str:
        out = []
        for head, rows in self._tables():
            cells = [head, *([_show(value) for value in row] for row in rows)]
            widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
            for row in cells:
                first, *rest = (c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths)))
                out.append("  ".join([first, *rest]))
            out.append("")
        return "\n".join([*out, *self._lines()])

    def _repr_html_(self) -> str:
        out = []
        for head, rows in self._tables():
            out.append("<table><tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in head) + "</tr>")
            for row in rows:
                out.append("<tr>" + "".join(f"<td>{html.escape(_show(v))}</td>" for v in row) + "</tr>")
            out.append("</table>")
        return "".join([*out, *(f"<p>{html.escape(line)}</p>" for line in self._lines())])


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return f"({value[0]:.3f} to {value[1]:.3f})"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _caught(
    labels: Labels, names: Sequence[str], first: Mapping[str, int], least: int, rounds: int, seed: int
) -> Caught:
    sent = np.array([len(labels.sent(n)) for n in names], np.int64)
    before = np.array(
        [np.searchsorted(labels.sent(n), first[n], "left") if n in first else len(labels.sent(n)) for n in names],
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
        caught_interval=bootstrap(labels, names, caught, rounds=rounds, seed=seed) if rounds else None,
        median_queries=float(statistics.median(before[hit].tolist())) if hit.any() else None,
        leaked=leaked(every),
        leaked_interval=bootstrap(labels, names, leaked, rounds=rounds, seed=seed) if rounds else None,
    )


def _false_alarms(names: Sequence[str], first: Mapping[str, int]) -> FalseAlarms:
    false = sum(n in first for n in names)
    return FalseAlarms(len(names), false, false / len(names) if names else None, clopper_pearson(false, len(names)))


def found_campaigns(labels: Labels, group: Mapping[str, Any]) -> dict[str, FoundCampaign]:
    """Recall and purity of each true campaign of two accounts or more."""
    true: dict[str, set[str]] = {}
    for name in labels.named("distill"):
        if labels.campaign.get(name):
            true.setdefault(labels.campaign[name], set()).add(name)
    found: dict[Any, set[str]] = {}
    for name, campaign in group.items():
        found.setdefault(campaign, set()).add(name)
    out = {}
    for campaign, members in sorted(true.items()):
        if len(members) < 2:
            continue
        best: set[str] = max(found.values(), key=lambda f: len(f & members), default=set())
        hit = len(best & members)
        out[campaign] = FoundCampaign(len(members), hit / len(members), hit / len(best) if best else None)
    return out


def realised(labels: Labels, alerts: Alerts, promise: Union[Promise, float]) -> Realised:
    """The false alarms that came, against the promise."""
    promised = promise if isinstance(promise, (int, float)) else promise.per_million
    first, _ = read_alerts(alerts)
    f = _false_alarms(labels.named("benign"), first)
    return Realised(
        promised, None if f.share is None else 1e6 * f.share, f.interval, 1e6 * f.interval[0] > promised
    )


def evaluate(
    labels: Labels,
    alerts: Alerts = (),
    scores: Optional[Scores] = None,
    *,
    promise: Union[Promise, float, None] = None,
    least: int = LEAST,
    rounds: int = 1000,
    seed: int = 0,
) -> Report:
    """All figures at once. `rounds` of bootstrap over campaigns; 0 for none."""
    alerts = list(_records(alerts))
    first, group = read_alerts(alerts)
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
        campaigns=found_campaigns(labels, group),
        promise=None if promise is None else realised(labels, alerts, promise),
    )
    if scores is None:
        return report
    scores = read_scores(scores)
    asked = labels.asked(least)
    positive, negative = _sides(labels, scores, least)

    def over_campaigns(of: Callable[[npt.NDArray[Any]], float]) -> Optional[Interval]:
        if not rounds:
            return None
        return bootstrap(labels, asked, lambda rows: of(positive[rows]), rounds=rounds, seed=seed)

    return dataclasses.replace(
        report,
        auc=_auc(positive, negative),
        auc_interval=over_campaigns(lambda p: _auc(p, negative)),
        partial_auc=partial_auc(labels, scores, least=least),
        tpr={fpr: _tpr_at(positive, negative, fpr) for fpr in FPRS},
        tpr_interval={fpr: over_campaigns(lambda p, f=fpr: _tpr_at(p, negative, f)) for fpr in FPRS},  # type: ignore[misc]
    )


# --- leaving out


class LeaveGroupsOut:
    """Splits samples so that no group is on both sides; scikit-learn's way of splitting.

    Samples without a group ("" or None: benign accounts) are dealt evenly over the folds.
    """

    def __init__(self, folds: Optional[int] = None, *, seed: int = 0) -> None:
        self.folds = folds
        self.seed = seed

    def _assign(self, groups: Sequence[Any]) -> tuple[npt.NDArray[np.int64], int]:
        names = sorted({g for g in groups if g}, key=str)
        if len(names) < 2:
            raise ValueError(f"there are {len(names)} groups; leaving one out takes two or more")
        folds = len(names) if self.folds is None else min(self.folds, len(names))
        if folds < 2:
            raise ValueError(f"folds is {self.folds}; allowed: 2 or more")
        random = np.random.default_rng(self.seed)
        order = random.permutation(len(names))
        fold_of = {name: int(order[i]) % folds for i, name in enumerate(names)}
        free = random.permutation(len(groups))
        return np.array([fold_of[g] if g else int(free[i]) % folds for i, g in enumerate(groups)], np.int64), folds

    def split(
        self, X: Any, y: Any = None, groups: Optional[Sequence[Any]] = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        if groups is None:
            raise ValueError("groups must be given")
        fold, folds = self._assign(list(groups))
        for f in range(folds):
            yield np.flatnonzero(fold != f), np.flatnonzero(fold == f)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Optional[Sequence[Any]] = None) -> int:
        if groups is None:
            raise ValueError("groups must be given")
        return self._assign(list(groups))[1]


def _leave_out(groups: Mapping[str, str], folds: Optional[int], seed: int) -> Iterator[tuple[list[str], list[str]]]:
    names = list(groups)
    for train, test in LeaveGroupsOut(folds, seed=seed).split(names, groups=[groups[n] for n in names]):
        yield [names[i] for i in train], [names[i] for i in test]


def leave_campaign_out(
    labels: Labels, folds: Optional[int] = None, *, seed: int = 0
) -> Iterator[tuple[list[str], list[str]]]:
    """Accounts to train and to test on, whole campaigns apart; lone harvesters are campaigns, too."""
    groups = {a: labels.cluster(a) if label == "distill" else "" for a, label in labels.label.items()}
    return _leave_out(groups, folds, seed)


def leave_source_out(
    source: Mapping[str, str], folds: Optional[int] = None, *, seed: int = 0
) -> Iterator[tuple[list[str], list[str]]]:
    """The same with any grouping of accounts, as the data set that their texts come from.

    All accounts of a source are on one side, benign ones as well.
    """
    return _leave_out(source, folds, seed)


# --- a detector of one's own


def looks_at(requests: int, time_us: int, last_look_us: int) -> bool:
    """Whether the monitor would look at an account's score now: at 16, 32, 64, ... requests, and once a day."""
    if requests < 16:
        return False
    return requests & (requests - 1) == 0 or time_us - last_look_us >= 86_400_000_000


def run(detector: Any, log: Any) -> Any:
    """Lets a detector of one's own see a log; returns a structured array with a score for each row.

    The detector has `score_one(event) -> float` and `learn_one(event)` as in river, or one method
    `observe(event) -> float`; higher is worse, NaN says nothing. Each row has the account's highest
    score over the same looks that the monitor takes, -inf before the first: so scores(log, rows)
    compares it with the C++ detectors, and calibrate() makes alerts of it.
    """
    rows = len(log["account"])
    out = np.zeros(rows, dtype=[("score", "f8"), ("looked", "?"), ("level", "u1"), ("campaign", "u8")])
    observe = getattr(detector, "observe", None)
    seen: dict[Any, list[Any]] = {}  # requests, last look, highest score
    for row, event in enumerate(events(log)):
        if observe is not None:
            score = float(observe(event))
        else:
            detector.learn_one(event)
            score = float(detector.score_one(event))
        state = seen.setdefault(event.account, [0, 0, -math.inf])
        state[0] += 1
        us = round(float(event.time) * 1e6)  # type: ignore[arg-type]
        if looks_at(state[0], us, state[1]):
            state[1] = us
            if score > state[2]:
                state[2] = score
            out["looked"][row] = True
        out["score"][row] = state[2]
    return out


def calibrate(rows: Any, reference: Iterable[float], promise: Optional[Promise] = None) -> Any:
    """Sets the level of rows by the rank of their scores among a reference's path maxima.

    `reference`: the highest scores of the operator's own accounts on another month, as scores()
    gives them. The promise is the monitor's: at most so many falsely flagged accounts of a million,
    if they are exchangeable with the reference's. Raises FailedPrecondition when it is too small.
    """
    promise = promise or Promise()
    maxima = np.sort(np.array(list(reference), float))
    most = _core.most_rank(promise, len(maxima))
    rank = 1 + len(maxima) - np.searchsorted(maxima, rows["score"], "left")
    p_value = rank / (len(maxima) + 1)
    out = rows.copy()
    out["level"] = np.where(
        rank <= most,
        int(Level.DISTILLING),
        np.where(rank <= 10 * most, int(Level.SUSPECT), np.where(p_value <= 0.05, int(Level.WATCH), 0)),
    )
    return out
