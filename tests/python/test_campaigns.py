# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Reviews, campaigns, bans and their options, in Python's words."""

from datetime import datetime, timezone

import numpy as np
import pytest

import distillwatch as dw

KEY = b"0123456789abcdef"
DAY = 86400
FRAME = (
    "you are given a task below please solve it step by step and give the final answer at the very "
    "end in one line of its own the task is "
)


def words(random, n=20):
    return " ".join(f"w{w}" for w in random.integers(0, 50000, n))


def test_a_campaign_is_told_in_all_its_words(meetings):
    monitor = dw.Monitor(key=KEY)
    _, joined = dw.watch(monitor, meetings)
    (campaign,) = monitor.campaigns()
    members = {monitor.account_id(f"member-{a}"): f"member-{a}" for a in range(12)}
    assert {m.account for m in campaign.members} == set(members)
    assert {j["account"] for j in joined} == set(members.values())
    assert all(j["campaign"] == campaign.id and j["level"] == "suspect" for j in joined)
    assert campaign.first_seen <= campaign.linked <= campaign.named and campaign.frame >= 4
    assert 0 < campaign.p_value < 1 and any("share a frame" in w for w in campaign.words)
    for member in campaign.members:
        assert not member.by_pool and not member.by_echo and member.requests >= member.matching > 0
    assert monitor.statistics.campaigns == 1
    verdict = monitor.explain("member-3").verdict
    assert verdict.campaign == campaign.id and verdict.level == dw.Level.SUSPECT
    end = meetings["time"][-1]
    assert monitor.observe("member-3", end, FRAME + "seven more words of our own").matches_campaign
    assert not monitor.observe("member-3", end, "what is the time").matches_campaign


def test_options_decide_who_is_named(meetings):
    def campaigns(**options):
        monitor = dw.Monitor(key=KEY, campaigns=dw.CampaignOptions(**options))
        columns = {**meetings, "attributes": {"organization": ["one"] * len(meetings["account"])}}
        dw.watch(monitor, columns)
        review = monitor.review(meetings["time"][-1])
        return len(monitor.campaigns()), review.explained

    assert campaigns(enabled=False) == (0, 0)
    # All of one organisation: explained, not named. Unless nobody looks at that.
    assert campaigns() == (0, 1)
    assert campaigns(organisation="") == (1, 0)
    assert campaigns(organisation="", common_templates=(FRAME,)) == (0, 0)
    assert campaigns(organisation="", common_templates=[FRAME.encode()]) == (0, 0)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"infrastructure": ["a"] * 9}, ValueError, "infrastructure"),
        ({"infrastructure": "ip"}, TypeError, "a sequence of texts"),
        ({"infrastructure": [3]}, TypeError, "infrastructure must be"),
        ({"common_templates": "x"}, TypeError, "a sequence of texts"),
        ({"common_templates": ["x"] * 257}, ValueError, "common_templates"),
        ({"organisation": None}, TypeError, "organisation"),
        ({"most_groups": 0}, ValueError, "most_groups"),
        ({"false_campaigns": 0.0}, ValueError, "false_campaigns"),
        ({"most_accounts": -1}, ValueError, "most_accounts"),
    ],
)
def test_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        dw.Monitor(campaigns=dw.CampaignOptions(**options))


def test_a_review_can_be_stopped(meetings):
    monitor = dw.Monitor(key=KEY)
    monitor.observe_many(meetings["account"], meetings["time"], meetings["prompt"])
    end = meetings["time"][-1]
    calm = monitor.review(end, stop=lambda: False)
    assert not calm.interrupted and 12 <= calm.accounts <= 72 and calm.named == ()
    assert calm.groups == 1 and calm.waiting == calm.explained == 0
    assert "<td" in calm._repr_html_() and "interrupted" in calm._repr_html_()
    assert "full_accounts" in monitor.statistics._repr_html_()
    with pytest.raises(TypeError):
        monitor.review(end, stop=3)
    with pytest.raises(ValueError, match="most_steps is -1"):
        monitor.review(end, most_steps=-1)


