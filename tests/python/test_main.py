# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import json

import pytest

import distillwatch as dw
from distillwatch import evaluate as ev
from distillwatch.__main__ import main


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    folder = tmp_path_factory.mktemp("month")
    assert main(["simulate", "--out", str(folder), "--accounts", "220", "--campaigns", "4", "--days", "14"]) == 0
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
            file.writelines(r["account"] + "\n" for r in csv.DictReader(labels) if r["label"] == "distill")
    assert main(["reference", log, "--out", reference, "--without", str(month / "without"), "--campaigns", "60"]) == 0
    assert "the smallest promise now" in capsys.readouterr().out
    alerts, scores = str(month / "alerts"), str(month / "scores")
    with open(month / "log.jsonl", "rb") as plain, gzip.open(month / "log.jsonl.gz", "wb") as packed:
        packed.write(plain.read() + b"not json\n{}\n\xff\n[]\n" + b'{"account": "a", "time": true}\n')
    options = ["--reference", reference, "--promise", "50000", "--alerts", alerts, "--scores", scores]
    assert main(["scan", log + ".gz", *options, "--fail-on", "watch", "--threads", "2"]) == 1
    said = capsys.readouterr()
    assert "strongest reasons" in said.out and "5 lines are no requests" in said.err
    with open(scores) as file:
        worst = json.loads(next(file))["account"]
    assert main(["scan", log, *options, "--explain", worst]) == 0
    assert "Explanation(" in capsys.readouterr().out
    assert main(["evaluate", str(month), alerts, "--scores", scores, "--promise", "50000"]) == 0
    assert "AUC" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [(["scan", "nowhere.jsonl", "--reference", "none"], "none"), (["scan", "-"], "only once"),
     (["simulate", "--out", "/proc/nowhere/x"], "/proc/nowhere"), (["evaluate", "nowhere", "none"], "nowhere")],
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
