# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python3 lab.py [--compile DIR] [--cubins DIR] [--only PART] [--out FILE.json] [--compiled] [--verify-only]: the memory-bound kernels, products
of few rows and attention of this folder on the first GPU, every schedule of their .def files: compared with f64, then the quicker
ones timed beside a copy and PyTorch, all taking turns. --compile needs no GPU: it writes cubins that --cubins reads, and prints
registers and spills. --compiled times torch.compile as well; --verify-only takes small sizes, for compute-sanitizer, and times
nothing."""

import argparse
import json
import os
import re
import statistics
import sys

from lab_data import packed, tensor_map, unpacked
from spike import LAUNCHES, Function, read, time_graph

# Of each .def file: the macro, its constants and the texts before the kernels' own.
TABLES = {
    "maps": ("MAPS", "THREADS CHUNKS IS_ONCE QUICK_ERF BLOCKS", ["reduce"]),
    "rows": ("ROWS", "GROUP ROWS CHUNKS STAGES IS_TUPLE IS_PACKED BLOCKS", ["reduce"]),
    "norm_backward": ("NORM_BACKWARD", "THREADS CHUNKS STAGES BLOCKS", ["reduce"]),
    "long_rows": ("LONG_ROWS", "THREADS CHUNKS CLUSTER IS_TILE BLOCKS", ["reduce"]),
    "skinny": ("SKINNY", "BITS GROUP TILES WARPS_N WARPS_K STAGES BLOCKS", ["reduce"]),
    "wgmma_bf16": ("WGMMA", "STAGES BAND", ["hopper"]),
    "attention": ("ATTENTION", "D ROWS WARPS KEYS STAGES BLOCKS IS_KEPT PARTIAL IS_TOTAL_SHARED", ["reduce", "attention_tile"]),
    "attention_decode": ("DECODE", "D WARPS KEYS SLICES BLOCKS PARTIAL", ["reduce", "attention_tile"]),
}
SETS_BYTES = 300 << 20  # operands take turns until they are beyond L2 together
HALF_ULP = 2.0**-8


class Schedule:
    """A row of a .def file, and its kernels."""

    def __init__(self, table, name, of):
        self.table, self.name, self.of, self.functions = table, name, of, {}

    def __getattr__(self, constant):
        return self.of[constant]

    def text(self):
        constants = ", ".join(f"{name} = {value}" for name, value in self.of.items())
        files = [*TABLES[self.table][2], self.table]
        return f"{read('prelude.cu')}\nenum {{ {constants} }};\n" + "".join(read(name + ".cu") for name in files)

    def compile(self, nvrtc, folder):
        cubin, log = nvrtc.compile(self.text(), f"{self.table}_{self.name}")
        with open(os.path.join(folder, f"{self.table}_{self.name}.cubin"), "wb") as f:
            f.write(cubin)
        found = re.findall(r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores.*?Used (\d+) registers", log, re.S)
        print(f"{self.table:16} {self.name:16} " + ", ".join(f"{k} {r}{f' ({s} bytes spilled)' if s != '0' else ''}" for k, s, r in sorted(found)))

    def launch(self, kernel, shared, blocks, threads, tensors):
        import torch

        if (kernel, shared) not in self.functions:
            with open(os.path.join(Schedule.folder, f"{self.table}_{self.name}.cubin"), "rb") as f:
                self.functions[kernel, shared] = Function(f.read(), kernel, shared)
        self.functions[kernel, shared].launch(torch.cuda.current_stream().cuda_stream, blocks, threads, tensors)


def schedules(table):
    macro, constants, _ = TABLES[table]
    rows = []
    for row in re.findall(rf"^{macro}\((.*)\)", read(table.replace("_bf16", "") + ".def"), re.M):
        name, *values = [x.strip() for x in row.split(",")]
        of = dict(zip(constants.split(), map(int, values)))
        if table == "attention_decode":
            of["ROWS"] = 1
        variants = [8, 16] if table == "skinny" else [0]
        rows += [Schedule(table, f"{name}m{v}" if v else name, {**of, "COLUMNS": v} if v else of) for v in variants]
    return rows


class Case:
    """One operation at one size: operand sets with their results, and what can compute it."""

    def __init__(self, name, make_set, n_bytes, flop=0, slack=1e-5):
        self.name, self.bytes, self.flop, self.slack = name, n_bytes, flop, slack
        self.sets = [make_set() for _ in range(max(2, min(-(-SETS_BYTES // n_bytes), LAUNCHES)))]
        self.own, self.others = {}, {}

    def wanted_of(self, operands, schedule):
        return self.wanted(operands)

    def error(self, run, name=""):
        """The worst result over its bound: at most 1 is right."""
        import torch

        first, worst = self.sets[0], 0.0
        for result in first["results"]:
            first[result].fill_(float("nan"))
        torch.cuda.synchronize()
        run(first)
        torch.cuda.synchronize()
        for result, wanted in self.wanted_of(first, name):
            got = first[result] if isinstance(result, str) else result(first)
            bound = wanted.abs() * (HALF_ULP if got.dtype == torch.bfloat16 else 0) + self.slack
            worst = max(worst, float(((got.double() - wanted).abs() / bound).nan_to_num(nan=float("inf")).max()))
        return worst

    def graph(self, run):
        import torch

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            run(self.sets[0])
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for i in range(LAUNCHES):
                run(self.sets[i % len(self.sets)])
        return graph


def measure(case, copy, repetitions, kept=2):
    """Times of all schedules, then of the best `kept`, of the others and of a copy in turns."""
    import torch

    errors = {}
    for name, run in case.own.items():
        try:
            errors[name] = case.error(run, name)
        except Exception as e:
            raise RuntimeError(f"{name}: {e}") from e
    wrong = [name for name, e in errors.items() if not e <= 1]
    graphs, failed = {}, []
    for name, run in case.own.items():
        graphs[name] = case.graph(run)
    for name, run in case.others.items():
        try:
            graphs[name] = case.graph(run)
        except Exception as e:
            failed.append(f"{name}: {str(e).splitlines()[0][:80]}")
    first = {name: statistics.median(time_graph(torch, graphs[name]) for _ in range(3)) for name in case.own}
    racers = [*sorted(first, key=first.get)[:kept], *(name for name in case.others if name in graphs)]
    times = {name: [] for name in [*racers, "copy"]}
    for _ in range(repetitions):
        for name in racers:
            times[name].append(time_graph(torch, graphs[name]))
        times["copy"].append(time_graph(torch, copy[0]))
    copy_tb_s = copy[1] / statistics.median(times.pop("copy")) * 1e-6
    rate = lambda us: f"{case.flop / us * 1e-6:.0f} TFLOP/s" if case.flop else f"{case.bytes / us * 1e-6:.2f} TB/s"
    case.graphs = graphs
    report = {"case": case.name, "bytes": case.bytes, "flop": case.flop, "copy_tb_s": copy_tb_s, "errors": errors, "all_us": first, "us": {}}
    print(f"\n{case.name}: {case.bytes / 1e6:.1f} MB; copy {copy_tb_s:.2f} TB/s; error at most {max(errors.values()):.2f}"
          f"{'  WRONG: ' + ', '.join(wrong) if wrong else ''}{'  ' + '; '.join(failed) if failed else ''}")
    for name, values in times.items():
        us = report["us"][name] = statistics.median(values)
        print(f"  {name:18} {us:9.2f} us  {rate(us)}  spread {100 * (max(values) - min(values)) / us:.0f} %")
    print("  all: " + ", ".join(f"{name} {rate(us).split()[0]}" for name, us in sorted(first.items(), key=lambda x: x[1])), flush=True)
    return report


# --- the operations ---


def tensors(torch):
    normal = lambda *shape, scale=1.0: (torch.randn(*shape, device="cuda") * scale).to(torch.bfloat16)
    empty = lambda *shape, dtype=torch.bfloat16: torch.empty(*shape, device="cuda", dtype=dtype)
    dims = lambda *x: torch.tensor(x, device="cuda", dtype=torch.int64)
    return normal, empty, dims


def map_cases(torch, n_sm, n):
    import torch.nn.functional as F

    normal, empty, dims = tensors(torch)
    size, rows = n * n * 2, schedules("maps")
    sizes = dims(n * n // 8, n // 8)

    def add(case, kernel, names):
        for s in rows:
            blocks = -(-n * n // 8 // (s.THREADS * s.CHUNKS))
            case.own[s.name] = lambda o, s=s, b=blocks: s.launch(kernel, 0, b, s.THREADS, [*(o[x] for x in names), sizes])
        return case

    one = lambda: {"x": normal(n, n), "y": empty(n, n), "results": ["y"]}
    two = lambda: {"x": normal(n, n), "z": normal(n, n), "bias": normal(n), "y": empty(n, n), "results": ["y"]}
    copy = add(Case("copy", one, 2 * size), "copy", ["x", "y"])
    copy.wanted = lambda o: [("y", o["x"].double())]
    copy.others["torch"] = lambda o: o["y"].copy_(o["x"])
    yield copy
    del copy
    chain = add(Case("gelu chain", two, 3 * size, slack=2e-6), "gelu_chain", ["x", "bias", "z", "y"])
    gelu = lambda u: 0.5 * u * (1 + torch.erf(u * 0.5**0.5))
    chain.wanted = lambda o: [("y", gelu(o["x"].double() + o["bias"].double()) * torch.sigmoid(o["z"].double()))]
    chain.torch = lambda o: F.gelu(o["x"] + o["bias"]) * torch.sigmoid(o["z"])
    yield chain
    del chain
    gate = add(Case("silu gate", two, 3 * size, slack=2e-6), "silu_gate", ["x", "z", "y"])
    gate.wanted = lambda o: [("y", F.silu(o["x"].double()) * o["z"].double())]
    gate.torch = lambda o: F.silu(o["x"]) * o["z"]
    yield gate
    del gate
    half, heads = 64, n // 128
    table = lambda: torch.rand(n, half, device="cuda") * 2 - 1
    turned = lambda: {"x": normal(n, heads, 2 * half), "cos": table(), "sin": table(), "y": empty(n, heads, 2 * half), "results": ["y"]}
    rope = Case("rope", turned, 2 * size + 2 * n * half * 4, slack=1e-6)
    for s in rows:
        parts = -(-(-(-heads // max(s.CHUNKS // 2, 1)) * (half // 8)) // s.THREADS)
        of = dims(heads, half // 8, parts)
        rope.own[s.name] = lambda o, s=s, p=parts, of=of: s.launch("rope", 0, n * p, s.THREADS, [o["x"], o["cos"], o["sin"], o["y"], of])

    def rotate(o, x):
        a, b = x[..., :half], x[..., half:]
        c, s = o["cos"][:, None].to(x.dtype), o["sin"][:, None].to(x.dtype)
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    rope.wanted = lambda o: [("y", rotate(o, o["x"].double()))]
    rope.torch = lambda o: rotate(o, o["x"])
    yield rope


def row_cases(torch, n_sm, n):
    import torch.nn.functional as F

    normal, empty, dims = tensors(torch)
    size, rows = n * n * 2, schedules("rows")
    epsilon = torch.full((1,), 1e-5, device="cuda")

    def add(case, kernel, names, operands):
        for s in rows:
            threads = s.GROUP * s.ROWS
            blocks = n_sm * s.BLOCKS if s.STAGES else -(-n // s.ROWS)
            shared = s.STAGES * operands * threads * s.CHUNKS * 16 + 1024
            of = dims(n, n, blocks)
            case.own[s.name] = lambda o, s=s, t=threads, b=blocks, m=shared, of=of: s.launch(kernel, m, b, t, [*(o[x] for x in names), of])
        return case

    make = lambda: {"x": normal(n, n), "r": normal(n, n), "w": normal(n), "b": normal(n), "y": empty(n, n), "sum": empty(n, n), "epsilon": epsilon,
                    "results": ["y", "sum"]}
    softmax = add(Case("softmax", make, 2 * size, slack=1e-7), "softmax", ["x", "y"], 1)
    softmax.wanted = lambda o: [("y", torch.softmax(o["x"].double(), -1))]
    softmax.torch = lambda o: torch.softmax(o["x"], -1)
    yield softmax
    del softmax
    layer = add(Case("layer norm", make, 2 * size), "layer_norm", ["x", "w", "b", "y", "epsilon"], 1)
    layer.wanted = lambda o: [("y", F.layer_norm(o["x"].double(), (n,), o["w"].double(), o["b"].double(), 1e-5))]
    layer.torch = lambda o: F.layer_norm(o["x"], (n,), o["w"], o["b"], 1e-5)
    yield layer
    del layer
    rms = add(Case("residual + RMS norm", make, 4 * size), "residual_rms_norm", ["x", "r", "w", "sum", "y", "epsilon"], 2)
    norm = lambda x, w: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * w
    rms.wanted = lambda o: [("sum", (o["x"] + o["r"]).double()), ("y", norm((o["x"] + o["r"]).double(), o["w"].double()))]

    def both(o):
        s = o["x"] + o["r"]
        return s, norm(s.float(), o["w"].float()).to(s.dtype)

    rms.torch = both
    yield rms


def backward_cases(torch, n_sm, n):
    import torch.nn.functional as F

    normal, empty, dims = tensors(torch)
    for is_rms in (True, False):
        most = n_sm * 2

        def make():
            o = {"dy": normal(n, n), "x": normal(n, n), "w": normal(n), "dx": empty(n, n), "partials": empty(2, most, n, dtype=torch.float32),
                 "sums": empty(2, n), "results": ["dx", "partials", "sums"]}
            x = o["x"].float()
            o["mean"] = torch.zeros(n, device="cuda") if is_rms else x.mean(-1)
            o["scale"] = torch.rsqrt(((x - o["mean"][:, None]) ** 2).mean(-1) + 1e-5)
            return o

        case = Case("RMS norm backward" if is_rms else "layer norm backward", make, 3 * n * n * 2, slack=1e-4)

        def wanted(o, is_rms=is_rms):
            dy, x, w = o["dy"].double(), o["x"].double(), o["w"].double()
            scale = o["scale"].double()[:, None]
            norm = (x - o["mean"].double()[:, None]) * scale
            g = dy * w
            mean = 0 if is_rms else g.mean(-1, keepdim=True)
            yield "dx", scale * (g - mean - norm * (g * norm).mean(-1, keepdim=True))
            yield lambda o: o["sums"][0], (dy * norm).sum(0)
            if not is_rms:
                yield lambda o: o["sums"][1], dy.sum(0)

        case.wanted = wanted
        for s in schedules("norm_backward"):
            blocks, shared = n_sm * s.BLOCKS, s.STAGES * 2 * s.CHUNKS * s.THREADS * 16 + 512
            sizes, sum_sizes = dims(n, n, blocks), dims(n, blocks)

            def run(o, s=s, b=blocks, m=shared, sizes=sizes, sum_sizes=sum_sizes, is_rms=is_rms):
                saved = [o["scale"]] if is_rms else [o["mean"], o["scale"]]
                kernel = "rms_norm_backward" if is_rms else "layer_norm_backward"
                s.launch(kernel, m, b, s.THREADS, [o["dy"], o["x"], o["w"], *saved, o["dx"], o["partials"], sizes])
                s.launch("sum_partials", 1024, n // 32 * (1 if is_rms else 2), 256, [o["partials"], o["sums"], sum_sizes])

            case.own[s.name] = run
        if not is_rms:
            case.others["torch"] = lambda o: torch.ops.aten.native_layer_norm_backward(
                o["dy"], o["x"], [n], o["mean"][:, None], o["scale"][:, None], o["w"], o["w"], [True, True, True])
        yield case
        del case


def long_cases(torch, n_sm, n, columns):
    import torch.nn.functional as F

    normal, empty, dims = tensors(torch)
    size, rows, of = n * columns * 2, schedules("long_rows"), dims(n, columns)
    make = lambda: {"x": normal(n, columns, scale=3), "y": empty(n, columns), "t": torch.randint(columns, (n,), device="cuda"),
                    "loss": empty(n, dtype=torch.float32), "results": ["y", "loss"]}
    loss = Case(f"cross-entropy {n} x {columns}", make, size, slack=1e-4)
    loss.wanted = lambda o: [("loss", torch.cat([F.cross_entropy(o["x"][i : i + 512].double(), o["t"][i : i + 512], reduction="none") for i in range(0, n, 512)]))]
    loss.torch = lambda o: F.cross_entropy(o["x"].float(), o["t"], reduction="none")
    for s in rows:
        if s.CLUSTER == 1 and not s.IS_TILE:
            loss.own[s.name] = lambda o, s=s: s.launch("cross_entropy", 512, n, s.THREADS, [o["x"], o["t"], o["loss"], of])
    yield loss
    del loss
    softmax = Case(f"softmax {n} x {columns}", make, 2 * size, slack=1e-7)
    softmax.wanted = lambda o: ((lambda o, i=i: o["y"][i : i + 512], torch.softmax(o["x"][i : i + 512].double(), -1)) for i in range(0, n, 512))
    softmax.torch = lambda o: torch.softmax(o["x"], -1)
    for s in rows:
        if s.CLUSTER == 1:
            softmax.own[s.name] = lambda o, s=s: s.launch("softmax_twice", 512, n, s.THREADS, [o["x"], o["y"], of])
        elif s.IS_TILE and s.CLUSTER * s.THREADS * s.CHUNKS * 8 >= columns:
            clusters = n_sm * s.BLOCKS // s.CLUSTER
            of_all = dims(n, columns, clusters)
            softmax.own[s.name] = lambda o, s=s, c=clusters, of=of_all: s.launch(
                "softmax_tile", s.THREADS * s.CHUNKS * 16 + 1024, c * s.CLUSTER, s.THREADS, [o["x"], o["y"], of])
        elif s.CLUSTER * s.THREADS * s.CHUNKS * 8 >= columns:
            softmax.own[s.name] = lambda o, s=s: s.launch("softmax_cluster", 512, n * s.CLUSTER, s.THREADS, [o["x"], o["y"], of])
    yield softmax


def skinny_cases(torch, n_sm, N, K):
    normal, empty, dims = tensors(torch)
    for bits, group in ((16, 0), (4, 128), (4, 32)):
        rows = [s for s in schedules("skinny") if (s.BITS, s.GROUP) == (bits, group) and N % (16 * s.TILES * s.WARPS_N) == 0]
        for M in (1, 4, 16):

            def make():
                o = {"x": normal(M, K), "y": empty(M, N), "results": ["y"]}
                for tiles in {s.TILES for s in rows}:
                    o[tiles] = packed(torch, bits, group, tiles, N, K)
                return o

            n_bytes = N * K * bits // 8 + (N * K // group * 2 if group else 0) + 2 * M * (N + K)
            case = Case(f"M = {M}, {N} x {K}, {bits} bits" + (f", groups of {group}" if group else ""), make, n_bytes, slack=2e-2)
            of = dims(M, N, K)
            for s in rows:
                if s.COLUMNS != (8 if M <= 8 else 16):
                    continue
                warps, step_bytes = s.WARPS_N * s.WARPS_K, s.TILES * (2048 if bits == 16 else 1024 + 128 // group * 32)
                shared = warps * max(s.STAGES * step_bytes, s.TILES * 16 * s.COLUMNS * 4)
                case.own[s.name] = lambda o, s=s, m=shared, w=warps: s.launch(
                    "skinny_product", m, N // (16 * s.TILES * s.WARPS_N), w * 32, [o["x"], o[s.TILES], o["y"], of])
            tiles_of = {s.name: s.TILES for s in rows}
            case.wanted_of = lambda o, name: [("y", o["x"].double() @ unpacked(torch, o[tiles_of[name]], bits, group, tiles_of[name], N, K).T)]
            if bits == 16:
                case.others["torch"] = lambda o: torch.mm(o["x"], next(v for k, v in o.items() if isinstance(k, int)).view(torch.bfloat16).view(N, K).t(), out=o["y"])
            yield case
            del case


def attention_cases(torch, n_sm, B, H, S):
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel

    normal, empty, dims = tensors(torch)
    for D in (128, 64):
        totals = empty(B * H * (S + 256) * D, dtype=torch.float32)  # of whole tiles
        for is_causal in (False, True):
            make = lambda: {"q": normal(B, H, S, D), "k": normal(B, H, S, D), "v": normal(B, H, S, D), "o": empty(B, H, S, D),
                            "totals": totals, "results": ["o"]}
            flop = 4 * B * H * S * S * D // (2 if is_causal else 1)
            case = Case(f"attention D = {D} S = {S}{' causal' if is_causal else ''}", make, 8 * B * H * S * D, flop, slack=4e-3 if is_causal else 5e-4)
            factor, of = torch.full((1,), D**-0.5, device="cuda"), dims(B * H, 1, S, S)

            def wanted(o, is_causal=is_causal):
                for b, h in ((0, 0), (B - 1, H // 2), (B - 1, H - 1)):
                    q, k, v = (o[x][b, h].double() for x in "qkv")
                    s = q @ k.T * float(D**-0.5)
                    if is_causal:
                        s.masked_fill_(torch.ones(S, S, device="cuda", dtype=torch.bool).triu(1), float("-inf"))
                    yield lambda o, b=b, h=h: o["o"][b, h], torch.softmax(s, -1) @ v

            case.wanted = wanted
            for s in schedules("attention"):
                if s.D != D:
                    continue
                tile, threads = s.ROWS * s.WARPS * 16, s.WARPS * 32
                shared = tile * D * 2 + s.STAGES * 4 * s.KEYS * D + (s.ROWS * D // 2 * threads * 4 if s.IS_TOTAL_SHARED else 0)
                kernel = "attention_causal" if is_causal else "attention_full"
                case.own[s.name] = lambda o, s=s, m=shared, b=B * H * -(-S // tile), t=threads, k=kernel: s.launch(k, m, b, t, [o["q"], o["k"], o["v"], o["o"], o["totals"], factor, of])

            def library(backend):
                def run(o):
                    with sdpa_kernel(backend):
                        F.scaled_dot_product_attention(o["q"], o["k"], o["v"], is_causal=is_causal)

                return run

            case.others = {"FlashAttention-2": library(SDPBackend.FLASH_ATTENTION), "cuDNN": library(SDPBackend.CUDNN_ATTENTION)}
            yield case
            del case


def decode_cases(torch, n_sm, B, H, H_kv, T, D):
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel

    normal, empty, dims = tensors(torch)
    group, pairs = H // H_kv, B * H_kv
    make = lambda: {"q": normal(B, H, 1, D), "k": normal(B, H_kv, T, D), "v": normal(B, H_kv, T, D), "o": empty(B, H, 1, D),
                    "sums": empty(pairs * (T // 512 + 1) * group * D, dtype=torch.float32), "tops": empty(pairs * (T // 512 + 1) * group * 2, dtype=torch.float32),
                    "results": ["o", "sums", "tops"]}
    case = Case(f"decode B = {B}, {H} heads over {H_kv}, {T} keys", make, 4 * pairs * T * D + 4 * B * H * D, slack=1e-3)
    case.wanted = lambda o: [("o", F.scaled_dot_product_attention(o["q"].double(), o["k"].double(), o["v"].double(), enable_gqa=True))]
    factor, of = torch.full((1,), D**-0.5, device="cuda"), dims(pairs, group, T)
    for s in schedules("attention_decode"):
        if s.D != D:
            continue
        partials = -(-T // (s.KEYS * s.PARTIAL))
        combine = dims(partials, group)

        def run(o, s=s, partials=partials, combine=combine):
            s.launch("attention_decode", s.WARPS * s.SLICES * s.KEYS * D * 2, -(-pairs * partials // s.WARPS), s.WARPS * 32,
                     [o["q"], o["k"], o["v"], o["sums"], o["tops"], factor, of])
            s.launch("attention_combine", 0, pairs * group, D, [o["sums"], o["tops"], o["o"], combine])

        case.own[s.name] = run

    def library(o):
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            F.scaled_dot_product_attention(o["q"], o["k"], o["v"], enable_gqa=True)

    case.others["cuDNN"] = library
    yield case


def wgmma_cases(torch, n_sm, sizes):
    normal, empty, dims = tensors(torch)
    for M, N, K in sizes:

        def make():
            o = {"a": normal(M, K), "b": normal(K, N), "c": empty(M, N), "results": ["c"]}
            maps = tensor_map(o["a"], 128, 64) + tensor_map(o["b"], 64, 64)
            o["maps"] = torch.frombuffer(bytearray(maps), dtype=torch.uint8).cuda()
            return o

        case = Case(f"product {M} x {N} x {K}", make, 2 * (M * K + K * N + M * N), 2 * M * N * K, slack=1e-2)
        case.wanted = lambda o: [("c", o["a"].double() @ o["b"].double())]
        of = dims(M, N, K, n_sm)
        for s in schedules("wgmma_bf16"):
            shared = 1024 + s.STAGES * (49152 + 16)
            case.own[s.name] = lambda o, s=s, m=shared: s.launch("wgmma_bf16", m, n_sm, 384, [o["maps"], o["c"], of])
        case.others["cuBLASLt"] = lambda o: torch.matmul(o["a"], o["b"], out=o["c"])
        yield case
        del case


PARTS = {
    "maps": lambda torch, n_sm: map_cases(torch, n_sm, 8192),
    "rows": lambda torch, n_sm: row_cases(torch, n_sm, 8192),
    "backward": lambda torch, n_sm: backward_cases(torch, n_sm, 8192),
    "long": lambda torch, n_sm: long_cases(torch, n_sm, 4096, 128256),
    "skinny": lambda torch, n_sm: skinny_cases(torch, n_sm, 14336, 4096),
    "skinny_down": lambda torch, n_sm: skinny_cases(torch, n_sm, 4096, 14336),
    "wgmma": lambda torch, n_sm: wgmma_cases(torch, n_sm, [(1000, 1192, 1096), (2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192), (2048, 14336, 4096)]),
    "attention": lambda torch, n_sm: attention_cases(torch, n_sm, 4, 32, 4096),
    "decode": lambda torch, n_sm: decode_cases(torch, n_sm, 16, 32, 8, 8192, 128),
}


SMALL_PARTS = {
    "maps": lambda torch, n_sm: map_cases(torch, n_sm, 384),
    "rows": lambda torch, n_sm: row_cases(torch, n_sm, 640),
    "backward": lambda torch, n_sm: backward_cases(torch, n_sm, 640),
    "long": lambda torch, n_sm: long_cases(torch, n_sm, 200, 2504),
    "skinny": lambda torch, n_sm: skinny_cases(torch, n_sm, 128, 1280),
    "wgmma": lambda torch, n_sm: wgmma_cases(torch, n_sm, [(260, 520, 328)]),
    "attention": lambda torch, n_sm: attention_cases(torch, n_sm, 1, 2, 650),
    "decode": lambda torch, n_sm: decode_cases(torch, n_sm, 1, 8, 2, 1500, 128),
}


def orders_agree(torch, T):
    """Whether decoding and the forward kernel give the same bits where both have chains of as many keys."""
    normal, empty, dims = tensors(torch)
    D, pairs, group, bad = 128, 6, 4, 0
    q, k, v = normal(pairs * group, D), normal(pairs, T, D), normal(pairs, T, D)
    half = T // 2  # values that cancel: the result shows in which order f32 numbers were added
    k[:, T - half :] = k[:, :half].flip(1)
    v[:, T - half :] = (0.01 * torch.randn(pairs, half, D, device="cuda") - v[:, :half].flip(1).float()).to(v.dtype)
    factor, totals = torch.full((1,), D**-0.5, device="cuda"), empty(pairs * group * 256 * D, dtype=torch.float32)
    for d in schedules("attention_decode"):
        if d.D != D:
            continue
        partials, o = -(-T // (d.KEYS * d.PARTIAL)), empty(pairs * group, D)
        sums, tops = empty(pairs * partials * group * D, dtype=torch.float32), empty(pairs * partials * group * 2, dtype=torch.float32)
        d.launch("attention_decode", d.WARPS * d.SLICES * d.KEYS * D * 2, -(-pairs * partials // d.WARPS), d.WARPS * 32, [q, k, v, sums, tops, factor, dims(pairs, group, T)])
        d.launch("attention_combine", 0, pairs * group, D, [sums, tops, o, dims(partials, group)])
        for f in schedules("attention"):
            if (f.D, f.KEYS, f.PARTIAL) != (D, d.KEYS, d.PARTIAL):
                continue
            tile, threads, same = f.ROWS * f.WARPS * 16, f.WARPS * 32, empty(pairs * group, D)
            shared = tile * D * 2 + f.STAGES * 4 * f.KEYS * D + (f.ROWS * D // 2 * threads * 4 if f.IS_TOTAL_SHARED else 0)
            f.launch("attention_causal", shared, pairs * group, threads, [q, k, v, same, totals, factor, dims(pairs * group, group, 1, T)])
            torch.cuda.synchronize()
            agree = torch.equal(o.view(torch.int16), same.view(torch.int16))
            bad += not agree
            print(f"{d.name} and {f.name}, {T} keys: {'the same bits' if agree else 'DIFFERENT bits'}", flush=True)
    return bad


def verify(torch, n_sm, parts):
    bad = orders_agree(torch, 3000) if "decode" in parts else 0
    for part in parts:
        for case in SMALL_PARTS[part](torch, n_sm):
            errors = {name: case.error(run, name) for name, run in case.own.items()}
            bad += sum(not e <= 1 for e in errors.values())
            print(f"{case.name}: {len(errors)} schedules, error at most {max(errors.values()):.2f} of the bound", flush=True)
    print(f"{bad} wrong")
    return bad != 0


def copy_graph(torch):
    case = Case("copy", lambda: {"x": torch.randn(8192, 4096, device="cuda"), "y": torch.empty(8192, 4096, device="cuda")}, 2 << 27)
    return case.graph(lambda o: o["y"].copy_(o["x"])), case.bytes, case  # which owns the graph's memory


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--compile")
    args.add_argument("--cubins")
    args.add_argument("--only", action="append")
    args.add_argument("--out")
    args.add_argument("--repetitions", type=int, default=9)
    args.add_argument("--compiled", action="store_true")
    args.add_argument("--verify-only", action="store_true")
    args = args.parse_args()
    if args.compile:
        from nvrtc import Nvrtc

        os.makedirs(args.compile, exist_ok=True)
        nvrtc = Nvrtc()
        for table in args.only or TABLES:
            for s in schedules(table):
                s.compile(nvrtc, args.compile)
        return 0
    import torch

    torch.manual_seed(1)
    Schedule.folder = args.cubins
    n_sm = torch.cuda.get_device_properties(0).multi_processor_count
    if args.verify_only:
        return verify(torch, n_sm, args.only or SMALL_PARTS)
    copy, reports = copy_graph(torch), []
    for part in args.only or PARTS:
        for case in PARTS[part](torch, n_sm):
            try:
                if hasattr(case, "torch"):
                    case.others["torch"] = case.torch
                    if args.compiled:
                        compiled = case.others["torch.compile"] = torch.compile(case.torch)
                        compiled(case.sets[0])
                reports.append(measure(case, copy, args.repetitions))
            except Exception as e:
                print(f"\n{case.name}: {type(e).__name__}: {str(e)[:500]}", flush=True)
                reports.append({"case": case.name, "errors": {"failed": float("inf")}})
            del case
        torch.cuda.empty_cache()
        if args.out:
            with open(args.out, "w") as f:
                json.dump({"gpu": torch.cuda.get_device_name(0), "torch": torch.__version__, "cases": reports}, f, indent=1)
    bad = sum(not e <= 1 for r in reports for e in r["errors"].values())
    print(f"{bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
