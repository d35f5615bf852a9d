#!/bin/bash
# SPDX-License-Identifier: MIT
# The examples run and say what they should: examples.sh CLASSIFY ACCOUNT PINHOLE
set -eu
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pinhole-examples-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$3" export lenet5 --seed 1 -o lenet5.onnx
"$1" lenet5.onnx | tee out
grep -qE '^class [0-9], score -?[0-9.]+$' out
if "$1" nosuch.onnx 2>err; then exit 1; fi
grep -q nosuch.onnx err

"$2" | tee out
grep -q '^reduce .* 16384 weights .* shrink$' out
grep -q '^middle .* 36864 weights' out
grep -q '^expand .* 16384 weights .* grow$' out
grep -q '^total .* 69632 weights' out
# with 53,248 = 256*64 + 9*64*64; without 147,456 = 9*256*64
grep -q 'with middle: 53248 weights instead of 147456$' out
