# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import copy
import math
import pickle
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distillwatch as dw

KEY = b"0123456789abcdef"
HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=200).map(lambda h: np.array(h, np.uint64))
SHINGLER = dw.Shingler(KEY)


def mixed(values):
    """Hashes as sketches want them: every bit depends on every bit."""
    x = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


@pytest.mark.parametrize("kind", [dw.MinHash64, dw.MinHash, dw.MinHash256])
@given(HASHES, HASHES)
def test_minhash_of_a_union(kind, left, right):
    a, b, both = kind(), kind(), kind()
    a.update(left), b.update(right), both.update(np.concatenate([left, right]))
    a.merge(b)
    assert a == both and a.empty == (len(left) + len(right) == 0)
    assert a.jaccard(both).value == (0 if a.empty else 1)
    assert pickle.loads(pickle.dumps(a)) == a == kind.parse(a.serialize(7), 7) == copy.copy(a)
    with pytest.raises(dw.FailedPrecondition):
        kind.parse(a.serialize(7), 8)


@given(HASHES)
def test_hyperloglog_counts(hashes):
    h = dw.HyperLogLog()
    h.update(mixed(hashes))
    n = len(np.unique(hashes))
    assert h.estimate() == pytest.approx(n, abs=1 + 0.2 * n)
    assert pickle.loads(pickle.dumps(h)) == h and "about" in repr(h)


@given(st.binary(max_size=100), st.integers(0, 2**64 - 1))
def test_any_bytes_are_no_sketch(data, key_id):
    for kind in (
        dw.MinHash,
        dw.HyperLogLog,
        dw.HeavyHitters,
        dw.CoverageCells,
        dw.SignatureReservoir,
    ):
        with pytest.raises((dw.DataLoss, dw.FailedPrecondition)):
            kind.parse(data, key_id)
    for kind in (dw.GapHistogram, dw.ScaleCounts, dw.HourHistogram):
        with pytest.raises(dw.DataLoss):
            kind.parse(data)


def test_heavy_hitters_bracket_truth():
    h = dw.HeavyHitters()
    often, *rare = mixed(np.arange(301)).tolist()
    for term in rare:
        h.update(often)
        h.update(term)
    count = h.find(often)
    assert count.least <= 300 <= count.most and h.count_at_least(200) == 1
    h.halve()
    assert h.find(often).least <= 150
    with pytest.raises(TypeError):
        h.update("x")


def test_coverage_cells():
    c = dw.CoverageCells()
    for i in range(100):
        c.update(i % 2)
    e = c.measure()
    assert e.collision == pytest.approx(0.4949, abs=0.01) and e.entropy_nats == pytest.approx(
        math.log(2), abs=0.03
    )
    c.decay(0.5)
    assert c.total == pytest.approx(50, rel=0.01) and c.weight(3) == 0
    for cell in (256, -1):
        with pytest.raises(ValueError, match="cell is"):
            c.update(cell)


