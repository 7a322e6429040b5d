# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""frit compile, opt, check and help as a user calls them: what they print and write, one clear line and the right exit
code for what cannot be done, and nothing left behind by a failure or by Ctrl-C."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import frit_proc

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
DIGITS = str(ROOT / "examples/digits/digits.onnx")
ATTENTION = str(ROOT / "examples/attention/attention.onnx")
LIMIT_S = 120

GRAPH = """func @f(%x: f32[B, 64]) -> (%y: f32[B, 64]) where B in 1..512 {
  %0 = softmax %x {axis = -1} : f32[B, 64]
  return %0
}
"""
HUGE = """func @f() -> (%y: f32[1073741824]) {
  %0 = iota {dims = [1073741824], axis = 0, to = f32} : f32[1073741824]
  return %0
}
"""


class Fault(Exception):
    pass


def frit(*words, cwd=None, limits=None):
    return subprocess.run([FRIT, *words], cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S, errors="replace",
                          stdin=subprocess.DEVNULL, preexec_fn=limits)


def works(*words, says="", cwd=None):
    """Exit 0, stderr empty, `says` in stdout. Gives stdout."""
    done = frit(*words, cwd=cwd)
    if done.returncode != 0 or done.stderr:
        raise Fault(f"frit {' '.join(words)}: exit {done.returncode}, stderr: {done.stderr.strip()[-400:]}")
    if says not in done.stdout:
        raise Fault(f"frit {' '.join(words)}: no '{says}' in: {done.stdout[-400:]}")
    return done.stdout


def refuses(status, says, *words, cwd=None, limits=None):
    """That exit status, nothing on stdout, and one line on stderr with `says` in it."""
    done = frit(*words, cwd=cwd, limits=limits)
    lines = done.stderr.splitlines()
    if done.returncode != status or len(lines) != 1 or says not in lines[0] or done.stdout:
        raise Fault(f"frit {' '.join(words)}: exit {done.returncode}, wanted {status} and one line with '{says}', "
                    f"stderr: {done.stderr.strip()[-400:]}, stdout: {done.stdout[-200:]}")


def holds_only(folder, *names):
    found = sorted(os.listdir(folder))
    if found != sorted(names):
        raise Fault(f"the folder holds {found}, not {sorted(names)}")


# --- each test gets a folder of its own ---


def test_help(_):
    works("help", says="frit compile MODEL -o OUT.so")
    works("--help", says="frit verify")
    works("help", "compile", says="--emit-header")
    works("check", "--help", says="--rtol")
    works("--version", says="LLVM")
    refuses(2, "no command")
    refuses(2, "did you mean 'compile'", "compil")
    refuses(2, "did you mean 'check'", "help", "chek")


def test_usage(folder):
    refuses(2, "MODEL is missing", "compile")
    refuses(2, "-o OUT.so is missing", "compile", DIGITS)
    refuses(2, "one argument too many", "compile", DIGITS, DIGITS, "-o", "x.so", cwd=folder)
    refuses(2, "did you mean '--time-passes'", "compile", DIGITS, "-o", "x.so", "--time-pases", cwd=folder)
    refuses(2, "needs an argument", "compile", DIGITS, "-o", cwd=folder)
    refuses(2, "takes no argument", "compile", DIGITS, "-o", "x.so", "--checked=1", cwd=folder)
    refuses(2, "has no dim 'a' (dims: batch)", "compile", DIGITS, "-o", "x.so", "--dim", "batch=a", cwd=folder)
    refuses(2, "NAME=LO..HI", "compile", DIGITS, "-o", "x.so", "--dim", "batch=1..a", cwd=folder)
    refuses(2, "from small to large", "compile", DIGITS, "-o", "x.so", "--dim", "batch=9..2", cwd=folder)
    refuses(2, "hint is outside", "compile", DIGITS, "-o", "x.so", "--dim", "batch=1..4@9", cwd=folder)
    refuses(2, "did you mean 'decompose'", "compile", DIGITS, "-o", "x.so", "--disable=decompos", cwd=folder)
    refuses(2, "known: embed, side", "compile", DIGITS, "-o", "x.so", "--weights=sid", cwd=folder)
    refuses(2, "not an integer", "compile", DIGITS, "-o", "x.so", "-j", "none", cwd=folder)
    holds_only(folder)


