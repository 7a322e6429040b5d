# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An ONNX graph under construction, with every value's array for each data set.

All data sets grow with the graph, so that every operator is defined on every one of them: their dims differ where the
graph has symbols, and their data wherever something is counted or decided. A graph inside an If or a Loop is a child: it
sees the values around it. In the branch of an If some sets are elsewhere; there a value may have no array (None).
"""

import dataclasses

import numpy as np
import onnx
from onnx import helper, numpy_helper

import reference
from reference import NUMBER_OF


class Reject(Exception):
    """This operator does not fit here; try another."""


def choose(random, items):
    return items[int(random.integers(len(items)))]


def need(condition):
    if not condition:
        raise Reject


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    name: str
    arrays: list  # one for each data set

    @property
    def known(self):
        return [a for a in self.arrays if a is not None]

    @property
    def array(self):
        """Of the first set that has one: what dtype and rank are, and the extents there."""
        return self.known[0]

    def is_fixed(self, axis):
        """Whether the extent is the same in every set."""
        return len({a.shape[axis] for a in self.known}) == 1

    @property
    def most(self):
        return max(a.size for a in self.known)

    def _every(self):
        return np.concatenate([a.reshape(-1) for a in self.known]).astype(np.float64)

    def _finite(self):
        every = self._every()
        return every[np.isfinite(every)]

    @property
    def is_finite(self):
        return bool(np.isfinite(self._every()).all())

    @property
    def lowest(self):
        return self._finite().min(initial=0)

    @property
    def highest(self):
        return self._finite().max(initial=0)

    @property
    def largest(self):
        return max(-self.lowest, self.highest)


@dataclasses.dataclass
class Style:
    """What a graph is made of."""

    symbolic: bool  # dims of inputs are symbols
    meeting: bool   # symbols broadcast with each other: any of them may be 1 in a call
    hollow: bool    # extents may be 0
    special: bool   # NaN and infinities among the numbers
    decides: bool   # If, Loop and counted sizes, often


class Graph:
    def __init__(self, random, opset, style, n_sets):
        self.random, self.opset, self.style, self.n_sets = random, opset, style, n_sets
        self.values, self.nodes, self.inputs, self.weights = [], [], [], []
        self.used, self.root, self.depth = set(), self, 0
        self.active = [True] * n_sets
        self.n_names = 0

    def child(self, active=None):
        """A graph inside this one; active: the sets that get there (None: all that are here)."""
        inner = Graph(self.random, self.opset, self.style, self.n_sets)
        inner.root, inner.depth, inner.values = self.root, self.depth + 1, list(self.values)
        inner.active = [a and b for a, b in zip(self.active, active or self.active)]
        return inner

    @property
    def own(self):
        """Values that nodes of this graph made."""
        names = {name for node in self.nodes for name in node.output}
        return [v for v in self.values if v.name in names]

    def new_name(self, letter):
        self.root.n_names += 1
        return f"{letter}{self.root.n_names}"

    def input(self, arrays, dims):
        value = Value(f"in{len(self.inputs)}", arrays)
        self.inputs.append((value, dims))
        self.values.append(value)
        return value

    def parameter(self, arrays):
        value = Value(self.new_name("p"), arrays)
        self.values.append(value)
        return value

    def constant(self, array):
        array = np.asarray(array)
        value = Value(self.new_name("c"), [array] * self.n_sets)
        if self.depth and self.random.random() < 0.5:
            node = helper.make_node("Constant", [], [value.name], value=numpy_helper.from_array(array, value.name))
            self.nodes.append(node)
        else:
            self.root.weights.append(value)
        return value

    def integers(self, *numbers):
        return self.constant(np.array(numbers, np.int64))

    def scalar(self, number, like):
        return self.constant(np.array(number, like.array.dtype))

    def pick(self, wanted):
        """A value that fits, the latest ones more often, so that chains get long."""
        fits = [v for v in self.values if v.known and wanted(v)]
        if not fits:
            raise Reject
        return choose(self.random, fits[-3:] if self.random.random() < 0.6 else fits)

    def node(self, op, inputs, outputs=1, captured=(), **attributes):
        """Adds one operator; returns its first result (of several: all of them). captured: what graphs inside it read."""
        names = [self.new_name("v") for _ in range(outputs)]
        node = helper.make_node(op, [v.name if v else "" for v in inputs], names, names[0], **attributes)
        reads = {v.name: v for v in [*inputs, *captured] if v}
        rows = [self.evaluate(node, reads, k) for k in range(self.n_sets)]
        need(any(rows))
        made = [Value(name, [row[i] if row else None for row in rows]) for i, name in enumerate(names)]
        self.nodes.append(node)
        self.used.update(reads)
        self.values += made
        return made[0] if outputs == 1 else made

    def evaluate(self, node, reads, k):
        """The results in set k; None where this graph is not entered in set k and they are not defined."""
        arrays = {name: v.arrays[k] for name, v in reads.items()}
        try:
            need(all(a is not None for a in arrays.values()))
            need(reference.is_legal(node, arrays))
            results = reference.evaluate_node(node, arrays, self.opset)
            for array in results:
                need(reference.is_worth_having(array, self.style.hollow or self.depth,
                                                self.style.special or self.style.hollow))
            return results
        except Exception as error:  # NumPy raises whatever it likes
            if self.active[k]:
                raise Reject from error
            return None

    def inner_graph(self, name, parameters, results):
        """This child as the graph of an attribute."""
        def info(v):
            return helper.make_tensor_value_info(v.name, NUMBER_OF[v.array.dtype.type], [None] * v.array.ndim)

        names = {v.name for v in parameters} | {n for node in self.nodes for n in node.output}
        nodes, seen = list(self.nodes), set()
        outputs = []
        for v in results:  # a result has to be made here, and each one once
            if v.name not in names or v.name in seen or v in parameters:
                copy = Value(self.new_name("v"), v.arrays)
                nodes.append(helper.make_node("Identity", [v.name], [copy.name]))
                v = copy
            seen.add(v.name)
            outputs.append(v)
        nodes = needed_nodes(nodes, [v.name for v in outputs])
        return helper.make_graph(nodes, name, [info(v) for v in parameters], [info(v) for v in outputs])

    def captured_by(self, *graphs):
        """The values around `graphs` that they read."""
        read = {name for g in graphs for name in names_read(g.node)}
        every = self.values + self.root.weights + [Value(n.output[0], [numpy_helper.to_array(n.attribute[0].t)] * self.n_sets)
                                                   for n in self.nodes if n.op_type == "Constant"]
        return [v for v in {v.name: v for v in every}.values() if v.name in read]

    def model(self, outputs):
        """The graph as a model with these values as outputs; without what they do not need."""
        nodes = needed_nodes(self.nodes, [v.name for v in outputs])
        needed = set(names_read(nodes)) | {v.name for v in outputs}

        def info(value, dims):
            return helper.make_tensor_value_info(value.name, NUMBER_OF[value.array.dtype.type], dims)

        graph = helper.make_graph(
            nodes, "random", [info(v, dims) for v, dims in self.inputs if v.name in needed],
            [info(v, [None] * v.array.ndim) for v in outputs],
            [numpy_helper.from_array(v.array, v.name) for v in self.weights if v.name in needed])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="random_graphs")
        model.ir_version = 9
        return model


def graphs_in(node):
    return [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]


def names_read(nodes):
    """Every name that the nodes read, and those that graphs inside them read or give."""
    out = []
    for node in nodes:
        out += node.input
        for g in graphs_in(node):
            out += names_read(g.node) + [v.name for v in g.output]
    return out


def needed_nodes(nodes, names):
    needed, kept = set(names), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.insert(0, node)
            needed.update(names_read([node]))
    return kept
