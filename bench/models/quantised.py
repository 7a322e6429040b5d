# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantised models, made by onnxruntime.quantization from float ones.

    quantised.py minilm WEIGHTS_DIR OUT_DIR     WEIGHTS_DIR holds config.json and model.safetensors of a BERT encoder;
                                                writes OUT_DIR/minilm.onnx (f32) and minilm_dynamic_int8.onnx
    quantised.py qdq MODEL.onnx OUT.onnx        static QDQ, calibrated on seeded standard normal inputs
    quantised.py cases FOLDER                   from minilm128 and resnet50 of FOLDER: minilm_dynamic_int8 and resnet50_qdq with
                                                case files; the answer is ONNX Runtime's own without its optimisations

The float MiniLM is exported by torch with symbolic batch and length. Calibration data is noise: the figures compare
implementations of the same quantised graph, not the quality of the quantisation.
"""

import json
import os
import sys

import numpy as np
import onnx


def export_minilm(weights_dir, path):
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    config = BertConfig.from_json_file(os.path.join(weights_dir, "config.json"))
    config._attn_implementation = "sdpa"
    model = BertModel(config, add_pooling_layer=False).eval()
    state = load_file(os.path.join(weights_dir, "model.safetensors"))
    model.load_state_dict(state, strict=False)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    ids = torch.randint(0, config.vocab_size, (2, 16))
    args = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    torch.onnx.export(model, args, path, dynamo=True, input_names=names, output_names=["last_hidden_state"],
                      dynamic_shapes=[{0: batch, 1: length}] * 3, external_data=False)


def dynamic(path, out):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = out + ".ready.onnx"
    quant_pre_process(path, ready, skip_symbolic_shape=True)
    quantize_dynamic(ready, out, weight_type=QuantType.QInt8)
    os.remove(ready)


def minilm(weights_dir, out_dir):
    path = os.path.join(out_dir, "minilm.onnx")
    export_minilm(weights_dir, path)
    dynamic(path, os.path.join(out_dir, "minilm_dynamic_int8.onnx"))


def write_case(folder, name, source, label):
    """FOLDER/NAME.json: the inputs of one case of the float model, the answer of ONNX Runtime on the quantised one."""
    import onnxruntime

    with open(os.path.join(folder, f"{source}.json"), encoding="utf-8") as file:
        facts = json.load(file)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(os.path.join(folder, f"{name}.onnx"), options)
    case = {"inputs": facts["cases"][label]["inputs"], "reference": f"{name}.reference.npy"}
    inputs = {n: np.load(os.path.join(folder, f)) for n, f in case["inputs"].items()}
    np.save(os.path.join(folder, case["reference"]), session.run([facts["output"]], inputs)[0].astype(np.float64))
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump({"models": [f"{name}.onnx"], "output": facts["output"], "cases": {label: case}}, file, indent=1)


def cases(folder):
    dynamic(os.path.join(folder, "minilm128.onnx"), os.path.join(folder, "minilm_dynamic_int8.onnx"))
    write_case(folder, "minilm_dynamic_int8", "minilm128", "1x128")
    qdq(os.path.join(folder, "resnet50.onnx"), os.path.join(folder, "resnet50_qdq.onnx"))
    write_case(folder, "resnet50_qdq", "resnet50", "image")


def seeded_inputs(path, count):
    """A calibration reader of `count` batches of standard normal numbers."""
    from onnxruntime.quantization import CalibrationDataReader

    graph = onnx.load(path, load_external_data=False).graph
    weights = {i.name for i in graph.initializer}
    rng = np.random.default_rng(7)
    shapes = {
        i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in graph.input if i.name not in weights
    }
    batches = iter([{n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()} for _ in range(count)])

    class Reader(CalibrationDataReader):
        def get_next(self):
            return next(batches, None)

    return Reader()


def qdq(path, out):
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = out + ".ready.onnx"
    model = onnx.load(path)
    if next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) < 13:
        model = onnx.version_converter.convert_version(model, 13)
    onnx.save(model, ready)
    quant_pre_process(ready, ready, skip_symbolic_shape=True)
    quantize_static(ready, out, seeded_inputs(ready, 4), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    os.remove(ready)


def main(argv):
    if len(argv) == 4 and argv[1] in ("minilm", "qdq"):
        return {"minilm": minilm, "qdq": qdq}[argv[1]](argv[2], argv[3])
    if len(argv) == 3 and argv[1] == "cases":
        return cases(argv[2])
    sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
