"""Which labels, figures and tables explain a photograph."""

import numpy as np
import pytest
from conftest import NAMES, SIZE

from mlgcn.visualization import explanation as module
from mlgcn.visualization.attributions import chosen_patches, edge_effects, patch_effects
from mlgcn.visualization.explanation import View, choose_labels, explain
from mlgcn.visualization.photo_figures import Photo


def test_tables_hold_the_ablations(loaded, run, photo_file):
    for kind in ('addgcn', 'gkgnet'):
        model, maps, logits = run(loaded[kind])
        packed = loaded[kind].pack(photo_file)
        _, _, parts = explain(loaded[kind], packed, loaded[kind].decision(), ['cat', 'hen'])
        (part,) = [part for part in parts if part.rows]
        for name, before, after, change in part.rows:
            k = NAMES.index(name)
            if kind == 'addgcn':
                effect = edge_effects(model.head, maps, [k])[0][0, 0]
            else:
                effect = patch_effects(model, maps, [k])[0, -1]
            assert before == f'{logits[k]:.3f}' and after == f'{logits[k] + effect:.3f}'
            assert float(change) == pytest.approx(effect.item(), abs=6e-4)


def test_a_head_explains_what_its_neck_makes_of_the_maps(loaded, photo_file):
    model = loaded['addgcn_neck']
    _, _, parts = explain(model, model.pack(photo_file), model.decision(), ['cat', 'hen'])
    assert {'attention', 'edge ablation'} <= {part.kind for part in parts}


def test_which_labels_are_drawn(loaded, monkeypatch):
    logits = np.array([0.5, -1, 2, 1])
    order = ['hen', NAMES[3], 'cat', NAMES[1]]
    for options, asked, expected, note in (
        (dict(threshold=0.7), [], order[:2], '2 labels that the model predicts'),
        (dict(top_k=3), [], order[:3], 'the most probable'),
        (dict(threshold=1.0), [], order[:3], 'no label is predicted'),
        (dict(threshold=1.0), [1, 2], ['hen', NAMES[1]], 'asked for'),
        (dict(threshold=0.0), [], order[:2], 'the 2 most probable of 4'),
    ):
        monkeypatch.setattr(module, 'MOST_LABELS', 2)
        chosen = choose_labels(loaded['avg'].decision(**options), logits, asked)
        assert chosen.names == expected and note in chosen.note
    assert chosen.rows()[0] == ('hen', '88.1%', '0.0%')


def test_a_given_patch(loaded, photo_file):
    packed = loaded['gkgnet'].pack(photo_file)
    _, _, parts = explain(loaded['gkgnet'], packed, loaded['gkgnet'].decision(), ['cat'], (50, 3))
    (part,) = [part for part in parts if part.kind == 'neighbours']
    assert list(part.figures) == [f'neighbours pixel 50,3 stage {s}' for s in (1, 2, 3)]


def test_the_strongest_patch_has_the_largest_share(loaded, run):
    model, maps, logits = run(loaded['gkgnet'])
    photo = Photo(np.zeros((SIZE, SIZE, 3), np.uint8))
    labels = choose_labels(loaded['gkgnet'].decision(), logits.numpy(), [0, 1, 2])
    stage = chosen_patches(model.neck, maps, labels.index)[1]
    pixels = View(model, photo, maps, labels).strongest_patches(stage)
    for label, name in enumerate(labels.names):
        row, column = photo.patch_at(pixels[name], (8, 8))
        shares = stage.share[:, label][stage.index[:, label] == row * 8 + column]
        assert shares.max() == stage.share[:, label].max()


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        ('csra', ['attention']),
        ('ml_gcn', ['label graph', 'class maps']),
        ('ctran', ['attention', 'known labels']),
    ],
)
def test_the_peers_show_what_they_have(loaded, photo_file, kind, expected):
    packed = loaded[kind].pack(photo_file)
    _, _, parts = explain(loaded[kind], packed, loaded[kind].decision(), ['cat', 'hen'])
    assert [part.kind for part in parts] == expected
    assert all(part.figures for part in parts)
