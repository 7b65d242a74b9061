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


# --- names from outside

ODD = ["$\\frac$", "a$b$_x^{", "_hidden", "", "two\nlines\x07", "k" * 300, "back\\$slash$"]


def texts_of(ax):
    import matplotlib.text

    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


def requests(*accounts, gap_s=3600.0, n=20, begin=1767225600.0):
    """A log in which each of these accounts asks n times, at even distances."""
    rows = [
        (a, begin + i * gap_s, f"what is {i} and {a!r} of all those words")
        for a in accounts
        for i in range(n)
    ]
    account, time, prompt = zip(*rows)
    return {"account": list(account), "time": np.array(time), "prompt": list(prompt)}


def test_a_name_from_outside_is_shown_as_it_is_on_one_line(plot):
    from matplotlib import cbook

    from distillwatch._plot_axes import shown

    for name in ODD:
        text = shown(name)
        assert not cbook.is_math_text(text), name
        assert text.replace(r"\$", "").isprintable() and text and not text.startswith("_")
        assert len(text.replace(r"\$", "$")) <= 41
    assert shown("a$b$_x^{") == r"a\$b\$_x^{"
    assert shown("two\nlines\x07") == r"two\nlines\x07"
    assert shown("k" * 300 + "-7").endswith("k-7") and "..." in shown("k" * 300)
    assert shown("w" * 50, 20, 0) == "w" * 17 + "..."


def test_every_picture_takes_every_name(plot, collected, reference, judged):
    import dataclasses

    _, promise, scores, labels = judged
    log = requests(*ODD)
    for name in ODD:
        for draw in (plot.timeline, plot.coverage_map):
            ax = draw(log, name)
            assert not any("\n" in t for t in texts_of(ax) if "Requests" in t)
    entries = [t.get_text() for t in plot.inter_arrivals(log, ODD).get_legend().get_texts()]
    assert len(entries) == len(ODD)
    assert r"a\$b\$_x^{ (20 requests)" in entries
    renamed = dataclasses.replace(collected, accounts=[*ODD, *collected.accounts[len(ODD) :]])
    ax = plot.score_paths(renamed, reference, promise, highlight=ODD)
    assert len(ax.get_legend().get_texts()) == len(ODD) + 2
    groups = {name: [name] for name in ODD}
    assert len(plot.campaign_matrix(log, groups).get_yticks()) == len(ODD)
    plot.link_graph(log, groups)
    ax = plot.roc(labels, dict.fromkeys(ODD, scores))
    assert len(ax.get_legend().get_texts()) == len(ODD) + 1


# --- one account


def test_a_lone_name_is_one_account(plot, collected, reference, judged):
    log = requests("abc", "b")
    (line,) = plot.inter_arrivals(log, "abc").lines
    assert line.get_label() == "abc (20 requests)"
    with pytest.raises(ValueError, match="no accounts"):
        plot.inter_arrivals(log, [])
    account = collected.accounts[0]
    ax = plot.score_paths(collected, reference, judged[1], highlight=account)
    assert account in ax.get_legend().get_texts()[0].get_text()
    assert "1 accounts" in plot.link_graph(log, {"g": "abc"}).get_title()


def test_no_gap_is_left_out(plot):
    for gap_s in (1e-4, 0.01, 60.0, 86400.0, 40 * 86400.0, 4e9):
        ax = plot.inter_arrivals(requests("a", gap_s=gap_s), ["a"])
        (line,) = ax.lines
        edges, share = line.get_xdata(), np.array(line.get_ydata())
        assert share.sum() == pytest.approx(1.0), gap_s
        at = int(share.argmax())
        assert edges[at] <= max(gap_s, 0.01) * 1.001 and gap_s < edges[at + 1] * 1.001
        assert "10 ms\nor less" in [t.get_text() for t in ax.get_xticklabels()]


def styles_of(ax, n):
    lines = ax.lines[-n:]
    return {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines}


def test_each_of_many_lines_has_a_style_of_its_own(plot, collected, reference, judged):
    names = [f"a{i}" for i in range(40)]
    assert len(styles_of(plot.inter_arrivals(requests(*names), names), 40)) == 40
    chosen = collected.accounts[:25]
    ax = plot.score_paths(collected, reference, judged[1], highlight=chosen, most=0)
    assert len(styles_of(ax, 27)) == 27  # with both levels


