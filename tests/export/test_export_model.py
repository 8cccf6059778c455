"""A file gets its name with its certificate, or neither; what both state, without torch, too."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from export.conftest import certificate_of, expected_logits
from export.tiny_models import CALIBRATION, CLASSES
from tiny import ROOT

from mlgcn.apis import load_model
from mlgcn.export.export_model import ExportError, _place, in_words
from mlgcn.export.export_model import certificate_of as certificate_file
from mlgcn.export.files import OnnxFile

onnxruntime = pytest.importorskip('onnxruntime')
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


def test_file_and_certificate_alone(addgcn):
    names = sorted(p.name for p in addgcn[0].parent.iterdir())
    assert names == ['a.onnx', 'a.onnx.certificate.json']


def test_neither_where_one_cannot_be_placed(written_before, export, tmp_path):
    (tmp_path / 'a.onnx').mkdir()
    with pytest.raises(OSError, match='a.onnx'):
        export('addgcn', 'a.onnx', count=2)
    assert [p.name for p in tmp_path.iterdir()] == ['a.onnx']


@pytest.mark.parametrize('killed_at', [1, 2])
def test_an_earlier_file_is_gone_before_its_certificate_changes(tmp_path, monkeypatch, killed_at):
    """Killed between two renames, no file stands beside the certificate of another one."""
    path, calls, replace = tmp_path / 'a.onnx', [], os.replace
    for earlier in (path, certificate_file(path)):
        earlier.write_text('earlier')
    path.chmod(0o640)
    (tmp_path / 'staged').mkdir()
    staged = tmp_path / 'staged/a.onnx'
    staged.write_text('new')

    def killed(*args):
        calls.append(args)
        if len(calls) == killed_at:
            raise SystemExit
        replace(*args)

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(SystemExit):
        _place([staged], {'verdict': 'agrees'}, path)
    assert not path.exists()
    monkeypatch.setattr(os, 'replace', replace)
    _place([staged], {'verdict': 'agrees'}, path)
    assert path.read_text() == 'new' and 'agrees' in certificate_file(path).read_text()


def test_a_file_that_disagrees_is_refused(written_before, export, tmp_path, monkeypatch):
    run = OnnxFile.run
    monkeypatch.setattr(OnnxFile, 'run', lambda self, x: tuple(out + 0.01 for out in run(self, x)))
    (tmp_path / 'a.onnx').write_text('an earlier one')
    with pytest.raises(ExportError, match='a.onnx.rejected: disagrees'):
        export('addgcn', 'a.onnx')
    assert (tmp_path / 'a.onnx').read_text() == 'an earlier one'
    assert certificate_of(tmp_path / 'a.onnx.rejected')['verdict'] == 'disagrees'
    assert not (tmp_path / 'a.onnx.certificate.json').exists()


def test_metadata_and_certificate(addgcn):
    path, certificate = addgcn
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    texts = session.get_modelmeta().custom_metadata_map
    about = {key: json.loads(text) for key, text in texts.items()}
    assert about['classes'] == list(CLASSES)
    np.testing.assert_array_equal(about['thresholds'], np.float32(CALIBRATION['thresholds']))
    assert about['temperature'] == 1.7
    assert about['normalisation'] == dict(mean=[110, 120, 130], std=[50, 60, 70])
    assert about['resize']['interpolation'] == 'bicubic'
    assert about['licence'] == 'CC0'
    assert about['weights_sha256'] == certificate['weights_sha256']
    assert certificate['verdict'] == 'agrees'
    assert certificate['max_difference'] < 1e-4
    assert all(speed > 0 for speed in certificate['images_per_second'].values())
    assert 'label sets equal on 7 of 7 images' in in_words(certificate)


def test_an_image_that_pillow_reads_otherwise(addgcn):
    *same, clear = (image['difference_of_pillow'] for image in addgcn[1]['per_image'])
    assert same == [0] * 6 and clear > 0
    assert '1 images have other pixels' in in_words(addgcn[1])


@pytest.mark.slow
def test_example_without_torch_says_what_mlgcn_says(export, checkpoints, photos, tmp_path):
    assert len(EXAMPLE.read_text().splitlines()) <= 30
    mirror = {'model.type': 'mlgcn.MirrorAveragedClassifier'}
    _, certificate = export('gkgnet', 'g.onnx', cfg_options=mirror, dynamic_batch=True)
    assert certificate['verdict'].startswith('agrees')
    paths = list(map(str, photos))
    ran = subprocess.run(
        [sys.executable, '-c', WITHOUT, str(EXAMPLE), 'g.onnx', *paths],
        capture_output=True, text=True, timeout=300, cwd=tmp_path, encoding='utf-8',
        env={**os.environ, 'PYTHONPATH': '', 'PYTHONIOENCODING': 'utf-8'},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    logits = expected_logits(checkpoints['gkgnet'], paths, cfg_options=mirror)
    calibration = load_model(checkpoints['gkgnet']).calibration
    expected = []
    for path, row in zip(paths, calibration.probabilities(logits)):
        expected.append(path)
        order = [k for k in np.argsort(-row) if row[k] >= calibration.thresholds[k]]
        expected += [f'  {CLASSES[k]} {row[k]:.3f}' for k in order]
    assert ran.stdout.splitlines() == expected
    assert len({*expected} - {*paths}) > 2  # there are labels, and not the same ones everywhere
