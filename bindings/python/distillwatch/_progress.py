# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""How far long work has got, by tqdm where it is installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any


def _tqdm(wanted: bool) -> Any:
    """tqdm where it is installed and wanted."""
    if not wanted:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


def progress_bar(rows: Any, wanted: bool) -> Any:
    """A bar over a column's rows, or None, as a context."""
    tqdm = _tqdm(wanted)
    if tqdm is None:
        return contextlib.nullcontext()
    return tqdm(total=len(rows) if hasattr(rows, "__len__") else None, leave=False)


def progress_over(items: Iterable[Any], wanted: bool) -> Iterator[Any]:
    """The items, with a bar where it is wanted."""
    tqdm = _tqdm(wanted)
    return iter(items if tqdm is None else tqdm(list(items), leave=False))
