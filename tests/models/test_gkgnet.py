"""The whole GKGNet against the published model's outputs (tests/data/gkgnet_*, traj_gkgnet_*)."""

import json

import numpy as np
import pytest
import torch
from models.gkgnet_cases import load_case
from models.published_steps import check_five_steps, check_gradients
from paths import DATA

from mlgcn.checkpoints import convert, published_key, to_published
from mlgcn.export.files import record_edges

CASES = [
    'gkgnet_t_128_g1_c7_k5',
    'gkgnet_t_224_g2_c20',
    'gkgnet_t_192_g4_c80',
    'gkgnet_s_192_g2_c80',
]


def close(value, probe):
    """Compares a tensor with the fixture's samples of it."""
    value = value.double()
    assert list(value.shape) == probe['shape']
    np.testing.assert_allclose(value.flatten()[probe['index']], probe['value'], rtol=0, atol=1e-9)
    assert value.mean().item() == pytest.approx(probe['mean'], abs=1e-9)
    assert value.std().item() == pytest.approx(probe['std'], abs=1e-9)
    assert value.abs().max().item() == pytest.approx(probe['absmax'], abs=1e-9)


def watch(model):
    """The outputs of the modules that the fixtures probe, by published name, once it has run."""
    outputs = {}

    def keep(name):
        def hook(module, args, output):
            outputs[name] = output[0] if isinstance(output, tuple) else output

        return hook

    index = 0
    model.backbone.stem.register_forward_hook(keep('backbone.stem'))
    for stage in model.backbone.stages:
        if not isinstance(stage.downsample, torch.nn.Identity):
            stage.downsample.register_forward_hook(keep(f'backbone.backbone.{index}'))
            index += 1
        for block in stage.blocks:
            block.register_forward_hook(keep(f'backbone.backbone.{index}'))
            index += 1
    for i, stage in enumerate(model.neck.stages):
        stage.blocks[-1].register_forward_hook(keep(f'backbone.gcn_label.{i}.0'))
    return outputs


@pytest.mark.parametrize('name', CASES)
def test_outputs_losses_and_gradients_equal_the_published_model(name):
    """In one test, as building a model takes as long as its forward pass."""
    fixture, model, images, samples = load_case(name)
    expected = np.load(DATA / f'{name}.npz')
    model.eval()
    with torch.no_grad(), record_edges(model) as edges:
        single = model(images)
        outputs = watch(model.double())
        labels, pooled, returned = model.neck(model.backbone(images.double()), return_edges=True)
        logits = model.head((labels, pooled))
    np.testing.assert_allclose(logits, expected['eval_score'], rtol=0, atol=1e-9)
    outputs['label_embeddings'], outputs['features_gap'] = labels, pooled
    for module, probe in fixture['eval']['probes'].items():
        output = outputs[module]
        close(output.transpose(1, 2) if 'gcn_label' in module else output, probe)
    np.testing.assert_allclose(labels[0, :8], expected['label_embeddings_0'], rtol=0, atol=1e-6)
    np.testing.assert_allclose(pooled, expected['features_gap'], rtol=0, atol=1e-6)
    chosen = returned[-1].flatten(0, 1).sort(-1).values
    np.testing.assert_array_equal(chosen, expected['edge_index_last'])
    np.testing.assert_allclose(single, expected['eval_score'], rtol=0, atol=2e-5)
    check_float32_neighbours(edges, fixture['eval']['knn'])
    check_training(fixture['train'], model, images, samples)


def check_float32_neighbours(edges, knn):
    """No more neighbours change between float32 and float64, which ran after it, than published."""
    count = len(knn['calls'])
    rows = [
        (a.sort(-1).values != b.sort(-1).values).any(-1).sum().item()
        for a, b in zip(edges[:count], edges[count:])
    ]
    # the published model calls a stage's label graph after the stage, ours after the backbone
    published = knn['rows_with_other_neighbours_f32_vs_f64']
    assert sorted(e.flatten(0, 1).shape for e in edges[:count]) == sorted(map(tuple, knn['calls']))
    assert sum(rows) <= sum(published)


def check_training(fixture, model, images, samples):
    """Losses, gradients and the statistics of BatchNorm after one step in float64."""
    losses = model.train().loss(images.double(), samples)
    sum(losses.values()).backward()
    expected = fixture['f64']
    assert set(losses) == {'bce_loss', 'asy_loss'}
    for key, value in losses.items():
        assert value.item() == pytest.approx(expected['losses'][key], rel=1e-8)

    check_gradients(model, 'gkgnet', expected['grads'])
    sums = fixture['bn_running_sums_after_one_step']
    buffers = dict(model.named_buffers())
    for statistic in ('running_mean', 'running_var'):
        total = sum(v.sum().item() for k, v in buffers.items() if k.endswith(statistic))
        assert total == pytest.approx(sums[f'sum_{statistic}'], rel=1e-8)


def test_five_adamw_steps_equal_the_published_trajectory():
    fixture, model, images, samples = load_case('traj_gkgnet_t_128_g2_c20_k5')
    expected = fixture['float64']
    model.double()
    weights = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim == 1]
    groups = [dict(params=weights, weight_decay=0.05), dict(params=rest, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-4)
    logits = check_five_steps(model, images.double(), samples, optimizer, 5.0, expected)
    np.testing.assert_allclose(logits, expected['eval_logits_after']['score'], rtol=0, atol=1e-7)


def test_published_checkpoints_convert_both_ways():
    _, model, _, _ = load_case('gkgnet_t_224_g2_c20')
    shapes = json.loads((DATA / 'keys_gkgnet_t_224_g2_c20.json').read_text())
    published = {key: torch.empty(shape) for key, shape, _ in shapes}
    ours = convert(published, 'gkgnet')
    assert {k: v.shape for k, v in ours.items()} == {
        k: v.shape for k, v in model.state_dict().items()
    }
    back = to_published(ours, 'gkgnet')
    assert {k: v.shape for k, v in back.items()} == {k: v.shape for k, v in published.items()}
    with pytest.raises(ValueError, match='unheard_of'):
        convert({'backbone.unheard_of': torch.empty(1)}, 'gkgnet')


def test_weight_decay_groups_are_the_published_ones():
    _, model, _, _ = load_case('gkgnet_t_224_g2_c20')
    published = json.loads((DATA / 'schedules.json').read_text())['gkgnet_param_groups']
    decayed = {published_key(k, 'gkgnet') for k, p in model.named_parameters() if p.ndim > 1}
    assert decayed == set(published['decayed'])
