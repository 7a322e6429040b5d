#!/bin/bash
# Accuracy of whole models beside ONNX Runtime's, against double precision: the recorded ones, the nine networks of the
# ONNX package with seeded weights, a larger encoder, BERT, MiniLM, a decoder with a KV cache, image classifiers of
# torchvision and timm, and trained models that lie in Python packages. The first run makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
python=build/venv-bench/bin/python models=build/models
[ -f $models/zfnet512.json ] || $python bench/models/light.py --out $models
[ -f $models/encoder256.json ] ||
    $python bench/models/encoder.py --out $models --name encoder256 --width 256 --hidden 1024 --heads 8 --vocab 1000 \
        --longest 512 --cases 1x1,1x16,4x128,2x500
[ -f $models/llama.json ] || $python bench/models/language.py --out $models bert minilm llama
[ -f $models/tv_resnet50.json ] || $python bench/models/vision.py --out $models
[ -f $models/minilm_weight_int8.json ] || $python bench/models/packaged.py --out $models
$python bench/compare_models.py "$@"
