"""Writes the one-kernel models of bench_roof.sh: a 1024^3 matmul with constant weights, and a softmax over 64 MiB.

    python kernels.py [--out build/models]
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]


def save(path, node, shape_in, shape_out, weights=()):
    graph = helper.make_graph([node], path.stem, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape_in)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape_out)], list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description="make the one-kernel models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/models")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    n = 1024
    weight = (np.random.default_rng(1).standard_normal((n, n)) / np.sqrt(n)).astype(np.float32)
    save(out / "matmul_1024.onnx", helper.make_node("MatMul", ["x", "weight"], ["y"]), [n, n], [n, n],
         [numpy_helper.from_array(weight, "weight")])
    save(out / "softmax_64mib.onnx", helper.make_node("Softmax", ["x"], ["y"], axis=-1), [4096, 4096], [4096, 4096])


if __name__ == "__main__":
    main()
