"""Hostile and damaged files in every place that reads one: no code runs, one clear line each."""

import io
import json
import logging
import os
import pickle
import platform
import resource
import struct
import warnings
import zipfile
from collections.abc import MutableMapping
from types import SimpleNamespace

import pytest
import torch
import yaml
from hostile import Touch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner.checkpoint import CheckpointLoader
from mmpretrain.datasets import MultiLabelDataset
from mmpretrain.models import ResNet
from tiny import ROOT
from torch.utils.data import DataLoader

from mlgcn.checkpoints import CheckpointError, safe_load
from mlgcn.checkpoints.checkpoint import load_content
from mlgcn.engine import upstream_patches as loaders

SCHEDULES = ROOT / 'configs/_base_/schedules'


@pytest.fixture
def marker(tmp_path):
    """A file that must not be there at the end of the test."""
    yield tmp_path / 'marker'
    assert not (tmp_path / 'marker').exists()


@pytest.fixture
def hostile(tmp_path, marker):
    """A checkpoint whose state_dict is a call."""
    torch.save(dict(state_dict=Touch(marker)), tmp_path / 'bad.pth')
    return tmp_path / 'bad.pth'


@pytest.mark.parametrize('owner, name, ours, reason', loaders.PATCHES)
def test_every_entry_of_the_table_is_in_place(owner, name, ours, reason):
    now = owner[name] if isinstance(owner, MutableMapping) else getattr(owner, name)
    assert now is ours or now == ours
    assert reason


@pytest.mark.parametrize('path', sorted(SCHEDULES.glob('*.py')), ids=lambda path: path.stem)
def test_the_state_of_every_shipped_schedule_can_be_read(path, tmp_path):
    configs = Config.fromfile(path).get('param_scheduler', [])
    states = []
    for cfg in [configs] if isinstance(configs, dict) else configs:
        cfg.pop('convert_to_iter_based', None)
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
        schedule = PARAM_SCHEDULERS.build(cfg, default_args=dict(optimizer=optimizer))
        states.append(schedule.state_dict())
    torch.save(states, tmp_path / 'states.pth')
    assert len(safe_load.safe_load(tmp_path / 'states.pth')) == len(states)


def test_four_workers_on_two_cores_are_no_news():
    loaders.install()  # pytest has filters of its own
    with warnings.catch_warnings(record=True) as said:
        DataLoader([0], num_workers=(os.cpu_count() or 1) + 1)
    assert said == []


USERS_CHOICE = {'MALLOC_MMAP_THRESHOLD_': '1000000'}


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='glibc alone has mallopt')
def test_freed_memory_is_kept():
    """Pages of a block of 16 MiB that come back from the system: none, instead of all 4096."""
    for _ in range(20):
        start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(2**22)
        end = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    assert end - start < 400


