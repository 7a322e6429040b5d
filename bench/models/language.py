# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformers that people have, with seeded weights: BERT-base, a MiniLM-L6 and a Llama-shaped decoder.

    python language.py --out DIR [bert] [bert128] [minilm] [minilm128] [llama]

writes DIR/NAME.onnx (the decoder by both exporters), the inputs and the double-precision answer of each case, and
DIR/NAME.json, the case file (references.py). bert and minilm have symbolic batch and length, bert128 and minilm128 are
1 x 128 for timing. Weights are random but never trivial: norms and biases are moved off 1 and 0 so that dropping one
shows. A step of the decoder takes tokens and the cache of the steps before it, and returns the longer cache.
"""

import argparse
import inspect
import math
import pathlib
import warnings

import numpy as np
import torch
from torch import nn

import encoder
import references

SEED = 17


def move_norms(net):
    """Biases and norms off their trivial values."""
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.endswith("bias") or "norm" in name.lower():
                value.add_(torch.randn_like(value) * 0.1)
    return net.eval()


class Hidden(nn.Module):
    """A transformers encoder that returns its last hidden state alone."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.net(input_ids=input_ids, attention_mask=attention_mask,
                        token_type_ids=token_type_ids).last_hidden_state


def bert(width, hidden, heads, layers):
    """BERT of the given sizes by transformers."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(SEED)
    config = BertConfig(hidden_size=width, intermediate_size=hidden, num_attention_heads=heads,
                        num_hidden_layers=layers)
    return move_norms(Hidden(BertModel(config, add_pooling_layer=False)))


def bert_case(batch, length):
    random = np.random.default_rng([SEED, batch, length])
    mask = (random.random((batch, length)) < 0.85).astype(np.int64)
    mask[:, 0] = 1
    return {"input_ids": random.integers(0, 30000, (batch, length), dtype=np.int64), "attention_mask": mask,
            "token_type_ids": random.integers(0, 2, (batch, length), dtype=np.int64)}


class Rms(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm_scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.norm_scale


def rotate(x, cos, sin):
    """Rotary positions, pairs half the width apart."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


class DecoderLayer(nn.Module):
    """Pre-norm layer: grouped-query attention over a cache, SwiGLU."""

    def __init__(self, width, hidden, heads, groups):
        super().__init__()
        self.heads, self.groups, self.depth = heads, groups, width // heads
        self.norm1, self.norm2 = Rms(width), Rms(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, groups * self.depth, bias=False)
        self.value = nn.Linear(width, groups * self.depth, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def repeat(self, x):
        batch, groups, length, depth = x.shape
        x = x[:, :, None].expand(batch, groups, self.heads // self.groups, length, depth)
        return x.reshape(batch, self.heads, length, depth)

    def attend(self, x, cos, sin, mask, cache):
        batch, length, width = x.shape
        q = rotate(self.query(x).view(batch, length, self.heads, self.depth).transpose(1, 2), cos, sin)
        k = rotate(self.key(x).view(batch, length, self.groups, self.depth).transpose(1, 2), cos, sin)
        v = self.value(x).view(batch, length, self.groups, self.depth).transpose(1, 2)
        k, v = torch.cat((cache[0], k), dim=2), torch.cat((cache[1], v), dim=2)
        scores = torch.matmul(q, self.repeat(k).transpose(2, 3)) / math.sqrt(self.depth) + mask
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype) if q.dtype == torch.float32 \
            else torch.softmax(scores, dim=-1)
        mixed = torch.matmul(weights, self.repeat(v)).transpose(1, 2)
        return self.out(mixed.reshape(batch, length, width)), k, v

    def forward(self, x, cos, sin, mask, cache):
        mixed, k, v = self.attend(self.norm1(x), cos, sin, mask, cache)
        x = x + mixed
        y = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y)), k, v


class Decoder(nn.Module):
    """tokens i64 [B, S] and for each layer keys and values [B, G, P, D] of the P tokens before them -> logits [B, S, V]
    and keys and values [B, G, P + S, D]."""

    def __init__(self, width=256, hidden=704, heads=8, groups=2, layers=4, vocab=1000):
        super().__init__()
        self.token = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList(DecoderLayer(width, hidden, heads, groups) for _ in range(layers))
        self.norm, self.depth = Rms(width), width // heads
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens, *cache):
        x = self.token(tokens)
        past, length = cache[0].shape[2], tokens.shape[1]
        places = torch.arange(past, past + length)
        turns = 10000.0 ** (-torch.arange(0, self.depth, 2).to(x.dtype) / self.depth)
        angle = places.to(x.dtype)[:, None] * turns[None, :]
        angle = torch.cat((angle, angle), dim=-1)
        excluded = torch.arange(past + length)[None, :] > places[:, None]
        mask = torch.zeros(length, past + length, dtype=x.dtype).masked_fill(excluded, torch.finfo(x.dtype).min)
        state = []
        for i, layer in enumerate(self.layers):
            x, k, v = layer(x, angle.cos(), angle.sin(), mask, cache[2 * i:2 * i + 2])
            state += [k, v]
        return self.head(self.norm(x)), *state


