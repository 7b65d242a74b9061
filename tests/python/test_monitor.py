# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import copy
import gc
import pickle
import signal
import threading
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distillwatch as dw

KEY = b"0123456789abcdef"
WATCHED = dw.Monitor(key=KEY)  # that hypothesis hurls at
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.dictionaries(st.text(), st.text()),
    st.builds(object),
    st.complex_numbers(),
)
ANY_TEXT = st.one_of(st.text(st.characters(), max_size=80), st.binary(max_size=80))


def test_defaults_observe_and_flag_nobody(monitor):
    verdict = monitor.observe("a", 1.0, "hello")
    assert (verdict.level, verdict.score, verdict.p_value, verdict.looked, verdict.campaign) == (
        dw.Level.CLEAR,
        -8.0,
        1.0,
        False,
        0,
    )
    assert monitor.statistics.events == 1


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_gives_a_verdict(account, prompt, system, time):
    verdict = WATCHED.observe(account, time, prompt, system=system, attributes={"ip": prompt})
    assert isinstance(verdict, dw.Verdict)
    WATCHED.explain(account)


@given(st.text(st.characters(whitelist_categories=("Cs", "L")), min_size=1, max_size=30))
def test_lone_surrogates_are_bytes_like_any(text):
    monitor = dw.Monitor(key=KEY)
    monitor.observe(text, 1.0, text)
    # The account is found again under the same str.
    assert monitor.explain(text).requests == 1


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_else_is_a_python_error(account, time, prompt, turns, attributes):
    try:
        WATCHED.observe(account, time, prompt, earlier_turns=turns, attributes=attributes)
    except (TypeError, ValueError):
        pass


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_hostile_columns_are_a_python_error(accounts, times, prompts, models):
    try:
        WATCHED.observe_many(accounts, times, prompts, models=models)
    except (TypeError, ValueError):
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_no_reference(data):
    with pytest.raises(dw.DataLoss):
        dw.Reference.parse(data)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"shards": 3}, "shards is 3; allowed: 1 to 4096, a power of two"),
        ({"key": b"short"}, "key is 5 bytes long; allowed: at least 16 bytes, or none"),
        ({"max_memory_bytes": 10}, "max_memory_bytes is 10; allowed: 1048576 to 1125899906842624"),
        ({"max_prompt_bytes": 1}, "max_prompt_bytes is 1; allowed: 256 to 16777216"),
        ({"max_memory_bytes": -1}, "max_memory_bytes is -1; allowed: 0 to"),
        ({"promise": dw.Promise(per_million=0)}, "promise_per_million is 0"),
        ({"promise": dw.Promise(contamination=0.7)}, "promise_contamination is 0.7"),
        ({"origin": float("nan")}, "origin is nan"),
    ],
)
def test_validation_speaks_the_librarys_words(options, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        dw.Monitor(**options)


def test_options_as_text():
    assert isinstance(
        dw.Monitor.from_options("shards = 2 # few\nmax_memory_bytes = 2M"), dw.Monitor
    )
    with pytest.raises(ValueError, match="line 1: 'shard' is not an option"):
        dw.Monitor.from_options("shard = 2")
    with pytest.raises(ValueError, match="promise_mode is 'sometimes'"):
        dw.Promise(mode="sometimes")


def test_a_promise_that_cannot_be_kept_names_the_smallest(reference):
    with pytest.raises(dw.FailedPrecondition, match="the smallest promise now is"):
        dw.Monitor(reference=reference, key=KEY, promise=dw.Promise(per_million=1))
    with pytest.raises(dw.FailedPrecondition):
        reference.check(dw.Promise(per_million=1))
    reference.check(dw.Promise(per_million=1.001 * reference.smallest_promise()))


@pytest.mark.parametrize(
    "time", [float("nan"), float("inf"), -float("inf"), np.datetime64("NaT"), np.float64("nan")]
)
def test_times_must_be_times(monitor, time):
    with pytest.raises(ValueError):
        monitor.observe("a", time, "x")


@pytest.mark.parametrize(
    "time", [None, "2026-01-01", b"5", True, datetime(2026, 1, 1).date(), [1.0]]
)
def test_other_things_are_no_times(monitor, time):
    with pytest.raises(TypeError, match="time must be"):
        monitor.observe("a", time, "x")


def test_nat_is_no_datetime(monitor):
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="NaT"):
        monitor.observe("a", pd.NaT, "x")


