# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of a score: what it flags, what it catches, and whether it keeps its promise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core, evaluate
from ._bins import BIN
from ._core import Promise, Reference
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
    shown,
    style,
)
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
    # 1 + (reference accounts at or above) must not exceed the rank.
    return float(maxima[len(maxima) - rank]) + BIN


def score_paths(
    collected: Collected,
    reference: Reference,
    promise: Promise,
    *,
    highlight: Union[str, Sequence[str]] = (),
    most: int = 300,
    ax: Any = None,
) -> Any:
    """How accounts' highest scores rise with their requests, against what the promise flags."""
    at_least("most", most, 0)
    chosen = {_index(collected, a): a for a in listed(highlight)}
    lines = {
        level: score_of(reference, promise, level) for level in (Level.SUSPECT, Level.DISTILLING)
    }
    ax = many_lines(ax, len(chosen), 4.5)
    scores = score_looks(reference, collected.looks)
    looks = collected.looks
    order = np.lexsort(np.stack([looks.requests.astype(np.int64), looks.owner.astype(np.int64)]))
    owners, starts = np.unique(looks.owner[order], return_index=True)
    paths = dict(zip(owners.tolist(), np.split(order, starts[1:])))
    others = [o for o in paths if o not in chosen]
    if len(others) > most:
        others = np.random.default_rng(0).choice(others, most, replace=False).tolist()

    def draw(owner: int, **how: Any) -> None:
        rows = paths.get(owner, np.zeros(0, np.int64))
        path = np.maximum.accumulate(scores[rows])
        ax.step(looks.requests[rows], path, where="post", **how)

    for owner in others:
        draw(owner, color=GREY, lw=0.5, alpha=0.4)
    for i, (owner, account) in enumerate(chosen.items()):
        few = "" if owner in paths else ": too few requests"
        draw(owner, lw=1.6, label=shown(account) + few, **style(i))
    reached = [at for at in lines.values() if math.isfinite(at)]
    for level, at in lines.items():
        black = {"color": "black", "lw": 1.2, "ls": _LEVEL_LINES[level]}
        if math.isfinite(at):
            ax.axhline(at, label=f"{level} from here", **black)
        else:
            ax.plot([], [], label=f"{level}: no score reaches it", **black)
    ax.set_xscale("log", base=2)
    doubled = range(4, 1 + max(5, int(looks.requests.max(initial=16)).bit_length() - 1))
    ticks = [2**i for i in doubled]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    low = float(np.quantile(scores, 0.01)) if len(scores) else -1.0
    high = float(scores.max()) if len(scores) else 1.0
    drawn = len(others) + sum(owner in paths for owner in chosen)
    ax.set(
        xlabel="requests of the account",
        ylabel="highest score so far",
        ylim=(min(low, *(at - 0.3 for at in reached)), max(high, 0.5, *reached) + 0.3),
        title=f"Score paths of {drawn} of {len(paths)} accounts; "
        f"promise {promise.per_million:g} of a million",
    )
    name_lines(ax, len(chosen), "lower right")
    return ax


