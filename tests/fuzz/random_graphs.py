# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes random valid ONNX graphs with answers from ONNX's reference evaluator, compiles each to an artifact, and runs it.

    python tests/fuzz/random_graphs.py --frit build/frit [--count 300] [--seed 0] [--only N] [-j 2]

Graph N of a seed is the same everywhere. A graph grows operator by operator (graph_ops.py, control_ops.py) from inputs
of odd shapes, with three data sets that one artifact must serve: other data, and other dims where there are symbols.
A graph's style (graph.py) says what it is made of: symbols that broadcast with each other and may be 1, extents of 0,
NaN and infinities, If, Loop and sizes that data decides.

The artifact is first read back by frit itself (`frit info` applies the loader's rules): a refusal there means that it is
damaged. Then each data set runs twice, with one thread and with two, in memory full of different garbage (artifact.py):
the bits have to be equal, and near the reference's answer (reference.py says what is compared, and when).

Graphs that frit refuses with a reason of REFUSALS are counted by reason; any other refusal is a failure. A graph that
fails is made small (minimise.py) and printed with the command that repeats it.
"""

import argparse
import collections
import pathlib
import shutil
import sys
import time
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

import judge
from control_ops import CONTROL, HOLLOW
from graph import Graph, Reject, Style, choose
from graph_ops import MAKERS
from minimise import minimise
from reference import answers

SYMBOLS = ("N", "M", "K", "T")
SIZES = (1, 2, 3, 4, 6, 9, 13, 17, 32)
SETS = 3


def random_style(random):
    symbolic = random.random() < 0.6
    return Style(symbolic, symbolic and random.random() < 0.6, random.random() < 0.3, random.random() < 0.12,
                 random.random() < 0.6)


def symbol_sizes(random, style):
    """For each data set the value of each symbol. Symbols that meet have one value in common or are 1."""
    table = []
    for _ in range(SETS):
        common = choose(random, (1, 2, 3, 5, 8, 13))
        if style.hollow and random.random() < 0.3:
            common = 0
        row = {}
        for s in SYMBOLS:
            own = int(choose(random, (1, 2, 3, 4, 5, 7, 8, 0 if style.hollow else 9)))
            row[s] = (1 if random.random() < 0.35 else common) if style.meeting and s != "T" else own
        table.append(row)
    return table


def random_array(random, dtype, shape, special):
    if dtype == np.bool_:
        return np.asarray(random.random(shape) < 0.5)
    if dtype not in (np.float32, np.float64):
        return np.asarray(random.integers(0 if dtype == np.uint8 else -9, 10, shape)).astype(dtype)
    array = np.asarray(random.standard_normal(shape)).astype(dtype)
    if special:
        odd = np.asarray(random.choice([np.nan, np.inf, -np.inf, 0.0], shape)).astype(dtype)
        array = np.where(np.asarray(random.random(shape)) < 0.08, odd, array)
    return array


def add_inputs(graph, random, sizes):
    """One to three inputs: [.., C, spatial..] of any dtype; images more often when there is room."""
    style = graph.style
    for k in range(int(random.integers(2 if style.meeting else 1, 4))):
        rank = choose(random, (1, 2, 2, 3, 3, 4, 4)) if k == 0 else int(random.integers(0, 5))
        dims = [choose(random, SIZES) for _ in range(rank)]
        for axis in range(rank):
            if style.symbolic and random.random() < (0.7 if axis == 0 else 0.5 if style.meeting else 0.2):
                dims[axis] = choose(random, SYMBOLS)
        dtype = np.float32 if k == 0 else choose(random, (np.float32, np.float32, np.float32, np.float64, np.int32, np.int64,
                                                          np.uint8, np.int8, np.bool_))
        shapes = [[row[d] if isinstance(d, str) else d for d in dims] for row in sizes]
        graph.input([random_array(random, dtype, shape, style.special) for shape in shapes], dims)


def grow(random, style, sizes):
    """A graph of 3 to 25 operators."""
    graph = Graph(random, choose(random, (18, 20, 22)), style, SETS)
    add_inputs(graph, random, sizes)
    makers = MAKERS + (CONTROL if style.decides or style.meeting else ()) + (HOLLOW if style.hollow else ())
    weights = np.array([often for _, often in makers], float)
    wanted = int(random.integers(3, 26))
    for _ in range(wanted * 6):
        if len(graph.nodes) >= wanted:
            break
        maker = makers[int(random.choice(len(makers), p=weights / weights.sum()))][0]
        try:
            maker(graph, random)
        except Reject:
            pass
    return graph


def make(seed, number):
    """Graph `number` as a judge.Case. Tries until one has an output worth keeping."""
    for attempt in range(100):
        random = np.random.default_rng([seed, number, attempt])
        style = random_style(random)
        sizes = symbol_sizes(random, style)
        graph = grow(random, style, sizes)
        leaves = [v for v in graph.own if v.name not in graph.used]
        inner = [v for v in graph.own if v.name in graph.used]
        outputs = leaves[:12] + ([choose(random, inner)] if inner and random.random() < 0.3 else [])
        case = judge_case(graph, outputs, random, sizes) if outputs else None
        if case:
            return case
    raise RuntimeError(f"no graph for seed {seed}, number {number}")


def judge_case(graph, outputs, random, sizes):
    """The case of these outputs, without those that rounding decides in every set; None when nothing is left."""
    for _ in range(2):
        model = graph.model(outputs)
        onnx.checker.check_model(model, full_check=False)
        names = {value.name for value in model.graph.input}
        sets = []
        for k in range(SETS):
            inputs = {v.name: v.arrays[k] for v, _ in graph.inputs if v.name in names}
            sets.append((inputs, answers(model, inputs, random)))
        good = [v for k, v in enumerate(outputs) if any(a[k] is not None for _, a in sets)]
        if len(good) == len(outputs):
            shown = {d for v, dims in graph.inputs if v.name in names for d in dims if isinstance(d, str)}
            zero = sorted(s for s in shown if any(row[s] == 0 for row in sizes))
            direct = ["--direct-convs"] * graph.style.special  # Winograd's tiles spread infinities, as documented
            pattern = choose(random, ("ones", "denormals", "signalling"))
            return judge.Case(model, sets, [f"--dim={s}=0..64" for s in zero] + direct, pattern) if names else None
        if not good:
            return None
        outputs = good
    return None


def write(folder, case):
    """The ONNX test layout."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    onnx.save(case.model, folder / "model.onnx")
    for k, (inputs, outputs) in enumerate(case.sets):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for i, value in enumerate(case.model.graph.input):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(inputs[value.name], value.name).SerializeToString())
        for i, value in enumerate(case.model.graph.output):
            if outputs[i]:
                (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(outputs[i][0], value.name).SerializeToString())


