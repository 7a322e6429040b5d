#!/usr/bin/env bash
# prepare.sh BUILD OUT: everything that a machine with a GPU needs to check CUDA artifacts, made where there is none:
# artifacts, cases with the evaluator's answers, the digit model with its held-out images, the sources of gpu_check.
# There: cd OUT && sh check.sh
set -euo pipefail
build=$(cd "$1" && pwd) out=$2
cd "$(dirname "$0")/../.."
mkdir -p "$out/runtime" "$out/include" "$out/tests/gpu"
cc -O1 -std=gnu17 -I. -Iinclude -o "$build/make_cases" tests/gpu/make_cases.c -L"$build" -lfrit_internal \
  "-Wl,-rpath,$build" -lm
"$build/make_cases" "$out" tests/lower >"$out/list.txt"
"$build/frit" compile examples/digits/digits.onnx -o "$out/digits.so" --target=cuda
python3 tests/gpu/digits_case.py "$out/digits.case"
echo "digits.so digits.case" >>"$out/list.txt"
cp runtime/cuda_api.[ch] "$out/runtime/"
cp include/*.h "$out/include/"
cp tests/gpu/gpu_check.c tests/gpu/case_file.h "$out/tests/gpu/"
cat >"$out/check.sh" <<'S'
set -e
cc -O1 -I. -Iinclude -D_GNU_SOURCE tests/gpu/gpu_check.c runtime/cuda_api.c -ldl -lm -o /tmp/gpu_check
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
/tmp/gpu_check list.txt
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    echo "compute-sanitizer $tool"
    compute-sanitizer --tool $tool --error-exitcode 9 /tmp/gpu_check list.txt | grep -v '^ok ' | tail -5
  done
fi
S
