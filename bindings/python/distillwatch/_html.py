# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Results as notebooks show them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._core import Evidence, Explanation, Reference, Verdict

_COLOURS = ("#4c956c", "#b08900", "#c8553d", "#8b1e3f")
_ROWS = 8


def of_fields(name: str, fields: Mapping[str, object]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:left">{html.escape(field)}</td>'
        f'<td style="text-align:left">{html.escape(str(value))}</td></tr>'
        for field, value in fields.items()
    )
    return f"<p><b>{html.escape(name)}</b></p><table>{rows}</table>"


def of_verdict(v: Verdict) -> str:
    return (
        f'<b style="color:{_COLOURS[v.level]}">{v.level}</b> score {v.score:.2f}, '
        f"p-value {v.p_value:.3g}"
        + (f", campaign {v.campaign}" if v.campaign else "")
    )


def of_evidence(e: Evidence) -> str:
    words, detector = html.escape(e.words), html.escape(e.detector)
    return f"<b>{e.contribution:+.2f}</b> {words} <small>({detector})</small>"


def of_explanation(e: Explanation) -> str:
    most = max((abs(p.contribution) for p in e.evidence), default=0) or 1
    rows = "".join(
        f'<tr><td style="text-align:right">{p.contribution:+.2f}</td>'
        f'<td><div style="background:{_COLOURS[2] if p.contribution > 0 else _COLOURS[0]};'
        f'height:0.7em;width:{abs(p.contribution) / most * 8:.1f}em"></div></td>'
        f'<td style="text-align:left">{html.escape(p.words)}</td>'
        f'<td style="text-align:left">{html.escape(p.detector)}</td>'
        f"<td>{p.place:.1%}</td></tr>"
        for p in e.evidence[:_ROWS]
    )
    return (
        f"<p><b>{html.escape(ascii(e.account)[1:-1])}</b>: {of_verdict(e.verdict)}; "
        f"{e.requests} requests from {e.first:%Y-%m-%d %H:%M} to {e.last:%Y-%m-%d %H:%M} UTC; "
        f"score now {e.score:.2f}, of which base {e.base:.2f}</p>"
        '<table><tr><th>score</th><th></th><th style="text-align:left">evidence</th>'
        '<th style="text-align:left">detector</th><th>place</th></tr>' + rows + "</table>"
    )


def of_reference(r: Reference) -> str:
    if r.accounts == 0:
        return "<b>Reference</b>: the shipped one, on which no promise stands"
    return (
        f"<b>Reference</b>: {r.accounts} accounts, score fitted on {r.fit_accounts} others, "
        f"{r.first:%Y-%m-%d} to {r.last:%Y-%m-%d}; smallest promise {r.smallest_promise():.0f} "
        f"of a million accounts in {r.horizon.days} days"
    )