def test_reservoir_keeps_the_newest():
    r = dw.SignatureReservoir()
    for i in range(40):
        m = dw.MinHash64()
        m.update(np.arange(i * 10, i * 10 + 10, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        r.update(dw.slim(m), dw.priority(float(i) * 86400, timedelta(hours=1), i))
    assert r.size == 16
    assert r.find_nearest(r.signature(3)).similarity == 1
    assert dw.agreement(r.signature(0), r.signature(1)) < 0.3
    assert np.isfinite([r.priority(i) for i in range(16)]).all()
    with pytest.raises(IndexError):
        r.signature(16)
    with pytest.raises(ValueError, match="allowed: 64"):
        r.update(np.zeros(3, np.uint16), 1.0)


def test_histograms_of_time():
    gaps, counts, hours = dw.GapHistogram(), dw.ScaleCounts(), dw.HourHistogram()
    for i in range(100):
        gaps.update(60.0)
        counts.update(i * 60.0, timedelta(hours=1))
        hours.update(datetime(2026, 1, 1, 5))
    assert gaps.measure().burstiness < -0.8 and gaps.measure().log_deviation == 0
    assert counts.measure().duty == 1
    assert hours.measure().idle_hours == 23
    for sketch in (gaps, counts, hours):
        assert pickle.loads(pickle.dumps(sketch)) == sketch
        sketch.merge(sketch)
        sketch.decay(0.5)
    with pytest.raises(ValueError, match="width must be"):
        counts.update(1.0, 0)
    with pytest.raises(ValueError, match="gap is nan"):
        gaps.update(float("nan"))


@given(st.one_of(st.text(st.characters()), st.binary()))
def test_shingler_reads_anything(text):
    features = SHINGLER.extract(text)
    assert len(features.terms) <= 64 and features.units >= 0
    assert isinstance(SHINGLER.normalise(text), str)
    assert 0 <= SHINGLER.hash_prefix(text, 10) < 2**64


def test_shingler_checks_its_options():
    assert SHINGLER.normalise("H\u00c9llo,  World") == "hello world"
    assert SHINGLER.key_id == dw.Shingler(KEY).key_id != dw.Shingler(KEY + b"x").key_id
    with pytest.raises(ValueError, match="max_prompt_bytes"):
        dw.Shingler(KEY, 5)
    with pytest.raises(ValueError, match="key"):
        dw.Shingler(b"")
    with pytest.raises(TypeError, match="key must be str or bytes, not int"):
        dw.Shingler(5)


@pytest.mark.parametrize("kind", [dw.SimilarityDetector, dw.CoverageDetector, dw.RateShapeDetector])
def test_detectors_stand_alone(kind):
    detector, state = kind(half_life=timedelta(days=3)), kind.State()
    for i in range(40):
        event = dw.Event(
            "a", 1.7e9 + 60 * i, f"please translate the word number {i} into french", model="m"
        )
        seen = dw.read(event, SHINGLER)
        detector.update(seen, state)
    measured = detector.measure(state)
    assert list(measured) == [spec.name for spec in detector.features]
    assert any(math.isfinite(v) for v in measured.values())
    assert detector.measure(copy.deepcopy(state)).keys() == measured.keys()
    again, kept = pickle.loads(pickle.dumps((detector, state)))
    assert again.half_life == timedelta(days=3) and "half_life=259200" in repr(again)
    again.update(seen, kept)
    detector.update(seen, state)
    np.testing.assert_equal(again.measure(kept), detector.measure(state))
    with pytest.raises(dw.DataLoss, match="the pickle is damaged"):
        kind.State.__new__(kind.State).__setstate__(b"too short")
    if kind is not dw.RateShapeDetector:  # whose gaps do not merge
        merged = kind.State()
        detector.merge(state, merged)
        np.testing.assert_equal(detector.measure(merged)[kind.features[0].name],
                                detector.measure(state)[kind.features[0].name])
    assert all(spec.words for spec in kind.features) and isinstance(kind.name, str)


def test_observations_hold_no_text():
    seen = dw.read(
        dw.Event("a", 5.0, "one two three", system="be brief", completion_tokens=7), SHINGLER
    )
    assert seen.units == 3 and len(seen.terms) == 3 and seen.completion_tokens == 7
    assert seen.signature.shape == (64,) and seen.system != 0 and not seen.truncated
    assert seen.time.timestamp() == 5


def test_signatures_find_near_duplicates():
    texts = [
        f"a rather long sentence about the topic of number {i % 30} and not much else at all"
        for i in range(60)
    ]
    texts += ["", "something else entirely"]
    s = dw.signatures(texts)
    assert s.dtype == np.uint32 and s.shape == (62, 128)
    j = dw.jaccard_matrix(s)
    assert (np.diag(j)[:60] == 1).all() and j[60].max() == 0 and (j == j.T).all()
    assert (dw.jaccard_matrix(s[:5], s) == j[:5]).all()
    d = dw.near_duplicates(s, 0.99)
    assert d["index"].tolist() == list(range(30, 60)) and (d["of"] == d["index"] - 30).all()
    assert (dw.near_duplicates(texts, 0.99) == d).all()
    near = dw.near_duplicates(s, 0.5)
    assert set(range(1, 60)) >= set(near["index"]) and len(near) > 50
    for row in near:
        assert row["jaccard"] == j[row["index"], row["of"]] >= 0.5
    with pytest.raises(ValueError, match="threshold is 0"):
        dw.near_duplicates(s, 0)
    with pytest.raises(ValueError, match="slots is 7"):
        dw.signatures(texts, slots=7)
    with pytest.raises(ValueError, match="a has 128 slots, b has 64"):
        dw.jaccard_matrix(s, dw.signatures(texts, slots=64))


def test_simulation_is_labelled_and_repeatable():
    pytest.importorskip("pandas")
    log = dw.simulate(seed=2, accounts=20, campaigns=3)
    assert log.equals(dw.simulate(seed=2, accounts=20, campaigns=3))
    assert set(log["label"]) == {"benign", "distill"} and log["time"].is_monotonic_increasing
    assert not log.loc[log["label"] == "benign", "distill"].any()
    assert isinstance(dw.simulate(accounts=5, campaigns=0, frame=False), dict)
    with pytest.raises(ValueError, match="days is"):
        dw.simulate(days=0)
    with pytest.raises(ValueError, match="accounts is -1"):
        dw.simulate(accounts=-1)


@pytest.mark.parametrize("factor", [2, -1, float("nan")])
def test_decay_is_a_share(factor):
    for sketch in (dw.CoverageCells(), dw.GapHistogram(), dw.HourHistogram()):
        with pytest.raises(ValueError, match="factor is .*; allowed: 0 to 1"):
            sketch.decay(factor)


def test_a_half_life_is_positive():
    with pytest.raises(ValueError, match="half_life is 0 s; allowed"):
        dw.SimilarityDetector(0)
    with pytest.raises(ValueError, match="half_life is -5 s; allowed"):
        dw.priority(1, -5, 3)


def test_features_of_equal_texts_are_equal():
    shingler = dw.Shingler(KEY)
    one, same, other = (shingler.extract(t) for t in ("a b c d e", "a b c d e", "f g h i j"))
    assert one == same and one != other and one != tuple(one)
