#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Attention, f32 on one thread, against its multiply-adds at the peak and one exponential a score, in one process:
#     bench_attend.sh [ROUNDS] [frit compile options...]
# --cpu=x86-64-v3 among the options shows what AVX2 alone reaches.
set -euo pipefail
cd "$(dirname "$0")/.."
models=build/models frit=build/frit rounds=${1:-60}
shift || true
mkdir -p $models
cc -std=gnu17 -O2 -I. -Iinclude -o build/attend bench/attend.c bench/subject.c bench/stream.c -ldl -lm
for length in 1024 3072; do
    cat >$models/attend_exp_$length.fir <<FIR
func @exp(%x: f32[$length]) -> (%y: f32[$length]) {
  %y = exp %x : f32[$length]
  return %y
}
FIR
    $frit compile $models/attend_exp_$length.fir -o $models/attend_exp_$length.so "$@"
done
for depth in 64 128; do
    for order in full causal; do
        type="f32[12, 1024, $depth]" model=$models/attend_${order}_$depth
        flags=$([ $order = full ] || echo ' {causal = true}')
        cat >"$model.fir" <<FIR
func @attention(%q: $type, %k: $type, %v: $type) -> (%y: $type) {
  %y = attend %q, %k, %v$flags : $type
  return %y
}
FIR
        $frit compile "$model.fir" -o "$model.so" "$@"
        build/attend $order "$model.so" $models/attend_exp_1024.so $models/attend_exp_3072.so "$rounds"
    done
done
