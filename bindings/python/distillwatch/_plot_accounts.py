# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of one account, or of a few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._core import Explanation
from ._plot_axes import (
    BLUE,
    GREY,
    RED,
    at_least,
    axes,
    listed,
    many_lines,
    name_lines,
    plain,
    points_of,
    shown,
    style,
    wrapped,
)
from ._types import NotFound

_DAY_US = 86_400_000_000


def _draw_dates(ax: Any, us: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The days of these times, for an axis that says which they are."""
    from matplotlib.ticker import MaxNLocator

    days = us.astype("M8[us]").astype("M8[D]")
    first, last = days.min(), days.max()
    # matplotlib's dates end with the years 1 and 9999, and it looks beyond what it draws.
    if first < np.datetime64("1000-01-01") or last > np.datetime64("9000-01-01"):
        since: npt.NDArray[Any] = (days - first).astype(np.int64)
        ax.set(xlabel=f"days since {first}", xlim=(-1, since.max() + 1))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return since
    from matplotlib import dates

    ax.set_xlim((first - 1).astype(object), (last + 1).astype(object))
    span = int((last - first).astype(np.int64)) + 2
    locator = dates.AutoDateLocator(minticks=2, maxticks=9) if span > 8 else dates.DayLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    out: npt.NDArray[Any] = days.astype(object)
    return out


def _draw_evidence(ax: Any, explanation: Explanation) -> None:
    """On a part of the axes' own room: there may be neighbours."""
    from matplotlib.transforms import Bbox

    def left(of: Any, _: Any) -> Any:
        x, y, width, height = of.get_position(original=True).bounds
        return Bbox.from_bounds(x, y, 0.56 * width, height)

    width, height = points_of(ax)
    ax.set_axes_locator(left)
    beside = ax.inset_axes((0.58 / 0.56, 0, 0.42 / 0.56, 1))
    beside.set_axis_off()
    lines = [f"score {explanation.score:.2f}, of which"]
    for e in explanation.evidence[:7]:
        words = wrapped(shown(e.words, 120, 0), 0.42 * width - 35).replace("\n", "\n" + 11 * " ")
        more = f"{e.contribution:+.2f}  {words}".split("\n")
        if len(lines) + len(more) > height / 11:
            break
        lines += more
    beside.text(0, 1, "\n".join(lines), va="top", fontsize=8, linespacing=1.4, clip_on=True)


def timeline(
    log: Any, account: str, *, explanation: Optional[Explanation] = None, ax: Any = None
) -> Any:
    """When an account asks: days across, hours of the day (UTC) up; its strongest evidence beside.

    Where the log has labels, distilling requests are drawn in another colour.
    """
    mine = np.asarray(log["account"], dtype=object) == account
    if not mine.any():
        raise NotFound(f"account {account!r} is not in the log")
    ax = plain(axes(ax, 9, 4))
    us = _core.microseconds(log["time"])[mine]
    hours = us % _DAY_US / 3.6e9
    distil = (
        np.asarray(log["distill"], dtype=bool)[mine]
        if "distill" in list(log.keys())
        else np.zeros(len(us), bool)
    )
    days = _draw_dates(ax, us)
    for rows, colour, label in ((~distil, BLUE, "requests"), (distil, RED, "distilling requests")):
        if rows.any():
            ax.scatter(
                days[rows],
                hours[rows],
                s=7,
                alpha=0.5,
                lw=0,
                color=colour,
                label=f"{rows.sum()} {label}",
            )
    ax.set(
        ylim=(0, 24),
        yticks=range(0, 25, 4),
        ylabel="hour of the day, UTC",
    )
    title = f"Requests of {shown(account)}"
    ax.set_title(wrapped(title, points_of(ax)[0], 11), fontsize=11, loc="left", pad=22)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncol=2,
        fontsize=8,
        markerscale=2,
        frameon=False,
        borderaxespad=0,
        borderpad=0.3,
    )
    if explanation is not None:
        _draw_evidence(ax, explanation)
    return ax


