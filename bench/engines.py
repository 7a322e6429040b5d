# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The engines that models are timed on, one interface for all: made for one model, one set of inputs and n threads, then
run() as often as wanted. `settings` is what the engine itself says of how it runs, read back after it was made.

All get static shapes and plain f32; each call runs on inputs that are already in place.
"""

import importlib
import pathlib
import subprocess
import sys
import time

import numpy as np

import artifact

HERE = pathlib.Path(__file__).resolve().parent


class Frit:
    name = "frit"

    def __init__(self, job, inputs, n_threads):
        so = pathlib.Path(job["work"]) / (pathlib.Path(job["model"]).stem + job.get("tag", "") + ".so")
        began = time.perf_counter()
        if not job.get("compiled"):
            dims = [flag for name, value in job.get("dims", {}).items() for flag in ("--dim", f"{name}={value}")]
            done = subprocess.run([job["frit"], "compile", job["model"], "-o", str(so), *dims, *job.get("flags", [])],
                                  capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr.strip())
        model = artifact.Model(so)
        self.context = model.context(inputs, n_threads)
        self.seconds = time.perf_counter() - began
        info = model.info
        self.settings = f"{info.producer.decode()}, {info.target.decode()}, {info.n_kernels} kernels {info.options.decode()}"
        self.run = self.context.run

    def output(self, name):
        return self.context.outputs[name].copy()


class OnnxRuntime:
    name = "ONNX Runtime"

    def __init__(self, job, inputs, n_threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        # Its threads spin while it runs and stop when it is done, so that they are not awake in others' turns.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        for name, value in job.get("dims", {}).items():
            options.add_free_dimension_override_by_name(name, value)
        began = time.perf_counter()
        self.session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
        self.seconds = time.perf_counter() - began
        self.binding = self.session.io_binding()
        for name, value in inputs.items():
            self.binding.bind_cpu_input(name, value)
        self.names = [o.name for o in self.session.get_outputs()]
        for name in self.names:
            self.binding.bind_output(name)
        read = self.session.get_session_options()
        self.settings = (f"{onnxruntime.__version__}, {'+'.join(self.session.get_providers())}, intra_op "
                         f"{read.intra_op_num_threads}, inter_op {read.inter_op_num_threads}, "
                         f"{read.execution_mode.name}, {read.graph_optimization_level.name}, spinning "
                         f"{read.get_session_config_entry('session.intra_op.allow_spinning')} in a run only")

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def output(self, name):
        return self.binding.copy_outputs_to_cpu()[self.names.index(name)]


class OpenVino:
    name = "OpenVINO"
    PROPERTIES = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0", "NUM_STREAMS": "1",
                  "EXECUTION_MODE_HINT": "PERFORMANCE"}

    def __init__(self, job, inputs, n_threads):
        import openvino

        core = openvino.Core()
        began = time.perf_counter()
        model = core.read_model(job["model"])
        model.reshape({name: list(value.shape) for name, value in inputs.items()})
        compiled = core.compile_model(model, "CPU", {**self.PROPERTIES, "INFERENCE_NUM_THREADS": str(n_threads)})
        self.seconds = time.perf_counter() - began
        self.request, self.compiled = compiled.create_infer_request(), compiled
        self.kept = {name: openvino.Tensor(np.ascontiguousarray(value), shared_memory=True) for name, value in inputs.items()}
        for name, tensor in self.kept.items():
            self.request.set_tensor(name, tensor)
        read = [*self.PROPERTIES, "INFERENCE_NUM_THREADS"]
        texts = [str(compiled.get_property(p)).replace("<Type: 'float32'>", "f32") for p in read]
        self.settings = f"{openvino.__version__.split('-')[0]}, " + ", ".join(f"{p}={t}" for p, t in zip(read, texts, strict=True))

    def run(self):
        self.request.start_async()
        self.request.wait()

    def output(self, name):
        return self.request.get_tensor(name).data.copy()


class TorchCompile:
    name = "torch.compile"

    def __init__(self, job, inputs, n_threads):
        import torch

        torch.set_num_threads(n_threads)
        torch.set_grad_enabled(False)
        net = torch_net(job["torch"])
        self.args = [torch.from_numpy(v.copy()) for v in inputs.values()]
        began = time.perf_counter()
        self.net = torch.compile(net, dynamic=False)
        self.value = self.net(*self.args)
        self.seconds = time.perf_counter() - began
        config = importlib.import_module("torch._inductor.config")
        self.settings = (f"{torch.__version__.split('+')[0]}, inductor, {torch.get_num_threads()} threads, freezing "
                         f"{config.freezing}, {torch.get_float32_matmul_precision()} f32 products")

    def run(self):
        self.value = self.net(*self.args)

    def output(self, name):
        del name
        value = self.value[0] if isinstance(self.value, (tuple, list)) else self.value
        return value.numpy().copy()


class Eager(TorchCompile):
    name = "torch"

    def __init__(self, job, inputs, n_threads):
        import torch

        torch.set_num_threads(n_threads)
        torch.set_grad_enabled(False)
        self.net, self.args = torch_net(job["torch"]), [torch.from_numpy(v.copy()) for v in inputs.values()]
        self.seconds, self.settings = 0.0, f"{torch.__version__.split('+')[0]}, eager, {torch.get_num_threads()} threads"
        self.run()


def torch_net(spec):
    """The network that the model file was exported from: "vision.build tv_resnet50", "language.bert 768 3072 12 12"."""
    import torch

    sys.path.insert(0, str(HERE / "models"))
    where, *words = spec.split()
    module, function = where.split(".")
    with torch.no_grad():
        return getattr(importlib.import_module(module), function)(*(int(w) if w.isdigit() else w for w in words)).eval()


ENGINES = {"frit": Frit, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch.compile": TorchCompile, "torch": Eager}