def decoder_case(net, batch, past, length):
    random = np.random.default_rng([SEED, batch, past, length])
    layer = net.layers[0]
    inputs = {"tokens": random.integers(0, net.token.num_embeddings, (batch, length), dtype=np.int64)}
    for i in range(len(net.layers)):
        for what in ("key", "value"):
            shape = (batch, layer.groups, past, layer.depth)
            inputs[f"{what}_{i}"] = random.standard_normal(shape).astype(np.float32)
    return inputs


def export(net, inputs, path, output, shapes=None, exporter="dynamo", outputs=None):
    """Writes the ONNX file; shapes: input -> axis -> name of what is symbolic there."""
    names = {"input_names": list(inputs), "output_names": outputs or [output]}
    args = tuple(torch.from_numpy(a) for a in inputs.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "script":
            torch.onnx.export(net, args, str(path), dynamo=False, opset_version=17, dynamic_axes=shapes, **names)
        else:
            dynamic = None
            if shapes:
                known = {n: torch.export.Dim(n) for axes in shapes.values() for n in axes.values()}
                rows = [{axis: known[n] for axis, n in shapes[name].items()} for name in inputs]
                takes_many = any(p.kind == p.VAR_POSITIONAL for p in inspect.signature(net.forward).parameters.values())
                dynamic = (rows[0], tuple(rows[1:])) if takes_many else tuple(rows)
            torch.onnx.export(net, args, str(path), dynamo=True, external_data=False, opset_version=18,
                              dynamic_shapes=dynamic, verbose=False, optimize=True, **names)
    encoder.strip(path)


def write_cases(out, name, models, output, net, cases):
    """Inputs and answers in double precision, and the case file."""
    net = net.double()
    rows = {}
    for label, inputs in cases.items():
        args = [torch.from_numpy(a.astype(np.float64) if a.dtype == np.float32 else a) for a in inputs.values()]
        with torch.no_grad():
            answer = net(*args)
        answer = (answer[0] if isinstance(answer, tuple) else answer).numpy()
        files = {}
        for what, array in inputs.items():
            files[what] = f"{name}_{label}.{what}.npy"
            np.save(out / files[what], array)
        np.save(out / f"{name}_{label}.reference.npy", answer)
        rows[label] = {"inputs": files, "reference": f"{name}_{label}.reference.npy"}
    references.write(out / f"{name}.json", models, output, rows)


def make_bert(out, name, sizes, fixed):
    net = bert(*sizes)
    both = {0: "batch", 1: "length"}
    shapes = None if fixed else {n: both for n in ("input_ids", "attention_mask", "token_type_ids")}
    export(net, bert_case(*((1, 128) if fixed else (2, 7))), out / f"{name}.onnx", "hidden", shapes)
    cases = [(1, 128)] if fixed else [(1, 1), (2, 7), (1, 128), (3, 65)]
    write_cases(out, name, [f"{name}.onnx"], "hidden", net, {f"{b}x{s}": bert_case(b, s) for b, s in cases})


def make_llama(out):
    torch.manual_seed(SEED)
    net = move_norms(Decoder())
    inputs = decoder_case(net, 2, 5, 3)
    caches = [n for n in inputs if n != "tokens"]
    shapes = {"tokens": {0: "batch", 1: "length"}, **{n: {0: "batch", 2: "past"} for n in caches}}
    outputs = ["logits", *(f"new_{n}" for n in caches)]
    models = []
    for exporter in ("dynamo", "script"):
        models.append(f"llama_{exporter}.onnx")
        export(net, inputs, out / models[-1], "logits", shapes, exporter, outputs)
    cases = {f"{b}x{p}x{s}": decoder_case(net, b, p, s) for b, p, s in ((2, 5, 3), (1, 600, 1), (1, 1, 70), (2, 37, 4))}
    write_cases(out, "llama", models, "logits", net, cases)


def main():
    makers = {"bert": lambda out: make_bert(out, "bert", (768, 3072, 12, 12), False),
              "bert128": lambda out: make_bert(out, "bert128", (768, 3072, 12, 12), True),
              "minilm": lambda out: make_bert(out, "minilm", (384, 1536, 12, 6), False),
              "minilm128": lambda out: make_bert(out, "minilm128", (384, 1536, 12, 6), True),
              "llama": make_llama}
    parser = argparse.ArgumentParser(description="make the transformers and their references")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(makers))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in args.names or makers:
        makers[name](args.out)


if __name__ == "__main__":
    main()
