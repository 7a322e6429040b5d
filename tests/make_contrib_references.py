#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/data/contrib_references.json: one-node models of the domain com.microsoft, inputs, and what ONNX Runtime
makes of them.

    build/venv-bench/bin/python tests/make_contrib_references.py > tests/data/contrib_references.json

Run by hand when cases are added; tests/test_contrib.py reads the recorded file only: {name: [model, inputs, outputs]},
each a serialised ModelProto or TensorProto in base64.
"""

import base64
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(41)
cases = {}


def floats(*shape, dtype=np.float32):
    return random.standard_normal(shape).astype(dtype)


def bytes_of(*shape, low=0, high=256, dtype=np.uint8):
    return random.integers(low, high, shape).astype(dtype)


def run(name, model, inputs):
    """What ONNX Runtime answers, without its optimizers."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"]).run(None, inputs)
    except Exception as error:
        print(f"{name}: {error}", file=sys.stderr)
        return [np.zeros(0, np.float32)]


def case(name, op, inputs, outputs, weights=(), domain="com.microsoft", onnx_opset=21, answers=None, record=None, **attributes):
    """One node; returns ONNX Runtime's answers, or takes those given where it has no kernel for this form.

    inputs: {name: array or None}, those in `weights` initializers; outputs: names, "" for none wanted; only the
    first `record` of them are recorded.
    """
    given = {key: value for key, value in inputs.items() if value is not None}

    def info(key, value):
        return helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)

    node = helper.make_node(op, [key if value is not None else "" for key, value in inputs.items()], outputs, name=name,
                            domain=domain, **attributes)
    graph = helper.make_graph([node], name, [info(key, value) for key, value in given.items() if key not in weights],
                              [helper.make_empty_tensor_value_info(o) for o in outputs if o],
                              [numpy_helper.from_array(given[key], key) for key in weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", onnx_opset), helper.make_opsetid("com.microsoft", 1)],
                              ir_version=10)
    fed = {key: value for key, value in given.items() if key not in weights}
    answers = answers or run(name, model, fed)
    if record:
        del model.graph.output[record:], model.graph.node[0].output[record:]
    for value, info_ in zip(answers, model.graph.output):
        info_.CopyFrom(helper.make_tensor_value_info(info_.name, helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim))

    def packed(values):
        return [base64.b64encode(numpy_helper.from_array(v, k).SerializeToString()).decode() for k, v in values]

    assert name not in cases and answers
    cases[name] = [base64.b64encode(model.SerializeToString()).decode(), packed(fed.items()),
                   packed(zip((o.name for o in model.graph.output), answers))]
    return answers


def activations():
    x = floats(2, 3, 8) * 2
    case("bias_gelu", "BiasGelu", {"x": x, "b": floats(8)}, ["y"])
    case("fast_gelu", "FastGelu", {"x": x}, ["y"])
    case("fast_gelu_bias", "FastGelu", {"x": x, "b": floats(8)}, ["y"])
    case("gelu", "Gelu", {"x": x}, ["y"])
    case("quick_gelu", "QuickGelu", {"x": x}, ["y"])
    case("quick_gelu_alpha", "QuickGelu", {"x": x}, ["y"], alpha=1.1)


def products():
    a, b = floats(2, 3, 4, 5), floats(2, 3, 6, 5)
    case("fused_matmul", "FusedMatMul", {"a": a, "b": b}, ["y"], transB=1, alpha=0.5)
    case("fused_matmul_trans_a", "FusedMatMul", {"a": floats(5, 4), "b": floats(5, 6)}, ["y"], transA=1)
    case("fused_matmul_batch", "FusedMatMul", {"a": floats(4, 2, 3, 5), "b": b}, ["y"], transBatchA=1, transB=1)
    case("fused_gemm", "FusedGemm", {"a": floats(3, 4), "b": floats(4, 5), "c": floats(5)}, ["y"], alpha=0.5, beta=2.0,
         activation="LeakyRelu", activation_alpha=0.1)
    x, w, bias = floats(1, 3, 7, 7), floats(4, 3, 3, 3), floats(4)
    case("fused_conv", "FusedConv", {"x": x, "w": w, "b": bias}, ["y"], ["w", "b"], activation="Relu", pads=[1, 1, 1, 1])
    case("fused_conv_clip", "FusedConv", {"x": x, "w": w, "b": bias}, ["y"], ["w", "b"], activation="Clip",
         activation_params=[-0.5, 1.5], strides=[2, 2])
    case("fused_conv_sum", "FusedConv", {"x": x, "w": w, "b": bias, "z": floats(1, 4, 5, 5)}, ["y"], ["w", "b"],
         activation="Relu")
    case("fused_conv_hard_sigmoid", "FusedConv", {"x": x, "w": w, "b": bias}, ["y"], ["w", "b"],
         activation="HardSigmoid", activation_params=[0.3, 0.4])


def norms():
    x, skip, gamma, beta, bias = floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)
    case("skip_layer_norm", "SkipLayerNormalization", {"x": x, "s": skip, "g": gamma, "b": beta}, ["y"])
    case("skip_layer_norm_all", "SkipLayerNormalization", {"x": x, "s": skip, "g": gamma, "b": beta, "c": bias},
         ["y", "", "", "sum"], epsilon=1e-5)
    case("skip_layer_norm_wide", "SkipLayerNormalization", {"x": x, "s": floats(3, 8), "g": gamma, "b": None, "c": bias}, ["y"])
    case("skip_rms_norm", "SkipSimplifiedLayerNormalization", {"x": x, "s": skip, "g": gamma}, ["y", "", "", "sum"], epsilon=1e-6)
    case("skip_rms_norm_bias", "SkipSimplifiedLayerNormalization", {"x": x, "s": skip, "g": gamma, "c": bias}, ["y"])
    case("rms_norm", "SimplifiedLayerNormalization", {"x": x, "g": gamma}, ["y"], domain="", onnx_opset=13, epsilon=1e-6)
    case("layer_norm_early", "LayerNormalization", {"x": x, "g": gamma, "b": beta}, ["y"], domain="", onnx_opset=13)
    ids, segments = bytes_of(2, 5, high=11, dtype=np.int32), bytes_of(2, 5, high=2, dtype=np.int32)
    tables = {"word": floats(11, 8), "place": floats(9, 8), "segment": floats(2, 8), "g": gamma, "b": beta}
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    case("embed_layer_norm", "EmbedLayerNormalization", {"ids": ids, "segments": segments, **tables, "mask": mask}, ["y", "m"])
    places = bytes_of(2, 5, high=9, dtype=np.int32)
    case("embed_layer_norm_places", "EmbedLayerNormalization",
         {"ids": ids, "segments": None, **tables, "segment": None, "mask": None, "places": places}, ["y", "m", "sum"])