def test_all_ways_to_say_a_time_agree(monitor):
    pd = pytest.importorskip("pandas")
    moment = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=timezone.utc)
    ways = [
        moment,
        moment.timestamp(),
        moment.replace(tzinfo=None),
        np.datetime64("2026-03-04T05:06:07.891"),
        np.float64(moment.timestamp()),
        pd.Timestamp(moment),
        pd.Timestamp(moment).tz_convert("Asia/Tokyo"),
        moment.astimezone(timezone(timedelta(hours=-7))),
    ]
    for i, way in enumerate(ways):
        monitor.observe(f"a{i}", way, "x")
        assert monitor.explain(f"a{i}").first == moment
    assert monitor.statistics.wild_times == 0


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**30), 10**30))
def test_wild_clocks_are_tamed(seconds, whole):
    monitor = dw.Monitor(key=KEY)
    for time in (seconds, whole):
        monitor.observe("a", time, "x")
    assert 1970 <= monitor.explain("a").last.year <= 2200


def test_events_are_values(monitor):
    event = dw.Event("a", 5.0, "hello", attributes={"ip": "203.0.113.9"}, completion_tokens=3)
    monitor.observe(event)
    assert monitor.explain("a").requests == 1
    assert hash(dw.Event("a", 1)) == hash(dw.Event("a", 1))


@pytest.mark.parametrize("tokens", [-1, 2**32, 1.5, "3", None])
def test_counts_are_whole_numbers(monitor, tokens):
    with pytest.raises((TypeError, ValueError), match="completion_tokens"):
        monitor.observe("a", 1.0, "x", completion_tokens=tokens)


def test_unknown_accounts_are_not_found(monitor):
    with pytest.raises(dw.NotFound, match="account 'nobody' is not known"):
        monitor.explain("nobody")
    assert issubclass(dw.NotFound, LookupError)


@pytest.fixture(scope="module")
def explained(log, reference):
    monitor = dw.Monitor(reference=reference, key=KEY, promise=dw.Promise(per_million=50000))
    rows = monitor.observe_many(**dw.event_columns(log))
    return monitor, monitor.explain(log["account"][int(np.argmax(rows["score"]))]), rows


def test_evidence_adds_up_exactly(explained):
    _, e, _ = explained
    assert e.base + sum(piece.contribution for piece in e.evidence) == e.score


def test_results_are_values(explained):
    _, e, _ = explained
    for value in (e, e.verdict, e.evidence[0], e.evidence[-1], dw.Promise(per_million=5)):
        again = pickle.loads(pickle.dumps(value))
        assert again == value and hash(again) == hash(value) and again is not value
        assert value != 5 and repr(value)
        with pytest.raises(AttributeError):
            value.score = 3
    assert e.verdict.level > dw.Level.CLEAR and str(e.verdict.level) == e.verdict.level.name.lower()
    assert repr(e.verdict.level.name.lower()).strip("'") in repr(e.verdict)


def test_html_escapes_what_accounts_are_called(explained):
    _, e, _ = explained
    for value in (e, e.verdict, e.evidence[0]):
        assert "<" in value._repr_html_()
    monitor = dw.Monitor(key=KEY)
    monitor.observe("<script>\udcff", 1.0, "x")
    assert "<script>" not in monitor.explain("<script>\udcff")._repr_html_()


def test_reference_round_trips(reference, tmp_path):
    path = tmp_path / "own.reference"
    reference.save(path)
    assert path.stat().st_mode & 0o077 == 0
    for again in (
        dw.Reference.load(path),
        pickle.loads(pickle.dumps(reference)),
        copy.copy(reference),
    ):
        assert again == reference and hash(again) == hash(reference)
        assert (again.accounts, again.horizon, again.first) == (
            reference.accounts,
            reference.horizon,
            reference.first,
        )
    assert "accounts" in repr(reference) and "Reference" in reference._repr_html_()
    with pytest.raises(ValueError, match="not merged with itself"):
        dw.Reference.merge(reference, reference)
    with pytest.raises(FileNotFoundError):
        dw.Reference.load(tmp_path / "none")


