"""Shared by the tests of exported files: tiny models, photographs, and what is exported.

An exporter takes seconds whatever the model's size, so tests look at one file where they can.
"""

import json
import shutil

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


@pytest.fixture(autouse=True)
def quick_timing(monkeypatch):
    monkeypatch.setitem(export_model.__globals__, 'TIMED', 0.0)


@pytest.fixture
def export(checkpoints, photos, tmp_path):
    """Export a model into `tmp_path`: (path, certificate)."""

    def run(name, file, images=photos, cfg_options=None, folder=tmp_path, **options):
        loaded = load_model(checkpoints[name], cfg_options=cfg_options)
        export_model(loaded, folder / file, images=list(map(str, images)), **options)
        return folder / file, certificate_of(folder / file)

    return run


@pytest.fixture(scope='session')
def exported():
    """Files by their name, see `addgcn`."""
    return {}


@pytest.fixture
def addgcn(exported, export, photos, tmp_path_factory):
    """ADD-GCN's a.onnx, compared on photographs and a transparent picture: (path, certificate)."""
    if not exported:
        folder = tmp_path_factory.mktemp('exported')
        clear = folder.with_name(f'{folder.name}.png')
        Image.new('RGBA', (90, 60), (200, 10, 10, 128)).save(clear)
        exported['addgcn'] = export('addgcn', 'a.onnx', [*photos, clear], folder=folder)
    return exported['addgcn']


@pytest.fixture
def written_before(addgcn, monkeypatch):
    """The next a.onnx is the one of before, instead of what the exporter writes."""
    copied = lambda self, path, *_: [] if shutil.copy(addgcn[0], path) else None  # noqa: E731
    monkeypatch.setattr('mlgcn.export.files.OnnxFile._write', copied)


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
