# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of a score: what it flags, what it catches, and whether it keeps its promise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _core, evaluate
from ._core import Promise, Reference
from ._plot_axes import BLUE, GREY, RED, axes, plain
from ._types import Level, NotFound
from .fit import Collected, reference_scores, score_looks

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
