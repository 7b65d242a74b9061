# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Columns in, columns out: the monitor over whole logs, and prompts by their signatures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _columns, _core
from ._core import Monitor, Reference, ReferenceLearner, Shingler
from ._types import AttributeColumns, Event, Text, Time

# Signatures for exploring need no secret; those of a gateway are keyed with the operator's.
_EXPLORING = b"distillwatch: for exploring, not secret"
VERDICT_COLUMNS = ("level", "looked", "matches_campaign", "score", "p_value", "campaign")


def _is_pandas(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas"


def observe_many(
    self: Monitor,
    accounts: Any,
    times: Any,
    prompts: Any,
    *,
    systems: Any = None,
    models: Any = None,
    earlier_turns: Any = None,
    completion_tokens: Any = None,
    prompt_tokens: Any = None,
    attributes: AttributeColumns = None,
    threads: int = 1,
    frame: Optional[bool] = None,
) -> Any:
    """Observes a log, row after row, and returns a verdict for each.

    Columns are lists, NumPy arrays, pandas Series, or anything that speaks Arrow's PyCapsule
    interface; a single str stands for all rows. `attributes` maps names to columns. Times without
    a zone are UTC; missing prompts count as empty ones, missing accounts are an error.

    Returns a structured array with the fields level, looked, matches_campaign, score, p_value and
    campaign, or a DataFrame with the same columns where pandas came in (or `frame` asks for it).
    The verdicts do not depend on `threads`.
    """
    rows = self._observe_many(
        accounts,
        times,
        prompts,
        systems,
        models,
        earlier_turns,
        completion_tokens,
        prompt_tokens,
        attributes,
        threads,
    )
    inputs = (prompts, accounts, times)
    if frame is None:
        frame = any(_is_pandas(column) for column in inputs)
    if not frame:
        return rows
    import pandas as pd

    index = next((c.index for c in inputs if _is_pandas(c) and hasattr(c, "index")), None)
    return pd.DataFrame({name: rows[name] for name in VERDICT_COLUMNS}, index=index)


def learn(
    accounts: Any,
    times: Any,
    prompts: Any,
    *,
    systems: Any = None,
    models: Any = None,
    earlier_turns: Any = None,
    completion_tokens: Any = None,
    prompt_tokens: Any = None,
    attributes: AttributeColumns = None,
    exclude: Iterable[Text] = (),
    key: Optional[Text] = None,
    horizon: Union[timedelta, float] = timedelta(days=30),
    most_accounts: int = 100000,
    campaigns: int = 1200,
    trees: int = 400,
    seed: int = 1,
    detectors: Iterable[Any] = (),
) -> Reference:
    """Learns a reference from a log in columns (see Monitor.observe_many). May take a minute.

    `exclude` names accounts that were adjudicated to be distilling. Without a key one is drawn at
    random and kept in the reference, which is then as secret as the key. Fewer generated
    `campaigns` and `trees` are learned faster and see less. `detectors` are your own, as the
    monitor will have them.
    """
    if isinstance(exclude, (str, bytes, bytearray, memoryview)):
        raise TypeError("exclude must be a sequence of accounts, not one")
    learner = ReferenceLearner(
        key=key,
        horizon=horizon,
        most_accounts=most_accounts,
        campaigns=campaigns,
        trees=trees,
        seed=seed,
        detectors=tuple(detectors),
    )
    for account in exclude:
        learner.exclude(account)
    learner.observe_many(
        accounts,
        times,
        prompts,
        systems=systems,
        models=models,
        earlier_turns=earlier_turns,
        completion_tokens=completion_tokens,
        prompt_tokens=prompt_tokens,
        attributes=attributes,
    )
    return learner.learn()


def save_reference(self: Reference, path: Union[str, os.PathLike[str]]) -> None:
    """Writes the file that `distillwatch scan --reference` and Reference.load read.

    Only its owner may read it: it can hold the key.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(self.serialize())


def load_reference(path: Union[str, os.PathLike[str]]) -> Reference:
    """Reads a reference from a file. Raises DataLoss for damaged bytes."""
    with open(path, "rb") as file:
        return Reference.parse(file.read())


def _shingler(key: Optional[Text]) -> Shingler:
    return Shingler(_EXPLORING if key is None else key)


def signatures(
    prompts: Any, *, slots: int = 128, key: Optional[Text] = None
) -> npt.NDArray[np.uint32]:
    """MinHash signatures of many prompts, one row for each; slots is 64, 128 or 256."""
    return _core.signatures(prompts, _shingler(key), slots)


def jaccard_matrix(
    a: npt.NDArray[np.uint32], b: Optional[npt.NDArray[np.uint32]] = None
) -> npt.NDArray[np.float32]:
    """Estimated Jaccard similarities of all rows of `a` with all rows of `b` (or of `a`)."""
    a = np.ascontiguousarray(a, np.uint32)
    return _core.jaccard_matrix(a, a if b is None else np.ascontiguousarray(b, np.uint32))


def near_duplicates(
    prompts: Any, threshold: float = 0.8, *, key: Optional[Text] = None
) -> npt.NDArray[Any]:
    """For each prompt with an earlier near-duplicate: (index, of, jaccard), `of` the most similar.

    `prompts` are texts, or signatures of texts. Misses a pair at the threshold about once in a
    thousand.
    """
    is_signatures = isinstance(prompts, np.ndarray) and prompts.dtype.kind in "iu"
    rows = prompts if is_signatures else signatures(prompts, key=key)
    index, of, jaccard = _core.near_duplicates(np.ascontiguousarray(rows, np.uint32), threshold)
    out = np.empty(len(index), dtype=[("index", "i8"), ("of", "i8"), ("jaccard", "f4")])
    out["index"], out["of"], out["jaccard"] = index, of, jaccard
    return out


def simulate(
    *,
    seed: int = 1,
    days: float = 30,
    accounts: int = 2000,
    campaigns: int = 8,
    start: Time = datetime(2026, 1, 1),
    frame: bool = True,
) -> Any:
    """A labelled month of artificial traffic, in the shapes of disclosed campaigns.

    The month that the program's `simulate` writes for the same seed: `accounts` benign ones, and
    campaigns that have at most 3 % of that together. Columns: time, account, prompt, system, ip,
    user_agent, payment, model; and the labels distill (of the request), label, persona and campaign
    (of the account). A DataFrame, or without `frame` a dict of columns.
    """
    columns = _core.simulate(seed, days, accounts, campaigns, start)
    columns["time"] = columns["time"].astype("M8[us]")
    columns["distill"] = columns["distill"].astype(bool)
    columns["label"] = np.where(columns.pop("harvester"), "distill", "benign").astype(object)
    if not frame:
        return columns
    import pandas as pd

    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


# Columns of a log that are attributes; others may stand in a dict of columns named "attributes".
ATTRIBUTES = (
    "ip",
    "user_agent",
    "payment",
    "device",
    "organisation",
    "organization",
    "team",
    "client",
    "asn",
)


def event_columns(log: Any) -> dict[str, Any]:
    """The arguments of observe_many that a log's columns stand for, by their names.

    monitor.observe_many(**event_columns(log)), where log is a DataFrame or a dict of columns.
    """
    if not hasattr(log, "keys"):
        raise TypeError(
            f"a log in columns must be a DataFrame or a dict of columns, not {type(log).__name__}"
        )
    names = list(log.keys())
    for name in ("account", "time", "prompt"):
        if name not in names:
            raise KeyError(f"the log has no column {name!r}; it has {', '.join(map(repr, names))}")
    out = {"accounts": log["account"], "times": log["time"], "prompts": log["prompt"]}
    for name, argument in (
        ("system", "systems"),
        ("model", "models"),
        ("earlier_turns", "earlier_turns"),
        ("completion_tokens", "completion_tokens"),
        ("prompt_tokens", "prompt_tokens"),
    ):
        if name in names:
            out[argument] = log[name]
    attributes = {name: log[name] for name in ATTRIBUTES if name in names}
    if "attributes" in names:
        attributes.update(log["attributes"])
    if attributes:
        out["attributes"] = attributes
    return out


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA is neither true nor false, and nor is an array
        return type(value).__name__ == "NAType"


def column_of(values: Any, name: str, rows: int) -> list[Any]:
    """A column's values; a single text or number stands for all rows."""
    if isinstance(values, (str, bytes, int)):
        return [values] * rows
    array = np.asarray(values, dtype=object)
    if array.ndim == 0:
        raise TypeError(f"{name} must be a column, not {type(values).__name__}")
    if array.ndim > 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; allowed: 1")
    if len(array) != rows:
        raise ValueError(f"{name} has {len(array)} rows; the other columns have {rows}")
    out: list[Any] = array.tolist()
    return out


def _texts_of(values: Any, name: str, rows: int) -> list[Any]:
    return ["" if is_missing(value) else value for value in column_of(values, name, rows)]


def events(log: Any) -> Iterator[Event]:
    """A log's rows as events, for detectors that take one at a time.

    As in observe_many a single value stands for all rows, missing texts count as empty ones and
    missing counts as 0; missing accounts are an error.
    """
    columns = event_columns(log)
    us = _core.microseconds(columns.pop("times"))
    rows = len(us)
    attributes = {
        name: _texts_of(column, name, rows)
        for name, column in columns.pop("attributes", {}).items()
    }
    accounts = column_of(columns.pop("accounts"), "account", rows)
    fields = {}
    for argument, name in (("prompts", "prompt"), ("systems", "system"), ("models", "model")):
        if argument in columns:
            fields[name] = _texts_of(columns[argument], name, rows)
    for name in ("earlier_turns", "completion_tokens", "prompt_tokens"):
        if name in columns:
            values = column_of(columns[name], name, rows)
            fields[name] = _columns.counts(values, name).tolist()
    for row, (account, time) in enumerate(zip(accounts, us.tolist())):
        if is_missing(account):
            raise ValueError(f"account[{row}] is missing")
        yield Event(
            account=account,
            time=time / 1e6,
            attributes={name: column[row] for name, column in attributes.items()},
            **{name: column[row] for name, column in fields.items()},
        )