@pytest.mark.parametrize(('environment', 'count'), [({}, 2), (USERS_CHOICE, 0)])
def test_what_the_user_set_for_freed_memory_is_left(monkeypatch, environment, count):
    calls = []
    library = SimpleNamespace(mallopt=lambda *setting: calls.append(setting))
    monkeypatch.setattr(loaders.ctypes, 'CDLL', lambda name: library)
    monkeypatch.setattr(loaders.sys, 'platform', 'linux')
    for name in ('MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    loaders.keep_freed_memory()
    assert len(calls) == count


def test_a_config_is_formatted_again_once_it_changed():
    class Slow:
        pretty_text = property(
            lambda config: calls.append(config) or f'a = {config._cfg_dict["a"]}'
        )

    calls, text = [], loaders.formatted_once(Slow.pretty_text).fget
    config = Config(dict(a=1, b=dict(c=[2])))
    assert [text(config), text(config), text(Config(config.to_dict()))] == ['a = 1'] * 3
    config.a = 3
    assert text(config) == 'a = 3' and len(calls) == 2
    config.b.c.append(4)
    text(config)
    assert len(calls) == 3 and Config.pretty_text is loaders.FORMATTED_ONCE


def test_init_cfg(hostile):
    model = ResNet(18, init_cfg=dict(type='Pretrained', checkpoint=str(hostile)))
    with pytest.raises(CheckpointError, match='bad.pth: not loaded, because it asks for .*open'):
        model.init_weights()


@pytest.mark.parametrize('url', ['torchvision://resnet18', 'https://h.org/resnet18-f37072fd.pth'])
def test_downloads(hostile, tmp_path, monkeypatch, url):
    """Through torch.hub's cache: torch.hub itself unpickles in full."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    cached = tmp_path / 'hub/checkpoints/resnet18-f37072fd.pth'
    cached.parent.mkdir(parents=True)
    hostile.rename(cached)
    with pytest.raises(CheckpointError, match='resnet18-f37072fd.pth: not loaded, because'):
        CheckpointLoader.load_checkpoint(url)
    torch.save({'w': torch.ones(1)}, cached)
    assert torch.equal(CheckpointLoader.load_checkpoint(url, 'cpu')['w'], torch.ones(1))


def test_other_peoples_torch_load(hostile):
    """`weights_only=False` of timm, torchvision or mmpretrain has no effect."""
    with pytest.raises(pickle.UnpicklingError):
        torch.load(hostile, weights_only=False)
    with pytest.raises(pickle.UnpicklingError):
        torch.hub.load_state_dict_from_url('http://h.org/bad.pth', model_dir=hostile.parent)


def test_timm(hostile):
    from timm.models import load_state_dict

    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load_state_dict(str(hostile), weights_only=False)


@pytest.mark.parametrize('suffix', ['pkl', 'pickle'])
def test_pickled_annotations(tmp_path, marker, suffix):
    (tmp_path / f'a.{suffix}').write_bytes(pickle.dumps(Touch(marker)))
    with pytest.raises(CheckpointError, match='does not read pickles.*Write .json'):
        MultiLabelDataset(ann_file=str(tmp_path / f'a.{suffix}'), metainfo=dict(classes=['a']))


def test_yaml_annotations(tmp_path, marker):
    text = f'!!python/object/apply:builtins.open ["{marker}", "w"]'
    (tmp_path / 'a.yaml').write_text(text)
    with pytest.raises(yaml.constructor.ConstructorError):
        MultiLabelDataset(ann_file=str(tmp_path / 'a.yaml'), metainfo=dict(classes=['a']))


def test_a_config_in_yaml_keeps_its_tuples(tmp_path):
    Config(dict(scale=(3, (4, 5)))).dump(tmp_path / 'a.yaml')
    assert Config.fromfile(tmp_path / 'a.yaml').scale == (3, (4, 5))


def test_cache_of_the_config_printer(tmp_path, marker):
    """mmengine prints configs with yapf, which reads a pickle from the user's cache folder."""
    from yapf_third_party._ylib2to3.pgen2.grammar import Grammar

    (tmp_path / 'bad').write_bytes(pickle.dumps(Touch(marker)))
    with pytest.raises(pickle.UnpicklingError, match='open is not on'):
        Grammar().load(str(tmp_path / 'bad'))
    (tmp_path / 'good').write_bytes(pickle.dumps({'start': 256}))
    grammar = Grammar()
    grammar.load(str(tmp_path / 'good'))
    assert grammar.start == 256


def test_config_text_is_not_run(tmp_path, marker):
    """Runner.resume runs `meta['config']`."""
    text = f"open({str(marker)!r}, 'w')"
    torch.save(dict(meta=dict(config=text), state_dict={'w': torch.ones(1)}), tmp_path / 'a.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))
    assert 'config' not in loaded['meta']


@pytest.mark.parametrize(
    'content, words',
    [
        ([1], 'found a list'),
        (dict(state_dict=[1]), 'found state_dict'),
        (dict(state_dict={'w': 3}), 'found w'),
        (dict(state_dict={'w': torch.ones(1)}, meta=3), "dicts in 'meta', found 3"),
        (dict(state_dict={'w': torch.ones(1)}, meta=dict(dataset_meta=3)), "dicts in 'meta'"),
    ],
)
def test_other_content_is_named(tmp_path, content, words):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=f'a.pth: .*{words}'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))


