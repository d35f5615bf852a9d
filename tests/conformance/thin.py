#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks without their weights, small enough to keep, and the way back.

A real exporter's idioms are in the structure of the files it writes, not in the weights. `pack` takes
the large constants out of an ONNX file and leaves for each the range of a uniform distribution with
its mean and standard deviation; `unpack` draws them again, always the same. What is kept is a .zip of

    model.onnx     the model; a constant taken out has no data and doc_string "uniform LOW HIGH"
    about.json     the shapes and types of the inputs, where the model came from
    output_N.npy   what ONNX Runtime computed from the drawn weights and random inputs; of large
                   outputs every n-th element ("stride" in about.json)

    python thin.py pack MODEL.onnx OUT.zip --source "PyTorch 2.9, TorchScript exporter" [--shape ...]
    python thin.py list exported/list.txt OUT FOLDER ...     pack those in the folders that it names
    python thin.py unpack IN.zip FOLDER

needs onnx and numpy; pack and list also ONNX Runtime.
"""
import argparse
import io
import json
import os
import sys
import zipfile

import compare

KEPT = 64  # constants of up to so many elements stay
OUTPUT_ELEMENTS = 1000


def tensors(model):
    """Every large tensor of the model: initializers, and attributes of nodes (PyTorch 1 also hands
    weights to its functions that way)."""
    found = list(model.graph.initializer)
    for node in list(model.graph.node) + [n for f in model.functions for n in f.node]:
        found += [a.t for a in node.attribute if a.HasField("t")]
    return [t for t in found if product(t.dims) > KEPT]


def product(dims):
    n = 1
    for d in dims:
        n *= d
    return n


DATA_FIELDS = ("raw_data", "float_data", "double_data", "int32_data", "external_data",
               "data_location")


def thin(model, gain, onnx, numpy):
    """Take the large floating-point constants out of the model; matrices become `gain` times as wide."""
    for tensor in tensors(model):
        if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            continue
        values = onnx.numpy_helper.to_array(tensor).astype(numpy.float64)
        spread = 3 ** 0.5 * values.std() * (gain if len(tensor.dims) > 1 else 1)
        low = max(values.min(), values.mean() - spread)
        high = min(values.max(), values.mean() + spread)
        for field in DATA_FIELDS:
            tensor.ClearField(field)
        tensor.doc_string = f"uniform {low:.6g} {high:.6g}"


def thicken(model, onnx, numpy):
    """Draw what was taken out."""
    types = {onnx.TensorProto.FLOAT: numpy.float32, onnx.TensorProto.DOUBLE: numpy.float64}
    for number, tensor in enumerate(tensors(model)):
        words = tensor.doc_string.split()
        if len(words) != 3 or words[0] != "uniform":
            continue
        low, high = float(words[1]), float(words[2])
        draw = numpy.random.RandomState(number).random_sample(product(tensor.dims))
        tensor.raw_data = (draw * (high - low) + low).astype(types[tensor.data_type]).tobytes()
        tensor.ClearField("doc_string")


def strip(model):
    """What exporters tell about their sources, which nothing reads: names of files and lines."""
    for node in list(model.graph.node) + [n for f in model.functions for n in f.node]:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        value.ClearField("doc_string")
        del value.metadata_props[:]
    for function in model.functions:
        function.ClearField("doc_string")
        del function.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    del model.graph.metadata_props[:]
    model.graph.ClearField("doc_string")


def unpack(path, folder, onnx, numpy):
    """(path of the model, inputs by name, expected outputs, about) from a .zip."""
    with zipfile.ZipFile(path) as box:
        about = json.loads(box.read("about.json"))
        model = onnx.ModelProto.FromString(box.read("model.onnx"))
        expected = [numpy.load(io.BytesIO(box.read(f"output_{i}.npy")))
                    for i in range(len(about["outputs"]))]
    thicken(model, onnx, numpy)
    name = os.path.join(folder, os.path.basename(path).removesuffix(".zip") + ".onnx")
    onnx.save(model, name, save_as_external_data=about["external"], all_tensors_to_one_file=True,
              location=os.path.basename(name) + ".data", size_threshold=1024)
    feed = {i["name"]: compare.random_input(i["shape"], i["dtype"], numpy, number)
            for number, i in enumerate(about["inputs"])}
    return name, feed, expected, about


def sample(outputs, about):
    """What is kept of outputs."""
    return [o.reshape(-1)[::a["stride"]] for o, a in zip(outputs, about["outputs"])]


def run_drawn(model, shapes, numpy, runtime):
    """(inputs, outputs, how far rounding moves them): random weights can make a network chaotic."""
    session = compare.runtime_session(model, runtime)
    feed = compare.session_inputs(session, numpy, batch=2, size=64, shapes=shapes)
    outputs = session.run(None, feed)
    noise = numpy.random.RandomState(1)
    moved = {k: (v * (1 + 1e-7 * noise.standard_normal(v.shape))).astype(v.dtype)
             for k, v in feed.items()}
    return feed, outputs, compare.difference(session.run(None, moved), outputs, numpy)


def draw_calm(path, shapes, onnx, numpy, runtime):
    """(model without weights, inputs, outputs) with weights small enough that it is not chaotic."""
    for gain in (1, 0.7, 0.5, 0.35):
        model = onnx.load(path)
        thin(model, gain, onnx, numpy)
        strip(model)
        light = model.SerializeToString()
        thicken(model, onnx, numpy)
        feed, outputs, moved = run_drawn(model.SerializeToString(), shapes, numpy, runtime)
        if moved < 5e-6:
            return light, feed, outputs
    raise RuntimeError(f"{path}: rounding of the input moves the output by {moved:.1e}")


def pack(path, out, source, shapes, external, onnx, numpy, runtime):
    light, feed, outputs = draw_calm(path, shapes, onnx, numpy, runtime)
    about = {
        "source": source, "external": external,
        "inputs": [{"name": k, "shape": list(v.shape), "dtype": str(v.dtype)}
                   for k, v in feed.items()],
        "outputs": [{"shape": list(o.shape), "stride": -(-o.size // OUTPUT_ELEMENTS)}
                    for o in outputs],
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as box:
        def add(name, content):
            box.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content,
                         zipfile.ZIP_DEFLATED)

        add("about.json", json.dumps(about, indent=1))
        add("model.onnx", light)
        for i, kept in enumerate(sample(outputs, about)):
            file = io.BytesIO()
            numpy.save(file, kept)
            add(f"output_{i}.npy", file.getvalue())


def pack_list(list_file, out, folders, tools):
    """Pack what the list names: lines "NAME external|inside SOURCE", '#' begins a remark."""
    os.makedirs(out, exist_ok=True)
    n_missing = 0
    with open(list_file, encoding="utf-8") as f:
        lines = [line.split(maxsplit=2) for line in f if line.strip() and line[0] != "#"]
    for name, where, source in lines:
        paths = [p for p in (os.path.join(d, name + ".onnx") for d in folders) if os.path.exists(p)]
        box = os.path.join(out, name + ".zip")
        if not paths:
            print(f"no {name}.onnx" + ("; its .zip stays" if os.path.exists(box) else ""))
            n_missing += not os.path.exists(box)
            continue
        try:
            pack(paths[0], box, source.strip(), {}, where == "external", *tools)
            print(f"{box}: {os.path.getsize(box)} bytes")
        except RuntimeError as error:
            print(f"{name}: {error}")
            n_missing += 1
    return 1 if n_missing else 0


def parse_shape(text):
    name, _, dims = text.rpartition("=")
    return name, [int(d) for d in dims.split("x")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packer = commands.add_parser("pack")
    packer.add_argument("model")
    packer.add_argument("out")
    packer.add_argument("--source", required=True, help="exporter and version, for the record")
    packer.add_argument("--shape", action="append", default=[], help="NAME=1x3x64x64")
    packer.add_argument("--external", action="store_true", help="weights in a file of their own")
    lister = commands.add_parser("list")
    lister.add_argument("list")
    lister.add_argument("out")
    lister.add_argument("folders", nargs="+")
    unpacker = commands.add_parser("unpack")
    unpacker.add_argument("zip")
    unpacker.add_argument("folder")
    args = parser.parse_args()
    import numpy
    import onnx
    import onnx.numpy_helper
    if args.command == "unpack":
        os.makedirs(args.folder, exist_ok=True)
        name, feed, _, _ = unpack(args.zip, args.folder, onnx, numpy)
        for key, value in feed.items():
            numpy.save(os.path.join(args.folder, f"{key}.npy"), value)
        print(name)
        return 0
    import onnxruntime as runtime
    if args.command == "list":
        return pack_list(args.list, args.out, args.folders, (onnx, numpy, runtime))
    pack(args.model, args.out, args.source, dict(parse_shape(s) for s in args.shape),
         args.external, onnx, numpy, runtime)
    return 0


if __name__ == "__main__":
    sys.exit(main())
