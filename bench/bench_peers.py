# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole models against ONNX Runtime, OpenVINO and torch.compile, at 1 and 2 threads, taking turns in one process.

    bench_peers.py [--only NAME]... [--threads 1,2] [--seconds 8] [--engines frit,onnxruntime,...] [--compile-flag FLAG]...
                   [--models build/models] [--out docs/bench] [--tag NAME]

Models, inputs and answers are those of bench/models (make_models.sh makes what is not there); one that lacks is left out
and said so. Each model at each number of threads is a process of its own (time_model.py), started through the command in
FRIT_BENCH_WRAP when that is set. Writes OUT/models.json, models.md and models.svg.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import tempfile

import numpy as np

import bench_plot

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
LIMIT_S = 1800
# A wrong answer is far beyond this; rounding is far within. int8 engines differ by quanta, so those have more room.
F32, INT8 = 1e-3, 0.1

# name, stem of the case file, model file, case, the torch network behind it, largest error, what it is compared as
MODELS = [
    ("ResNet-50", "tv_resnet50", "tv_resnet50_dynamo.onnx", "1", "vision.build tv_resnet50", F32, "f32"),
    ("MobileNetV3-large", "tv_mobilenet_v3_large", "tv_mobilenet_v3_large_dynamo.onnx", "1",
     "vision.build tv_mobilenet_v3_large", F32, "f32"),
    ("BERT-base S=128", "bert128", "bert128.onnx", "1x128", "language.bert 768 3072 12 12", F32, "f32"),
    ("MiniLM-L6 S=128", "minilm128", "minilm128.onnx", "1x128", "language.bert 384 1536 12 6", F32, "f32"),
    ("ViT-tiny", "timm_vit_tiny", "timm_vit_tiny_dynamo.onnx", "1", "vision.build timm_vit_tiny", F32, "f32"),
    ("ConvNeXt-atto", "timm_convnext_atto", "timm_convnext_atto_dynamo.onnx", "1", "vision.build timm_convnext_atto", F32, "f32"),
    ("SqueezeNet", "squeezenet", "squeezenet.onnx", "image", None, F32, "f32"),
    ("MiniLM dynamic int8", "minilm_dynamic_int8", "minilm_dynamic_int8.onnx", None, None, INT8, "int8"),
    ("MiniLM weight-only int8", "minilm_weight_int8", "minilm_weight_int8.onnx", "1x128", None, INT8, "int8"),
    ("ResNet-50 QDQ", "resnet50_qdq", "resnet50_qdq.onnx", None, None, INT8, "int8"),
]
ENGINES = "frit,onnxruntime,openvino,torch.compile"


