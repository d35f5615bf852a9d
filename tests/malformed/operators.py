# SPDX-License-Identifier: MIT
"""Models that hang together, with operators that are not used as ONNX says, or that want too much."""
import struct

import wire as w
from cases import Case

FLOAT, UINT8, INT8, INT32, INT64, BOOL = 1, 2, 3, 6, 7, 9
IMAGE = (1, 4, 8, 8)


def attribute(name, v):
    """An AttributeProto of the kind that Python's type says."""
    if isinstance(v, bytes):
        return w.raw(1, name) + w.raw(w.A_T, v) + w.num(20, 4)
    if isinstance(v, float):
        return w.raw(1, name) + w.f32(w.A_F, v) + w.num(20, 1)
    if isinstance(v, int):
        return w.raw(1, name) + w.num(w.A_I, v) + w.num(20, 2)
    if isinstance(v, str):
        return w.raw(1, name) + w.raw(w.A_S, v) + w.num(20, 3)
    if v and isinstance(v[0], float):
        return w.raw(1, name) + b"".join(w.f32(w.A_FLOATS, x) for x in v) + w.num(20, 6)
    return w.raw(1, name) + b"".join(w.num(w.A_INTS, x) for x in v) + w.num(20, 7)


def ints(name, *values):
    return w.tensor(name, (len(values),), INT64, data=struct.pack("<%dq" % len(values), *values))


def scalar(name, value):
    return w.tensor(name, (), INT64, data=struct.pack("<q", value))


def floats(name, *values):
    return w.tensor(name, (len(values),), FLOAT, data=struct.pack("<%df" % len(values), *values))


def one(op, inits=(), x=IMAGE, opset=17, name="n", elem=FLOAT, inputs=None, outs=("y",), domain=None, **attrs):
    """A model of one node, whose inputs are x and the initializers."""
    given = ["x"] if inputs is None else list(inputs)
    names = given + [n for n, _ in inits]
    node = w.node(op, names, outs, *[attribute(k, v) for k, v in attrs.items()], name=name, domain=domain)
    fields = [w.raw(w.INITIALIZER, t) for n, t in inits if t is not None]
    graph = w.graph(*fields, nodes=[node], inputs=[w.value(i, x, elem) for i in given if i],
                    outputs=[w.raw(1, o) for o in outs])
    return w.model(graph, opsets=w.opset(opset))


def weights(*dims, name="w"):
    return name, w.tensor(name, dims)


def bad(name, data, message, status=3, **kw):
    return Case(name, status, message, files={"m.onnx": data}, **kw)


W = weights(2, 4, 3, 3)  # for IMAGE


