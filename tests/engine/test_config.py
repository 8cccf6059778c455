"""Configs: what is read, and how they follow the data."""

import csv

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from tiny import ROOT, make_photos, write_config

from mlgcn.engine.config import ConfigError, build_dataset, fit_to_data, read_config
from mlgcn.models.mirror_average import with_first_step
from mlgcn.registry import MODELS

OWN = ROOT / 'configs/own/own_probed_csra.py'
FINETUNE = ROOT / 'configs/_base_/setups/own_finetune.py'


def config(**head):
    head = dict(type='mlgcn.ADDGCNHead', num_classes=None, in_channels=8) | head
    return Config(
        dict(
            model=dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), head=head),
            train_dataloader=dict(batch_size=4, dataset=dict(type='mlgcn.CsvMultiLabel')),
            val_dataloader=dict(dataset=dict(type='mlgcn.CsvMultiLabel')),
            train_cfg=dict(max_epochs=2),
        )
    )


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / 'photos', 6, 4)


def test_loaders_without_workers(tmp_path, photos):
    """torch refuses both keys without workers; here num_workers=0 is enough."""
    options = {
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': True,
        'train_dataloader.prefetch_factor': 4,
        'val_dataloader.num_workers': 2,
        'val_dataloader.persistent_workers': True,
    }
    cfg = read_config(write_config(tmp_path, photos), options)
    assert not {'persistent_workers', 'prefetch_factor'} & set(cfg.train_dataloader)
    assert cfg.val_dataloader.persistent_workers is True


def test_the_model_follows_data_and_backbone():
    cfg = config(in_channels=None)
    fit_to_data(cfg, ['cat', 'dog'])
    assert (cfg.model.head.num_classes, cfg.model.head.in_channels) == (2, 512)
    assert cfg.val_dataloader.dataset.classes == ['cat', 'dog']


def test_another_number_of_classes_is_refused():
    with pytest.raises(ConfigError, match='is 80, but the data has 2 classes .cat, dog'):
        fit_to_data(config(num_classes=80), ['cat', 'dog'])


def test_the_checkpoint_of_another_data_set_is_named(tmp_path, photos):
    cfg = read_config(write_config(tmp_path, photos), {})
    with pytest.raises(ConfigError, match='another data set.*2 .box, ring.*cat, disc'):
        build_dataset(cfg, 'test_dataloader', ['cat', 'disc'])
    cfg.model.head.num_classes = None
    fit_to_data(cfg, ['cat', 'disc'])  # as calibrate does
    with pytest.raises(ConfigError, match='another data set.*2 .box, ring.*cat, disc'):
        build_dataset(cfg, 'val_dataloader', ['cat', 'disc'])
    cfg = read_config(write_config(tmp_path, photos), {})
    dataset = build_dataset(cfg, 'test_dataloader', ['box', 'cat', 'disc', 'ring'])
    assert dataset.metainfo['classes'] == ('box', 'cat', 'disc', 'ring')


def test_other_faults_of_the_data_keep_their_message(tmp_path, photos):
    with open(photos / 'val.csv', 'a', newline='') as file:
        csv.writer(file).writerow(['absent.jpg', 'box'])
    cfg = read_config(write_config(tmp_path, photos), {})
    with pytest.raises(FileNotFoundError, match='absent.jpg'):
        build_dataset(cfg, 'test_dataloader', ['box', 'disc', 'ring'])


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/own').glob('*.py')), ids=lambda p: p.stem)
def test_the_second_step_of_every_own_config(path):
    """It trains the backbone in views that have own.size, and keeps model, data and hooks."""
    options = {'own.size': 96, 'train_cfg.max_epochs': 3}
    first, second = read_config(path, options), read_config(path, options, FINETUNE)
    backbone = second.model.backbone
    assert (first.model.backbone.frozen, backbone.frozen) == (True, False)
    assert second.model.head == first.model.head and second.model.neck == first.model.neck
    sizes = [step.scale for step in second.train_dataloader.dataset.pipeline if 'scale' in step]
    assert sizes == [(96, 96)] and second.test_dataloader == first.test_dataloader
    kinds = [hook.type for hook in second.custom_hooks]
    assert kinds == [*(hook.type for hook in first.get('custom_hooks', ())), 'EMAHook']
    assert second.train_cfg.max_epochs == 3, 'options come after the recipe'
    assert 'betas' not in second.optim_wrapper.optimizer, "the optimizer is the recipe's alone"


def test_the_second_step_learns_slower_in_lower_layers():
    """Weights of the first step fit it as they are."""
    cfg, frozen = read_config(OWN, {}, FINETUNE), read_config(OWN, {})
    init_default_scope('mmpretrain')
    models = []
    for each in (cfg, frozen):
        each.model.backbone.init_cfg = None
        fit_to_data(each, ['cat', 'dog'])
        models.append(MODELS.build(each.model))
    models[0].load_state_dict(with_first_step(models[0], models[1].state_dict()))  # strict
    groups = build_optim_wrapper(models[0], cfg.optim_wrapper).optimizer.param_groups
    base, rates = cfg.optim_wrapper.optimizer.lr, {g['param_name']: g['lr'] for g in groups}
    trained = {name for name, p in models[0].named_parameters() if p.requires_grad}
    assert trained == set(rates)
    assert rates['head.probe.weight'] == base
    for name, layers in (('conv_head.weight', 1), ('blocks.5.3.conv_pwl.weight', 2),
                         ('blocks.2.0.conv_pw.weight', 13)):  # fmt: skip
        assert rates[f'backbone.timm_model.{name}'] == pytest.approx(base * 0.9**layers), name
    assert not any('blocks.1.' in name or 'conv_stem' in name for name in rates)


def test_the_second_step_needs_a_frozen_backbone(tmp_path, photos):
    with pytest.raises(ConfigError) as error:
        read_config(write_config(tmp_path, photos), {}, FINETUNE)
    assert all(word in str(error.value) for word in ('--finetune', 'tiny.py', 'ResNet', 'own_'))
