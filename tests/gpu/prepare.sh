#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# prepare.sh BUILD OUT [SET...]: everything that a machine with a GPU needs to check CUDA artifacts, made where there is none: artifacts
# and cases with their answers, the sources of gpu_check, check.py. A SET is "digits" (the digit model) or one of make_cases.c; without
# one: programs=tests/lower operators digits. For the ONNX suite: tests/onnx_suite.py lay-out, onnx=build/cache/onnx_suite. NVRTC has to be found: a toolkit's, or LD_LIBRARY_PATH names the
# folder of the wheel nvidia-cuda-nvrtc. Prints the digest that check.py prints too. FRIT_PACK=1 packs the folder as OUT.tar.xz; there:
#   tar xf OUT.tar.xz && python3 OUT/check.py
set -euo pipefail
build=$(cd "$1" && pwd) out=$2
shift 2
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/../.."
if [ $# -eq 0 ]; then set -- programs=tests/lower operators digits; fi
for set in "$@"; do
    if [ "$set" = digits ]; then
        "$build/frit" compile examples/digits/digits.onnx -o "$out/digits.so" --target=cuda
        python3 tests/gpu/digits_case.py "$out/digits.case"
        echo "digits digits.so digits.case" >>"$out/list.txt"
    else
        "$build/tests/gpu_make_cases" "$out" "$out/list.txt" "$set"
    fi
done
for file in runtime/cuda_api.[ch] ir/op/dtype.[ch] base/{float,diag,arena}.h base/float.c include/*.h tests/gpu/{gpu_check.c,case_file.h}; do
    mkdir -p "$out/$(dirname "$file")"
    cp "$file" "$out/$file"
done
cp tests/gpu/check.py "$out/"
LC_ALL=C sort -o "$out/digests.txt" "$out/digests.txt"
(cd "$out" && sha256sum -- *.so *.case | awk '{print $1, $2}' >files.sha256)
echo "$(wc -l <"$out/list.txt") cases"
echo "digest of texts and plans: $(sha256sum "$out/digests.txt" | cut -d' ' -f1) ($(grep -c kernel "$out/digests.txt") kernels, $(grep -c plan "$out/digests.txt") plans)"
[ -z "${FRIT_PACK:-}" ] && exit
tar -C "$(dirname "$out")" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - "$(basename "$out")" | xz -9e -T1 >"$out.tar.xz"
echo "packed: $(du -h "$out.tar.xz" | cut -f1)"
