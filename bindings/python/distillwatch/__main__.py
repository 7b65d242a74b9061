# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""python -m distillwatch: what the program does, for those who have the package alone.

Reads JSON lines with time, account and prompt (plain or gzip). The C++ program reads gateways' own
formats, zstd, and several times faster.

Exit codes: 0 fine, 1 findings with --fail-on, 2 trouble.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Optional

import numpy as np

from . import __version__, evaluate, simulate
from ._batch import ATTRIBUTES, event_columns
from ._core import Monitor, Promise, Reference, ReferenceLearner
from ._types import FailedPrecondition, Level

_BATCH = 20000
_TEXTS = ("account", "prompt", "system", "model", *ATTRIBUTES)
_COUNTS = ("earlier_turns", "completion_tokens", "prompt_tokens")


class Trouble(Exception):
    """What the user has to hear."""


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"time is {value!r}")
    return float(value)


def _lines(path: str) -> Iterator[bytes]:
    if path == "-":
        yield from sys.stdin.buffer
        return
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        yield from file


def _batches(paths: list[str], quiet: bool) -> Iterator[dict[str, Any]]:
    """Logs as columns, batch after batch; lines that are no request are counted and named at the end."""
    bad: list[str] = []
    n_bad, rows = 0, []

    def columns() -> dict[str, Any]:
        out: dict[str, Any] = {"time": np.array([r["time"] for r in rows])}
        for name in _TEXTS:
            out[name] = [r.get(name) if isinstance(r.get(name), str) else "" for r in rows]
        for name in _COUNTS:
            counts = [r.get(name) for r in rows]
            out[name] = [c if isinstance(c, int) and 0 <= c < 2**32 else 0 for c in counts]
        return out

    progress = _progress(quiet)
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("account"), str):
                    raise ValueError("no account")
                row["time"] = _seconds(row.get("time"))
                if not isinstance(row.get("prompt", ""), str):
                    raise ValueError("prompt is no text")
                rows.append(row)
            except (ValueError, TypeError, OverflowError, RecursionError) as e:
                n_bad += 1
                if len(bad) < 10:
                    bad.append(f"{path}:{number}: {e}")
                continue
            if len(rows) == _BATCH:
                yield columns()
                progress(len(rows))
                rows.clear()
    if rows:
        yield columns()
        progress(len(rows))
    if n_bad:
        print(f"distillwatch: {n_bad} lines are no requests:", *bad, sep="\n  ", file=sys.stderr)


def _progress(quiet: bool) -> Any:
    if not quiet and sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return tqdm(unit=" requests", file=sys.stderr).update
    return lambda rows: None


