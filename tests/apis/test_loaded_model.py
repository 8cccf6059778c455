"""Predictions, features and pictures for files, pixels and bytes."""

import io
import os
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

import mlgcn
from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.datasets.image_io import BadImage
from mlgcn.registry import MODELS


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    stated = dict(temperature=2.0, thresholds=[0.0, 1.1, 0.0], objective='f1', images=7)
    return write_checkpoint(tmp_path_factory.mktemp('model'), calibration=stated)[0]


@pytest.fixture(scope='module')
def model(checkpoint):
    return mlgcn.load(checkpoint, device='cpu')


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    rng = np.random.default_rng(1)
    for index in range(5):
        pixels = rng.integers(0, 256, (30 + index, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f'{index}.png')
    return sorted(map(str, folder.iterdir()))


def probabilities(predictions):
    return np.stack([prediction.probabilities for prediction in predictions])


def test_every_kind_of_input_agrees(model, photos):
    bgr = [mmcv.imread(path) for path in photos]
    rgb = [np.ascontiguousarray(image[..., ::-1]) for image in bgr]
    from_paths = model.predict(photos, batch_size=2)
    assert [p.image for p in from_paths] == photos
    folder = os.path.dirname(photos[0])
    others = {
        'rgb': rgb,
        'floats': [image.astype(np.float32) / 255 for image in rgb],
        'tensors': [torch.from_numpy(image).permute(2, 0, 1) for image in rgb],
        'float tensors': [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in rgb],
        'pil': [Image.open(path) for path in photos],
        'bytes': [Path(path).read_bytes() for path in photos],
        'Path': [Path(path) for path in photos],
        'folder': folder,
        'glob': f'{folder}/*.png',
    }
    for name, images in others.items():
        seen = probabilities(model.predict(images, batch_size=2))
        np.testing.assert_allclose(seen, probabilities(from_paths), rtol=1e-5, err_msg=name)
    seen = model.predict(bgr, channel_order='bgr')
    np.testing.assert_allclose(probabilities(seen), probabilities(from_paths), rtol=1e-5)
    assert seen[3].image == 'image 3'
    assert not np.allclose(probabilities(model.predict(bgr)), probabilities(seen), rtol=1e-5)
    one_by_one = [model.predict(image)[0] for image in rgb]
    np.testing.assert_allclose(probabilities(one_by_one), probabilities(from_paths), rtol=1e-5)


def test_batches_and_grey(model):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (2, 30, 40, 1), np.uint8)
    colour = grey.repeat(3, axis=3)
    expected = probabilities(model.predict(colour))
    tensor = torch.from_numpy(colour).permute(0, 3, 1, 2)
    for images in (grey, list(grey[..., 0]), tensor, tensor[:, :1] / 255):
        np.testing.assert_allclose(probabilities(model.predict(images)), expected, rtol=1e-5)
    assert model.predict([]) == []


def test_calibration_is_used(model, photos):
    logits = model.logits([model.pack(photos[0])])[0]
    prediction = model.predict(photos[0])[0]
    np.testing.assert_allclose(
        prediction.probabilities, 1 / (1 + np.exp(-logits.astype(float) / 2)), rtol=1e-6
    )
    assert {name for name, _ in prediction.labels} == {'cat', 'bird'}  # no dog from 1.1 on
    assert prediction.labels[0][1] >= prediction.labels[1][1]
    assert prediction.thresholds.tolist() == pytest.approx([0, 1.1, 0])
    assert 'calibrated for f1 on 7 images' in str(model.decision())
    assert 'temperature 2' in str(model.decision())


def test_threshold_and_top_k(model, photos):
    def labels(**options):
        prediction = model.predict(photos[0], **options)[0]
        order = np.argsort(-prediction.probabilities)
        return prediction.probabilities[order], [n for n, _ in prediction.labels], order

    ordered, found, order = labels(top_k=2)
    assert found == [CLASSES[k] for k in order[:2]]  # the dog, too: thresholds play no part
    assert model.predict(photos[0], top_k=2)[0].thresholds is None
    ordered, found, order = labels(threshold=float(ordered[1]))
    assert found == [CLASSES[k] for k in order[:2]]  # the threshold itself counts
    assert labels(threshold=float(ordered[0]), top_k=2)[1] == [CLASSES[order[0]]]
    assert labels(threshold=1)[1] == []
    assert len(labels(threshold=0)[1]) == 3


