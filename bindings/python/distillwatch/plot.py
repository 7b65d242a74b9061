# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures for looking into accounts and for judging a detector. Needs matplotlib.

Every function draws on `ax` (or on new axes) and returns the axes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core, evaluate
from ._core import Explanation, Promise, Reference
from ._plot_axes import BLUE, GREEN, GREY, ORANGE, RED, axes, plain
from ._plot_campaigns import campaign_matrix, found_groups, link_graph
from ._types import Level, NotFound
from .fit import Collected, reference_scores, score_looks

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "RED",
    "campaign_matrix",
    "contributions",
    "coverage_map",
    "found_groups",
    "inter_arrivals",
    "link_graph",
    "reliability",
    "roc",
    "score_of",
    "score_paths",
    "timeline",
]
_LEVEL_LINES = {Level.SUSPECT: ":", Level.DISTILLING: "--"}


def _index(collected: Collected, account: str) -> int:
    try:
        return collected.accounts.index(account)
    except ValueError:
        raise NotFound(f"account {account!r} is not in the log") from None


def score_of(reference: Reference, promise: Promise, level: Level = Level.DISTILLING) -> float:
    """The lowest score at which an account reaches the level; infinite when none does."""
    maxima = reference_scores(reference)
    most = _core.most_rank(promise, len(maxima))
    rank = {Level.DISTILLING: most, Level.SUSPECT: 10 * most}.get(level)
    if rank is None:
        rank = math.floor(0.05 * (len(maxima) + 1))
    if rank < 1:
        return math.inf
    if rank > len(maxima):
        return -8.0
    # 1 + (reference accounts at or above) must not exceed the rank; bins of scores are 1/32 wide.
    return float(maxima[len(maxima) - rank]) + 32 / 1024


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


def score_paths(
    collected: Collected,
    reference: Reference,
    promise: Promise,
    *,
    highlight: Sequence[str] = (),
    most: int = 300,
    ax: Any = None,
) -> Any:
    """How accounts' highest scores rise with their requests, against what the promise flags."""
    ax = plain(axes(ax, 8, 4.5))
    scores = score_looks(reference, collected.looks)
    looks = collected.looks
    order = np.lexsort(np.stack([looks.requests.astype(np.int64), looks.owner.astype(np.int64)]))
    owners, starts = np.unique(looks.owner[order], return_index=True)
    paths = dict(zip(owners.tolist(), np.split(order, starts[1:])))
    chosen = {_index(collected, a): a for a in highlight}
    others = [o for o in paths if o not in chosen]
    if len(others) > most:
        others = np.random.default_rng(0).choice(others, most, replace=False).tolist()

    def draw(owner: int, **style: Any) -> None:
        rows = paths[owner]
        ax.step(looks.requests[rows], np.maximum.accumulate(scores[rows]), where="post", **style)

    for owner in others:
        draw(owner, color=GREY, lw=0.5, alpha=0.4)
    for i, (owner, account) in enumerate(chosen.items()):
        if owner in paths:
            draw(owner, color=f"C{i}", lw=1.6, label=account)
    for level in (Level.SUSPECT, Level.DISTILLING):
        at = score_of(reference, promise, level)
        if math.isfinite(at):
            ax.axhline(
                at, color="black", lw=1.2, ls=_LEVEL_LINES[level], label=f"{level} from here"
            )
    ax.set_xscale("log", base=2)
    ticks = [
        16 * 2**i for i in range(12) if 16 * 2**i <= max(32, looks.requests.max(initial=16))
    ]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    low = float(np.quantile(scores, 0.01)) if len(scores) else -1.0
    high = float(scores.max()) if len(scores) else 1.0
    ax.set(
        xlabel="requests of the account",
        ylabel="highest score so far",
        ylim=(low, max(high, 0.5) + 0.3),
        title=f"Score paths of {len(others) + len(chosen)} accounts; "
        f"promise {promise.per_million:g} of a million",
    )
    ax.legend(loc="lower right", fontsize=8, framealpha=0.9)
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


def reliability(
    labels: evaluate.Labels,
    scores: evaluate.Scores,
    reference: Reference,
    *,
    promises: Sequence[float] = (),
    ax: Any = None,
) -> Any:
    """False alarms as promised against those that came, with 95 % intervals over accounts."""
    ax = plain(axes(ax, 5.5, 5))
    of = evaluate.read_scores(scores)
    benign = np.array([of[a] for a in labels.named("benign")], float)
    if not len(benign):
        raise ValueError("there are no benign accounts")
    smallest = reference.smallest_promise()
    chosen = list(promises) or [p for p in np.logspace(2, 5.5, 15).tolist() if p >= smallest]
    rows = []
    for per_million in chosen:
        flagged = int((benign >= score_of(reference, Promise(per_million))).sum())
        low, high = evaluate.clopper_pearson(flagged, len(benign))
        rows.append((per_million, 1e6 * flagged / len(benign), 1e6 * low, 1e6 * high))
    promised, came, low, high = np.array(rows).T
    least = min(promised.min(), 1e6 / len(benign)) / 3
    ax.plot([least, 1e6], [least, 1e6], color=GREY, lw=1, ls="--", label="promised = came")
    broken = low > promised
    shown = np.maximum(came, least * 1.2)
    for rows_of, colour, label in (
        (~broken, BLUE, "kept, as far as can be seen"),
        (broken, RED, "broken"),
    ):
        if rows_of.any():
            ax.errorbar(
                promised[rows_of],
                shown[rows_of],
                yerr=[
                    np.maximum(shown - np.maximum(low, least), 0)[rows_of],
                    np.maximum(high - shown, 0)[rows_of],
                ],
                fmt="o",
                ms=4,
                lw=1,
                capsize=2,
                color=colour,
                label=label,
            )
    ax.set(
        xscale="log",
        yscale="log",
        xlim=(least, 1e6),
        ylim=(least, 1e6),
        xlabel="promised false alarms of a million",
        ylabel="false alarms that came, of a million",
        title=f"The promise on {len(benign)} benign accounts",
    )
    ax.legend(loc="upper left", fontsize=8)
    return ax


def roc(
    labels: evaluate.Labels,
    scores: Mapping[str, evaluate.Scores],
    *,
    least_fpr: float = 1e-3,
    ax: Any = None,
) -> Any:
    """ROC curves by name; false positives on a logarithmic axis, because only few are bearable."""
    ax = plain(axes(ax, 6, 4.5))
    for i, (name, of) in enumerate(scores.items()):
        curve = evaluate.roc(labels, of)
        area = evaluate.auc(labels, of)
        ax.step(
            np.maximum(curve["fpr"], least_fpr),
            curve["tpr"],
            where="post",
            color=f"C{i}",
            label=f"{name} (AUC {area:.3f})",
        )
    ax.plot(
        np.logspace(math.log10(least_fpr), 0, 50),
        np.logspace(math.log10(least_fpr), 0, 50),
        color=GREY,
        ls="--",
        lw=1,
    )
    ax.set(
        xscale="log",
        xlim=(least_fpr, 1),
        ylim=(0, 1.01),
        xlabel="share of benign accounts flagged",
        ylabel="share of distilling accounts flagged",
        title="ROC over accounts",
    )
    ax.legend(loc="upper left", fontsize=8)
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