def test_the_shipped_reference_promises_nothing():
    assert dw.Reference.shipped().accounts == 0
    assert dw.Reference.shipped()._repr_html_()


def test_learner_needs_accounts():
    learner = dw.ReferenceLearner(key=KEY)
    learner.observe("a", 1.0, "x")
    learner.observe(dw.Event("b", 2.0, "y"))
    learner.exclude("c")
    learner.observe("c", 3.0, "z")
    assert learner.accounts == 2
    with pytest.raises(dw.FailedPrecondition, match="a reference needs at least 40"):
        learner.learn()
    with pytest.raises(ValueError, match="horizon is 1 s"):
        dw.ReferenceLearner(horizon=timedelta(seconds=1))


def test_statistics_and_metrics(explained):
    monitor, _, rows = explained
    s = monitor.statistics
    assert s.events == len(rows) and s.looks == rows["looked"].sum() and sum(s.flagged) > 0
    assert "distillwatch_" in monitor.metrics()
    assert "events" in repr(monitor)
    monitor.finish(datetime(2027, 1, 1))
    assert monitor.statistics.finished_horizons >= s.finished_horizons


def test_review_names_its_words(log, reference):
    monitor = dw.Monitor(
        reference=reference,
        key=KEY,
        promise=dw.Promise(per_million=50000),
        campaigns=dw.CampaignOptions(false_campaigns=10),
    )
    monitor.observe_many(**dw.event_columns(log))
    review = monitor.review(log["time"].iloc[-1])
    assert isinstance(review, dw.Review) and review.accounts > 0
    assert isinstance(monitor.campaigns(), list)
    assert monitor.account_id("a") != monitor.account_id("b")
    with pytest.raises(ValueError, match="false_campaigns"):
        dw.Monitor(campaigns=dw.CampaignOptions(false_campaigns=-1))


def test_a_saved_monitor_goes_on_bit_by_bit(log, reference):
    options = dict(
        reference=reference,
        key=KEY,
        promise=dw.Promise(per_million=50000),
        origin=log["time"].iloc[0],
    )
    whole, first = dw.Monitor(**options), dw.Monitor(**options)
    half = len(log) // 2
    expected = whole.observe_many(**dw.event_columns(log), frame=False)[half:]
    first.observe_many(**dw.event_columns(log.iloc[:half]))
    saved = first.save()
    second = dw.Monitor.restore(saved, **options)
    assert (second.observe_many(**dw.event_columns(log.iloc[half:]), frame=False) == expected).all()
    with pytest.raises(dw.FailedPrecondition):
        dw.Monitor.restore(saved, **{**options, "key": KEY + b"x"})
    with pytest.raises(dw.DataLoss):
        dw.Monitor.restore(saved[:-1], **options)
    with pytest.raises(TypeError, match="use save and Monitor.restore"):
        pickle.dumps(first)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_snapshot(data):
    with pytest.raises((dw.DataLoss, dw.FailedPrecondition)):
        dw.Monitor.restore(data, key=KEY)


def test_replicas_merge(log, reference):
    options = dict(
        reference=reference,
        key=KEY,
        promise=dw.Promise(per_million=50000),
        origin=log["time"].iloc[0],
    )
    left, right, whole = (dw.Monitor(**options) for _ in range(3))
    side = log["account"].str[-1] < "8"
    left.observe_many(**dw.event_columns(log[side]))
    right.observe_many(**dw.event_columns(log[~side]))
    whole.observe_many(**dw.event_columns(log))
    left.merge(right)
    assert left.statistics.events == whole.statistics.events
    for account in log["account"].unique()[:40]:
        assert left.explain(account).verdict.score == whole.explain(account).verdict.score
    with pytest.raises(ValueError):
        left.merge(left)
    with pytest.raises(dw.FailedPrecondition):
        left.merge(dw.Monitor(key=KEY))


