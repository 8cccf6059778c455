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
    parity: Parity,
    parts: Sequence[Path],
    metadata: dict[str, Any],
    source: str,
    pixels: np.ndarray,
    read: Sequence[np.ndarray],
) -> dict[str, Any]:
    """The certificate of a file (`parts`: and of its weights beside it), in plain values.

    `source` says where the N images come from, `pixels` (N, H, W, 3) are the test pipeline's,
    `read` the same as Pillow reads them by the file's resize rule.
    """
    differences = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(read, pixels)]
    packages = ('mlgcn', 'torch', *parity.file.packages)
    return dict(
        verdict=parity.verdict(),
        file=parts[0].name,
        precision=metadata['precision'],
        bytes=sum(part.stat().st_size for part in parts),
        sha256={part.name: hashlib.sha256(part.read_bytes()).hexdigest() for part in parts},
        weights_sha256=metadata['weights_sha256'],
        reference='the model in PyTorch, float32, on the same pixels',
        input=metadata['input'],
        **parity.summary(),
        images=dict(number=len(pixels), source=source),
        reading=dict(
            images_with_the_same_pixels=differences.count(0), largest_difference=max(differences)
        ),
        throughput=throughput(parity, pixels),
        versions={'python': platform.python_version()} | {name: version(name) for name in packages},
        date=date.today().isoformat(),
    )


@torch.no_grad()
def throughput(parity: Parity, pixels: np.ndarray) -> dict[str, Any]:
    """Images per second of a file and of the same graph in PyTorch, one image at a time."""
    graph, tensor = ExportGraph(parity.loaded), torch.from_numpy(pixels[:1])
    runs = {'file': lambda: parity.file.run(pixels[:1]), 'pytorch': lambda: graph(tensor)}
    threads, speeds = torch.get_num_threads(), {}
    for name, run in runs.items():
        timer = Timer('run()', globals={'run': run}, num_threads=threads)
        speeds[name] = round(1 / timer.blocked_autorange(min_run_time=1).median, 2)
    machine = f'{platform.platform()}, {torch.backends.cpu.get_cpu_capability()}'
    return dict(images_per_second=speeds, threads=threads, machine=machine)


def in_words(certificate: dict[str, Any]) -> str:
    """The certificate in one line."""
    labels, logits = certificate['label_sets'], certificate['logits']
    text = (
        f'{certificate["verdict"]}: logits within {logits["max_difference"]:.1e} (mean '
        f'{logits["mean_difference"]:.1e}), label sets equal on {labels["equal"]} of '
        f'{labels["images"]} images ({certificate["images"]["source"]}), '
        f'{labels["decisions_that_differ"]} of {labels["decisions"]} decisions differ'
    )
    if certificate['images_beyond_limit']:
        explained = certificate['neighbours']['images_explained']
        text += f', {certificate["images_beyond_limit"]} beyond rounding ({explained} due to ties)'
    reading = certificate['reading']
    others = labels['images'] - reading['images_with_the_same_pixels']
    if others:
        text += (
            f', {others} images have other pixels when Pillow alone reads them (by up to '
            f'{reading["largest_difference"]} of 255)'
        )
    speeds = certificate['throughput']['images_per_second']
    return f'{text}; {speeds["file"]} images/s, PyTorch {speeds["pytorch"]}'
