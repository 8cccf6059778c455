"""The package's own names: all that the documentation mentions."""

import json
import pkgutil
import re
import sys

import pytest
from PIL import Image
from test_docs import DOCS, PAGES, blocks
from tiny import ROOT, make_photos, write_config
from tiny_checkpoint import write_checkpoint

import mlgcn


def names_in_pages():
    """Every `mlgcn.NAME` or `mlgcn.ROOM.NAME` of the pages and the notebook."""
    cells = json.loads((ROOT / 'docs/tour.ipynb').read_text())['cells']
    texts = [page.read_text() for page in PAGES] + [''.join(cell['source']) for cell in cells]
    found = set(re.findall(r'(?<![\w/-])mlgcn(?:\.[A-Za-z_]\w*)+', '\n'.join(texts)))
    return sorted(found - {'mlgcn.QueryHead'})  # docs/new_head.md writes that one


@pytest.mark.parametrize('name', names_in_pages())
def test_names_in_pages_can_be_imported(name):
    pkgutil.resolve_name(name)


def test_names_are_found_in_pages():
    assert {'mlgcn.ADDGCNHead', 'mlgcn.load', 'mlgcn.train'} <= set(names_in_pages())


def test_a_worker_of_a_command_registers_at_once(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['/usr/bin/mlgcn', 'compare'])
    assert mlgcn._is_command()
    monkeypatch.setattr(sys, 'orig_argv', ['python', '-c', '...', '--multiprocessing-fork'])
    assert not mlgcn._is_command()  # else upstream would print what it could not import


@pytest.mark.parametrize('script, is_command', [
    ('mlgcn', True), (ROOT / 'tools/train.py', True),
    ('train.py', False), (ROOT / 'tools', False), ('', False),
])  # fmt: skip
def test_commands_and_old_names_import_torch_when_needed(monkeypatch, script, is_command):
    monkeypatch.setattr(sys, 'argv', [str(script), '--help'])
    assert mlgcn._is_command() == is_command


def test_the_documented_calls_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path)[0].rename('addgcn.pth')
    (tmp_path / 'photos').mkdir()
    for name in ('a.jpg', 'photos/1.png', 'photos/2.png'):
        Image.new('RGB', (40, 30), (200, 90, 30)).save(name)
    ((_, code),) = blocks(DOCS / 'predictions.md', 'python')
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(' ')[0] for line in lines] == ['photos/1.png', 'photos/2.png']


def test_train_gives_a_checkpoint_to_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, make_photos(tmp_path / 'data', 8, 5))
    options = dict(work_dir='work', cfg_options={'train_cfg.max_epochs': 1})
    checkpoint = mlgcn.train(config, seed=0, **options)
    assert checkpoint.parent.name == 'work' and checkpoint.is_file()
    assert mlgcn.load(checkpoint).predict('data', keep_errors=True)
    with pytest.raises((ValueError, OSError), match='work'):
        mlgcn.train(config, **options)  # it has checkpoints
    with pytest.raises(TypeError, match='work_dir'):
        mlgcn.train(config, workdir='work')
