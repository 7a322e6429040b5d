# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with constant matrices of bytes and bf16 in sizes about the tiles of every machine: exact sums of bytes, sums
of bf16 against double precision, and rows of a batch that have the bits of the row alone. The oracle is numpy."""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
LIMIT_S = 120
ROWS = [1, 2, 4, 5, 15, 16, 17, 31, 32, 33, 49, 63, 65, 100, 257, 300]
INNER = [1, 3, 30, 32, 33, 62, 64, 65, 127, 147, 192, 333, 1030]
COLUMNS = [8, 16, 17, 31, 33, 48, 64, 65, 100, 130]
# channels, height, width, outputs, kernel, stride, pad, dilation
CONVOLUTIONS = [(1, 9, 9, 20, 3, 1, 1, 1), (3, 17, 19, 64, 7, 2, 3, 1), (8, 6, 7, 33, 3, 1, 1, 1), (24, 9, 5, 40, 3, 2, 1, 1),
                (64, 8, 8, 64, 3, 1, 1, 1), (96, 7, 7, 17, 3, 1, 2, 2), (128, 5, 5, 70, 3, 1, 0, 1), (160, 4, 6, 48, 1, 2, 0, 1),
                (256, 14, 14, 40, 1, 1, 0, 1), (320, 5, 5, 24, 3, 1, 1, 1), (100, 7, 9, 30, 5, 1, 2, 1)]


def frit(*args):
    done = subprocess.run([FRIT, *map(str, args)], capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise AssertionError(f"frit {args[0]}: exit {done.returncode}: {done.stderr.strip()}")


class Case:
    """One compiled model of input x, in a folder of its own."""

    def __init__(self, folder, nodes, x_type, x_dims, constants, y_type, *flags):
        self.folder = pathlib.Path(folder)
        graph = helper.make_graph(nodes, "product", [helper.make_tensor_value_info("x", x_type, x_dims)],
                                  [helper.make_tensor_value_info("y", y_type, None)], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 8
        onnx.save(model, self.folder / "m.onnx")
        frit("compile", self.folder / "m.onnx", "-o", self.folder / "m.so", *flags)

    def run(self, x, threads=1):
        np.save(self.folder / "x.npy", x)
        frit("run", self.folder / "m.so", f"--input=x={self.folder / 'x.npy'}", f"--output-dir={self.folder}",
             f"--threads={threads}")
        return np.load(self.folder / "y.npy")


def bytes_product(folder, rng, m, k, n, is_symbolic):
    is_unsigned = rng.integers(2) == 1
    low, high, dtype = (0, 256, np.uint8) if is_unsigned else (-128, 128, np.int8)
    x, w = rng.integers(low, high, (m, k)).astype(dtype), rng.integers(-128, 128, (k, n)).astype(np.int8)
    case = Case(folder, [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
                TensorProto.UINT8 if is_unsigned else TensorProto.INT8, ["M" if is_symbolic else m, k],
                [numpy_helper.from_array(w, "w")], TensorProto.INT32)
    assert np.array_equal(case.run(x), x.astype(np.int32) @ w.astype(np.int32)), "sums of bytes are exact"


def to_bf16(x):
    """Rounded to nearest even, as f32."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def bf16_product(folder, rng, m, k, n, is_symbolic):
    x, w = rng.standard_normal((m, k)).astype(np.float32), rng.standard_normal((k, n)).astype(np.float32)
    case = Case(folder, [helper.make_node("MatMul", ["x", "w"], ["y"])], TensorProto.FLOAT, ["M" if is_symbolic else m, k],
                [numpy_helper.from_array(w, "w")], TensorProto.FLOAT, "--precision=bf16")
    y = case.run(x, threads=2)
    a, b = to_bf16(x).astype(np.float64), to_bf16(w).astype(np.float64)
    # each product is exact in f32; k roundings of the sum
    bound = (k + 2) * 2.0**-24 * (np.abs(a) @ np.abs(b)) + 1e-30
    assert np.all(np.abs(y - a @ b) <= bound), f"off by {np.max(np.abs(y - a @ b) / bound):.2g} of what rounding allows"
    if is_symbolic:
        for row in {0, m // 2, m - 1}:
            assert np.array_equal(case.run(x[row:row + 1])[0], y[row]), f"row {row} alone differs from itself in the batch"


def bytes_convolution(folder, rng, c, h, w, o, kernel, stride, pad, dilation):
    batch = 2
    x = rng.integers(0, 256, (batch, c, h, w)).astype(np.uint8)
    f = rng.integers(-128, 128, (o, c, kernel, kernel)).astype(np.int8)
    node = helper.make_node("ConvInteger", ["x", "w"], ["y"], strides=[stride] * 2, pads=[pad] * 4, dilations=[dilation] * 2)
    case = Case(folder, [node], TensorProto.UINT8, ["B", c, h, w], [numpy_helper.from_array(f, "w")], TensorProto.INT32)
    padded = np.pad(x.astype(np.int64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    size = [(d + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1 for d in (h, w)]
    want = np.zeros((batch, o, *size), np.int64)
    for i, j in itertools.product(range(kernel), repeat=2):
        rows, cols = (slice(t * dilation, t * dilation + stride * (s - 1) + 1, stride) for t, s in zip((i, j), size))
        want += np.einsum("bchw,oc->bohw", padded[:, :, rows, cols], f[:, :, i, j].astype(np.int64))
    assert np.array_equal(case.run(x, threads=2), want), "sums of bytes are exact"


def main():
    step = 4 if os.environ.get("QUICK") else 1
    cases = []
    for i, m in enumerate(ROWS):  # every row count, with inner and outer sizes that go round
        k, n = INNER[i % len(INNER)], COLUMNS[i % len(COLUMNS)]
        cases += [(bytes_product, m, k, n, i % 2 == 1), (bf16_product, m, INNER[(i * 5 + 2) % len(INNER)], n, i % 2 == 0)]
    cases += [(bytes_convolution, *sizes) for sizes in CONVOLUTIONS]
    passed, failed = 0, 0
    for number, (check, *sizes) in enumerate(cases[::step]):
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(folder, np.random.default_rng(number), *sizes)
                passed += 1
            except AssertionError as error:
                failed += 1
                print(f"{check.__name__} {sizes}: {error}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
