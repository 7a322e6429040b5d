# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles one case, reads the artifact back, runs it in memory full of garbage, and says what came of it.

Kinds of verdict: passed; refused (by the compiler, with a reason of REFUSALS); and the failures: wrong (other numbers or
extents than the reference, or a compiler that refuses for another reason), damaged (frit refuses what it wrote), garbage
(bits that depend on what memory held or on the number of threads, or a write outside of the memory given), turned away
(the artifact refuses a call that the reference answers), crashed, hung.
"""

import collections
import dataclasses
import os
import pickle
import re
import selectors
import signal
import time

import numpy as np
import onnx

import artifact
import frit_proc
from graph import graphs_in

RTOL, ATOL = 1e-3, 1e-5
# What the compiler may refuse: what it says of itself to be not supported, and a loop whose body counts something anew
# every turn and collects it, as nothing says that the parts have equal extents.
REFUSALS = re.compile(r"not supported|unsupported|of which every iteration counts", re.IGNORECASE)

Count = collections.namedtuple("Count", "operators compared elements")


@dataclasses.dataclass
class Verdict:
    kind: str
    text: str

    @property
    def is_failure(self):
        return self.kind not in ("passed", "refused", "made")


@dataclasses.dataclass
class Case:
    model: onnx.ModelProto
    sets: list     # (inputs by name, for each output (answer, which elements are steady) or None)
    options: list  # of frit compile
    pattern: str   # what memory holds

    def count(self):
        pairs = [p for _, outputs in self.sets for p in outputs if p]
        return Count(operators_of(self.model.graph), sum(int(good.sum()) for _, good in pairs),
                     sum(good.size for _, good in pairs))


def operators_of(graph):
    out = collections.Counter(node.op_type for node in graph.node)
    for node in graph.node:
        for inner in graphs_in(node):
            out.update(operators_of(inner))
    return out


def reason_class(reason):
    """A reason with the particulars taken out, so that equal causes count together."""
    line = reason.splitlines()[0] if reason else ""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\S*/\S*|\b[vcp]\d\w*|[0-9][0-9.e+-]*", "_", line)[:100]


# --- one case ---

def compile_case(frit, folder, case, seconds):
    """The verdict of compiling and of reading back; None when both are fine."""
    made = frit_proc.run([str(frit), "compile", str(folder / "model.onnx"), "-o", str(folder / "model.so"), "-j", "1",
                          *case.options], seconds)
    if made.trouble:
        return Verdict("hung" if made.trouble.startswith("hang") else "crashed", f"compiler: {made.trouble} {made.err[-400:]}")
    if made.code:
        is_reason = REFUSALS.search(made.err)
        damaged = "damaged" in made.err or "a bug in frit" in made.err
        return Verdict("refused" if is_reason else "damaged" if damaged else "wrong", made.err.strip()[-400:])
    read = frit_proc.run([str(frit), "info", str(folder / "model.so")], seconds)
    if read.trouble or read.code:
        return Verdict("damaged", f"{read.trouble} {read.err.strip()[-400:]}")
    return None


def compare(name, got, answer, good):
    """What is wrong with one output, "" when nothing is."""
    if got.dtype != answer.dtype or got.shape != answer.shape:
        return f"output {name} is {got.dtype}{list(got.shape)} instead of {answer.dtype}{list(answer.shape)}"
    g, w = got.astype(np.float64), answer.astype(np.float64)
    near = (g == w) | (np.isnan(g) & np.isnan(w))
    if answer.dtype.kind == "f":
        near |= np.isfinite(g) & np.isfinite(w) & (np.abs(g - w) <= ATOL + RTOL * np.abs(w))
    bad = np.argwhere(~near & good)
    if not len(bad):
        return ""
    at = tuple(bad[0])
    return (f"output {name}: {len(bad)} of {int(good.sum())} elements differ, first {[int(i) for i in at]}: "
            f"{g[at]:.9g} instead of {w[at]:.9g}")


def run_set(a, case, k):
    inputs, wanted = case.sets[k]
    try:
        results = [a.run(inputs, case.pattern, 1), a.run(inputs, "zeros", 2)]
    except artifact.TooLarge as large:
        return Verdict("refused", f"large: {large}")
    except artifact.Refused as refused:
        return Verdict("turned away", f"set {k}: {refused}")
    except artifact.Overrun as overrun:
        return Verdict("garbage", f"set {k}: {overrun}")
    for i, port in enumerate(case.model.graph.output):
        wrong = wanted[i] and compare(port.name, results[1][i], *wanted[i])
        if wrong:
            return Verdict("wrong", f"set {k}: {wrong}")
        first, second = results[0][i], results[1][i]
        if first.shape != second.shape or first.tobytes() != second.tobytes():
            return Verdict("garbage", f"set {k}: bits of {port.name} depend on memory ({case.pattern}) or threads")
    return None


def run_case(folder, case):
    a = artifact.Artifact(folder / "model.so")
    for k in range(len(case.sets)):
        verdict = run_set(a, case, k)
        if verdict:
            return verdict
    return Verdict("passed", "")


def judge(frit, folder, case, seconds):
    verdict = compile_case(frit, folder, case, seconds)
    if verdict:
        return verdict
    (_, said), = in_processes(lambda _: run_case(folder, case), [0], 1, seconds)
    return said if isinstance(said, Verdict) else said[0]


# --- processes ---

def in_processes(do, items, n_at_once, seconds):
    """(item, do(item)) for every item as they end, each in a process of its own; where that dies or is late, the result
    is (verdict, an empty count, "")."""
    waiting, running = list(items), {}
    selector = selectors.DefaultSelector()
    while waiting or running:
        while waiting and len(running) < n_at_once:
            item = waiting.pop(0)
            pid, pipe = start(do, item)
            running[pipe] = [item, pid, time.monotonic() + seconds, b""]
            selector.register(pipe, selectors.EVENT_READ)
        ready = {key.fd for key, _ in selector.select(1)}
        for pipe, entry in list(running.items()):
            late = time.monotonic() > entry[2]
            data = os.read(pipe, 1 << 16) if pipe in ready else None
            if data:
                entry[3] += data
            elif data == b"" or late:
                if late:
                    os.killpg(entry[1], signal.SIGKILL)
                selector.unregister(pipe)
                os.close(pipe)
                del running[pipe]
                yield entry[0], ending(entry, late)


def start(do, item):
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    os.setpgid(0, 0)
    os.close(ours)
    code = 1
    try:
        result = pickle.dumps(do(item))
        with os.fdopen(theirs, "wb") as pipe:
            pipe.write(result)
        code = 0
    except BaseException:  # the parent tells of it
        import traceback
        traceback.print_exc()
    finally:
        os._exit(code)


def ending(entry, late):
    _, status = os.waitpid(entry[1], 0)
    if status == 0 and not late:
        return pickle.loads(entry[3])
    kind = "hung" if late else "crashed" if os.WIFSIGNALED(status) else "maker"
    text = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
    return Verdict(kind, text), Count({}, 0, 0), ""
