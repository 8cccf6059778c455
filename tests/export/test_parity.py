"""The comparison finds what it should: wrong logits, labels and neighbours, and no others."""

import copy

import numpy as np
import pytest
import torch
from export.tiny_models import write_checkpoint
from fill import make_input

from mlgcn.apis import load_model
from mlgcn.export import parity as parity_module
from mlgcn.export.files import record_edges
from mlgcn.export.parity import LIMITS, Parity, _excess, replay, rows_that_differ
from mlgcn.ops import group_knn


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('export'), 'gkgnet')


@pytest.fixture(scope='module')
def loaded(path):
    return load_model(path)


class PyTorchFile:
    """Stands for an exported file: the model itself, or with other neighbours, plus an error."""

    packages, metadata = (), {}

    def __init__(self, loaded, logits=0.0, probabilities=0.0, wrong_row=None):
        self.loaded, self.wrong_row = loaded, wrong_row
        self.errors = logits, probabilities
        self.exact = copy.deepcopy(loaded.model).double()

    @torch.no_grad()
    def edges(self, images):
        with record_edges(self.loaded.model) as edges:
            self.loaded.model(self._normalised(images), mode='tensor')
        if self.wrong_row is not None:
            edges[0] = edges[0].clone()
            edges[0][:, :, self.wrong_row] = (edges[0][:, :, self.wrong_row] + 5) % 16
        return edges

    def run(self, images):
        logits, _ = replay(self.exact, self._normalised(images), self.edges(images))
        logits = logits.numpy().astype(np.float32) + self.errors[0]
        return logits, self.loaded.calibration.probabilities(logits) + self.errors[1]

    def _normalised(self, images):
        inputs = list(torch.from_numpy(images).permute(0, 3, 1, 2).flip(1))
        return self.loaded.model.data_preprocessor(dict(inputs=inputs), False)['inputs']


def compare(loaded, file, precision='float32', number=2):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (number, 64, 64, 3)).astype(np.uint8)
    parity = Parity(loaded, file, precision)
    parity.compare([loaded.pack(image) for image in images])
    return parity


def test_the_same_agrees(loaded):
    parity = compare(loaded, PyTorchFile(loaded))
    assert parity.summary()['verdict'] == 'agrees'
    summary = parity.summary()
    assert summary['max_difference'] < 1e-5
    numbers = [summary[key] for key in ('decisions', 'decisions_that_differ', 'equal_label_sets')]
    assert numbers == [8, 0, 2]
    for image in parity.images:
        # per group (2): 256 and 64 patches, and 4 labels in each of 2 stages
        assert image['neighbour_rows'] == 2 * (256 + 64 + 2 * 4)
        assert image['neighbour_rows_that_differ'] == 0


def test_wrong_logits_disagree_and_no_tie_explains_them(loaded):
    parity = compare(loaded, PyTorchFile(loaded, logits=0.01))
    assert parity.summary()['verdict'] == 'disagrees'
    for image in parity.images:
        assert not image['agrees'] and not image['explained']
        assert image['difference_to_float64_with_its_neighbours'] > 9e-3


def test_probabilities_must_be_those_of_the_logits(loaded):
    assert (
        compare(loaded, PyTorchFile(loaded, probabilities=1e-4)).summary()['verdict'] == 'disagrees'
    )


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_none_disagree(loaded, value):
    parity = compare(loaded, PyTorchFile(loaded, logits=value))
    assert parity.summary()['verdict'] == 'disagrees'
    assert parity.summary()['max_difference'] > 1e38


