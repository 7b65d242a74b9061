# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""The habits of scikit-learn and river."""

import functools
import pickle

import numpy as np
import pytest

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch import fit

base = pytest.importorskip("sklearn.base")
checks = pytest.importorskip("sklearn.utils.estimator_checks")

from distillwatch.estimators import LookClassifier, MonitorDetector  # noqa: E402

KEY = b"0123456789abcdef"
# A monitor reads logs, whose samples are texts of accounts at times. These checks feed matrices of
# numbers; what they are about is tested on logs below, where a log can show it.
FED_WITH_MATRICES = {
    "check_estimators_dtypes",
    "check_fit_score_takes_y",
    "check_estimators_fit_returns_self",
    "check_complex_data",
    "check_dtype_object",
    "check_estimators_empty_data_messages",
    "check_pipeline_consistency",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimator_sparse_data",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimators_pickle",
    "check_outliers_fit_predict",
    "check_outliers_train",
    "check_classifier_data_not_an_array",
    "check_dict_unchanged",
    "check_n_features_in",
    "check_dont_overwrite_parameters",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_fit1d",
    "check_fit2d_predict1d",
    "check_fit2d_1sample",
    "check_fit2d_1feature",
    # Beside that, an account's score rests on its earlier rows: neither order nor subset is free.
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_f_contiguous_array_estimator",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_mixin_order",
}


def all_checks(estimator):
    return list(checks._yield_all_checks(estimator))


def name_of(check):
    return (check.func if isinstance(check, functools.partial) else check).__name__


@checks.parametrize_with_checks([LookClassifier(), LookClassifier(trees=20, leaves=4)])
def test_rows_of_numbers_pass_all_checks(estimator, check):
    check(estimator)


def test_matrices_are_refused_and_all_other_checks_pass(monkeypatch):
    monkeypatch.delattr(MonitorDetector, "_more_tags")  # which says "no matrices": all are tried
    detector = MonitorDetector(key=KEY, per_million=None)
    passed = 0
    for check in all_checks(detector):
        if name_of(check) in FED_WITH_MATRICES:
            with pytest.raises((TypeError, AssertionError)):
                check("MonitorDetector", base.clone(detector))
        else:
            check("MonitorDetector", base.clone(detector))
            passed += 1
    assert passed >= 8
    with pytest.raises(TypeError, match="not ndarray"):
        detector.fit(np.zeros((3, 3)))


def test_habits_on_logs(log):
    small = log[log["account"].isin(sorted(set(log["account"]))[:200])].reset_index(drop=True)
    before = small.copy()
    detector = MonitorDetector(key=KEY, per_million=None, campaigns=20, trees=20)
    parameters = detector.get_params()
    assert detector.fit(small) is detector and detector.get_params() == parameters
    assert small.equals(before)
    scores = detector.score_samples(small)
    assert (detector.fit(small).score_samples(small) == scores).all()
    again = pickle.loads(pickle.dumps(detector))
    assert (again.score_samples(small) == scores).all()
    columns = {name: small[name].tolist() for name in small}
    assert (detector.score_samples(columns) == scores).all()
    labels, distance = detector.predict(small), detector.decision_function(small)
    assert set(labels) <= {-1, 1} and ((distance < 0) == (labels == -1)).all()
    with pytest.raises(KeyError):
        detector.score_samples(small.drop(columns="prompt"))


def test_a_stream_as_river_has_it(log):
    """What anomaly detectors of river do in progressive validation."""
    detector, high = MonitorDetector(key=KEY), {}
    for event in ev.events(log[:4000]):
        high[event.account] = detector.score_one(event)
        assert detector.learn_one(event) is detector
    assert max(high.values()) > -1 and min(high.values()) == -8
    event = {"account": "new", "time": 0.0, "prompt": "x"}
    assert detector.score_one(event) == -8
    assert detector.learn_one(event) is detector and detector.score_one(event) == -8
    # The shipped model stands on nobody's accounts: it scores, and flags nobody.
    with pytest.raises(ValueError):
        detector.predict(log)


