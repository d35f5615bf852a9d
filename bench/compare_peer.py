#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Another engine's side of compare.py: a process that keeps one network ready and runs it on demand.

    python compare_peer.py ENGINE MODEL DIMS INPUT OUTPUT THREADS

The protocol is that of bench/worker.c. MODEL is an ONNX file; ncnn takes what pnnx made of it, a
.param file with its .bin beside it. All compute in float32: OpenVINO and ncnn are told so, since they
would use half precision or bfloat16 where the CPU has them.

An engine is a function (model, x, threads) -> (run, fetch): `run()` computes once, on the same input
each time and without copies that the engine can do without; `fetch()` gives the last output.
"""
import json
import os
import sys
import time

import numpy


def onnxruntime(model, x, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, x)
    output = session.get_outputs()[0]
    y = numpy.zeros([len(x)] + output.shape[1:], numpy.float32)  # the number of images may be open
    binding.bind_output(output.name, "cpu", 0, numpy.float32, y.shape, y.ctypes.data)
    return lambda: session.run_with_iobinding(binding), lambda: y


def openvino(model, x, threads):
    import openvino as ov
    compiled = ov.Core().compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(x, shared_memory=True))
    return request.infer, lambda: request.get_output_tensor(0).data


def ncnn(model, x, threads, winograd=True):
    import ncnn as nc
    net = nc.Net()
    net.opt.num_threads = threads
    net.opt.use_winograd_convolution = winograd
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage",
                 "use_bf16_packed"):
        if hasattr(net.opt, name):
            setattr(net.opt, name, False)
    if net.load_param(model) or net.load_model(os.path.splitext(model)[0] + ".bin"):
        raise RuntimeError("ncnn cannot load what pnnx made")
    source, last = nc.Mat(x[0]), []  # ncnn has no batches

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", source)
        status, y = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn's extract gave {status}")
        last[:] = [y]

    return run, lambda: numpy.array(last[0])


def ncnn_direct(model, x, threads):
    return ncnn(model, x, threads, winograd=False)


def torch(model, x, threads):
    """PyTorch with oneDNN: frozen TorchScript, channels last, optimised for inference."""
    import torch as pt
    from compare_torch import from_onnx
    pt.set_num_threads(threads)
    last = []
    with pt.inference_mode():
        image = pt.from_numpy(x).contiguous(memory_format=pt.channels_last)
        net = from_onnx(model).eval().to(memory_format=pt.channels_last)
        net = pt.jit.optimize_for_inference(pt.jit.freeze(pt.jit.trace(net, image)))

    def run():
        with pt.inference_mode():
            last[:] = [net(image)]

    return run, lambda: last[0].numpy()


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "ncnn": ncnn,
           "ncnn-direct": ncnn_direct, "torch": torch}


def memory(key):
    """VmHWM (the most so far) or VmRSS of this process, bytes; 0 where there is no /proc."""
    try:
        with open("/proc/self/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))
    except (OSError, StopIteration):
        return 0


def timed(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def version(engine):
    import importlib.metadata
    return importlib.metadata.version(engine.split("-")[0])


def main():
    engine, model, dims, source, target, threads = sys.argv[1:7]
    answers = os.fdopen(os.dup(1), "w")  # engines may print; answers keep standard output alone
    os.dup2(2, 1)
    x = numpy.fromfile(source, numpy.float32).reshape([int(d) for d in dims.split("x")])
    before = memory("VmRSS")
    import_seconds, _ = timed(lambda: __import__(engine.split("-")[0]))
    load, (run, fetch) = timed(lambda: ENGINES[engine](model, x, int(threads)))
    first, _ = timed(run)
    peak = memory("VmHWM")
    numpy.asarray(fetch(), numpy.float32).tofile(target)
    print(json.dumps({"version": version(engine), "import": import_seconds, "load": load,
                      "first": first, "before": before, "peak": peak}), file=answers, flush=True)
    for line in sys.stdin:
        times = [timed(run)[0] for _ in range(int(line))]
        print(" ".join(f"{t:.9f}" for t in times), file=answers, flush=True)


if __name__ == "__main__":
    main()
