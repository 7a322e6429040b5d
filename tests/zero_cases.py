# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small ONNX models with extents of 0 in every place: what tests/test_zero_extents.py runs. A case knows its own right
answer (NumPy, from the operator's definition), or leaves it to the ONNX reference evaluator (wants is None)."""

import dataclasses
import itertools

import ml_dtypes
import numpy as np

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16
rng = np.random.default_rng(3)


@dataclasses.dataclass
class Node:
    op: str
    ins: list
    outs: list
    attrs: dict


@dataclasses.dataclass
class Case:
    name: str
    nodes: list
    feeds: dict  # inputs and their values
    consts: dict  # initializers
    wants: list  # arrays for y0, y1, ..; None: the reference evaluator says


CASES = []


class Const(np.ndarray):
    """An operand that the model holds."""


def const(x, dtype=None):
    return np.asarray(x, dtype).view(Const)


def ints(*values):
    return const(values, np.int64)


def data(*dims, dtype=F32):
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0 if np.dtype(dtype).kind == "u" else -9, 9, dims).astype(dtype)
    return (np.round(rng.uniform(-4, 4, dims) * 8) / 8).astype(dtype)


def graph(name, nodes, operands, *wants):
    """nodes: (op, ins, outs, attrs) over x0, x1, .. (the operands), giving y0, y1, .."""
    named = {f"x{i}": x for i, x in enumerate(operands) if x is not None}
    consts = {k: np.asarray(x) for k, x in named.items() if isinstance(x, Const)}
    feeds = {k: x for k, x in named.items() if k not in consts}
    CASES.append(Case(name, [Node(*n) for n in nodes], feeds, consts, [np.asarray(w) for w in wants] or None))


def case(op, operands, *wants, tag="", n_out=1, **attrs):
    shapes = ",".join("-" if x is None else "x".join(map(str, np.shape(x))) or "scalar" for x in operands)
    name = f"{op}{tag}({shapes}){''.join(f' {k}={v}' for k, v in attrs.items())}"
    ins = ["" if x is None else f"x{i}" for i, x in enumerate(operands)]
    graph(name, [(op, ins, [f"y{i}" for i in range(max(n_out, len(wants)))], attrs)], operands, *wants)


def either_const(operands):
    """The operands as they are, and with all behind the first one held by the model."""
    yield operands
    yield [operands[0]] + [None if x is None else const(x) for x in operands[1:]]


# --- products ---


def products():
    pairs = [((64, 0), (0, 64)), ((3, 0), (0, 5)), ((0, 3), (3, 4)), ((3, 4), (4, 0)), ((0, 0), (0, 0)), ((1, 0), (0, 1)),
             ((2, 3, 0), (2, 0, 5)), ((2, 3, 0), (0, 70)), ((0, 3, 4), (0, 4, 5)), ((0, 3, 4), (4, 5)), ((3, 0), (2, 0, 65)),
             ((0,), (0,)), ((0,), (0, 4)), ((4, 0), (0,)), ((2, 1, 3, 0), (4, 0, 17)), ((5, 0, 2, 3), (3, 4)), ((0,), (2, 0, 3)),
             ((2, 3, 0), (0,)), ((2, 0), (0, 1)), ((300, 0), (0, 300))]
    for a, b in pairs:
        for dtype in (F32, F64) if a[-1] == 0 else (F32,):
            x, y = data(*a, dtype=dtype), data(*b, dtype=dtype)
            for operands in either_const([x, y]):
                case("MatMul", operands, np.matmul(x, y), tag=f" {np.dtype(dtype).name}")
            case("MatMul", [const(x), y], np.matmul(x, y), tag=f" {np.dtype(dtype).name}")
    for dtype in (F16, BF16, np.int32, np.int64, np.uint32):
        x, y = np.zeros((5, 0), dtype), np.zeros((0, 33), dtype)
        for operands in either_const([x, y]):
            case("MatMul", operands, np.zeros((5, 33), dtype), tag=f" {np.dtype(dtype).name}")
    for a, b in itertools.product((np.uint8, np.int8), repeat=2):
        for m, k, n in ((4, 0, 40), (1, 0, 3), (0, 3, 5), (3, 5, 0)):
            x, y, want = np.zeros((m, k), a), np.zeros((k, n), b), np.zeros((m, n), np.int32)
            for operands in either_const([x, y]):
                case("MatMulInteger", operands, want, tag=f" {np.dtype(a).name} {np.dtype(b).name}")
            case("MatMulInteger", [x, const(y), const(3, a), const(1, b)], want, tag=f" {np.dtype(a).name} zero points")
    one, three = const(1, F32), const(3, np.uint8)
    for m, k, n in ((4, 0, 40), (0, 4, 5)):
        x, y = np.zeros((m, k), np.uint8), np.zeros((k, n), np.uint8)
        case("QLinearMatMul", [x, one, three, const(y), one, three, one, const(7, np.uint8)], np.full((m, n), 7, np.uint8))


def gemms():
    for (m, k, n), bias in itertools.product(((4, 0, 40), (0, 3, 4), (3, 4, 0), (1, 0, 1), (70, 0, 70)),
                                             (None, "n", "mn", "scalar", "m1")):
        for alpha, beta, turn_a, turn_b in ((1.0, 1.0, 0, 0), (2.0, 0.5, 1, 0), (0.5, 2.0, 0, 1), (1.0, 1.0, 1, 1)):
            a, b = data(*((k, m) if turn_a else (m, k))), data(*((n, k) if turn_b else (k, n)))
            c = {None: None, "n": data(n), "mn": data(m, n), "scalar": data(), "m1": data(m, 1)}[bias]
            want = np.zeros((m, n), F32) + (0 if c is None else F32(beta) * c)
            operands = [a, b] + ([] if c is None else [c])
            attrs = dict(alpha=alpha, beta=beta, transA=turn_a, transB=turn_b)
            case("Gemm", operands, want.astype(F32), **attrs)
            if bias in (None, "n"):
                case("Gemm", [a] + [const(x) for x in operands[1:]], want.astype(F32), tag=" const", **attrs)


