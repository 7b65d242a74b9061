# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Detectors written in Python, inside monitors, learners, fits and the evaluation."""

import dataclasses
import math
import pathlib
import pickle
import re
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch import fit

KEY = b"0123456789abcdef"
README = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python" / "README.md"


class Brevity:
    """How long an account's requests are."""

    name = "brevity"
    features = (
        dw.FeatureSpec("mean_units", "a request has {} words on average"),
        dw.FeatureSpec("short_share", "{} of requests are shorter than 12 words", "share"),
    )
    State = [("requests", "u4"), ("brief", "u4"), ("units", "f8")]

    def update(self, seen, state):
        state["requests"] += 1
        state["brief"] += seen.units < 12
        state["units"] += seen.units

    def measure(self, state):
        if state["requests"] < 2:
            return {}
        return {
            "mean_units": state["units"] / state["requests"],
            "short_share": state["brief"] / state["requests"],
        }

    def valid(self, state):
        return bool(state["brief"] <= state["requests"])


class Count:
    """Beside it one that only counts, to see that states do not get mixed up."""

    name = "count"
    features = (("seen_requests", "{} were seen"),)
    State = [("count", "u2")]

    def begin(self, state):
        state["count"] = 7

    def update(self, seen, state):
        state["count"] += 1

    def measure(self, state):
        return state["count"]


class Faulty(Brevity):
    """Raises whatever it is told to, in the method that it is told."""

    name = "faulty"

    def __init__(self, method, error=ValueError("no luck"), every=1):
        self.method, self.error, self.every, self.calls = method, error, every, 0

    def fail(self, method):
        if method == self.method:
            self.calls += 1
            if self.calls % self.every == 0:
                raise self.error

    def begin(self, state):
        self.fail("begin")

    def update(self, seen, state):
        super().update(seen, state)
        self.fail("update")

    def measure(self, state):
        self.fail("measure")
        return super().measure(state)

    def valid(self, state):
        self.fail("valid")
        return True


@pytest.fixture(scope="module")
def with_detectors(collected):
    """Makes monitors with detectors, and references that know of those no more than their names."""
    known = {}

    def make(*detectors):
        made = [d if isinstance(d, dw.CustomDetector) else dw.CustomDetector(d) for d in detectors]
        names = tuple(f"{d.name}.{spec.name}" for d in made for spec in d.features)

        def widened(looks):
            unknown = np.full((len(looks), len(names)), np.nan, np.float32)
            features = np.ascontiguousarray(np.hstack([looks.features, unknown]))
            return dataclasses.replace(looks, features=features, names=looks.names + names)

        if names not in known:
            wide = {n: widened(getattr(collected, n)) for n in ("looks", "simulated", "grafted")}
            known[names] = fit.refit(dataclasses.replace(collected, **wide), trees=2).reference
        promise = dw.Promise(per_million=50000)
        return dw.Monitor(key=KEY, reference=known[names], promise=promise, detectors=made)

    return make


@pytest.fixture(scope="module")
def own(log):
    """A reference that was learned with both."""
    detectors = [Count(), Brevity()]
    return dw.learn(**dw.event_columns(log), key=KEY, campaigns=20, trees=20, detectors=detectors)


def watching(reference, detectors=None, **options):
    detectors = [Count(), Brevity()] if detectors is None else detectors
    promise = dw.Promise(per_million=50000)
    return dw.Monitor(key=KEY, reference=reference, promise=promise, detectors=detectors, **options)


def busiest(log, n=20):
    return log["account"].value_counts().index[:n].tolist()


def test_its_evidence_stands_beside_ours(log, own):
    monitor = watching(own)
    monitor.observe_many(**dw.event_columns(log))
    moved = 0.0
    for account in busiest(log):
        explanation = monitor.explain(account)
        parts = (e.contribution for e in explanation.evidence)
        assert sum(parts, explanation.base) == explanation.score
        mine = {e.feature: e for e in explanation.evidence if e.detector in ("brevity", "count")}
        assert set(mine) == {"mean_units", "short_share", "seen_requests"}
        # From the 16th request on, beginning with 7.
        assert mine["seen_requests"].value == explanation.requests - 15 + 7
        assert mine["mean_units"].words.startswith("a request has ")
        moved += abs(mine["mean_units"].contribution) + abs(mine["short_share"].contribution)
    assert moved > 0
    assert [d.failures for d in monitor.detectors] == [0, 0]
    assert [type(d.detector) for d in monitor.detectors] == [Count, Brevity]


def test_threads_do_not_change_verdicts(log, own):
    one, many = watching(own), watching(own)
    columns = dw.event_columns(log)
    rows = one.observe_many(**columns, frame=False)
    assert (many.observe_many(**columns, threads=4, frame=False) == rows).all()
    for account in busiest(log):
        assert one.explain(account) == many.explain(account)


