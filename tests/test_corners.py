# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators where ONNX leaves little room and mistakes hide: pads that cut, old forms of Resize, NaN and infinity. The
oracles are NumPy by definition, and what ONNX Runtime and PyTorch do where ONNX says nothing."""

import itertools
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


def resize_old(cases):
    """Before opset 11 x = p / scale in f32, rounded up where an axis shrinks and down where it grows, or linear."""
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 2, 4)
    small = np.array([1, 1, 0.6, 0.6], np.float32)
    cases.add("resize_10_nearest", "Resize", {"x": x, "scales": small}, [np.array([[[[1, 3]]]], np.float32)], ("scales",), opset=10)

    def positions(n, scale):
        p = np.arange(int(np.float32(n) * np.float32(scale))).astype(np.float32) / np.float32(scale)
        return p, np.clip((np.ceil if scale < 1 else np.floor)(p), 0, n - 1).astype(int)

    def interpolated(y, axis, p):
        left = np.clip(np.floor(p), 0, y.shape[axis] - 1).astype(int)
        right, weight = np.minimum(left + 1, y.shape[axis] - 1), (p - left).astype(np.float64)
        weight = weight.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
        return np.take(y, left, axis) * (1 - weight) + np.take(y, right, axis) * weight

    for h, w in [(0.6, 0.6), (0.5, 2), (2, 0.5), (0.7, 0.7), (1.5, 0.4), (1.3, 1.7), (0.3, 0.26), (1, 0.35), (3, 3), (1 / 3, 2 / 3)]:
        for dtype in (np.float32, np.int32) if h != 1 else (np.float32,):
            x = numbers(dtype, 2, 1, 10, 20)
            scales = np.array([1, 1, h, w], np.float32)
            (rows, row), (cols, col) = positions(10, h), positions(20, w)
            ops = [("Resize", 10)] + [("Upsample", 9)] * (min(h, w) >= 1)
            for op, opset in ops:
                for mode in ("nearest", "linear")[:1 + (dtype == np.float32)]:
                    y = x[:, :, row][:, :, :, col] if mode == "nearest" else \
                        interpolated(interpolated(x, 2, rows), 3, cols).astype(dtype)
                    name = f"{op.lower()}_{opset}_{mode}_{h:.2g}_{w:.2g}_{x.dtype}"
                    for form, symbolic in (("", None), ("_symbolic", {"x": {0: "B", 2: "H", 3: "W"}})):
                        cases.add(name + form, op, {"x": x, "scales": scales}, [y], ("scales",), symbolic, opset=opset, mode=mode)


def top_k(cases):
    """NaN is above all numbers, as NumPy sorts."""
    nan, inf = np.nan, np.inf
    lines = [[1, nan, 5, -inf, inf, nan], [nan, nan, nan, nan, nan, nan], [inf, nan, inf, nan, inf, -inf],
             [nan, inf, nan, inf, 0, -0.0], [3, 3, 3, nan, 1, 1], [-inf, -inf, nan, -inf, inf, inf]]
    for dtype in (np.float32, np.float64, np.float16):
        for k in (1, 3, 5, 6):
            for largest in (0, 1):
                for axis in (-1, 0):
                    x = np.array(lines, dtype)
                    key = np.where(np.isnan(x), 8, np.where(np.isinf(x), np.sign(x) * 7, x)).astype(np.float64)
                    order = np.argsort(-key if largest else key, axis=axis, kind="stable").take(range(k), axis)
                    want = [np.take_along_axis(x, order, axis), order]
                    name = f"topk_{x.dtype}_{k}_{largest}_{axis}"
                    for form, symbolic in (("", None), ("_symbolic", {"x": {0: "R", 1: "C"}})):
                        cases.add(name + form, "TopK", {"x": x, "k": np.array([k])}, want, ("k",), symbolic, axis=axis, largest=largest)


def arg_reductions(cases):
    """The first NaN wins, or the last one, as NumPy has it."""
    nan, inf = np.nan, np.inf
    x = np.array([[1, nan, 5, -inf, inf, nan], [nan, nan, nan, nan, nan, nan], [inf, 2, inf, -inf, 5, -inf], [0, -1, 3, nan, inf, -inf]])
    for dtype in (np.float32, np.float64):
        for op in ("ArgMax", "ArgMin"):
            find = np.argmax if op == "ArgMax" else np.argmin
            y = x.astype(dtype)
            cases.add(f"{op}_{y.dtype}", op, {"x": y}, [find(y, 1)], axis=1, keepdims=0)
            cases.add(f"{op}_last_{y.dtype}", op, {"x": y}, [5 - find(y[:, ::-1], 1)], (), {"x": {0: "R", 1: "C"}}, axis=1,
                      keepdims=0, select_last_index=1)


def dynamic_quantize(cases):
    """The range holds 0; a range of nothing has scale 1, as ONNX Runtime has it."""
    f = np.float32
    lines = [[0, 0, 0], [-0.0, 0, 0], [5, 5, 5], [-3, -3, -3], [1e-42, 0, 0], [0, 2, -2], [1, 2, 5], [-1, -2.5, -4], [255, 0, 1]]
    for number, line in enumerate(lines):
        x = np.array(line, f)
        low, high = min(f(0), x.min()), max(f(0), x.max())
        scale = f(f(high - low) / f(255))
        scale = scale if scale > 0 else f(1)
        zero = np.rint(np.clip(f(-low) / scale, 0, 255))
        y = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8)
        for form, symbolic in (("", None), ("_symbolic", {"x": {0: "N"}})):
            cases.add(f"dynamic_quantize_{number}{form}", "DynamicQuantizeLinear", {"x": x}, [y, np.array(scale), np.array(zero, np.uint8)],
                      (), symbolic)


def sampled(image, point, mode, padding, align):
    """One value of an image of n axes at a point in -1..1, whose coordinates name the axes last first: PyTorch's definition,
    in which every tap lies inside, is 0, or clamps or reflects. A NaN is position 0, and an infinity too where it reflects."""
    positions = []
    for extent, p in zip(image.shape, point[::-1]):
        x = (np.float64(p) + 1) / 2 * (extent - 1) if align else ((np.float64(p) + 1) * extent - 1) / 2
        if padding == "border":
            x = 0.0 if np.isnan(x) else min(max(x, -9), extent + 9)
        elif padding == "reflection" and not np.isfinite(x):
            x = 0.0
        positions.append(x)
    if not all(np.isfinite(x) for x in positions):
        return 0.0

    def inside(tap, extent):
        if padding == "border":
            return min(max(tap, 0), extent - 1)
        if padding == "reflection":
            pattern = list(range(extent)) + list(range(extent))[::-1] if not align else \
                list(range(extent)) + list(range(1, extent - 1))[::-1]
            return pattern[tap % len(pattern)]
        return tap if 0 <= tap < extent else None

    def weights(f):
        if mode == "linear":
            return {0: 1 - f, 1: f}
        a, outer = -0.75, lambda d: ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        inner = lambda d: ((a + 2) * d - (a + 3)) * d * d + 1
        return {-1: outer(f + 1), 0: inner(f), 1: inner(1 - f), 2: outer(2 - f)}

    taps = []
    for x, extent in zip(positions, image.shape):
        base = np.rint(x) if mode == "nearest" else np.floor(x)
        chosen = {0: 1.0} if mode == "nearest" else weights(x - base)
        taps.append([(inside(int(base) + k, extent), w) for k, w in chosen.items()])
    total = 0.0
    for place in np.ndindex(*map(len, taps)):
        chosen = [t[k] for t, k in zip(taps, place)]
        if all(at is not None for at, _ in chosen):
            total += image[tuple(at for at, _ in chosen)] * np.prod([w for _, w in chosen])
    return total


def grid_sample(cases):
    """Infinite, undefined and far coordinates, beside ordinary ones."""
    inf, nan = np.inf, np.nan
    for shape in ((5,), (3, 4), (2, 3, 4), (1, 3)):
        n = len(shape)
        special = [v for v in (inf, -inf, nan, 100.5, -37.25, 3.3) for _ in range(2)]
        points = random.uniform(-1.6, 1.6, (30, n)).astype(np.float32)
        for i, v in enumerate(special):
            points[i, i % n] = v
        points[len(special)], points[len(special) + 1] = inf, nan
        x = numbers(np.float32, 1, 2, *shape)
        grid = points.reshape(1, 30, *[1] * (n - 1), n)
        for mode in ("linear", "nearest", "cubic")[:2 if n == 3 else 3]:
            for padding in ("zeros", "border", "reflection"):
                for align in (0, 1):
                    y = np.array([[[sampled(c, p, mode, padding, align) for p in points] for c in x[0]]], np.float32)
                    name = f"grid_sample_{'x'.join(map(str, shape))}_{mode}_{padding}_{align}"
                    symbols = {"x": {2 + i: f"D{i}" for i in range(n)}, "grid": {1: "P"}}
                    cases.add(name, "GridSample", {"x": x, "grid": grid}, [y.reshape(1, 2, *grid.shape[1:-1])], (),
                              symbols if align else None, mode=mode, padding_mode=padding, align_corners=align)


def with_infinities(x):
    """x with an infinity or a NaN in every fifth place of its border and one inside."""
    border = np.ones(x.shape, bool)
    border[(slice(None), slice(None), *[slice(1, -1)] * (x.ndim - 2))] = False
    places = np.argwhere(border)[::5]
    for i, place in enumerate(places):
        x[tuple(place)] = (np.inf, -np.inf, np.nan)[i % 3]
    return x


def grid_sample_of_infinities(cases):
    """A tap outside the image is 0, though the pixel that lies next to it is infinite."""
    for mode in ("linear", "nearest", "cubic"):
        x = with_infinities(numbers(np.float32, 1, 2, 4, 5))
        grid = random.uniform(-1.9, 1.9, (1, 40, 1, 2)).astype(np.float32)
        y = np.array([[[sampled(c, p, mode, "zeros", 0) for p in grid.reshape(-1, 2)] for c in x[0]]], np.float32)
        assert np.isfinite(y).sum() > 20
        cases.add(f"grid_sample_infinities_{mode}", "GridSample", {"x": x, "grid": grid}, [y.reshape(1, 2, 40, 1)], (), None, mode=mode)


def deform_conv_of_infinities(cases):
    """Columns of bilinear samples with zeros outside, then one product: a kernel of 1 x 2 at offsets of up to four pixels."""
    x = with_infinities(numbers(np.float32, 1, 2, 5, 6))
    w = numbers(np.float32, 3, 2, 1, 2)
    offset = random.uniform(-4, 4, (1, 4, 5, 5)).astype(np.float32)
    y = np.zeros((1, 3, 5, 5))
    for i, j in np.ndindex(5, 5):
        for c, k in np.ndindex(2, 2):
            at = (i + np.float64(offset[0, 2 * k, i, j]), j + k + np.float64(offset[0, 2 * k + 1, i, j]))
            point = [(p * 2 + 1) / n - 1 for p, n in zip(at, (5, 6))][::-1]
            y[0, :, i, j] += w[:, c, 0, k] * sampled(x[0, c], point, "linear", "zeros", 0)
    assert np.isfinite(y).sum() > 10
    cases.add("deform_conv_infinities", "DeformConv", {"x": x, "w": w, "offset": offset}, [y.astype(np.float32)], ())


def roi_align_of_infinities(cases):
    """Points more than a pixel outside the image count as 0, whatever the pixel at the border holds."""
    x = with_infinities(numbers(np.float32, 1, 2, 4, 5))
    rois = np.array([[-6, -7, -1.5, -2], [1.2, 1.3, 2.9, 1.9], [-9, 1.2, 9, 1.8]], np.float32)
    y = np.zeros((3, 2, 2, 3))
    for n, c, i, j in np.ndindex(*y.shape):
        x1, y1, x2, y2 = rois[n].astype(np.float64) - 0.5
        for a, b in np.ndindex(2, 2):
            down, right = y1 + (i * 2 + a + 0.5) * (y2 - y1) / 4, x1 + (j * 2 + b + 0.5) * (x2 - x1) / 6
            if not (-1 <= down <= 4 and -1 <= right <= 5):
                continue
            down, right = min(max(down, 0), 3), min(max(right, 0), 4)
            top, left = int(down), int(right)
            for (r, u), (s, v) in itertools.product(((top, 1 - down + top), (min(top + 1, 3), down - top)),
                                                    ((left, 1 - right + left), (min(left + 1, 4), right - left))):
                y[n, c, i, j] += x[0, c, r, s] * u * v / 4
    assert np.isfinite(y).sum() > 10
    cases.add("roi_align_infinities", "RoiAlign", {"x": x, "rois": rois, "batch": np.zeros(3, np.int64)}, [y.astype(np.float32)], (),
              None, output_height=2, output_width=3, sampling_ratio=2)


def resized(x, axis, out, scale, mode, coord, nearest, exclude_outside):
    """ONNX's sum of weights times elements along one axis: a NaN counts with weight 0 too. An axis that stays is a copy."""
    n = x.shape[axis]
    if n == out and scale == 1:
        return x
    width, p = scale * n, np.arange(out, dtype=np.float64)
    at = {"half_pixel": (p + 0.5) / scale - 0.5, "asymmetric": p / scale,
          "half_pixel_symmetric": n / 2 * (1 - out / width) + (p + 0.5) / scale - 0.5,
          "pytorch_half_pixel": (p + 0.5) / scale - 0.5 if width != 1 else p * 0 - 0.5,
          "align_corners": p * (n - 1) / (width - 1) if width != 1 else p * 0}[coord]
    left = np.ceil(at) - 1
    f = at - left  # in (0, 1]
    a = -0.75
    inner, outer = lambda d: ((a + 2) * d - (a + 3)) * d * d + 1, lambda d: ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    weights = {"linear": [1 - f, f], "cubic": [outer(f + 1), inner(f), inner(1 - f), outer(2 - f)], "nearest": [f * 0 + 1]}[mode]
    right = {"round_prefer_floor": f > 0.5, "round_prefer_ceil": f >= 0.5, "floor": f == 1, "ceil": f > 0}[nearest]
    first = left + right if mode == "nearest" else left - (len(weights) // 2 - 1)
    places, weights = np.stack([first + k for k in range(len(weights))]), np.stack(weights)
    if exclude_outside:
        weights = np.where((places >= 0) & (places < n), weights, 0)
        total = weights.sum(0)
        weights = weights / np.where(total == 0, 1, total)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    return sum(np.take(x, np.clip(p, 0, n - 1).astype(int), axis) * w.reshape(shape) for p, w in zip(places, weights))


def resize_beside_nan(cases):
    number = 0
    while number < 60:
        mode = ("linear", "cubic", "nearest")[number % 3]
        dtype = (np.float32, np.float64, np.int32)[number % 2 + (mode == "nearest")]
        coord = str(random.choice(["half_pixel", "asymmetric", "pytorch_half_pixel", "align_corners"]))
        nearest = str(random.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]))
        exclude, has_scales = bool(random.integers(2)), bool(random.integers(2))
        x = numbers(dtype, 1, 2, *random.integers(1, 7, 2))
        scales = [float(random.choice([0.5, 1, 1.5, 2, 2.5])) for _ in "hw"]
        sizes = [int(s * e) for s, e in zip(scales, x.shape[2:])] if has_scales else [int(random.integers(1, 11)) for _ in "hw"]
        if min(sizes) < 1:
            continue
        for value in (np.nan, np.inf, -np.inf) if mode != "nearest" else ():
            if random.integers(2):
                x[(0, *(random.integers(e) for e in x.shape[1:]))] = value
        y = x.astype(np.float64)
        for i in range(2):
            scale = scales[i] if has_scales else sizes[i] / x.shape[2 + i]
            y = resized(y, 2 + i, sizes[i], scale, mode, coord, nearest, exclude)
        inputs = {"x": x, "roi": None, "scales": np.array([1, 1, *scales], np.float32) if has_scales else None}
        if not has_scales:
            inputs["sizes"] = np.array([1, 2, *sizes])
        name = f"resize_nan_{number}_{mode}_{coord}_{nearest}_{exclude}"
        for form, symbolic in (("", None), ("_symbolic", {"x": {2: "H", 3: "W"}})):
            cases.add(name + form, "Resize", inputs, [y.astype(dtype)], ("scales",) if has_scales else ("sizes",), symbolic, opset=19,
                      mode=mode, coordinate_transformation_mode=coord, nearest_mode=nearest, exclude_outside=int(exclude))
        number += 1


