# SPDX-License-Identifier: MIT
"""Models whose bytes or whose graph are broken: wire format, header, values, tensors, files."""
import os
import stat

import wire as w
from cases import Case

WELL = w.model(w.graph(w.raw(w.INITIALIZER, w.tensor("w", (1, 2))),
                       nodes=[w.node("Add", ["x", "w"], ["y"], name="plus")]))


def bad(name, data, message, status=3, **kw):
    return Case(name, status, message, files={"m.onnx": data}, **kw)


def around(*fields, **kw):
    return w.model(w.graph(*fields, **kw))


def init(t, **kw):
    """A model with the tensor message `t` as its initializer."""
    kw.setdefault("nodes", [w.node("Add", ["x", "w"], ["y"], name="plus")])
    return around(w.raw(w.INITIALIZER, t), **kw)


def wire_format():
    """Bytes that are no protobuf, or not of onnx.proto."""
    yield bad("empty_file", b"", r"m\.onnx: .*not an ONNX model: no IR version")
    for name, data in [("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), ("zip", b"PK\x03\x04\x14\0\0\0"),
                       ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"), ("hdf5", b"\x89HDF\r\n\x1a\n\0"),
                       ("text", b"network x\ninput x 1x2x2\n"), ("zeros", b"\0" * 64),
                       ("ones", b"\xff" * 64), ("json", b'{"irVersion": 8}')]:
        yield bad("is_" + name, data, r"m\.onnx: ONNX model: malformed at byte \d+: ")
    at = {"graph": WELL.index(b"\x3a"), "plus": WELL.index(b"plus"), "Add": WELL.index(b"Add"),
          "raw": WELL.index(b"\0" * 8), "end": len(WELL) - 1}
    for name, cut in [("in_graph", at["graph"] + 5), ("in_op", at["Add"] + 1),
                      ("in_name", at["plus"] + 2), ("in_raw_data", at["raw"] + 3),
                      ("in_last_value", WELL.rindex(b"y") + 2)]:
        yield bad("cut_" + name, WELL[:cut], r"malformed at byte 2: Model\.graph needs \d+ bytes, only \d+ are left")
    yield bad("cut_before_graph", WELL[:2], r"the model has no graph")
    yield bad("cut_in_length", WELL[:3], r"malformed at byte 3: a length does not end")
    yield bad("cut_before_opset", WELL[:-4], r"the model imports no operator set")
    yield bad("cut_in_opset", WELL[:-1], r"OpsetId needs|opset_import needs \d+ bytes")
    inner = WELL.replace(b"\x22\x03Add", b"\x22\x7fAdd")
    yield bad("op_longer_than_node", inner, r"Node\.op_type needs 127 bytes, only \d+ are left")
    for name, length in [("2_31", 1 << 31), ("2_32", 1 << 32), ("2_63", 1 << 63), ("all", (1 << 64) - 1)]:
        yield bad("graph_of_" + name, w.num(1, 8) + w.claim(w.GRAPH, length, b"\x12\x01g"),
                  r"Model\.graph needs %d bytes, only 3 are left" % length)
    yield bad("raw_data_of_2_62", init(w.tensor(data=b"") + w.claim(w.T_RAW, 1 << 62)),
              r"Tensor\.raw_data needs 4611686018427387904 bytes, only 0 are left")
    yield bad("dims_of_2_40", init(w.claim(w.T_DIMS, 1 << 40) + b"\1\1"), r"Tensor\.dims needs 1099511627776 bytes")
    for name, data, words in [
            ("ir_version_as_text", w.raw(1, "8") + WELL[2:], r"Model\.ir_version has wire type 2, not 0"),
            ("graph_as_number", w.num(1, 8) + w.num(7, 1), r"Model\.graph has wire type 0, not 2"),
            ("opset_as_number", w.num(1, 8) + w.num(8, 1), r"opset_import has wire type 0, not 2"),
            ("node_as_number", around(w.num(w.NODE, 1)), r"Graph\.node has wire type 0, not 2"),
            ("op_as_number", around(nodes=[w.num(w.N_OP, 1)]), r"Node\.op_type has wire type 0, not 2"),
            ("input_as_number", around(nodes=[w.num(w.N_INPUT, 1)]), r"Node\.input has wire type 0, not 2"),
            ("attr_f_as_number", around(nodes=[w.relu() + w.raw(w.N_ATTR, w.raw(1, "a") + w.num(w.A_F, 1))]),
             r"Attribute\.f has wire type 0, not 5"),
            ("attr_i_as_double", around(nodes=[w.relu() + w.raw(w.N_ATTR, w.tag(w.A_I, w.I64) + b"\0" * 8)]),
             r"Attribute\.i has wire type 1, not 0"),
            ("type_as_text", init(w.raw(w.T_TYPE, "1") + w.raw(w.T_NAME, "w")),
             r"Tensor\.data_type has wire type 2, not 0"),
            ("raw_as_number", init(w.num(w.T_RAW, 1)), r"Tensor\.raw_data has wire type 0, not 2"),
            ("floats_as_numbers", init(w.tensor(data=b"") + w.num(w.T_FLOATS, 1)),
             r"Tensor\.float_data has wire type 0, not 5"),
            ("packed_floats_cut", init(w.tensor(data=b"") + w.raw(w.T_FLOATS, b"\0" * 7)),
             r"the numbers in Tensor\.float_data do not fill it"),
            ("packed_dims_cut", init(w.raw(w.T_DIMS, b"\x82")), r"the numbers in Tensor\.dims do not fill it")]:
        yield bad("wire_" + name, data, words)
    for name, data, words in [
            ("group", w.tag(1, w.SGROUP), "no such wire type"), ("end_group", w.tag(1, w.EGROUP), "no such wire type"),
            ("wire_6", w.tag(1, 6), "no such wire type"), ("wire_7", w.tag(1, 7), "no such wire type"),
            ("field_0", w.num(0, 1), "no such field number"),
            ("field_2_29", w.num(1 << 29, 1), "no such field number"),
            ("eleven_bytes", w.tag(1, w.VARINT) + b"\xff" * 10 + b"\1", "a number does not end"),
            ("endless_number", w.tag(1, w.VARINT) + b"\xff" * 5, "a number does not end"),
            ("endless_tag", b"\xff" * 3, "a field's number does not end"),
            ("fixed32_cut", w.tag(100, w.I32) + b"\0\0", r"field 100 of Model needs 4 bytes, only 2 are left"),
            ("fixed64_cut", w.tag(100, w.I64) + b"\0" * 7, r"field 100 of Model needs 8 bytes, only 7 are left"),
            ("second_graph", WELL + w.raw(w.GRAPH, b""), r"there is a second Model\.graph"),
            ("second_type", around(inputs=[w.value("x") + w.raw(2, b"")]), r"there is a second ValueInfo\.type"),
            ("zero_in_name", around(nodes=[w.relu("x", "y\0z")]), r"Node\.output has a zero byte in it")]:
        yield bad("wire_" + name, data, r"malformed at byte \d+: .*" + words)


def header():
    g = w.graph(nodes=[w.relu()])
    for name, data, words in [
            ("no_ir_version", w.raw(w.GRAPH, g) + w.opset(), "not an ONNX model: no IR version"),
            ("ir_version_0", w.model(g, ir=0), "not an ONNX model: no IR version"),
            ("ir_version_negative", w.model(g, ir=-1), "not an ONNX model: no IR version"),
            ("no_graph", w.num(1, 8) + w.opset(), "the model has no graph"),
            ("no_opset", w.model(g, opsets=b""), "the model imports no operator set"),
            ("opset_0", w.model(g, opsets=w.opset(0)), r"opset of domain 'ai\.onnx' has version 0"),
            ("opset_negative", w.model(g, opsets=w.opset(-3)), r"opset of domain 'ai\.onnx' has version -3"),
            ("opset_2_40", w.model(g, opsets=w.opset(1 << 40)), r"has version 1099511627776"),
            ("opset_without_version", w.model(g, opsets=w.raw(w.OPSET, b"")), r"opset of domain 'ai\.onnx' has version 0"),
            ("opset_twice", w.model(g, opsets=w.opset(11) + w.opset(12)),
             r"opset of domain 'ai\.onnx' is imported twice: versions 11 and 12"),
            ("opset_by_two_names", w.model(g, opsets=w.opset(11) + w.opset(12, "ai.onnx")),
             r"imported twice: versions 11 and 12"),
            ("only_other_opset", w.model(g, opsets=w.opset(1, "com.example")),
             r"Relu '.*' is of ONNX's own operator set, which the model does not import")]:
        yield bad("header_" + name, data, words)
    many = b"".join(w.opset(1, "d%d" % i) for i in range(20000))
    yield bad("header_20000_opsets", w.model(g, opsets=w.opset() + many), r"model has 20001 opset imports; at most \d+", 4)
    many = b"".join(w.raw(w.METADATA, w.raw(1, "k%d" % i) + w.raw(2, "v")) for i in range(20000))
    yield bad("header_20000_metadata", w.model(g) + many, r"model has 20000 metadata entries; at most \d+", 4)


def values():
    """Graphs that do not hang together."""
    r = w.relu
    for name, data, words in [
            ("no_outputs", around(nodes=[r()], outputs=()), r"graph 'g' has no outputs"),
            ("output_of_nobody", around(nodes=[r(y="z")]), r"output 'y' is made by no node"),
            ("output_twice", around(nodes=[r()], outputs=("y", "y")), r"output 'y' is listed twice"),
            ("output_without_name", around(nodes=[r()], outputs=(w.raw(2, b""),)), r"output 0 has no name"),
            ("input_without_name", around(nodes=[r()], inputs=("x", w.raw(2, b""))), r"input 1 has no name"),
            ("input_twice", around(nodes=[r()], inputs=("x", "x")), r"input 'x' is listed twice"),
            ("input_made_by_node", around(nodes=[r(), r("y", "x", name="back")]), r"its output 'x' is already made elsewhere"),
            ("missing_input", around(nodes=[r("ghost", name="n")]),
             r"Relu 'n': its input 'ghost' is no input, constant or result of another node"),
            ("made_twice", around(nodes=[r(), r(name="again")]), r"Relu 'again': its output 'y' is already made elsewhere"),
            ("one_output_two_names", around(nodes=[w.node("Split", ["x"], ["y", "y"], name="s")]),
             r"Split 's': its output 'y' is already made elsewhere"),
            ("cycle_of_one", around(nodes=[r("y", "y", name="n")]), r"Relu 'n': its input 'y' depends on its own result"),
            ("cycle_of_two", around(nodes=[r("b", "a", name="n"), r("a", "b"), r("a", "y")]), r"depends on its own result \(a cycle\)"),
            ("cycle_of_1000", around(nodes=[r("v%d" % ((i + 1) % 1000), "v%d" % i) for i in range(1000)] + [r("v0", "y")]),
             r"depends on its own result \(a cycle\)"),
            ("no_operator", around(nodes=[w.raw(w.N_OUTPUT, "y") + w.raw(w.N_NAME, "n")]), r"node 0 \('n'\) has no operator"),
            ("empty_operator", around(nodes=[w.node("", ["x"], ["y"])]), r"node 0 \(''\) has no operator"),
            ("empty_node", around(nodes=[b""]), r"node 0 \(''\) has no operator"),
            ("initializer_without_name", init(w.tensor(None)), r"initializer 0 has no name"),
            ("initializer_twice", around(w.raw(w.INITIALIZER, w.tensor("w")) * 2, nodes=[r()]), r"constant 'w' is defined twice"),
            ("initializer_is_output_of_node", around(w.raw(w.INITIALIZER, w.tensor("y", (1, 2))), nodes=[r(name="n")]),
             r"Relu 'n': its output 'y' is already made elsewhere"),
            ("dimension_negative", around(nodes=[r()], inputs=(w.value("x", (1, -5)),)), r"value 'x': dimension 1 is -5"),
            ("dimension_least", around(nodes=[r()], inputs=(w.value("x", (1, -1 << 63)),)), r"value 'x': dimension 1 is -9223372036854775808"),
            ("shape_too_large", around(nodes=[r()], inputs=(w.value("x", (1 << 31, 1 << 31)),)), r"x: float32\[2147483648,2147483648\] is too large"),
            ("attribute_without_name", around(nodes=[w.node("Relu", ["x"], ["y"], w.num(w.A_I, 1), name="n")]),
             r"Relu 'n': an attribute has no name"),
            ("attribute_twice", around(nodes=[w.node("Flatten", ["x"], ["y"], *[w.raw(1, "axis") + w.num(3, 1) + w.num(20, 2)] * 2, name="n")]),
             r"Flatten 'n': attribute 'axis' is given twice"),
            ("attribute_of_two_values", around(nodes=[w.node("Flatten", ["x"], ["y"], w.raw(1, "axis") + w.num(3, 1) + w.f32(2, 1) + w.num(20, 2), name="n")]),
             r"Flatten 'n': attribute 'axis' has more than one value"),
            ("attribute_tensor_missing", around(nodes=[w.node("Constant", [], ["y"], w.raw(1, "value") + w.num(20, 4), name="n")]),
             r"Constant 'n': attribute 'value' is a tensor, but there is none")]:
        yield bad("graph_" + name, data, words)
    many = [w.value("o%d" % i) for i in range(20000)]
    yield bad("graph_20000_outputs", around(nodes=[r()], outputs=many), r"graph has 20000 outputs; at most \d+", 4)
    attrs = [w.raw(1, "a%d" % i) + w.num(3, 1) for i in range(5000)]
    yield bad("graph_5000_attributes", around(nodes=[w.node("Relu", ["x"], ["y"], *attrs, name="n")]),
              r"Relu 'n' has 5000 attributes; at most \d+", 4)


def tensors():
    d = 1 << 40
    for name, t, words, status in [
            ("dim_negative", w.tensor(dims=(-2,), data=b"\0" * 8), r"initializer 'w': dimension 0 is -2", 3),
            ("dims_overflow", w.tensor(dims=(d, d), data=b"\0" * 8), r"initializer 'w': float32\[1099511627776,1099511627776\] is too large to address", 3),
            ("dim_2_63", w.tensor(dims=((1 << 63) - 1,), data=b"\0"), r"is too large to address", 3),
            ("bytes_overflow", w.tensor(dims=(1 << 62,), elem=11, data=b"\0"), r"is too large to address", 3),
            ("dims_2_40", w.tensor(dims=(d,), data=b"\0" * 8), r"needs 4398046511104 bytes, raw_data has 8", 3),
            ("dims_2_40_empty", w.tensor(dims=(d,), data=b""), r"needs 4398046511104 bytes, raw_data has 0", 3),
            ("zero_hides_overflow", w.tensor(dims=(d, d, 0), data=b""), r"is too large to address", 3),
            ("raw_short", w.tensor(dims=(2,), data=b"\0" * 7), r"initializer 'w': float32\[2\] needs 8 bytes, raw_data has 7", 3),
            ("raw_long", w.tensor(dims=(2,), data=b"\0" * 9), r"needs 8 bytes, raw_data has 9", 3),
            ("list_short", w.tensor(data=b"") + w.f32(w.T_FLOATS, 1), r"needs 2 numbers, float_data has 1", 3),
            ("wrong_list", w.tensor(data=b"") + w.num(w.T_INT32, 1) * 2, r"has its elements in int32_data", 3),
            ("two_places", w.tensor() + w.f32(w.T_FLOATS, 1) * 2, r"has its elements in raw_data", 3),
            ("uint8_of_256", w.tensor(elem=2, data=b"") + w.num(w.T_INT32, 256) * 2, r"element 0 is out of the range of uint8", 3),
            ("int8_of_128", w.tensor(elem=3, data=b"") + w.num(w.T_INT32, 1) + w.num(w.T_INT32, 128), r"element 1 is out of the range of int8", 3),
            ("bool_of_2", w.tensor(elem=9, data=b"") + w.num(w.T_INT32, 2) * 2, r"element 0 is out of the range of bool", 3),
            ("no_type", w.tensor(elem=None), r"initializer 'w' has no element type", 3),
            ("type_0", w.tensor(elem=0), r"initializer 'w' has no element type", 3),
            ("type_string", w.tensor(elem=8, data=b"") + w.raw(6, "a") * 2, r"ONNX type 8 \(string\)", 4),
            ("type_float8", w.tensor(elem=17, data=b"\0\0"), r"ONNX type 17 \(float8e4m3fn\)", 4),
            ("type_int4", w.tensor(elem=22, data=b"\0"), r"ONNX type 22 \(int4\)", 4),
            ("type_99", w.tensor(elem=99), r"ONNX type 99 ", 4),
            ("type_negative", w.tensor(elem=-1), r"ONNX type -1 ", 4),
            ("nine_dimensions", w.tensor(dims=(1,) * 9), r"has 9 dimensions; at most 8", 4),
            ("million_dimensions", w.raw(w.T_DIMS, b"\1" * 1000000) + w.num(2, 1) + w.raw(8, "w"), r"has 1000000 dimensions", 4),
            ("segment", w.tensor() + w.raw(3, b""), r"initializer 'w' comes in segments", 4)]:
        yield bad("tensor_" + name, init(t), words, status)
    yield bad("tensor_sparse", around(w.raw(15, w.raw(1, w.tensor("thin")) + w.num(3, 2)), nodes=[w.relu()]),
              r"sparse initializer 'thin': a sparse tensor needs values and indices")


def outside(name, entries, words, status=3, location=1, prepare=None, dims=(2,)):
    data = init(w.external(dims=dims, entries=entries, location=location))
    return Case("external_" + name, status, words, files={"m/m.onnx": data, "secret.bin": b"\0" * 64, "m/ok.bin": b"\0" * 8},
                model="m/m.onnx", prepare=prepare)


def external_files():
    def fifo(root):
        os.mkfifo(os.path.join(root, "m/pipe"))

    def links(root):
        os.symlink("../secret.bin", os.path.join(root, "m/link.bin"))
        os.symlink("/dev/zero", os.path.join(root, "m/zero"))
        os.symlink("..", os.path.join(root, "m/up"))
        os.symlink("link.bin", os.path.join(root, "m/second"))
        os.symlink("loop", os.path.join(root, "m/loop"))
        os.mkdir(os.path.join(root, "m/sub"))

    loc = "location"
    yield outside("no_location", [("offset", "0")], r"initializer 'w': external data without a location")
    yield outside("empty_location", [(loc, "")], r"initializer 'w': '' is not the name of a file in or below the directory")
    for name, path in [("absolute", "/etc/passwd"), ("dev_zero", "/dev/zero"), ("parent", "../secret.bin"),
                       ("hidden_parent", "sub/../../secret.bin"), ("parent_last", "sub/.."), ("proc", "/proc/self/mem"),
                       ("escape", "../\x1b[2Jx\ny")]:
        yield outside(name, [(loc, path)], r"is not the name of a file in or below the directory of 'm/m\.onnx'", prepare=links)
    for name, path in [("link", "link.bin"), ("link_to_device", "zero"), ("link_to_parent", "up/secret.bin"), ("link_to_link", "second"), ("link_loop", "loop")]:
        yield outside(name, [(loc, path)], r"leaves the directory of 'm/m\.onnx' through a symbolic link", prepare=links)
    yield outside("pipe", [(loc, "pipe")], r"'pipe': it is a pipe, a regular file is wanted", prepare=fifo)
    yield outside("folder", [(loc, "sub")], r"it is a directory, a regular file is wanted", prepare=links)
    yield outside("missing", [(loc, "none.bin")], r"cannot open 'none\.bin': No such file")
    yield outside("long_name", [(loc, "n" * 5000)], r"cannot open 'nnn.*\.\.\.n+': File name too long")
    yield outside("short_file", [(loc, "ok.bin")], r"initializer 'w': .*'ok\.bin' has 8 bytes", dims=(3,))
    yield outside("offset_behind_end", [(loc, "ok.bin"), ("offset", "4096")], r"'ok\.bin' has 8 bytes")
    yield outside("offset_2_64", [(loc, "ok.bin"), ("offset", "18446744073709551616")], r"has offset '18446744073709551616'; a number of bytes is wanted")
    yield outside("offset_wraps", [(loc, "ok.bin"), ("offset", "18446744073709551612")], r"'ok\.bin' has 8 bytes")
    yield outside("offset_negative", [(loc, "ok.bin"), ("offset", "-4")], r"has offset '-4'; a number of bytes is wanted")
    yield outside("offset_text", [(loc, "ok.bin"), ("offset", "0x4")], r"has offset '0x4'; a number of bytes is wanted")
    yield outside("length_wrong", [(loc, "ok.bin"), ("length", "12")], r"12 bytes of external data, 8 are wanted")
    yield outside("length_2_40", [(loc, "ok.bin"), ("length", "4398046511104")], r"'ok\.bin' has 8 bytes", dims=(1 << 40,))
    yield outside("location_2", [(loc, "ok.bin")], r"data location 2 is not known", 4, location=2)
    t = w.external("w", (2,), [(loc, "../secret.bin")])
    attr = w.raw(1, "value") + w.raw(w.A_T, t) + w.num(20, 4)
    yield Case("external_in_attribute", 3, r"Constant 'c': attribute 'value': '\.\./secret\.bin' is not the name of a file",
               files={"m/m.onnx": around(nodes=[w.node("Constant", [], ["y"], attr, name="c")])}, model="m/m.onnx")
    yield Case("external_from_stdin", 4, r"initializer 'w' has external data, and the model is not a file",
               files={"m.onnx": init(w.external(entries=[(loc, "ok.bin")]))}, command=["check", "-"], stdin="m.onnx")


def names():
    """What is in a name must not reach the terminal."""
    evil = [("escape", "a\x1b[31;1mred\x1b]0;title\x07"), ("newline", "a\nFAKE: ok\r"), ("c1", "a\u009b31m"),
            ("bidi", "a\u202egnp.exe\u2066"), ("separator", "a\u2028b"), ("delete", "a\x7f\b\b\b"),
            ("not_utf8", b"a\xff\xfe\xc0\x80\xed\xa0\x80"), ("long", "n" * 300000)]
    for name, text in evil:
        yield bad("name_of_node_" + name, around(nodes=[w.relu("ghost", name=text)]), r"Relu '[an].*its input 'ghost' is no input")
        yield bad("name_of_value_" + name, around(nodes=[w.relu(text, name="n")]), r"Relu 'n': its input '[an].*is no input")
        yield bad("name_of_operator_" + name, around(nodes=[w.node(text, ["x"], ["y"], name="n")]), r"[an].*'n': operator [an]", 4)
        yield bad("name_of_initializer_" + name, init(w.tensor(text, dims=(2,), data=b"\0")), r"initializer '[an].*needs 8 bytes, raw_data has 1")
        attr = (w.raw(1, text) + w.num(3, 1) + w.num(20, 2))
        yield bad("name_of_attribute_" + name, around(nodes=[w.node("Relu", ["x"], ["y"], attr, attr, name="n")]),
                  r"Relu 'n': attribute '[an].*is given twice")
        yield bad("name_of_domain_" + name, w.model(w.graph(nodes=[w.relu()]), opsets=w.opset(1, text) + w.opset(2, text)),
                  r"opset of domain '[an].*is imported twice")
        g = w.graph(nodes=[w.relu()], outputs=()).replace(w.raw(w.GRAPH_NAME, "g"), w.raw(w.GRAPH_NAME, text))
        yield bad("name_of_graph_" + name, w.model(g), r"graph '[an].*has no outputs")


def odd_files():
    def special(make):
        return lambda root: make(os.path.join(root, "m.onnx"))

    yield Case("file_missing", 3, r"cannot open 'm\.onnx': No such file", model="m.onnx")
    yield Case("file_is_folder", 3, r"it is a directory, a regular file is wanted", prepare=special(os.mkdir), model="m.onnx")
    yield Case("file_is_pipe", 3, r"it is a pipe, a regular file is wanted", prepare=special(os.mkfifo), model="m.onnx")
    yield Case("file_is_device", 3, r"it is a device, a regular file is wanted",
               prepare=special(lambda p: os.symlink("/dev/zero", p)), model="m.onnx")
    yield Case("file_links_to_itself", 3, r"cannot open 'm\.onnx'", prepare=special(lambda p: os.symlink("m.onnx", p)), model="m.onnx")

    def sparse(root):
        with open(os.path.join(root, "m.onnx"), "wb") as f:
            f.truncate(1 << 40)

    yield Case("file_of_2_40_bytes", 4, r"has 1099511627776 bytes, at most 2147483647 can be read", prepare=sparse, model="m.onnx")

    def two_gb(root):
        with open(os.path.join(root, "m.onnx"), "wb") as f:
            f.truncate((1 << 31) - 1)

    yield Case("file_of_2_gb", 5, r"needs at least 2\.?\d* GiB, --max-mem is 256 MiB|needs at least 1\.9 GiB", prepare=two_gb, model="m.onnx")


def cases():
    for family in (wire_format, header, values, tensors, external_files, names, odd_files):
        yield from family()
