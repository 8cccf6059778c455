"""Mistyped classes, keys, names and values are named with their path before anything is built."""

import pytest
from mmengine.config import Config
from tiny import ROOT, write_config

from mlgcn.engine.config import ConfigError, check_config, read_config


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
        (dict(train_cfg=dict(max_epochs=0)), 'train_cfg.max_epochs: 0 seen'),
        (dict(train_cfg=dict(max_epochs=1.5)), 'train_cfg.max_epochs: 1.5 seen'),
        (dict(train_cfg=dict(val_interval=True)), 'train_cfg.val_interval: True seen'),
        (dict(val_dataloader=dict(batch_size=0)), 'val_dataloader.batch_size: 0 seen'),
        (dict(train_dataloader=dict(num_workers=-1)), 'num_workers: -1 seen'),
        (dict(randomness=dict(seed='abc')), "randomness.seed: 'abc' seen"),
        (dict(optim_wrapper=dict(optimizer=dict(lr=float('nan')))), 'optimizer.lr: nan seen'),
        (dict(optim_wrapper=dict(optimizer=dict(lr=-1))), 'optimizer.lr: -1 seen'),
        (dict(train_dataloder=dict()), "train_dataloder: .*did you mean 'train_dataloader'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change, words):
    cfg = config()
    cfg.merge_from_dict(change)
    with pytest.raises(ConfigError, match=words):
        check_config(cfg)


@pytest.mark.parametrize('report', ['all', ['CF1', 'mAP'], 'mAP'])
def test_the_best_checkpoint_is_chosen_by_a_reported_figure(report):
    metric = dict(type='mlgcn.MultiLabelScores', report=report)
    cfg = Config(dict(val_evaluator=metric, default_hooks=dict(checkpoint=dict(save_best='mAP'))))
    check_config(cfg)
    cfg.default_hooks.checkpoint.save_best = 'map'
    with pytest.raises(ConfigError, match="save_best: no 'map'.*mAP"):
        check_config(cfg)


def test_a_variable_of_a_shipped_config_is_not_changed_in_vain():
    path = ROOT / 'configs/addgcn/addgcn_coco_576.py'
    with pytest.raises(ConfigError, match='data_root: has no effect.*train_dataloader.*data_root'):
        read_config(path, {'data_root': 'elsewhere'})


TIMM = {'model.backbone': dict(type='mlgcn.TIMMBackbone', model_name='resnet10d')}


@pytest.mark.parametrize('key, value, words', [
    ('modle.head.thr', 0.3, ["'modle'", "'model'"]),
    ('my_own_key', 3, ["'my_own_key'"]),
    ('max_epoch', 3, ["'max_epoch'", 'train_cfg.max_epochs']),
    ('batchsize', 8, ["'batchsize'", 'train_dataloader.batch_size']),
    ('train_cfg.max_epoch', 3, ['train_cfg.max_epoch', 'max_epochs']),
    ('train_dataloader.batchsize', 8, ['train_dataloader', "'batchsize'", "'batch_size'"]),
    ('train_pipeline.1.scale', 9, ['no effect', 'set train_dataloader.dataset.pipeline.1.scale']),
    ('own.trian', 'x.csv', ["'own'", "'trian'", "'train'"]),
    ('optim_wrapper.optimizer.lr', 'high', ['optimizer.lr', "'high'", 'a number', '0.005']),
    ('train_dataloader.batch_size', 'abc', ['batch_size', "'abc'", 'a number', '4']),
    ('train_dataloader.persistent_workers', 'maybe', ["'maybe'", 'True or False']),
    ('optim_wrapper.optimizer', 'SGD', ['optim_wrapper.optimizer', "'SGD'", 'keys below']),
    ('default_hooks.logger.intervall', 5, ['default_hooks.logger.intervall', "'interval'"]),
    ('model.head.loss', dict(pos_weight=[1, 2, 3]), ['model.head.loss', 'pos_weight', 'type']),
    ('model.head.loss', 'CrossEntropyLoss', ['model.head.loss', "'CrossEntropyLoss'", 'type']),
    ('model.head.loss', dict(type='mlgcn.AssymetricLoss'), ["'AsymmetricLoss'"]),
    ('model.head.type', 'LinearHead', ['model.head.type', "'mlgcn.LinearHead'"]),
    ('optim_wrapper.optimizer.type', 'Sgd', ["'SGD'"]),
    ('param_scheduler.type', 'CosineAnealingLR', ["'CosineAnnealingLR'"]),
    ('param_scheduler.eta_minn', 1, ['param_scheduler.eta_minn', "'eta_min'"]),
    ('model', None, ['model:', 'None', 'keys below']),
    ('optim_wrapper', None, ['optim_wrapper:', 'None']),
    ('default_hooks.checkpoint.save_best', 'map', ["'map'", "'mAP'"]),
    ('train_dataloader.dataset.pipeline.1.scale', (0, 0), ['pipeline[1].scale', '(0, 0)']),
    ('train_dataloader.dataset.pipeline.1.scale', 'abc', ['pipeline[1].scale', "'abc'"]),
    ('model.backbone', dict(_delete_=True, **TIMM['model.backbone']),
     ['model.backbone.model_name', "'resnet10d'", "'resnet50d'"]),
])  # fmt: skip
def test_an_option_is_compared_with_the_config(tmp_path, key, value, words):
    path = write_config(tmp_path, tmp_path / 'photos')
    with pytest.raises(ConfigError) as error:
        read_config(path, {key: value})
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize('key, value', [
    ('optim_wrapper.optimizer.lr', 1), ('train_dataloader.num_workers', 0), ('work_dir', 'x'),
    ('model.head.thr', 0.3), ('custom_hooks', []),
    ('default_hooks.visualization', dict(type='VisualizationHook')), ('load_from', None),
    ('randomness.seed', 3),
    ('model.head.loss', dict(loss_a=dict(type='mlgcn.BinaryCrossEntropy'))),
])  # fmt: skip
def test_options_that_fit(tmp_path, key, value):
    read_config(write_config(tmp_path, tmp_path / 'photos'), {key: value})
