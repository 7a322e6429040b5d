#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# slow: the operator tests of the ONNX suite as CUDA artifacts against the emulated driver, as test_cuda_artifacts.sh runs its own cases.
# Skipped are those that the GPU has no code for.
set -u
if [ -z "$PYTHON" ] || ! "$PYTHON" tests/onnx_suite.py lay-out --to "$BUILD/cache/onnx_suite" >/dev/null; then
    echo "skip: cuda_onnx: needs the packages of tests/requirements.txt"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
CUDA_SETS="onnx=$BUILD/cache/onnx_suite" FRIT_CASE='' exec bash tests/test_cuda_artifacts.sh
