"""mlgcn train and test as a user meets them: wrong input ends with one line and status 2."""

import shutil

import pytest
from tiny import make_photos, write_config

from mlgcn.cli.train import train


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp('my photos'), 8, 5)


@pytest.fixture
def error_of(mlgcn, tmp_path):
    """The error line of a command that gets a wrong input."""

    def run(*args):
        answer = mlgcn(*args, '--work-dir', tmp_path / 'work')
        assert answer.status == 2
        return answer.error

    return run


@pytest.fixture
def config(tmp_path, photos):
    return write_config(tmp_path, photos)


@pytest.mark.parametrize(
    'options, words',
    [
        (['model.head.in_chanels=3'], ["'model.head.in_chanels'", "'in_channels'"]),
        (['model.backbone.depth=19'], ['depth 19']),
        (['model.head.in_channels=80'], ['in_channels is 80', 'ResNet', 'gives 32']),
        (['train_dataloader.batch_size=1'], ['at least 2 images', 'got 1']),
        (['train_dataloader.dataset.bad_images=maybe'], ['maybe', "'stop'", "'skip'"]),
        (['train_dataloader.dataset.difficult=maybe'], ['maybe', 'ignore']),
        (['own.train=missing.csv'], ['missing.csv', 'not found']),
        (['val_evaluator.protocol=coco'], ['coco', 'addgcn', 'gkgnet']),
        (['load_from=missing.pth'], ['missing.pth']),
    ],
    ids=lambda value: value[0] if len(value) == 1 else '',
)
def test_wrong_options(error_of, config, options, words):
    line = error_of('train', config, '--cfg-options', *options)
    for word in words:
        assert word.strip("'") in line


@pytest.mark.parametrize('config, words', [
    ('nothing.py', ['nothing.py: no such config file']),
    ('adgcn_scenes', ['addgcn_scenes']),
    ('bad.py', ['bad.py']),
    ('addgcn_coco_448', ['nowhere/coco', 'MLGCN_DATA', 'train2014']),
    ('addgcn_scenes', ['mlgcn scenes']),
])  # fmt: skip
def test_wrong_configs_and_missing_data(error_of, tmp_path, monkeypatch, config, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MLGCN_DATA', 'nowhere')
    (tmp_path / 'bad.py').write_text('model = dict(')
    line = error_of('train', config)
    for word in words:
        assert word in line


@pytest.mark.parametrize('damage, words', [
    (lambda p: (p / 'train 1.jpg').unlink(), ['1 of 8', 'train 1.jpg']),
    (lambda p: (p / 'train 1.jpg').write_bytes(b''), ['1 of 8 images cannot be', 'train 1.jpg']),
    (lambda p: _cut(p / 'train 1.jpg'), ['1 of 8 images cannot be read', 'train 1.jpg']),
    (lambda p: _add(p / 'train.csv', 'other.jpg,box'), ['other.jpg']),
    (lambda p: _relabel(p / 'val.csv', 'elephant'), ['elephant', 'val.csv, line 5', 'box']),
    (lambda p: (p / 'train.csv').write_text(''), ['train.csv']),
    (lambda p: (p / 'val.csv').write_bytes(b'\xff\xfe\x00'), ['val.csv']),
])  # fmt: skip
def test_wrong_data(error_of, tmp_path, photos, damage, words):
    broken = tmp_path / 'photos'
    shutil.copytree(photos, broken)
    damage(broken)
    line = error_of('train', write_config(tmp_path, broken))
    for word in words:
        assert word in line
    assert not (tmp_path / 'work' / 'epoch_1.pth').exists()


def _cut(path):
    path.write_bytes(path.read_bytes()[:-200])


def _add(path, line):
    path.write_text(path.read_text() + line + '\n')


def _relabel(path, label):
    lines = path.read_text().splitlines()
    path.write_text('\n'.join([*lines[:-1], lines[-1].split(',')[0] + ',' + label]))


@pytest.mark.parametrize('options, words', [
    (dict(epochs=3), "no option 'epochs'.*cfg_options"),
    (dict(sed=0), 'did you mean .seed'),
    (dict(seed='zero'), "'zero'"),
    (dict(cfg_options=['a=1']), 'a dict'),
])  # fmt: skip
def test_wrong_options_in_python(options, words):
    with pytest.raises(TypeError, match=words):
        train('addgcn_scenes', **options)


def test_the_checkpoint_to_fine_tune_is_missing(error_of):
    assert 'nowhere.pth' in error_of('train', 'own_pooled', '--finetune', 'nowhere.pth')
