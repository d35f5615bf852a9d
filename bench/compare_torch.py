# SPDX-License-Identifier: MIT
"""An ONNX file as a PyTorch module, for compare.py: the operators of its networks, no more."""
import numpy
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


def symmetric(attrs, rank=2):
    """Pads that are alike at both ends, as PyTorch wants them; None if they are not."""
    pads = attrs.get("pads", [0] * (2 * rank))
    return pads[:rank] if pads[:rank] == pads[rank:] else None


def padded(x, attrs, value):
    """x with the pads that PyTorch's layers cannot do themselves, and those that are left."""
    pads = symmetric(attrs)
    if pads is not None:
        return x, pads
    top, left, bottom, right = attrs["pads"]
    return F.pad(x, (left, right, top, bottom), value=value), [0, 0]


class Layer(nn.Module):
    """A node without weights."""

    def __init__(self, op, attrs):
        super().__init__()
        self.op, self.attrs = op, attrs

    def forward(self, x, *others):
        op, attrs = self.op, self.attrs
        if op == "Relu":
            return F.relu(x)
        if op in ("Identity", "Dropout"):
            return x
        if op == "Add":
            return x + others[0]
        if op == "Concat":
            return torch.cat((x, *others), attrs["axis"])
        if op == "Clip":
            low, high = (float(v) for v in others)
            return F.relu6(x) if (low, high) == (0, 6) else torch.clamp(x, low, high)
        if op == "Flatten":
            return torch.flatten(x, attrs.get("axis", 1))
        if op == "Softmax":
            return F.softmax(x, attrs.get("axis", -1))
        if op == "GlobalAveragePool":
            return F.adaptive_avg_pool2d(x, 1)
        if op == "LRN":
            return F.local_response_norm(x, attrs["size"], attrs.get("alpha", 1e-4),
                                         attrs.get("beta", 0.75), attrs.get("bias", 1.0))
        return self.pool(x)

    def pool(self, x):
        attrs, ceil = self.attrs, bool(self.attrs.get("ceil_mode", 0))
        stride = attrs.get("strides", [1, 1])
        if self.op == "MaxPool":
            x, pads = padded(x, attrs, float("-inf"))
            return F.max_pool2d(x, attrs["kernel_shape"], stride, pads, ceil_mode=ceil)
        pads = symmetric(attrs)
        if self.op != "AveragePool" or pads is None:
            raise NotImplementedError(f"{self.op} with {attrs}")
        return F.avg_pool2d(x, attrs["kernel_shape"], stride, pads, ceil,
                            bool(attrs.get("count_include_pad", 0)))


def convolution(attrs, weight, bias=None):
    pads = symmetric(attrs)
    if pads is None:
        top, left, bottom, right = attrs["pads"]
        before, pads = [nn.ZeroPad2d((left, right, top, bottom))], [0, 0]
    else:
        before = []
    groups = attrs.get("group", 1)
    layer = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], list(weight.shape[2:]),
                      attrs.get("strides", [1, 1]), pads, attrs.get("dilations", [1, 1]), groups,
                      bias is not None)
    fill(layer, weight, bias)
    return nn.Sequential(*before, layer) if before else layer


def fill(layer, weight, bias):
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias


def product(attrs, weight, bias=None):
    weight = weight if attrs.get("transB", 0) else weight.t().contiguous()
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    fill(layer, weight, bias)
    return layer


def batch_norm(attrs, scale, shift, mean, var):
    layer = nn.BatchNorm2d(len(scale), attrs.get("epsilon", 1e-5))
    fill(layer, scale, shift)
    layer.running_mean, layer.running_var = mean, var
    return layer


WITH_WEIGHTS = {"Conv": convolution, "Gemm": product, "BatchNormalization": batch_norm}


class Network(nn.Module):
    def __init__(self, graph):
        super().__init__()
        constants = {t.name: torch.from_numpy(numpy.array(numpy_helper.to_array(t)))
                     for t in graph.initializer}
        self.source, self.target = graph.input[0].name, graph.output[0].name
        self.layers, self.wires, self.constants = nn.ModuleList(), [], {}
        for node in graph.node:
            attrs = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            names = [n for n in node.input if n]
            if node.op_type == "Constant":
                constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attrs["value"]))
            elif node.op_type in WITH_WEIGHTS:
                weights = [constants[n] for n in names[1:]]
                self.add(WITH_WEIGHTS[node.op_type](attrs, *weights), names[:1], node)
            elif node.op_type == "Reshape":  # to [n, everything], before a Gemm
                self.add(Layer("Flatten", {}), names[:1], node)
            elif node.op_type == "Dropout":
                self.add(Layer("Identity", {}), names[:1], node)
            else:
                self.constants.update({n: constants[n] for n in names if n in constants})
                self.add(Layer(node.op_type, attrs), names, node)

    def add(self, layer, names, node):
        self.layers.append(layer)
        self.wires.append((names, node.output[0]))

    def forward(self, x):
        values = {**self.constants, self.source: x}
        for layer, (names, output) in zip(self.layers, self.wires):
            values[output] = layer(*(values[n] for n in names))
        return values[self.target]


def from_onnx(path):
    return Network(onnx.load(path).graph)
