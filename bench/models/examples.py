# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the case files of the two models in examples/ into tests/models: python examples.py"""

import pathlib

import references

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/models"
DIGITS, ATTENTION = "../../examples/digits", "../../examples/attention"


def main():
    digits = {f"batch {n}": {"inputs": {"image": f"{DIGITS}/held_out.npy"}, "reference": f"{DIGITS}/reference.npy",
                             "rows": n} for n in (1, 7, 360)}
    references.write(OUT / "digits.json", [f"{DIGITS}/digits.onnx"], "logits", digits)
    attention = {f"batch {n}": {"inputs": {"x": f"{ATTENTION}/x.npy"}, "reference": f"{ATTENTION}/y.npy", "rows": n}
                 for n in (1, 2)}
    references.write(OUT / "attention.json", [f"{ATTENTION}/attention.onnx"], "y", attention)


if __name__ == "__main__":
    main()