def _key(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def _reference(arguments: argparse.Namespace) -> int:
    learner = ReferenceLearner(
        key=_key(arguments.key_file), horizon=arguments.horizon_days * 86400,
        most_accounts=arguments.accounts, campaigns=arguments.campaigns, seed=arguments.seed,
    )
    if arguments.without:
        with open(arguments.without, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    learner.exclude(line.strip())
    for columns in _batches(arguments.logs, arguments.quiet):
        learner.observe_many(**event_columns(columns))
    reference = learner.learn()
    reference.save(arguments.out)
    print(f"{reference!r}\nwritten to {arguments.out}; the smallest promise now: "
          f"{reference.smallest_promise():.0f} of a million accounts")
    return 0


def _monitor(reference: Reference, arguments: argparse.Namespace) -> tuple[Monitor, Promise]:
    promise = Promise(1000 if arguments.promise is None else arguments.promise)
    try:
        reference.check(promise)
    except FailedPrecondition:
        if arguments.promise is not None:
            raise
        promise = Promise(min(1e6, reference.smallest_promise() * (1 + 1e-9)))
    return Monitor(reference=reference, promise=promise, key=_key(arguments.key_file)), promise


def _scan(arguments: argparse.Namespace) -> int:
    if arguments.reference:
        reference = Reference.load(arguments.reference)
    else:
        if "-" in arguments.logs:
            raise Trouble("standard input can be read only once: give --reference, or the log as a file")
        learner = ReferenceLearner(key=_key(arguments.key_file))
        for columns in _batches(arguments.logs, arguments.quiet):
            learner.observe_many(**event_columns(columns))
        reference = learner.learn()
    monitor, promise = _monitor(reference, arguments)
    best: dict[str, tuple[float, int, float]] = {}
    first: dict[str, float] = {}
    requests: dict[str, int] = {}
    for columns in _batches(arguments.logs, arguments.quiet):
        verdicts = monitor.observe_many(**event_columns(columns), threads=arguments.threads, frame=False)
        for account, time, level, score, p_value in zip(
            columns["account"], columns["time"].tolist(), verdicts["level"].tolist(), verdicts["score"].tolist(),
            verdicts["p_value"].tolist(),
        ):
            requests[account] = requests.get(account, 0) + 1
            old = best.get(account, (-9.0, 0, 1.0))
            best[account] = (max(old[0], score), max(old[1], level), min(old[2], p_value))
            if level >= Level.DISTILLING and account not in first:
                first[account] = time
    if arguments.alerts:
        with open(arguments.alerts, "w", encoding="utf-8") as file:
            for account, time in sorted(first.items(), key=lambda item: item[1]):
                why = monitor.explain(account)
                file.write(json.dumps({
                    "account": account, "time": time, "level": "distilling", "score": best[account][0],
                    "p_value": best[account][2], "campaign": None,
                    "evidence": [{"detector": e.detector, "feature": e.feature, "contribution": e.contribution,
                                  "words": e.words} for e in why.evidence[:6]],
                }) + "\n")
    if arguments.scores:
        with open(arguments.scores, "w", encoding="utf-8") as file:
            for account, (score, _, _) in sorted(best.items(), key=lambda item: -item[1][0]):
                file.write(json.dumps({"account": account, "score": score, "requests": requests[account]}) + "\n")
    print(f"Promise: at most {promise.per_million:.0f} falsely flagged of a million benign accounts; "
          f"{sum(requests.values())} requests of {len(requests)} accounts\n")
    print(f"{'account':28} {'level':11} {'score':>7} {'p-value':>9} {'requests':>9}  strongest reasons")
    ranking = sorted((a for a in best if best[a][1] > 0), key=lambda a: -best[a][0])
    for account in ranking[: arguments.rows]:
        score, level, p_value = best[account]
        reasons = "; ".join(e.words for e in monitor.explain(account).evidence if e.contribution > 0)[:90]
        shown = ascii(account)[1:-1]
        print(f"{shown[:28]:28} {Level(level)!s:11} {score:7.2f} {p_value:9.2g} {requests[account]:9}  {reasons}")
    if not ranking:
        print("(no account above clear)")
    if arguments.explain:
        print("\n" + repr(monitor.explain(arguments.explain)))
    worst = max((level for _, level, _ in best.values()), default=0)
    return int(bool(arguments.fail_on) and worst >= Level[arguments.fail_on.upper()])


def _simulate(arguments: argparse.Namespace) -> int:
    os.makedirs(arguments.out, exist_ok=True)
    log = simulate(
        seed=arguments.seed, days=arguments.days, accounts=arguments.accounts, campaigns=arguments.campaigns,
        start=datetime.fromisoformat(arguments.start), frame=False,
    )
    seconds = log["time"].astype(np.int64) / 1e6
    names = ("account", "prompt", "system", "ip", "user_agent", "payment", "model")
    with open(os.path.join(arguments.out, "log.jsonl"), "w", encoding="utf-8") as file:
        for time, *texts in zip(seconds.tolist(), *(log[name] for name in names)):
            file.write(json.dumps({"time": time, **dict(zip(names, texts))}, ensure_ascii=False) + "\n")
    with open(os.path.join(arguments.out, "requests.csv"), "w", encoding="utf-8") as file:
        file.write("line,account,time,distill\n")
        for line, row in enumerate(zip(log["account"], seconds.tolist(), log["distill"].astype(int).tolist())):
            file.write(f"{line},{row[0]},{row[1]!r},{row[2]}\n")
    accounts: dict[str, tuple[str, str, str]] = {}
    for account, *label in zip(log["account"], log["label"], log["persona"], log["campaign"]):
        accounts[account] = tuple(label)  # type: ignore[assignment]
    with open(os.path.join(arguments.out, "accounts.csv"), "w", encoding="utf-8") as file:
        file.write("account,label,persona,campaign\n")
        file.writelines(f"{account},{','.join(label)}\n" for account, label in accounts.items())
    print(f"{len(seconds)} requests of {len(accounts)} accounts in {arguments.out}/log.jsonl, labels beside it")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    labels = evaluate.Labels.read(arguments.labels)
    print(evaluate.evaluate(labels, arguments.alerts, arguments.scores, promise=arguments.promise))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m distillwatch", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"distillwatch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: Any, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        return made

    def reads_logs(made: argparse.ArgumentParser) -> None:
        made.add_argument("logs", nargs="+", metavar="LOG", help="JSON lines, plain or .gz; - for standard input")
        made.add_argument("--key-file", help="the secret that fingerprints are keyed with (at least 16 bytes)")
        made.add_argument("--quiet", action="store_true", help="no progress")

    scan = command("scan", _scan, "which accounts distil, why, and how sure that is")
    reads_logs(scan)
    scan.add_argument("--reference", help="a file made by 'reference'; without it the log is its own")
    scan.add_argument("--promise", type=float, help="falsely flagged of a million benign accounts [1000, or the smallest]")
    scan.add_argument("--alerts", help="write a JSON line for every account flagged")
    scan.add_argument("--scores", help="write a JSON line for every account")
    scan.add_argument("--fail-on", choices=("watch", "suspect", "distilling"), help="exit with 1 from this level on")
    scan.add_argument("--explain", metavar="ACCOUNT", help="all that speaks for and against it")
    scan.add_argument("--rows", type=int, default=20, help="of the table [20]")
    scan.add_argument("--threads", type=int, default=1)
    reference = command("reference", _reference, "learn from your own traffic what is usual")
    reads_logs(reference)
    reference.add_argument("--out", required=True, help="the file to write")
    reference.add_argument("--without", help="a file of accounts to leave out, one a line")
    reference.add_argument("--horizon-days", type=float, default=30)
    reference.add_argument("--accounts", type=int, default=100000, help="learn from at most so many")
    reference.add_argument("--campaigns", type=int, default=1200, help="of generated harvesters to fit the score with")
    reference.add_argument("--seed", type=int, default=1, help="of the generated harvesters")
    simulated = command("simulate", _simulate, "write a labelled month in the shapes of disclosed campaigns")
    simulated.add_argument("--out", required=True, help="folder to write to")
    simulated.add_argument("--seed", type=int, default=1)
    simulated.add_argument("--days", type=float, default=30)
    simulated.add_argument("--accounts", type=int, default=2000, help="benign ones")
    simulated.add_argument("--campaigns", type=int, default=8)
    simulated.add_argument("--start", default="2026-01-01", help="the first day")
    judged = command("evaluate", _evaluate, "alerts and scores against labels")
    judged.add_argument("labels", help="folder with accounts.csv and requests.csv, perhaps gzipped")
    judged.add_argument("alerts", help="JSON lines with account and time")
    judged.add_argument("--scores", help="JSON lines with account and score")
    judged.add_argument("--promise", type=float)
    return parser


def main(arguments: Optional[list[str]] = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except (Trouble, ValueError, LookupError, OSError) as e:
        print(f"distillwatch: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
