# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of the domain com.microsoft against ONNX Runtime's recorded answers (tests/data/contrib_references.json, by
make_contrib_references.py): each case is laid out as an ONNX test and given to `frit check`."""

import base64
import json
import os
import pathlib
import sys
import tempfile

from frit_proc import check_folders

HERE = pathlib.Path(__file__).resolve().parent
FRIT = os.environ.get("FRIT", str(HERE.parent / "build/frit"))
TOLERANCE = ("--rtol", "2e-5", "--atol", "4e-6")


def lay_out(folder, case):
    """Writes one case as model.onnx and test_data_set_0."""
    model, inputs, outputs = case
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(base64.b64decode(model))
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for k, tensor in enumerate(tensors):
            (data / f"{kind}_{k}.pb").write_bytes(base64.b64decode(tensor))


def main():
    if not os.access(FRIT, os.X_OK):
        print(f"skip: contrib: no {FRIT}\n0 passed, 0 failed, 1 skipped")
        return 0
    cases = json.loads((HERE / "data/contrib_references.json").read_text())
    chosen = [name for name in cases if not sys.argv[1:] or name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as work:
        paths = {str(pathlib.Path(work) / name): name for name in chosen}
        for path, name in paths.items():
            lay_out(pathlib.Path(path), cases[name])
        found = check_folders(FRIT, list(paths), 60, TOLERANCE)
    failed = [(name, *found[path]) for path, name in paths.items() if found[path][0] != "pass"]
    for name, verdict, reason in failed:
        print(f"{verdict} {name}: {reason}; repeat: FRIT={FRIT} python3 tests/test_contrib.py {name}")
    print(f"{len(paths) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
