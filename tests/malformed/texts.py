# SPDX-License-Identifier: MIT
"""Everything that is not a model in ONNX: network texts, arrays, data sets, checkpoints, commands."""
import gzip
import os
import struct

import wire as w
from cases import Case

HEAD = "input x 3x8x8\n"


def net(name, text, message, status=3):
    data = text if isinstance(text, bytes) else text.encode()
    return Case("net_" + name, status, message, files={"m.net": data}, model="m.net")


def networks():
    for name, text, words in [
            ("empty", "", r"m\.net:1:1: the text is empty"),
            ("only_comments", "# nothing\n\n", r"m\.net:\d+:\d+: "),
            ("zero_byte", HEAD.encode() + b"relu\0\n", r"m\.net:2:5: a zero byte"),
            ("binary", b"\xff\xfe\x00", r"m\.net:1:\d+: "),
            ("not_utf8", HEAD.encode() + b"\xff\xff: relu\n", r"m\.net:2:\d+: "),
            ("escape", HEAD + "\x1b[31mrelu\n", r"m\.net:2:1: "),
            ("long_line", HEAD + "relu " + "x" * 5000 + "\n", r"m\.net:2:\d+: .*1000"),
            ("long_name", HEAD + "n" * 900 + ": relu\n", r"m\.net:2:\d+: a name of 900 letters; at most 64"),
            ("too_long", "# " + "x" * 500 + "\n" + ("# " + "y" * 500 + "\n") * 2200, r"1048576|at most"),
            ("no_input", "relu\n", r"m\.net:1:1: "),
            ("input_twice", HEAD + HEAD + "relu\n", r"m\.net:2:\d+: "),
            ("input_no_shape", "input x\n", r"m\.net:1:\d+: a shape"),
            ("input_zero", "input x 3x0x8\n", r"m\.net:1:\d+: "),
            ("input_negative", "input x 3x-8x8\n", r"m\.net:1:\d+: "),
            ("input_2_40", "input x 1099511627776x1x1\n", r"m\.net:1:\d+: .*too large"),
            ("input_nine", "input x 1x1x1x1x1x1x1x1x1\n", r"m\.net:1:\d+: more than \d dimensions"),
            ("input_product", "input x 2147483647x2147483647x2147483647\nrelu\n", r"m\.net:1:\d+: input 'x' has more elements than can be counted"),
            ("unknown_word", HEAD + "convolute 3x3 4\n", r"m\.net:2:1: .*'convolute'"),
            ("nearly", HEAD + "cnov 3x3 4\n", r"m\.net:2:1: .*'cnov'"),
            ("conv_nothing", HEAD + "conv\n", r"m\.net:2:\d+: "),
            ("conv_kernel_0", HEAD + "conv 0x0 4\n", r"m\.net:2:\d+: "),
            ("conv_channels_0", HEAD + "conv 1x1 0\n", r"m\.net:2:\d+: "),
            ("conv_channels_negative", HEAD + "conv 1x1 -4\n", r"m\.net:2:\d+: "),
            ("conv_stride_0", HEAD + "conv 3x3 4 / 0\n", r"m\.net:2:\d+: "),
            ("conv_larger", HEAD + "conv 9x9 4\n", r"m\.net:2:\d+: .*9"),
            ("conv_groups", HEAD + "conv 1x1 4 groups 2\n", r"m\.net:2:\d+: .*(group|multiple|channels)"),
            ("conv_groups_0", HEAD + "conv 1x1 4 groups 0\n", r"m\.net:2:\d+: "),
            ("conv_extra", HEAD + "conv 1x1 4 surprise\n", r"m\.net:2:\d+: .*'surprise'"),
            ("conv_weights", HEAD + "conv 1x1 2000000000\n", r"m\.net:2:\d+: \d+ weights, after 0 before; at most \d+"),
            ("number_2_64", HEAD + "conv 1x1 18446744073709551616\n", r"m\.net:2:\d+: .*too large"),
            ("number_of_digits", HEAD + "conv 1x1 " + "9" * 800 + "\n", r"m\.net:2:\d+: .*too large"),
            ("number_hex", HEAD + "conv 1x1 0x10\n", r"m\.net:2:\d+: "),
            ("number_exponent", HEAD + "conv 1x1 1e3\n", r"m\.net:2:\d+: "),
            ("divide_by_0", HEAD + "conv 1x1 (4/0)\n", r"m\.net:2:\d+: "),
            ("product_2_64", HEAD + "conv 1x1 2147483647*2147483647*2147483647\n", r"m\.net:2:\d+: .*too large"),
            ("parentheses", HEAD + "conv 1x1 " + "(" * 100 + "1" + ")" * 100 + "\n", r"m\.net:2:\d+: too many parentheses"),
            ("parenthesis_open", HEAD + "conv 1x1 (1+\n", r"m\.net:2:\d+: "),
            ("name_twice", HEAD + "a: relu\na: relu\n", r"m\.net:3:\d+: .*'a'"),
            ("name_of_input", HEAD + "x: relu\n", r"m\.net:2:\d+: .*'x'"),
            ("name_nothing", HEAD + ": relu\n", r"m\.net:2:1: "),
            ("from_nobody", HEAD + "relu from ghost\n", r"m\.net:2:\d+: .*'ghost'"),
            ("output_nobody", HEAD + "relu\noutput ghost\n", r"m\.net:3:\d+: .*'ghost'"),
            ("dead_end", HEAD + "a: relu\ntanh from x\n", r"m\.net:2:\d+: nothing uses 'a'"),
            ("branch_alone", HEAD + "branch\n", r"m\.net:2:1: "),
            ("join_alone", HEAD + "join add\n", r"m\.net:2:1: "),
            ("split_open", HEAD + "split\nbranch\nrelu\n", r"m\.net:\d+:\d+: "),
            ("split_one", HEAD + "split\njoin add\n", r"m\.net:\d+:\d+: "),
            ("join_how", HEAD + "split\nbranch\nbranch\njoin glue\n", r"m\.net:5:6: 'concat', 'add' or 'mul' was wanted"),
            ("join_shapes", HEAD + "split\nbranch\nconv 1x1 4\nbranch\njoin add\n", r"m\.net:6:\d+: "),
            ("split_65", HEAD + "split\n" + "branch\n" * 65 + "join add\n", r"m\.net:\d+:\d+: .*6[45]"),
            ("split_deep", HEAD + "split\nbranch\n" * 40, r"m\.net:\d+:\d+: "),
            ("end_alone", HEAD + "end\n", r"m\.net:2:1: "),
            ("else_alone", HEAD + "else\n", r"m\.net:2:1: "),
            ("if_open", HEAD + "if c < 4\nrelu\n", r"m\.net:2:\d+: |m\.net:\d+:\d+: "),
            ("if_condition", HEAD + "if c\nrelu\nend\n", r"m\.net:2:\d+: "),
            ("repeat_negative", HEAD + "repeat -1\nrelu\nend\n", r"m\.net:2:\d+: "),
            ("repeat_bomb", HEAD + "repeat 2000000000\nrelu\nend\n", r"m\.net:\d+:\d+: more than \d+ (nodes|statements)"),
            ("repeat_nothing", HEAD + "repeat 2000000000\nend\nrelu\n", r"m\.net:\d+:1: the text comes to more than 100000 statements"),
            ("repeat_nested", HEAD + "repeat 100000\n" * 10 + "if 0 < 1\nend\n" + "end\n" * 10 + "relu\n", r"m\.net:\d+:1: the text comes to more than 100000 statements"),
            ("repeat_deep", HEAD + "repeat 1\n" * 17 + "relu\n" + "end\n" * 17, r"m\.net:\d+:\d+: .*16"),
            ("macro_open", "macro a\nrelu\n" + HEAD, r"m\.net:\d+:\d+: "),
            ("macro_itself", "macro a\na\nend\n" + HEAD + "a\n", r"macros call each other more than 32 deep; does one call itself"),
            ("macro_each_other", "macro a\nb\nend\nmacro b\na\nend\n" + HEAD + "a\n", r"macros call each other more than 32 deep"),
            ("macro_bomb", "macro m0\nrelu\nend\n" + "".join("macro m%d\n%send\n" % (k, ("m%d\n" % (k - 1)) * 10) for k in range(1, 20)) + HEAD + "m19\n",
             r"more than \d+ (nodes|statements)"),
            ("macro_twice", "macro a\nend\nmacro a\nend\n" + HEAD, r"m\.net:3:\d+: .*'a'"),
            ("macro_of_layer", "macro conv\nend\n" + HEAD, r"m\.net:1:\d+: .*'conv'"),
            ("macro_parameters", "macro a k k\nend\n" + HEAD, r"m\.net:1:\d+: "),
            ("macro_17_parameters", "macro a " + " ".join("p%d" % k for k in range(17)) + "\nend\n" + HEAD, r"m\.net:1:\d+: more than 16 parameters"),
            ("macro_missing_argument", "macro a k\nconv 1x1 k\nend\n" + HEAD + "a\n", r"m\.net:5:\d+: .*'k'|m\.net:5:\d+: "),
            ("macro_too_many", "macro a\nrelu\nend\n" + HEAD + "a 1 2\n", r"m\.net:5:\d+: "),
            ("macro_unknown_argument", "macro a k=1\nconv 1x1 k\nend\n" + HEAD + "a q=2\n", r"m\.net:5:\d+: .*'q'"),
            ("macros_1001", "".join("macro q%d\nend\n" % k for k in range(1001)) + HEAD, r"more than 1000 macros"),
            ("dropout", HEAD + "dropout 1.5\n", r"m\.net:2:\d+: "),
            ("bn_epsilon", HEAD + "bn epsilon -1\n", r"m\.net:2:\d+: "),
            ("clip_order", HEAD + "clip 3 1\n", r"m\.net:2:\d+: "),
            ("normalize_count", HEAD + "normalize 1 2 / 3\n", r"m\.net:2:\d+: "),
            ("normalize_0", HEAD + "normalize 1 2 3 / 0 1 1\n", r"m\.net:2:\d+: "),
            ("reshape_count", HEAD + "reshape 7x7\n", r"m\.net:2:\d+: "),
            ("transpose_twice", HEAD + "transpose 0 1 1 2\n", r"m\.net:2:\d+: "),
            ("pool_larger", HEAD + "maxpool 9x9\n", r"m\.net:2:\d+: "),
            ("concat_nothing", HEAD + "concat\n", r"m\.net:2:\d+: ")]:
        yield net(name, text, words)


