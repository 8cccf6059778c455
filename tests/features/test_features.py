"""Stored features: equal to the backbone's maps, resumable, never mixed; training from them."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from paths import TESTS
from tiny import FROZEN, make_photos, write_config

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.datasets import PartialLabels
from mlgcn.engine.config import listed_images, read_config
from mlgcn.features import FeatureError, FeatureStore, extract_features
from mlgcn.features import extract as extraction
from mlgcn.features.training import replace_pipeline


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A config file with a frozen backbone; its weights and photographs beside it."""
    folder = tmp_path_factory.mktemp('features')
    path = write_config(folder, make_photos(folder / 'photos'), 'LinearHead',
                        FROZEN.format(stages='(2, 3)', folder=folder))  # fmt: skip
    init_default_scope('mmpretrain')
    save_backbone(Config.fromfile(path), folder / 'backbone.pth', seed=0)
    return path


def save_backbone(cfg, path, seed):
    torch.manual_seed(seed)
    backbone = MODELS.build({**cfg.model.backbone, 'init_cfg': None})
    backbone.init_weights()
    torch.save(backbone.state_dict(), path)


def store_features(config, folder):
    cfg = read_config(config, {})
    return extract_features(cfg, listed_images(cfg), folder, 4)


@pytest.fixture(scope='module')
def store(config):
    folder = config.parent / 'stored'
    assert store_features(config, folder) == 37
    return folder


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
                np.testing.assert_allclose(got, expected[0], rtol=1e-3, atol=1e-4)


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


@pytest.mark.parametrize('options, words', [
    (['test_dataloader.dataset.pipeline.1.scale=(64, 64)'], ['scale', '32', '64']),
    (['data_preprocessor.mean=[0, 0, 0]'], ['mean', '123.675']),
    (['model.backbone.base_channels=8', 'model.head.in_channels=64'], ['base_channels', '4', '8']),
    (['model.backbone.out_indices=(1, 3)'], ['stage_1', 'stage_2, stage_3', '--stages']),
    (['model.backbone.frozen_stages=1'], ['not frozen', 'parameters']),
])  # fmt: skip
def test_features_of_something_else_are_refused(mlgcn, config, store, tmp_path, options, words):
    answer = mlgcn('train', config, '--work-dir', tmp_path, '--features', store,
                   '--cfg-options', *options)  # fmt: skip
    assert answer.status == 2
    for word in words:
        assert word in answer.error


def test_features_of_another_backbone_are_refused(mlgcn, config, store, tmp_path):
    save_backbone(Config.fromfile(config), tmp_path / 'other.pth', seed=1)
    work = tmp_path / 'work'
    answer = mlgcn('train', config, '--work-dir', work, '--features', store, '--cfg-options',
                   f'model.backbone.init_cfg.checkpoint={tmp_path}/other.pth')  # fmt: skip
    assert answer.status == 2 and 'backbone_sha256' in answer.error


def test_a_changed_photograph_is_refused_and_a_moved_one_is_not(config, store, tmp_path):
    stored = FeatureStore(store)
    photo = config.parent / 'photos/val 3.jpg'
    moved, changed = tmp_path / 'moved.jpg', tmp_path / 'changed.jpg'
    moved.write_bytes(photo.read_bytes())
    changed.write_bytes(photo.read_bytes() + b'.')
    assert stored.rows([str(moved)])[str(moved)] == stored.rows([str(photo)])[str(photo)]
    with pytest.raises(FeatureError, match='1 of 2 images.*changed.jpg'):
        stored.rows([str(moved), str(changed)])


def test_parts_of_images_are_refused(store):
    data = TESTS / 'data/layouts/wider_attribute'
    file = 'Annotations/wider_attribute_trainval.json'
    photos = PartialLabels('wider_attribute', file, data_root=str(data), check_images=False)
    with pytest.raises(FeatureError, match='crop'):
        replace_pipeline(photos, FeatureStore(store), ['stage_3'])


def test_a_folder_of_other_features_is_not_overwritten(mlgcn, config, store):
    arguments = ('features', config, '--out', store)
    answer = mlgcn(*arguments, '--stages', 3)
    assert answer.status == 2 and 'stage_2' in answer.error and '--force' in answer.error
    answer = mlgcn(*arguments, '--cfg-options', f'own.train={config.parent}/photos/val.csv')
    assert answer.status == 2 and '37' in answer.error and '13' in answer.error


@pytest.mark.parametrize('damage', [
    lambda folder: (folder / 'features.json').write_text('{"source": 1}'),
    lambda folder: (folder / 'features.json').unlink(),
    lambda folder: (folder / 'stage_3.npy').write_bytes(b'x' * 100),
    lambda folder: (folder / 'done').write_text('3'),
])  # fmt: skip
def test_damaged_features_are_named(store, tmp_path, damage):
    for file in store.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    damage(tmp_path)
    with pytest.raises((FeatureError, FileNotFoundError), match=tmp_path.name):
        FeatureStore(tmp_path)


@pytest.mark.slow
def test_cached_training_equals_uncached(mlgcn, config, store, tmp_path):
    logits = []
    for name, options in (('plain', []), ('cached', ['--features', store])):
        work = tmp_path / name
        answer = mlgcn('train', config, '--work-dir', work, '--seed', 3, *options,
                       '--cfg-options', 'optim_wrapper.optimizer.lr=1')  # fmt: skip
        assert answer.status == 0, answer.err
        answer = mlgcn('test', config, work / 'epoch_2.pth', '--out', f'{work}.npz')
        assert answer.status == 0, answer.err
        with np.load(f'{work}.npz', allow_pickle=False) as file:
            logits.append(file['scores'])
    assert np.abs(logits[0]).max() > 0.1
    np.testing.assert_allclose(logits[0], logits[1], rtol=0, atol=1e-4)
    weights = [safe_load(tmp_path / name / 'epoch_2.pth') for name in ('plain', 'cached')]
    assert weights[0]['state_dict'].keys() == weights[1]['state_dict'].keys()
    configs = [json.loads(each['meta']['mlgcn_metadata']['config']) for each in weights]
    for section in ('model', 'test_dataloader', 'data_preprocessor'):
        assert configs[0][section] == configs[1][section]