def test_a_timeline_stays_on_its_own_axes(plot, log, judged):
    import matplotlib.pyplot as plt

    monitor, _, scores, _ = judged
    account = max(scores, key=scores.get)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    end = left.get_position().x1
    plot.timeline(log, account, explanation=monitor.explain(account), ax=left)
    figure.canvas.draw()
    drawn = left.get_tightbbox(figure.canvas.get_renderer()).transformed(
        figure.transFigure.inverted()
    )
    assert drawn.x1 <= end + 0.01
    (beside,) = left.child_axes
    assert beside.texts[0].get_text().startswith("score ")
    assert "+" in beside.texts[0].get_text()


def test_a_timeline_has_days_below_in_any_year(plot):
    for begin in (1767225600.0, 3e11):
        for n in (1, 20, 3000):
            ax = plot.timeline(requests("a", begin=begin, n=n), "a")
            ax.figure.canvas.draw()
            ticks = np.array(ax.get_xticks())
            assert (ticks == ticks.round()).all(), (begin, n)  # no clock
            assert ":" not in "".join(t.get_text() for t in ax.get_xticklabels())
    assert ax.get_xlabel() == "days since 11476-08-15"


def test_a_coverage_map_says_what_it_shows(plot):
    log = requests("a", n=50)
    ax = plot.coverage_map(log, "a", most=16)
    assert ax.get_title().startswith("a: 16 of 50 prompts\nin 8 runs, mean Jaccard similarity 0.")
    assert ax.get_xlabel() == ax.get_ylabel() == "prompts in order of time"
    for most in (2, 3, 7, 8, 15, 49, 50):
        ax = plot.coverage_map(log, "a", most=most)
        rows = ax.images[0].get_array().shape[0]
        assert most / 2 < rows <= most, most
        assert "nan" not in ax.get_title()
    ax = plot.coverage_map(log, "a", most=2)
    ax.figure.canvas.draw()
    for ticks in (ax.get_xticks(), ax.get_yticks()):
        assert (ticks == ticks.round()).all()
    for most in (1, 0, -1):
        with pytest.raises(ValueError, match=f"most is {most}; allowed: 2 or more"):
            plot.coverage_map(log, "a", most=most)


def test_contributions_say_what_their_colours_mean(plot, judged):
    monitor, _, scores, _ = judged
    explanation = monitor.explain(max(scores, key=scores.get))
    ax = plot.contributions(explanation)
    entries = {t.get_text() for t in ax.get_legend().get_texts()}
    assert {f"score {explanation.score:.2f}", "what any account has"} <= entries
    assert entries & {"raises the score", "lowers the score"}
    assert not ax.texts  # nothing beside the numbers of the axis
    (left, right) = ax.get_xlim()
    for bar in ax.patches:
        assert left < bar.get_x() < right and left < bar.get_x() + bar.get_width() < right
    with pytest.raises(ValueError, match="most is -1; allowed: 0 or more"):
        plot.contributions(explanation, most=-1)


# --- the score


def test_the_levels_are_in_the_picture(plot, collected, reference, monkeypatch):
    from distillwatch import _plot_detectors

    promise = dw.Promise(per_million=50000)
    for above in (-30.0, 0.0, 30.0):  # a log far more noisy or far more quiet than the reference
        scores = _plot_detectors.score_looks(reference, collected.looks) - above
        monkeypatch.setattr(_plot_detectors, "score_looks", lambda *_, scores=scores: scores)
        ax = plot.score_paths(collected, reference, promise, most=20)
        monkeypatch.undo()
        low, high = ax.get_ylim()
        for level in (dw.Level.SUSPECT, dw.Level.DISTILLING):
            assert low < plot.score_of(reference, promise, level) < high
        assert "20 of " in ax.get_title()
    with pytest.raises(ValueError, match="most is -1; allowed: 0 or more"):
        plot.score_paths(collected, reference, promise, most=-1)