def test_mirror_image(model, photos):
    plain = model.logits([model.pack(photos[0])])
    mirror = model.logits([model.pack(mmcv.imread(photos[0])[:, ::-1])])
    both = model.logits([model.pack(photos[0])], tta=True)
    assert not np.allclose(plain, mirror, rtol=1e-3)
    np.testing.assert_allclose(both, (plain + mirror) / 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.logits([model.pack(photos[0])]), plain)  # no hook stays
    expected = 1 / (1 + np.exp(-both[0].astype(float) / 2))
    seen = model.predict(photos[0], tta=True)[0].probabilities
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


def test_features_are_what_the_head_gets(model, photos):
    pooled, (*_, last) = model.features(photos, batch_size=2), model.features(photos, pooled=False)
    assert pooled.shape == (5, 32) and last.shape[:2] == (5, 32)
    np.testing.assert_allclose(pooled, last.mean(axis=(2, 3)), rtol=1e-3, atol=1e-8)
    logits = model.model.head((torch.from_numpy(last),)).detach().numpy()
    expected = model.logits([model.pack(path) for path in photos])
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)


def test_pictures_that_explain(model, photos):
    pictures = model.explain(photos[0], ['dog'])
    assert list(pictures) == ['class map dog']
    assert isinstance(pictures['class map dog'], Image.Image)
    assert list(model.explain(Image.open(photos[0]), top_k=1))[0].startswith('class map')
    with pytest.raises(ValueError, match='no class'):
        model.explain(photos[0], ['dgo'])
    assert list(model.explain(photos[0], 'dog')) == list(pictures)
    with pytest.raises(ValueError, match='seen 2'):
        model.explain(photos[:2])


def test_bad_files_are_named_and_the_others_go_on(model, photos, tmp_path):
    cut = tmp_path / 'cut.png'
    cut.write_bytes(Path(photos[0]).read_bytes()[:900])
    words = tmp_path / 'words.jpg'
    words.write_text('no image')
    listed = [photos[0], str(cut), str(tmp_path / 'absent.jpg'), str(words), photos[1]]
    predictions = model.predict(listed, batch_size=2, keep_errors=True)
    assert [p.image for p in predictions] == listed
    assert [bool(p.error) for p in predictions] == [False, True, True, True, False]
    assert 'truncated' in predictions[1].error and 'No such file' in predictions[2].error
    assert predictions[3].error == 'not an image' and predictions[3].probabilities is None
    np.testing.assert_allclose(
        predictions[4].probabilities, model.predict(photos[1])[0].probabilities, rtol=1e-5
    )


def test_wrong_files_raise(model, photos, tmp_path):
    (tmp_path / 'words.jpg').write_text('no image')
    with pytest.raises(FileNotFoundError, match=r'absent\.jpg'):
        model.predict([photos[0], tmp_path / 'absent.jpg'])
    with pytest.raises(FileNotFoundError, match=r'\*\.gif'):
        model.predict(f'{tmp_path}/*.gif')
    for function in (model.predict, model.features, model.explain):
        with pytest.raises(BadImage, match=r'words\.jpg: not an image'):
            function(tmp_path / 'words.jpg')
    with pytest.raises(BadImage, match='image 0: not an image'):
        model.predict(b'no image')


