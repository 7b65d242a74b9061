# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of accounts that act together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _core, _graph
from ._core import Monitor
from ._plot_axes import DARK, GREY, RED, at_least, axes, listed, minute, points_of, shown, style
from ._types import NotFound

_MOST_COLUMNS = 20_000
_MOST_ACCOUNTS = 3_000


def _counts(log: Any, accounts: Sequence[Any], hours: float) -> tuple[npt.NDArray[Any], int]:
    """Requests of each account in each span of so many hours, and when the first one begins."""
    if not 0 < hours < math.inf:
        raise ValueError(f"hours is {hours}; allowed: above 0")
    us = _core.microseconds(log["time"])
    if not len(us):
        raise ValueError("the log is empty")
    bins = (us.astype(np.float64) - us.min()) / (hours * 3.6e9)
    columns = math.floor(bins.max()) + 1
    if columns > _MOST_COLUMNS:
        least = bins.max() * hours / _MOST_COLUMNS * 1.01
        raise ValueError(f"hours is {hours}; allowed for this log: {least:.3g} or more")
    rows: dict[Any, list[int]] = {}
    for row, account in enumerate(accounts):
        rows.setdefault(account, []).append(row)
    counts = np.zeros((len(accounts), columns))
    names = np.asarray(log["account"], dtype=object)
    for name, b in zip(names.tolist(), bins.astype(int).tolist()):
        for row in rows.get(name, ()):
            counts[row, b] += 1
    if not counts.any():
        raise NotFound(f"none of the {len(rows)} accounts is in the log, {accounts[0]!r} for one")
    return counts, int(us.min())


def campaign_matrix(
    log: Any, groups: Mapping[str, Sequence[str]], *, hours: float = 6, ax: Any = None
) -> Any:
    """Accounts up, time across, the darker the busier; campaigns one above the other.

    Accounts without a request are white. Where groups are too many to name, some are named.
    """
    members_of = {name: listed(members) for name, members in groups.items()}
    members_of = {name: members for name, members in members_of.items() if members}
    accounts = [a for members in members_of.values() for a in members]
    if not accounts:
        raise ValueError("there are no accounts to draw")
    counts, begin = _counts(log, accounts, hours)
    rows_high, names_high = 1.5 + 0.14 * len(accounts), 1.5 + 0.15 * len(members_of)
    ax = axes(ax, 9, max(2.2, min(10, rows_high), min(30, names_high)), settled=True)
    drawn = ax.imshow(
        np.log2(1 + counts),
        aspect="auto",
        cmap="Greys",
        interpolation="nearest",
        vmin=0,
        extent=(0, counts.shape[1] * hours / 24, len(accounts), 0),
    )
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.01, label=f"requests in {hours:g} h")
    most = counts.max()
    ticks = [2**i - 1 for i in range(64) if 2**i - 1 <= most]
    ticks = ticks[:: math.ceil(len(ticks) / 8)]
    bar.set_ticks(np.log2(1 + np.array(ticks, float)), labels=[f"{t:,}" for t in ticks])
    # A label takes 10 points; those that would lie on another are left out.
    apart = 10 * len(accounts) / points_of(ax)[1]
    row, last, labels = 0, -math.inf, {}
    for name, members in members_of.items():
        if row:
            ax.axhline(row, color=RED, lw=0.8 if len(members_of) < 60 else 0.3)
        if row + len(members) / 2 >= last + apart:
            last = row + len(members) / 2
            labels[last] = f"{shown(name)} ({len(members)})"
        row += len(members)
    ax.set_yticks(list(labels), list(labels.values()), fontsize=8)
    if len(labels) < len(members_of):
        ax.set_ylabel(f"{len(labels)} of {len(members_of)} groups are named", fontsize=8)
    ax.set(xlabel=f"days since {minute(begin)} UTC", title="Who asks when")
    return ax


def found_groups(monitor: Monitor, accounts: Iterable[str]) -> dict[str, list[str]]:
    """The campaigns that a monitor named, as campaign_matrix and link_graph take them."""
    name_of = {monitor.account_id(account): account for account in accounts}
    return {
        f"campaign {c.id}": [name_of[m.account] for m in c.members if m.account in name_of]
        for c in monitor.campaigns()
    }


def _group_colours(names: Sequence[str]) -> dict[str, Any]:
    if len(names) <= 9:
        return {name: style(i)["color"] for i, name in enumerate(names)}
    from matplotlib.colors import hsv_to_rgb

    hues, tone = np.linspace(0, 1, len(names), endpoint=False), (0.95, 0.7, 0.5)
    return {
        name: hsv_to_rgb((hue, 0.85, tone[i % 3])) for i, (name, hue) in enumerate(zip(names, hues))
    }