def resize_symmetric(cases):
    """Coordinates that are integers only as they are rounded: the order of additions is ONNX's, whatever is known of the axis."""
    for n in range(1, 8):
        for scale in (0.75, 1.25, 1.5, 2.25):
            out = int(n * scale)
            x = numbers(np.float32, 1, 1, n, 1)
            for nearest in ("floor", "ceil") if out else ():
                y = resized(x.astype(np.float64), 2, out, scale, "nearest", "half_pixel_symmetric", nearest, False)
                cases.add(f"resize_symmetric_{n}_{scale}_{nearest}", "Resize",
                          {"x": x, "roi": None, "scales": np.array([1, 1, scale, 1], np.float32)}, [y.astype(np.float32)], ("scales",),
                          {"x": {2: "H"}}, opset=19, coordinate_transformation_mode="half_pixel_symmetric", nearest_mode=nearest)


def distances(cases):
    """CDist of com.microsoft: rows against rows, and not by way of |a|^2 - 2ab + |b|^2, which cancels."""
    for number, (m, n, k) in enumerate([(3, 5, 4), (1, 7, 33), (6, 1, 1), (2, 2, 100)]):
        for dtype in (np.float32, np.float64):
            a, b = numbers(dtype, m, k) + dtype(1000), numbers(dtype, n, k) + dtype(1000)
            squares = ((a[:, None].astype(np.float64) - b[None].astype(np.float64)) ** 2).sum(2)
            for metric in ("sqeuclidean", "euclidean"):
                y = (squares if metric == "sqeuclidean" else np.sqrt(squares)).astype(dtype)
                name = f"cdist_{metric}_{number}_{np.dtype(dtype).name}"
                cases.add(name, "CDist", {"a": a, "b": b}, [y], domain="com.microsoft", metric=metric)
                cases.add(name + "_symbolic", "CDist", {"a": a, "b": b}, [y], (), {"a": {0: "M", 1: "K"}, "b": {0: "N", 1: "L"}},
                          domain="com.microsoft", metric=metric)


def main():
    np.seterr(invalid="ignore")  # NaN and infinity are what this is about
    cases = Cases(sys.argv[1:])
    for add in (pad, pad_by_shapes, resize_old, top_k, arg_reductions, dynamic_quantize, grid_sample, grid_sample_of_infinities, deform_conv_of_infinities,
                roi_align_of_infinities, resize_beside_nan, resize_symmetric, distances):
        add(cases)
    return cases.run()


if __name__ == "__main__":
    sys.exit(main())