def npy(name, data, message, status=3, **kw):
    return Case("npy_" + name, status, message, files={"x.npy": data, "m.net": b"input x 2x1x1\nrelu\n"},
                command=["run", "m.net", "--input", "x.npy"], **kw)


def header(text, data=b"", version=1):
    text = text.encode() if isinstance(text, str) else text
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def arrays():
    good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 1, 1), }\n"
    d = lambda **kw: "{" + ", ".join("'%s': %s" % (k, v) for k, v in
                                     {"descr": "'<f4'", "fortran_order": "False", "shape": "(2,)", **kw}.items()) + "}\n"
    for name, data, words, *status in [
            ("empty", b"", r"'x\.npy' is not a \.npy file"),
            ("text", b"not an array", r"'x\.npy' is not a \.npy file"),
            ("magic_only", b"\x93NUMPY", r"'x\.npy' is not a \.npy file"),
            ("version_0", header(good, version=1)[:6] + b"\0\0" + header(good)[8:], r"version 0\.0 of the \.npy format", 4),
            ("version_9", header(good)[:6] + b"\x09\0" + header(good)[8:], r"version 9\.0 of the \.npy format", 4),
            ("header_cut", header(good)[:40], r"the header needs \d+ bytes, the file has 30"),
            ("header_4_gb", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + good.encode(), r"the header needs 4294967295 bytes"),
            ("header_length_cut", b"\x93NUMPY\x02\0\xff\xff", r"ends within its header"),
            ("claims_2_40", header(d(shape="(1099511627776,)")), r"float32\[1099511627776\] needs 4398046511104 bytes, the file has 0"),
            ("claims_2_80", header(d(shape="(1099511627776, 1099511627776)")), r"is too large to address"),
            ("claims_2_64", header(d(shape="(18446744073709551616,)")), r"dimension 0 of the array is too large"),
            ("zero_hides", header(d(shape="(1099511627776, 1099511627776, 0)")), r"is too large to address"),
            ("short", header(good, b"\0" * 7), r"float32\[1,2,1,1\] needs 8 bytes, the file has 7"),
            ("long", header(good, b"\0" * 9), r"needs 8 bytes, the file has 9"),
            ("negative", header(d(shape="(-2,)")), r"byte \d+ of the header: a dimension is wanted"),
            ("nine", header(d(shape="(" + "1, " * 9 + ")"), b"\0" * 4), r"more than 8 dimensions", 4),
            ("not_a_tuple", header(d(shape="(2)")), r"byte \d+ of the header: ',' is wanted"),
            ("no_shape", header("{'descr': '<f4', 'fortran_order': False}"), r"each of 'descr', 'fortran_order' and 'shape' is wanted"),
            ("key_twice", header("{'descr': '<f4', 'descr': '<f4'}"), r"each key once only is wanted"),
            ("key_unknown", header("{'evil': 1}"), r"'descr', 'fortran_order' or 'shape' is wanted"),
            ("code", header("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (2,)}"), r"True or False is wanted"),
            ("open_string", header("{'descr"), r"a string that ends is wanted"),
            ("deep", header("(" * 60000), r"'\{' is wanted"),
            ("behind", header(d() + "x"), r"the end is wanted"),
            ("objects", header(d(descr="'|O'")), r"arrays of type '\|O' are not supported", 4),
            ("strings", header(d(descr="'<U9'")), r"arrays of type '<U9' are not supported", 4),
            ("structured", header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), r"structured arrays are not supported", 4),
            ("type_escape", header(d(descr="'\x1b[2J'")), r"arrays of type '\?\[2J' are not supported", 4),
            ("type_long", header(d(descr="'" + "f" * 50000 + "'")), r"arrays of type 'f+' are not supported", 4),
            ("type_long_double", header(d(descr="'<f16'")), r"arrays of type '<f16' are not supported", 4),
            ("wrong_type", header(d(descr="'<f8'", shape="(1, 2, 1, 1)"), b"\0" * 16), r"input 'x' is float32, but 'x\.npy' holds float64"),
            ("wrong_shape", header(d(shape="(1, 3, 1, 1)"), b"\0" * 12), r"input 'x' has shape .*, but 'x\.npy' holds")]:
        yield npy(name, data, words, *status)

    def huge(root):
        with open(os.path.join(root, "x.npy"), "wb") as f:
            f.write(header(d(shape="(%d,)" % (1 << 38))))
            f.truncate(f.tell() + (1 << 40))

    yield Case("npy_of_1_tb", 5, r"x\.npy.*needs at least 1 TiB, --max-mem is 256 MiB", files={"m.net": b"input x 2x1x1\nrelu\n"},
               command=["run", "m.net", "--input", "x.npy"], prepare=huge)
    yield Case("npy_is_pipe", 3, r"it is a pipe", files={"m.net": b"input x 2x1x1\nrelu\n"}, command=["run", "m.net", "--input", "x.npy"],
               prepare=lambda root: os.mkfifo(os.path.join(root, "x.npy")))


