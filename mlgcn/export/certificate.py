"""What an exported file's certificate says."""

import hashlib
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import mlgcn

from .parity import Parity
from .resize_rule import ResizeRule


def make_certificate(
    parity: Parity, parts: Sequence[Path], metadata: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """The certificate of a file, in plain values.

    Args:
        parity: after the comparison.
        parts: the file, and the one with its weights if they are apart.
        metadata: of the file.
        **more: further entries.
    """
    return dict(
        verdict=parity.verdict(),
        file=parts[0].name,
        precision=metadata['precision'],
        bytes=sum(part.stat().st_size for part in parts),
        sha256={part.name: sha256(part) for part in parts},
        weights_sha256=metadata['weights_sha256'],
        reference='the model in PyTorch, float32, on the same pixels',
        input=metadata['input'],
        **parity.summary(),
        **more,
        versions=versions(parity.file.packages),
        date=date.today().isoformat(),
    )


def reading(rule: ResizeRule, paths: Sequence[str], pixels: np.ndarray) -> dict[str, Any]:
    """Whether Pillow alone, told by the metadata, gives the pixels of the test pipeline."""
    differences = [
        int(np.abs(rule.read(path).astype(int) - own).max()) for path, own in zip(paths, pixels)
    ]
    return dict(
        images_with_the_same_pixels=differences.count(0), largest_difference=max(differences)
    )


def sha256(path: Path) -> str:
    with open(path, 'rb') as opened:
        return hashlib.file_digest(opened, 'sha256').hexdigest()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of what wrote and ran the file."""
    own = dict(mlgcn=mlgcn.__version__, python=platform.python_version())
    return own | {name: version(name) for name in ('torch', *packages)}


def in_words(certificate: dict[str, Any]) -> str:
    """The certificate in one line."""
    labels, logits = certificate['label_sets'], certificate['logits']
    speeds = certificate['throughput']['images_per_second']
    text = (
        f'{certificate["verdict"]}: logits within {logits["max_difference"]:.1e} (mean '
        f'{logits["mean_difference"]:.1e}), label sets equal on {labels["equal"]} of '
        f'{labels["images"]} images ({certificate["images"]["source"]})'
    )
    if labels['decisions_that_differ']:
        limit = certificate['limits']['decisions']
        text += f', {labels["decisions_that_differ"]} of {labels["decisions"]} decisions differ'
        text += f' (at most {limit:.0%} may)' if limit < 1 else ''
    if certificate['images_beyond_limit']:
        text += f', {certificate["images_beyond_limit"]} beyond rounding'
        if 'neighbours' in certificate:
            text += f' ({certificate["neighbours"]["images_explained"]} explained by ties)'
    reading, number = certificate['reading'], certificate['images']['number']
    if reading['images_with_the_same_pixels'] < number:
        text += (
            f', {number - reading["images_with_the_same_pixels"]} images have other pixels when '
            f'Pillow alone reads them (by up to {reading["largest_difference"]} of 255)'
        )
    return text + (
        f'; {speeds["file"]} images/s, PyTorch {speeds["pytorch"]} '
        f'(threads: {certificate["throughput"]["threads"]})'
    )
