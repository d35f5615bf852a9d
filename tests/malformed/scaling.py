#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time must grow with the size of a model, not with its square, whatever it is made of.

usage: scaling.py PINHOLE [-n NODES]

Each kind of model is made twice, the second time of twice the size; the program's own processor time
may grow 2.6-fold (and more where it is too short to be measured). A model that misses is tried again:
other programs may be in the way.
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile

import wire as w
from operators import attribute, function

TIMES, TRIES, SHORT = 2.6, 12, 0.04  # seconds that are noise


def relus(names, fields=()):
    """A chain x -> v0 -> v1 ... of nodes; `names` gives the order in the file."""
    n = len(names)
    nodes = [w.relu("v%d" % (k - 1) if k else "x", "v%d" % k) for k in names]
    return w.model(w.graph(*fields, nodes=nodes, outputs=["v%d" % (n - 1)]))


def chain(n):
    return relus(list(range(n)))


def backwards(n):
    return relus(list(reversed(range(n))))


def named(n):
    """Half the nodes have the names that would be made up for the others."""
    nodes = [w.relu("v%d" % (k - 1) if k else "x", "v%d" % k, name="Relu_%d" % (n // 2 + k) if k < n // 2 else None) for k in range(n)]
    return w.model(w.graph(nodes=nodes, outputs=["v%d" % (n - 1)]))


def wide(n):
    return w.model(w.graph(nodes=[w.relu("x", "v%d" % k) for k in range(n)], outputs=["v0"]))


def one_value_for_all(n):
    nodes = [w.relu("x", "a")] + [w.node("Add", ["a", "c%d" % (k - 1) if k else "a"], ["c%d" % k]) for k in range(n)]
    return w.model(w.graph(nodes=nodes, outputs=["c%d" % (n - 1)]))


def late(n):
    """All values of the first half live until the second half uses them."""
    half = n // 2
    nodes = [w.relu("x", "a%d" % k) for k in range(half)]
    nodes += [w.node("Add", ["c%d" % (k - 1) if k > 1 else "a0", "a%d" % k], ["c%d" % k]) for k in range(1, half)]
    return w.model(w.graph(nodes=nodes, outputs=["c%d" % (half - 1)]))


def initializers(n):
    return w.model(w.graph(*[w.raw(w.INITIALIZER, w.tensor("w%d" % k, (1, 2))) for k in range(n)], nodes=[w.relu()],
                           inputs=["x"] + ["w%d" % k for k in range(n)]))


def inputs(n):
    return w.model(w.graph(nodes=[w.relu("x0")], inputs=["x%d" % k for k in range(n)]))


def infos(n):
    return relus(list(range(n)), fields=[w.raw(w.VALUE_INFO, w.value("v%d" % k)) for k in range(n)])


def attributes(n):
    given = [attribute("a%d" % k, k) for k in range(250)]
    return w.model(w.graph(nodes=[w.node("Odd", ["x"], ["v%d" % k], *given) for k in range(n // 50)], outputs=["v0"]))


def operands(n):
    return w.model(w.graph(nodes=[w.node("Odd", ["x"] * n, ["y"])]))


def outputs_of_one(n):
    each = 10000
    return w.model(w.graph(nodes=[w.node("Odd", ["x"], ["v%d_%d" % (k, j) for j in range(each)]) for k in range(n // each)],
                           outputs=["v0_0"]))


def metadata(n):
    common = "k" * 500
    return w.model(w.graph(nodes=[w.relu()])) + b"".join(
        w.raw(w.METADATA, w.raw(1, common + str(k)) + w.raw(2, "v")) for k in range(n // 8))


def unsupported(n):
    nodes = [w.node("Odd%d" % k if k < 300 else "Relu", ["x"], ["v%d" % k]) for k in range(n)]
    return w.model(w.graph(nodes=nodes, outputs=["v0"]))


def constants(n):
    nodes = [w.node("Constant", [], ["k%d" % k], attribute("value", w.tensor("t", (1, 2)))) for k in range(n)]
    return w.model(w.graph(nodes=nodes + [w.relu()]))


def functions(n):
    defined = b"".join(function("F%d" % k, [w.relu("a", "b")]) for k in range(n // 4))
    nodes = [w.node("F%d" % k, ["v%d" % (k - 1) if k else "x"], ["v%d" % k], domain="f") for k in range(n // 4)]
    return w.model(w.graph(nodes=nodes, outputs=["v%d" % (n // 4 - 1)]), opsets=w.opset() + w.opset(1, "f")) + defined


def convolutions(n):
    nodes = [w.node("Conv", ["c%d" % (k - 1) if k else "x", "w"], ["c%d" % k]) for k in range(n // 2)]
    return w.model(w.graph(w.raw(w.INITIALIZER, w.tensor("w", (2, 2, 1, 1))), nodes=nodes,
                           inputs=[w.value("x", (1, 2, 2, 2))], outputs=[w.raw(1, "c%d" % (n // 2 - 1))]))


KINDS = [chain, backwards, named, wide, one_value_for_all, late, initializers, inputs, infos, attributes, operands,
         outputs_of_one, metadata, unsupported, constants, functions, convolutions]
COMMANDS = [["check"], ["analyze"], ["export", "-o", "out.onnx"], ["bench", "--iters", "1", "--warmup", "0", "--threads", "1"]]


def seconds(program, command, data, root):
    """Processor time of the program's own code; it must end in a way that is its own."""
    path = os.path.join(root, "m.onnx")
    with open(path, "wb") as f:
        f.write(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([program, command[0], "m.onnx"] + command[1:], cwd=root, capture_output=True, timeout=120)
    assert done.returncode in (0, 4), done.stderr[-500:]
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def grows(program, command, models, root):
    """How much longer the second model takes than the first. The system tells user time from its own by looking a few
    times in each of these runs, so one pair says little: runs add up until they pass, or have had every chance."""
    total = [0, 0]
    for i in range(1, TRIES + 1):
        total = [t + seconds(program, command, m, root) for t, m in zip(total, models)]
        a, b = (t / i for t in total)
        ratio = b / max(a, SHORT / 2)
        if ratio <= TIMES or b < SHORT:
            break
    return ratio, a, b


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("-n", type=int, default=20000)
    args = p.parse_args()
    program, failed = os.path.abspath(args.program), 0
    with tempfile.TemporaryDirectory(prefix="pinhole-scaling-") as root:
        for kind in KINDS:
            line, models = "%-18s" % kind.__name__, (kind(args.n), kind(2 * args.n))
            for command in COMMANDS:
                ratio, a, b = grows(program, command, models, root)
                bad = ratio > TIMES and b >= SHORT
                failed += bad
                line += " %s %.2f->%.2f%s" % (command[0], a, b, " FAILED x%.1f" % ratio if bad else "")
            print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