def test_forms_of_the_command_line(folder):
    refuses(2, "'batch' is given twice", "compile", DIGITS, "-o", "x.so", "--dim", "batch=3", "--dim", "batch=4", cwd=folder)
    refuses(2, "'a' is given twice", "compile", DIGITS, "-o", "x.so", "--const", "a=b", "--const", "a=c", cwd=folder)
    refuses(2, "takes no argument, not 'x'", "--version", "x")
    refuses(2, "with --target=cuda give --arch", "compile", DIGITS, "-o", "x.so", "--target=cuda", "--cpu=znver4", cwd=folder)
    refuses(2, "there are broadcast_operands, fold, ", "compile", DIGITS, "-o", "x.so", "--disable=nosuchpass", cwd=folder)
    refuses(2, "'to_bf16' is not among those", "compile", DIGITS, "-o", "x.so", "--dump-after=to_bf16", cwd=folder)
    refuses(2, "'raise' is not among those", "opt", DIGITS, "-p", "fold", "--dump-after=raise", cwd=folder)
    (folder / "f.fir").write_text(GRAPH)
    refuses(1, "--const is for ONNX models", "compile", "f.fir", "-o", "x.so", "--const", f"x={ROOT}/examples/attention/x.npy",
            cwd=folder)
    works("opt", "f.fir", "-p", "decompose,lower", "--target=cuda", says="threads", cwd=folder)
    os.remove(folder / "f.fir")
    # options behind the file are options, whatever the environment says of that
    os.environ["POSIXLY_CORRECT"] = "1"
    try:
        works("compile", DIGITS, "-o", "x.so", cwd=folder)
    finally:
        del os.environ["POSIXLY_CORRECT"]
    for flag in ("--target=cuda", "--cpu=znver4", "--const=image=x"):
        refuses(2, "is compiled already", "info", "x.so", flag, cwd=folder)
    holds_only(folder, "x.so")


def test_features_that_are_missing_are_refused(folder):
    for flag in ("--precision=int8", "--fast-math", "--cublas", "--tuning=x"):
        refuses(1, flag.split("=")[0], "compile", DIGITS, "-o", "x.so", flag, cwd=folder)
    holds_only(folder)
    works("compile", DIGITS, "-o", "x.so", "--precision=f32", "--blas=none", "--batch-invariant", "--exact-casts", "--direct-convs", cwd=folder)
    holds_only(folder, "x.so")


def test_compile_writes_what_it_was_asked_for(folder):
    if works("compile", DIGITS, "-o", "x.so", cwd=folder):
        raise Fault("a compile into a pipe is not quiet")
    works("compile", DIGITS, "-o", "x.so", "--report=r.txt", "--emit-header=digits.h", "--weights=side", cwd=folder)
    holds_only(folder, "x.so", "x.so.weights", "r.txt", "digits.h")
    works("compile", DIGITS, "-o", "x.so", "--report", says="kernels", cwd=folder)
    works("compile", DIGITS, "-o", "x.so", "--dump-after=decompose", says="func @digits", cwd=folder)
    done = frit("compile", DIGITS, "-o", "x.so", "--time-passes", cwd=folder)
    if done.returncode or "decompose" not in done.stderr or "together" not in done.stderr:
        raise Fault(f"--time-passes printed {done.stderr}")
    (folder / "use.c").write_text('#include "digits.h"\nint main(void) { float x[64] = {0}; int64_t dims[4] = {1, 1, 8, 8};\n'
                                  "    return digits_input_image(x, dims).rank - 4 + DIGITS_N_INPUTS - 1; }\n")
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler):
        subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", "use.c", "-o", "use"], cwd=folder, check=True)
        subprocess.run([folder / "use"], check=True)


