# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""If, Loop, sizes that data decides, extents that meet at run time, and tensors without elements: makers as those of
graph_ops.py, weighed by what the graph's style asks for."""

import numpy as np
from onnx import TensorProto, helper

from graph import choose, need, Reject
from graph_ops import MAKERS, NUMBER_OF, is_bool, is_float, is_integer, meets, partner, some_axes

MOST_INNER = 3  # how deep graphs stand inside graphs


def is_number(value):
    return not is_bool(value)


# --- sizes that data decides ---

def condition_for(graph, random, x):
    """A bool tensor of x's extents: x against a constant, or against a value that broadcasts."""
    if is_bool(x):
        return x
    level = float(random.uniform(-0.5, 0.8)) if is_float(x) else int(random.integers(0, 4))
    return graph.node(choose(random, ("Less", "Greater", "GreaterOrEqual")), [x, graph.scalar(level, x)])


def nonzero(graph, random):
    """Where something is not zero; often the positions go on to gather what is there."""
    x = graph.pick(lambda v: v.array.ndim and v.most < 3000)
    if random.random() < 0.6:
        x = condition_for(graph, random, x)
    at = graph.node("NonZero", [x])
    how = random.random()
    if how < 0.35:
        graph.node("GatherND", [x, graph.node("Transpose", [at], perm=[1, 0])])
    elif how < 0.6 and x.array.ndim == 1:
        at = graph.node("Reshape", [at, graph.integers(-1)])
        graph.node("Gather", [rows_of(graph, x), at], axis=0)
    elif how < 0.7 and x.array.ndim == 1:
        graph.node("Squeeze", [at, graph.integers(0)])


def rows_of(graph, x):
    """A value with as many rows as x in every set, x itself if need be."""
    return graph.pick(lambda v: v.array.ndim and all(
        a is None or b is not None and a.shape[0] == b.shape[0] for a, b in zip(x.arrays, v.arrays)))


def compress(graph, random):
    x = graph.pick(lambda v: v.array.ndim)
    flat = random.random() < 0.3
    axis = int(random.integers(x.array.ndim))
    if random.random() < 0.7 and not flat:  # the rows that are large on the whole
        others = graph.integers(*[a for a in range(x.array.ndim) if a != axis])
        sums = x if is_float(x) else graph.node("Cast", [x], to=TensorProto.FLOAT)
        if x.array.ndim > 1:
            sums = graph.node(choose(random, ("ReduceMax", "ReduceSum")), [sums, others], keepdims=0)
        condition = condition_for(graph, random, sums)
    else:
        count = min(a.size if flat else a.shape[axis] for a in x.known)
        condition = graph.constant(random.random(min(count, 20)) < 0.6)
    graph.node("Compress", [x, condition], **({} if flat else {"axis": axis}))


def top(graph, random):
    x = graph.pick(lambda v: is_number(v) and v.array.ndim)
    axis = int(random.integers(x.array.ndim))
    least = min(a.shape[axis] for a in x.known)
    low = 0 if graph.style.hollow else 1
    need(least >= low)
    k = graph.integers(int(random.integers(low, least + 1)))
    graph.node("TopK", [x, k], outputs=2, axis=axis - x.array.ndim if random.random() < 0.4 else axis,
               largest=int(random.random() < 0.5))


def like_shape(graph, random):
    """A tensor of another's extents: ConstantOfShape, Expand of a scalar, Range over an axis."""
    x = graph.pick(lambda v: v.array.ndim)
    shape = graph.node("Shape", [x])
    how = random.random()
    if how < 0.4:
        graph.node("ConstantOfShape", [shape], value=helper.make_tensor("value", TensorProto.FLOAT, [1], [1.5]))
    elif how < 0.7:
        graph.node("Expand", [graph.scalar(2, x), shape])
    else:
        extent = graph.node("Gather", [shape, graph.constant(np.array(0, np.int64))], axis=0)
        graph.node("Range", [graph.constant(np.array(0, np.int64)), extent, graph.constant(np.array(1, np.int64))])


# --- extents that meet at run time ---

def expand_to(graph, random):
    """Expand to the extents of another value, perhaps with an axis more."""
    b = graph.pick(lambda v: v.array.ndim)
    a = graph.pick(lambda v: v.array.ndim and meets(v, b))
    shape = graph.node("Shape", [b])
    if b.array.ndim < 4 and random.random() < 0.25:
        shape = graph.node("Concat", [graph.integers(2), shape], axis=0)
    y = graph.node("Expand", [a, shape])
    if random.random() < 0.3 and is_float(y):
        graph.node(choose(random, ("ReduceSum", "ReduceMax")), [y, graph.integers(*some_axes(random, y.array.ndim))],
                   keepdims=int(random.random() < 0.5))


