# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an ONNX graph gives: the reference evaluator of the onnx package, and what it has wrong or lacks done by hand.

By hand, from the operators' definitions: Loop (the package's stacks scanned values with vstack and knows no result of no
turns), Conv (there a NaN gets through the holes of a dilated kernel), MaxPool (there NaN is passed over) and AveragePool
(it misreads pads that are not all equal), ReduceLogSumExp (of a row of infinities), Reshape with -1 beside an extent of
0, TopK (NaN ranks above every number, equal elements by their index), the gathers (no indices are still a shape there),
and layer norms, LogSoftmax, arg reductions and global pools of tensors without elements, on which the package raises.

An answer must not depend on how it is rounded, or a right compiler would fail. So a whole graph is evaluated in double
precision, in f32, and twice in f32 with every input and weight moved by about MOVED of itself. What agrees to AGREE in
all four is compared, element by element; the rest (cancellation, comparisons of nearly equal numbers, rounding at a
boundary, arg reductions over near ties) is not. A NaN or an infinity is an answer like any other: an element is steady
when all four give it, and then the compiled program has to give it.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnx.reference.ops import _op_list, op_layer_normalization, op_loop

MOVED, AGREE, NEAR_ZERO = 1e-5, 2e-4, 2e-6
LARGEST, MOST, MOST_INTEGER = 1e4, 20000, 1 << 40
NUMBER_OF = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE, np.int32: TensorProto.INT32,
             np.int64: TensorProto.INT64, np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8,
             np.bool_: TensorProto.BOOL}


class Loop(op_loop.Loop):
    op_domain = ""

    def _run(self, M, cond, *carried, context=None, body=None, attributes=None):
        names, n = self.body.input_names, len(self.body.input_names) - 2
        state, scanned, turn = list(carried), [], 0
        go = True if cond is None else bool(np.asarray(cond).reshape(()))

        def step(state):
            inputs = dict(context or {}) | dict(zip(names, [np.array(turn, np.int64), np.array(go), *state]))
            out = self._run_body(inputs, attributes=attributes)
            return bool(np.asarray(out[0]).reshape(())), out[1 : 1 + n], out[1 + n :]

        while go and (M is None or turn < int(np.asarray(M).reshape(()))):
            go, state, collected = step(state)
            scanned.append(collected)
            turn += 1
            if turn > 100:
                raise RuntimeError("a loop without end")
        if scanned:
            stacked = [np.stack(parts) for parts in zip(*scanned)]
        else:  # what one turn would have given says the extents
            stacked = [np.zeros((0, *np.shape(x)), np.asarray(x).dtype) for x in step(state)[2]]
        return tuple(np.asarray(x) for x in [*state, *stacked])


class Reshape(OpRun):
    op_domain = ""

    def _run(self, data, shape, allowzero=None):
        target = [data.shape[i] if d == 0 and not allowzero else int(d) for i, d in enumerate(shape)]
        if -1 in target:
            others = int(np.prod([d for d in target if d != -1]))
            if others == 0:
                raise ValueError("nothing says what -1 is")
            target[target.index(-1)] = data.size // others
        return (data.reshape(target),)


class Gather(OpRun):
    op_domain = ""

    def _run(self, x, indices, axis=0):
        return (np.take(x, indices, axis=axis),) if indices.size else (np.zeros(
            [*x.shape[: axis % x.ndim], *indices.shape, *x.shape[axis % x.ndim + 1 :]], x.dtype),)


class GatherElements(OpRun):
    op_domain = ""

    def _run(self, x, indices, axis=0):
        part = x[tuple(slice(None) if k == axis % x.ndim else slice(d) for k, d in enumerate(indices.shape))]
        return (np.take_along_axis(part, indices, axis) if indices.size else np.zeros(indices.shape, x.dtype),)


class GatherND(OpRun):
    op_domain = ""

    def _run(self, x, indices, batch_dims=0):
        return (np.asarray(x[tuple(np.moveaxis(indices, -1, 0))]),)


