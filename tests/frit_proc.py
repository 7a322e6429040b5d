# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the frit command for the test scripts: with a time limit, a memory limit, and a verdict on how it ended.

Shared by onnx_suite.py and the fuzzers, so that "it crashed", "it hung" and "a sanitizer complained" mean one thing.
"""

import dataclasses
import functools
import os
import pathlib
import re
import resource
import signal
import subprocess

# Not the address sanitizer's remark that malloc returned NULL: what the program does then is the test.
SANITIZER = re.compile(rb"(AddressSanitizer(?! failed to allocate)|UndefinedBehaviorSanitizer|LeakSanitizer|runtime error:|"
                       rb"ThreadSanitizer)")
# One line per folder from `frit check`: verdict, folder, then the reason.
CHECK_LINE = re.compile(r"^(pass|fail|skip)(?:ed)?:?\s+(\S+?):?(?:\s+(.*))?$", re.IGNORECASE)


@dataclasses.dataclass
class Ended:
    """How one frit process ended. `trouble` is empty when it behaved, whatever its verdict on the input was."""

    code: int  # exit status; negative: the signal
    out: str
    err: str
    trouble: str


@functools.cache
def is_sanitized(program):
    """Whether it was built with the address sanitizer, which needs terabytes of address space. The sign is a symbol
    with its version: names of the sanitizer's functions stand in LLVM too, and so in every frit."""
    files = (pathlib.Path(program), pathlib.Path(program).parent / "libfrit.so")
    return any(b"__asan_version_mismatch_check_v8" in f.read_bytes() for f in files if f.exists())


def _asan_options(memory_mib):
    """An allocation of more than half of the limit fails as without the sanitizer; many small ones end the process."""
    most = memory_mib or 4096
    return os.environ.get("ASAN_OPTIONS", f"detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb={most // 2}:"
                                          f"hard_rss_limit_mb={most}")


def _limits(memory_mib):
    def set_limits():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory_mib:
            resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))

    return set_limits


def run(argv, seconds, memory_mib=0, cwd=None, allowed=(0, 1)):
    """Runs argv; more than `seconds`, a signal, an exit code outside `allowed` or a sanitizer's report is trouble.

    memory_mib bounds the address space (0: nothing does), or where a sanitizer reserves terabytes of it, what the
    sanitizer's allocator gives."""
    env = dict(os.environ, ASAN_OPTIONS=_asan_options(memory_mib), UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    if is_sanitized(argv[0]):
        memory_mib = 0
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                             env=env, preexec_fn=_limits(memory_mib), start_new_session=True)
    trouble = ""
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        trouble = f"hang: not done after {seconds} s"
    if SANITIZER.search(err):
        trouble = "sanitizer report"
    elif not trouble and child.returncode < 0:
        trouble = f"crash: {signal.Signals(-child.returncode).name}"
    elif not trouble and child.returncode not in allowed:
        trouble = f"exit code {child.returncode}"
    return Ended(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"), trouble)


def check_lines(text):
    """What `frit check` said of each folder: {folder: (verdict, reason)}; a crash or hang of one is 'trouble'."""
    said = {}
    for line in text.splitlines():
        match = CHECK_LINE.match(line.strip())
        if match and "/" in match.group(2):
            verdict, reason = match.group(1).lower(), match.group(3) or ""
            if verdict == "fail" and reason.startswith(("crashed:", "hung:")):
                verdict = "trouble"
            said[os.path.normpath(match.group(2))] = (verdict, reason)
    return said


def check_folders(frit, folders, seconds, extra=(), batch=48):
    """`frit check` over all folders, in batches; where a batch ends badly, its folders are tried one by one.

    Returns {folder: (verdict, reason)} with the further verdict 'trouble' for crashes, hangs and silence."""
    results = {}
    for at in range(0, len(folders), batch):
        some = folders[at : at + batch]
        ended = run([frit, "check", *extra, *some], seconds + 2 * len(some))
        said = check_lines(ended.out)
        if ended.trouble:
            said = {}
        for folder in some:
            results[folder] = said.get(os.path.normpath(folder)) or _check_one(frit, folder, seconds, extra)
    return results


def _check_one(frit, folder, seconds, extra):
    ended = run([frit, "check", *extra, folder], seconds)
    said = check_lines(ended.out).get(os.path.normpath(folder))
    if ended.trouble:
        return "trouble", f"{ended.trouble}: {ended.err.strip()[-400:]}"
    return said or ("trouble", f"no verdict: {ended.err.strip()[-400:]}")
