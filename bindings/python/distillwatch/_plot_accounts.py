# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of one account, or of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._core import Explanation
from ._plot_axes import BLUE, GREEN, GREY, RED, axes, plain
from ._types import NotFound


def timeline(
    log: Any, account: str, *, explanation: Optional[Explanation] = None, ax: Any = None
) -> Any:
    """When an account asks: days across, hours of the day (UTC) up; its strongest evidence beside.

    Where the log has labels, distilling requests are drawn in another colour.
    """
    ax = plain(axes(ax, 9, 4))
    mine = np.asarray(log["account"], dtype=object) == account
    if not mine.any():
        raise NotFound(f"account {account!r} is not in the log")
    us = _core.microseconds(log["time"])[mine]
    days = us.astype("M8[us]").astype("M8[D]")
    hours = (us - days.astype("M8[us]").astype(np.int64)) / 3.6e9
    distil = (
        np.asarray(log["distill"], dtype=bool)[mine]
        if "distill" in list(log.keys())
        else np.zeros(len(us), bool)
    )
    dates = days.astype(object)
    for rows, colour, label in ((~distil, BLUE, "requests"), (distil, RED, "distilling requests")):
        if rows.any():
            ax.scatter(
                dates[rows],
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
        title=f"Requests of {account}",
    )
    ax.tick_params(axis="x", labelrotation=30)
    if explanation is None:
        ax.legend(loc="lower right", markerscale=2, framealpha=0.9)
        return ax
    lines = [f"score {explanation.score:.2f}, of which"]
    for e in explanation.evidence[:7]:
        lines.append(
            f"{e.contribution:+.2f}  {e.words if len(e.words) <= 64 else e.words[:61] + '...'}"
        )
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), markerscale=2, frameon=False)
    ax.text(
        1.02, 0.8, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=8, linespacing=1.5
    )
    return ax


def inter_arrivals(log: Any, accounts: Sequence[str], *, ax: Any = None) -> Any:
    """The shapes of the gaps between requests: a metronome is a spike, people are broad."""
    ax = plain(axes(ax, 8, 4))
    names = np.asarray(log["account"], dtype=object)
    us = _core.microseconds(log["time"])
    edges = np.logspace(-2, 6.5, 60)
    for i, account in enumerate(accounts):
        times = np.sort(us[names == account])
        if len(times) < 2:
            raise NotFound(f"account {account!r} has fewer than two requests in the log")
        gaps = np.maximum(np.diff(times) / 1e6, 0.01)
        share = np.histogram(gaps, edges)[0] / len(gaps)
        ax.step(
            edges[:-1],
            share,
            where="post",
            lw=1.4,
            color=f"C{i}",
            label=f"{account} ({len(times)} requests)",
        )
    ax.set_xscale("log")
    ax.set_xticks(
        [1e-2, 1, 60, 3600, 86400, 604800], ["10 ms", "1 s", "1 min", "1 h", "1 day", "1 week"]
    )
    ax.minorticks_off()
    ax.set(xlabel="gap between two requests", ylabel="share of gaps", title="Inter-arrival shapes")
    ax.legend(fontsize=8)
    return ax


def coverage_map(
    log: Any, account: str, *, most: int = 400, key: Optional[bytes] = None, ax: Any = None
) -> Any:
    """How alike an account's prompts are, each against each, in the order of time.

    People leave blocks on the diagonal (a subject, then the next), a frame around changing slots an
    even shade, two uses of one key stripes, repeated prompts dark dots. A sweep over everything is
    white: nothing comes twice.
    """
    from matplotlib.colors import PowerNorm

    from ._batch import jaccard_matrix, signatures

    ax = axes(ax, 5.5, 4.8)
    us = _core.microseconds(log["time"])
    mine = np.flatnonzero(np.asarray(log["account"], dtype=object) == account)
    if len(mine) < 2:
        raise NotFound(f"account {account!r} has fewer than two requests in the log")
    mine = mine[np.argsort(us[mine], kind="stable")]
    chosen = mine
    if len(mine) > most:  # runs of successive prompts, so that the diagonal stays what it is
        runs = np.linspace(0, len(mine) - most // 8, 8).astype(int)
        chosen = np.unique(np.concatenate([mine[r : r + most // 8] for r in runs]))
    prompts = np.asarray(log["prompt"], dtype=object)[chosen]
    likeness = jaccard_matrix(signatures(prompts, slots=256, key=key))
    drawn = ax.imshow(likeness, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    ax.figure.colorbar(drawn, ax=ax, ticks=[0, 0.1, 0.3, 0.6, 1], label="Jaccard similarity")
    others = likeness[~np.eye(len(chosen), dtype=bool)]
    ax.set_title(
        f"{account}: {len(chosen)} of {len(mine)} prompts,\n{others.mean():.0%} alike on average",
        fontsize=10,
    )
    ax.set(xlabel="prompts in order of time")
    return ax


def contributions(explanation: Explanation, *, most: int = 10, ax: Any = None) -> Any:
    """The strongest evidence of an explanation as bars that add up to its score."""
    ax = plain(axes(ax, 8, 0.6 + 0.32 * (most + 2)))
    strongest = explanation.evidence[:most]
    rest = sum(e.contribution for e in explanation.evidence[most:])
    rows: list[tuple[str, float, str]] = [("what any account has", explanation.base, GREY)]
    rows += [(e.words, e.contribution, RED if e.contribution > 0 else GREEN) for e in strongest]
    rows.append(("all other evidence", rest, RED if rest > 0 else GREEN))
    at = 0.0
    for i, (_, value, colour) in enumerate(rows):
        ax.barh(i, value, left=at, color=colour, height=0.7)
        at += value
    ax.axvline(at, color="black", lw=1)
    ax.text(at, len(rows) - 0.3, f" score {at:.2f}", fontsize=8, va="center")
    words: Union[list[str], npt.NDArray[Any]] = [
        w if len(w) <= 70 else w[:67] + "..." for w, _, _ in rows
    ]
    ax.set_yticks(range(len(rows)), words, fontsize=8)
    ax.set_ylim(len(rows) - 0.2, -0.6)
    ax.set(xlabel="score", title=f"Why {explanation.account} has its score")
    return ax
