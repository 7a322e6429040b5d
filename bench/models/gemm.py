# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the matmuls of bench_gemm.sh, y[M, N] = x[M, K] W[K, N] with seeded constant weights: NAME.onnx, and the weights
as plain numbers in NAME.f32 for the peers. The same of bf16 summed in f32 as bf16_NAME.onnx, and of bytes as
bytes_NAME.onnx (MatMulInteger) and bytes_NAME.s8.

    python gemm.py [--out build/models]
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]

# M, N, K: squares, layers of BERT-base, convolutions of ResNet-50 as products, tails, and 64 MiB of weights
SIZES = ["128x128x128", "512x512x512", "1024x1024x1024", "2048x2048x2048", "128x768x768", "128x3072x768", "128x768x3072",
         "3136x64x576", "49x512x4608", "12544x64x147", "100x1000x333", "384x384x384", "1x4096x4096", "4x4096x4096",
         "16x4096x4096", "64x4096x4096"]


def write(out, name):
    m, n, k = (int(x) for x in name.split("x"))
    weight = (np.random.default_rng(1).standard_normal((k, n)) / np.sqrt(k)).astype(np.float32)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "weight"], ["y"])], f"gemm_{name}",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [m, k])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])],
                              [numpy_helper.from_array(weight, "weight")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.save(model, out / f"gemm_{name}.onnx")
    weight.tofile(out / f"gemm_{name}.f32")


def write_bf16(out, name):
    m, n, k = (int(x) for x in name.split("x"))
    weight = (np.random.default_rng(1).standard_normal((k, n)) / np.sqrt(k)).astype(np.float32)
    bits = (weight.view(np.uint32) >> 16).astype(np.uint16)  # cut, so that the numbers are bf16's own
    constant = helper.make_tensor("weight", TensorProto.BFLOAT16, [k, n], bits.tobytes(), raw=True)
    nodes = [helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.FLOAT),
             helper.make_node("Cast", ["weight"], ["wide_weight"], to=TensorProto.FLOAT),
             helper.make_node("MatMul", ["wide", "wide_weight"], ["y"])]
    graph = helper.make_graph(nodes, f"bf16_{name}", [helper.make_tensor_value_info("x", TensorProto.BFLOAT16, [m, k])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.save(model, out / f"bf16_{name}.onnx")
    (bits.astype(np.uint32) << 16).view(np.float32).tofile(out / f"bf16_{name}.f32")


def write_bytes(out, name):
    m, n, k = (int(x) for x in name.split("x"))
    weight = np.random.default_rng(1).integers(-127, 128, (k, n)).astype(np.int8)
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["x", "weight"], ["y"])], f"bytes_{name}",
                              [helper.make_tensor_value_info("x", TensorProto.UINT8, [m, k])],
                              [helper.make_tensor_value_info("y", TensorProto.INT32, [m, n])],
                              [numpy_helper.from_array(weight, "weight")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.save(model, out / f"bytes_{name}.onnx")
    weight.tofile(out / f"bytes_{name}.s8")


def main():
    parser = argparse.ArgumentParser(description="make the matmuls of bench_gemm.sh")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/models")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name in SIZES:
        write(out, name)
        write_bf16(out, name)
        write_bytes(out, name)


if __name__ == "__main__":
    main()
