#!/usr/bin/env python3
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Checks that a shared libdistillwatch shows what the public headers export, all of it and nothing else.

    check_exports.py build/release/libdistillwatch.so
"""

import pathlib
import re
import subprocess
import sys

EXPORTED_TYPE = re.compile(r"\b(?:class|struct)\s+DISTILLWATCH_EXPORT\s+(\w+)")
EXPORTED_FUNCTION = re.compile(r"\bDISTILLWATCH_EXPORT\s+(?!\w+\s*[{;:])[\w:<>,&*\s]*?\b(\w+)\(")
SPECIAL = re.compile(r"(?:vtable|typeinfo name|typeinfo|guard variable) for ")
HIDDEN_TYPE = re.compile(r"\b(?:class|struct)\s+(\w+);")  # named in a header, but not described
NAME = re.compile(r"distillwatch::(\w+)(?:<[^>]*>)?(?:::(\w+))?")


def shown(library):
    """The demangled symbols that the library defines for others."""
    command = ["nm", "-DC", "--defined-only", library]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(None, 2)[2] for line in lines]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    top = pathlib.Path(__file__).resolve().parent.parent
    promised, c_promised, hidden = set(), set(), set()
    for header in sorted(top.glob("include/distillwatch/*.h")):
        if header.name == "export.h":
            continue
        text = re.sub(r"//.*", "", header.read_text(encoding="utf-8"))
        found = set(EXPORTED_TYPE.findall(text)) | set(EXPORTED_FUNCTION.findall(text))
        (c_promised if header.name == "c.h" else promised).update(found)
        private = set(HIDDEN_TYPE.findall(text)) - found
        hidden |= {(outer, inner) for outer in found for inner in private}

    faults, seen = [], set()
    for symbol in shown(sys.argv[1]):
        plain = SPECIAL.sub("", symbol)
        name = NAME.match(plain)
        if name and name[1] in promised and name.groups() not in hidden:
            seen.add(name[1])
        elif plain in c_promised:
            seen.add(plain)
        else:
            faults.append(f"shown, but in no public header: {symbol}")
    missing = sorted((promised | c_promised) - seen)
    faults += [f"in a public header, but not shown: {name}" for name in missing]
    print("\n".join(faults + [f"check_exports: {len(seen)} exported names, {len(faults)} faults"]))
    return 1 if faults or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
