# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What `python -m distillwatch scan` and `explain` do with a monitor: as the C++ program does."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Optional

import numpy as np

from . import _core
from ._batch import event_columns
from ._core import Explanation, Monitor
from ._reviews import ReviewClock, rows_of
from ._types import Campaign, Level, NotFound

_EVIDENCE = 6  # pieces of an alert
_COLUMNS = (
    "accounts",
    "times",
    "prompts",
    "systems",
    "models",
    "earlier_turns",
    "completion_tokens",
    "prompt_tokens",
    "attributes",
)


@dataclasses.dataclass
class Summary:
    """What a scan keeps of an account for its report."""

    score: float = -8.0
    p_value: float = 1.0
    level: int = 0
    campaign: int = 0
    requests: int = 0
    reasons: str = ""


def _reasons(why: Explanation) -> str:
    """The two strongest; the campaign has a table of its own."""
    given = [
        e.words
        for e in why.evidence
        if e.contribution > 0 and e.detector != "campaign" and not math.isnan(e.value)
    ]
    return "; ".join(given[:2])


def _number(value: float) -> Optional[float]:
    return value if math.isfinite(value) else None


def alert(
    account: str, us: int, level: int, score: float, p_value: float, campaign: int, why: Explanation
) -> str:
    """A line of JSON."""
    evidence = [
        {
            "detector": e.detector,
            "feature": e.feature,
            "value": _number(e.value),
            "place": e.place,
            "contribution": e.contribution,
            "words": e.words,
        }
        for e in why.evidence[:_EVIDENCE]
    ]
    return (
        json.dumps(
            {
                "account": account,
                "time": us / 1e6,
                "level": str(Level(level)),
                "score": score,
                "p_value": p_value,
                "campaign": campaign or None,
                "evidence": evidence,
            },
            ensure_ascii=False,
        )
        + "\n"
    )


class Scanner:
    """Lets a monitor see a log and reviews it; keeps a summary of each account."""

    def __init__(self, monitor: Monitor, *, threads: int = 1, alerts: Any = None) -> None:
        self.monitor = monitor
        self.accounts: dict[str, Summary] = {}
        self._threads = threads
        self._alerts = alerts
        self._clock = ReviewClock()
        self._names: dict[int, str] = {}
        self._last: Optional[int] = None

    def take(self, log: Any) -> None:
        """The next rows of the log."""
        columns = event_columns(log)
        us = _core.microseconds(columns["times"])
        if not len(us):
            return
        # The batch's newest row is its last, as the C++ program has it.
        self._last = int(us[-1]) if self._last is None else max(self._last, int(us[-1]))
        for begin, end, due in self._clock.pieces(us):
            if begin < end:
                part = {name: rows_of(value, begin, end) for name, value in columns.items()}
                self._observe(part, us[begin:end])
            if due is not None:
                self._review(due)

    def finish(self) -> None:
        """The last review, at the end of the log."""
        if self._last is not None:
            self._review(self._clock.last(self._last))

    def _observe(self, part: dict[str, Any], us: Any) -> None:
        columns: dict[str, Any] = {name: part.get(name) for name in _COLUMNS}
        rows, explained = self.monitor._observe_many(**columns, threads=self._threads, explain=True)
        for account in part["accounts"]:
            summary = self.accounts.get(account)
            if summary is None:
                summary = self.accounts[account] = Summary()
                self._names[self.monitor.account_id(account)] = account
            summary.requests += 1
        # Only a look changes what an account's verdict says.
        for row in np.flatnonzero(rows["looked"] | (rows["level"] > 0)).tolist():
            account, verdict = part["accounts"][row], rows[row]
            summary = self.accounts[account]
            summary.score = max(summary.score, float(verdict["score"]))
            summary.p_value = min(summary.p_value, float(verdict["p_value"]))
            level = int(verdict["level"])
            if level <= summary.level:
                continue
            summary.level = level
            why = explained.get(row) or self.monitor.explain(account)
            summary.reasons = _reasons(why)
            if level >= Level.DISTILLING and self._alerts is not None:
                self._alerts.write(
                    alert(
                        account,
                        int(us[row]),
                        level,
                        float(verdict["score"]),
                        float(verdict["p_value"]),
                        int(verdict["campaign"]),
                        why,
                    )
                )

    def _review(self, now: int) -> None:
        for number, campaign in self.monitor.review(now / 1e6).joined.items():
            account = self._names.get(number)
            if account is None:
                continue
            summary = self.accounts[account]
            summary.campaign = campaign
            try:
                why = self.monitor.explain(account)
            except NotFound:  # forgotten for want of memory
                continue
            verdict = why.verdict
            summary.score = max(summary.score, verdict.score)
            summary.reasons = _reasons(why)
            if self._alerts is not None:
                self._alerts.write(
                    alert(
                        account,
                        now,
                        verdict.level,
                        verdict.score,
                        verdict.p_value,
                        verdict.campaign,
                        why,
                    )
                )
            summary.level = max(summary.level, int(verdict.level))

    def ranking(self) -> list[tuple[str, Summary]]:
        """All accounts, worst first."""
        return sorted(self.accounts.items(), key=lambda item: (-item[1].score, item[0]))

    def levels(self) -> list[int]:
        """How many accounts ended at each level."""
        out = [0] * len(Level)
        for summary in self.accounts.values():
            out[summary.level] += 1
        return out


def _shown(account: str, width: int = 28) -> str:
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in account)
    return plain if len(plain) <= width else plain[: width - 1] + "~"


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def print_accounts(ranking: Iterable[tuple[str, Summary]], rows: int) -> None:
    print(
        f"\n{'account':28} {'level':11} {'score':>7} {'p-value':>9} {'requests':>9} "
        f"{'campaign':>8}  strongest reasons"
    )
    above = [(account, s) for account, s in ranking if s.level > 0]
    for account, s in above[:rows]:
        print(
            f"{_shown(account):28} {Level(s.level)!s:11} {s.score:7.2f} {s.p_value:9.2g} "
            f"{s.requests:9,} {s.campaign or '':>8}  {s.reasons}"
        )
    if not above:
        print("(no account above clear)")


def print_campaigns(campaigns: Iterable[Campaign]) -> None:
    """The campaigns with their evidence in words; nothing when there is none."""
    campaigns = list(campaigns)
    if not campaigns:
        return
    print(
        f"\n{'campaign':9} {'accounts':>8} {'requests':>10} {'p-value':>9}  {'named':20}  evidence"
    )
    for c in campaigns:
        matching = sum(m.matching for m in c.members)
        print(
            f"{c.id:<9} {len(c.members):8} {matching:10,} {c.p_value:9.2g}  {_iso(c.named):20}  "
            f"{'; '.join(c.words)}"
        )


def print_members(campaign: Campaign, names: dict[int, str]) -> None:
    print(f"\n{'account':28} {'member since':20} {'requests':>9} {'matching':>9}")
    for m in campaign.members:
        print(
            f"{_shown(names.get(m.account, str(m.account))):28} {_iso(m.since):20} "
            f"{m.requests:9,} {m.matching:9,}"
        )
