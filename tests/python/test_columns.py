# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""observe_many on every kind of column, beside observe row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distillwatch as dw

KEY = b"0123456789abcdef"
NAMES = ("level", "looked", "matches_campaign", "score", "p_value", "campaign")
ROW = st.tuples(
    st.one_of(st.text(max_size=3), st.binary(max_size=3)),
    st.integers(0, 4_000_000_000),
    st.one_of(st.none(), st.text(st.characters(), max_size=20), st.binary(max_size=20)),
)


def fresh():
    return dw.Monitor(key=KEY)


def state(monitor, accounts):
    return [monitor.explain(a).requests for a in accounts], monitor.statistics


@settings(max_examples=60)
@given(st.lists(ROW, max_size=40), st.integers(1, 4))
def test_a_batch_is_its_rows(rows, threads):
    accounts, times, prompts = ([r[i] for r in rows] for i in range(3))
    one, many = fresh(), fresh()
    each = [one.observe(a, t, b"" if p is None else p) for a, t, p in rows]
    out = many.observe_many(accounts, times, prompts, threads=threads)
    assert out["score"].tolist() == [v.score for v in each]
    assert out["level"].tolist() == [int(v.level) for v in each]
    assert state(one, accounts) == state(many, accounts)


def test_columns_are_named():
    pd = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"attribute 'ip'\[0\] must be str or bytes, not int"):
        fresh().observe_many(["a"], [1.0], "x", attributes={"ip": [5]})
    with pytest.raises(ValueError, match="attribute 'ip' has 2 rows, times has 1"):
        fresh().observe_many(["a"], [1.0], "x", attributes={"ip": ["1", "2"]})
    with pytest.raises(TypeError, match="accounts must be a column .* not DataFrame"):
        fresh().observe_many(pd.DataFrame({"account": ["a"]}), [1.0], "x")
    with pytest.raises(KeyError, match="no column 'prompt'; it has 'account', 'time'"):
        dw.event_columns({"account": ["a"], "time": [1.0]})


def test_counts_may_be_missing():
    pd = pytest.importorskip("pandas")
    column = pd.Series([1, None], dtype="Int64")
    assert len(fresh().observe_many(["a", "a"], [1.0, 2.0], "x", completion_tokens=column)) == 2
    with pytest.raises(TypeError, match=r"earlier_turns\[1\] is 'x'; allowed: whole numbers"):
        fresh().observe_many(["a", "a"], [1.0, 2.0], "x", earlier_turns=[1, "x"])
    with pytest.raises(TypeError, match=r"earlier_turns\[0\] is 0.5"):
        fresh().observe_many(["a", "a"], [1.0, 2.0], "x", earlier_turns=[0.5, 1])


def test_a_column_of_nothing_has_no_type():
    assert len(fresh().observe_many(np.array([]), np.array([]), np.array([]))) == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_every_column_reaches_its_row(threads):
    # More rows than a block of texts and a run of events, attributes that differ by row.
    n = 5000
    accounts = [f"account {i * i % 37}" for i in range(n)]
    prompts = [f"what is {i} of {'ñ' * (i % 3)}" for i in range(n)]
    systems = [None if i % 5 == 0 else f"system {i % 4}" for i in range(n)]
    attributes = {
        "ip": [None if i % 3 == 0 else f"203.0.113.{i % 7}" for i in range(n)],
        "device": [f"device {i % 11}".encode() for i in range(n)],
    }
    turns, tokens = np.arange(n) % 4, np.arange(n) % 900
    one, many = fresh(), fresh()
    each = [
        one.observe(
            accounts[i],
            60.0 * i,
            prompts[i],
            system=systems[i] or "",
            earlier_turns=int(turns[i]),
            model=f"m{i % 2}",
            completion_tokens=int(tokens[i]),
            prompt_tokens=int(tokens[-i]),
            attributes={k: v[i] for k, v in attributes.items() if v[i] is not None},
        )
        for i in range(n)
    ]
    out = many.observe_many(
        accounts,
        60.0 * np.arange(n),
        prompts,
        systems=systems,
        models=[f"m{i % 2}" for i in range(n)],
        earlier_turns=turns,
        completion_tokens=tokens,
        prompt_tokens=tokens[-np.arange(n)],
        attributes=attributes,
        threads=threads,
    )
    assert out["score"].tolist() == [v.score for v in each]
    assert state(one, accounts) == state(many, accounts)
    if threads == 1:  # with more, accounts of a shard may lie in another order
        assert many.save() == one.save()
    else:
        for monitor in (one, many):
            monitor.review(60.0 * n)
        assert all(many.explain(a) == one.explain(a) for a in set(accounts))


