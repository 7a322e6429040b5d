#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/data/op_references.txt: small graphs in .fir form, inputs, and what numpy or onnx.reference say they give.

    build/venv/bin/python tests/make_op_references.py > tests/data/op_references.txt

Run by hand when cases are added; the tests read the recorded text only. References are computed in double (integers:
in Python integers that wrap) and rounded once, as ir/eval/eval.h promises. Form of a case, one line each but the graph:

    case NAME [tolerance in units in the last place, 1 without]
    func ... { ... }
    in DTYPE[DIMS] values      (one line for each input)
    out DTYPE[DIMS] values     (one line for each output)
"""
import math
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.ops import op_resize

NUMPY = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
         "f8e4m3": ml_dtypes.float8_e4m3fn, "f8e5m2": ml_dtypes.float8_e5m2, "f8e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
         "f8e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8,
         "i4": np.int8, "u64": np.uint64, "u32": np.uint32, "u16": np.uint16, "u8": np.uint8, "u4": np.uint8,
         "bool": np.bool_}
BITS = {"i64": 64, "i32": 32, "i16": 16, "i8": 8, "i4": 4, "u64": 64, "u32": 32, "u16": 16, "u8": 8, "u4": 4}
FLOATS = ("f64", "f32", "f16", "bf16")
rng = np.random.default_rng(7)


def is_float(dt):
    return dt[0] in "fb" and dt != "bool"


def rounded(dt, x):
    """x as values of dtype dt, kept in double (floats) or as Python integers."""
    x = np.asarray(x)
    if is_float(dt):
        with np.errstate(over="ignore"):
            return x.astype(np.float64).astype(NUMPY[dt]).astype(np.float64)
    return x.astype(NUMPY[dt])


def wrapped(dt, v):
    bits = BITS[dt]
    v &= (1 << bits) - 1
    return v - (1 << bits) if dt[0] == "i" and v >> (bits - 1) else v


def ramp(dt, *shape, lo=-4.0, hi=4.0, step=0.125):
    """Random values that need few digits."""
    if is_float(dt):
        return rounded(dt, np.round(rng.uniform(lo, hi, shape) / step) * step)
    if dt == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    return rng.integers(0 if dt[0] == "u" else int(lo * 3), int(hi * 3), shape).astype(NUMPY[dt])


def type_text(dt, shape):
    return f"{dt}[{', '.join(str(d) for d in shape)}]"


def number(dt, v):
    if dt == "bool":
        return "1" if v else "0"
    if not is_float(dt):
        return str(int(v))
    if math.isnan(v):
        return "nan"
    text = repr(float(v)) if dt == "f64" else str(np.float32(v))
    return text[:-2] if text.endswith(".0") else text


def tensor_line(word, dt, x):
    return f"{word} {type_text(dt, x.shape)} " + " ".join(number(dt, v) for v in x.reshape(-1))


def case(name, op, ins, outs, attrs="", tolerance=1):
    """ins and outs: (dtype, array) pairs; a case of one node."""
    ins = [(dt, np.asarray(x)) for dt, x in ins]
    outs = [(dt, np.asarray(x)) for dt, x in outs]
    types = [type_text(dt, x.shape) for dt, x in outs]
    body = f"  {', '.join(f'%y{i}' for i in range(len(outs)))} = {op} {', '.join(f'%x{i}' for i in range(len(ins)))}"
    body += f" {{{attrs}}}" if attrs else ""
    body += f" : {', '.join(types)}\n  return {', '.join(f'%y{i}' for i in range(len(outs)))}\n"
    graph_case(name, body, ins, outs, tolerance)


def many(name, ins, rows, tolerance=1):
    """A case of several nodes on the same inputs. rows: (operator, attributes, output dtype, output)."""
    operands = ", ".join(f"%x{i}" for i in range(len(ins)))
    body = "".join(f"  %y{i} = {op} {operands}{f' {{{attrs}}}' if attrs else ''} : {type_text(dt, np.shape(y))}\n"
                   for i, (op, attrs, dt, y) in enumerate(rows))
    body += f"  return {', '.join(f'%y{i}' for i in range(len(rows)))}\n"
    graph_case(name, body, [(dt, np.asarray(x)) for dt, x in ins], [(dt, np.asarray(y)) for _, _, dt, y in rows], tolerance)


def graph_case(name, body, ins, outs, tolerance=1):
    print(f"case {name}" + (f" {tolerance}" if tolerance != 1 else ""))
    params = ", ".join(f"%x{i}: {type_text(dt, x.shape)}" for i, (dt, x) in enumerate(ins))
    results = ", ".join(f"%y{i}: {type_text(dt, x.shape)}" for i, (dt, x) in enumerate(outs))
    print(f"func @t({params}) -> ({results}) {{\n{body}}}")
    for dt, x in ins:
        print(tensor_line("in", dt, rounded(dt, x)))
    for dt, x in outs:
        print(tensor_line("out", dt, rounded(dt, x)))


def ints(*values):
    return "[" + ", ".join(str(v) for v in values) + "]"


# ---- elementwise -------------------------------------------------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 3.5, 1e-3, -7.25, 11.0, -30.0, 88.0, 300.0, math.inf, -math.inf,
           math.nan]
FEW = [0.0, 1.0, -1.0, 0.75, -2.5, 3.0, -9.5, math.inf, math.nan]


def safe(f):
    def g(*v):
        try:
            return f(*v)
        except (ValueError, ZeroDivisionError):
            return math.nan
        except OverflowError:
            return math.inf
    return g


def unary_reals(name, table, dtypes=FLOATS, out=None):
    """table: operator -> function or (function, attributes)."""
    for dt in dtypes:
        x = rounded(dt, SPECIAL if dt == "f32" else FEW)
        rows = []
        for op, f in table.items():
            f, attrs = f if isinstance(f, tuple) else (f, "")
            with np.errstate(all="ignore"):
                rows.append((op, attrs, out or dt, np.array([f(v) for v in x])))
        many(f"{name}_{dt}", [(dt, x)], rows)


def elementwise_core():
    log = lambda v: math.log(v) if v > 0 else -math.inf if v == 0 else math.nan
    log1p = lambda v: math.log1p(v) if v > -1 else -math.inf if v == -1 else math.nan
    table = {"neg": lambda v: -v, "abs": abs, "sign": np.sign, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1,
             "log": log, "log1p": log1p, "sin": np.sin, "cos": np.cos, "atan": math.atan, "tanh": math.tanh,
             "erf": math.erf, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round}
    unary_reals("unary", table)
    unary_reals("classify", {"isnan": math.isnan, "isinf": math.isinf}, out="bool", dtypes=("f32", "f16"))
    for dt in ("i8", "u8", "i32", "i64", "u64"):
        bits, signed = BITS[dt], dt[0] == "i"
        top = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
        x = [0, 1, 5, top, -(top + 1) if signed else top - 1, -1 if signed else 2]
        whole = lambda f: np.array([wrapped(dt, int(f(v))) for v in x], dtype=NUMPY[dt])
        table = {"neg": lambda v: -v, "abs": abs, "sign": lambda v: (v > 0) - (v < 0), "not": lambda v: ~v,
                 "popcount": lambda v: bin(v & ((1 << bits) - 1)).count("1"), "square": lambda v: v * v,
                 "relu": lambda v: max(v, 0)}
        many(f"unary_{dt}", [(dt, np.array(x, dtype=NUMPY[dt]))], [(op, "", dt, whole(f)) for op, f in table.items()])
    b = np.array([True, False])
    case("not_bool", "not", [("bool", b)], [("bool", ~b)])


def int_pairs(dt):
    bits, signed = BITS[dt], dt[0] == "i"
    lo, hi = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    some = [0, 1, 2, 7, hi, lo] + ([-1, -7] if signed else [])
    return [(a, b) for a in some for b in some]


def trunc_div(a, b):
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def int_pow(a, b):
    return a ** b if b >= 0 else trunc_div(1, a ** -b)


def binary_ints(dt):
    bits = BITS[dt]
    low = lambda b: b & ((1 << 64) - 1)
    table = {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": trunc_div,
             "mod": lambda a, b: a % b if b else 0, "rem": lambda a, b: a - b * trunc_div(a, b) if b else 0,
             "min": min, "max": max, "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
             "shl": lambda a, b: a << b if low(b) < bits else 0,
             "shr": lambda a, b: a >> b if low(b) < bits else -(a < 0)}
    pairs = int_pairs(dt)
    x, y = (np.array(v, dtype=NUMPY[dt]) for v in zip(*pairs))
    many(f"binary_{dt}", [(dt, x), (dt, y)],
         [(op, "", dt, np.array([wrapped(dt, f(a, b)) for a, b in pairs], NUMPY[dt])) for op, f in table.items()] +
         [(op, "", "bool", f(x, y)) for op, f in COMPARE.items()])
    small = [(a, b) for a, b in pairs if abs(b) < 64]
    x, y = (np.array(v, dtype=NUMPY[dt]) for v in zip(*small))
    case(f"pow_{dt}", "pow", [(dt, x), (dt, y)], [(dt, np.array([wrapped(dt, int_pow(a, b)) for a, b in small], NUMPY[dt]))])


COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
           "ge": np.greater_equal}


def floored_mod(a, b):
    """fmod moved to the divisor's sign (numpy differs at infinities)."""
    rem = math.fmod(a, b) if b != 0 and not math.isinf(a) else math.nan
    return rem + b if rem != 0 and (rem < 0) != (b < 0) else rem


