# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Logs of JSON lines as columns, batch after batch."""

from __future__ import annotations

import contextlib
import gzip
import heapq
import json
import re
import sys
import zlib
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import numpy as np

_BATCH = 20000
_TEXTS = ("account", "prompt", "system", "model")
# Text fields that are not attributes of the account; all others of a plain line are.
_NO_ATTRIBUTES = {
    *_TEXTS,
    "time",
    "response",
    "completion",
    "output",
    "answer",
    "id",
    "request_id",
    "trace_id",
    "span_id",
    "event_id",
    "session_id",
    "messages",
    "error",
}
_MOST_SECONDS = 7_258_118_400  # the year 2200
_LEAST_SMALL = 100_000_000  # seconds, of times in smaller units
_SURROGATE = re.compile("[\ud800-\udfff]")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_COUNTS = ("earlier_turns", "completion_tokens", "prompt_tokens")


class Trouble(Exception):
    """What the user has to hear."""


def _seconds(value: Any) -> float:
    """Seconds since 1970 of seconds, milli-, micro- or nanoseconds, of ISO 8601, or of such a text.

    As the C++ program reads times: from 1970 to 2199.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            value = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"time is {value!r}; allowed: a number or ISO 8601")
    if 0 <= value < _MOST_SECONDS:
        return float(value)
    for unit in (1e3, 1e6, 1e9):
        if _LEAST_SMALL * unit <= value < _MOST_SECONDS * unit:
            return float(value) / unit
    raise ValueError(f"time is {value!r}; allowed: from 1970 to 2199")


def _text(value: str) -> str:
    """A lone half of a surrogate pair, which no file can hold, becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", value) if not value.isascii() else value


def _row(line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("no JSON object")
    account = row.get("account")
    if isinstance(account, int) and not isinstance(account, bool):
        account = str(account)
    if not isinstance(account, str):
        raise ValueError("no account")
    if not isinstance(row.get("prompt"), str):
        raise ValueError("no prompt")
    row["account"] = account
    row["time"] = _seconds(row.get("time"))
    return {name: _text(v) if isinstance(v, str) else v for name, v in row.items()}


def _time_of(row: dict[str, Any]) -> float:
    return float(row["time"])


class Log:
    """Files of JSON lines as columns, merged by their times, batch after batch.

    Lines that are no request are named once all is read. A file that cannot be read to its end
    counts as ended there, and is `damaged`.
    """

    def __init__(self, paths: list[str], quiet: bool) -> None:
        self._paths = paths
        self._quiet = quiet
        self.damaged = False
        self._bad: list[str] = []
        self._n_bad = 0
        self._requests = self._out_of_order = 0
        self._newest = 0.0

    @property
    def in_order(self) -> bool:
        """Whether hardly any request is more than an hour older than one before it."""
        return 1000 * self._out_of_order <= self._requests

    def _see_time(self, seconds: float) -> None:
        self._out_of_order += self._requests > 0 and seconds < self._newest - 3600
        self._newest = max(self._newest, seconds)
        self._requests += 1

    def _lines(self, path: str) -> Iterator[tuple[int, bytes]]:
        number = 0
        with contextlib.ExitStack() as stack:
            if path == "-":
                file: Any = sys.stdin.buffer
            else:
                file = stack.enter_context(open(path, "rb"))
                first = file.peek(4)[:4]
                if first == _ZSTD:
                    raise Trouble(
                        f"{path} is zstd, which Python cannot read: "
                        f"zstd -dc {path} | python -m distillwatch ... -"
                    )
                if first[:2] == _GZIP:
                    file = stack.enter_context(gzip.open(file))
            try:
                for line in file:
                    number += 1
                    yield number, line
            except (EOFError, zlib.error, gzip.BadGzipFile) as e:
                self.damaged = True
                print(
                    f"distillwatch: {path} is damaged behind line {number}: {e}", file=sys.stderr
                )

    def _rows(self, path: str) -> Iterator[dict[str, Any]]:
        for number, line in self._lines(path):
            if not line.strip():
                continue
            try:
                yield _row(line)
            except (ValueError, TypeError, OverflowError, RecursionError) as e:
                self._n_bad += 1
                if len(self._bad) < 10:
                    self._bad.append(f"{path}:{number}: {e}")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        progress = progress_bar(self._quiet)
        files = [self._rows(path) for path in dict.fromkeys(self._paths)]  # each once
        for row in heapq.merge(*files, key=_time_of):
            rows.append(row)
            self._see_time(row["time"])
            if len(rows) == _BATCH:
                yield _columns(rows)
                progress(len(rows))
                rows.clear()
        if rows:
            yield _columns(rows)
            progress(len(rows))
        if not self.in_order:
            print(
                f"distillwatch: {self._out_of_order} of {self._requests} requests are more than an "
                "hour older than one before them: scores, campaigns and the promise suppose a log "
                "in order of time; sort it",
                file=sys.stderr,
            )
        if self._n_bad:
            said = f"distillwatch: {self._n_bad} lines are no requests:"
            print(said, *self._bad, sep="\n  ", file=sys.stderr)


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"time": np.array([r["time"] for r in rows])}
    for name in _TEXTS:
        out[name] = [r.get(name) if isinstance(r.get(name), str) else "" for r in rows]
    for name in _COUNTS:
        counts = [r.get(name) for r in rows]
        out[name] = [c if isinstance(c, int) and 0 <= c < 2**32 else 0 for c in counts]
    texts = {name for r in rows for name, value in r.items() if isinstance(value, str)}
    out["attributes"] = {
        name: [r[name] if isinstance(r.get(name), str) else "" for r in rows]
        for name in sorted(texts - _NO_ATTRIBUTES)
    }
    return out


def progress_bar(quiet: bool) -> Any:
    if not quiet and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return tqdm(unit=" requests", file=sys.stderr).update
    return lambda rows: None
