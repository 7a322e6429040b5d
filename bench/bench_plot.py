# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The plots of the benches: how models compare with their peers, and where kernels stand under the roof. Without
matplotlib there are none, and a line says so."""

INK, BARS = "#333333", ["#2b7fd4", "#9ccbf5"]


def pyplot():
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed")
        return None
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "frit", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot as plt

    return plt


def draw_ratios(axes, report):
    """Horizontal bars: quickest peer's time over frit's, for each number of threads."""
    rows = [r for r in report["models"] if any(t["ratio"] for t in r["threads"].values())]
    height = 0.8 / max(len(report["threads"]), 1)
    for k, n in enumerate(report["threads"]):
        values = [(r["threads"].get(str(n)) or {}).get("ratio") or 0 for r in rows]
        places = [i + (k - (len(report["threads"]) - 1) / 2) * height for i in range(len(rows))]
        bars = axes.barh(places, values, height * 0.92, color=BARS[k % len(BARS)], label=f"{n} thread{'s' if n > 1 else ''}")
        axes.bar_label(bars, [f"{v:.2f}" for v in values], padding=2, fontsize=7)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [r["name"] for r in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time of the quickest peer / time of frit")
    axes.set_title("models: right of the line frit is quicker", loc="left", fontsize=9)
    axes.legend(frameon=False, fontsize=8)


def draw_roofline(axes, report):
    """Every kernel of every model: operations a byte against operations a second, under the roofs of its run."""
    rows = [r for r in report["models"] if r.get("roofline")]
    peak = read = 0
    for r in rows:
        limits = r["roofline"]["limits"]
        peak, read = max(peak, limits["gflop_s"]), max(read, limits["read_gb_s"])
        points = [(k["flops"] / k["bytes"], k["flops"] / k["ms"] * 1e-6, k["ms"]) for k in r["roofline"]["kernels"]
                  if k["flops"] and k["bytes"] and k["ms"]]
        if points:
            axes.scatter([p[0] for p in points], [p[1] for p in points], s=[4 + 30 * p[2] / max(q[2] for q in points) for p in points],
                         alpha=0.6, linewidths=0, label=r["name"])
    if not rows:
        return
    corner = peak / read
    axes.plot([0.05, corner, 2000], [0.05 * read, peak, peak], color=INK, linewidth=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations per byte of memory traffic")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"kernels, {report['threads'][0]} thread: roofs {peak:.0f} GFLOP/s, {read:.0f} GB/s; size by time", loc="left", fontsize=9)
    axes.legend(frameon=False, fontsize=7, loc="lower right")


def save(plt, figure, path):
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def models(report, path):
    plt = pyplot()
    if plt is None or not any(t["ratio"] for r in report["models"] for t in r["threads"].values()):
        return
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.55 * len(report["models"]) + 1.6), width_ratios=[1.1, 1])
    draw_ratios(axes[0], report)
    draw_roofline(axes[1], report)
    save(plt, figure, path)
