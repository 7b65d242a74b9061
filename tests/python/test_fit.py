# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import pickle

import numpy as np
import pytest

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch import fit
from distillwatch._forest import forest_of_sklearn

KEY = b"0123456789abcdef"


@pytest.fixture(scope="module")
def labels(log):
    known = ev.Labels.from_log(log)
    return {a: known.cluster(a) for a in known.asked()}


def path_scores(collected, looks, scores):
    best = np.full(len(collected.accounts), -8.0)
    np.maximum.at(best, looks.owner, scores)
    return dict(zip(collected.accounts, best.tolist()))


@pytest.mark.parametrize(
    "engine, options", [("trees", {"trees": 40}), ("sklearn", {"max_iter": 30})]
)
def test_the_monitor_scores_as_the_fit_does(log, collected, engine, options):
    pytest.importorskip("sklearn")
    refitted = fit.refit(collected, engine=engine, **options)
    monitor = dw.Monitor(
        reference=refitted.reference, key=KEY, promise=dw.Promise(per_million=50000)
    )
    seen = ev.scores(log, monitor.observe_many(**dw.event_columns(log)))
    mine = path_scores(collected, collected.looks, refitted.scores(collected.looks))
    # Being in a named campaign would add to it, but nothing was reviewed.
    assert mine == seen


def test_sklearn_trees_are_copied_exactly(collected):
    ensemble = pytest.importorskip("sklearn.ensemble")
    random = np.random.default_rng(0)
    rows = collected.looks
    ranks = dw._core.Ranks.learn(rows.requests, rows.features)
    bins = ranks.bins(rows.requests, rows.features)
    y = random.random(len(bins)) < 0.3
    settings = dict(
        max_iter=20,
        max_leaf_nodes=16,
        learning_rate=0.06,
        l2_regularization=10.0,
        min_samples_leaf=30,
        early_stopping=False,
        random_state=0,
    )
    forest = forest_of_sklearn(bins[y], np.ones(y.sum()), bins[~y], np.ones((~y).sum()), **settings)
    model = dw._core.Model(**forest, scales=np.tile(np.float32([0, 1]), (5, 1)), features=46)
    x = np.concatenate([bins[y], bins[~y]]).astype(float)
    x[x == 44] = np.nan
    target = np.repeat([1, 0], [y.sum(), (~y).sum()])
    weights = np.where(target == 1, 1 / y.sum(), 1 / (~y).sum()) * len(x) / 2
    theirs = ensemble.HistGradientBoostingClassifier(**settings).fit(
        x, target, sample_weight=weights
    )
    ours = model.log_odds(np.concatenate([bins[y], bins[~y]]))
    assert np.abs(ours - theirs.decision_function(x)).max() < 1e-4


def test_contributions_add_up(collected, reference):
    pytest.importorskip("pandas")
    scores = fit.score_looks(reference, collected.looks)
    for by in ("feature", "detector"):
        parts = fit.contributions(reference, collected.looks, by=by)
        inside = (scores > -8) & (scores < 24)
        assert (parts.sum(axis=1).to_numpy()[inside] == scores[inside]).all()


def test_the_file_is_what_cpp_loads(collected, tmp_path):
    refitted = fit.refit(collected, trees=20)
    refitted.reference.save(tmp_path / "r")
    again = dw.Reference.load(tmp_path / "r")
    assert again == refitted.reference and again.accounts == len(refitted.path_maxima)
    assert again.key_id == dw.Monitor(key=KEY).key_id
    stored = fit.reference_scores(again)
    assert np.abs(np.sort(refitted.path_maxima) - stored).max() <= 32 / 1024 + 1e-9


def test_a_drawn_key_travels_with_the_reference(log):
    refitted = fit.refit(fit.collect(log, harvesters=10, grafts=False), trees=5)
    monitor = dw.Monitor(reference=refitted.reference, promise=dw.Promise(per_million=50000))
    assert monitor.key_id == refitted.reference.key_id


def test_known_harvesters_train_and_do_not_calibrate(collected, labels):
    refitted = fit.refit(collected, distilling=labels, simulated=False, trees=40)
    assert refitted.reference.accounts == len(
        set(np.flatnonzero(collected.calibrates)) - {collected.accounts.index(a) for a in labels}
    )
    owners = np.array([collected.accounts.index(a) for a in labels])
    assert fit.power(refitted.reference, collected.looks, owners).auc > 0.9  # it has seen them


def test_power_is_what_the_monitor_catches(log, collected, reference):
    alone = dw.CampaignOptions(enabled=False)
    promise = dw.Promise(per_million=300000)
    monitor = dw.Monitor(key=KEY, reference=reference, promise=promise, campaigns=alone)
    rows = monitor.observe_many(**dw.event_columns(log), frame=False)
    best = dict.fromkeys(collected.accounts, (1.0, 0))
    for account, p_value, level in zip(log["account"], rows["p_value"], rows["level"]):
        best[account] = (min(best[account][0], p_value), max(best[account][1], level))
    p_values, levels = np.array([best[account] for account in collected.accounts]).T
    promises = range(20000, 1000000, 20000)
    power = fit.power(reference, collected.looks, np.arange(len(best)), promises)
    assert power.caught[300000] == (levels == dw.Level.DISTILLING).mean() > 0
    for per_million, share in power.caught.items():
        most = dw._core.most_rank(dw.Promise(per_million), reference.accounts)
        assert share == (np.rint(p_values * (reference.accounts + 1)) <= most).mean()