def test_header_names_do_not_collide(folder):
    (folder / "m.fir").write_text("func @m(%a.b: f32[4], %a_b: f32[4], %A_B: f32[4]) -> (%y: f32[4]) {\n"
                                  "  %1 = add %a.b, %a_b : f32[4]\n  %2 = add %1, %A_B : f32[4]\n  return %2\n}\n")
    works("compile", "m.fir", "-o", "m.so", "--emit-header=m.h", cwd=folder)
    text = (folder / "m.h").read_text()
    for name in ("M_INPUT_A_B = 0", "M_INPUT_A_B_1 = 1", "M_INPUT_A_B_2 = 2", "m_input_a_b(", "m_input_a_b_1(", "m_input_A_B_2("):
        if name not in text:
            raise Fault(f"the header has no {name}:\n{text}")


def test_long_chains(folder):
    """Neither the stack nor the time of a compile goes with the square of a chain of operators that would fuse."""
    chain = "".join(f"  %v{i} = {('exp', 'sin')[i % 2]} %{f'v{i - 1}' if i else 'x'} : f32[4]\n" for i in range(1000))
    (folder / "m.fir").write_text("func @m(%x: f32[4]) -> (%y: f32[4]) {\n" + chain + "  return %v999\n}\n")
    works("compile", "m.fir", "-o", "m.so", "--report=r.json", cwd=folder)
    if len(json.loads((folder / "r.json").read_text())["kernels"]) != 4:
        raise Fault("a chain of 1000 is not four kernels")


def test_same_bytes_everywhere(folder):
    for name in ("a", "b"):
        (folder / name).mkdir()
        shutil.copy(ATTENTION, folder / name / "m.onnx")
        works("compile", "m.onnx", "-o", "m.so", "-j", "1" if name == "a" else "3", cwd=folder / name)
    if (folder / "a/m.so").read_bytes() != (folder / "b/m.so").read_bytes():
        raise Fault("two folders, two artifacts")


def test_bad_files(folder):
    def file(name, data):
        (folder / name).write_bytes(data)
        return name

    whole = pathlib.Path(DIGITS).read_bytes()
    bad = [("No such file", "missing.onnx"), ("is a directory", "."), ("", file("empty.onnx", b"")),
           ("cut.onnx", file("cut.onnx", whole[:5000])), ("", file("noise.onnx", bytes(range(256)) * 9)),
           ("GGUF", file("x.gguf", b"GGUF" + bytes(64))), ("safetensors", file("x.safetensors", bytes(64))),
           ("bad.fir:1:", file("bad.fir", b"func @f(%x: f32[4] -> (%y: f32[4]) {}")), ("zero byte", file("zero.fir", b"func\0"))]
    before = sorted(os.listdir(folder))
    for says, name in bad:
        refuses(1, says, "compile", name, "-o", "x.so", cwd=folder)
    holds_only(folder, *before)


