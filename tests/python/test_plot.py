# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Every picture is drawn; what it looks like, people have looked at."""

import numpy as np
import pytest

import distillwatch as dw
from distillwatch import evaluate as ev

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
KEY = b"0123456789abcdef"


@pytest.fixture(scope="module")
def plot():
    from distillwatch import plot

    return plot


@pytest.fixture(autouse=True)
def draws():
    import matplotlib.pyplot as plt

    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


@pytest.fixture(scope="module")
def judged(log, reference):
    promise = dw.Promise(per_million=50000)
    monitor = dw.Monitor(reference=reference, key=KEY, promise=promise)
    scores = ev.scores(log, monitor.observe_many(**dw.event_columns(log)))
    return monitor, promise, scores, ev.Labels.from_log(log)


def test_accounts(plot, log, judged):
    monitor, _, scores, _ = judged
    account = max(scores, key=scores.get)
    explanation = monitor.explain(account)
    plot.timeline(log, account, explanation=explanation)
    plot.timeline(log.drop(columns="distill"), account)
    plot.contributions(explanation)
    plot.coverage_map(log, account)
    plot.coverage_map(log, account, most=64)
    plot.inter_arrivals(log, [account])
    for draw in (plot.timeline, plot.coverage_map):
        with pytest.raises(dw.NotFound):
            draw(log, "nobody")
    with pytest.raises(dw.NotFound):
        plot.inter_arrivals(log, ["nobody"])


def test_detectors(plot, log, collected, reference, judged):
    _, promise, scores, labels = judged
    plot.score_paths(collected, reference, promise, highlight=collected.accounts[:2], most=50)
    plot.reliability(labels, scores, reference)
    plot.roc(labels, {"monitor": scores, "nothing": dict.fromkeys(scores, 0.0)})
    groups = {}
    for account in labels.named("distill"):
        groups.setdefault(labels.cluster(account), []).append(account)
    plot.campaign_matrix(log, groups)
    with pytest.raises(ValueError):
        plot.campaign_matrix(log, {})


def test_links(plot, meetings):
    from distillwatch import _graph

    strangers = [f"stranger-{a}" for a in range(12, 30)]
    monitor = dw.Monitor(key=KEY)
    assert plot.found_groups(monitor, strangers) == {}
    dw.watch(monitor, meetings)
    (name,) = groups = plot.found_groups(monitor, meetings["account"])
    assert sorted(groups[name]) == sorted(f"member-{a}" for a in range(12))
    ax = plot.link_graph(meetings, groups, others=strangers)
    assert "30 accounts: 66 pairs" in ax.get_title()  # all pairs of members, and no other
    plot.link_graph(meetings, {}, others=strangers[:1])
    plot.link_graph(meetings, {"a": ["member-0", "nobody"], "b": [], "c": ["member-0"]})
    plot.campaign_matrix(meetings, groups)
    with pytest.raises(ValueError):
        plot.link_graph(meetings, {})
    # No two accounts are drawn in one place, and strangers lie below.
    pairs = [(a, b) for a in range(12) for b in range(a)]
    at, below = _graph.layout(20, pairs)
    assert len(np.unique(at.round(3), axis=0)) == 20
    assert (at[:12, 1] > below).all() and (at[12:, 1] < below).all()
    assert _graph.components(5, [(0, 3), (3, 4)]) == [[0, 3, 4], [1], [2]]


def test_the_line_that_is_drawn_is_where_levels_begin(plot, log, reference, judged):
    monitor, promise, _, _ = judged
    rows = dw.Monitor(reference=reference, key=KEY, promise=promise).observe_many(
        **dw.event_columns(log), frame=False
    )
    for level in (dw.Level.WATCH, dw.Level.SUSPECT, dw.Level.DISTILLING):
        line = plot.score_of(reference, promise, level)
        assert ((rows["score"] >= line) <= (rows["level"] >= level)).all()
        clear = rows["score"] < line - 32 / 1024
        assert not (rows["level"][clear] >= level).any() or level == dw.Level.WATCH