def several(graph, random):
    x = graph.pick(lambda v: v.array.dtype == np.float32)
    others = [v for v in graph.values if v.known and v.array.dtype == np.float32]
    parts = [x]
    for _ in range(int(random.integers(1, 3))):
        fits = [v for v in others if meets(v, *parts)]
        parts.append(choose(random, fits))
    graph.node(choose(random, ("Mean", "Sum", "Max", "Min")), parts)


def matmul_batches(graph, random):
    """Two values of the graph whose leading axes broadcast."""
    def fit(x, y):
        return all(a is None or b is None or (a.shape[-1] == b.shape[-2] and broadcasts_lead(a, b))
                   for a, b in zip(x.arrays, y.arrays))

    def broadcasts_lead(a, b):
        try:
            return len(np.broadcast_shapes(a.shape[:-2], b.shape[:-2])) <= 3
        except ValueError:
            return False

    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim >= 2)
    fits = [v for v in graph.values if v.known and v.array.dtype == np.float32 and v.array.ndim >= 2 and fit(x, v)]
    need(fits)
    graph.node("MatMul", [x, choose(random, fits)])


# --- tensors without elements ---

def nothing(graph, random):
    """A constant or a part of a value with an extent of 0."""
    if random.random() < 0.4:
        shape = [int(d) for d in random.integers(1, 5, int(random.integers(1, 4)))]
        shape[int(random.integers(len(shape)))] = 0
        value = graph.constant(np.zeros(shape, choose(random, (np.float32, np.float32, np.int64))))
        graph.values.append(value)
        return
    x = graph.pick(lambda v: v.array.ndim)
    axis, low = int(random.integers(x.array.ndim)), int(random.integers(0, 3))
    graph.node("Slice", [x, *(graph.integers(v) for v in (low, low, axis))])


def matmul_of_nothing(graph, random):
    """A sum over no elements: zeros, or the bias."""
    x = graph.pick(lambda v: v.array.dtype == np.float32 and v.array.ndim >= 1)
    empty = graph.node("Slice", [x, *(graph.integers(v) for v in (0, 0, x.array.ndim - 1))])
    weight = graph.constant(np.zeros((0, int(random.integers(1, 70))), np.float32))
    y = graph.node("MatMul", [empty, weight])
    if random.random() < 0.5:
        graph.node("Add", [y, graph.constant(random.standard_normal(y.array.shape[-1:]).astype(np.float32))])


# --- If ---

def scalar_truth(graph, random):
    """A scalar bool: on a size, on an extent, or on data."""
    x = graph.pick(lambda v: v.array.ndim)
    how = random.random()
    if how < 0.25:
        return graph.node("Equal", [graph.node("Size", [x]), graph.constant(np.array(0, np.int64))])
    if how < 0.45:
        product = graph.node("ReduceProd", [graph.node("Shape", [x])], keepdims=0)
        return graph.node("Equal", [product, graph.constant(np.array(0, np.int64))])
    if how < 0.6:
        extent = graph.node("Gather", [graph.node("Shape", [x]), graph.constant(np.array(0, np.int64))], axis=0)
        return graph.node("Greater", [extent, graph.constant(np.array(int(random.integers(0, 6)), np.int64))])
    data = x if is_float(x) else graph.node("Cast", [x], to=TensorProto.FLOAT)
    total = graph.node(choose(random, ("ReduceSum", "ReduceMean")), [data], keepdims=int(random.random() < 0.2))
    return graph.node(choose(random, ("Less", "Greater")), [total, graph.scalar(random.uniform(-0.5, 0.5), total)])


def grow_inside(child, random, wanted):
    """Up to `wanted` operators; those that hold graphs only where there is depth left."""
    table = [m for m in MAKERS + CONTROL if child.depth < MOST_INNER or m[0] not in (branch, loop)]
    chances = np.array([m[1] for m in table], float)
    for _ in range(6 * wanted):
        if wanted <= 0:
            break
        try:
            table[int(random.choice(len(table), p=chances / chances.sum()))][0](child, random)
            wanted -= 1
        except Reject:
            pass


def other_result(child, random, like):
    """A value for the same result of the other branch: same dtype and rank; extents are its own."""
    fits = [v for v in child.own if v.known and v.array.dtype == like.array.dtype and v.array.ndim == like.array.ndim]
    if fits and random.random() < 0.8:
        return choose(random, fits)
    how = random.random()
    if how < 0.4:
        shape = [int(d) for d in random.integers(0 if random.random() < 0.5 else 1, 4, like.array.ndim)]
        return child.constant(np.ones(shape).astype(like.array.dtype))
    x = child.pick(lambda v: v.array.ndim <= like.array.ndim)
    if x.array.dtype != like.array.dtype:
        need(x.is_finite and x.largest < 100 and (like.array.dtype != np.uint8 or x.lowest >= 0))
        x = child.node("Cast", [x], to=NUMBER_OF[like.array.dtype.type])
    lead = like.array.ndim - x.array.ndim
    return child.node("Unsqueeze", [x, child.integers(*range(lead))]) if lead else child.node("Identity", [x])


