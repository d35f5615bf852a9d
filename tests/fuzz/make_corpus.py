#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the seeds of the fuzz targets: small files that between them use every part of the formats.

usage: make_corpus.py [DIR]     (default: corpus/ beside this file; needs numpy and onnx)

The files are kept in the tree; run this again only to change them.
"""
import gzip
import io
import os
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from operator_seeds import operator_seeds


def floats(*shape):
    return np.linspace(-1, 1, int(np.prod(shape)) or 1, dtype="f4")[: int(np.prod(shape))].reshape(shape)


def init(name, array):
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, inits=(), opset=13, ir=8, value_info=(), **kw):
    g = h.make_graph(nodes, "g", inputs, outputs, list(inits), value_info=list(value_info))
    m = h.make_model(g, opset_imports=[h.make_opsetid("", opset)], producer_name="seed", **kw)
    m.ir_version = ir
    return m


def image(name="x", shape=("N", 2, 5, 5)):
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def result(name="y", shape=None):
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def onnx_models():
    n = h.make_node
    yield "conv", model(
        [n("Conv", ["x", "w", "b"], ["c"], name="conv", kernel_shape=[3, 3], pads=[1, 0, 1, 2],
           strides=[2, 1], dilations=[1, 1], group=2),
         n("BatchNormalization", ["c", "s", "o", "m", "v"], ["n"], epsilon=1e-3),
         n("Clip", ["n", "", "six"], ["k"]),
         n("MaxPool", ["k"], ["p"], kernel_shape=[2, 2], ceil_mode=1, auto_pad="SAME_UPPER"),
         n("GlobalAveragePool", ["p"], ["a"]),
         n("Flatten", ["a"], ["f"]),
         n("Gemm", ["f", "fw", "fb"], ["z"], transB=1),
         n("Softmax", ["z"], ["y"], axis=-1)],
        [image()], [result(shape=["N", 3])],
        [init("w", floats(4, 1, 3, 3)), init("b", floats(4))] +
        [init(k, np.ones(4, "f4")) for k in "somv"] +
        [init("six", np.float32(6)), init("fw", floats(3, 4)), init("fb", floats(3))])
    yield "shapes", model(
        [n("Shape", ["x"], ["sh"]),
         n("Constant", [], ["k"], value=init("inner", np.array([0, -1], "i8"))),
         n("Reshape", ["x", "k"], ["r"]),
         n("Transpose", ["r"], ["t"], perm=[1, 0]),
         n("Unsqueeze", ["t", "ax"], ["u"]),
         n("Squeeze", ["u", "ax"], ["q"]),
         n("Pad", ["q", "pads"], ["p"], mode="reflect"),
         n("ReduceMean", ["p"], ["y"], axes=[0], keepdims=0)],
        [image(shape=(2, 3))], [result()],
        [init("ax", np.array([0])), init("pads", np.array([0, 1, 0, 1]))])
    yield "elementwise", model(
        [n("Add", ["x", "w"], ["a"]), n("Mul", ["a", "a"], ["b"]), n("Sub", ["b", "w"], ["c"]),
         n("Div", ["c", "w"], ["d"]), n("Sum", ["d", "a", "b"], ["e"]),
         n("Concat", ["e", "d"], ["f"], axis=1), n("LeakyRelu", ["f"], ["g"], alpha=0.1),
         n("HardSigmoid", ["g"], ["hs"], alpha=0.2, beta=0.5), n("Sigmoid", ["hs"], ["s"]),
         n("Tanh", ["s"], ["t"]), n("LRN", ["t"], ["l"], size=3), n("Dropout", ["l"], ["y"])],
        [image()], [result()], [init("w", floats(2, 1, 1))])
    yield "no_names", model([n("Relu", ["x"], ["a"]), n("Relu", ["a"], ["y"])], [image()], [result()])
    yield "unsorted", model([n("Relu", ["a"], ["y"]), n("Relu", ["x"], ["a"])], [image()], [result()])
    yield "old", model([n("Add", ["x", "w"], ["y"])], [image(), image("w", (1,))], [result()],
                       [init("w", floats(1))], opset=7, ir=3)
    m = model([n("Relu", ["x"], ["y"])], [image()], [result()], ir=2)
    del m.opset_import[:]
    yield "implied_opset", m
    m = model(
        [n("Mystery", ["x", ""], ["y", "", "z"], domain="com.example", f=0.5, i=-1, s="text",
           t=init("inner", floats(2)), floats=[1.0, 2.0], ints=[1, -(2 ** 63)], strings=["a", ""],
           tensors=[init("t0", floats(1))], tp=h.make_tensor_type_proto(T.FLOAT, [1]),
           words=h.make_tensor("words", T.STRING, [2], [b"one", b"two"]))],
        [image()], [result(), result("z")])
    m.opset_import.extend([h.make_opsetid("com.example", 1)])
    yield "attributes", m
    then = h.make_graph([n("Relu", ["x"], ["b"])], "then", [], [result("b")])
    yield "subgraph", model(
        [n("If", ["cond"], ["y"], then_branch=then, else_branch=then)],
        [image(), h.make_tensor_value_info("cond", T.BOOL, [])], [result()])
    f = h.make_function("local", "Relu6", ["a"], ["b"], [n("Clip", ["a"], ["b"])],
                        [h.make_opsetid("", 13)])
    m = model([n("Relu6", ["x"], ["y"], domain="local")], [image()], [result()], functions=[f])
    m.opset_import.extend([h.make_opsetid("local", 1)])
    yield "function", m
    m = model([n("Relu", ["x"], ["y"], name="r", doc_string="node")], [image()], [result()],
              value_info=[image("nobody"), image("y")], doc_string="model")
    h.set_model_props(m, {"author": "nobody", "empty": ""})
    m.graph.doc_string = "graph"
    m.graph.input[0].doc_string = "input"
    m.graph.input[0].type.denotation = "IMAGE"
    m.graph.input[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    q = m.graph.quantization_annotation.add()
    q.tensor_name = "x"
    yield "everything_else", m
    m = model([n("SequenceAt", ["x", "i"], ["y"])],
              [h.make_tensor_sequence_value_info("x", T.FLOAT, None),
               h.make_tensor_value_info("i", T.INT64, [])], [result()])
    yield "sequence", m
    typed = []
    for t, values in [(T.FLOAT, [1.5, -2]), (T.DOUBLE, [1.5, -2]), (T.INT32, [-1, 2]),
                      (T.INT64, [-1, 2]), (T.UINT8, [0, 255]), (T.INT8, [-128, 127]),
                      (T.UINT16, [0, 65535]), (T.INT16, [-32768, 32767]), (T.BOOL, [True, False]),
                      (T.UINT32, [0, 2 ** 32 - 1]), (T.UINT64, [0, 2 ** 64 - 1]),
                      (T.FLOAT16, [1, 2]), (T.BFLOAT16, [1, 2]), (T.COMPLEX64, [1 + 2j, 3]),
                      (T.COMPLEX128, [1 + 2j, 3])]:
        typed.append(h.make_tensor("t%d" % t, t, [2], values))
    yield "typed_data", model([n("Relu", ["x"], ["y"])], [image()], [result()], typed)
    yield "scalars", model([n("Add", ["x", "w"], ["y"])], [image(shape=())], [result(shape=())],
                           [init("w", np.float32(1)), init("none", np.zeros((0, 3), "f4"))])
    m = model([n("Add", ["x", "w"], ["y"])], [image()], [result()], [init("w", floats(1))])
    w = m.graph.initializer[0]
    w.ClearField("raw_data")
    w.data_location = T.EXTERNAL
    for k, v in [("location", "../w.bin"), ("offset", "0"), ("length", "4")]:
        w.external_data.add(key=k, value=v)
    yield "external", m
    m = model([n("Add", ["x", "w"], ["y"])], [image()], [result()])
    m.graph.sparse_initializer.add(values=init("w", floats(1)), indices=init("i", np.array([0])),
                                   dims=[4])
    yield "sparse", m
    yield "cycle", model([n("Add", ["x", "y"], ["y"])], [image()], [result()])
    m = model([n("Relu", ["x"], ["y"])], [image()], [result()], [init("w", floats(1))])
    m.graph.initializer[0].dims[0] = 2 ** 63 - 1
    yield "huge", m


def onnx_seeds():
    for name, m in onnx_models():
        yield name + ".onnx", m.SerializeToString(deterministic=True)
    yield from operator_seeds()
    yield "empty.onnx", b""
    yield "no_graph.onnx", b"\x08\x08"


def npy_seeds():
    def save(a, version=(1, 0)):
        f = io.BytesIO()
        np.lib.format.write_array(f, a, version=version, allow_pickle=False)
        return f.getvalue()

    def header(text, data=b"\0" * 8):
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data

    for t in ["?", "i1", "u1", "<i2", ">u2", "<i4", ">u4", "<i8", ">u8", "<f2", "<f4", ">f4", "<f8",
              "<c8", ">c16"]:
        name = np.dtype(t).name + ("_be" if t[0] == ">" else "")
        yield name + ".npy", save(np.arange(6).reshape(2, 3).astype(t))
    yield "fortran.npy", save(np.asfortranarray(np.arange(24, dtype="u1").reshape(2, 3, 4)))
    yield "version2.npy", save(np.arange(2, dtype="f4"), (2, 0))
    yield "version3.npy", save(np.arange(2, dtype="f4"), (3, 0))
    yield "scalar.npy", save(np.array(1.5, "f4"))
    yield "empty.npy", save(np.zeros((0, 7), "f4"))
    yield "rank8.npy", save(np.zeros((1,) * 8, "u1"))
    yield "structured.npy", save(np.zeros(1, [("a", "<i4"), ("b", "<f4")]))
    yield "strings.npy", save(np.array(["ab", "c"]))
    yield "object.npy", header(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n")
    yield "python2.npy", header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }\n")
    yield "huge.npy", header(b"{'descr':'<f4','fortran_order':True,'shape':(4294967296,4294967296)}")
    yield "code.npy", header(b"{'descr': '<f4', 'fortran_order': f(), 'shape': (2,)}")
    yield "nothing.npy", b""


def net_seeds():
    """Short texts; the target also runs over the networks in the box (src/zoo)."""
    texts = {
        "small": "network small\ntitle a title\ninput x 1x8x8\nconv 3x3 4 pad 1\nrelu\nmaxpool 2x2 / 2\n"
                 "conv 1x1 3\nglobalavgpool\nsoftmax\noutput softmax_1\n",
        "macro": "macro block k n=1\n  repeat n\n    conv 3x3 k pad 1\n    relu\n  end\nend\n"
                 "input x 3x8x8\nblock 4 n=2\nb: block 8\noutput b\n",
        "split": "input x 3x8x8\nsplit\nbranch\n  conv 1x1 2\nbranch\n  conv 3x3 2 pad 1\nbranch\n"
                 "j: join concat\nsplit\nbranch\nbranch\n  relu\njoin add\n",
        "cccp": "input x 1x8x8; conv 5x5 8 pad 2; cccp 4; cccp_bn 2; conv_bn_relu 3 4; globalavgpool\n",
        "blocks": "input x 4x8x8\ninception 2 2 4 1 2 2\nbottleneck 2 8\nbasic 8 / 2\n",
        "numbers": "input x 3x8x8\nlabel: conv 3x3 (2*c+1)/(h-7) / 2 pad 1 # comment\nif c < 2\nrelu\n"
                   "else\ntanh\nend\nconv 1x1 (c/2)\n",
        "layers": "input x 4x8x8\nnormalize 0.5 0.5 0.5 0.5 / 0.2\ndepthwise 3x3 / 1 pad same multiplier 2\nbn epsilon "
                  "0.001\nlrn 3 alpha 0.1 beta 0.75 k 2\nrelu6\nleakyrelu 0.1\nclip -1 1\nsigmoid\n"
                  "hardsigmoid\nhardswish\nidentity\navgpool 2x2 / 2 pad 0 1 0 1 ceil count_pad\n"
                  "globalmaxpool\ndropout 0.3\nflatten\nfc 3 nobias\nlogsoftmax\n",
        "joins": "input x 2x4x4\na: conv 1x1 2\nb: conv 1x1 2 from x\nadd a\nsub b\nmul a\ndiv b\n"
                 "concat a b\nv: value\noutput v a\n",
        "shapes": "input x 2x4x4\npad 1 1 0 0\ntranspose 0 2 3 1\nreshape 50\n",
        "family": "paper A 2015; B, table 1\nnote a note\nnetwork one.5 n=2 k=1e1\ntitle One\npublished "
                  "parameters 0.27M table 6\npublished macs 3.8e9 table 1\nnote \xc3\xa4nother\nnetwork two n=3\n"
                  "macro m n\nrepeat n\nconv 1x1 n\nend\nend\ninput x 1x4x4\nm n+1\noutput\nif n == 2 and c > 1"
                  "\ny: relu\noutput y\nend\n",
        "families": "network a\nnetwork a\nnetwork b x=1 x=2\ninput x 1x1x1\nnetwork c\n",
        "prose": "title\npaper\npublished\npublished macs\npublished parameters x\nnote \x1b\n",
        "mobile": "input x 2x8x8\nseparable 4 / 2\ninverted_residual 6 4\ninverted_residual 1 3 / 2\n"
                  "conv_bn_relu6 3 4\n",
        "dense": "input x 2x8x8\ndense_layer 2\ndense_layer 2\ndense_transition\nfire 1 2 3\n",
        "zeros": "input x 2x8x8\nbasic 4 / 2 zeros=1\nbottleneck 1 4 stride3=2\npad 0 1 channels 1 2 value 3\n"
                 "turn: repeat 2\nr: relu\nend\nadd turn/1/r\n",
        "bomb": "macro a n\n repeat n\n  repeat n\n   relu\n  end\n end\nend\ninput x 1x1x1\n"
                "a 1000000000\n",
        "weights": "input x 65536x1x1\nconv 1x1 65536\nconv 1x1 65536\n",
        "bad": "network\nend\nend\nrepeat 99999999999999999999\nconv -1 x\n\t: :\n",
        "deep": "macro a\na\nend\ninput x 1x1x1\na\n",
        "parentheses": "input x 1x1x1\nconv 1x1 " + "(" * 40 + "1" + ")" * 40 + "\n",
        "not_text": "input x 1x8x8\n\xff\0\x1b[2J",
        "empty": "",
    }
    for name, text in texts.items():
        yield name + ".net", text.encode("latin-1")


def dataset_seeds():
    """See fuzz_dataset.c for the frame."""
    def idx(magic, dims, data):
        return struct.pack(">I", magic) + b"".join(struct.pack(">I", d) for d in dims) + data

    def frame(labels, images, gz=False):
        if gz:
            labels, images = gzip.compress(labels, mtime=0), gzip.compress(images, mtime=0)
        return bytes([int(gz)]) + struct.pack(">H", len(labels)) + labels + images

    labels, images = idx(0x801, [3], b"\0\x05\x09"), idx(0x803, [3, 2, 4], bytes(range(0, 240, 10)))
    yield "idx", frame(labels, images)
    yield "idx_gz", frame(labels, images, True)
    yield "label_10", frame(idx(0x801, [3], b"\0\x0a\x09"), images)
    yield "fewer_labels", frame(idx(0x801, [2], b"\0\x05"), images)
    yield "promises", frame(labels, idx(0x803, [9999999, 4096, 4096], b"\0" * 9))
    yield "no_images", frame(labels, idx(0x803, [0, 4, 4], b""))
    yield "extra", frame(labels, images + b"\0")
    yield "bomb_gz", frame(labels, idx(0x803, [9999, 40, 40], b"\0" * 100000), True)
    cut = frame(labels, images, True)
    yield "cut_gz", cut[:-9]
    yield "cifar", b"\x02" + (b"\x07" + bytes(i % 256 for i in range(3072))) * 2
    yield "cifar_label", b"\x02\x0a" + b"\0" * 3072
    yield "cifar_cut", b"\x02\x01" + b"\0" * 3000
    yield "empty", b""


def checkpoint_seeds():
    """Changes of the good checkpoint that the target makes; see fuzz_checkpoint.c."""
    yield "good", b"patch"
    for at in (0, 1, 2, 40, 200, 500, 900, 1500):
        yield f"patch_{at}", b"patch" + struct.pack(">HB", at, 0x5a)
    yield "empty", b""
    yield "text", b"not a checkpoint"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "corpus")
    for folder, seeds in [("onnx", onnx_seeds), ("npy", npy_seeds), ("net", net_seeds),
                          ("dataset", dataset_seeds), ("checkpoint", checkpoint_seeds)]:
        os.makedirs(os.path.join(root, folder), exist_ok=True)
        for name, data in seeds():
            with open(os.path.join(root, folder, name), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    main()
