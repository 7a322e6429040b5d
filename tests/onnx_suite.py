# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX 1.22.0 backend suite, judged by `frit check`: no folder that passed before may fail now.

    python tests/onnx_suite.py lay-out [--to DIR]        1,914 folders in the ONNX test layout, made from the onnx package
    python tests/onnx_suite.py run --frit build/frit     checks them all and compares with onnx_expected_pass.txt
           [--to DIR] [--only TEXT]... [--bless] [--report FILE] [-j N] [--variant symbolic|dynamic|constant]

The nine `real` networks have no data in the package: as the suite's own runner does, their input is arange(n)/n and
their expected output lies beside the model. onnx_untestable.txt names the folders that no deterministic compiler can
pass, each with the reason; they run all the same and must not crash.
Exit 1 when a folder of the list fails, or when frit crashes, hangs or says nothing on any folder at all. The last line
counts those as failed and folders that never passed as skipped.

A variant runs the same data through changed models, and says which folders that pass as they are do not pass so:
`symbolic` makes every input dim a symbol of its own (0 is one already: frit reads it as an extent that is not said),
`dynamic` every one but 1, `constant` makes every input a weight, so that all of it folds. Tests of a single node are then
counted apart, and --needing FILE lists those of them that pass only with inputs as --const, and which.
"""

import argparse
import collections
import pathlib
import re
import shutil
import sys

import numpy as np
import onnx
import onnx.backend.test
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from frit_proc import check_folders

HERE = pathlib.Path(__file__).resolve().parent
VERSION = "1.22.0"
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
FOLDERS = 1914
EXPECTED = HERE / "onnx_expected_pass.txt"
UNTESTABLE = HERE / "onnx_untestable.txt"


def lay_out(to):
    """Copies the suite under `to` and completes the real networks. Quick when it is already there."""
    if onnx.__version__ != VERSION:
        sys.exit(f"onnx_suite: onnx {onnx.__version__} is installed, the suite is that of {VERSION} "
                 "(tests/requirements.txt)")
    stamp = to / f"complete-{VERSION}"
    if stamp.exists():
        return
    data = pathlib.Path(onnx.backend.test.__file__).parent / "data"
    for kind in KINDS:
        shutil.copytree(data / kind, to / kind, dirs_exist_ok=True)
    for folder in sorted((to / "real").iterdir()):
        lay_out_real(folder, data / "light" / f"light_{folder.name.removeprefix('test_')}.onnx")
    count = len(list_folders(to))
    if count != FOLDERS:
        sys.exit(f"onnx_suite: {count} folders instead of {FOLDERS} in {to}")
    stamp.touch()


def lay_out_real(folder, model_path):
    """Gives one real network its model, its arange input and its recorded output."""
    shutil.copy(model_path, folder / "model.onnx")
    data_set = folder / "test_data_set_0"
    data_set.mkdir(exist_ok=True)
    graph = onnx.load(model_path).graph
    weights = {i.name for i in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    for k, value in enumerate(inputs):
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        array = (np.arange(count).reshape(shape) / count).astype(np.float32)
        (data_set / f"input_{k}.pb").write_bytes(numpy_helper.from_array(array, value.name).SerializeToString())
    for k in range(len(graph.output)):
        shutil.copy(model_path.with_name(f"{model_path.stem}_output_{k}.pb"), data_set / f"output_{k}.pb")


def vary(model, data_set, variant):
    """Changes the model; returns which of its inputs are left, or None where the variant does not apply."""
    graph = model.graph
    weights = {t.name for t in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if any(not value.type.HasField("tensor_type") for value in inputs):
        return None
    if variant in ("dynamic", "symbolic"):
        for k, value in enumerate([*inputs, *graph.output]):
            for axis, dim in enumerate(value.type.tensor_type.shape.dim):
                if dim.dim_value > 1 or dim.dim_value == 1 and variant == "symbolic":
                    dim.dim_param = f"d{k}_{axis}"
        del graph.value_info[:]
        return list(range(len(inputs)))
    for k, value in enumerate(inputs):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((data_set / f"input_{k}.pb").read_bytes())
        tensor.name = value.name
        graph.initializer.append(tensor)
        graph.input.remove(value)
    model.ir_version = max(model.ir_version, 8)
    return []


def lay_out_variant(to, variant):
    """Makes the variant of every node test with one data set; returns its folder, laid out as the suite is."""
    out = to / variant
    stamp = out / f"complete-{VERSION}"
    if stamp.exists():
        return out
    for folder in sorted((to / "node").iterdir()):
        data_set = folder / "test_data_set_0"
        model = onnx.load(folder / "model.onnx")
        try:
            left = vary(model, data_set, variant)
        except (OSError, DecodeError):
            left = None
        if left is None or (folder / "test_data_set_1").exists():
            continue
        made = out / "node" / folder.name
        shutil.rmtree(made, ignore_errors=True)
        (made / "test_data_set_0").mkdir(parents=True)
        onnx.save(model, made / "model.onnx")
        for file in data_set.iterdir():
            if file.name.startswith("output") or left:
                shutil.copy(file, made / "test_data_set_0")
    stamp.touch()
    return out


def list_folders(to):
    """The suite's folders as KIND/test_NAME, sorted."""
    return sorted(str(p.relative_to(to)) for kind in KINDS if (to / kind).is_dir() for p in (to / kind).iterdir()
                  if (p / "model.onnx").exists() or kind == "real")