def binary_reals():
    specials = [0.0, -0.0, 1.0, -1.5, 2.0, 7.25, math.inf, -math.inf, math.nan]
    table = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "mod": np.vectorize(floored_mod),
             "rem": np.fmod, "pow": np.power, "atan2": np.arctan2, "hypot": np.hypot, "min": np.minimum, "max": np.maximum}
    for dt in FLOATS:
        some = specials if dt == "f32" else [0.0, -0.75, 1.5, 3.0, -0.125]
        x, y = (rounded(dt, v) for v in zip(*[(a, b) for a in some for b in some]))
        with np.errstate(all="ignore"):
            rows = [(op, "", dt, f(x, y)) for op, f in table.items()]
        if dt in ("f32", "f16"):
            rows += [(op, "", "bool", f(x, y)) for op, f in COMPARE.items()]
        many(f"binary_{dt}", [(dt, x), (dt, y)], rows)
    b, c = np.array([True, True, False, False]), np.array([True, False, True, False])
    table = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "eq": np.equal, "ne": np.not_equal}
    many("binary_bool", [("bool", b), ("bool", c)], [(op, "", "bool", f(b, c)) for op, f in table.items()])


def broadcasting():
    for dt in ("f32", "f64", "i32", "bf16"):
        x, y = ramp(dt, 3, 1, 2), ramp(dt, 4, 1)
        case(f"add_broadcast_{dt}", "add", [(dt, x), (dt, y)], [(dt, x + y)])
        x, y = ramp(dt, 1), ramp(dt, 2, 0, 3)
        case(f"mul_empty_{dt}", "mul", [(dt, x), (dt, y)], [(dt, x * y)])
    x, y, z = ramp("f32", 3, 5), ramp("f32", 5), ramp("f32", 3, 1)
    b = ramp("bool", 3, 1)
    case("select_f32", "select", [("bool", b), ("f32", x), ("f32", y)], [("f32", np.where(b, x, y))])
    case("fma_f32", "fma", [("f32", x), ("f32", y), ("f32", z)], [("f32", x * y + z)])
    i, j, k = ramp("i64", 2, 3), ramp("i64", 3), ramp("i64")
    case("clip_i64", "clip", [("i64", i), ("i64", j), ("i64", k)], [("i64", np.minimum(np.maximum(i, j), k))])


def cast_reference(src, dst, x):
    if dst == "bool":
        return x != 0
    if is_float(dst):
        top = float(ml_dtypes.finfo(NUMPY[dst]).max)
        x = x.astype(np.float64)
        return np.where(np.isnan(x), x, np.clip(x, -top, top)) if dst.startswith("f8") else x
    if is_float(src) and BITS[dst] < 8:  # by way of i32, as ONNX's Cast
        return np.array([wrapped(dst, int(v)) for v in cast_reference(src, "i32", x)], NUMPY[dst])
    if is_float(src):
        signed, bits = dst[0] == "i", BITS[dst]
        lo, hi = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        return np.array([0 if math.isnan(v) else hi if v >= hi else lo if v <= lo else int(v) for v in x], NUMPY[dst])
    return np.array([wrapped(dst, int(v)) for v in x], NUMPY[dst])


def casts():
    everything = [dt for dt in NUMPY]
    x = [0.0, -0.0, 1.0, -1.0, 0.3, 2.5, -3.7, 100.5, -129.0, 255.0, 300.0, 5e4, 1e10, -1e20, math.inf, -math.inf, math.nan]
    for dst in everything:
        if dst != "f32":
            v = rounded("f32", x)
            case(f"cast_f32_{dst}", "cast", [("f32", v)], [(dst, cast_reference("f32", dst, v))], f"to = {dst}")
    x = np.array([0, 1, -1, 7, 8, 127, 128, -129, 255, 70000, -(1 << 40), (1 << 63) - 1, -(1 << 63)], np.int64)
    for dst in everything:
        if dst not in ("i64", "f8e4m3fnuz", "f8e5m2fnuz"):
            case(f"cast_i64_{dst}", "cast", [("i64", x)], [(dst, cast_reference("i64", dst, x))], f"to = {dst}")
    for src in ("f64", "f16", "bf16", "f8e4m3", "f8e5m2", "f8e4m3fnuz", "f8e5m2fnuz", "u8", "i4", "u4", "i16", "u64", "bool"):
        x = ramp(src, 7) if is_float(src) or src == "bool" else np.array([0, 1, 7, 5], NUMPY[src])
        for dst in ("f32", "i32"):
            case(f"cast_{src}_{dst}", "cast", [(src, x)], [(dst, cast_reference(src, dst, x))], f"to = {dst}")
    f = np.array([1.0, -2.5, 0.0, 3e38], np.float32)
    case("bitcast_f32_i32", "bitcast", [("f32", f)], [("i32", f.view(np.int32))], "to = i32")
    i = np.array([0x3C00, 0x4580, -0x8000 + 0x4200], np.int16)
    case("bitcast_i16_f16", "bitcast", [("i16", i)], [("f16", i.view(np.float16))], "to = f16")


