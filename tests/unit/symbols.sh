#!/bin/sh
# SPDX-License-Identifier: MIT
# What the shared library exports is exactly the checked-in list, and all of it begins with ph_; what
# the static one shares among its files, and so with a program, begins with ph_, phi_ or phk_.
# usage: symbols.sh SOURCE_DIR SHARED STATIC   (after a wanted change: SOURCE_DIR SHARED --update)
set -eu
list=$1/tests/data/exported_symbols.txt
if ! command -v nm >/dev/null; then
    echo "skipped: no nm here"
    exit 77
fi
now=$(nm -D --defined-only "$2" | awk '$2 ~ /[A-Z]/ { print $3 }' | sed 's/@.*//' |
    grep -vE '^(_init|_fini|__asan|__ubsan|__tsan|__odr_asan|_edata|_end|__bss_start)' | LC_ALL=C sort)
if [ "${3-}" = --update ]; then
    printf '%s\n' "$now" >"$list"
    exit 0
fi
if printf '%s\n' "$now" | grep -v '^ph_'; then
    echo "these exported symbols do not begin with ph_"
    exit 1
fi
if nm -g --defined-only "$3" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' |
    grep -vE '^(ph_|phi_|phk_|__asan|__ubsan|__tsan|__odr_asan|onnx__)'; then
    echo "these symbols of the static library may collide with a program's"
    exit 1
fi
# the header's promises, each of them
for name in $(grep -oE '\bph_[a-z0-9_]+\(' "$1/include/pinhole/pinhole.h" | tr -d '(' | LC_ALL=C sort -u); do
    if grep -qE "PH_API[^;]*\b$name\(" "$1/include/pinhole/pinhole.h" &&
        ! printf '%s\n' "$now" | grep -qx "$name"; then
        echo "declared in pinhole.h, not in the library: $name"
        missing=1
    fi
done
printf '%s\n' "$now" | diff "$list" - || {
    echo "exported symbols are not those of $list ('<': gone, '>': new)"
    exit 1
}
[ -z "${missing-}" ]
