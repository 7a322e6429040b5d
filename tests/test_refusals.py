# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every refusal has been seen: the messages of the readers, of inference and of the verifiers are listed from their
sources, and each must stand in a text that some test expects: the expected half of a golden with an exit status, the first
line of a file in tests/kernels/bad or tests/plans/bad, or a string of a test named below. A rule of a verifier that no
input can break may be wrong for years, and an error that nobody has read rarely says what to do.

`EXCUSED` lists what cannot be provoked, each with the reason. A row that is provoked after all is a failure, too."""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("ir/dim", "ir/op", "ir/graph", "ir/kernel", "ir/plan", "frontend/onnx")
# Functions that refuse, and which of their arguments is the message.
REFUSE = {
    "FAIL": 3, "cx_fail": 3, "infer_fail": 3, "fir_fail": 2, "BROKEN": 2, "bad": 1, "CHECK": 2, "kparse_fail": 1,
    "syntax": 1, "template_error": 1, "fail": 2, "fail_node": 2, "infer_at_most": 4, "infer_match": 4,
}  # fmt: skip
CALL = re.compile(r"\b(" + "|".join(REFUSE) + r")\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
PRINTF = re.compile(r"%(?:[-0-9.*]*(?:hh|ll|[hlz])?[diuxXscgfp]|%)")
TESTS = (
    "test_verifiers.c", "test_scalar.c", "test_dim.c", "test_cases.c", "test_onnx.c", "test_refused_models.py",
    "test_compile_model.c", "test_commands.sh",
)  # fmt: skip

LONG = "the text would hold 65537 of them"
CALL_ONLY = "a demand that only the sizes of a call can break: a number of that kind is refused with another message before"
REFUSED_BEFORE = "the readers refuse such a dim where it stands"
EXCUSED = {
    "more than %d operands": LONG,
    "more than %d results": LONG,
    "more than %d of them": LONG,
    "an extent is negative": CALL_ONLY,
    "a start is negative": CALL_ONLY,
    "query heads must be a multiple of key heads:": CALL_ONLY,
    "%s: a dim overflows 64 bits": REFUSED_BEFORE,
    "a dim overflows 64 bits": REFUSED_BEFORE,
    "the dim overflows 64 bits": "dim_parse refuses it first, and says which part of the text it is",
    "axis %u overflows 64 bits": REFUSED_BEFORE,
    "%s[%u] overflows 64 bits": REFUSED_BEFORE,
    "dims[%u] overflows 64 bits": REFUSED_BEFORE,
    "dim %u is %lld: negative or too large": REFUSED_BEFORE,
    "%s is not written as an attribute": "only const has a payload, and takes no attributes in a text",
    "has no element type": "a const has the type that stands behind it in a text",
    "has no data": "a const of a text has all of its elements, or a file",
    "the branch taken gives a result of rank %u, the other one of rank %u": "a demand of that branch, made when it is taken",
    "the operator is not supported": "operators without a row are counted and named together before any node is read",
    "a dim's range is LO..HI with 0 <= LO <= HI": "--dim says so first",
    "output '%s' has no value": "a name that nothing computes is refused where it is looked up",
    "%s; it only works with %s, and %s": "a range that leaves nothing is proven to hold for no call before it is solved",
    "a dim nested too deep": "no text that the parser takes nests so deep: the stack of the interpreter is as high",
}


def arguments(text, at):
    """The arguments of the call whose '(' stands at `at`."""
    depth, begin, found = 0, at + 1, []
    while at < len(text):
        ch = text[at]
        if ch in "\"'":
            at += 1
            while text[at] != ch:
                at += 2 if text[at] == "\\" else 1
        elif ch in "([{":
            depth += 1
        elif ch in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and ch == ","):
            found.append(text[begin:at].strip())
            begin = at + 1
        if depth == 0:
            return found
        at += 1
    return []


def messages(argument):
    """The texts that an argument may be: one for each string in it, neighbours joined."""
    pieces = re.sub(r'"\s*"', "", argument)
    return [unescape(m) for m in LITERAL.findall(pieces)]


def unescape(text):
    return text.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n")


def refusals():
    """{message: "file:line" where it first stands}."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.c"))):
            with open(path, encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), f.read(), flags=re.S)
            for call in CALL.finditer(text):
                line_begin = text.rfind("\n", 0, call.start()) + 1
                given = arguments(text, call.end() - 1)
                place = REFUSE[call.group(1)]
                if text[line_begin] == "#" or len(given) <= place:
                    continue
                for message in messages(given[place]):
                    if len(PRINTF.sub("", message).strip(" :'")) > 3:  # else it passes on what others say
                        where = f"{os.path.relpath(path, ROOT)}:{text.count(chr(10), 0, call.start()) + 1}"
                        found.setdefault(message, where)
    return found


def expected_texts():
    """All that tests expect of refusals."""
    texts = []
    for path in glob.glob(os.path.join(ROOT, "tests", "golden", "*", "*.t")):
        with open(path, encoding="utf-8") as f:
            given, _, expected = f.read().partition("\n---\n")
        if re.search(r"^# exit: [12]", given, re.M):
            texts.append(expected)
    for kind in ("kernels", "plans"):
        for path in glob.glob(os.path.join(ROOT, "tests", kind, "bad", "*")):
            with open(path, encoding="utf-8") as f:
                texts.append(f.readline())
    for name in TESTS:
        path = os.path.join(ROOT, "tests", name)
        with open(path, encoding="utf-8") as f:
            texts += messages(f.read())
    return texts


def pattern(message):
    parts, at = [], 0
    for m in PRINTF.finditer(message):
        parts += [re.escape(message[at : m.start()]), "%" if m.group() == "%%" else ".*?"]
        at = m.end()
    return re.compile("".join(parts) + re.escape(message[at:]), re.S)


def main():
    texts = expected_texts()
    faults, n = [], 0
    for message, where in sorted(refusals().items(), key=lambda row: row[1]):
        n += 1
        wanted = pattern(message)
        is_seen = any(wanted.search(text) for text in texts)
        if not is_seen and message not in EXCUSED:
            faults.append(f"{where}: no test provokes \"{message}\"")
        if is_seen and message in EXCUSED:
            faults.append(f"{where}: \"{message}\" is provoked; EXCUSED need not list it")
    for message in EXCUSED:
        if message not in refusals():
            faults.append(f"EXCUSED lists \"{message}\", which no source says")
    for fault in faults:
        print(fault)
    print(f"{n - len(faults)} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
