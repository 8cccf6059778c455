"""Exported files and the graph that they hold, written and run on the CPU."""

import copy
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mlgcn.apis import LoadedModel
from mlgcn.models.layers.grapher import Grapher

OPSET = 18  # onnxruntime 1.14 and later read it
OUTPUTS = ['logits', 'probabilities']
Trace = Callable[[bool], ExportedProgram]  # of the ExportGraph; True: with its neighbours


@contextmanager
def record_edges(model: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills, during a forward, with the neighbours (B, G, N, k) of every grapher."""
    found: list[Tensor] = []
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, Grapher):
                hook = module.register_forward_hook(lambda _, __, output: found.append(output[1]))
                hooks.callback(hook.remove)
        yield found


class ExportGraph(nn.Module):
    """A loaded model with its preprocessor before and temperature and sigmoid after it.

    `edges`: also return the neighbours that every grapher finds, (B, G, N, k) each. `half`: weights
    and arithmetic of backbone and neck in float16. The neighbour search and the head stay in
    float32: ADD-GCN's sums over all places of a map can exceed float16's 65,504.
    """

    def __init__(self, loaded: LoadedModel, edges: bool = False, half: bool = False):
        super().__init__()
        self.model, self.edges = loaded.model, edges
        self.temperature = loaded.calibration.temperature
        self.dtype = torch.float16 if half else torch.float32
        if half:
            self.model = copy.deepcopy(loaded.model).half()
            self.model.head.float().register_forward_pre_hook(
                lambda _, args: (tuple(feature.float() for feature in args[0]), *args[1:])
            )
        self.preprocessor = loaded.model.data_preprocessor
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """From resized RGB images (B, H, W, 3), uint8, to logits and probabilities (B, K)."""
        bgr = images.permute(0, 3, 1, 2).flip(1)  # the order in which mmcv reads files
        x = self.preprocessor({'inputs': bgr}, False)['inputs']
        with record_edges(self.model) as edges:
            logits = self.model(x.to(self.dtype))
        probabilities = torch.sigmoid(logits / self.temperature)
        return logits, probabilities, *(edges if self.edges else ())

    @torch.no_grad()
    def trace(self, size: tuple[int, int], dynamic_batch: bool) -> ExportedProgram:
        """For images of one size (height, width), one at a time or any number of them."""
        example = torch.zeros(2 if dynamic_batch else 1, *size, 3, dtype=torch.uint8)
        shapes = ({0: Dim('batch')},) if dynamic_batch else None
        self(example)  # errors in words; tables of positions become constants of the file
        return torch.export.export(self, (example,), dynamic_shapes=shapes, strict=False)


class OnnxFile:
    """An .onnx file; `metadata` becomes its `metadata_props`.

    The neighbours of the graphers stay in the graph under the names `edges_0`, ... without being
    outputs; onnxruntime drops what leads to nothing else. torch writes weights of more than 1.5 GiB
    to `NAME.onnx.data` beside the file, because a protobuf ends at 2 GiB.
    """

    suffix = '.onnx'
    packages = ('onnx', 'onnxscript', 'onnxruntime')

    def __init__(self, path: Path, trace: Trace, metadata: Mapping[str, str]):
        self.with_edges = path.with_name(f'edges-{path.name}')
        self.names = self._write(path, trace, metadata)
        self.session, self.edges_session = _session(path), None
        self.metadata = self.session.get_modelmeta().custom_metadata_map

    def _write(self, path: Path, trace: Trace, metadata: Mapping[str, str]) -> list[str]:
        """The file, and one with neighbours; their names."""
        program = trace(True)
        edges = [f'edges_{i}' for i in range(len(program.graph_signature.user_outputs) - 2)]
        names = dict(input_names=['images'], output_names=OUTPUTS + edges)
        exported = torch.onnx.export(
            program, dynamo=True, opset_version=OPSET, verbose=False, **names
        )
        exported.model.metadata_props.clear()
        exported.model.metadata_props.update(metadata)
        if edges:
            exported.save(self.with_edges)
        del exported.model.graph.outputs[len(OUTPUTS) :]
        exported.save(path)
        return edges

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and probabilities (B, K) of images (B, H, W, 3)."""
        return tuple(self.session.run(OUTPUTS, {'images': images}))

    def edges(self, images: np.ndarray) -> list[Tensor]:
        """The neighbours (B, G, N, k) that every grapher in the file finds."""
        self.edges_session = self.edges_session or _session(self.with_edges)
        return list(map(torch.from_numpy, self.edges_session.run(self.names, {'images': images})))


def _session(path: Path):
    import onnxruntime  # optional

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
        buffer = io.BytesIO()  # torch ends the process where it cannot write a file: a full disk
        torch.export.save(trace(False), buffer, extra_files=dict(metadata))
        path.write_bytes(buffer.getbuffer())
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