def test_a_campaign_is_shown_as_a_table():
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    members = tuple(dw.CampaignMember(i, moment, 5, 5) for i in range(40))
    campaign = dw.Campaign(1, moment, moment, moment, 0.01, 3, members, ("<b>&",))
    assert "40 of them" in campaign._repr_html_() and "&lt;b&gt;&amp;" in campaign._repr_html_()


def test_a_review_in_slices(meetings):
    whole, sliced = dw.Monitor(key=KEY), dw.Monitor(key=KEY)
    for monitor in (whole, sliced):
        monitor.observe_many(meetings["account"], meetings["time"], meetings["prompt"])
    end = meetings["time"][-1]
    expected = whole.review(end)
    slices = [sliced.review(end, most_steps=50)]
    while slices[-1].interrupted:
        slices.append(sliced.review(end, most_steps=50))
    assert len(slices) > 5
    assert slices[-1] == expected
    assert sliced.save() == whole.save()


def test_what_stop_raises_comes_through():
    """Many accounts, so that there is time to ask."""
    random = np.random.default_rng(4)
    monitor = dw.Monitor(key=KEY)
    accounts = [f"a{i}" for i in range(4000) for _ in range(20)]
    frames = [words(random, 25) for _ in range(20)]
    prompts = [f"{frames[i // 20 % 20]} {i} x{i} y{i} z{i}" for i in range(len(accounts))]
    monitor.observe_many(accounts, 1e9 + np.arange(len(accounts)), prompts)

    def stop():
        raise KeyError("enough")

    end = 1e9 + len(accounts)
    review = monitor.review(end, stop=lambda: True)
    assert review.interrupted or review.accounts >= 4000  # it may be faster than the question
    try:
        review = monitor.review(end, stop=stop)
    except KeyError as error:
        assert error.args == ("enough",)
        review = monitor.review(end)
    assert not review.interrupted
    assert review.accounts >= 4000


def test_successors_of_a_banned_account():
    random, rows = np.random.default_rng(5), []

    def ask(account, begin, end, frame="", requests=20):
        times = np.concatenate([[begin], np.sort(random.uniform(begin, end, requests - 1))])
        rows.extend((t, account, frame + words(random)) for t in times)

    def see(monitor, rows):
        times, accounts, prompts = zip(*rows)
        monitor.observe_many(accounts, 1.7e9 + np.array(times), prompts)

    for a in range(1500):
        begin = random.uniform(0, 11 * DAY)
        ask(f"stranger-{a}", begin, begin + DAY)
    ask("banned", 0.0, 10 * DAY, FRAME, 60)
    ask("again", 10 * DAY + 300, 11.9 * DAY, FRAME, 60)
    rows.sort()
    monitor = dw.Monitor(key=KEY)
    before = [row for row in rows if row[0] < 10 * DAY]
    see(monitor, before)
    ban = 1.7e9 + 10 * DAY
    with pytest.raises(dw.NotFound):
        monitor.report_ban("nobody", ban)
    monitor.report_ban("banned", ban)
    after = rows[len(before) :]
    see(monitor, after)
    (successor,) = monitor.review(1.7e9 + 12 * DAY).successors
    assert successor.account == monitor.account_id("again")
    assert successor.banned == monitor.account_id("banned")
    assert abs(successor.began.timestamp() - ban - 300) < 1
    assert successor.pairs >= 4 and successor.values == 0 and 0 < successor.p_value < 0.01
    assert monitor.review(1.7e9 + 12.5 * DAY).successors == ()
    off = dw.Monitor(key=KEY, campaigns=dw.CampaignOptions(enabled=False))
    off.observe_many(["a"] * 20, np.arange(20), ["x"] * 20)
    with pytest.raises(dw.FailedPrecondition):
        off.report_ban("a", 20.0)
