"""The documentation is true: its commands parse, its configs and links exist, its code runs."""

import argparse
import functools
import importlib.util
import json
import os
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from tiny import ROOT

from mlgcn.apis.shipped_configs import find_config
from mlgcn.cli import COMMANDS, main
from mlgcn.engine.config import read_config
from mlgcn.engine.config_values import Text

PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/*.md', 'checkpoint/*.md', 'configs/*/*.md')
    for path in ROOT.glob(pattern)
)
DOCS = ROOT / 'docs'
BLOCK = re.compile(r'^(<!-- run -->\n)?```(\w*)\n(.*?)^```', re.MULTILINE | re.DOTALL)
SCRIPT = r'(?:python |bash )(tools/\w+\.(?:py|sh)(?: .*)?)'
COMMAND = re.compile(SCRIPT + r'|^(?:\w+=\S+ )*(mlgcn [a-z]+(?: .*)?)$', re.MULTILINE)
DISTRIBUTED = {'dist_train.sh': 'train.py', 'dist_test.sh': 'test.py'}


def blocks(page, kind):
    """[(marked to be run, text)] of a page's code of one language."""
    return [(bool(run), text) for run, k, text in BLOCK.findall(page.read_text()) if k == kind]


def commands():
    """Every `mlgcn COMMAND` and tools/SCRIPT, in code blocks and in the text."""
    found = {}
    for page in PAGES:
        text = page.read_text()
        lines = [line for _, kind, code in BLOCK.findall(text) if kind in ('', 'bash')
                 for line in code.replace('\\\n', ' ').splitlines()]  # fmt: skip
        lines += [' '.join(code.split()) for code in re.findall(r'`([^`]+)`', BLOCK.sub('', text))]
        for line in lines:
            for script, command in COMMAND.findall(line):
                words = tuple(shlex.split(script or command, comments=True))
                found.setdefault(words, page.relative_to(ROOT))
    return [pytest.param(words, id=f'{page}: {" ".join(words)}') for words, page in found.items()]


class Parsed(BaseException):
    """Ends a tool once it has read its options."""


@pytest.fixture
def parsing(monkeypatch):
    """Make tools stop after their options, and keep --trust-checkpoint from taking effect."""

    def stopping(method):
        def parse(self, *args, **kwargs):
            raise Parsed(method(self, *args, **kwargs))

        return parse

    for name in ('parse_args', 'parse_intermixed_args'):
        method = getattr(argparse.ArgumentParser, name)
        monkeypatch.setattr(argparse.ArgumentParser, name, stopping(method))


@pytest.mark.parametrize('words', commands())
def test_commands_parse(words, parsing, monkeypatch):
    tool, *args = words
    if tool == 'mlgcn':
        assert args[0] in COMMANDS, f'mlgcn has no command {args[0]}'
        if len(args) == 1:  # named in a sentence
            return
        monkeypatch.setattr(sys, 'argv', list(words))
        with pytest.raises(Parsed):
            main()
        check_config(args)
        return
    assert (ROOT / tool).is_file(), f'{tool}: no such tool'
    name = Path(tool).name
    if name in DISTRIBUTED:
        assert args[1].isdigit() or args[1].isupper(), 'expected CONFIG [CKPT] GPUS'
        gpus = 1 if name == 'dist_train.sh' else 2
        tool, args = f'tools/{DISTRIBUTED[name]}', [*args[:gpus], *args[gpus + 1 :]]
    elif name.endswith('.sh'):
        return
    monkeypatch.setattr(sys, 'argv', [tool, *args])
    with pytest.raises(Parsed):
        runpy.run_path(str(ROOT / tool), run_name='__main__')
    check_config(args)


def check_config(args):
    """The config named in a command exists, and takes the options that are given."""
    options = {}
    if '--cfg-options' in args:
        for word in args[args.index('--cfg-options') + 1 :]:
            if word.startswith('--'):
                break
            key, equals, value = word.partition('=')
            assert equals, f'{word}: expected KEY=VALUE'
            options[key] = Text(value)
    for word in args:
        if re.fullmatch(r'configs/\w+/\w+\.py|[a-z]+_(coco|voc|own|scenes)\w*', word):
            path = find_config(word if word.isidentifier() else ROOT / word)
            read_config(path, options)  # checks the keys of everything that has a `type`
            cfg = Config.fromfile(path)
            for key in options:
                parent, _, last = key.rpartition('.')
                section = functools.reduce(lambda node, k: node.get(k, {}), parent.split('.'), cfg)
                assert not parent or 'type' in section or last in section, f'{word} has no {key}'


def test_commands_are_found():
    found = [' '.join(param.values[0]) for param in commands()]
    assert len(found) > 30 and any(command.startswith('mlgcn report') for command in found)


