# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The distinct convolutions of a model, each as a model of its own: bias and ReLU behind it, images channels-last at both
ends (as they are between convolutions of a whole model), seeded weights.

    convs.describe("resnet50.onnx")       [{"shape": ..., "count": how often, "names": [...]}]
    convs.write(shape, "conv.onnx")       the ONNX file and {"x", "w", "b"}
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

SEED = 29
IMAGE_RANK = 4


def dims_of(value, batch):
    return [d.dim_value or batch for d in value.type.tensor_type.shape.dim]


def attribute(node, name, fallback):
    found = [a for a in node.attribute if a.name == name]
    return list(found[0].ints) if found and found[0].ints else (found[0].i if found else fallback)


def describe(path, batch=1):
    """Convolutions over two axes with constant weights, equal ones once, in the order of the graph."""
    graph = shape_inference.infer_shapes(onnx.load(path)).graph
    types = {v.name: v for v in [*graph.value_info, *graph.input, *graph.output]}
    weights = {i.name: list(i.dims) for i in graph.initializer}
    known = {}
    for node in graph.node:
        x, y = types.get(node.input[0]), types.get(node.output[0])
        w = weights.get(node.input[1]) if node.op_type == "Conv" else None
        if not (x and y and w) or len(w) != IMAGE_RANK or attribute(node, "auto_pad", "") not in ("", b"NOTSET", 0):
            continue
        image, result = dims_of(x, batch), dims_of(y, batch)
        shape = {"batch": image[0], "channels": image[1], "height": image[2], "width": image[3], "out_channels": w[0],
                 "out_height": result[2], "out_width": result[3], "groups": attribute(node, "group", 1), "kernel": w[2:],
                 "strides": attribute(node, "strides", [1, 1]), "dilations": attribute(node, "dilations", [1, 1]),
                 "pads": attribute(node, "pads", [0, 0, 0, 0])}
        row = known.setdefault(str(shape), {"shape": shape, "count": 0, "names": []})
        row["count"] += 1
        row["names"].append(node.name or node.output[0])
    return list(known.values())


def write(shape, path):
    random = np.random.default_rng(SEED)
    s = shape
    per_group = s["channels"] // s["groups"]
    scale = (2.0 / (per_group * s["kernel"][0] * s["kernel"][1])) ** 0.5
    w = (random.standard_normal((s["out_channels"], per_group, *s["kernel"])) * scale).astype(np.float32)
    b = random.standard_normal(s["out_channels"]).astype(np.float32)
    x = random.standard_normal((s["batch"], s["height"], s["width"], s["channels"])).astype(np.float32)
    nodes = [helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
             helper.make_node("Conv", ["first", "w", "b"], ["sum"], group=s["groups"], strides=s["strides"],
                              dilations=s["dilations"], pads=s["pads"], kernel_shape=s["kernel"]),
             helper.make_node("Relu", ["sum"], ["last"]), helper.make_node("Transpose", ["last"], ["y"], perm=[0, 2, 3, 1])]
    result = [s["batch"], s["out_height"], s["out_width"], s["out_channels"]]
    graph = helper.make_graph(nodes, "conv", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
                              [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return {"x": x, "w": w, "b": b}
