#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Checks what comments claim and how large files are.

[Suite.Case] and [BM_Name] in a comment of include/ or src/ name a test or a benchmark that exists, and the
paths after "Tested by" and "Measured by" exist. Sources are ASCII, lines at most 100 columns, headers 250
lines, other sources 400, tests 500. A file that must be otherwise says so, and why, among its first 20 lines:

    // Exception (columns): the table below is read by column.
    // Exception (lines): ...
    // Exception (ascii): ...
"""

import pathlib
import re
import sys

CODE = (".h", ".cc", ".c")
MOST_COLUMNS = 100
MOST_LINES = {"header": 250, "source": 400, "test": 500}

COMMENT = re.compile(r"//(.*)")
NAMED = re.compile(r"\[([A-Z]\w*\.[A-Z]\w*|BM_\w+(?:/[\w:/-]+)?)\]")
PROVEN_BY = re.compile(r"(?:Tested|Measured) by\s")
PATH = re.compile(r"\b(?:tests|benchmarks)/[\w./-]*")
DEFINED = re.compile(r"\b(?:TYPED_)?TEST(?:_[FP])?\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)")
BENCHMARK = re.compile(r"\bBM_\w+")
EXCEPTION = re.compile(r"(?://|#)\s*Exception \((columns|lines|ascii)\): \S+")


def code_below(top, *folders):
    """All C++ and C files below the folders, in order."""
    files = [path for folder in folders for path in (top / folder).rglob("*") if path.suffix in CODE]
    return sorted(files)


def claims(top, path, lines, proofs):
    """Faults of what the file's comments name."""
    for number, line in enumerate(lines, 1):
        comment = COMMENT.search(line)
        if not comment:
            continue
        for name in NAMED.findall(comment[1]):
            if name.split("/")[0] not in proofs:
                yield f"{path.relative_to(top)}:{number}: [{name}] names no test or benchmark"
        if not PROVEN_BY.search(comment[1]):
            continue
        for target in PATH.findall(comment[1]):
            place = top / target.rstrip(".")
            if not (place.is_dir() if target.endswith("/") else place.is_file()):
                yield f"{path.relative_to(top)}:{number}: {target} does not exist"


def sizes(top, path, lines):
    """Faults of the file's size and alphabet."""
    name = path.relative_to(top)
    excused = {match[1] for line in lines[:20] for match in EXCEPTION.finditer(line)}
    kind = "test" if name.parts[0] == "tests" else "header" if path.suffix == ".h" else "source"
    if len(lines) > MOST_LINES[kind] and "lines" not in excused:
        yield f"{name}: {len(lines)} lines; allowed for a {kind}: {MOST_LINES[kind]}"
    wide = [number for number, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS]
    if wide and "columns" not in excused:
        yield f"{name}:{wide[0]}: wider than {MOST_COLUMNS} columns ({len(wide)} such lines)"
    foreign = [number for number, line in enumerate(lines, 1) if not line.isascii()]
    if foreign and kind != "test" and "ascii" not in excused:
        yield f"{name}:{foreign[0]}: not ASCII ({len(foreign)} such lines)"


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    tests = "\n".join(path.read_text(encoding="utf-8") for path in code_below(top, "tests"))
    benchmarks = "\n".join(path.read_text(encoding="utf-8") for path in code_below(top, "benchmarks"))
    proofs = {f"{suite}.{case}" for suite, case in DEFINED.findall(tests)}
    proofs |= set(BENCHMARK.findall(benchmarks))

    faults, files = [], 0
    for path in code_below(top, "include", "src", "tests", "benchmarks", "examples", "bindings"):
        files += 1
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.relative_to(top).parts[0] in ("include", "src"):
            faults += claims(top, path, lines, proofs)
        faults += sizes(top, path, lines)
    print("\n".join(faults + [f"check_comments: {files} files, {len(faults)} faults"]))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
