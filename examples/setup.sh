#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# What distillwatch needs on Debian 12, Ubuntu 22.04 or 24.04, installed with apt-get where it is missing.
# Says and does nothing when all is there.
#
#   bash examples/setup.sh          what it takes to build the library and the program
#   bash examples/setup.sh tests    and to test them
#
# examples/quickstart.sh and tests/run.sh source this file for its functions.

to_build=(g++ cmake ninja-build pkg-config libabsl-dev libxxhash-dev
  libsimdjson-dev libcli11-dev zlib1g-dev libzstd-dev)
to_test=(ccache clang libgtest-dev libgmock-dev libbenchmark-dev zstd
  python3 python3-dev pybind11-dev python3-numpy python3-pandas python3-sklearn python3-matplotlib python3-pytest
  python3-hypothesis python3-mypy python3-venv python3-pip python3-setuptools python3-wheel
  python3-nbclient python3-nbformat python3-ipykernel)

install_to_build() { install_missing "${to_build[@]}"; }

install_to_test() {
  install_missing "${to_build[@]}" "${to_test[@]}"
  # Ubuntu 22.04 has libFuzzer in what clang brings along, later ones have it here.
  if ! compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.fuzzer*" >/dev/null; then
    install_missing libclang-rt-dev
  fi
}

# install_missing PACKAGE...: no network, and no need to be root, when none is missing.
install_missing() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: this system has no apt-get; needed, under its own names for them: $*" >&2
    return 0
  fi
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) == installed* ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "setup: missing: ${missing[*]}; to install them, run this as root or with sudo at hand" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get -qq update || echo "setup: apt-get update failed; trying with the lists at hand" >&2
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null; then
    echo "setup: apt-get could not install: ${missing[*]}" >&2
    echo "setup: install them in another way, then run this again" >&2
    return 1
  fi
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  case ${1-build} in
    build) install_to_build ;;
    tests) install_to_test ;;
    *) echo "usage: setup.sh [build | tests]" >&2 && exit 2 ;;
  esac
fi
