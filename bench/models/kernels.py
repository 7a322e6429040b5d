# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the one-kernel models of bench_roof.sh: kernels over 64 MiB of memory.

    python kernels.py [--out build/models]
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]


MIB64 = 1 << 24  # f32 elements


def save(path, nodes, inputs, shape_out, weights=()):
    graph = helper.make_graph(nodes, path.stem,
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape_out)],
                              [numpy_helper.from_array(array, name) for name, array in weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, path)


def over_memory(out, rng):
    """Kernels whose limit is memory: what they read and write is named by their inputs and output alone."""
    for columns in (768, 1024, 8192):
        shape = [MIB64 // columns, columns]
        norm = [(name, rng.standard_normal(columns).astype(np.float32)) for name in ("scale", "bias")]
        save(out / f"softmax_{columns}.onnx", [helper.make_node("Softmax", ["x"], ["y"], axis=-1)], [("x", shape)],
             shape)
        save(out / f"layer_norm_{columns}.onnx",
             [helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["y"], axis=-1)], [("x", shape)], shape,
             norm)
    shape = [MIB64 // 1024, 1024]
    add = helper.make_node("Add", ["x", "r"], ["s"])
    save(out / "add_gelu.onnx", [add, helper.make_node("Gelu", ["s"], ["y"])], [("x", shape), ("r", shape)], shape)
    save(out / "add_gelu_tanh.onnx", [add, helper.make_node("Gelu", ["s"], ["y"], approximate="tanh")],
         [("x", shape), ("r", shape)], shape)
    save(out / "add_layer_norm.onnx", [add, helper.make_node("LayerNormalization", ["s", "scale", "bias"], ["y"])],
         [("x", shape), ("r", shape)], shape,
         [(name, rng.standard_normal(1024).astype(np.float32)) for name in ("scale", "bias")])


def of_registers(out):
    """Each function over two lengths that fit the first-level cache, so that what a call costs cancels."""
    functions = {"copy": [("Neg", {})], "exp": [("Exp", {})], "tanh": [("Tanh", {})], "erf": [("Erf", {})],
                 "log": [("Log", {})], "sigmoid": [("Sigmoid", {})], "gelu": [("Gelu", {})],
                 "gelu_tanh": [("Gelu", {"approximate": "tanh"})]}
    for length in (1024, 3072):
        chains = {name: [helper.make_node(op, ["x"], ["y"], **attrs) for op, attrs in ops]
                  for name, ops in functions.items()}
        chains["silu"] = [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["x", "s"], ["y"])]
        for name, chain in chains.items():
            save(out / f"math_{name}_{length}.onnx", chain, [("x", [length])], [length])


def main():
    parser = argparse.ArgumentParser(description="make the one-kernel models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/models")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    over_memory(out, np.random.default_rng(1))
    of_registers(out)


if __name__ == "__main__":
    main()
