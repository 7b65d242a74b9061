#!/usr/bin/env bash
# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
#
# Builds and runs examples/embed/ as strangers would: against an installed distillwatch, shared and static,
# found by CMake and by pkg-config, and as a part of their own project.
#
#   tests/consumer_test.sh [FOLDER]    to work in; kept. Default: a temporary one, removed.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
if (($# > 0)); then
  mkdir -p "$1"
  work=$(cd "$1" && pwd)
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
embed=$top/examples/embed
learned=$work/learned.reference  # by the first program; the others load it
flags=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DDISTILLWATCH_WERROR=ON)
if command -v ccache >/dev/null; then flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi

fail() {
  echo "consumer_test: $*" >&2
  exit 1
}

# quietly COMMAND...: its output only when it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "failed: $*"
  }
}

# runs NAME FOLDER: both programs say what they are there to say.
runs() {
  "$2/embed" "$learned" >"$work/said"
  grep -q '^newcomer is now distilling' "$work/said" || fail "$1: the harvester was not found: $(cat "$work/said")"
  grep -q '^newcomer: score .* for any account$' "$work/said" || fail "$1: no explanation"
  "$2/own_detector" | grep -q '^newcomer .* 100 % run past 1000 tokens$' || fail "$1: own_detector says something else"
  echo "consumer_test: $1 builds and runs"
}

# consumer NAME CMAKE-OPTION...
consumer() {
  local name=$1
  shift
  quietly cmake -S "$embed" -B "$work/$name" "${flags[@]}" "$@"
  quietly cmake --build "$work/$name"
  runs "$name" "$work/$name"
}

# compile FOLDER PKG-CONFIG-OPTION...: by hand, in the words of pkg-config.
compile() {
  local out=$1 program words
  shift
  mkdir -p "$out"
  read -ra words <<<"$(pkg-config "$@" --cflags --libs distillwatch)"
  for program in main:embed own_detector:own_detector; do
    quietly c++ -std=c++20 -Wall -Wextra -Werror "$embed/${program%:*}.cc" "${words[@]}" -o "$out/${program#*:}"
  done
}

for kind in shared static; do
  shared=$([[ $kind == shared ]] && echo ON || echo OFF)
  quietly cmake -S "$top" -B "$work/library-$kind" "${flags[@]}" \
    -DBUILD_SHARED_LIBS="$shared" -DDISTILLWATCH_BUILD_PROGRAM=OFF
  quietly cmake --build "$work/library-$kind"
  quietly cmake --install "$work/library-$kind" --prefix "$work/before"
  rm -rf "${work:?}/$kind"
  mv "$work/before" "$work/$kind"  # an installed tree can be moved
done

# The public headers stand alone, each by itself, and need nobody's headers but the standard library's.
for header in "$work"/shared/include/distillwatch/*.h; do
  language=c++ standard=c++20
  [[ $header == */c.h ]] && language=c standard=c11
  quietly c++ -x "$language" -std="$standard" -Wall -Wextra -Wpedantic -Werror \
    -fsyntax-only -I "$work/shared/include" "$header"
  if c++ -x "$language" -std="$standard" -M -I "$work/shared/include" "$header" | grep -E '/(absl|Eigen|eigen3|xxhash)'; then
    fail "${header##*/} needs the header above"
  fi
done
echo "consumer_test: every public header stands alone"

# Shared: Abseil is nobody's business, neither for CMake nor for pkg-config.
consumer find_package-shared -DCMAKE_PREFIX_PATH="$work/shared" -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON
consumer find_package-static -DCMAKE_PREFIX_PATH="$work/static"
consumer subdirectory -DDISTILLWATCH_SOURCE_DIR="$top"

PKG_CONFIG_LIBDIR=$(dirname "$(find "$work/shared" -name distillwatch.pc)")
export PKG_CONFIG_LIBDIR
compile "$work/pkg-config-shared"
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_LIBDIR") runs pkg-config-shared "$work/pkg-config-shared"
unset PKG_CONFIG_LIBDIR
PKG_CONFIG_PATH=$(dirname "$(find "$work/static" -name distillwatch.pc)")
export PKG_CONFIG_PATH
compile "$work/pkg-config-static" --static
runs pkg-config-static "$work/pkg-config-static"

# While the version is 0.x, another minor version is another library.
library=$(find "$work/shared" -name 'libdistillwatch.so.0')
[[ -n $library ]] || fail "there is no libdistillwatch.so.0"
wants() {  # VERSION: is the installed one good enough?
  mkdir -p "$work/wants"
  printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(wants CXX)' \
    "find_package(distillwatch $1 REQUIRED)" >"$work/wants/CMakeLists.txt"
  cmake -S "$work/wants" -B "$work/wants/build" -DCMAKE_PREFIX_PATH="$work/shared" >"$work/log" 2>&1
}
version=$(sed -n 's/^Version: //p' "$(find "$work/shared" -name distillwatch.pc)")
minor=${version%.*}
wants "$minor" || fail "version $version does not do for $minor: $(cat "$work/log")"
! wants "${minor%.*}.$((${minor#*.} + 1))" || fail "version $version passes for the next minor one"
echo "consumer_test: all ways to embed distillwatch $version work"
