#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Matrix products against oneDNN with packed weights, OpenBLAS, and what memory and arithmetic allow, in one process:
#     bench_gemm.sh [THREADS] [frit compile options...]
# First f32 (with --precision=bf16 among the options rounded to bf16 by frit, beside oneDNN's bf16), then models of bf16,
# then bytes. Needs libdnnl-dev and libopenblas-dev (./dev bench
# installs them), and numpy and onnx for the models.
set -euo pipefail
cd "$(dirname "$0")/.."
models=build/models frit=build/frit threads=${1:-1}
shift || true
type=f32
for option in "$@"; do [ "$option" != --precision=bf16 ] || type=bf16; done
if [ ! -f /usr/include/oneapi/dnnl/dnnl.h ] || ! echo '#include <cblas.h>' | cc -E - >/dev/null 2>&1; then
    echo "bench_gemm: left out: oneDNN and OpenBLAS are the yardsticks (./dev bench installs them on Debian; else libdnnl-dev and libopenblas-dev)"
    exit 0
fi
[ -f $models/bf16_64x4096x4096.f32 ] || build/venv-bench/bin/python bench/models/gemm.py
cc -std=gnu17 -O2 -I. -Iinclude -o build/gemm bench/gemm.c bench/subject.c bench/onednn.c bench/openblas.c bench/stream.c -ldnnl \
    -lopenblas -lm -ldl
artifacts=()
for model in "$models"/gemm_*.onnx; do
    $frit compile "$model" -o "${model%.onnx}.so" "$@"
    artifacts+=("${model%.onnx}.so")
done
build/gemm $type "$threads" "${artifacts[@]}"
[ $type = f32 ] || exit 0
artifacts=()
for model in "$models"/bf16_*.onnx; do
    $frit compile "$model" -o "${model%.onnx}.so"
    artifacts+=("${model%.onnx}.so")
done
build/gemm bf16 "$threads" "${artifacts[@]}"
cc -std=gnu17 -O2 -I. -Iinclude -o build/gemm_bytes bench/gemm_bytes.c bench/subject.c bench/onednn.c -ldnnl -lm -ldl
artifacts=()
for model in "$models"/bytes_*.onnx; do
    $frit compile "$model" -o "${model%.onnx}.so"
    artifacts+=("${model%.onnx}.so")
done
build/gemm_bytes "$threads" "${artifacts[@]}"
