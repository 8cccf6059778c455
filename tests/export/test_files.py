"""Exported files hold the model: run by onnxruntime and torch alone they answer as mlgcn does."""

import io
import json
import pickletools
import zipfile

import numpy as np
import pytest
import torch
from export.conftest import expected_logits, pillow
from export.tiny_models import CLASSES

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


def test_onnx_file(addgcn, checkpoints, photos):
    path, _ = addgcn
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if entry.domain == ''] == [18]
    assert not [node.op_type for node in model.graph.node if node.domain]
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    logits = np.concatenate([session.run(None, {'images': pillow(p)[None]})[0] for p in photos])
    np.testing.assert_allclose(logits, expected_logits(checkpoints['addgcn'], photos), atol=1e-4)
    probabilities = session.run(None, {'images': pillow(photos[0])[None]})[1]
    np.testing.assert_allclose(probabilities[0], 1 / (1 + np.exp(-logits[0] / 1.7)), atol=1e-6)


MIRROR = {'model.type': 'mlgcn.MirrorAveragedClassifier'}


def test_the_mean_of_picture_and_mirror_image(export, checkpoints, photos):
    path, certificate = export('addgcn', 'm.onnx', photos[:3], MIRROR, dynamic_batch=True)
    assert certificate['verdict'] == 'agrees'
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    (logits, _) = session.run(None, {'images': np.stack([pillow(photo) for photo in photos[:3]])})
    plain, expected = (
        expected_logits(checkpoints['addgcn'], photos[:3], cfg_options=options)
        for options in (None, MIRROR)
    )
    assert np.abs(plain - expected).max() > 1e-3
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.slow
def test_half_precision_of_the_mean(export, photos):
    path, certificate = export('gkgnet', 'm.onnx', photos[:3], MIRROR, half=True)
    assert certificate['verdict'].startswith('agrees')


def test_large_weights_lie_beside_the_file(export, checkpoints, photos, monkeypatch):
    threshold = 'torch.onnx._internal.exporter._onnx_program._LARGE_MODEL_THRESHOLD'
    monkeypatch.setattr(threshold, 0)
    path, certificate = export('addgcn', 'a.onnx', photos[:2], size=(32, 48))
    assert set(certificate['sha256']) == {'a.onnx', 'a.onnx.data'}
    session = onnxruntime.InferenceSession(path)
    (logits, _) = session.run(None, {'images': pillow(photos[0], (32, 48))[None]})
    expected = expected_logits(checkpoints['addgcn'], photos[:1], (32, 48))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.slow
def test_torch_export_file(export, checkpoints, photos):
    options = dict(format='torch-export', dynamic_batch=True)
    path, certificate = export('gkgnet', 'g.pt2', photos[:3], MIRROR, **options)
    assert certificate['verdict'].startswith('agrees')
    texts = {'classes': '', 'thresholds': ''}
    module = torch.export.load(path, extra_files=texts).module()
    assert json.loads(texts['classes']) == list(CLASSES)
    with torch.no_grad():
        logits, _ = module(torch.from_numpy(pillow(photos[0])[None].copy()))
    expected = expected_logits(checkpoints['gkgnet'], photos[:1], cfg_options=MIRROR)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    with zipfile.ZipFile(path) as archive:  # no pickle that could run code
        for name in archive.namelist():
            content = archive.read(name)
            if zipfile.is_zipfile(io.BytesIO(content)):
                torch.load(io.BytesIO(content), weights_only=True)
            elif 'custom_obj' in name:
                pickletools.dis(content)
                pytest.fail(f'{name} is a pickle')


@pytest.mark.slow
def test_half_precision(export):
    path, certificate = export('addgcn', 'h.onnx', half=True)
    assert certificate['precision'] == 'float16'
    assert 0 < certificate['max_difference'] < 0.1
    model = onnx.load(path)
    half = {w.data_type for w in model.graph.initializer if 'backbone' in w.name and w.dims}
    assert onnx.TensorProto.FLOAT16 in half and onnx.TensorProto.FLOAT not in half
    (images,) = model.graph.input
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert {o.type.tensor_type.elem_type for o in model.graph.output} == {onnx.TensorProto.FLOAT}