def test_a_row_of_a_log_is_an_event(log):
    """With its attributes and all else, as whole logs have them."""
    rows, stream, whole = log[:400], MonitorDetector(key=KEY), MonitorDetector(key=KEY)
    for _, row in rows.iterrows():
        assert stream.learn_one(row.to_dict()) is stream
    whole.partial_fit(rows)
    assert stream.monitor_.save() == whole.monitor_.save()
    event = {"account": "a", "time": 1.7e9, "prompt": "x", "ip": None, "completion_tokens": 3.0}
    attributes = {"ip": "192.0.2.1"}
    for given in (event, {**event, "attributes": attributes}, {"account": "a", "time": 1.7e9}):
        stream.learn_one(given)
    assert stream.monitor_.statistics.events == 403
    with pytest.raises(KeyError, match="time"):
        stream.learn_one({"account": "a", "prompt": "x"})


def test_known_harvesters_are_left_out(log, reference, monkeypatch):
    import distillwatch.estimators as module

    left_out = []

    def learn(**given):
        left_out.append(given["exclude"])
        return reference

    monkeypatch.setattr(module, "learn", learn)

    def learned(y):
        MonitorDetector(key=KEY, per_million=None).fit(log, y)
        return left_out.pop()

    known = log["label"] == "distill"
    harvesters = set(log["account"][known])
    assert len(harvesters) == 8
    outliers = np.where(known, -1, 1)
    for y in (outliers, outliers.astype(float), known, known.astype(object), known.tolist()):
        assert learned(y) == harvesters
    assert not learned(None) and not learned(np.ones(len(log))) and not learned(known & ~known)
    for wrong, said in (
        (known.astype(int), r"y\[\d+\] is 0; allowed: -1 \(known to distil\) and 1, or True"),
        (log["label"], r"y\[0\] is '\w+'; allowed: -1"),
        (np.where(known, -1, np.nan), r"y\[\d+\] is nan; allowed"),
        (known[:-1], rf"y has shape \({len(log) - 1},\); allowed: \({len(log)},\)"),
        (True, r"y has shape \(\); allowed"),
    ):
        with pytest.raises(ValueError, match=said):
            learned(wrong)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"ridge": -1}, "ridge is -1; allowed: numbers from 0 to"),
        ({"least_rows": -1}, "least_rows is -1; allowed: numbers from 0 to"),
        ({"trees": -1}, "trees is -1; allowed: whole numbers from 1 to 4096"),
        ({"trees": 0}, "trees is 0; allowed: whole numbers from 1 to 4096"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; allowed: numbers from"),
    ],
)
def test_a_classifier_checks_its_parameters_in_fit(options, message):
    classifier = LookClassifier(**options)
    with pytest.raises(ValueError, match=message):
        classifier.fit(np.eye(4), [0, 0, 1, 1])
    with pytest.raises(TypeError, match="trees is 1.5; allowed: whole numbers"):
        LookClassifier(trees=1.5).fit(np.eye(4), [0, 0, 1, 1])


@pytest.mark.parametrize("trees", [-1, 0, 4097, 2**64])
def test_the_range_of_trees_is_said_in_one_way(log, trees):
    with pytest.raises(ValueError, match=f"trees is {trees}; allowed: 1 to 4096"):
        MonitorDetector(trees=trees).fit(log)


def test_models_are_selected_over_campaigns(collected, log):
    """The score's engine in scikit-learn's hands, whole campaigns apart."""
    selection = pytest.importorskip("sklearn.model_selection")
    labels = ev.Labels.from_log(log)
    looks = collected.looks
    rows = looks.where(looks.requests == 64)
    names = np.array(collected.accounts, dtype=object)[rows.owner]
    y = np.array([labels.label[name] == "distill" for name in names]).astype(int)
    groups = [labels.cluster(name) if of else "" for name, of in zip(names, y)]
    assert 5 <= y.sum() < len(y) / 2
    search = selection.GridSearchCV(
        LookClassifier(trees=30),
        {"leaves": [2, 8]},
        scoring="roc_auc",
        cv=ev.LeaveGroupsOut(3),
        error_score="raise",
    )
    search.fit(rows.features, y, groups=groups)
    assert search.best_score_ > 0.5
    with pytest.raises(ValueError, match="128"):
        LookClassifier().fit(np.zeros((4, 129)), [0, 0, 1, 1])
    assert len(fit.feature_names()) == search.n_features_in_