def by_onnx(op, ins, n_out=1, domain="", opset=24, **attrs):
    """Outputs of one ONNX node in double by onnx.reference. ins: arrays or None."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(ins)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(n_out)], domain=domain, **attrs)
    given = {n: x for n, x in zip(names, ins) if n}
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in given.items()]
    outs = [helper.make_tensor_value_info(f"y{i}", onnx.TensorProto.UNDEFINED, None) for i in range(n_out)]
    graph = helper.make_graph([node], "g", infos, outs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)])
    with np.errstate(all="ignore"):
        return ReferenceEvaluator(model).run(None, given)


def one(op, *ins, **attrs):
    return by_onnx(op, ins, **attrs)[0]


def elementwise_model():
    table = {"relu": ("Relu", {}, ""), "sigmoid": ("Sigmoid", {}, ""),
             "leaky_relu": ("LeakyRelu", {"alpha": 0.125}, "alpha = 0.125"),
             "elu": ("Elu", {"alpha": 1.5}, "alpha = 1.5"), "celu": ("Celu", {"alpha": 2.0}, "alpha = 2"),
             "selu": ("Selu", {"alpha": 1.75, "gamma": 1.0625}, "alpha = 1.75, beta = 1.0625"),
             "hard_sigmoid": ("HardSigmoid", {"alpha": 0.25, "beta": 0.5}, "alpha = 0.25, beta = 0.5"),
             "softplus": ("Softplus", {}, ""), "softsign": ("Softsign", {}, ""),
             "mish": ("Mish", {}, ""),
             "thresholded_relu": ("ThresholdedRelu", {"alpha": 0.75}, "alpha = 0.75"),
             "shrink": ("Shrink", {"lambd": 1.5, "bias": 0.5}, "alpha = 1.5, beta = 0.5"),
             "reciprocal": ("Reciprocal", {}, ""), "tan": ("Tan", {}, ""), "asin": ("Asin", {}, ""),
             "acos": ("Acos", {}, ""), "sinh": ("Sinh", {}, ""), "cosh": ("Cosh", {}, ""), "asinh": ("Asinh", {}, ""),
             "acosh": ("Acosh", {}, ""), "atanh": ("Atanh", {}, "")}
    for dt in FLOATS:
        x = rounded(dt, [0.0, 0.5, -0.5, 0.75, 1.0, -1.0, 1.25, 2.5, -2.5, 6.0, -6.0, 12.0, -20.0])
        many(f"activation_{dt}", [(dt, x)], [(name, attrs, dt, one(op, x, **onnx_attrs))
                                             for name, (op, onnx_attrs, attrs) in table.items()])
    for dt in FLOATS:
        x = rounded(dt, [0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, 6.0, -6.0, 12.0, -20.0])
        logistic = 1 / (1 + np.exp(-x))
        gelu = np.array([0.5 * v * math.erfc(-v / math.sqrt(2)) for v in x])  # ONNX's own has constants in f32
        case(f"gelu_{dt}", "gelu", [(dt, x)], [(dt, gelu)])
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)
        case(f"gelu_tanh_{dt}", "gelu_tanh", [(dt, x)], [(dt, 0.5 * x * (1 + np.tanh(inner)))])
        case(f"silu_{dt}", "silu", [(dt, x)], [(dt, x * logistic)])
        case(f"swish_{dt}", "swish", [(dt, x)], [(dt, x / (1 + np.exp(-1.5 * x)))], "alpha = 1.5")
        case(f"hard_swish_{dt}", "hard_swish", [(dt, x)], [(dt, x * np.clip(x / 6 + 0.5, 0, 1))])
        case(f"square_{dt}", "square", [(dt, x)], [(dt, x * x)])
        with np.errstate(all="ignore"):
            case(f"rsqrt_{dt}", "rsqrt", [(dt, x)], [(dt, 1 / np.sqrt(x))])
        slope = ramp(dt, 11)
        case(f"prelu_{dt}", "prelu", [(dt, x), (dt, slope)], [(dt, one("PRelu", x, slope))])
        lo, hi = rounded(dt, -1.5), rounded(dt, 5.0)
        case(f"clip_{dt}", "clip", [(dt, x), (dt, lo), (dt, hi)], [(dt, np.clip(x, lo, hi))])
    # exp overflows before these do
    for dt, values in (("f64", [709.5, 710.0, 710.375, 711, -710.25]), ("f32", [88.5, 88.875, 89.375, 90, -89.125]), ("bf16", [88, 89, 90, -89])):
        x = rounded(dt, [*values, math.inf, -math.inf])
        with np.errstate(all="ignore"):
            case(f"sinh_large_{dt}", "sinh", [(dt, x)], [(dt, np.sinh(x))])
            case(f"cosh_large_{dt}", "cosh", [(dt, x)], [(dt, np.cosh(x))])


# ---- views and movement ------------------------------------------------------------------------------------------------

def views():
    for dt in ("f32", "f16", "i64", "bool", "u8", "i4"):
        x = ramp(dt, 2, 3, 4)
        if dt == "i4":
            x = x % 8
        case(f"reshape_{dt}", "reshape", [(dt, x)], [(dt, x.reshape(4, 6))], "dims = [4, 6]")
        case(f"transpose_{dt}", "transpose", [(dt, x)], [(dt, x.transpose(2, 0, 1))], "perm = [2, 0, 1]")
        case(f"slice_{dt}", "slice", [(dt, x)], [(dt, x[1:, 2::-2, 1:3])],
             "starts = [1, 2, 1], sizes = [1, 2, 2], steps = [1, -2, 1]")
        y = x[:, 1:2]
        case(f"broadcast_{dt}", "broadcast", [(dt, y)], [(dt, np.broadcast_to(y, (3, 2, 5, 4)))], "dims = [3, 2, 5, 4]")
        case(f"concat_{dt}", "concat", [(dt, x), (dt, y), (dt, x)], [(dt, np.concatenate([x, y, x], 1))], "axis = 1")
    x = ramp("f32", 3, 4)
    fill = np.float64(7.5)
    case("pad_fill", "pad", [("f32", x), ("f32", fill)], [("f32", np.pad(x, ((1, 2), (0, 3)), constant_values=7.5))],
         "lo = [1, 0], hi = [2, 3]")
    case("pad_crop", "pad", [("f32", x)], [("f32", np.pad(x, ((0, 1), (0, 0)))[1:, :-1])], "lo = [-1, 0], hi = [1, -1]")
    for mode in ("reflect", "edge", "wrap"):
        case(f"pad_{mode}", "pad", [("f32", x)], [("f32", np.pad(x, ((2, 1), (3, 3)), mode=mode))],
             f"lo = [2, 3], hi = [1, 3], mode = {mode}")
    case("pad_reflect_far", "pad", [("f32", x)], [("f32", np.pad(x, ((5, 0), (0, 9)), mode="reflect"))],
         "lo = [5, 0], hi = [0, 9], mode = reflect")
    p = np.pad(x, ((0, 0), (2, 1)), constant_values=-1.5)
    want = np.stack([np.stack([p[:, o * 2 + k * 2] for k in range(2)], -1) for o in range(3)], 1)
    case("window", "window", [("f32", x), ("f32", np.float64(-1.5))], [("f32", want)],
         "axes = [1], sizes = [2], strides = [2], dilations = [2], pads = [2, 1], out = [3]")
    y = ramp("i32", 2, 5, 4)
    want = np.lib.stride_tricks.sliding_window_view(y, (3, 2), axis=(1, 2))
    case("window_2d", "window", [("i32", y)], [("i32", want)], "axes = [1, 2], sizes = [3, 2], out = [3, 3]")
    graph_case("iota", "  %y0 = iota {dims = [2, 3], axis = 1, to = f32} : f32[2, 3]\n  return %y0\n", [],
               [("f32", np.tile(np.arange(3.0), (2, 1)))])
    graph_case("from_dims", "  %y0 = from_dims {dims = [4, 1, 9]} : i64[3]\n  return %y0\n", [],
               [("i64", np.array([4, 1, 9]))])
    z = ramp("f32", 2, 2)
    u = x.copy()
    u[1:3, 2:4] = z
    case("update", "update", [("f32", x), ("f32", z)], [("f32", u)], "starts = [1, 2]")


def movement():
    for dt in ("f32", "i64", "bf16", "bool"):
        x = ramp(dt, 4, 3, 2)
        i = np.array([[0, -1], [3, 1]])
        case(f"gather_{dt}", "gather", [(dt, x), ("i64", i)], [(dt, np.take(x, i, 0))], "axis = 0")
        case(f"gather_axis1_{dt}", "gather", [(dt, x), ("i32", i[0] + 1)], [(dt, np.take(x, i[0] + 1, 1))], "axis = 1")
    x = ramp("f32", 3, 4)
    i = rng.integers(-4, 4, (3, 5))
    case("gather_elements", "gather_elements", [("f32", x), ("i64", i)], [("f32", np.take_along_axis(x, i % 4, 1))],
         "axis = 1")
    i = np.array([[0, 1], [2, -1]])
    case("gather_nd", "gather_nd", [("f32", x), ("i64", i)], [("f32", one("GatherND", x, i % [3, 4]))])
    case("gather_nd_slices", "gather_nd", [("f32", x), ("i64", i[:, :1])], [("f32", one("GatherND", x, i[:, :1]))])
    x3, i = ramp("f32", 2, 3, 4), np.array([[[1], [0]], [[2], [2]]])
    case("gather_nd_batch", "gather_nd", [("f32", x3), ("i64", i)], [("f32", one("GatherND", x3, i, batch_dims=1))],
         "batch_dims = 1")
    names = {"set": "none", "add": "add", "mul": "mul", "min": "min", "max": "max"}
    for mode, reduction in names.items():
        for dt in ("f32", "i64") if mode != "set" else ("f32", "i64", "bool"):
            x, u = ramp(dt, 3, 4), ramp(dt, 2, 4)
            i = np.array([[0, 2, 1, 0], [2, 2, 1, 0]]) if mode != "set" else np.array([[0, 2, 1, 0], [1, 0, 2, 2]])
            case(f"scatter_elements_{mode}_{dt}", "scatter_elements", [(dt, x), ("i64", i), (dt, u)],
                 [(dt, one("ScatterElements", x, i, u, axis=0, reduction=reduction))], f"axis = 0, mode = {mode}")
            i, u = np.array([[1], [0], [1]]), ramp(dt, 3, 4)
            case(f"scatter_nd_{mode}_{dt}", "scatter_nd", [(dt, x), ("i64", i), (dt, u)],
                 [(dt, one("ScatterND", x, i, u, reduction=reduction))], f"mode = {mode}")
    for dt in ("f32", "i32", "u8", "f16"):
        x = ramp(dt, 3, 7, step=1)
        for largest in (True, False):
            v, i = by_onnx("TopK", [x.astype(np.float64), np.array([4])], 2, axis=1, largest=int(largest))
            case(f"topk_{largest}_{dt}", "topk", [(dt, x)], [(dt, v), ("i64", i)],
                 f"k = [4], axis = 1, largest = {str(largest).lower()}")
    v, i = by_onnx("TopK", [ramp("f32", 5, 2), np.array([2])], 2, axis=0)
    x = ramp("f32", 5, 2)
    v, i = by_onnx("TopK", [x, np.array([2])], 2, axis=0)
    case("topk_axis0", "topk", [("f32", x)], [("f32", v), ("i64", i)], "k = [2], axis = 0")


# ---- reductions, products ----------------------------------------------------------------------------------------------

def reductions():
    kinds = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min}
    for kind, f in kinds.items():
        for dt in FLOATS + ("i32", "u8", "i64"):
            x = ramp(dt, 3, 4, 5, lo=-1.5, hi=1.5) if kind == "prod" else ramp(dt, 3, 4, 5)
            for axes in ((1,), (0, 2)) if dt in ("f32", "u8") else ((2,),):
                y = f(x, axis=axes) if is_float(dt) else wrap_array(dt, f(x.astype(object), axis=axes))
                case(f"reduce_{kind}_{dt}_{len(axes)}", "reduce", [(dt, x)], [(dt, y)], f"kind = {kind}, axes = {ints(*axes)}")
        if kind in ("sum", "prod"):
            for dt in ("f32", "i32", "f64"):
                x = ramp(dt, 3, 6, lo=-1.5, hi=1.5)
                scan = np.cumsum if kind == "sum" else np.cumprod
                for exclusive in (False, True):
                    for reverse in (False, True):
                        z = x[:, ::-1] if reverse else x
                        y = scan(z, 1)
                        if exclusive:
                            y = np.concatenate([np.full((3, 1), float(kind == "prod")), y[:, :-1]], 1)
                        y = y[:, ::-1] if reverse else y
                        case(f"scan_{kind}_{dt}_{exclusive}_{reverse}", "scan", [(dt, x)], [(dt, y)],
                             f"kind = {kind}, axis = 1, exclusive = {str(exclusive).lower()}, reverse = {str(reverse).lower()}")
    x = ramp("f32", 4, 5)
    case("scan_max", "scan", [("f32", x)], [("f32", np.maximum.accumulate(x, 0))], "kind = max, axis = 0")
    case("scan_min", "scan", [("f32", x)], [("f32", np.minimum.accumulate(x, 0))], "kind = min, axis = 0")
    for dt in ("f32", "i32", "u8", "f16"):
        x = ramp(dt, 3, 7, step=1)
        for kind, f in {"argmax": np.argmax, "argmin": np.argmin}.items():
            case(f"reduce_{kind}_{dt}", "reduce", [(dt, x)], [("i64", f(x, 1))], f"kind = {kind}, axes = [1]")
            case(f"reduce_{kind}_last_{dt}", "reduce", [(dt, x)], [("i64", 6 - f(x[:, ::-1], 1))],
                 f"kind = {kind}_last, axes = [1]")
    empty = np.zeros((2, 0))
    case("reduce_sum_empty", "reduce", [("f32", empty)], [("f32", np.zeros(2))], "kind = sum, axes = [1]")
    case("reduce_prod_empty", "reduce", [("f32", empty)], [("f32", np.ones(2))], "kind = prod, axes = [1]")
    case("reduce_max_empty", "reduce", [("f32", empty)], [("f32", np.full(2, -np.inf))], "kind = max, axes = [1]")
    nan = np.array([[1.0, math.nan, 3.0], [2.0, 1.0, 0.0]])
    case("reduce_max_nan", "reduce", [("f32", nan)], [("f32", nan.max(1))], "kind = max, axes = [1]")
    case("reduce_argmin_nan", "reduce", [("f32", nan)], [("i64", nan.argmin(1))], "kind = argmin, axes = [1]")


def wrap_array(dt, x):
    x = np.asarray(x)
    return np.array([wrapped(dt, int(v)) for v in x.reshape(-1)], NUMPY[dt]).reshape(x.shape)


def products():
    def contract(name, dt, lhs, rhs, out, *shapes):
        x, y = ramp(dt, *shapes[0]), ramp(dt, *shapes[1])
        want = np.einsum(f"{lhs},{rhs}->{out}", x.astype(object if not is_float(dt) else float), y)
        want = want if is_float(dt) else wrap_array(dt, want)
        result = "f32" if dt == "bf16" else dt  # products of bf16 sum in f32
        case(f"contract_{name}_{dt}", "contract", [(dt, x), (dt, y)], [(result, want)],
             f'lhs = "{lhs}", rhs = "{rhs}", out = "{out}"')
    for dt in FLOATS + ("i32", "i64", "u8"):
        contract("mk_kn", dt, "mk", "kn", "mn", (3, 5), (5, 4))
    contract("batch_t", "f32", "bmk", "bnk", "bmn", (2, 3, 7), (2, 5, 7))
    contract("two_inner", "f32", "abc", "dcb", "da", (2, 3, 4), (5, 4, 3))
    contract("outer", "f32", "a", "b", "ba", (3,), (4,))
    contract("dot", "f32", "a", "a", "", (9,), (9,))
    contract("batch_only", "f32", "ab", "ab", "ba", (3, 4), (3, 4))
    for shapes in (((3, 5), (5, 4)), ((5,), (5, 4)), ((3, 5), (5,)), ((5,), (5,)), ((2, 1, 3, 5), (4, 5, 2)), ((0, 5), (5, 2)),
                   ((3, 0), (0, 2)), ((1, 1), (1, 1))):
        x, y = ramp("f32", *shapes[0]), ramp("f32", *shapes[1])
        label = "_".join("x".join(map(str, s)) for s in shapes)
        case(f"matmul_{label}", "matmul", [("f32", x), ("f32", y)], [("f32", np.matmul(x, y))])
    for dt in ("f64", "f16", "bf16", "i32"):
        x, y = ramp(dt, 2, 3, 4), ramp(dt, 4, 3)
        case(f"matmul_{dt}", "matmul", [(dt, x), (dt, y)], [(dt, np.matmul(x, y))])
    for k, (equation, *shapes) in enumerate([("ij,jk->ik", (2, 3), (3, 4)), ("bij, bjk -> bik", (2, 2, 3), (2, 3, 2)),
                                             ("ii->i", (3, 3)), ("ij->ji", (2, 3)), ("ij->", (2, 3)),
                                             ("...ij,...jk", (2, 1, 2, 3), (4, 3, 2)), ("i,j,k->kji", (2,), (3,), (2,)),
                                             ("abc,cd,de,ef->abf", (2, 2, 3), (3, 2), (2, 4), (4, 2))]):
        xs = [ramp("f32", *s) for s in shapes]
        case(f"einsum_{k}", "einsum", [("f32", x) for x in xs], [("f32", np.einsum(equation, *xs))],
             f'equation = "{equation}"')


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def norms():
    for dt in FLOATS:
        x = ramp(dt, 1 if dt == "f64" else 2, 6, 3)
        for axis in (-1, 1):
            case(f"softmax_{dt}_{axis}", "softmax", [(dt, x)], [(dt, one("Softmax", x, axis=axis))], f"axis = {axis}")
        case(f"log_softmax_{dt}", "log_softmax", [(dt, x)], [(dt, one("LogSoftmax", x, axis=1))], "axis = 1")
        s, b = ramp(dt, 3), ramp(dt, 3)
        case(f"layer_norm_{dt}", "layer_norm", [(dt, x), (dt, s), (dt, b)], [(dt, layer_norm(x, s, b, 2, 1e-5))])
        s2, b2 = ramp(dt, 6, 3), ramp(dt, 6, 3)
        case(f"layer_norm_2_{dt}", "layer_norm", [(dt, x), (dt, s2), (dt, b2)], [(dt, layer_norm(x, s2, b2, 1, 0.25))],
             "axis = 1, eps = 0.25")
        case(f"layer_norm_nobias_{dt}", "layer_norm", [(dt, x), (dt, s)], [(dt, layer_norm(x, s, 0, 2, 1e-5))])
        rms = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * s
        case(f"rms_norm_{dt}", "rms_norm", [(dt, x), (dt, s)], [(dt, rms)])
        c, d, mean, var = ramp(dt, 6), ramp(dt, 6), ramp(dt, 6), ramp(dt, 6, lo=0.5)
        per = lambda v: v.reshape(1, 6, 1)
        batch = (x - per(mean)) / np.sqrt(per(var) + 1e-5) * per(c) + per(d)
        case(f"batch_norm_{dt}", "batch_norm", [(dt, v) for v in (x, c, d, mean, var)], [(dt, batch)])
        instance = per(c) * (x - x.mean(2, keepdims=True)) / np.sqrt(x.var(2, keepdims=True) + 1e-5) + per(d)
        case(f"instance_norm_{dt}", "instance_norm", [(dt, v) for v in (x, c, d)], [(dt, instance)])
        g = x.reshape(-1, 3, 6)
        g = ((g - g.mean(2, keepdims=True)) / np.sqrt(g.var(2, keepdims=True) + 1e-5)).reshape(x.shape)
        case(f"group_norm_{dt}", "group_norm", [(dt, v) for v in (x, c, d)], [(dt, g * per(c) + per(d))], "groups = 3")
        for size in (3, 4):
            around = [x[:, max(0, i - (size - 1) // 2):i + size // 2 + 1] for i in range(6)]
            squares = np.stack([(v * v).sum(1) for v in around], 1)
            y = x / (2 + 0.5 / size * squares) ** 0.75
            case(f"lrn_{size}_{dt}", "lrn", [(dt, x)], [(dt, y)], f"size = {size}, alpha = 0.5, beta = 0.75, bias = 2")
    x = np.array([[-np.inf, 0.0, 1.0], [-np.inf, -np.inf, -np.inf]])
    with np.errstate(all="ignore"):
        case("softmax_inf", "softmax", [("f32", x)], [("f32", softmax(x))])


def layer_norm(x, scale, bias, axis, eps):
    axes = tuple(range(axis, x.ndim))
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps) * scale + bias


# ---- attention ---------------------------------------------------------------------------------------------------------

def attend(q, k, v, mask=None, scale=0.0, causal=False, softcap=0.0, window=0):
    """Written out: softcap before the mask, query i at position i + T - S, fully masked rows are zeros."""
    heads, groups, S, T = q.shape[-3], k.shape[-3], q.shape[-2], k.shape[-2]
    k, v = np.repeat(k, heads // groups, -3), np.repeat(v, heads // groups, -3)
    s = q @ np.swapaxes(k, -1, -2) * (scale or 1 / math.sqrt(q.shape[-1]))
    s = softcap * np.tanh(s / softcap) if softcap else s
    ahead = np.arange(T)[None, :] - (np.arange(S)[:, None] + T - S)
    seen = np.ones((S, T), bool)
    seen &= (ahead <= 0) | (not causal)
    seen &= (-ahead < window) | (window == 0)
    if mask is not None:
        s = np.where(mask, s, -np.inf) if mask.dtype == np.bool_ else s + mask
    s = np.where(seen, s, -np.inf)
    top = s.max(-1, keepdims=True)
    e = np.where(np.isneginf(top), 0, np.exp(s - np.where(np.isneginf(top), 0, top)))
    total = e.sum(-1, keepdims=True)
    return np.where(total == 0, 0, e / np.where(total == 0, 1, total)) @ v


def attention():
    for dt in ("f32", "f16", "bf16"):
        q, k, v = ramp(dt, 2, 4, 3, 4), ramp(dt, 2, 2, 5, 4), ramp(dt, 2, 2, 5, 3)
        ins = [(dt, q), (dt, k), (dt, v)]
        case(f"attend_{dt}", "attend", ins, [(dt, attend(q, k, v))])
        case(f"attend_causal_{dt}", "attend", ins, [(dt, attend(q, k, v, causal=True))], "causal = true")
    q, k, v = ramp("f32", 2, 3, 4), ramp("f32", 1, 6, 4), ramp("f32", 1, 6, 4)
    ins = [("f32", q), ("f32", k), ("f32", v)]
    case("attend_softcap", "attend", ins, [("f32", attend(q, k, v, softcap=2.0, scale=0.75))], "scale = 0.75, softcap = 2")
    case("attend_window", "attend", ins, [("f32", attend(q, k, v, causal=True, window=2))], "causal = true, window = 2")
    case("attend_window_both", "attend", ins, [("f32", attend(q, k, v, window=3))], "window = 3")
    mask = rng.integers(0, 2, (3, 6)).astype(bool)
    mask[1] = False
    case("attend_bool_mask", "attend", ins + [("bool", mask)], [("f32", attend(q, k, v, mask))])
    bias = ramp("f32", 2, 1, 6)
    case("attend_bias", "attend", ins + [("f32", bias)], [("f32", attend(q, k, v, bias, causal=True))], "causal = true")
    q2 = ramp("f32", 1, 4, 4)
    k2, v2 = ramp("f32", 1, 2, 4), ramp("f32", 1, 2, 4)
    case("attend_causal_more_queries", "attend", [("f32", q2), ("f32", k2), ("f32", v2)],
         [("f32", attend(q2, k2, v2, causal=True))], "causal = true")
    for dt in ("f32", "bf16"):
        x, cos, sin = ramp(dt, 2, 3, 8), ramp(dt, 3, 4, lo=-1, hi=1), ramp(dt, 3, 4, lo=-1, hi=1)
        a, b = x[..., :4], x[..., 4:]
        half = np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)
        case(f"rope_{dt}", "rope", [(dt, x), (dt, cos), (dt, sin)], [(dt, half)])
        a, b = x[..., ::2], x[..., 1::2]
        inter = np.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)
        case(f"rope_interleaved_{dt}", "rope", [(dt, x), (dt, cos), (dt, sin)], [(dt, inter)], "interleaved = true")
        cos, sin = cos[:, :2], sin[:, :2]
        a, b = x[..., :2], x[..., 2:4]
        part = np.concatenate([a * cos - b * sin, a * sin + b * cos, x[..., 4:]], -1)
        case(f"rope_partial_{dt}", "rope", [(dt, x), (dt, cos), (dt, sin)], [(dt, part)], "rotary_dim = 4")


# ---- convolutions, pools, resize ---------------------------------------------------------------------------------------

def convolutions():
    shapes = [("1d", (2, 3, 9), (4, 3, 3), dict(strides=[2], pads=[1, 0])),
              ("2d", (1, 3, 6, 5), (2, 3, 3, 2), dict(pads=[1, 0, 1, 1])),
              ("2d_strided", (2, 2, 7, 7), (3, 2, 3, 3), dict(strides=[2, 3], pads=[1, 1, 1, 1])),
              ("2d_dilated", (1, 2, 8, 7), (2, 2, 3, 3), dict(dilations=[2, 2])),
              ("groups", (1, 4, 5, 5), (6, 2, 3, 3), dict(group=2)),
              ("depthwise", (1, 3, 6, 6), (3, 1, 3, 3), dict(group=3, pads=[1, 1, 1, 1])),
              ("3d", (1, 2, 4, 4, 3), (2, 2, 2, 2, 2), dict()), ("1x1", (2, 5, 3, 3), (4, 5, 1, 1), dict())]
    for name, xs, ws, attrs in shapes:
        for dt in FLOATS if name == "2d" else ("f32",):
            x, w, b = ramp(dt, *xs), ramp(dt, *ws), ramp(dt, ws[0])
            y = convolve(x, w, b, **attrs)
            case(f"conv_{name}_{dt}", "conv", [(dt, x), (dt, w), (dt, b)], [(dt, y)], conv_text(attrs))
    x, w = ramp("f32", 1, 2, 4, 4), ramp("f32", 3, 2, 3, 3)
    case("conv_nobias", "conv", [("f32", x), ("f32", w)], [("f32", convolve(x, w))])
    shapes = [("1d", (1, 2, 4), (2, 3, 3), dict(strides=[2], pads=[1, 0], output_padding=[1])),
              ("2d", (2, 3, 3, 4), (3, 2, 3, 3), dict(strides=[2, 2], pads=[1, 1, 0, 1])),
              ("groups", (1, 4, 3, 3), (4, 2, 2, 2), dict(group=2, strides=[2, 1])),
              ("dilated", (1, 2, 3, 3), (2, 1, 2, 2), dict(dilations=[2, 2]))]
    for name, xs, ws, attrs in shapes:
        x, w = ramp("f32", *xs), ramp("f32", *ws)
        b = ramp("f32", ws[1] * attrs.get("group", 1))
        text = conv_text({k: v for k, v in attrs.items() if k != "output_padding"})
        if "output_padding" in attrs:
            text += f", output_pads = {attrs['output_padding']}"
        y = convolve_transposed(x, w, b, **attrs)
        case(f"conv_transpose_{name}", "conv_transpose", [("f32", x), ("f32", w), ("f32", b)], [("f32", y)], text)


def conv_text(attrs):
    names = {"group": "groups"}
    return ", ".join(f"{names.get(k, k)} = {v}" for k, v in attrs.items())


def convolve(x, w, b=None, strides=None, pads=None, dilations=None, group=1):
    """Direct: a sum over kernel positions of shifted, strided slices."""
    n = x.ndim - 2
    strides, pads, dilations = strides or [1] * n, pads or [0] * 2 * n, dilations or [1] * n
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[n + i]) for i in range(n)])
    out = [(x.shape[2 + i] - (w.shape[2 + i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    per_in, per_out = w.shape[1], w.shape[0] // group
    for k in np.ndindex(*w.shape[2:]):
        at = tuple(slice(k[i] * dilations[i], k[i] * dilations[i] + (out[i] - 1) * strides[i] + 1, strides[i]) for i in range(n))
        for g in range(group):
            part = x[(slice(None), slice(g * per_in, (g + 1) * per_in), *at)]
            filters = w[(slice(g * per_out, (g + 1) * per_out), slice(None), *k)]
            y[:, g * per_out:(g + 1) * per_out] += np.moveaxis(np.tensordot(part, filters, (1, 1)), -1, 1)
    return y if b is None else y + b.reshape(1, -1, *[1] * n)


def convolve_transposed(x, w, b, strides=None, pads=None, dilations=None, group=1, output_padding=None):
    """Scatter form: every input point adds its filter."""
    n = x.ndim - 2
    strides, pads, dilations = strides or [1] * n, pads or [0] * 2 * n, dilations or [1] * n
    extra = output_padding or [0] * n
    full = [(x.shape[2 + i] - 1) * strides[i] + (w.shape[2 + i] - 1) * dilations[i] + 1 + extra[i] for i in range(n)]
    per_in, per_out = x.shape[1] // group, w.shape[1]
    y = np.zeros((x.shape[0], per_out * group, *full))
    for p in np.ndindex(*x.shape[2:]):
        for k in np.ndindex(*w.shape[2:]):
            at = tuple(p[i] * strides[i] + k[i] * dilations[i] for i in range(n))
            for g in range(group):
                rows = slice(g * per_in, (g + 1) * per_in)
                y[(slice(None), slice(g * per_out, (g + 1) * per_out), *at)] += x[(slice(None), rows, *p)] @ w[(rows, slice(None), *k)]
    crop = tuple(slice(pads[i], full[i] - pads[n + i]) for i in range(n))
    return y[(slice(None), slice(None), *crop)] + b.reshape(1, -1, *[1] * n)


def pools():
    shapes = [("1d", (2, 2, 9), [3], dict(strides=[2], pads=[1, 1])), ("2d", (1, 2, 6, 7), [2, 3], dict(strides=[2, 2])),
              ("2d_pads", (1, 2, 5, 5), [3, 3], dict(pads=[1, 1, 1, 1])),
              ("asym", (1, 1, 6, 6), [3, 3], dict(strides=[2, 2], pads=[0, 0, 1, 1])),
              ("ceil", (1, 1, 6, 5), [3, 2], dict(strides=[2, 2], pads=[1, 0, 1, 0], ceil_mode=1)),
              ("3d", (1, 1, 4, 4, 4), [2, 2, 2], dict(strides=[2, 2, 2]))]
    for name, xs, sizes, attrs in shapes:
        text = f"sizes = {sizes}, " + ", ".join(f"{k} = {v}" for k, v in attrs.items()).replace("ceil_mode = 1", "ceil = true")
        for dt in ("f32", "f16") if name == "2d" else ("f32",):
            x = ramp(dt, *xs)
            v, i = max_pool(x, sizes, **attrs)
            case(f"max_pool_{name}_{dt}", "max_pool", [(dt, x)], [(dt, v), ("i64", i)], text)
            for count in (0, 1):
                y = average_pool(x, sizes, count, **attrs)
                case(f"avg_pool_{name}_{count}_{dt}", "avg_pool", [(dt, x)], [(dt, y)],
                     text + f", count_pad = {'true' if count else 'false'}")
    x = ramp("f32", 1, 1, 9, 9)
    v, i = max_pool(x, [2, 3], dilations=[3, 2])
    case("max_pool_dilated", "max_pool", [("f32", x)], [("f32", v), ("i64", i)], "sizes = [2, 3], dilations = [3, 2]")
    x = ramp("i8", 1, 2, 5, 5)
    v, i = max_pool(x.astype(float), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    case("max_pool_i8", "max_pool", [("i8", x)], [("i8", v), ("i64", i)], "sizes = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]")


def pool_windows(x, sizes, strides=None, pads=None, dilations=None, ceil_mode=0):
    """Yields (output point, spatial slices inside x, positions inside x or its padding)."""
    n = x.ndim - 2
    strides, pads, dilations = strides or [1] * n, pads or [0] * 2 * n, dilations or [1] * n
    out = []
    for i in range(n):
        room = x.shape[2 + i] + pads[i] + pads[n + i] - (sizes[i] - 1) * dilations[i] - 1
        o = (math.ceil if ceil_mode else math.floor)(room / strides[i]) + 1
        out.append(o - 1 if (o - 1) * strides[i] >= x.shape[2 + i] + pads[i] else o)
    for p in np.ndindex(*out):
        spots = [[p[i] * strides[i] + k * dilations[i] - pads[i] for k in range(sizes[i])] for i in range(n)]
        inside = [[s for s in spots[i] if 0 <= s < x.shape[2 + i]] for i in range(n)]
        padded = math.prod(sum(s < x.shape[2 + i] + pads[n + i] for s in spots[i]) for i in range(n))
        yield out, p, inside, padded


def max_pool(x, sizes, **attrs):
    v = i = None
    flat = np.arange(x.size).reshape(x.shape)
    for out, p, inside, _ in pool_windows(x, sizes, **attrs):
        if v is None:
            v, i = np.zeros((*x.shape[:2], *out)), np.zeros((*x.shape[:2], *out), np.int64)
        part = x[(slice(None), slice(None), *np.ix_(*inside))].reshape(*x.shape[:2], -1)
        index = flat[(slice(None), slice(None), *np.ix_(*inside))].reshape(*x.shape[:2], -1)
        best = part.argmax(-1)[..., None]
        v[(slice(None), slice(None), *p)] = np.take_along_axis(part, best, -1)[..., 0]
        i[(slice(None), slice(None), *p)] = np.take_along_axis(index, best, -1)[..., 0]
    return v, i


def average_pool(x, sizes, count_pad, **attrs):
    y = None
    for out, p, inside, padded in pool_windows(x, sizes, **attrs):
        y = np.zeros((*x.shape[:2], *out)) if y is None else y
        part = x[(slice(None), slice(None), *np.ix_(*inside))]
        n = padded if count_pad else math.prod(map(len, inside))
        y[(slice(None), slice(None), *p)] = part.reshape(*x.shape[:2], -1).sum(-1) / n
    return y


def resize(x, sizes=None, scales=None, mode="nearest", antialias=False, cubic=-0.75, nearest="round_prefer_floor",
           coord="half_pixel", **kwargs):
    """The reference's interpolation with cubic coefficients in double (its operator makes them in f32)."""
    weights = {"nearest": lambda r, _: op_resize._nearest_coeffs(r, nearest),
               "linear": op_resize._linear_coeffs_antialias if antialias else op_resize._linear_coeffs,
               "cubic": lambda r, s: (op_resize._cubic_coeffs_antialias if antialias else op_resize._cubic_coeffs)(r, s, cubic)}
    return op_resize._interpolate_nd(x, weights[mode], output_size=sizes, scale_factors=scales,
                                     coordinate_transformation_mode=coord, **kwargs)


