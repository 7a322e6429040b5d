#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The two fuzzers for a short while: spoilt model files, and random graphs against ONNX's reference evaluator. Longer runs:
# tests/fuzz/mutate.py --count 10000 and tests/fuzz/random_graphs.py --count 2000, each with --seed.
set -u
if [ ! -x "$FRIT" ] || [ -z "$PYTHON" ]; then
    echo "skip: fuzz: needs build/frit and the packages of tests/requirements.txt"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
files=1000 graphs=250 passed=0 failed=0
[ -n "$QUICK" ] && files=100 graphs=30
"$PYTHON" tests/onnx_suite.py lay-out || exit 1
run() {
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
run "$PYTHON" tests/fuzz/mutate.py --frit "$FRIT" --count $files -j "$(nproc)"
run "$PYTHON" tests/fuzz/random_graphs.py --frit "$FRIT" --count $graphs -j "$(nproc)"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
