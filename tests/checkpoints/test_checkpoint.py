"""Checkpoints as one object, whatever the file."""

import json
from urllib.error import URLError

import numpy as np
import pytest
import torch
from checkpoints.peer_files import HEADS, write_peer_file
from checkpoints.test_convert import model_of
from fill import make_input
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint
from paths import DATA
from published import published_file, published_weights

from mlgcn.apis import load_model
from mlgcn.checkpoints import Checkpoint, CheckpointError, load, unwrap
from mlgcn.checkpoints.checkpoint import as_checkpoint, load_url


def checkpoint(weights=None, source='mlgcn', **metadata):
    weights = {'w': torch.zeros(1)} if weights is None else weights
    return Checkpoint('w.pth', source, weights, metadata, dict(state_dict=weights))


@pytest.mark.parametrize('prefix', ['', 'module.', 'model.', 'module.model.'])
@pytest.mark.parametrize('wrapper', [None, 'state_dict', 'state_dict_ema'])
def test_wrappers_are_taken_off(prefix, wrapper):
    weights = {f'{prefix}{key}': torch.zeros(2) for key in ('fc.weight', 'fc.bias')}
    file = {'epoch': 3, wrapper: weights} if wrapper else weights
    assert list(unwrap(file)) == ['fc.weight', 'fc.bias']


@pytest.mark.parametrize(
    'content, words',
    [
        ([1, 2], 'found a list'),
        ({}, 'an empty dict'),
        ({'state_dict': {'a': 3}}, 'found a'),
        ({1: torch.zeros(1)}, 'found 1'),
    ],
)
def test_what_is_no_state_dict_is_refused(content, words):
    with pytest.raises(CheckpointError, match=words):
        unwrap(content)


def test_not_finite_values_are_named():
    weights = {'good': torch.ones(2), 'bad': torch.tensor([1.0, float('nan')])}
    with pytest.raises(CheckpointError, match='w.pth: NaN or infinite values in bad'):
        checkpoint(weights).check_finite()


def test_two_lists_of_class_names_that_differ_are_named():
    """A test would go by the one, mmengine by the other."""
    meta = {
        'mlgcn_metadata': {'classes': ['cat', 'dog']},
        'dataset_meta': {'classes': ('dog', 'cat')},
    }
    with pytest.raises(CheckpointError, match='cat, dog, its dataset_meta dog, cat'):
        as_checkpoint('a.pth', {'state_dict': {'w': torch.zeros(1)}, 'meta': meta})


def test_class_names_are_compared():
    loaded = checkpoint(classes=['cat', 'dog', 'bird'])
    loaded.check_classes(('cat', 'dog', 'bird'))
    with pytest.raises(CheckpointError, match="class 1 is 'dog' there.* another order"):
        loaded.check_classes(['cat', 'bird', 'dog'])
    with pytest.raises(CheckpointError, match='only there: bird; only here: cow'):
        loaded.check_classes(['cat', 'dog', 'cow'])
    with pytest.raises(
        CheckpointError, match="3 classes, the config's are 4.*: none; only here: cow"
    ):
        loaded.check_classes(['cat', 'dog', 'bird', 'cow'], "the config's")
    checkpoint().check_classes(['b', 'a'])  # states none


def test_own_classes_of_addgcn_must_be_sorted():
    loaded = checkpoint({'head.fc.weight': torch.zeros(2, 4)}, 'addgcn')
    loaded.check_classes(['box', 'ring'])
    with pytest.raises(CheckpointError, match="class 0 is 'box' there, 'ring' here"):
        loaded.check_classes(['ring', 'box'])


@pytest.mark.parametrize(
    'name, keys',
    [
        ('gkgnet_t_128_g1_c7_k5', 'gkgnet_t_128_g1_c7_k5'),
        pytest.param('gkgnet_t_224_g2_c20', 'gkgnet_t_224_g2_c20', marks=pytest.mark.slow),
        ('addgcn_r50_c80_224', 'addgcn_r50_c80'),
        pytest.param('addgcn_r101_c20_128', 'addgcn_r101_c20', marks=pytest.mark.slow),
    ],
)
def test_published_files_score_as_published(tmp_path, name, keys):
    """Saved as their authors did, loaded as the tools do."""
    case = json.loads((DATA / f'{name}.json').read_text())['case']
    source = name[:6]
    path = published_file(tmp_path / 'p.pth', source, published_weights(keys, case))
    assert CheckpointLoader.load_checkpoint(str(path))['meta'] == dict(source=source)
    assert load(path).source == source
    model = model_of(keys)
    load_checkpoint(model, str(path), strict=True)
    images = make_input(case['name'], (case['batch'], 3, case['size'], case['size']), case['salt'])
    with torch.no_grad():
        logits = model.double().eval()(images.double())
    file = np.load(DATA / f'{name}.npz')
    expected = (
        (file['eval_out1'] + file['eval_out2']) / 2 if source == 'addgcn' else file['eval_score']
    )
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize('source', HEADS)
def test_published_layouts_are_loaded(tmp_path, source):
    path, model, config = write_peer_file(tmp_path, source)
    checkpoint = load(path)
    assert checkpoint.source == source and checkpoint.num_rows == 3
    own = {k: v for k, v in model.state_dict().items() if k != 'head.embeddings'}
    assert own.keys() == checkpoint.weights.keys()
    assert all(torch.equal(value, own[key]) for key, value in checkpoint.weights.items())
    if source == 'ml_decoder':
        assert checkpoint.stated_classes == ('a', 'b', 'c')
    if source == 'ml_gcn':  # random vectors cannot be the ones it was trained with
        with pytest.raises(CheckpointError, match='head.embeddings'):
            load_model(config, path)
        vectors = path.with_suffix('.npy')
        np.save(vectors, model.head.embeddings.numpy())
        loaded = load_model(config, path, cfg_options={'model.head.embeddings': str(vectors)})
    else:
        loaded = load_model(config, path)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(images), model.eval()(images))


def test_hostile_variants_are_refused(tmp_path):
    path, _, config = write_peer_file(tmp_path, 'query2label')
    content = torch.load(path)
    for change in (
        lambda weights: weights.pop('module.fc.b'),
        lambda weights: weights.update({'module.extra': torch.zeros(1)}),
        lambda weights: weights.update({'module.fc.b': torch.full((1, 3), float('nan'))}),
        lambda weights: weights.update({'module.query_embed.weight': torch.zeros(4, 32)}),
        lambda weights: weights.update({'module.fc.b': 'text'}),
        lambda weights: weights.update({'module.fc.b': torch.zeros(1, 3, dtype=torch.int64)}),
    ):
        weights = dict(content['state_dict'])
        change(weights)
        torch.save(dict(content, state_dict=weights), path)
        with pytest.raises(CheckpointError, match='query2label.pth'):
            load_model(config, path)


def test_a_class_that_is_listed_twice(tmp_path):
    """Rows could not be told apart by names."""
    meta = dict(dataset_meta=dict(classes=('cat', 'dog', 'cat')))
    torch.save(dict(state_dict={'w': torch.ones(3)}, meta=meta), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=r'a\.pth: .*twice: cat'):
        load(tmp_path / 'a.pth')


def test_a_download_without_a_network(tmp_path, monkeypatch):
    def download(*words, **options):
        raise URLError('no such host')

    monkeypatch.setattr('torch.hub.download_url_to_file', download)
    with pytest.raises(
        CheckpointError, match='https://x.org/a.pth cannot be fetched .no such host.'
    ):
        load_url('https://x.org/a.pth', str(tmp_path))