def idx(magic, dims, data):
    return struct.pack(">I", magic) + b"".join(struct.pack(">I", k) for k in dims) + data


IMAGES, LABELS = "d/t10k-images-idx3-ubyte", "d/t10k-labels-idx1-ubyte"
PIXELS = idx(0x803, [2, 28, 28], b"\0" * 1568)
NAMES = idx(0x801, [2], b"\0\1")


def data_set(name, files, message, status=3, kind="fashion-mnist", **kw):
    return Case("data_" + name, status, message, files=files, command=["eval", "lenet5", "--data", kind + ":d"], **kw)


def data_sets():
    zipped = gzip.compress(PIXELS, mtime=0)
    for name, images, labels, words, *status in [
            ("empty", b"", NAMES, r"idx3-ubyte: 0 bytes, too short for the header of 16 bytes"),
            ("magic", b"\0\0\x0d\3" + PIXELS[4:], NAMES, r"magic number 0x00000d03, wanted 0x00000803"),
            ("labels_as_images", NAMES + b"\0" * 20, NAMES, r"magic number 0x00000801, wanted 0x00000803"),
            ("none", idx(0x803, [0, 28, 28], b""), NAMES, r"count 0, wanted 1 to 10000000"),
            ("count_2_32", idx(0x803, [0xffffffff, 28, 28], b""), NAMES, r"count 4294967295, wanted 1 to 10000000"),
            ("side_0", idx(0x803, [2, 0, 28], b""), NAMES, r"images of 0 x 28, wanted 1 to 4096"),
            ("side_2_31", idx(0x803, [2, 1 << 31, 28], b""), NAMES, r"images of 2147483648 x 28"),
            ("promises_much", idx(0x803, [9999999, 4096, 4096], b"\0" * 100), NAMES, r"100 bytes behind the header, which announces 16777214322\d+"),
            ("short", PIXELS[:-1], NAMES, r"1567 bytes behind the header, which announces 1568"),
            ("long", PIXELS + b"\0", NAMES, r"goes on after the 1568 bytes that its header announces"),
            ("label_10", PIXELS, idx(0x801, [2], b"\0\x0a"), r"label 1 is 10, wanted 0 to 9"),
            ("labels_fewer", PIXELS, idx(0x801, [1], b"\0"), r"1 labels? for 2 images"),
            ("labels_short", PIXELS, NAMES[:-1], r"1 bytes behind the header, which announces 2"),
            ("labels_empty", PIXELS, b"", r"idx1-ubyte: 0 bytes, too short")]:
        yield data_set(name, {IMAGES: images, LABELS: labels}, words, *status)
    yield data_set("missing", {"d/x": b""}, r"neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte\.gz is there")
    yield data_set("no_folder", {}, r"neither t10k-images-idx3-ubyte nor")
    yield data_set("gz_cut", {IMAGES + ".gz": zipped[:-9], LABELS: NAMES}, r"ubyte\.gz: ends within its gzip data")
    yield data_set("gz_checksum", {IMAGES + ".gz": zipped[:-8] + b"\0" * 8, LABELS: NAMES}, r"ubyte\.gz: broken gzip data")
    yield data_set("gz_garbage", {IMAGES + ".gz": zipped[:12] + b"\x07" * 20, LABELS: NAMES}, r"ubyte\.gz: broken gzip data")
    zeros = gzip.compress(b"\0" * (1 << 25), mtime=0)
    bomb = gzip.compress(idx(0x803, [9999999, 28, 28], b""), mtime=0) + zeros * 16  # members follow each other
    yield data_set("gz_bomb", {IMAGES + ".gz": bomb, LABELS: NAMES}, r"out of memory.*needs at least .*--max-mem is 256 MiB", 5)
    yield data_set("is_pipe", {LABELS: NAMES}, r"idx3-ubyte: not a regular file",
                   prepare=lambda root: os.mkfifo(os.path.join(root, IMAGES)))
    record = b"\1" + b"\0" * 3072
    for name, data, words in [("empty", b"", r"test_batch\.bin: 0 bytes, wanted a whole number of records of 3073 bytes"),
                              ("cut", record[:-1], r"3072 bytes, wanted a whole number of records"),
                              ("label", record + b"\x0a" + record[1:], r"label of record 1 is 10, wanted 0 to 9")]:
        yield data_set("cifar_" + name, {"d/test_batch.bin": data}, words, kind="cifar10")
    yield data_set("cifar_missing", {"d/x": b""}, r"cannot open 'd/test_batch\.bin'", kind="cifar10")

    def tera(root):
        with open(os.path.join(root, "d/test_batch.bin"), "wb") as f:
            f.truncate(3073 << 28)

    yield data_set("cifar_of_1_tb", {"d/x": b""}, r"needs at least .*--max-mem is 256 MiB|more than 10000000 images", 5, kind="cifar10", prepare=tera)
    yield Case("data_kind", 2, r"option '--data': .*mnist", command=["eval", "lenet5", "--data", "mnist:d"])