def test_leaving_campaigns_out_and_ablation(collected, labels):
    out = fit.leave_campaign_out(collected, labels, folds=2, trees=20, progress=False)
    assert out.accounts == len(labels) and 0.4 < out.auc < 1 and "Power" in repr(out)
    table = fit.ablation(collected, labels, trees=10, progress=False)
    assert list(table)[:2] == ["all", "without similarity"] and "rate_shape alone" in table


def test_ablated_detectors_say_nothing(collected):
    pytest.importorskip("pandas")
    refitted = fit.refit(collected, detectors=["coverage"], trees=20)
    parts = fit.contributions(refitted.reference, collected.looks, by="detector")
    assert (parts[["similarity", "rate_shape"]] == 0).all().all() and (parts["coverage"] != 0).any()


def test_collected_is_data(collected):
    again = pickle.loads(pickle.dumps(collected))
    assert (
        again.accounts == collected.accounts and (again.looks.owner == collected.looks.owner).all()
    )
    assert "looks" in repr(collected)
    pytest.importorskip("pandas")
    frame = collected.frame()
    assert list(frame.columns[3:]) == fit.feature_names() and len(frame) == len(collected.looks)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"detectors": ["x"]}, "'x' is not a detector"),
        ({"engine": "x"}, "engine is 'x'"),
        ({"distilling": ["nobody"]}, "'nobody' is to distil"),
        ({"simulated": False, "grafted": False}, "no harvesters"),
        ({"trees": 0}, "trees is 0"),
        ({"leaves": 1}, "leaves is 1"),
    ],
)
def test_options_are_checked(collected, options, message):
    with pytest.raises(ValueError, match=message):
        fit.refit(collected, **options)


def test_too_few_accounts_are_refused(log):
    with pytest.raises(
        ValueError, match="accounts with 16 requests or more are left to train with"
    ):
        fit.refit(fit.collect(log.head(500), harvesters=2, grafts=False))
    with pytest.raises(ValueError, match="the log is empty"):
        fit.collect(log.head(0), harvesters=2)


def test_hostile_arrays_are_refused(collected):
    core = dw._core
    looks = collected.looks
    with pytest.raises(ValueError, match="columns"):
        core.Ranks.learn(looks.requests, np.zeros((len(looks), 129), np.float32))
    one = {
        "value": np.zeros(1, np.float32),
        "left": np.zeros(1, np.uint16),
        "feature": np.zeros(1, np.uint8),
        "last_left": np.zeros(1, np.uint8),
        "start": np.zeros(1, np.int32),
    }
    scales = np.tile(np.float32([0, 1]), (5, 1))
    model = core.Model(**one, scales=scales, features=46)
    assert model.log_odds(np.zeros((1, 46), np.uint8)) == [0]
    bins, requests = np.full((1, 46), 45, np.uint8), np.full(1, 16, np.uint32)
    for see in (
        lambda: model.log_odds(bins),
        lambda: model.scores(requests, bins),
        lambda: model.contributions(requests, bins),
    ):
        with pytest.raises(ValueError, match="above 44"):
            see()
    for change in (
        {"left": np.ones(1, np.uint16)},
        {"feature": np.full(1, 200, np.uint8)},
        {"value": np.full(1, np.nan, np.float32)},
        {"start": np.full(1, 5, np.int32)},
        {"value": np.zeros(2, np.float32)},
        {"start": np.zeros(0, np.int32)},
    ):
        with pytest.raises(ValueError):
            core.Model(**{**one, **change}, scales=scales, features=46)
    with pytest.raises(ValueError, match="ages"):
        core.Model(**one, scales=scales[:2], features=46)


def test_estimator_habits(log, reference):
    base = pytest.importorskip("sklearn.base")
    from sklearn.exceptions import NotFittedError

    from distillwatch.estimators import MonitorDetector

    detector = MonitorDetector(per_million=None, key=KEY)
    assert base.clone(detector).get_params() == detector.get_params()
    with pytest.raises(NotFittedError):
        detector.predict(log)
    detector.set_reference(reference)
    part = log.head(3000)
    scores, labels, distance = (
        detector.score_samples(part),
        detector.predict(part),
        detector.decision_function(part),
    )
    assert (
        len(scores) == len(part)
        and set(labels) <= {-1, 1}
        and ((distance < 0) == (labels == -1)).all()
    )
    event = next(ev.events(part))
    assert detector.score_one(event) == -8.0
    assert detector.learn_one(event) is detector.partial_fit(part)
    assert detector.monitor_.statistics.events == len(part) + 1
    again = pickle.loads(pickle.dumps(detector))
    assert (again.predict(part) == labels).all() and again.monitor_.statistics.events == 0
