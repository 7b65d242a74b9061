# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What refitting knows of a log: the features of every look, as arrays. No text."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import event_columns
from ._columns import datetime_of
from ._progress import progress_bar
from ._types import FeatureSpec, Text

Array = npt.NDArray[Any]
FEATURES: tuple[tuple[str, FeatureSpec], ...] = _core.FEATURES  # detector and feature, in order
DETECTORS: tuple[str, ...] = tuple(dict.fromkeys(detector for detector, _ in FEATURES))
_DAY_US = 86_400_000_000


def feature_names() -> list[str]:
    """ "detector.feature" of every column that the library's own detectors have."""
    return [f"{detector}.{spec.name}" for detector, spec in FEATURES]


@dataclasses.dataclass(frozen=True, eq=False)
class Looks:
    """Features of looks, one row each; `owner` is an index into `accounts`. Picklable.

    `names` says "detector.feature" of every column.
    """

    owner: npt.NDArray[np.int32]
    time_us: npt.NDArray[np.int64]
    requests: npt.NDArray[np.uint32]
    features: npt.NDArray[np.float32]
    names: tuple[str, ...] = tuple(feature_names())

    @property
    def detectors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.names))

    def __len__(self) -> int:
        return len(self.owner)

    def where(self, rows: Array) -> Looks:
        return dataclasses.replace(
            self,
            owner=self.owner[rows],
            time_us=self.time_us[rows],
            requests=self.requests[rows],
            features=self.features[rows],
        )

    def last_of_epoch(self) -> Looks:
        """Of several looks of an owner at one age (16 to 31 requests, 32 to 63, ...) the last."""
        epoch = _core.epochs(self.requests)
        order = np.lexsort(np.stack([self.time_us, self.owner]))
        owner, epoch = self.owner[order], epoch[order]
        last = np.append((owner[1:] != owner[:-1]) | (epoch[1:] != epoch[:-1]), True)
        return self.where(order[last[: len(order)]])

    def frame(self, accounts: Optional[Sequence[str]] = None) -> Any:
        """As a DataFrame."""
        import pandas as pd

        out = pd.DataFrame(self.features, columns=list(self.names))
        out.insert(0, "requests", self.requests)
        out.insert(0, "time", self.time_us.astype("M8[us]"))
        owner = self.owner if accounts is None else np.asarray(accounts, dtype=object)[self.owner]
        out.insert(0, "account", owner)
        return out


def _looks(table: Mapping[str, Any], names: tuple[str, ...]) -> Looks:
    return Looks(table["owner"], table["time_us"], table["requests"], table["features"], names)


@dataclasses.dataclass(frozen=True, eq=False)
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
    def detectors(self) -> tuple[str, ...]:
        """The names of all detectors, the library's first."""
        return self.looks.detectors

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

    def _repr_html_(self) -> str:
        return (
            f"<b>Collected</b>: {len(self.looks)} looks of {len(self.accounts)} accounts, "
            f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}; {len(self.simulated)} looks of "
            f"generated harvesters, {len(self.grafted)} of grafted ones; "
            f"{len(self.looks.names)} features of {', '.join(self.detectors)}"
        )


def collect(
    log: Any,
    *,
    key: Optional[Text] = None,
    harvesters: int = 1200,
    grafts: bool = True,
    seed: int = 1,
    max_prompt_bytes: int = 65536,
    detectors: Iterable[Any] = (),
    progress: bool = True,
) -> Collected:
    """Sees a log (columns account, time, prompt, ...) and keeps the features of every look.

    `harvesters` campaigns are generated, and with `grafts` others are made of the log's own texts.
    No text is kept. `detectors` are your own (CustomDetector), beside the library's.
    """
    require_number("harvesters", harvesters, 0, 100_000, whole=True)
    collector = _core.Collector(key, max_prompt_bytes, grafts, seed, tuple(detectors))
    columns = event_columns(log)
    columns.pop("attributes", None)  # detectors of one account do not look at them
    with progress_bar(columns["times"], progress) as bar:
        columns["progress"] = None if bar is None else bar.update
        collector.observe_many(**columns)
    accounts = collector.accounts()
    if not len(accounts["account"]):
        raise ValueError("the log is empty")
    names = tuple(f"{detector}.{spec.name}" for detector, spec in collector.features)
    return Collected(
        accounts=list(accounts["account"]),
        looks=_looks(collector.looks(), names),
        calibrates=accounts["calibrates"].astype(bool),
        active=np.stack(
            [accounts[c] for c in ("day_owner", "day_first_us", "day_last_us")], axis=1
        ),
        first_us=int(accounts["first_us"].min()),
        last_us=int(accounts["last_us"].max()),
        simulated=_looks(collector.harvesters("simulated", harvesters), names),
        grafted=_looks(collector.harvesters("grafted"), names),
        key=collector.key,
        key_id=collector.key_id,
        key_drawn=key is None,
    )


def windows(collected: Collected, horizon_s: float) -> tuple[int, int]:
    """The horizon in microseconds that the log covers, and how many of them."""
    span = collected.last_us - collected.first_us
    horizon = int(horizon_s * 1e6)
    if span < horizon:  # as ReferenceLearner does: whole days where there are some
        horizon = min(
            horizon, -(-span // _DAY_US) * _DAY_US if span > _DAY_US else max(span, 3_600_000_000)
        )
    return horizon, min(64, max(1, (span + horizon // 20) // horizon))


def path_maxima(
    collected: Collected, scores: npt.NDArray[np.float64], accounts: Array, horizon_s: float
) -> npt.NDArray[np.float64]:
    """The highest scores of these accounts (indices) in the horizons in which they were active."""
    horizon, covered = windows(collected, horizon_s)
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


def require_number(
    name: str, value: Any, least: float, most: float, *, whole: bool = False, allowed: str = ""
) -> None:
    """Refuses what is no number in [least, most]."""
    kind: Any = numbers.Integral if whole else numbers.Real
    allowed = allowed or f"{'whole ' * whole}numbers from {least:g} to {most:g}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}; allowed: {allowed}")
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}; allowed: {allowed}")
