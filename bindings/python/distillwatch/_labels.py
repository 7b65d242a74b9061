# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Labels, alerts and scores, from wherever they come."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import math
import numbers
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import column_of, is_missing
from ._columns import microseconds_of
from ._types import Level

Alerts = Union[str, "os.PathLike[str]", Iterable[Mapping[str, Any]], Any]
Scores = Union[str, "os.PathLike[str]", Mapping[str, float], Iterable[Mapping[str, Any]], Any]
LEAST = 20  # distilling requests, from which on a detector is asked for the account


def _open(path: Union[str, os.PathLike[str]]) -> Any:
    for name in (os.fspath(path), os.fspath(path) + ".gz"):
        if os.path.exists(name):
            if name.endswith(".gz"):
                return gzip.open(name, "rt", encoding="utf-8", newline="")
            return open(name, encoding="utf-8", newline="")
    raise FileNotFoundError(f"neither {path} nor {path}.gz")


def name_of(account: Any, name: str = "account") -> str:
    """An account's name as str; bytes that are no UTF-8 keep their difference as surrogates."""
    if isinstance(account, str):
        return account
    if is_missing(account):
        raise ValueError(f"{name} is missing")
    if not isinstance(account, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} must be str or bytes, not {type(account).__name__}")
    return bytes(account).decode("utf-8", "surrogateescape")


def campaign_of(value: Any) -> Any:
    """A campaign, or None for none, which may be missing, "" or 0."""
    return None if is_missing(value) or value in ("", 0) else value


def level_of(value: Any) -> Level:
    """A level by its number or its name."""
    if isinstance(value, str) and value.upper() in Level.__members__:
        return Level[value.upper()]
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and value in list(Level):
        return Level(int(value))
    allowed = ", ".join(f"{int(level)} ({level})" for level in Level)
    raise ValueError(f"level is {value!r}; allowed: {allowed}")


def _flag(value: Any, name: str) -> bool:
    """What a column of true and false says, however it was written; missing is false."""
    if is_missing(value):
        return False
    word = str(value).lower()
    if word in ("1", "1.0", "true"):
        return True
    if word in ("0", "0.0", "false", ""):
        return False
    raise ValueError(f"{name} is {value!r}; allowed: 1, 0, true, false, or nothing")


def _need(columns: Iterable[str], needed: Iterable[str], what: str) -> None:
    there = list(columns)
    for name in needed:
        if name not in there:
            raise ValueError(f"{what} has no column {name!r}; it has {', '.join(map(str, there))}")


def _accounts(log: Any, rows: int) -> list[str]:
    values = column_of(log["account"], "account", rows)
    return [name_of(value, f"account[{row}]") for row, value in enumerate(values)]


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """What is known of a log's accounts, and when each sent its distilling requests (sorted)."""

    label: dict[str, str]  # "benign", "distill", or anything else for neither
    persona: dict[str, str]
    campaign: dict[str, str]  # "" for none
    times: dict[str, npt.NDArray[np.int64]]  # microseconds; only of accounts that have any

    def __post_init__(self) -> None:
        for field in ("label", "persona"):
            of = {a: "" if is_missing(v) else str(v) for a, v in getattr(self, field).items()}
            object.__setattr__(self, field, of)
        campaign = {a: str(campaign_of(c) or "") for a, c in self.campaign.items()}
        object.__setattr__(self, "campaign", campaign)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Labels):
            return NotImplemented
        return (
            self.label == other.label
            and self.persona == other.persona
            and self.campaign == other.campaign
            and self.times.keys() == other.times.keys()
            and all(np.array_equal(t, other.times[a]) for a, t in self.times.items())
        )

    @staticmethod
    def from_log(log: Any) -> Labels:
        """Of a log with the columns account, time, distill, label and perhaps persona, campaign."""
        names = list(log.keys())
        _need(names, ("account", "time", "distill", "label"), "the log")
        us = _core.microseconds(log["time"]).tolist()
        accounts = _accounts(log, len(us))

        def of(column: str) -> dict[str, Any]:
            values = log[column] if column in names else ""
            return dict(zip(accounts, column_of(values, column, len(us))))

        times: dict[str, list[int]] = {}
        distill = column_of(log["distill"], "distill", len(us))
        for row, (account, time, value) in enumerate(zip(accounts, us, distill)):
            if _flag(value, f"distill[{row}]"):
                times.setdefault(account, []).append(time)
        return Labels(
            of("label"),
            of("persona"),
            of("campaign"),
            {a: np.sort(np.array(t, np.int64)) for a, t in times.items()},
        )

    @staticmethod
    def read(folder: Union[str, os.PathLike[str]]) -> Labels:
        """Of accounts.csv and requests.csv, either compressed with gzip or not."""
        label, persona, campaign = {}, {}, {}
        with _open(os.path.join(folder, "accounts.csv")) as file:
            table = csv.DictReader(file)
            _need(table.fieldnames or (), ("account", "label"), "accounts.csv")
            for row in table:
                name = row["account"]
                label[name], persona[name] = row["label"], row.get("persona") or ""
                campaign[name] = row.get("campaign") or ""
        times: dict[str, list[int]] = {}
        with _open(os.path.join(folder, "requests.csv")) as file:
            table = csv.DictReader(file)
            _need(table.fieldnames or (), ("account", "time", "distill"), "requests.csv")
            for row in table:
                if _flag(row["distill"], f"requests.csv:{table.line_num}: distill"):
                    times.setdefault(row["account"], []).append(round(float(row["time"]) * 1e6))
        return Labels(
            label, persona, campaign, {a: np.sort(np.array(t, np.int64)) for a, t in times.items()}
        )

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


