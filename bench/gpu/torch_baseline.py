# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What PyTorch reaches on the GPU of this machine, for frit's figures to stand beside.

    python3 torch_baseline.py [--budget SECONDS] [--only GROUP,...] [--out FILE.json]

Groups, in this order: kernels, attention, convolutions, models, single (models in f32), autotune. What no longer fits into the
budget is left out, and a line says so. Writes FILE.json (default $OUT/torch_baseline.json, else ./torch_baseline.json) after
every row, so that a run that is cut short leaves what it has.

Kernels are replays of a CUDA graph, so that the host's launches do not count, each behind a write of 512 MB that takes the
operands out of L2; the time is between two events around the replay. Models are timed as a user calls them (from one event to
the next, host included, no write between: their weights are beyond L2 or meant to stay there). Medians. Every result is
compared: kernels with the same formula in f64 (attention: in f32), compiled models with eager ones. Compile seconds are of an
empty cache for mode "default", of its kernels' cache for "reduce-overhead"; the compiler's worker processes are up before."""

import argparse
import contextlib
import json
import os
import signal
import statistics
import sys
import time
import traceback

import torch
import torch.nn.functional as F

from torch_models import model_rows

GROUPS = ["kernels", "attention", "convolutions", "models", "single", "autotune"]
FLUSH_BYTES = 512 << 20
SECONDS_A_ROW = 0.15  # of timed runs, unless that is fewer than MIN_RUNS
MIN_RUNS, MAX_RUNS = 10, 60
LONGEST_ROW_S = 100  # a row that takes longer is given up
BF16, F32 = torch.bfloat16, torch.float32


class OutOfTime(Exception):
    pass


class Run:
    """The report under way, and the time that is left for it."""

    def __init__(self, path, budget):
        self.path, self.deadline = path, time.monotonic() + budget
        self.report = {"gpu": torch.cuda.get_device_name(0), "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "rows": [], "skipped": []}
        self.flush_area = torch.empty(FLUSH_BYTES // 4, device="cuda", dtype=torch.int32)

    def left(self):
        return self.deadline - time.monotonic()

    def save(self):
        with open(self.path, "w") as f:
            json.dump(self.report, f, indent=1)

    def skip(self, name, why):
        self.report["skipped"].append({"name": name, "why": why})
        print(f"  skip: {name}: {why}", flush=True)

    def do(self, name, needs_s, make):
        """Adds the row that make() returns, unless less than needs_s seconds are left."""
        if self.left() < needs_s:
            return self.skip(name, f"{needs_s:.0f} s would not fit into the {max(self.left(), 0):.0f} s left")
        try:
            with alarm(min(self.left(), LONGEST_ROW_S)):
                row = {"name": name, **make()}
        except OutOfTime:
            return self.skip(name, "took too long")
        except Exception as e:  # one row that fails does not take the others with it
            self.report.setdefault("traces", {})[name] = traceback.format_exc()[-3000:]
            return self.skip(name, f"{type(e).__name__}: {str(e).splitlines()[0][:160] if str(e) else ''}")
        finally:
            torch._dynamo.reset()
            torch.cuda.empty_cache()
        self.report["rows"].append(row)
        print(describe(row), flush=True)
        self.save()
        return row


@contextlib.contextmanager
def alarm(seconds):
    def ring(*_):
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def describe(row):
    parts = [f"  {row['name']:44}"]
    for mode, us in row["us"].items():
        parts.append(f"{mode} {us:.1f} us" if us < 1e4 else f"{mode} {us / 1e3:.2f} ms")
    best = min(row["us"].values())
    if row.get("flop"):
        parts.append(f"best {row['flop'] / best * 1e-6:.1f} TFLOP/s")
    if row.get("bytes"):
        parts.append(f"best {row['bytes'] / best * 1e-6:.2f} TB/s")
    if row.get("compile_s"):
        parts.append("compiled in " + ", ".join(f"{s:.1f} s" for s in row["compile_s"].values()))
    if row.get("peak_mb"):
        parts.append("peak " + ", ".join(f"{mb:.0f}" for mb in row["peak_mb"].values()) + " MB")
    parts.append("error " + ", ".join(f"{e:.1e}" for e in row["error"].values()))
    if row.get("wrong"):
        parts.append("WRONG: " + ", ".join(row["wrong"]))
    return "  ".join(parts)


def error_of(got, wanted):
    """||got - wanted|| / ||wanted||, infinite where a number is missing."""
    got, wanted = got.detach().double(), wanted.detach().double()
    e = float((got - wanted).norm() / wanted.norm().clamp_min(1e-30))
    return e if e == e else float("inf")


# --- timing ---


def event_pair():
    return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)


def runs_for(us):
    return int(min(MAX_RUNS, max(MIN_RUNS, SECONDS_A_ROW * 1e6 / max(us, 1))))


def time_once(run, before=None):
    """Microseconds between events around one run."""
    began, ended = event_pair()
    if before:
        before()
    began.record()
    run()
    ended.record()
    ended.synchronize()
    return began.elapsed_time(ended) * 1e3


def graph_of(run):
    """A CUDA graph of run(), which has been run before."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph


