"""mlgcn export and its example as a user meets them."""

import io
import json
import os
import pickletools
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from export.tiny_models import CALIBRATION, CLASSES, write_checkpoint
from PIL import Image
from tiny import ROOT, make_photos

from mlgcn.apis import load_model
from mlgcn.export.images import resize_rule

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


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp('photos'), 0, 6)


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    return {name: write_checkpoint(folder, name) for name in ('addgcn', 'gkgnet')}


@pytest.fixture
def export(mlgcn, monkeypatch, tmp_path):
    """Run the command in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: mlgcn('export', *args)


def certificate_of(path):
    return json.loads(path.with_name(f'{path.name}.certificate.json').read_text(encoding='utf-8'))


def expected_logits(checkpoint, paths, size=None):
    """What mlgcn predicts for image files, one at a time."""
    loaded = load_model(None, checkpoint)
    if size:
        _, loaded.pipeline = resize_rule(loaded.cfg.test_dataloader.dataset.pipeline, size)
    return np.concatenate([loaded.logits([loaded.pack(path)]) for path in paths])


def pillow(path, size=(64, 64)):
    return np.asarray(Image.open(path).resize(size[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    'args, words',
    [
        (['missing.pth'], ['missing.pth', 'no such checkpoint']),
        (['missing_config', 'CKPT'], ['missing_config', 'no such config']),
        (['CKPT', '--out', 'model.pt2'], ['model.pt2', '.onnx']),
        (['CKPT', '--out', 'model.onnx', '--format', 'torch-export'], ['model.onnx', '.pt2']),
        (['CKPT', '--out', 'nowhere/model.onnx'], ['nowhere', 'no such folder']),
        (['CKPT', '--out', 'here.onnx'], ['here.onnx', 'exists', '--force']),
        (['CKPT', '--out', 'a.onnx', '--images', 'none/*.jpg'], ['none/*.jpg', 'no file']),
        (['CKPT', '--out', 'a.onnx', '--images', 'notes.jpg'], ['notes.jpg', 'not an image']),
        (['GKG', '--out', 'a.onnx', '--image-size', '32', '32'], ['32 x 32', 'smallest', '33']),
        (['CKPT', '--format', 'tflite'], ['tflite', 'onnx', 'torch-export']),
        (['CKPT', '--image-size', '0', '64'], ['--image-size', 'above 0']),
        (['A', 'B', 'CKPT'], ['[CONFIG] CKPT', '3 files']),
    ],
    ids=lambda value: '',
)  # fmt: skip
def test_wrong_input(export, checkpoints, tmp_path, args, words):
    (tmp_path / 'here.onnx').write_text('mine')
    (tmp_path / 'notes.jpg').write_text('no image')
    names = {'CKPT': checkpoints['addgcn'], 'GKG': checkpoints['gkgnet']}
    answer = export(*[names.get(arg, arg) for arg in args])
    assert answer.status == 2 and all(word in answer.error for word in words), answer.error
    assert (tmp_path / 'here.onnx').read_text() == 'mine'
    assert not (tmp_path / 'a.onnx').exists()


def test_missing_packages_are_named(export, checkpoints, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    status, _, error = export(checkpoints['addgcn'], '--out', 'a.onnx')
    assert status == 2
    assert 'pip install onnx onnxscript onnxruntime' in error


def test_onnx_file_and_certificate(export, checkpoints, photos, tmp_path):
    import onnx
    import onnxruntime

    status, output, _ = export(checkpoints['addgcn'], '--out', 'a.onnx', '--images', photos)
    assert (status, output.count('\n')) == (0, 1)
    assert 'agrees: ' in output and 'label sets equal on 6 of 6 images' in output
    path = tmp_path / 'a.onnx'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.onnx', 'a.onnx.certificate.json']
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if entry.domain == ''] == [18]
    assert not [node.op_type for node in model.graph.node if node.domain]

    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    about = session.get_modelmeta().custom_metadata_map
    about = {key: json.loads(text) for key, text in about.items()}
    assert about['classes'] == list(CLASSES)
    np.testing.assert_array_equal(about['thresholds'], np.float32(CALIBRATION['thresholds']))
    assert about['temperature'] == 1.7
    assert about['normalisation'] == dict(mean=[110, 120, 130], std=[50, 60, 70])
    assert about['resize']['interpolation'] == 'bicubic'
    assert about['licence'] == 'CC0'
    certificate = certificate_of(path)
    assert about['weights_sha256'] == certificate['weights_sha256']
    assert certificate['verdict'] == 'agrees'
    assert [image['difference_of_pillow'] for image in certificate['per_image']] == [0] * 6
    assert certificate['max_difference'] < 1e-4

    paths = sorted(photos.glob('*.jpg'))
    logits = np.concatenate([session.run(None, {'images': pillow(p)[None]})[0] for p in paths])
    np.testing.assert_allclose(logits, expected_logits(checkpoints['addgcn'], paths), atol=1e-4)
    probabilities = session.run(None, {'images': pillow(paths[0])[None]})[1]
    np.testing.assert_allclose(probabilities[0], 1 / (1 + np.exp(-logits[0] / 1.7)), atol=1e-6)


def test_large_weights_lie_beside_the_file(export, checkpoints, photos, tmp_path, monkeypatch):
    threshold = 'torch.onnx._internal.exporter._onnx_program._LARGE_MODEL_THRESHOLD'
    monkeypatch.setattr(threshold, 0)
    args = ['--out', 'a.onnx', '--images', photos, '--num-images', 2, '--image-size', 32, 48]
    assert export(checkpoints['addgcn'], *args)[0] == 0
    import onnxruntime

    assert set(certificate_of(tmp_path / 'a.onnx')['sha256']) == {'a.onnx', 'a.onnx.data'}
    session = onnxruntime.InferenceSession(tmp_path / 'a.onnx')
    path = sorted(photos.glob('*.jpg'))[0]
    (logits, _) = session.run(None, {'images': pillow(path, (32, 48))[None]})
    expected = expected_logits(checkpoints['addgcn'], [path], (32, 48))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_other_pixels_are_told(export, checkpoints, tmp_path):
    Image.new('RGBA', (90, 60), (200, 10, 10, 128)).save(tmp_path / 'clear.png')
    status, output, _ = export(checkpoints['addgcn'], '--out', 'a.onnx', '--images', 'clear.png')
    assert status == 0
    assert '1 images have other pixels when Pillow alone reads them' in output


def test_a_file_that_disagrees_is_refused(export, checkpoints, photos, tmp_path, monkeypatch):
    from mlgcn.export.files import OnnxFile

    run = OnnxFile.run
    monkeypatch.setattr(OnnxFile, 'run', lambda self, x: tuple(out + 0.01 for out in run(self, x)))
    (tmp_path / 'a.onnx').write_text('an earlier one')
    status, output, _ = export(
        checkpoints['addgcn'], '--out', 'a.onnx', '--images', photos, '--force'
    )
    assert isinstance(status, str) and 'a.onnx.rejected: disagrees' in status  # exits with 1
    assert output == ''
    assert (tmp_path / 'a.onnx').read_text() == 'an earlier one'
    assert certificate_of(tmp_path / 'a.onnx.rejected')['verdict'] == 'disagrees'
    assert not (tmp_path / 'a.onnx.certificate.json').exists()


@pytest.mark.slow
def test_example_without_torch_says_what_mlgcn_says(export, checkpoints, photos, tmp_path):
    assert len(EXAMPLE.read_text().splitlines()) <= 30
    args = ['--out', 'g.onnx', '--images', photos, '--dynamic-batch']
    status, output, _ = export(checkpoints['gkgnet'], *args)
    assert status == 0, output
    assert certificate_of(tmp_path / 'g.onnx')['verdict'].startswith('agrees')
    paths = sorted(map(str, photos.glob('*.jpg')))
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


@pytest.mark.slow
def test_torch_export_file(export, checkpoints, photos, tmp_path):
    args = ['--format', 'torch-export', '--out', 'g.pt2', '--images', photos, '--num-images', 2]
    assert export(checkpoints['gkgnet'], *args)[0] == 0
    assert certificate_of(tmp_path / 'g.pt2')['verdict'].startswith('agrees')
    texts = {'classes': '', 'thresholds': ''}
    module = torch.export.load(tmp_path / 'g.pt2', extra_files=texts).module()
    assert json.loads(texts['classes']) == list(CLASSES)
    path = sorted(photos.glob('*.jpg'))[0]
    with torch.no_grad():
        logits, _ = module(torch.from_numpy(pillow(path)[None]))
    np.testing.assert_allclose(logits, expected_logits(checkpoints['gkgnet'], [path]), atol=1e-4)
    with zipfile.ZipFile(tmp_path / 'g.pt2') as archive:  # no pickle that could run code
        for name in archive.namelist():
            content = archive.read(name)
            if zipfile.is_zipfile(io.BytesIO(content)):
                torch.load(io.BytesIO(content), weights_only=True)
            elif 'custom_obj' in name:
                pickletools.dis(content)
                pytest.fail(f'{name} is a pickle')


@pytest.mark.slow
def test_half_precision(export, checkpoints, photos, tmp_path):
    args = ['--out', 'h.onnx', '--images', photos, '--fp16']
    status, output, _ = export(checkpoints['addgcn'], *args)
    assert status == 0, output
    certificate = certificate_of(tmp_path / 'h.onnx')
    assert certificate['precision'] == 'float16'
    assert 0 < certificate['max_difference'] < 0.1
    import onnx

    model = onnx.load(tmp_path / 'h.onnx')
    half = {w.data_type for w in model.graph.initializer if 'backbone' in w.name and w.dims}
    assert onnx.TensorProto.FLOAT16 in half and onnx.TensorProto.FLOAT not in half
    (images,) = model.graph.input
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert {o.type.tensor_type.elem_type for o in model.graph.output} == {onnx.TensorProto.FLOAT}
