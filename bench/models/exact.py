# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Any ONNX model in double precision: the package's reference evaluator over the model with every f32 made f64.

Values stay as they are (an f32 weight is the same number in f64); only where results are rounded changes. Convolutions
go to torch, because the reference's own are slow; batch norm and LSTM are written here, because the reference's trains
on opset 9 and gives no last cell state. Nothing is shared with frit or ONNX Runtime.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from torch.nn import functional as F


def _widen_tensor(tensor):
    if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))


def _widen_value(value):
    if value.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
        value.type.tensor_type.elem_type = TensorProto.DOUBLE


def _widen_nodes(nodes):
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in (TensorProto.FLOAT, TensorProto.FLOAT16):
                attribute.i = TensorProto.DOUBLE
            elif node.op_type == "Constant" and attribute.name == "value_float":
                value = np.array(attribute.f, np.float64)
                attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(value)))
            elif attribute.type == onnx.AttributeProto.TENSOR:
                _widen_tensor(attribute.t)
            elif attribute.type == onnx.AttributeProto.GRAPH:
                _widen_graph(attribute.g)


def _widen_graph(graph):
    for tensor in graph.initializer:
        _widen_tensor(tensor)
    for value in (*graph.input, *graph.output):
        _widen_value(value)
    del graph.value_info[:]
    _widen_nodes(graph.node)


def widen(model):
    """A copy of the model that computes in f64."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    _widen_graph(wide.graph)
    for function in wide.functions:
        _widen_nodes(function.node)
    return wide


def _torch(array):
    return None if array is None else torch.from_numpy(array.copy())


def _explicit_pads(auto_pad, pads, x, kernel, strides, dilations):
    """Pads as (begin..., end...) for every way that ONNX has of saying them."""
    rank = len(kernel)
    if auto_pad in (None, "NOTSET"):
        return list(pads or [0] * 2 * rank)
    if auto_pad == "VALID":
        return [0] * 2 * rank
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    total = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(x.shape[2:], strides, reach)]
    small, large = [t // 2 for t in total], [t - t // 2 for t in total]
    return small + large if auto_pad == "SAME_UPPER" else large + small


class Conv(OpRun):
    def _run(self, X, W, B=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, pads=None, strides=None):
        rank = W.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        pads = _explicit_pads(auto_pad, pads, X, W.shape[2:], strides, dilations)
        around = [p for axis in reversed(range(rank)) for p in (pads[axis], pads[axis + rank])]
        function = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
        return (function(F.pad(_torch(X), around), _torch(W), _torch(B), strides, 0, dilations, group or 1).numpy(),)


class ConvTranspose(OpRun):
    def _run(self, X, W, B=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, output_padding=None,
             output_shape=None, pads=None, strides=None):
        rank = W.ndim - 2
        if output_shape or auto_pad not in (None, "NOTSET"):
            raise NotImplementedError("ConvTranspose: only explicit pads")
        pads = list(pads or [0] * 2 * rank)
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
        whole = function(_torch(X), _torch(W), _torch(B), strides or 1, 0, output_padding or 0, group or 1, dilations or 1)
        cut = [slice(pads[k], whole.shape[2 + k] - pads[k + rank]) for k in range(rank)]
        return (whole[(slice(None), slice(None), *cut)].numpy(),)


class BatchNormalization(OpRun):
    """As in evaluation; the reference's own takes older opsets' momentum for a wish to train."""

    def _run(self, x, scale, bias, mean, var, epsilon=None, momentum=None, spatial=None, training_mode=None):
        across = [v.reshape(-1, *[1] * (x.ndim - 2)) for v in (scale, bias, mean, var)]
        return (across[0] * (x - across[2]) / np.sqrt(across[3] + epsilon) + across[1],)


class LSTM(OpRun):
    """One direction, default activations; gates lie in the order i o f c."""

    def _run(self, X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, activation_alpha=None,
             activation_beta=None, activations=None, clip=None, direction=None, hidden_size=None, input_forget=None,
             layout=None):
        if W.shape[0] != 1 or P is not None or clip or input_forget or layout or sequence_lens is not None:
            raise NotImplementedError("LSTM: only the plain form")
        hidden, batch = R.shape[2], X.shape[1]
        h = np.zeros((batch, hidden)) if initial_h is None else initial_h[0]
        c = np.zeros((batch, hidden)) if initial_c is None else initial_c[0]
        bias = 0.0 if B is None else B[0, : 4 * hidden] + B[0, 4 * hidden :]
        states = []
        for x in X:
            i, o, f, g = np.split(x @ W[0].T + h @ R[0].T + bias, 4, axis=1)
            i, o, f = (1 / (1 + np.exp(-gate)) for gate in (i, o, f))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            states.append(h)
        return np.stack(states)[:, None], h[None], c[None]


def evaluator(model):
    """Runs the model: evaluator(model).run(outputs, inputs), f64 in and out."""
    return ReferenceEvaluator(widen(model), new_ops=[Conv, ConvTranspose, BatchNormalization, LSTM])


def wide(inputs):
    """The inputs with floats made f64."""
    return {name: value.astype(np.float64) if value.dtype.kind == "f" else value for name, value in inputs.items()}