def time_all(runs, before=None):
    """Median microseconds of each of {name: run}; they take turns."""
    first = {name: statistics.median(time_once(run, before) for _ in range(3)) for name, run in runs.items()}
    n = runs_for(max(first.values()))
    times = {name: [] for name in runs}
    for _ in range(n):
        for name, run in runs.items():
            times[name].append(time_once(run, before))
    return {name: statistics.median(t) for name, t in times.items()}


# --- kernels ---


def compile_timed(f, *args, **options):
    """The compiled function, after a first call, and the seconds that this took."""
    compiled = torch.compile(f, dynamic=False, **options)
    began = time.monotonic()
    compiled(*args)
    torch.cuda.synchronize()
    return compiled, time.monotonic() - began


def kernel_row(run, f, args, bound, flop=0, n_bytes=0, modes=("default",), wanted=None):
    """f(*args) eager and compiled. bound: the error that is still right."""
    compiled, seconds = {"eager": f}, {}
    f(*args)
    for mode in modes:
        options = {} if mode == "default" else {"mode": mode}
        compiled[mode], seconds[mode] = compile_timed(f, *args, **options)
    if wanted is None:
        wanted = f(*[a.double() for a in args])
    error = {mode: error_of(g(*args), wanted) for mode, g in compiled.items()}
    del wanted
    graphs = {mode: graph_of(lambda g=g: g(*args)) for mode, g in compiled.items()}
    us = time_all({mode: g.replay for mode, g in graphs.items()}, run.flush_area.zero_)
    wrong = [mode for mode, e in error.items() if not e <= bound]
    return {"us": us, "flop": flop, "bytes": n_bytes, "compile_s": seconds, "error": error, "wrong": wrong}


def normal(*shape, dtype=F32, scale=1.0):
    return (torch.randn(*shape, device="cuda") * scale).to(dtype)


def chain(x, y):
    """The ten operators of tests/gpu/speed/chain.fir."""
    a = x + y
    d = torch.tanh(a * x) - y
    return torch.minimum(-torch.maximum(torch.exp(torch.sqrt(torch.abs(d))), x), y)


def gelu_gate(x, y):
    return F.gelu(x + y) * torch.sigmoid(y)


def softmax(x):
    return torch.softmax(x, -1)


def layer_norm(x, w, b):
    return F.layer_norm(x, (x.shape[-1],), w, b)


def residual_layer_norm(x, r, w, b):
    return F.layer_norm(x + r, (x.shape[-1],), w, b)


def linear_gelu(x, w, b):
    return F.gelu(x @ w + b)


def name_of(dtype):
    return {F32: "f32", BF16: "bf16"}[dtype]


def bound_of(dtype):
    return {F32: 1e-5, BF16: 1e-2}[dtype]


def memory_kernels(run):
    n = 16 << 20
    for f in (chain, gelu_gate):
        for dtype in (F32, BF16):
            bound = {F32: 1e-5, BF16: 3e-2}[dtype]
            run.do(f"{f.__name__} {n} {name_of(dtype)}", 5, lambda f=f, dtype=dtype, bound=bound: kernel_row(
                run, f, [normal(n, dtype=dtype), normal(n, dtype=dtype)], bound, n_bytes=3 * n * dtype.itemsize))
    rows = 4096
    for f, n_whole in ((softmax, 1), (layer_norm, 1), (residual_layer_norm, 2)):
        for dtype in (F32, BF16):
            def make(f=f, dtype=dtype, n_whole=n_whole):
                args = [normal(rows, rows, dtype=dtype) for _ in range(n_whole)]
                args += [normal(rows, dtype=dtype), normal(rows, dtype=dtype)] if f is not softmax else []
                return kernel_row(run, f, args, bound_of(dtype), n_bytes=(n_whole + 1) * rows * rows * dtype.itemsize)

            run.do(f"{f.__name__} {rows} x {rows} {name_of(dtype)}", 5, make)