def resizes():
    coords = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
    x = ramp("f32", 1, 1, 4, 5)
    for mode in ("nearest", "linear", "cubic"):
        for coord in coords:
            for sizes in ((7, 9), (3, 2)):
                y = resize(x, [1, 1, *sizes], mode=mode, coord=coord)
                case(f"resize_{mode}_{coord}_{sizes[0]}", "resize", [("f32", x)], [("f32", y)],
                     f"out = {ints(*y.shape)}, mode = {mode}, coord = {coord}")
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        y = resize(x, scales=[1, 1, 1.5, 0.6], nearest=nearest)
        case(f"resize_{nearest}", "resize", [("f32", x)], [("f32", y)],
             f"out = {ints(*y.shape)}, nearest = {nearest}, scales = [1, 1, 1.5, 0.6]")
    for mode in ("linear", "cubic"):
        y = resize(x, [1, 1, 2, 3], mode=mode, antialias=True)
        case(f"resize_antialias_{mode}", "resize", [("f32", x)], [("f32", y)],
             f"out = {ints(*y.shape)}, mode = {mode}, antialias = true")
    y = resize(x, [1, 1, 7, 8], mode="cubic", exclude_outside=True, cubic=-0.5)
    case("resize_exclude_outside", "resize", [("f32", x)], [("f32", y)],
         f"out = {ints(*y.shape)}, mode = cubic, exclude_outside = true, cubic = -0.5")
    roi = np.array([0, 0, 0.25, -0.25, 1, 1, 0.75, 1.25])
    y = resize(x, [1, 1, 3, 6], mode="linear", extrapolation_value=10.0, coord="tf_crop_and_resize", roi=roi)
    case("resize_crop", "resize", [("f32", x)], [("f32", y)],
         f"out = {ints(*y.shape)}, mode = linear, coord = tf_crop_and_resize, extrapolation = 10, "
         f"roi = [{', '.join(map(str, roi))}]")


