# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""--blas=openblas: which products become calls and how, that they compute what the evaluator does, that only artifacts
compiled so need the library, and what is said where it is missing. Nothing of it but running needs OpenBLAS."""

import ctypes
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
SONAME = "libopenblas.so.0"
ATTENTION = ROOT / "examples/attention/attention.onnx"
LIMIT_S = 120

# Turned operands, batches of either side, f64, strided rows, a result stored turned, rows that no stride joins.
PRODUCTS = """func @products(%a: f32[B, M, K], %b: f32[B, N, K], %c: f32[H, K, N], %w: f64[K, N], %v: f64[S, K],
               %q: f32[B, H, M, 8], %u: f32[B, H, N, 8], %o: f32[B, 20, K])
    -> (%x: f32[B, M, N], %y: f32[B, H, M, N], %z: f64[S, N], %s: f32[B, M, H, N], %r: f32[B, 7, N], %t: f32[N, M],
        %g: f32[B, H, N])
    where B in 1..9, M in 0..99, N in 0..99, K in 0..99, S in 0..99, H in 1..9 {
  %bt = transpose %b {perm = [0, 2, 1]} : f32[B, K, N]
  %x = matmul %a, %bt : f32[B, M, N]
  %a4 = reshape %a {dims = [B, 1, M, K]} : f32[B, 1, M, K]
  %y = matmul %a4, %c : f32[B, H, M, N]
  %z = matmul %v, %w : f64[S, N]
  %ut = transpose %u {perm = [0, 1, 3, 2]} : f32[B, H, 8, N]
  %qk = matmul %q, %ut : f32[B, H, M, N]
  %qm = mul %qk, %qk : f32[B, H, M, N]
  %s = transpose %qm {perm = [0, 2, 1, 3]} : f32[B, M, H, N]
  %o2 = slice %o {starts = [0, 3, 0], sizes = [B, 7, K], steps = [1, 1, 1]} : f32[B, 7, K]
  %c0 = slice %c {starts = [0, 0, 0], sizes = [1, K, N], steps = [1, 1, 1]} : f32[1, K, N]
  %c1 = reshape %c0 {dims = [K, N]} : f32[K, N]
  %r = matmul %o2, %c1 : f32[B, 7, N]
  %a1 = slice %a {starts = [0, 0, 0], sizes = [1, M, K], steps = [1, 1, 1]} : f32[1, M, K]
  %a2 = reshape %a1 {dims = [M, K]} : f32[M, K]
  %p = matmul %a2, %c1 : f32[M, N]
  %t = transpose %p {perm = [1, 0]} : f32[N, M]
  %o3 = slice %o {starts = [0, 0, 0], sizes = [B, 1, K], steps = [1, 1, 1]} : f32[B, 1, K]
  %o5 = reshape %o3 {dims = [B, 1, 1, K]} : f32[B, 1, 1, K]
  %g4 = matmul %o5, %c : f32[B, H, 1, N]
  %g = reshape %g4 {dims = [B, H, N]} : f32[B, H, N]
  return %x, %y, %z, %s, %r, %t, %g
}
"""
CALLS = """gemm M x N x K a(0 by K) b'(0 by K) x(0 by N) batch B(K*M, K*N, M*N)
gemm M x N x K a(0 by K) c(0 by N) y(0 by N) batch B(K*M, 0, H*M*N) batch H(0, K*N, M*N)
gemm S x N x K v(0 by K) w(0 by N) z(0 by N)
gemm M x N x 8 q(0 by 8) u'(0 by 8) qk(0 by N) batch B*H(8*M, 8*N, M*N)
gemm 7 x N x K o(3*K by K) c(0 by N) r(0 by N) batch B(20*K, 0, 7*N)
gemm N x M x K c'(0 by N) a'(0 by K) t(0 by M)
gemm B x N x K o(0 by 20*K) c(0 by N) g(0 by H*N) batch H(0, K*N, N)"""

# What stays frit's own: windows, other types, rows that run backwards, sums over what no stride joins.
OWN = """func @own(%i: f32[2, 8, 16, 16], %k: f32[4, 8, 3, 3], %a: bf16[8, 16], %b: bf16[16, 8], %x: f32[8, 16], %w: f32[16, 8],
          %d: f32[9, 8], %e: f32[4, 6, 8], %f: f32[6, 4, 5])
    -> (%y0: f32[2, 4, 14, 14], %y1: bf16[8, 8], %y3: f32[8, 8], %y4: f32[9], %y5: f32[8, 5]) {
  %y0 = conv %i, %k {strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], groups = 1} : f32[2, 4, 14, 14]
  %y1 = matmul %a, %b : bf16[8, 8]
  %y2 = slice %x {starts = [7, 0], sizes = [8, 16], steps = [-1, 1]} : f32[8, 16]
  %y3 = matmul %y2, %w : f32[8, 8]
  %y4 = contract %d, %d {lhs = "ij", rhs = "ij", out = "i"} : f32[9]
  %y5 = contract %e, %f {lhs = "hsd", rhs = "she", out = "de"} : f32[8, 5]
  return %y0, %y1, %y3, %y4, %y5
}
"""

BLOCK = """func @block(%x: f32[B, S, 64], %w: f32[64, 96], %b: f32[96], %m: f32[96, 64]) -> (%y: f32[B, S, 64])
    where B in 1..64, S in 1..512 {
  %p = matmul %x, %w : f32[B, S, 96]
  %q = add %p, %b : f32[B, S, 96]
  %g = gelu %q : f32[B, S, 96]
  %n = exp %x : f32[B, S, 64]
  %h = matmul %g, %m : f32[B, S, 64]
  %y = add %h, %n : f32[B, S, 64]
  return %y
}
"""


class Fault(Exception):
    pass


class Skip(Exception):
    pass


def run(*words, cwd=None, env=None):
    return subprocess.run([FRIT, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))


def works(*words, cwd=None):
    done = run(*words, cwd=cwd)
    if done.returncode or done.stderr:
        raise Fault(f"frit {' '.join(map(str, words))}: exit {done.returncode}: {done.stderr[-400:]}{done.stdout[-400:]}")
    return done.stdout


def refuses(says, *words, cwd=None, env=None):
    done = run(*words, cwd=cwd, env=env)
    if done.returncode != 1 or says not in done.stderr or len(done.stderr.splitlines()) != 1:
        raise Fault(f"frit {' '.join(map(str, words))}: exit {done.returncode}, wanted one line with '{says}': {done.stderr}")


def compiled(folder, name, text, *flags):
    (folder / f"{name}.fir").write_text(text)
    works("compile", f"{name}.fir", "-o", f"{name}.so", *flags, cwd=folder)
    return f"{name}.so"


def libraries(path):
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return sorted(line.split("[")[1].rstrip("]\n") for line in out.splitlines() if "(NEEDED)" in line)


def needs_library():
    try:
        ctypes.CDLL(SONAME)
    except OSError as why:
        raise Skip(f"cannot run products of OpenBLAS: {why}") from why


# --- what becomes a call ---


def test_products_become_calls(folder):
    (folder / "p.fir").write_text(PRODUCTS)
    passes = "canonicalize,decompose,canonicalize,lower"
    text = works("opt", "p.fir", "-p", passes, "--blas=openblas", cwd=folder)
    found = "\n".join(line[line.index("gemm ") : line.index("    -- ")] for line in text.splitlines() if "gemm " in line)
    if found != CALLS:
        raise Fault(f"the calls are\n{found}\nnot\n{CALLS}")
    if "gemm " in works("opt", "p.fir", "-p", passes, cwd=folder):
        raise Fault("calls without the flag")


def test_the_rest_stays(folder):
    so = compiled(folder, "own", OWN, "--blas=openblas")
    if SONAME in libraries(folder / so) or json.loads(works("info", so, "--json", cwd=folder))["libraries"]:
        raise Fault("a library is needed for nothing")


def test_artifacts_say_what_they_need(folder):
    with_flag = compiled(folder, "a", BLOCK, "--blas=openblas")
    without = compiled(folder, "b", BLOCK)
    if libraries(folder / with_flag) != ["libc.so.6", SONAME] or libraries(folder / without) != ["libc.so.6"]:
        raise Fault(f"needed: {libraries(folder / with_flag)} and {libraries(folder / without)}")
    facts = [json.loads(works("info", so, "--json", cwd=folder)) for so in (with_flag, without)]
    if [f["libraries"] for f in facts] != [[SONAME], []] or facts[0]["options"] != "--blas=openblas" or facts[1]["options"]:
        raise Fault(f"info: {[(f['libraries'], f['options']) for f in facts]}")
    text = works("info", with_flag, cwd=folder)
    if f"needs {SONAME}" not in text or "openblas_" not in text or SONAME in works("info", without, cwd=folder):
        raise Fault(f"info: {text}")
    if json.loads(works("info", "b.fir", "--blas=openblas", "--json", cwd=folder))["libraries"] != [SONAME]:
        raise Fault("info of the model does not say it")


def test_report_shows_the_calls(folder):
    compiled(folder, "a", BLOCK, "--blas=openblas", "--report=r.json", "--report=r.txt", "--report=r.html",
             "--dim", "B=2", "--dim", "S=16")
    report = json.loads((folder / "r.json").read_text())
    calls = [k for k in report["kernels"] if k["library"]]
    if [k["flops"] for k in calls] != [2 * 32 * 64 * 96] * 2 or any(k["phases"] for k in calls):
        raise Fault(f"kernels: {calls}")
    if calls[0]["bytes_read"] != 4 * (32 * 64 + 64 * 96) or calls[0]["bytes_written"] != 4 * 32 * 96:
        raise Fault(f"bytes: {calls[0]}")
    if not all("keeps products apart" in s["why"] for s in report["stops"]) or len(report["stops"]) < 3:
        raise Fault(f"stops: {report['stops']}")
    if "computed by OpenBLAS" not in (folder / "r.txt").read_text():
        raise Fault("the text does not say it")


def test_refusals(folder):
    (folder / "a.fir").write_text(BLOCK)
    refuses("--blas=openblas: is for the CPU", "compile", "a.fir", "-o", "a.so", "--blas=openblas", "--target=cuda", cwd=folder)
    if (folder / "a.so").exists():
        raise Fault("something is left of it")


def test_bytes_depend_on_nothing_else(folder):
    (folder / "deep").mkdir()
    a, b = compiled(folder, "a", BLOCK, "--blas=openblas"), compiled(folder / "deep", "a", BLOCK, "--blas=openblas")
    if (folder / a).read_bytes() != (folder / "deep" / b).read_bytes():
        raise Fault("another folder gives other bytes")


def test_a_missing_library_is_named(folder):
    compiled(folder, "a", BLOCK, "--blas=openblas")
    (folder / SONAME).write_bytes(b"")  # found first, and no library
    refuses(f"a.so: needs {SONAME} (Debian's package libopenblas0)", "bench", "a.so", cwd=folder,
            env={"LD_LIBRARY_PATH": str(folder)})


def test_damaged_calls_are_refused(folder):
    """Every word of the table of calls in turn: refused with a line, or (a flag, an unused word) read."""
    so = folder / compiled(folder, "a", PRODUCTS, "--blas=openblas")
    good = so.read_bytes()
    plan = good.index(b"fritplan")
    offset, count = struct.unpack_from("<II", good, plan + 24 + 15 * 8)
    row_bytes = 4 * (5 + 4 + 1 + 3 * 8)
    if count != 7:
        raise Fault(f"the table of calls has {count} rows")
    n_refused = 0
    for at in range(plan + offset, plan + offset + row_bytes, 4):
        bad = bytearray(good)
        struct.pack_into("<I", bad, at, 0x7FFFFFFF)
        so.write_bytes(bad)
        done = run("info", so)
        if done.returncode not in (0, 1) or (done.returncode and len(done.stderr.splitlines()) != 1):
            raise Fault(f"word at {at}: exit {done.returncode}: {done.stderr}")
        n_refused += done.returncode
    if n_refused < 18:
        raise Fault(f"only {n_refused} damages were refused")
    struct.pack_into("<I", bad := bytearray(good), plan + 24 + 15 * 8, 0x7FFFFFF8)
    so.write_bytes(bad)
    refuses("lies outside the plan", "info", so)


# --- what runs ---


def compare(folder, so, model, *dims):
    words = [w for d in dims for w in ("--dim", d)]
    out = works("compare", so, model, *words, cwd=folder)
    if "FAR" in out:
        raise Fault(f"{dims}: {out}")


def test_calls_compute_the_products(folder):
    needs_library()
    for flags in ((), ("--checked",)):
        so = compiled(folder, "p", PRODUCTS, "--blas=openblas", *flags)
        for dims in ("B=3 M=5 N=7 K=11 S=9 H=2", "B=1 M=1 N=1 K=1 S=1 H=1", "B=2 M=1 N=33 K=8 S=1 H=3", "B=2 M=40 N=1 K=9 S=70 H=2",
                     "B=3 M=0 N=7 K=11 S=0 H=2", "B=3 M=5 N=0 K=11 S=2 H=2", "B=2 M=5 N=7 K=0 S=9 H=2",
                     "B=4 M=99 N=98 K=99 S=99 H=3"):
            compare(folder, so, "p.fir", *dims.split())


def test_blocks_around_calls(folder):
    needs_library()
    so = compiled(folder, "a", BLOCK, "--blas=openblas")
    compare(folder, so, "a.fir", "B=3", "S=17")
    works("compile", ATTENTION, "-o", "t.so", "--blas=openblas", cwd=folder)
    compare(folder, "t.so", ATTENTION, "batch=2", "length=33")
    for model in ("encoder_layer", "scan_cell", "if_costly", "siblings_gate", "siblings_qkv", "contract_of_gathered_rows",
                  "conv_taps", "matmul_bias_gelu"):
        path = ROOT / f"tests/lower/{model}.fir"
        works("compile", path, "-o", f"{model}.so", "--blas=openblas", "--checked", cwd=folder)
        if SONAME not in libraries(folder / f"{model}.so"):
            raise Fault(f"{model} calls nothing")
        compare(folder, f"{model}.so", path)


def test_zeros_where_nothing_is_summed(folder):
    """K = 0 and a result whose memory held something else before: frit verify spoils outputs between runs."""
    needs_library()
    for ranges in ("M in 3..9, K in 0..9, N in 5..9", "M in 1..9, K in 3..9, N in 5..9", "M in 5..9, K in 3..9, N in 1..9"):
        text = f"""func @z(%x: f32[M, K], %w: f32[K, N]) -> (%y: f32[M, N]) where {ranges} {{
  %y = matmul %x, %w : f32[M, N]
  return %y
}}
"""
        so = compiled(folder, "z", text, "--blas=openblas")
        if not works("verify", so, cwd=folder).endswith("equal\n"):
            raise Fault(f"{ranges}: not equal")
        compare(folder, so, "z.fir")


def test_bench_names_the_calls(folder):
    needs_library()
    so = compiled(folder, "a", BLOCK, "--blas=openblas")
    done = json.loads(works("bench", so, "--json", "--dim", "B=2", "--dim", "S=16", "--threads", "1", cwd=folder))
    calls = [k for k in done["kernels"] if k["name"].startswith("openblas_")]
    if len(calls) != 2 or any(k["ms"] <= 0 or k["flops"] != 2 * 32 * 64 * 96 for k in calls):
        raise Fault(f"kernels: {done['kernels']}")


def main():
    if not os.access(FRIT, os.X_OK):
        print("skip: openblas: build/frit is not built")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = skipped = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                passed += 1
            except Skip as why:
                skipped += 1
                print(f"skip: {name}: {why}")
            except (Fault, subprocess.SubprocessError) as fault:
                failed += 1
                print(f"{name}: {fault}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