def anchors(page):
    """Of a page's headings, as the web shows them."""
    headings = re.findall(r'^#+ (.*)$', BLOCK.sub('', page.read_text()), re.MULTILINE)
    return [re.sub(r'[^\w -]', '', words.lower()).replace(' ', '-') for words in headings]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths(page):
    text = BLOCK.sub('', page.read_text())
    for link in re.findall(r'\]\(([^)\s]+)', text):
        if not re.match(r'https?://', link):
            file, _, anchor = link.partition('#')
            linked = page.parent / file if file else page
            assert linked.exists() and (not anchor or anchor in anchors(linked)), link
    assert not re.search(r'(?<![\w.])/(work|tmp|root|home)/', page.read_text())


def test_named_parts_exist():
    text = ''.join(page.read_text() for page in PAGES).replace('mlgcn.QueryHead', '')  # a lesson's
    for name in sorted(set(re.findall(r'\bmlgcn(?:\.[A-Za-z_]\w*)+', text))):
        assert pkgutil.resolve_name(name), name


def test_index_names_every_page():
    index = (DOCS / 'README.md').read_text()
    pages = {path.name for path in DOCS.iterdir() if path.suffix in ('.md', '.ipynb')}
    assert [name for name in sorted(pages - {'README.md'}) if f']({name})' not in index] == []


@pytest.fixture
def new_head(tmp_path, monkeypatch):
    """docs/new_head.md's two files, as a user would save them."""
    (_, head), (_, config) = blocks(DOCS / 'new_head.md', 'python')
    (tmp_path / 'query_head.py').write_text(head)
    (tmp_path / 'query_scenes.py').write_text(config)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'query_head', raising=False)
    return tmp_path


def test_new_head(new_head):
    cfg = Config.fromfile(new_head / 'query_scenes.py')
    head = MODELS.build({**cfg.model.head, 'num_classes': 5})
    feats = (torch.randn(2, 128, 3, 3),)
    logits = head(feats)
    assert logits.shape == (2, 5)
    x, image = feats[0].flatten(2), 1  # once more, one label at a time
    for k in range(5):
        weights = (head.queries.weight[k] @ x[image] / 128**0.5).softmax(0)
        assert torch.isclose(logits[image, k], head.fc.weight[k] @ (x[image] @ weights)
                             + head.fc.bias[k], atol=1e-5)  # fmt: skip
    samples = [DataSample().set_gt_score(torch.tensor([1.0, 0, 0, 1, -1])) for _ in range(2)]
    sum(head.loss(feats, samples).values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


# What makes the tour quick: fewer pictures and epochs.
SHORTER = {'scenes': '--train 24 --val 24', 'train': '--cfg-options '
           'train_cfg.max_epochs=2 train_dataloader.batch_size=8'}  # fmt: skip


def execute(python, folder, lines):
    """Run commands one after another in `folder`, shortened as above; what they print."""
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': '.', 'MLGCN_DATA': 'data'}
    for line in lines:
        words = shlex.split(line.replace('epoch_12.pth', 'epoch_2.pth'), comments=True)
        words = words[words.index('mlgcn') :]
        command = [python, '-m', *words, *SHORTER.get(words[1], '').split()]
        done = subprocess.run(
            command, cwd=folder, text=True, capture_output=True, timeout=1200, env=env
        )
        assert done.returncode == 0, line + done.stdout[-1500:] + done.stderr[-3000:]


@pytest.mark.slow
def test_tour_and_new_head_run(new_head, python):
    lines = ['mlgcn scenes data/scenes']
    for marked, code in blocks(DOCS / 'tour.md', 'bash'):
        lines += code.splitlines() if marked else []
    for _, code in blocks(DOCS / 'new_head.md', 'bash'):
        lines += code.splitlines()
    made = ['report.html', 'preds.json', 'drawn', 'seen', 'query.npz', 'addgcn.onnx']
    if importlib.util.find_spec('onnxruntime') is None:  # optional, and tested by itself
        lines = [line for line in lines if 'mlgcn export' not in line]
        made.remove('addgcn.onnx')
    assert len(lines) > 10
    execute(python, new_head, lines)
    assert [name for name in made if not (new_head / name).exists()] == []


@pytest.fixture
def notebook():
    return json.loads((DOCS / 'tour.ipynb').read_text())


def test_notebook_has_no_output(notebook):
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert len(cells) > 4
    assert all(not cell['outputs'] and cell['execution_count'] is None for cell in cells)


@pytest.mark.slow
def test_notebook_runs_from_top_to_bottom(tmp_path, python):
    nbclient = pytest.importorskip('nbclient', reason='nbclient is needed to run the notebook')
    nbformat = pytest.importorskip('nbformat', reason='nbformat is needed to run the notebook')
    pytest.importorskip('ipykernel', reason='ipykernel is needed to run the notebook')
    book = nbformat.read(DOCS / 'tour.ipynb', as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        cell.source = cell.source.replace('!{sys.executable} ', f'!{python} ')
    nbclient.NotebookClient(book, timeout=600, kernel_name='python3').execute(cwd=str(tmp_path))
    shown = json.dumps([cell.get('outputs') for cell in book.cells])
    assert 'mAP' in shown and 'image/png' in shown