def resizes_beside_nan():
    """A neighbour counts with weight 0 too, so that its NaN shows; nearest takes one element and has no neighbours."""
    x = ramp("f32", 1, 1, 4, 6)
    x[0, 0, 1, 2] = np.nan
    for mode in ("linear", "cubic"):
        for sizes in ((8, 3), (2, 9)):
            y = resize(x, [1, 1, *sizes], mode=mode, coord="asymmetric")
            case(f"resize_{mode}_nan_{sizes[0]}", "resize", [("f32", x)], [("f32", y)],
                 f"out = {ints(*y.shape)}, mode = {mode}, coord = asymmetric")
    y = x.repeat(2, axis=2)
    case("resize_nearest_nan", "resize", [("f32", x)], [("f32", y)],
         f"out = {ints(*y.shape)}, mode = nearest, nearest = floor, coord = asymmetric")


# ---- random numbers ----------------------------------------------------------------------------------------------------

def philox(counter, key):
    """Philox 4x32-10 of Salmon et al. (SC 2011)."""
    mask = 0xFFFFFFFF
    c, k = [counter & mask, counter >> 32, 0, 0], [key & mask, key >> 32 & mask]
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & mask, p >> 32 ^ c[3] ^ k[1], p & mask]
        k = [k[0] + 0x9E3779B9 & mask, k[1] + 0xBB67AE85 & mask]
    return c