def einsums():
    for equation, dims in (("ij,jk->ik", ((3, 0), (0, 4))), ("ij,jk->ik", ((0, 2), (2, 4))), ("bij,bjk->bik", ((2, 3, 0), (2, 0, 5))),
                           ("i,i->", ((0,), (0,))), ("ij->", ((0, 3),)), ("ij->i", ((3, 0),)), ("ij->ji", ((3, 0),)),
                           ("i,j->ij", ((0,), (3,))), ("bhsd,bhtd->bhst", ((2, 2, 3, 0), (2, 2, 5, 0))), ("ii->i", ((0, 0),)),
                           ("ii->", ((0, 0),)), ("ij,kj,kl->il", ((3, 0), (2, 0), (2, 4))), ("ij,jk,kl->il", ((3, 2), (2, 0), (0, 4))),
                           ("...ij,...jk->...ik", ((2, 3, 0), (0, 4))), ("i,ij->j", ((0,), (0, 5))), ("ij,ij->", ((0, 3), (0, 3))),
                           ("bij,bij->b", ((3, 0, 2), (3, 0, 2)))):
        for dtype in (F32, F64, np.int64):
            operands = [data(*d, dtype=dtype) for d in dims]
            case("Einsum", operands, np.einsum(equation, *operands).astype(dtype), equation=equation, tag=f" {np.dtype(dtype).name}")


def epilogues():
    """Products over nothing with what fuses behind them, several results, siblings."""
    x, w, b, r = data(5, 0), data(0, 40), data(40), data(5, 40)
    relu = np.maximum(np.zeros((5, 40), F32) + b, 0)
    for held in (False, True):
        keep = const if held else np.asarray
        tag = " const" if held else ""
        graph(f"matmul over 0 + bias, relu, residual{tag}", [
            ("MatMul", ["x0", "x1"], ["p"], {}), ("Add", ["p", "x2"], ["q"], {}), ("Relu", ["q"], ["y0"], {}),
            ("Add", ["y0", "x3"], ["y1"], {}), ("Mul", ["p", "x3"], ["y2"], {})],
            [x, keep(w), keep(b), r], relu, relu + r, np.zeros((5, 40), F32) * r)
        graph(f"qkv over 0{tag}", [("MatMul", ["x0", "x1"], ["y0"], {}), ("MatMul", ["x0", "x2"], ["y1"], {}),
                                  ("MatMul", ["x0", "x3"], ["y2"], {})],
              [x, keep(w), keep(w + 1), keep(w + 2)], *[np.zeros((5, 40), F32)] * 3)
        graph(f"gate over 0{tag}", [("MatMul", ["x0", "x1"], ["g"], {}), ("MatMul", ["x0", "x2"], ["u"], {}),
                                   ("Sigmoid", ["g"], ["s"], {}), ("Add", ["s", "u"], ["y0"], {})],
              [x, keep(w), keep(w)], np.full((5, 40), 0.5, F32))
        graph(f"matmul over 0, softmax{tag}", [("MatMul", ["x0", "x1"], ["p"], {}), ("Softmax", ["p"], ["y0"], {})],
              [x, keep(w)], np.full((5, 40), 1 / 40, F32))
        graph(f"matmul over 0, layer norm{tag}", [("MatMul", ["x0", "x1"], ["p"], {}),
                                                 ("LayerNormalization", ["p", "x2", "x2"], ["y0"], {})],
              [x, keep(w), keep(b)], np.broadcast_to(b, (5, 40)))
        graph(f"two products, the first over 0{tag}", [("MatMul", ["x0", "x1"], ["p"], {}), ("Add", ["p", "x2"], ["q"], {}),
                                                      ("MatMul", ["q", "x3"], ["y0"], {})],
              [x, keep(w), keep(b), keep(np.eye(40, dtype=F32))], np.broadcast_to(b, (5, 40)))
        graph(f"matmul over 0, gelu{tag}", [("MatMul", ["x0", "x1"], ["p"], {}), ("Gelu", ["p"], ["g"], {}), ("Cos", ["p"], ["y1"], {}),
                                           ("Add", ["g", "x2"], ["y0"], {})], [x, keep(w), keep(b)],
              np.broadcast_to(b, (5, 40)), np.ones((5, 40), F32))
        graph(f"transposed product over 0{tag}", [("MatMul", ["x0", "x1"], ["p"], {}), ("Transpose", ["p"], ["y0"], {})],
              [x, keep(w)], np.zeros((40, 5), F32))


def attentions():
    def attend(name, q, k, v, *wants, **attrs):
        case("Attention", [q, k, v], *wants, tag=name, **attrs)

    for dtype in (F32, F64):
        # over no keys: a sum of nothing
        attend("", data(2, 3, 4, 8, dtype=dtype), data(2, 3, 0, 8, dtype=dtype), data(2, 3, 0, 8, dtype=dtype),
               np.zeros((2, 3, 4, 8), dtype))
    attend(" grouped", data(2, 4, 4, 8), data(2, 2, 0, 8), data(2, 2, 0, 6), np.zeros((2, 4, 4, 6), F32))
    attend(" causal", data(2, 3, 4, 8), data(2, 3, 0, 8), data(2, 3, 0, 8), np.zeros((2, 3, 4, 8), F32), is_causal=1)
    attend(" no queries", data(2, 3, 0, 8), data(2, 3, 4, 8), data(2, 3, 4, 8), np.zeros((2, 3, 0, 8), F32))
    attend(" no batch", data(0, 3, 5, 8), data(0, 3, 4, 8), data(0, 3, 4, 8), np.zeros((0, 3, 5, 8), F32))
    v = data(2, 3, 5, 8)
    attend(" heads of no width", data(2, 3, 4, 0), data(2, 3, 5, 0), v,
           np.broadcast_to(v.mean(2, keepdims=True), (2, 3, 4, 8)).astype(F32), scale=1.0)
    attend(" values of no width", data(2, 3, 4, 8), data(2, 3, 5, 8), data(2, 3, 5, 0), np.zeros((2, 3, 4, 0), F32))
    case("Attention", [data(2, 3, 4, 8), data(2, 3, 0, 8), data(2, 3, 0, 8), data(4, 0)], np.zeros((2, 3, 4, 8), F32), tag=" mask")
    case("Attention", [data(2, 4, 24), data(2, 0, 24), data(2, 0, 24)], np.zeros((2, 4, 24), F32), tag=" flat", q_num_heads=3,
         kv_num_heads=3)
    decomposed = [("MatMul", ["x0", "x1"], ["s"], {}), ("Softmax", ["s"], ["p"], {}), ("MatMul", ["p", "x2"], ["y0"], {})]
    graph("attention over no keys", decomposed, [data(2, 3, 4, 8), data(2, 3, 8, 0), data(2, 3, 0, 8)], np.zeros((2, 3, 4, 8), F32))
    graph("attention of no queries", decomposed, [data(2, 3, 0, 8), data(2, 3, 8, 5), data(2, 3, 5, 8)], np.zeros((2, 3, 0, 8), F32))
    graph("attention of no width", decomposed, [data(2, 3, 4, 0), data(2, 3, 0, 5), v],
          np.broadcast_to(v.mean(2, keepdims=True), (2, 3, 4, 8)).astype(F32))


