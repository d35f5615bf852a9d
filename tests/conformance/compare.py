# SPDX-License-Identifier: MIT
"""One ONNX file and one set of inputs through Pinhole and through ONNX Runtime; how far apart they are.

Imported by networks.py; needs numpy, and ONNX Runtime for `runtime_outputs`.
"""
import json
import os
import subprocess
import tempfile

TOLERANCE = 1e-4  # of the largest output
SEED = 20131216

TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(uint8)": "uint8",
         "tensor(int64)": "int64", "tensor(float16)": "float16"}


def call(*command, timeout=600):
    """Standard output; RuntimeError with what it said, if its exit status is not 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                          errors="replace")
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise RuntimeError(f"exit status {done.returncode}: {said[:600]}")
    return done.stdout


def is_skip(error):
    """Did Pinhole say "valid but unsupported"?"""
    return str(error).startswith("exit status 4")


# --- Inputs ------------------------------------------------------------------------------------

def random_input(shape, dtype, numpy, number=0):
    """Positive like pixels and signed like whitened ones: -0.5 .. 1.5, or 0 .. 255. RandomState's
    stream is frozen for ever, so that expected outputs can be kept."""
    draw = numpy.random.RandomState(SEED + number).random_sample(shape)
    if dtype in ("uint8", "int64"):
        return (draw * 256).astype(dtype)
    return (draw * 2 - 0.5).astype(dtype)


def session_inputs(session, numpy, batch=1, size=32, shapes=None):
    """Random inputs for what an ONNX Runtime session declares. Open sizes: the first dimension
    `batch`, of the others one `size`, the next half as much again; or all as `shapes` says."""
    feed = {}
    for number, value in enumerate(session.get_inputs()):
        if value.type not in TYPES:
            raise RuntimeError(f"input {value.name} is {value.type}")
        shape, free = [], [size, size * 3 // 2]
        for i, d in enumerate(value.shape):
            known = isinstance(d, int) and d > 0
            shape.append(d if known else batch if i == 0 else free.pop(0) if free else size)
        shape = (shapes or {}).get(value.name, shape)
        feed[value.name] = random_input(shape, TYPES[value.type], numpy, number)
    return feed


# --- Running -----------------------------------------------------------------------------------

def pinhole_outputs(pinhole, path, feed, numpy, exact=False):
    with tempfile.TemporaryDirectory() as folder:
        command = [pinhole, "run", path, "--output-dir", folder] + ["--exact"] * exact
        for i, (key, value) in enumerate(feed.items()):
            file = os.path.join(folder, f"in{i}.npy")
            numpy.save(file, value)
            command += ["--input", f"{key}={file}"]
        said = call(*command)
        files = [line.split(" -> ")[1] for line in said.splitlines() if " -> " in line]
        return [numpy.load(f) for f in files]


def pinhole_milliseconds(pinhole, path, feed, runs=5):
    """Median of a few runs on random input of the same shapes, one thread."""
    command = [pinhole, "bench", path, "--threads", "1", "--iters", str(runs), "--warmup", "1",
               "--json", "-"]
    for key, value in feed.items():
        command += ["--shape", f"{key}={'x'.join(str(d) for d in value.shape)}"]
    return json.loads(call(*command))["median_ms"]


def runtime_session(path, runtime, threads=0):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


# --- Comparing ---------------------------------------------------------------------------------

def difference(got, wanted, numpy):
    """The largest difference of all outputs, each relative to its largest element."""
    if len(got) != len(wanted):
        raise RuntimeError(f"{len(got)} outputs instead of {len(wanted)}")
    worst = 0.0
    for g, w in zip(got, wanted):
        if g.shape != w.shape:
            raise RuntimeError(f"shape {g.shape} instead of {w.shape}")
        if g.dtype != w.dtype:
            raise RuntimeError(f"type {g.dtype} instead of {w.dtype}")
        if w.size == 0:
            continue
        w = w.astype(numpy.float64)
        if not numpy.isfinite(w).all() or numpy.abs(w).max() == 0:
            raise RuntimeError("the expected output is not fit to compare with")
        if not numpy.isfinite(g).all():
            raise RuntimeError("an output is not finite")
        worst = max(worst, float(numpy.abs(g - w).max() / numpy.abs(w).max()))
    return worst
