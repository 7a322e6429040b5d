# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes one block of self-attention as an ONNX file, its weights as plain numbers, and a case to check it with.

    python make.py [--out DIR]          needs numpy and onnx (tests/requirements.txt)

Writes  attention.onnx    x f32[batch, length, 64] -> y of the same shape; 4 heads of 16
        weights.f32       the same weights, little-endian floats one after the other, in the order of WEIGHTS
        x.npy, y.npy      f32 [2, 19, 64] and what the block makes of it, computed in double precision (f64)
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 5
WIDTH, HEADS = 64, 4
DEPTH = WIDTH // HEADS
WEIGHTS = [(f"{part}.{what}", shape) for part in ("query", "key", "value", "out")
           for what, shape in (("weight", (WIDTH, WIDTH)), ("bias", (WIDTH,)))]


def make_weights(random):
    """Seeded normal weights of variance 1 / WIDTH, by name."""
    return {name: (random.standard_normal(shape) / np.sqrt(WIDTH)).astype(np.float32) for name, shape in WEIGHTS}


def reference(weights, x):
    """The block in double precision."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = x.astype(np.float64)
    batch, length, _ = x.shape

    def heads(part):
        y = x @ w[f"{part}.weight"] + w[f"{part}.bias"]
        return y.reshape(batch, length, HEADS, DEPTH).transpose(0, 2, 1, 3)

    q, k, v = heads("query"), heads("key"), heads("value")
    scores = q @ k.transpose(0, 1, 3, 2) * DEPTH**-0.5
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (scores / scores.sum(-1, keepdims=True)) @ v
    mixed = mixed.transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
    return mixed @ w["out.weight"] + w["out.bias"]


def to_onnx(weights):
    """The block as ONNX, one node a line, named as a person would."""
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], output, **attributes))
        return output

    def project(source, part):
        product = node("MatMul", [source, f"{part}.weight"], f"{part}.product")
        return node("Add", [product, f"{part}.bias"], part if part != "out" else "y")

    def split(part, order):
        rows = node("Reshape", [project("x", part), "split_shape"], f"{part}.rows")
        return node("Transpose", [rows], f"{part}.heads", perm=order)

    q, k, v = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
    scaled = node("Mul", [node("MatMul", [q, k], "scores"), "scale"], "scaled")
    mixed = node("MatMul", [node("Softmax", [scaled], "shares", axis=-1), v], "mixed")
    joined = node("Reshape", [node("Transpose", [mixed], "mixed.rows", perm=[0, 2, 1, 3]), "join_shape"], "joined")
    project(joined, "out")
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    constants.append(numpy_helper.from_array(np.array([0, 0, HEADS, DEPTH], np.int64), "split_shape"))
    constants.append(numpy_helper.from_array(np.array([0, 0, WIDTH], np.int64), "join_shape"))
    constants.append(numpy_helper.from_array(np.array(DEPTH**-0.5, np.float32), "scale"))
    shape = ["batch", "length", WIDTH]
    graph = helper.make_graph(nodes, "attention", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="attention")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser(description="make the attention block")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    random = np.random.default_rng(SEED)
    weights = make_weights(random)
    x = random.standard_normal((2, 19, WIDTH)).astype(np.float32)
    onnx.save(to_onnx(weights), out / "attention.onnx")
    (out / "weights.f32").write_bytes(b"".join(weights[name].astype("<f4").tobytes() for name, _ in WEIGHTS))
    np.save(out / "x.npy", x)
    np.save(out / "y.npy", reference(weights, x))


if __name__ == "__main__":
    main()