def _against_luck(
    benign: npt.NDArray[np.float64], reference: Reference, promised: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Of a million accounts: those that came, and the bounds of luck for all promises together."""
    rows = []
    for promise in map(Promise, promised.tolist()):
        came = int((benign >= score_of(reference, promise)).sum())
        confidence = 1 - 2 * evaluate.BROKEN_BELOW / len(promised)
        bounds = evaluate.false_alarm_range(len(benign), promise, reference, confidence)
        rows.append((came, *bounds))
    return 1e6 * np.array(rows, float).T / len(benign)


def _tested(
    labels: evaluate.Labels, scores: evaluate.Scores, reference: Reference
) -> npt.NDArray[np.float64]:
    """The benign accounts' scores, to be tested against a reference that can promise something."""
    of = evaluate.read_scores(scores)
    names = labels.named("benign")
    if not names:
        raise ValueError("there are no benign accounts")
    missing = [a for a in names if a not in of]
    if missing:
        raise ValueError(f"{len(missing)} benign accounts have no score, {missing[0]!r} for one")
    if not len(reference_scores(reference)):
        raise ValueError("the reference holds no accounts, so that no promise stands on it")
    return np.array([of[a] for a in names], float)


def reliability(
    labels: evaluate.Labels,
    scores: evaluate.Scores,
    reference: Reference,
    *,
    promises: Sequence[float] = (),
    ax: Any = None,
) -> Any:
    """False alarms as promised against those that came.

    The bars hold what comes in 95 % of all cases, at all promises together, when the benign
    accounts are like those of the reference: both are a matter of luck. A promise is drawn as
    broken when more came than it allows and than the bar holds.
    """
    benign = _tested(labels, scores, reference)
    smallest = reference.smallest_promise()
    chosen = list(promises) or [p for p in np.logspace(2, 5.5, 15).tolist() if p >= smallest]
    if not chosen:
        raise ValueError(
            f"promises is empty, and the reference's smallest is {smallest:.0f} of a million; "
            f"drawn unasked are those up to 316228"
        )
    promised = np.array(chosen, float)
    came, low, high = _against_luck(benign, reference, promised)
    broken = (came > promised) & (came > high)
    ax = plain(axes(ax, 5.5, 5))
    least = min(promised.min(), 1e6 / len(benign)) / 3
    ax.plot([least, 1e6], [least, 1e6], color=GREY, lw=1, ls="--", label="promised = came")
    ax.vlines(
        promised,
        np.maximum(low, least),
        np.maximum(high, least),
        color=BLUE,
        alpha=0.25,
        lw=6,
        label="what luck explains",
    )
    for rows_of, marker, colour, label in (
        (~broken & (came > 0), "o", BLUE, "kept, as far as can be seen"),
        (came == 0, "v", BLUE, "none came"),
        (broken, "X", RED, "broken"),
    ):
        if rows_of.any():
            ax.plot(
                promised[rows_of],
                np.maximum(came, least * 1.1)[rows_of],
                marker,
                ms=5,
                color=colour,
                label=label,
            )
    ax.set(
        xscale="log",
        yscale="log",
        xlim=(least, 1e6),
        ylim=(least, 1e6),
        xlabel="promised false alarms of a million accounts",
        ylabel="false alarms that came, of a million accounts",
        title=f"The promise on {len(benign)} benign accounts,\n"
        f"by a reference of {len(reference_scores(reference))}",
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
    if not 0 < least_fpr < 1:
        raise ValueError(f"least_fpr is {least_fpr}; allowed: above 0 to below 1")
    if not isinstance(scores, Mapping) or not scores or any(
        isinstance(of, (int, float, np.number)) for of in scores.values()
    ):
        raise TypeError('scores must be by name and account, as {"monitor": {"account": 0.5, ...}}')
    if not labels.asked() or not labels.named("benign"):
        raise ValueError(
            f"there are {len(labels.named('benign'))} benign accounts and {len(labels.asked())} "
            f"with {evaluate.LEAST} distilling requests; allowed: 1 or more of each"
        )
    ax = plain(axes(ax, 6, 4.5))
    for i, (name, of) in enumerate(scores.items()):
        curve = evaluate.roc(labels, of)
        inside = curve["fpr"] > least_fpr
        begin = curve["tpr"][~inside].max()
        area = evaluate.auc(labels, of)  # there are accounts of both kinds
        ax.step(
            [least_fpr, *curve["fpr"][inside]],
            [begin, *curve["tpr"][inside]],
            where="post",
            label=f"{shown(name)} (AUC {area:.3f})",
            **style(i),
        )
    chance = np.geomspace(least_fpr, 1, 50)
    ax.plot(chance, chance, color=GREY, ls="--", lw=1, label="chance")
    ax.set(
        xscale="log",
        xlim=(least_fpr, 1),
        ylim=(-0.01, 1.01),
        xlabel="share of benign accounts flagged",
        ylabel="share of distilling accounts flagged",
        title="ROC over accounts",
    )
    ax.legend(loc="upper left", fontsize=8)
    return ax
