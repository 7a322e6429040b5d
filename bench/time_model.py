# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times one model at one number of threads on several engines that take turns in this process.

    time_model.py JOB.json        see bench_peers.py for what a job says; prints one line of JSON

First every engine's output is held against the double-precision answer. Then rounds until the time is over: in each, every
engine in turn waits until the others' threads sleep, runs once unmeasured, then a few times measured. What counts is the
quickest call of all, as a machine can only add to it.
"""

import json
import pathlib
import statistics
import sys
import time

import numpy as np

import engines

SLEEP_S = 0.004  # others' threads are asleep after that
TURN_S = 0.03  # of measured calls in a turn, at least one call
MOST_CALLS = 20


def relative_error(value, reference):
    """Largest difference over the largest of the reference."""
    if value.shape != reference.shape:
        return float("inf")
    return float(np.abs(value.astype(np.float64) - reference).max() / max(np.abs(reference).max(), 1e-30))


def make(job, inputs, reference):
    """The engines that work, and what is known of each."""
    made, facts = [], {}
    for name in job["engines"]:
        try:
            engine = engines.ENGINES[name](job, inputs, job["threads"])
            for _ in range(2):
                engine.run()
            error = relative_error(engine.output(job["output"]), reference)
            facts[name] = {"name": engine.name, "settings": engine.settings, "set_up_s": round(engine.seconds, 3), "error": error}
            if error <= job["tolerance"]:
                made.append((name, engine))
            else:
                facts[name]["refused"] = f"its output is wrong by {error:.2g} of the largest"
        except Exception as problem:  # an engine that cannot is told of, the others go on
            facts[name] = {"name": engines.ENGINES[name].name, "refused": str(problem).strip().splitlines()[0][:300] or repr(problem)}
    return made, facts


def turn(engine, times):
    time.sleep(SLEEP_S)
    engine.run()
    began = time.perf_counter()
    for _ in range(MOST_CALLS):
        start = time.perf_counter()
        engine.run()
        end = time.perf_counter()
        times.append((end - start) * 1e3)
        if end - began > TURN_S:
            break


def main():
    job = json.loads(pathlib.Path(sys.argv[1]).read_text())
    folder = pathlib.Path(job["model"]).parent
    inputs = {name: np.load(folder / file) for name, file in job["inputs"].items()}
    made, facts = make(job, inputs, np.load(folder / job["reference"]))
    times = {name: [] for name, _ in made}
    began, rounds = time.perf_counter(), 0
    while time.perf_counter() - began < job["seconds"] or rounds < 3:
        for name, engine in made[rounds % len(made):] + made[:rounds % len(made)] if made else []:
            turn(engine, times[name])
        rounds += 1
    for name, all_ms in times.items():
        facts[name].update(ms=min(all_ms), median_ms=statistics.median(all_ms), calls=len(all_ms))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
