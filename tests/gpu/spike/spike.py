# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python3 spike.py [--out FILE.json] [--quick] [--verify-only] [--compile-only]: the bf16 product of matmul_bf16.cu on the first GPU,
for every tiling of tiles.def: compared with a product in f64, then timed beside the same product by cuBLAS and cuBLASLt
(torch) and beside mma.sync on registers alone, all taking turns. Needs torch and libnvrtc. --verify-only times nothing and takes
small sizes, for compute-sanitizer. --compile-only needs no GPU and no torch: it prints what the compiler says of registers
and spills."""

import argparse
import ctypes
import json
import os
import re
import statistics
import subprocess
import sys

from nvrtc import Nvrtc

HERE = os.path.dirname(os.path.abspath(__file__))
CONSTANTS = ["TILE_M", "TILE_N", "TILE_K", "WARPS_M", "WARPS_N", "WARPS_K", "STAGES", "BLOCKS"]
SIZES = [(1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192), (16, 4096, 4096)]
# Partial tiles of every tiling along each dim, fewer tiles than stages, and one row.
ODD_SIZES = [(1000, 1192, 1096), (1, 4096, 4096), (130, 264, 40), (77, 72, 2056)]
SMALL_SIZES = [(130, 264, 40), (77, 72, 520), (260, 520, 328)]
LAUNCHES = 10  # of one graph
FLUSH_BYTES = 256 << 20  # operands take turns until they are beyond L2 together


def read(name):
    with open(os.path.join(HERE, name)) as f:
        return f.read()


class Tiling:
    def __init__(self, row):
        fields = [x.strip() for x in row.split(",")]
        self.name = fields[0]
        self.of = dict(zip(CONSTANTS, map(int, fields[1:])))
        f = self.of
        self.threads = f["WARPS_M"] * f["WARPS_N"] * f["WARPS_K"] * 32
        self.shared = f["STAGES"] * (f["TILE_M"] + f["TILE_N"]) * f["TILE_K"] * 2

    def text(self):
        row = ", ".join(f"{name} = {value}" for name, value in self.of.items())
        return f"{read('prelude.cu')}\nenum {{ {row} }};\n{read('matmul_bf16.cu')}"

    def blocks(self, m, n):
        return -(-m // self.of["TILE_M"]) * -(-n // self.of["TILE_N"])

    def is_for(self, m):
        """Small tiles are for few rows, large ones for many."""
        return (self.of["TILE_M"] <= 16) == (m <= 16)


def tilings():
    return [Tiling(row) for row in re.findall(r"^TILES\((.*)\)", read("tiles.def"), re.M)]


def compile_all(nvrtc, rows):
    for t in rows:
        t.cubin, log = nvrtc.compile(t.text(), t.name)
        t.registers = int(re.search(r"Used (\d+) registers", log).group(1))
        t.spilled = int(re.search(r"(\d+) bytes spill stores", log).group(1))
        print(f"{t.name:15} {t.threads:4} threads {t.registers:3} registers {t.spilled:3} bytes spilled {t.shared // 1024:3} KiB shared")
    return nvrtc.compile(read("prelude.cu") + read("mma_roof.cu"), "mma_roof")[0]


class Function:
    """A kernel of a cubin, in the context that torch has made current."""

    driver = None

    def __init__(self, cubin, name, shared):
        if not Function.driver:
            Function.driver = ctypes.CDLL("libcuda.so.1")
        self.shared, self.module, self.function = shared, ctypes.c_void_p(), ctypes.c_void_p()
        self.image = ctypes.create_string_buffer(cubin, len(cubin))
        self.must(self.driver.cuModuleLoadData(ctypes.byref(self.module), self.image))
        self.must(self.driver.cuModuleGetFunction(ctypes.byref(self.function), self.module, name.encode()))
        if shared:
            self.must(self.driver.cuFuncSetAttribute(self.function, 8, shared))

    def must(self, result):
        if result:
            text = ctypes.c_char_p()
            self.driver.cuGetErrorString(result, ctypes.byref(text))
            raise RuntimeError(f"CUDA: {text.value.decode() if text.value else result}")

    def launch(self, stream, blocks, threads, tensors):
        values = [ctypes.c_void_p(t.data_ptr()) for t in tensors]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        self.must(self.driver.cuLaunchKernel(self.function, blocks, 1, 1, threads, 1, 1, self.shared, ctypes.c_void_p(stream), pointers, None))


class Problem:
    """Operands of one size, as many sets as take them beyond L2, and the product in f64 of the first set."""

    def __init__(self, torch, m, n, k, is_timed=True):
        self.torch, self.m, self.n, self.k = torch, m, n, k
        bytes_of_set = 2 * (m * k + k * n + m * n)
        n_sets = min(-(-FLUSH_BYTES // bytes_of_set), 2 * LAUNCHES) if is_timed else 1
        normal = lambda *shape: torch.randn(*shape, device="cuda", dtype=torch.bfloat16)
        self.sets = [(normal(m, k), normal(k, n), torch.empty(m, n, device="cuda", dtype=torch.bfloat16)) for _ in range(max(n_sets, 1))]
        self.dims = torch.tensor([m, n, k], device="cuda", dtype=torch.int64)
        a, b, _ = self.sets[0]
        self.wanted = a.double() @ b.double()
        self.weight = a.double().abs() @ b.double().abs()

    def launch(self, tiling, operands):
        stream = self.torch.cuda.current_stream().cuda_stream
        tiling.function.launch(stream, tiling.blocks(self.m, self.n), tiling.threads, [*operands, self.dims])

    def error(self, run):
        """How far the result is off, over half an ulp of bf16 (2^-8 of the number at most) and 1e-5 of the sum of the products' magnitudes: at most 1 is right."""
        result = self.sets[0][2]
        result.fill_(float("nan"))
        run(self.sets[0])
        self.torch.cuda.synchronize()
        bound = self.wanted.abs() * 2.0**-8 + 1e-5 * self.weight
        worst = ((result.double() - self.wanted).abs() / bound).nan_to_num(nan=float("inf")).max()
        return float(worst)

    def graph(self, run):
        """A graph of LAUNCHES launches that take turns among the sets."""
        torch = self.torch
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


