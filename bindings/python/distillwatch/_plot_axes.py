# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What all pictures have in common."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, Union

import numpy as np

from ._types import Text

BLUE, ORANGE, GREEN, RED, GREY = "#33658a", "#e07a1f", "#4c956c", "#a4243b", "#9aa0a6"
DARK = "#5f6368"
_FEW = 8  # lines whose names fit among them
# Without grey, which is what lies behind.
_COLOURS = ("blue", "orange", "green", "red", "purple", "brown", "pink", "olive", "cyan")


def axes(ax: Any, width: float = 8, height: float = 4, *, settled: bool = False) -> Any:
    """New axes where there are none; settled ones know nearly how large they will be drawn."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(width, height), layout="constrained")
    if settled:
        figure.draw_without_rendering()
    return ax


def points_of(ax: Any) -> tuple[float, float]:
    """Width and height of the axes in points, as letters are measured."""
    box, inch = ax.get_window_extent(), ax.figure.dpi / 72
    return max(1.0, box.width / inch), max(1.0, box.height / inch)


def wrapped(text: str, points: float, size: float = 8) -> str:
    """The text in lines of this width."""
    letters = max(12, int(points / (0.57 * size)))
    lines = textwrap.wrap(text, letters, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def plain(ax: Any) -> Any:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def shown(name: object, most: int = 40, tail: int = 13) -> str:
    """A name from outside as matplotlib may draw it: one line, no mathematics, not too long.

    A longer name keeps its last `tail` characters, since names that begin alike often differ there.
    """
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(name)) or "''"
    if len(text) > most:
        text = text[: most - tail - 3] + "..." + text[len(text) - tail :]
    # Legends leave out what begins with an underscore.
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def style(i: int) -> dict[str, Any]:
    """How the i-th of many lines is drawn: nine colours, then dashed, dash-dotted, and so on."""
    dashes = i // len(_COLOURS)
    return {
        "color": "tab:" + _COLOURS[i % len(_COLOURS)],
        "linestyle": (0, (6, 2) + (1, 2) * (dashes - 1)) if dashes else "-",
    }


def many_lines(ax: Any, n: int, height: float = 4) -> Any:
    """Axes for so many named lines; their legend, which name_lines draws, may stand beside."""
    return plain(axes(ax, 10, max(height, 1 + 0.17 * n)) if n > _FEW else axes(ax, 8, height))


def name_lines(ax: Any, n: int, where: str) -> None:
    if n > _FEW:
        ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    else:
        ax.legend(fontsize=8, loc=where)


def listed(accounts: Union[Text, Iterable[Any]]) -> list[Any]:
    """Accounts without repeats; a lone name is a list of one."""
    return [accounts] if isinstance(accounts, (str, bytes)) else list(dict.fromkeys(accounts))


def at_least(name: str, value: float, least: int) -> None:
    if not value >= least:
        raise ValueError(f"{name} is {value}; allowed: {least} or more")


def minute(us: Any) -> str:
    """The time as text, also where datetime ends."""
    return str(np.datetime64(int(us), "us").astype("M8[m]")).replace("T", " ")
