# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a failing graph small: fewer outputs, then values cut out of the graph and given as inputs, then fewer sets.

A step is kept when the graph still fails in the same way. Answers are asked of the reference again at every step.
"""

import time

import numpy as np
import onnx
from onnx import helper

import judge
import reference
from graph import graphs_in, names_read, needed_nodes

LIMIT_S = 60


class Small:
    def __init__(self, frit, folder, case, verdict, seconds):
        self.frit, self.folder, self.case, self.verdict, self.seconds = frit, folder, case, verdict, seconds
        self.folder = folder / "small"
        self.end = time.monotonic() + LIMIT_S

    def fails(self, model, inputs):
        """Whether this model fails as the first did; then it is the case at hand."""
        if time.monotonic() > self.end:
            return False
        random = np.random.default_rng(0)
        try:
            onnx.checker.check_model(model, full_check=False)
            sets = [(x, reference.answers(model, x, random)) for x in inputs]
        except Exception:  # what is left is no model, or not defined
            return False
        case = judge.Case(model, sets, self.options(model, inputs), self.case.pattern)
        self.folder.mkdir(exist_ok=True)
        onnx.save(model, self.folder / "model.onnx")
        verdict = judge.judge(self.frit, self.folder, case, self.seconds)
        if verdict.kind != self.verdict.kind or how(verdict) != how(self.verdict):
            return False
        self.case, self.verdict = case, verdict
        return True

    def options(self, model, inputs):
        zero = {d.dim_param for v in model.graph.input for k, d in enumerate(v.type.tensor_type.shape.dim)
                if d.dim_param and any(x[v.name].shape[k] == 0 for x in inputs)}
        return [o for o in self.case.options if not o.startswith("--dim=")] + [f"--dim={s}=0..64" for s in sorted(zero)]

    def values(self, k):
        """Every value of the top graph in set k."""
        every = onnx.ModelProto()
        every.CopyFrom(self.case.model)
        del every.graph.output[:]
        names = [name for node in every.graph.node for name in node.output]
        every.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
        return dict(zip(names, reference.run_model(every, self.case.sets[k][0])))

    def with_outputs(self, outputs, rows, extra_inputs=()):
        """The model with these outputs [(name, array)] and more inputs, by name."""
        old = self.case.model
        given = set(extra_inputs)
        nodes = needed_nodes([n for n in old.graph.node if not given & set(n.output)], [name for name, _ in outputs])
        needed = set(names_read(nodes)) | {name for name, _ in outputs}

        def info(name, array, dims):
            return helper.make_tensor_value_info(name, reference.NUMBER_OF[array.dtype.type], dims)

        inputs = [v for v in old.graph.input if v.name in needed]
        for name in (x for x in extra_inputs if x in needed):
            extents = list(zip(*(row[name].shape for row in rows)))
            dims = [e[0] if len(set(e)) == 1 and e[0] else f"{name}_{i}" for i, e in enumerate(extents)]
            inputs.append(info(name, rows[0][name], dims))
        graph = helper.make_graph(nodes, "small", inputs, [info(name, a, [None] * a.ndim) for name, a in outputs],
                                  [t for t in old.graph.initializer if t.name in needed])
        model = helper.make_model(graph, opset_imports=old.opset_import)
        model.ir_version = old.ir_version
        return model

    def inputs_for(self, model, rows):
        names = [v.name for v in model.graph.input]
        return [{name: (x | row)[name] for name in names} for (x, _), row in zip(self.case.sets, rows)]

    def all_values(self):
        return [self.values(k) for k in range(len(self.case.sets))]

    def first_output(self):
        """The earliest value that fails on its own."""
        rows = self.all_values()
        for name in list(rows[0]):
            model = self.with_outputs([(name, rows[0][name])], rows)
            if self.fails(model, self.inputs_for(model, rows)):
                return

    def cut(self):
        """Values, last ones first, as inputs in place of what computes them."""
        rows = self.all_values()
        outputs = [(v.name, rows[0][v.name]) for v in self.case.model.graph.output]
        for name in reversed(list(rows[0])):
            read = names_read(self.case.model.graph.node)
            is_cut = name in {v.name for v in self.case.model.graph.input}
            if name not in read or is_cut or name in {n for n, _ in outputs}:
                continue
            model = self.with_outputs(outputs, rows, [name])
            self.fails(model, self.inputs_for(model, rows))

    def fewer_sets(self):
        for k in range(len(self.case.sets)):
            kept = self.case.sets
            if self.fails(self.case.model, [kept[k][0]]):
                return


def how(verdict):
    """What two failures of one cause have in common."""
    if verdict.text.startswith("set"):
        return "extents" if " instead of " in verdict.text and "[" in verdict.text.split("instead of")[1] else "numbers"
    return judge.reason_class(verdict.text)


def short(array):
    text = " ".join(np.array2string(array, threshold=30, separator=",", precision=4).split())
    return f"{array.dtype}{list(array.shape)} {text[:150]}"


def describe(case):
    """The model as text, with its data where that is short."""
    lines = [onnx.printer.to_text(case.model)]
    lines += [f"  weight {t.name}: {short(onnx.numpy_helper.to_array(t))}" for t in case.model.graph.initializer]
    for k, (inputs, outputs) in enumerate(case.sets):
        lines += [f"  set {k}: {name} = {short(a)}" for name, a in inputs.items()]
        lines += [f"  set {k}: {v.name} should be {short(o[0])}" for v, o in zip(case.model.graph.output, outputs) if o]
    return "\n".join(lines)


def minimise(frit, folder, case, verdict, seconds):
    """Text of the smallest graph found that fails in the same way."""
    small = Small(frit, folder, case, verdict, seconds)
    small.first_output()
    small.cut()
    small.fewer_sets()
    return (f"  small: {small.verdict.kind}: {small.verdict.text}\n"
            f"  frit compile {small.folder}/model.onnx {' '.join(small.case.options)}\n{describe(small.case)}")
