#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ONNX's own backend tests for our operators, through `pinhole run MODEL --test-data DIR`.

The tests come with the `onnx` package: onnx/backend/test/data/FOLDER/test_*/{model.onnx,
test_data_set_N} for the folders node, simple, pytorch-operator and pytorch-converted. Which operators
are ours, `pinhole info --json` says. All cases whose nodes are all ours are run; tolerances are those
of ONNX's own runner (rtol 1e-3, atol 1e-7).

A case is core unless one of these rules, which look at the model and not at its name, says otherwise:
  types     an input, output, constant or intermediate value, or the type that a node is asked to make,
            is not one that Pinhole carries (bool, integers of 8 to 64 bits, float16, bfloat16,
            float32, float64): strings, 4- and 8-bit floats, 2- and 4-bit integers, complex numbers,
            sequences, optionals, sparse tensors
  random    the expected output is one draw of a generator that the definition leaves open
A case's opset is the one that its model is declared in.
Of core cases none may fail or be skipped (exit status 4: "valid but unsupported" is a skip).
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys

SKIP = 77
FOLDERS = ("node", "simple", "pytorch-operator", "pytorch-converted")
FAMILIES = ((1, 6), (7, 10), (11, 13), (14, 18), (19, None))
CARRIED = {"FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "BOOL", "FLOAT16",
           "DOUBLE", "UINT32", "UINT64", "BFLOAT16"}
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
          "Multinomial"}

Case = collections.namedtuple("Case", "name path opset operators types random")
Result = collections.namedtuple("Result", "case status message")


# --- What a model is made of -------------------------------------------------------------------

def all_nodes(nodes):
    """The nodes and, below them, those of the graphs in their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                yield from all_nodes(graph.node)


def value_types(graph, onnx):
    """Names of the types of the graph's declared values; what is no tensor, by its kind."""
    for value in [*graph.input, *graph.output, *graph.value_info]:
        kind = value.type.WhichOneof("value")
        if kind == "tensor_type":
            yield onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        elif kind:
            yield kind.replace("_type", "").upper()
    for tensor in graph.initializer:
        yield onnx.TensorProto.DataType.Name(tensor.data_type)
    if graph.sparse_initializer:
        yield "SPARSE"


def made_types(node, onnx):
    """Names of the types that attributes speak of: constants and what Cast and others make."""
    for attribute in node.attribute:
        if attribute.name in ("to", "dtype", "output_dtype") and attribute.i:
            yield onnx.TensorProto.DataType.Name(attribute.i)
        if attribute.HasField("t"):
            yield onnx.TensorProto.DataType.Name(attribute.t.data_type)
        if attribute.HasField("sparse_tensor"):
            yield "SPARSE"
        if attribute.name in ("value_string", "value_strings"):
            yield "STRING"


def read_case(path, onnx):
    model = onnx.load(os.path.join(path, "model.onnx"), load_external_data=False)
    functions = {(f.domain, f.name): f for f in model.functions}
    nodes = list(all_nodes(model.graph.node))
    for function in model.functions:
        nodes += all_nodes(function.node)
    operators = {f"{n.domain}.{n.op_type}".removeprefix("ai.onnx.").removeprefix(".")
                 for n in nodes if (n.domain, n.op_type) not in functions}
    types = set(value_types(model.graph, onnx)).union(*(made_types(n, onnx) for n in nodes))
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    folder = os.path.basename(os.path.dirname(path))
    name = os.path.basename(path).removeprefix("test_")
    random = bool(operators & RANDOM)
    return Case(f"{folder}/{name}", path, opset, operators, types - CARRIED, random)


def read_cases(data, onnx):
    cases = []
    for folder in FOLDERS:
        parent = os.path.join(data, folder)
        if not os.path.isdir(parent):
            print(f"no folder {folder} in onnx {onnx.__version__}")
            continue
        for name in sorted(os.listdir(parent)):
            if os.path.exists(os.path.join(parent, name, "model.onnx")):
                cases.append(read_case(os.path.join(parent, name), onnx))
    return cases


# --- Running -----------------------------------------------------------------------------------