def randoms():
    for dt in FLOATS:
        for kind in ("uniform", "normal", "bernoulli"):
            seed, a, b, y = 77, (0.3 if kind == "bernoulli" else -3.0), 5.0, []
            for i in range(12):
                r = philox(i, seed)
                u, v = ((r[0] >> 8) * 2.0 ** -24, (r[2] >> 8) * 2.0 ** -24)
                if dt == "f64":
                    u, v = (((r[k] >> 5) * 2.0 ** 26 + (r[k + 1] >> 6)) * 2.0 ** -53 for k in (0, 2))
                y.append(a + (b - a) * u if kind == "uniform" else float(u < a) if kind == "bernoulli" else
                         a + b * math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v))
            y = np.array(y).reshape(3, 4)
            graph_case(f"random_{kind}_{dt}", f"  %y0 = random {{kind = {kind}, dims = [3, 4], to = {dt}, seed = {seed}, "
                       f"a = {a}, b = {b}}} : {dt}[3, 4]\n  return %y0\n", [], [(dt, y)])


# ---- control flow ------------------------------------------------------------------------------------------------------

def regions():
    x = ramp("f32", 3)
    body = """  %y0 = if %x0, %x1 region(%a: f32[3]) {
    %0 = neg %a : f32[3]
    yield %0
  } region(%b: f32[3]) {
    %1 = add %b, %b : f32[3]
    yield %1
  } : f32[3]
  return %y0
"""
    for truth in (True, False):
        graph_case(f"if_{truth}", body, [("bool", np.array(truth)), ("f32", x)], [("f32", -x if truth else x + x)])
    body = """  %n = const splat(4) : i64[]
  %go = const splat(true) : bool[]
  %y0, %y1 = while %n, %go, %x0, %x1 {n_carried = 1} region(%i: i64[], %c: bool[], %s: f32[3], %k: f32[3]) {
    %t = add %s, %k : f32[3]
    %m = mul %t, %s : f32[3]
    yield %go, %t, %m
  } : f32[3], f32[4, 3]
  return %y0, %y1
"""
    s, k, rows = ramp("f32", 3), ramp("f32", 3), []
    state = s
    for _ in range(4):
        new = state + k
        rows.append(new * state)
        state = new
    graph_case("while", body, [("f32", s), ("f32", k)], [("f32", state), ("f32", np.stack(rows))])
    body = """  %y0, %y1 = scan_loop %x0, %x1, %x2 {n_carried = 1, in_axes = [1, 0], out_axes = [1], in_reverse = [0, 1], out_reverse = [1]} region(%s: f32[2], %a: f32[2], %b: f32[]) {
    %t = mul %a, %b : f32[2]
    %u = add %s, %t : f32[2]
    yield %u, %u
  } : f32[2], f32[2, 5]
  return %y0, %y1
"""
    s, a, b, rows = ramp("f32", 2), ramp("f32", 2, 5), ramp("f32", 5), []
    state = s
    for i in range(5):
        state = state + a[:, i] * b[4 - i]
        rows.append(state)
    graph_case("scan_loop", body, [("f32", s), ("f32", a), ("f32", b)], [("f32", state), ("f32", np.stack(rows[::-1], 1))])


