#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How near kernels over 64 MiB come to a non-temporal stream of the same reads and writes, on one thread and in one
# process; and how many cycles an element of vector math takes. Needs numpy and onnx for the models.
set -euo pipefail
cd "$(dirname "$0")/.."
models=build/models frit=build/frit rounds=${1:-30}
[ -f $models/softmax_8192.onnx ] || build/venv-bench/bin/python bench/models/kernels.py
cc -std=gnu17 -O2 -I. -Iinclude -o build/roof bench/roof.c bench/subject.c bench/stream.c -ldl
for subject in "stream softmax_1024" "stream softmax_768" "stream softmax_8192" \
    "stream layer_norm_768" "stream layer_norm_8192" "stream add_layer_norm" "stream add_gelu" "stream add_gelu_tanh"; do
    read -r kind model <<<"$subject"
    $frit compile $models/"$model".onnx -o $models/"$model".so
    echo "== $model"
    build/roof "$kind" $models/"$model".so "$rounds"
done
for name in copy exp tanh erf log sigmoid silu gelu gelu_tanh; do
    for length in 1024 3072; do
        $frit compile $models/math_${name}_$length.onnx -o $models/math_${name}_$length.so
    done
    echo "$name: $(build/roof cycles $models/math_${name}_1024.so $models/math_${name}_3072.so)"
done