class TopK(OpRun):
    op_domain = ""

    def _run(self, data, k, axis=-1, largest=1, sorted=1):
        k = int(np.asarray(k).reshape(()))
        if k > data.shape[axis]:
            raise ValueError("k is larger than the axis")
        rank = data.astype(np.float64) if data.dtype.kind == "f" else data.astype(object)
        if data.dtype.kind == "f":  # dense ranks; NaN is the greatest
            rank = np.unique(np.where(np.isnan(rank), np.inf, rank), return_inverse=True)[1].reshape(data.shape)
            rank = np.where(np.isnan(data), rank.max(initial=0) + 1, rank)
        order = np.argsort(-rank if largest else rank, axis=axis, kind="stable")
        order = np.take(order, np.arange(k), axis=axis).astype(np.int64)
        return np.take_along_axis(data, order, axis=axis), order


class Conv(OpRun):
    """Tap by tap; the package lets a NaN through the holes of a dilated kernel."""

    op_domain = ""

    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=1, kernel_shape=None, pads=None, strides=None):
        n = x.ndim - 2
        pads, strides, dilations = pads or [0] * 2 * n, strides or [1] * n, dilations or [1] * n
        out = windowed_extents(x, w.shape[2:], {"pads": pads, "strides": strides, "dilations": dilations})
        x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], pads[n:])])
        x = x.reshape(x.shape[0], group, x.shape[1] // group, *x.shape[2:])
        weights = w.reshape(group, w.shape[0] // group, *w.shape[1:])
        y = np.zeros((x.shape[0], group, w.shape[0] // group, *out), x.dtype)
        for tap in np.ndindex(*w.shape[2:]):
            at = tuple(slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, o, s in zip(tap, dilations, out, strides))
            y += np.einsum("ngc...,goc->ngo...", x[(..., *at)], weights[(..., *tap)])
        y = y.reshape(y.shape[0], w.shape[0], *out)
        return (y if b is None else y + b.reshape(-1, *[1] * n),)


def taps(x, fill, kernel_shape, pads, strides):
    """x as each tap of the windows sees it."""
    n = x.ndim - 2
    pads, strides = pads or [0] * 2 * n, strides or [1] * n
    out = windowed_extents(x, kernel_shape, {"pads": pads, "strides": strides})
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:n], pads[n:])], constant_values=fill)
    for tap in np.ndindex(*kernel_shape):
        yield x[(..., *(slice(t, t + (o - 1) * s + 1, s) for t, o, s in zip(tap, out, strides)))]


class MaxPool(OpRun):
    """The package passes over a NaN in a window; here it is the maximum."""

    op_domain = ""

    def _run(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None, storage_order=None,
             strides=None):
        return (np.maximum.reduce(list(taps(x, -np.inf, kernel_shape, pads, strides))),)


class AveragePool(OpRun):
    """The package misreads pads that are not all equal."""

    op_domain = ""

    def _run(self, x, auto_pad=None, ceil_mode=None, count_include_pad=0, dilations=None, kernel_shape=None, pads=None,
             strides=None):
        total = np.add.reduce(list(taps(x, 0, kernel_shape, pads, strides)))
        ones = np.ones_like(x)
        count = np.add.reduce(list(taps(ones, 1 if count_include_pad else 0, kernel_shape, pads, strides)))
        return (total / count,)


class ReduceLogSumExp(_op_list.ReduceLogSumExp_18):
    """The package makes infinity less infinity of a row of infinities."""

    op_domain = ""

    def _run(self, data, axes=None, keepdims=1, noop_with_empty_axes=0):
        axes = self.handle_axes(axes, noop_with_empty_axes)
        most = np.maximum.reduce(data, axis=axes, keepdims=True, initial=-np.inf)
        shift = np.where(np.isfinite(most), most, 0)
        out = np.log(np.sum(np.exp(data - shift), axis=axes, keepdims=True)) + shift
        return (np.asarray(out if keepdims else np.squeeze(out, axis=axes)).astype(data.dtype),)


class LayerNormalization(op_layer_normalization.LayerNormalization):
    op_domain = ""

    def _run(self, X, Scale, B=None, axis=None, epsilon=None, stash_type=None):
        if X.size == 0:
            return X, np.zeros(0, np.float32), np.zeros(0, np.float32)
        return super()._run(X, Scale, B, axis=axis, epsilon=epsilon, stash_type=stash_type)


