# SPDX-License-Identifier: MIT
"""Protobuf by hand (protobuf.dev, "Encoding"), for bytes that no library would write."""
import struct

VARINT, I64, LEN, SGROUP, EGROUP, I32 = range(6)


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append((v & 0x7F) | (0x80 if v > 0x7F else 0))
        v >>= 7
        if not v:
            return bytes(out)


def tag(number, wire):
    return varint(number << 3 | wire)


def num(number, v):
    return tag(number, VARINT) + varint(v)


def raw(number, data):
    data = data.encode() if isinstance(data, str) else data
    return tag(number, LEN) + varint(len(data)) + data


def claim(number, length, data=b""):
    """A field that says it has `length` bytes."""
    return tag(number, LEN) + varint(length) + data


def f32(number, v):
    return tag(number, I32) + struct.pack("<f", v)


# Fields of onnx.proto, by message.
IR_VERSION, GRAPH, OPSET, FUNCTIONS, METADATA = 1, 7, 8, 25, 14
NODE, GRAPH_NAME, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 2, 5, 11, 12, 13
N_INPUT, N_OUTPUT, N_NAME, N_OP, N_ATTR, N_DOMAIN = 1, 2, 3, 4, 5, 7
A_NAME, A_F, A_I, A_S, A_T, A_G, A_FLOATS, A_INTS, A_TYPE = 1, 2, 3, 4, 5, 6, 7, 8, 20
T_DIMS, T_TYPE, T_FLOATS, T_INT32, T_NAME, T_RAW = 1, 2, 4, 5, 8, 9


def opset(version=17, domain=None):
    return raw(OPSET, (raw(1, domain) if domain is not None else b"") + num(2, version))


def model(graph, ir=8, opsets=None):
    return num(IR_VERSION, ir) + raw(GRAPH, graph) + (opset() if opsets is None else opsets)


def value(name, dims=(1, 2), elem=1):
    shape = b"".join(raw(1, num(1, d) if d is not None else b"") for d in dims)
    return raw(1, name) + raw(2, raw(1, num(1, elem) + raw(2, shape)))


def node(op, ins, outs, *attrs, name=None, domain=None):
    return (b"".join(raw(N_INPUT, i) for i in ins) + b"".join(raw(N_OUTPUT, o) for o in outs) +
            (raw(N_NAME, name) if name is not None else b"") + raw(N_OP, op) +
            b"".join(raw(N_ATTR, a) for a in attrs) +
            (raw(N_DOMAIN, domain) if domain is not None else b""))


def graph(*fields, nodes=(), inputs=("x",), outputs=("y",)):
    return (b"".join(raw(NODE, n) for n in nodes) + raw(GRAPH_NAME, "g") + b"".join(fields) +
            b"".join(raw(INPUT, value(i) if isinstance(i, str) else i) for i in inputs) +
            b"".join(raw(OUTPUT, value(o) if isinstance(o, str) else o) for o in outputs))


def relu(x="x", y="y", **kw):
    return node("Relu", [x], [y], **kw)


def tensor(name="w", dims=(2,), elem=1, *more, data=None):
    """`data` None: as many zero bytes as float32 wants."""
    count = 1
    for d in dims:
        count *= d
    data = b"\0" * (4 * count) if data is None else data
    return (b"".join(num(T_DIMS, d) for d in dims) + (num(T_TYPE, elem) if elem is not None else b"") +
            (raw(T_NAME, name) if name is not None else b"") + (raw(T_RAW, data) if data != b"" else b"") +
            b"".join(more))


def external(name="w", dims=(2,), entries=(), location=1, elem=1):
    """A tensor that lies in another file, as `entries` (key, value) say."""
    return (b"".join(num(T_DIMS, d) for d in dims) + num(T_TYPE, elem) + raw(T_NAME, name) +
            b"".join(raw(13, raw(1, k) + raw(2, v)) for k, v in entries) + num(14, location))
