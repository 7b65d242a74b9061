# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""When a log is reviewed for campaigns, and a monitor that is watched over a whole log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import event_columns
from ._core import Monitor
from ._progress import progress_bar


_FIRST = 64  # requests
_WEEK_US = 7 * 86_400_000_000


def begin_of(first: Sequence[int]) -> int:
    """When a log begins, by its first requests: not with one that is a week before most of them,
    or later."""
    times = sorted(first[:_FIRST])
    return min(t for t in times if t >= times[len(times) // 2] - _WEEK_US)


class ReviewClock:
    """Every so many hours of a log's own time, between the same requests however it is read.

    It begins where the log begins.
    """

    def __init__(self, hours: float = 12) -> None:
        if not hours > 0:
            raise ValueError(f"review_hours is {hours}; allowed: above 0")
        self._step = max(1, round(min(hours * 3.6e9, 2.0**62)))
        self._first: list[int] = []
        self._next: Optional[int] = None

    def pieces(self, us: npt.NDArray[np.int64]) -> Iterator[tuple[int, int, Optional[int]]]:
        """Rows [begin, end) of the log's next rows, and the time of the review that follows them.

        The last piece has no review; a review that the first row makes due follows an empty one.
        """
        begin, unasked, rows = 0, 0, len(us)
        if self._next is None:
            unasked = min(_FIRST - len(self._first), rows)
            self._first.extend(us[:unasked].tolist())
            if len(self._first) == _FIRST:
                self._next = begin_of(self._first) + self._step
            else:
                yield 0, rows, None
                return
        while begin < rows:
            due = self._next
            assert due is not None
            row = self._first_at(us, unasked, due)
            if row == rows:
                break
            # One step at a time: a single request from the future does not put off all reviews
            # until then. A row makes one review due at most.
            self._next = due + self._step
            yield begin, row, due
            begin, unasked = row, row + 1
        yield begin, rows, None

    def last(self, us: int) -> int:
        """The time of the last review, when the log ends with a request of this time."""
        return us if self._next is None else min(us, self._next + _WEEK_US)

    @staticmethod
    def _first_at(us: npt.NDArray[np.int64], begin: int, time: int) -> int:
        length = 4096
        while begin < len(us):
            late = us[begin : begin + length] >= time
            if late.any():
                return begin + int(late.argmax())
            begin, length = begin + length, 2 * length
        return len(us)


def rows_of(value: Any, begin: int, end: int) -> Any:
    """A part of a column, or of a dict of columns; a text stands for all rows."""
    if isinstance(value, Mapping):
        return {name: rows_of(column, begin, end) for name, column in value.items()}
    if isinstance(value, (str, bytes)):
        return value
    return value.iloc[begin:end] if hasattr(value, "iloc") else value[begin:end]


def watch(
    monitor: Monitor,
    log: Any,
    *,
    review_hours: float = 12,
    threads: int = 1,
    progress: bool = False,
) -> tuple[Any, list[dict[str, Any]]]:
    """Observes a log and reviews it every so many hours of event time, as `distillwatch scan` does.

    Returns the verdicts as a structured array, and who was put into a named campaign: dicts of
    account, time, campaign and level (suspect: membership alone raises no further), as
    evaluate.alerts takes them for `joined`.
    """
    clock = ReviewClock(review_hours)
    columns = event_columns(log)
    us = _core.microseconds(columns["times"])
    if not len(us):
        return monitor.observe_many(**columns, frame=False), []
    parts: list[Any] = []
    joined: list[dict[str, Any]] = []
    names: dict[int, Any] = {}

    def review(now: int) -> None:
        for account, campaign in monitor.review(now / 1e6).joined.items():
            if account in names:
                joined.append(
                    {
                        "account": names[account],
                        "time": now / 1e6,
                        "campaign": campaign,
                        "level": "suspect",
                    }
                )

    with progress_bar(us, progress) as bar:
        for begin, end, due in clock.pieces(us):
            if begin < end:
                part = {name: rows_of(value, begin, end) for name, value in columns.items()}
                parts.append(monitor.observe_many(**part, threads=threads, frame=False))
                for account in dict.fromkeys(part["accounts"]):
                    names[monitor.account_id(account)] = account
                if bar is not None:
                    bar.update(end - begin)
            if due is not None:
                review(due)
    review(clock.last(int(us.max())))
    return np.concatenate(parts), joined
