"""Shared by the tests of exported files: tiny models, photographs, an export into `tmp_path`."""

import json

import numpy as np
import pytest
from export.tiny_models import write_checkpoint
from PIL import Image
from tiny import make_photos

from mlgcn.apis import load_model
from mlgcn.export import export_model
from mlgcn.export.images import resize_rule


@pytest.fixture(scope='session')
def photos(tmp_path_factory):
    return sorted(make_photos(tmp_path_factory.mktemp('photos'), 0, 6).glob('*.jpg'))


@pytest.fixture(scope='session')
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    return {name: write_checkpoint(folder, name) for name in ('addgcn', 'gkgnet')}


@pytest.fixture
def export(checkpoints, photos, tmp_path):
    """Export a model into `tmp_path`: (path, certificate)."""

    def run(name, file, images=photos, cfg_options=None, **options):
        loaded = load_model(checkpoints[name], cfg_options=cfg_options)
        export_model(loaded, tmp_path / file, images=list(map(str, images)), **options)
        return tmp_path / file, certificate_of(tmp_path / file)

    return run


def certificate_of(path):
    return json.loads(path.with_name(f'{path.name}.certificate.json').read_text(encoding='utf-8'))


def expected_logits(checkpoint, paths, size=None, cfg_options=None):
    """What mlgcn predicts for image files, one at a time."""
    loaded = load_model(checkpoint, cfg_options=cfg_options)
    if size:
        _, loaded.pipeline = resize_rule(loaded.cfg.test_dataloader.dataset.pipeline, size)
    return np.concatenate([loaded.logits([loaded.pack(path)]) for path in paths])


def pillow(path, size=(64, 64)):
    return np.asarray(Image.open(path).resize(size[::-1], Image.Resampling.BICUBIC))
