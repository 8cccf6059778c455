"""mlgcn predict as a user meets it."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_checkpoint import tiny_config, write_checkpoint

from mlgcn.apis import load_model


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('model'))[0]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder tree with the same name twice; the working directory is beside it."""
    rng = np.random.default_rng(0)
    for name in ('a/1.png', 'a/b/1.png', 'a/b/2.jpg'):
        path = tmp_path / 'photos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 30, 3), np.uint8)).save(path)
    (tmp_path / 'photos' / 'notes.txt').write_text('no image')
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'photos'


def test_folder_to_json_and_pictures(mlgcn, checkpoint, photos, tmp_path):
    options = ['--out', 'out.json', '--show-dir', 'drawn', '--threshold', '0']
    status, _, error = mlgcn('predict', checkpoint, photos, *options)
    assert status == 0, error
    assert 'threshold 0 for all classes, as asked for' in error
    found = json.loads((tmp_path / 'out.json').read_text())
    names = ['a/1.png', 'a/b/1.png', 'a/b/2.jpg']
    assert [row['image'] for row in found['images']] == [str(photos / name) for name in names]
    assert found['summary'] == dict(images=3, failed=0, complete=True)
    for row in found['images']:
        assert len(row['probabilities']) == len(row['labels']) == 3
    for name in ('a/1.jpg', 'a/b/1.jpg', 'a/b/2.jpg'):
        assert Image.open(tmp_path / 'drawn' / name).width >= 400


def test_mirror_images_are_averaged_and_named(mlgcn, checkpoint, photos, tmp_path):
    answer = mlgcn('predict', checkpoint, photos, '--tta', '--out', 'out.json')
    assert answer.status == 0, answer.err
    found = json.loads((tmp_path / 'out.json').read_text())
    assert 'mirror' in found['decision']
    expected = load_model(checkpoint, device='cpu').predict(photos, tta=True)
    for row, prediction in zip(found['images'], expected, strict=True):
        np.testing.assert_allclose(row['probabilities'], prediction.probabilities, atol=1e-6)


def test_lines_with_a_config(mlgcn, checkpoint, photos, tmp_path):
    (tmp_path / 'tiny.py').write_text(tiny_config().pretty_text)
    lines = []
    for args in (('tiny.py', checkpoint, 'photos/a/*.png'), (checkpoint, photos / 'a' / '1.png')):
        status, told, _ = mlgcn('predict', '--top-k', '1', *args)
        assert status == 0
        lines.append(told.splitlines()[-1])
    assert lines[0].removeprefix('photos') == lines[1].removeprefix(str(photos))
    assert len(lines[1].split(', ')) == 1


def test_bad_images_are_named_and_the_status_says_so(mlgcn, checkpoint, photos, tmp_path):
    broken = photos / 'a' / 'broken.jpg'
    broken.write_bytes(b'')
    listed = f'{photos}/a/1.png\n{broken}\nabsent.jpg\n{photos}/a/b/2.jpg\n'
    status, _, error = mlgcn('predict', checkpoint, '-', '--out', 'out.json', stdin=listed)
    assert status == 1
    assert f'{broken}: empty file' in error and 'absent.jpg: No such file' in error
    assert '2 of 4 images could not be read' in error
    rows = json.loads((tmp_path / 'out.json').read_text())['images']
    assert [row.get('error') for row in rows] == [None, 'empty file', 'No such file', None]


@pytest.mark.parametrize(
    'args, words',
    [
        (['CKPT', 'nowhere.jpg'], 'nowhere.jpg: no such file or folder'),
        (['absent.pth', 'photos'], 'absent.pth: no such checkpoint file'),
        (['photos/notes.txt', 'photos'], 'photos/notes.txt: not '),
        (['bare.pth', 'photos'], 'bare.pth: it has no metadata'),
        (['absent.py', 'CKPT', 'photos'], 'absent.py: no such config file'),
        (['linear_scenes', 'CKPT', 'photos'], 'does not fit the config'),
        (['classes.py', 'CKPT', 'photos'], "the config's are 2"),
        (['CKPT', 'empty'], 'empty: no image in this folder'),
        (['CKPT', 'photos', '--top-k', '0'], 'top_k is 0, expected at least 1'),
        (['CKPT', 'photos', '--top-k', '9'], 'the model has 3 classes'),
        (['CKPT', 'photos', '--threshold', '50'], 'threshold is 50.0, expected'),
        (['CKPT', 'photos', '--batch-size', '0'], 'batch_size is 0'),
        (['CKPT', 'photos', '--out', 'out.xml'], 'out.xml: expected a name that ends in'),
        (['CKPT', 'photos', '--out', 'photos/notes.txt/x.csv'], 'notes.txt'),
        (['CKPT', 'photos', '--show-dir', 'photos/notes.txt'], 'notes.txt'),
        (['CKPT', 'photos', '--show-dir', 'photos'], 'would replace this photograph'),
        (['CKPT', 'photos', '--device', 'cuda:77'], "device 'cuda:77' cannot be used"),
        (['CKPT', '-'], 'no path came on stdin'),
    ],
)
def test_wrong_input_is_one_line_and_status_2(mlgcn, checkpoint, photos, tmp_path, args, words):
    (tmp_path / 'empty').mkdir()
    torch.save({'head.fc.weight': torch.zeros(1)}, tmp_path / 'bare.pth')
    cfg = tiny_config()
    cfg.test_dataloader.dataset.classes = ['cat', 'dog']
    (tmp_path / 'classes.py').write_text(cfg.pretty_text)
    answer = mlgcn('predict', *(str(checkpoint) if a == 'CKPT' else a for a in args))
    assert answer.status == 2 and words in answer.error
    assert not list(tmp_path.glob('out*'))


@pytest.mark.slow
def test_a_killed_run_leaves_what_it_did(python, checkpoint, photos):
    """SIGKILL in the middle: the part is a whole file with the batches that were done."""
    command = [python, '-m', 'mlgcn', 'predict', checkpoint, '-', '--out', 'out.json']
    process = subprocess.Popen(
        [*command, '--batch-size', '2'], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    process.stdin.write(f'{photos}/a/1.png\n'.encode() * 8)
    process.stdin.flush()
    part, deadline = photos.parent / 'out.json.part', time.monotonic() + 300
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    found = json.loads(part.read_text())
    assert 2 <= len(found['images']) <= 8 and not found['summary']['complete']
    assert not (photos.parent / 'out.json').exists()