def convolutions():
    def conv(x, w, b=None, want=None, op="Conv", **attrs):
        operands = [x, w] + ([] if b is None else [b])
        for ops in either_const(operands):
            case(op, ops, want, tag=" const" if isinstance(ops[1], Const) else "", **attrs)

    bias = data(4)
    for c_out, with_bias in ((4, None), (4, bias), (64, None)):
        want = np.zeros((2, c_out, 5, 6), F32) + (0 if with_bias is None else with_bias[:, None, None])
        conv(data(2, 0, 5, 6), data(c_out, 0, 3, 3), with_bias, want.astype(F32), pads=[1] * 4)
        conv(data(2, 0, 5, 6), data(c_out, 0, 1, 1), with_bias, want.astype(F32))
    conv(data(0, 3, 5, 6), data(4, 3, 3, 3), bias, np.zeros((0, 4, 3, 4), F32))
    conv(data(0, 16, 5, 6), data(32, 16, 3, 3), None, np.zeros((0, 32, 5, 6), F32), pads=[1] * 4)
    conv(data(2, 3, 5, 6), data(0, 3, 3, 3), None, np.zeros((2, 0, 3, 4), F32))
    conv(data(2, 3, 2, 6), data(4, 3, 3, 3), bias, np.zeros((2, 4, 0, 4), F32))
    conv(data(2, 3, 0, 6), data(4, 3, 3, 3), bias, np.broadcast_to(bias[:, None, None], (2, 4, 2, 6)).astype(F32), pads=[2, 1, 2, 1])
    conv(data(2, 4, 0), data(4, 1, 3), bias, np.broadcast_to(bias[:, None], (2, 4, 2)).astype(F32), pads=[2, 2], group=4)
    conv(data(0, 4, 6, 6), data(4, 1, 3, 3), bias, np.zeros((0, 4, 4, 4), F32), group=4)
    conv(data(2, 0, 5), data(4, 0, 3), bias, np.broadcast_to(bias[:, None], (2, 4, 3)).astype(F32))
    conv(data(2, 0, 4, 4, 4), data(4, 0, 2, 2, 2), None, np.zeros((2, 4, 3, 3, 3), F32))
    conv(data(2, 0, 5, 6, dtype=F64), data(4, 0, 3, 3, dtype=F64), None, np.zeros((2, 4, 3, 4), F64))
    conv(np.zeros((2, 0, 5, 6), F16), np.zeros((4, 0, 3, 3), F16), None, np.zeros((2, 4, 3, 4), F16))
    conv(data(2, 0, 5, 6), data(0, 4, 3, 3), bias, np.broadcast_to(bias[:, None, None], (2, 4, 7, 8)).astype(F32), op="ConvTranspose")
    conv(data(0, 3, 5, 6), data(3, 4, 3, 3), bias, np.zeros((0, 4, 7, 8), F32), op="ConvTranspose")
    conv(data(2, 3, 5, 6), data(3, 0, 3, 3), None, np.zeros((2, 0, 7, 8), F32), op="ConvTranspose")
    for strides in ([1, 1], [2, 2]):
        conv(data(0, 3, 5, 6), data(3, 4, 2, 2), None, np.zeros((0, 4, 5 * strides[0] + 2 - strides[0], 6 * strides[0] + 2 - strides[0]), F32),
             op="ConvTranspose", strides=strides)
    for a in (np.uint8, np.int8):
        for ops in either_const([np.zeros((2, 0, 5, 6), a), np.zeros((4, 0, 3, 3), np.int8)]):
            case("ConvInteger", ops, np.zeros((2, 4, 3, 4), np.int32), tag=f" {np.dtype(a).name}")
            case("ConvInteger", ops + [const(3, a), const(1, np.int8)], np.zeros((2, 4, 3, 4), np.int32), tag=f" {np.dtype(a).name}")
        for ops in either_const([np.zeros((0, 4, 5, 6), a), np.zeros((4, 4, 3, 3), np.int8)]):
            case("ConvInteger", ops, np.zeros((0, 4, 3, 4), np.int32), tag=f" {np.dtype(a).name}")
    one, three = const(1, F32), const(3, np.uint8)
    case("QLinearConv", [np.zeros((2, 0, 5, 6), np.uint8), one, three, const(np.zeros((4, 0, 3, 3), np.uint8)), one, three, one,
                         const(7, np.uint8), const([1, 2, 3, 4], np.int32)],
         np.broadcast_to(np.array([8, 9, 10, 11], np.uint8)[:, None, None], (2, 4, 3, 4)))
    graph("conv over 0 channels, bias, relu, pool", [
        ("Conv", ["x0", "x1", "x2"], ["p"], {"pads": [1] * 4}), ("Relu", ["p"], ["y0"], {}), ("GlobalAveragePool", ["y0"], ["y1"], {})],
        [data(2, 0, 5, 6), data(4, 0, 3, 3), bias], np.broadcast_to(np.maximum(bias, 0)[:, None, None], (2, 4, 5, 6)).astype(F32),
        np.broadcast_to(np.maximum(bias, 0)[:, None, None], (2, 4, 1, 1)).astype(F32))


