# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What all pictures have in common."""

from __future__ import annotations

from typing import Any

BLUE, ORANGE, GREEN, RED, GREY = "#33658a", "#e07a1f", "#4c956c", "#a4243b", "#9aa0a6"


def axes(ax: Any, width: float = 8, height: float = 4) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def plain(ax: Any) -> Any:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
