# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with weights of few bits against ONNX Runtime and OpenVINO, at 1 thread, taking turns in one process.

    bench_weights.py [--rows 1,16,128] [--size 4096] [--seconds 3] [--threads N]

A matrix of size x size as f32, as int8 with a scale for each column (DequantizeLinear before MatMul), and as int4 and int8
in blocks of 32 with zero points (com.microsoft MatMulNBits). Outputs are compared first, with the product in double
precision. Prints the best times, the ratio to the quicker peer, and how many bytes of weights frit reads in a second.
"""

import argparse
import pathlib
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import engines

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = 32
# Peers may round the activations to int8: their answers are looked at, but only a wrong one is refused.
TOLERANCE = {"frit": 1e-5, "ONNX Runtime": 0.05, "OpenVINO": 0.05}


def plain(rng, size):
    weights = rng.standard_normal((size, size)).astype(np.float32)
    return [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weights}, weights


def by_column(rng, size):
    q = rng.integers(-127, 128, (size, size), dtype=np.int8)
    scale = (0.005 + 0.01 * rng.random(size)).astype(np.float32)
    nodes = [helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=1), helper.make_node("MatMul", ["x", "w"], ["y"])]
    return nodes, {"q": q, "s": scale}, q.astype(np.float64) * scale


def by_block(bits):
    def make(rng, size):
        blocks, per_byte = size // BLOCK, 8 // bits
        values = rng.integers(0, 1 << bits, (size, blocks, BLOCK), dtype=np.uint8)
        zeros = rng.integers(0, 1 << bits, (size, blocks), dtype=np.uint8)
        scale = (0.005 + 0.01 * rng.random((size, blocks))).astype(np.float32)

        def packed(x):
            return sum(x[..., i::per_byte] << (bits * i) for i in range(per_byte)).astype(np.uint8)

        node = helper.make_node("MatMulNBits", ["x", "q", "s", "z"], ["y"], domain="com.microsoft", K=size, N=size, bits=bits,
                                block_size=BLOCK)
        weights = (values.astype(np.float64) - zeros[..., None]) * scale[..., None]
        constants = {"q": packed(values), "s": scale.reshape(-1), "z": packed(zeros).reshape(-1)}
        return [node], constants, weights.reshape(size, size).T
    return make


KINDS = {"f32": plain, "int8, column": by_column, "int8, blocks": by_block(8), "int4, blocks": by_block(4)}


def save(path, nodes, constants, rows, size):
    graph = helper.make_graph(nodes, "weights", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, size])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, size])],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 9
    onnx.save(model, path)


def start(engine, job, inputs, n_threads, wanted):
    """The engine, or None where it cannot run the model or answers something else."""
    try:
        made = engine(job, inputs, n_threads)
        made.run()
        error = np.abs(made.output("y") - wanted).max() / np.abs(wanted).max()
    except Exception as fault:  # whatever a peer raises
        if engine is engines.Frit:
            raise
        print(f"  {engine.name}: left out: {str(fault).splitlines()[0][:100]}")
        return None
    if not error <= TOLERANCE[engine.name]:
        raise SystemExit(f"{engine.name} is wrong by {error:.3g} of the largest output")
    return made


def best_times(contestants, seconds):
    best = dict.fromkeys(contestants, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, engine in contestants.items():
            began = time.perf_counter()
            engine.run()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def main():
    parser = argparse.ArgumentParser(description="products with weights of few bits beside their peers")
    parser.add_argument("--rows", default="1,16,128")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print("| weights | rows | frit ms | ONNX Runtime ms | OpenVINO ms | ratio | frit reads GB/s |\n|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, make in KINDS.items():
            for rows in map(int, args.rows.split(",")):
                rng = np.random.default_rng(1)
                nodes, constants, weights = make(rng, args.size)
                path = pathlib.Path(folder) / f"{kind.replace(', ', '_')}_{rows}.onnx"
                save(path, nodes, constants, rows, args.size)
                inputs = {"x": rng.standard_normal((rows, args.size)).astype(np.float32)}
                job = {"model": str(path), "frit": str(ROOT / "build/frit"), "work": folder, "dims": {}}
                wanted = inputs["x"].astype(np.float64) @ weights
                made = {e.name: start(e, job, inputs, args.threads, wanted)
                        for e in (engines.Frit, engines.OnnxRuntime, engines.OpenVino)}
                best = best_times({name: e for name, e in made.items() if e}, args.seconds)
                peers = [t for name, t in best.items() if name != "frit"]
                stored = sum(a.nbytes for a in constants.values())
                cells = [f"{best[n] * 1e3:.2f}" if n in best else "-" for n in ("frit", "ONNX Runtime", "OpenVINO")]
                print(f"| {kind} | {rows} | {' | '.join(cells)} | {min(peers, default=0) / best['frit']:.2f} | "
                      f"{stored / best['frit'] / 1e9:.1f} |", flush=True)


if __name__ == "__main__":
    main()
