# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators of random graphs: each function adds one to the graph under construction, with odd but legal arguments.

A maker takes (graph, random) and may raise Reject when nothing that it could use is there; graph.node() raises it when
the operator is not defined in every data set, or its result is not worth having. Constants that have to fit an extent are
made only for extents that are the same in every set. Row of MAKERS: (function, how often).
"""

import numpy as np

from graph import choose, need
from reference import NUMBER_OF

FLOATS = (np.float32, np.float64)
INTEGERS = (np.int32, np.int64, np.int8, np.uint8)


def is_float(value):
    return value.array.dtype.type in FLOATS


def is_integer(value):
    return value.array.dtype.type in INTEGERS


def is_bool(value):
    return value.array.dtype == np.bool_


# --- elementwise ---

# Operators of one float, with the range of values that they are given.
UNARY = (("Abs", -99, 99), ("Neg", -99, 99), ("Exp", -20, 5), ("Log", 0.05, 1e4), ("Sqrt", 0.01, 1e4), ("Sigmoid", -30, 30),
         ("Tanh", -30, 30), ("Erf", -30, 30), ("Relu", -1e4, 1e4), ("Softplus", -30, 30), ("Softsign", -1e3, 1e3),
         ("Floor", -1e3, 1e3), ("Ceil", -1e3, 1e3), ("Round", -1e3, 1e3), ("Sign", -1e4, 1e4), ("Sin", -20, 20),
         ("Cos", -20, 20), ("Reciprocal", 0.1, 1e4), ("HardSwish", -50, 50), ("Mish", -20, 20), ("Atan", -50, 50),
         ("Sinh", -4, 4), ("Cosh", -4, 4), ("Asinh", -1e3, 1e3), ("Identity", -1e4, 1e4))
WITH_ALPHA = ("LeakyRelu", "Elu", "Celu", "ThresholdedRelu", "HardSigmoid", "Selu")


def unary(graph, random):
    x = graph.pick(is_float)
    op, low, high = choose(random, UNARY)
    need(low <= x.lowest and x.highest <= high)
    graph.node(op, [x])


def squashed(graph, random):
    """A chain that is legal for any float: keep the values small, then one with a narrow range."""
    x = graph.node("Tanh", [graph.pick(is_float)])
    graph.node(choose(random, ("Asin", "Acos", "Exp", "Tan", "Atanh")), [graph.node("Mul", [x, graph.scalar(0.7, x)])])


def activation(graph, random):
    x = graph.pick(is_float)
    need(x.largest < 30)
    op = choose(random, WITH_ALPHA)
    need(op != "Celu" or x.array.dtype == np.float32)
    graph.node(op, [x], alpha=float(np.float32(random.uniform(0.1, 1.5))))


def clip(graph, random):
    x = graph.pick(is_float)
    low, high = sorted(random.uniform(-2, 2, 2))
    graph.node("Clip", [x, graph.scalar(low, x), graph.scalar(high, x)])


def partner(graph, random, x, positive=False):
    """Another operand for x: a value of the same dtype that broadcasts with it, or a constant of such a shape."""
    if not positive and random.random() < 0.5:
        fits = [v for v in graph.values if v.known and v.array.dtype == x.array.dtype and meets(v, x)]
        if fits:
            return choose(random, fits)
    shape = [1 if random.random() < 0.4 or not x.is_fixed(a) else d for a, d in enumerate(x.array.shape)]
    shape = shape[int(random.integers(len(shape) + 1)) :]
    if is_integer(x):
        return graph.constant(random.integers(1, 7, shape).astype(x.array.dtype))
    array = random.standard_normal(shape)
    return graph.constant((np.abs(array) + 0.2 if positive else array).astype(x.array.dtype))


def broadcasts(*shapes):
    try:
        return len(np.broadcast_shapes(*shapes)) <= 5
    except ValueError:
        return False


def meets(*values):
    """Whether the values broadcast with each other in every set."""
    rows = [[v.arrays[k] for v in values] for k in range(len(values[0].arrays))]
    return all(broadcasts(*(a.shape for a in row)) for row in rows if all(a is not None for a in row))


def binary(graph, random):
    x = graph.pick(is_float)
    op = choose(random, ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu"))
    if op == "Pow":
        x = graph.node("Add", [graph.node("Abs", [x]), graph.scalar(0.1, x)])
        need(x.highest < 100)
        graph.node(op, [x, graph.scalar(choose(random, (2.0, 0.5, -1.5, 3.0)), x)])
        return
    y = partner(graph, random, x, op == "Div")
    if op == "PRelu":
        need(y.array.ndim <= x.array.ndim)
    pair = [y, x] if random.random() < 0.3 and op not in ("Div", "PRelu") else [x, y]
    graph.node(op, pair)


def integer(graph, random):
    """Integer arithmetic that does not overflow: what overflow gives is nobody's promise."""
    x = graph.pick(is_integer)
    y = partner(graph, random, x)
    op, exact = choose(random, (("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", None), ("Mod", None),
                                ("Max", None), ("Min", None), ("BitwiseAnd", None), ("BitwiseXor", None)))
    if op in ("Div", "Mod"):
        y = graph.constant(random.integers(1, 7, y.array.shape).astype(x.array.dtype))
        need(x.lowest >= 0 or op == "Mod")
    if exact:
        limits = np.iinfo(x.array.dtype)
        corners = [exact(float(a), float(b)) for a in (x.lowest, x.highest) for b in (y.lowest, y.highest)]
        need(limits.min <= min(corners) and max(corners) <= min(limits.max, 1 << 40))
    graph.node(op, [x, y])


