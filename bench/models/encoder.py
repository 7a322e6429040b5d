# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A two-layer transformer encoder of our own, exported by both of torch's exporters with symbolic batch and length.

Token numbers and a mask go in; normalised hidden states come out. Pre-norm or post-norm, attention written out
(matrix product, softmax, matrix product) or as torch's one call: the exporters write each of these differently, and
the compiler has to find the attention, the norms and the gelu again in all of them.

    python encoder.py --out DIR [--width 32] [--hidden 64] [--heads 4] [--vocab 61] [--longest 96] [--layers 2]
                      [--post-norm] [--written-out] [--name encoder] [--exporter dynamo|script|both] [--cases 2x7,1x1,...]

writes, for each exporter,  DIR/NAME_dynamo.onnx  DIR/NAME_script.onnx
for each case BxS           DIR/NAME_BxS.tokens.npy  .mask.npy  .reference.npy (f64: the same network in double)
and                         DIR/NAME.json: the case file (references.py), with ONNX Runtime's own error in each
"""

import argparse
import math
import pathlib
import warnings

import numpy as np
import onnx
import torch
from torch import nn

import references

SEED = 11


class Attention(nn.Module):
    """Multi-head self-attention over [B, S, D] with a mask of the keys [B, S]."""

    def __init__(self, width, heads, written_out):
        super().__init__()
        self.heads, self.written_out = heads, written_out
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def split(self, x):
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        keys = mask[:, None, None, :]
        if self.written_out:
            scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
            scores = scores.masked_fill(~keys, float("-inf"))
            mixed = torch.matmul(torch.softmax(scores, dim=-1), v)
        else:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        batch, length, width = x.shape
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Layer(nn.Module):
    """Attention and a two-matrix gelu network, each added to its input, normalised before or after."""

    def __init__(self, width, hidden, heads, post_norm, written_out):
        super().__init__()
        self.post_norm = post_norm
        self.attention = Attention(width, heads, written_out)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def feed(self, x):
        return self.down(nn.functional.gelu(self.up(x)))

    def forward(self, x, mask):
        if self.post_norm:
            x = self.norm1(x + self.attention(x, mask))
            return self.norm2(x + self.feed(x))
        x = x + self.attention(self.norm1(x), mask)
        return x + self.feed(self.norm2(x))


class Encoder(nn.Module):
    """tokens i64 [B, S], mask bool [B, S] (true: this token counts) -> f32 [B, S, D]."""

    def __init__(self, args):
        super().__init__()
        self.token = nn.Embedding(args.vocab, args.width)
        self.position = nn.Embedding(args.longest, args.width)
        self.layers = nn.ModuleList(Layer(args.width, args.hidden, args.heads, args.post_norm, args.written_out)
                                    for _ in range(args.layers))
        self.norm = nn.LayerNorm(args.width)

    def forward(self, tokens, mask):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token(tokens) + self.position(places)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


def build(args):
    """The network with seeded weights; norms and biases are moved off 1 and 0 so that dropping one shows."""
    torch.manual_seed(SEED)
    net = Encoder(args).eval()
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.endswith("bias") or ".norm" in name or name.startswith("norm"):
                value.add_(torch.randn_like(value) * 0.1)
    return net


def case(args, batch, length):
    """Seeded tokens and mask; the first token always counts, so no row of scores is wholly masked."""
    random = np.random.default_rng([SEED, batch, length])
    tokens = random.integers(0, args.vocab, (batch, length), dtype=np.int64)
    mask = random.random((batch, length)) < 0.8
    mask[:, 0] = True
    return tokens, mask


def export(net, args, exporter, path):
    """Writes the ONNX file, weights inside, every value named by the exporter."""
    tokens, mask = (torch.from_numpy(a) for a in case(args, 2, 5))
    names = {"input_names": ["tokens", "mask"], "output_names": ["hidden"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            batch, length = torch.export.Dim("batch", max=4096), torch.export.Dim("length", max=args.longest)
            torch.onnx.export(net, (tokens, mask), str(path), dynamo=True, external_data=False, opset_version=18,
                              dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}), verbose=False, **names)
        else:
            axes = {name: {0: "batch", 1: "length"} for name in ("tokens", "mask", "hidden")}
            torch.onnx.export(net, (tokens, mask), str(path), dynamo=False, opset_version=17, dynamic_axes=axes, **names)
    strip(path)


def strip(path):
    """Takes the exporter's notes (source paths, stack traces) out of the file: they are most of a small model."""
    model = onnx.load(path)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        value.doc_string = ""
        del value.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def parse():
    parser = argparse.ArgumentParser(description="make the transformer encoder and its references")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--name", default="encoder")
    parser.add_argument("--exporter", choices=["dynamo", "script", "both"], default="both")
    parser.add_argument("--cases", default="1x1,2x7,3x33")
    for name, value in (("width", 32), ("hidden", 64), ("heads", 4), ("vocab", 61), ("longest", 96), ("layers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--post-norm", action="store_true")
    parser.add_argument("--written-out", action="store_true")
    return parser.parse_args()


def main():
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    net = build(args)
    models = [args.out / f"{args.name}_{exporter}.onnx"
              for exporter in (("dynamo", "script") if args.exporter == "both" else (args.exporter,))]
    for model in models:
        export(net, args, model.stem.rsplit("_", 1)[1], model)
    net = net.double()
    cases = {}
    for text in args.cases.split(","):
        batch, length = (int(n) for n in text.split("x"))
        tokens, mask = case(args, batch, length)
        with torch.no_grad():
            hidden = net(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()
        for what, array in (("tokens", tokens), ("mask", mask), ("reference", hidden)):
            np.save(args.out / f"{args.name}_{text}.{what}.npy", array)
        stem = f"{args.name}_{text}"
        cases[text] = {"inputs": {"tokens": f"{stem}.tokens.npy", "mask": f"{stem}.mask.npy"},
                       "reference": f"{stem}.reference.npy"}
    references.write(args.out / f"{args.name}.json", [model.name for model in models], "hidden", cases)


if __name__ == "__main__":
    main()
