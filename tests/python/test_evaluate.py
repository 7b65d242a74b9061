# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch import fit

ACCOUNTS = [
    ("h1", "distill", "hydra", "c1", 30),
    ("h2", "distill", "hydra", "c1", 25),
    ("h3", "distill", "hydra", "c1", 20),
    ("s1", "distill", "single", "", 40),
    ("s2", "distill", "single", "", 19),
    ("t1", "distill", "thin", "c2", 22),
    ("t2", "distill", "thin", "c2", 3),
    ("b1", "benign", "chat", "", 0),
    ("b2", "benign", "chat", "", 0),
    ("b3", "benign", "chat", "", 0),
    ("b4", "benign", "app", "", 0),
    ("b5", "benign", "app", "", 0),
    ("g1", "grey", "unsure", "", 10),
]
ALERTS = [
    {"account": a, "time": t, "campaign": c}
    for a, t, c in [
        ("h1", 1095.0, 7),
        ("h1", 1050.0, None),
        ("h2", 1000.0, 7),
        ("s1", 1200.5, None),
        ("s2", 1010.0, 9),
        ("t1", 9999.0, 7),
        ("b1", 1001.0, 7),
        ("b4", 1500.0, None),
        ("g1", 1000.0, None),
    ]
]
SCORES = {
    "h1": 5,
    "h2": 4,
    "h3": 1,
    "s1": 3,
    "s2": 9,
    "t1": 2,
    "t2": 0,
    "b1": 4,
    "b2": 2,
    "b3": 1,
    "b4": 0,
    "b5": -1,
    "g1": 100,
}


def rows():
    for account, label, persona, campaign, n in ACCOUNTS:
        for k in range(max(n, 1)):
            yield account, 1000 + 10 * k, int(k < n), label, persona, campaign


@pytest.fixture
def labels():
    names = ("account", "time", "distill", "label", "persona", "campaign")
    return ev.Labels.from_log({name: list(column) for name, column in zip(names, zip(*rows()))})


@pytest.fixture(params=[True, False])
def folder(request, tmp_path):
    opened = gzip.open if request.param else open
    end = ".gz" if request.param else ""
    with opened(str(tmp_path / "accounts.csv") + end, "wt", newline="") as file:
        out = csv.writer(file)
        out.writerow(["account", "label", "persona", "campaign"])
        out.writerows(a[:4] for a in ACCOUNTS)
    with opened(str(tmp_path / "requests.csv") + end, "wt", newline="") as file:
        out = csv.writer(file)
        out.writerow(["line", "account", "time", "distill"])
        out.writerows((i, r[0], r[1], r[2]) for i, r in enumerate(rows()))
    return tmp_path


def test_every_figure_of_a_small_example(labels):
    """The numbers were worked out by the project's scorer."""
    r = ev.evaluate(labels, ALERTS, SCORES)
    figures = {
        s: (c.accounts, c.asked, c.caught, c.median_queries, c.leaked) for s, c in r.styles.items()
    }
    assert figures == {
        "hydra": (3, 3, pytest.approx(2 / 3), 2.5, pytest.approx(1 / 3)),
        "single": (2, 1, 1.0, 21, pytest.approx(0.3728813559322034)),
        "thin": (2, 1, 1.0, 22, 1.0),
    }
    assert (r.all.asked, r.all.caught, r.all.median_queries) == (5, 0.8, 13)
    assert r.all.leaked == pytest.approx(0.4528301886792453)
    assert {p: (f.accounts, f.false) for p, f in r.benign.items()} == {
        "app": (2, 1),
        "chat": (3, 1),
    }
    assert (r.false.share, r.false.accounts) == (0.4, 5)
    assert {n: (c.accounts, c.linked, c.purity) for n, c in r.campaigns.items()} == {
        "c1": (3, pytest.approx(2 / 3), 0.5),
        "c2": (2, 0.5, 0.25),
    }
    assert r.auc == pytest.approx(0.78) and r.tpr == {0.01: 0.2, 0.001: 0.2}
    assert "hydra" in repr(r) and "<table>" in r._repr_html_()


