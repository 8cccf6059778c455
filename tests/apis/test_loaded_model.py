"""Models come out of checkpoints whole and safely."""

import json
import os
import resource
import time

import mmcv
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

from mlgcn.apis import load_model
from mlgcn.checkpoints import CheckpointError, make_metadata
from mlgcn.engine.config import ConfigError


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_metadata_suffices(tmp_path, photo):
    path, model = write_checkpoint(tmp_path)
    loaded = load_model(None, path)
    assert loaded.classes == CLASSES and not loaded.model.training
    resized = mmcv.imresize(mmcv.imread(str(photo)), (32, 32), backend='pillow')
    rgb = torch.from_numpy(resized[..., ::-1].copy()).permute(2, 0, 1).float()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ([1.0, 2.0, 3.0], [50.0, 60.0, 70.0]))
    with torch.no_grad():
        expected = model(((rgb - mean) / std)[None], mode='tensor').numpy()
    logits = loaded.logits([loaded.pack(photo), loaded.pack(mmcv.imread(str(photo)))])
    assert logits.dtype == np.float32 and logits.shape == (2, 3)
    np.testing.assert_allclose(logits, np.repeat(expected, 2, 0), rtol=1e-5, atol=1e-6)
    assert loaded.calibration.source.startswith('threshold 0.5')


def test_config_file_gives_the_same(tmp_path, photo):
    path, _ = write_checkpoint(tmp_path)
    config = tmp_path / 'tiny.py'
    config.write_text(tiny_config().pretty_text)
    with_config, without = load_model(config, path), load_model(None, path)
    np.testing.assert_array_equal(
        with_config.logits([with_config.pack(photo)]), without.logits([without.pack(photo)])
    )
    with pytest.raises(CheckpointError, match="class 0 is 'cat' there, 'x' here"):
        load_model(config, path, cfg_options={'test_dataloader.dataset.classes': ['x', 'y', 'z']})
    with pytest.raises(ConfigError, match='num_classes is 4, but the data has 3'):
        load_model(config, path, cfg_options={'model.head.num_classes': 4})
    with pytest.raises(CheckpointError, match='does not fit the config.*of another shape'):
        load_model(config, path, cfg_options={'model.backbone.base_channels': 8})


def test_shipped_config_by_name(tmp_path):
    path, _ = write_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match='does not fit the config'):
        load_model('addgcn_scenes', path)
    with pytest.raises(ConfigError, match='no shipped config has that name'):
        load_model('addgcn_nowhere', path)


def test_calibration_of_the_metadata(tmp_path):
    stated = dict(temperature=2.0, thresholds=[0.2, 0.6, 0.5], objective='f1', images=7, pooled=[])
    path, _ = write_checkpoint(tmp_path, calibration=stated)
    calibration = load_model(None, path).calibration
    assert calibration.source == 'calibrated for f1 on 7 images'
    probabilities = calibration.probabilities(np.float32([[0, 0, 0], [-1000, 1000, 2]]))
    np.testing.assert_allclose(probabilities, [[0.5] * 3, [0, 1, 1 / (1 + np.exp(-1))]], rtol=1e-6)
    assert calibration.present(probabilities).tolist() == [[True, False, True], [False, True, True]]


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
        'imports': lambda cfg: cfg.update(custom_imports=dict(imports=['antigravity'])),
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
        load_model(None, path)
    assert not mark.exists()


@pytest.mark.parametrize(
    'change',
    [
        lambda cfg: cfg.model.backbone.update(base_channels=2**14, stem_channels=2**14),
        lambda cfg: cfg.model.head.update(in_channels=2**28),
        lambda cfg: cfg.model.update(
            backbone=dict(type='mlgcn.PyramidViG', arch='t', img_size=2**17)
        ),
        lambda cfg: cfg.model.update(neck=dict(type='GlobalAveragePooling', dim=2**33)),
        lambda cfg: cfg.test_dataloader.dataset.pipeline[1].update(scale=(2**16, 2**16)),
    ],
)
def test_sizes_out_of_a_file_are_bounded(tmp_path, change):
    path, _ = write_checkpoint(tmp_path, change)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CheckpointError, match='tiny.pth: '):
        load_model(None, path)
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_nothing_is_fetched_or_augmented(tmp_path, monkeypatch):
    """Initial weights, training settings and storage back ends are left out unread."""
    wanted = dict(type='Pretrained', checkpoint='http://127.0.0.1:9/x.pth')
    augments = dict(augments=dict(type='os.mkdir', path=str(tmp_path / 'mark')))

    def change(cfg):
        cfg.model.update(init_cfg=wanted, pretrained='/etc/passwd', train_cfg=augments)
        cfg.model.backbone.init_cfg = wanted
        cfg.data_preprocessor.batch_augments = augments
        cfg.test_dataloader.dataset.pipeline[0].backend_args = dict(backend='http')

    path, _ = write_checkpoint(tmp_path, change)
    loaded = load_model(None, path)
    text = json.dumps(loaded.cfg.to_dict())
    assert not any(word in text for word in ('http', 'passwd', 'mkdir'))
    assert not os.path.exists(tmp_path / 'mark')


def test_other_wrong_inputs(tmp_path):
    path, model = write_checkpoint(tmp_path)
    with pytest.raises(FileNotFoundError, match='no such checkpoint file'):
        load_model(None, tmp_path / 'absent.pth')
    with pytest.raises(ValueError, match="device 'tpu9' cannot be used"):
        load_model(None, path, device='tpu9')
    noted = tmp_path / 'notes.pth'
    noted.write_text('not a checkpoint')
    with pytest.raises(CheckpointError, match='notes.pth'):
        load_model(None, noted)
    bare = tmp_path / 'bare.pth'
    torch.save(model.state_dict(), bare)
    with pytest.raises(CheckpointError, match='bare.pth: it has no metadata'):
        load_model(None, bare)
    edited = {k: v + 1 if k == 'head.fc.bias' else v for k, v in model.state_dict().items()}
    metadata = dict(make_metadata(model.state_dict(), CLASSES, 'none', tiny_config()))
    torch.save(dict(meta=dict(mlgcn_metadata=metadata), state_dict=edited), bare)
    with pytest.raises(CheckpointError, match='not those of its metadata'):
        load_model(None, bare)
    meta = dict(mlgcn_metadata={**metadata, 'classes': 3})
    torch.save(dict(meta=meta, state_dict=model.state_dict()), bare)
    with pytest.raises(CheckpointError, match='bare.pth: expected a list of class names, found 3'):
        load_model(None, bare)
    for config in ('[' * 100_000, 'null', '[]', '{"model": 3}', None):
        torch.save(
            dict(
                meta=dict(mlgcn_metadata={**metadata, 'config': config}),
                state_dict=model.state_dict(),
            ),
            bare,
        )
        with pytest.raises(CheckpointError, match='bare.pth: .*metadata'):
            load_model(None, bare)