def test_luck_is_beta_binomial():
    from distillwatch.evaluate import false_alarm_chance, false_alarm_range

    random = np.random.default_rng(3)
    tested, accounts, promise = 60, 99, dw.Promise(50_000, contamination=0)
    rank = dw._core.most_rank(promise, accounts)
    assert rank == 5
    draws = random.random((20000, accounts + tested))
    bound = np.sort(draws[:, :accounts], axis=1)[:, accounts - rank]
    count = (draws[:, accounts:] > bound[:, None]).sum(axis=1)
    low, high = false_alarm_range(tested, promise, accounts, 0.9)
    assert (count < low).mean() < 0.06 and (count > high).mean() < 0.06
    assert (count < low + 1).mean() > 0.04 and (count > high - 1).mean() > 0.04
    for k in range(tested + 1):
        chance = false_alarm_chance(k, tested, promise, accounts)
        assert chance == pytest.approx((count >= k).mean(), abs=0.02)
    # Nearly normal, of variance tested / 4 * (1 + tested / accounts).
    half = dw.Promise(500_000, contamination=0)
    bounds = false_alarm_range(100_000, half, 99_999)
    assert bounds == pytest.approx((49_562, 50_438), abs=5)
    with pytest.raises(ValueError, match="confidence is 1; allowed: above 0 to below 1"):
        false_alarm_range(tested, promise, accounts, 1)


@pytest.fixture
def labels_of_many():
    scores = {f"a{i}": 0.0 for i in range(1000)}
    return ev.Labels(dict.fromkeys(scores, "benign"), {}, {}, {}), scores


def markers_of(ax):
    return {line.get_label(): line for line in ax.lines if line.get_marker() not in ("None", "")}


def test_reliability_allows_for_the_luck_of_the_reference(plot, labels_of_many, reference):
    labels, scores = labels_of_many
    n = len(labels.label)
    promised = 100000.0
    line = plot.score_of(reference, dw.Promise(promised))
    colours = []
    for share in (0.0, 0.13, 0.5):  # 13 % of 1000 is far from 10 %, but the reference is small
        chosen = {a: line + (1 if i < share * n else -1) for i, a in enumerate(scores)}
        ax = plot.reliability(labels, chosen, reference, promises=[promised])
        colours.append(next(iter(markers_of(ax))))
        (bar,) = ax.collections
        assert bar.get_label() == "what luck explains"
        (bottom, top) = bar.get_segments()[0][:, 1]
        assert bottom < promised < top
    assert colours == ["none came", "kept, as far as can be seen", "broken"]
    assert ax.get_title().startswith("The promise on 1000 benign accounts")


def test_reliability_says_what_it_lacks(plot, labels_of_many, reference):
    labels, scores = labels_of_many
    with pytest.raises(ValueError, match="reference holds no accounts"):
        plot.reliability(labels, scores, dw.Reference.shipped())
    with pytest.raises(ValueError, match="999 benign accounts have no score, 'a1' for one"):
        plot.reliability(labels, {"a0": 1.0}, reference)
    with pytest.raises(ValueError, match="no benign accounts"):
        plot.reliability(ev.Labels({}, {}, {}, {}), scores, reference)


def test_a_roc_starts_at_its_left_end_without_a_riser(plot, judged):
    _, _, scores, labels = judged
    ax = plot.roc(labels, {"monitor": scores}, least_fpr=0.05)
    x, y = ax.lines[0].get_data()
    curve = ev.roc(labels, scores)
    assert x[0] == 0.05 and (np.array(x[1:]) > 0.05).all()
    assert y[0] == curve["tpr"][curve["fpr"] <= 0.05].max() > 0
    for least in (0, -0.1, 1, float("nan")):
        with pytest.raises(ValueError, match=f"least_fpr is {least}; allowed: above 0 to below 1"):
            plot.roc(labels, {"monitor": scores}, least_fpr=least)
    for wrong in (scores, [scores], "scores.jsonl", {}):
        with pytest.raises(TypeError, match="scores must be by name and account"):
            plot.roc(labels, wrong)
    with pytest.raises(ValueError, match="1 benign accounts and 0 with 20"):
        plot.roc(ev.Labels({"a": "benign"}, {}, {}, {}), {"monitor": {"a": 0.0}})


# --- campaigns