def alerts(
    log: Any,
    verdicts: Any,
    level: Union[Level, int, str] = Level.DISTILLING,
    *,
    joined: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The first verdict of each account that reached the level, and the campaign that it ended in.

    `joined`, as distillwatch.watch gives it, adds an alert for each account that a review named.
    """
    least = level_of(level)
    us = _core.microseconds(log["time"])
    accounts = _accounts(log, len(us))
    levels = np.array(column_of(verdicts["level"], "the verdicts' level", len(us)), np.int64)
    campaigns = column_of(verdicts["campaign"], "the verdicts' campaign", len(us))
    out: dict[str, dict[str, Any]] = {}
    for row in np.flatnonzero(levels >= least).tolist():
        name = accounts[row]
        alert = out.setdefault(
            name, {"account": name, "time": us[row] / 1e6, "campaign": None, "level": str(least)}
        )
        campaign = campaign_of(campaigns[row])
        if campaign is not None:
            alert["campaign"] = int(campaign)
    return [*out.values(), *(dict(alert) for alert in joined)]


def scores(log: Any, verdicts: Any) -> dict[str, float]:
    """Each account's highest score."""
    of = np.asarray(verdicts["score"], dtype=np.float64).tolist()
    best: dict[str, float] = {}
    for account, score in zip(_accounts(log, len(of)), of):
        if score != score:
            raise ValueError(f"a score of account {account!r} is nan; allowed: numbers")
        best[account] = max(best.get(account, -math.inf), score)
    return best


def _placed(source: Any, what: str) -> Iterator[tuple[str, Any]]:
    """Records with their places: of a file of JSON lines, a DataFrame, or an iterable of dicts."""
    if isinstance(source, (str, os.PathLike)):
        with open(source, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    place = f"{os.fspath(source)}:{number}"
                    try:
                        yield place, json.loads(line)
                    except ValueError as e:
                        raise ValueError(f"{place}: {e}") from None
        return
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        source = source.to_dict("records")
    for number, record in enumerate(source):
        yield f"{what}[{number}]", record


def _records(source: Any, what: str, field: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, record in _placed(source, what):
        if not isinstance(record, Mapping):
            raise TypeError(f"{place} must have account and {field}, not be {record!r:.60}")
        for name in ("account", field):
            if name not in record:
                raise ValueError(f"{place} has no {name!r}; it has {', '.join(map(str, record))}")
        yield place, record


class Alert(NamedTuple):
    account: str
    us: int
    campaign: Any  # None for none
    level: Level


def each_alert(source: Alerts) -> list[Alert]:
    """Alerts as they come; one without a level is of the highest."""
    out = []
    for place, record in _records(source, "alerts", "time"):
        level = record.get("level")
        try:
            out.append(
                Alert(
                    name_of(record["account"]),
                    microseconds_of(record["time"], "time"),
                    campaign_of(record.get("campaign")),
                    Level.DISTILLING if is_missing(level) or level == "" else level_of(level),
                )
            )
        except (TypeError, ValueError) as e:
            raise type(e)(f"{place}: {e}") from None
    return out


def first_alerts(alerts: Iterable[Alert]) -> dict[str, int]:
    first: dict[str, int] = {}
    for alert in alerts:
        first[alert.account] = min(first.get(alert.account, alert.us), alert.us)
    return first


def last_campaigns(alerts: Iterable[Alert]) -> dict[str, Any]:
    return {a.account: a.campaign for a in alerts if a.campaign is not None}


def read_alerts(source: Alerts) -> tuple[dict[str, int], dict[str, Any]]:
    """The time (us) of each account's first alert, and its campaign by its last alert."""
    every = each_alert(source)
    return first_alerts(every), last_campaigns(every)


def read_scores(source: Scores) -> dict[str, float]:
    """Scores by account, of a file of JSON lines, dicts, a DataFrame, a dict or a Series."""
    if hasattr(source, "items") and not hasattr(source, "columns"):
        pairs: Iterable[tuple[str, Any, Any]] = (("scores", a, s) for a, s in source.items())
    else:
        pairs = ((w, r["account"], r["score"]) for w, r in _records(source, "scores", "score"))
    out = {}
    for place, account, score in pairs:
        try:
            value = math.nan if is_missing(score) else float(score)
        except (TypeError, ValueError):
            value = math.nan
        if value != value:
            raise ValueError(f"{place}: the score of {account!r} is {score!r}; allowed: numbers")
        out[name_of(account, f"{place}: account")] = value
    return out