def convolutions():
    for name, data, words, *status in [
            ("channels", one("Conv", [weights(2, 3, 3, 3)]), r"weights? expect 3 channels|3 channels.*4|4 channels.*3", 1),
            ("kernel_larger", one("Conv", [weights(2, 4, 9, 9)]), r"Conv 'n'.*(kernel|window).*9.*8|does not fit", 1),
            ("dilated_larger", one("Conv", [W], dilations=[4, 4]), r"Conv 'n'", 1),
            ("dilation_2_40", one("Conv", [W], dilations=[1 << 40, 1]), r"Conv 'n'", 4),
            ("dilation_2_62", one("Conv", [W], dilations=[1 << 62, 1]), r"Conv 'n'", 4),
            ("dilation_0", one("Conv", [W], dilations=[0, 1]), r"Conv 'n'.*dilation"),
            ("stride_0", one("Conv", [W], strides=[0, 1]), r"Conv 'n'.*stride"),
            ("stride_negative", one("Conv", [W], strides=[-1, 1]), r"Conv 'n'.*stride"),
            ("strides_three", one("Conv", [W], strides=[1, 1, 1]), r"Conv 'n'.*strides"),
            ("pads_three", one("Conv", [W], pads=[1, 1, 1]), r"Conv 'n'.*pads"),
            ("pads_negative", one("Conv", [W], pads=[-1, 0, 0, 0]), r"Conv 'n'.*pad"),
            ("pads_2_62", one("Conv", [W], pads=[1 << 62, 0, 1 << 62, 0]), r"Conv 'n'", 4),
            ("kernel_shape_differs", one("Conv", [W], kernel_shape=[5, 5]), r"Conv 'n'.*kernel", 1),
            ("kernel_shape_three", one("Conv", [W], kernel_shape=[3, 3, 3]), r"Conv 'n'.*kernel"),
            ("auto_pad", one("Conv", [W], auto_pad="SAME"), r"Conv 'n'.*auto_pad.*'?SAME'?"),
            ("auto_pad_kind", one("Conv", [W], auto_pad=1), r"Conv 'n': attribute 'auto_pad'"),
            ("strides_kind", one("Conv", [W], strides=2), r"Conv 'n': attribute 'strides' is a whole number, wanted a list of whole numbers"),
            ("strides_floats", one("Conv", [W], strides=[1.0, 1.0]), r"Conv 'n': attribute 'strides'"),
            ("group_0", one("Conv", [W], group=0), r"Conv 'n'.*group"),
            ("group_negative", one("Conv", [W], group=-1), r"Conv 'n'.*group"),
            ("group_3", one("Conv", [weights(3, 1, 3, 3)], group=3), r"Conv 'n'.*(group|channels)", 1),
            ("group_of_outputs", one("Conv", [weights(3, 2, 3, 3)], group=2), r"Conv 'n'.*(group|channels)", 1),
            ("bias_size", one("Conv", [W, weights(3, name="b")]), r"Conv 'n'.*bias", 1),
            ("bias_rank", one("Conv", [W, weights(1, 2, name="b")]), r"Conv 'n'.*bias", 1),
            ("weights_rank", one("Conv", [weights(2, 4)]), r"Conv 'n'.*(weights|dimensions)", 1),
            ("weights_type", one("Conv", [("w", w.tensor("w", (2, 4, 3, 3), INT64, data=b"\0" * 576))]), r"Conv 'n'", 4),
            ("weights_missing", one("Conv"), r"Conv 'n': 1 input, wanted 2 to 3"),
            ("weights_left_out", one("Conv", [("", None)]), r"Conv 'n': input 1 must not be left out"),
            ("four_inputs", one("Conv", [W, weights(2, name="b"), weights(2, name="c")]), r"Conv 'n': 4 inputs"),
            ("two_outputs", one("Conv", [W], outs=("y", "z")), r"Conv 'n': 2 outputs, wanted 1\b"),
            ("empty_kernel", one("Conv", [("w", w.tensor("w", (2, 4, 0, 3), data=b""))]), r"Conv 'n'", 1),
            ("input_rank", one("Conv", [W], x=(4, 8)), r"Conv 'n'", 1)]:
        yield bad("conv_" + name, data, words, *status)


def pools():
    for name, data, words, *status in [
            ("no_kernel", one("MaxPool"), r"MaxPool 'n': attribute 'kernel_shape' is missing"),
            ("kernel_0", one("MaxPool", kernel_shape=[0, 2]), r"MaxPool 'n'.*kernel"),
            ("kernel_negative", one("MaxPool", kernel_shape=[-2, 2]), r"MaxPool 'n'.*kernel"),
            ("kernel_larger", one("MaxPool", kernel_shape=[9, 2]), r"MaxPool 'n'", 1),
            ("kernel_2_40", one("MaxPool", kernel_shape=[1 << 40, 1 << 40]), r"MaxPool 'n'", 4),
            ("kernel_three", one("MaxPool", kernel_shape=[2, 2, 2]), r"MaxPool 'n'.*kernel"),
            ("stride_0", one("MaxPool", kernel_shape=[2, 2], strides=[0, 0]), r"MaxPool 'n'.*stride"),
            ("pad_larger", one("MaxPool", kernel_shape=[2, 2], pads=[5, 0, 0, 0]), r"MaxPool 'n'.*pad", 1),
            ("average_pad_2_62", one("AveragePool", kernel_shape=[2, 2], pads=[1 << 62, 0, 1 << 62, 0]), r"AveragePool 'n'", 4),
            ("average_kernel_0", one("AveragePool", kernel_shape=[0, 0]), r"AveragePool 'n'.*kernel"),
            ("input_rank", one("MaxPool", x=(4,), kernel_shape=[2]), r"MaxPool 'n'", 1),
            ("global_rank", one("GlobalAveragePool", x=(4,)), r"GlobalAveragePool 'n'", 1)]:
        yield bad("pool_" + name, data, words, *status)
    yield bad("pool_unknown_attribute", one("MaxPool", kernel_shape=[2, 2], kernal=1), r"attribute 'kernal'", 4)


