"""Models come out of checkpoints whole and safely."""

import socket

import mmcv
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from PIL import Image
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

from mlgcn.apis import load_model
from mlgcn.apis.loading import _build
from mlgcn.checkpoints import CheckpointError, load, make_metadata, save_weights
from mlgcn.engine.config import ConfigError
from mlgcn.registry import MODELS


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_metadata_suffices(tmp_path, photo):
    path, model = write_checkpoint(tmp_path)
    loaded = load_model(path)
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
    with_config, without = load_model(config, path), load_model(path)
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


def test_other_wrong_inputs(tmp_path):
    path, model = write_checkpoint(tmp_path)
    with pytest.raises(FileNotFoundError, match='no such checkpoint file'):
        load_model(tmp_path / 'absent.pth')
    for wrong in ((None,), (5,), (path, 5)):
        with pytest.raises(TypeError, match='is no path'):
            load_model(*wrong)
    with pytest.raises(ValueError, match="device 'tpu9' cannot be used"):
        load_model(path, device='tpu9')
    noted = tmp_path / 'notes.pth'
    noted.write_text('not a checkpoint')
    with pytest.raises(CheckpointError, match='notes.pth'):
        load_model(noted)
    bare = tmp_path / 'bare.pth'
    torch.save(model.state_dict(), bare)
    with pytest.raises(CheckpointError, match='bare.pth: it has no metadata'):
        load_model(bare)
    edited = {k: v + 1 if k == 'head.fc.bias' else v for k, v in model.state_dict().items()}
    metadata = dict(make_metadata(model.state_dict(), CLASSES, 'none', tiny_config()))
    torch.save(dict(meta=dict(mlgcn_metadata=metadata), state_dict=edited), bare)
    with pytest.raises(CheckpointError, match='not those of its metadata'):
        load_model(bare)
    meta = dict(mlgcn_metadata={**metadata, 'classes': 3})
    torch.save(dict(meta=meta, state_dict=model.state_dict()), bare)
    with pytest.raises(CheckpointError, match='bare.pth: expected a list of class names, found 3'):
        load_model(bare)
    for config in ('[' * 100_000, 'null', '[]', '{"model": 3}', None):
        torch.save(
            dict(
                meta=dict(mlgcn_metadata={**metadata, 'config': config}),
                state_dict=model.state_dict(),
            ),
            bare,
        )
        with pytest.raises(CheckpointError, match='bare.pth: .*metadata'):
            load_model(bare)


def test_the_hub_gives_safetensors_alone(tmp_path, monkeypatch):
    source, _ = write_checkpoint(tmp_path)
    read = load(source)
    save_weights(tmp_path / 'model.safetensors', read.weights, read.metadata)
    asked = []

    def download(*words, local_files_only):
        asked.append((*words, local_files_only))
        return str(tmp_path / 'model.safetensors')

    monkeypatch.setattr('mlgcn.apis.loading.getproxies', dict)
    monkeypatch.setattr('socket.getaddrinfo', lambda *words: ['an address'])
    monkeypatch.setattr('huggingface_hub.hf_hub_download', download)
    assert load_model('hf-hub:someone/birds', device='cpu').classes == CLASSES
    assert asked == [('someone/birds', 'model.safetensors', False)]

    def refused(*words, **options):
        raise OSError('no permission')

    with monkeypatch.context() as patch:
        patch.setattr('huggingface_hub.hf_hub_download', refused)
        with pytest.raises(FileNotFoundError, match='hf-hub:someone/birds: .*no permission'):
            load_model('hf-hub:someone/birds')


def test_the_hub_without_a_network(tmp_path, monkeypatch):
    def unknown(*words):
        raise socket.gaierror

    monkeypatch.setattr('mlgcn.apis.loading.getproxies', dict)
    monkeypatch.setattr('socket.getaddrinfo', unknown)
    with pytest.raises(FileNotFoundError, match='hf-hub:nobody/nothing: .*there is no network'):
        load_model('hf-hub:nobody/nothing')


def test_upstream_does_not_describe_the_backbone(monkeypatch):
    logger, records = MMLogger.get_current_instance(), []
    monkeypatch.setattr(logger, 'handle', lambda record: records.append(record.getMessage()))
    cfg, level = tiny_config(), logger.level
    names = dict(model_name='test_resnet', features_only=True, out_indices=(3,))
    cfg.model.backbone = dict(type='mlgcn.TIMMBackbone', **names)
    cfg.model.head.update(num_classes=3, in_channels=64)
    MODELS.build(cfg.model.backbone)
    assert any('out_indices' in text for text in records)
    records.clear()
    _build(cfg)
    assert not any('out_indices' in text for text in records) and logger.level == level


def test_a_config_alone_has_no_weights():
    with pytest.raises(ConfigError, match='addgcn_coco_448: a config, expected a checkpoint'):
        load_model('addgcn_coco_448')
    with pytest.raises(ConfigError, match='did you mean'):
        load_model('addgcn_coco_44')
