#!/bin/bash
# SPDX-License-Identifier: MIT
# Run one case in a scratch folder and compare what came with what is written beside it.
#
#     run.sh PINHOLE HELPER CASE.sh
#
# CASE.exit      the exit status (0 if there is no such file)
# CASE.stdout    standard output, line by line; a line may hold shell patterns (* ? [...])
# CASE.stderr    standard error, likewise
# What is not there is not compared. Status 77 with a reason on stderr is a skip.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PINHOLE=$1 HELPER=$2 CASE=${3%.sh} LIB=$here/lib.sh
script=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
expected=${script%.sh}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pinhole-cli-XXXXXX") || exit 1
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
mkdir "$scratch/work"
cd "$scratch/work" || exit 1

# nothing of the caller's terminal or language
unset NO_COLOR COLORTERM PH_CPU LANG LC_CTYPE
export LC_ALL=C.UTF-8 TERM=dumb
bash -eu -c '. "$LIB"; . "$0"' "$script" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null
status=$?

if [ $status -eq 77 ]; then
    cat "$scratch/stderr" >&2
    exit 77
fi

failed=0
say() { echo "$*" >&2; failed=1; }

wanted=0
[ -f "$expected.exit" ] && wanted=$(cat "$expected.exit")
[ "$status" = "$wanted" ] || say "exit status: $status, wanted $wanted"

# compare NAME: line i of the scratch file must match pattern i of the expected one
compare() {
    [ -f "$expected.$1" ] || return
    local patterns lines i
    mapfile -t patterns <"$expected.$1"
    mapfile -t lines <"$scratch/$1"
    [ ${#lines[@]} -eq ${#patterns[@]} ] ||
        say "$1: ${#lines[@]} lines, wanted ${#patterns[@]}"
    for i in "${!patterns[@]}"; do
        # shellcheck disable=SC2053 # the right side is a pattern
        [[ ${lines[i]-} == ${patterns[i]} ]] ||
            say "$1, line $((i + 1)): '${lines[i]-}', wanted '${patterns[i]}'"
    done
}
compare stdout
compare stderr

if [ $failed -ne 0 ]; then
    echo "--- stdout" >&2
    head -c 4000 "$scratch/stdout" >&2
    echo "--- stderr" >&2
    head -c 4000 "$scratch/stderr" >&2
fi
exit $failed
