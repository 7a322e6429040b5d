# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
# What an artifact is held to, for test_promises.sh and bench/bench_contracts.sh: the same bytes from two folders, libc and
# libm only, one exported symbol, and all that artifact_promises.c checks. Wants FRIT (the command), and the working directory
# to be the root of the tree; `runs` says how often a model runs at each number of threads. Counts in `passed` and `failed`.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 runs=${runs:-34}

# hold NAME COMMAND...
hold() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name: failed: $*"
    fi
}

# The same model compiled in another folder, under another name, from a copy: the same bytes.
same_bytes() {
    mkdir -p "$work/elsewhere/deep"
    cp "$1" "$work/elsewhere/deep/"
    (cd "$work/elsewhere/deep" && "$FRIT" compile "$(basename "$1")" -o again.so) || return 1
    cmp "$2" "$work/elsewhere/deep/again.so"
}

only_libc() {
    local needed
    needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vxE 'libc\.so\.6|libm\.so\.6')
    [ -z "$needed" ] || { echo "also needs $needed" && return 1; }
}

one_symbol() {
    local symbols
    symbols=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//')
    [ "$symbols" = frit_artifact_table ] || { echo "exports: $symbols" && return 1; }
}

# What frit info says of a context is what the promises were held with, at each thread count.
info_agrees() {
    local bytes options n=0
    while read -r _ bytes options; do
        # shellcheck disable=SC2086 # options are words
        "$FRIT" info "$1" $options | grep -E "^memory of a context.*: $bytes bytes( \(.*\))?\$" >/dev/null ||
            { echo "$options: not $bytes" && return 1; }
        n=$((n + 1))
    done < <(grep '^context ' "$work/promised")
    [ $n -gt 0 ]
}

keep_promises() {
    local so=$1
    shift
    "$work/promises" "$so" "$runs" "$@" >"$work/promised"
}

hold build "${CC:-cc}" -D_GNU_SOURCE -std=gnu17 -O1 -Wall -Wextra -Werror -rdynamic -Iinclude tests/artifact_promises.c \
    -o "$work/promises" -ldl -pthread
examine() {
    local model=$1 so
    so=$work/$(basename "$model" .onnx).so
    shift
    hold "$model" "$FRIT" compile "$model" -o "$so" || return
    hold "$model" same_bytes "$model" "$so"
    hold "$model" only_libc "$so"
    hold "$model" one_symbol "$so"
    hold "$model" keep_promises "$so" "$@"
    hold "$model" info_agrees "$so"
}
