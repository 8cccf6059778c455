"""Write a model for use elsewhere, run the file beside PyTorch, and certify or refuse it."""

import hashlib
import importlib.util
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.benchmark import Timer

import mlgcn
from mlgcn.apis import LoadedModel
from mlgcn.checkpoints import fingerprint
from mlgcn.engine.config import ConfigError

from .files import FORMATS, ExportedFile, ExportGraph, Trace
from .images import ResizeRule, find_images, resize_rule, rgb
from .parity import Parity

BATCH = 4  # images at once where the batch is dynamic
TIMED = 1.0  # seconds, of the file and of PyTorch


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

    Args:
        loaded: on the CPU; the file takes and gives what :class:`ExportGraph` does.
        path: ends in .onnx or .pt2 as `format` ('onnx', 'torch-export'); overwritten.
        size: (height, width) in pixels; the test pipeline's if None.
        dynamic_batch, half: any number of images at once; backbone and neck in float16.
        images, count: what to compare on, see :func:`.images.find_images`.

    Raises:
        ExportError: the exporter failed, or the file disagrees and now is `path`.rejected.
        ConfigError, OSError: the test pipeline, suffix, packages or folder do not allow it.
    """
    path = Path(path)
    check_target(path, format)
    rule, pipeline = resize_rule(loaded.cfg.test_dataloader.dataset.pipeline, size)
    metadata = _metadata(loaded, rule, 'float16' if half else 'float32')

    def trace(edges: bool):
        return ExportGraph(loaded, edges, half).trace((rule.height, rule.width), dynamic_batch)

    with tempfile.TemporaryDirectory(dir=path.parent, prefix='.export-') as folder:
        paths, source = find_images(loaded, images, count, Path(folder))
        packed = [pipeline(dict(img_path=name)) for name in paths]
        file = _write(Path(folder, path.name), format, trace, metadata)
        parity = Parity(loaded, file, metadata['precision'])
        parity.compare(packed, BATCH if dynamic_batch else 1)
        for image, name, one in zip(parity.images, paths, packed):
            image |= dict(image=name, difference_of_pillow=rule.difference(name, one))
        parts = sorted(Path(folder).glob(f'{path.name}*'))
        certificate = _certificate(parity, parts, metadata, source, rgb(packed[:1]))
        target = _place(parts, certificate, path)
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


def _place(parts: Sequence[Path], certificate: dict[str, Any], path: Path) -> Path:
    """Move the staged file, its weights and its certificate beside each other, all or none."""
    ending = '.rejected' if certificate['verdict'] == 'disagrees' else ''
    target = path.with_name(path.name + ending)
    written = parts[0].with_name('certificate')
    text = json.dumps(certificate, indent=2, ensure_ascii=False)
    written.write_text(text + '\n', encoding='utf-8')
    moves = {written: certificate_of(target)}
    # the file comes last, and an earlier one goes first: it is never without its own certificate
    moves |= {part: path.with_name(part.name + ending) for part in reversed(parts)}
    places = [Path(os.path.realpath(place)) for place in moves.values()]
    for staged, place in zip(moves, places):
        with open(staged, 'rb') as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), place.stat().st_mode)
            os.fsync(file.fileno())
    places[-1].unlink(missing_ok=True)
    with ExitStack() as undo:
        for staged, place in zip(moves, places):
            os.replace(staged, place)
            undo.callback(place.unlink)
        undo.pop_all()
    return target


def certificate_of(path: Path) -> Path:
    """The file beside an exported one that says how well it agrees."""
    return path.with_name(f'{path.name}.certificate.json')


def check_target(path: Path, format: str) -> None:
    """Find what would stop the export at its end: see :func:`export_model` for the errors."""
    missing = [name for name in FORMATS[format].packages if importlib.util.find_spec(name) is None]
    if missing:
        names = ' '.join(missing)
        raise ConfigError(f'--format {format}: not installed; pip install {names}')
    if path.suffix != FORMATS[format].suffix:
        raise ConfigError(f'{path}: expected a name that ends in {FORMATS[format].suffix}')
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise FileNotFoundError(f'{path.parent}: no such folder, or it cannot be written to')


def _metadata(loaded: LoadedModel, rule: ResizeRule, precision: str) -> dict[str, Any]:
    """Everything between an image and its labels; the graph has normalisation and temperature."""
    calibration, buffers = loaded.calibration, dict(loaded.model.data_preprocessor.named_buffers())
    return {
        'mlgcn': mlgcn.__version__,
        'classes': list(loaded.classes),
        'thresholds': calibration.thresholds.tolist(),
        'thresholds_from': calibration.source,
        'input': f'images: uint8 (batch, {rule.height}, {rule.width}, 3), RGB, 0 to 255',
        'resize': vars(rule),
        'normalisation': {name: value.flatten().tolist() for name, value in buffers.items()}
        or None,
        'temperature': calibration.temperature,
        'precision': precision,
        'weights_sha256': fingerprint(loaded.model.state_dict()),
        'licence': loaded.checkpoint.metadata.get('licence', 'No licence stated.'),
    }


def _certificate(
    parity: Parity, parts: Sequence[Path], metadata: dict[str, Any], source: str, image: np.ndarray
) -> dict[str, Any]:
    """Of a file (`parts`: and its weights) compared on images of `source`; timed on `image`."""
    packages = ('mlgcn', 'torch', *parity.file.packages)
    return dict(
        **parity.summary(),
        file=parts[0].name,
        precision=metadata['precision'],
        bytes=sum(part.stat().st_size for part in parts),
        sha256={part.name: hashlib.sha256(part.read_bytes()).hexdigest() for part in parts},
        weights_sha256=metadata['weights_sha256'],
        reference='the model in PyTorch, float32, on the same pixels',
        images=source,
        images_per_second=_throughput(parity, image),
        threads=torch.get_num_threads(),
        platform=f'{platform.platform()}, {torch.backends.cpu.get_cpu_capability()}',
        versions={'python': platform.python_version()} | {name: version(name) for name in packages},
        date=date.today().isoformat(),
    )


@torch.no_grad()
def _throughput(parity: Parity, image: np.ndarray) -> dict[str, float]:
    """Images per second, one at a time, of the file and of the same graph in PyTorch."""
    graph, tensor, speeds = ExportGraph(parity.loaded), torch.from_numpy(image), {}
    for name, run, x in (('file', parity.file.run, image), ('pytorch', graph, tensor)):
        timer = Timer('run(x)', globals=dict(run=run, x=x), num_threads=torch.get_num_threads())
        speeds[name] = round(1 / timer.blocked_autorange(min_run_time=TIMED).median, 2)
    return speeds


def in_words(certificate: dict[str, Any]) -> str:
    """The certificate in one line."""
    images = certificate['per_image']
    text = (
        '{verdict}: logits within {max_difference:.1e} (mean {mean_difference:.1e}), label sets '
        f'equal on {{equal_label_sets}} of {len(images)} images ({{images}})'
    ).format(**certificate)
    if beyond := [image for image in images if not image['agrees']]:
        explained = sum(image.get('explained', False) for image in beyond)
        text += f', {len(beyond)} beyond rounding ({explained} due to ties)'
    if others := [d for image in images if (d := image['difference_of_pillow'])]:
        text += f', {len(others)} images have other pixels when Pillow alone reads them '
        text += f'(by up to {max(others)} of 255)'
    return text + '; {file} images/s, PyTorch {pytorch}'.format(**certificate['images_per_second'])
