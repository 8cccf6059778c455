"""Write a model for use elsewhere, run the file beside PyTorch, and certify or refuse it."""

import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from mlgcn.apis import LoadedModel
from mlgcn.engine.config_check import ConfigError

from .certificate import in_words, make_certificate, reading
from .export_graph import ExportGraph
from .metadata import as_text, describe
from .onnx_file import OnnxFile
from .parity import ExportedFile, Parity
from .pictures import pictures
from .resize_rule import resize_rule
from .throughput import throughput
from .torch_export_file import TorchExportFile

FORMATS = {'onnx': OnnxFile, 'torch-export': TorchExportFile}
BATCH = 4  # images at once where the batch is dynamic


class ExportError(RuntimeError):
    """The model cannot be written, or the file does not answer as PyTorch does."""


def export_model(
    loaded: LoadedModel,
    path: str | Path,
    format: str = 'onnx',
    size: tuple[int, int] | None = None,
    dynamic_batch: bool = False,
    half: bool = False,
    images: Sequence[str] = (),
    count: int = 16,
) -> dict[str, Any]:
    """Write `path` and `path`.certificate.json, and return the certificate.

    The file takes RGB images (B, H, W, 3) in uint8, already resized, and gives logits and
    probabilities (B, K); everything else that a user needs is in its metadata
    (:func:`mlgcn.export.metadata.describe`). It is run beside PyTorch before it gets its name.

    Args:
        loaded: from :func:`mlgcn.apis.load_model`, on the CPU.
        path: ends in .onnx or .pt2; both files are overwritten.
        format: 'onnx' or 'torch-export'.
        size: (height, width) in pixels; the test pipeline's if None.
        dynamic_batch: any number of images at once, instead of one.
        half: backbone and neck in float16 (see :class:`ExportGraph`); inputs and outputs stay.
        images: files, folders or globs to compare on; see :func:`.pictures.pictures`.
        count: how many of them.

    Raises:
        ExportError: the exporter failed, or the file disagrees with PyTorch; it then is at
            `path`.rejected, with its certificate beside it.
        ConfigError: a test pipeline or preprocessor that no file would have, another suffix, or a
            package that is not installed.
        ValueError: the images would be too small for the model.
        OSError: nothing can be written there.
    """
    path = Path(path)
    check_target(path, format)
    rule, pipeline = resize_rule(loaded.cfg.test_dataloader.dataset.pipeline, size)
    precision = 'float16' if half else 'float32'
    metadata = describe(loaded, rule, precision)
    batch = BATCH if dynamic_batch else 1

    def trace(edges: bool) -> ExportedProgram:
        graph = ExportGraph(loaded, edges, half)
        return trace_graph(graph, (rule.height, rule.width), dynamic_batch)

    with tempfile.TemporaryDirectory(dir=path.parent, prefix='.export-') as folder:
        folder = Path(folder)
        paths, source = pictures(loaded, images, count, folder)
        packed = [pipeline(dict(img_path=name)) for name in paths]
        pixels = [one['inputs'].numpy()[::-1].transpose(1, 2, 0) for one in packed]
        pixels = np.ascontiguousarray(np.stack(pixels))  # the pipeline's (3, H, W) are BGR
        file = write(folder / path.name, format, trace, as_text(metadata))
        parity = Parity(loaded, file, precision)
        for first in range(0, len(paths), batch):
            parity.add(packed[first : first + batch], pixels[first : first + batch])
        parts = sorted(folder.glob(f'{path.name}*'))
        certificate = make_certificate(
            parity,
            parts,
            metadata,
            images=dict(number=len(paths), source=source),
            reading=reading(rule, paths, pixels),
            throughput=throughput(file, ExportGraph(loaded), pixels[:batch]),
        )
        rejected = certificate['verdict'] == 'disagrees'
        ending = '.rejected' if rejected else ''
        for part in parts:
            os.replace(part, path.with_name(part.name + ending))
    target = path.with_name(path.name + ending)
    text = json.dumps(certificate, indent=2, ensure_ascii=False)
    path.with_name(f'{target.name}.certificate.json').write_text(text + '\n', encoding='utf-8')
    if rejected:
        raise ExportError(f'{target}: {in_words(certificate)}')
    return certificate


def check_target(path: Path, format: str) -> None:
    """Find what would stop the export at its end: see :func:`export_model` for the errors."""
    missing = [name for name in FORMATS[format].packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f'--format {format} needs {", ".join(missing)}: pip install {" ".join(missing)}'
        )
    if path.suffix != FORMATS[format].suffix:
        raise ConfigError(f'{path}: expected a name that ends in {FORMATS[format].suffix}')
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path.parent}: no such folder')
    if path.is_dir():
        raise IsADirectoryError(f'{path}: a folder')
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise PermissionError(f'{path}: cannot be written ({error.strerror})') from error


def write(
    path: Path,
    format: str,
    trace: Callable[[bool], ExportedProgram],
    metadata: Mapping[str, str],
) -> ExportedFile:
    """Write the file and open it; ExportError where the exporter cannot, or loses metadata."""
    try:
        file = FORMATS[format](path, trace, metadata)
    except RuntimeError as error:
        if os.environ.get('MLGCN_TRACEBACK'):
            raise
        text = (str(error).splitlines() or [''])[0]
        raise ExportError(
            f'{path.name}: not written, {type(error).__name__}: {text} (MLGCN_TRACEBACK=1 shows '
            'the whole error)'
        ) from error
    if dict(file.metadata) != dict(metadata):
        raise ExportError(f'{path.name}: its metadata do not read back as they were written')
    return file


def trace_graph(graph: ExportGraph, size: tuple[int, int], dynamic_batch: bool) -> ExportedProgram:
    """The graph for images of one size, for one image or any number of them."""
    example = torch.zeros(2 if dynamic_batch else 1, *size, 3, dtype=torch.uint8)
    shapes = ({0: Dim('batch')},) if dynamic_batch else None
    with torch.no_grad():
        graph.eval()(example)  # errors in words; tables of positions become constants of the file
        return torch.export.export(graph, (example,), dynamic_shapes=shapes, strict=False)
