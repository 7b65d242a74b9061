# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of accounts that act together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from . import _core, _graph
from ._core import Monitor
from ._plot_axes import GREY, RED, axes


def campaign_matrix(
    log: Any, groups: Mapping[str, Sequence[str]], *, hours: int = 6, ax: Any = None
) -> Any:
    """Accounts up, time across, the darker the busier; campaigns one above the other."""
    groups = {name: list(dict.fromkeys(members)) for name, members in groups.items()}
    rows: dict[str, list[int]] = {}
    accounts = [a for members in groups.values() for a in members]
    for row, account in enumerate(accounts):
        rows.setdefault(account, []).append(row)
    if not accounts:
        raise ValueError("there are no accounts to draw")
    ax = axes(ax, 9, min(10, 1.5 + 0.14 * len(accounts)))
    names = np.asarray(log["account"], dtype=object)
    us = _core.microseconds(log["time"])
    bins = (us - us.min()) // (hours * 3_600_000_000)
    counts = np.zeros((len(accounts), int(bins.max()) + 1))
    for name, b in zip(names.tolist(), bins.tolist()):
        for row in rows.get(name, ()):
            counts[row, b] += 1
    end = (us.max() - us.min()) / 8.64e10
    drawn = ax.imshow(
        np.log2(1 + counts),
        aspect="auto",
        cmap="Greys",
        interpolation="nearest",
        vmin=0,
        extent=(0, end, len(accounts), 0),
    )
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.01, label=f"requests in {hours} h")
    ticks = [
        t
        for t in (0, 1, 3, 7, 15, 31, 63, 127, 255, 511)
        if np.log2(1 + t) <= np.log2(1 + counts.max())
    ]
    bar.set_ticks(np.log2(1 + np.array(ticks)), labels=[str(t) for t in ticks])
    row, middles = 0, []
    for i, members in enumerate(groups.values()):
        if row:
            ax.axhline(row, color=RED, lw=0.8)
        middles.append(row + len(members) / 2)
        row += len(members)
    ax.set_yticks(
        middles, [f"{name} ({len(members)})" for name, members in groups.items()], fontsize=8
    )
    ax.set(xlabel="days", title="Who asks when")
    return ax


def found_groups(monitor: Monitor, accounts: Iterable[str]) -> dict[str, list[str]]:
    """The campaigns that a monitor named, as campaign_matrix and link_graph take them."""
    name_of = {monitor.account_id(account): account for account in accounts}
    return {
        f"campaign {c.id}": [name_of[m.account] for m in c.members if m.account in name_of]
        for c in monitor.campaigns()
    }


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
    groups = {name: list(dict.fromkeys(members)) for name, members in groups.items()}
    accounts = list(dict.fromkeys([*(a for members in groups.values() for a in members), *others]))
    if not accounts:
        raise ValueError("there are no accounts to draw")
    ax = axes(ax, 9, 6)
    place = {account: i for i, account in enumerate(accounts)}
    frames = _graph.shared(_graph.recurring(log, accounts, key=key), least)
    best: dict[int, list[tuple[int, tuple[int, int]]]] = {}
    for pair, n in frames.items():
        for end in pair:
            best.setdefault(end, []).append((n, pair))
    drawn = {pair: n for of in best.values() for n, pair in sorted(of, reverse=True)[:strongest]}
    squares = {name: len(accounts) + i for i, name in enumerate(groups)}
    ties = [(place[a], squares[name]) for name, members in groups.items() for a in members]
    at, below = _graph.layout(len(accounts) + len(squares), [*drawn, *ties])

    colours: dict[str, Any] = {name: f"C{i}" for i, name in enumerate(groups)}
    if len(groups) > 10:
        from matplotlib.colors import hsv_to_rgb

        hues = np.linspace(0, 1, len(groups), endpoint=False)
        tone = [0.95, 0.7, 0.5]
        colours = {
            name: hsv_to_rgb((hue, 0.85, tone[i % 3]))
            for i, (name, hue) in enumerate(zip(groups, hues))
        }
    of_account = {a: colours[name] for name, members in groups.items() for a in members}
    for (a, b), n in sorted(drawn.items()):
        width = 0.4 + 2.2 * min(1.0, n / 64)
        ax.plot(*at[[a, b]].T, color=GREY, lw=width, alpha=0.55, zorder=1, solid_capstyle="round")
    for name, members in groups.items():
        for account in members:
            ends = at[[place[account], squares[name]]].T
            ax.plot(*ends, color=colours[name], lw=0.7, alpha=0.6, zorder=2)
    ax.scatter(
        *at[: len(accounts)].T,
        s=26,
        lw=0.5,
        edgecolor="white",
        zorder=3,
        color=[of_account.get(a, "#5f6368") for a in accounts],
    )
    for name, square in squares.items():
        ax.scatter(
            *at[square], marker="s", s=44, color=colours[name], edgecolor="black", lw=0.8, zorder=4
        )
        ax.annotate(
            f"{name} ({len(groups[name])})",
            at[square],
            xytext=(0, 7),
            fontsize=8,
            zorder=5,
            textcoords="offset points",
            ha="center",
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
        )
    if (at[: len(accounts), 1] < below).any():
        ax.text(0.1, below - 0.1, "linked to nobody here", fontsize=8, color="#5f6368", va="bottom")
    (left, bottom), (right, top) = at.min(axis=0) - 0.8, at.max(axis=0) + 0.8
    ax.set(
        aspect="equal",
        xticks=[],
        yticks=[],
        xlim=(left, right),
        ylim=(bottom, top),
        title=f"Shared frames among {len(accounts)} accounts: {len(frames):,} pairs",
        xlabel="squares tie groups together; grey lines are shared frames, thick ones long",
    )
    ax.xaxis.label.set(size=8, color="#5f6368")
    for side in ax.spines.values():
        side.set_visible(False)
    return ax