def test_watching_is_observing_with_reviews(log, reference):
    def fresh():
        return dw.Monitor(
            reference=reference,
            key=KEY,
            promise=dw.Promise(per_million=50000),
            campaigns=dw.CampaignOptions(false_campaigns=100),
        )

    columns, monitor = dw.event_columns(log), fresh()
    verdicts, joined = dw.watch(monitor, log, threads=2)
    assert len(verdicts) == len(log)
    named = {m.account for c in monitor.campaigns() for m in c.members}
    assert {monitor.account_id(j["account"]) for j in joined} >= named
    never, none = dw.watch(fresh(), log, review_hours=1e6)
    alone = fresh().observe_many(**columns, frame=False)
    assert (never == alone).all()
    again = dw.watch(
        fresh(),
        {name: list(log[name]) for name in ("account", "time", "prompt", "model", "system")},
    )[0]
    assert len(again) == len(log)
    assert len(dw.watch(fresh(), log.head(0))[0]) == 0
    with pytest.raises(ValueError, match="review_hours"):
        dw.watch(fresh(), log, review_hours=0)


def test_threads_share_a_monitor(log, reference):
    monitor = dw.Monitor(reference=reference, key=KEY, promise=dw.Promise(per_million=50000))
    columns = dw.event_columns(log.head(4000))
    stop = threading.Event()
    errors = []

    def look():
        while not stop.is_set():
            try:
                _ = monitor.statistics, monitor.metrics()
                monitor.observe("beside", 1.8e9, "x")
                monitor.explain("beside")
            except Exception as e:  # the test must see it
                errors.append(e)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for t in threads:
        t.start()
    rows = monitor.observe_many(**columns)
    stop.set()
    for t in threads:
        t.join()
    alone = dw.Monitor(
        reference=reference, key=KEY, promise=dw.Promise(per_million=50000)
    ).observe_many(**columns)
    assert not errors and (rows["score"] == alone["score"]).all()


def test_nothing_is_kept_alive(monitor):
    class Marked(bytes):
        living = 0

        def __new__(cls, *a):
            cls.living += 1
            return super().__new__(cls, *a)

        def __del__(self):
            Marked.living -= 1

    for i in range(50):
        monitor.observe("a", float(i), Marked(b"x"))
        monitor.observe_many(["a"], [float(i)], [Marked(b"x")])
    gc.collect()
    assert Marked.living == 0


def test_an_object_that_was_never_made_is_refused():
    class Early(dw.Monitor):
        def __init__(self):
            self.observe("a", 1.0, "x")

    with pytest.raises(TypeError, match="__init__ of this object was not called"):
        Early()
    for kind in (dw.Monitor, dw.Reference, dw.MinHash, dw.Verdict, dw.Promise, dw.CustomDetector):
        with pytest.raises(TypeError, match="__init__"):
            repr(kind.__new__(kind))
    with pytest.raises(TypeError, match="__init__"):
        dw.Monitor(reference=dw.Reference.__new__(dw.Reference))
    for detector in (dw.SimilarityDetector(), dw.CoverageDetector(), dw.RateShapeDetector()):
        with pytest.raises(TypeError, match="__init__"):
            detector.measure(detector.State.__new__(detector.State))


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: dw.Monitor(promise=1000), "promise must be a distillwatch.Promise, not int"),
        (lambda: dw.Monitor(reference=b""), "reference must be a distillwatch.Reference, not bytes"),
        (lambda: dw.Monitor(campaigns={}), "campaigns must be a .*CampaignOptions, not dict"),
        (lambda: dw.Monitor().observe({"account": "a"}), "event must be a .*Event, not dict"),
    ],
)
def test_wrong_types_are_named(wrong, message):
    with pytest.raises(TypeError, match=message):
        wrong()


@pytest.mark.parametrize(
    "work",
    [
        lambda: dw.simulate(accounts=3000, frame=False),
        lambda: dw.near_duplicates([f"{i} a b c {i % 7} d e f" for i in range(60000)], 0.2),
    ],
)
def test_long_work_can_be_interrupted(work):
    def interrupt(signum, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