def shapes():
    i = lambda *v: ("s", ints("s", *v))
    for name, data, words, *status in [
            ("reshape_count", one("Reshape", [i(7, 9)]), r"Reshape 'n'", 1),
            ("reshape_two_open", one("Reshape", [i(-1, -1)]), r"Reshape 'n'.*-1"),
            ("reshape_negative", one("Reshape", [i(-2, 4)]), r"Reshape 'n'.*-2"),
            ("reshape_overflow", one("Reshape", [i(1 << 40, 1 << 40)]), r"Reshape 'n'", 1),
            ("reshape_zero_beyond", one("Reshape", [i(1, 4, 8, 8, 0)]), r"Reshape 'n'", 1),
            ("reshape_indivisible", one("Reshape", [i(-1, 7)]), r"Reshape 'n'", 1),
            ("reshape_by_floats", one("Reshape", [("s", floats("s", 1, 2))]), r"Reshape 'n'"),
            ("reshape_nine", one("Reshape", [i(*[1] * 9)]), r"Reshape 'n'.*9", 4),
            ("transpose_twice", one("Transpose", perm=[0, 1, 1, 2]), r"Transpose 'n': axis 1 is listed twice"),
            ("transpose_beyond", one("Transpose", perm=[0, 1, 2, 4]), r"Transpose 'n'.*perm"),
            ("transpose_negative", one("Transpose", perm=[0, 1, 2, -1]), r"Transpose 'n'.*perm"),
            ("transpose_short", one("Transpose", perm=[1, 0]), r"Transpose 'n'.*perm"),
            ("flatten_axis", one("Flatten", axis=5), r"Flatten 'n'.*axis.*5"),
            ("flatten_axis_least", one("Flatten", axis=-1 << 63), r"Flatten 'n'.*axis"),
            ("squeeze_not_one", one("Squeeze", [i(1)]), r"Squeeze 'n'", 1),
            ("squeeze_beyond", one("Squeeze", [i(4)]), r"Squeeze 'n'"),
            ("squeeze_old_beyond", one("Squeeze", opset=11, axes=[-5]), r"Squeeze 'n'"),
            ("unsqueeze_twice", one("Unsqueeze", [i(0, 0)]), r"Unsqueeze 'n'"),
            ("unsqueeze_beyond", one("Unsqueeze", [i(9)]), r"Unsqueeze 'n'"),
            ("unsqueeze_to_nine", one("Unsqueeze", [i(0, 1, 2, 3, 4)]), r"Unsqueeze 'n'", 4),
            ("concat_axis", one("Concat", [weights(1, 4, 8, 8)], axis=4), r"Concat 'n'.*axis.*4"),
            ("concat_no_axis", one("Concat", [weights(1, 4, 8, 8)]), r"Concat 'n': attribute 'axis' is missing"),
            ("concat_differs", one("Concat", [weights(1, 4, 7, 8)], axis=1), r"Concat 'n'", 1),
            ("concat_rank", one("Concat", [weights(4, 8, 8)], axis=1), r"Concat 'n'", 1),
            ("concat_type", one("Concat", [("w", w.tensor("w", (1, 4, 8, 8), INT8, data=b"\0" * 256))], axis=1), r"Concat 'n'"),
            ("concat_overflow", one("Concat", x=(1 << 30, 1 << 28), inputs=["x", "x2"], axis=0), r"Concat 'n': .*too large to address"),
            ("pad_count", one("Pad", [i(1, 1)]), r"Pad 'n'.*pads"),
            ("pad_too_negative", one("Pad", [i(0, 0, -9, 0, 0, 0, 0, 0)]), r"Pad 'n'", 1),
            ("pad_mode", one("Pad", [i(*[0] * 8)], mode="mirror"), r"Pad 'n'.*mode.*mirror"),
            ("pad_2_62", one("Pad", [i(1 << 62, 0, 0, 0, 1 << 62, 0, 0, 0)]), r"Pad 'n'"),
            ("matmul_inner", one("MatMul", [weights(7, 3)], x=(2, 8)), r"MatMul 'n'.*8.*7", 1),
            ("matmul_scalar", one("MatMul", [("w", w.tensor("w", ()))], x=(2, 8)), r"MatMul 'n'", 1),
            ("gemm_rank", one("Gemm", [weights(4, 3)]), r"Gemm 'n'", 1),
            ("gemm_inner", one("Gemm", [weights(7, 3)], x=(2, 8)), r"Gemm 'n'", 1),
            ("gemm_bias", one("Gemm", [weights(8, 3), weights(4, name="b")], x=(2, 8)), r"Gemm 'n'", 1),
            ("gemm_trans_kind", one("Gemm", [weights(8, 3)], x=(2, 8), transA=1.0), r"Gemm 'n': attribute 'transA'"),
            ("add_shapes", one("Add", [weights(3)]), r"Add 'n'", 1),
            ("add_types", one("Add", [("w", w.tensor("w", (1,), INT8, data=b"\0"))]), r"Add 'n'"),
            ("add_one_input", one("Add"), r"Add 'n': 1 inputs?"),
            ("softmax_axis", one("Softmax", axis=4), r"Softmax 'n'.*axis.*4"),
            ("softmax_axis_kind", one("Softmax", axis="1"), r"Softmax 'n': attribute 'axis'"),
            ("reduce_axis", one("ReduceMean", axes=[7]), r"ReduceMean 'n'.*7"),
            ("reduce_twice", one("ReduceMean", axes=[1, 1]), r"ReduceMean 'n'"),
            ("lrn_size_0", one("LRN", size=0), r"LRN 'n'.*size"),
            ("lrn_no_size", one("LRN"), r"LRN 'n': attribute 'size' is missing"),
            ("clip_vector", one("Clip", [weights(3)]), r"Clip 'n'", 1),
            ("dropout_ratio", one("Dropout", opset=11, ratio=1.5), r"Dropout 'n'.*ratio"),
            ("bn_scale", one("BatchNormalization", [weights(3, name=k) for k in "sbmv"]), r"BatchNormalization 'n'", 1),
            ("bn_three_inputs", one("BatchNormalization", [weights(4, name=k) for k in "sb"]), r"BatchNormalization 'n': 3 inputs"),
            ("constant_of_nothing", one("Constant", inputs=[]), r"Constant 'n'"),
            ("constant_of_two", one("Constant", inputs=[], value_int=1, value_float=1.0), r"Constant 'n'"),
            ("fill_negative", one("ConstantOfShape", [i(2, -3)], inputs=[]), r"ConstantOfShape 'n'.*-3"),
            ("fill_overflow", one("ConstantOfShape", [i(1 << 40, 1 << 40)], inputs=[]), r"ConstantOfShape 'n': .*too large to address"),
            ("fill_two_values", one("ConstantOfShape", [i(2)], inputs=[], value=w.tensor("v", (2,))), r"ConstantOfShape 'n'"),
            ("fill_nine", one("ConstantOfShape", [i(*[1] * 9)], inputs=[]), r"ConstantOfShape 'n'", 4),
            ("prelu_slope", one("PRelu", [weights(3)]), r"PRelu 'n'", 1),
            ("resize_scale_0", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, 0, 1))]), r"Resize 'n'"),
            ("resize_scale_negative", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, -1, 1))]), r"Resize 'n'"),
            ("resize_scale_nan", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, float("nan"), 1))]), r"Resize 'n'"),
            ("resize_scale_infinite", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, float("inf"), 1))]), r"Resize 'n'"),
            ("resize_scale_1e30", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, 1e30, 1))]), r"Resize 'n'|n: float32"),
            ("resize_scales_count", one("Resize", [("r", floats("r")), ("s", floats("s", 1))]), r"Resize 'n'", 1),
            ("resize_mode", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, 2, 2))], mode="best"), r"Resize 'n'.*mode.*best"),
            ("resize_size_negative", one("Resize", [("r", floats("r")), ("", None), ("s", ints("s", 1, 4, -8, 8))]), r"Resize 'n'")]:
        yield bad("shape_" + name, data, words, *status)


