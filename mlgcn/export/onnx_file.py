"""An exported model as an ONNX file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

OPSET = 18  # onnxruntime 1.14 and later read it
EMBEDDED = 1.9e9  # bytes of weights within the file; protobuf ends at 2 GiB
OUTPUTS = ('logits', 'probabilities')


class OnnxFile:
    """An .onnx file, written and then run with onnxruntime on the CPU, on torch's threads.

    The neighbours of the graphers stay in the graph under the names `edges_0`, ... without being
    outputs; onnxruntime drops what leads to nothing else. Weights of more than 1.9 GB go to
    `NAME.onnx.data` beside the file.

    Args:
        path: where to write.
        trace: gives the traced :class:`ExportGraph`, with its neighbours as outputs or without.
        metadata: becomes the model's `metadata_props`.
    """

    suffix = '.onnx'
    packages = ('onnx', 'onnxscript', 'onnxruntime')

    def __init__(
        self,
        path: Path,
        trace: Callable[[bool], ExportedProgram],
        metadata: Mapping[str, str],
    ):
        self.path = path
        self._write(trace(True), metadata)
        self._session = session(str(path))
        self._with_edges = None
        self.metadata = self._session.get_modelmeta().custom_metadata_map

    def _write(self, program: ExportedProgram, metadata: Mapping[str, str]) -> None:
        num_edges = len(program.graph_signature.user_outputs) - len(OUTPUTS)
        exported = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=['images'],
            output_names=[*OUTPUTS, *(f'edges_{i}' for i in range(num_edges))],
            verbose=False,
        )
        graph = exported.model.graph
        del graph.outputs[len(OUTPUTS) :]
        exported.model.metadata_props.clear()
        exported.model.metadata_props.update(metadata)
        size = sum(weight.const_value.nbytes for weight in graph.initializers.values())
        exported.save(self.path, external_data=size > EMBEDDED)

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and probabilities (B, K) of images (B, H, W, 3)."""
        return tuple(self._session.run(list(OUTPUTS), {'images': images}))

    def edges(self, images: np.ndarray) -> list[Tensor]:
        """The neighbours (B, G, N, k) that every grapher in the file finds."""
        if self._with_edges is None:
            self._with_edges = self._session_with_edges()
        names = [output.name for output in self._with_edges.get_outputs()[len(OUTPUTS) :]]
        return [torch.from_numpy(e) for e in self._with_edges.run(names, {'images': images})]

    def _session_with_edges(self):
        import onnx

        model = onnx.load(self.path)
        names = {name for node in model.graph.node for name in node.output}
        names = [f'edges_{i}' for i in range(len(names)) if f'edges_{i}' in names]
        model.graph.output.extend(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT32, None) for name in names
        )
        path = self.path.with_name(f'edges-{self.path.name}')
        onnx.save(model, path, save_as_external_data=True, location=f'{path.name}.data')
        return session(str(path))


def session(path: str):
    """An onnxruntime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
