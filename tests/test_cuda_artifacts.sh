#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# CUDA artifacts whole, without a GPU: what tests/gpu/prepare.sh makes for the GPU is made with an emulated NVRTC and run against an
# emulated driver (tests/emulate), which keeps the real one's rules: the recorded operators, the programs of tests/lower and the digit
# model, or the sets of CUDA_SETS. Quick runs take the cases about what a driver sees: models without memory of their own, host inputs.
set -u
if ! command -v python3 >/dev/null || ! command -v c++ >/dev/null; then
    echo "skip: cuda_artifacts: needs python3 and c++"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LD_LIBRARY_PATH=$BUILD/tests/emulated FRIT_EMULATED_TEXTS=$scratch/texts
mkdir "$scratch/texts"
read -ra sets <<<"${CUDA_SETS:-}"
[ -n "${QUICK:-}" ] && sets=(operators=host_ operators=empty)
[ -n "${FRIT_CASE:-}" ] && sets=("operators=$FRIT_CASE")
if ! bash tests/gpu/prepare.sh "$BUILD" "$scratch/cases" "${sets[@]}" >"$scratch/log" 2>&1; then
    tail -20 "$scratch/log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
refused=$(sed -n 's/^\([0-9]*\) programs are refused$/\1/p' "$scratch/log")
python3 "$scratch/cases/check.py" --no-sanitizer --seconds 800 --jobs "$(nproc)" >"$scratch/log" 2>&1
status=$?
n=$(wc -l <"$scratch/cases/list.txt")
right=$(sed -n 's/^values: \([0-9]*\) of .*/\1/p' "$scratch/log")
if [ $status != 0 ]; then
    cat "$scratch/log"
    echo "repeat one: FRIT_CASE=NAME BUILD=$BUILD bash tests/test_cuda_artifacts.sh"
fi
echo "${right:-0} passed, $((n - ${right:-0})) failed, ${refused:-0} skipped"
exit $status
