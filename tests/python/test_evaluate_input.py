# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Labels, alerts and scores in the forms that people have them, and what is refused."""

import numpy as np
import pytest

from distillwatch import evaluate as ev

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
