"""Stored features: equal to the backbone's maps, resumable, never mixed."""

import json

import numpy as np
import pytest
import torch
from features.conftest import store_features
from mmpretrain.registry import MODELS

from mlgcn.engine.config import read_config
from mlgcn.features import FeatureError, FeatureStore
from mlgcn.features import extract as extraction


def test_maps_are_the_backbones_in_both_views(config, store):
    cfg = read_config(config, {})
    backbone = MODELS.build(cfg.model.backbone)
    backbone.init_weights()
    backbone.eval()  # upstream's returns None
    stored = FeatureStore(store)
    photo = str(config.parent / 'photos/val 3.jpg')
    row = stored.rows([photo])[photo]
    pictures = extraction.Pictures([photo], cfg.test_dataloader.dataset.pipeline)
    preprocessor = MODELS.build(dict(type='ClsDataPreprocessor', **cfg.data_preprocessor))
    image = preprocessor(dict(inputs=[pictures[0]['inputs']]), False)['inputs']
    with torch.no_grad():
        for view, shown in enumerate((image, image.flip(3))):
            for stage, expected in zip((2, 3), backbone(shown)):
                got = stored.maps[f'stage_{stage}'][row, view]
                np.testing.assert_allclose(got, expected[0].movedim(0, -1), rtol=1e-3, atol=1e-4)


def test_killed_equals_unkilled(config, store, tmp_path, monkeypatch):
    def kill(folder, count):
        write_done(folder, count)
        raise KeyboardInterrupt

    write_done = extraction.write_done
    monkeypatch.setattr(extraction, 'write_done', kill)
    monkeypatch.setattr(extraction, 'BATCHES', 4)
    with pytest.raises(KeyboardInterrupt):
        store_features(config, tmp_path)
    with pytest.raises(FeatureError, match='16 of 37'):
        FeatureStore(tmp_path)
    monkeypatch.undo()
    assert store_features(config, tmp_path) == 21
    assert store_features(config, tmp_path) == 0
    for name in ('stage_2.npy', 'stage_3.npy', 'features.json'):
        assert (tmp_path / name).read_bytes() == (store / name).read_bytes()


def test_a_folder_of_other_features_is_not_overwritten(mlgcn, config, store):
    arguments = ('features', config, '--out', store)
    answer = mlgcn(*arguments, '--stages', 3)
    assert answer.status == 2 and 'stage_2' in answer.error and '--force' in answer.error
    answer = mlgcn(*arguments, '--cfg-options', f'own.train={config.parent}/photos/val.csv')
    assert answer.status == 2 and '37' in answer.error and '13' in answer.error


class _NormedFirst(torch.nn.Module):
    """Its batch norm comes before the convolution after which it is registered."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3)
        self.norm.running_mean.fill_(0.5)

    def forward(self, images):
        return (self.conv(self.norm(images)),)


def test_a_backbone_that_cannot_be_folded_runs_as_it_is():
    backbone = _NormedFirst().eval()
    preprocessor = MODELS.build(dict(type='ClsDataPreprocessor'))
    packed = dict(inputs=torch.rand(3, 8, 8), data_samples=None)
    with torch.no_grad():
        maps = extraction.stages_in_views(backbone, preprocessor, [packed])
        assert extraction.faster(backbone, preprocessor, packed, maps) is backbone


def test_features_of_another_layout_are_not_read(mlgcn, config, tmp_path):
    store_features(config, tmp_path)
    contents = tmp_path / 'features.json'
    older = json.loads(contents.read_text())
    del older['source']['channels']
    contents.write_text(json.dumps(older))
    answer = mlgcn('train', config, '--features', tmp_path, '--work-dir', tmp_path / 'run')
    assert answer.status == 2 and 'channels is None, expected last' in answer.error