def saved(zipped=True):
    buffer = io.BytesIO()
    weights = {'w': torch.ones(64)}
    torch.save(weights, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('part', [0.02, 0.3, 0.6, 0.99])
def test_truncated_files(tmp_path, zipped, part):
    content = saved(zipped)
    (tmp_path / 'cut.pth').write_bytes(content[: int(len(content) * part)])
    with pytest.raises(CheckpointError, match='cut.pth: (not|cut short)') as error:
        CheckpointLoader.load_checkpoint(str(tmp_path / 'cut.pth'))
    assert '\n' not in str(error.value)


def test_an_archive_that_unpacks_to_more_is_refused_before_torch_sees_it(tmp_path, monkeypatch):
    file = tmp_path / 'bomb.pth'
    good = zipfile.ZipFile(io.BytesIO(saved()))
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as bomb:
        for name in good.namelist():
            bomb.writestr(name, bytes(2**24) if name.endswith('data/0') else good.read(name))
    monkeypatch.setattr(torch, 'load', lambda *_, **__: pytest.fail('torch.load was called'))
    with pytest.raises(CheckpointError, match=r'bomb.pth: .*entries claim 16,77\d,\d+ bytes'):
        CheckpointLoader.load_checkpoint(str(file))


def test_an_archive_whose_directory_claims_2_gb(tmp_path):
    content = bytearray(saved())
    with zipfile.ZipFile(io.BytesIO(content)) as good:
        start = good.start_dir
    while content[start : start + 4] == b'PK\x01\x02':  # each entry of the central directory
        content[start + 20 : start + 28] = struct.pack('<II', 2**31 - 1, 2**31 - 1)
        start += 46 + sum(struct.unpack('<HHH', content[start + 28 : start + 34]))
    (tmp_path / 'claim.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match='claim.pth: .*entries claim'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'claim.pth'))


def safetensors(header, data=b''):
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


@pytest.mark.parametrize(
    'content',
    [
        struct.pack('<Q', 2**31) + b'{}',  # a header of 2 GB
        safetensors({'w': {'dtype': 'F32', 'shape': [2**29], 'data_offsets': [0, 2**31]}}),
        safetensors({'w': {'dtype': 'F32', 'shape': [2**29], 'data_offsets': [0, 4]}}, bytes(4)),
        safetensors({'w': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}}, bytes(2)),
        safetensors({'__metadata__': {'mlgcn_metadata': '[1'}}),
        safetensors({'__metadata__': {'mlgcn_metadata': '[1]'}}),
        safetensors({'__metadata__': {'mlgcn_metadata': '{"classes": 3}'}}),
        b'',
    ],
)
def test_safetensors_that_claim_too_much(tmp_path, content):
    (tmp_path / 'a.safetensors').write_bytes(content)
    with pytest.raises(CheckpointError, match='a.safetensors: (not a|expected a|its header has)'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'a.safetensors'))


def test_trust_is_asked_for_and_loud(tmp_path, monkeypatch):
    from fractions import Fraction

    torch.save(dict(state_dict={'w': torch.ones(1)}, note=Fraction(1, 2)), tmp_path / 'odd.pth')
    with pytest.raises(CheckpointError, match='fractions.Fraction.*--trust-checkpoint'):
        load_content(tmp_path / 'odd.pth')
    said = []
    monkeypatch.setattr(safe_load, 'print_log', lambda *words: said.append(words))
    monkeypatch.setattr(safe_load, '_trusting', True)
    assert load_content(tmp_path / 'odd.pth')['note'] == Fraction(1, 2)
    assert os.environ[safe_load.FORCE] == '1'
    assert 'odd.pth: UNPICKLED IN FULL because of --trust-checkpoint' in said[0][0]
    assert said[0][2] == logging.WARNING
