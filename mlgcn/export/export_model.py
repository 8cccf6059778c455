"""Write a model for use elsewhere, run the file beside PyTorch, and certify or refuse it."""

import importlib.util
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.export import ExportedProgram

from mlgcn.apis import LoadedModel
from mlgcn.engine.config import ConfigError

from .certificate import in_words, make_certificate, make_metadata
from .export_graph import ExportGraph
from .files import FORMATS, ExportedFile, Trace
from .images import find_images, resize_rule
from .parity import Parity

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
    probabilities (B, K); :func:`.certificate.make_metadata` has the rest.

    Args:
        loaded: from :func:`mlgcn.apis.load_model`, on the CPU.
        path: ends in .onnx or .pt2; both files are overwritten.
        format: 'onnx' or 'torch-export'.
        size: (height, width) in pixels; the test pipeline's if None.
        dynamic_batch: any number of images at once, instead of one.
        half: backbone and neck in float16 (see :class:`ExportGraph`).
        images, count: what to compare on, see :func:`.images.find_images`.

    Raises:
        ExportError: the exporter failed, or the file disagrees with PyTorch; it then is at
            `path`.rejected, with its certificate beside it.
        ConfigError: an unknown test pipeline or suffix, or a package that is not installed.
        OSError: nothing can be written there.
    """
    path = Path(path)
    check_target(path, format)
    rule, pipeline = resize_rule(loaded.cfg.test_dataloader.dataset.pipeline, size)
    precision, batch = 'float16' if half else 'float32', BATCH if dynamic_batch else 1
    metadata = make_metadata(loaded, rule, precision)

    def trace(edges: bool) -> ExportedProgram:
        return ExportGraph(loaded, edges, half).trace((rule.height, rule.width), dynamic_batch)

    with tempfile.TemporaryDirectory(dir=path.parent, prefix='.export-') as folder:
        staged = Path(folder, path.name)
        paths, source = find_images(loaded, images, count, staged.parent)
        packed = [pipeline(dict(img_path=name)) for name in paths]
        pixels = [one['inputs'].numpy()[::-1].transpose(1, 2, 0) for one in packed]
        pixels = np.ascontiguousarray(np.stack(pixels))  # the pipeline's (3, H, W) are BGR
        parity = Parity(loaded, _write(staged, format, trace, metadata), precision)
        for first in range(0, len(paths), batch):
            parity.add(packed[first : first + batch], pixels[first : first + batch])
        parts = sorted(staged.parent.glob(f'{path.name}*'))
        for image, name, own in zip(parity.images, paths, pixels):
            difference = np.abs(rule.read(name).astype(int) - own).max()
            image |= dict(image=name, difference_of_pillow=int(difference))
        certificate = make_certificate(parity, parts, metadata, source, pixels)
        target = path.with_name(path.name + '.rejected' * (certificate['verdict'] == 'disagrees'))
        _place(parts, certificate, target)
    if target != path:
        raise ExportError(f'{target}: {in_words(certificate)}')
    return certificate


def _write(path: Path, format: str, trace: Trace, metadata: dict[str, Any]) -> ExportedFile:
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    try:
        file = FORMATS[format](path, trace, texts)
    except RuntimeError as error:
        reason = f'{type(error).__name__}: {(str(error).splitlines() or [""])[0]}'
        raise ExportError(f'{path.name}: not written, {reason}') from error
    if dict(file.metadata) != texts:
        raise ExportError(f'{path.name}: its metadata do not read back as they were written')
    return file


def _place(parts: Sequence[Path], certificate: dict[str, Any], target: Path) -> None:
    """Move the staged file, its weights and its certificate beside each other, all or none."""
    written = parts[0].with_name('certificate')
    text = json.dumps(certificate, indent=2, ensure_ascii=False)
    written.write_text(text + '\n', encoding='utf-8')
    ending = target.name.removeprefix(parts[0].name)  # '.rejected' or nothing
    moves = {part: target.with_name(part.name + ending) for part in parts}
    moves[written] = target.with_name(f'{target.name}.certificate.json')
    try:
        for source in reversed(moves):  # the file comes last: it is never without the others
            os.replace(source, moves[source])
    except OSError:
        for source, place in moves.items():
            if not source.exists():
                place.unlink()
        raise


def check_target(path: Path, format: str) -> None:
    """Find what would stop the export at its end: see :func:`export_model` for the errors."""
    missing = [name for name in FORMATS[format].packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f'--format {format} needs {", ".join(missing)}: pip install {" ".join(missing)}'
        )
    if path.suffix != FORMATS[format].suffix:
        raise ConfigError(f'{path}: expected a name that ends in {FORMATS[format].suffix}')
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise FileNotFoundError(f'{path.parent}: no such folder, or it cannot be written to')
