# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Token ids and other indices outside what they index: `frit run`, `verify` and `check` name input, position, value and
range before they run; artifacts of --checked report indices that the program computes. What is inside, negative indices
included, is not refused, nor is what no gather reads."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
FRIT = os.environ.get("FRIT", str(ROOT / "build/frit"))
LIMIT_S = 120


class Fault(Exception):
    pass


def frit(*words, cwd=None):
    return subprocess.run([FRIT, *map(str, words)], cwd=cwd, capture_output=True, text=True, errors="replace",
                          timeout=LIMIT_S, stdin=subprocess.DEVNULL)


class Program:
    """A .fir text, compiled in a folder."""

    def __init__(self, folder, text, *flags):
        self.folder, self.text = folder, text
        (folder / "f.fir").write_text(text)
        done = frit("compile", "f.fir", "-o", "f.so", "--cpu=x86-64-v3", *flags, cwd=folder)
        if done.returncode:
            raise Fault(f"does not compile: {done.stderr}\n{text}")

    def call(self, command, inputs):
        words = []
        for name, x in inputs.items():
            np.save(self.folder / f"{name}.npy", x)
            words += ["--input", f"{name}={name}.npy"]
        return frit(command, "f.so", *words, cwd=self.folder)

    def works(self, **inputs):
        done = self.call("run", inputs)
        if done.returncode or done.stderr:
            raise Fault(f"refused: {done.stderr.strip()}\n{self.text}")

    def refuses(self, says, command="run", **inputs):
        done = self.call(command, inputs)
        lines = done.stderr.splitlines()
        if done.returncode != 1 or len(lines) != 1 or done.stdout or says not in lines[0]:
            raise Fault(f"exit {done.returncode}, wanted '{says}': {done.stderr.strip()}\n{self.text}")


def changed(x, at, value):
    y = x.copy()
    y[at] = value
    return y


TABLE = np.zeros((100, 4), np.float32)

EMBEDDING = """func @f(%ids: DT[B, S], %table: f32[100, 4]) -> (%y: f32[B, S, 4]) where B in 1..64, S in 1..64 {
  %i = cast %ids {to = i64} : i64[B, S]
  %0 = gather %table, %i {axis = 0} : f32[B, S, 4]
  return %0
}
"""


def test_ids_of_an_embedding(folder):
    for dt, numpy in (("i32", np.int32), ("u8", np.uint8), ("i8", np.int8), ("i64", np.int64)):
        text = EMBEDDING.replace("DT", dt)
        if dt == "i64":
            text = text.replace("  %i = cast %ids {to = i64} : i64[B, S]\n", "").replace("%i {", "%ids {")
        p = Program(folder, text)
        ids = np.arange(6, dtype=numpy).reshape(2, 3)
        p.works(ids=ids, table=TABLE)
        p.works(ids=changed(ids, (1, 2), 99), table=TABLE)
        allowed = "which is outside what it indexes: -100..99 are allowed"
        p.refuses(f"input 'ids': element [1, 2] is 100, {allowed}", ids=changed(ids, (1, 2), 100), table=TABLE)
        p.refuses(f"input 'ids': element [0, 1] is 120, {allowed}", "verify", ids=changed(ids, (0, 1), 120), table=TABLE)
        if dt != "u8":
            p.works(ids=changed(ids, (0, 0), -100), table=TABLE)
            p.refuses(f"input 'ids': element [0, 0] is -101, {allowed}", ids=changed(ids, (0, 0), -101), table=TABLE)