def test_files_say_the_same_as_columns(labels, folder):
    read = ev.Labels.read(folder)
    assert (read.label, read.persona, read.campaign) == (
        labels.label,
        labels.persona,
        labels.campaign,
    )
    assert {a: t.tolist() for a, t in read.times.items()} == {
        a: t.tolist() for a, t in labels.times.items()
    }
    with open(folder / "alerts", "w") as file:
        file.writelines(json.dumps(a) + "\n" for a in ALERTS)
    with open(folder / "scores", "w") as file:
        file.writelines(json.dumps({"account": a, "score": s}) + "\n" for a, s in SCORES.items())
    assert repr(ev.evaluate(read, folder / "alerts", folder / "scores")) == repr(
        ev.evaluate(labels, ALERTS, SCORES)
    )
    pd = pytest.importorskip("pandas")
    assert repr(ev.evaluate(read, pd.DataFrame(ALERTS))) == repr(ev.evaluate(labels, ALERTS))


def test_curves(labels):
    curve = ev.roc(labels, SCORES)
    assert curve["fpr"][0] == curve["tpr"][0] == 0 and curve["fpr"][-1] == curve["tpr"][-1] == 1
    area = float(np.sum(np.diff(curve["fpr"]) * (curve["tpr"][1:] + curve["tpr"][:-1]) / 2))
    assert area == pytest.approx(ev.auc(labels, SCORES)) == pytest.approx(0.78)
    assert ev.partial_auc(labels, SCORES, 1.0) == pytest.approx(area)
    assert 0 <= ev.partial_auc(labels, SCORES, 0.1) <= 1
    assert ev.tpr_at_fpr(labels, SCORES, 0.5) == 0.6
    with pytest.raises(ValueError, match="max_fpr is 0"):
        ev.partial_auc(labels, SCORES, 0)


def test_what_is_unknown_is_said(labels):
    with pytest.raises(ValueError, match="an account that the log does not have: 'x'"):
        ev.evaluate(labels, [{"account": "x", "time": 1}])
    with pytest.raises(ValueError, match="1 accounts of the log have no score, 'g1'"):
        ev.auc(labels, {a: s for a, s in SCORES.items() if a != "g1"})


def test_promises_meet_what_came(labels):
    broken = ev.realised(labels, ALERTS, 1000)
    assert broken.broken and broken.realised == 4e5
    assert not ev.realised(labels, [], dw.Promise(per_million=1)).broken
    # Members of campaigns are suspect, and promised is what is called distilling.
    lower = [{**a, "level": "suspect" if a["account"] == "b4" else "distilling"} for a in ALERTS]
    assert ev.realised(labels, lower, 1000).realised == 2e5
    assert ev.evaluate(labels, lower, promise=1000).false.false == 2


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 0.999))
def test_clopper_pearson_is_exact(a, b, confidence):
    k, n = min(a, b), max(a, b)
    low, high = ev.clopper_pearson(k, n, confidence)
    assert 0 <= low <= (k / n if n else 0.5) <= high <= 1
    alpha = (1 - confidence) / 2

    def at_most(j, p):
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(j + 1))

    if 0 < k:
        assert 1 - at_most(k - 1, low) == pytest.approx(alpha, abs=1e-6)
    if k < n:
        assert at_most(k, high) == pytest.approx(alpha, abs=1e-6)


def test_clopper_pearson_of_many():
    low, high = ev.clopper_pearson(500, 100000)
    assert (low, high) == (pytest.approx(0.00457224, abs=1e-7), pytest.approx(0.00545684, abs=1e-7))
    with pytest.raises(ValueError, match="k is 3"):
        ev.clopper_pearson(3, 2)