def windowed_extents(x, kernel, attributes):
    n = len(kernel)
    pads, strides, dilations = (attributes.get(name) or [d] * m for name, d, m in
                                (("pads", 0, 2 * n), ("strides", 1, n), ("dilations", 1, n)))
    out = [(x.shape[k + 2] + pads[k] + pads[k + n] - dilations[k] * (kernel[k] - 1) - 1) // strides[k] + 1 for k in range(n)]
    if min(out) < 0:
        raise ValueError("no room for the kernel")
    return out


def of_nothing(node, inputs):
    """The results of a node whose first operand has no elements, where the package raises; None: let it try."""
    a = {x.name: helper.get_attribute_value(x) for x in node.attribute}
    x = inputs[0] if inputs else None
    if x is None or x.size or x.ndim == 0:
        return None
    if node.op_type in ("ArgMax", "ArgMin"):
        axis = a.get("axis", 0) % x.ndim
        if x.shape[axis] == 0:
            raise ValueError("no element to choose")
        middle = [1] if a.get("keepdims", 1) else []
        return [np.zeros([*x.shape[:axis], *middle, *x.shape[axis + 1 :]], np.int64)]
    if node.op_type == "LogSoftmax":
        return [x]
    if node.op_type in ("GlobalAveragePool", "GlobalMaxPool"):
        shape = [*x.shape[:2], *[1] * (x.ndim - 2)]
        if int(np.prod(shape)):
            raise ValueError("the mean of nothing")
        return [np.zeros(shape, x.dtype)]
    return None


def patched(name, base):
    """The package's operator, which gives tensors without elements where it would raise."""
    def run(self, *args, **kwargs):
        made = of_nothing(self.onnx_node, [np.asarray(x) for x in args])
        return tuple(made) if made else base.run(self, *args, **kwargs)

    return type(name, (base,), {"op_domain": "", "run": run})


BY_HAND = [Loop, Reshape, TopK, Gather, GatherElements, GatherND, Conv, MaxPool, AveragePool, ReduceLogSumExp,
           LayerNormalization]
BY_HAND += [patched(name, base) for name, base in (
    ("GlobalAveragePool", _op_list.GlobalAveragePool), ("GlobalMaxPool", _op_list.GlobalMaxPool),
    ("LogSoftmax", _op_list.LogSoftmax), ("ArgMax", _op_list.ArgMax_12), ("ArgMin", _op_list.ArgMin_12))]


def run_model(model, inputs):
    return [np.asarray(a) for a in ReferenceEvaluator(model, new_ops=list(BY_HAND)).run(None, inputs)]


def evaluate_node(node, arrays, opset):
    """The results of one node; arrays: of every name that it or a graph inside it reads. Raises what NumPy raises."""
    infos = [helper.make_tensor_value_info(name, NUMBER_OF[a.dtype.type], a.shape) for name, a in arrays.items()]
    graph = helper.make_graph([node], "one", infos, [helper.make_empty_tensor_value_info(name) for name in node.output])
    return run_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), arrays)


# --- what a node is defined for ---

def is_legal(node, arrays):
    """Whether the node is defined for these operands: the reference evaluates some that are not."""
    x = arrays.get(node.input[0]) if node.input else None
    a = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    shapes = [arrays[name].shape for name in node.input if name in arrays]
    if node.op_type == "LayerNormalization":
        return shapes[1] == x.shape[a["axis"] :] and 0 not in shapes[1]
    if node.op_type == "BatchNormalization":
        return all(s == (x.shape[1],) for s in shapes[1:])
    if node.op_type == "PRelu":
        return np.broadcast_shapes(*shapes) == x.shape
    if node.op_type == "Split":
        return arrays[node.input[1]].sum() == x.shape[a["axis"]]
    if node.op_type in ("Gather", "GatherElements"):
        i, axis = arrays[node.input[1]], a["axis"] % x.ndim
        if node.op_type == "GatherElements" and any(i.shape[k] > x.shape[k] for k in range(x.ndim) if k != axis):
            return False
        return i.size == 0 or (-x.shape[axis] <= i.min() and i.max() < x.shape[axis])
    if node.op_type == "Compress":
        condition = arrays[node.input[1]]
        return condition.shape[0] <= (x.shape[a["axis"]] if "axis" in a else x.size)
    if node.op_type == "Pad":
        return legal_pad(x, arrays[node.input[1]], a)
    if "kernel_shape" in a:
        n = len(a["kernel_shape"])
        pads, dilations = a.get("pads", [0] * 2 * n), a.get("dilations", [1] * n)
        room = [x.shape[k + 2] + pads[k] + pads[k + n] - dilations[k] * (a["kernel_shape"][k] - 1) for k in range(n)]
        return all(r > 0 for r in room)
    return True