# ---- windows that do not tile, pads that cut, NaN in orders and resizes -----------------------------------------------------

def transposed_windows():
    """Output pads up to a stride or dilation, pads that differ at the two ends, kernels below the stride."""
    shapes = [("rest", (1, 3, 4, 4), (3, 1, 3, 3), dict(strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1], group=3)),
              ("gaps", (2, 2, 3, 2), (2, 2, 2, 1), dict(strides=[4, 3], pads=[0, 0, 1, 0], output_padding=[3, 2])),
              ("uneven", (1, 2, 5), (2, 3, 4), dict(strides=[3], pads=[2, 0], dilations=[2], output_padding=[2])),
              ("3d", (1, 2, 2, 3, 2), (2, 1, 2, 3, 2), dict(strides=[2, 3, 2], pads=[1, 0, 0, 0, 1, 1], dilations=[1, 2, 1],
                                                             output_padding=[1, 0, 1]))]
    for name, xs, ws, attrs in shapes:
        for dt in ("f32", "f64"):
            x, w = ramp(dt, *xs), ramp(dt, *ws)
            b = ramp(dt, ws[1] * attrs.get("group", 1))
            text = conv_text({"output_pads" if k == "output_padding" else k: v for k, v in attrs.items()})
            case(f"conv_transpose_{name}_{dt}", "conv_transpose", [(dt, x), (dt, w), (dt, b)],
                 [(dt, convolve_transposed(x, w, b, **attrs))], text)


def pads_that_cut():
    """What is negative is cut first; the mode repeats what is left."""
    for dt in ("f32", "i32"):
        x = ramp(dt, 5, 4)
        for k, (lo, hi) in enumerate([([-2, 0], [0, -1]), ([-2, 3], [4, -1]), ([-1, -2], [9, 5]), ([11, -3], [-3, 2])]):
            cut = x[tuple(slice(max(0, -l), n - max(0, -h)) for l, h, n in zip(lo, hi, x.shape))]
            for mode in ("constant", "reflect", "edge", "wrap"):
                y = np.pad(cut, [(max(0, l), max(0, h)) for l, h in zip(lo, hi)], mode=mode)
                case(f"pad_cut_{mode}_{k}_{dt}", "pad", [(dt, x)], [(dt, y)], f"lo = {lo}, hi = {hi}, mode = {mode}")


def orders_of_nan():
    """NaN is above all numbers, as numpy sorts."""
    nan, inf = np.nan, np.inf
    x = np.array([[1, nan, 5, -inf, inf, nan], [inf, nan, inf, nan, inf, -inf], [nan, inf, nan, inf, 0, nan], [nan] * 6])
    key = np.where(np.isnan(x), 8, np.where(np.isinf(x), np.sign(x) * 7, x))
    for dt in ("f32", "f64", "f16"):
        for k in (5, 6):
            for largest in (True, False):
                i = np.argsort(-key if largest else key, axis=1, kind="stable")[:, :k]
                case(f"topk_nan_{k}_{largest}_{dt}", "topk", [(dt, x)], [(dt, np.take_along_axis(x, i, 1)), ("i64", i)],
                     f"k = [{k}], axis = 1, largest = {str(largest).lower()}")


def resizes_without_outside():
    """Neighbours outside count nothing; where all are outside the result is 0. NaN shows at weight 0."""
    x = ramp("f32", 1, 1, 4, 5)
    for nearest in ("floor", "ceil"):
        y = resize(x, [1, 1, 7, 9], nearest=nearest, exclude_outside=True)
        case(f"resize_{nearest}_inside", "resize", [("f32", x)], [("f32", y)],
             f"out = {ints(*y.shape)}, nearest = {nearest}, exclude_outside = true")
    x[0, 0, 1, 2], x[0, 0, 3, 4] = np.nan, np.inf
    for mode in ("linear", "cubic"):
        for exclude in (False, True):
            for coord in ("half_pixel", "align_corners"):
                y = resize(x, [1, 1, 7, 5], mode=mode, coord=coord, exclude_outside=exclude)
                case(f"resize_{mode}_{coord}_nan_{exclude}", "resize", [("f32", x)], [("f32", y)],
                     f"out = {ints(*y.shape)}, mode = {mode}, coord = {coord}, exclude_outside = {str(exclude).lower()}")


def or_symbolic(name, body, ins, outs):
    """A graph of operands with extents of 0, and the same with a symbol in their place. body: {K} stands for such an extent."""
    graph_case(f"{name}_of_0", body.replace("{K}", "0"), ins, outs)
    print(f"case {name}_of_a_symbol")
    of_symbol = lambda dt, shape: f"{dt}[{', '.join(str(d or 'K') for d in shape)}]"
    params = ", ".join(f"%x{i}: {of_symbol(dt, x.shape)}" for i, (dt, x) in enumerate(ins))
    results = ", ".join(f"%y{i}: {of_symbol(dt, x.shape)}" for i, (dt, x) in enumerate(outs))
    print(f"func @t({params}) -> ({results}) where K in 0..700 {{\n{body.replace('{K}', 'K')}}}")
    for word, tensors in (("in", ins), ("out", outs)):
        for dt, x in tensors:
            print(tensor_line(word, dt, rounded(dt, x)))