def checkpoints():
    labels = idx(0x801, [8], bytes(range(8)))
    files = {"d/train-images-idx3-ubyte": idx(0x803, [8, 28, 28], b"\x55" * 8 * 784), "d/train-labels-idx1-ubyte": labels}
    resume = ["train", "lenet5", "--data", "fashion-mnist:d", "-o", "out.onnx", "--batch", "4", "--no-eval",
              "--checkpoint", "c.onnx", "--resume"]
    relu = w.model(w.graph(nodes=[w.relu()]))
    meta = lambda k, v: w.raw(w.METADATA, w.raw(1, k) + w.raw(2, v))
    for name, data, words in [
            ("missing", None, r"cannot open 'c\.onnx'"),
            ("empty", b"", r"c\.onnx: not an ONNX model"),
            ("text", b"hello", r"c\.onnx: ONNX model: malformed at byte \d"),
            ("model", relu, r"'c\.onnx' tells no seed: it is no checkpoint"),
            ("seed_only", relu + meta("pinhole.seed", "1"), r"c\.onnx: not a checkpoint of a training: metadata 'pinhole/train/epoch' is missing"),
            ("seed_text", relu + meta("pinhole.seed", "1; rm"), r"'c\.onnx' tells no seed"),
            ("epoch_only", relu + meta("pinhole.seed", "1") + meta("pinhole/train/epoch", "1"), r"c\.onnx: not a checkpoint of a training: metadata 'pinhole/train/\w+' is missing")]:
        yield Case("checkpoint_" + name, 3, words, files=dict(files, **({"c.onnx": data} if data is not None else {})), command=resume)


