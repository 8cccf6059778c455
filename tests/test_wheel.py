"""The wheel: what it holds, and that it works from an empty folder without the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from tiny import ROOT

FOLDERS = ('mlgcn', 'configs', 'requirements')


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The wheel's content, as pip would install it (built with the packages that are there)."""
    folder = tmp_path_factory.mktemp('wheel')
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / 'source' / name)
    for name in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, folder / 'source')
    command = [sys.executable, '-m', 'pip', 'wheel', '.', '--no-deps', '--no-build-isolation']
    done = subprocess.run([*command, '-w', folder], cwd=folder / 'source', capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    (wheel,) = folder.glob('*.whl')
    zipfile.ZipFile(wheel).extractall(folder / 'site')
    return folder / 'site'


@pytest.mark.slow
def test_everything_that_is_read_at_run_time_is_in_it(installed):
    for pattern in ('*.json', '*.c', '*.j2', '*.css', '*.js'):
        for path in (ROOT / 'mlgcn').rglob(pattern):
            assert (installed / path.relative_to(ROOT)).is_file(), path
    for path in (ROOT / 'configs').rglob('*.py'):
        assert (installed / 'mlgcn' / path.relative_to(ROOT)).is_file(), path
    kernels = list(installed.glob(f'mlgcn/ops/_c/kernels{EXTENSION_SUFFIXES[0]}'))
    assert kernels or not shutil.which('cc')
    (entry,) = installed.glob('*.dist-info/entry_points.txt')
    assert 'mlgcn = mlgcn.cli:main' in entry.read_text()


@pytest.mark.slow
def test_configs_have_names_in_an_empty_folder(installed, tmp_path):
    def run(*args):
        env = {**os.environ, 'PYTHONPATH': str(installed), 'OMP_NUM_THREADS': '1'}
        env.pop('MLGCN_DATA', None)
        command = [sys.executable, '-m', 'mlgcn', *args]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    missing = run('train', 'addgcn_scenes')
    assert missing.returncode == 2 and 'mlgcn scenes data/scenes' in missing.stderr
    assert run('scenes', '--train', '40', '--val', '8').returncode == 0
    options = ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=8']
    trained = run('train', 'addgcn_scenes', '--cfg-options', *options)
    assert trained.returncode == 0, trained.stderr[-2000:]
    predicted = run('predict', 'work_dirs/addgcn_scenes/epoch_2.pth', 'data/scenes/val')
    assert predicted.returncode == 0 and predicted.stdout.count('\n') == 8
