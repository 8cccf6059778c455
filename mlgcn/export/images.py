"""The images that an exported file is compared on, and how they become its pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from PIL import Image, ImageOps

from mlgcn.apis import LoadedModel
from mlgcn.apis.inputs import list_images
from mlgcn.datasets.scenes import draw_one
from mlgcn.engine.config import ConfigError, build_dataset
from mlgcn.registry import TRANSFORMS


@dataclass(frozen=True)
class ResizeRule:
    """Stretch to height x width; `interpolation` in Pillow's names, by `backend`'s code."""

    height: int
    width: int
    interpolation: str
    backend: str
    rule: str = 'stretch'

    def read(self, path: str | Path) -> np.ndarray:
        """An image as a user of the exported file reads it: uint8 (H, W, 3) in RGB."""
        image = ImageOps.exif_transpose(Image.open(path)).convert('RGB')
        how = Image.Resampling[self.interpolation.upper()]
        return np.asarray(image.resize((self.width, self.height), how))

    def difference(self, path: str | Path, packed: dict[str, Any]) -> int:
        """How much these pixels differ at most from what the test pipeline packed, of 255."""
        return int(np.abs(self.read(path).astype(int) - rgb([packed])[0]).max())


def resize_rule(
    pipeline: Sequence[dict[str, Any]], size: tuple[int, int] | None = None
) -> tuple[ResizeRule, Callable[[dict], dict]]:
    """The rule of a test pipeline of load, Resize, PackInputs, and the pipeline, built.

    `size` (height, width) replaces the config's. ConfigError where the pipeline has other
    transforms, whose effect no exported file would have.
    """
    names = [str(step['type']).rpartition('.')[2] for step in pipeline]
    resize = dict(pipeline[1])
    known = {'type', 'scale', 'interpolation', 'backend', 'keep_ratio'}
    stretches = resize.get('scale') and not resize.get('keep_ratio') and not resize.keys() - known
    if names[1:] != ['Resize', 'PackInputs'] or 'LoadImage' not in names[0] or not stretches:
        raise ConfigError(
            'export: expected a test pipeline of LoadImageFromFile, Resize with scale=(width, '
            f'height) and keep_ratio=False, PackInputs; got {", ".join(names)} with {resize}'
        )
    if size is not None:
        resize['scale'] = size[::-1]
    width, height = np.broadcast_to(resize['scale'], 2).tolist()  # one number: a square
    interpolation = resize.get('interpolation', 'bilinear')
    if interpolation.upper() not in Image.Resampling.__members__:
        raise ConfigError(f'export: Pillow has no interpolation {interpolation!r}')
    rule = ResizeRule(height, width, interpolation, resize.get('backend', 'cv2'))
    return rule, Compose([TRANSFORMS.build(step) for step in (pipeline[0], resize, pipeline[2])])


def rgb(packed: Sequence[dict[str, Any]]) -> np.ndarray:
    """The pixels (B, H, W, 3) in RGB of packed images: their inputs are (3, H, W) in BGR."""
    pixels = [one['inputs'].numpy()[::-1].transpose(1, 2, 0) for one in packed]
    return np.ascontiguousarray(np.stack(pixels))


def find_images(
    loaded: LoadedModel, asked: Sequence[str], count: int, scratch: Path
) -> tuple[list[str], str]:
    """Paths of `count` images (fewer if there are no more), and in words where they come from.

    Those asked for (files, folders, globs), the config's validation images, or generated scenes,
    drawn into the folder `scratch`. Taken at even distances of the list.
    """
    if asked:
        paths, source = [image.path for image in list_images(asked)], ' '.join(asked)
    else:
        paths, source = _images_of_config(loaded)
    if not paths:
        (scratch / 'val').mkdir()
        for index in range(count):
            draw_one(index, 0, 'val', (640, 480), scratch)
        paths = sorted(map(str, (scratch / 'val').iterdir()))
        source = f'generated scenes, no photographs ({source}; --images names others)'
    count = min(count, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)], source


def _images_of_config(loaded: LoadedModel) -> tuple[list[str], str]:
    """Paths and their source, or no paths and the reason."""
    dataset = loaded.cfg.test_dataloader.dataset
    if not dataset.get('type'):
        return [], 'no config was given'
    if str(dataset.type).startswith('mlgcn.'):
        dataset.check_images = False  # a few of thousands are used
    try:
        built = build_dataset(loaded.cfg, 'test_dataloader', loaded.classes)
    except OSError as error:
        return [], f"the config's data: {str(error).split('. ')[0]}"
    paths = [built.get_data_info(index)['img_path'] for index in range(len(built))]
    return paths, "the config's test_dataloader"
