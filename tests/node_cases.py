# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models about one node with their right answers, laid out as ONNX tests and given to `frit check`."""

import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

from frit_proc import check_folders

FRIT = os.environ.get("FRIT", str(pathlib.Path(__file__).resolve().parents[1] / "build/frit"))
TOLERANCE = ("--rtol", "2e-5", "--atol", "4e-6")


class Cases:
    """A list of cases by name; `only` are words of which a name must hold one, when there are any."""

    def __init__(self, only=()):
        self.only, self.models = only, {}

    def add(self, name, op, inputs, outputs, weights=(), symbolic=None, opset=21, before=(), absent=(), **attributes):
        """inputs: {name: array, None where one is left out, "made" where a node before makes it}, those in `weights` become
        initializers, those in `absent` are none of the node's own; outputs: arrays, the right answers; symbolic: axes of the
        inputs whose extents the model does not know, {input: {axis: symbol}}; before: nodes in front of this one."""
        if self.only and not any(word in name for word in self.only):
            return
        assert name not in self.models, f"two cases are named {name}"

        def info(key):
            array, dims = inputs[key], list(inputs[key].shape)
            for axis, symbol in (symbolic or {}).get(key, {}).items():
                dims[axis] = symbol
            return helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(array.dtype), dims)

        names = [f"y{i}" for i in range(len(outputs))]
        operands = ["" if inputs[key] is None else key for key in inputs if key not in absent]
        node = helper.make_node(op, operands, names, **attributes)
        given = [key for key in inputs if key not in weights and isinstance(inputs[key], np.ndarray)]
        graph = helper.make_graph([*before, node], op, [info(key) for key in given],
                                  [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(y.dtype), None)
                                   for key, y in zip(names, outputs)],
                                  [numpy_helper.from_array(inputs[key], key) for key in weights])
        domain = attributes.get("domain", "")
        others = [helper.make_opsetid(domain, 1)] if domain else []
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *others])
        model.ir_version = 9
        self.models[name] = (model, [numpy_helper.from_array(inputs[key], key) for key in given],
                             [numpy_helper.from_array(y, key) for key, y in zip(names, outputs)])

    def run(self):
        """Checks all cases, a quarter of them in quick runs, and prints what failed and the count. The exit code."""
        if not os.access(FRIT, os.X_OK):
            print(f"skip: no {FRIT}\n0 passed, 0 failed, 1 skipped")
            return 0
        names = list(self.models)[:: 4 if os.environ.get("QUICK") else 1]
        with tempfile.TemporaryDirectory() as work:
            folders = {str(pathlib.Path(work) / name): name for name in names}
            for folder, name in folders.items():
                lay_out(pathlib.Path(folder), *self.models[name])
            found = check_folders(FRIT, list(folders), 60, TOLERANCE)
        failed = [(name, *found[folder]) for folder, name in folders.items() if found[folder][0] != "pass"]
        for name, verdict, reason in failed:
            print(f"{verdict} {name}: {reason}; repeat: FRIT={FRIT} python3 {sys.argv[0]} '{name}'")
        print(f"{len(folders) - len(failed)} passed, {len(failed)} failed, 0 skipped")
        return 1 if failed else 0


def lay_out(folder, model, inputs, outputs):
    """Writes one case as model.onnx and test_data_set_0."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for k, tensor in enumerate(tensors):
            (data / f"{kind}_{k}.pb").write_bytes(tensor.SerializeToString())
