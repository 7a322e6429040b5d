#!/bin/bash
# Accuracy of whole models beside ONNX Runtime's, against double precision: the recorded ones, the nine networks of the
# ONNX package with seeded weights, a larger encoder by both of torch's exporters, BERT, MiniLM and a decoder with a
# KV cache. The first run makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
python=build/venv-bench/bin/python models=build/models
[ -f $models/zfnet512.json ] || $python bench/models/light.py --out $models
[ -f $models/encoder256.json ] ||
    $python bench/models/encoder.py --out $models --name encoder256 --width 256 --hidden 1024 --heads 8 --vocab 1000 \
        --longest 512 --cases 1x1,1x16,4x128,2x500
[ -f $models/llama.json ] || $python bench/models/language.py --out $models bert minilm llama
$python bench/compare_models.py "$@"
