# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""What refitting refuses, and in which words."""

import dataclasses
import sys

import numpy as np
import pytest

import distillwatch as dw
from distillwatch import fit

KEY = b"0123456789abcdef"
SMALL = {"account": ["a", "b"] * 3000, "time": np.arange(6000.0), "prompt": ["x"] * 6000}


def refuses(call, error, message):
    with pytest.raises(error) as refused:
        call()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"exclude": "acct-1"}, TypeError, "exclude is 'acct-1'; it must be a sequence"),
        ({"exclude": ["x", "y"]}, ValueError, "'x' is to be excluded, but is not in the log; of 2"),
        ({"distilling": "acct-1"}, TypeError, "distilling is 'acct-1'; it must be a sequence"),
        ({"distilling": {"x": "c"}}, ValueError, "'x' is to distil, but is not in the log"),
        ({"horizon_days": 0.001}, ValueError, "horizon_days is 0.001; allowed: an hour to 366"),
        ({"horizon_days": 0}, ValueError, "horizon_days is 0; allowed: an hour to 366 days"),
        ({"horizon_days": -1}, ValueError, "horizon_days is -1; allowed: an hour to 366 days"),
        ({"horizon_days": np.nan}, ValueError, "horizon_days is nan; allowed: an hour to 366"),
        ({"horizon_days": "30"}, TypeError, "horizon_days is '30'; allowed: an hour to 366"),
        ({"foo": 3}, TypeError, "foo is no option of the trees; allowed: trees, leaves, learning"),
        ({"trees": -1}, ValueError, "trees is -1; allowed: whole numbers from 1 to 4096"),
        ({"trees": 1.5}, TypeError, "trees is 1.5; allowed: whole numbers from 1 to 4096"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate is nan; allowed: numbers from"),
        ({"ridge": -1}, ValueError, "ridge is -1; allowed: numbers from 0 to"),
        ({"least_rows": np.inf}, ValueError, "least_rows is inf; allowed: numbers from 0 to"),
    ],
)
def test_refit_names_what_it_refuses(collected, options, error, message):
    refuses(lambda: fit.refit(collected, **options), error, message)


def test_an_account_may_have_no_campaign(collected):
    first, second = collected.accounts[:2]
    alone = fit.refit(collected, distilling=[first, second], trees=3).reference
    for missing in (None, ""):
        campaigns = dict.fromkeys([first, second], missing)
        assert fit.refit(collected, distilling=campaigns, trees=3).reference == alone
    mixed = fit.refit(collected, distilling={first: 1, second: ("of", "two")}, trees=3)
    assert mixed.reference == alone


def test_who_is_excluded_does_not_train_either(collected):
    busy = np.bincount(collected.looks.owner).argsort()[-2:]
    first, second = (collected.accounts[i] for i in busy)
    both = fit.refit(collected, distilling=[first, second], exclude=[second], trees=3)
    one = fit.refit(collected, distilling=[first], exclude=[second], trees=3)
    assert both.reference == one.reference


@pytest.mark.parametrize("judge", [fit.ablation, fit.leave_campaign_out])
def test_labels_are_of_the_log(collected, judge):
    known = {collected.accounts[0]: "c", "zz": "x"}
    words = "'zz' is labelled, but is not in the log; of 2 accounts 1 are not"
    refuses(lambda: judge(collected, known, progress=False), ValueError, words)
    refuses(lambda: judge(collected, "zz"), TypeError, "labels is 'zz'; it must be a sequence")


def test_ablation_leaves_out_whom_it_is_told_to(collected):
    first, second, third = collected.accounts[:3]
    out = fit.ablation(collected, {first: "c"}, exclude=[second], trees=2, progress=False)
    alone = fit.refit(collected, exclude=[first, second], trees=2).reference
    assert out["all"] == fit.power(alone, collected.looks, [0])
    labels = {first: "c", second: "d"}
    out = fit.leave_campaign_out(collected, labels, exclude=[third], trees=2, progress=False)
    assert out.accounts == 2
    for judge, name in ((fit.ablation, "detectors"), (fit.leave_campaign_out, "distilling")):
        refuses(lambda: judge(collected, labels, **{name: ()}), TypeError, f"{name} is no option")