def linear_row(run, size, dtype, tf32, modes=("default",)):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        args = [normal(size, size, dtype=dtype), normal(size, size, dtype=dtype, scale=size**-0.5), normal(size, dtype=dtype)]
        bound = bound_of(dtype) if not tf32 else 2e-3
        return kernel_row(run, linear_gelu, args, bound, flop=2 * size**3, modes=modes)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def kernels(run):
    memory_kernels(run)
    for size in (2048, 4096, 8192):
        for dtype, tf32 in ((BF16, False), (F32, True), (F32, False)):
            label = "bf16" if dtype is BF16 else "f32 by tf32" if tf32 else "f32"
            run.do(f"matmul + bias + gelu {size} {label}", 6, lambda size=size, dtype=dtype, tf32=tf32: linear_row(run, size, dtype, tf32))


def autotune(run):
    for size in (4096, 2048, 8192):
        run.do(f"matmul + bias + gelu {size} bf16, autotuned", 30, lambda size=size: linear_row(
            run, size, BF16, False, modes=("default", "max-autotune-no-cudagraphs")))


# --- attention ---


def attention_row(run, batch, heads, kv_heads, length, width, dtype, is_causal):
    from torch.nn.attention import SDPBackend, sdpa_kernel

    q = normal(batch, heads, length, width, dtype=dtype)
    k, v = (normal(batch, kv_heads, length, width, dtype=dtype) for _ in range(2))
    attend = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, enable_gqa=heads != kv_heads)
    backends = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION}
    with sdpa_kernel(SDPBackend.MATH):
        wanted = attend(*(x[:1].float() for x in (q, k, v)))
    graphs, error, missing = {}, {}, {}
    for name, backend in [("chosen", None), *backends.items()]:
        try:
            with sdpa_kernel(backend) if backend is not None else contextlib.nullcontext():
                error[name] = error_of(attend(q, k, v)[:1], wanted)
                graphs[name] = graph_of(lambda: attend(q, k, v))
        except RuntimeError as e:  # this backend does not do this case
            missing[name] = str(e).splitlines()[0][:120]
            error.pop(name, None)
    us = time_all({name: g.replay for name, g in graphs.items()}, run.flush_area.zero_)
    flop = 4 * batch * heads * length * length * width / (2 if is_causal else 1)
    wrong = [name for name, e in error.items() if not e <= {F32: 1e-5, BF16: 2e-2}[dtype]]
    return {"us": us, "flop": flop, "error": error, "wrong": wrong, "missing": missing}


def attention(run):
    cases = [(8, 16, 16, length, width, BF16, causal) for length in (1024, 4096) for width in (64, 128) for causal in (False, True)]
    cases += [(8, 4, 2, 1024, 64, F32, True), (8, 16, 16, 1024, 64, F32, False)]
    for case in cases:
        batch, heads, kv_heads, length, width, dtype, causal = case
        name = f"attention B={batch} H={heads}/{kv_heads} S={length} D={width} {name_of(dtype)}{' causal' if causal else ''}"
        run.do(name, 4, lambda case=case: attention_row(run, *case))


# --- convolutions ---

# ResNet-50's: channels in, height and width, channels out, kernel, stride.
CONVOLUTIONS = [(3, 224, 64, 7, 2), (64, 56, 64, 1, 1), (64, 56, 64, 3, 1), (64, 56, 256, 1, 1), (128, 56, 128, 3, 2), (128, 28, 128, 3, 1),
                (512, 28, 128, 1, 1), (256, 14, 256, 3, 1), (1024, 14, 256, 1, 1), (512, 7, 512, 3, 1), (512, 7, 2048, 1, 1)]


