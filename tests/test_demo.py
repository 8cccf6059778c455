"""`make demo` in a small form: every step leaves what the last line names."""

import os
import subprocess
from pathlib import Path

import pytest
from tiny import ROOT


@pytest.mark.slow
def test_every_step_of_the_demo_leaves_its_output(tmp_path, python):
    path = os.pathsep.join(map(str, (python.parent, os.environ['PATH'])))
    done = subprocess.run(
        ['bash', str(ROOT / 'tools/demo.sh'), '100', '200', '1'],
        env={**os.environ, 'PATH': path, 'OUT': str(tmp_path), 'PYTHONPATH': str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    words = [word.strip(',.') for word in done.stdout.partition('open in a browser:')[2].split()]
    pages = [word for word in words if word.endswith('.html')]
    assert {Path(page).name for page in pages} == {'comparison.html', 'report.html', 'index.html'}
    outputs = ('check/dataset_check.txt', 'compared/model.pth', 'predictions.csv')
    outputs += ('photos/sheet.png',)
    assert all(Path(page).stat().st_size > 1000 for page in pages)
    assert all((tmp_path / name).is_file() for name in outputs)
    assert len(list((tmp_path / 'drawn').rglob('*.*'))) == 29
