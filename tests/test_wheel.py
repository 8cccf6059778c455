"""The wheel: what it holds, and that it works from an empty folder without the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from tiny import ROOT

FOLDERS = ('mlgcn', 'configs', 'requirements')


# what importing mlgcn may not import beside torch and mmpretrain
SLOW = {
    *('timm', 'torchvision', 'mmpretrain.models', 'mmpretrain.datasets', 'transformers'),
    *('matplotlib', 'scipy', 'sklearn', 'pandas', 'networkx', 'jinja2', 'onnx', 'starlette'),
    *('mlgcn.models', 'mlgcn.datasets', 'mlgcn.evaluation', 'mlgcn.checkpoints', 'mlgcn.apis'),
}
DRIVER = """
import contextlib, io, json, sys
import torch, mmpretrain
before = {*sys.modules}
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
    import mlgcn
    imported = sorted({*sys.modules} - before)
    mlgcn.load, mlgcn.train, mlgcn.ADDGCNHead, mlgcn.visualization
answers = [mlgcn.__file__, imported, out.getvalue()]
import mlgcn.cli
for line in sys.stdin.read().splitlines():
    sys.argv, status = ['mlgcn', *line.split()], 0
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(io.StringIO()) as error:
            try:
                mlgcn.cli.main()
            except SystemExit as stop:
                status = stop.code or 0
    answers.append((status, out.getvalue(), error.getvalue()))
print(json.dumps(answers))
"""  # several commands in one process, which imports once


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
    def run(*command, **more):
        env = {**os.environ, 'PYTHONPATH': str(installed), 'OMP_NUM_THREADS': '1'}
        env.pop('MLGCN_DATA', None)
        command = [sys.executable, *command]
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, **more
        )

    assert 'predict' in run('-m', 'mlgcn', '--help').stdout
    options = 'train_cfg.max_epochs=2 train_dataloader.batch_size=8'
    commands = [
        'train addgcn_scenes',
        'scenes --train 40 --val 8',
        f'train addgcn_scenes --cfg-options {options}',
        'predict work_dirs/addgcn_scenes/epoch_2.pth data/scenes/val',
    ]
    done = run('-c', DRIVER, input='\n'.join(commands))
    assert done.returncode == 0, done.stderr[-2000:]
    place, imported, said, *answers = json.loads(done.stdout)
    assert place.startswith(str(installed))
    assert SLOW.isdisjoint(imported) and 'mlgcn.registry' in imported and not said
    (status, _, error), *others = answers
    assert status == 2 and 'mlgcn scenes data/scenes' in error
    assert [status for status, *_ in others] == [0, 0, 0], others
    assert others[-1][1].count('\n') == 8
