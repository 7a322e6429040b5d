# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inverses of a window, Col2Im, ConvTranspose and MaxUnpool, against their definition: every window adds what it holds to
the image (or puts it there) and the image's pads are cut off, whether or not the windows tile it. Sizes are constants, or
unknown to the compiler."""

import sys

import numpy as np
from onnx import helper

from node_cases import Cases

random = np.random.default_rng(10)


def numbers(dtype, *shape):
    x = random.integers(-9, 10, shape) if np.issubdtype(dtype, np.integer) else random.standard_normal(shape)
    return x.astype(dtype)


def windows_in(extent, kernel, stride, lo, hi, dilation):
    return (extent + lo + hi - dilation * (kernel - 1) - 1) // stride + 1


def placed(columns, image, kernel, strides, pads, dilations):
    """Sum of columns [.., kernel.., windows..] at their places in an image of those extents."""
    n = len(image)
    full = [image[i] + pads[i] + pads[n + i] for i in range(n)]
    lead, counts = columns.ndim - 2 * n, columns.shape[-n:]
    y = np.zeros((*columns.shape[:lead], *full), columns.dtype)
    for k in np.ndindex(*kernel):
        for w in np.ndindex(*counts):
            at = [w[i] * strides[i] + k[i] * dilations[i] for i in range(n)]
            if all(a < f for a, f in zip(at, full)):
                y[(..., *at)] += columns[(..., *k, *w)]
    return y[(..., *(slice(pads[i], pads[i] + image[i]) for i in range(n)))]


# image, kernel, strides, pads (begin.., end..), dilations
FOLDS = [((8, 8), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)), ((5, 5), (2, 2), (2, 2), (0, 0, 0, 0), (1, 1)),
         ((7, 9), (3, 2), (3, 4), (0, 1, 2, 0), (1, 2)), ((9, 6), (2, 3), (4, 2), (1, 0, 0, 3), (3, 1)),
         ((6, 6), (2, 2), (3, 3), (0, 0, 0, 0), (1, 1)), ((10, 4), (1, 1), (3, 2), (0, 0, 0, 0), (1, 1)),
         ((11,), (4,), (3,), (2, 0), (1,)), ((12,), (3,), (5,), (0, 1), (2,)), ((5, 4, 7), (2, 2, 3), (2, 3, 2), (1, 0, 0, 0, 1, 2), (1, 1, 2)),
         ((4, 4), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)), ((8, 8), (2, 2), (2, 2), (0, 0, 0, 0), (1, 1))]


def random_folds(count):
    while count:
        n = int(random.integers(1, 3))
        image, kernel = random.integers(1, 12, n), random.integers(1, 5, n)
        strides, dilations, pads = random.integers(1, 6, n), random.integers(1, 4, n), random.integers(0, 4, 2 * n)
        counts = [windows_in(image[i], kernel[i], strides[i], pads[i], pads[n + i], dilations[i]) for i in range(n)]
        if min(counts) >= 1 and all(pads[i] < image[i] for i in range(n)):
            count -= 1
            yield tuple(tuple(map(int, part)) for part in (image, kernel, strides, pads, dilations))


def col2im(cases):
    geometries = FOLDS + list(random_folds(40))
    for number, (image, kernel, strides, pads, dilations) in enumerate(geometries):
        n = len(image)
        dtype = (np.float32, np.float64, np.int32)[number % 3] if number >= 3 else np.float32
        counts = [windows_in(image[i], kernel[i], strides[i], pads[i], pads[n + i], dilations[i]) for i in range(n)]
        columns = numbers(dtype, 2, 3, *kernel, *counts)
        want = placed(columns, image, kernel, strides, pads, dilations)
        x = columns.reshape(2, 3 * int(np.prod(kernel)), int(np.prod(counts)))
        inputs = {"x": x, "image": np.array(image), "block": np.array(kernel)}
        where = f"{image}_{kernel}_{strides}_{pads}_{dilations}".replace(" ", "")
        attributes = {"strides": strides, "pads": pads, "dilations": dilations}
        for form, symbolic in (("", None), ("_batch", {"x": {0: "B"}})):
            cases.add(f"col2im{form}_{number}_{where}", "Col2Im", inputs, [want], ("image", "block"), symbolic, **attributes)


def col2im_of_unknown_image(cases):
    """The image's extents come from the shape of another operand."""
    for number, (image, kernel, strides, pads, dilations) in enumerate(FOLDS):
        n = len(image)
        counts = [windows_in(image[i], kernel[i], strides[i], pads[i], pads[n + i], dilations[i]) for i in range(n)]
        columns = numbers(np.float32, 2, 3, *kernel, *counts)
        inputs = {"x": columns.reshape(2, 3 * int(np.prod(kernel)), int(np.prod(counts))), "image": "made",
                  "block": np.array(kernel), "like": numbers(np.float32, 1, 1, *image)}
        before = [helper.make_node("Shape", ["like"], ["image"], start=2)]
        symbols = {"x": {0: "B", 2: "L"}, "like": {2 + i: f"D{i}" for i in range(n)}}
        cases.add(f"col2im_unknown_{number}", "Col2Im", inputs, [placed(columns, image, kernel, strides, pads, dilations)],
                  ("block",), symbols, before=before, absent=("like",), strides=strides, pads=pads,
                  dilations=dilations)


