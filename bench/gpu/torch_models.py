# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The models of torch_baseline.py, with random weights: ResNet-50 and ViT-B/16 of torchvision, BERT-base of transformers, and a
decoder of Llama-3.2-1B's dims (prefill, and one step of decoding over a cache)."""

from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn

BF16, F32 = torch.bfloat16, torch.float32


@dataclass
class ModelRow:
    name: str
    make: Callable  # () -> the module on the GPU, its inputs
    needs_s: float  # of all modes, compiles included
    bound: float  # how far compiled may be from eager
    flop: float = 0  # of one call, multiplications and additions of products alone; 0: not counted
    n_bytes: float = 0  # weights and cache read by one call; 0: not counted


def to_gpu(model, dtype):
    return model.eval().requires_grad_(False).to("cuda", dtype)


def images(batch, dtype):
    return torch.randn(batch, 3, 224, 224, device="cuda", dtype=dtype).to(memory_format=torch.channels_last)


def settle_batch_norms(model, dtype):
    """Running statistics of random images: with those of a fresh model numbers grow from layer to layer."""
    model = model.to("cuda", memory_format=torch.channels_last).train()
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None  # the mean of all batches
    with torch.no_grad():
        for _ in range(3):
            model(images(16, F32))
    return to_gpu(model, dtype)


def make_resnet50(batch, dtype):
    from torchvision.models import resnet50

    return settle_batch_norms(resnet50(weights=None), dtype), [images(batch, dtype)]


def make_vit(batch, dtype):
    from torchvision.models import vit_b_16

    model = vit_b_16(weights=None)
    nn.init.normal_(model.heads.head.weight, std=0.02)  # torchvision's start is all zeros
    return to_gpu(model, dtype), [images(batch, dtype).contiguous()]


class Bert(nn.Module):
    """BertModel whose output is the last hidden state alone."""

    def __init__(self):
        super().__init__()
        from transformers import BertConfig, BertModel

        config = BertConfig()
        config._attn_implementation = "sdpa"
        self.model = BertModel(config, add_pooling_layer=False)

    def forward(self, ids):
        return self.model(input_ids=ids).last_hidden_state


def make_bert(batch, length, dtype):
    return to_gpu(Bert(), dtype), [torch.randint(0, 30000, (batch, length), device="cuda")]


# --- a decoder of Llama's shape ---

LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, HIDDEN, WORDS = 16, 2048, 32, 8, 64, 8192, 128256


def turn(x, cos, sin):
    """Rotary positions on x[B, H, S, D]."""
    lo, hi = x.chunk(2, -1)
    return torch.cat([lo * cos - hi * sin, hi * cos + lo * sin], -1)


class Layer(nn.Module):
    """With a room, keys and values of that many positions stay in buffers, as in a static cache of transformers."""

    def __init__(self, room):
        super().__init__()
        linear = lambda n, m: nn.Linear(n, m, bias=False)
        self.norm_in, self.norm_mid = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-5)
        self.qkv = linear(WIDTH, (HEADS + 2 * KV_HEADS) * HEAD)
        self.out = linear(HEADS * HEAD, WIDTH)
        self.gate_up, self.down = linear(WIDTH, 2 * HIDDEN), linear(HIDDEN, WIDTH)
        self.room = room
        if room:
            self.register_buffer("keys", torch.randn(1, KV_HEADS, room, HEAD))
            self.register_buffer("values", torch.randn(1, KV_HEADS, room, HEAD))

    def forward(self, x, cos, sin, at, mask):
        b, s, _ = x.shape
        q, k, v = self.qkv(self.norm_in(x)).view(b, s, -1, HEAD).transpose(1, 2).split([HEADS, KV_HEADS, KV_HEADS], 1)
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        if self.room:
            self.keys[:, :, at], self.values[:, :, at] = k, v
            k, v = self.keys, self.values
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=not self.room, enable_gqa=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, s, -1))
        gate, up = self.gate_up(self.norm_mid(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    """Logits of the last position; at: the positions of the ids. With a room, one token a call over a cache."""

    def __init__(self, room):
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(room) for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        self.room = room

    def forward(self, ids, at):
        rates = 500000.0 ** (-torch.arange(0, HEAD, 2, device=ids.device, dtype=F32) / HEAD)
        angles = at.to(F32)[:, None] * rates
        x = self.embed(ids)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        mask = (torch.arange(self.room, device=ids.device) <= at[-1])[None, None, None, :] if self.room else None
        for layer in self.layers:
            x = layer(x, cos, sin, at, mask)
        return self.norm(x[:, -1]) @ self.embed.weight.T


PER_LAYER = WIDTH * (HEADS + 2 * KV_HEADS) * HEAD + HEADS * HEAD * WIDTH + 3 * WIDTH * HIDDEN
WEIGHTS = LAYERS * PER_LAYER + WORDS * WIDTH


def make_decoder(dtype, length=1, room=0):
    with torch.device("cuda"):
        model = Decoder(room)
    at = torch.tensor([room - 2], device="cuda") if room else torch.arange(length, device="cuda")
    return to_gpu(model, dtype), [torch.randint(0, WORDS, (1, length), device="cuda"), at]


def decoder_rows(dtype, name, bound):
    room, length = 1024, 2048
    cache = 2 * LAYERS * KV_HEADS * HEAD * room
    prefill_flop = 2 * length * LAYERS * PER_LAYER + 2 * WORDS * WIDTH + LAYERS * 2 * HEADS * HEAD * length * length
    return [ModelRow(f"decoder 1B decode {room} {name}", lambda: make_decoder(dtype, 1, room), 40, bound, 2 * WEIGHTS, (WEIGHTS + cache) * dtype.itemsize),
            ModelRow(f"decoder 1B prefill {length} {name}", lambda: make_decoder(dtype, length), 40, bound, prefill_flop)]


def model_rows(dtype):
    name, bound = ("bf16", 5e-2) if dtype is BF16 else ("f32", 1e-3)
    return [ModelRow(f"ResNet-50 B=1 {name}", lambda: make_resnet50(1, dtype), 35, bound, 2 * 4.09e9),
            ModelRow(f"BERT-base B=1 S=128 {name}", lambda: make_bert(1, 128, dtype), 30, bound, 128 * 2 * 85e6 + 12 * 4 * 128 * 128 * 768),
            *(decoder_rows(dtype, name, bound) if dtype is BF16 else []),
            ModelRow(f"ViT-B/16 B=1 {name}", lambda: make_vit(1, dtype), 30, bound, 2 * 17.6e9),
            ModelRow(f"ResNet-50 B=64 {name}", lambda: make_resnet50(64, dtype), 35, bound, 64 * 2 * 4.09e9),
            ModelRow(f"BERT-base B=32 S=128 {name}", lambda: make_bert(32, 128, dtype), 30, bound, 32 * (128 * 2 * 85e6 + 12 * 4 * 128 * 128 * 768)),
            ModelRow(f"ViT-B/16 B=64 {name}", lambda: make_vit(64, dtype), 30, bound, 64 * 2 * 17.6e9)]