def measurements():
    command = ["bench", "resnet8", "--iters", "1", "--threads", "1", "--measure", "--measurements", "m.json"]
    whole = b'{"schema": 1, "machines": []}'
    for name, data, words in [
            ("empty", b"", r"'m\.json' is not JSON, line 1: '\[' or '\{' expected"),
            ("text", b"fast\n", r"'m\.json' is not JSON, line 1: "),
            ("cut", whole[:-1], r"'m\.json' is not JSON, line 1: .*'\}' expected"),
            ("behind", whole + b"}", r"'m\.json' is not JSON, line 1: end of file expected"),
            ("not_utf8", b'{"schema": 1, "\xff": 2}', r"'m\.json' is not JSON, line 1: "),
            ("zero_byte", b'{"sch\0ema": 1}', r"'m\.json' is not JSON, line 1: "),
            ("escape", b'{"schema": \x1b[2J', r"'m\.json' is not JSON, line 1: "),
            ("deep", b"[" * 100000, r"'m\.json' is not JSON, line 1: maximum parsing depth"),
            ("deep_objects", b'{"a":' * 100000, r"'m\.json' is not JSON, line 1: maximum parsing depth"),
            ("twice", b'{"schema": 1, "schema": 1, "machines": []}', r"'m\.json' is not JSON, line 1: duplicate"),
            ("infinite", b'{"schema": 1e999, "machines": []}', r"'m\.json' is not JSON, line 1: real number overflow"),
            ("array", b"[1]", r"'m\.json' is not a file of measurements: it is not an object"),
            ("other", b'{"layers": []}', r"'m\.json' is not a file of measurements: it has no integer \"schema\""),
            ("schema_text", b'{"schema": "1", "machines": []}', r"it has no integer \"schema\""),
            ("machines", b'{"schema": 1, "machines": {}}', r"it has no array \"machines\""),
            ("machine", b'{"schema": 1, "machines": [[]]}', r"a machine is not an object")]:
        yield Case("measurements_" + name, 3, words, files={"m.json": data}, command=command)
    yield Case("measurements_schema_2", 4, r"'m\.json' has measurements of schema 2, 1 is understood",
               files={"m.json": b'{"schema": 2, "machines": []}'}, command=command)
    yield Case("measurements_large", 4, r"'m\.json' has \d+ bytes, at most \d+ can be read",
               files={"m.json": whole + b" " * (17 << 20)}, command=command)
    yield Case("measurements_missing", 3, r"cannot open 'm\.json'",
               command=[a for a in command if a != "--measure"])
    yield Case("measurements_folder", 3, r"cannot read 'm\.json': it is a directory",
               files={"m.json/x": b""}, command=command)