def transposed(x, w, b, image, strides, pads, dilations, groups):
    """x [N, C, ..] by w [C, O / groups, kernel..]: what each element of x adds to the image lies under its window."""
    n = x.ndim - 2
    per_in, per_out, parts = x.shape[1] // groups, w.shape[1], []
    for g in range(groups):
        rows = slice(g * per_in, (g + 1) * per_in)
        columns = np.tensordot(x[:, rows].astype(np.float64), w[rows].astype(np.float64), (1, 0))  # [N, out.., O, kernel..]
        columns = np.moveaxis(columns, range(1, n + 1), range(-n, 0))
        parts.append(placed(columns, image, w.shape[2:], strides, pads, dilations))
    y = np.concatenate(parts, 1)
    return (y if b is None else y + b.reshape(-1, *[1] * n)).astype(x.dtype)


def transposed_pads(total, auto_pad):
    """What ONNX cuts off at the begin and at the end."""
    pairs = [(t // 2, t - t // 2) if auto_pad == "SAME_UPPER" else (t - t // 2, t // 2) for t in total]
    return [p[0] for p in pairs] + [p[1] for p in pairs]


def conv_transpose(cases):
    for number in range(90):
        n = int(random.integers(1, 4))
        sizes, kernel = random.integers(1, 6, n), random.integers(1, 5 - (n == 3), n)
        strides, dilations, groups = random.integers(1, 5, n), random.integers(1, 4, n), int(random.choice([1, 1, 2, 3]))
        extra = [int(random.integers(0, max(s, d))) for s, d in zip(strides, dilations)]
        dtype = np.float64 if number % 5 == 0 else np.float32
        x = numbers(dtype, 2, groups * 2, *sizes)
        w = numbers(dtype, groups * 2, int(random.integers(1, 4)), *kernel)
        b = numbers(dtype, w.shape[1] * groups) if random.integers(2) else None
        full = [int((sizes[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 + extra[i]) for i in range(n)]
        attributes = {"strides": strides.tolist(), "dilations": dilations.tolist(), "output_padding": extra, "group": groups}
        form = ("pads", "pads", "shape", "shape_upper", "SAME_UPPER", "SAME_LOWER", "VALID")[number % 7]
        if form == "pads":
            pads = [int(random.integers(0, 3)) for _ in range(2 * n)]
            pads = pads if all(full[i] > pads[i] + pads[n + i] for i in range(n)) else [0] * 2 * n
            attributes["pads"] = pads
        elif form == "VALID":
            pads, attributes["auto_pad"] = [0] * 2 * n, form
        else:
            auto = form if form.startswith("SAME") else "SAME_UPPER" if form == "shape_upper" else "NOTSET"
            given = form.startswith("shape")
            shape = [int(random.integers(max(1, f - 4), f + 1)) for f in full] if given else \
                [int(s * t) for s, t in zip(sizes, strides)]
            if any(f < s for f, s in zip(full, shape)):
                continue
            pads = transposed_pads([f - s for f, s in zip(full, shape)], auto)
            if given:
                attributes["output_shape"] = shape
            if auto != "NOTSET":
                attributes["auto_pad"] = auto
        image = [full[i] - pads[i] - pads[n + i] for i in range(n)]
        want = transposed(x, w, b, image, strides, pads, dilations, groups)
        inputs = {"x": x, "w": w, "b": b}
        fixed = ("w",) if number % 2 else ()
        cases.add(f"conv_transpose_{number}_{form}", "ConvTranspose", inputs, [want], fixed, **attributes)
        symbols = {0: "B"} if form not in ("pads", "VALID") else {0: "B", **{2 + i: f"D{i}" for i in range(n)}}
        cases.add(f"conv_transpose_{number}_{form}_symbolic", "ConvTranspose", inputs, [want], fixed, {"x": symbols}, **attributes)


def max_pool(x, image, kernel, strides):
    """Maxima of windows and their flat indices in an image of those extents, which begins where x does."""
    n = len(kernel)
    counts = [(x.shape[2 + i] - kernel[i]) // strides[i] + 1 for i in range(n)]
    v, index = np.zeros((*x.shape[:2], *counts), x.dtype), np.zeros((*x.shape[:2], *counts), np.int64)
    flat = np.arange(x.shape[0] * x.shape[1] * int(np.prod(image))).reshape(*x.shape[:2], *image)
    for p in np.ndindex(*counts):
        at = tuple(slice(p[i] * strides[i], p[i] * strides[i] + kernel[i]) for i in range(n))
        part = x[(..., *at)].reshape(*x.shape[:2], -1)
        best = part.argmax(-1)[..., None]
        v[(..., *p)] = np.take_along_axis(part, best, -1)[..., 0]
        index[(..., *p)] = np.take_along_axis(flat[(..., *at)].reshape(*x.shape[:2], -1), best, -1)[..., 0]
    return v, index


def max_unpool(cases):
    """ONNX counts indices in the image that the windows span, also where output_shape asks for a larger one."""
    for number in range(24):
        n = int(random.integers(1, 3))
        kernel, strides, counts = random.integers(1, 4, n), random.integers(1, 5, n), random.integers(1, 5, n)
        span = [int((counts[i] - 1) * strides[i] + kernel[i]) for i in range(n)]
        rest = [int(random.integers(0, s)) for s in strides]
        x = numbers(np.float32 if number % 3 else np.float64, 2, 3, *span)
        v, index = max_pool(x, span, kernel.tolist(), strides.tolist())
        y = np.zeros(x.size, x.dtype)
        y[index.reshape(-1)] = v.reshape(-1)
        y = y.reshape(x.shape)
        attributes = {"kernel_shape": kernel.tolist(), "strides": strides.tolist()}
        symbols = {key: {0: "B", **{2 + i: f"D{i}" for i in range(n)}} for key in ("x", "i")}
        for form, symbolic in (("", None), ("_symbolic", symbols)):
            cases.add(f"max_unpool_{number}{form}", "MaxUnpool", {"x": v, "i": index}, [y], (), symbolic, **attributes)
            larger = np.pad(y, [(0, 0), (0, 0)] + [(0, r) for r in rest])
            cases.add(f"max_unpool_{number}_larger{form}", "MaxUnpool",
                      {"x": v, "i": index, "shape": np.array(larger.shape)}, [larger], ("shape",),
                      {key: {1: "C", **{2 + i: f"D{i}" for i in range(n)}} for key in ("x", "i")} if symbolic else None, **attributes)


def main():
    cases = Cases(sys.argv[1:])
    col2im(cases)
    col2im_of_unknown_image(cases)
    conv_transpose(cases)
    max_unpool(cases)
    return cases.run()


if __name__ == "__main__":
    sys.exit(main())
