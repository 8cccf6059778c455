"""How a photograph becomes the pixels that an exported file takes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from PIL import Image, ImageOps

from mlgcn.engine.config_check import ConfigError
from mlgcn.registry import TRANSFORMS

RESIZE_KEYS = {'type', 'scale', 'interpolation', 'backend', 'keep_ratio'}


@dataclass(frozen=True)
class ResizeRule:
    """Stretch to height x width; `interpolation` in Pillow's names, by `backend`'s code."""

    height: int
    width: int
    interpolation: str
    backend: str
    rule: str = 'stretch'

    def describe(self) -> dict[str, Any]:
        """Plain values, for a file's metadata."""
        return asdict(self)

    def read(self, path: str | Path) -> np.ndarray:
        """A photograph as a user of the exported file reads it: uint8 (H, W, 3) in RGB."""
        image = ImageOps.exif_transpose(Image.open(path)).convert('RGB')
        how = Image.Resampling[self.interpolation.upper()]
        return np.asarray(image.resize((self.width, self.height), how))


def resize_rule(
    pipeline: Sequence[dict[str, Any]], size: tuple[int, int] | None = None
) -> tuple[ResizeRule, Callable[[dict], dict]]:
    """The rule of a test pipeline (load, Resize, PackInputs) and the pipeline, built.

    Args:
        pipeline: transforms as the config has them.
        size: (height, width) to resize to instead of the config's.

    Raises:
        ConfigError: the pipeline has other transforms, whose effect no exported file would have.
    """
    names = [str(step['type']).rpartition('.')[2] for step in pipeline]
    if names[1:] != ['Resize', 'PackInputs'] or not names[0].startswith('LoadImage'):
        raise ConfigError(
            'export: expected a test pipeline of LoadImageFromFile, Resize and PackInputs, got '
            + ', '.join(names)
        )
    resize = dict(pipeline[1])
    if resize.keys() - RESIZE_KEYS or resize.get('keep_ratio') or not resize.get('scale'):
        raise ConfigError(
            'export: expected a Resize with scale=(width, height) and keep_ratio=False, got '
            f'{resize}'
        )
    if size is not None:
        resize['scale'] = (size[1], size[0])
    scale = resize['scale']
    width, height = (scale, scale) if isinstance(scale, int) else map(int, scale)
    interpolation = resize.get('interpolation', 'bilinear')
    if interpolation.upper() not in Image.Resampling.__members__:
        raise ConfigError(f'export: Pillow has no interpolation {interpolation!r}')
    rule = ResizeRule(height, width, interpolation, resize.get('backend', 'cv2'))
    return rule, Compose([TRANSFORMS.build(step) for step in (pipeline[0], resize, *pipeline[2:])])
