# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Who shares a frame with whom, and where to draw them."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _core
from ._batch import signatures
from ._types import Text

Edges = dict[tuple[int, int], int]
Counts = npt.NDArray[np.int16]
Points = npt.NDArray[np.float64]


def recurring(
    log: Any, accounts: Sequence[str], *, most: int = 64, key: Optional[Text] = None
) -> list[set[int]]:
    """For each account the signature values that recur among its prompts: what does not change.

    A value recurs when a fifth of the prompts have it, and three of them at least. Of long
    histories `most` prompts are looked at, spread over all of it.
    """
    names = np.asarray(log["account"], dtype=object)
    prompts = np.asarray(log["prompt"], dtype=object)
    us = _core.microseconds(log["time"])
    wanted = set(accounts)
    rows: dict[Any, list[int]] = collections.defaultdict(list)
    for row in np.argsort(us, kind="stable").tolist():
        if names[row] in wanted:
            rows[names[row]].append(row)
    out: list[set[int]] = []
    for account in accounts:
        mine = rows[account]
        if not mine:
            out.append(set())
            continue
        chosen = np.unique(np.linspace(0, len(mine) - 1, min(most, len(mine))).astype(int))
        signed = signatures(prompts[np.array(mine)[chosen]], slots=128, key=key)
        # A value belongs to its slot.
        values = signed.astype(np.uint64) | (np.arange(128, dtype=np.uint64) << np.uint64(32))
        found, count = np.unique(values, return_counts=True)
        out.append(set(found[count >= max(3, len(chosen) / 5)].tolist()))
    return out


def shared(values: Sequence[set[int]], least: int) -> Counts:
    """How many recurring values each two accounts have in common; 0 where fewer than `least`."""
    holders: dict[int, list[int]] = collections.defaultdict(list)
    for account, own in enumerate(values):
        for value in own:
            holders[value].append(account)
    count = np.zeros((len(values), len(values)), np.int16)  # at most 128 slots of five values
    for held in holders.values():
        if len(held) > 1:
            count[np.ix_(held, held)] += 1
    np.fill_diagonal(count, 0)
    count[count < least] = 0
    return count


def strongest(count: Counts, most: int) -> Edges:
    """Of each account the pairs with the highest counts, so many at most."""
    best = np.argsort(count, axis=1, kind="stable")[:, max(0, len(count) - most) :]
    first = np.repeat(np.arange(len(count)), best.shape[1])
    second = best.ravel()
    ends = np.sort(np.stack([first, second], axis=1)[count[first, second] > 0], axis=1)
    return {(a, b): int(count[a, b]) for a, b in np.unique(ends, axis=0).tolist()}


