"""Writes the case file of a model: which inputs to run it on, the double-precision answer, ONNX Runtime's own error.

bench/compare_models.py reads these files; all paths in them are relative to the file itself:

    {"models": ["encoder_dynamo.onnx", ...],          files that must all give this answer
     "output": "hidden",                              the output that is compared
     "cases": {"2x7": {"inputs": {"tokens": "encoder_2x7.tokens.npy"}, "reference": "encoder_2x7.reference.npy",
                       "rows": 2}},                   rows, if there: only the first so many of everything
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
    """Inputs by name and the reference of one case, cut to its rows."""
    rows = slice(case.get("rows"))
    inputs = {name: np.load(folder / file)[rows] for name, file in case["inputs"].items()}
    return inputs, np.load(folder / case["reference"])[rows]


def runtime_errors(model, output, folder, cases):
    """ONNX Runtime's f32 error in each case, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    errors = {}
    for name, case in cases.items():
        inputs, reference = load_case(folder, case)
        errors[name] = round(ulps(session.run([output], inputs)[0], reference), 3)
    return errors


def write(path, models, output, cases):
    """Runs ONNX Runtime over every model and case and writes the case file `path`; models relative to its folder."""
    facts = {"models": models, "output": output, "cases": cases, "onnxruntime": onnxruntime.__version__,
             "onnxruntime_ulps": {m: runtime_errors(path.parent / m, output, path.parent, cases) for m in models}}
    path.write_text(json.dumps(facts, indent=1) + "\n")
    return facts