def time_graph(torch, graph):
    """Microseconds of one launch."""
    began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    began.record()
    graph.replay()
    ended.record()
    ended.synchronize()
    return began.elapsed_time(ended) * 1e3 / LAUNCHES


class Roof:
    """mma.sync on registers: one block of 8 warps for each multiprocessor."""

    MMA_FLOP = 2 * 16 * 8 * 16

    def __init__(self, torch, cubin, rounds=6000):
        self.torch, self.function = torch, Function(cubin, "mma_roof", 0)
        self.blocks = torch.cuda.get_device_properties(0).multi_processor_count
        self.rounds = rounds
        self.operands = torch.randn(2 * 32 * 32, device="cuda", dtype=torch.bfloat16)
        self.out = torch.empty(self.blocks * 256, device="cuda")
        self.cycles = torch.zeros(self.blocks, device="cuda", dtype=torch.int64)
        self.dims = torch.tensor([rounds], device="cuda", dtype=torch.int64)

    def run(self, warps):
        torch = self.torch
        began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        began.record()
        self.function.launch(torch.cuda.current_stream().cuda_stream, self.blocks, warps * 32, [self.operands, self.out, self.cycles, self.dims])
        ended.record()
        ended.synchronize()
        flop = warps * 32 * self.rounds * self.MMA_FLOP
        cycles = statistics.median(self.cycles.tolist())
        seconds = began.elapsed_time(ended) * 1e-3
        return {"tflops": flop * self.blocks / seconds * 1e-12, "flop_per_cycle": flop / cycles, "ghz": cycles / seconds * 1e-9}


def library_run(torch, name):
    def run(operands):
        torch.backends.cuda.preferred_blas_library(name)
        torch.matmul(operands[0], operands[1], out=operands[2])

    return run


def bits_agree(torch, p, rows):
    """Whether all tilings give the same bits."""
    results = []
    for t in rows:
        p.launch(t, p.sets[0])
        results.append(p.sets[0][2].view(torch.int16).clone())
    return all(torch.equal(results[0], r) for r in results)


def verify(torch, rows, sizes):
    bad = 0
    for m, n, k in sizes:
        p = Problem(torch, m, n, k, is_timed=False)
        errors = {t.name: p.error(lambda o, t=t: p.launch(t, o)) for t in rows}
        errors["cublaslt"] = p.error(library_run(torch, "cublaslt"))
        wrong = [name for name, e in errors.items() if not e <= 1 and name != "cublaslt"]
        bad += len(wrong)
        alike = bits_agree(torch, p, [t for t in rows if t.of["WARPS_K"] == 1])
        bad += not alike
        own = max(e for name, e in errors.items() if name != "cublaslt")
        print(f"{m} x {n} x {k}: error at most {own:.3f} of the bound, cuBLASLt {errors['cublaslt']:.3f}; tilings without warps along k "
              f"{'agree' if alike else 'DIFFER'} bit by bit{'; WRONG: ' + ', '.join(wrong) if wrong else ''}", flush=True)
    return bad