def unsupported():
    for name, data, words in [
            ("operator", one("Frobnicate"), r"Frobnicate"),
            ("domain", w.model(w.graph(nodes=[w.relu(domain="com.example", name="n")]), opsets=w.opset() + w.opset(1, "com.example")),
             r"com\.example\.Relu"),
            ("string_operator", one("StringNormalizer"), r"StringNormalizer"),
            ("too_early", one("HardSwish", opset=13), r"HardSwish.*(opset 13|since)"),
            ("gone", one("Upsample", [("s", floats("s", 1, 1, 2, 2))], opset=10), r"Upsample.*opset 10"),
            ("attribute", one("Relu", alpha=1.0), r"attribute 'alpha'"),
            ("if", w.model(w.graph(nodes=[w.node("If", ["c"], ["y"], w.raw(1, "then_branch") + w.raw(w.A_G, w.graph(nodes=[w.relu()])) + w.num(20, 5))],
                                   inputs=("x", w.value("c", (), BOOL)))), r"\bIf\b"),
            ("many", w.model(w.graph(nodes=[w.node("Odd%d" % k, ["x"], ["v%d" % k]) for k in range(3000)] + [w.relu()])), r"Odd0"),
            ("complex", one("Relu", elem=14), r"Relu 'n'|complex64"),
            ("overload", w.model(w.graph(nodes=[w.relu() + w.raw(8, "other")])), r"Relu"),
            ("513_inputs", one("Concat", inputs=["x%d" % k for k in range(513)], axis=0), r"Concat 'n': 513 inputs|at most 512")]:
        yield bad("unsupported_" + name, data, words, status=4)


