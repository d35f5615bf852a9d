#!/bin/sh
# SPDX-License-Identifier: MIT
# The public header compiles by itself, as strict C11 and as C++17, without a warning.
# usage: header.sh SOURCE_DIR C_COMPILER
set -eu
header=$1/include/pinhole/pinhole.h
warnings='-Wall -Wextra -Wpedantic -Werror'
# shellcheck disable=SC2086
"$2" -x c -std=c11 -pedantic-errors -Wstrict-prototypes $warnings -fsyntax-only "$header"
for cxx in c++ g++ clang++; do
    if command -v $cxx >/dev/null; then
        # shellcheck disable=SC2086
        $cxx -x c++ -std=c++17 -pedantic-errors $warnings -fsyntax-only "$header"
        echo "compiles alone as C11 ($2) and C++17 ($cxx)"
        exit 0
    fi
done
echo "compiles alone as C11; skipped: no C++ compiler here to try it as C++17"
exit 77
