# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Labels, alerts and scores in the forms that people have them, and what is refused."""

import json

import numpy as np
import pytest

import distillwatch as dw
from distillwatch import evaluate as ev

LOG = {
    "account": ["h1", "h2", "h3", "b1", "b2", "b1"],
    "time": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "distill": [1, 1, 1, 0, 0, 0],
    "label": ["distill", "distill", "distill", "benign", "benign", "benign"],
}
MISSING = [None, float("nan"), np.float64("nan"), ""]


def labels_of(**columns):
    return ev.Labels.from_log({**LOG, **columns})


def test_labels_are_compared_by_content():
    one = labels_of(account=6 * ["h1"])
    assert one == labels_of(account=6 * ["h1"]) and one != labels_of() and one != "labels"
    assert one != labels_of(account=6 * ["h1"], time=[1.0, 2.0, 3.5, 4.0, 5.0, 6.0])
    assert one != labels_of(account=6 * ["h1"], distill=[1, 1, 0, 0, 0, 0])
    assert one != labels_of(account=6 * ["h1"], campaign="c1")


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_campaign_is_none(missing):
    labels = labels_of(campaign=["c1", missing, missing, missing, missing, missing])
    assert labels == labels_of(campaign=["c1", "", "", "", "", ""])
    assert len({labels.cluster(a) for a in ("h1", "h2", "h3")}) == 3
    report = ev.evaluate(labels, [{"account": "h1", "time": 1}], least=1)
    assert report.all.caught == pytest.approx(1 / 3) and report.campaigns == {}
    assert len(list(ev.leave_campaign_out(labels))) == 3
    by_hand = ev.Labels(labels.label, {"h1": missing}, {"h1": missing}, {})
    assert by_hand.persona == by_hand.campaign == {"h1": ""}


@pytest.mark.parametrize("dtype", ["object", "string"])
def test_a_missing_campaign_of_pandas_is_none(dtype):
    pd = pytest.importorskip("pandas")
    log = pd.DataFrame({**LOG, "campaign": pd.Series(["c1"] + 5 * [np.nan], dtype=dtype)})
    labels = ev.Labels.from_log(log)
    assert labels == labels_of(campaign=["c1", "", "", "", "", ""])
    assert len(list(ev.leave_campaign_out(labels))) == 3
    assert ev.evaluate(labels, least=1).all.asked == 3


@pytest.mark.parametrize(
    "distill",
    [
        [True, True, True, False, False, False],
        ["1", "1", "1", "0", "0", "0"],
        ["True", "true", "TRUE", "False", "false", ""],
        [1.0, 1.0, 1.0, 0.0, float("nan"), None],
        np.array([1, 1, 1, 0, 0, 0], np.uint8),
    ],
)
def test_distilling_requests_are_told_however_they_are_written(distill):
    assert labels_of(distill=distill) == labels_of()


def test_what_labels_refuse():
    for wrong in ("yes", 2, 0.5):
        with pytest.raises(ValueError, match=rf"distill\[5\] is {wrong!r}; allowed: 1, 0, true"):
            labels_of(distill=[0, 0, 0, 0, 0, wrong])
    for name in ("account", "time", "distill", "label"):
        part = {n: column for n, column in LOG.items() if n != name}
        with pytest.raises(ValueError, match=f"the log has no column '{name}'; it has .*, "):
            ev.Labels.from_log(part)
    for name in ("account", "label", "persona", "campaign", "distill"):
        with pytest.raises(ValueError, match=f"{name} has 2 rows; the other columns have 6"):
            labels_of(**{name: ["0", "0"]})
    with pytest.raises(ValueError, match=r"account\[1\] is missing"):
        labels_of(account=["h1", None, "h3", "b1", "b2", "b1"])
    with pytest.raises(TypeError, match=r"account\[1\] must be str or bytes, not int"):
        labels_of(account=["h1", 2, "h3", "b1", "b2", "b1"])
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="the log has no column 'label'; it has account, time"):
        ev.Labels.from_log(pd.DataFrame(LOG).drop(columns="label"))