def test_only_what_is_read(folder):
    """A slice, turned and with a stride: the elements beside it may hold anything."""
    p = Program(folder, """func @f(%ids: i64[B, 8], %table: f32[100, 4]) -> (%y: f32[3, B, 4]) where B in 1..64 {
  %s = slice %ids {starts = [0, 1], steps = [1, 2], sizes = [B, 3]} : i64[B, 3]
  %t = transpose %s {perm = [1, 0]} : i64[3, B]
  %r = reshape %t {dims = [3, 1, B]} : i64[3, 1, B]
  %q = reshape %r {dims = [3, B]} : i64[3, B]
  %0 = gather %table, %q {axis = 0} : f32[3, B, 4]
  return %0
}
""")
    ids = np.full((2, 8), 12345)
    ids[:, 1:6:2] = 7
    p.works(ids=ids, table=TABLE)
    p.refuses("input 'ids': element [1, 5] is 100, ", ids=changed(ids, (1, 5), 100), table=TABLE)
    p = Program(folder, """func @f(%ids: i64[B, 8], %table: f32[100, 4]) -> (%y: f32[B, 2, 4]) where B in 1..64 {
  %s = slice %ids {starts = [0, 7], steps = [1, -3], sizes = [B, 2]} : i64[B, 2]
  %0 = gather %table, %s {axis = 0} : f32[B, 2, 4]
  return %0
}
""")
    ids = np.full((3, 8), 500)
    ids[:, [4, 7]] = 1
    p.works(ids=ids, table=TABLE)
    p.refuses("input 'ids': element [2, 4] is -101, ", ids=changed(ids, (2, 4), -101), table=TABLE)


def test_extent_that_a_call_decides(folder):
    p = Program(folder, """func @f(%at: i64[M], %x: f32[N, 4]) -> (%y: f32[M, 4]) where M in 1..64, N in 0..64 {
  %0 = gather %x, %at {axis = 0} : f32[M, 4]
  return %0
}
""")
    p.works(at=np.array([0, 4]), x=np.zeros((5, 4), np.float32))
    p.refuses("input 'at': element [1] is 4, which is outside what it indexes: -4..3 are allowed", at=np.array([0, 4]),
              x=np.zeros((4, 4), np.float32))


def test_tuples(folder):
    p = Program(folder, """func @f(%at: i64[M, 2], %x: f32[5, 6]) -> (%y: f32[M]) where M in 1..64 {
  %0 = gather_nd %x, %at : f32[M]
  return %0
}
""")
    x, at = np.zeros((5, 6), np.float32), np.array([[4, 5], [-5, -6]])
    p.works(at=at, x=x)
    p.refuses("input 'at': element [0, 0] is 5, which is outside what it indexes: -5..4", at=changed(at, (0, 0), 5), x=x)
    p.refuses("input 'at': element [1, 1] is 6, which is outside what it indexes: -6..5", at=changed(at, (1, 1), 6), x=x)


def test_scatter(folder):
    p = Program(folder, """func @f(%x: f32[5, 6], %at: i64[2, 6], %u: f32[2, 6]) -> (%y: f32[5, 6]) {
  %0 = scatter_elements %x, %at, %u {axis = 0, mode = set} : f32[5, 6]
  return %0
}
""")
    x, at, u = np.zeros((5, 6), np.float32), np.zeros((2, 6), np.int64), np.ones((2, 6), np.float32)
    p.works(x=x, at=changed(at, (1, 0), -5), u=u)
    p.refuses("input 'at': element [1, 0] is 5, which is outside what it indexes: -5..4", x=x, at=changed(at, (1, 0), 5), u=u)


def test_what_is_not_only_an_index(folder):
    """Numbers that arithmetic changes on their way are not judged; those of a branch are not, either."""
    p = Program(folder, """func @f(%ids: i64[B], %table: f32[100, 4]) -> (%y: f32[B, 4]) where B in 1..64 {
  %one = const splat(1000) : i64[]
  %i = sub %ids, %one : i64[B]
  %0 = gather %table, %i {axis = 0} : f32[B, 4]
  return %0
}
""")
    p.works(ids=np.array([1000, 1099]), table=TABLE)


COMPUTED = """func @f(%ids: i64[B, S], %table: f32[100, N]) -> (%y: f32[B, S, N]) where B in 1..64, S in 1..64, N in 1..64 {
  %two = const splat(2) : i64[]
  %i = mul %ids, %two : i64[B, S]
  %0 = gather %table, %i {axis = 0} : f32[B, S, N]
  return %0
}
"""


def test_checked_reports_computed_indices(folder):
    p = Program(folder, COMPUTED, "--checked")
    for n in (1, 3, 16, 33):
        table, ids = np.zeros((100, n), np.float32), np.arange(12).reshape(2, 6)
        p.works(ids=ids, table=table)
        p.works(ids=changed(ids, (1, 1), -50), table=table)
        p.refuses("an index is 100, but -100..99 are allowed", ids=changed(ids, (1, 1), 50), table=table)
        p.refuses("an index is -102, but -100..99 are allowed", ids=changed(ids, (0, 5), -51), table=table)
    Program(folder, COMPUTED).works(ids=changed(ids, (1, 1), 50), table=table)  # else it is clamped


