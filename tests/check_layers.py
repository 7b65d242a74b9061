#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Checks that every file includes only what lies to its left in the flow (src/README.md).

Public headers include the standard library and each other, so that no host meets our Abseil or xxHash.
"""

import pathlib
import re
import sys

FLOW = ["wire", "simd", "text", "sketch", "detect", "score", "calibrate", "campaign", "monitor"]

# What a folder of src/ may include from src/, beside itself. Public headers are open to all.
ALLOWED = {stage: FLOW[:i] for i, stage in enumerate(FLOW)}
ALLOWED["simulate"] = ["wire", "text"]
ALLOWED["monitor"] = FLOW + ["simulate"]
ALLOWED["log"] = ["wire", "simd", "text"]
ALLOWED["cli"] = ["log", "simulate"]
ALLOWED["c_api"] = []

# The one room that may include a library of others, by the beginning of the header's name.
FOREIGN = {
    "absl/": ["score", "calibrate", "campaign", "monitor"],
    "Eigen/": ["score"],
    "xxhash.h": ["wire"],
    "immintrin.h": ["simd"],
    "simdjson.h": ["log"],
    "zlib.h": ["log"],
    "zstd.h": ["log"],
    "CLI/": ["cli"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD = re.compile(r"[a-z0-9_]+|(stddef|stdint|limits|string)\.h")


def public_fault(kind, header):
    """Why a public header may not include this, or None."""
    if kind == "<":
        return None if STANDARD.fullmatch(header) else "public headers include only the standard library"
    return None if header.startswith("distillwatch/") else "public headers include only public headers"


def private_fault(stage, kind, header):
    """Why a file of src/<stage> may not include this, or None."""
    if kind == "<":
        for beginning, rooms in FOREIGN.items():
            if header.startswith(beginning) and stage not in rooms:
                return f"<{beginning}> belongs to {', '.join(rooms)}"
        return None
    room = header.split("/")[0]
    if room in ("distillwatch", stage) or room in ALLOWED[stage]:
        return None
    if room not in ALLOWED:
        return "includes begin with a folder of src/ or with distillwatch/"
    return f"{stage} may include {', '.join(ALLOWED[stage] + [stage])} and public headers"


def main():
    top = pathlib.Path(__file__).resolve().parent.parent
    faults, files = [], 0
    for path in sorted([*top.glob("include/**/*"), *top.glob("src/**/*")]):
        if path.suffix not in (".h", ".cc", ".c", ".inc"):
            continue
        files += 1
        parts = path.relative_to(top).parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            if parts[0] == "include":
                fault = public_fault(*match.groups())
            elif parts[1] not in ALLOWED:
                fault = f"src/{parts[1]} has no place in the flow; tests/check_layers.py knows all"
            else:
                fault = private_fault(parts[1], *match.groups())
            if fault:
                faults.append(f"{'/'.join(parts)}:{number}: {line.strip()}\n  {fault}")
    print("\n".join(faults + [f"check_layers: {files} files, {len(faults)} includes out of place"]))
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