def branch(graph, random):
    condition = scalar_truth(graph, random)
    truth = [a is not None and bool(a.reshape(())) for a in condition.arrays]
    sides = [graph.child(truth), graph.child([not t for t in truth])]
    first = int(random.integers(2))
    grow_inside(sides[first], random, int(random.integers(0, 4)))
    grow_inside(sides[1 - first], random, int(random.integers(0, 3)))
    results = [[], []]
    for _ in range(1 if random.random() < 0.7 else 2):
        own = [v for v in sides[first].own if v.known]
        v = choose(random, own) if own else sides[first].pick(lambda v: True)
        results[first].append(v)
        results[1 - first].append(other_result(sides[1 - first], random, v))
    graphs = [side.inner_graph(name, [], given) for side, name, given in zip(sides, ("then", "else"), results)]
    graph.node("If", [condition], outputs=len(results[0]), captured=graph.captured_by(*graphs),
               then_branch=graphs[0], else_branch=graphs[1])


# --- Loop ---

def trip_count(graph, random):
    """None, a constant, an extent, or a number that data decides; at most a few turns."""
    how = random.random()
    if how < 0.2:
        return None
    if how < 0.45:
        return graph.constant(np.array(int(random.integers(1, 5)), np.int64))
    x = graph.pick(lambda v: v.array.ndim)
    if how < 0.7:
        count = graph.node("Gather", [graph.node("Shape", [x]), graph.constant(np.array(0, np.int64))], axis=0)
    else:
        found = graph.node("Cast", [condition_for(graph, random, x)], to=TensorProto.INT64)
        count = graph.node("ReduceSum", [found], keepdims=0)
    return graph.node("Min", [count, graph.constant(np.array(int(random.integers(2, 6)), np.int64))])


def carried_on(body, random, x):
    """What x is in the next turn: of the same extents, and bounded."""
    fits = [v for v in body.values if v.known and v.array.dtype == x.array.dtype and v.array.ndim <= x.array.ndim and meets(v, x)
            and all(a is None or b is None or np.broadcast_shapes(a.shape, b.shape) == b.shape
                    for a, b in zip(v.arrays, x.arrays))]
    y = choose(random, fits)
    if not is_float(x):
        return body.node("Add" if x.array.dtype in (np.int32, np.int64) else "Max", [x, body.scalar(1, x)])
    mixed = body.node("Add", [body.node("Mul", [x, body.scalar(0.5, x)]), y])
    return body.node("Tanh", [mixed]) if random.random() < 0.7 else body.node("Mul", [mixed, body.scalar(0.6, x)])


def goes_on(body, random, turn, go, carried, is_bounded):
    """The body's condition."""
    how = random.random()
    if is_bounded and how < 0.4:
        return body.node("Identity", [go])
    numbers = [v for v in carried if is_float(v)]
    if is_bounded and numbers and how < 0.7:
        total = body.node("ReduceSum", [body.node("Abs", [choose(random, numbers)])], keepdims=0)
        return body.node("Less", [total, body.scalar(random.uniform(0.5, 8), total)])
    return body.node("Less", [turn, body.constant(np.array(int(random.integers(0, 5)), np.int64))])


def loop(graph, random):
    count = trip_count(graph, random)
    start = scalar_truth(graph, random) if random.random() < 0.2 else graph.constant(np.array(True))
    start = start if start.array.ndim == 0 else graph.node("Squeeze", [start])
    n = int(random.integers(1, 3))
    first = [graph.pick(lambda v: v.array.dtype in (np.float32, np.float64, np.int64)) for _ in range(n)]
    body = graph.child()
    turn = body.parameter([np.array(0, np.int64)] * graph.n_sets)
    go = body.parameter([np.array(True)] * graph.n_sets)
    state = [body.parameter(v.arrays) for v in first]
    grow_inside(body, random, int(random.integers(0, 4)))
    after = [carried_on(body, random, v) for v in state]
    condition = goes_on(body, random, turn, go, after, count is not None)
    scanned = [body.pick(lambda v: v.array.ndim <= 3 and v.name not in ("", go.name))
               for _ in range(int(random.integers(0, 3)))]
    inner = body.inner_graph("body", [turn, go, *state], [condition, *after, *scanned])
    graph.node("Loop", [count, start, *first], outputs=n + len(scanned), captured=graph.captured_by(inner), body=inner)


CONTROL = ((nonzero, 3), (compress, 3), (top, 2), (like_shape, 2), (expand_to, 3), (several, 2), (matmul_batches, 2),
           (branch, 5), (loop, 5))
HOLLOW = ((nothing, 4), (matmul_of_nothing, 2))
