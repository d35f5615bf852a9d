#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whole networks: Pinhole against ONNX Runtime and against kept references, the same file and input.

    --zoo             the networks in the box, written with `pinhole export`; those for ImageNet with
                      smaller images, and none of over 26 million weights: with --large all as they are
    --models DIR      the *.onnx files of a folder (and of those that PINHOLE_MODELS lists)
    --light           the model zoo's networks that come with the onnx package, as they are (their
                      weights are one constant each) and with random weights; with --large also
                      those of over 64 million weights
    --shared          ../shared/models beside the checkout, or $PINHOLE_SHARED/models: real weights
    --exported DIR    networks packed by thin.py: the structure as real exporters write it

The largest difference may be 1e-4 of the largest output. --table FILE writes a table for people,
--time adds how long both take.
"""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time

import compare
import thin

SKIP = 77
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Network:
    """A file to compare. `references` are (name, outputs, function that makes of our outputs what
    the reference has of them); without a `feed` inputs are random, of the sizes in `batches`.
    `exact`: with --exact."""

    def __init__(self, name, path, source="", feed=None, references=(), batches=(1,), exact=False):
        self.name, self.path, self.source = name, path, source
        self.feed, self.references, self.batches = feed, references, batches
        self.exact = exact


# --- Collections -------------------------------------------------------------------------------

ZOO_WEIGHTS = 26 << 20         # at most, without --large
ZOO_SIZES = {224: 64, 227: 67}  # pixels in place of those of ImageNet
ZOO_NEEDS = {"googlenet-aux": 96}


def zoo(tools, folder):
    for about in json.loads(compare.call(tools.pinhole, "zoo", "--json", "-"))["networks"]:
        name, size = about["name"], about["input"][-1]
        text, path = (os.path.join(folder, name + end) for end in (".net", ".onnx"))
        if not tools.large:
            size = ZOO_NEEDS.get(name, ZOO_SIZES.get(size, size))
        with open(text, "w", encoding="utf-8") as f:
            f.write(re.sub(r"^(input +\S+ +\d+x)\d+x\d+$", rf"\g<1>{size}x{size}",
                           compare.call(tools.pinhole, "zoo", name), flags=re.M))
        n_weights = json.loads(compare.call(tools.pinhole, "analyze", text, "--json", "-"))
        n_weights = n_weights["totals"]["parameters"]
        if tools.large or n_weights <= ZOO_WEIGHTS:
            compare.call(tools.pinhole, "export", text, "--seed", "1", "-o", path)
            tools.onnx.checker.check_model(path, full_check=True)
            yield Network(name, path, "Pinhole's zoo", batches=(1, 3) if n_weights < 2e6 else (3,))
            os.remove(path)


def models(tools, folder):
    for file in sorted(os.listdir(folder)):
        if file.endswith(".onnx"):
            path = os.path.join(folder, file)
            yield Network(file.removesuffix(".onnx"), path, producer(path, tools.onnx),
                          batches=(1, 3))


def producer(path, onnx):
    model = onnx.load(path, load_external_data=False)
    return f"{model.producer_name} {model.producer_version}".split("+")[0]


def light(tools, folder):
    onnx, numpy = tools.onnx, tools.numpy
    data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light")
    if not os.path.isdir(data):
        print(f"skipped: onnx {onnx.__version__} comes without {data}")
        return
    for file in sorted(os.listdir(data)):
        if not file.endswith(".onnx"):
            continue
        name, path = file.removesuffix(".onnx"), os.path.join(data, file)
        with open(path.removesuffix(".onnx") + "_output_0.pb", "rb") as f:
            output = onnx.numpy_helper.to_array(onnx.TensorProto.FromString(f.read()))
        model = onnx.load(path)
        feed = ramp(model, numpy)
        # Of constant weights all scores are equal, up to 1e10, and Softmax shows a last bit that
        # differs as all or nothing; Strassen's product rounds its two halves differently.
        yield Network(name, path, "ONNX model zoo (Caffe, Caffe2), as in onnx", feed,
                      [("onnx's .pb", [output], list)], exact=True)
        if not draw_weights(model, LARGE if tools.large else SMALL, onnx, numpy):
            print(f"skipped: {name} with random weights is large, see --large")
            continue
        path = os.path.join(folder, file)
        onnx.save(model, path)
        del model
        yield Network(name + ", drawn", path, "the same, random weights, before Softmax", feed)
        os.remove(path)


def ramp(model, numpy):
    """The inputs that onnx's own runner makes for these networks."""
    constants = {i.name for i in model.graph.initializer}
    feed = {}
    for value in model.graph.input:
        if value.name not in constants:
            shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
            n = numpy.prod(shape)
            feed[value.name] = (numpy.arange(n).reshape(shape) / n).astype(numpy.float32)
    return feed


