"""Which labels, figures and tables explain a photograph."""

import numpy as np
import pytest
from conftest import NAMES, SIZE

from mlgcn.apis import MultiLabelInferencer
from mlgcn.visualization import explanation as module
from mlgcn.visualization.attributions import chosen_patches, edge_effects, patch_effects
from mlgcn.visualization.explanation import explain, strongest_patch
from mlgcn.visualization.photo_figures import Photo


def test_tables_hold_the_ablations(loaded, run, photo_file):
    for kind in ('addgcn', 'gkgnet'):
        model, maps, logits = run(loaded[kind])
        packed = loaded[kind].model.pack(photo_file)
        explanation = explain(loaded[kind], packed, 'p', ['cat', 'hen'])
        (part,) = [part for part in explanation.parts if part.rows]
        for name, before, after, change in part.rows:
            k = NAMES.index(name)
            if kind == 'addgcn':
                effect = edge_effects(model.head, maps, [k])[0, 0]
            else:
                effect = patch_effects(model, maps, [k])[0, -1]
            assert before == f'{logits[k]:.3f}' and after == f'{logits[k] + effect:.3f}'
            assert float(change) == pytest.approx(effect.item(), abs=6e-4)


def test_which_labels_are_drawn(loaded, photo_file, monkeypatch):
    model = loaded['avg'].model
    logits = model.logits([model.pack(photo_file)])[0]
    order = [NAMES[k] for k in np.argsort(-logits)]
    p = np.sort(1 / (1 + np.exp(-logits)))[::-1]
    for options, expected, note in (
        (dict(threshold=float(p[1] + p[2]) / 2), order[:2], 'that the model predicts'),
        (dict(top_k=3), order[:3], 'the most probable'),
        (dict(threshold=1.0), order[:3], 'no label is predicted'),
    ):
        inferencer = MultiLabelInferencer(model.path, device='cpu', **options)
        explanation = explain(inferencer, model.pack(photo_file), 'p')
        assert explanation.labels.names == expected and note in explanation.note
    monkeypatch.setattr(module, 'MOST_LABELS', 2)
    inferencer = MultiLabelInferencer(model.path, device='cpu', threshold=0.0)
    explanation = explain(inferencer, model.pack(photo_file), 'p')
    assert explanation.labels.names == order[:2] and 'the 2 most probable of 4' in explanation.note
    explanation = explain(inferencer, model.pack(photo_file), 'p', [order[3], order[0]])
    assert explanation.labels.names == [order[0], order[3]]


def test_a_given_patch(loaded, photo_file):
    packed = loaded['gkgnet'].model.pack(photo_file)
    explanation = explain(loaded['gkgnet'], packed, 'p', ['cat'], (50, 3))
    (part,) = [part for part in explanation.parts if part.kind == 'neighbours']
    assert list(part.drawings) == [f'neighbours_pixel 50,3_stage{s}' for s in (1, 2, 3)]


def test_the_strongest_patch_has_the_largest_share(loaded, run):
    model, maps, _ = run(loaded['gkgnet'])
    photo = Photo(np.zeros((SIZE, SIZE, 3), np.uint8), 'p')
    stage = chosen_patches(model.neck, maps, [0, 1, 2])[1]
    for label in range(3):
        x, y = strongest_patch(photo, stage, label)
        shares = stage.share[:, label][stage.index[:, label] == (y // 8) * 8 + x // 8]
        assert shares.max() == stage.share[:, label].max()


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        ('csra', ['label_attention']),
        ('ml_gcn', ['label_graph', 'class_maps_first_order']),
        ('ctran', ['label_attention', 'known']),
    ],
)
def test_the_peers_show_what_they_have(loaded, photo_file, kind, expected):
    packed = loaded[kind].model.pack(photo_file)
    explanation = explain(loaded[kind], packed, 'p', ['cat', 'hen'])
    assert [part.kind for part in explanation.parts] == expected
    assert all(part.drawings for part in explanation.parts)
