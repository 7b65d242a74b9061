# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Labels, alerts and scores, from wherever they come."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._types import Level

Alerts = Union[str, "os.PathLike[str]", Iterable[Mapping[str, Any]], Any]
Scores = Union[str, "os.PathLike[str]", Mapping[str, float], Iterable[Mapping[str, Any]]]
LEAST = 20  # distilling requests, from which on a detector is asked for the account


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
            for row in csv.DictReader(file):
                name = row["account"]
                label[name], persona[name] = row["label"], row.get("persona") or ""
                campaign[name] = row.get("campaign") or ""
        times: dict[str, list[int]] = {}
        with _open(os.path.join(folder, "requests.csv")) as file:
            for row in csv.DictReader(file):
                if row["distill"] == "1":
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
    level: Level = Level.DISTILLING,
    *,
    joined: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The first verdict of each account that reached the level, and the campaign that it ended in.

    `joined`, as distillwatch.watch gives it, adds an alert for each account that a review named.
    """
    accounts = np.asarray(log["account"], dtype=object)
    us = _core.microseconds(log["time"])
    level = Level(level)
    flagged = np.flatnonzero(np.asarray(verdicts["level"]) >= int(level))
    campaigns = np.asarray(verdicts["campaign"])
    out: dict[str, dict[str, Any]] = {}
    for row in flagged.tolist():
        name = accounts[row]
        alert = out.setdefault(
            name, {"account": name, "time": us[row] / 1e6, "campaign": None, "level": str(level)}
        )
        if campaigns[row]:
            alert["campaign"] = int(campaigns[row])
    return [*out.values(), *(dict(alert) for alert in joined)]


def scores(log: Any, verdicts: Any) -> dict[str, float]:
    """Each account's highest score."""
    names, index = np.unique(np.asarray(log["account"], dtype=str), return_inverse=True)
    best = np.full(len(names), -np.inf)
    np.maximum.at(best, index, np.asarray(verdicts["score"], dtype=np.float64))
    return dict(zip(names.tolist(), best.tolist()))


def records(source: Any) -> Iterator[Mapping[str, Any]]:
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
    """The time (us) of each account's first alert, and its campaign by its last alert."""
    first: dict[str, int] = {}
    group: dict[str, Any] = {}
    for record in records(source):
        account = record["account"]
        time = record["time"]
        us = (
            round(time * 1e6)
            if isinstance(time, (int, float))
            else int(_core.microseconds([time])[0])
        )
        first[account] = min(first.get(account, us), us)
        campaign = record.get("campaign")
        if campaign is not None and campaign == campaign:
            group[account] = campaign
    return first, group


def read_scores(source: Scores) -> dict[str, float]:
    if isinstance(source, Mapping):
        return {account: float(score) for account, score in source.items()}
    return {record["account"]: float(record["score"]) for record in records(source)}