def test_checked_sees_every_axis(folder):
    """An index outside its axis that is inside the tensor."""
    p = Program(folder, """func @f(%ids: i64[M], %x: f32[8, 10]) -> (%y: f32[8, M]) where M in 1..64 {
  %one = const splat(1) : i64[]
  %i = add %ids, %one : i64[M]
  %0 = gather %x, %i {axis = 1} : f32[8, M]
  return %0
}
""", "--checked")
    x = np.zeros((8, 10), np.float32)
    p.works(ids=np.array([8, -11]), x=x)
    p.refuses("an index is 10, but -10..9 are allowed", ids=np.array([0, 9]), x=x)


def test_checked_scatter(folder):
    p = Program(folder, """func @f(%x: f32[5, 6], %ids: i64[2, 6], %u: f32[2, 6]) -> (%y: f32[5, 6]) {
  %one = const splat(1) : i64[]
  %i = add %ids, %one : i64[2, 6]
  %0 = scatter_elements %x, %i, %u {axis = 0, mode = add} : f32[5, 6]
  return %0
}
""", "--checked")
    x, at, u = np.zeros((5, 6), np.float32), np.zeros((2, 6), np.int64), np.ones((2, 6), np.float32)
    p.works(x=x, ids=changed(at, (1, 3), 3), u=u)
    p.refuses("an index is 5, but -5..4 are allowed", x=x, ids=changed(at, (1, 3), 4), u=u)


def test_checked_leaves_alone_what_is_not_read(folder):
    """Behind a pad's guard nothing is read, whatever the index would be."""
    p = Program(folder, """func @f(%ids: i64[4], %table: f32[10, 4]) -> (%y: f32[8, 4]) {
  %c = const splat(5) : i64[]
  %i = sub %ids, %c : i64[4]
  %0 = gather %table, %i {axis = 0} : f32[4, 4]
  %zero = const splat(0) : f32[]
  %1 = pad %0, %zero {lo = [2, 0], hi = [2, 0], mode = constant} : f32[8, 4]
  return %1
}
""", "--checked")
    p.works(ids=np.array([5, 6, 7, 14]), table=np.zeros((10, 4), np.float32))
    p.refuses("an index is 10, but -10..9", ids=np.array([5, 6, 7, 15]), table=np.zeros((10, 4), np.float32))


def test_check(folder):
    try:
        import onnx
    except ImportError as e:
        return str(e)
    h, dt = onnx.helper, onnx.TensorProto
    graph = h.make_graph([h.make_node("Gather", ["table", "ids"], ["y"], name="word_table")], "g",
                         [h.make_tensor_value_info("table", dt.FLOAT, [4, 2]), h.make_tensor_value_info("ids", dt.INT64, [3])],
                         [h.make_tensor_value_info("y", dt.FLOAT, [3, 2])])
    (folder / "c" / "test_data_set_0").mkdir(parents=True)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)]), folder / "c" / "model.onnx")
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    for ids, verdict in (([0, -4, 3], "pass"), ([0, 4, 3], "input 'ids': element [1] is 4, which is outside what it indexes")):
        for kind, i, name, x in (("input", 0, "table", table), ("input", 1, "ids", np.array(ids)),
                                 ("output", 0, "y", table[np.clip(ids, -4, 3)])):
            tensor = onnx.numpy_helper.from_array(x, name)
            (folder / "c" / "test_data_set_0" / f"{kind}_{i}.pb").write_bytes(tensor.SerializeToString())
        said = frit("check", folder / "c").stdout
        if verdict not in said or (verdict != "pass" and "word_table" not in said):
            raise Fault(f"check of ids {ids}: {said}")


def main():
    passed = failed = skipped = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                missing = test(pathlib.Path(folder))
                passed, skipped = passed + (not missing), skipped + bool(missing)
                if missing:
                    print(f"skip: {name}: {missing}")
            except (Fault, subprocess.TimeoutExpired) as e:
                failed += 1
                print(f"{name}: {e}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if not os.access(FRIT, os.X_OK):
    print("skip: indices: build/frit is not built\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)
sys.exit(main())
