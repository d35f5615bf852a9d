# SPDX-License-Identifier: MIT
# What the cases use. They run under bash -eu in an empty folder.

pinhole() { "$PINHOLE" "$@"; }
helper() { "$HELPER" "$@"; }

# fail TEXT...: end the case
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# skip TEXT...: end the case without a verdict
skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

# expect STATUS COMMAND...: run it with its output in ./out and ./err; the status must be STATUS
expect() {
    local wanted=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ "$status" = "$wanted" ] ||
        fail "status $status, wanted $wanted: $* -- $(head -c 400 out) $(head -c 400 err)"
}

# has FILE TEXT: the file has the text somewhere
has() { grep -qF -e "$2" "$1" || fail "no '$2' in $1: $(head -c 600 "$1")"; }
lacks() { ! grep -qF -e "$2" "$1" || fail "'$2' in $1: $(head -c 600 "$1")"; }

# one_line FILE: exactly one line, which names the program
one_line() {
    [ "$(wc -l <"$1")" = 1 ] || fail "$1 has $(wc -l <"$1") lines: $(head -c 600 "$1")"
    grep -q '^pinhole' "$1" || fail "$1 does not name the program: $(cat "$1")"
}

# usage_error COMMAND...: status 2, nothing on stdout, one line on stderr that points to --help
usage_error() {
    expect 2 "$@"
    [ ! -s out ] || fail "a usage error with output: $*"
    one_line err
    has err "--help"
}

# json FILE PATH VALUE: the value at totals.macs or layers[0].name, as JSON; VALUE may be a pattern
json() {
    local value
    value=$(helper json "$1" "$2") || fail "no $2 in $1"
    # shellcheck disable=SC2053 # the right side is a pattern
    [[ $value == $3 ]] || fail "$2 in $1 is $value, wanted $3"
}

# data set of TRAIN and TEST images in ./data that a network learns at once; DATA names it
tiny_data() {
    mkdir -p data
    helper idx data "$1" "$2"
    DATA=fashion-mnist:data
}