SMALL, LARGE = 64 << 20, 512 << 20  # weights, at most

# Ranges that weights are drawn from, by what reads them: (operator, input number).
RANGES = {("BatchNormalization", 1): (0.5, 1.5), ("BatchNormalization", 2): (-0.2, 0.2),
          ("BatchNormalization", 3): (-0.2, 0.2), ("BatchNormalization", 4): (0.5, 1.5)}


def draw_weights(model, most, onnx, numpy):
    """Constants in place of the ConstantOfShape nodes; the output is what goes into the Softmax.
    False if there are more than `most` weights."""
    graph = model.graph
    shapes = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    n_weights = sum(int(numpy.prod(shapes[node.input[0]])) for node in graph.node
                    if node.op_type == "ConstantOfShape")
    if n_weights > most:
        return False
    readers = {}
    for node in graph.node:
        for k, name in enumerate(node.input):
            readers.setdefault(name, (node.op_type, k))
    kept = []
    for number, node in enumerate(graph.node):
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape = shapes[node.input[0]]
        bound = (6 / numpy.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.2
        low, high = RANGES.get(readers[node.output[0]], (-bound, bound))
        draw = numpy.random.RandomState(number).random_sample(shape)
        graph.initializer.append(onnx.numpy_helper.from_array(
            (draw * (high - low) + low).astype(numpy.float32), node.output[0]))
    if kept[-1].op_type == "Softmax":
        graph.output[0].name = kept.pop().input[0]
        graph.output[0].type.tensor_type.ClearField("shape")
    del graph.node[:]
    graph.node.extend(kept)
    return True


def shared(tools, folder):
    numpy = tools.numpy
    home = os.environ.get("PINHOLE_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
    home = os.path.join(home, "models")
    if not os.path.isdir(home):
        print(f"skipped: no folder {home}; PINHOLE_SHARED says where it is")
        return
    for file in sorted(os.listdir(home)):
        if not file.endswith(".onnx"):
            continue
        name, path = file.removesuffix(".onnx"), os.path.join(home, file)
        value = tools.runtime.InferenceSession(path).get_inputs()[0]
        shape = [d if isinstance(d, int) else -1 for d in value.shape]
        refs = os.path.join(home, "refs", name)
        image = numpy.fromfile(refs + ".in.f32", numpy.float32)
        whole = image.reshape([-1, *shape[1:]])
        wanted = numpy.fromfile(refs + ".out.f32", numpy.float32).reshape(len(whole), -1)
        step = shape[0] if shape[0] > 0 else len(whole)
        for first in range(0, len(whole), step):
            reference = ("OpenCV's reference", [wanted[first:first + step]],
                         lambda outputs: [o.reshape(len(o), -1) for o in outputs])
            which = f", image {first}" if step < len(whole) else ""
            yield Network(name + which, path, "real weights", {value.name: whole[first:first + step]},
                          [reference])


def exported(tools, folder, boxes):
    for file in sorted(os.listdir(boxes)):
        if not file.endswith(".zip"):
            continue
        place = os.path.join(folder, "exported")
        os.mkdir(place)
        path, feed, wanted, about = thin.unpack(os.path.join(boxes, file), place, tools.onnx,
                                                tools.numpy)
        yield Network(file.removesuffix(".zip"), path, about["source"], feed,
                      [("kept outputs", wanted, lambda got, a=about: thin.sample(got, a))])
        shutil.rmtree(place)


# --- Comparing ---------------------------------------------------------------------------------

class Row:
    """A line of the table."""

    def __init__(self, network):
        self.name, self.source = network.name, network.source
        self.opset, self.input, self.worst, self.references, self.times = "", "", None, [], None
        self.error = ""


def opset_of(path, onnx):
    model = onnx.load(path, load_external_data=False)
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)


def check(network, tools, with_times):
    """Rows, one a batch size."""
    session = compare.runtime_session(network.path, tools.runtime, 1 if with_times else 0)
    first = session.get_inputs()[0].shape[:1]
    fixed = network.feed or (first and isinstance(first[0], int))
    for batch in network.batches[:1] if fixed else network.batches:
        row = Row(network)
        row.opset = opset_of(network.path, tools.onnx)
        feed = network.feed or compare.session_inputs(session, tools.numpy, batch)
        row.input = " ".join("×".join(str(d) for d in v.shape) for v in feed.values())
        try:
            wanted = session.run(None, feed)
            got = compare.pinhole_outputs(tools.pinhole, network.path, feed, tools.numpy,
                                          network.exact)
            row.worst = compare.difference(got, wanted, tools.numpy)
            for name, outputs, like_it in network.references:
                row.references.append(
                    (name, compare.difference(like_it(got), outputs, tools.numpy)))
            if with_times:
                row.times = times(network.path, session, feed, tools)
        except (RuntimeError, ValueError) as e:
            row.error = str(e)
        yield row
        if row.error:
            break


def times(path, session, feed, tools, runs=5):
    """(Pinhole's, ONNX Runtime's) median milliseconds on one thread."""
    session.run(None, feed)
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, feed)
        took.append(1e3 * (time.perf_counter() - start))
    return compare.pinhole_milliseconds(tools.pinhole, path, feed, runs), sorted(took)[runs // 2]


def verdict(row):
    fine = not row.error and row.worst <= compare.TOLERANCE
    return fine and all(worst <= compare.TOLERANCE for _, worst in row.references)


def show(row):
    if row.error:
        print(f"FAILED {row.name}: {row.error}", flush=True)
        return
    other = "".join(f", {name} {worst:.1e}" for name, worst in row.references)
    took = f", {row.times[0]:.1f} ms, runtime {row.times[1]:.1f} ms" if row.times else ""
    print(f"{'ok' if verdict(row) else 'FAILED':6} {row.name:44} {row.input:14} "
          f"largest difference {row.worst:.1e}{other}{took}", flush=True)


def write_table(rows, path, tools, with_times):
    head = "| network | source | opset | input | to ONNX Runtime | to other references |"
    line = "|---|---|---|---|---|---|"
    if with_times:
        head, line = head + " Pinhole, ms | Runtime, ms |", line + "---|---|"
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + "\n" + line + "\n")
        for row in rows:
            worst = row.error[:80].replace("|", "/").replace("\n", " ") if row.error \
                else f"{row.worst:.1e}"
            refs = ", ".join(f"{w:.1e} ({n})" for n, w in row.references)
            took = ""
            if with_times:
                took = f" {row.times[0]:.1f} | {row.times[1]:.1f} |" if row.times else " | |"
            f.write(f"| {row.name} | {row.source} | {row.opset} | {row.input} | {worst} | {refs} |"
                    f"{took}\n")


