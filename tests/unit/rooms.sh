#!/bin/sh
# SPDX-License-Identifier: MIT
# Nobody looks upwards: each room includes only itself and the rooms it may see (DESIGN.md's table).
# usage: rooms.sh SOURCE_DIR
set -u
cd "$1" || exit 1
failed=0

# may ROOM FILES ALLOWED...: every #include "dir/..." of FILES names an allowed dir.
may()
{
    room=$1 where=$2
    shift 2
    [ -d "$where" ] || return 0
    found=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$where" \
        --include='*.c' --include='*.h' --include='*.def') || return 0
    for allowed in "$@"; do
        found=$(printf '%s\n' "$found" | grep -vE "include[[:space:]]*\"$allowed" )
    done
    # a header beside the file needs no room
    found=$(printf '%s\n' "$found" | grep -vE 'include[[:space:]]*"[^/"]*"')
    # ".." would get round the rule
    found="$found
$(grep -rnE 'include[[:space:]]*"[^"]*\.\.' "$where" --include='*.c' --include='*.h')"
    found=$(printf '%s\n' "$found" | sed '/^$/d')
    if [ -n "$found" ]; then
        echo "$room looks where it may not (it may see: $*):"
        printf '%s\n' "$found"
        failed=1
    fi
}

base='base/' header='pinhole/pinhole\.h"'
below_plan="$base kernels/ graph/ ops/ plan/"
may base    src/base    "$header" "$base"
may kernels src/kernels "$header" "$base" kernels/
may graph   src/graph   "$header" "$base" graph/
may ops     src/ops     "$header" "$base" kernels/ graph/ ops/
# shellcheck disable=SC2086
{
    may plan    src/plan    "$header" $below_plan
    may zoo     src/zoo     "$header" "$base" graph/ zoo/
    may onnx    src/onnx    "$header" "$base" graph/ onnx/
    may data    src/data    "$header" "$base" graph/tensor.h graph/loop.h data/
    may image   src/image   "$header" "$base" image/
    may train   src/train   "$header" $below_plan data/ onnx/ train/
    may report  src/report  "$header" "$base" graph/ report/
}
may cli     cli         "$header"
may oracle  tests/oracle

# The core needs libc, libm and pthreads alone.
libc='assert|errno|float|inttypes|limits|math|pthread|sched|signal|std[a-z]*|string|time|unistd|fcntl'
system='sys/[a-z]+|linux/openat2|cpuid|immintrin|arm_neon'
for room in base kernels graph ops plan; do
    found=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' "src/$room" |
        grep -vE "<($libc|$system)\.h>")
    [ -z "$found" ] && continue
    echo "$room needs more than libc, libm and pthreads:"
    printf '%s\n' "$found"
    failed=1
done

# The program knows the public header and nothing else of ours, not even by its own headers' doing;
# the oracle knows nothing of ours at all.
if grep -rn 'pinhole' tests/oracle --include='*.c' --include='*.h'; then
    echo "the oracle looks at the library"
    failed=1
fi
exit $failed