def test_what_label_files_refuse(tmp_path):
    (tmp_path / "accounts.csv").write_text("account,label\nh1,distill\n")
    (tmp_path / "requests.csv").write_text("account,time,distill\nh1,1,true\nh1,2,maybe\n")
    with pytest.raises(ValueError, match=r"requests.csv:3: distill is 'maybe'"):
        ev.Labels.read(tmp_path)
    (tmp_path / "requests.csv").write_text("account,time,distill\nh1,1,true\n")
    assert len(ev.Labels.read(tmp_path).sent("h1")) == 1
    (tmp_path / "accounts.csv").write_text("account,persona\nh1,x\n")
    with pytest.raises(ValueError, match="accounts.csv has no column 'label'; it has account, per"):
        ev.Labels.read(tmp_path)


@pytest.mark.parametrize("level", [3, 3.0, np.uint8(3), dw.Level.DISTILLING, "DISTILLING", None])
def test_levels_are_numbers_or_names(level):
    labels = labels_of()
    came = [{"account": "b1", "time": 4, "level": level}]
    assert ev.realised(labels, came, 1000).realised == 5e5
    for lower in (0, 2, "WATCH", dw.Level.SUSPECT):
        came = [{"account": "b1", "time": 4, "level": lower}]
        assert ev.realised(labels, came, 1000).realised == 0


def test_alerts_of_a_frame_of_verdicts():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"account": ["b1", "h1"], "time": [4, 5], "level": [3, 2]})
    report = ev.evaluate(labels_of(), frame.assign(campaign=0), promise=1000)
    assert report.promise.realised == 5e5 and report.false.false == 1


@pytest.mark.parametrize("level", [4, -1, 2.5, "3", "high", True])
def test_other_levels_are_refused(level):
    allowed = r"allowed: 0 \(clear\), 1 \(watch\), 2 \(suspect\), 3 \(distilling\)"
    with pytest.raises(ValueError, match=rf"alerts\[0\]: level is {level!r}; {allowed}"):
        ev.realised(labels_of(), [{"account": "b1", "time": 4, "level": level}], 1000)
    with pytest.raises(ValueError, match=allowed):
        ev.alerts(LOG, {"level": np.zeros(6), "campaign": np.zeros(6)}, level)


@pytest.mark.parametrize("missing", [*MISSING, 0, np.uint64(0)])
def test_campaign_0_is_none(missing):
    labels = labels_of(campaign=["c1", "c1", "c1", "", "", ""])
    came = [{"account": a, "time": 1, "campaign": missing} for a in ("h1", "h2", "b1")]
    (found,) = ev.evaluate(labels, came).campaigns.values()
    assert (found.linked, found.purity) == (0, None)
    (found,) = ev.found_campaigns(labels, {"h1": missing, "h2": missing}).values()
    assert (found.linked, found.purity) == (0, None)
    verdicts = {"level": [3] * 6, "campaign": [missing] * 6}
    assert {a["campaign"] for a in ev.alerts(LOG, verdicts)} == {None}


def test_bytes_are_accounts():
    named = {"account": [a.encode() for a in LOG["account"]]}
    verdicts = {"level": [3] + 5 * [0], "campaign": 6 * [0], "score": [3.0, 2, 1, 0, -1, 1]}
    log = {**LOG, **named}
    labels, scores = ev.Labels.from_log(log), ev.scores(log, verdicts)
    assert labels == labels_of() and scores == ev.scores(LOG, verdicts)
    assert ev.evaluate(labels, ev.alerts(log, verdicts), scores, least=1).all.caught == 1 / 3
    assert ev.read_scores({b"a": 1}) == {"a": 1}
    assert ev.read_alerts([{"account": b"a", "time": 1}])[0] == {"a": 1000000}