def legal_pad(x, pads, a):
    if a.get("mode") == b"reflect":
        return all(max(pads[k], pads[k + x.ndim]) < max(d, 1) for k, d in enumerate(x.shape))
    return a.get("mode") != b"edge" or all(d or pads[k] + pads[k + x.ndim] == 0 for k, d in enumerate(x.shape))


def is_worth_having(array, may_be_empty, may_be_special):
    """Whether a result is of a dtype that we follow, not large, and as empty and as infinite as this graph may be."""
    if array.dtype.type not in NUMBER_OF or array.size > MOST or array.ndim > 5 or (array.size == 0 and not may_be_empty):
        return False
    wide = array.astype(np.float64)
    if array.dtype.kind == "f" and may_be_special:
        wide = wide[np.isfinite(wide)]
    return bool(np.isfinite(wide).all()) and np.abs(wide).max(initial=0) <= (LARGEST if array.dtype.kind == "f" else MOST_INTEGER)


# --- answers ---

def change_floats(model, change, to_double):
    """A copy with every float tensor changed, in subgraphs too; to_double: f32 becomes f64."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    change_graph(out.graph, change, to_double)
    return out


def change_graph(graph, change, to_double):
    def change_tensor(tensor):
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.DOUBLE):
            tensor.CopyFrom(numpy_helper.from_array(np.asarray(change(numpy_helper.to_array(tensor))), tensor.name))

    for tensor in graph.initializer:
        change_tensor(tensor)
    for value in [*graph.input, *graph.output]:
        if to_double and value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                change_tensor(attribute.t)
            if attribute.type == onnx.AttributeProto.GRAPH:
                change_graph(attribute.g, change, to_double)
            if to_double and node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE


def widened(array):
    return array.astype(np.float64) if array.dtype == np.float32 else array


def mover(random):
    def move(array):
        if array.dtype.kind != "f":
            return array
        return np.asarray(array * (1 + MOVED * random.uniform(-1, 1, array.shape))).astype(array.dtype)

    return move


def steady(answer, others):
    """Which elements do not depend on how they were rounded; None when the extents do."""
    if any(other.shape != answer.shape for other in others):
        return None
    good = np.ones(answer.shape, bool)
    wide = answer.astype(np.float64)
    for other in (o.astype(np.float64) for o in others):
        same = (wide == other) | (np.isnan(wide) & np.isnan(other))
        if answer.dtype.kind == "f":
            close = np.abs(other - wide) <= AGREE * np.abs(wide) + NEAR_ZERO
            same |= close & np.isfinite(wide) & np.isfinite(other)
        good &= same
    return good


def answers(model, inputs, random):
    """For each output (answer in double precision, rounded; which of its elements are steady), or None."""
    plain = run_model(model, inputs)
    exact = run_model(change_floats(model, widened, True), {name: widened(a) for name, a in inputs.items()})
    shaken = []
    for _ in range(2):
        move = mover(random)
        other_inputs = {name: move(a) for name, a in inputs.items()}
        shaken.append(run_model(change_floats(model, move, False), other_inputs))
    out = []
    for k, answer in enumerate(exact):
        good = steady(answer, [plain[k], *(s[k] for s in shaken)])
        keeps = good is not None and (good.size == 0 or good.mean() > 0.5)
        out.append((answer.astype(plain[k].dtype), good) if keeps else None)
    return out
