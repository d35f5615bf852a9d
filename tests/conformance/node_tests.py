#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ONNX's own node tests for our operators, through `pinhole run MODEL --test-data DIR`.

The tests come with the `onnx` package: onnx/backend/test/data/node/test_*/{model.onnx,
test_data_set_N}. All whose nodes are operators of ours are run; tolerances are those of ONNX's own
runner (rtol 1e-3, atol 1e-7). What Pinhole says it does not support (exit status 4) is a skip, with
its reason; everything else but success is a failure.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

SKIP = 77
OPERATORS = set("""
Add AveragePool BatchNormalization Clip Concat Constant ConstantOfShape Conv Div Dropout Flatten Gemm
GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity LRN LeakyRelu LogSoftmax MatMul MaxPool
Mul Pad ReduceMean Elu Selu Celu Gelu Mish Swish Softplus Softsign Erf Shrink PRelu Hardmax
ThresholdedRelu Relu Reshape Sigmoid Softmax Squeeze Sub Sum Tanh Transpose Unsqueeze
""".split())

# The expected output is one draw of numpy's generator; the definition leaves the draw open.
RANDOM = {"test_training_dropout", "test_training_dropout_default",
          "test_training_dropout_mask", "test_training_dropout_default_mask"}


def select(folder, onnx):
    """Test directories with at least one node, all of them operators of ours."""
    chosen = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        model_path = os.path.join(path, "model.onnx")
        if not os.path.exists(model_path):
            continue
        model = onnx.load(model_path, load_external_data=False)
        nodes = model.graph.node
        if nodes and all(n.op_type in OPERATORS and n.domain in ("", "ai.onnx") for n in nodes):
            chosen.append(path)
    return chosen


def not_tensors(path, onnx):
    """Are there inputs or outputs that are sequences or optionals?"""
    graph = onnx.load(os.path.join(path, "model.onnx")).graph
    return any(not v.type.HasField("tensor_type") for v in [*graph.input, *graph.output])


def call(pinhole, model, data):
    """(exit status, first line of what it said)"""
    command = [pinhole, "run", model, "--test-data", data, "--rtol", "1e-3", "--atol", "1e-7"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              errors="replace")
    except subprocess.TimeoutExpired:
        return -1, "no answer within 120 s"
    lines = (done.stderr + done.stdout).strip().splitlines()
    return done.returncode, lines[0] if lines else ""


def run(pinhole, path):
    """(exit status, first line of what it said) over all data sets"""
    sets = sorted(d for d in os.listdir(path) if d.startswith("test_data_set_"))
    for name in sets:
        status, message = call(pinhole, os.path.join(path, "model.onnx"), os.path.join(path, name))
        if status:
            return status, message
    return (0, "") if sets else (-1, "no data sets")


def reason(message):
    """The message without what is particular to one test, so that like ones can be counted."""
    message = re.sub(r"^pinhole[a-z -]*: ", "", message)
    message = re.sub(r"^\S*model\.onnx: ", "", message)
    message = re.sub(r"graph 'test_[^']*': \d+ nodes? (is|are) not", "not", message)
    message = re.sub(r"^(input) '[^']*'", r"\1", message)
    message = re.sub(r"\[[-0-9, ]*\]", "[...]", message)
    message = re.sub(r"'/[^']*'", "its file", message)
    message = re.sub(r"(of|in) opset \d+", r"\1 its opset", message)
    return re.sub(r" \(?'(\w*)'\)?", "", message)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pinhole", required=True, help="the program")
    parser.add_argument("--at-least", type=int, default=0, help="fail if fewer pass; with an older "
                        "onnx than 1.22, which has fewer tests: fewer than nine in ten")
    parser.add_argument("--only", default="", help="tests whose name contains this")
    parser.add_argument("--list", action="store_true", help="print every test's result")
    args = parser.parse_args()
    try:
        import onnx
    except ImportError as e:
        print(f"skipped: {sys.executable} has no onnx package ({e}); "
              "set PINHOLE_PYTHON to a Python that has")
        return SKIP
    folder = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "node")
    if not os.path.isdir(folder):
        print(f"skipped: onnx {onnx.__version__} comes without {folder}")
        return SKIP

    passed, failed, skipped = [], [], collections.defaultdict(list)
    for path in select(folder, onnx):
        name = os.path.basename(path)
        if args.only not in name:
            continue
        if name in RANDOM:
            skipped["expects the random mask of another program's generator"].append(name)
            continue
        if not_tensors(path, onnx):
            skipped["inputs or outputs that are no tensors (sequence, optional)"].append(name)
            continue
        status, message = run(args.pinhole, path)
        if args.list:
            print(f"{status:3} {name} {message}")
        if status == 0:
            passed.append(name)
        elif status == 4:
            skipped[reason(message)].append(name)
        else:
            failed.append(f"{name}: exit status {status}: {message}")

    for line in failed:
        print("FAILED", line)
    for why, names in sorted(skipped.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(n[5:] for n in names[:4]) + (", ..." if len(names) > 4 else "")
        print(f"skipped {len(names):3}  {why}  ({shown})")
    n_skipped = sum(len(names) for names in skipped.values())
    print(f"{len(passed)} passed, {len(failed)} failed, {n_skipped} skipped "
          f"(node tests of onnx {onnx.__version__})")
    least = args.at_least
    if tuple(int(n) for n in onnx.__version__.split(".")[:2]) < (1, 22):
        least = min(least, (len(passed) + len(failed) + n_skipped) * 9 // 10)
    if not args.only and len(passed) < least:
        print(f"fewer than the {least} that have to pass")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
