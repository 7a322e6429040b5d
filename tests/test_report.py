# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""frit compile --report: the same facts as text, JSON and one page, which add up and hold no more than the model."""

import json
import os
import pathlib
import re
import shutil
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


# Equal layers; `last` differs by its width, so that it is none of them.
LAYERS = 5
LAYERED = ("func @f(%x: f32[8, 64]) -> (%y: f32[8, 32]) {\n  %h0 = softmax %x : f32[8, 64] loc(\"entry\")\n" + "".join(
    f"""  %w{i} = const random({i + 1}, 0.1) : f32[64, 64]
  %s{i} = const random({i + 11}, 0.1) : f32[64]
  %m{i} = matmul %h{i}, %w{i} : f32[8, 64] loc("fc{i}")
  %g{i} = gelu %m{i} : f32[8, 64] loc("act{i}")
  %h{i + 1} = layer_norm %g{i}, %s{i} : f32[8, 64] loc("norm{i}")
""" for i in range(LAYERS)) + f"""  %v = const random(99, 0.1) : f32[64, 32]
  %last = matmul %h{LAYERS}, %v : f32[8, 32] loc("last")
  return %last
}}
""")
WIDTH = 1400


class Fault(Exception):
    pass


class Skip(Exception):
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
    kernel_of = [s["kernel"] for s in facts["steps"]]
    hidden = {kernel_of[fold["first_step"] + i] for fold in facts["folds"]
              for i in range(fold["steps"], fold["steps"] * fold["times"])}
    drawn = [k["name"] for i, k in enumerate(facts["kernels"]) if k["launches"] and i not in hidden]
    expect(sorted(boxes) == sorted(drawn), "a launch is not drawn once")
    for k in facts["kernels"]:
        expect(page.count(f'<tr id="{k["name"]}">') == 1, f"{k['name']} has no row, or several")


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


def test_equal_layers(folder):
    """Layers that repeat stand once, their operators under the model's names, and the head says where all comes from."""
    (folder / "m.fir").write_text(LAYERED)
    text, facts, page = report(folder, folder / "m.fir", "--cpu=x86-64-v3", "--direct-convs")
    check_sums(facts)
    check_page(page, facts)
    expect([f["times"] for f in facts["folds"]] == [LAYERS], f"folds {facts['folds']}")
    fold = facts["folds"][0]
    expect(page.count(f"&#215; {LAYERS}") == 2 and f"{LAYERS} equal layers of {fold['steps']} kernel" in text, "no word of layers")
    titles = " ".join(k["title"] for k in facts["kernels"])
    expect("gelu" in titles and "layer_norm" in titles and "matmul" in titles, f"operators are not the model's: {titles}")
    expect("erf" not in titles and "reduce" not in titles, f"operators are decomposed: {titles}")
    expect({h["operator"] for k in facts["kernels"] for h in k["holds"]} >= {"contract", "erf"}, "core operators are gone")
    expect("norm4" not in text.split("why fusion stopped")[0], "a layer that equals the first is told again")
    expect(facts["file"].endswith("m.fir") and facts["options"] == "--cpu=x86-64-v3 --direct-convs", f"head {facts['options']}")
    for part in ("m.fir", "--cpu=x86-64-v3 --direct-convs", facts["producer"], facts["machine"]):
        expect(part in text and part in page.replace("<wbr>", ""), f"'{part}' is missing in the head")


def test_fits_the_window(folder):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        raise Skip("no chromium here")
    (folder / "m.fir").write_text(LAYERED)
    page = report(folder, folder / "m.fir")[2]
    probe = "<script>document.title='width '+document.scrollingElement.scrollWidth</script></body>"
    (folder / "p.html").write_text(page.replace("</body>", probe))
    shown = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={WIDTH},900", "--dump-dom",
                            f"file://{folder}/p.html"], capture_output=True, text=True, timeout=LIMIT_S).stdout
    width = re.search(r"<title>width (\d+)</title>", shown)
    if not width:
        raise Skip("chromium does not run here")
    expect(int(width[1]) <= WIDTH, f"{width[1]} pixels wide")


def test_transformed_convolutions(folder):
    """Winograd's kernels do less arithmetic, and only where they may."""
    model = ROOT / "tests/lower/conv_winograd_fixed.fir"
    own, plain = (report(folder, model, "--cpu=x86-64-v3", *flags)[1] for flags in ((), ("--direct-convs",)))
    expect(len(own["kernels"]) == len(plain["kernels"]), "as many kernels either way")
    fewer = [a["flops"] < 0.8 * b["flops"] for a, b in zip(own["kernels"], plain["kernels"]) if b["flops"]]
    expect(sum(fewer) == 2, f"{sum(fewer)} of two convolutions are transformed")


def main():
    passed = failed = skipped = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                passed += 1
            except Skip as reason:
                skipped += 1
                print(f"skip: {name}: {reason}")
            except (Fault, OSError, ValueError, xml.ParseError, subprocess.TimeoutExpired) as fault:
                failed += 1
                print(f"{name}: {fault}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