def test_bad_outputs(folder):
    refuses(1, "is a directory", "compile", DIGITS, "-o", ".", cwd=folder)
    refuses(1, "does not exist", "compile", DIGITS, "-o", "no/where.so", cwd=folder)
    refuses(1, "does not exist", "compile", DIGITS, "-o", "x.so", "--report=no/where.txt", cwd=folder)
    if os.geteuid() != 0:
        (folder / "locked").mkdir(mode=0o500)
        refuses(1, "cannot be written", "compile", DIGITS, "-o", "locked/x.so", cwd=folder)
        (folder / "locked").rmdir()

    refuses(1, "the output path is empty", "compile", DIGITS, "-o", "", cwd=folder)
    refuses(1, "'': No such file", "compile", "", "-o", "x.so", cwd=folder)
    refuses(2, "cannot go to standard output", "compile", DIGITS, "-o", "-", cwd=folder)
    refuses(1, "not a regular file", "compile", DIGITS, "-o", "/dev/null", cwd=folder)
    os.mkfifo(folder / "fifo")
    refuses(1, "not a regular file", "compile", DIGITS, "-o", "fifo", cwd=folder)
    os.remove(folder / "fifo")
    refuses(2, "two outputs", "compile", DIGITS, "-o", "x.so", "--report=./x.so", cwd=folder)
    refuses(2, "two outputs", "compile", DIGITS, "-o", "x.so", "--report=r", f"--emit-header={folder}/r", cwd=folder)
    shutil.copy(DIGITS, folder / "m.onnx")
    (folder / "link.onnx").symlink_to("m.onnx")
    refuses(2, "the model itself", "compile", "m.onnx", "-o", "m.onnx", cwd=folder)
    refuses(2, "the model itself", "compile", "m.onnx", "-o", "x.so", "--report=link.onnx", cwd=folder)
    if (folder / "m.onnx").read_bytes() != pathlib.Path(DIGITS).read_bytes():
        raise Fault("the model was written to")
    os.remove(folder / "link.onnx")
    os.remove(folder / "m.onnx")

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    refuses(1, "x.so", "compile", DIGITS, "-o", "x.so", cwd=folder, limits=small_files)
    holds_only(folder)


def test_run_without_memory_for_an_output(folder):
    """One line that names it. A sanitizer's build takes its limit from frit_proc."""
    (folder / "f.fir").write_text(HUGE)
    works("compile", "f.fir", "-o", "x.so", cwd=folder)
    ended = frit_proc.run([FRIT, "run", "x.so", "--output-dir", "."], LIMIT_S, memory_mib=2048, cwd=folder)
    if ended.trouble or ended.code != 1 or "y: out of memory: this output takes 4294967296 bytes" not in ended.err:
        raise Fault(f"{ended.trouble or 'exit ' + str(ended.code)}: {ended.err.strip()[-400:]}")
    holds_only(folder, "f.fir", "x.so")


def test_dims(folder):
    works("compile", DIGITS, "-o", "x.so", "--dim", "batch=2..8@4", cwd=folder)
    works("info", "x.so", says="batch in 2..8", cwd=folder)
    works("compile", DIGITS, "-o", "x.so", "--dim", "batch=3", cwd=folder)
    works("info", "x.so", says="3, 1, 8, 8", cwd=folder)
    refuses(2, "did you mean 'batch'", "compile", DIGITS, "-o", "y.so", "--dim", "bach=3", cwd=folder)
    holds_only(folder, "x.so")


def test_many_sizes_in_one_slot(folder):
    """More symbols in the sizes of buffers than a maximum has operands: memory is found all the same."""
    each = range(40)
    body = "".join(f"  %s{i} = scan %x{i} {{kind = sum, axis = 0}} : f32[N{i}, 8]\n  %t{i} = transpose %s{i} {{perm = [1, 0]}} : f32[8, N{i}]\n"
                   f"  %y{i} = matmul %t{i}, %w{i} : f32[8, 9]\n" for i in each)
    ins, outs = (f"%x{i}: f32[N{i}, 8], %w{i}: f32[N{i}, 9]" for i in each), (f"%y{i}: f32[8, 9]" for i in each)
    (folder / "f.fir").write_text(f"func @f({', '.join(ins)}) -> ({', '.join(outs)}) where {', '.join(f'N{i} in 1..700' for i in each)}"
                                  f" {{\n{body}  return {', '.join(f'%y{i}' for i in each)}\n}}\n")
    works("compile", "f.fir", "-o", "x.so", cwd=folder)
    works("info", "x.so", says="scan", cwd=folder)


