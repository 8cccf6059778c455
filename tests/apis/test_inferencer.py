"""Answers for files, arrays and PIL images."""

import os
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

from mlgcn.apis import MultiLabelInferencer
from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.registry import MODELS


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    stated = dict(temperature=2.0, thresholds=[0.0, 1.1, 0.0], objective='f1', images=7)
    return write_checkpoint(tmp_path_factory.mktemp('model'), calibration=stated)[0]


@pytest.fixture(scope='module')
def inferencer(checkpoint):
    return MultiLabelInferencer(checkpoint)


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    rng = np.random.default_rng(1)
    for index in range(5):
        pixels = rng.integers(0, 256, (30 + index, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f'{index}.png')
    return sorted(map(str, folder.iterdir()))


def test_paths_arrays_and_pil_images_agree(inferencer, photos):
    bgr = [mmcv.imread(path) for path in photos]
    from_paths = inferencer(photos, batch_size=2)
    assert [p.image for p in from_paths] == photos
    others = {
        'bgr': inferencer(bgr, channel_order='bgr', batch_size=2),
        'rgb': inferencer([a[..., ::-1] for a in bgr], channel_order='rgb', batch_size=2),
        'pil': inferencer([Image.open(path) for path in photos], batch_size=2),
        'one by one': [inferencer(path)[0] for path in photos],
    }
    for name, predictions in others.items():
        for one, other in zip(from_paths, predictions):
            np.testing.assert_allclose(
                one.probabilities, other.probabilities, rtol=1e-5, err_msg=name
            )
    swapped = inferencer(bgr, channel_order='rgb')
    assert not np.allclose(swapped[0].probabilities, from_paths[0].probabilities, rtol=1e-5)
    assert others['pil'][3].image == 'image 3'


def test_calibration_is_used(inferencer, checkpoint, photos):
    model = inferencer.model
    logits = model.logits([model.pack(photos[0])])[0]
    prediction = inferencer(photos[0])[0]
    np.testing.assert_allclose(
        prediction.probabilities, 1 / (1 + np.exp(-logits.astype(float) / 2)), rtol=1e-6
    )
    assert {name for name, _ in prediction.labels} == {'cat', 'bird'}  # no dog from 1.1 on
    assert prediction.labels[0][1] >= prediction.labels[1][1]
    assert 'calibrated for f1 on 7 images' in inferencer.decision
    assert 'temperature 2' in inferencer.decision


def test_threshold_and_top_k(checkpoint, photos):
    def labels(**options):
        inferencer = MultiLabelInferencer(checkpoint, **options)
        prediction = inferencer(photos[0])[0]
        order = np.argsort(-prediction.probabilities)
        return prediction.probabilities[order], [n for n, _ in prediction.labels], order

    ordered, found, order = labels(top_k=2)
    assert found == [CLASSES[k] for k in order[:2]]  # the dog, too: thresholds play no part
    ordered, found, order = labels(threshold=float(ordered[1]))
    assert found == [CLASSES[k] for k in order[:2]]  # the threshold itself counts
    assert labels(threshold=float(ordered[0]), top_k=2)[1] == [CLASSES[order[0]]]
    assert labels(threshold=1)[1] == []
    assert len(labels(threshold=0)[1]) == 3


def test_bad_files_are_named_and_the_others_go_on(inferencer, photos, tmp_path):
    cut = tmp_path / 'cut.png'
    cut.write_bytes(Path(photos[0]).read_bytes()[:900])
    words = tmp_path / 'words.jpg'
    words.write_text('no image')
    listed = [photos[0], str(cut), str(tmp_path / 'absent.jpg'), str(words), photos[1]]
    predictions = inferencer(listed, batch_size=2)
    assert [p.image for p in predictions] == listed
    assert [bool(p.error) for p in predictions] == [False, True, True, True, False]
    assert 'truncated' in predictions[1].error and 'No such file' in predictions[2].error
    assert predictions[3].error == 'not an image' and predictions[3].probabilities is None
    np.testing.assert_allclose(
        predictions[4].probabilities, inferencer(photos[1])[0].probabilities, rtol=1e-5
    )


def test_upstreams_reader_gets_no_pipe_half_picture_or_program(inferencer, photos, tmp_path):
    """mmcv's would wait for the pipe, hand the program to Ghostscript, and fill up with grey."""
    assert 'LoadImageFromFile' in str(inferencer.model.cfg.test_dataloader)
    Image.open(photos[0]).resize((99, 99)).save(tmp_path / 'half.jpg')
    data = (tmp_path / 'half.jpg').read_bytes()
    (tmp_path / 'half.jpg').write_bytes(data[: len(data) // 2] + b'\xff\xd9')
    os.mkfifo(tmp_path / 'pipe.jpg')
    program = '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'
    (tmp_path / 'program.jpg').write_text(program)
    words = {'half.jpg': 'premature end', 'pipe.jpg': 'not a regular', 'program.jpg': 'PostScript'}
    for prediction, word in zip(inferencer([str(tmp_path / n) for n in words]), words.values()):
        assert word in prediction.error


def test_images_are_taken_as_they_are_needed(inferencer, photos):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield photos[0]

    stream = inferencer.stream(endless(), batch_size=3)
    for _ in range(4):
        next(stream)
    stream.close()
    assert len(taken) <= 9


@pytest.mark.parametrize(
    'inputs, options, words',
    [
        (np.zeros((4, 4, 3), np.uint8), {}, "channel_order='rgb' or 'bgr'"),
        (np.zeros((4, 4, 3), np.uint8), dict(channel_order='gbr'), "expected 'rgb' or 'bgr'"),
        (np.zeros((4, 4, 3)), dict(channel_order='rgb'), 'float64 of shape'),
        (np.zeros((4, 4), np.uint8), dict(channel_order='rgb'), r'expected uint8 of shape \(H, W'),
        ([3], {}, 'image 0 is a int'),
        ('x.png', dict(batch_size=0), 'at least 1'),
    ],
)
def test_wrong_inputs(inferencer, inputs, options, words):
    with pytest.raises(ValueError, match=words):
        inferencer(inputs, **options)


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(threshold=1.5), 'from 0 to 1'),
        (dict(threshold=float('nan')), 'from 0 to 1'),
        (dict(top_k=0), 'at least 1'),
        (dict(top_k=4), 'the model has 3 classes'),
    ],
)
def test_wrong_decisions(checkpoint, options, words):
    with pytest.raises(ValueError, match=words):
        MultiLabelInferencer(checkpoint, **options)


def test_known_labels_are_given_to_ctran(tmp_path):
    torch.manual_seed(0)
    cfg = tiny_config()
    cfg.model.head = dict(type='mlgcn.CTranHead', num_classes=3, in_channels=32, num_layers=1)
    model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    weights = model.state_dict()
    save_weights(tmp_path / 'ctran.pth', weights, make_metadata(weights, CLASSES, 'none', cfg))
    image = np.zeros((40, 40, 3), np.uint8)
    answers = [
        MultiLabelInferencer(tmp_path / 'ctran.pth', known=known)(image, channel_order='rgb')[0]
        for known in (None, {CLASSES[0]: True, CLASSES[1]: False})
    ]
    plain, given = (answer.probabilities for answer in answers)
    assert given[0] == 1 and given[1] == 0 and given[2] != plain[2]
    with pytest.raises(ValueError, match='did you mean'):
        MultiLabelInferencer(tmp_path / 'ctran.pth', known={CLASSES[0] + 's': True})
    path, _ = write_checkpoint(tmp_path)
    with pytest.raises(ValueError, match='LinearHead takes no known labels'):
        MultiLabelInferencer(path, known={CLASSES[0]: True})