def function(name, nodes, ins=("a",), outs=("b",), domain="f"):
    return w.raw(w.FUNCTIONS, w.raw(1, name) + b"".join(w.raw(4, i) for i in ins) + b"".join(w.raw(5, o) for o in outs) +
                 b"".join(w.raw(7, n) for n in nodes) + w.raw(9, w.num(2, 17)) + w.raw(9, w.raw(1, domain) + w.num(2, 1)) + w.raw(10, domain))


def calls(*functions, first="F0"):
    g = w.graph(nodes=[w.node(first, ["x"], ["y"], name="call", domain="f")])
    return w.model(g, ir=8, opsets=w.opset() + w.opset(1, "f")) + b"".join(functions)


def call(name, x, y):
    return w.node(name, [x], [y], domain="f")


def recursion():
    """What calls itself, or unfolds without end: refused in little time and memory."""
    yield bad("function_calls_itself", calls(function("F0", [call("F0", "a", "b")])), r"function 'F0' calls itself")
    yield bad("functions_call_each_other", calls(function("F0", [call("F1", "a", "b")]), function("F1", [call("F0", "a", "b")])), r"function 'F[01]' calls itself")
    chain = [function("F%d" % k, [call("F%d" % (k + 1), "a", "m"), call("F%d" % (k + 1), "m", "b")]) for k in range(60)]
    yield bad("function_bomb", calls(*chain, function("F60", [w.relu("a", "b")])), r"F\d+|nodes", status=4)
    deep = [function("F%d" % k, [call("F%d" % (k + 1), "a", "b")]) for k in range(5000)]
    yield bad("functions_5000_deep", calls(*deep, function("F5000", [w.relu("a", "b")])), r"F\d+", status=4)
    yield bad("function_missing", calls(function("F1", [w.relu("a", "b")])), r"f\.F0", status=4)
    nested = w.graph(nodes=[w.relu()])
    for _ in range(3000):
        attr = w.raw(1, "then_branch") + w.raw(w.A_G, nested) + w.num(20, 5)
        nested = w.graph(nodes=[w.node("If", ["x"], ["y"], attr)])
    yield bad("graphs_3000_deep", w.model(nested), r"\bIf\b", status=4)
    unknown = b""
    for _ in range(20000):
        unknown = w.raw(99, unknown)
    yield Case("unknown_fields_20000_deep", 0, r"m\.onnx: ok", one_line=False,
               files={"m.onnx": w.model(w.graph(nodes=[w.relu()])) + unknown})


