"""Configs out of metadata: nothing off the allow-list is built, fetched, or huge."""

import json
import os
import resource
import sys
import time

import pytest
from tiny_checkpoint import write_checkpoint

from mlgcn.apis import load_model
from mlgcn.checkpoints import CheckpointError


def hostile_configs(mark):
    """name -> edit of a config that would make the file `mark` or read what it should not."""
    code = f"__import__('os').mkdir({str(mark)!r})"
    call = dict(type='os.mkdir', path=str(mark))
    load = lambda cfg: cfg.test_dataloader.dataset.pipeline  # noqa: E731
    return {
        'backbone': lambda cfg: cfg.model.update(backbone=call),
        'model': lambda cfg: cfg.update(model=call),
        'nested': lambda cfg: cfg.model.backbone.update(norm_cfg=call),
        'scope': lambda cfg: cfg.model.backbone.update(_scope_='os'),
        'scoped': lambda cfg: cfg.model.backbone.update(type='nowhere.ResNet'),
        'loss': lambda cfg: cfg.model.head.update(loss=dict(type='builtins.exec', object=code)),
        'transform': lambda cfg: load(cfg).insert(1, call),
        'evaluated': lambda cfg: load(cfg).insert(
            1, dict(type='torchvision/ConvertImageDtype', dtype=f'float32 or {code}')
        ),
        'wrapped': lambda cfg: load(cfg).insert(
            1, dict(type='RandomApply', transforms=[call], prob=1.0)
        ),
        'albumentations': lambda cfg: load(cfg).insert(
            1, dict(type='Albumentations', transforms=[call])
        ),
        'not a transform': lambda cfg: load(cfg).insert(1, dict(type='ResNet', depth=18)),
        'not a model': lambda cfg: cfg.model.update(neck=dict(type='PackInputs')),
        'other classifier': lambda cfg: cfg.update(model=dict(type='HuggingFaceClassifier')),
        'hub': lambda cfg: cfg.model.update(
            backbone=dict(type='mlgcn.TIMMBackbone', model_name='hf-hub:some/one')
        ),
        'timm file': lambda cfg: cfg.model.update(
            backbone=dict(type='TIMMBackbone', model_name='resnet18', checkpoint_path='/etc/passwd')
        ),
        'timm norm': lambda cfg: cfg.model.update(
            backbone=dict(type='TIMMBackbone', model_name='resnet18', norm_layer='os.mkdir')
        ),
    }


@pytest.mark.parametrize('name', hostile_configs(''))
def test_hostile_metadata_is_refused(tmp_path, name):
    mark = tmp_path / 'mark'
    path, _ = write_checkpoint(tmp_path, hostile_configs(mark)[name])
    with pytest.raises(CheckpointError, match='tiny.pth: the config in its metadata .*give the'):
        load_model(path)
    assert not mark.exists()


LAYERS = dict(num_blocks=[10**9] * 4, width_factor=[1] * 4, num_conv_branches=[1] * 4)


@pytest.mark.parametrize(
    'change',
    [
        lambda cfg: cfg.model.backbone.update(base_channels=2**14, stem_channels=2**14),
        lambda cfg: cfg.model.head.update(in_channels=2**28),
        # channels are then found by running the backbone
        lambda cfg: cfg.model.update(
            backbone=dict(type='mlgcn.PyramidViG', arch='t', img_size=2**17),
            head=dict(type='mlgcn.LinearHead'),
        ),
        lambda cfg: cfg.model.update(
            backbone=dict(type='mlgcn.PyramidViG', arch='t', img_size=2**17)
        ),
        lambda cfg: cfg.model.update(neck=dict(type='GlobalAveragePooling', dim=2**33)),
        lambda cfg: cfg.test_dataloader.dataset.pipeline[1].update(scale=(2**16, 2**16)),
        lambda cfg: cfg.test_dataloader.dataset.pipeline[1].update(scale=(4000, 4000)),
        # lists of that length before the first tensor
        lambda cfg: cfg.model.update(backbone=dict(type='MobileOne', arch=LAYERS)),
        lambda cfg: cfg.model.head.update(
            loss={f'loss{i}': dict(type='mlgcn.BinaryCrossEntropy') for i in range(2000)}
        ),
    ],
)
def test_sizes_out_of_a_file_are_bounded(tmp_path, change):
    path, _ = write_checkpoint(tmp_path, change)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CheckpointError, match='tiny.pth: '):
        load_model(path)
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_nothing_is_fetched_or_augmented(tmp_path, monkeypatch):
    """Initial weights, training settings and storage back ends are left out unread."""
    wanted = dict(type='Pretrained', checkpoint='http://127.0.0.1:9/x.pth')
    augments = dict(augments=dict(type='os.mkdir', path=str(tmp_path / 'mark')))

    def change(cfg):
        cfg.custom_imports = dict(imports=['antigravity'])
        cfg.model.update(init_cfg=wanted, pretrained='/etc/passwd', train_cfg=augments)
        cfg.model.backbone.init_cfg = wanted
        cfg.data_preprocessor.batch_augments = augments
        cfg.test_dataloader.dataset.pipeline[0].backend_args = dict(backend='http')

    path, _ = write_checkpoint(tmp_path, change)
    loaded = load_model(path)
    text = json.dumps(loaded.cfg.to_dict())
    assert not any(word in text for word in ('http', 'passwd', 'mkdir'))
    assert not os.path.exists(tmp_path / 'mark') and 'antigravity' not in sys.modules
