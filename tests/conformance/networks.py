#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whole networks against ONNX Runtime: the same ONNX file, the same random input.

Built-in networks are written with `pinhole export`; models in --models DIR (*.onnx), and in the
folders that the environment variable PINHOLE_MODELS lists, are taken as they are. The largest difference may be 1e-4 of the largest output.
"""
import argparse
import os
import subprocess
import sys
import tempfile

SKIP = 77
TOLERANCE = 1e-4
SEED = 20131216


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, errors="replace")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: exit status {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


def zoo(pinhole, folder):
    """Every built-in network as an ONNX file."""
    for line in call(pinhole, "zoo").splitlines()[1:]:
        name = line.split()[0]
        path = os.path.join(folder, name + ".onnx")
        call(pinhole, "export", name, "--seed", "1", "-o", path)
        yield name, path


def inputs_for(session, batch, numpy):
    """Random inputs, positive like pixels and signed like whitened ones: -0.5 .. 1.5."""
    rng = numpy.random.default_rng(SEED)
    feed = {}
    for value in session.get_inputs():
        if value.type != "tensor(float)":
            raise RuntimeError(f"input {value.name} is {value.type}")
        shape = [d if isinstance(d, int) and d > 0 else batch if i == 0 else 32
                 for i, d in enumerate(value.shape)]
        feed[value.name] = (rng.random(shape) * 2 - 0.5).astype(numpy.float32)
    return feed


def compare(pinhole, name, path, batch, numpy, runtime):
    """Largest difference relative to the largest output; the shape of the first output."""
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = inputs_for(session, batch, numpy)
    wanted = session.run(None, feed)
    with tempfile.TemporaryDirectory() as folder:
        command = [pinhole, "run", path, "--output-dir", folder]
        for i, (key, value) in enumerate(feed.items()):
            file = os.path.join(folder, f"in{i}.npy")
            numpy.save(file, value)
            command += ["--input", f"{key}={file}"]
        said = call(*command)
        files = [line.split(" -> ")[1] for line in said.splitlines() if " -> " in line]
        got = [numpy.load(f) for f in files]
    if len(got) != len(wanted):
        raise RuntimeError(f"{len(got)} outputs instead of {len(wanted)}")
    worst = 0.0
    for g, w in zip(got, wanted):
        if g.shape != w.shape:
            raise RuntimeError(f"shape {g.shape} instead of {w.shape}")
        if not numpy.isfinite(w).all() or numpy.abs(w).max() == 0:
            raise RuntimeError("the expected output is not fit to compare with")
        worst = max(worst, float(numpy.abs(g - w).max() / numpy.abs(w).max()))
    return worst, list(wanted[0].shape)


def check(pinhole, name, path, numpy, runtime):
    fine = True
    for batch in (1, 3):
        try:
            worst, shape = compare(pinhole, name, path, batch, numpy, runtime)
        except (RuntimeError, ValueError) as e:
            print(f"FAILED {name}: {e}")
            return False
        verdict = "ok" if worst <= TOLERANCE else "FAILED"
        fine &= worst <= TOLERANCE
        print(f"{verdict:6} {name:34} output {str(shape):16} largest difference {worst:.2e}")
        if shape[0] != batch:
            break  # the file has a batch size of its own
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pinhole", required=True, help="the program")
    parser.add_argument("--models", action="append", default=[], metavar="DIR",
                        help="a folder of ONNX files to compare as well")
    args = parser.parse_args()
    try:
        import numpy
        import onnxruntime as runtime
    except ImportError as e:
        print(f"skipped: {sys.executable}: {e}; set PINHOLE_PYTHON to a Python that has "
              "onnxruntime and numpy")
        return SKIP
    runtime.set_default_logger_severity(3)
    n, n_failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        networks = list(zoo(args.pinhole, folder))
        for models in args.models + os.environ.get("PINHOLE_MODELS", "").split(":"):
            if not models:
                continue
            if not os.path.isdir(models):
                print(f"skipped: no folder {models}")
                continue
            networks += [(f, os.path.join(models, f)) for f in sorted(os.listdir(models))
                         if f.endswith(".onnx")]
        for name, path in networks:
            n += 1
            n_failed += not check(args.pinhole, name, path, numpy, runtime)
    print(f"{n - n_failed} of {n} networks agree with ONNX Runtime {runtime.__version__}")
    return 1 if n_failed or not n else 0


if __name__ == "__main__":
    sys.exit(main())
