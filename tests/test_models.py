# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recorded models against their double-precision answers: the digit reader, the attention block, and the encoder by both
torch exporters, every case from one .so (bench/compare_models.py judges). The digit reader must also read as many
held-out images as the trained network does."""

import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
FRIT = pathlib.Path(os.environ.get("FRIT", ROOT / "build/frit"))


def skip(why):
    print(f"skip: models: {why}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


if not os.access(FRIT, os.X_OK):
    skip("build/frit is not built")
try:
    import numpy as np

    import compare_models
except ImportError:
    skip("needs the packages of tests/requirements.txt")


def count_right(work):
    """How many held-out digits the compiled model reads, against what the trained network did."""
    digits = ROOT / "examples/digits"
    compare_models.frit([FRIT, "compile", digits / "digits.onnx", "-o", work / "digits.so"])
    compare_models.frit([FRIT, "run", work / "digits.so", "--input", f"image={digits / 'held_out.npy'}", "--output-dir", work])
    right = int((np.load(work / "logits.npy").argmax(1) == np.load(digits / "labels.npy")).sum())
    trained = json.loads((digits / "accuracy.json").read_text())["right"]
    print(f"digits read right: {right}, by the trained network {trained}")
    return right == trained


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        for path in sorted((ROOT / "tests/models").glob("*.json")):
            facts = json.loads(path.read_text())
            for model in facts["models"]:
                bad = compare_models.compare(FRIT, [], path, model, facts, work)
                passed, failed = passed + len(facts["cases"]) - bad, failed + bad
        try:
            good = count_right(work)
        except RuntimeError as error:
            print(f"digits: {error}")
            good = False
    passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