def convolution_row(run, batch, case, dtype, tf32):
    channels, size, out_channels, kernel, stride = case
    torch.backends.cudnn.allow_tf32 = tf32
    x = normal(batch, channels, size, size, dtype=dtype).to(memory_format=torch.channels_last)
    w = normal(out_channels, channels, kernel, kernel, dtype=dtype, scale=(channels * kernel**2) ** -0.5).to(memory_format=torch.channels_last)
    b = normal(out_channels, dtype=dtype)
    f = lambda x, w, b: F.relu(F.conv2d(x, w, b, stride=stride, padding=kernel // 2))
    wanted = f(x[:1].double(), w.double(), b.double())
    y = f(x, w, b)
    error = {"eager": error_of(y[:1], wanted)}
    graph = graph_of(lambda: f(x, w, b))
    us = time_all({"eager": graph.replay}, run.flush_area.zero_)
    flop = 2 * y.numel() * channels * kernel**2
    n_bytes = (x.numel() + w.numel() + y.numel()) * dtype.itemsize
    bound = 2e-3 if tf32 and dtype is F32 else {F32: 1e-5, BF16: 1e-2}[dtype]
    return {"us": us, "flop": flop, "bytes": n_bytes, "error": error, "wrong": [] if error["eager"] <= bound else ["eager"]}


def convolutions(run):
    for batch, dtype, tf32 in ((64, BF16, False), (1, BF16, False), (64, F32, False), (1, F32, False), (64, F32, True)):
        for case in CONVOLUTIONS:
            channels, size, out_channels, kernel, stride = case
            label = name_of(dtype) + (" by tf32" if tf32 else "")
            name = f"conv {kernel}x{kernel}/{stride} {channels}->{out_channels} of {size} B={batch} {label}"
            run.do(name, 2, lambda case=case, batch=batch, dtype=dtype, tf32=tf32: convolution_row(run, batch, case, dtype, tf32))


# --- models ---


def call(f, args):
    """The model's output; with CUDA graphs the next call writes over it."""
    torch.compiler.cudagraph_mark_step_begin()
    with torch.no_grad():
        return f(*args)


def peak_of(f, args):
    """Megabytes that the allocator has handed out at most during a call."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    call(f, args)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() / 2**20


def model_row(row):
    """Eager, compiled, and compiled with CUDA graphs. The first two take turns; the third is compiled last, with the second's
    kernels in the compiler's cache, so that its seconds are those of a warm cache."""
    torch.manual_seed(3)
    before_mb = torch.cuda.memory_allocated() / 2**20
    model, args = row.make()
    wanted = call(model, args).float().clone()
    fs, seconds, error, peak = {"eager": model}, {}, {}, {"eager": peak_of(model, args)}
    for mode, options in (("default", {}), ("reduce-overhead", {"mode": "reduce-overhead"})):
        torch._dynamo.reset()
        f = torch.compile(model, dynamic=False, **options)
        began = time.monotonic()
        call(f, args)
        torch.cuda.synchronize()
        seconds[mode] = time.monotonic() - began
        for _ in range(3):  # graphs are recorded at the second call
            got = call(f, args)
        error[mode], peak[mode], fs[mode] = error_of(got.float(), wanted), peak_of(f, args), f
        if mode == "default":
            us = time_all({"eager": lambda: call(model, args), mode: lambda f=f: call(f, args)})
        else:
            us.update(time_all({mode: lambda f=f: call(f, args)}))
    wrong = [mode for mode, e in error.items() if not e <= row.bound]
    return {"us": us, "flop": row.flop, "bytes": row.n_bytes, "compile_s": seconds,
            "peak_mb": {mode: mb - before_mb for mode, mb in peak.items()}, "error": error, "wrong": wrong}


def models(run, dtype=BF16):
    for row in model_rows(dtype):
        run.do(row.name, row.needs_s, lambda row=row: model_row(row))


def single(run):
    models(run, F32)


def start_compiler():
    """The first compile starts the compiler's worker processes; its seconds are nobody's."""
    began = time.monotonic()
    compile_timed(lambda x: torch.sin(x) + 1, normal(1024))
    print(f"the compiler is up after {time.monotonic() - began:.1f} s", flush=True)


def main():
    out = os.environ.get("OUT", ".")
    args = argparse.ArgumentParser()
    args.add_argument("--budget", type=float, default=330)
    args.add_argument("--only", default=",".join(GROUPS))
    args.add_argument("--out", default=os.path.join(out, "torch_baseline.json"))
    args = args.parse_args()
    wanted = args.only.split(",")
    unknown = set(wanted) - set(GROUPS)
    if unknown:
        sys.exit(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    torch.manual_seed(2)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    run = Run(args.out, args.budget)
    print(f"{run.report['gpu']}, torch {torch.__version__}, cuDNN {run.report['cudnn']}", flush=True)
    start_compiler()
    for group in GROUPS:
        if group in wanted:
            print(group, flush=True)
            with torch.no_grad():
                {"kernels": kernels, "attention": attention, "convolutions": convolutions, "models": models, "single": single,
                 "autotune": autotune}[group](run)
    run.save()
    n_wrong = sum(bool(r.get("wrong")) for r in run.report["rows"])
    print(f"{len(run.report['rows'])} rows, {n_wrong} wrong, {len(run.report['skipped'])} skipped, {run.left():.0f} s left")
    return n_wrong != 0


if __name__ == "__main__":
    sys.exit(main())
