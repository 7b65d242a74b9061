# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Every picture is drawn; what it looks like, people have looked at."""

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


def test_the_line_that_is_drawn_is_where_levels_begin(plot, log, reference, judged):
    monitor, promise, _, _ = judged
    rows = dw.Monitor(reference=reference, key=KEY, promise=promise).observe_many(**dw.event_columns(log), frame=False)
    for level in (dw.Level.WATCH, dw.Level.SUSPECT, dw.Level.DISTILLING):
        line = plot.score_of(reference, promise, level)
        assert ((rows["score"] >= line) <= (rows["level"] >= level)).all()
        clear = rows["score"] < line - 32 / 1024
        assert not (rows["level"][clear] >= level).any() or level == dw.Level.WATCH
