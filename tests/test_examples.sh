#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The programs of examples/ that drive a compiled model through the ABI header alone: C, C++ and Python's ctypes.
set -u
if [ ! -x "$FRIT" ]; then
    echo "skip: examples: build/frit is not built"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 data=examples/attention flags="-O2 -Wall -Wextra -Werror -Iinclude"
so=$work/attention.so

# try NAME COMMAND...
try() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name failed: $*"
    fi
}
try compile "$FRIT" compile $data/attention.onnx -o "$so"
# shellcheck disable=SC2086 # flags are words
try "build c" "${CC:-cc}" -std=gnu17 $flags examples/c/attention.c -o "$work/c" -ldl -lm
try c "$work/c" "$so" $data/x.npy $data/y.npy
# shellcheck disable=SC2086
try "build cpp" "${CXX:-c++}" -std=c++17 $flags examples/cpp/attention.cpp -o "$work/cpp" -ldl -pthread
try cpp "$work/cpp" "$so" $data/x.npy $data/y.npy
try python "${PYTHON:-python3}" examples/python/attention.py "$so" $data/x.npy $data/y.npy
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
