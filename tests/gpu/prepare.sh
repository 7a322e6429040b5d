#!/bin/bash
# tests/gpu/prepare.sh BUILD OUT [ARCH]: compiles the models of this folder for CUDA (default sm_90a) with the frit of BUILD
# and puts all that tests/gpu/run.sh needs into OUT: artifacts, inputs, expected outputs, the program that runs them.
set -eu
build=$1 out=$2
export FRIT_ARCH=${3:-sm_90a}
here=$(cd "$(dirname "$0")" && pwd)
cmake --build "$build" --target gpu_prepare gpu_run >/dev/null
"$build/tests/gpu_prepare" "$here" "$out"
cp "$build/tests/gpu_run" "$here/run.sh" "$out"
