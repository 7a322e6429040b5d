#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ./dev demo: compiles the digit reader, shows what came out and how fast it is, and lets it read digits that training
# never saw. Needs the built command and a C compiler; no Python, no network.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly frit=build/frit model=examples/digits out=build/demo
mkdir -p $out

# The command as the user could type it, then what it prints.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

echo
echo "A small convolutional network reads 8x8 images of handwritten digits ($model/digits.onnx, $(stat -c %s $model/digits.onnx) bytes)."
show $frit info $model/digits.onnx

start=$(date +%s%N)
show $frit compile $model/digits.onnx -o $out/digits.so --report=$out/report.txt --report=$out/report.html
end=$(date +%s%N)
echo "compiled in $(((end - start) / 1000000)) ms to $(stat -c %s $out/digits.so) bytes"

show head -15 $out/report.txt
echo "  ... $(($(wc -l <$out/report.txt) - 15)) more lines there; $out/report.html is the same with pictures"
show ldd $out/digits.so
show $frit bench $out/digits.so
show cc -O2 -Iinclude $model/show.c -o $out/show -ldl
echo
printf '$ %s\n\n' "$out/show $out/digits.so $model/held_out.npy $model/labels.npy"
$out/show $out/digits.so $model/held_out.npy $model/labels.npy

echo
echo "Next, a model of your own:    $frit bench your_model.onnx"
echo "and to keep what came out:    $frit compile your_model.onnx -o your_model.so"
