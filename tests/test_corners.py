"""Operators where ONNX leaves little room and mistakes hide: pads that cut, old forms of Resize, NaN and infinity. The
oracles are NumPy by definition, and what ONNX Runtime and PyTorch do where ONNX says nothing."""

import sys

import numpy as np
from onnx import helper

from node_cases import Cases

random = np.random.default_rng(11)


def numbers(dtype, *shape):
    x = random.integers(-9, 10, shape) if np.issubdtype(dtype, np.integer) else random.standard_normal(shape)
    return x.astype(dtype)


def padded(x, pads, mode, fill):
    """Negative pads cut first; the mode repeats what is left."""
    n = x.ndim
    cut = x[tuple(slice(max(0, -pads[i]), x.shape[i] - max(0, -pads[n + i])) for i in range(n))]
    width = [(max(0, pads[i]), max(0, pads[n + i])) for i in range(n)]
    return np.pad(cut, width, mode, constant_values=fill) if mode == "constant" else np.pad(cut, width, mode)


def pad(cases):
    wanted = [((1, 3, 4, 4), (0, 0, -2, -1, 0, 0, 0, 0)), ((1, 3, 4, 4), (0, 0, -2, -1, 0, 0, -1, -2)),
              ((1, 3, 4, 4), (0, 0, -2, 3, 0, 0, 5, -1)), ((5,), (-2, 2)), ((5,), (-2, 4)), ((5,), (3, -2)), ((5,), (-1, 6)),
              ((5,), (-3, 3)), ((5,), (7, 8)), ((5,), (-4, 2)), ((5,), (11, -4)), ((1,), (2, 3)), ((4, 3), (-1, -2, 9, 5))]
    while len(wanted) < 40:
        n = int(random.integers(1, 4))
        shape, pads = random.integers(1, 6, n), random.integers(-4, 9, 2 * n)
        if all(shape[i] + min(0, pads[i]) + min(0, pads[n + i]) >= 1 for i in range(n)):
            wanted.append((tuple(shape.tolist()), tuple(pads.tolist())))
    for number, (shape, pads) in enumerate(wanted):
        x = numbers((np.float32, np.int64, np.float64)[number % 3], *shape)
        for mode in ("constant", "reflect", "edge", "wrap"):
            y = padded(x, pads, mode, 7)
            inputs = {"x": x, "pads": np.array(pads), "fill": np.array(7, x.dtype) if mode == "constant" else None}
            name = f"pad_{mode}_{number}_{shape}_{pads}".replace(" ", "")
            cases.add(name, "Pad", inputs, [y], ("pads",), opset=19, mode=mode)
            symbols = {"x": {i: f"D{i}" for i in range(x.ndim)}}
            cases.add(name + "_symbolic", "Pad", inputs, [y], ("pads",), symbols, opset=19, mode=mode)


def pad_by_shapes(cases):
    """Pads whose sign a call decides: x becomes as long as `like` is, at its end."""
    for extent in (3, 5, 7, 16):
        x, like = numbers(np.float32, 5, 2), numbers(np.float32, extent, 2)
        before = [helper.make_node("Shape", ["like"], ["want"]), helper.make_node("Shape", ["x"], ["have"]),
                  helper.make_node("Sub", ["want", "have"], ["hi"]), helper.make_node("Concat", ["lo", "hi"], ["pads"], axis=0)]
        for mode in ("constant", "reflect", "edge", "wrap"):
            for lo in (0, -1, 2):
                inputs = {"x": x, "pads": "made", "lo": np.array([lo, 0]), "like": like}
                cases.add(f"pad_{mode}_to_{extent}_{lo}", "Pad", inputs, [padded(x, (lo, 0, extent - 5, 0), mode, 0)], ("lo",),
                          {"x": {0: "M"}, "like": {0: "N"}}, opset=19, before=before, absent=("lo", "like"), mode=mode)


def main():
    cases = Cases(sys.argv[1:])
    pad(cases)
    pad_by_shapes(cases)
    return cases.run()


if __name__ == "__main__":
    sys.exit(main())