def test_upstreams_reader_gets_no_pipe_half_picture_or_program(model, photos, tmp_path):
    """mmcv's would wait for the pipe, hand the program to Ghostscript, and fill up with grey."""
    assert 'LoadImageFromFile' in str(model.cfg.test_dataloader)
    Image.open(photos[0]).resize((99, 99)).save(tmp_path / 'half.jpg')
    data = (tmp_path / 'half.jpg').read_bytes()
    (tmp_path / 'half.jpg').write_bytes(data[: len(data) // 2] + b'\xff\xd9')
    os.mkfifo(tmp_path / 'pipe.jpg')
    program = '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'
    (tmp_path / 'program.jpg').write_text(program)
    words = {'half.jpg': 'premature end', 'pipe.jpg': 'not a regular', 'program.jpg': 'PostScript'}
    predictions = model.predict([str(tmp_path / n) for n in words], keep_errors=True)
    for prediction, word in zip(predictions, words.values()):
        assert word in prediction.error


def test_images_are_taken_as_they_are_needed(model, photos):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield photos[0]

    stream = model.stream(endless(), batch_size=3)
    for _ in range(4):
        next(stream)
    stream.close()
    assert len(taken) <= 9


@pytest.mark.parametrize(
    'images, options, words',
    [
        (np.zeros((4, 4, 3), np.uint8), dict(channel_order='gbr'), "expected 'rgb' or 'bgr'"),
        (np.full((4, 4, 3), 255.0), {}, 'floats from 255 to 255, expected 0 to 1'),
        (np.full((4, 4, 3), np.nan), {}, 'nan'),
        (np.zeros((4, 4, 3), np.uint16), {}, 'uint16, expected uint8'),
        (np.zeros((4, 4, 4), np.uint8), {}, r'shape \(4, 4, 4\), expected uint8 of shape'),
        (np.zeros((3, 40, 50), np.uint8), {}, r'shape \(3, 40, 50\)'),
        (np.zeros((0, 4, 3), np.uint8), {}, 'shape'),
        (np.zeros(4, np.uint8), {}, 'shape'),
        (torch.zeros(4, 4, 3), {}, r'expected a tensor .* \(3, H, W\)'),
        (torch.zeros(4, 4), {}, 'shape'),
        ([3], {}, 'image 0 is a int'),
        (None, {}, 'image 0 is a NoneType'),
        (io.BytesIO(), {}, 'an open file'),
        ([], dict(batch_size=0), 'at least 1'),
        ([], dict(batch_size=2.5), 'batch_size is 2.5'),
        ([], dict(threshold='0.5'), "'0.5'"),
        ([], dict(top_k='3'), "'3'"),
        ([], dict(top_k=2.5), '2.5'),
        ([], dict(threshold=1.5), 'from 0 to 1'),
        ([], dict(threshold=float('nan')), 'from 0 to 1'),
        ([], dict(top_k=0), 'at least 1'),
        ([], dict(top_k=4), 'the model has 3 classes'),
    ],
)
def test_wrong_inputs(model, images, options, words):
    with pytest.raises(ValueError, match=words):
        model.predict(images, **options)


def test_known_labels_are_given_to_ctran(tmp_path):
    torch.manual_seed(0)
    cfg = tiny_config()
    cfg.model.head = dict(type='mlgcn.CTranHead', num_classes=3, in_channels=32, num_layers=1)
    network = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    weights = network.state_dict()
    save_weights(tmp_path / 'ctran.pth', weights, make_metadata(weights, CLASSES, 'none', cfg))
    image = np.zeros((40, 40, 3), np.uint8)
    answers = [
        mlgcn.load(tmp_path / 'ctran.pth', known=known).predict(image)[0]
        for known in (None, {CLASSES[0]: True, CLASSES[1]: False})
    ]
    plain, given = (answer.probabilities for answer in answers)
    assert given[0] == 1 and given[1] == 0 and given[2] != plain[2]
    model = mlgcn.load(tmp_path / 'ctran.pth', known={CLASSES[0]: True})
    assert 'CTranHead' in repr(model) and 'known: cat' in repr(model)
    assert model.predict(image, tta=True)[0].probabilities[0] == 1
    with pytest.raises(ValueError, match='did you mean'):
        mlgcn.load(tmp_path / 'ctran.pth', known={CLASSES[0] + 's': True})
    path, _ = write_checkpoint(tmp_path)
    with pytest.raises(ValueError, match='LinearHead takes no known labels'):
        mlgcn.load(path, known={CLASSES[0]: True})
