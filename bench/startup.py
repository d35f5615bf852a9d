#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From a file to the first result: time and peak memory of Pinhole beside ONNX Runtime.

    python bench/startup.py --library build/release/src/libpinhole.so MODEL.onnx [--shape 1x3x224x224]

Each measurement is a process of its own, the two engines taking turns. Both are used from Python, so
both carry the same interpreter; what a process needs before it loads the engine is printed as `before`.

    load     read the file (Pinhole: ph_onnx_open, which leaves weights there for `plan`; ONNX Runtime
             reads while it makes the session)
    plan     fold, fuse, pack, place (ph_plan_new and ph_run_new; InferenceSession)
    first    the first run
    peak     VmHWM of the process after the first run, MB of 10^6 bytes

The outputs are compared before anything is printed; the model's file is read once before, so that it
is in the page cache for both.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy

SEED = 20151210
ERROR_BYTES = 4 + 256 + 4096  # ph_error, pinhole.h


def status_kb(key):
    """VmHWM (the most memory so far) or VmRSS of this process, kB."""
    with open("/proc/self/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise RuntimeError(f"no {key} in /proc/self/status")


def image(shape):
    return (numpy.random.RandomState(SEED).random_sample(shape) * 2 - 0.5).astype(numpy.float32)


# --- One process, one engine -------------------------------------------------------------------

def pinhole_child(library, model, x, threads):
    import ctypes
    ph = ctypes.CDLL(os.path.abspath(library))
    err = ctypes.create_string_buffer(ERROR_BYTES)
    graph, plan, run = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()

    def check(status):
        if status:
            raise RuntimeError(err.raw[4 + 256:].split(b"\0")[0].decode())

    ph.ph_plan_output.restype = ctypes.c_void_p
    start = time.perf_counter()
    check(ph.ph_onnx_open(None, os.fsencode(model), ctypes.byref(graph), err))
    loaded = time.perf_counter()
    hint = Hint(None, x.ndim, (ctypes.c_int64 * 8)(*x.shape))
    desc = Desc(n_hints=1, hints=ctypes.addressof(hint), n_threads=threads)
    check(ph.ph_plan_new(graph, ctypes.byref(desc), ctypes.byref(plan), err))
    check(ph.ph_run_new(plan, ctypes.c_size_t(threads), ctypes.byref(run), err))
    planned = time.perf_counter()
    port = Port.from_address(ph.ph_plan_output(plan, ctypes.c_size_t(0)))
    y = numpy.empty(port.dims[:port.rank], numpy.float32)
    inputs, outputs = (ctypes.c_void_p * 1)(x.ctypes.data), (ctypes.c_void_p * 1)(y.ctypes.data)
    check(ph.ph_run_once(run, inputs, outputs, err))
    return loaded - start, planned - loaded, time.perf_counter() - planned, y


def define_structures():
    """ph_shape_hint, ph_plan_desc and ph_port of pinhole.h."""
    import ctypes
    global Hint, Desc, Port

    class Hint(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("rank", ctypes.c_size_t),
                    ("dims", ctypes.c_int64 * 8)]

    class Desc(ctypes.Structure):
        _fields_ = [("n_hints", ctypes.c_size_t), ("hints", ctypes.c_void_p),
                    ("n_values", ctypes.c_size_t), ("values", ctypes.c_void_p),
                    ("keep_all", ctypes.c_bool), ("exact", ctypes.c_bool),
                    ("max_weights", ctypes.c_size_t), ("n_threads", ctypes.c_size_t),
                    ("measurements", ctypes.c_void_p)]

    class Port(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("rank", ctypes.c_size_t),
                    ("dims", ctypes.c_int64 * 8)]


def runtime_child(model, x, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    planned = time.perf_counter()
    y = session.run(None, {session.get_inputs()[0].name: x})[0]
    return 0.0, planned - start, time.perf_counter() - planned, y


def child(args):
    x = image([int(d) for d in args.shape.split("x")])
    before = status_kb("VmHWM")
    if args.child == "pinhole":
        define_structures()
        load, plan, first, y = pinhole_child(args.library, args.model, x, args.threads)
    else:
        load, plan, first, y = runtime_child(args.model, x, args.threads)
    print(json.dumps({"before": before * 1024 / 1e6, "peak": status_kb("VmHWM") * 1024 / 1e6,
                      "load": 1e3 * load, "plan": 1e3 * plan, "first": 1e3 * first,
                      "y": y.reshape(-1)[:1000].tolist()}))


# --- All of them -------------------------------------------------------------------------------

def measure(args):
    """Results by engine, a list of `--runs` each, taken in turns."""
    results = {"pinhole": [], "runtime": []}
    for _ in range(args.runs):
        for engine, list_of in results.items():
            done = subprocess.run([sys.executable, *sys.argv, "--child", engine],
                                  capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{engine}: {done.stderr.strip()}")
            list_of.append(json.loads(done.stdout))
    return results


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="an ONNX file with one image input")
    parser.add_argument("--library", required=True, help="libpinhole.so")
    parser.add_argument("--shape", default="1x3x224x224")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--child", choices=("pinhole", "runtime"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    with open(args.model, "rb") as f:
        size = len(f.read())
    results = measure(args)
    a, b = (numpy.array(results[e][0]["y"]) for e in ("pinhole", "runtime"))
    off = float(numpy.abs(a - b).max() / numpy.abs(b).max())
    if not off <= 1e-4:
        raise SystemExit(f"the outputs differ by {off:.1e} of the largest: nothing to compare")
    print(f"{os.path.basename(args.model)}, {size / 1e6:.1f} MB, input {args.shape}, "
          f"{args.threads} thread(s), median of {args.runs}; outputs differ by {off:.1e}")
    print(f"{'':10}{'load, ms':>10}{'plan, ms':>10}{'first, ms':>11}{'all, ms':>10}"
          f"{'before, MB':>12}{'peak, MB':>10}{'added, MB':>11}")
    for engine, list_of in results.items():
        m = {key: median([r[key] for r in list_of])
             for key in ("load", "plan", "first", "before", "peak")}
        total = median([r["load"] + r["plan"] + r["first"] for r in list_of])
        added = median([r["peak"] - r["before"] for r in list_of])
        print(f"{engine:10}{m['load']:10.1f}{m['plan']:10.1f}{m['first']:11.1f}{total:10.1f}"
              f"{m['before']:12.1f}{m['peak']:10.1f}{added:11.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
