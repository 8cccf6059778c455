"""Mistyped classes and keys are named with their path before anything is built."""

import pytest
from mmengine.config import Config

from mlgcn.engine.config import (
    ConfigError,
    check_batch_size,
    check_config,
    fit_to_data,
    read_config,
)


def config(**head):
    head = dict(type='mlgcn.ADDGCNHead', num_classes=None, in_channels=8) | head
    backbone = dict(type='ResNet', depth=18, init_cfg=dict(type='Pretrained', checkpoint='x.pth'))
    loader = dict(
        batch_size=4,
        dataset=dict(
            type='ClassBalancedDataset',
            oversample_thr=0.1,
            dataset=dict(type='mlgcn.CsvMultiLabel'),
        ),
    )
    return Config(
        dict(
            model=dict(type='ImageClassifier', backbone=backbone, head=head),
            train_dataloader=loader,
            val_dataloader=dict(dataset=dict(type='mlgcn.CsvMultiLabel')),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)),
        )
    )


def test_a_right_config_passes():
    check_config(config(mean_over_classes=False, thr=0.3))


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(model=dict(head=dict(in_chanels=3))), "head.in_chanels.*mean 'in_channels'"),
        (dict(model=dict(head=dict(type='mlgcn.ADDGCNHed'))), "'mlgcn.ADDGCNHed'.*ADDGCNHead'"),
        (dict(model=dict(backbone=dict(dept=18))), "backbone.dept.*did you mean 'depth'"),
        (dict(model=dict(backbone=dict(type='ResNett'))), "'ResNett' is reg.*mean 'ResNe"),
        (dict(optim_wrapper=dict(optimizer=dict(type='SDG'))), "optimizer.type: no class 'SDG'"),
        (dict(optim_wrapper=dict(optimizer=dict(momentun=0.9))), "mean 'momentum'"),
        (dict(train_dataloder=dict()), "train_dataloder: .*did you mean 'train_dataloader'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change, words):
    cfg = config()
    cfg.merge_from_dict(change)
    with pytest.raises(ConfigError, match=words):
        check_config(cfg)


def test_override_of_an_unknown_key_is_refused(tmp_path):
    (tmp_path / 'c.py').write_text('model = dict(head=dict(thr=0.5))')
    assert read_config(tmp_path / 'c.py', {'model.head.thr': 0.3}).model.head.thr == 0.3
    with pytest.raises(ConfigError, match="no 'modle'; did you mean 'model'"):
        read_config(tmp_path / 'c.py', {'modle.head.thr': 0.3})


def test_number_of_classes_follows_the_data():
    cfg = config()
    fit_to_data(cfg, ['cat', 'dog'])
    assert cfg.model.head.num_classes == 2
    assert cfg.val_dataloader.dataset.classes == ['cat', 'dog']


def test_another_number_of_classes_is_refused():
    with pytest.raises(ConfigError, match='is 80, but the data has 2 classes .cat, dog'):
        fit_to_data(config(num_classes=80), ['cat', 'dog'])


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(ConfigError, match='batch_size is 4, but the training set has 3 images'):
        check_batch_size(config(), [0, 1, 2], world_size=1)
    with pytest.raises(ConfigError, match=r'has 6 images .3 per process'):
        check_batch_size(config(), range(6), world_size=2)
