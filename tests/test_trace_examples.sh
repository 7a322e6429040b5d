#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The digit model and the attention block by two roads: recorded by the C programs of examples/, and read from ONNX files.
# One plain .fir text, and the same bits from the program's own process, from its artifact, and from the file's artifact.
set -u
if [ ! -x "$FRIT" ] || [ ! -e "$BUILD/libfrit.so" ]; then
    echo "skip: traced examples: build/frit or libfrit.so is not built"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if nm -D "$BUILD/libfrit.so" | grep -q __asan_; then
    echo "skip: traced examples: libfrit.so was built with sanitizers"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try NAME COMMAND...
try() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$work/log"
        echo "$name failed: $*"
    fi
}

# npy_data FILE: what stands behind the header of 128 bytes.
npy_data() { tail -c +129 "$1"; }

# example NAME INPUT OUTPUT OPTION: examples/trace/NAME.c against examples/NAME/NAME.onnx
example() {
    local name=$1 dir=examples/$1 program=$work/trace_$1 so
    try "build $name" "${CC:-cc}" -std=c17 -O2 -Wall -Wextra -Werror -Iinclude -I"$BUILD/include" "examples/trace/$name.c" -o "$program" \
        -L"$BUILD" -lfrit -Wl,-rpath,"$BUILD" -lm
    "$program" "$dir" --text >"$work/traced.fir"
    "$FRIT" opt --plain "$dir/$name.onnx" >"$work/read.fir"
    try "$name: one text" cmp "$work/traced.fir" "$work/read.fir"
    try "$name: run in process" "$program" "$dir" "$4" "$work/in_process"
    try "$name: save" "$program" "$dir" --save "$work/traced.so"
    try "$name: compile" "$FRIT" compile "$dir/$name.onnx" -o "$work/read.so"
    try "$name: compile the text" "$FRIT" compile "$work/traced.fir" -o "$work/text.so"
    for so in traced read text; do
        try "$name: run $so" "$FRIT" run "$work/$so.so" --input "$2" --output-dir "$work/$so"
        npy_data "$work/$so/$3.npy" >"$work/$so/data"
        try "$name: same bits of $so" cmp "$work/in_process" "$work/$so/data"
    done
}
example digits image=examples/digits/held_out.npy logits --logits
example attention x=examples/attention/x.npy y --out
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    try "build cpp/trace with $compiler" "$compiler" -std=c++11 -O2 -Wall -Wextra -pedantic -Werror -Iinclude -I"$BUILD/include" examples/cpp/trace.cpp \
        -o "$work/cpp" -L"$BUILD" -lfrit -Wl,-rpath,"$BUILD"
    try "cpp/trace of $compiler" [ "$("$work/cpp")" = 0.100 ]
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
