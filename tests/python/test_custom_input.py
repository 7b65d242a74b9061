# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What is no detector, what one may not measure, and copies of those that are fine."""

import copy
import pickle

import pytest

import distillwatch as dw

KEY = b"0123456789abcdef"
OWN_NAME = "a name of its own, 1 to 64 of a-z, 0-9 and _"
VALUES = "a dict of features, or their values"


class Pair:
    """Measures what it is told to."""

    name = "pair"
    features = (("first", "{}"), ("second", "{}"))
    State = [("count", "u4")]

    def __init__(self, measured=(1, 2)):
        self.measured = measured

    def update(self, seen, state):
        state["count"] += 1

    def measure(self, state):
        return self.measured


class Single(Pair):
    features = (("first", "{}"),)


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(name=""), f"the detector is named ''; allowed: {OWN_NAME}"),
        (dict(name="a.b"), f"the detector is named 'a.b'; allowed: {OWN_NAME}"),
        (dict(name="coverage"), f"the detector is named 'coverage'; allowed: {OWN_NAME}"),
        (
            dict(State=[("a", "S2000")]),
            "the detector has a state of 2000 bytes; allowed: 1 to 1024",
        ),
        (dict(features=()), "the detector has 0 features; allowed: 1 to 16"),
        (
            dict(features=[("a", "{}"), ("a", "{}")]),
            f"the detector has a feature 'a'; allowed: {OWN_NAME}",
        ),
    ],
)
def test_what_no_monitor_would_take_is_refused_at_once(changed, message):
    detector = type("Odd", (Pair,), changed)()
    with pytest.raises(ValueError) as refused:
        dw.CustomDetector(detector)
    assert str(refused.value) == message


@pytest.mark.parametrize("wrong", ["short", ("a",), ("a", "{}", "share", 1), 3, {"a": "{}"}])
def test_a_feature_has_a_name_and_words(wrong):
    detector = type("Odd", (Pair,), dict(features=[wrong]))()
    with pytest.raises(TypeError) as refused:
        dw.CustomDetector(detector)
    allowed = "(name, words) or (name, words, form)"
    assert str(refused.value) == f"a feature is {wrong!r}; allowed: {allowed}"


def test_a_class_is_no_detector():
    with pytest.raises(TypeError, match=r"is the class Pair; allowed: an object, Pair\(\.\.\.\)"):
        dw.Monitor(detectors=[Pair])


@pytest.mark.parametrize("ours", [dw.SimilarityDetector, dw.CoverageDetector, dw.RateShapeDetector])
def test_ours_are_in_every_monitor_anyway(ours):
    words = rf"the detector is {ours.__name__}\(.*\), which every monitor has; allowed: .* your own"
    with pytest.raises(TypeError, match=words):
        dw.ReferenceLearner(detectors=[ours()])


@pytest.mark.parametrize(
    "kind, measured, message",
    [
        (Pair, None, f"measure gives None; allowed: {VALUES}"),
        (Pair, 1.5, f"measure gives 1.5; allowed: {VALUES}"),
        (Pair, "ab", f"measure gives 'ab'; allowed: {VALUES}"),
        (Pair, (1,), "measure gives 1 values for 2 features"),
        (Pair, {"other": 1}, "measure names what is no feature; allowed: first, second"),
        (Pair, {"first": "x"}, "measure gives 'x' for first; allowed: a number or None"),
        (Pair, (1, b"x"), "measure gives b'x' for second; allowed: a number or None"),
        (Single, None, f"measure gives None; allowed: {VALUES}"),
        (Single, b"3", f"measure gives b'3'; allowed: {VALUES}"),
        (Pair, {"first": []}, "TypeError: must be real number, not list"),  # raised without Python
    ],
)
def test_what_it_may_not_measure_is_a_failure_with_words(kind, measured, message):
    detector = dw.CustomDetector(kind(measured))
    with pytest.warns(RuntimeWarning, match="'pair' failed in measure"):
        values = detector.measure(detector.begin())
    assert all(value != value for value in values.values())
    assert (detector.failures, detector.first_failure) == (1, message)


def test_one_feature_may_be_given_by_its_value_alone():
    detector = dw.CustomDetector(Single(1.5))
    assert detector.measure(detector.begin()) == {"first": 1.5} and detector.failures == 0


def pickled(detector):
    return pickle.loads(pickle.dumps(detector))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_it_is_copied_and_pickled_as_its_object_is(again):
    detector = dw.CustomDetector(Pair((3, 4)))
    twin = again(detector)
    assert twin is not detector and type(twin.detector) is Pair
    assert twin.measure(twin.begin()) == {"first": 3, "second": 4}


def test_what_cannot_be_pickled_is_not():
    class Local(Pair):
        pass

    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(dw.CustomDetector(Local()))


def test_estimators_with_detectors_are_cloned():
    base = pytest.importorskip("sklearn.base")
    from distillwatch.estimators import MonitorDetector

    detector = MonitorDetector(detectors=[dw.CustomDetector(Pair((5, 6)))], key=KEY)
    for again in (base.clone(detector), pickle.loads(pickle.dumps(detector))):
        (twin,) = again.detectors
        assert twin is not detector.detectors[0] and twin.detector.measured == (5, 6)
