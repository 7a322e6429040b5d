#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ./dev as a first-time user may call it: help for every command, and nothing done for words that mean nothing.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
# Without its Python packages the runner says so, and fails under --all.
mkdir "$work/bin" && printf '#!/bin/sh\nexit 1\n' >"$work/bin/python3" && chmod +x "$work/bin/python3"
runs_without() {
    local wanted=$1 status said
    shift
    PATH=$work/bin:$PATH FRIT_TEST_VENV=none tests/run build -k test_products "$@" >"$work/said" 2>&1
    status=$?
    said=$(grep -c '^skip: test_products.py: needs the packages\|^the Python packages of .* are missing' "$work/said")
    if [ $status = "$wanted" ] && [ "$said" = 2 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && echo "tests/run $* without packages: exit $status; said: $(cat "$work/said")"
    fi
}
runs_without 0
runs_without 1 --all
cp dev "$work"
root=$PWD
cd "$work" || exit 1
mkdir build
export LC_ALL=C

# answers STATUS PATTERN WORD...: ./dev WORD... exits so, says so, and leaves build/ alone.
answers() {
    local wanted=$1 pattern=$2 status
    shift 2
    ./dev "$@" >said 2>&1
    status=$?
    if [ $status = "$wanted" ] && grep -qE -- "$pattern" said && [ -d build ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "./dev $*: exit $status, wanted $wanted and '$pattern'; said: $(tail -1 said)"
    fi
}

answers 0 '^  demo ' help
answers 0 '^  demo '
for command in build demo test package bench bless check format clean; do answers 0 '^  demo ' $command --help; done
for command in demo check format package clean help; do answers 1 "'x' is one argument too many" $command x; done
answers 1 "'y' is one argument too many" bench x y
answers 1 "unknown option '--x'" build --x
answers 1 "-k needs a name" test -k
answers 1 "unknown command 'nosuch'" nosuch x
answers 0 '^  demo ' --yes help
answers 1 "'x' is one argument too many" demo --yes x
# What is to be installed is said before anything is; on a terminal there is time to stop it.
waits() {
    local wanted=$1 seconds=$2
    shift 2
    if [ "$wanted" = "$( (: && SECONDS=0 && "$@" >said 2>&1 && [ $SECONDS -ge "$seconds" ] && echo waits) || echo no)" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) && echo "wanted $wanted for $seconds s: $*; said: $(tail -1 said)"
    fi
}
sed -n '/^leave_a_moment()/,/^}/p' dev >moment
if script -qc true /dev/null >/dev/null 2>&1; then
    waits waits 5 script -qec "bash -c 'yes=; . ./moment; leave_a_moment'" /dev/null
    waits no 4 script -qec "bash -c 'yes=1; . ./moment; leave_a_moment'" /dev/null
else
    echo "skip: waiting on a terminal: no script(1), or no pseudo-terminal" && skipped=2
fi
waits no 4 bash -c 'yes=; . ./moment; leave_a_moment'
# bench asks for its yardsticks as the others ask for what they need
verdict() { if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "$2"; fi; }
{ sed -n '/^packages_for()/,/^}/p' dev && sed -n '/^cmd_bench()/,/^}/p' dev; } >benching
asked=$(bash -c '. ./benching; build() { for p; do packages_for "$p"; done; exit; }; cmd_bench gemm')
[[ " $asked " == *" libdnnl-dev "* && " $asked " == *" libopenblas-dev "* ]]
verdict $? "./dev bench does not ask for oneDNN and OpenBLAS: $asked"
# an OpenBLAS that runs generic kernels is known for one
cat >core.c <<'END'
#include <stdio.h>
#include "bench/peers.h"
int main(void) { return puts(openblas_kernels()) < 0 || !openblas_knows_cpu(); }
END
if grep -q avx2 /proc/cpuinfo && cc -I"$root" -o core core.c "$root/bench/openblas.c" -lopenblas 2>/dev/null; then
    OPENBLAS_CORETYPE=Haswell ./core >said
    verdict $? "OpenBLAS's Haswell kernels count as a fallback: $(cat said)"
    OPENBLAS_CORETYPE=Prescott ./core >said
    [ $? = 1 ]
    verdict $? "OpenBLAS's Prescott kernels count as a yardstick: $(cat said)"
else
    echo "skip: kernels of OpenBLAS: no libopenblas-dev, or a CPU without AVX2" && skipped=$((skipped + 2))
fi
./dev clean
if [ -d build ]; then failed=$((failed + 1)) && echo "clean leaves build/"; else passed=$((passed + 1)); fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