def test_clopper_pearson_of_a_million_is_quick():
    begin = time.process_time()
    low, high = ev.clopper_pearson(500000, 10**6)
    assert time.process_time() - begin < 0.5
    assert (low, high) == (pytest.approx(0.49901952, abs=1e-8), pytest.approx(1 - low, abs=1e-8))
    low, high = ev.clopper_pearson(999999, 10**6)
    assert ev.clopper_pearson(1, 10**6) == (pytest.approx(1 - high), pytest.approx(1 - low))


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("reference", [1, 20, 300])
def test_false_alarms_are_beta_binomial(n, reference):
    """Of ranks: a of the k-th largest of all come from the reference."""
    promise = dw.Promise(2e5, contamination=0)
    r = max(1, (reference + 1) // 5)
    if reference < 4:
        with pytest.raises(dw.FailedPrecondition):
            ev.false_alarm_chance(0, n, promise, reference)
        return
    ways = math.comb(n + reference, n)
    chance = 0
    for k in range(n, -1, -1):  # k new ones above the r-th largest of the reference
        chance += math.comb(k + r - 1, k) * math.comb(n - k + reference - r, n - k)
        expected = pytest.approx(chance / ways, rel=1e-9)
        assert ev.false_alarm_chance(k, n, promise, reference) == expected


@pytest.mark.parametrize("accounts, promise", [(1246, 1000), (1246, 5000), (300, 10000)])
def test_a_kept_promise_is_seldom_called_broken(accounts, promise):
    """Nominal 2.5 %; of 400 runs 20 or more with p_fail = .003 for each."""
    random = np.random.default_rng(3)
    rank = dw._core.most_rank(dw.Promise(promise), accounts)
    names = [f"b{i}" for i in range(2500)]
    labels = ev.Labels(dict.fromkeys(names, "benign"), {}, {}, {})
    broken = np.zeros(2)
    for _ in range(400):
        bound = np.sort(random.normal(size=accounts))[-rank]
        flagged = np.flatnonzero(random.normal(size=2500) >= bound)
        came = [{"account": names[i], "time": 0} for i in flagged]
        broken[0] += ev.realised(labels, came, promise, accounts).broken
        broken[1] += ev.realised(labels, came, promise).broken
    assert (broken < 20).all()


def test_what_is_said_of_a_promise():
    def said(false, promise, reference=None):
        names = [f"b{i}" for i in range(2500)]
        of = ev.Labels(dict.fromkeys(names, "benign"), {}, {}, {})
        came = [{"account": name, "time": 0} for name in names[:false]]
        return repr(ev.evaluate(of, came, promise=promise, reference=reference, rounds=0))

    assert "no sign that it is broken" in said(3, 1000)
    assert "too many, but a small reference can have such luck" in said(8, 1000)
    assert "within the luck of a reference of 1246 accounts (chance 0.0" in said(8, 1000, 1246)
    assert "BROKEN, when kept the chance of so many is" in said(8, 1000, 100000)
    assert "BROKEN, when kept the chance of so many is 0.0064 at most" in said(15, 1000)
    assert ev.false_alarm_chance(5, 5, 1e6, 10) == 1
    with pytest.raises(ValueError, match="false is 6; allowed: whole numbers from 0 to n, 5"):
        ev.false_alarm_chance(6, 5, 1000)


def test_bootstrap_keeps_campaigns_whole(labels):
    seen = []
    accounts = ["h1", "h2", "h3", "t1", "t2"]
    ev.bootstrap(
        labels, accounts, lambda rows: seen.append(sorted(rows.tolist())) or 0.0, rounds=50
    )
    assert all(
        rows.count(0) == rows.count(1) == rows.count(2) and rows.count(3) == rows.count(4)
        for rows in seen
    )
    assert ev.bootstrap(labels, ["h1", "h2"], lambda rows: 1.0) is None


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=2, max_size=60),
    st.one_of(st.none(), st.integers(2, 6)),
)
def test_no_group_is_on_both_sides(groups, folds):
    splitter = ev.LeaveGroupsOut(folds)
    if len({g for g in groups if g}) < 2:
        with pytest.raises(ValueError, match="leaving one out takes two or more"):
            list(splitter.split(groups, groups=groups))
        return
    tested = []
    for train, test in splitter.split(groups, groups=groups):
        assert not {groups[i] for i in train if groups[i]} & {groups[i] for i in test if groups[i]}
        assert sorted([*train, *test]) == list(range(len(groups)))
        tested += test.tolist()
    assert sorted(tested) == list(range(len(groups)))


