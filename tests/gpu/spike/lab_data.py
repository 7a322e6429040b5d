# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operands of lab.py whose layout is a kernel's own: packed weights, and the maps of box copies."""

import ctypes


def packed(torch, bits, group, tiles, N, K):
    """Random weights as skinny.cu packs them: bytes [N / (16 tiles)][steps][bytes of a step]."""
    step, chunks = (64, 4) if bits == 16 else (128, 2)
    shape = (N // (16 * tiles), K // step)
    bytes_of = lambda x: x.contiguous().view(torch.uint8).view(*shape, -1)
    if bits == 16:
        return bytes_of(torch.randn(*shape, tiles * chunks * 256, device="cuda").to(torch.bfloat16))
    q = torch.randint(0, 256, (*shape, tiles * chunks * 512), device="cuda", dtype=torch.uint8)
    scales = torch.rand(*shape, tiles * 16 * (128 // group), device="cuda").to(torch.float16)
    return torch.cat([q, bytes_of(scales)], -1).contiguous()


def unpacked(torch, w, bits, group, tiles, N, K):
    """The weights [N, K] in f64."""
    blocks, steps = w.shape[:2]
    if bits == 16:
        w = w.view(torch.bfloat16).view(blocks, steps, tiles, 2, 2, 8, 4, 2, 2, 2)  # block, step, tile, k / 32, h, g, t, r, upper, e
        return w.permute(0, 2, 8, 5, 1, 3, 6, 4, 7, 9).reshape(N, K).double()
    n = tiles * 1024
    words = w[..., :n].contiguous().view(torch.int32).view(blocks, steps, tiles, 2, 8, 4, 2, 2)  # ..., k / 64, g, t, block of 32, h
    shifts = torch.tensor([[[4 * u + 8 * r + 16 * e for e in (0, 1)] for r in (0, 1)] for u in (0, 1)], device="cuda", dtype=torch.int32)
    q = words[..., None, None, None] >> shifts & 15  # ..., upper, r, e
    q = q.permute(0, 2, 8, 4, 1, 3, 6, 5, 7, 9, 10).reshape(N, K // group, group).double() - 8
    scales = w[..., n:].contiguous().view(torch.float16).view(blocks, steps, tiles, 8, 128 // group, 2)  # ..., g, group, upper
    scales = scales.permute(0, 2, 5, 3, 1, 4).reshape(N, K // group, 1).double()
    return (q * scales).reshape(N, K)


def tensor_map(tensor, rows, columns):
    """The 128 bytes that say how boxes of a row-major bf16 matrix are copied, in rows of 64 elements, swizzled."""
    encode = ctypes.CDLL("libcuda.so.1").cuTensorMapEncodeTiled
    space = ctypes.create_string_buffer(192)
    at = (ctypes.addressof(space) + 63) & ~63
    of = lambda kind, *x: (kind * len(x))(*x)
    u32, u64 = ctypes.c_uint32, ctypes.c_uint64
    dims, strides = of(u64, tensor.shape[1], tensor.shape[0]), of(u64, tensor.shape[1] * 2)
    bf16, swizzle_128, promote_256 = 9, 3, 3
    result = encode(ctypes.c_void_p(at), bf16, 2, ctypes.c_void_p(tensor.data_ptr()), dims, strides, of(u32, columns, rows), of(u32, 1, 1), 0, swizzle_128, promote_256, 0)
    if result:
        raise RuntimeError(f"cuTensorMapEncodeTiled: {result}")
    return ctypes.string_at(at, 128)
