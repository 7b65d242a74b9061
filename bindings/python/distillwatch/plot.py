# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Pictures for looking into accounts and for judging a detector. Needs matplotlib.

Every function draws on `ax` (or on new axes) and returns the axes.
"""

from ._plot_accounts import contributions, coverage_map, inter_arrivals, timeline
from ._plot_axes import BLUE, GREEN, GREY, ORANGE, RED
from ._plot_campaigns import campaign_matrix, found_groups, link_graph
from ._plot_detectors import reliability, roc, score_of, score_paths

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "RED",
    "campaign_matrix",
    "contributions",
    "coverage_map",
    "found_groups",
    "inter_arrivals",
    "link_graph",
    "reliability",
    "roc",
    "score_of",
    "score_paths",
    "timeline",
]