def compare(graph, random):
    x = graph.pick(lambda v: is_float(v) or is_integer(v))
    y = partner(graph, random, x)
    graph.node(choose(random, ("Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal")), [x, y])


def logic(graph, random):
    x = graph.pick(is_bool)
    same = [v for v in graph.values if v.known and is_bool(v) and meets(v, x)]
    if random.random() < 0.3:
        graph.node("Not", [x])
    else:
        graph.node(choose(random, ("And", "Or", "Xor")), [x, choose(random, same)])


def where(graph, random):
    x = graph.pick(lambda v: not is_bool(v))
    y = partner(graph, random, x)
    conditions = [v for v in graph.values if v.known and is_bool(v) and meets(v, x, y)]
    need(conditions)
    condition = choose(random, conditions)
    graph.node("Where", [condition, x, y])


def cast(graph, random):
    x = graph.pick(lambda v: True)
    to = choose(random, (np.float32, np.float32, np.float64, np.int32, np.int64, np.bool_, np.uint8))
    need(to != x.array.dtype.type)
    if to in INTEGERS:
        limits = np.iinfo(to)
        need(limits.min <= x.lowest and x.highest <= limits.max and x.is_finite)
    graph.node("Cast", [x], to=NUMBER_OF[to])


# --- reductions, softmax, norms ---

def some_axes(random, rank):
    """One or more distinct axes, some counted from the end."""
    axes = random.permutation(rank)[: int(random.integers(1, rank + 1))]
    return [int(a) - rank if random.random() < 0.3 else int(a) for a in axes]


def reduce(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim)
    op = choose(random, ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare",
                         "ReduceLogSumExp", "ReduceProd"))
    axes = some_axes(random, x.array.ndim)
    if op == "ReduceProd":
        need(np.prod([x.array.shape[a] for a in axes]) <= 6)
    inputs = [x] if random.random() < 0.15 else [x, graph.constant(np.array(axes, np.int64))]
    graph.node(op, inputs, keepdims=int(random.random() < 0.5))


def reduce_integer(graph, random):
    x = graph.pick(lambda v: v.array.dtype in (np.int32, np.int64) and v.array.ndim)
    need(x.largest * x.most < 1 << 30)
    axes = graph.constant(np.array(some_axes(random, x.array.ndim), np.int64))
    graph.node(choose(random, ("ReduceSum", "ReduceMax", "ReduceMin")), [x, axes], keepdims=int(random.random() < 0.5))


def arg(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim)
    graph.node(choose(random, ("ArgMax", "ArgMin")), [x], axis=int(random.integers(-x.array.ndim, x.array.ndim)),
               keepdims=int(random.random() < 0.5))


def softmax(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim)
    graph.node(choose(random, ("Softmax", "Softmax", "LogSoftmax")), [x],
               axis=int(random.integers(-x.array.ndim, x.array.ndim)))


