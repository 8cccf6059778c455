"""What a file's metadata and certificate state."""

import json

import numpy as np
import pytest
from export.tiny_models import CALIBRATION, CLASSES
from PIL import Image

from mlgcn.export.certificate import in_words

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


def test_metadata_and_certificate(export):
    path, certificate = export('addgcn', 'a.onnx')
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
    assert [image['difference_of_pillow'] for image in certificate['per_image']] == [0] * 6
    assert certificate['max_difference'] < 1e-4
    assert 'label sets equal on 6 of 6 images' in in_words(certificate)


def test_images_that_pillow_reads_otherwise(export, tmp_path):
    Image.new('RGBA', (90, 60), (200, 10, 10, 128)).save(tmp_path / 'clear.png')
    _, certificate = export('addgcn', 'a.onnx', [tmp_path / 'clear.png'])
    assert certificate['per_image'][0]['difference_of_pillow'] > 0
    assert '1 images have other pixels' in in_words(certificate)
