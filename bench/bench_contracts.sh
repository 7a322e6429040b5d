#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The contracts of an artifact on real models, batch symbolic: libc and libm only, the same bytes from two folders, the same
# bits at 1, 2 and 3 threads, every row of a batch of 8 as it is alone, nothing allocated in run, memory as frit info says.
#
#     bench_contracts.sh [NAME...]         by default all; FRIT, MODELS and runs (of each number of threads) may be set
set -u
cd "$(dirname "$0")/.." || exit 1
export FRIT=${FRIT:-$PWD/build/frit}
models=${MODELS:-build/models} runs=${runs:-4} wanted=$*
[ "$models" != build/models ] || bench/make_models.sh || exit 1
. tests/promises.sh

# contract NAME MODEL INPUT=FILE...
contract() {
    local name=$1 model=$models/$2 before=$failed start=$SECONDS
    shift 2
    case " ${wanted:-$name} " in *" $name "*) ;; *) return ;; esac
    if [ ! -f "$model" ]; then
        echo "$name: left out: $model has not been made"
        return
    fi
    examine "$model" "$@"
    [ $failed = "$before" ] && echo "$name: kept: $(tail -1 "$work/promised") ($((SECONDS - start)) s)"
    rm -rf "$work"/*.so "$work/elsewhere"
}
image() { echo "image=$models/$1_3.image.npy"; }
words() { for input in input_ids attention_mask token_type_ids; do echo "$input=$models/$1_2x7.$input.npy"; done; }

for net in tv_resnet50 tv_mobilenet_v3_large timm_vit_tiny timm_convnext_atto; do
    contract $net ${net}_dynamo.onnx "$(image $net)"
done
for net in minilm bert; do
    # shellcheck disable=SC2046 # one word an input
    contract $net $net.onnx $(words $net)
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