def layer_norm(graph, random):
    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim)
    axis = int(random.integers(x.array.ndim))
    shape = x.array.shape[axis:]
    need(all(x.is_fixed(a) for a in range(axis, x.array.ndim)) and int(np.prod(shape)) > 1)
    for array in x.known:
        rows = array.reshape(-1, int(np.prod(shape)))
        need(not rows.size or not np.isfinite(rows).all() or rows.std(-1).min() > 0.05)
    scale = graph.constant(random.uniform(0.5, 1.5, shape).astype(x.array.dtype))
    bias = graph.constant(random.standard_normal(shape).astype(x.array.dtype))
    graph.node("LayerNormalization", [x, scale, bias][: 2 + int(random.random() < 0.7)],
               axis=axis - x.array.ndim if random.random() < 0.5 else axis)


def batch_norm(graph, random):
    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim >= 3)
    channels = x.array.shape[1]
    vectors = [random.standard_normal(channels) for _ in range(3)] + [random.uniform(0.5, 2, channels)]
    graph.node("BatchNormalization", [x, *(graph.constant(v.astype(np.float32)) for v in vectors)])


def cumulative(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim)
    axis = graph.constant(np.array(int(random.integers(x.array.ndim)), np.int64))
    graph.node("CumSum", [x, axis], exclusive=int(random.random() < 0.3), reverse=int(random.random() < 0.3))


# --- products ---

def matmul(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim)
    k = x.array.shape[-1]
    need(x.is_fixed(-1))
    lead = [1 if random.random() < 0.4 or not x.is_fixed(a) else d for a, d in enumerate(x.array.shape[:-2])]
    lead = lead[int(random.integers(len(lead) + 1)) :]
    shape = [k] if random.random() < 0.1 else [*lead, k, int(random.integers(not graph.style.hollow, 40))]
    weight = graph.constant((random.standard_normal(shape) / np.sqrt(k + 1)).astype(x.array.dtype))
    y = graph.node("MatMul", [x, weight])
    if random.random() < 0.5 and y.array.ndim:
        y = graph.node("Add", [y, graph.constant(random.standard_normal(y.array.shape[-1:]).astype(x.array.dtype))])
        if random.random() < 0.5:
            graph.node(choose(random, ("Relu", "Tanh", "Sigmoid")), [y])


def matmul_values(graph, random):
    """x times its own transpose: both operands computed in the graph."""
    x = graph.pick(lambda v: is_float(v) and v.array.ndim >= 2)
    order = list(range(x.array.ndim))
    order[-1], order[-2] = order[-2], order[-1]
    graph.node("MatMul", [x, graph.node("Transpose", [x], perm=order)])


def gemm(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim == 2)
    left, right = int(random.random() < 0.3), int(random.random() < 0.5)
    k, m = x.array.shape[0 if left else 1], x.array.shape[1 if left else 0]
    n = int(random.integers(1, 33))
    weight = graph.constant((random.standard_normal((n, k) if right else (k, n)) / np.sqrt(k + 1)).astype(x.array.dtype))
    bias = graph.constant(random.standard_normal(choose(random, ((n,), (1, n), (m, 1), (m, n), ()))).astype(x.array.dtype))
    graph.node("Gemm", [x, weight, bias][: 2 + int(random.random() < 0.8)], transA=left, transB=right,
               alpha=float(choose(random, (1.0, 0.5))), beta=float(choose(random, (1.0, -2.0))))


