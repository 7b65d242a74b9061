# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What an evaluation says, as tables."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator
from typing import Any, Optional

from ._intervals import Interval


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
    interval: Interval  # Clopper-Pearson, of the share; knows nothing of the reference's luck
    broken: bool  # so many come with a chance below 2.5 % when the promise is kept
    chance: float  # of so many or more when it is kept
    reference: Optional[int]  # its accounts; None: the smallest that can keep the promise


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
    tpr: dict[float, Optional[float]] = dataclasses.field(default_factory=dict)  # by FPR
    tpr_interval: dict[float, Optional[Interval]] = dataclasses.field(default_factory=dict)
    promise: Optional[Realised] = None

    def _tables(self) -> Iterator[tuple[list[str], list[list[Any]]]]:
        yield (
            ["style", "accounts", "asked", "caught", "95 %", "median queries", "leaked", "95 %"],
            [
                [
                    style,
                    c.accounts,
                    c.asked,
                    c.caught,
                    c.caught_interval,
                    c.median_queries,
                    c.leaked,
                    c.leaked_interval,
                ]
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
        if self.tpr:
            text = (
                f"AUC {_show(self.auc, 4)} {_show(self.auc_interval)}, "
                f"up to 1 % of false positives {_show(self.partial_auc, 4)}"
            )
            yield text + "".join(
                f"; TPR at FPR {fpr:.1%} {_show(tpr)} {_show(self.tpr_interval.get(fpr))}"
                for fpr, tpr in self.tpr.items()
            )
        if self.promise is not None:
            p = self.promise
            low, high = (1e6 * x for x in p.interval)
            realised = "-" if p.realised is None else f"{p.realised:.0f}"
            yield (
                f"Promised at most {p.promised:.0f} false alarms in a million benign accounts, "
                f"realised {realised} (95 % {low:.0f} to {high:.0f}): {_judgement(p)}"
            )

    def __repr__(self) -> str:
        out = []
        for head, rows in self._tables():
            cells = [head, *([_show(value) for value in row] for row in rows)]
            widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
            for row in cells:
                first, *rest = (
                    c.ljust(w) if i == 0 else c.rjust(w)
                    for i, (c, w) in enumerate(zip(row, widths))
                )
                out.append("  ".join([first, *rest]))
            out.append("")
        return "\n".join([*out, *self._lines()])

    def _repr_html_(self) -> str:
        out = []
        for head, rows in self._tables():
            out.append(
                "<table><tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in head) + "</tr>"
            )
            for row in rows:
                out.append(
                    "<tr>" + "".join(f"<td>{html.escape(_show(v))}</td>" for v in row) + "</tr>"
                )
            out.append("</table>")
        return "".join([*out, *(f"<p>{html.escape(line)}</p>" for line in self._lines())])


def _judgement(p: Realised) -> str:
    if p.broken:
        return f"BROKEN, when kept the chance of so many is {p.chance:.2g}" + (
            " at most" if p.reference is None else ""
        )
    if p.interval[0] * 1e6 <= p.promised:
        return "no sign that it is broken"
    if p.reference is None:
        return "too many, but a small reference can have such luck; evaluate with the reference"
    return f"within the luck of a reference of {p.reference} accounts (chance {p.chance:.2g})"


def _show(value: Any, digits: int = 3) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return f"({value[0]:.3f} to {value[1]:.3f})"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
