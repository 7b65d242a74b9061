#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""MinHash signatures of the same prompts by this library and by others that are installed.

    PYTHONPATH=build/release/python /usr/bin/python3 benchmarks/peers/run.py [--npm]

Peers: datasketch and rensa (Python), minhash and bloom-filters (npm). One that is not there is said
to be not installed; --npm installs the last two into a temporary folder first.

Prompts are made here: words of a made-up language as frequent as words are, half of the prompts
copies of others with some words replaced. All use the prompts' sets of three neighbouring words and
k = 128 slots. "text ns" is the CPU time of a prompt from its text, with words split in the peer's
language; "signature ns" is without that. RMSE is that of the estimated Jaccard similarity
beside the exact one, over all pairs; "ideal" is what k independent slots would have.
"""

import argparse
import json
import math
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

K = 128
SIZES = (64, 512, 2048)  # bytes
PAIRS = 400
TIMED = 100  # prompts; all of them where a processor could learn these by heart
ROUNDS = 7
NPM = ("minhash@0.0.9", "bloom-filters@3.0.4")
SCRIPT = pathlib.Path(__file__).resolve().parent / "peers.js"


def words_of_a_language(rng, n=5000):
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    words = set()
    while len(words) < n:
        words.add("".join(rng.choices(syllables, k=rng.randint(1, 4))))
    return sorted(words)


def pairs_of_prompts(size, rng):
    """[(prompt, edited copy)], both of about `size` bytes."""
    words = words_of_a_language(rng)
    weights = [1 / (rank + 2.7) for rank in range(len(words))]
    rng.shuffle(words)
    pairs = []
    for _ in range(PAIRS):
        text = []
        while sum(map(len, text)) + len(text) < size:
            text += rng.choices(words, weights, k=1)
        share = rng.uniform(0.01, 0.3)
        edited = [rng.choices(words, weights)[0] if rng.random() < share else w for w in text]
        pairs.append((" ".join(text), " ".join(edited)))
    return pairs


def shingles(prompt):
    """The peers' own way from text to a set: as a user of theirs would write it."""
    words = prompt.split()
    if len(words) < 3:
        return {" ".join(words)}
    return {" ".join(words[i:i + 3]) for i in range(len(words) - 2)}


def exact(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b)


def median_ns(work, prompts, timed=TIMED):
    """CPU time of a prompt."""
    prompts = prompts[:timed]
    work(prompts[:16])
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        work(prompts)
        taken.append((time.process_time_ns() - begin) / len(prompts))
    return statistics.median(taken)


def rmse(estimates, truth):
    return math.sqrt(statistics.fmean((e - t) ** 2 for e, t in zip(estimates, truth, strict=True)))


# A peer is a function of {size: pairs}; it returns {size: (text ns, signature ns, estimates)}.


def run_distillwatch(pairs_by_size):
    import distillwatch as dw

    found = {}
    for size, pairs in pairs_by_size.items():
        prompts = [p for pair in pairs for p in pair]
        rows = dw.signatures(prompts, slots=K, key=b"a key for measuring")
        matrix = dw.jaccard_matrix(rows[0::2], rows[1::2])
        ns = median_ns(lambda some: dw.signatures(some, slots=K, key=b"a key for measuring"),
                       prompts, len(prompts))
        found[size] = (ns, None, np.diagonal(matrix).tolist())
    return found


def run_python(make):
    """make(list of str) -> an object with jaccard(other)."""

    def run(pairs_by_size):
        found = {}
        for size, pairs in pairs_by_size.items():
            prompts = [p for pair in pairs for p in pair]
            sets = [list(shingles(p)) for p in prompts]
            estimates = [make(list(shingles(a))).jaccard(make(list(shingles(b))))
                         for a, b in pairs]
            text = median_ns(lambda some: [make(list(shingles(p))) for p in some], prompts)
            signature = median_ns(lambda some: [make(s) for s in some], sets)
            found[size] = (text, signature, estimates)
        return found

    return run


def datasketch():
    import datasketch as peer

    def make(texts):
        sketch = peer.MinHash(num_perm=K)
        sketch.update_batch([t.encode() for t in texts])
        return sketch

    return run_python(make)


def rensa():
    import rensa as peer

    def make(texts):
        sketch = peer.RMinHash(num_perm=K, seed=42)
        sketch.update(texts)
        return sketch

    return run_python(make)


def run_node(name, folder, pairs_by_size):
    asked = {"peer": name, "k": K, "timed": TIMED, "rounds": ROUNDS, "pairs": pairs_by_size}
    done = subprocess.run(["node", str(SCRIPT), str(folder)], input=json.dumps(asked), text=True,
                          capture_output=True, check=False)
    if done.returncode == 3:
        raise ImportError(name)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-300:])
    return {int(size): tuple(found) for size, found in json.loads(done.stdout).items()}


def node(name, folder):
    if shutil.which("node") is None:
        raise ImportError("node")
    return lambda pairs_by_size: run_node(name, folder, pairs_by_size)


def install(folder):
    if shutil.which("npm") is None:
        print("npm is not installed", file=sys.stderr)
        return
    subprocess.run(["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit",
                    "--no-fund", "--loglevel=error", *NPM], check=False, stdout=sys.stderr)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", action="store_true",
                        help=f"install {' and '.join(NPM)} into a temporary folder")
    options = parser.parse_args()
    rng = random.Random(1)
    pairs_by_size = {size: pairs_of_prompts(size, rng) for size in SIZES}
    truth = {size: [exact(*pair) for pair in pairs] for size, pairs in pairs_by_size.items()}
    with tempfile.TemporaryDirectory() as folder:
        if options.npm:
            install(folder)
        peers = {"distillwatch": lambda: run_distillwatch, "datasketch": datasketch,
                 "rensa": rensa, "npm minhash": lambda: node("minhash", folder),
                 "npm bloom-filters": lambda: node("bloom-filters", folder)}
        print(f"{'':18} {'bytes':>5} {'text ns':>12} {'signature ns':>13} {'RMSE':>7} {'ideal':>7}"
              f" {'slower':>8}")
        ours = {}
        for name, find in peers.items():
            try:
                found = find()(pairs_by_size)
            except ImportError:
                print(f"{name:18} not installed")
                continue
            except RuntimeError as error:
                print(f"{name:18} failed: {error}")
                continue
            for size, (text, signature, estimates) in found.items():
                ours.setdefault(size, text)
                ideal = math.sqrt(statistics.fmean(t * (1 - t) / K for t in truth[size]))
                alone = "" if signature is None else f"{signature:,.0f}"
                print(f"{name:18} {size:5} {text:12,.0f} {alone:>13}"
                      f" {rmse(estimates, truth[size]):7.4f} {ideal:7.4f}"
                      f" {text / ours[size]:7.1f}x", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
