#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# slow
# cmake --install as a packager uses it: what is installed, that it works wherever the folder is moved to, and that projects
# outside the tree build against it with CMake, with pkg-config and by add_subdirectory.
set -u
if [ ! -x "$FRIT" ] || [[ $BUILD == */asan ]]; then
    echo "skip: package: an ordinary build of frit is what gets packed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
source=$PWD
# try NAME COMMAND...
try() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name failed: $*"
        tail -20 "$work/said"
    fi
}
# The arguments are equal texts.
is() { [ "$1" = "$2" ] || { printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2" && false; }; }
readonly wanted=$'7 0\n15 0\n13 13'

try "build the pages" cmake --build "$BUILD" --target frit_pages
try install cmake --install "$BUILD" --prefix "$work/first" --strip
mv "$work/first" "$work/moved folder" # relocatable
prefix="$work/moved folder"
lib=$(dirname "$(find "$prefix" -name libfrit.so.0)")

# --- what is there ---
version=$("$prefix/bin/frit" --version)
try "the command runs" is "${version% (*}" "$("$FRIT" --version | sed 's/ (.*//')"
# shellcheck disable=SC2016 # the shell that is started expands them
try "an artifact of the installed command" bash -c '
    "$1/bin/frit" compile examples/digits/digits.onnx -o "$2/digits.so" && "$FRIT" info "$2/digits.so"' _ "$prefix" "$work"
for header in include/*.h "$BUILD/include/frit_ops.h"; do try "header $header" cmp "$header" "$prefix/include/$(basename "$header")"; done
while read -r command; do
    try "page of $command" grep -q "^.B frit $command" "$prefix/share/man/man1/frit-$command.1"
done < <(sed -n 's/^COMMAND(\([a-z]*\),.*/\1/p' driver/commands.def)
if command -v man >/dev/null && man -V >/dev/null 2>&1; then
    for page in "$prefix"/share/man/man1/*.1; do
        # shellcheck disable=SC2016
        try "$(basename "$page") is well-formed" bash -c 'is=$(man --warnings -l "$1" 2>&1 >/dev/null) && [ -z "$is" ]' _ "$page"
    done
else
    echo "skip: pages: no man to read them with"
fi
# --- completions: what the shell would offer ---
offers() { # offers WANTED WORD...: the last word is being typed
    local answer
    answer=$(bash -c 'source "$1" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && compopt() { :; } && _frit &&
        printf "%s\n" "${COMPREPLY[@]}"' _ "$prefix/share/bash-completion/completions/frit" "${@:2}")
    is "$answer" "$1"
}
try "bash completes a command" offers $'compile\ncompare\ncompletion' frit comp
try "bash completes an option" offers '--emit-header=' frit compile --emit
try "bash completes a value" offers $'cpu\ncuda' frit compile --target = c
try "bash completes a file" offers 'README.md' frit info READM
for shell in zsh fish; do
    file=$(find "$prefix" -name "$([ $shell = zsh ] && echo _frit || echo frit.fish)")
    if command -v $shell >/dev/null; then
        try "$shell reads its completion" $shell -n "$file"
    else
        try "$shell has a completion" grep -q 'emit-header' "$file"
    fi
done

# --- projects outside the tree ---
cp -r examples/outside "$work/outside"
export CMAKE_PREFIX_PATH=$prefix PKG_CONFIG_PATH=$lib/pkgconfig
try "configure by find_package" cmake -S "$work/outside" -B "$work/by_cmake"
try "build by find_package" cmake --build "$work/by_cmake"
try "run by find_package" is "$("$work/by_cmake/scale")" "$wanted"
mv "$prefix" "$work/moved" && prefix=$work/moved lib=${lib/"moved folder"/moved} # make has no names with blanks
export PKG_CONFIG_PATH=$lib/pkgconfig
try "build by pkg-config" make -C "$work/outside"
try "run by pkg-config" is "$("$work/outside/scale")" "$wanted"
mkdir "$work/inside"
cat >"$work/inside/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.22)
project(inside LANGUAGES C CXX ASM)
add_subdirectory($source frit)
add_executable(scale $work/outside/scale.c)
target_link_libraries(scale PRIVATE frit::frit)
CMAKE
config=$(sed -n 's/^FRIT_LLVM_CONFIG:[A-Z]*=//p' "$BUILD/CMakeCache.txt")
try "configure by add_subdirectory" cmake -S "$work/inside" -B "$work/by_folder" -G Ninja -DFRIT_LLVM=shared -DFRIT_LLVM_CONFIG="$config"
try "build by add_subdirectory" cmake --build "$work/by_folder" --target scale
try "run by add_subdirectory" is "$("$work/by_folder/scale")" "$wanted"
echo "$passed passed, $failed failed, $([ -z "$(command -v man)" ] && echo 1 || echo 0) skipped"
[ $failed = 0 ]
