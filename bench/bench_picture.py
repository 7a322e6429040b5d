# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""README's picture: speed beside peers, seconds of a cold compile, and megabytes that a product carries beside the weights.

    ./dev bench picture

Speed and compile time come from docs/bench/models.json and compile.json, which `./dev bench peers` and `./dev bench
compile` write; sizes are those of the files that the installed packages load to run a model on the CPU. Writes
docs/bench/sizes.json and docs/img/frit.svg."""

import importlib.util
import json
import os
import sys

import bench_plot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPORTS = os.path.join(ROOT, "docs", "bench")
COLOURS = {"frit": "#2b7fd4", "ONNX Runtime": "#c8c8c8", "OpenVINO": "#a2a2a2", "torch.compile": "#7c7c7c", "AOTInductor": "#5a5a5a"}
# What a process loads to run a model on the CPU, without Python bindings: package, folder in it, beginnings of names.
RUNTIMES = {
    "ONNX Runtime": ("onnxruntime", "capi", ["libonnxruntime.so"]),
    "OpenVINO": ("openvino", "libs", ["libopenvino.so", "libopenvino_intel_cpu_plugin", "libopenvino_onnx_frontend", "libtbb.so"]),
    "torch": ("torch", "lib", ["libtorch_cpu.so", "libc10.so", "libgomp"]),
}


def read(name):
    with open(os.path.join(REPORTS, name), encoding="utf-8") as f:
        return json.load(f)


def runtime_bytes(package, folder, beginnings):
    found = importlib.util.find_spec(package)
    if not found:
        return None
    folder = os.path.join(found.submodule_search_locations[0], folder)
    return sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder) if n.startswith(tuple(beginnings)))


def sizes(compiled):
    """Bytes beside the weights; frit's are the largest of the compiled models'."""
    own = max(m["artifact_bytes"] - m["weights_bytes"] for m in compiled["models"])
    peers = {name: runtime_bytes(*where) for name, where in RUNTIMES.items()}
    return {"frit": own, **{name: n for name, n in peers.items() if n}}


def draw_speed(axes, report):
    rows = [m for m in report["models"] if m["kind"] == "f32"]
    names = ["frit", "ONNX Runtime", "OpenVINO", "torch.compile"]
    for k, name in enumerate(names):
        values = []
        for m in rows:
            engines = m["threads"]["1"]["engines"]
            own, peer = engines["frit"]["ms"], engines.get({"frit": "frit", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}.get(name, name))
            values.append(own / peer["ms"] if peer else 0)
        axes.barh([i + (k - 1.5) * 0.2 for i in range(len(rows))], values, 0.18, color=COLOURS[name], label=name)
    axes.set_yticks(range(len(rows)), [m["name"] for m in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.05)
    axes.set_xlabel("speed, frit = 1 (longer is quicker)")
    axes.set_title("inference, f32, batch 1, one thread", loc="left")
    axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.4, -0.38), ncols=4, columnspacing=1, handlelength=1)


def draw_compile(axes, report):
    rows = [m for m in report["models"] if m["torch"]]
    for k, (name, seconds) in enumerate([("frit", lambda m: m["seconds"]), ("torch.compile", lambda m: m["torch"]["compile"]["seconds"]),
                                         ("AOTInductor", lambda m: m["torch"]["aotinductor"]["seconds"])]):
        bars = axes.barh([i + (k - 1) * 0.27 for i in range(len(rows))], [seconds(m) for m in rows], 0.24, color=COLOURS[name], label=name)
        axes.bar_label(bars, [f"{seconds(m):.1f} s" if k == 0 else f"{seconds(m):.0f}" for m in rows], padding=2, fontsize=7)
    axes.set_yticks(range(len(rows)), [m["name"] for m in rows])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_title("cold compile", loc="left")
    axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.4, -0.38), ncols=3, columnspacing=1, handlelength=1)


def draw_sizes(axes, found):
    names = list(found)
    bars = axes.barh(range(len(names)), [found[n] / 1e6 for n in names], 0.6, color=[COLOURS.get(n, "#7c7c7c") for n in names])
    axes.bar_label(bars, [f"{found[n] / 1e6:.1f} MB" if found[n] < 1e7 else f"{found[n] / 1e6:.0f}" for n in names], padding=2, fontsize=7)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("MB")
    axes.set_title("carried beside the weights", loc="left")


def main():
    plt = bench_plot.pyplot()
    if not plt:
        return 1
    compiled = read("compile.json")
    found = sizes(compiled)
    missing = [n for n in RUNTIMES if n not in found]
    if missing:
        print(f"not installed, so not in the picture: {', '.join(missing)}")
    with open(os.path.join(REPORTS, "sizes.json"), "w", encoding="utf-8") as f:
        json.dump({"version": 1, "bytes": found}, f, indent=1)
        f.write("\n")
    plt.rcParams.update({"axes.titlesize": 9})
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), width_ratios=[1.5, 1, 1], layout="constrained")
    draw_speed(axes[0], read("models.json"))
    draw_compile(axes[1], compiled)
    draw_sizes(axes[2], found)
    path = os.path.join(ROOT, "docs", "img", "frit.svg")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    print(f"wrote {os.path.relpath(path, ROOT)}: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