def pools():
    for op, x, want, attrs in (
            ("MaxPool", data(0, 3, 5, 6), (0, 3, 4, 5), {"kernel_shape": [2, 2]}), ("MaxPool", data(2, 0, 5, 6), (2, 0, 4, 5), {"kernel_shape": [2, 2]}),
            ("MaxPool", data(2, 3, 1, 6), (2, 3, 0, 5), {"kernel_shape": [2, 2]}),
            ("AveragePool", data(0, 3, 5, 6), (0, 3, 4, 5), {"kernel_shape": [2, 2]}), ("AveragePool", data(2, 0, 5, 6), (2, 0, 2, 3), {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("AveragePool", data(2, 3, 1, 6), (2, 3, 0, 5), {"kernel_shape": [2, 2]}), ("LpPool", data(0, 3, 5, 6), (0, 3, 4, 5), {"kernel_shape": [2, 2]}),
            ("GlobalAveragePool", data(0, 3, 5, 6), (0, 3, 1, 1), {}), ("GlobalAveragePool", data(2, 0, 5, 6), (2, 0, 1, 1), {}),
            ("GlobalMaxPool", data(0, 3, 5, 6), (0, 3, 1, 1), {}), ("GlobalMaxPool", data(2, 0, 5, 6), (2, 0, 1, 1), {}),
            ("GlobalLpPool", data(0, 3, 5, 6), (0, 3, 1, 1), {}), ("LRN", data(0, 3, 5, 6), (0, 3, 5, 6), {"size": 3}),
            ("LRN", data(2, 0, 5, 6), (2, 0, 5, 6), {"size": 3})):
        case(op, [x], np.zeros(want, F32), **attrs)
    case("GlobalAveragePool", [data(2, 3, 0, 6)], np.full((2, 3, 1, 1), np.nan, F32))
    case("MaxPool", [data(0, 3, 5, 6)], np.zeros((0, 3, 4, 5), F32), np.zeros((0, 3, 4, 5), np.int64), kernel_shape=[2, 2])
    case("MaxUnpool", [data(0, 3, 2, 2), np.zeros((0, 3, 2, 2), np.int64)], np.zeros((0, 3, 4, 4), F32), kernel_shape=[2, 2], strides=[2, 2])
    case("Col2Im", [data(0, 12, 9), ints(4, 4), ints(2, 2)], np.zeros((0, 3, 4, 4), F32))
    case("RoiAlign", [data(2, 3, 8, 8), data(0, 4), np.zeros(0, np.int64)], np.zeros((0, 3, 2, 2), F32), output_height=2,
         output_width=2, sampling_ratio=2)
    case("GridSample", [data(0, 3, 5, 6), data(0, 4, 4, 2)], np.zeros((0, 3, 4, 4), F32))
    case("GridSample", [data(2, 3, 5, 6), data(2, 0, 4, 2)], np.zeros((2, 3, 0, 4), F32))
    case("GridSample", [data(2, 0, 5, 6), data(2, 4, 4, 2)], np.zeros((2, 0, 4, 4), F32))
    case("AffineGrid", [data(0, 2, 3), ints(0, 3, 4, 5)], np.zeros((0, 4, 5, 2), F32))


# --- reductions ---


def reductions():
    logsum = lambda x, **k: np.log(np.sum(x, **k))
    mean = lambda x, axis=None, **k: np.sum(x, axis=axis, **k) / np.prod([x.shape[i] for i in axis or range(x.ndim)])
    rows = {"ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMean": mean, "ReduceSumSquare": lambda x, **k: np.sum(x * x, **k),
            "ReduceL1": lambda x, **k: np.sum(np.abs(x), **k), "ReduceL2": lambda x, **k: np.sqrt(np.sum(x * x, **k)),
            "ReduceLogSum": logsum, "ReduceLogSumExp": lambda x, **k: logsum(np.exp(x), **k),
            "ReduceMax": lambda x, **k: np.max(x, initial=lowest(x.dtype), **k), "ReduceMin": lambda x, **k: np.min(x, initial=highest(x.dtype), **k)}
    for op, f in rows.items():
        for dims, axes in (((3, 0), (1,)), ((3, 0), (0,)), ((0,), (0,)), ((0, 3), None), ((2, 0, 4), (0, 1)), ((2, 0, 4), (2,)),
                           ((2, 3, 0), (1,)), ((0, 4, 70), (0,)), ((2, 0, 70), (1,)), ((0, 0), (0,))):
            for dtype in (F32, F64, np.int32, np.int64):
                if np.dtype(dtype).kind == "i" and op in ("ReduceMean", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"):
                    continue
                if dtype is not F32 and len(dims) == 3:
                    continue
                x = data(*dims, dtype=dtype)
                with np.errstate(all="ignore"):
                    for keep in (0, 1):
                        want = np.asarray(f(x, axis=axes, keepdims=bool(keep))).astype(dtype)
                        case(op, [x] + ([ints(*axes)] if axes else []), want, keepdims=keep, tag=f" {np.dtype(dtype).name} {axes}")
    case("ReduceSum", [data(0, 3), ints()], np.zeros((0, 3), F32), noop_with_empty_axes=1)
    for op in ("ArgMax", "ArgMin"):
        for dims, axis in (((0, 3), 1), ((3, 0), 0), ((0, 0), 0), ((0, 0), 1), ((2, 0, 0), 1), ((2, 0, 4), 2)):
            for keep, last in ((0, 0), (1, 0), (1, 1)):
                want = list(dims)
                want[axis:axis + 1] = [1] * keep
                case(op, [data(*dims)], np.zeros(want, np.int64), axis=axis, keepdims=keep, select_last_index=last)
    for op, axis in itertools.product(("Softmax", "LogSoftmax", "Hardmax"), (0, 1, -1)):
        for dims in ((0, 3), (3, 0), (0, 0), (2, 0, 4), (2, 3, 0), (0, 70)):
            case(op, [data(*dims)], np.zeros(dims, F32), axis=axis)
    for dims, axis in (((0, 3), 0), ((3, 0), 0), ((3, 0), 1)):
        case("CumSum", [data(*dims), const(axis, np.int64)], np.zeros(dims, F32))
        case("CumSum", [data(*dims), const(axis, np.int64)], np.zeros(dims, F32), reverse=1, exclusive=1)
    graph("sum of nothing + x", [("ReduceSum", ["x0", "x2"], ["s"], {}), ("Add", ["s", "x1"], ["y0"], {})],
          [data(3, 0), v := data(3, 4), ints(1)], v)
    graph("max of nothing twice", [("ReduceMax", ["x0", "x1"], ["s"], {}), ("ReduceMin", ["s", "x2"], ["y0"], {})],
          [data(3, 4, 0), ints(2), ints(1)], np.full((3, 1, 1), -np.inf, F32))


def lowest(dtype):
    return -np.inf if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min


def highest(dtype):
    return np.inf if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max


def norms():
    s = data(3)
    for x in ((0, 3), (2, 0, 3)):
        case("LayerNormalization", [data(*x), s, s], np.zeros(x, F32))
        case("RMSNormalization", [data(*x), s], np.zeros(x, F32))
        case("LpNormalization", [data(*x)], np.zeros(x, F32))
    case("LayerNormalization", [data(3, 0), data(0), data(0)], np.zeros((3, 0), F32))
    case("LayerNormalization", [data(0, 3), s, s], np.zeros((0, 3), F32), np.zeros((0, 1), F32), np.zeros((0, 1), F32))
    case("RMSNormalization", [data(3, 0), data(0)], np.zeros((3, 0), F32))
    case("LpNormalization", [data(3, 0)], np.zeros((3, 0), F32))
    case("LpNormalization", [data(3, 0)], np.zeros((3, 0), F32), p=1, axis=0)
    for x in ((0, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)):
        case("BatchNormalization", [data(*x), s, s, s, np.abs(s)], np.zeros(x, F32))
        case("InstanceNormalization", [data(*x), s, s], np.zeros(x, F32))
        case("GroupNormalization", [data(*x), s, s], np.zeros(x, F32), num_groups=3)
        case("MeanVarianceNormalization", [data(*x)], np.zeros(x, F32))
    case("BatchNormalization", [data(2, 0, 4), data(0), data(0), data(0), data(0)], np.zeros((2, 0, 4), F32))
    case("InstanceNormalization", [data(2, 0, 4), data(0), data(0)], np.zeros((2, 0, 4), F32))


# --- movement ---


def movement():
    x, e = data(3, 4), data(0, 4)
    for target, allow, dims, want in (
            ((-1, 0), 0, (0, 4, 6), (0, 4)), ((0, -1), 0, (0, 4, 6), None), ((0, 24), 0, (0, 4, 6), (0, 24)), ((0, 0, -1), 0, (0, 4, 6), None),
            ((-1, 4, 6), 0, (0, 4, 6), (0, 4, 6)), ((4, -1), 0, (0, 4, 6), (4, 0)), ((-1,), 0, (0, 4, 6), (0,)), ((2, 2, -1), 0, (0, 4, 6), (2, 2, 0)),
            ((0, 7), 1, (0, 4, 6), (0, 7)), ((5, 0), 1, (0, 4, 6), (5, 0)), ((0, 0), 0, (4, 0), (4, 0)), ((0, -1), 0, (4, 0), (4, 0)),
            ((-1, 0), 0, (4, 0), None), ((4, 3, -1), 0, (4, 0), (4, 3, 0)), ((-1, 5), 0, (4, 0), (0, 5)), ((0, 0, 0), 0, (0, 0, 0), (0, 0, 0)),
            ((4, 0), 0, (0, 0), (4, 0)), ((-1, 0, 6), 0, (2, 4, 0), (0, 4, 6)), ((2, 0, -1), 0, (2, 4, 0), (2, 4, 0))):
        if want is not None:
            case("Reshape", [data(*dims), ints(*target)], np.zeros(want, F32), allowzero=allow, tag=f" {target}")
            graph(f"Reshape of a constant {dims} {target} allowzero={allow}", [("Reshape", ["x0", "x1"], ["r"], {"allowzero": allow}),
                  ("Neg", ["r"], ["y0"], {})], [const(data(*dims)), ints(*target)], np.zeros(want, F32))
    case("Flatten", [data(0, 4, 6)], np.zeros((0, 24), F32))
    case("Flatten", [data(2, 0, 6)], np.zeros((2, 0), F32))
    case("Flatten", [data(2, 0, 6)], np.zeros((0, 6), F32), axis=2)
    case("Flatten", [data(0, 6)], np.zeros((1, 0), F32), axis=0)
    case("Concat", [x, e, x], np.concatenate([x, e, x]), axis=0)
    case("Concat", [e, x], x, axis=0)
    case("Concat", [e, e], np.zeros((0, 4), F32), axis=0)
    case("Concat", [e, e], np.zeros((0, 8), F32), axis=1)
    case("Concat", [data(3, 0), x, data(3, 2)], axis=1, tag=" ref")
    case("Concat", [e, const(x)], x, axis=0)
    case("Split", [x, ints(0, 3)], x[:0], x, axis=0)
    case("Split", [x, ints(1, 0, 3)], x[:, :1], x[:, 1:1], x[:, 1:], axis=1)
    case("Split", [e], e[:, :2], e[:, 2:], axis=1, num_outputs=2)
    case("Split", [e], e, e, axis=0, num_outputs=2)
    for dims, starts, ends, axes, steps, want in (((3, 4), (1,), (1,), (0,), (1,), (0, 4)), ((3, 4), (2, 3), (1, 1), (0, 1), (1, 1), (0, 0)),
                                                 ((0, 4), (0,), (9,), (0,), (1,), (0, 4)), ((0, 4), (-1,), (-9,), (0,), (-1,), (0, 4)), ((0, 4), (1,), (3,), (1,), (1,), (0, 2)),
                                                 ((0, 4), (5,), (7,), (0,), (1,), (0, 4)), ((3, 4), (7,), (9,), (0,), (2,), (0, 4)), ((3, 4), (-1,), (3,), (1,), (-1,), (3, 0)),
                                                 ((0, 4), (-1,), (-(2**62),), (0, ), (-1,), (0, 4))):
        case("Slice", [data(*dims), ints(*starts), ints(*ends), ints(*axes), ints(*steps)], np.zeros(want, F32), tag=f" {starts} {ends} {axes} {steps}")
    none = np.zeros(0, np.int64)
    for t, axis in ((x, 0), (x, 1), (e, 0), (e, 1)):
        case("Gather", [t, none], np.take(t, none, axis=axis), axis=axis)
        case("Gather", [t, np.zeros((0, 2), np.int64)], np.take(t, np.zeros((0, 2), np.int64), axis=axis), axis=axis)
        case("Gather", [t, const(none)], np.take(t, none, axis=axis), axis=axis)
    i = np.array([1, 0, -1], np.int64)
    case("Gather", [e, i], np.zeros((0, 3), F32), axis=1)
    case("Gather", [data(0, 4, 0), i], np.zeros((0, 3, 0), F32), axis=1)
    case("Gather", [data(2, 0), i[:2]], np.zeros((2, 0), F32), axis=0)
    case("Gather", [e, const(i)], np.zeros((0, 3), F32), axis=1)
    case("Gather", [e, const(2, np.int64)], np.zeros((0,), F32), axis=1)
    case("GatherElements", [x, np.zeros((0, 4), np.int64)], np.zeros((0, 4), F32), axis=0)
    case("GatherElements", [e, np.zeros((0, 2), np.int64)], np.zeros((0, 2), F32), axis=1)
    case("GatherElements", [e, np.zeros((0, 4), np.int64)], np.zeros((0, 4), F32), axis=0)
    case("GatherND", [x, np.zeros((0, 2), np.int64)], np.zeros((0,), F32))
    case("GatherND", [x, np.zeros((0, 1), np.int64)], np.zeros((0, 4), F32))
    case("GatherND", [e, np.zeros((0, 2), np.int64)], np.zeros((0,), F32))
    case("GatherND", [data(0, 4, 5), np.zeros((0, 3, 1), np.int64)], np.zeros((0, 3, 5), F32), batch_dims=1)
    case("GatherND", [data(3, 0), np.zeros((2, 1), np.int64)], np.zeros((2, 0), F32))
    case("ScatterElements", [x, np.zeros((0, 4), np.int64), e], x, axis=0)
    case("ScatterElements", [e, np.zeros((0, 2), np.int64), data(0, 2)], e, axis=1)
    case("ScatterElements", [e, np.zeros((0, 4), np.int64), e], e, axis=0, reduction="add")
    case("ScatterND", [x, np.zeros((0, 1), np.int64), e], x)
    case("ScatterND", [x, np.zeros((0, 2), np.int64), data(0)], x, reduction="add")
    case("ScatterND", [data(3, 0), np.zeros((2, 1), np.int64), data(2, 0)], np.zeros((3, 0), F32))
    case("ScatterND", [e, np.zeros((0, 1), np.int64), e], e)
    for dims, k, axis in (((3, 4), 0, 1), ((3, 4), 0, 0), ((0, 4), 2, 1), ((0, 4), 0, 0), ((3, 0), 0, 1), ((3, 0), 2, 0), ((0, 4), 0, 1)):
        want = list(dims)
        want[axis] = k
        for largest in (0, 1):
            case("TopK", [data(*dims), ints(k)], np.zeros(want, F32), np.zeros(want, np.int64), axis=axis, largest=largest)
    case("Expand", [data(0, 1), ints(0, 5)], np.zeros((0, 5), F32))
    case("Expand", [data(1, 4), ints(0, 4)], np.zeros((0, 4), F32))
    case("Expand", [data(1), ints(3, 0)], np.zeros((3, 0), F32))
    case("Expand", [data(0, 4), ints(2, 1, 1)], np.zeros((2, 0, 4), F32))
    case("Tile", [x, ints(0, 2)], np.zeros((0, 8), F32))
    case("Tile", [x, ints(2, 0)], np.zeros((6, 0), F32))
    case("Tile", [e, ints(3, 2)], np.zeros((0, 8), F32))
    case("Pad", [e, ints(1, 0, 2, 0)], np.zeros((3, 4), F32))
    case("Pad", [e, ints(1, 1, 2, 0), const(5, F32)], np.full((3, 5), 5, F32))
    case("Pad", [e, ints(0, 1, 0, 1)], np.zeros((0, 6), F32))
    case("Pad", [x, ints(-1, 0, -2, 0)], np.zeros((0, 4), F32))
    for mode in ("edge", "reflect", "wrap"):
        case("Pad", [e, ints(0, 1, 0, 1)], np.zeros((0, 6), F32), mode=mode)
        case("Pad", [e, ints(0, 0, 0, 0)], np.zeros((0, 4), F32), mode=mode)
    case("Transpose", [data(2, 0, 4)], np.zeros((4, 0, 2), F32))
    case("Squeeze", [data(1, 0), ints(0)], np.zeros((0,), F32))
    case("Unsqueeze", [e, ints(0, 3)], np.zeros((1, 0, 4, 1), F32))
    case("DepthToSpace", [data(0, 8, 2, 3)], np.zeros((0, 2, 4, 6), F32), blocksize=2)
    case("DepthToSpace", [data(2, 0, 2, 3)], np.zeros((2, 0, 4, 6), F32), blocksize=2)
    case("SpaceToDepth", [data(0, 2, 4, 6)], np.zeros((0, 8, 2, 3), F32), blocksize=2)
    case("SpaceToDepth", [data(2, 2, 0, 6)], np.zeros((2, 8, 0, 3), F32), blocksize=2)
    case("ReverseSequence", [data(0, 4), none], np.zeros((0, 4), F32), batch_axis=0, time_axis=1)
    case("ReverseSequence", [data(4, 0), none], np.zeros((4, 0), F32), batch_axis=1, time_axis=0)
    case("Trilu", [data(0, 4)], np.zeros((0, 4), F32))
    case("Trilu", [data(2, 4, 0)], np.zeros((2, 4, 0), F32), upper=0)
    case("EyeLike", [data(0, 4)], np.zeros((0, 4), F32))
    case("ConstantOfShape", [ints(0, 3)], np.zeros((0, 3), F32))
    case("ConstantOfShape", [ints()], np.zeros((), F32))
    case("Range", [const(3, np.int64), const(3, np.int64), const(1, np.int64)], np.zeros(0, np.int64))
    case("Range", [const(3.0, F32), const(1.0, F32), const(1.0, F32)], np.zeros(0, F32))
    case("Shape", [data(0, 4)], np.array([0, 4], np.int64))
    case("Size", [data(0, 4)], np.array(0, np.int64))
    case("Identity", [e], e)
    case("CenterCropPad", [data(0, 4), ints(3, 2)], np.zeros((3, 2), F32))
    case("CenterCropPad", [x, ints(0, 2)], np.zeros((0, 2), F32))


def by_data():
    case("NonZero", [data(0, 4)], np.zeros((2, 0), np.int64))
    case("NonZero", [data(3, 0)], np.zeros((2, 0), np.int64))
    case("Compress", [data(0, 4), np.zeros(0, bool)], np.zeros((0, 4), F32), axis=0)
    case("Compress", [data(3, 4), np.zeros(3, bool)], np.zeros((0, 4), F32), axis=0)
    case("Compress", [data(0, 4), np.array([True, False, True, True])], np.zeros((0, 3), F32), axis=1)
    case("Compress", [data(0, 4), np.zeros(0, bool)], np.zeros(0, F32))
    case("OneHot", [np.zeros(0, np.int64), ints(5), const([0, 1], F32)], np.zeros((0, 5), F32))
    case("OneHot", [np.zeros((2, 0), np.int64), ints(5), const([0, 1], F32)], np.zeros((2, 5, 0), F32), axis=1)
    case("OneHot", [np.zeros(3, np.int64), ints(0), const([0, 1], F32)], np.zeros((3, 0), F32))
    case("Where", [np.zeros((0, 4), bool), data(0, 4), data(4)], np.zeros((0, 4), F32))
    case("Where", [np.zeros((1, 1), bool), data(0, 4), data(1, 4)], np.zeros((0, 4), F32))


def resizes():
    for dims, sizes, want in (((1, 3, 4, 5), (1, 3, 0, 5), (1, 3, 0, 5)), ((1, 3, 4, 5), (1, 3, 0, 0), (1, 3, 0, 0)), ((0, 3, 4, 5), (0, 3, 8, 10), (0, 3, 8, 10)),
                              ((1, 0, 4, 5), (1, 0, 8, 10), (1, 0, 8, 10))):
        for mode in ("nearest", "linear", "cubic"):
            case("Resize", [data(*dims), None, None, ints(*sizes)], np.zeros(want, F32), mode=mode)
    for scales, dims, want in (((1, 1, 0.1, 1), (1, 3, 4, 5), (1, 3, 0, 5)), ((1, 1, 2, 2), (0, 3, 4, 5), (0, 3, 8, 10)), ((1, 1, 2, 2), (1, 3, 0, 5), (1, 3, 0, 10)),
                               ((1, 1, 0.5, 0.5), (0, 3, 4, 6), (0, 3, 2, 3)), ((1, 1, 0.5, 0.5), (2, 3, 1, 6), (2, 3, 0, 3))):
        for mode in ("nearest", "linear", "cubic"):
            resizes_symbol = 0 in dims[2:]  # refused with antialias
            for anti in (0, 1) if mode != "nearest" and not resizes_symbol else (0,):
                case("Resize", [data(*dims), None, const(scales, F32)], np.zeros(want, F32), mode=mode, antialias=anti)
    for coordinates in ("align_corners", "asymmetric", "pytorch_half_pixel"):
        case("Resize", [data(1, 3, 4, 5), None, None, ints(1, 3, 0, 0)], np.zeros((1, 3, 0, 0), F32), mode="linear",
             coordinate_transformation_mode=coordinates)


def elementwise():
    for op in ("Relu", "Exp", "Sigmoid", "Abs", "Erf", "Gelu", "Softplus", "HardSwish", "Round", "Not"):
        x = np.zeros((0, 4), bool) if op == "Not" else data(0, 4)
        case(op, [x], x)
    for op in ("Add", "Mul", "Sub", "Div", "Pow", "Min", "Max", "PRelu", "Mod"):
        attrs = {"fmod": 1} if op == "Mod" else {}
        for a, b in (((0, 4), (0, 4)), ((0, 4), (4,)), ((0, 1), (1, 4)), ((1, 4), (0, 1)), ((0,), ()), ((1,), (0,))):
            if op == "PRelu" and np.broadcast_shapes(a, b) != a:
                continue
            case(op, [data(*a), data(*b)], np.zeros(np.broadcast_shapes(a, b), F32), **attrs)
    case("Add", [data(0, 4), const(data(4))], np.zeros((0, 4), F32))
    case("Sum", [data(0, 4), data(1, 4), data(0, 1)], np.zeros((0, 4), F32))
    case("Mean", [data(0, 4), data(0, 4)], np.zeros((0, 4), F32))
    case("Clip", [data(0, 4), const(0, F32), const(1, F32)], np.zeros((0, 4), F32))
    case("Cast", [data(0, 4)], np.zeros((0, 4), np.int32), to=6)
    case("Greater", [data(0, 4), data(4)], np.zeros((0, 4), bool))
    case("Equal", [data(0, 4), data(4)], np.zeros((0, 4), bool))
    case("QuantizeLinear", [data(0, 4), const(1, F32), const(0, np.uint8)], np.zeros((0, 4), np.uint8))
    case("DequantizeLinear", [np.zeros((0, 4), np.uint8), const(1, F32), const(0, np.uint8)], np.zeros((0, 4), F32))
    case("Dropout", [data(0, 4)], np.zeros((0, 4), F32))
    case("RotaryEmbedding", [data(2, 2, 0, 4), data(2, 0, 2), data(2, 0, 2)], np.zeros((2, 2, 0, 4), F32))
    case("RotaryEmbedding", [data(0, 2, 3, 4), data(0, 3, 2), data(0, 3, 2)], np.zeros((0, 2, 3, 4), F32))


def recurrent():
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        h = 5
        w, r = const(data(1, gates * h, 3)), const(data(1, gates * h, h))
        extra = [np.zeros((1, 2, h), F32)] if op == "LSTM" else []
        case(op, [data(0, 2, 3), w, r], np.zeros((0, 1, 2, h), F32), np.zeros((1, 2, h), F32), *extra, hidden_size=h)
        extra = [np.zeros((1, 0, h), F32)] if op == "LSTM" else []
        case(op, [data(4, 0, 3), w, r], np.zeros((4, 1, 0, h), F32), np.zeros((1, 0, h), F32), *extra, hidden_size=h)
        start = data(1, 2, h)
        if op != "LSTM":
            case(op, [data(0, 2, 3), w, r, None, None, start], np.zeros((0, 1, 2, h), F32), start, hidden_size=h)


def losses():
    case("NegativeLogLikelihoodLoss", [data(0, 5), np.zeros(0, np.int64)], np.zeros(0, F32), reduction="none")
    case("NegativeLogLikelihoodLoss", [data(0, 5), np.zeros(0, np.int64)], np.zeros((), F32), reduction="sum")
    case("SoftmaxCrossEntropyLoss", [data(0, 5), np.zeros(0, np.int64)], np.zeros(0, F32), reduction="none")
    case("SoftmaxCrossEntropyLoss", [data(0, 5), np.zeros(0, np.int64)], np.zeros((), F32), reduction="sum")
    case("SoftmaxCrossEntropyLoss", [data(0, 5), np.zeros(0, np.int64)], np.full((), np.nan, F32))


def others():
    e = data(0, 4)
    for op in ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu", "Floor", "HardSigmoid", "LeakyRelu",
               "Log", "Mish", "Neg", "Reciprocal", "Selu", "Shrink", "Sign", "Sin", "Sinh", "Softsign", "Sqrt", "Tan", "Tanh",
               "ThresholdedRelu"):
        case(op, [e], e)
    for op in ("IsInf", "IsNaN"):
        case(op, [e], np.zeros((0, 4), bool))
    for op in ("Less", "LessOrEqual", "GreaterOrEqual"):
        case(op, [e, data(1, 4)], np.zeros((0, 4), bool))
    for op in ("And", "Or", "Xor"):
        case(op, [np.zeros((0, 4), bool), np.zeros(4, bool)], np.zeros((0, 4), bool))
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift"):
        attrs = {"direction": "LEFT"} if op == "BitShift" else {}
        case(op, [np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)], np.zeros((0, 4), np.uint8), **attrs)
    case("BitwiseNot", [np.zeros((0, 4), np.uint8)], np.zeros((0, 4), np.uint8))
    case("CastLike", [e, np.zeros(3, np.int32)], np.zeros((0, 4), np.int32))
    for op in ("BlackmanWindow", "HammingWindow", "HannWindow"):
        case(op, [const(0, np.int64)], np.zeros(0, F32))
    case("Det", [data(0, 2, 2)], np.zeros(0, F32))
    case("DFT", [data(0, 4, 1)], np.zeros((0, 4, 2), F32))
    case("STFT", [data(0, 16, 1), const(4, np.int64), None, const(8, np.int64)], np.zeros((0, 3, 5, 2), F32))
    case("DeformConv", [data(0, 3, 5, 6), data(4, 3, 3, 3), data(0, 18, 3, 4)], np.zeros((0, 4, 3, 4), F32))
    case("TensorScatter", [data(0, 3, 4, 5), data(0, 3, 1, 5), np.zeros(0, np.int64)], np.zeros((0, 3, 4, 5), F32))
    graph("sequence of empty pieces", [("SplitToSequence", ["x0", "x1"], ["s"], {"axis": 1}), ("ConcatFromSequence", ["s"], ["y0"], {"axis": 0})],
          [e, ints(2, 2)], np.zeros((0, 2), F32))
    none = ints(0)
    for tail, want in ((["Shape", "z"], np.zeros((1, 3), F32)), (["Shape", "zw"], np.zeros((1, 3, 0), F32))):
        joined = [("Concat", ["s", "x1"], ["t"], {"axis": 0})] if tail[1] == "zw" else [("Identity", ["s"], ["t"], {})]
        graph(f"zeros of as many as are found {want.shape}", [("NonZero", ["x0"], ["z"], {}), ("Shape", ["z"], ["s"], {})] + joined +
              [("ConstantOfShape", ["t"], ["y0"], {})], [np.array([1, 0, 2, 0, 0, 3], F32), none if tail[1] == "zw" else None], want)
    x = data(0, 4, 6)
    for dims, first, want in (((0, 4, 6), -1, (0, 4)), ((0, 4, 6), 24, (24, 0))):
        # the shape holds the extent of axis 0, which is 0: in second place it means a copy of x's own, which is 4
        keeps = {"allowzero": 1} if first != -1 else {}
        graph(f"Reshape to [{first}, n] with n = 0", [("Shape", ["x0"], ["s"], {"start": 0, "end": 1}), ("Concat", ["x1", "s"], ["t"], {"axis": 0}),
              ("Reshape", ["x0", "t"], ["y0"], keeps)], [data(*dims), ints(first)], np.zeros(want, F32))
    case("Reshape", [x, ints(0, -1)], np.zeros((0, 24), F32), tag=" 0, -1")  # as Flatten
    case("Reshape", [data(2, 0, 6), ints(0, 0, 2, -1)], np.zeros((2, 0, 2, 3), F32), tag=" 0, 0, 2, -1")
    graph("sum and product of what is read from nothing", [("Gather", ["x0", "x1"], ["g"], {}), ("ReduceSum", ["g", "x2"], ["y0"], {"keepdims": 0}),
          ("ReduceProd", ["g", "x2"], ["y1"], {"keepdims": 0})], [data(5, 3), np.zeros(0, np.int64), ints(0)], np.zeros(3, F32), np.ones(3, F32))
    quantised = [("QuantizeLinear", ["x0", "x1", "x2"], ["q"], {}), ("DequantizeLinear", ["q", "x1", "x2"], ["d"], {}),
                 ("DequantizeLinear", ["x3", "x1", "x4"], ["w"], {}), ("MatMul", ["d", "w"], ["p"], {}), ("Add", ["p", "x5"], ["y0"], {})]
    bias = data(40)
    for held in (False, True):
        keep = const if held else np.asarray
        graph(f"quantised product over 0{' const' if held else ''}", quantised, [data(5, 0), const(0.5, F32), const(3, np.uint8),
              keep(np.zeros((0, 40), np.int8)), const(0, np.int8), bias], np.broadcast_to(bias, (5, 40)))


def contributed():
    ms = "com.microsoft:"
    a, b, bias = data(4, 0), data(0, 40), data(40)
    case(ms + "FusedMatMul", [a, b], np.zeros((4, 40), F32), alpha=2.0)
    case(ms + "FusedMatMul", [data(0, 4), b], np.zeros((4, 40), F32), transA=1)
    case(ms + "FusedGemm", [a, b, bias], np.broadcast_to(np.maximum(bias, 0), (4, 40)), activation="Relu")
    case(ms + "MatMulIntegerToFloat", [np.zeros((4, 0), np.uint8), np.zeros((0, 40), np.int8), const(1, F32), const(1, F32)],
         np.zeros((4, 40), F32))
    case(ms + "SkipLayerNormalization", [data(0, 4, 8), data(0, 4, 8), data(8), data(8)], np.zeros((0, 4, 8), F32))
    case(ms + "SkipSimplifiedLayerNormalization", [data(2, 0, 8), data(2, 0, 8), data(8)], np.zeros((2, 0, 8), F32))
    case(ms + "BiasGelu", [data(0, 8), data(8)], np.zeros((0, 8), F32))
    case(ms + "MultiHeadAttention", [data(2, 4, 24), data(2, 0, 24), data(2, 0, 24)], np.zeros((2, 4, 24), F32), num_heads=3)
    case(ms + "MultiHeadAttention", [data(2, 0, 24), data(2, 5, 24), data(2, 5, 24)], np.zeros((2, 0, 24), F32), num_heads=3)
    case(ms + "QuickGelu", [data(0, 8)], np.zeros((0, 8), F32))


for build in (products, gemms, einsums, epilogues, attentions, convolutions, pools, reductions, norms, movement, by_data, resizes,
              elementwise, recurrent, losses, others, contributed):
    build()