def inter_arrivals(log: Any, accounts: Union[str, Sequence[str]], *, ax: Any = None) -> Any:
    """The shapes of the gaps between requests: a metronome is a spike, people are broad.

    Gaps below 10 ms stand in the first bin.
    """
    accounts = listed(accounts)
    if not accounts:
        raise ValueError("there are no accounts to draw")
    names = np.asarray(log["account"], dtype=object)
    us = _core.microseconds(log["time"])
    gaps: list[npt.NDArray[np.float64]] = []
    for account in accounts:
        times = np.sort(us[names == account])
        if len(times) < 2:
            raise NotFound(f"account {account!r} has fewer than two requests in the log")
        gaps.append(np.diff(times) / 1e6)
    ax = many_lines(ax, len(accounts))
    longest = max(float(g.max()) for g in gaps)
    bins = max(60, math.ceil(7 * math.log10(100 * longest + 1)) + 1)  # seven to a tenfold
    edges = 10 ** (np.arange(bins + 1) / 7 - 2)
    for i, (account, mine) in enumerate(zip(accounts, gaps)):
        share = np.histogram(np.maximum(mine, edges[0]), edges)[0] / len(mine)
        ax.step(
            edges,
            [*share, 0],
            where="post",
            lw=1.4,
            label=f"{shown(account)} ({len(mine) + 1} requests)",
            **style(i),
        )
    ax.set_xscale("log")
    ticks = {
        "10 ms\nor less": 1e-2,
        "1 s": 1,
        "1 min": 60,
        "1 h": 3600,
        "1 day": 86400,
        "1 week": 604800,
        "1 year": 31556952,
        "100 years": 3155695200,
    }
    drawn = {label: at for label, at in ticks.items() if at <= edges[-1]}
    ax.set_xticks(list(drawn.values()), list(drawn), fontsize=8)
    ax.minorticks_off()
    ax.set(
        ylim=(0, None),
        xlabel="gap between two requests",
        ylabel="share of gaps",
        title="Inter-arrival shapes",
    )
    name_lines(ax, len(accounts), "best")
    return ax


def coverage_map(
    log: Any, account: str, *, most: int = 400, key: Optional[bytes] = None, ax: Any = None
) -> Any:
    """How alike an account's prompts are, each against each, in the order of time.

    People leave blocks on the diagonal (a subject, then the next), a frame around changing slots an
    even shade, two uses of one key stripes, repeated prompts dark dots. A sweep over everything is
    white: nothing comes twice. Of more than `most` prompts, runs of successive ones are drawn.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import MaxNLocator

    from ._batch import jaccard_matrix, signatures

    at_least("most", most, 2)
    us = _core.microseconds(log["time"])
    mine = np.flatnonzero(np.asarray(log["account"], dtype=object) == account)
    if len(mine) < 2:
        raise NotFound(f"account {account!r} has fewer than two requests in the log")
    ax = axes(ax, 5.5, 4.8)
    mine = mine[np.argsort(us[mine], kind="stable")]
    chosen, how = mine, ""
    if len(mine) > most:  # runs of successive prompts, so that the diagonal stays what it is
        runs = min(8, most // 2)
        each = most // runs
        begins = np.linspace(0, len(mine) - each, runs).astype(int)
        chosen = np.unique(np.concatenate([mine[b : b + each] for b in begins]))
        how = f"in {runs} runs, " if runs > 1 else "the first, "
    prompts = np.asarray(log["prompt"], dtype=object)[chosen]
    likeness = jaccard_matrix(signatures(prompts, slots=256, key=key))
    drawn = ax.imshow(likeness, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    ax.figure.colorbar(drawn, ax=ax, ticks=[0, 0.1, 0.3, 0.6, 1], label="Jaccard similarity")
    others = likeness[~np.eye(len(chosen), dtype=bool)]
    title = f"{shown(account)}: {len(chosen)} of {len(mine)} prompts"
    title = wrapped(title, points_of(ax)[0] + 60, 10)
    ax.set_title(f"{title}\n{how}mean Jaccard similarity {others.mean():.2f}", fontsize=10)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="prompts in order of time", ylabel="prompts in order of time")
    return ax


def contributions(explanation: Explanation, *, most: int = 10, ax: Any = None) -> Any:
    """The strongest evidence of an explanation as bars that add up to its score."""
    at_least("most", most, 0)
    strongest = explanation.evidence[:most]
    rest = sum(e.contribution for e in explanation.evidence[most:])
    rows: list[tuple[str, float]] = [("what any account has", explanation.base)]
    rows += [(e.words, e.contribution) for e in strongest]
    rows.append(("all other evidence", rest))
    ax = plain(axes(ax, 8, 1.4 + 0.32 * len(rows)))
    at = 0.0
    for i, (_, value) in enumerate(rows):
        colour, label = (RED, "raises the score") if value > 0 else (BLUE, "lowers the score")
        if i == 0:
            colour, label = GREY, "what any account has"
        ax.barh(i, value, left=at, color=colour, height=0.7, label=label)
        at += value
    ax.axvline(at, color="black", lw=1, label=f"score {at:.2f}")
    words = [wrapped(shown(words, 90, 0), 230) for words, _ in rows]
    ax.set_yticks(range(len(rows)), words, fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.use_sticky_edges = False
    ax.margins(x=0.04)
    ax.set_xlabel("score")
    title = f"Why {shown(explanation.account)} has its score"
    ax.set_title(wrapped(title, points_of(ax)[0], 11), fontsize=11, loc="left")
    entries = {label: handle for handle, label in zip(*ax.get_legend_handles_labels())}
    ax.legend(list(entries.values()), list(entries), fontsize=8)
    return ax