def nothing():
    """Extents of 0: sums of nothing are 0, reductions give what does not change them, the rest has no elements."""
    def one(name, op, ins, out, attrs="", shape=None):
        dt, y = out
        y = np.asarray(y)
        shape = shape or [str(d) for d in y.shape]
        body = f"  %y0 = {op} {', '.join(f'%x{i}' for i in range(len(ins)))}{f' {{{attrs}}}' if attrs else ''} : {dt}[{', '.join(shape)}]\n  return %y0\n"
        or_symbolic(f"nothing_{name}", body, [(d, np.asarray(x)) for d, x in ins], [(dt, y)])

    z = np.zeros
    for dt in FLOATS + ("i32", "i64", "u8"):
        one(f"matmul_{dt}", "matmul", [(dt, z((64, 0))), (dt, z((0, 64)))], (dt, z((64, 64))))
    one("matmul_batch", "matmul", [("f32", z((2, 1, 3, 0))), ("f32", z((4, 0, 17)))], ("f32", z((2, 4, 3, 17))))
    one("contract_bytes", "contract", [("u8", z((5, 0))), ("i8", z((0, 40)))], ("i32", z((5, 40))), 'lhs = "mk", rhs = "kn", out = "mn"')
    one("contract_dot", "contract", [("f64", z((3, 0))), ("f64", z((3, 0)))], ("f64", z(3)), 'lhs = "ik", rhs = "ik", out = "i"')
    b, r = ramp("f32", 40), ramp("f32", 5, 40)
    p = np.broadcast_to(b, (5, 40))
    or_symbolic("nothing_epilogue", "  %p = matmul %x0, %x1 : f32[5, 40]\n  %y0 = add %p, %x2 : f32[5, 40]\n  %y1 = mul %y0, %x3 : f32[5, 40]\n"
                "  %y2 = cos %p : f32[5, 40]\n  return %y0, %y1, %y2\n",
                [("f32", z((5, 0))), ("f32", z((0, 40))), ("f32", b), ("f32", r)], [("f32", p), ("f32", p * r), ("f32", np.ones((5, 40)))])
    for dt, low, high in (("f32", -math.inf, math.inf), ("f64", -math.inf, math.inf), ("i32", -2**31, 2**31 - 1), ("u8", 0, 255)):
        for kind, y in (("sum", 0), ("prod", 1), ("max", low), ("min", high)):
            one(f"reduce_{kind}_{dt}", "reduce", [(dt, z((3, 0)))], (dt, np.full(3, y)), f"kind = {kind}, axes = [1]")
            one(f"reduce_{kind}_{dt}_columns", "reduce", [(dt, z((0, 70)))], (dt, np.full(70, y)), f"kind = {kind}, axes = [0]")
    one("argmax", "reduce", [("f32", z((0, 3)))], ("i64", z(0)), "kind = argmax, axes = [1]", ["{K}"])
    one("softmax", "softmax", [("f32", z((3, 0)))], ("f32", z((3, 0))), "axis = 1", ["3", "{K}"])
    q, k, v = ramp("f32", 2, 3, 4, 8), z((2, 3, 0, 8)), ramp("f32", 2, 3, 5, 6)
    one("attend_keys", "attend", [("f32", q), ("f32", k), ("f32", z((2, 3, 0, 6)))], ("f32", z((2, 3, 4, 6))))
    one("attend_columns", "attend", [("f32", z((2, 3, 4, 0))), ("f32", z((2, 3, 5, 0))), ("f32", v)],
        ("f32", np.broadcast_to(v.mean(2, keepdims=True), (2, 3, 4, 6))))
    bias = ramp("f32", 4)
    one("conv", "conv", [("f32", z((2, 0, 5, 6))), ("f32", z((4, 0, 3, 3))), ("f32", bias)],
        ("f32", np.broadcast_to(bias[:, None, None], (2, 4, 3, 4))), "strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], groups = 1")
    case("nothing_resize", "resize", [("f32", ramp("f32", 1, 3, 4, 5))], [("f32", z((1, 3, 0, 5)))], "out = [1, 3, 0, 5], mode = linear")
    x = ramp("f32", 3, 4)
    case("nothing_topk", "topk", [("f32", x)], [("f32", z((3, 0))), ("i64", z((3, 0)))], "k = [0], axis = 1")


def host_case(name, text, ins, outs):
    """A case whose graph is given whole, for extents that elements of a host input decide."""
    print(f"case {name}\n{text}")
    for dt, x in ins:
        print(tensor_line("in", dt, np.asarray(x)))
    for dt, x in outs:
        print(tensor_line("out", dt, np.asarray(x)))


def host_inputs():
    """Host inputs that the program uses as data as well."""
    x = np.array([3, 0, 3, 5], np.int64)
    symbols = ", ".join(f"n.{i} = %x0[{i}] in 0..100" for i in range(4))
    extent = "max(n.0, n.1, n.2, n.3) + 1"
    host_case("host_bincount", f"""func @t(%x0: i64[4] host) -> (%y0: i64[{extent}]) where {symbols} {{
  %zero = const splat(0) : i64[]
  %none = broadcast %zero {{dims = [{extent}]}} : i64[{extent}]
  %one = const splat(1) : i64[4]
  %y0 = scatter_elements %none, %x0, %one {{mode = add}} : i64[{extent}]
  return %y0
}}""", [("i64", x)], [("i64", np.bincount(x))])
    values = ramp("f32", 6)
    host_case("host_gather", f"""func @t(%x0: i64[2] host, %x1: f32[6]) -> (%y0: f32[2, n.1], %y1: i64[2]) where n.0 = %x0[0] in 0..9, n.1 = %x0[1] in 0..9 {{
  %v = gather %x1, %x0 : f32[2]
  %c = reshape %v {{dims = [2, 1]}} : f32[2, 1]
  %y0 = broadcast %c {{dims = [2, n.1]}} : f32[2, n.1]
  return %y0, %x0
}}""", [("i64", np.array([5, 3])), ("f32", values)],
              [("f32", np.repeat(values[[5, 3]][:, None], 3, 1)), ("i64", np.array([5, 3]))])
    host_case("host_trips", """func @t(%x0: i64[] host) -> (%y0: i64[n]) where n = %x0[0] in 0..20 {
  %go = const splat(true) : bool[]
  %s = while %x0, %go, %x0 {n_carried = 1} region(%i: i64[], %c: bool[], %v: i64[]) {
    %w = add %v, %x0 : i64[]
    yield %go, %w
  } : i64[]
  %y0 = broadcast %s {dims = [n]} : i64[n]
  return %y0
}""", [("i64", np.array(4))], [("i64", np.full(4, 20))])
    text = """func @t(%x0: i64[1] host, %x1: bool[]) -> (%y0: i64[n]) where n = %x0[0] in 1..20 {
  %a = broadcast %x0 {dims = [n]} : i64[n]
  %y0 = if %x1 region() {
    %k = iota {axis = 0, dims = [n]} : i64[n]
    %p = add %a, %k : i64[n]
    yield %p
  } region() {
    yield %a
  } : i64[n]
  return %y0
}"""
    for truth in (True, False):
        host_case(f"host_if_{truth}", text, [("i64", np.array([3])), ("bool", np.array(truth))],
                  [("i64", np.array([3, 4, 5] if truth else [3, 3, 3]))])


def small_float_infinities():
    """What only moves f8e5m2 keeps its infinities; a cast that does not saturate makes them."""
    x = np.array([[1.5, np.inf, -np.inf], [np.nan, 57344, -0.25]])
    flag = np.array([[True, True, False], [False, True, True]])
    graph_case("infinities_f8e5m2", """  %y0 = transpose %x0 {perm = [1, 0]} : f8e5m2[3, 2]
  %y1 = select %x1, %x0, %x2 : f8e5m2[2, 3]
  %y2 = cast %x0 {to = f32} : f32[2, 3]
  return %y0, %y1, %y2
""", [("f8e5m2", x), ("bool", flag), ("f8e5m2", -x)],
               [("f8e5m2", x.T), ("f8e5m2", np.where(flag, x, -x)), ("f32", x)])
    wide = np.array([1e9, -np.inf, 57344, -70000, 0.3])
    with np.errstate(over="ignore"):
        case("cast_unsaturated_f8e5m2", "cast", [("f32", wide)], [("f8e5m2", rounded("f8e5m2", wide))],
             "to = f8e5m2, saturate = false")


def main():
    elementwise_core()
    for dt in ("i8", "u8", "i64", "u64", "i32"):
        binary_ints(dt)
    binary_reals()
    broadcasting()
    casts()
    elementwise_model()
    views()
    movement()
    reductions()
    products()
    norms()
    attention()
    convolutions()
    pools()
    resizes()
    randoms()
    regions()
    resizes_beside_nan()
    transposed_windows()
    pads_that_cut()
    orders_of_nan()
    resizes_without_outside()
    nothing()
    host_inputs()
    small_float_infinities()


if __name__ == "__main__":
    sys.stdout.reconfigure(newline="\n")
    main()
