#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# Builds the Python package's wheel with the distribution's packages alone, installs it into an environment of
# its own, and checks there what users and type checkers see.
#
#   tests/python/package_test.sh [FOLDER]    to work in; kept. Default: a temporary one, removed.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
if (($# > 0)); then
  mkdir -p "$1"
  work=$(cd "$1" && pwd)
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-/} CCACHE_NOHASHDIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# A copy, so that nothing is built beside the sources.
rm -rf "$work/source"
mkdir -p "$work/source"
(cd "$top" && tar -cf - CMakeLists.txt LICENSE pyproject.toml setup.py bindings include src) | tar -xf - -C "$work/source"
/usr/bin/python3 -m venv --system-site-packages "$work/venv"
python=$work/venv/bin/python
"$python" -m pip install --no-build-isolation --no-deps --no-index "$work/source"

cd "$work"  # away from the sources
version=$(sed -n 's/^project(distillwatch VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
"$python" - "$version" <<'PYTHON'
import importlib.metadata, importlib.resources, sys
import distillwatch as dw

assert dw.__version__ == importlib.metadata.version("distillwatch") == sys.argv[1], dw.__version__
for name in ("py.typed", "_core.pyi"):
    assert importlib.resources.files(dw).joinpath(name).is_file(), name
assert dw.Monitor().observe("a", 0.0, "x").level == dw.Level.CLEAR
PYTHON
"$work/venv/bin/distillwatch-py" --version | grep -qF "$version"
"$python" -m mypy --config-file "$top/pyproject.toml" -p distillwatch
# What a program that uses the package sees.
"$python" -m mypy --strict --cache-dir "$work/mypy_user" "$top/tests/python/user_of_types.py"
"$python" -m mypy.stubtest distillwatch._core --mypy-config-file "$top/pyproject.toml" \
  --allowlist "$top/tests/python/stubtest_allowlist" --ignore-unused-allowlist
# The notebook, from its first cell to its last; about a minute. Its kernel is the distribution's interpreter.
PYTHONPATH=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))') "$python" - "$top/examples/refit.ipynb" <<'PYTHON'
import sys

import nbformat
from nbclient import NotebookClient

NotebookClient(nbformat.read(sys.argv[1], 4), timeout=900, kernel_name="python3").execute()
PYTHON
echo "package_test: version $version installs, type checks and runs, and so does the notebook"
