#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# frit run, info, bench, verify and compare as a user calls them: what they print, what they write, and one clear line with
# the right exit code for what cannot be done.
set -u
if [ ! -x "$FRIT" ]; then
    echo "skip: commands: build/frit is not built"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
digits=$PWD/examples/digits held=$PWD/examples/digits/held_out.npy
attention=$PWD/examples/attention

pass() { passed=$((passed + 1)); }
fault() {
    failed=$((failed + 1))
    echo "$1"
    echo "   $(tail -3 "$work/err")"
}

# says PATTERN COMMAND...: exit 0, and a line of stdout matches.
says() {
    local pattern=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    local status=$?
    if [ $status = 0 ] && grep -qE -- "$pattern" "$work/out"; then pass; else fault "exit $status, no '$pattern': $*"; fi
}

# refuses STATUS PATTERN COMMAND...: that exit code, nothing on stdout, one line on stderr that matches.
refuses() {
    local wanted=$1 pattern=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    local status=$?
    if [ $status = "$wanted" ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] &&
        grep -qE -- "$pattern" "$work/err"; then pass; else fault "exit $status, wanted $wanted and '$pattern': $*"; fi
}

# holds TEXT COMMAND...: the command succeeds, else TEXT is what went wrong.
holds() {
    local text=$1
    shift
    if "$@" 2>"$work/err"; then pass; else fault "$text"; fi
}