def test_splitters(labels):
    for train, test in ev.leave_campaign_out(labels):
        assert ("h1" in train) == ("h2" in train) == ("h3" in train)
        assert set(train) | set(test) == set(labels.label)
    source = {a: "left" if i % 2 else "right" for i, a in enumerate(labels.label)}
    assert len(list(ev.leave_source_out(source))) == 2
    sklearn = pytest.importorskip("sklearn.model_selection")
    splits = sklearn.cross_validate
    assert callable(splits) and ev.LeaveGroupsOut(2).get_n_splits(groups=["a", "b", ""]) == 2


class Counter:
    """A detector of one's own: whoever asks most."""

    def __init__(self):
        self.requests = {}

    def score_one(self, event):
        return self.requests.get(event.account, 0)

    def learn_one(self, event):
        self.requests[event.account] = self.requests.get(event.account, 0) + 1
        return self


class Watcher(Counter):
    def observe(self, event):
        return self.learn_one(event).score_one(event)


@pytest.mark.parametrize("make", [Counter, Watcher])
def test_a_detector_of_ones_own_is_evaluated_alike(log, make):
    labels = ev.Labels.from_log(log)
    seen = ev.run(make(), log)
    found = ev.scores(log, seen)
    requests = log["account"].value_counts()
    assert all(np.isneginf(s) == (requests[a] < 16) for a, s in found.items())
    finite = {a: s for a, s in found.items()}
    judged = ev.calibrate(
        seen, [s for a, s in finite.items() if labels.label[a] == "benign"], dw.Promise(50000)
    )
    report = ev.evaluate(labels, ev.alerts(log, judged), found, promise=50000, rounds=20)
    assert report.false.false <= 0.05 * report.false.accounts and 0 < report.auc < 1
    with pytest.raises(dw.FailedPrecondition):
        ev.calibrate(seen, [1.0, 2.0], dw.Promise(1))


def test_the_monitor_is_evaluated(log, reference):
    labels = ev.Labels.from_log(log)
    monitor = dw.Monitor(
        reference=reference, key=b"0123456789abcdef", promise=dw.Promise(per_million=50000)
    )
    verdicts = monitor.observe_many(**dw.event_columns(log))
    report = ev.evaluate(
        labels, ev.alerts(log, verdicts), ev.scores(log, verdicts), promise=50000, rounds=50
    )
    assert report.auc > 0.5 and report.promise is not None and "Promised" in repr(report)
    assert ev.evaluate(labels, promise=50000, reference=reference).promise.reference == (
        reference.accounts
    )


def test_rows_are_calibrated_as_the_monitor_does(log, reference):
    promise = dw.Promise(per_million=50000)
    monitor = dw.Monitor(reference=reference, key=b"0123456789abcdef", promise=promise)
    rows = monitor.observe_many(**dw.event_columns(log), frame=False)
    maxima = fit.reference_scores(reference)
    ours = ev.calibrate(rows, maxima, promise)
    assert (ours["level"] == rows["level"]).all() and set(ours["level"]) == {0, 2, 3}
    assert (ev.calibrate(rows, dict(enumerate(maxima)), 50000) == ours).all()
    # Scores that are no bins keep their order.
    fine = np.zeros(4, dtype=[("score", "f8"), ("level", "u1")])
    fine["score"] = 0.1, 0.1995, 0.2005, 1.0
    some = [i / 1000 for i in range(201)]
    assert ev.calibrate(fine, some, dw.Promise(1e4))["level"].tolist() == [0, 2, 3, 3]
    with pytest.raises(ValueError, match="a reference is nan"):
        ev.calibrate(fine, [*some, math.nan], dw.Promise(1e4))
