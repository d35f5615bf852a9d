#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast could a network be with the algorithms that Pinhole uses, if nothing but these cost time?

    python3 bench/floor.py                        # the networks of compare.py, one thread
    python3 bench/floor.py resnet50 vgg16

For each convolution and fully connected layer the larger of two times: its multiplications (those of
Winograd's tiles, seven eighths of those of Strassen's product, those of the definition elsewhere) at the
multiply-add peak, and its packed weights at the speed of memory where they are what there is to read (Winograd,
Strassen, fully connected). Transforms, pooling, additions, copies, the way of activations through caches and
threads are free; first layers that go by lines count as if they did not, so that floors of such networks are up
to a tenth too high. Both speeds are measured. What is left between this and the time measured is what better
kernels could still gain, and no more.
"""
import argparse
import json
import math
import os
import re
import subprocess
import sys

from compare import NETWORKS, ROOT


def pinhole(args, *words):
    done = subprocess.run([os.path.join(args.build, "cli", "pinhole"), *words, "--json", "-"],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"floor.py: {done.stderr.strip()}")
    return json.loads(done.stdout)


def inputs(outputs, taps, stride):
    """Of a tile along an axis; as many as products."""
    return (outputs - 1) * stride + taps


def work(layer):
    """Multiplications of a layer, and bytes of weights that must come from memory."""
    macs, method, out = layer["macs"] or 0, layer["method"], layer["output"]
    tiles = re.match(r"Winograd F\((\d)x\d,(\d)x\d(/2)?\)", method)
    if tiles:
        m, r, stride, (h, w) = int(tiles[1]), int(tiles[2]), 2 if tiles[3] else 1, out[2:4]
        elements = [n // m * inputs(m, r, stride) + (n % m and inputs(n % m, r, stride)) for n in (h, w)]
        filters = inputs(m, r, stride) - (stride == 2)  # of which two are the same
        channels = macs / (h * w * r * r)
        return channels * math.prod(elements), 4 * channels * filters ** 2
    if "Strassen" in method:
        return macs * 7 / 8, 4 * macs / (out[2] * out[3]) * 7 / 4
    return macs, 4 * macs if layer["op"] == "Gemm" else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("networks", nargs="*", default=[n for n in NETWORKS if not n.endswith("-nolrn")])
    p.add_argument("--build", default=os.path.join(ROOT, "build", "release"), metavar="DIR")
    p.add_argument("--runs", type=int, default=50, metavar="N", help="of which the fastest counts (50)")
    args = p.parse_args()
    totals = pinhole(args, "analyze", "lenet5", "--threads", "1", "--peak", "measure")["totals"]
    gbs = totals["peak_bytes_per_second"] / 1e9
    print("| network | GFLOP/s, GB/s | floor, ms | measured, ms | floor / measured |\n|---|---|---|---|---|")
    for network in args.networks:
        run = pinhole(args, "bench", "--layers", "--quiet", "--threads", "1", "--iters", str(args.runs), network)
        peak = run["peak_gflops"]
        floor = sum(max(2e-6 * macs / peak, 1e-6 * size / gbs) for macs, size in map(work, run["layers"]))
        best = run["min_ms"]
        print(f"| {network} | {peak:.0f}, {gbs:.0f} | {floor:.2f} | {best:.2f} | {100 * floor / best:.0f} % |", flush=True)


if __name__ == "__main__":
    main()
