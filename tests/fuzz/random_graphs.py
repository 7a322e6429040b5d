"""Makes random valid ONNX graphs with answers from ONNX's reference evaluator, and lets `frit check` judge them.

    python tests/fuzz/random_graphs.py --frit build/frit [--count 300] [--seed 0] [--only N] [--make-only] [-j 2]

Graph N of a seed is the same everywhere. A graph grows operator by operator (graph_ops.py) from inputs of odd shapes,
about half of them with symbolic dims: then there are two data sets of different dims, and one artifact must serve both.

An answer must not depend on how it is rounded, or a right compiler would fail. So the whole graph is evaluated in
double precision, in f32, and twice in f32 with every input and weight moved by about 1e-5 of itself; an output is kept
only where the four agree to 2e-4 (integers and bools: exactly), which throws out cancellation, comparisons of nearly
equal numbers, rounding at a boundary and argmax over near ties. Nothing infinite, NaN or above 1e4 is made, integers
never overflow. What is recorded is the double-precision answer, rounded; frit is judged with rtol 1e-3 and atol 1e-5.
"""

import argparse
import collections
import pathlib
import re
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import frit_proc
from graph_ops import MAKERS, NUMBER_OF, Reject, choose

LARGEST, MOST = 1e4, 20000
MOVED, AGREE, NEAR_ZERO = 1e-5, 2e-4, 2e-6
RTOL, ATOL = "1e-3", "1e-5"
UNSUPPORTED = re.compile(r"not supported|unsupported", re.IGNORECASE)
Value = collections.namedtuple("Value", "name array")


class Graph:
    """An ONNX graph under construction, with every value's array for the first data set."""

    def __init__(self, random, opset, symbolic):
        self.random, self.opset, self.symbolic = random, opset, symbolic
        self.values, self.nodes, self.inputs, self.weights = [], [], [], []
        self.used = set()

    def input(self, array, dims):
        value = Value(f"in{len(self.inputs)}", array)
        self.inputs.append((value, dims))
        self.values.append(value)

    def constant(self, array):
        value = Value(f"c{len(self.weights)}", np.asarray(array))
        self.weights.append(value)
        return value

    def scalar(self, number, like):
        return self.constant(np.array(number, like.array.dtype))

    def pick(self, wanted):
        """A value that fits, the latest ones more often, so that chains get long."""
        fits = [v for v in self.values if wanted(v)]
        if not fits:
            raise Reject
        return choose(self.random, fits[-3:] if self.random.random() < 0.6 else fits)

    def node(self, op, inputs, outputs=1, **attributes):
        """Adds one operator; returns its first result."""
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        node = helper.make_node(op, [v.name for v in inputs], names, f"{op}_{len(self.nodes)}", **attributes)
        arrays = evaluate_node(node, inputs, self.opset)
        for array in arrays:
            check_array(array)
        self.nodes.append(node)
        self.used.update(v.name for v in inputs)
        made = [Value(name, np.asarray(array)) for name, array in zip(names, arrays)]
        self.values += made
        return made[0]

    def model(self, outputs):
        """The graph as a model with these values as outputs; without what they do not need."""
        needed = {v.name for v in outputs}
        nodes = []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                nodes.insert(0, node)
                needed.update(node.input)

        def info(value, dims):
            return helper.make_tensor_value_info(value.name, NUMBER_OF[value.array.dtype.type], dims)

        graph = helper.make_graph(
            nodes, "random", [info(v, dims) for v, dims in self.inputs if v.name in needed],
            [info(v, [None] * v.array.ndim) for v in outputs],
            [numpy_helper.from_array(v.array, v.name) for v in self.weights if v.name in needed])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="random_graphs")
        model.ir_version = 9
        return model