is_json() { "${PYTHON:-python3}" -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out"; }

cd "$work" || exit 1
holds "digits do not compile" "$FRIT" compile "$digits/digits.onnx" -o d.so --cpu=x86-64-v2
holds "attention does not compile" "$FRIT" compile "$attention/attention.onnx" -o a.so --cpu=x86-64-v2 --weights=side

# run
says '^logits: f32\[360, 10\]  min .* max .* mean' "$FRIT" run d.so --input image="$held" --threads 2
holds "run with --output-dir failed" "$FRIT" run d.so --input image="$held" --output-dir results/deep
holds "no logits.npy" cmp <(head -c 6 results/deep/logits.npy) <(printf '\223NUMPY')
refuses 1 'image: this input \(f32\[batch, 1, 8, 8\]\) is missing; give it with --input image=FILE' "$FRIT" run d.so
refuses 2 "unknown input 'imag'; did you mean 'image'" "$FRIT" run d.so --input imag="$held"
refuses 1 "input 'image': has 3 dims, should have 4" "$FRIT" run d.so --input image="$attention/x.npy"
refuses 1 'nothing.npy: No such file' "$FRIT" run d.so --input image=nothing.npy
refuses 1 'shared object, but frit did not make it' "$FRIT" run "$(command -v ls)"
refuses 1 'd.onnx: No such file' "$FRIT" run d.onnx
refuses 1 'not a directory|Not a directory' "$FRIT" run d.so --input image="$held" --output-dir d.so/x

# files that are not what was wanted, by what people do to them
npy() { printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': $1, 'fortran_order': False, 'shape': (1,), }"; }
npy "'<f8'" >f64.npy
npy "'|O'" >objects.npy
npy "'<U5'" >texts.npy
npy "[('a', '<f4')]" >records.npy
printf 'PK\3\4' >x.npz
echo 1,2 >x.csv
printf 'version https://git-lfs.github.com/spec/v1\n' >lfs.onnx
printf '\n<!DOCTYPE html>\n' >page.onnx
: >empty.onnx
refuses 1 "input 'image': f64.npy: holds float64, should hold float32; save it with .astype\('float32'\)" "$FRIT" run d.so --input image=f64.npy
refuses 1 'objects.npy: holds Python objects' "$FRIT" run d.so --input image=objects.npy
refuses 1 'texts.npy: holds texts' "$FRIT" run d.so --input image=texts.npy
refuses 1 'records.npy: holds records' "$FRIT" run d.so --input image=records.npy
refuses 1 'x.npz: is an archive .* numpy.save' "$FRIT" run d.so --input image=x.npz
refuses 1 'x.csv: is text; .* numpy.save' "$FRIT" run d.so --input image=x.csv
refuses 1 'lfs.onnx: is a Git LFS pointer.* git lfs pull' "$FRIT" compile lfs.onnx -o x.so
refuses 1 'page.onnx: is an HTML page' "$FRIT" compile page.onnx -o x.so
refuses 1 'empty.onnx: is empty' "$FRIT" compile empty.onnx -o x.so
refuses 1 "has 3 dims, should have 4: \[.*\] for \[batch, 1, 8, 8\]" "$FRIT" run d.so --input image="$attention/x.npy"

refuses 2 "unknown target 'gpu'; known: cpu, cuda" "$FRIT" compile "$digits/digits.onnx" -o x.so --target=gpu
refuses 2 "unknown dim 'zzzzzzzz'; known: batch" "$FRIT" info d.so --dim zzzzzzzz=1
refuses 2 "one argument too many; for --report write --report=r.html" "$FRIT" compile "$digits/digits.onnx" --report r.html -o x.so
refuses 2 "has no option '--weight" "$FRIT" compile "$digits/digits.onnx" --weight=side -o x.so
says '^znver4$' "$FRIT" compile x.onnx --cpu=help
says '^  -o, --output' "$FRIT" help compile

# dims that the model itself binds: a length that was written into it, a table of 16 positions, a sum of two others
cat >baked.fir <<'END'
func @baked(%x: f32[B, seq, 64]) -> (%y: f32[B, 12, 4, 16]) {
  %y = reshape %x {dims = [B, 12, 4, 16]} : f32[B, 12, 4, 16] loc("/att/Reshape_4")
  return %y
}
END
cat >position.fir <<'END'
func @position(%x: f32[seq, 8], %t: f32[16, 8]) -> (%y: f32[seq, 8]) {
  %p = slice %t {starts = [0, 0], sizes = [min(seq, 16), 8], steps = [1, 1]} : f32[min(seq, 16), 8] loc("/emb/Slice")
  %y = add %x, %p : f32[seq, 8] loc("/emb/Add")
  return %y
}
END
cat >sum.fir <<'END'
func @sum(%p: f32[4, past], %n: f32[4, new], %m: f32[total, 4]) -> (%y: f32[4, 4]) {
  %c = concat %p, %n {axis = 1} : f32[4, new + past] loc("/cat")
  %y = matmul %c, %m : f32[4, 4] loc("/att/MatMul")
  return %y
}
END
# zeros SHAPE >FILE: a .npy file of f32 zeros; the shape's product is $2
zeros() {
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': $1, }"
    head -c $((4 * $2)) /dev/zero
}
zeros '(2, 7, 64)' 896 >seven.npy
zeros '(20, 8)' 160 >twenty.npy
zeros '(16, 8)' 128 >table.npy
for model in baked position sum; do
    holds "$model.fir does not compile" "$FRIT" compile $model.fir -o $model.so --cpu=x86-64-v2
done
says '  seq = 12 \(dim 1 of x\), from /att/Reshape_4$' "$FRIT" info baked.so
says '  seq = 12 \(dim 1 of x\), from /att/Reshape_4$' "$FRIT" info baked.fir
says '"lo_from": "/att/Reshape_4"' "$FRIT" info baked.so --json
says '  seq in 1\.\.16 \(dim 0 of x\), at most 16 from /emb/Add$' "$FRIT" info position.so
says '^  seq = 12, from /att/Reshape_4$' "$FRIT" compile baked.fir -o x.so --report
says '^  seq in 1\.\.16, at most 16 from /emb/Add; figures are for 1, the least; --dim seq=1\.\.16@N is for another$' \
    "$FRIT" compile position.fir -o x.so --report
refuses 1 "input 'x', dim 1: seq = 7 does not fit: this model only works with seq = 12, from /att/Reshape_4$" "$FRIT" run baked.so --input x=seven.npy
refuses 1 "input 'x', dim 0: seq = 20 does not fit: this model only works with seq <= 16, from /emb/Add$" "$FRIT" run position.so --input x=twenty.npy --input t=table.npy
refuses 1 'dim: seq = 7 does not fit: this model only works with seq = 12, from /att/Reshape_4$' "$FRIT" bench baked.so --dim seq=7
refuses 1 'dim: seq = 7 does not fit: this model only works with seq = 12, from /att/Reshape_4$' "$FRIT" compile baked.fir -o x.so --dim seq=7
refuses 1 'dim: seq in 17\.\.20 does not fit: this model only works with seq <= 16, from /emb/Add$' "$FRIT" compile position.fir -o x.so --dim seq=17..20
says ', B = 1, seq = 12$' "$FRIT" bench baked.so --threads 1
says '^measured for the least values: B = 1; --dim B=N measures others$' "$FRIT" bench baked.so --threads 1
says ', past = 5, new = 1, total = 6$' "$FRIT" bench sum.so --threads 1 --dim past=5
says '^equal$' "$FRIT" verify baked.so
says '^equal$' "$FRIT" verify sum.so
says '^figures are for the least values: past = 1, new = 1; --dim past=N is for another$' "$FRIT" info sum.so
says 'memory of a context for past = 1, new = 1, total = 2,' "$FRIT" info sum.fir
says '^  total in 1\.\.65536; figures are for 2$' "$FRIT" compile sum.fir -o x.so --report

# what is not built says so and what to use; numbers that make no sense; nothing is left behind a failure
refuses 1 'lowering a model to f16 is not built yet; bf16 is' "$FRIT" compile "$digits/digits.onnx" -o x.so --precision=f16
refuses 1 'quantising a model is not built yet; .* bf16' "$FRIT" compile "$digits/digits.onnx" -o x.so --precision=int8
refuses 2 "unknown precision 'fp16'; known: f32, bf16, f16, int8" "$FRIT" compile "$digits/digits.onnx" -o x.so --precision=fp16
refuses 2 "threads: '1000000000' is not an integer from 1 to 1024" "$FRIT" bench d.so --threads=1000000000
refuses 2 "threads: '1e9' is not an integer from 1 to 1024" "$FRIT" run d.so --threads=1e9
refuses 2 "threads: '0' is not an integer" "$FRIT" info d.so --threads=0
refuses 2 "jobs: '1000000000' is not an integer from 1 to 1024" "$FRIT" compile "$digits/digits.onnx" -o x.so -j 1000000000
rm -f x.so x.json
refuses 1 '/dev/full: cannot be written: No space left' "$FRIT" compile "$digits/digits.onnx" -o x.so --report=x.json --report=/dev/full
holds "an artifact or a report is left behind a failed report" test ! -e x.so -a ! -e x.json
refuses 1 "the folder 'nowhere' does not exist" "$FRIT" compile "$digits/digits.onnx" -o x.so --report=nowhere/r.html
holds "an artifact is left behind a refused report" test ! -e x.so
says 'memory of a context for batch = 4000, .*: [0-9]+ bytes \([0-9.]+ MiB\)$' "$FRIT" info d.so --dim batch=4000

# names of inputs that hold '='
cat >equals.fir <<'END'
func @equals(%"a=b": f32[3], %a: f32[3]) -> (%y: f32[3]) {
  %y = sub %"a=b", %a : f32[3]
  return %y
}
END
vector() {
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"
    printf '\0\0%b\0\0%b\0\0%b' "$1" "$1" "$1"
}
vector '\200\77' >ones.npy
vector '\0\100' >twos.npy
cp ones.npy 'c=ones.npy'
holds "equals.fir does not compile" "$FRIT" compile equals.fir -o equals.so
says '^  -1 -1 -1$' "$FRIT" run equals.so --input a=b=ones.npy --input a=twos.npy
says '^  -1 -1 -1$' "$FRIT" run equals.so --input a=twos.npy --input a=b=c=ones.npy
says '^  1 1 1$' "$FRIT" run equals.so --input a=c=ones.npy --input a=b=twos.npy
refuses 2 "'a=b' is given twice" "$FRIT" run equals.so --input a=b=ones.npy --input a=b=twos.npy
refuses 2 "unknown input 'quite'; known: a=b, a" "$FRIT" run equals.so --input quite=b=ones.npy

# names of dims
says '^  p: f32\[4, was\]$' "$FRIT" info sum.fir --dim past:was --dim was=1..9
says '^  was in 1\.\.9 ' "$FRIT" info sum.fir --dim past:was --dim was=1..9
says '^  n: f32\[4, past\]$' "$FRIT" info sum.fir --dim new=past
says '^  image: f32\[n, 1, 8, 8\]$' "$FRIT" info "$digits/digits.onnx" --dim batch:n
says '^  n in 1\.\.9, tuned for 4 ' "$FRIT" info "$digits/digits.onnx" --dim batch:n --dim n=1..9@4
says '^  image: f32\[4, 1, 8, 8\]$' "$FRIT" info "$digits/digits.onnx" --dim batch:n --dim n=4
refuses 2 "a dim 'new' is there already; --dim past=new ties the two" "$FRIT" info sum.fir --dim past:new
refuses 2 "has no dim 'bach'; did you mean 'batch'\? \(dims: batch\)" "$FRIT" info "$digits/digits.onnx" --dim bach=1
refuses 2 "has no dim 'zzzzzz' \(dims: batch\)" "$FRIT" info "$digits/digits.onnx" --dim batch=zzzzzz
refuses 2 "has no dim 'zzzzzz' \(dims: past, new, total\)" "$FRIT" info sum.fir --dim zzzzzz=1
refuses 2 "'batch=batch' ties a dim to itself" "$FRIT" info "$digits/digits.onnx" --dim batch=batch
refuses 2 "--dim: 'a' is tied to itself in a circle" "$FRIT" info "$digits/digits.onnx" --dim batch:a --dim a=batch
refuses 2 "'batch:n' renames a dim, which is for frit compile" "$FRIT" bench d.so --dim batch:n
refuses 2 "'batch=-3': a dim cannot be negative" "$FRIT" compile "$digits/digits.onnx" -o x.so --dim batch=-3
refuses 2 "'batch=9\.\.3': a range goes from small to large" "$FRIT" compile "$digits/digits.onnx" -o x.so --dim batch=9..3
refuses 2 "'batch=1\.\.x' is not NAME=N, " "$FRIT" compile "$digits/digits.onnx" -o x.so --dim batch=1..x
refuses 2 "'batch' is not NAME=N" "$FRIT" compile "$digits/digits.onnx" -o x.so --dim batch
refuses 1 'batch: -3 is not in 1\.\.65536' "$FRIT" bench d.so --dim batch=-3

# weights beside the artifact
says '^y: f32' "$FRIT" run a.so --input x="$attention/x.npy"
says 'in a.so.weights' "$FRIT" info a.so
mv a.so.weights elsewhere
refuses 1 'a.so.weights: No such file' "$FRIT" run a.so --input x="$attention/x.npy"
head -c 5000 elsewhere >a.so.weights
refuses 1 'is not the weights file of this artifact' "$FRIT" run a.so --input x="$attention/x.npy"
mv elsewhere a.so.weights

# info
says '  batch in 1\.\.65536 \(dim 0 of image\)' "$FRIT" info d.so
says 'memory of a context for batch = 7, 3 threads: [0-9]+ bytes' "$FRIT" info d.so --dim batch=7 --threads 3
says '  Conv: 3$' "$FRIT" info "$digits/digits.onnx"
says '"arena_formula": ".*batch.*"' "$FRIT" info d.so --json
holds "info --json is no JSON" is_json
says '"kind": "model"' "$FRIT" info "$digits/digits.onnx" --json
holds "info --json of a model is no JSON" is_json
refuses 1 "batch.*not in 1\.\.65536" "$FRIT" info d.so --dim batch=0
refuses 2 "unknown dim 'bach'; did you mean 'batch'" "$FRIT" info d.so --dim bach=1
head -c 30000 d.so >cut.so
refuses 1 'cut.so: is damaged or cut short' "$FRIT" info cut.so
refuses 1 'cut.so: is damaged or cut short' "$FRIT" run cut.so

# one byte of the code changed: not described, not loaded
cp d.so bad.so
printf '\x5a\xa5' | dd of=bad.so bs=1 seek=30000 conv=notrunc status=none
for command in info run bench verify; do
    refuses 1 'bad.so: is damaged: its code or tables are not those that frit wrote; copy it again or compile the model again' "$FRIT" $command bad.so
done
refuses 1 'bad.so: is damaged' "$FRIT" compare d.so bad.so
refuses 2 "'batch' is given twice" "$FRIT" bench d.so --dim batch=1 --dim batch=2
refuses 2 "'image' is given twice" "$FRIT" run d.so --input image=a --input image=b

# whole numbers that no double holds, and names that would steer a terminal
printf 'func @f(%%x: i64[3]) -> (%%"a\\x1b[2Jb": i64[3]) {\n  return %%x\n}\n' >whole.fir
printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }" >whole.npy
printf '\1\0\0\0\0\0\40\0\0\0\0\0\0\0\40\0\377\377\377\377\377\377\377\177' >>whole.npy
holds "whole.fir does not compile" "$FRIT" compile whole.fir -o whole.so
says '^  9007199254740993 9007199254740992 9223372036854775807$' "$FRIT" run whole.so --input x=whole.npy
says '^a\?\[2Jb: i64' "$FRIT" run whole.so --input x=whole.npy

# bench, verify, compare
says '^latency: min .* ms, median .* ms, p90' "$FRIT" bench d.so --threads 1 --dim batch=3
says '"percent_of_limit"' "$FRIT" bench d.so --json --trace trace.json
holds "bench --json is no JSON" is_json
# sorted by time, with shares that add up, cut after N rows; every figure above 100 % has its remark
is_sorted() { # of a bench in out: rows fall, shares of rows and rest make 100
    awk '/of limit/ { on = 1; next } !on || /^\*/ { next } / in all, / { total = $1 + 0; next }
         { share += $1; if (!/which --top/ && last != "" && $2 > last + 0) bad = 1; last = $2 }
         END { exit bad || total != 100 || share < 99 || share > 101 }' out
}
says ' in all, [0-9]+ kernels$' "$FRIT" bench d.so --threads 1 --perf-map=perf.map --report=bench.html
holds "bench is not sorted, or its shares do not add up" is_sorted
holds "a figure above 100 % without a remark" awk '/%\*/ { above = 1 } /[1-9][0-9][0-9]% / && !/in all/ && !/100%/ { bad = 1 }
    /^\* above 100 %/ { said = 1 } END { exit bad || above != said }' out
says ' more, which --top=[0-9]+ shows$' "$FRIT" bench d.so --threads 1 --top=2
holds "--top=2 shows more than two rows" test "$(grep -cE '_[0-9]+: ' out)" = 2
holds "the rest is not counted" is_sorted
refuses 2 "'0' is not an integer from 1" "$FRIT" bench d.so --top=0
# a page with a roofline
holds "no roofline" grep -q 'class="roof' bench.html
holds "no measured row" grep -q '<tr id="contract_' bench.html
holds "the page reaches outside" test "$(grep -cE 'https?:|url\(|@import' bench.html)" = 0
refuses 2 'writes its report as a page: --report=FILE.html' "$FRIT" bench d.so --report=bench.json
# a trace names its threads and their shares
says '"limits"' "$FRIT" bench d.so --threads 2 --dim batch=512 --json --trace threads.json
names_threads() {
    "${PYTHON:-python3}" - <<'END'
import json
trace = json.load(open("threads.json"))
names = [e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"]
assert names[0].startswith("caller, busy ") and names[1].startswith("worker 1, busy "), names
assert len(trace["busyPercent"]) == 2 and all(0 < x <= 100.5 for x in trace["busyPercent"]), trace["busyPercent"]
assert {e["tid"] for e in trace["traceEvents"]} == {1, 2}
END
}
holds "the trace does not name its threads" names_threads
says '^[0-9a-f]+ [0-9a-f]+ contract_[0-9]+\.0$' cat perf.map
holds "no trace" grep -q '"ph": "X"' trace.json
says '^equal$' "$FRIT" verify d.so
says '^3 threads: [0-9]+ runs, [0-9a-f]{64}$' "$FRIT" verify d.so --input image="$held"
"$FRIT" compile "$digits/digits.onnx" -o same.so --cpu=x86-64-v2
says '^logits: equal, 0 of 3600' "$FRIT" compare d.so same.so --input image="$held"
says '^logits: (equal|close)' "$FRIT" compare d.so "$digits/digits.onnx" --input image="$held"
says '^no layer differs' "$FRIT" compare d.so "$digits/digits.onnx" --dim batch=2 --layers

# finds PATTERN COMMAND...: exit 1 with one line on stderr, and a line of stdout that matches.
finds() {
    local pattern=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    local status=$?
    if [ $status = 1 ] && grep -qE -- "$pattern" "$work/out" && [ "$(wc -l <"$work/err")" = 1 ]; then
        pass
    else
        fault "exit $status, no '$pattern': $*"
    fi
}

# a type that the CPU has no instruction for is compiled with one note, one that it has with none
notes() { # N COMMAND...: exit 0, N lines on stderr, all of them the note
    local n=$1
    shift
    "$@" >"$work/out" 2>"$work/err" && [ "$(grep -c 'note: .* no instruction for products of bf16' "$work/err")" = "$n" ] &&
        [ "$(wc -l <"$work/err")" = "$n" ]
}
holds "no note about bf16" notes 1 "$FRIT" compile "$digits/digits.onnx" -o slow.so --cpu=x86-64-v3 --precision=bf16
holds "a note where there is an instruction" notes 0 "$FRIT" compile "$digits/digits.onnx" -o x.so --cpu=cooperlake --precision=bf16
holds "a note about f32" notes 0 "$FRIT" compile "$digits/digits.onnx" -o x.so --cpu=x86-64-v3

# layers are compiled with the options and for the CPU of the artifact: what --precision=bf16 rounds is found
"$FRIT" compile "$digits/digits.onnx" -o narrow.so --cpu=x86-64-v3 --precision=bf16
finds '^logits: FAR' "$FRIT" compare narrow.so "$digits/digits.onnx" --input image="$held"
finds "^first layer that differs: output 'layer [0-9]+: .*(Conv|Gemm|MatMul|conv|fc)" \
    "$FRIT" compare narrow.so "$digits/digits.onnx" --input image="$held" --layers
finds '^[0-9]+ of [0-9]+ layers differ$' "$FRIT" compare narrow.so "$digits/digits.onnx" --input image="$held" --layers
says '^logits: (equal|close)' "$FRIT" compare d.so "$digits/digits.onnx" --input image="$held" --reference=evaluator
says '^logits: (equal|close)' "$FRIT" compare d.so "$digits/digits.onnx" --input image="$held" --reference=compiled
refuses 2 "unknown reference 'evaluated'; did you mean 'evaluator'" "$FRIT" compare d.so "$digits/digits.onnx" --reference=evaluated
# an artifact of another model of the same interface: its layers are right, and that is said
printf 'func @f(%%x: f32[4]) -> (%%y: f32[4]) {\n  %%0 = exp %%x\n  return %%0\n}\n' >exp.fir
printf 'func @f(%%x: f32[4]) -> (%%y: f32[4]) {\n  %%0 = sin %%x\n  %%1 = exp %%0\n  return %%1\n}\n' >sin.fir
"$FRIT" compile exp.fir -o exp.so
finds '^no layer differs \(2 compared\): .* made from another' "$FRIT" compare exp.so sin.fir --layers

# the reference: a kernel for each node, which the artifact says
"$FRIT" compile "$digits/digits.onnx" -o unfused.so --unfused
says ', --unfused$' "$FRIT" info unfused.so
n_kernels() { "$FRIT" info "$1" --json | grep -c '"title"'; }
holds "--unfused fuses" test "$(n_kernels unfused.so)" -gt "$(n_kernels d.so)"
says '^logits: (equal|close)' "$FRIT" compare d.so unfused.so --input image="$held"

# a model in the place of an artifact: compiled for the call, nothing left behind, nothing said into a pipe
mkdir temporary
export TMPDIR=$work/temporary
says '^logits: f32\[360, 10\]' "$FRIT" run "$digits/digits.onnx" --input image="$held" --cpu=x86-64-v2
holds "run of a model says something into a pipe" test ! -s err
says '^latency: min' "$FRIT" bench "$digits/digits.onnx" --dim batch=2 --threads 1
says '^equal$' "$FRIT" verify "$digits/digits.onnx"
says '^logits: (equal|close)' "$FRIT" compare "$digits/digits.onnx" "$digits/digits.onnx"
refuses 1 'cut.onnx: ' "$FRIT" run cut.onnx
head -c 3000 "$digits/digits.onnx" >cut.onnx
refuses 1 'cut.onnx' "$FRIT" run cut.onnx
holds "temporary files are left" rmdir temporary
unset TMPDIR

# a terminal is told what came out
if script -qc true /dev/null >/dev/null 2>&1; then
    script -qc "$FRIT compile $digits/digits.onnx -o told.so" /dev/null >out 2>err
    holds "no line about the result" grep -qE 'told.so: [0-9.]+ [KM]iB, [0-9]+ kernels, [0-9.]+ s' out
    script -qc "$FRIT compile baked.fir -o told.so" /dev/null >out 2>err
    holds "no line about a dim that is bound" grep -qE '^  only works with seq = 12, from /att/Reshape_4' out
    script -qc "$FRIT compile position.fir -o told.so" /dev/null >out 2>err
    holds "no line about a dim's bound" grep -qE '^  only works with seq <= 16, from /emb/Add' out
    script -qc "stty cols 60; $FRIT bench d.so --threads 1" /dev/null | tr -d '\r' >out
    holds "rows are wider than the terminal" awk '/of limit/ { on = 1; next } on && !/^\*/ && length > 60 { bad = 1 } END { exit !on || bad }' out
    script -qc "$FRIT compare d.so $digits/digits.onnx" /dev/null >out 2>err
    holds "no progress of compare" grep -q 'frit: running the reference' out
else
    echo "skip: result on a terminal: no script(1), or no pseudo-terminal"
    skipped=1
fi
refuses 1 "wants an input 'x' that d.so does not have" "$FRIT" compare d.so a.so
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