def heads(*shape):
    return floats(*shape) * 0.7


def attention():
    w, b = heads(8, 24), floats(24)
    x = heads(2, 5, 8)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    case("attention", "Attention", {"x": x, "w": w, "b": b}, ["y"], num_heads=2)
    case("attention_mask", "Attention", {"x": x, "w": w, "b": b, "m": mask}, ["y"], ["w", "b"], num_heads=2)
    case("attention_lengths", "Attention", {"x": x, "w": w, "b": b, "m": np.array([3, 5], np.int32)}, ["y"], num_heads=2)
    case("attention_ranges", "Attention", {"x": x, "w": w, "b": b, "m": np.array([4, 5, 1, 0], np.int32)}, ["y"], num_heads=2)
    case("attention_mask3", "Attention", {"x": x, "w": w, "b": b, "m": np.stack([mask] * 5, 1)}, ["y"], num_heads=2)
    case("attention_causal", "Attention", {"x": x, "w": w, "b": b}, ["y"], num_heads=2, unidirectional=1)
    case("attention_past", "Attention",
         {"x": x, "w": w, "b": b, "m": np.ones((2, 8), np.int32), "p": heads(2, 2, 2, 3, 4)}, ["y", "present"],
         num_heads=2, unidirectional=1)
    case("attention_sizes", "Attention", {"x": x, "w": heads(8, 8 + 8 + 12), "b": floats(28)}, ["y"], num_heads=2,
         qkv_hidden_sizes=[8, 8, 12])
    case("attention_bias", "Attention",
         {"x": x, "w": w, "b": b, "m": None, "p": None, "bias": floats(1, 2, 5, 5)}, ["y"], num_heads=2, scale=0.3)
    q, k, v = heads(2, 5, 8), heads(2, 6, 8), heads(2, 6, 12)
    case("multi_head", "MultiHeadAttention", {"q": q, "k": k, "v": v}, ["y"], num_heads=2)
    q, k, v = heads(2, 5, 8), heads(2, 5, 8), heads(2, 5, 8)
    y = case("multi_head_equal", "MultiHeadAttention", {"q": q, "k": k, "v": v}, ["y"], num_heads=2)
    apart = [x.reshape(2, 5, 2, 4) for x in (q, k, v)]
    case("multi_head_packed", "MultiHeadAttention", {"q": np.stack(apart, 3)}, ["y"], num_heads=2, answers=y)
    case("multi_head_packed_keys", "MultiHeadAttention", {"q": q, "k": np.stack(apart[1:], 3)}, ["y"], num_heads=2, answers=y)
    k, v = heads(2, 6, 8), heads(2, 6, 12)
    mask = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]], np.int32)
    case("multi_head_masked", "MultiHeadAttention",
         {"q": q, "k": k, "v": v, "b": floats(28), "m": mask, "bias": floats(2, 2, 5, 6)}, ["y"], num_heads=2)
    case("multi_head_past", "MultiHeadAttention",
         {"q": heads(2, 1, 8), "k": heads(2, 1, 8), "v": heads(2, 1, 8), "b": None, "m": None, "bias": None,
          "pk": heads(2, 2, 4, 4), "pv": heads(2, 2, 4, 4)}, ["y", "nk", "nv"], num_heads=2)
    case("multi_head_causal", "MultiHeadAttention", {"q": q, "k": heads(2, 5, 8), "v": heads(2, 5, 8)}, ["y"], num_heads=2,
         unidirectional=1)
    case("multi_head_cross", "MultiHeadAttention", {"q": q, "k": heads(2, 2, 6, 4), "v": heads(2, 2, 6, 4)}, ["y"], num_heads=2)