def work(args, number):
    """Makes and judges one graph, in a process of its own."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    case = make(args.seed, number)
    folder = args.to.resolve() / f"seed{args.seed}_{number:04}"
    write(folder, case)
    if args.make_only:
        return judge.Verdict("made", ""), case.count(), ""
    verdict = judge.judge(args.frit, folder, case, args.seconds)
    small = ""
    if verdict.is_failure and not args.as_is:
        small = minimise(args.frit, folder, case, verdict, args.seconds)
    return verdict, case.count(), small


def parse():
    parser = argparse.ArgumentParser(description="random graphs against ONNX's reference evaluator")
    parser.add_argument("--frit", type=pathlib.Path, default=ROOT / "build/frit")
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "build/fuzz/graphs")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this one graph")
    parser.add_argument("--make-only", action="store_true")
    parser.add_argument("--as-is", action="store_true", help="do not make failing graphs small")
    parser.add_argument("--seconds", type=int, default=60, help="limit for each step of one graph")
    parser.add_argument("-j", type=int, default=2)
    args = parser.parse_args()
    args.frit = args.frit.resolve()
    return args


def main():
    args, start = parse(), time.monotonic()
    numbers = [args.only] if args.only is not None else range(args.count)
    tally, refusals, operators = collections.Counter(), collections.Counter(), collections.Counter()
    elements = np.zeros(2, np.int64)
    for number, (verdict, count, small) in judge.in_processes(lambda n: work(args, n), numbers, args.j, 10 * args.seconds):
        tally[verdict.kind] += 1
        operators.update(count.operators)
        elements += (count.compared, count.elements)
        if verdict.kind == "refused":
            refusals[judge.reason_class(verdict.text)] += 1
        if verdict.is_failure:
            print(f"\n{verdict.kind.upper()} {verdict.text}\n  repeat: {sys.argv[0]} --seed {args.seed} --only {number}\n{small}",
                  flush=True)
    print(f"{sum(tally.values())} graphs, {sum(operators.values())} nodes of {len(operators)} operators, "
          f"{elements[0]} of {elements[1]} elements compared, {time.monotonic() - start:.0f} s")
    for reason, n in refusals.most_common():
        print(f"{n:5} refused: {reason}")
    kinds = ("wrong", "damaged", "garbage", "crashed", "hung", "turned away", "maker")
    print(", ".join(f"{tally[k]} {k}" for k in ("passed", "refused", *kinds)))
    return 1 if any(tally[k] for k in kinds) else 0


if __name__ == "__main__":
    sys.exit(main())
