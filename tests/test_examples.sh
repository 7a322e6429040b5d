#!/bin/bash
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

# The same network from a file and from C: one text, and the same bits of its outputs.
trace() {
    local name=$1 model=examples/$1
    # shellcheck disable=SC2086
    "${CC:-cc}" -std=gnu17 $flags "examples/trace/$name.c" -o "$work/trace_$name" -L"$BUILD" -lfrit -Wl,-rpath,"$BUILD" &&
        "$work/trace_$name" "$model/weights.f32" text >"$work/$name.fir" &&
        "$FRIT" opt "$work/$name.fir" -p canonicalize --plain >"$work/traced.txt" &&
        "$FRIT" opt "$model/$name.onnx" -p canonicalize --plain >"$work/read.txt" &&
        cmp "$work/traced.txt" "$work/read.txt" &&
        "$work/trace_$name" "$model/weights.f32" save "$work/traced.so" &&
        "$FRIT" compile "$model/$name.onnx" -o "$work/read.so" &&
        "$FRIT" run "$work/traced.so" --input "$2=$model/$3" --output-dir "$work/traced" &&
        "$FRIT" run "$work/read.so" --input "$2=$model/$3" --output-dir "$work/read" &&
        cmp "$work/traced/$4.npy" "$work/read/$4.npy" &&
        "$work/trace_$name" "$model/weights.f32" run "$model/$3" >/dev/null
}
try "trace digits" trace digits image held_out.npy logits
try "trace attention" trace attention x x.npy y
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
