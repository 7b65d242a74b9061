# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""python -m distillwatch: what the program does, for those who have the package alone.

Reads JSON lines with time, account and prompt (plain or gzip), by the names of the C++ program's
options. That program reads gateways' own formats, zstd, bans, and several times faster.

Exit codes: 0 fine, 1 findings with --fail-on, 2 trouble: wrong usage, a file that could not be read
to its end; 141 when nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
from datetime import datetime
from typing import Any, Optional

import numpy as np

from . import __version__, _core, evaluate
from ._batch import event_columns, simulate
from ._core import Monitor, Promise, Reference, ReferenceLearner
from ._logs import Log, Trouble
from ._reviews import begin_of
from ._scan import Scanner, print_accounts, print_campaigns, print_members
from ._types import FailedPrecondition, Level, NotFound


def _key(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def _reference(arguments: argparse.Namespace) -> int:
    learner = ReferenceLearner(
        key=_key(arguments.key_file),
        horizon=arguments.horizon * 86400,
        most_accounts=arguments.accounts,
        campaigns=arguments.campaigns,
        trees=arguments.trees,
        seed=arguments.seed,
    )
    if arguments.exclude:
        with open(arguments.exclude, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    learner.exclude(line.strip())
    log = Log(arguments.logs, arguments.quiet)
    for columns in log:
        learner.observe_many(**event_columns(columns))
    reference = learner.learn()
    reference.save(arguments.out)
    print(
        f"{reference!r}\nwritten to {arguments.out}; the smallest promise now: "
        f"{reference.smallest_promise():.0f} of a million accounts"
    )
    return 2 if log.damaged else 0


def _reference_for(arguments: argparse.Namespace) -> Reference:
    """The one that is named, or the log is its own."""
    if arguments.reference:
        return Reference.load(arguments.reference)
    if "-" in arguments.logs:
        raise Trouble(
            "standard input can be read only once: give --reference, or the log as a file"
        )
    learner = ReferenceLearner(key=_key(arguments.key_file))
    for columns in Log(arguments.logs, arguments.quiet):
        learner.observe_many(**event_columns(columns))
    return learner.learn()


def _promise_for(reference: Reference, arguments: argparse.Namespace) -> Promise:
    """What was wished for, or the smallest from 1000 on that the reference can keep."""


    def promise(per_million: float) -> Promise:
        mode = "confidence95" if arguments.confidence95 else "expectation"
        return Promise(per_million, arguments.contamination, mode)

    if arguments.promise is not None:
        return promise(arguments.promise)
    try:
        reference.check(promise(1000))
    except FailedPrecondition:
        smallest = reference.smallest_promise(promise(1000))
        return promise(min(1e6, max(1000.0, math.ceil(smallest))))
    return promise(1000)


def _replay(
    arguments: argparse.Namespace,
    promise: Promise,
    reference: Reference,
    alerts: Any,
    threads: int = 1,
) -> tuple[Scanner, Log]:
    """The scanner of a monitor that has seen the log, with reviews on event time."""
    scanner: Optional[Scanner] = None
    key = _key(arguments.key_file)
    log = Log(arguments.logs, arguments.quiet)
    for columns in log:
        if scanner is None:  # the first requests decide where the horizon begins
            monitor = Monitor(
                reference=reference,
                promise=promise,
                key=key,
                origin=begin_of(_core.microseconds(columns["time"]).tolist()) / 1e6,
                max_memory_bytes=arguments.max_memory,
            )
            scanner = Scanner(monitor, threads=threads, alerts=alerts)
        scanner.take(columns)
    if scanner is None:
        raise Trouble("the log holds no request")
    scanner.finish()
    return scanner, log


def _scan(arguments: argparse.Namespace) -> int:
    reference = _reference_for(arguments)
    promise = _promise_for(reference, arguments)
    with contextlib.ExitStack() as stack:
        alerts = None
        if arguments.alerts:
            alerts = stack.enter_context(open(arguments.alerts, "w", encoding="utf-8"))
        scanner, log = _replay(arguments, promise, reference, alerts, arguments.threads)
    ranking, levels = scanner.ranking(), scanner.levels()
    if arguments.scores:
        with open(arguments.scores, "w", encoding="utf-8") as file:
            for account, s in ranking:
                row = {"account": account, "score": s.score, "requests": s.requests}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    requests = sum(s.requests for _, s in ranking)
    print(
        f"{requests:,} requests of {len(ranking):,} accounts.  distilling {levels[3]}, "
        f"suspect {levels[2]}, watch {levels[1]}."
    )
    if not log.in_order:
        print("Promise: none, because the log is not in order of time.")
    else:
        print(
            f"Promise: at most {promise.per_million:g} falsely flagged accounts per million benign "
            f"ones in {reference.horizon.total_seconds() / 86400:.3g} days (reference of "
            f"{reference.accounts:,} accounts)."
        )
    if not arguments.reference:
        print(
            "Retrospective: the log was its own reference. Harvesters in it hide each other; use "
            "--reference for a log of another time."
        )
    print_accounts(ranking, arguments.rows)
    print_campaigns(scanner.monitor.campaigns())
    if log.damaged:
        return 2
    return int(bool(arguments.fail_on) and any(levels[Level[arguments.fail_on.upper()] :]))


def _explain(arguments: argparse.Namespace) -> int:
    if (arguments.account is None) == (arguments.campaign is None):
        raise Trouble("give either --account or --campaign")
    reference = _reference_for(arguments)
    scanner, log = _replay(arguments, _promise_for(reference, arguments), reference, None)
    if arguments.account is not None:
        try:
            print(repr(scanner.monitor.explain(arguments.account)))
        except NotFound:
            raise Trouble(f"the log has no request of account {arguments.account!r}") from None
        return 2 if log.damaged else 0
    for campaign in scanner.monitor.campaigns():
        if campaign.id == arguments.campaign:
            print_campaigns([campaign])
            print_members(campaign, {scanner.monitor.account_id(a): a for a in scanner.accounts})
            return 2 if log.damaged else 0
    raise Trouble(f"the log has no campaign {arguments.campaign}")


def _simulate(arguments: argparse.Namespace) -> int:
    try:
        start = datetime.fromisoformat(arguments.start)
    except ValueError:
        raise Trouble(f"--start is {arguments.start!r}; allowed: a day as in 2026-01-31") from None
    log = simulate(
        seed=arguments.seed,
        days=arguments.days,
        accounts=arguments.accounts,
        campaigns=0 if arguments.only_benign else arguments.campaigns,
        start=start,
        frame=False,
    )
    os.makedirs(arguments.out, exist_ok=True)
    seconds = log["time"].astype(np.int64) / 1e6
    names = ("account", "prompt", "system", "ip", "user_agent", "payment", "model")
    with open(os.path.join(arguments.out, "log.jsonl"), "w", encoding="utf-8") as file:
        for time, *texts in zip(seconds.tolist(), *(log[name] for name in names)):
            file.write(
                json.dumps({"time": time, **dict(zip(names, texts))}, ensure_ascii=False) + "\n"
            )
    with open(os.path.join(arguments.out, "requests.csv"), "w", encoding="utf-8") as file:
        file.write("line,account,time,distill\n")
        for line, row in enumerate(
            zip(log["account"], seconds.tolist(), log["distill"].astype(int).tolist())
        ):
            file.write(f"{line},{row[0]},{row[1]!r},{row[2]}\n")
    accounts: dict[str, tuple[str, str, str]] = {}
    for account, *label in zip(log["account"], log["label"], log["persona"], log["campaign"]):
        accounts[account] = tuple(label)  # type: ignore[assignment]
    with open(os.path.join(arguments.out, "accounts.csv"), "w", encoding="utf-8") as file:
        file.write("account,label,persona,campaign\n")
        file.writelines(f"{account},{','.join(label)}\n" for account, label in accounts.items())
    print(
        f"{len(seconds)} requests of {len(accounts)} accounts in {arguments.out}/log.jsonl, "
        "labels beside it"
    )
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    labels = evaluate.Labels.read(arguments.labels)
    reference = Reference.load(arguments.reference) if arguments.reference else None
    print(
        evaluate.evaluate(
            labels,
            arguments.alerts,
            arguments.scores,
            promise=arguments.promise,
            reference=reference,
        )
    )
    return 0


def _rows(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"{text}; allowed: 0 and more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m distillwatch", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--version", action="version", version=f"distillwatch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: Any, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        return made

    def reads_logs(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "logs",
            nargs="+",
            metavar="LOG",
            help="JSON lines, plain or .gz, in order of time; - for standard input; several are "
            "merged by their times",
        )
        made.add_argument(
            "--key-file", help="the secret that fingerprints are keyed with (at least 16 bytes)"
        )
        made.add_argument("--quiet", action="store_true", help="no progress")

    def judges(made: argparse.ArgumentParser) -> None:
        made.add_argument("--reference", help="made by 'reference'; without it the log is its own")
        made.add_argument(
            "--promise",
            type=float,
            help="falsely flagged of a million benign accounts [1000, or "
            "the smallest that holds]",
        )
        made.add_argument(
            "--contamination",
            type=float,
            default=0.02,
            help="the share of the reference that may itself distil [0.02]",
        )
        made.add_argument(
            "--confidence95",
            action="store_true",
            help="keep the promise for 95 %% of references, not on average",
        )
        made.add_argument(
            "--max-memory", type=int, default=4 << 30, help="bytes of account state [4294967296]"
        )

    scan = command("scan", _scan, "which accounts distil, why, and how sure that is")
    reads_logs(scan)
    judges(scan)
    scan.add_argument("--alerts", help="write a JSON line for every account flagged")
    scan.add_argument("--scores", help="write a JSON line for every account")
    scan.add_argument(
        "--fail-on",
        choices=("watch", "suspect", "distilling"),
        help="exit with 1 from this level on",
    )
    scan.add_argument("--rows", type=_rows, default=20, help="of the table [20]")
    scan.add_argument("--threads", type=int, default=1, help="that judge requests, 1 to 256 [1]")
    explain = command("explain", _explain, "one account's evidence, or a campaign's members")
    reads_logs(explain)
    judges(explain)
    explain.add_argument("--account", help="whom to explain")
    explain.add_argument("--campaign", type=int, help="or a campaign, by the number scan gave it")
    reference = command("reference", _reference, "learn from your own traffic what is usual")
    reads_logs(reference)
    reference.add_argument("--out", required=True, help="the file to write")
    reference.add_argument(
        "--exclude", help="a file of accounts to leave out, one a line: those known to distil"
    )
    reference.add_argument(
        "--horizon",
        type=float,
        default=30,
        help="days over which false alarms are promised, 0.05 to 366 [30]",
    )
    reference.add_argument(
        "--accounts", type=int, default=100000, help="learn from at most so many"
    )
    reference.add_argument(
        "--campaigns", type=int, default=1200, help="of generated harvesters to fit the score with"
    )
    reference.add_argument(
        "--trees", type=int, default=400, help="of the score; fewer are faster and see less"
    )
    reference.add_argument("--seed", type=int, default=1, help="of the generated harvesters")
    simulated = command(
        "simulate", _simulate, "write a labelled month in the shapes of disclosed campaigns"
    )
    simulated.add_argument("--out", required=True, help="folder to write to")
    simulated.add_argument("--seed", type=int, default=1)
    simulated.add_argument("--days", type=float, default=30)
    simulated.add_argument("--accounts", type=int, default=2000, help="benign ones")
    simulated.add_argument("--campaigns", type=int, default=8)
    simulated.add_argument("--start", default="2026-01-01", help="the first day")
    simulated.add_argument("--only-benign", action="store_true", help="no campaigns")
    judged = command("evaluate", _evaluate, "alerts and scores against labels")
    judged.add_argument("labels", help="folder with accounts.csv and requests.csv, perhaps gzipped")
    judged.add_argument("alerts", help="JSON lines with account and time")
    judged.add_argument("--scores", help="JSON lines with account and score")
    judged.add_argument("--promise", type=float, help="that was given, of a million accounts")
    judged.add_argument("--reference", help="with which it was given; tells its luck apart")
    return parser


def main(arguments: Optional[list[str]] = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (Trouble, ValueError, LookupError, OSError) as e:
        print(f"distillwatch: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
