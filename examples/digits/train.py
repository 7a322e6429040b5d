# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the demo's digit reader and writes everything the demo and the tests need beside this file.

Data: the 1,797 scanned digits of 8x8 pixels that come inside scikit-learn (see README.md for their licence).
One image in five is held out, the same fifth of every class; the network never sees it.

    python train.py [--out DIR]          needs torch, scikit-learn, onnx (bench/requirements.txt)

Writes  digits.onnx       the network, batch dim symbolic, weights as initializers
        weights.f32       the same weights, little-endian floats one after the other, in the order of DigitNet
        held_out.npy      f32 [n, 1, 8, 8], pixels 0..1: the images that were held out
        labels.npy        i64 [n]: the digit each of them shows
        reference.npy     f64 [n, 10]: logits of the network computed in double precision
        accuracy.json     what the trained network itself scores on the held-out images
One thread and fixed seeds: the same torch gives the same bytes.
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit
from torch import nn

SEED = 7
EPOCHS = 60
BATCH = 32


class DigitNet(nn.Module):
    """8x8 image -> ten logits: two convolutions, a 2x2 maximum, one more convolution, one matrix."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, image, drop=0.0):
        x = torch.relu(self.conv1(image))
        x = torch.relu(self.conv2(x))
        x = nn.functional.max_pool2d(x, 2)
        x = torch.relu(self.conv3(x))
        x = nn.functional.dropout(torch.flatten(x, 1), drop, self.training)
        return self.fc(x)


def split():
    """Images f32 [n, 1, 8, 8] in 0..1 and labels, as (train, train_labels, held_out, held_out_labels)."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    chooser = StratifiedShuffleSplit(n_splits=1, test_size=0.2, random_state=SEED)
    train, held = next(chooser.split(images, labels))
    held.sort()
    return images[train], labels[train], images[held], labels[held]


def jitter(images):
    """Moves each image by at most one pixel, so that 1,437 examples are enough."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(images), 2))
    return torch.stack([padded[i, :, y : y + 8, x : x + 8] for i, (y, x) in enumerate(offsets.tolist())])


def fit(images, labels):
    """A trained network in evaluation mode."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    net = DigitNet()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for at in range(0, len(images) - BATCH + 1, BATCH):
            pick = order[at : at + BATCH]
            loss = nn.functional.cross_entropy(net(jitter(images[pick]), drop=0.3), labels[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def to_onnx(net):
    """The network as ONNX, written node by node so that every name is one a reader expects."""
    weights = [numpy_helper.from_array(value.detach().numpy(), name) for name, value in net.named_parameters()]

    def conv(number, source):
        name = f"conv{number}"
        return [
            helper.make_node("Conv", [source, f"{name}.weight", f"{name}.bias"], [name], name,
                             kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [name], [f"relu{number}"], f"relu{number}"),
        ]

    nodes = conv(1, "image") + conv(2, "relu1")
    nodes.append(helper.make_node("MaxPool", ["relu2"], ["pool"], "pool", kernel_shape=[2, 2], strides=[2, 2]))
    nodes += conv(3, "pool")
    nodes.append(helper.make_node("Flatten", ["relu3"], ["flat"], "flat", axis=1))
    nodes.append(helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1))
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="digits")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser(description="train the digit reader")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    train, train_labels, held, held_labels = split()
    net = fit(train, train_labels)
    with torch.no_grad():
        logits32 = net(torch.from_numpy(held)).numpy()
        logits64 = net.double()(torch.from_numpy(held).double()).numpy()
    right = int((logits32.argmax(1) == held_labels).sum())
    onnx.save(to_onnx(net.float()), out / "digits.onnx")
    values = [value.detach().numpy().astype("<f4").tobytes() for _, value in net.named_parameters()]
    (out / "weights.f32").write_bytes(b"".join(values))
    np.save(out / "held_out.npy", held)
    np.save(out / "labels.npy", held_labels)
    np.save(out / "reference.npy", logits64)
    facts = {"held_out": len(held), "right": right, "accuracy": round(right / len(held), 6),
             "torch": torch.__version__.split("+")[0], "seed": SEED}
    (out / "accuracy.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