def frit_info(frit, model):
    done = subprocess.run([frit, "info", model, "--json"], capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def dims_of(info, shapes):
    """Values of the symbols that stand alone as a dim of an input."""
    symbols = {s["name"] for s in info.get("symbols", [])}
    return {d: n for port in info.get("inputs", []) for d, n in zip(port["dims"], shapes[port["name"]], strict=True) if d in symbols}


def prepare(args, row, work):
    """What both numbers of threads share: the job, and the artifact compiled. Raises RuntimeError."""
    name, stem, file, label, torch_net, tolerance, kind = row
    facts_path, model = args.models / f"{stem}.json", args.models / file
    if not facts_path.exists() or not model.exists():
        raise RuntimeError(f"{model} has not been made")
    facts = json.loads(facts_path.read_text())
    case = facts["cases"][label or next(iter(facts["cases"]))]
    shapes = {n: np.load(args.models / f, mmap_mode="r").shape for n, f in case["inputs"].items()}
    info = frit_info(str(args.frit), str(model))
    if info["refusal"]:
        raise RuntimeError(info["refusal"])
    dims = dims_of(info, shapes)
    so = work / (model.stem + ".so")
    flags = [flag for symbol, value in dims.items() for flag in ("--dim", f"{symbol}={value}")]
    done = subprocess.run([str(args.frit), "compile", str(model), "-o", str(so), f"--report={work / 'report.json'}", *flags,
                           *args.compile_flag], capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    totals = json.loads((work / "report.json").read_text())["totals"]
    return {"name": name, "model": str(model.resolve()), "inputs": case["inputs"], "reference": case["reference"], "kind": kind,
            "output": facts["output"], "torch": torch_net, "tolerance": tolerance, "dims": dims, "frit": str(args.frit),
            "work": str(work), "compiled": True, "flags": args.compile_flag, "seconds": args.seconds}, totals


def wrapped(command):
    return [*shlex.split(os.environ.get("FRIT_BENCH_WRAP", "")), *command]


def time_job(job, n_threads, wanted, work):
    job = {**job, "threads": n_threads,
           "engines": [e for e in wanted if job["torch"] or not e.startswith("torch")]}
    path = work / "job.json"
    path.write_text(json.dumps(job))
    done = subprocess.run(wrapped([sys.executable, str(HERE / "time_model.py"), str(path)]), capture_output=True, text=True,
                          timeout=LIMIT_S)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"timing ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads(lines[-1])


def kernels_of(args, job, n_threads, work):
    """The roofs and kernels of frit bench, for the roofline."""
    flags = []
    for name, file in job["inputs"].items():
        flags += ["--input", f"{name}={pathlib.Path(job['model']).parent / file}"]
    so = work / (pathlib.Path(job["model"]).stem + ".so")
    done = subprocess.run(wrapped([str(args.frit), "bench", str(so), "--json", "--threads", str(n_threads), *flags]),
                          capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        return None
    told = json.loads(done.stdout)
    return {"limits": told["limits"], "kernels": told["kernels"]}


def ratio(engines):
    """The quickest peer's time over frit's; None when either is missing."""
    peers = [e["ms"] for n, e in engines.items() if n != "frit" and "ms" in e]
    ours = engines.get("frit", {}).get("ms")
    return min(peers) / ours if peers and ours else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def bench_model(args, row, work):
    result = {"name": row[0], "kind": row[6], "threads": {}}
    try:
        job, result["plan"] = prepare(args, row, work)
        for n in args.threads:
            engines = time_job(job, n, args.engines, work)
            result["threads"][str(n)] = {"engines": engines, "ratio": ratio(engines)}
            print_row(result, n)
        if "frit" in args.engines:
            result["roofline"] = kernels_of(args, job, args.threads[0], work)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as problem:
        result["left_out"] = str(problem).splitlines()[0][:300]
        print(f"{row[0]}: left out: {result['left_out']}", flush=True)
    return result


def print_row(result, n):
    facts = result["threads"][str(n)]
    print(f"{result['name']}, {n} thread{'s' if n > 1 else ''}: ratio to the better peer {facts['ratio'] or float('nan'):.3f}")
    for engine in facts["engines"].values():
        if "refused" in engine:
            print(f"    {engine['name']:14} left out: {engine['refused']}")
        else:
            print(f"    {engine['name']:14} {engine['ms']:8.3f} ms (median {engine['median_ms']:.3f}), error {engine['error']:.1e}, "
                  f"set up in {engine['set_up_s']:.2f} s; {engine['settings']}")
    sys.stdout.flush()


def cell(engine):
    return f"{engine['ms']:.2f}" if engine and "ms" in engine else "–"


def write_table(path, report, engines):
    names = [e for e in engines if e != "frit"]
    titles = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch.compile": "torch.compile", "torch": "torch eager"}
    lines = ["# Models beside their peers", "",
             f"Written by `./dev bench peers`. Best time in ms, batch 1; {report['machine']}. The ratio is the quickest peer's time over",
             "frit's: above 1 frit is quicker. All engines take turns in one process; settings as read back stand below.", ""]
    for n in report["threads"]:
        lines += [f"## {n} thread{'s' if n > 1 else ''}", "",
                  "| model | launches | frit | " + " | ".join(titles.get(e, e) for e in names) + " | ratio |",
                  "|---|--:|--:|" + "--:|" * len(names) + "--:|"]
        for r in report["models"]:
            facts = r["threads"].get(str(n))
            if facts:
                told = facts["engines"]
                lines.append(f"| {r['name']} | {r['plan']['launches']} | {cell(told.get('frit'))} | "
                             + " | ".join(cell(told.get(e)) for e in names)
                             + f" | {facts['ratio']:.2f} |" if facts["ratio"] else f"| {r['name']} | | | " + "| " * len(names) + "– |")
        for kind, mean in report["means"].get(str(n), {}).items():
            lines.append(f"| geometric mean, {kind} | | | " + "| " * len(names) + f"{mean:.2f} |")
        lines.append("")
    lines += ["## Settings", ""]
    seen = {}
    for r in report["models"]:
        for facts in r["threads"].values():
            for e in facts["engines"].values():
                if e["name"] != "frit" and "settings" in e:
                    seen.setdefault((e["name"], e["settings"]), None)
    lines += [f"- {name}: {settings}" for name, settings in seen]
    lines += [f"- left out: {r['name']}: {r['left_out']}" for r in report["models"] if "left_out" in r]
    path.write_text("\n".join(lines) + "\n")


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")]
    return f"{len(names)} cores of {names[0] if names else platform.processor()}"


def main():
    parser = argparse.ArgumentParser(description="frit beside ONNX Runtime, OpenVINO and torch.compile")
    parser.add_argument("--only", action="append", default=[], help="models whose name contains this")
    parser.add_argument("--threads", type=lambda s: [int(n) for n in s.split(",")], default=[1, 2])
    parser.add_argument("--seconds", type=float, default=8, help="of measuring, per model and number of threads")
    parser.add_argument("--engines", type=lambda s: s.split(","), default=ENGINES.split(","))
    parser.add_argument("--compile-flag", action="append", default=[], help="for frit compile, such as --cpu=x86-64-v3")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/bench")
    parser.add_argument("--tag", default="models", help="first part of the written files' names")
    parser.add_argument("--frit", type=lambda s: pathlib.Path(s).resolve(), default=ROOT / "build/frit")
    args = parser.parse_args()
    report = {"version": 1, "machine": machine(), "threads": args.threads, "compile_flags": args.compile_flag, "models": [], "means": {}}
    if args.models == ROOT / "build/models":
        subprocess.run([HERE / "make_models.sh"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in MODELS:
            if args.only and not any(o.lower() in row[0].lower() for o in args.only):
                continue
            report["models"].append(bench_model(args, row, pathlib.Path(folder)))
    for n in args.threads:
        kinds = {}
        for r in report["models"]:
            if r["threads"].get(str(n), {}).get("ratio"):
                kinds.setdefault(r["kind"], []).append(r["threads"][str(n)]["ratio"])
        report["means"][str(n)] = {kind: geometric_mean(values) for kind, values in kinds.items()}
        for kind, values in kinds.items():
            print(f"{n} thread{'s' if n > 1 else ''}, {kind}: geometric mean of ratios {geometric_mean(values):.3f}, least {min(values):.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{args.tag}.json").write_text(json.dumps(report, indent=1) + "\n")
    write_table(args.out / f"{args.tag}.md", report, args.engines)
    bench_plot.models(report, args.out / f"{args.tag}.svg")


if __name__ == "__main__":
    main()