def components(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Nodes that hang together, the largest part first."""
    root = list(range(n))

    def find(a: int) -> int:
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        return a

    for a, b in pairs:
        root[find(a)] = find(b)
    parts: dict[int, list[int]] = collections.defaultdict(list)
    for a in range(n):
        parts[find(a)].append(a)
    return sorted(parts.values(), key=lambda part: (-len(part), part))


def _springs(n: int, pairs: Sequence[tuple[int, int]]) -> Points:
    """T. Fruchterman, E. Reingold, Graph drawing by force-directed placement, 1991."""
    a, b = (np.array(side, int) for side in zip(*pairs)) if pairs else (np.zeros(0, int),) * 2
    # A sunflower, so that no two nodes begin in one place; in its middle those of most pairs.
    order = np.argsort(-np.bincount(np.concatenate([a, b]), minlength=n), kind="stable")
    angle = np.arange(n) * 2.399963
    at = np.empty((n, 2))
    at[order] = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    at[order] *= np.sqrt(np.arange(n) + 1.0)[:, None]
    rounds = max(40, min(200, 60_000 // n))  # a round is quadratic
    for step in range(rounds):
        x, y = at.T.astype(np.float32)
        near = np.maximum((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2, np.float32(0.0025))
        np.reciprocal(near, out=near)
        force = at * near.sum(axis=1)[:, None] - near @ at.astype(np.float32)
        pull = (at[a] - at[b]) * np.linalg.norm(at[a] - at[b], axis=1)[:, None] / 2
        np.add.at(force, a, -pull)
        np.add.at(force, b, pull)
        length = np.maximum(np.linalg.norm(force, axis=1), 1e-9)
        most = 120 / rounds * (1 - step / rounds)
        at = at + force / length[:, None] * np.minimum(length, most)[:, None]
    return np.asarray(at - at.mean(axis=0), np.float64)


def layout(n: int, pairs: Sequence[tuple[int, int]]) -> tuple[Points, float]:
    """Where the nodes go, and from which height down they are linked to nobody.

    Parts that hang together stand side by side in rows, the largest first.
    """
    at = np.zeros((n, 2))
    parts = components(n, pairs)
    linked = [part for part in parts if len(part) > 1]
    alone = [part[0] for part in parts if len(part) == 1]
    boxes: list[tuple[list[int], Points, float]] = []
    part_of = {node: i for i, part in enumerate(linked) for node in part}
    pairs_of: list[list[tuple[int, int]]] = [[] for _ in linked]
    for pair in pairs:
        pairs_of[part_of[pair[0]]].append(pair)
    for part, own in zip(linked, pairs_of):
        place = {node: i for i, node in enumerate(part)}
        inner = [(place[a], place[b]) for a, b in own]
        points = _springs(len(part), inner)
        radius = 0.55 * math.sqrt(len(part)) + 0.3
        boxes.append((part, points * (radius / max(1e-9, np.abs(points).max())), radius))
    area = sum((2 * r + 1.2) ** 2 for _, _, r in boxes) + len(alone)
    width = max([math.sqrt(1.7 * area), *(2 * r + 1.2 for _, _, r in boxes)])
    rows: list[list[tuple[list[int], Points, float]]] = [[]]
    taken = 0.0
    for box in boxes:
        size = 2 * box[2] + 1.2
        if taken > 0 and taken + size > width * 1.05:
            rows.append([])
            taken = 0.0
        rows[-1].append(box)
        taken += size
    below = 0.0
    for row in rows:
        sizes = [2 * radius + 1.2 for _, _, radius in row]
        x = (width - sum(sizes)) / 2  # in the middle
        for (part, points, _), size in zip(row, sizes):
            at[part] = points + (x + size / 2, below - max(sizes) / 2)
            x += size
        below -= max(sizes, default=0.0)
    across = max(1, int(width / 0.7))
    for i, node in enumerate(alone):
        at[node] = (0.5 + 0.7 * (i % across), below - 0.8 - 0.7 * (i // across))
    return at, below


def place_labels(
    at: Points, widths: Sequence[float], dots: Points, room: tuple[float, float], line: float = 12
) -> list[Optional[float]]:
    """How far above its point each label's lower edge goes, so that none lies on another.

    All in one unit; a label is centred over its point, `widths` wide and a `line` high, and lies
    in the `room` between two heights. Dots are left free where that is possible. None where there
    is no place nearby.
    """
    taken: list[tuple[float, float, float]] = []  # middle, width, lower edge
    out: list[Optional[float]] = [None] * len(at)
    steps = [0.6, -1.6, *(sign * k + 0.1 for k in range(2, 6) for sign in (1, -1.1))]
    for i in np.argsort(-at[:, 1], kind="stable").tolist():
        x, y = at[i]
        free = [
            y + step * line
            for step in steps
            if room[0] <= y + step * line <= room[1] - line
            and all(
                abs(x - other) >= (widths[i] + width) / 2 or abs(y + step * line - low) >= line
                for other, width, low in taken
            )
        ]
        above = dots[np.abs(dots[:, 0] - x) < widths[i] / 2 + line / 3, 1]
        clear = [low for low in free if not (abs(above - low - line / 2) < 0.8 * line).any()]
        if free:
            low = (clear or free)[0]
            taken.append((x, widths[i], low))
            out[i] = low - y
    return out
