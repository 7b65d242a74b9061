# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch.__main__ import main
from distillwatch._logs import Log
from distillwatch._reviews import ReviewClock


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    folder = tmp_path_factory.mktemp("month")
    assert (
        main(
            [
                "simulate",
                "--out",
                str(folder),
                "--accounts",
                "220",
                "--campaigns",
                "4",
                "--days",
                "14",
            ]
        )
        == 0
    )
    return folder


def test_simulated_files_are_the_frame(month):
    pytest.importorskip("pandas")
    log = dw.simulate(accounts=220, campaigns=4, days=14)
    with open(month / "log.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [line["prompt"] for line in lines] == log["prompt"].tolist()
    read, made = ev.Labels.read(month), ev.Labels.from_log(log)
    assert (read.label, read.campaign) == (made.label, made.campaign)
    assert all((read.times[a] == t).all() for a, t in made.times.items())


def test_from_log_to_verdicts(month, capsys):
    log, reference = str(month / "log.jsonl"), str(month / "own.reference")
    with open(month / "without", "w") as file:
        with open(month / "accounts.csv") as labels:
            file.writelines(
                r["account"] + "\n" for r in csv.DictReader(labels) if r["label"] == "distill"
            )
    assert (
        main(
            [
                "reference",
                log,
                "--out",
                reference,
                "--exclude",
                str(month / "without"),
                "--campaigns",
                "60",
            ]
        )
        == 0
    )
    assert "the smallest promise now" in capsys.readouterr().out
    alerts, scores = str(month / "alerts"), str(month / "scores")
    with open(month / "log.jsonl", "rb") as plain, gzip.open(
        month / "log.jsonl.gz", "wb"
    ) as packed:
        packed.write(
            plain.read() + b"not json\n{}\n\xff\n[]\n" + b'{"account": "a", "time": true}\n'
        )
    options = [
        "--reference",
        reference,
        "--promise",
        "50000",
        "--alerts",
        alerts,
        "--scores",
        scores,
    ]
    assert main(["scan", log + ".gz", *options, "--fail-on", "watch", "--threads", "2"]) == 1
    said = capsys.readouterr()
    assert "strongest reasons" in said.out and "5 lines are no requests" in said.err
    with open(scores) as file:
        worst = json.loads(next(file))["account"]
    assert main(["scan", log, *options]) == 0
    assert "requests of" in capsys.readouterr().out
    judged = ["--reference", reference, "--promise", "50000"]
    assert main(["explain", log, *judged, "--account", worst]) == 0
    assert "Explanation(" in capsys.readouterr().out
    assert main(["explain", log, *judged, "--account", "nobody"]) == 2
    assert main(["explain", log, *judged, "--campaign", "4000"]) == 2
    assert main(["explain", log, *judged, "--campaign", "1", "--account", worst]) == 2
    said = capsys.readouterr().err
    assert (
        "no request of account 'nobody'" in said and "no campaign 4000" in said and "either" in said
    )
    assert main(["evaluate", str(month), alerts, "--scores", scores, "--promise", "50000"]) == 0
    assert "AUC" in capsys.readouterr().out


def test_a_scan_reviews_campaigns_and_names_them(tmp_path, capsys, reference, meetings):
    """What the table, the alerts and explain --campaign say is what a monitor's own words are."""
    log = tmp_path / "log.jsonl"
    with open(log, "w") as file:
        for row in zip(*meetings.values()):
            file.write(json.dumps(dict(zip(meetings, row))) + "\n")
    (tmp_path / "reference").write_bytes(reference.serialize())
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    judged = [
        "--reference",
        str(tmp_path / "reference"),
        "--key-file",
        str(tmp_path / "key"),
        "--promise",
        "50000",
    ]
    alerts = tmp_path / "alerts"
    assert main(["scan", str(log), *judged, "--alerts", str(alerts)]) == 0
    table = capsys.readouterr().out
    with open(alerts) as file:
        named = [a for a in map(json.loads, file) if a["campaign"] is not None]
    members = {a["account"] for a in named}
    assert members == {f"member-{a}" for a in range(12)}
    assert len({a["campaign"] for a in named}) == 1
    # Reviews are at whole half days of the log's own time.
    first = meetings["time"][0]
    at = {a["time"] for a in named if a["level"] == "suspect"}
    assert all((t - first) % 43200 < 1e-3 or (t - first) % 43200 > 43199 for t in at)
    campaign = str(named[0]["campaign"])
    assert "share a frame" in table and f" {campaign}  " in table
    assert main(["explain", str(log), *judged, "--campaign", campaign]) == 0
    told = capsys.readouterr().out
    assert "member since" in told and members <= {
        line.split()[0] for line in told.splitlines() if line
    }
    # The same through watch.
    monitor = dw.Monitor(
        reference=reference, key=b"0123456789abcdef", origin=first, promise=dw.Promise(50000)
    )
    joined = dw.watch(monitor, meetings)[1]
    assert {j["account"] for j in joined} == members and {j["time"] for j in joined} >= at


@given(st.lists(st.integers(-40, 200), max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_reviews_come_when_the_program_has_them(hours, cuts):
    us = np.array(hours, np.int64) * 3_600_000_000
    expected, due = [], None  # ReviewClock::Before of the C++ program, row by row
    first = sorted(us.tolist()[:64])
    for row, time in enumerate(us.tolist()):
        if row < 64:
            if row == 63:
                begin = min(t for t in first if t >= first[32] - 7 * 86_400_000_000)
                due = begin + 12 * 3_600_000_000
        elif time >= due:
            expected.append((row, due))
            due += 12 * 3_600_000_000
    clock, got, begin = ReviewClock(), [], 0
    for end in [*sorted(c for c in cuts if c <= len(us)), len(us)]:  # in batches of any size
        at = begin
        for first, last, review in clock.pieces(us[begin:end]):
            assert first == at - begin
            at = begin + last
            if review is not None:
                got.append((at, review))
        assert at == end
        begin = end
    assert got == expected


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["scan", "nowhere.jsonl", "--reference", "none"], "none"),
        (["scan", "-"], "only once"),
        (["simulate", "--out", "/proc/nowhere/x"], "/proc/nowhere"),
        (["evaluate", "nowhere", "none"], "nowhere"),
    ],
)
def test_trouble_is_said_in_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_usage(capsys):
    for arguments in ([], ["scan"], ["fly"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and dw.__version__ in capsys.readouterr().out


def run_scan(month, log, *more):
    reference = str(month / "own.reference")
    key = month / "key"
    key.write_bytes(b"0123456789abcdef")
    made = main(
        ["reference", str(month / "log.jsonl"), "--out", reference, "--key-file", str(key)]
        + ["--campaigns", "60", "--trees", "20", "--quiet"]
    )
    assert made == 0
    return main(["scan", str(log), "--reference", reference, "--key-file", str(key), *more])


def test_a_file_that_ends_in_the_middle_is_trouble(month, tmp_path, capsys):
    whole = gzip.compress((month / "log.jsonl").read_bytes())
    for name, damaged in (
        ("short.jsonl.gz", whole[: len(whole) // 2]),
        ("broken.jsonl", whole[:20000] + b"?" * 1000 + whole[21000:]),
    ):
        (tmp_path / name).write_bytes(damaged)
        assert run_scan(month, tmp_path / name) == 2
        out, err = capsys.readouterr()
        assert "requests of" in out  # of what was read
        assert f"{name} is damaged behind line" in err


def test_lines_are_read_as_the_program_reads_them(month, tmp_path, capsys):
    log, scores = tmp_path / "odd.jsonl", tmp_path / "scores"
    log.write_text(
        """{"time":1767262394,"account":"a","prompt":"x"}
{"time":1767262395,"account":"a"}
{"time":"1767262396","account":"a","prompt":"y"}
{"time":1767262397000,"account":17,"prompt":"z"}
{"time":1e999,"account":"a","prompt":"z"}
{"time":NaN,"account":"a","prompt":"z"}
{"time":1767262399,"account":"z\\ud800z","prompt":"\\ud800"}
{"time":"2026-01-01T00:00:00Z","account":"","prompt":"z"}
{"time":null,"account":"b","prompt":"z"}
[]
"""
    )
    assert run_scan(month, log, "--scores", str(scores)) == 0
    out, err = capsys.readouterr()
    assert "5 requests of 4 accounts" in out
    assert "5 lines are no requests" in err and f"{log}:6: time is nan" in err
    seen = [json.loads(line)["account"] for line in scores.read_text("utf-8").splitlines()]
    assert sorted(seen) == ["", "17", "a", "z\ufffdz"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["simulate", "--out", "never-made", "--start", "foo"], "--start is 'foo'"),
        (["scan", "zstd", "--reference", "r"], "is zstd"),
        (["scan", "zstd", "--promise", "-1"], "is zstd"),
    ],
)
def test_trouble_is_told_in_words(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zstd").write_bytes(b"\x28\xb5\x2f\xfd....")
    dw.Reference.shipped().save("r")
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "never-made").exists()


def test_a_log_that_is_not_in_order_has_no_promise(month, tmp_path, capsys):
    log = tmp_path / "backwards.jsonl"
    lines = (month / "log.jsonl").read_text("utf-8").splitlines()
    log.write_text("".join(line + "\n" for line in reversed(lines)), "utf-8")
    assert run_scan(month, log) == 0
    out, err = capsys.readouterr()
    assert "Promise: none" in out and "sort it" in err
    assert run_scan(month, month / "log.jsonl") == 0
    out, err = capsys.readouterr()
    assert "Promise: at most" in out and not err


def test_several_logs_are_merged_by_their_times(month, tmp_path):
    lines = (month / "log.jsonl").read_text("utf-8").splitlines(keepends=True)[:500]
    nodes = []
    for i in range(3):
        nodes.append(tmp_path / f"node{i}.jsonl")
        nodes[i].write_text("".join(lines[i::3]), "utf-8")
    (merged,) = Log([str(n) for n in (nodes[2], *nodes)], quiet=True)  # a name twice is one file
    rows = [json.loads(line) for line in lines]
    assert merged["time"].tolist() == [row["time"] for row in rows]
    together = zip(merged["time"], merged["account"], merged["prompt"])
    assert sorted(together) == sorted((row["time"], row["account"], row["prompt"]) for row in rows)
