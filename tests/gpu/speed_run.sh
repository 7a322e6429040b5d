#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tests/gpu/speed_run.sh FOLDER: on a machine with an NVIDIA GPU. FOLDER comes from tests/gpu/speed.sh. Runs all cases, then the
# small ones under each tool of compute-sanitizer where that is installed.
set -u
cd "${1:?usage: speed_run.sh FOLDER}" || exit 2
status=0
./gpu_speed . || status=1
sanitizer=$(command -v compute-sanitizer || find /usr/local/cuda*/bin -name compute-sanitizer 2>/dev/null | head -1)
if [ -z "$sanitizer" ]; then
    echo "skip: compute-sanitizer is not installed"
    exit $status
fi
for tool in memcheck racecheck synccheck initcheck; do
    if timeout 300 "$sanitizer" --tool "$tool" --error-exitcode 9 ./gpu_speed . --quick >"$tool.log" 2>&1; then
        echo "$tool: $(tail -1 "$tool.log")"
    else
        echo "$tool: FAILED" && tail -30 "$tool.log"
        status=1
    fi
done
exit $status
