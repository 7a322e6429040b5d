# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long compiling takes and how much memory: frit beside torch.compile and AOTInductor, cold, on all cores.

    bench_compile.py [--only NAME]... [--runs 3] [--models build/models] [--out docs/bench] [--no-torch]

frit's figures are those of the whole command, from the model's file to the artifact with its weights; memory is the
process's peak, mapped files included. torch's are from the network in memory to its first result, with empty caches, so
they leave out its start and the export. The file system's cache is warm for all. A process of frit is started through
the command in FRIT_BENCH_WRAP when that is set, torch's through FRIT_BENCH_WRAP_TORCH. Writes OUT/compile.md and .json.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import bench_peers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
LIMIT_S = 1800
MIB = 1 << 20

# name, model file, case file, the network behind it, seconds allowed, weights' multiple of memory allowed
MODELS = [
    ("MiniLM-L6", "minilm.onnx", "minilm128", "language.bert 384 1536 12 6", 1.0, None),
    ("ResNet-50", "tv_resnet50_dynamo.onnx", "tv_resnet50", "vision.build tv_resnet50", 2.0, None),
    ("BERT-base", "bert.onnx", "bert128", "language.bert 768 3072 12 12", 3.0, None),
    ("VGG-19", "vgg19.onnx", None, None, None, 2.5),
]

# Prints seconds and peak memory of the command that follows, as the kernel counts them.
MEASURE = """
import json, os, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(json.dumps({"seconds": time.perf_counter() - began, "bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
                  "status": done.returncode, "says": done.stderr[-300:]}))
"""

# argv: how, network, folder of inputs, files in order. Prints the seconds to the first result.
TORCH = """
import json, pathlib, sys, time
how, spec, folder, *files = sys.argv[1:]
import numpy as np, torch
import engines
torch.set_grad_enabled(False)
net = engines.torch_net(spec)
args = tuple(torch.from_numpy(np.load(pathlib.Path(folder) / f)) for f in files)
began = time.perf_counter()
if how == "compile":
    torch.compile(net, dynamic=False)(*args)
else:
    exported = torch.export.export(net, args)
    package = torch._inductor.aoti_compile_and_package(exported)
    torch._inductor.aoti_load_package(package)(*args)
print(json.dumps({"seconds": time.perf_counter() - began, "torch": torch.__version__}))
"""


def last_json(done):
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:200])
    return json.loads(lines[-1])


def compile_once(args, model, so):
    command = [*shlex.split(os.environ.get("FRIT_BENCH_WRAP", "")), sys.executable, "-c", MEASURE, str(args.frit), "compile",
               str(model), "-o", str(so), *args.compile_flag]
    told = last_json(subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S))
    if told["status"]:
        raise RuntimeError(told["says"])
    return told


def torch_once(args, how, spec, case_file):
    facts = json.loads((args.models / f"{case_file}.json").read_text())
    case = next(iter(facts["cases"].values()))
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "PYTHONPATH": str(HERE)}
        command = [*shlex.split(os.environ.get("FRIT_BENCH_WRAP_TORCH", "")), sys.executable, "-c", TORCH, how, spec,
                   str(args.models), *case["inputs"].values()]
        return last_json(subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=env, cwd=HERE))


def measure(args, row, work):
    name, file, case_file, spec, allowed_s, allowed_memory = row
    model = args.models / file
    if not model.exists():
        return {"name": name, "left_out": f"{model} has not been made"}
    info = bench_peers.frit_info(str(args.frit), str(model))
    runs = [compile_once(args, model, work / "m.so") for _ in range(args.runs)]
    result = {"name": name, "model_bytes": model.stat().st_size, "weights_bytes": info["weights_bytes"],
              "artifact_bytes": (work / "m.so").stat().st_size, "kernels": len(info["kernels"]),
              "seconds": min(r["seconds"] for r in runs), "peak_bytes": min(r["bytes"] for r in runs),
              "allowed_seconds": allowed_s, "allowed_peak": allowed_memory, "torch": {}}
    for how in ("compile", "aotinductor"):
        if not spec or args.no_torch:
            continue
        try:
            result["torch"][how] = torch_once(args, how, spec, case_file)
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            result["torch"][how] = {"left_out": str(problem)[:200]}
    return result


def shown(result, how):
    told = result["torch"].get(how, {})
    return f"{told['seconds']:.1f}" if "seconds" in told else "–"


def print_result(r):
    if "left_out" in r:
        print(f"{r['name']}: left out: {r['left_out']}", flush=True)
        return
    print(f"{r['name']}: {r['seconds']:.2f} s (allowed: {r['allowed_seconds'] or '-'}), {r['kernels']} kernels, peak "
          f"{r['peak_bytes'] / MIB:.0f} MiB = {r['peak_bytes'] / r['weights_bytes']:.2f} times the weights, artifact "
          f"{r['artifact_bytes'] / MIB:.1f} MiB; torch.compile {shown(r, 'compile')} s, AOTInductor {shown(r, 'aotinductor')} s",
          flush=True)


def write(path, report):
    lines = ["# Compile time and memory", "",
             f"Written by `./dev bench compile`; cold, all cores, the best of several; {report['machine']}.", "",
             "| model | weights MiB | frit s | frit peak MiB | of weights | torch.compile s | AOTInductor s |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for r in report["models"]:
        if "left_out" not in r:
            lines.append(f"| {r['name']} | {r['weights_bytes'] / MIB:.0f} | {r['seconds']:.2f} | {r['peak_bytes'] / MIB:.0f} | "
                         f"{r['peak_bytes'] / r['weights_bytes']:.2f} | {shown(r, 'compile')} | {shown(r, 'aotinductor')} |")
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")
    path.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description="compile time and memory beside torch's")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--compile-flag", action="append", default=[])
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench")
    parser.add_argument("--frit", type=lambda s: pathlib.Path(s).resolve(), default=ROOT / "build/frit")
    parser.add_argument("--no-torch", action="store_true")
    args = parser.parse_args()
    args.models = args.models.resolve()
    report = {"version": 1, "machine": bench_peers.machine(), "models": []}
    with tempfile.TemporaryDirectory() as folder:
        for row in MODELS:
            if args.only and not any(o.lower() in row[0].lower() for o in args.only):
                continue
            report["models"].append(measure(args, row, pathlib.Path(folder)))
            print_result(report["models"][-1])
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "compile", report)


if __name__ == "__main__":
    main()
