"""The runner of a training: fitted to its data, and what would fail is found before."""

import pytest
from mmengine.config import Config
from tiny import make_photos, write_config

from mlgcn.engine import runner as module
from mlgcn.engine.config import ConfigError, read_config
from mlgcn.engine.hooks import WeightsHook
from mlgcn.engine.runner import (
    build_runner,
    check_channels,
    check_normalisation,
    check_training,
)
from mlgcn.engine.train_loop import ResumableTrainLoop


@pytest.fixture
def cfg(tmp_path):
    cfg = read_config(write_config(tmp_path, make_photos(tmp_path / 'photos', 6, 3)), {})
    cfg.work_dir = str(tmp_path / 'work')
    return cfg


def test_the_model_has_the_classes_of_the_data(cfg):
    runner = build_runner(cfg)
    assert runner.model.head.num_classes == 3
    assert list(runner.cfg.val_dataloader.dataset.classes) == ['box', 'disc', 'ring']
    assert any(isinstance(hook, WeightsHook) for hook in runner.hooks)
    dataset = runner._train_dataloader['dataset']
    assert len(dataset) == 6
    loop = runner.build_train_loop(runner._train_loop)
    assert isinstance(loop, ResumableTrainLoop) and len(loop.dataloader.dataset) == 6


@pytest.mark.parametrize('key, value, words', [
    ('train_dataloader.batch_size', 7, 'batch_size is 7.*6 images'),
    ('model.head.in_channels', 33, 'in_channels is 33.*32 channels'),
])  # fmt: skip
def test_what_would_fail_later_is_refused(cfg, key, value, words):
    cfg.merge_from_dict({key: value})
    with pytest.raises(ConfigError, match=words):
        build_runner(cfg)


def config(**head):
    head = dict(type='mlgcn.ADDGCNHead', in_channels=8) | head
    model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), head=head)
    return Config(
        dict(model=model, train_dataloader=dict(batch_size=4), train_cfg=dict(max_epochs=2))
    )


def test_other_channels_are_refused():
    check_channels(config(in_channels=512))
    with pytest.raises(ConfigError, match=r'model.head.in_channels is 2048.*ResNet.*512'):
        check_channels(config(in_channels=2048))


def test_a_transformer_of_another_size_is_refused():
    cfg = config(in_channels=192)
    cfg.model.backbone = dict(type='mlgcn.TIMMBackbone', model_name='vit_tiny_patch16_224')
    cfg.test_dataloader = dict(dataset=dict(pipeline=[dict(type='Resize', scale=(96, 64))]))
    with pytest.raises(ValueError, match=r'img_size=\(64, 96\)'):
        check_channels(cfg)
    cfg.model.backbone.img_size = (64, 96)
    check_channels(cfg)


@pytest.mark.parametrize('mean', [[127.5] * 3, [123.675, 116.28, 103.53]])
def test_normalisation_of_other_weights_is_said(mean, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'warn', lambda text, *_: said.append(text))
    cfg = config()
    cfg.model.backbone = dict(
        type='mlgcn.TIMMBackbone', model_name='tf_efficientnet_lite0', pretrained=True
    )
    cfg.data_preprocessor = dict(mean=mean, std=[127.5] * 3)
    check_normalisation(cfg)
    assert len(said) == (mean[0] != 127.5)
    assert all(
        'data_preprocessor.mean' in text and '[127.5, 127.5, 127.5]' in text for text in said
    )


@pytest.mark.parametrize('images, processes, words', [
    (3, 1, 'batch_size is 4, .* has 3 images'), (6, 2, 'has 6 images .3 per process')
])  # fmt: skip
def test_batch_larger_than_the_data_is_refused(images, processes, words):
    with pytest.raises(ConfigError, match=words):
        check_training(config(), range(images), processes)


@pytest.mark.parametrize(
    ('more', 'stops'),
    [
        (dict(frozen_stages=1), True),
        (dict(frozen_stages=-1), False),
        (dict(frozen_stages=0, init_cfg=None), True),
        (dict(frozen_stages=4, init_cfg=dict(type='Pretrained', checkpoint='x.pth')), False),
        (dict(type='mlgcn.TIMMBackbone', model_name='resnet10t', frozen=True), True),
        (
            dict(type='mlgcn.TIMMBackbone', model_name='resnet10t', frozen=True, pretrained=True),
            False,
        ),
    ],
)
@pytest.mark.parametrize('run', [{}, dict(load_from='x.pth'), dict(resume=True)])
def test_a_frozen_backbone_needs_weights(more, stops, run):
    cfg = config()
    cfg.model.backbone.update(more)
    cfg.update(run)
    if stops and not run:
        with pytest.raises(ConfigError, match=r'model\.backbone\.init_cfg: none, .* is frozen'):
            check_training(cfg, range(8), 1)
    else:
        check_training(cfg, range(8), 1)


def test_own_photographs_without_a_validation_list(tmp_path):
    cfg = read_config(write_config(tmp_path, tmp_path / 'photos'), {'own.val': ''})
    with pytest.raises(ConfigError, match=r'own\.val: .*own.train=.*train.csv'):
        check_training(cfg, range(6), world_size=1)


SCHEDULES = [
    dict(type='LinearLR', end=5),
    dict(type='CosineAnnealingLR', begin=1),
    dict(type='MultiStepLR', milestones=[1, 3]),
    dict(type='LinearLR', by_epoch=False, end=100),
]


@pytest.mark.parametrize('epochs, kept, words', [
    (1, [0, 2, 3], ['[0] (LinearLR) ends at epoch 5', '[1] (CosineAnnealingLR) begins at epoch 1',
                    'milestones 1, 3']),
    (3, [0, 1, 2, 3], ['[0] (LinearLR) ends at epoch 5', 'milestones 3']),
    (5, [0, 1, 2, 3], []),
])  # fmt: skip
def test_schedules_of_longer_runs(monkeypatch, epochs, kept, words):
    said = []
    monkeypatch.setattr(module, 'warn', lambda text, *_: said.append(text))
    cfg = config()
    cfg.train_cfg.max_epochs, cfg.param_scheduler = epochs, SCHEDULES
    check_training(cfg, range(8), world_size=1)
    assert cfg.param_scheduler == [SCHEDULES[i] for i in kept]
    text = '\n'.join(said)
    assert text.count(f'train_cfg.max_epochs={epochs}: param_scheduler') == len(words)
    assert all(word in text for word in words)