def tables(longest, half):
    angles = np.arange(longest)[:, None] * 10000.0 ** (-np.arange(half) / half)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def rotary():
    cos, sin = tables(16, 4)
    places = bytes_of(2, 5, high=16, dtype=np.int64)
    for interleaved in (0, 1):
        case(f"rotary_{interleaved}", "RotaryEmbedding", {"x": floats(2, 5, 16), "p": places, "c": cos, "s": sin}, ["y"],
             interleaved=interleaved)
    case("rotary_offset", "RotaryEmbedding", {"x": floats(2, 5, 16), "p": np.array([3], np.int64), "c": cos, "s": sin}, ["y"])
    case("rotary_4d", "RotaryEmbedding", {"x": floats(2, 2, 5, 8), "p": places, "c": cos, "s": sin}, ["y"])
    cos, sin = tables(16, 2)
    case("rotary_part", "RotaryEmbedding", {"x": floats(2, 5, 16), "p": places, "c": cos, "s": sin}, ["y"], num_heads=2,
         rotary_embedding_dim=4)


def group_query():
    def run(name, batch, new, past, lengths, window=-1, packed=False, rotary=0, extra=None, **more):
        total = max(lengths)
        q, k, v = heads(batch, new, 64), heads(batch, new, 32), heads(batch, new, 32)
        cos, sin = tables(24, 8) if rotary else (None, None)
        given = {"q": np.concatenate([q, k, v], 2) if packed else q, "k": None if packed else k, "v": None if packed else v,
                 "pk": heads(batch, 2, past, 16) if past is not None else None,
                 "pv": heads(batch, 2, past, 16) if past is not None else None,
                 "l": np.array(lengths, np.int32) - 1, "t": np.array(total, np.int32), "cos": cos, "sin": sin, **(extra or {})}
        case(name, "GroupQueryAttention", given, ["y", "nk", "nv"], num_heads=4, kv_num_heads=2, do_rotary=rotary,
             local_window_size=window, **more)

    run("gqa_prompt", 2, 5, None, [5, 5])
    run("gqa_prompt_empty_past", 1, 5, 0, [5], rotary=1)
    run("gqa_prompt_packed", 2, 5, None, [5, 5], packed=True, rotary=1)
    run("gqa_step", 1, 1, 6, [7], rotary=1)
    run("gqa_step_batch", 2, 1, 6, [7, 7], rotary=1, rotary_interleaved=1)
    run("gqa_window", 1, 1, 9, [10], window=4)
    run("gqa_window_prompt", 1, 9, 0, [9], window=4)
    # what lies behind a row's end in the cache is anybody's guess
    run("gqa_ragged", 3, 1, 6, [7, 4, 5], rotary=1, record=1)
    run("gqa_shared_buffer", 1, 1, 12, [7], rotary=1, record=1)
    run("gqa_chunk", 1, 3, 6, [9], rotary=1)
    run("gqa_softcap", 1, 1, 6, [7], softcap=2.0)
    run("gqa_smooth", 1, 1, 6, [7], smooth_softmax=1)
    run("gqa_sink", 1, 1, 6, [7], extra={"places": None, "bias": None, "sink": floats(4)})
    run("gqa_bias", 1, 1, 6, [7], extra={"places": None, "bias": floats(1, 4, 1, 7)})


