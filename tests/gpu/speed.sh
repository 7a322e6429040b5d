#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tests/gpu/speed.sh BUILD OUT [ARCH]: compiles the five kernels of tests/gpu/speed/ and the digit model for CUDA (default
# sm_90a) with the frit of BUILD, and puts all that OUT/speed_run.sh needs on the machine with the GPU into OUT: artifacts,
# inputs, expected outputs at odd sizes, large sizes to time, the program that runs them.
set -eu
build=$1 out=$2
export FRIT_ARCH=${3:-sm_90a}
here=$(cd "$(dirname "$0")" && pwd)
cmake --build "$build" --target gpu_speed_prepare gpu_speed >/dev/null
"$build/tests/gpu_speed_prepare" "$here/speed" "$out"
cp "$build/tests/gpu_speed" "$here/speed_run.sh" "$out"
