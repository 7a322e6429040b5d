# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Image classifiers of torchvision and timm with seeded weights, exported by both of torch's exporters, batch symbolic.

    python vision.py --out DIR [tv_resnet50 tv_mobilenet_v3_large timm_vit_tiny timm_convnext_atto]

Weights are each library's own initialisation from a seed, with norms and biases moved off 1 and 0 so that dropping one
shows; batch norms then take the statistics of seeded images, which keeps activations at scale 1 through every depth.
The reference is the same network in double. Writes NAME_dynamo.onnx, NAME_script.onnx, the cases and NAME.json.
"""

import argparse
import pathlib
import warnings

import numpy as np
import torch
from torch import nn

import encoder
import references

SEED = 23
SIDE = 224
CASES = {"1": 1, "3": 3}


def torchvision_net(name):
    import torchvision

    return torchvision.models.get_model(name, weights=None)


def timm_net(name):
    import timm

    return timm.create_model(name, pretrained=False)


NETS = {
    "tv_resnet50": lambda: torchvision_net("resnet50"),
    "tv_mobilenet_v3_large": lambda: torchvision_net("mobilenet_v3_large"),
    "timm_vit_tiny": lambda: timm_net("vit_tiny_patch16_224"),
    "timm_convnext_atto": lambda: timm_net("convnext_atto"),
}


def images(batch):
    """Seeded images: smooth patterns with noise on top, as a camera gives them."""
    random = np.random.default_rng([SEED, batch])
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    waves = random.uniform(1, 25, (batch, 3, 2, 1, 1))
    smooth = np.sin(waves[:, :, 0] * x) * np.cos(waves[:, :, 1] * y)
    return torch.from_numpy((smooth + 0.3 * random.standard_normal(smooth.shape)).astype(np.float32))


def settle(net):
    """Gives every batch norm the statistics of a seeded batch."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum, norm.training = None, True
    net(images(8))
    for norm in norms:
        norm.momentum, norm.training = 0.1, False


def build(name):
    """The network in evaluation mode with its seeded weights."""
    torch.manual_seed(SEED)
    net = NETS[name]().eval()
    for parameter, value in net.named_parameters():
        if value.dim() == 1 and not parameter.endswith("gamma"):
            value.add_(torch.randn_like(value) * 0.1)
        elif parameter.endswith("gamma"):
            value.copy_(torch.rand_like(value) + 0.5)
    settle(net)
    return net


def export(net, exporter, path):
    """Writes the ONNX file, weights inside, the batch symbolic."""
    names = {"input_names": ["image"], "output_names": ["logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            shapes = ({0: torch.export.Dim("batch", max=1024)},)
            torch.onnx.export(net, (images(2),), str(path), dynamo=True, external_data=False, dynamic_shapes=shapes,
                              verbose=False, **names)
        else:
            axes = {name: {0: "batch"} for name in ("image", "logits")}
            torch.onnx.export(net, (images(2),), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names)
    encoder.strip(path)


def make(name, out):
    """Both files of one network, its cases and its case file."""
    net = build(name)
    models = [out / f"{name}_{exporter}.onnx" for exporter in ("dynamo", "script")]
    for model in models:
        export(net, model.stem.rsplit("_", 1)[1], model)
    net = net.double()
    cases = {}
    for label, batch in CASES.items():
        np.save(out / f"{name}_{label}.image.npy", images(batch).numpy())
        np.save(out / f"{name}_{label}.reference.npy", net(images(batch).double()).numpy())
        cases[label] = {"inputs": {"image": f"{name}_{label}.image.npy"}, "reference": f"{name}_{label}.reference.npy"}
    facts = references.write(out / f"{name}.json", [m.name for m in models], "logits", cases)
    print(f"{name}: onnxruntime {facts['onnxruntime_ulps']} ulp", flush=True)


def main():
    parser = argparse.ArgumentParser(description="make the image classifiers and their references")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", default=list(NETS))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in args.names:
            make(name, args.out)


if __name__ == "__main__":
    main()
