"""Exported files, written and run on the CPU: ONNX with onnxruntime, torch.export with torch."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

OPSET = 18  # onnxruntime 1.14 and later read it
OUTPUTS = ('logits', 'probabilities')
Trace = Callable[[bool], ExportedProgram]  # of the ExportGraph, with its neighbours as outputs


class OnnxFile:
    """An .onnx file; `metadata` becomes its `metadata_props`.

    The neighbours of the graphers stay in the graph under the names `edges_0`, ... without being
    outputs; onnxruntime drops what leads to nothing else. torch writes weights of more than 1.5 GiB
    to `NAME.onnx.data` beside the file, because a protobuf ends at 2 GiB.
    """

    suffix = '.onnx'
    packages = ('onnx', 'onnxscript', 'onnxruntime')

    def __init__(self, path: Path, trace: Trace, metadata: Mapping[str, str]):
        program = trace(True)
        self.names = [f'edges_{i}' for i in range(len(program.graph_signature.user_outputs) - 2)]
        exported = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=['images'],
            output_names=[*OUTPUTS, *self.names],
            verbose=False,
        )
        exported.model.metadata_props.clear()
        exported.model.metadata_props.update(metadata)
        self.with_edges = path.with_name(f'edges-{path.name}')
        if self.names:
            exported.save(self.with_edges)
        del exported.model.graph.outputs[len(OUTPUTS) :]
        exported.save(path)
        self.session, self.edges_session = _session(path), None
        self.metadata = self.session.get_modelmeta().custom_metadata_map

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and probabilities (B, K) of images (B, H, W, 3)."""
        return tuple(self.session.run(list(OUTPUTS), {'images': images}))

    def edges(self, images: np.ndarray) -> list[Tensor]:
        """The neighbours (B, G, N, k) that every grapher in the file finds."""
        self.edges_session = self.edges_session or _session(self.with_edges)
        return list(map(torch.from_numpy, self.edges_session.run(self.names, {'images': images})))


def _session(path: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])


class TorchExportFile:
    """A .pt2 file; every entry of `metadata` becomes an extra file.

    `torch.export.load` can unpickle parts of what it reads, so it is called on the file that this
    process has just written, and there is no way to open another one here.
    """

    suffix = '.pt2'
    packages = ()

    def __init__(self, path: Path, trace: Trace, metadata: Mapping[str, str]):
        torch.export.save(trace(False), path, extra_files=dict(metadata))
        self.metadata = dict.fromkeys(metadata, '')
        self.module = torch.export.load(path, extra_files=self.metadata).module()
        self.trace, self.with_edges = trace, None

    @torch.no_grad()
    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and probabilities (B, K) of images (B, H, W, 3)."""
        return tuple(output.numpy() for output in self.module(torch.from_numpy(images)))

    @torch.no_grad()
    def edges(self, images: np.ndarray) -> list[Tensor]:
        """The neighbours (B, G, N, k) that every grapher finds: of a second trace, with them."""
        self.with_edges = self.with_edges or self.trace(True).module()
        return list(self.with_edges(torch.from_numpy(images))[2:])


ExportedFile = OnnxFile | TorchExportFile
FORMATS = {'onnx': OnnxFile, 'torch-export': TorchExportFile}
