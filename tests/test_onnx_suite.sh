#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# slow: the ONNX backend suite. Folders that passed before must pass; none may crash. `./dev bless onnx_suite` records passes.
set -u
if [ ! -x "$FRIT" ] || [ -z "$PYTHON" ]; then
    echo "skip: onnx_suite: needs build/frit and the packages of tests/requirements.txt"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
exec "$PYTHON" tests/onnx_suite.py run --frit "$FRIT" --report "$BUILD/onnx_suite.tsv" -j "$(nproc)" ${FRIT_BLESS:+--bless}