def read_list(path):
    """Names of a list file, one a line; '#' starts a comment."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split("#")[0].strip() for line in lines} - {""}


def reason_class(reason):
    """A reason with the particulars taken out, so that equal causes count together."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|[0-9][0-9.e+-]*", "_", reason)[:100]


def report(results, path):
    """One line per folder into `path`; a table of the commonest reasons to the terminal."""
    if path:
        lines = [f"{verdict}\t{folder}\t{reason}" for folder, (verdict, reason) in sorted(results.items())]
        path.write_text("\n".join(lines) + "\n")
    classes = collections.Counter(f"{verdict}: {reason_class(reason)}" for verdict, reason in results.values()
                                  if verdict != "pass")
    for text, count in classes.most_common(25):
        print(f"{count:6}  {text}")


def bless(passed, asked):
    """Writes the folders that pass as the new list, keeping the old verdict of those that were not asked for."""
    kept = read_list(EXPECTED) - set(asked)
    names = "\n".join(sorted(kept | passed))
    EXPECTED.write_text(f"# Folders of the ONNX {VERSION} backend suite that frit passes (tests/onnx_suite.py --bless).\n"
                        f"{names}\n")


def judge(results, folders):
    """Compares with the list; prints what differs; returns the exit code."""
    passed = {f for f, (verdict, _) in results.items() if verdict == "pass"}
    troubled = sorted(f for f, (verdict, _) in results.items() if verdict == "trouble")
    expected = read_list(EXPECTED) & set(folders)
    lost = sorted(expected - passed)
    for folder in troubled:
        print(f"TROUBLE {folder}: {results[folder][1]}")
    for folder in lost:
        print(f"REGRESSION {folder}: {results[folder][0]}: {results[folder][1]}")
    for folder in sorted(passed - expected):
        print(f"new pass {folder}")
    untestable = read_list(UNTESTABLE) & set(folders)
    print(f"{len(passed)} of {len(folders)} folders pass, {len(expected)} expected, {len(lost)} lost, {len(troubled)} crashed, "
          f"hung or silent; {len(untestable - passed)} of the rest cannot be judged (onnx_untestable.txt)")
    if lost:
        print(f"repeat one: frit check {lost[0]} in the suite's folder")
    bad = len(set(lost) | set(troubled))
    print(f"{len(passed)} passed, {bad} failed, {len(folders) - len(passed) - bad} skipped")
    return 1 if bad else 0


def report_single(results, to, path):
    """Of the expected tests of a single node: how many pass, how many with --const; those into `path`, with inputs."""
    expected = [f for f in sorted(read_list(EXPECTED) & set(results))
                if len((model := onnx.load(to / f / "model.onnx")).graph.node) == 1 and not model.functions]
    passed = [f for f in expected if results[f][0] == "pass"]
    needing = [f"{f}: {results[f][1]}" for f in passed if "--const" in results[f][1]]
    print(f"single nodes: {len(passed)} of {len(expected)} pass ({100 * len(passed) / max(1, len(expected)):.1f} %), "
          f"{len(needing)} of those with --const")
    if path:
        path.write_text("\n".join(needing) + "\n")


def main():
    parser = argparse.ArgumentParser(description="the ONNX backend suite through frit check")
    parser.add_argument("do", choices=["lay-out", "run"])
    parser.add_argument("--to", type=pathlib.Path, default=HERE.parent / "build/cache/onnx_suite")
    parser.add_argument("--frit", type=pathlib.Path, default=HERE.parent / "build/frit")
    parser.add_argument("--only", action="append", default=[], help="only folders whose name contains TEXT")
    parser.add_argument("--variant", choices=["symbolic", "dynamic", "constant"])
    parser.add_argument("--bless", action="store_true", help="record what passes now as the list")
    parser.add_argument("--report", type=pathlib.Path, help="write verdict, folder and reason of every folder here")
    parser.add_argument("--needing", type=pathlib.Path, help="with a variant: the tests that need --const, into this file")
    parser.add_argument("--seconds", type=int, default=300, help="limit for one folder")
    parser.add_argument("-j", default="2")
    args = parser.parse_args()
    lay_out(args.to)
    if args.variant:
        args.to = lay_out_variant(args.to, args.variant)
    if args.do == "lay-out":
        print(f"{len(list_folders(args.to))} folders in {args.to}")
        return 0
    folders = [f for f in list_folders(args.to) if not args.only or any(text in f for text in args.only)]
    paths = {str(args.to / f): f for f in folders}
    found = check_folders(str(args.frit.resolve()), list(paths), args.seconds, ("-j", args.j))
    results = {paths[path]: verdict for path, verdict in found.items()}
    report(results, args.report)
    if args.variant:
        report_single(results, args.to, args.needing)
    if args.bless and not args.variant:
        bless({f for f, (verdict, _) in results.items() if verdict == "pass"}, folders)
    return judge(results, folders)


if __name__ == "__main__":
    sys.exit(main())