def test_columns_of_every_kind_agree(log):
    pd = pytest.importorskip("pandas")
    head = log.head(3000)
    accounts, prompts = head["account"].tolist(), head["prompt"].tolist()
    us = head["time"].to_numpy().astype("M8[us]")
    expected = fresh().observe_many(accounts, us, prompts)
    seconds = us.astype("i8") / 1e6
    for a in (
        tuple(accounts),
        np.array(accounts),
        np.array(accounts, object),
        head["account"],
        head["account"].astype("category"),
        pd.Categorical(accounts),
        pd.Index(accounts),
        [x.encode() for x in accounts],
        head["account"].astype("string"),
    ):
        for t in (
            us.astype("M8[ns]"),
            us.tolist(),
            head["time"],
            head["time"].dt.tz_localize("UTC"),
            head["time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
            pd.DatetimeIndex(head["time"]),
        ):
            rows = fresh().observe_many(a, t, prompts, frame=False)
            assert (rows == expected).all()
    assert np.abs(dw._core.microseconds(seconds) - us.astype("i8")).max() <= 1
    for p in (
        np.array(prompts, object),
        head["prompt"],
        np.array([x.encode() for x in prompts]),
        [bytearray(x.encode()) for x in prompts],
    ):
        assert (fresh().observe_many(accounts, us, p, frame=False) == expected).all()


def test_pandas_in_pandas_out(log):
    pytest.importorskip("pandas")
    part = log.iloc[5:25]
    out = fresh().observe_many(**dw.event_columns(part))
    assert list(out.columns) == list(NAMES)
    assert (out.index == part.index).all()
    rows = fresh().observe_many(**dw.event_columns(part), frame=False)
    assert rows.dtype.names == NAMES
    assert len(fresh().observe_many([], [], [], frame=True)) == 0


def test_one_value_stands_for_all_rows():
    monitor = fresh()
    assert (
        len(
            monitor.observe_many(
                "a",
                [1.0, 2.0],
                "x",
                systems="s",
                models="m",
                completion_tokens=5,
                earlier_turns=[0, 1],
                prompt_tokens=np.array([1.0, np.nan]),
                attributes={"ip": ["1", None], "team": "t"},
            )
        )
        == 2
    )
    assert monitor.explain("a").requests == 2


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((["a"], [1.0, 2.0], ["x"]), ValueError, "accounts has 1 rows, times has 2"),
        ((["a"], [1.0], ["x", "y"]), ValueError, "prompts has 2 rows, times has 1"),
        ((["a"], [float("nan")], ["x"]), ValueError, r"times\[0\] is nan"),
        ((["a", "a"], np.array([1.0, np.inf]), "x"), ValueError, r"times\[1\] is inf"),
        (
            (["a"], np.array(["NaT"], "M8[s]"), ["x"]),
            ValueError,
            r"times\[0\] is not a time \(NaT\)",
        ),
        ((["a"], ["2026-01-01"], ["x"]), TypeError, r"times\[0\] must be seconds"),
        ((["a"], np.array([1], "m8[s]"), ["x"]), TypeError, "times must hold .* not timedelta64"),
        ((["a"], np.array([1j]), ["x"]), TypeError, "times must hold .* not complex128"),
        ((["a"], np.ma.array([1.0], mask=[True]), ["x"]), ValueError, r"times\[0\] is masked"),
        ((["a"], np.array([1767225600 * 10**9]), ["x"]), ValueError, r"times\[0\] is 1767.*seconds"),
        (([None], [1.0], ["x"]), ValueError, r"accounts\[0\] is missing"),
        (([float("nan")], [1.0], ["x"]), ValueError, r"accounts\[0\] is missing"),
        ((["a"], [1.0], [5]), TypeError, r"prompts\[0\] must be str or bytes, not int"),
        ((np.zeros((2, 2), object), [1.0], ["x"]), ValueError, "accounts has 2 dimensions"),
        ((np.zeros(1), [1.0], ["x"]), TypeError, "accounts must hold str or bytes, not float64"),
        ((["a"], np.zeros((1, 1)), ["x"]), ValueError, "times has 2 dimensions"),
        ((["a"], "1", ["x"]), TypeError, "times must be a column of times"),
        ((["a"], [1.0], iter("x")), TypeError, "prompts must be a column of str or bytes"),
        ((5, [1.0], ["x"]), TypeError, "accounts must be a column of str or bytes, not int"),
    ],
)
def test_errors_name_column_and_row(arguments, error, message):
    monitor = fresh()
    with pytest.raises(error, match=message):
        monitor.observe_many(*arguments)
    assert monitor.statistics.events == 0  # all or nothing


@pytest.mark.parametrize(
    "counts, error",
    [
        ([-1], ValueError),
        ([2**32], ValueError),
        ([1.5], TypeError),
        (["x"], TypeError),
        ([1, 2], ValueError),
        ([[1]], ValueError),
        (-1, ValueError),
        ([object()], TypeError),
    ],
)
def test_counts_are_checked(counts, error):
    with pytest.raises(error, match="completion_tokens"):
        fresh().observe_many(["a"], [1.0], ["x"], completion_tokens=counts)


@pytest.mark.parametrize(
    "threads, error", [(0, ValueError), (257, ValueError), (-1, ValueError), ("2", TypeError)]
)
def test_threads_are_checked(threads, error):
    with pytest.raises(error, match="threads"):
        fresh().observe_many(["a"], [1.0], ["x"], threads=threads)


@given(
    st.lists(st.one_of(st.floats(), st.integers(-(10**20), 10**20)), min_size=1, max_size=10)
)
def test_wild_times_are_tamed_or_refused(times):
    try:
        us = dw._core.microseconds(times)
    except ValueError:
        assert not all(np.isfinite(float(t)) for t in times)
    else:
        assert us.dtype == np.int64 and len(us) == len(times)


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
def test_every_unit_of_time(unit):
    assert dw._core.microseconds(
        np.array([np.datetime64("2026-01-01", "D")]).astype(f"M8[{unit}]")
    )[0] in (
        1767225600_000_000,
        1766620800_000_000,  # weeks begin on Thursdays
    )
    far = dw._core.microseconds(np.array([2**40], f"M8[{unit}]"))[0]
    assert far > 0
