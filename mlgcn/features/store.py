"""Stage maps of a frozen backbone on disk, and what they were computed from."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mlgcn.atomic_files import write_atomically
from mlgcn.checkpoints import fingerprint
from mlgcn.messages import some
from mlgcn.zip_files import read_array

VIEWS = ('plain', 'mirror')
# keys of a backbone's config that don't change its maps (`out_indices` chooses among them)
NO_EFFECT = ('init_cfg', 'pretrained', 'frozen', 'frozen_stages', 'norm_eval', 'out_indices')


class FeatureError(ValueError):
    """Features that cannot be used: names the folder, what was found, what was expected."""


def source_of(cfg: Mapping[str, Any], backbone: nn.Module) -> dict[str, Any]:
    """What the features of a config's test images are computed from, in plain values."""
    pipeline = cfg['test_dataloader']['dataset']['pipeline']
    preprocessor = cfg.get('data_preprocessor') or cfg['model'].get('data_preprocessor')
    config = {key: value for key, value in cfg['model']['backbone'].items() if key not in NO_EFFECT}
    source = dict(
        backbone=config,
        backbone_sha256=fingerprint(backbone.state_dict()),
        pipeline=[step for step in pipeline if not step['type'].endswith('PackInputs')],
        data_preprocessor=preprocessor,
        views=VIEWS,
        channels='last',  # in memory: training would rearrange every map in every epoch
    )
    return json.loads(json.dumps(source, default=str))


def stage_names(cfg: Mapping[str, Any], backbone: nn.Module) -> list[str]:
    """The name of each map that a backbone gives: its number among the backbone's stages."""
    stated = cfg['model']['backbone'].get('out_indices', (-1,))
    indices = getattr(backbone, 'out_indices', stated)
    return [f'stage_{index}' for index in indices]


class FeatureStore:
    """A folder of float16 maps (images, views, H, W, C), one memory-mapped file per stage.

    `features.json` holds the source (:func:`source_of`) and the images, `stage_I.npy` the maps,
    `done` the number of images that are complete.

    Args:
        folder: where it is.

    Raises:
        FileNotFoundError: there are no features.
        FeatureError: they are incomplete or damaged.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        contents = read_contents(self.folder)
        done = images_done(self.folder)
        if done < len(contents['images']):
            seen = f'features of {done} of {len(contents["images"])} images'
            raise FeatureError(f'{folder}: {seen}; the same command `mlgcn features` goes on')
        self.source, self.images = contents['source'], contents['images']
        self.maps = {name: self._map(name) for name in contents['stages']}
        self._by_path = {path: i for i, (path, *_) in enumerate(self.images)}
        self._by_digest = {digest: i for i, (*_, digest) in enumerate(self.images)}

    def _map(self, name: str) -> np.ndarray:
        path = self.folder / f'{name}.npy'
        try:
            found = read_array(path, 'f', 5)
        except (ValueError, OSError) as error:
            raise FeatureError(f'{error}') from error
        if found.shape[:2] != (len(self.images), len(VIEWS)) or found.dtype != np.float16:
            expected = f'float16 ({len(self.images)}, {len(VIEWS)}, H, W, C)'
            raise FeatureError(f'{path}: {found.dtype} {found.shape}, expected {expected}')
        return found

    def check(self, source: Mapping[str, Any], stages: Sequence[str]) -> None:
        """Compare with what a model would compute.

        Raises:
            FeatureError: another backbone, size or preprocessing, or stages that are not there.
        """
        difference = first_difference(self.source, source)
        if difference:
            raise FeatureError(f'{self.folder}: not the features of this config: {difference}')
        absent = [name for name in stages if name not in self.maps]
        if absent:
            told = f'has {", ".join(self.maps)}, but the config takes {", ".join(absent)}'
            advice = 'model.backbone.out_indices; mlgcn features --stages'
            raise FeatureError(f'{self.folder}: {told} ({advice})')

    def rows(self, paths: Sequence[str]) -> dict[str, int]:
        """The row of each image, which may have been moved, but not changed.

        Raises:
            FeatureError: images without features.
        """
        rows = {path: self._row(path) for path in dict.fromkeys(paths)}
        absent = [path for path, row in rows.items() if row is None]
        if absent:
            told = f'no features of {len(absent)} of {len(rows)} images (new, or changed since)'
            raise FeatureError(f'{self.folder}: {told}: {some(absent)}')
        return rows

    def _row(self, path: str) -> int | None:
        row = self._by_path.get(os.path.abspath(path))
        if row is not None and self.images[row][:-1] == state_of(path):
            return row
        return self._by_digest.get(digest_of(path))


def read_contents(folder: Path) -> dict[str, Any]:
    """`features.json`: source, stages {name: [H, W, C]}, images [path, bytes, mtime_ns, digest]."""
    path = folder / 'features.json'
    if not path.is_file():
        raise FileNotFoundError(f'{folder}: no features.json; mlgcn features writes it')
    try:
        contents = json.loads(path.read_bytes())
        if not isinstance(contents['source'], dict) or not isinstance(contents['stages'], dict):
            raise TypeError('source and stages are not objects')
        for image, size, changed, digest in contents['images']:
            (str(image), int(size), int(changed), str(digest))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FeatureError(f'{path}: damaged ({error!r})') from error
    return contents


def images_done(folder: Path) -> int:
    """How many images are complete."""
    path = folder / 'done'
    text = path.read_text() if path.is_file() else '0'
    return int(text) if text.isdigit() else 0


def write_done(folder: Path, count: int) -> None:
    """Record that so many images are complete and on the disk."""
    for path in folder.glob('stage_*.npy'):
        with open(path, 'rb') as file:
            os.fsync(file.fileno())
    write_atomically(folder / 'done', str(count))


def state_of(path: str) -> list:
    """[absolute path, bytes, time of the last change in ns] of a file."""
    state = os.stat(path)
    return [os.path.abspath(path), state.st_size, state.st_mtime_ns]


def digest_of(path: str) -> str:
    """A digest of the file's bytes."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, 'rb') as file:
        while block := file.read(2**20):  # Python 3.10 has no hashlib.file_digest
            digest.update(block)
    return digest.hexdigest()


def first_difference(stored: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """The first key whose values differ, with both, in words; '' where all are equal."""
    for key in (*expected, *(stored.keys() - expected.keys())):
        old, new = stored.get(key), expected.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            return f'{key}.{first_difference(old, new)}'
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            place = next(i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1])
            old, new = old[place], new[place]
            if isinstance(old, dict) and isinstance(new, dict):
                return f'{key}[{place}].{first_difference(old, new)}'
        return f'{key} is {old}, expected {new}'
    return ''