def test_ctrl_c_leaves_nothing(folder):
    works("compile", ATTENTION, "-o", "x.so", cwd=folder)
    os.remove(folder / "x.so")
    interrupted = 0
    for delay_ms in (1, 5, 10, 20, 40, 60, 80, 120, 160, 240):
        for number in (signal.SIGINT, signal.SIGTERM):
            child = subprocess.Popen([FRIT, "compile", ATTENTION, "-o", "x.so", "--weights=side"], cwd=folder,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(delay_ms / 1000)
            child.send_signal(number)
            child.communicate(timeout=LIMIT_S)
            if child.returncode == 0:
                holds_only(folder, "x.so", "x.so.weights")
                for name in os.listdir(folder):
                    os.remove(folder / name)
                continue
            interrupted += 1
            # Side weights get their name before the artifact does: alone they are harmless, but half of a file is not.
            holds_only(folder, *([n for n in os.listdir(folder) if n == "x.so.weights"]))
            for name in os.listdir(folder):
                os.remove(folder / name)
    if not interrupted:
        raise Fault("no run was interrupted")


def test_opt(folder):
    (folder / "f.fir").write_text(GRAPH)
    text = works("opt", "f.fir", "-p", "decompose", says="reduce", cwd=folder)
    (folder / "g.fir").write_text(text)
    if works("opt", "g.fir", cwd=folder) != text:
        raise Fault("print then parse is not the identity")
    works("opt", "f.fir", "-p", "decompose,lower", says="kernel @", cwd=folder)
    if "loc(" in works("opt", DIGITS, "--plain", says="conv %image", cwd=folder):
        raise Fault("--plain prints places")
    refuses(2, "did you mean 'decompose'", "opt", "f.fir", "-p", "fold,decompos", cwd=folder)


def field(number, content):
    """A field of protobuf's wire format: bytes, or a small number."""
    return bytes([number << 3, content]) if isinstance(content, int) else bytes([number << 3 | 2, len(content)]) + content


def test_info_of_what_cannot_be_compiled(folder):
    node = field(1, b"x") + field(2, b"y") + field(4, b"Mystery")
    graph = field(1, node) + field(2, b"g") + field(11, field(1, b"x")) + field(12, field(1, b"y"))
    (folder / "m.onnx").write_bytes(field(1, 8) + field(8, field(2, 17)) + field(7, graph))
    for extra, says in (([], "Mystery: 1, not supported"), (["--json"], '"supported": false')):
        done = frit("info", "m.onnx", *extra, cwd=folder)
        lines = done.stderr.splitlines()
        if done.returncode != 1 or says not in done.stdout or len(lines) != 1 or "Mystery" not in lines[0]:
            raise Fault(f"info {extra}: exit {done.returncode}, {done.stdout} {done.stderr}")
    refuses(1, "No such file", "info", "nothing.so", cwd=folder)
    (folder / "m.so").write_bytes(b"\x7fELF")
    refuses(1, "m.so: is cut short", "info", "m.so", cwd=folder)
    (folder / "m.fir").write_text("func")
    refuses(1, "m.fir", "info", "m.fir", cwd=folder)


def test_check(folder):
    suite = folder / "test_it"
    (suite / "test_data_set_0").mkdir(parents=True)
    done = frit("check", str(suite))
    if done.returncode != 1 or "fail" not in done.stdout or "has no model.onnx" not in done.stdout:
        raise Fault(f"a folder without a model: {done.stdout}")
    if done.stdout.splitlines()[-1] != "0 passed, 1 failed, 0 skipped":
        raise Fault(f"last line: {done.stdout}")
    if "fail nowhere: there is no such folder" not in frit("check", "nowhere").stdout:
        raise Fault("a folder that is not there")
    (suite / "test_data_set_0").rmdir()
    shutil.copy(DIGITS, suite / "model.onnx")
    if "skip " not in works("check", str(suite)):
        raise Fault("a folder without data is not skipped")
    refuses(2, "DIR is missing", "check")
    refuses(2, "not a number", "check", str(suite), "--rtol", "x")


def main():
    if not os.access(FRIT, os.X_OK):
        print("skip: compile: build/frit is not built")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                passed += 1
            except (Fault, subprocess.SubprocessError) as fault:
                failed += 1
                print(f"{name}: {fault}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
