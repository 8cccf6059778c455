"""mlgcn export as a user meets it; the files are tested in tests/export."""

import pytest
from export.tiny_models import write_checkpoint

from mlgcn.export import export_model

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    return {name: write_checkpoint(folder, name) for name in ('addgcn', 'gkgnet')}


@pytest.fixture
def export(mlgcn, monkeypatch, tmp_path):
    """Run the command in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: mlgcn('export', *args)


@pytest.mark.parametrize(
    'args, words',
    [
        (['missing.pth'], ['missing.pth', 'no such checkpoint']),
        (['missing_config', 'CKPT'], ['missing_config', 'no such config']),
        (['CKPT', '--out', 'model.pt2'], ['model.pt2', '.onnx']),
        (['CKPT', '--out', 'model.onnx', '--format', 'torch-export'], ['model.onnx', '.pt2']),
        (['CKPT', '--out', 'nowhere/model.onnx'], ['nowhere', 'no such folder']),
        (['CKPT', '--out', 'here.onnx'], ['here.onnx', 'exists', '--force']),
        (['CKPT', '--out', 'certified.onnx'], ['certified.onnx.certificate.json', 'exists']),
        (['CKPT', '--out', 'a.onnx', '--images', 'none/*.jpg'], ['none/*.jpg', 'no file']),
        (['CKPT', '--out', 'a.onnx', '--images', 'notes.jpg'], ['notes.jpg', 'not an image']),
        (['GKG', '--out', 'a.onnx', '--image-size', '8', '8'], ['8 x 8', '32 x 32 pixels']),
        (['CKPT', '--format', 'tflite'], ['tflite', 'onnx', 'torch-export']),
        (['CKPT', '--image-size', '0', '64'], ['--image-size', 'above 0']),
        (['A', 'B', 'CKPT'], ['[CONFIG] CKPT', '3 files']),
    ],
    ids=lambda value: '',
)  # fmt: skip
def test_wrong_input(export, checkpoints, tmp_path, args, words):
    (tmp_path / 'here.onnx').write_text('mine')
    (tmp_path / 'certified.onnx.certificate.json').write_text('mine')
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


def test_one_line_for_a_file(export, checkpoints, monkeypatch, tmp_path):
    monkeypatch.setitem(export_model.__globals__, 'TIMED', 0.0)
    answer = export(checkpoints['addgcn'], '--out', 'a.onnx', '--num-images', '2')
    assert (answer.status, answer.out.count('\n')) == (0, 1)
    assert 'a.onnx: agrees' in answer.out and 'generated scenes' in answer.out
    assert (tmp_path / 'a.onnx.certificate.json').exists()
