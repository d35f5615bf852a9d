# SPDX-License-Identifier: MIT
"""A small model for each operator: seeds for the fuzz target of ONNX models."""
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

IMAGE = (1, 2, 4, 4)


def f(*shape):
    """Floats from -1 to 1."""
    n = int(np.prod(shape))
    return np.linspace(-1, 1, n, dtype="f4").reshape(shape)


def i(*values):
    return np.array(values, "i8")


def u8(*shape):
    return (np.arange(int(np.prod(shape))) % 7).astype("u1").reshape(shape)


ZERO, SCALE = np.uint8(3), np.float32(0.5)

# operator: opset, inputs, attributes, outputs. An input is a shape (the graph's, floats), a pair of a
# type and a shape, an array (an initializer) or None (left out).
UNARY = ("Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor GlobalAveragePool GlobalLpPool "
         "GlobalMaxPool HardSigmoid HardSwish Hardmax Identity IsInf IsNaN LeakyRelu Log LogSoftmax LpNormalization "
         "MeanVarianceNormalization Neg NonZero Reciprocal Relu Round Selu Shape Shrink Sigmoid Sign Sin Sinh Size Softmax "
         "Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Transpose Dropout Flatten DynamicQuantizeLinear").split()
BINARY = "Add Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul PRelu Pow Sub Sum".split()
REDUCE = "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare".split()