def too_much(name, data, words=r"m\.onnx: out of memory.*\(needs at least .*, --max-mem is 256 MiB\)", command="bench"):
    arguments = {"bench": ["bench", "m.onnx", "--iters", "1", "--warmup", "0"]}[command]
    return Case("memory_" + name, 5, words, files={"m.onnx": data}, command=arguments)


def memory():
    """Small files that want a lot of memory: --max-mem refuses before it is taken."""
    i = lambda *v: ("s", ints("s", *v))
    big = w.value("x", (1, 64, 1 << 14, 1 << 14))
    yield too_much("input", w.model(w.graph(nodes=[w.relu()], inputs=[big], outputs=[w.raw(1, "y")])))
    yield too_much("fill", one("ConstantOfShape", [i(1 << 40)], inputs=[]))
    yield too_much("fill_twice", w.model(w.graph(
        w.raw(w.INITIALIZER, ints("s", 1 << 13, 1 << 13)),
        nodes=[w.node("ConstantOfShape", ["s"], ["c"]), w.node("MatMul", ["c", "c"], ["d"]), w.node("Add", ["d", "x"], ["y"])],
        inputs=[w.value("x", (1,))], outputs=[w.raw(1, "y")])))
    yield too_much("pad", one("Pad", [i(0, 0, 1 << 20, 0, 0, 0, 1 << 20, 0)]))
    yield too_much("resize", one("Resize", [("r", floats("r")), ("s", floats("s", 1, 1, 1e4, 1e4))]))
    yield too_much("conv_pads", one("Conv", [W], pads=[1 << 14, 1 << 14, 1 << 14, 1 << 14]))
    yield too_much("matmul", w.model(w.graph(nodes=[w.node("MatMul", ["x", "z"], ["y"])],
                                             inputs=[w.value("x", (1 << 15, 1)), w.value("z", (1, 1 << 15))], outputs=[w.raw(1, "y")])))
    yield too_much("add", w.model(w.graph(nodes=[w.node("Add", ["x", "z"], ["y"])],
                                          inputs=[w.value("x", (1 << 15, 1)), w.value("z", (1, 1 << 15))], outputs=[w.raw(1, "y")])))
    yield too_much("concat", w.model(w.graph(nodes=[w.node("Concat", ["x"] * 500, ["y"], attribute("axis", 0))],
                                             inputs=[w.value("x", (1 << 20,))], outputs=[w.raw(1, "y")])))
    doubling = [w.node("Concat", ["v%d" % k] * 2, ["v%d" % (k + 1)], attribute("axis", 0)) for k in range(40)]
    yield too_much("doubling", w.model(w.graph(nodes=doubling, inputs=[w.value("v0", (1,))], outputs=[w.raw(1, "v40")])))
    yield bad("memory_doubling_overflow", w.model(w.graph(nodes=doubling + [w.node("Concat", ["v%d" % k] * 2, ["v%d" % (k + 1)], attribute("axis", 0)) for k in range(40, 70)],
                                                          inputs=[w.value("v0", (1,))], outputs=[w.raw(1, "v70")])), r"too large")


def cases():
    for family in (convolutions, pools, shapes, unsupported, recursion, memory):
        yield from family()