def evaluate_node(node, inputs, opset):
    """The node's results on its inputs' arrays, by the reference evaluator; what it cannot run is rejected."""
    infos = [helper.make_tensor_value_info(v.name, NUMBER_OF[v.array.dtype.type], v.array.shape)
             for v in {v.name: v for v in inputs}.values()]
    graph = helper.make_graph([node], "one", infos, [helper.make_empty_tensor_value_info(name) for name in node.output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        return ReferenceEvaluator(model).run(None, {v.name: v.array for v in inputs})
    except Exception as error:  # it raises whatever NumPy raised
        raise Reject from error


def check_array(array):
    """Rejects results that are empty, large, of a dtype we do not follow, or not finite."""
    array = np.asarray(array)
    if array.dtype.type not in NUMBER_OF or not 0 < array.size <= MOST or array.ndim > 5:
        raise Reject
    if not np.isfinite(array.astype(np.float64)).all() or np.abs(array.astype(np.float64)).max() > (
            LARGEST if array.dtype.kind == "f" else 1 << 40):
        raise Reject


def in_double(model):
    """The same graph with f64 in place of f32."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for tensor in out.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    for value in [*out.graph.input, *out.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in out.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
    return out


def moved(model, inputs, random):
    """Model and inputs with every float moved by about MOVED of itself."""
    def move(array):
        if array.dtype.kind != "f":
            return array
        return (array * (1 + MOVED * random.uniform(-1, 1, array.shape))).astype(array.dtype)

    out = onnx.ModelProto()
    out.CopyFrom(model)
    for tensor in out.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(move(numpy_helper.to_array(tensor))), tensor.name))
    return out, {name: np.asarray(move(array)) for name, array in inputs.items()}


def steady(answer, others):
    """Whether an output's value does not depend on how it was rounded."""
    for other in others:
        if other.shape != answer.shape or not np.isfinite(other.astype(np.float64)).all():
            return False
        if answer.dtype.kind != "f":
            if not np.array_equal(answer, other):
                return False
        elif (np.abs(other.astype(np.float64) - answer) > AGREE * np.abs(answer) + NEAR_ZERO).any():
            return False
    return True


def answers(model, inputs, random):
    """For each output the double-precision answer in the output's dtype, or None where rounding decides it."""
    plain = ReferenceEvaluator(model).run(None, inputs)
    wide = {name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in inputs.items()}
    exact = ReferenceEvaluator(in_double(model)).run(None, wide)
    shaken = []
    for _ in range(2):
        other, other_inputs = moved(model, inputs, random)
        shaken.append(ReferenceEvaluator(other).run(None, other_inputs))
    out = []
    for k, answer in enumerate(exact):
        good = steady(answer, [plain[k], *(s[k] for s in shaken)]) and np.abs(answer).max(initial=0) < 1e12
        out.append(answer.astype(plain[k].dtype) if good else None)
    return out


def random_array(random, dtype, shape):
    if dtype == np.bool_:
        return random.random(shape) < 0.5
    if dtype in (np.float32, np.float64):
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0 if dtype == np.uint8 else -9, 10, shape).astype(dtype)


SYMBOLS = {"N": (5, 8), "M": (7, 3)}
SIZES = (1, 2, 3, 4, 6, 9, 13, 17, 32)


def add_inputs(graph, random, symbolic):
    """One to three inputs: [.., C, spatial..] of any dtype; images more often when there is room."""
    for k in range(int(random.integers(1, 4))):
        rank = choose(random, (1, 2, 2, 3, 3, 4, 4)) if k == 0 else int(random.integers(0, 5))
        dims = [choose(random, SIZES) for _ in range(rank)]
        for axis in range(rank):
            if symbolic and random.random() < (0.7 if axis == 0 else 0.2):
                dims[axis] = choose(random, tuple(SYMBOLS))
        dtype = np.float32 if k == 0 else choose(random, (np.float32, np.float32, np.float32, np.float64, np.int32, np.int64,
                                                          np.uint8, np.int8, np.bool_))
        shape = [SYMBOLS[d][0] if isinstance(d, str) else d for d in dims]
        graph.input(random_array(random, dtype, shape), dims)


def grow(random, symbolic):
    """A graph of 3 to 25 operators."""
    graph = Graph(random, choose(random, (18, 20, 22)), symbolic)
    add_inputs(graph, random, symbolic)
    weights = np.array([often for _, often in MAKERS], float)
    wanted = int(random.integers(3, 26))
    for _ in range(wanted * 6):
        if len(graph.nodes) >= wanted:
            break
        maker = MAKERS[int(random.choice(len(MAKERS), p=weights / weights.sum()))][0]
        try:
            maker(graph, random)
        except Reject:
            pass
    return graph


def is_legal(node, shapes):
    """Whether the node is defined for these shapes: the reference evaluates some that are not."""
    x = shapes[node.input[0]]
    a = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "LayerNormalization":
        return shapes[node.input[1]] == x[a["axis"] :]
    if "kernel_shape" in a:
        n = len(a["kernel_shape"])
        pads, dilations = a.get("pads", [0] * 2 * n), a.get("dilations", [1] * n)
        room = [x[k + 2] + pads[k] + pads[k + n] - dilations[k] * (a["kernel_shape"][k] - 1) for k in range(n)]
        return all(r > 0 for r in room)
    return True


def all_legal(model, inputs):
    """is_legal of every node, for the shapes that these inputs give."""
    every = onnx.ModelProto()
    every.CopyFrom(model)
    del every.graph.output[:]
    names = [name for node in model.graph.node for name in node.output]
    every.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    values = dict(zip(names, ReferenceEvaluator(every).run(None, inputs)))
    values |= inputs | {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    shapes = {name: np.shape(value) for name, value in values.items()}
    return all(is_legal(node, shapes) for node in model.graph.node)


def data_sets(graph, model, outputs, random, symbolic):
    """[(inputs, answers)], answers None where unsteady; the second set, of other dims, only for a symbolic graph."""
    names = {value.name for value in model.graph.input}
    first = {v.name: v.array for v, _ in graph.inputs if v.name in names}
    sets = [(first, answers(model, first, random))]
    if symbolic:
        other = {}
        for value, dims in graph.inputs:
            shape = [SYMBOLS[d][1] if isinstance(d, str) else d for d in dims]
            if value.name in names:
                other[value.name] = random_array(random, value.array.dtype.type, shape)
        if not all_legal(model, other):
            raise ValueError("not defined for the second dims")
        sets.append((other, answers(model, other, random)))
    return sets


def make(seed, number):
    """Graph `number`: (model, [(inputs, answers)]). Tries until one has an output worth keeping."""
    for attempt in range(100):
        random = np.random.default_rng([seed, number, attempt])
        symbolic = random.random() < 0.5
        graph = grow(random, symbolic)
        leaves = [v for v in graph.values if v.name not in graph.used and v.name.startswith("v")]
        inner = [v for v in graph.values if v.name in graph.used and v.name.startswith("v")]
        outputs = leaves + ([choose(random, inner)] if inner and random.random() < 0.3 else [])
        for _ in range(2):
            if not outputs:
                break
            try:
                model = graph.model(outputs)
                onnx.checker.check_model(model, full_check=True)
                sets = data_sets(graph, model, outputs, random, symbolic)
            except Exception:  # the evaluator's way of saying that the other dims do not fit this graph
                break
            good = [v for k, v in enumerate(outputs) if all(a[k] is not None for _, a in sets)]
            if len(good) == len(outputs) and model.graph.input:
                return model, sets
            outputs = good
    raise RuntimeError(f"no graph for seed {seed}, number {number}")


def write(folder, model, sets):
    """The ONNX test layout."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    for k, (inputs, outputs) in enumerate(sets):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for i, value in enumerate(model.graph.input):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(inputs[value.name], value.name).SerializeToString())
        for i, value in enumerate(model.graph.output):
            (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(outputs[i], value.name).SerializeToString())


def judge(results):
    """Prints what failed; returns (passed, refused as unsupported, failed)."""
    passed = refused = failed = 0
    for folder, (verdict, reason) in sorted(results.items()):
        if verdict == "pass":
            passed += 1
        elif verdict != "trouble" and UNSUPPORTED.search(reason):
            refused += 1
        else:
            failed += 1
            print(f"FAIL {folder}: {verdict}: {reason}\n  repeat: frit check {folder} --rtol {RTOL} --atol {ATOL}")
    return passed, refused, failed


def parse():
    parser = argparse.ArgumentParser(description="random graphs against ONNX's reference evaluator")
    parser.add_argument("--frit", type=pathlib.Path, default=ROOT / "build/frit")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "build/fuzz/graphs")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this one graph")
    parser.add_argument("--make-only", action="store_true")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("-j", default="2")
    return parser.parse_args()


def main():
    args = parse()
    numbers = [args.only] if args.only is not None else range(args.count)
    folders, operators = [], collections.Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.seterr(all="ignore")
        for number in numbers:
            model, sets = make(args.seed, number)
            folder = args.to.resolve() / f"seed{args.seed}_{number:04}"
            write(folder, model, sets)
            folders.append(str(folder))
            operators.update(node.op_type for node in model.graph.node)
    print(f"{len(folders)} graphs, {sum(operators.values())} nodes of {len(operators)} operators, in {args.to}")
    if args.make_only:
        return 0
    extra = ("--rtol", RTOL, "--atol", ATOL, "-j", args.j)
    passed, refused, failed = judge(frit_proc.check_folders(str(args.frit.resolve()), folders, args.seconds, extra))
    print(f"{passed} passed, {refused} refused as not supported, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