def test_threads_of_python(own):
    """Events, explanations, snapshots at once: nobody waits for somebody who waits."""
    monitor, errors = watching(own, shards=2), []

    def ask(name):
        try:
            for i in range(150):
                monitor.observe(f"{name}-{i % 3}", 1e9 + i, "what is a shard of a table, and why")
                if i % 20 == 19:
                    monitor.explain(f"{name}-0"), monitor.statistics, repr(monitor)
                if i % 50 == 49:
                    monitor.save(), monitor.review(1e9 + i), monitor.finish(1e9 + i)
        except Exception as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors and not any(thread.is_alive() for thread in threads)
    for name in "abcd":
        evidence = {e.feature: e.value for e in monitor.explain(f"{name}-0").evidence}
        assert evidence["seen_requests"] == 50 - 15 + 7


def test_states_are_saved_restored_and_merged(log, own):
    half = len(log) // 2
    whole = watching(own, origin=log["time"].min())
    first = watching(own, origin=log["time"].min())
    whole.observe_many(**dw.event_columns(log))
    first.observe_many(**dw.event_columns(log[:half]))
    options = dict(key=KEY, reference=own, promise=dw.Promise(per_million=50000))
    again = dw.Monitor.restore(
        first.save(), **options, detectors=[Count(), Brevity()], origin=log["time"].min()
    )
    again.observe_many(**dw.event_columns(log[half:]))
    for account in busiest(log):
        assert again.explain(account) == whole.explain(account)
    other = watching(own, origin=log["time"].min())
    other.observe_many(["else"] * 40, np.arange(40) + 1.7e9, ["which words are these"] * 40)
    again.merge(other)
    assert again.explain("else") == other.explain("else")
    with pytest.raises(dw.FailedPrecondition):
        dw.Monitor.restore(first.save(), **options, detectors=[Brevity(), Count()])
    with pytest.raises(dw.FailedPrecondition):
        again.merge(dw.Monitor(key=KEY, origin=log["time"].min()))


def test_a_state_that_it_calls_invalid_is_refused(own, log):
    class Other(Brevity):
        def valid(self, state):
            return False

    monitor = watching(own)
    monitor.observe_many(**dw.event_columns(log[:5000]))
    options = dict(key=KEY, reference=own, promise=dw.Promise(per_million=50000))
    with pytest.raises(dw.DataLoss):
        dw.Monitor.restore(monitor.save(), **options, detectors=[Count(), Other()])
    broken = Faulty("valid")
    broken.name = "brevity"
    with pytest.warns(RuntimeWarning, match="failed in valid"), pytest.raises(dw.DataLoss):
        dw.Monitor.restore(monitor.save(), **options, detectors=[Count(), broken])


def test_a_reference_goes_with_its_detectors(own, reference):
    with pytest.raises(dw.FailedPrecondition):
        watching(own, [])
    with pytest.raises(dw.FailedPrecondition):
        watching(own, [Brevity(), Count()])
    with pytest.raises(dw.FailedPrecondition):
        watching(reference)


@pytest.mark.parametrize("method", ["begin", "update", "measure"])
def test_what_raises_is_counted_and_unknown(with_detectors, method):
    detector = dw.CustomDetector(Faulty(method))
    monitor = with_detectors(detector)
    words = f"'faulty' failed in {method}: ValueError: no luck"
    with pytest.warns(RuntimeWarning, match=words) as told:
        for i in range(40):
            monitor.observe("a", 1e9 + i, "what is it")
        explanation = monitor.explain("a")
    assert len(told) == 1  # the first alone
    assert detector.failures >= {"begin": 1, "update": 25, "measure": 2}[method]
    assert "raise self.error" in detector.first_failure
    values = [e.value for e in explanation.evidence if e.detector == "faulty"]
    if method == "begin":  # the state is as it is without one
        assert values == [3, 1]
    else:
        assert len(values) == 2 and all(math.isnan(v) for v in values)


def test_a_request_whose_update_raises_was_not_seen(with_detectors):
    detector = dw.CustomDetector(Faulty("update", every=5))
    monitor = with_detectors(Count(), detector)
    with pytest.warns(RuntimeWarning):
        monitor.observe_many(["a"] * 65, np.arange(65), ["three words here"] * 65)
    assert detector.failures == 10  # of the 50 from the 16th on
    values = {e.feature: e.value for e in monitor.explain("a").evidence}
    assert (values["mean_units"], values["seen_requests"]) == (3, 57)