def test_accounts_that_look_alike_are_kept_apart():
    odd = ["a", "a\0", b"\xff", b"\xfe", "None", "a" * 100]
    log = {**LOG, "account": odd}
    scores = ev.scores(log, {"score": range(6)})
    assert list(scores.values()) == [0, 1, 2, 3, 4, 5] and list(scores)[:2] == ["a", "a\0"]
    assert set(ev.Labels.from_log(log).label) == set(scores)
    with pytest.raises(ValueError, match=r"account\[4\] is missing"):
        ev.scores({**LOG, "account": [*odd[:4], None, "x"]}, {"score": range(6)})


def test_a_long_name_does_not_widen_all_others():
    import tracemalloc

    log = {"account": ["a"] * 20000 + ["b" * 10000]}
    score = np.zeros(20001)
    tracemalloc.start()
    assert len(ev.scores(log, {"score": score})) == 2
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10e6


def test_alerts_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"alerts\[1\] has no 'account'; it has time"):
        ev.read_alerts([{"account": "a", "time": 1}, {"time": 1}])
    with pytest.raises(ValueError, match=r"alerts\[0\]: time is nan; allowed: finite seconds"):
        ev.read_alerts([{"account": "a", "time": float("nan")}])
    with pytest.raises(ValueError, match=r"alerts\[0\]: account is missing"):
        ev.read_alerts([{"account": None, "time": 1}])
    with pytest.raises(TypeError, match=r"alerts\[0\] must have account and time, not be 'abc'"):
        ev.read_alerts(["abc"])
    path = tmp_path / "alerts.jsonl"
    for junk, message in (("{", "Expecting"), ('{"time": 1}', "has no 'account'"), ("7", "must")):
        path.write_text(json.dumps({"account": "a", "time": 1}) + "\n\n" + junk + "\n")
        with pytest.raises((TypeError, ValueError), match=rf"alerts\.jsonl:3:? {message}"):
            ev.read_alerts(path)


def test_scores_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text('{"account": "a", "score": 1}\n{"account": "b"}\n')
    with pytest.raises(ValueError, match=r"scores\.jsonl:2 has no 'score'; it has account"):
        ev.read_scores(path)
    for wrong in (float("nan"), None, "high"):
        for source in ({"b1": wrong}, [{"account": "b1", "score": wrong}]):
            with pytest.raises(ValueError, match=f"the score of 'b1' is {wrong!r}; allowed: numb"):
                ev.read_scores(source)
    with pytest.raises(ValueError, match="score of account 'h2' is nan"):
        ev.scores(LOG, {"score": [0, float("nan"), 0, 0, 0, 0]})
    with pytest.raises(ValueError, match="account has 6 rows; the other columns have 4"):
        ev.scores(LOG, {"score": [0, 0, 0, 0]})


def test_scores_may_be_a_series_or_a_frame():
    pd = pytest.importorskip("pandas")
    of = {"h1": 3.0, "h2": 2.0, "h3": 0.0, "b1": 1.0, "b2": -1.0}
    series = pd.Series(of)
    frame = pd.DataFrame({"account": series.index, "score": series.to_numpy()})
    assert ev.read_scores(series) == ev.read_scores(frame) == of
    assert ev.auc(labels_of(), series, least=1) == pytest.approx(5 / 6)


def test_what_is_undefined_is_none():
    of = dict.fromkeys(LOG["account"], 0.0)
    for label in ("benign", "distill"):
        labels = labels_of(label=label)
        for figure in (ev.auc, ev.partial_auc, lambda *a, **k: ev.tpr_at_fpr(*a, 0.1, **k)):
            assert figure(labels, of, least=1) is None
        report = ev.evaluate(labels, (), of, least=1, rounds=20)
        assert report.auc is report.auc_interval is report.partial_auc is None
        assert set(report.tpr.values()) == {None}
        assert "AUC - -, up to 1 % of false positives -; TPR at FPR 1.0% - -" in repr(report)