def test_a_span_of_the_matrix_is_as_wide_as_it_says(plot):
    log = requests("a", n=30, gap_s=86400.0)  # 29 days and a moment
    for hours, columns in ((168, 5), (24, 30), (6, 117), (0.5, 29 * 48 + 1), (1e4, 1)):
        ax = plot.campaign_matrix(log, {"g": ["a"]}, hours=hours)
        (image,) = ax.images
        left, right, _, _ = image.get_extent()
        assert image.get_array().shape == (1, columns)
        assert (right - left) / columns == pytest.approx(hours / 24)
        assert ax.get_xlabel() == "days since 2026-01-01 00:00 UTC"
    image = plot.campaign_matrix(requests("a", n=1), {"g": ["a"]}).images[0]
    assert image.get_extent()[1] == 0.25
    for hours in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"hours is {hours}; allowed: above 0"):
            plot.campaign_matrix(log, {"g": ["a"]}, hours=hours)
    with pytest.raises(ValueError, match="hours is 1e-06; allowed for this log: 0.0351 or more"):
        plot.campaign_matrix(log, {"g": ["a"]}, hours=1e-6)
    plot.campaign_matrix(log, {"g": ["a"]}, hours=0.0351)


def test_who_is_not_in_the_log_is_white_in_the_matrix(plot):
    log = requests("abc", "b")
    image = plot.campaign_matrix(log, {"g": ["abc", "nobody"]}).images[0]
    assert image.get_array()[1].max() == 0 == image.norm.vmin < image.norm.vmax
    assert plot.campaign_matrix(log, {"g": "abc"}).images[0].get_array().shape[0] == 1
    with pytest.raises(dw.NotFound, match="none of the 2 accounts is in the log, 'x' for one"):
        plot.campaign_matrix(log, {"g": "x", "h": ["y"]})
    with pytest.raises(ValueError, match="the log is empty"):
        plot.campaign_matrix({"account": [], "time": []}, {"g": ["a"]})


def overlaps(texts):
    from matplotlib.text import Text

    boxes = [Text.get_window_extent(t) for t in texts]  # without arrows
    return [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_names_of_groups_do_not_overlap(plot):
    import matplotlib.pyplot as plt

    names = [f"account-{i}" for i in range(180)]
    log = requests(*names, n=2)
    groups = {f"campaign {i}": [a] for i, a in enumerate(names)} | {"nobody": []}
    small = plt.subplots(figsize=(6, 4))[1]
    for ax, named in ((None, 180), (small, None)):
        ax = plot.campaign_matrix(log, groups, ax=ax)
        ax.figure.canvas.draw()
        labels = ax.get_yticklabels()
        assert not overlaps(labels)
        assert len(labels) == (named or len(labels)) >= 15
        assert ax.get_ylabel() == ("" if named else f"{len(labels)} of 180 groups are named")
    for count, ax in ((15, None), (15, small), (100, None)):
        chosen = {f"campaign {i}": names[i : i + 2] for i in range(count)}
        ax = plot.link_graph(log, chosen, ax=ax)
        ax.figure.canvas.draw()
        drawn = [t for t in ax.texts if t.get_text().startswith("campaign")]
        assert not overlaps(drawn)
        assert len(drawn) >= min(count, 15)
        assert ("are named" in ax.get_xlabel()) == (len(drawn) < count)


def test_a_graph_of_many_accounts_is_drawn_in_a_moment(plot):
    import time

    from distillwatch import _graph

    values = [set(range(a % 7, 128)) for a in range(600)]
    begin = time.process_time()
    count = _graph.shared(values, 6)
    assert count[0, 1] == count[1, 0] == 127 and count[3, 3] == 0
    lines = _graph.strongest(count, 4)
    assert 1200 <= len(lines) <= 2400
    at, _ = _graph.layout(601, [*lines, *((a, 600) for a in range(600))])
    assert time.process_time() - begin < 5
    assert len(np.unique(at.round(3), axis=0)) == 601
    assert (_graph.shared([{1, 2, 3}, {2, 3}, {3}], 2) == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]).all()
    assert _graph.strongest(count, 0) == {}
    with pytest.raises(ValueError, match="there are 3001 accounts; allowed: 1 to 3000"):
        plot.link_graph({}, {}, others=[str(a) for a in range(3001)])
    with pytest.raises(ValueError, match="strongest is -1; allowed: 0 or more"):
        plot.link_graph({}, {}, others=["a"], strongest=-1)
