# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ResNet-18 (He et al. 2016, torchvision's form with batch norms folded) whose weights are inputs, so that nothing is packed
when it is compiled.

    resnet18.write("resnet18_inputs.onnx")     the ONNX file; returns every input: {"image": ..., "w0": ..., "b0": ...}
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

SEED, CLASSES, SIDE = 31, 1000, 224
STAGES = [(64, 1), (128, 2), (256, 2), (512, 2)]
BLOCKS = 2


class Net:
    def __init__(self):
        self.random = np.random.default_rng(SEED)
        self.nodes, self.inputs = [], {}

    def input(self, name, shape, scale):
        self.inputs[name] = (self.random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def node(self, kind, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def conv(self, x, channels, filters, side, stride):
        at = len(self.inputs)
        w = self.input(f"w{at}", (filters, channels, side, side), (2 / (channels * side * side)) ** 0.5)
        b = self.input(f"b{at}", (filters,), 0.1)
        return self.node("Conv", [x, w, b], kernel_shape=[side, side], strides=[stride, stride], pads=[side // 2] * 4)

    def block(self, x, channels, filters, stride):
        y = self.node("Relu", [self.conv(x, channels, filters, 3, stride)])
        y = self.conv(y, filters, filters, 3, 1)
        if channels != filters:
            x = self.conv(x, channels, filters, 1, stride)
        return self.node("Relu", [self.node("Add", [x, y])])


def write(path):
    net = Net()
    x = net.node("Relu", [net.conv(net.input("image", (1, 3, SIDE, SIDE), 1), 3, STAGES[0][0], 7, 2)])
    x = net.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = STAGES[0][0]
    for filters, stride in STAGES:
        for i in range(BLOCKS):
            x = net.block(x, channels, filters, 1 if i else stride)
            channels = filters
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    x = net.node("Gemm", [x, net.input("w", (channels, CLASSES), channels**-0.5), net.input("b", (CLASSES,), 0.1)])
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in net.inputs.items()]
    result = helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, CLASSES])
    model = helper.make_model(helper.make_graph(net.nodes, "resnet18", ports, [result]),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return net.inputs