def conv(graph, random):
    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim in (3, 4))
    spatial, channels = x.array.shape[2:], x.array.shape[1]
    need(min(spatial) and x.is_fixed(1))
    groups = choose(random, [g for g in (1, 1, 2, 3, channels) if g and channels % g == 0])
    out = groups * int(random.integers(1, 5))
    kernel = [int(random.integers(1, min(d, 5) + 1)) for d in spatial]
    fan_in = channels // groups * int(np.prod(kernel))
    weight = graph.constant((random.standard_normal((out, channels // groups, *kernel)) / np.sqrt(fan_in + 1)).astype(np.float32))
    inputs = [x, weight]
    if random.random() < 0.6:
        inputs.append(graph.constant(random.standard_normal(out).astype(np.float32)))
    more = {"dilations": [1 if (k - 1) * 2 + 1 > d else choose(random, (1, 1, 2)) for k, d in zip(kernel, spatial)]}
    if random.random() < 0.6:
        more["pads"] = [int(p) for p in random.integers(0, 3, 2 * len(spatial))]
    y = graph.node("Conv", inputs, kernel_shape=kernel, group=groups,
                   strides=[choose(random, (1, 1, 2, 3)) for _ in spatial], **more)
    if random.random() < 0.5:
        graph.node("Relu", [y])


def pool(graph, random):
    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim in (3, 4))
    spatial = x.array.shape[2:]
    need(min(spatial))
    op = choose(random, ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
    if op.startswith("Global"):
        need(x.array.ndim == 4 or op == "GlobalAveragePool")  # the reference drops an axis of a 3-D GlobalMaxPool
        graph.node(op, [x])
        return
    kernel = [int(random.integers(1, min(d, 4) + 1)) for d in spatial]
    pads = [int(random.integers(0, k)) for k in kernel * 2]
    more = {"count_include_pad": int(random.random() < 0.5)} if op == "AveragePool" else {}
    graph.node(op, [x], kernel_shape=kernel, strides=[choose(random, (1, 2, 3)) for _ in spatial], pads=pads, **more)


# --- shapes and movement ---

def factors(random, size, parts):
    """`parts` numbers whose product is size."""
    out = []
    for _ in range(parts - 1):
        out.append(choose(random, [d for d in range(1, size + 1) if size % d == 0]))
        size //= out[-1]
    out.append(size)
    return [out[i] for i in random.permutation(parts)]


def reshape(graph, random):
    x = graph.pick(lambda v: v.most < 4096)
    if x.array.ndim and random.random() < 0.4:
        kept = int(random.integers(1, x.array.ndim + 1))
        target = [0] * kept + ([-1] if random.random() < 0.7 else list(x.array.shape[kept:]))
        need(len(target) <= 5)
    else:
        need(x.array.size)
        target = factors(random, x.array.size, int(random.integers(1, 5)))
        if random.random() < 0.4 or len({a.size for a in x.known}) > 1:
            target[int(random.integers(len(target)))] = -1
    graph.node("Reshape", [x, graph.constant(np.array(target, np.int64))])


def reshape_computed(graph, random):
    """Reshape to dims taken from the shape itself, as exporters write it: Shape, Gather, Concat, Reshape."""
    x = graph.pick(lambda v: v.array.ndim >= 2)
    shape = graph.node("Shape", [x])
    first = graph.node("Gather", [shape, graph.constant(np.array([0], np.int64))], axis=0)
    rest = graph.constant(np.array([-1], np.int64))
    parts = [first, rest]
    if random.random() < 0.5:
        last = graph.node("Slice", [shape, graph.constant(np.array([-1], np.int64)),
                                    graph.constant(np.array([np.iinfo(np.int64).max], np.int64))])
        parts.append(last)
    graph.node("Reshape", [x, graph.node("Concat", parts, axis=0)])


def transpose(graph, random):
    x = graph.pick(lambda v: v.array.ndim >= 2)
    graph.node("Transpose", [x], perm=[int(a) for a in random.permutation(x.array.ndim)])


def slice_(graph, random):
    x = graph.pick(lambda v: v.array.ndim)
    axes = [a % x.array.ndim for a in some_axes(random, x.array.ndim)]
    starts, ends, steps = [], [], []
    for a in axes:
        size, step = x.array.shape[a], choose(random, (1, 1, 1, 2, 3, -1, -2))
        low = int(random.integers(0, max(size, 1)))
        least = low if graph.style.hollow and random.random() < 0.2 else low + 1
        high = int(random.integers(min(least, size), size + 1))
        starts.append(low if step > 0 else high - 1)
        ends.append(choose(random, (high, high, high - size if high < size else high, 1 << 40 if high == size else high))
                    if step > 0 else (low - 1 if low else -size - 1))
        steps.append(step)
    graph.node("Slice", [x, *(graph.constant(np.array(v, np.int64)) for v in (starts, ends, axes, steps))])


def concat(graph, random):
    x = graph.pick(lambda v: v.array.ndim)
    axis = int(random.integers(x.array.ndim))

    def cut(v):
        return v.array.dtype, [a is not None and (a.shape[:axis], a.shape[axis + 1 :]) for a in v.arrays]

    fits = [v for v in graph.values if v.known and v.array.ndim == x.array.ndim and cut(v) == cut(x)]
    parts = [choose(random, fits) for _ in range(int(random.integers(1, 4)))] + [x]
    graph.node("Concat", parts, axis=axis - x.array.ndim if random.random() < 0.3 else axis)


def split(graph, random):
    x = graph.pick(lambda v: v.array.ndim and max(v.array.shape) > 1)
    axis = choose(random, [a for a in range(x.array.ndim) if x.array.shape[a] > 1])
    first = int(random.integers(1, x.array.shape[axis]))
    sizes = graph.constant(np.array([first, x.array.shape[axis] - first], np.int64))
    graph.node("Split", [x, sizes], outputs=2, axis=axis)


def squeeze(graph, random):
    x = graph.pick(lambda v: v.array.ndim <= 4)
    ones = [a for a, d in enumerate(x.array.shape) if d == 1]
    if ones and random.random() < 0.5:
        graph.node("Squeeze", [x, graph.constant(np.array([choose(random, ones)], np.int64))])
    else:
        graph.node("Unsqueeze", [x, graph.constant(np.array([int(random.integers(-1, x.array.ndim + 1))], np.int64))])


def flatten(graph, random):
    x = graph.pick(lambda v: v.array.ndim >= 2)
    graph.node("Flatten", [x], axis=int(random.integers(0, x.array.ndim + 1)))


def expand(graph, random):
    x = graph.pick(lambda v: v.array.ndim <= 4 and v.most < 2000)
    target = [1 if not x.is_fixed(a) else d if d != 1 else int(random.integers(not graph.style.hollow, 5))
              for a, d in enumerate(x.array.shape)]
    if random.random() < 0.4:
        target = [int(random.integers(1, 4))] + target
    graph.node("Expand", [x, graph.constant(np.array(target, np.int64))])


def tile(graph, random):
    x = graph.pick(lambda v: v.array.ndim and v.most < 1000)
    graph.node("Tile", [x, graph.constant(random.integers(1, 4, x.array.ndim).astype(np.int64))])


def pad(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim and v.most < 4000)
    mode = choose(random, ("constant", "constant", "edge", "reflect"))
    most = [max(0, min(3, d - 1 if mode == "reflect" else 3)) for d in x.array.shape] * 2
    pads = graph.constant(np.array([int(random.integers(0, m + 1)) for m in most], np.int64))
    fill = [graph.scalar(random.standard_normal(), x)] if mode == "constant" and random.random() < 0.6 else []
    graph.node("Pad", [x, pads, *fill], mode=mode)


def gather(graph, random):
    x = graph.pick(lambda v: v.array.ndim)
    axis = int(random.integers(x.array.ndim))
    size = min(a.shape[axis] for a in x.known)
    shape = choose(random, ((), (1,), (4,), (2, 3), (0,)))
    need(x.array.ndim - 1 + len(shape) <= 5 and (size or shape == (0,)))
    size = max(size, 1)
    indices = random.integers(-size, size, shape).astype(choose(random, (np.int64, np.int32)))
    graph.node("Gather", [x, graph.constant(indices)], axis=axis - x.array.ndim if random.random() < 0.3 else axis)


def gather_elements(graph, random):
    x = graph.pick(lambda v: v.array.ndim)
    axis = int(random.integers(x.array.ndim))
    shape = [min(a.shape[k] for a in x.known) for k in range(x.array.ndim)]
    size = shape[axis]
    need(size)
    shape[axis] = int(random.integers(1, 6))
    indices = random.integers(-size, size, shape)
    graph.node("GatherElements", [x, graph.constant(indices)], axis=axis)


def triangle(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim >= 2)
    graph.node("Trilu", [x, graph.constant(np.array(int(random.integers(-2, 3)), np.int64))],
               upper=int(random.random() < 0.5))


def blocks(graph, random):
    x = graph.pick(lambda v: is_float(v) and v.array.ndim == 4)
    if x.array.shape[1] % 4 == 0 and random.random() < 0.5:
        graph.node("DepthToSpace", [x], blocksize=2, mode=choose(random, ("DCR", "CRD")))
    else:
        need(x.array.shape[2] % 2 == 0 and x.array.shape[3] % 2 == 0)
        graph.node("SpaceToDepth", [x], blocksize=2)


MAKERS = ((unary, 6), (squashed, 1), (activation, 2), (clip, 1), (binary, 7), (integer, 2), (compare, 2), (logic, 1),
          (where, 2), (cast, 2), (reduce, 4), (reduce_integer, 1), (arg, 1), (softmax, 2), (layer_norm, 2), (batch_norm, 1),
          (cumulative, 1), (matmul, 3), (matmul_values, 1), (gemm, 1), (conv, 3), (pool, 2), (reshape, 2),
          (reshape_computed, 1), (transpose, 3), (slice_, 2), (concat, 2), (split, 1), (squeeze, 1), (flatten, 1),
          (expand, 1), (tile, 1), (pad, 1), (gather, 2), (gather_elements, 1), (triangle, 1), (blocks, 1))