def run(pinhole, case):
    """All the case's data sets in one process."""
    command = [pinhole, "run", os.path.join(case.path, "model.onnx"), "--test-data", case.path,
               "--rtol", "1e-3", "--atol", "1e-7"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              errors="replace")
    except subprocess.TimeoutExpired:
        return Result(case, -1, "no answer within 120 s")
    lines = done.stderr.strip().splitlines()
    lines += [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    if done.returncode == 0 and "ok  " not in done.stdout:
        return Result(case, -1, "nothing was compared")
    return Result(case, done.returncode, lines[0] if lines else "")


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


# --- What to say -------------------------------------------------------------------------------

def family(opset):
    for first, last in FAMILIES:
        if last is None or opset <= last:
            return f"opset {first}–{last}" if last else f"opset {first}+"
    raise AssertionError


def print_groups(title, pairs):
    """`pairs` (reason, case), like ones together, the most frequent first."""
    groups = collections.defaultdict(list)
    for why, case in pairs:
        groups[why].append(case.name)
    for why, names in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        print(f"{title} {len(names):4}  {why}  ({shown})")


def count(results):
    """{row: {passed, failed, skipped}}: families of opsets, folders, and the total."""
    rows = [family(first) for first, _ in FAMILIES] + list(FOLDERS) + ["all core cases"]
    counts = {row: collections.Counter() for row in rows}
    for r in results:
        kind = "passed" if r.status == 0 else "skipped" if r.status == 4 else "failed"
        for row in (family(r.case.opset), r.case.name.split("/")[0], "all core cases"):
            counts[row][kind] += 1
    return counts


def print_table(counts):
    print(f"\n{'core cases':20}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for row, c in counts.items():
        print(f"{row:20}{c['passed']:8}{c['failed']:8}{c['skipped']:9}")


def tally(pairs):
    """Names of `pairs` (name, case), each with the number of its cases, the most frequent first."""
    counts = collections.Counter(name for name, _ in pairs)
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items(),
                                                         key=lambda item: (-item[1], item[0])))


def write_tables(path, counts, apart, others, known):
    """What is printed, in Markdown: the counts, the cases that are not core, the other operators."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("| | passed | failed | skipped |\n|---|---|---|---|\n")
        for row, c in counts.items():
            f.write(f"| {row} | {c['passed']} | {c['failed']} | {c['skipped']} |\n")
        f.write(f"\nNot core, {len(apart)} cases: {tally((not_core(case), case) for case in apart)}.\n")
        missing = [(name, case) for case in others for name in case.operators - known]
        f.write(f"\nOther operators, {len(others)} cases (some have several): {tally(missing)}.\n")


def not_core(case):
    if case.types:
        return "type " + ", ".join(sorted(case.types))
    return "random " + ", ".join(sorted(case.operators & RANDOM))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pinhole", required=True, help="the program")
    parser.add_argument("--at-least", type=int, default=0, help="fail if fewer core cases pass; "
                        "with an older onnx than 1.22, which has fewer: fewer than nine in ten")
    parser.add_argument("--allow", type=int, default=0, help="core cases that may fail or be skipped")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="print every case's result")
    parser.add_argument("--table", metavar="FILE", help="write the counts as tables in Markdown")
    parser.add_argument("--missing", action="store_true", help="list operators that are not ours")
    args = parser.parse_args()
    try:
        import onnx
    except ImportError as e:
        print(f"skipped: {sys.executable} has no onnx package ({e}); "
              "set PINHOLE_PYTHON to a Python that has")
        return SKIP
    data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    if not os.path.isdir(os.path.join(data, "node")):
        print(f"skipped: onnx {onnx.__version__} comes without {data}/node")
        return SKIP

    said = subprocess.run([args.pinhole, "info", "--json", "-"], capture_output=True, check=True)
    known = set(json.loads(said.stdout)["operators"])
    cases = [case for case in read_cases(data, onnx) if args.only in case.name]
    ours = [case for case in cases if case.operators and case.operators <= known]
    core = [case for case in ours if not case.types and not case.random]
    apart = [case for case in ours if case.types or case.random]
    others = [case for case in cases if case not in ours]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda case: run(args.pinhole, case), core))

    if args.list:
        for r in results:
            print(f"{r.status:3} {r.case.name} (opset {r.case.opset}) {r.message}")
    if args.missing:
        print_groups("not ours", ((name, case) for case in others
                                  for name in sorted(case.operators - known)))
    for r in results:
        if r.status not in (0, 4):
            print(f"FAILED {r.case.name}: exit status {r.status}: {r.message}")
    print_groups("skipped", ((reason(r.message), r.case) for r in results if r.status == 4))
    print_groups("not core", ((not_core(case), case) for case in apart))
    counts = count(results)
    total = counts["all core cases"]
    print_table(counts)
    if args.table:
        write_tables(args.table, counts, apart, others, known)
    print(f"\nbackend tests of onnx {onnx.__version__}, {len(known)} operators: {len(cases)} cases; "
          f"{len(apart)} with our operators are not core, {len(others)} have operators that are not "
          "ours")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    least = args.at_least
    if tuple(int(n) for n in onnx.__version__.split(".")[:2]) < (1, 22):
        least = min(least, len(results) * 9 // 10)
    if not args.only and total["passed"] < least:
        print(f"fewer than the {least} that have to pass")
        return 1
    return 1 if total["failed"] + total["skipped"] > args.allow or not results else 0


if __name__ == "__main__":
    sys.exit(main())