def commands():
    long = "n" * 100000
    for name, arguments, words in [
            ("nothing", [], r"no command \(try 'pinhole --help'\)"),
            ("unknown", ["frobnicate"], r"no command 'frobnicate'"),
            ("near", ["analyz"], r"did you mean 'analyze'\?"),
            ("escape", ["\x1b[31mred\n"], r"no command '\?\[31mred\?'"),
            ("long", [long], r"no command 'nnn"),
            ("option_first", ["--frob", "check"], r"unknown option '--frob' before the command"),
            ("no_operand", ["check"], r"missing operand: MODEL is wanted"),
            ("two_operands", ["check", "a", "b"], r"unexpected operand 'b'"),
            ("unknown_option", ["check", "--frob", "a"], r"unknown option '--frob'"),
            ("unknown_letter", ["check", "-Z", "a"], r"unknown option '-Z'"),
            ("no_argument", ["bench", "lenet5", "--max-mem", "1G", "--iters"], r"option '--iters' needs an argument"),
            ("flag_argument", ["check", "--quiet=1", "lenet5"], r"option '--quiet' takes no argument"),
            ("number_text", ["bench", "lenet5", "--iters", "many"], r"option '--iters': 'many' is not a whole number"),
            ("number_0", ["bench", "lenet5", "--iters", "0"], r"option '--iters': '0' is not a whole number from 1"),
            ("number_2_80", ["bench", "lenet5", "--iters", str(1 << 80)], r"is not a whole number from 1"),
            ("number_negative", ["bench", "lenet5", "--threads", "-1"], r"option '--threads': '-1' is not a whole number"),
            ("number_escape", ["bench", "lenet5", "--threads", "\x1b[2J"], r"option '--threads': '\?\[2J' is not"),
            ("memory_0", ["check", "lenet5", "--max-mem", "0"], r"option '--max-mem': '0' is not a size"),
            ("memory_text", ["check", "lenet5", "--max-mem", "lots"], r"option '--max-mem': 'lots' is not a size"),
            ("shape_text", ["analyze", "lenet5", "--shape", "big"], r"--shape"),
            ("shape_zero", ["analyze", "lenet5", "--shape", "0x0x0x0"], r"--shape"),
            ("shape_2_70", ["analyze", "lenet5", "--shape", "1x%dx28x28" % (1 << 70)], r"--shape"),
            ("shape_nine", ["analyze", "lenet5", "--shape", "x".join("1" * 9)], r"--shape"),
            ("shape_name", ["analyze", "lenet5", "--shape", "ghost=1x1x28x28"], r"'ghost'"),
            ("input_name", ["run", "lenet5", "--input", "ghost=x.npy"], r"'ghost'"),
            ("no_input", ["run", "lenet5"], r"input"),
            ("word", ["train", "lenet5", "--data", "cifar10:d", "-o", "x", "--optimizer", "magic"], r"option '--optimizer': 'magic' is not one of sgd or adam|sgd")]:
        yield Case("command_" + name, 2, words, command=arguments)
    yield Case("command_model_unknown", 3, r"no-such-net", command=["check", "no-such-net"])
    yield Case("command_model_long", 3, r"nnn.*\.\.\.", command=["check", long])
    yield Case("command_model_escape", 3, r"\?\[31m", command=["check", "\x1b[31m.onnx"])
    yield Case("command_shape_does_not_fit", 3, r"lenet5.*does not fit", command=["analyze", "lenet5", "--shape", "1x9x28x28"])


def cases():
    for family in (networks, arrays, data_sets, checkpoints, measurements, commands):
        yield from family()
