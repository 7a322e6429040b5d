#!/bin/bash
# How near single kernels come to the roof: a 1024^3 matmul against oneDNN, and kernels over 64 MiB against a
# non-temporal stream of the same reads and writes, on one thread and in one process. Needs libdnnl-dev, and numpy and
# onnx for the models.
set -euo pipefail
cd "$(dirname "$0")/.."
models=build/models frit=build/frit rounds=${1:-30}
if [ ! -f /usr/include/oneapi/dnnl/dnnl.h ]; then
    echo "bench_roof: left out: oneDNN is the yardstick (apt-get install libdnnl-dev)"
    exit 0
fi
[ -f $models/softmax_8192.onnx ] || build/venv-bench/bin/python bench/models/kernels.py
cc -std=gnu17 -O2 -I. -Iinclude -o build/roof bench/roof.c bench/onednn.c bench/stream.c -ldnnl -ldl
for subject in "matmul matmul_1024" "stream softmax_1024" "stream softmax_768" "stream softmax_8192" \
    "stream layer_norm_768" "stream layer_norm_8192" "stream add_layer_norm" "stream add_gelu" "stream add_gelu_tanh"; do
    read -r kind model <<<"$subject"
    $frit compile $models/"$model".onnx -o $models/"$model".so
    echo "== $model"
    build/roof "$kind" $models/"$model".so "$rounds"
done
