# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Splits that keep what belongs together on one side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._batch import is_missing
from ._labels import Labels


def _alone(group: Any) -> bool:
    return is_missing(group) or isinstance(group, str) and not group


class LeaveGroupsOut:
    """Splits samples so that no group is on both sides; scikit-learn's way of splitting.

    Samples without a group ("", None, NaN: benign accounts) are dealt evenly over the folds.
    """

    def __init__(self, folds: Optional[int] = None, *, seed: int = 0) -> None:
        self.folds = folds
        self.seed = seed

    def __repr__(self) -> str:
        return f"LeaveGroupsOut(folds={self.folds}, seed={self.seed})"

    def _assign(
        self, X: Any, groups: Optional[Sequence[Any]]
    ) -> tuple[npt.NDArray[np.int64], int]:
        if groups is None:
            raise ValueError("groups must be given")
        groups = [None if _alone(g) else g for g in groups]
        X = groups if X is None else X
        samples = X.shape[0] if hasattr(X, "shape") else len(X)
        if samples != len(groups):
            raise ValueError(f"groups has {len(groups)} values; allowed: {samples}, as X has")
        names = sorted(dict.fromkeys(g for g in groups if g is not None), key=str)
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
                [
                    int(free[i]) % folds if g is None else fold_of[g]
                    for i, g in enumerate(groups)
                ],
                np.int64,
            ),
            folds,
        )

    def split(
        self, X: Any, y: Any = None, groups: Optional[Sequence[Any]] = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        fold, folds = self._assign(X, groups)
        for f in range(folds):
            yield np.flatnonzero(fold != f), np.flatnonzero(fold == f)

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Optional[Sequence[Any]] = None
    ) -> int:
        return self._assign(X, groups)[1]


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
