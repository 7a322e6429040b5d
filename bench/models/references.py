# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the case file of a model: which inputs to run it on, the double-precision answer, ONNX Runtime's own error.

bench/compare_models.py reads these files; all paths in them are relative to the file itself:

    {"models": ["encoder_dynamo.onnx", ...],          files that must all give this answer
     "output": "hidden",                              the output that is compared
     "cases": {"2x7": {"inputs": {"tokens": "encoder_2x7.tokens.npy"}, "reference": "encoder_2x7.reference.npy",
                       "rows": 2}},                   rows, if there: only the first so many of everything
                                                      carry and first, if there: {"state": "stateN"} and {"state":
                                                      FILE}: one run for each entry of the inputs' leading axis, the
                                                      state of each run being the output stateN of the one before
     "dims": {"sequence": 576}, "consts": {"sr": 16000},     if there: what is said when the model is compiled; such
                                                      inputs are then given to the model no more
     "onnxruntime": "1.32.0",
     "onnxruntime_ulps": {"encoder_dynamo.onnx": {"2x7": 2.007}}}     its error, in ulps of the largest output
"""

import json

import numpy as np
import onnxruntime


def ulps(value, reference):
    """Largest difference, in f32 ulps of the largest reference value."""
    return float(np.abs(value.astype(np.float64) - reference).max() / np.spacing(np.float32(np.abs(reference).max())))


def load_case(folder, case):
    """One case with arrays in place of files, and its reference, cut to its rows."""
    rows = slice(case.get("rows"))
    loaded = {**case, "inputs": {name: np.load(folder / file)[rows] for name, file in case["inputs"].items()}}
    loaded["first"] = {name: np.load(folder / file) for name, file in case.get("first", {}).items()}
    return loaded, np.load(folder / case["reference"])[rows]


def answer(run, output, case):
    """The output of run(names, inputs) in one case; over steps that hand on their state, the outputs stacked."""
    if "carry" not in case:
        return run([output], case["inputs"])[0]
    state, answers = dict(case["first"]), []
    for k in range(len(next(iter(case["inputs"].values())))):
        step = {name: np.asarray(value[k]) for name, value in case["inputs"].items()}
        values = run([output, *case["carry"].values()], {**step, **state})
        answers.append(values[0])
        state = dict(zip(case["carry"], values[1:]))
    return np.stack(answers)


def runtime_errors(model, output, folder, cases):
    """ONNX Runtime's f32 error in each case, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    errors = {}
    for name, case in cases.items():
        loaded, reference = load_case(folder, case)
        errors[name] = round(ulps(answer(session.run, output, loaded), reference), 3)
    return errors


def write(path, models, output, cases, decided=None):
    """Runs ONNX Runtime over every model and case and writes the case file `path`; models relative to its folder.
    decided: the dims and integer scalars that a compile is told."""
    facts = {"models": models, "output": output, "cases": cases, "onnxruntime": onnxruntime.__version__,
             "onnxruntime_ulps": {m: runtime_errors(path.parent / m, output, path.parent, cases) for m in models}}
    facts |= decided or {}
    path.write_text(json.dumps(facts, indent=1) + "\n")
    return facts
