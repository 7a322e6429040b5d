# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The distinct convolutions of whole models against oneDNN's, one thread, taking turns in one process.

    bench_conv.py [--models build/models] [--net tv_resnet50_dynamo.onnx]... [--out docs/bench] [--only TEXT] [--threads N]

Both compute convolution, bias and ReLU. oneDNN chooses the formats of image, weights and result; frit reads and writes
channels-last images, as it does inside a model. Outputs are compared first. The percentage is oneDNN's time over frit's.
Needs libdnnl-dev and a C compiler. Run through the command in FRIT_BENCH_WRAP when that is set.
"""

import argparse
import ctypes as c
import json
import math
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "models"))
NETS = ["tv_resnet50_dynamo.onnx"]
TOLERANCE = 1e-4
TURN_S, LEAST_ROUNDS = 0.004, 5


class Shape(c.Structure):
    _fields_ = [*((n, c.c_int64) for n in ("batch", "channels", "height", "width", "out_channels", "out_height", "out_width",
                                           "groups")),
                ("kernel", c.c_int64 * 2), ("strides", c.c_int64 * 2), ("dilations", c.c_int64 * 2), ("pads", c.c_int64 * 4)]


def shape_struct(shape):
    return Shape(*((c.c_int64 * len(v))(*v) if isinstance(v, list) else v for v in shape.values()))


def load_peer(work):
    """onednn_conv.c as a library; None when it cannot be built."""
    if not pathlib.Path("/usr/include/oneapi/dnnl/dnnl.h").exists() or not shutil.which("cc"):
        return None
    path = work / "onednn_conv.so"
    subprocess.run(["cc", "-std=gnu17", "-O2", "-shared", "-fPIC", "-o", path, HERE / "onednn_conv.c", "-ldnnl"], check=True)
    peer = c.CDLL(str(path))
    floats = c.POINTER(c.c_float)
    peer.conv_peer_new.restype, peer.conv_peer_new.argtypes = c.c_void_p, [c.POINTER(Shape), floats, floats, floats]
    peer.conv_peer_name.restype, peer.conv_peer_name.argtypes = c.c_char_p, [c.c_void_p]
    peer.conv_peer_result.argtypes = [c.c_void_p, floats]
    for function in (peer.conv_peer_run, peer.conv_peer_free):
        function.argtypes = [c.c_void_p]
    return peer


def pointer(array):
    return array.ctypes.data_as(c.POINTER(c.c_float))


def time_both(ours, theirs, seconds):
    """The best seconds of either, in turns."""
    best = [math.inf, math.inf]
    began, rounds = time.perf_counter(), 0
    while rounds < LEAST_ROUNDS or time.perf_counter() - began < seconds:
        for k, run in ((0, ours), (1, theirs)) if rounds % 2 else ((1, theirs), (0, ours)):
            run()
            turn = time.perf_counter()
            while time.perf_counter() - turn < TURN_S:
                start = time.perf_counter()
                run()
                best[k] = min(best[k], time.perf_counter() - start)
        rounds += 1
    return best


def measure(job, peer):
    """One convolution: frit's and oneDNN's seconds, and what ran."""
    import artifact

    shape = job["shape"]
    arrays = {name: np.load(job["arrays"])[name] for name in ("x", "w", "b")}
    context = artifact.Model(job["so"]).context({"x": arrays["x"]}, job["threads"])
    handle = peer.conv_peer_new(c.byref(shape_struct(shape)), *(pointer(arrays[n]) for n in ("x", "w", "b")))
    if not handle:
        raise RuntimeError("oneDNN refuses it")
    wanted = np.empty((shape["batch"], shape["out_height"], shape["out_width"], shape["out_channels"]), np.float32)
    context.run()
    if peer.conv_peer_run(handle) or peer.conv_peer_result(handle, pointer(wanted)):
        raise RuntimeError("oneDNN fails")
    error = float(np.abs(context.outputs["y"] - wanted).max() / np.abs(wanted).max())
    if not error <= TOLERANCE:
        raise RuntimeError(f"differs from oneDNN's by {error:.2g} of the largest")
    ours, theirs = time_both(context.run, lambda: peer.conv_peer_run(handle), job["seconds"])
    name = peer.conv_peer_name(handle).decode()
    context.close()
    peer.conv_peer_free(handle)
    return {"frit_s": ours, "onednn_s": theirs, "onednn": name, "error": error, "kernels": context.model.info.n_kernels}


def run_jobs(path):
    """In a process of its own: all jobs of a file, one line of JSON each."""
    jobs = json.loads(pathlib.Path(path).read_text())
    peer = load_peer(pathlib.Path(path).parent)
    for job in jobs:
        try:
            print(json.dumps(measure(job, peer)), flush=True)
        except RuntimeError as problem:
            print(json.dumps({"left_out": str(problem)}), flush=True)


def flops(s):
    each = s["channels"] // s["groups"] * s["kernel"][0] * s["kernel"][1]
    return 2.0 * s["batch"] * s["out_channels"] * s["out_height"] * s["out_width"] * each


def label(s):
    groups = "" if s["groups"] == 1 else " depthwise" if s["groups"] == s["channels"] else f" in {s['groups']} groups"
    dilated = "" if s["dilations"] == [1, 1] else f" dilated {s['dilations'][0]}"
    return (f"{s['channels']}x{s['height']}x{s['width']} -> {s['out_channels']}, {s['kernel'][0]}x{s['kernel'][1]}"
            f" / {s['strides'][0]}{groups}{dilated}")


def prepare(args, rows, work):
    import convs

    jobs = []
    for i, row in enumerate(rows):
        model, so, arrays = work / f"conv{i}.onnx", work / f"conv{i}.so", work / f"conv{i}.npz"
        np.savez(arrays, **convs.write(row["shape"], model))
        subprocess.run([str(args.frit), "compile", str(model), "-o", str(so), *args.compile_flag], check=True)
        jobs.append({"so": str(so), "arrays": str(arrays), "shape": row["shape"], "threads": args.threads, "seconds": args.seconds})
    return jobs


def bench(args, net, work):
    import convs

    rows = [r for r in convs.describe(args.models / net) if args.only in label(r["shape"])]
    jobs = prepare(args, rows, work)
    per_process = max(1, int(args.process_seconds / (args.seconds + 0.2)))
    env = {**os.environ, "OMP_NUM_THREADS": str(args.threads)}
    for first in range(0, len(jobs), per_process):
        path = work / "jobs.json"
        path.write_text(json.dumps(jobs[first:first + per_process]))
        command = [*shlex.split(os.environ.get("FRIT_BENCH_WRAP", "")), sys.executable, __file__, "--jobs", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for row, facts in zip(rows[first:], told):
            row.update(facts)
            print_row(row)
        if len(told) < len(jobs[first:first + per_process]):
            print(f"ended early: {done.stderr.strip()[-300:]}")
    return rows


def print_row(row):
    s = row["shape"]
    if "left_out" in row:
        print(f"{label(s):44} x{row['count']:<2} left out: {row['left_out']}", flush=True)
        return
    print(f"{label(s):44} x{row['count']:<2} frit {row['frit_s'] * 1e3:7.3f} ms {flops(s) / row['frit_s'] * 1e-9:6.1f} GFLOP/s   oneDNN "
          f"{row['onednn_s'] * 1e3:7.3f} ms {flops(s) / row['onednn_s'] * 1e-9:6.1f}   {100 * row['onednn_s'] / row['frit_s']:4.0f} %"
          f"{'' if row['kernels'] == 1 else '   ' + str(row['kernels']) + ' kernels'}", flush=True)


def summary(rows):
    ratios = [r["onednn_s"] / r["frit_s"] for r in rows if "frit_s" in r]
    if not ratios:
        return "nothing measured"
    whole = sum(r["count"] * r["onednn_s"] for r in rows if "frit_s" in r) / sum(r["count"] * r["frit_s"] for r in rows if "frit_s" in r)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return f"geometric mean {100 * mean:.0f} %, least {100 * min(ratios):.0f} %, all of them together {100 * whole:.0f} %"


def main():
    parser = argparse.ArgumentParser(description="convolutions beside oneDNN's")
    parser.add_argument("--jobs", help=argparse.SUPPRESS)
    parser.add_argument("--net", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.4, help="of measuring each")
    parser.add_argument("--process-seconds", type=float, default=15, help="of measuring in one process")
    parser.add_argument("--compile-flag", action="append", default=[])
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench")
    parser.add_argument("--frit", type=lambda s: pathlib.Path(s).resolve(), default=ROOT / "build/frit")
    args = parser.parse_args()
    if args.jobs:
        run_jobs(args.jobs)
        return
    report = {"version": 1, "threads": args.threads, "nets": {}}
    with tempfile.TemporaryDirectory() as folder:
        if load_peer(pathlib.Path(folder)) is None:
            print("bench_conv: left out: oneDNN is the yardstick (apt-get install libdnnl-dev gcc)")
            return
        for net in args.net or NETS:
            print(f"{net}, {args.threads} thread{'s' if args.threads > 1 else ''}")
            report["nets"][net] = bench(args, net, pathlib.Path(folder))
            print(f"{net}: {summary(report['nets'][net])}")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "convolutions.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
