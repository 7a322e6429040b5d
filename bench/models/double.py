# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the convolutional networks of the ONNX package in double precision: one torch function per ONNX operator.

Only the operators that those nine networks use, at opset 9, batch 1 or more. It is the reference that frit's and ONNX
Runtime's f32 results are measured against, so it shares no code with either.
"""

import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F


def _pads(attributes):
    """ONNX pads (top, left, bottom, right) as torch.nn.functional.pad wants them."""
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return left, right, top, bottom


def conv(a, x, weight, bias=None):
    return F.conv2d(F.pad(x, _pads(a)), weight, bias, a.get("strides", (1, 1)), 0, a.get("dilations", (1, 1)),
                    a.get("group", 1))


def max_pool(a, x):
    return F.max_pool2d(F.pad(x, _pads(a), value=float("-inf")), a["kernel_shape"], a.get("strides", (1, 1)))


def average_pool(a, x):
    def total(y):
        return F.avg_pool2d(F.pad(y, _pads(a)), a["kernel_shape"], a.get("strides", (1, 1)), divisor_override=1)

    return total(x) / total(torch.ones_like(x))


def batch_norm(a, x, scale, bias, mean, variance):
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, a.get("epsilon", 1e-5))


def lrn(a, x):
    size = a["size"]
    squares = F.pad(x * x, (0, 0, 0, 0, (size - 1) // 2, size // 2))
    total = sum(squares[:, k : k + x.shape[1]] for k in range(size))
    return x / (a.get("bias", 1.0) + a.get("alpha", 1e-4) / size * total) ** a.get("beta", 0.75)


def gemm(a, x, weight, bias):
    product = (x.T if a.get("transA") else x) @ (weight.T if a.get("transB") else weight)
    return a.get("alpha", 1.0) * product + a.get("beta", 1.0) * bias


def softmax(a, x):
    rows = x.reshape(int(torch.tensor(x.shape[: a.get("axis", 1)]).prod()), -1)
    return torch.softmax(rows, 1).reshape(x.shape)


def unsqueeze(a, x):
    for axis in a["axes"]:
        x = x.unsqueeze(axis)
    return x


def reshape(_, x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


OPERATORS = {
    "Conv": conv, "MaxPool": max_pool, "AveragePool": average_pool, "BatchNormalization": batch_norm, "LRN": lrn,
    "Gemm": gemm, "Softmax": softmax, "Unsqueeze": unsqueeze, "Reshape": reshape,
    "Relu": lambda _, x: torch.relu(x),
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Dropout": lambda _, x: x,
    "Sum": lambda _, *xs: sum(xs[1:], xs[0]),
    "Add": lambda _, x, y: x + y,
    "Mul": lambda _, x, y: x * y,
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Transpose": lambda a, x: x.permute(a["perm"]),
}


def run(model, inputs, outputs):
    """The named outputs of the model, as f64 arrays, for f32 inputs by name."""
    values = {name: torch.from_numpy(array).double() for name, array in inputs.items()}
    for tensor in model.graph.initializer:
        value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        values[tensor.name] = value.double() if value.is_floating_point() else value
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](attributes, *(values[name] for name in node.input))
    return [values[name].numpy() for name in outputs]
