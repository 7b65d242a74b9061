# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""The bins in which a reference knows the path maxima of its accounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BIN = 1 / 32  # of a unit of score
_MOST = 24  # the highest score; it is in the last bin


def lower_ends(scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The lower ends of the scores' bins: what is in one bin is told apart by nobody."""
    bins: npt.NDArray[np.float64] = np.floor(np.asarray(scores, float) / BIN)
    ends: npt.NDArray[np.float64] = np.minimum(bins, _MOST / BIN - 1) * BIN
    return ends