def measure(torch, rows, roof, size, repetitions):
    m, n, k = size
    p = Problem(torch, m, n, k)
    fitting = [t for t in rows if t.is_for(m)]
    wrong = [t.name for t in fitting if not p.error(lambda o, t=t: p.launch(t, o)) <= 1]
    graphs = {t.name: p.graph(lambda o, t=t: p.launch(t, o)) for t in fitting}
    first = {name: statistics.median(time_graph(torch, g) for _ in range(4)) for name, g in graphs.items()}
    kept = sorted(first, key=first.get)[:2]
    racers = {name: graphs[name] for name in kept}
    for name in ("cublas", "cublaslt"):
        racers[name] = p.graph(library_run(torch, name))
    times, roofs = {name: [] for name in racers}, []
    for _ in range(repetitions):
        for name, graph in racers.items():
            times[name].append(time_graph(torch, graph))
        roofs.append(roof.run(8))
    flop, moved = 2 * m * n * k, 2 * (m * k + k * n + m * n)
    report = {"size": size, "wrong": wrong, "tilings": {name: flop / us * 1e-6 for name, us in first.items()}, "racers": {}}
    report["roof_tflops"] = statistics.median(r["tflops"] for r in roofs)
    print(f"\n{m} x {n} x {k}{'  WRONG: ' + ', '.join(wrong) if wrong else ''}; mma.sync on registers {report['roof_tflops']:.0f} TFLOP/s")
    best_library = min(statistics.median(times[x]) for x in ("cublas", "cublaslt"))
    for name, values in times.items():
        us, spread = statistics.median(values), (max(values) - min(values)) / statistics.median(values)
        row = {"us": us, "spread": spread, "tflops": flop / us * 1e-6, "tb_s": moved / us * 1e-6, "of_library": best_library / us}
        row["of_roof"] = row["tflops"] / report["roof_tflops"]
        report["racers"][name] = row
        print(f"  {name:15} {us:9.2f} us  {row['tflops']:6.1f} TFLOP/s  {row['tb_s']:5.2f} TB/s  {100 * row['of_roof']:5.1f} % of the roof  "
              f"{100 * row['of_library']:5.1f} % of the library  spread {100 * spread:.0f} %", flush=True)
    print("  all: " + ", ".join(f"{name} {tflops:.0f}" for name, tflops in sorted(report["tilings"].items(), key=lambda x: -x[1])))
    return report


def sample_clock():
    query = ["nvidia-smi", "--query-gpu=clocks.sm,power.draw", "--format=csv,noheader,nounits", "-lms", "200"]
    try:
        return subprocess.Popen(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return None


def prepare(torch, rows):
    """The context, and the kernels in it."""
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.zeros(1, device="cuda")
    for t in rows:
        t.function = Function(t.cubin, "matmul_bf16", t.shared)


def measure_roof(roof):
    roofs = {warps: [roof.run(warps) for _ in range(5)][-1] for warps in (4, 8)}
    for warps, r in roofs.items():
        print(f"mma.sync on registers, {warps} warps: {r['tflops']:.0f} TFLOP/s, {r['flop_per_cycle']:.0f} FLOP a cycle and "
              f"multiprocessor, {r['ghz']:.2f} GHz", flush=True)
    return roofs


def read_clock(process):
    """[MHz, W] of each sample."""
    if not process:
        return []
    process.terminate()
    lines = process.communicate()[0].splitlines()
    samples = [[float(x) for x in line.split(",")] for line in lines if re.fullmatch(r"\d[\d.]*, \d[\d.]*", line.strip())]
    if samples:
        mhz, watts = zip(*samples)
        print(f"\nSM clock {min(mhz):.0f} to {max(mhz):.0f} MHz, median {statistics.median(mhz):.0f}; power up to {max(watts):.0f} W")
    return samples


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--out")
    args.add_argument("--quick", action="store_true", help="no 8192 and fewer repetitions")
    args.add_argument("--verify-only", action="store_true")
    args.add_argument("--compile-only", action="store_true")
    args = args.parse_args()
    nvrtc = Nvrtc()
    rows = tilings()
    roof_cubin = compile_all(nvrtc, rows)
    if args.compile_only:
        return 0
    import torch

    prepare(torch, rows)
    report = {"gpu": torch.cuda.get_device_name(0), "torch": torch.__version__, "nvrtc": nvrtc.version, "sizes": []}
    bad = verify(torch, rows, SMALL_SIZES if args.verify_only else ODD_SIZES)
    if args.verify_only:
        print(f"{bad} wrong")
        return bad != 0
    roof = Roof(torch, roof_cubin)
    report["roofs"] = measure_roof(roof)
    clock = sample_clock()
    for size in SIZES:
        if args.quick and size[0] == 8192:
            continue
        report["sizes"].append(measure(torch, rows, roof, size, 5 if args.quick else 15))
        bad += len(report["sizes"][-1]["wrong"])
    report["clock_mhz_power_w"] = read_clock(clock)
    print(f"{bad} wrong", flush=True)
    if args.out:
        with open(args.out, "w") as f:
            json.dump(report, f, indent=1)
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
