# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damage to artifacts: a changed byte anywhere in the file, or in its file of weights, is noticed by every command that
opens it, in one line with exit status 1; what is not damaged is not refused. And what the look costs."""

import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
DIGITS, IMAGE = str(ROOT / "examples/digits/digits.onnx"), str(ROOT / "examples/digits/held_out.npy")
LIMIT_S, N_PLACES = 120, 200
BIG_BYTES, MOST_TIMES_READING, ALLOWANCE_S = 128 << 20, 6, 1.0


class Fault(Exception):
    pass


def frit(*words):
    return subprocess.run([FRIT, *map(str, words)], capture_output=True, text=True, errors="replace", timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL)


def works(*words):
    done = frit(*words)
    if done.returncode or done.stderr:
        raise Fault(f"frit {' '.join(map(str, words))}: exit {done.returncode}, {done.stderr.strip()[-300:]}")
    return done.stdout


def noticed(what, says, *words):
    """Exit 1, nothing on stdout, one line on stderr with one of the texts `says`."""
    done = frit(*words)
    lines = done.stderr.splitlines()
    if done.returncode != 1 or len(lines) != 1 or done.stdout or not any(text in lines[0] for text in says):
        raise Fault(f"{what}: frit {' '.join(map(str, words))}: exit {done.returncode}, {done.stderr.strip()[-300:]}")


def sections(data):
    """(name, offset, bytes) of every section that takes room in the file."""
    at, = struct.unpack_from("<Q", data, 40)
    n, names = struct.unpack_from("<HH", data, 60)
    rows = [struct.unpack_from("<IIQQQQ", data, at + 64 * i) for i in range(n)]
    strings = rows[names][4]
    text = lambda offset: data[strings + offset:data.index(0, strings + offset)].decode()
    return [(text(r[0]), r[4], r[5]) for r in rows if r[1] not in (0, 8) and r[5]]


def places(data, seed):
    """What to damage: (name, offset). The ends of all that the file consists of, and random bytes."""
    rng = random.Random(seed)
    found = [("a random byte", rng.randrange(len(data))) for _ in range(N_PLACES)]
    header_bytes, n_headers = 64, struct.unpack_from("<H", data, 56)[0]
    parts = sections(data) + [("the file", 0, len(data)), ("the ELF header", 0, header_bytes),
                              ("the program headers", struct.unpack_from("<Q", data, 32)[0], 56 * n_headers),
                              ("the section headers", struct.unpack_from("<Q", data, 40)[0],
                               64 * struct.unpack_from("<H", data, 60)[0])]
    for name, offset, size in parts:
        found += [(f"the first byte of {name}", offset), (f"the last byte of {name}", offset + size - 1)]
    return found + [(f"byte {i} of the ELF header", i) for i in range(4, header_bytes)]


class damaged:
    """A byte of the file changed, while the block runs."""

    def __init__(self, path, offset, bits=0x21):
        self.path, self.offset, self.bits = path, offset, bits

    def flip(self):
        with open(self.path, "r+b") as f:
            f.seek(self.offset)
            byte = f.read(1)[0]
            f.seek(self.offset)
            f.write(bytes([byte ^ self.bits]))

    def __enter__(self):
        self.flip()

    def __exit__(self, *_):
        self.flip()


# what the line may say: that it is damaged, or, where what makes it an artifact is gone, what it is taken for
TOLD = ("is damaged", "is not an artifact", "frit did not make it", "another version", "is cut short")
TAKEN_FOR_A_MODEL = ("m.so: ", )


def test_every_byte_of_an_artifact(folder):
    so = folder / "m.so"
    works("compile", DIGITS, "-o", so, "--cpu=x86-64-v3")
    works("info", so)
    data = so.read_bytes()
    commands = [["info"], ["run", "--input", f"image={IMAGE}"], ["verify"], ["bench"]]
    for i, (name, offset) in enumerate(places(data, 1)):
        command, *rest = commands[i % len(commands)]
        with damaged(so, offset, 1 << i % 8):
            noticed(f"{name} ({offset})", TAKEN_FOR_A_MODEL if offset < 4 else TOLD, command, so, *rest)
    if so.read_bytes() != data:
        raise Fault("the test left damage behind")
    works("info", so)


def test_what_was_damaged_is_said(folder):
    so = folder / "m.so"
    works("compile", DIGITS, "-o", so, "--cpu=x86-64-v3")
    data = so.read_bytes()
    text = next(offset for name, offset, _ in sections(data) if name == ".text")
    remedy = "copy it again or compile the model again"
    with damaged(so, text):
        noticed("code", ["m.so: is damaged: its code or tables are not those that frit wrote; " + remedy], "info", so)
    with damaged(so, len(data) - 1):
        noticed("weights", ["m.so: is damaged: its weights are not those that frit wrote; " + remedy], "info", so)
    so.write_bytes(data + b"\0")
    noticed("longer", [f"m.so: is damaged: it has {len(data) + 1} bytes, frit wrote {len(data)}"], "info", so)
    so.write_bytes(data[:-1])
    noticed("shorter", ["m.so: is damaged or cut short: it should have at least"], "info", so)


def test_file_of_weights(folder):
    so, weights = folder / "m.so", folder / "m.so.weights"
    works("compile", DIGITS, "-o", so, "--cpu=x86-64-v3", "--weights=side")
    n, rng = weights.stat().st_size, random.Random(2)
    works("verify", so)
    for offset in [0, 7, 8, 16, 23, 24, 4095, 4096, n - 1, *(rng.randrange(n) for _ in range(30))]:
        with damaged(weights, offset):
            noticed(f"byte {offset} of the weights", ["m.so.weights: is "], "info" if offset % 2 else "verify", so)
    works("info", so)
    # in the current folder, by a bare name
    done = subprocess.run([FRIT, "info", "m.so"], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise Fault(f"a bare name: {done.stderr}")


def test_trust_is_for_weights_only(folder):
    so = folder / "m.so"
    works("compile", DIGITS, "-o", so, "--cpu=x86-64-v3")
    data = so.read_bytes()
    text = next(offset for name, offset, _ in sections(data) if name == ".text")
    with damaged(so, len(data) - 1):
        works("info", so, "--trust")
        works("run", so, "--trust", "--input", f"image={IMAGE}")
    with damaged(so, text):
        noticed("code under --trust", TOLD, "info", so, "--trust")


def test_bytes_are_the_same_each_time(folder):
    for extra in ([], ["--weights=side"]):
        first = folder / "1" / "m.so", folder / "1" / "m.so.weights"
        second = folder / "2" / "m.so", folder / "2" / "m.so.weights"
        for so, _ in (first, second):
            so.parent.mkdir(exist_ok=True)
            works("compile", DIGITS, "-o", so, "--cpu=x86-64-v3", *extra)
        for a, b in zip(first, second):
            if a.exists() and a.read_bytes() != b.read_bytes():
                raise Fault(f"{a.name} differs from compile to compile")


def seconds(action):
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.monotonic()
        action()
        best = min(best, time.monotonic() - start)
    return best


def test_cost_is_that_of_reading(folder):
    import numpy
    import onnx

    n = BIG_BYTES // 4
    w = numpy.arange(n, dtype=numpy.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])], "big",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [n])], [onnx.numpy_helper.from_array(w, "w")])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), folder / "big.onnx")
    so = folder / "big.so"
    works("compile", folder / "big.onnx", "-o", so)
    os.remove(folder / "big.onnx")

    def read():
        with open(so, "rb", buffering=0) as f:
            while f.read(1 << 20):
                pass

    reading = seconds(read)
    cost = seconds(lambda: works("info", so)) - seconds(lambda: works("info", so, "--trust"))
    if cost > MOST_TIMES_READING * reading + ALLOWANCE_S:
        raise Fault(f"looking for damage in {BIG_BYTES >> 20} MiB takes {cost:.2f} s, reading them {reading:.2f} s")


def main():
    passed = failed = skipped = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                passed += 1
            except ImportError as e:
                skipped += 1
                print(f"skip: {name}: {e}")
            except (Fault, subprocess.TimeoutExpired) as e:
                failed += 1
                print(f"{name}: {e}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if not os.access(FRIT, os.X_OK):
    print("skip: damage: build/frit is not built\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)
sys.exit(main())
