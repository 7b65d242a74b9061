# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Splits that keep what belongs together on one side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._labels import Labels


class LeaveGroupsOut:
    """Splits samples so that no group is on both sides; scikit-learn's way of splitting.

    Samples without a group ("" or None: benign accounts) are dealt evenly over the folds.
    """

    def __init__(self, folds: Optional[int] = None, *, seed: int = 0) -> None:
        self.folds = folds
        self.seed = seed

    def _assign(self, groups: Sequence[Any]) -> tuple[npt.NDArray[np.int64], int]:
        names = sorted({g for g in groups if g}, key=str)
        if len(names) < 2:
            raise ValueError(f"there are {len(names)} groups; leaving one out takes two or more")
        folds = len(names) if self.folds is None else min(self.folds, len(names))
        if folds < 2:
            raise ValueError(f"folds is {self.folds}; allowed: 2 or more")
        random = np.random.default_rng(self.seed)
        order = random.permutation(len(names))
        fold_of = {name: int(order[i]) % folds for i, name in enumerate(names)}
        free = random.permutation(len(groups))
        return (
            np.array(
                [fold_of[g] if g else int(free[i]) % folds for i, g in enumerate(groups)], np.int64
            ),
            folds,
        )

    def split(
        self, X: Any, y: Any = None, groups: Optional[Sequence[Any]] = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        if groups is None:
            raise ValueError("groups must be given")
        fold, folds = self._assign(list(groups))
        for f in range(folds):
            yield np.flatnonzero(fold != f), np.flatnonzero(fold == f)

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Optional[Sequence[Any]] = None
    ) -> int:
        if groups is None:
            raise ValueError("groups must be given")
        return self._assign(list(groups))[1]


def _leave_out(
    groups: Mapping[str, str], folds: Optional[int], seed: int
) -> Iterator[tuple[list[str], list[str]]]:
    names = list(groups)
    for train, test in LeaveGroupsOut(folds, seed=seed).split(
        names, groups=[groups[n] for n in names]
    ):
        yield [names[i] for i in train], [names[i] for i in test]


def leave_campaign_out(
    labels: Labels, folds: Optional[int] = None, *, seed: int = 0
) -> Iterator[tuple[list[str], list[str]]]:
    """Accounts to train and to test on, whole campaigns apart; lone harvesters are some, too."""
    groups = {
        a: labels.cluster(a) if label == "distill" else "" for a, label in labels.label.items()
    }
    return _leave_out(groups, folds, seed)


def leave_source_out(
    source: Mapping[str, str], folds: Optional[int] = None, *, seed: int = 0
) -> Iterator[tuple[list[str], list[str]]]:
    """The same with any grouping of accounts, as the data set that their texts come from.

    All accounts of a source are on one side, benign ones as well.
    """
    return _leave_out(source, folds, seed)
