#!/bin/sh
# SPDX-License-Identifier: MIT
# Run a Python script, or skip, with a word, where there is no Python.
# usage: python.sh PYTHON SCRIPT [ARGUMENTS]
python=${PINHOLE_PYTHON:-$1}
shift
if ! command -v "$python" >/dev/null; then
    echo "skipped: no Python ('$python') here; PINHOLE_PYTHON says which one to use"
    exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$@"
