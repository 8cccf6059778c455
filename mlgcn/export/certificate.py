"""What an exported file states: its metadata, and the certificate beside it."""

import hashlib
import platform
from collections.abc import Sequence
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

from .export_graph import ExportGraph
from .images import ResizeRule
from .parity import Parity


def make_metadata(loaded: LoadedModel, rule: ResizeRule, precision: str) -> dict[str, Any]:
    """Everything between an image and its labels that is not in the graph, in plain values.

    `normalisation` and `temperature` are for reference: the graph has them.
    """
    before, calibration = loaded.model.data_preprocessor, loaded.calibration
    normalisation = None
    if hasattr(before, 'mean'):
        normalisation = {key: getattr(before, key).flatten().tolist() for key in ('mean', 'std')}
    return {
        'mlgcn': mlgcn.__version__,
        'classes': list(loaded.classes),
        'thresholds': calibration.thresholds.tolist(),
        'thresholds_from': calibration.source,
        'input': f'images: uint8 (batch, {rule.height}, {rule.width}, 3), RGB, 0 to 255',
        'resize': vars(rule),
        'normalisation': normalisation,
        'temperature': calibration.temperature,
        'precision': precision,
        'weights_sha256': fingerprint(loaded.model.state_dict()),
        'licence': loaded.metadata.get('licence', 'No licence stated.'),
    }


def make_certificate(
    parity: Parity, parts: Sequence[Path], metadata: dict[str, Any], source: str, pixels: np.ndarray
) -> dict[str, Any]:
    """The certificate of a file (`parts`: and of its weights beside it), in plain values.

    `source` says where the images come from, `pixels` (N, H, W, 3) are the test pipeline's.
    """
    packages = ('mlgcn', 'torch', *parity.file.packages)
    return dict(
        verdict=parity.verdict(),
        file=parts[0].name,
        precision=metadata['precision'],
        bytes=sum(part.stat().st_size for part in parts),
        sha256={part.name: hashlib.sha256(part.read_bytes()).hexdigest() for part in parts},
        weights_sha256=metadata['weights_sha256'],
        reference='the model in PyTorch, float32, on the same pixels',
        images=source,
        **parity.summary(),
        images_per_second=throughput(parity, pixels[:1]),
        threads=torch.get_num_threads(),
        platform=f'{platform.platform()}, {torch.backends.cpu.get_cpu_capability()}',
        versions={'python': platform.python_version()} | {name: version(name) for name in packages},
        date=date.today().isoformat(),
    )


@torch.no_grad()
def throughput(parity: Parity, image: np.ndarray) -> dict[str, float]:
    """Images per second, one at a time, of the file and of the same graph in PyTorch."""
    graph, tensor, speeds = ExportGraph(parity.loaded), torch.from_numpy(image), {}
    for name, run in (('file', lambda: parity.file.run(image)), ('pytorch', lambda: graph(tensor))):
        timer = Timer('run()', globals={'run': run}, num_threads=torch.get_num_threads())
        speeds[name] = round(1 / timer.blocked_autorange(min_run_time=1).median, 2)
    return speeds


def in_words(certificate: dict[str, Any]) -> str:
    """The certificate in one line."""
    images = certificate['per_image']
    text = (
        f'{certificate["verdict"]}: logits within {certificate["max_difference"]:.1e} (mean '
        f'{certificate["mean_difference"]:.1e}), label sets equal on '
        f'{certificate["equal_label_sets"]} of {len(images)} images ({certificate["images"]})'
    )
    beyond = [image for image in images if not image['agrees']]
    if beyond:
        explained = sum(image.get('explained', False) for image in beyond)
        text += f', {len(beyond)} beyond rounding ({explained} due to ties)'
    others = [image['difference_of_pillow'] for image in images if image['difference_of_pillow']]
    if others:
        text += (
            f', {len(others)} images have other pixels when Pillow alone reads them (by up to '
            f'{max(others)} of 255)'
        )
    speeds = certificate['images_per_second']
    return f'{text}; {speeds["file"]} images/s, PyTorch {speeds["pytorch"]}'