def test_numbers_out_of_range_are_refused():
    of = dict.fromkeys(LOG["account"], 0.0)
    for fpr in (2, -1, float("nan")):
        with pytest.raises(ValueError, match=f"fpr is {fpr}; allowed: 0 to 1"):
            ev.tpr_at_fpr(labels_of(), of, fpr)
    for k, n, message in ((1.5, 5, "k is 1.5"), (-1, 5, "k is -1"), (1, 5.5, "n is 5.5")):
        with pytest.raises(ValueError, match=f"{message}; allowed: whole numbers from 0"):
            ev.clopper_pearson(k, n)
    for promise in (-5, 0, 1e7, float("nan"), dw.Promise(-5)):
        with pytest.raises(ValueError, match="promise is .*; allowed: above 0 to 1000000"):
            ev.evaluate(labels_of(), promise=promise)
    with pytest.raises(TypeError, match="promise must be a Promise or a number, not str"):
        ev.evaluate(labels_of(), promise="1000")
    for promise in (5, np.float32(5), np.int64(5), dw.Promise(5)):
        assert ev.evaluate(labels_of(), promise=promise).promise.promised == 5


@pytest.mark.parametrize("none", [None, "", float("nan"), np.float64("nan")])
def test_group_0_is_a_group(none):
    groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    folds = [test.tolist() for _, test in ev.LeaveGroupsOut().split(range(9), groups=groups)]
    assert sorted(folds) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    groups = [0, 0, False, 1, 1, ("x",), none, none, none, none]
    splitter = ev.LeaveGroupsOut()
    assert splitter.get_n_splits(groups=groups) == 3
    folds = [test.tolist() for _, test in splitter.split(np.zeros((10, 2)), groups=groups)]
    assert sorted(sum(folds, [])) == list(range(10))
    assert all(len({0, 1, 2} & set(test)) in (0, 3) for test in folds)


def test_groups_are_as_many_as_samples():
    with pytest.raises(ValueError, match="groups has 3 values; allowed: 4, as X has"):
        list(ev.LeaveGroupsOut().split(np.zeros((4, 2)), groups=["a", "b", "c"]))
    assert repr(ev.LeaveGroupsOut(3, seed=7)) == "LeaveGroupsOut(folds=3, seed=7)"


class Requests:
    """A detector of the monitor's shape."""

    name, State = "requests", [("n", "i4")]
    features = [("n", "requests", "number")]

    def update(self, seen, state):
        state["n"] += 1

    def measure(self, state):
        return {"n": float(state["n"])}


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_texts_are_empty_for_detectors_of_ones_own(missing):
    log = {
        "account": ["a"] * 16,
        "time": np.arange(16.0),
        "prompt": ["x", missing] * 8,
        "system": ["x", missing] * 8,
        "earlier_turns": [1, missing] * 8,
        "attributes": {"country": ["NL", missing] * 8},
    }
    second = list(ev.events(log))[1]
    assert (second.prompt, second.system, second.earlier_turns) == ("", "", 0)
    assert second.attributes == {"country": ""}
    assert ev.run(Requests(), log)["looked"].tolist() == [False] * 15 + [True]
    with pytest.raises(ValueError, match=r"account\[1\] is missing"):
        list(ev.events({**log, "account": ["a", missing] * 8}))


def test_a_single_value_stands_for_all_rows():
    log = {
        "account": "abc",
        "time": np.arange(5.0),
        "prompt": "what",
        "model": "m-1",
        "completion_tokens": 7,
        "attributes": {"country": "NL"},
    }
    for event in ev.events(log):
        assert (event.account, event.prompt, event.model) == ("abc", "what", "m-1")
        assert event.attributes == {"country": "NL"} and event.completion_tokens == 7
    with pytest.raises(ValueError, match="prompt has 2 rows; the other columns have 5"):
        list(ev.events({**log, "prompt": ["a", "b"]}))
    assert len(list(ev.events(log))) == 5