@pytest.mark.parametrize(
    "error", [SystemExit(3), GeneratorExit(), type("Odd", (BaseException,), {})()]
)
def test_nothing_that_is_raised_gets_through(with_detectors, error):
    monitor = with_detectors(Faulty("measure", error))
    with pytest.warns(RuntimeWarning, match=type(error).__name__):
        monitor.observe_many(["a"] * 20, np.arange(20), ["x"] * 20, threads=3)


def test_an_interrupt_gets_through_at_the_end_of_a_block(with_detectors):
    monitor = with_detectors(Faulty("update", KeyboardInterrupt(), every=30))
    with pytest.raises(KeyboardInterrupt):
        monitor.observe_many(["a"] * 50, np.arange(50), ["x"] * 50)
    assert monitor.statistics.events == 50
    assert monitor.observe("a", 50, "y").score > -8


def test_where_warnings_are_errors_they_come_after_the_event(with_detectors):
    monitor = with_detectors(Faulty("update"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="no luck"):
            monitor.observe_many(["a"] * 50, np.arange(50), ["x"] * 50)
    assert monitor.statistics.events == 50


def test_a_detector_may_not_call_its_monitor(with_detectors):
    """The library holds the account's lock there: it would wait for itself."""

    class Curious(Count):
        def update(self, seen, state):
            for call in calls:
                try:
                    call()
                except RuntimeError as e:
                    said.add(str(e))
                else:
                    said.add("not refused")

    said = set()
    monitor = with_detectors(Curious())
    learner = dw.ReferenceLearner(key=KEY)
    calls = [
        lambda: monitor.observe("a", 0, "x"),
        lambda: monitor.explain("a"),
        monitor.save,
        lambda: monitor.statistics,
        lambda: monitor.review(0),
        lambda: monitor.finish(0),
        lambda: monitor.observe_many(["a"], [0], ["x"]),
        lambda: monitor.merge(monitor),
        lambda: learner.observe("a", 0, "x"),
        learner.learn,
        monitor.metrics,
        lambda: repr(monitor),
    ]
    for i in range(20):
        monitor.observe("a", i, "x")
    assert len(said) == 1 and "may not call" in said.pop()


def test_a_state_may_be_kept(with_detectors):
    """Python gets copies: what it keeps, it keeps, and nothing that it does to it later matters."""
    kept = []

    class Keeper(Count):
        def update(self, seen, state):
            super().update(seen, state)
            kept.append((seen, state))

    monitor = with_detectors(Keeper())
    for i in range(40):
        monitor.observe("a", i, f"x {i}")
        for _, state in kept[:-1]:
            state["count"] = 60000
    del monitor
    assert len(kept) == 25 and kept[0][0].units == 2 and kept[-1][1]["count"] == 32
    assert len({seen.event for seen, _ in kept}) == 25 and kept[3][0].terms.dtype == np.uint64


@pytest.mark.parametrize(
    "changed, error, message",
    [
        (dict(name="Brevity"), ValueError, "named 'Brevity'"),
        (dict(name="coverage"), ValueError, "named 'coverage'"),
        (dict(name=3), TypeError, "must be a str"),
        (dict(features=()), ValueError, "0 features"),
        (dict(features=[("a", "{}")] * 17), ValueError, "17 features"),
        (dict(features=[("similarity_mean", "{}"), ("similarity_mean", "{}")]), ValueError, "own"),
        (dict(features=[("a", "{}", "percent")]), ValueError, "number, share"),
        (dict(features=[("a",)]), TypeError, "words"),
        (dict(features=None), TypeError, "NoneType"),
        (dict(State=[("a", "O")]), ValueError, "plain data"),
        (dict(State=[("a", "f8", 129)]), ValueError, "1032 bytes"),
        (dict(State=[("a", "S0")]), ValueError, "0 bytes"),
        (dict(State="f8"), ValueError, "no fields"),
        (dict(State="what"), TypeError, "what"),
        (dict(update=None), TypeError, "method update"),
        (dict(measure=3), TypeError, "method measure"),
    ],
)
def test_what_is_no_detector_is_said_at_once(changed, error, message):
    detector = type("Odd", (Brevity,), changed)()
    with pytest.raises(error, match=message):
        dw.Monitor(detectors=[detector])
    with pytest.raises(error, match=message):
        dw.ReferenceLearner(detectors=[detector])
    with pytest.raises(error, match=message):
        fit.collect({"account": ["a"], "time": [0], "prompt": ["x"]}, detectors=[detector])


def test_no_detectors_at_all():
    assert dw.Monitor(detectors=[]).detectors == dw.Monitor(detectors=None).detectors == ()
    for wrong in (3, [3], [object()], ["brevity"], [None]):
        with pytest.raises(TypeError):
            dw.Monitor(detectors=wrong)
    many = [Count() for _ in range(9)]
    with pytest.raises(ValueError, match="at most 8"):
        dw.Monitor(detectors=many)


floats = st.one_of(st.none(), st.floats(), st.integers(), st.just(np.float32(1.5)), st.booleans())
odd = st.one_of(st.text(), st.lists(floats), st.dictionaries(st.text(), floats), st.just(object()))


@given(st.one_of(odd, st.tuples(floats, floats), st.fixed_dictionaries({"mean_units": floats})))
def test_whatever_it_measures(with_detectors, measured):
    class Odd(Brevity):
        def measure(self, state):
            return measured

    detector = dw.CustomDetector(Odd())
    monitor = with_detectors(detector)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for i in range(16):
            monitor.observe("a", i, "x")
        values = [e.value for e in monitor.explain("a").evidence if e.detector == "brevity"]
    assert len(values) == 2 and bool(told) == bool(detector.failures)
    assert not any(math.isinf(v) for v in values)


def test_as_the_monitor_runs_it():
    detector = dw.CustomDetector(Count())
    seen = dw.read(dw.Event("a", 0, "x"), dw.Shingler(KEY))
    state = detector.update(seen, detector.begin())
    assert (detector.name, detector.state_bytes) == ("count", 2)
    assert detector.measure(state) == {"seen_requests": 8}
    assert detector.features == (dw.FeatureSpec("seen_requests", "{} were seen"),)
    assert detector.valid(state) and "0 failures" in repr(detector)
    with pytest.raises(ValueError, match="3 bytes; allowed: 2"):
        detector.measure(b"abc")
    assert pickle.loads(pickle.dumps(detector)).measure(state) == {"seen_requests": 8}


def test_refits_and_ablations_know_it(log):
    detectors = [Brevity()]
    collected = fit.collect(log, key=KEY, harvesters=100, grafts=False, detectors=detectors)
    assert collected.detectors == (*fit.DETECTORS, "brevity")
    assert "brevity.mean_units" in collected.frame() and collected.looks.features.shape[1] == 48
    refitted = fit.refit(collected, trees=20)
    table = fit.contributions(refitted.reference, collected.looks, by="detector")
    assert list(table) == [*fit.DETECTORS, "brevity", "base"]
    alone = fit.refit(collected, trees=20, detectors=["brevity"])
    table = fit.contributions(alone.reference, collected.looks, by="detector")
    assert table["brevity"].abs().sum() > 0 == table["coverage"].abs().sum()
    without = fit.refit(collected, trees=20, detectors=fit.DETECTORS)
    table = fit.contributions(without.reference, collected.looks, by="detector")
    assert table["brevity"].abs().sum() == 0
    labels = dict.fromkeys(log["account"][log["label"] == "distill"], "c")
    assert {"without brevity", "brevity alone"} <= set(fit.ablation(collected, labels, trees=5))
    # The file goes to monitors with this detector, and their looks are those of the collector.
    monitor = watching(refitted.reference, detectors)
    rows = monitor.observe_many(**dw.event_columns(log), frame=False)
    best = ev.scores(log, rows)
    mine = np.full(len(collected.accounts), -8.0)
    np.maximum.at(mine, collected.looks.owner, refitted.scores(collected.looks))
    assert all(best[a] == pytest.approx(s, abs=1e-9) for a, s in zip(collected.accounts, mine))
    with pytest.raises(ValueError, match="columns"):
        other = fit.collect(log[:999], harvesters=20, grafts=False)
        fit.score_looks(refitted.reference, other.looks)


def test_it_is_evaluated_beside_ours(log):
    labels = ev.Labels.from_log(log)
    for detector, feature in (
        (Brevity(), "mean_units"),
        (dw.CustomDetector(Brevity()), lambda of: -of["short_share"]),
        (Count(), None),
        (dw.SimilarityDetector(), "lsh_share"),
    ):
        if isinstance(detector, dw.SimilarityDetector):
            feature = detector.features[0].name
        rows = ev.run(detector, log[:20000], feature=feature)
        scores = ev.scores(log[:20000], rows)
        assert np.isfinite(list(scores.values())).sum() > 50
        assert (rows["score"][~rows["looked"]] <= rows["score"].max()).all()
    rows = ev.run(Brevity(), log, feature="mean_units")
    assert 0 < ev.auc(labels, ev.scores(log, rows)) < 1
    with pytest.raises(ValueError, match="mean_units, short_share"):
        ev.run(Brevity(), log)


def test_the_example_of_the_readme(log):
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## Your own detector") :]
    code = re.search(r"```python\n(.*?)```", section, re.S)[1]
    names = {"january": log, "february": dw.simulate(seed=6, accounts=200, campaigns=4, days=10)}
    exec(compile(code, str(README), "exec"), names)
    assert names["monitor"].detectors[0].failures == 0