class Tools:
    """What the comparisons need."""

    def __init__(self, pinhole):
        import numpy
        import onnx
        import onnx.checker
        import onnx.numpy_helper
        import onnxruntime
        onnxruntime.set_default_logger_severity(4)
        self.pinhole, self.numpy, self.onnx, self.runtime = pinhole, numpy, onnx, onnxruntime
        self.large = False


def collections_of(args, tools, folder):
    if args.zoo:
        yield from zoo(tools, folder)
    for place in args.models + os.environ.get("PINHOLE_MODELS", "").split(":") * bool(args.models):
        if place and os.path.isdir(place):
            yield from models(tools, place)
        elif place:
            print(f"skipped: no folder {place}")
    if args.light:
        yield from light(tools, folder)
    if args.shared:
        yield from shared(tools, folder)
    for place in args.exported:
        yield from exported(tools, folder, place)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pinhole", required=True, help="the program")
    parser.add_argument("--zoo", action="store_true")
    parser.add_argument("--models", action="append", default=[], metavar="DIR")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--exported", action="append", default=[], metavar="DIR")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--table", metavar="FILE", help="write a table in Markdown")
    parser.add_argument("--time", action="store_true", help="measure both, one thread")
    args = parser.parse_args()
    try:
        tools = Tools(args.pinhole)
    except ImportError as e:
        print(f"skipped: {sys.executable}: {e}; set PINHOLE_PYTHON to a Python that has onnx, "
              "onnxruntime and numpy")
        return SKIP
    tools.large = args.large
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for network in collections_of(args, tools, folder):
            if args.only not in network.name:
                continue
            for row in check(network, tools, args.time):
                show(row)
                rows.append(row)
    if args.table:
        write_table(rows, args.table, tools, args.time)
    n_failed = sum(not verdict(row) for row in rows)
    print(f"{len(rows) - n_failed} passed, {n_failed} failed: comparisons with ONNX Runtime "
          f"{tools.runtime.__version__}")
    return SKIP if not rows else 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