@pytest.mark.parametrize(
    "owners, error, message",
    [
        (["acct-1"], TypeError, "owners must be indices of accounts"),
        ([0.5], TypeError, "owners must be indices of accounts"),
        ([[0]], TypeError, "owners must be indices of accounts"),
        ([0, -1], ValueError, "owners has -1; allowed: 0 and above"),
    ],
)
def test_owners_are_indices(collected, reference, owners, error, message):
    refuses(lambda: fit.power(reference, collected.looks, owners), error, message)


def test_the_power_of_nothing_is_unknown(collected, reference):
    nobody = fit.power(reference, collected.looks, [])
    assert nobody.auc is None and set(nobody.caught.values()) == {None} and nobody.accounts == 0
    assert repr(nobody).endswith("AUC -)")
    shipped = fit.power(dw.Reference.shipped(), collected.looks, [0])
    assert shipped.auc is None
    never_looked_at = fit.power(reference, collected.looks, [10**9])
    assert never_looked_at.accounts == 1 and never_looked_at.caught[10000] in (None, 0.0)


def test_accounts_are_looked_up_once_for_all_labels(collected, monkeypatch):
    """And not anew for each, which took seconds for some thousand labels."""

    class Counted(list):
        walks = 0

        def __iter__(self):
            self.walks += 1
            return super().__iter__()

    accounts = Counted(collected.accounts)
    fitted = fit.refit(collected, trees=2)
    monkeypatch.setattr(fit, "refit", lambda *args, **options: fitted)
    labels = {name: str(i % 7) for i, name in enumerate(collected.accounts[:50])}
    counted = dataclasses.replace(collected, accounts=accounts)
    assert fit.leave_campaign_out(counted, labels, progress=False).accounts == 50
    assert accounts.walks == 1


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"harvesters": -1}, ValueError, "harvesters is -1; allowed: whole numbers from 0 to 1000"),
        ({"harvesters": 1.5}, TypeError, "harvesters is 1.5; allowed: whole numbers from 0 to"),
        ({"detectors": [dw.CoverageDetector()]}, TypeError, "allowed: detectors of your own"),
    ],
)
def test_collect_names_what_it_refuses(options, error, message):
    refuses(lambda: fit.collect(SMALL, **options), error, message)


def test_collecting_shows_its_progress(monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    told = []

    class Bar:
        def __init__(self, total, leave):
            told.append(total)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            told.append("closed")

        def update(self, rows):
            told.append(rows)
            if stops:
                raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    stops = False
    seen = fit.collect(SMALL, harvesters=0, grafts=False, key=KEY)
    assert told == [6000, 4096, 1904, "closed"]
    silent = fit.collect(SMALL, harvesters=0, grafts=False, key=KEY, progress=False)
    assert len(told) == 4
    assert np.array_equal(silent.looks.features, seen.looks.features, equal_nan=True)
    stops = True
    with pytest.raises(KeyboardInterrupt):
        fit.collect(SMALL, harvesters=0, grafts=False)
    assert told[4:] == [6000, 4096, "closed"]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)  # as if it were not installed
    assert len(fit.collect(SMALL, harvesters=0, grafts=False).looks) == len(seen.looks)


def test_collections_are_compared_and_shown(collected):
    assert collected == collected and collected != dataclasses.replace(collected)
    assert collected.looks == collected.looks != collected.simulated
    assert len({collected, collected.looks}) == 2
    html = collected._repr_html_()
    assert html.startswith("<b>Collected</b>") and "46 features of similarity, coverage" in html
    learner = dw.ReferenceLearner(key=KEY)
    learner.observe("a", 0.0, "x")
    assert repr(learner) == "<ReferenceLearner: 1 accounts>"
    refitted = fit.refit(collected, trees=2)
    assert refitted == refitted and refitted != fit.refit(collected, trees=2)
