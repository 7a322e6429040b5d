# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The nine networks of the ONNX package with weights that mean something, and their double-precision answers.

The package replaces every weight by ConstantOfShape 0.02: eight of the nine then give a thousand equal outputs, and a
wrong convolution passes. Here each becomes an initializer with seeded He-normal values (batch norm: variances in
0.5..1.5, scales about 1), and the value in front of the last softmax, which saturates, becomes an output: the one that
is compared.

    python light.py [--out build/models] [squeezenet resnet50 ...]       default: all nine; needs torch, onnxruntime
"""

import argparse
import math
import pathlib
import zlib

import numpy as np
import onnx
import onnx.backend.test
import torch
from onnx import helper, numpy_helper

import double
import references

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = ("squeezenet", "resnet50", "bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "shufflenet", "vgg19",
         "zfnet512")
SEED = 3


def values_for(node, place, shape, random):
    """Seeded weights for input number `place` of `node`."""
    if node.op_type == "BatchNormalization":
        if place == 4:
            return random.uniform(0.5, 1.5, shape)
        return (1.0 if place == 1 else 0.0) + 0.1 * random.standard_normal(shape)
    if node.op_type == "Mul":
        return 1.0 + 0.1 * random.standard_normal(shape)
    if node.op_type in ("Conv", "Gemm") and place == 1:
        fan_in = math.prod(shape[1:])
        return random.standard_normal(shape) * math.sqrt(2.0 / fan_in)
    return 0.1 * random.standard_normal(shape)


def consumers(graph):
    """{value: (node, which input)} of each value's first reader, looking through Unsqueeze."""
    readers = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            readers.setdefault(name, (node, place))
    for node in graph.node:
        if node.op_type == "Unsqueeze":
            readers[node.input[0]] = readers[node.output[0]]
    return readers


def give_weights(model, random):
    """Replaces every ConstantOfShape by an initializer and takes initializers out of the graph's inputs."""
    graph = model.graph
    shapes = {t.name: numpy_helper.to_array(t).tolist() for t in graph.initializer if t.data_type == t.INT64}
    readers = consumers(graph)
    splats = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    for node in splats:
        reader, place = readers[node.output[0]]
        values = values_for(reader, place, shapes[node.input[0]], random).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
    weights = {t.name for t in graph.initializer}
    for value in [v for v in graph.input if v.name in weights or v.name not in used]:
        graph.input.remove(value)
    model.ir_version = 8


def show_logits(model):
    """Makes the value in front of the last softmax an output and returns its name; without a softmax, the output."""
    graph = model.graph
    last = next(node for node in graph.node if node.output[0] == graph.output[0].name)
    if last.op_type != "Softmax":
        return graph.output[0].name
    shape = [d.dim_value for d in graph.output[0].type.tensor_type.shape.dim]
    graph.output.append(helper.make_tensor_value_info(last.input[0], onnx.TensorProto.FLOAT, shape))
    return last.input[0]


def make(name, out):
    """Writes NAME.onnx, NAME.input.npy, NAME.reference.npy and the case file NAME.json."""
    source = pathlib.Path(onnx.backend.test.__file__).parent / "data/light" / f"light_{name}.onnx"
    model = onnx.load(source)
    random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    give_weights(model, random)
    logits = show_logits(model)
    onnx.save(model, out / f"{name}.onnx")
    image = random.standard_normal((1, 3, 224, 224)).astype(np.float32)
    answer = double.run(model, {model.graph.input[0].name: image}, [logits])[0]
    if not np.isfinite(answer).all() or answer.std() == 0:
        raise ValueError(f"{name}: the logits are not usable")
    np.save(out / f"{name}.input.npy", image)
    np.save(out / f"{name}.reference.npy", answer)
    case = {"inputs": {model.graph.input[0].name: f"{name}.input.npy"}, "reference": f"{name}.reference.npy"}
    facts = references.write(out / f"{name}.json", [f"{name}.onnx"], logits, {"image": case})
    print(f"{name}: {len(model.graph.node)} nodes, logits {answer.min():.3g}..{answer.max():.3g}, "
          f"onnxruntime {facts['onnxruntime_ulps'][f'{name}.onnx']['image']} ulp", flush=True)


def main():
    parser = argparse.ArgumentParser(description="make the seeded networks")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("names", nargs="*", default=NAMES)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in args.names:
            make(name, args.out)


if __name__ == "__main__":
    main()