def _draw_lines(ax: Any, at: _graph.Points, pairs: Sequence[tuple[int, int]], **how: Any) -> None:
    from matplotlib.collections import LineCollection

    if pairs:
        ax.add_collection(LineCollection(at[np.array(pairs)], capstyle="round", **how))


def _name_squares(
    ax: Any, at: _graph.Points, groups: Mapping[str, Sequence[str]], colours: Mapping[str, Any]
) -> int:
    """Draws squares, the last of all points, and what names there is room for; says how many."""
    if not groups:
        return 0
    dots, at = at, at[len(at) - len(groups) :]
    labels = [f"{shown(name)} ({len(members)})" for name, members in groups.items()]
    width, height = points_of(ax)
    bottom, top = ax.get_ylim()
    unit = min(width / np.ptp(ax.get_xlim()), height / (top - bottom))
    widths = [4.8 * len(label) + 4 for label in labels]
    offsets = _graph.place_labels(at * unit, widths, dots * unit, (bottom * unit, top * unit))
    ax.scatter(
        *at.T, marker="s", s=44, color=list(colours.values()), edgecolor="black", lw=0.8, zorder=4
    )
    for label, square, offset in zip(labels, at, offsets):
        if offset is None:
            continue
        ax.annotate(
            label,
            square,
            xytext=(0, offset),
            fontsize=8,
            zorder=5,
            textcoords="offset points",
            ha="center",
            bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": DARK} if abs(offset) > 20 else None,
        )
    return sum(offset is not None for offset in offsets)


def link_graph(
    log: Any,
    groups: Mapping[str, Sequence[str]],
    *,
    others: Sequence[str] = (),
    least: int = 6,
    strongest: int = 4,
    key: Optional[bytes] = None,
    ax: Any = None,
) -> Any:
    """Who shares a frame with whom.

    Accounts are dots. A line joins those whose prompts have the same unchanging text, the thicker
    the more of it. Each group, as found_groups gives them or true ones, has a colour, and a square
    that its members are tied to. `others` are accounts of no group to draw beside them. Frames
    count from `least` common signature values on; of each account the `strongest` lines are drawn.
    """
    at_least("strongest", strongest, 0)
    groups = {name: listed(members) for name, members in groups.items()}
    accounts = listed([*(a for members in groups.values() for a in members), *listed(others)])
    if not accounts:
        raise ValueError("there are no accounts to draw")
    if len(accounts) > _MOST_ACCOUNTS:
        raise ValueError(f"there are {len(accounts)} accounts; allowed: 1 to {_MOST_ACCOUNTS}")
    ax = axes(ax, 9, 6, settled=True)
    place = {account: i for i, account in enumerate(accounts)}
    frames = _graph.shared(_graph.recurring(log, accounts, key=key), least)
    drawn = _graph.strongest(frames, strongest)
    pairs = np.count_nonzero(frames) // 2
    squares = {name: len(accounts) + i for i, name in enumerate(groups)}
    ties = [(place[a], squares[name]) for name, members in groups.items() for a in members]
    at, below = _graph.layout(len(accounts) + len(squares), [*drawn, *ties])

    colours = _group_colours(list(groups))
    of_account = {a: colours[name] for name, members in groups.items() for a in members}
    widths = [0.4 + 2.2 * min(1.0, n / 64) for n in drawn.values()]
    _draw_lines(ax, at, list(drawn), color=GREY, lw=widths, alpha=0.55, zorder=1)
    tied = [colours[name] for name, members in groups.items() for _ in members]
    _draw_lines(ax, at, ties, color=tied, lw=0.7, alpha=0.6, zorder=2)
    ax.scatter(
        *at[: len(accounts)].T,
        s=26,
        lw=0.5,
        edgecolor="white",
        zorder=3,
        color=[of_account.get(a, DARK) for a in accounts],
    )
    if (at[: len(accounts), 1] < below).any():
        ax.text(0.1, below - 0.1, "linked to nobody here", fontsize=8, color=DARK, va="bottom")
    (left, bottom), (right, top) = at.min(axis=0) - 0.8, at.max(axis=0) + 0.8
    ax.set(
        aspect="equal",
        xticks=[],
        yticks=[],
        xlim=(left, right),
        ylim=(bottom, top + 0.06 * (top - bottom)),
        title=f"Shared frames among {len(accounts)} accounts: {pairs:,} "
        f"{'pair' if pairs == 1 else 'pairs'}",
    )
    named = _name_squares(ax, at, groups, colours)
    words = "squares tie groups together; grey lines are shared frames, thick ones long"
    few = "" if named == len(groups) else f"; {named} of {len(groups)} groups are named"
    ax.set_xlabel(words + few, size=8, color=DARK)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax
