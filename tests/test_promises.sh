#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What an artifact promises, on four small models.
set -u
if [ ! -x "$FRIT" ]; then
    echo "skip: promises: build/frit is not built"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
. tests/promises.sh
m=tests/models
examine examples/digits/digits.onnx image=examples/digits/held_out.npy
examine examples/attention/attention.onnx x=examples/attention/x.npy
for encoder in encoder_dynamo encoder_script; do
    examine $m/$encoder.onnx tokens=$m/encoder_3x33.tokens.npy mask=$m/encoder_3x33.mask.npy
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
