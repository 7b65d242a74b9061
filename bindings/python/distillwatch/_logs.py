# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Logs of JSON lines as columns, batch after batch."""

from __future__ import annotations

import gzip
import json
import sys
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
_COUNTS = ("earlier_turns", "completion_tokens", "prompt_tokens")


class Trouble(Exception):
    """What the user has to hear."""


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"time is {value!r}")
    return float(value)


def _lines(path: str) -> Iterator[bytes]:
    if path == "-":
        yield from sys.stdin.buffer
        return
    opened: Any = gzip.open if path.endswith(".gz") else open
    with opened(path, "rb") as file:
        yield from file


def batches(paths: list[str], quiet: bool) -> Iterator[dict[str, Any]]:
    """Logs as columns, batch after batch; lines that are no request are named at the end."""
    bad: list[str] = []
    n_bad = 0
    rows: list[dict[str, Any]] = []

    def columns() -> dict[str, Any]:
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

    progress = progress_bar(quiet)
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("account"), str):
                    raise ValueError("no account")
                row["time"] = _seconds(row.get("time"))
                if not isinstance(row.get("prompt", ""), str):
                    raise ValueError("prompt is no text")
                rows.append(row)
            except (ValueError, TypeError, OverflowError, RecursionError) as e:
                n_bad += 1
                if len(bad) < 10:
                    bad.append(f"{path}:{number}: {e}")
                continue
            if len(rows) == _BATCH:
                yield columns()
                progress(len(rows))
                rows.clear()
    if rows:
        yield columns()
        progress(len(rows))
    if n_bad:
        print(f"distillwatch: {n_bad} lines are no requests:", *bad, sep="\n  ", file=sys.stderr)


def progress_bar(quiet: bool) -> Any:
    if not quiet and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return tqdm(unit=" requests", file=sys.stderr).update
    return lambda rows: None
