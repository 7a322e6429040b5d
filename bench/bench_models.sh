#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Accuracy of whole models beside ONNX Runtime's, against double precision: the recorded ones, the nine networks of the
# ONNX package with seeded weights, a larger encoder, BERT, MiniLM, a decoder with a KV cache, image classifiers of
# torchvision and timm, and trained models that lie in Python packages. The first run makes them.
set -euo pipefail
cd "$(dirname "$0")/.."
bench/make_models.sh
build/venv-bench/bin/python bench/compare_models.py "$@"
