# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Type-checked strictly against the installed package, as users' programs are; never run."""

import distillwatch as dw
from distillwatch import evaluate


def watch(reference: dw.Reference, accounts: list[str], prompts: list[str]) -> dw.Level:
    monitor = dw.Monitor(reference=reference, promise=dw.Promise(per_million=1000), key=b"0" * 16)
    columns = {"ip": ["203.0.113.9"] * len(accounts)}
    monitor.observe_many(accounts, [0.0] * len(accounts), prompts, attributes=columns)
    tags: dict[str, str] = {"ip": "203.0.113.9"}
    verdict = monitor.observe("key-17", 5.0, "hello", attributes=tags)
    monitor.observe(dw.Event("key-17", 6.0, "hello", attributes=tags))
    review: dw.Review = monitor.review(7.0, most_steps=100)
    for campaign in monitor.campaigns():
        print(campaign.id in review.named, campaign.words)
    explanation: dw.Explanation = monitor.explain("key-17")
    print(explanation.evidence[0].words)
    return verdict.level


def judge(labels: evaluate.Labels) -> evaluate.Report:
    return evaluate.evaluate(labels, [{"account": "a", "time": 1.0}])