def quantised():
    def scale(value=0.05):
        return np.array(value, np.float32)

    def zero(value=128, dtype=np.uint8):
        return np.array(value, dtype)

    a, b = bytes_of(2, 3, 5), bytes_of(3, 5)
    for op in ("Add", "Mul"):
        case(f"qlinear_{op.lower()}", f"QLinear{op}",
             {"a": a, "as": scale(), "az": zero(120), "b": b, "bs": scale(0.03), "bz": zero(), "ys": scale(0.1107), "yz": zero(125)}, ["y"])
    signed = bytes_of(2, 6, low=-128, high=128, dtype=np.int8)
    case("qlinear_sigmoid", "QLinearSigmoid",
         {"x": signed, "s": scale(), "z": zero(3, np.int8), "ys": scale(1 / 256), "yz": zero(-128, np.int8)}, ["y"],
         ["s", "z", "ys", "yz"])
    case("qlinear_leaky_relu", "QLinearLeakyRelu", {"x": a, "s": scale(), "z": zero(), "ys": scale(0.033), "yz": zero(100)}, ["y"],
         ["s", "z", "ys", "yz"], alpha=0.2)
    case("qlinear_softmax", "QLinearSoftmax", {"x": a, "s": scale(), "z": zero(), "ys": scale(1 / 256), "yz": zero(0)}, ["y"],
         ["s", "z", "ys", "yz"], opset=21, axis=-1)
    image = bytes_of(1, 3, 6, 6)
    case("qlinear_average_pool", "QLinearAveragePool", {"x": image, "s": scale(), "z": zero(), "ys": scale(0.0307), "yz": zero()},
         ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    case("qlinear_global_average_pool", "QLinearGlobalAveragePool",
         {"x": image, "s": scale(), "z": zero(), "ys": scale(0.02), "yz": zero()}, ["y"])
    case("qlinear_concat", "QLinearConcat",
         {"ys": scale(0.06), "yz": zero(127), "a": a, "as": scale(), "az": zero(), "b": bytes_of(2, 2, 5), "bs": scale(0.04),
          "bz": zero(110)}, ["y"], ["ys", "yz", "as", "az", "bs", "bz"], axis=1)
    case("qlinear_where", "QLinearWhere",
         {"c": bytes_of(2, 3, 5, high=2, dtype=np.bool_), "a": a, "as": scale(), "az": zero(), "b": bytes_of(2, 3, 5),
          "bs": scale(0.04), "bz": zero(110), "ys": scale(0.06), "yz": zero()}, ["y"], ["as", "az", "bs", "bz", "ys", "yz"])
    x = floats(3, 8)
    w = bytes_of(8, 6, low=-128, high=128, dtype=np.int8)
    columns = (random.random(6) * 0.02 + 0.001).astype(np.float32)
    case("dynamic_quantize_matmul", "DynamicQuantizeMatMul",
         {"x": x, "w": w, "s": columns, "z": np.zeros(6, np.int8), "b": floats(6)}, ["y"], ["w", "s", "z", "b"])
    case("dynamic_quantize_matmul_one", "DynamicQuantizeMatMul", {"x": x, "w": bytes_of(8, 6), "s": scale(0.01), "z": zero()}, ["y"],
         ["w", "s", "z"])
    q = bytes_of(3, 8)
    case("matmul_integer_to_float", "MatMulIntegerToFloat",
         {"a": q, "w": w, "as": scale(), "ws": columns, "az": zero(), "wz": np.zeros(6, np.int8), "b": floats(6)}, ["y"],
         ["w", "ws", "wz", "b"])
    case("qgemm", "QGemm",
         {"a": q, "as": scale(), "az": zero(), "b": np.ascontiguousarray(w.T), "bs": columns, "bz": np.zeros(6, np.int8),
          "c": bytes_of(6, low=-500, high=500, dtype=np.int32), "ys": scale(0.1), "yz": zero()}, ["y"],
         ["b", "bs", "bz", "c", "ys", "yz"], transB=1)
    case("qgemm_float", "QGemm", {"a": q, "as": scale(), "az": zero(), "b": w, "bs": scale(0.01), "bz": zero(0, np.int8)}, ["y"],
         ["b", "bs", "bz"])
    case("qattention", "QAttention",
         {"x": bytes_of(2, 5, 8), "w": bytes_of(8, 24, low=-128, high=128, dtype=np.int8), "b": floats(24), "xs": scale(0.02),
          "ws": scale(0.01), "m": None, "xz": zero(), "wz": zero(0, np.int8)}, ["y"], ["w", "b", "xs", "ws", "xz", "wz"], num_heads=2)
    case("quantize_linear", "QuantizeLinear", {"x": x, "s": scale(), "z": zero()}, ["y"])
    case("dequantize_linear", "DequantizeLinear", {"x": q, "s": scale(), "z": zero()}, ["y"])


def few_bits():
    for bits, k, block in ((4, 64, 32), (4, 50, 16), (8, 48, 16), (2, 64, 32)):
        blocks = -(-k // block)
        w, s = bytes_of(6, blocks, block * bits // 8), (random.random((6, blocks)) * 0.1).astype(np.float32)
        if bits != 2:
            case(f"matmul_{bits}_bits_{k}", "MatMulNBits", {"x": floats(3, k), "w": w, "s": s}, ["y"], ["w", "s"], K=k, N=6,
                 bits=bits, block_size=block)
        zeros = bytes_of(6, -(-blocks * bits // 8))
        case(f"matmul_{bits}_bits_{k}_zeros", "MatMulNBits", {"x": floats(3, k), "w": w, "s": s, "z": zeros}, ["y"],
             ["w", "s", "z"], K=k, N=6, bits=bits, block_size=block)
    w, s = bytes_of(6, 2, 16), (random.random((6, 2)) * 0.1).astype(np.float32)
    case("matmul_4_bits_bias", "MatMulNBits",
         {"x": floats(2, 3, 64), "w": w, "s": s.reshape(-1), "z": None, "g": None, "b": floats(6)}, ["y"], ["w", "s", "b"], K=64,
         N=6, bits=4, block_size=32)
    case("matmul_4_bits_float_zeros", "MatMulNBits", {"x": floats(3, 64), "w": w, "s": s, "z": floats(6, 2) * 3 + 8}, ["y"],
         ["w", "s", "z"], K=64, N=6, bits=4, block_size=32)
    table, rows = bytes_of(10, 32), bytes_of(2, 3, high=10, dtype=np.int64)
    case("gather_block_quantized", "GatherBlockQuantized",
         {"t": table, "i": rows, "s": (random.random((10, 2)) * 0.1).astype(np.float32)}, ["y"], ["t", "s"], bits=4,
         block_size=32, quantize_axis=1, gather_axis=0)
    case("gather_block_quantized_8", "GatherBlockQuantized",
         {"t": table, "i": rows, "s": (random.random((10, 2)) * 0.1).astype(np.float32), "z": bytes_of(10, 2)}, ["y"],
         ["t", "s", "z"], bits=8, block_size=16, quantize_axis=1, gather_axis=0)


def others():
    case("expand_dims", "ExpandDims", {"x": floats(3, 4), "a": np.array(1, np.int32)}, ["y"], ["a"])
    case("pad", "Pad", {"x": floats(3, 4), "p": np.array([1, 0, 0, 2], np.int64), "v": np.array(0.5, np.float32)}, ["y"], ["p", "v"])
    case("range", "Range", {"a": np.array(1, np.int64), "b": np.array(9, np.int64), "c": np.array(2, np.int64)}, ["y"], ["a", "b", "c"])
    case("gather_nd", "GatherND", {"x": floats(3, 4, 2), "i": bytes_of(5, 2, high=3, dtype=np.int64)}, ["y"])


for part in (activations, products, norms, attention, rotary, group_query, quantised, few_bits, others):
    part()
json.dump(cases, sys.stdout, indent=0)
print()
print(f"{len(cases)} cases", file=sys.stderr)
