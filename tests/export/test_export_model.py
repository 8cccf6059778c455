"""A file gets its name with its certificate, or neither; what it says without torch and mlgcn."""

import os
import subprocess
import sys

import numpy as np
import pytest
from export.conftest import certificate_of, expected_logits
from export.tiny_models import CLASSES
from tiny import ROOT

from mlgcn.apis import load_model
from mlgcn.export.export_model import ExportError
from mlgcn.export.files import OnnxFile

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')

EXAMPLE = ROOT / 'docs/examples/predict_onnx.py'
WITHOUT = """
import runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'torchvision', 'timm', 'mlgcn', 'mmengine', 'mmcv'):
            raise ImportError(name + ' is blocked')

sys.meta_path.insert(0, Blocker())
for name in ('torch', 'mlgcn'):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit('the blocker does not block ' + name)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def test_file_and_certificate_alone(export, tmp_path):
    export('addgcn', 'a.onnx', count=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.onnx', 'a.onnx.certificate.json']


def test_neither_where_one_cannot_be_placed(export, tmp_path):
    (tmp_path / 'a.onnx').mkdir()
    with pytest.raises(OSError, match='a.onnx'):
        export('addgcn', 'a.onnx', count=2)
    assert [p.name for p in tmp_path.iterdir()] == ['a.onnx']


def test_a_file_that_disagrees_is_refused(export, tmp_path, monkeypatch):
    run = OnnxFile.run
    monkeypatch.setattr(OnnxFile, 'run', lambda self, x: tuple(out + 0.01 for out in run(self, x)))
    (tmp_path / 'a.onnx').write_text('an earlier one')
    with pytest.raises(ExportError, match='a.onnx.rejected: disagrees'):
        export('addgcn', 'a.onnx')
    assert (tmp_path / 'a.onnx').read_text() == 'an earlier one'
    assert certificate_of(tmp_path / 'a.onnx.rejected')['verdict'] == 'disagrees'
    assert not (tmp_path / 'a.onnx.certificate.json').exists()


@pytest.mark.slow
def test_example_without_torch_says_what_mlgcn_says(export, checkpoints, photos, tmp_path):
    assert len(EXAMPLE.read_text().splitlines()) <= 30
    _, certificate = export('gkgnet', 'g.onnx', dynamic_batch=True)
    assert certificate['verdict'].startswith('agrees')
    paths = list(map(str, photos))
    ran = subprocess.run(
        [sys.executable, '-c', WITHOUT, str(EXAMPLE), 'g.onnx', *paths],
        capture_output=True, text=True, timeout=300, cwd=tmp_path, encoding='utf-8',
        env={**os.environ, 'PYTHONPATH': '', 'PYTHONIOENCODING': 'utf-8'},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    logits = expected_logits(checkpoints['gkgnet'], paths)
    calibration = load_model(None, checkpoints['gkgnet']).calibration
    expected = []
    for path, row in zip(paths, calibration.probabilities(logits)):
        expected.append(path)
        order = [k for k in np.argsort(-row) if row[k] >= calibration.thresholds[k]]
        expected += [f'  {CLASSES[k]} {row[k]:.3f}' for k in order]
    assert ran.stdout.splitlines() == expected
    assert len({*expected} - {*paths}) > 2  # there are labels, and not the same ones everywhere