def test_wrong_neighbours_disagree_unless_they_are_as_near(loaded, monkeypatch):
    parity = compare(loaded, PyTorchFile(loaded, wrong_row=20))
    assert parity.summary()['verdict'] == 'disagrees'
    for image in parity.images:
        assert image['excess'] > 1e-3 > 1e-6 > image['excess_of_pytorch']
        assert image['difference_to_float64_with_its_neighbours'] < 1e-5  # no other error
        assert image['neighbour_rows_that_differ'] >= 2

    wide = LIMITS['float32'] | dict(tie=1.1 * max(image['excess'] for image in parity.images))
    monkeypatch.setitem(parity_module.LIMITS, 'float32', wide)
    assert (
        compare(loaded, PyTorchFile(loaded, wrong_row=20)).summary()['verdict']
        == 'agrees up to ties'
    )
    assert (
        compare(loaded, PyTorchFile(loaded, 0.01, 0, wrong_row=20)).summary()['verdict']
        == 'disagrees'
    )


def test_neighbours_of_mirror_images_count(path):
    averaged = load_model(path, cfg_options={'model.type': 'mlgcn.MirrorAveragedClassifier'})
    file = PyTorchFile(averaged)
    assert compare(averaged, file).summary()['verdict'] == 'agrees'
    own = file.edges

    def wrong_in_mirror_images(images):
        edges = own(images)
        edges[0] = edges[0].clone()
        edges[0][len(images) :] = (edges[0][len(images) :] + 5) % 16
        return edges

    file.edges = wrong_in_mirror_images
    for image in compare(averaged, file).images:
        assert image['neighbour_rows_that_differ'] >= 2
        assert image['excess'] > 1e-3 > 1e-6 > image['excess_of_pytorch']
        assert image['difference_to_float64_with_its_neighbours'] < 1e-5


def test_flipped_labels_are_counted_and_limited(loaded, monkeypatch):
    wide = dict(logits=1e9, tie=9, decisions=0.2)
    monkeypatch.setitem(parity_module.LIMITS, 'float16', wide)
    parity = compare(loaded, PyTorchFile(loaded, logits=1000.0), 'float16')
    assert parity.summary()['decisions_that_differ'] > 0.2 * 8
    assert parity.summary()['verdict'] == 'disagrees'


@torch.no_grad()
def test_prescribed_neighbours_are_used_and_measured(loaded):
    exact, images = copy.deepcopy(loaded.model).double(), make_input('export', (2, 3, 64, 64))
    with record_edges(exact) as edges:
        expected = exact(images.double(), mode='tensor')
    assert len(edges) == 4  # two stages and two of the labels
    logits, excess = replay(exact, images, edges)
    assert excess < 1e-12
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)

    edges[0] = edges[0].clone()
    edges[0][0, 0, 5] = (edges[0][0, 0, 5] + 7) % 16
    logits, excess = replay(exact, images, edges)
    assert excess > 1e-3
    assert (logits - expected).abs().max() > 1e-6


def test_excess_by_hand():
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # nodes (1, 2, 2): east, north
    y = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]])  # keys: east, north, west
    index = torch.tensor([[[[0], [1]]]])
    assert _excess(x, y, index, 1, None) == 0
    index = torch.tensor([[[[1], [1]]]])  # east takes north: squared distance 2 instead of 0
    assert _excess(x, y, index, 1, None) == pytest.approx(2)
    table = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # now east is at 3, north at 2
    assert _excess(x, y, index, 1, table) == pytest.approx(0)
    index = torch.tensor([[[[0], [1]]]])
    assert _excess(x, y, index, 1, table) == pytest.approx(1)


def test_excess_with_dilation_and_groups():
    x, y = torch.randn(2, 8, 30).double(), torch.randn(2, 8, 12).double()
    for dilation in (1, 2):
        index = group_knn(x, y, 3, dilation, groups=2)
        assert _excess(x, y, index, dilation, None) < 1e-12
    assert _excess(x, y, group_knn(x, y, 3, 1, groups=2), 2, None) > 1e-3


def test_rows_are_sets():
    one = torch.tensor([[[[1, 2], [3, 4]]]])
    assert rows_that_differ([one], [one.flip(-1)]) == 0
    assert rows_that_differ([one, one], [one, one + 1]) == 2
