"""Training from stored features: equal to that from images, and refused for others."""

import json

import numpy as np
import pytest
from features.conftest import save_backbone
from mmengine.config import Config
from paths import TESTS

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.datasets import PartialLabels
from mlgcn.engine.config import read_config
from mlgcn.engine.runner import build_runner
from mlgcn.evaluation import ScoresFile
from mlgcn.features import FeatureError, FeatureStore
from mlgcn.features.training import replace_pipeline


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


def test_the_maps_stay_on_the_disk(config, store):
    """Upstream copies the config of a loader, the built data set in it."""
    cfg = read_config(config, {})
    cfg.features = dict(folder=str(store))
    cfg.work_dir = str(config.parent / 'mapped')
    runner = build_runner(cfg)
    pipelines = [runner._train_dataloader['dataset'].pipeline]
    pipelines.append(runner.build_dataloader(runner._train_dataloader).dataset.pipeline)
    for own, copied in zip(*(pipeline.maps for pipeline in pipelines), strict=True):
        assert isinstance(own, np.memmap) and copied is own


def test_parts_of_images_are_refused(store):
    data = TESTS / 'data/layouts/wider_attribute'
    file = 'Annotations/wider_attribute_trainval.json'
    photos = PartialLabels('wider_attribute', file, data_root=str(data), check_images=False)
    with pytest.raises(FeatureError, match='crop'):
        replace_pipeline(photos, FeatureStore(store), ['stage_3'])


def test_validation_equals_that_of_images(config, store, tmp_path):
    scores = {}
    for classifier in ('ImageClassifier', 'mlgcn.MirrorAveragedClassifier'):
        for features in (None, dict(folder=str(store))):
            out = tmp_path / 'scores.npz'
            cfg = read_config(config, {'model.type': classifier})
            cfg.val_evaluator.out_file = str(out)
            cfg.randomness, cfg.work_dir, cfg.features = dict(seed=0), str(tmp_path), features
            cfg.default_hooks.checkpoint.save_best = None
            cfg.model.head.init_cfg = dict(type='Normal', layer='Linear', std=1)
            runner = build_runner(cfg)
            runner.model.init_weights()
            runner.val()
            scores[classifier, features is None] = ScoresFile.load(out).scores
            out.unlink()
    for classifier in ('ImageClassifier', 'mlgcn.MirrorAveragedClassifier'):
        images, features = scores[classifier, True], scores[classifier, False]
        np.testing.assert_allclose(features, images, rtol=0, atol=1e-3)  # of float16
    plain, averaged = (images for (_, from_images), images in scores.items() if from_images)
    assert np.abs(plain - averaged).max() > 1e-2


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
