# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""frit compile --report: the same facts as text, JSON and one page, which add up and hold no more than the model."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
LIMIT_S = 120

# Two products that cannot share a kernel, with a residual around the second; its third node has a hostile name.
GRAPH = """func @f(%x: f32[B, 64]) -> (%y: f32[B, 64]) where B in 1..512@8 {
  %w = const random(1, 0.1) : f32[64, 64]
  %v = const random(2, 0.1) : f32[64, 64]
  %0 = matmul %x, %w : f32[B, 64] loc("first")
  %1 = relu %0 : f32[B, 64] loc("<script>alert('&\\"')</script>")
  %2 = matmul %1, %v : f32[B, 64] loc("second")
  %3 = add %2, %1 : f32[B, 64]
  return %3
}
"""


class Fault(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Fault(what)


def report(folder, model, *flags):
    """The report in its three forms."""
    names = [folder / f"r.{ending}" for ending in ("txt", "json", "html")]
    done = subprocess.run([FRIT, "compile", str(model), "-o", str(folder / "m.so"), *(f"--report={n}" for n in names), *flags],
                          capture_output=True, text=True, timeout=LIMIT_S)
    expect(done.returncode == 0 and not done.stdout and not done.stderr, f"exit {done.returncode}: {done.stderr[-300:]}")
    text, page = names[0].read_text(), names[2].read_text()
    return text, json.loads(names[1].read_text()), page


def check_sums(facts):
    kernels, totals = facts["kernels"], facts["totals"]
    expect(sum(k["launches"] for k in kernels) == totals["launches"], "launches do not add up")
    for key in ("flops", "bytes_read", "bytes_written"):
        expect(sum(k[key] * k["launches"] for k in kernels) <= totals[key], f"{key} of kernels exceed the total")
    for stop in facts["stops"]:
        expect(stop["writer"] != stop["reader"] and stop["why"], f"a boundary says nothing: {stop}")
        expect(max(stop["writer"], stop["reader"]) < len(kernels), f"a boundary of no kernel: {stop}")
    for step in facts["steps"]:
        for index in step["reads"] + step["writes"]:
            expect(index < len(facts["tensors"]), "a step reads no tensor")


def check_memory(facts):
    """No two tensors of a slot live at the same time, and all fit."""
    slots = facts["memory"]["slots"]
    lives = {}
    for t in facts["tensors"]:
        if t["kind"] != "arena":
            continue
        expect(t["bytes"] <= slots[t["slot"]]["bytes"], f"{t['name']} does not fit its slot")
        for other in lives.setdefault(t["slot"], []):
            expect(t["first_step"] > other["last_step"] or t["last_step"] < other["first_step"], "two tensors in one place")
        lives[t["slot"]].append(t)
    expect(facts["memory"]["most_in_use_bytes"] <= facts["memory"]["arena_bytes"], "more in use than there is")


def check_page(page, facts):
    expect(not re.search(r"(src|href)=[\"'](?!#)|url\(|@import|https?:", page), "the page reaches outside")
    pictures = re.findall(r"<svg.*?</svg>", page, re.S)
    expect(pictures, "the page has no picture")
    for picture in pictures:
        xml.fromstring(picture)
    boxes = re.findall(r'<a href="#(\w+)">', pictures[0])
    expect(sorted(boxes) == sorted(k["name"] for k in facts["kernels"] if k["launches"]), "a launch is not drawn once")
    for k in facts["kernels"]:
        expect(f'<tr id="{k["name"]}">' in page, f"{k['name']} has no row")


def test_residual(folder):
    (folder / "m.fir").write_text(GRAPH)
    text, facts, page = report(folder, folder / "m.fir")
    check_sums(facts)
    check_memory(facts)
    check_page(page, facts)
    expect(len(re.findall("<script", page)) == 1, "the model's text became a script")
    expect([s["value"] for s in facts["symbols"]] == [8], "figures are not for the hint")
    held = {h["node"] for k in facts["kernels"] for h in k["holds"]}
    expect({"first", "second"} <= held, f"nodes are missing among {held}")
    expect("8*B" in text or "*B" in text, "no formula")
    tensor, weights = 8 * 64 * 4, 2 * 64 * 64 * 4
    expect(facts["totals"]["bytes_floor"] == weights + 2 * tensor, f"floor {facts['totals']}")
    expect(facts["totals"]["bytes_products"] == weights + 5 * tensor, f"products {facts['totals']}")
    expect(facts["stops"] and "through memory" in text, "no boundary is explained")


def test_examples(folder):
    for model in ("digits/digits.onnx", "attention/attention.onnx"):
        _, facts, page = report(folder, ROOT / "examples" / model)
        check_sums(facts)
        check_memory(facts)
        check_page(page, facts)


def test_transformed_convolutions(folder):
    """Winograd's kernels do less arithmetic, and only where they may."""
    model = ROOT / "tests/lower/conv_winograd_fixed.fir"
    own, plain = (report(folder, model, "--cpu=x86-64-v3", *flags)[1] for flags in ((), ("--direct-convs",)))
    expect(len(own["kernels"]) == len(plain["kernels"]), "as many kernels either way")
    fewer = [a["flops"] < 0.8 * b["flops"] for a, b in zip(own["kernels"], plain["kernels"]) if b["flops"]]
    expect(sum(fewer) == 2, f"{sum(fewer)} of two convolutions are transformed")


def main():
    passed = failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                passed += 1
            except (Fault, OSError, ValueError, xml.ParseError, subprocess.TimeoutExpired) as fault:
                failed += 1
                print(f"{name}: {fault}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