TABLE = {op: (17, [IMAGE], {}, 1) for op in UNARY}
TABLE.update({op: (17, [IMAGE, f(2, 1, 1)], {}, 1) for op in BINARY})
TABLE.update({"Reduce" + op: (17, [IMAGE], {"axes": [1, -1], "keepdims": 0}, 1) for op in REDUCE})
TABLE.update({op: (17, [(T.BOOL, (2, 3)), (T.BOOL, (3,))], {}, 1) for op in ("And", "Or", "Xor")})
TABLE.update({
    "DynamicQuantizeLinear": (17, [IMAGE], {}, 3),
    "Not": (17, [(T.BOOL, (2, 3))], {}, 1),
    "Mod": (17, [(T.INT64, (2, 3)), i(2)], {}, 1),
    "Gelu": (20, [IMAGE], {"approximate": "tanh"}, 1),
    "Mish": (18, [IMAGE], {}, 1),
    "Swish": (24, [IMAGE], {"alpha": 0.5}, 1),
    "ArgMax": (17, [IMAGE], {"axis": 1, "keepdims": 0, "select_last_index": 1}, 1),
    "ArgMin": (11, [IMAGE], {"axis": -1}, 1),
    "AveragePool": (19, [IMAGE], {"kernel_shape": [2, 3], "pads": [1, 0, 0, 1], "count_include_pad": 1, "dilations": [2, 1]}, 1),
    "LpPool": (18, [IMAGE], {"kernel_shape": [2, 2], "p": 3, "ceil_mode": 1}, 1),
    "MaxPool": (12, [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 2], "storage_order": 1}, 2),
    "MaxUnpool": (11, [(1, 1, 2, 2), i(5, 7, 13, 15).reshape(1, 1, 2, 2), i(1, 1, 4, 4)], {"kernel_shape": [2, 2], "strides": [2, 2]}, 1),
    "BatchNormalization": (15, [IMAGE, f(2), f(2), f(2), np.ones(2, "f4")], {"epsilon": 1e-3}, 1),
    "InstanceNormalization": (17, [IMAGE, f(2), f(2)], {}, 1),
    "GroupNormalization": (21, [IMAGE, f(2), f(2)], {"num_groups": 2}, 1),
    "LayerNormalization": (17, [IMAGE, f(4, 4), f(4, 4)], {"axis": 2}, 3),
    "RMSNormalization": (23, [IMAGE, f(4)], {"axis": -1}, 1),
    "LRN": (13, [IMAGE], {"size": 3, "alpha": 0.1}, 1),
    "Cast": (13, [IMAGE], {"to": T.INT32}, 1),
    "CastLike": (15, [IMAGE, i(1)], {}, 1),
    "Clip": (13, [IMAGE, np.float32(-0.5), None], {}, 1),
    "Concat": (13, [IMAGE, f(1, 1, 4, 4)], {"axis": 1}, 1),
    "ConstantOfShape": (9, [i(2, 3)], {"value": onnx.numpy_helper.from_array(f(1))}, 1),
    "Constant": (13, [], {"value_floats": [1.0, 2.0]}, 1),
    "Conv": (11, [IMAGE, f(4, 1, 3, 3), f(4)], {"group": 2, "pads": [1, 1, 1, 1], "strides": [2, 1]}, 1),
    "ConvTranspose": (11, [IMAGE, f(2, 3, 3, 3)], {"strides": [2, 2], "output_padding": [1, 0], "pads": [1, 0, 1, 1]}, 1),
    "ConvInteger": (10, [(T.UINT8, IMAGE), u8(2, 2, 1, 1), ZERO, np.uint8(1)], {}, 1),
    "QLinearConv": (10, [(T.UINT8, IMAGE), SCALE, ZERO, u8(2, 2, 1, 1), SCALE, ZERO, SCALE, ZERO, np.arange(2, dtype="i4")], {}, 1),
    "QLinearMatMul": (10, [(T.UINT8, (2, 3)), SCALE, ZERO, u8(3, 2), SCALE, ZERO, SCALE, ZERO], {}, 1),
    "MatMulInteger": (10, [(T.UINT8, (2, 3)), u8(3, 2), ZERO, ZERO], {}, 1),
    "QuantizeLinear": (13, [IMAGE, np.full(2, 0.5, "f4"), np.zeros(2, "i1")], {"axis": 1}, 1),
    "DequantizeLinear": (13, [(T.UINT8, IMAGE), SCALE, ZERO], {}, 1),
    "CumSum": (14, [IMAGE, np.int64(2)], {"exclusive": 1, "reverse": 1}, 1),
    "DepthToSpace": (13, [(1, 8, 2, 2)], {"blocksize": 2, "mode": "CRD"}, 1),
    "SpaceToDepth": (13, [IMAGE], {"blocksize": 2}, 1),
    "Expand": (13, [(2, 1), i(3, 1, 4)], {}, 1),
    "EyeLike": (9, [(3, 4)], {"k": 1}, 1),
    "Gather": (13, [IMAGE, i(0, -1)], {"axis": 2}, 1),
    "GatherElements": (13, [(2, 3), i(0, 1, -1).reshape(1, 3)], {"axis": 1}, 1),
    "GatherND": (13, [(2, 2, 3), i(0, 1).reshape(2, 1)], {"batch_dims": 1}, 1),
    "Gemm": (13, [(2, 3), f(4, 3), f(4)], {"transB": 1, "alpha": 0.5, "beta": 2.0}, 1),
    "MatMul": (13, [(2, 1, 3, 4), f(2, 4, 2)], {}, 1),
    "OneHot": (11, [(T.INT64, (3,)), np.int64(4), f(2)], {"axis": 0}, 1),
    "Pad": (18, [IMAGE, i(1, 0, -1, 2), np.float32(0.5), i(2, 3)], {"mode": "constant"}, 1),
    "Range": (11, [np.int64(0), np.int64(10), np.int64(3)], {}, 1),
    "ReduceSum": (13, [IMAGE, i(1, 2)], {"noop_with_empty_axes": 1}, 1),
    "Reshape": (14, [IMAGE, i(0, -1, 8)], {"allowzero": 0}, 1),
    "Resize": (13, [IMAGE, None, np.array([1, 1, 2, 1.5], "f4")], {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, 1),
    "Upsample": (9, [IMAGE, np.array([1, 1, 2, 2], "f4")], {"mode": "nearest"}, 1),
    "Scatter": (9, [(3, 3), i(1, 0, 2).reshape(1, 3), f(1, 3)], {"axis": 0}, 1),
    "ScatterElements": (18, [(3, 3), i(1, 0, 2).reshape(1, 3), f(1, 3)], {"reduction": "add"}, 1),
    "ScatterND": (18, [(3, 3), i(1, 0).reshape(2, 1), f(2, 3)], {"reduction": "mul"}, 1),
    "Shape": (15, [IMAGE], {"start": 1, "end": -1}, 1),
    "Slice": (13, [IMAGE, i(0, 3), i(9, -9), i(2, 3), i(2, -1)], {}, 1),
    "Split": (18, [IMAGE], {"axis": 3, "num_outputs": 3}, 3),
    "Squeeze": (13, [(1, 2, 1), i(0)], {}, 1),
    "Tile": (13, [(2, 3), i(2, 2)], {}, 1),
    "TopK": (11, [(2, 5), i(3)], {"axis": -1, "largest": 0}, 2),
    "Trilu": (14, [(3, 4), np.int64(1)], {"upper": 0}, 1),
    "Unsqueeze": (13, [(2, 3), i(0, -1)], {}, 1),
    "Where": (16, [(T.BOOL, (2, 1)), (2, 3), f(3)], {}, 1),
})


def seed(op, opset, inputs, attributes, n_out):
    names, values, inits = [], [], []
    for k, x in enumerate(inputs):
        name = "" if x is None else "i%d" % k
        names.append(name)
        if isinstance(x, (np.ndarray, np.generic)):
            inits.append(onnx.numpy_helper.from_array(np.asarray(x), name))
        elif x is not None:
            elem, shape = x if isinstance(x[1], tuple) else (T.FLOAT, x)
            values.append(h.make_tensor_value_info(name, elem, shape))
    outs = ["o%d" % k for k in range(n_out)]
    node = h.make_node(op, names, outs, name="n", **attributes)
    ys = [onnx.ValueInfoProto(name=o) for o in outs]
    g = h.make_graph([node], "g", values, ys, inits)
    m = h.make_model(g, opset_imports=[h.make_opsetid("", opset)], producer_name="")
    m.ir_version = 8
    return m.SerializeToString(deterministic=True)


def operator_seeds():
    for op, row in sorted(TABLE.items()):
        yield "op_%s.onnx" % op.lower(), seed(op, *row)
