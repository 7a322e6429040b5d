#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes the models that benches run on, those that are not there yet: make_models.sh [FOLDER, by default build/models]
set -euo pipefail
cd "$(dirname "$0")/.."
python=build/venv-bench/bin/python models=${1:-build/models}
[ -x $python ] || { echo "make_models: no build/venv-bench: ./dev bench makes it" >&2 && exit 1; }
[ -f "$models"/zfnet512.json ] || $python bench/models/light.py --out "$models"
[ -f "$models"/encoder256.json ] ||
    $python bench/models/encoder.py --out "$models" --name encoder256 --width 256 --hidden 1024 --heads 8 --vocab 1000 \
        --longest 512 --cases 1x1,1x16,4x128,2x500
for name in bert bert128 minilm minilm128 llama; do
    [ -f "$models"/$name.json ] || $python bench/models/language.py --out "$models" $name
done
[ -f "$models"/timm_convnext_atto.json ] || $python bench/models/vision.py --out "$models"
[ -f "$models"/minilm_weight_int8.json ] || $python bench/models/packaged.py --out "$models"
[ -f "$models"/resnet50_qdq.json ] || $python bench/models/quantised.py cases "$models"
