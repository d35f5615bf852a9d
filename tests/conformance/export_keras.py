#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Export Keras's networks with tf2onnx: images stay [n,h,w,c], with Transposes round convolutions.

Not a test, for TensorFlow is heavy: see export_torch.py, whose counterpart this is.

    python export_keras.py DIR [--only NAME] [--list]

needs tensorflow (or tensorflow-cpu), tf-keras and tf2onnx. Weights are random, from a fixed seed.
"""
import argparse
import os
import sys
import time

SEED = 20151210

# name in tf.keras.applications: (size of the image, keywords)
NETWORKS = {
    "MobileNet": (64, {}),
    "MobileNetV2": (64, {}),
    "MobileNetV3Small": (64, {"minimalistic": False}),
    "ResNet50": (64, {}),
    "ResNet50V2": (64, {}),
    "EfficientNetB0": (64, {}),
    "EfficientNetV2B0": (64, {}),
    "DenseNet121": (64, {}),
    "InceptionV3": (96, {}),
    "InceptionResNetV2": (96, {}),
    "Xception": (96, {}),
    "NASNetMobile": (64, {}),
    "VGG16": (32, {"include_top": False, "pooling": "avg"}),
    "ConvNeXtTiny": (64, {}),
    "RegNetX002": (64, {}),
}

# opset, are the batch and the image left open?, is the input to be [n,c,h,w]?
FORMS = [(13, "", False), (17, "image", False), (11, "batch", True), (9, "batch", False)]
BOTH = {"MobileNet", "MobileNetV3Small", "EfficientNetB0", "ResNet50"}  # in every form


def label(form):
    opset, free, nchw = form
    return f"tf{opset}" + (f"-{free}" if free else "") + ("-nchw" if nchw else "")


def chosen():
    for number, name in enumerate(NETWORKS):
        for form in FORMS if name in BOTH else FORMS[number % 3:number % 3 + 1]:
            yield name, form


def build(name, free, tf):
    tf.keras.utils.set_random_seed(SEED)
    size, keywords = NETWORKS[name]
    shape = (size, size, 3)
    if free == "image":
        shape, keywords = (None, None, 3), {**keywords, "include_top": False, "pooling": "avg"}
    model = getattr(tf.keras.applications, name)(weights=None, input_shape=shape, **keywords)
    settle(model, size, tf)
    return model, size


def settle(model, size, tf):
    """Statistics of batch normalisation from noise, none of them near nothing."""
    norms = [layer for layer in model.layers
             if isinstance(layer, tf.keras.layers.BatchNormalization)]
    noise = tf.random.uniform((4, size, size, 3), seed=SEED) * 2 - 0.5
    for norm in norms:
        norm.momentum = 0.1
    if norms:
        for _ in range(2):
            model(noise, training=True)
    for norm in norms:
        variance = norm.moving_variance
        variance.assign(0.5 * variance + 0.5 * tf.reduce_mean(variance))


def export(model, size, form, path, tf, tf2onnx):
    opset, free, nchw = form
    shape = {"": (1, size, size, 3), "batch": (None, size, size, 3),
             "image": (None, None, None, 3)}[free]
    spec = (tf.TensorSpec(shape, tf.float32, name="image"),)
    tf2onnx.convert.from_keras(model, input_signature=spec, opset=opset, output_path=path,
                               inputs_as_nchw=["image"] if nchw else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="DIR", nargs="?", default="")
    parser.add_argument("--only", default="", help="exports whose name contains this")
    parser.add_argument("--list", action="store_true", help="print the names, export nothing")
    args = parser.parse_args()
    names = [(n, f) for n, f in chosen() if args.only in f"{n}-{label(f)}"]
    if args.list:
        print("\n".join(f"{n}-{label(f)}" for n, f in names))
        return 0
    if not args.folder:
        parser.error("give a folder to write to")
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    import tensorflow as tf
    import tf2onnx
    tf.config.threading.set_intra_op_parallelism_threads(1)
    os.makedirs(args.folder, exist_ok=True)
    n_failed = 0
    for name, form in names:
        path = os.path.join(args.folder, f"{name}-{label(form)}.onnx")
        if os.path.exists(path):
            continue
        start = time.monotonic()
        try:
            tf.keras.backend.clear_session()
            model, size = build(name, form[1], tf)
            export(model, size, form, path, tf, tf2onnx)
            said = "ok"
        except Exception as error:  # an exporter that cannot: say so and go on
            said = f"FAILED {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
            n_failed += 1
        print(f"{name}-{label(form)}: {said} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{len(names) - n_failed} of {len(names)} exports, TensorFlow {tf.__version__}, "
          f"tf2onnx {tf2onnx.__version__}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
