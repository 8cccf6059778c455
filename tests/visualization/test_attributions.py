"""Attributions equal what the models compute, and ablations equal runs by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from mlgcn.visualization.attributions import (
    chosen_patches,
    class_maps,
    edge_effects,
    known_effects,
    patch_effects,
    run_model,
)

KINDS = ('addgcn', 'gkgnet', 'addgcn_pvig', 'avg', 'max')
K, SIZE = 4, 64


@pytest.mark.parametrize('kind', KINDS)
def test_the_picture_is_the_one_that_the_model_saw(kind, loaded, photo_file):
    packed = loaded[kind].pack(photo_file)
    pixels, _, _, logits = run_model(loaded[kind].model, packed)
    with Image.open(photo_file) as image:
        resized = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    assert np.array_equal(pixels, np.asarray(resized))
    np.testing.assert_allclose(logits, loaded[kind].logits([packed])[0], rtol=1e-5)


def test_the_static_graph_by_its_effect(loaded, run):
    model, maps, _ = run(loaded['addgcn'])
    (static,) = model.head.explain(maps)['static']
    for sender in range(K):  # what the receivers get when `sender` alone says 1
        nodes = F.one_hot(torch.tensor([sender]), K)[:, :, None].float()
        torch.testing.assert_close(static[sender], model.head.gcn.static_adj(nodes)[0, :, 0])


def test_edge_ablation_equals_a_run_by_hand(loaded, run):
    model, maps, before = run(loaded['addgcn'])
    head, labels = model.head, [3, 1, 0]
    effects, columns = edge_effects(head, maps, labels)
    assert columns == labels

    def leaky(x):
        return F.leaky_relu(x, 0.2)

    with torch.no_grad():
        activation = head.fc(maps[-1])
        nodes = head.label_nodes(maps[-1], activation)
        nodes_static = nodes + head.gcn.static(nodes)
        whole = head.gcn.adjacency(nodes_static)
        for i, label in enumerate(labels):
            cut = whole.clone()
            for other in range(K):
                if other != label:
                    cut[:, label, other] = cut[:, other, label] = 0
            updated = leaky(head.gcn.dynamic_weight(leaky(nodes_static @ cut)))
            logits = activation.flatten(2).amax(2) + head.node_score(nodes + updated)
            expected = (logits[0] / 2 - before)[labels]
            torch.testing.assert_close(effects[i], expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(head(maps)[0], before, atol=0, rtol=0)  # all edges are back
    assert (effects.abs() > 1e-4).all()


def test_chosen_patches_are_the_necks_edges(loaded, run):
    model, maps, _ = run(loaded['gkgnet'])
    labels = [3, 1]
    with torch.no_grad():
        *_, edges = model.neck(maps, return_edges=True)
    found = chosen_patches(model.neck, maps, labels)
    assert [stage.grid for stage in found] == [(16, 16), (8, 8), (4, 4)]
    for stage, index, patches in zip(found, edges, maps):
        assert torch.equal(stage.index, index[0][:, labels])
        torch.testing.assert_close(stage.share.sum(-1), torch.ones(2, 2))
        groups = patches[0].flatten(1).chunk(2)  # (c, N) each
        for g, n in np.ndindex(2, 2):
            values = groups[g][:, stage.index[g, n].long()]  # (c, k)
            wins = [(values.argmax(1) == place).float().mean() for place in range(3)]
            torch.testing.assert_close(stage.share[g, n], torch.stack(wins))


def label_alone(model, maps, label, cut):
    """The logit of `label` from its own way through the neck; no patches in the stages `cut`."""
    neck, head = model.neck, model.head
    node = neck.labels.weight[label][None, :, None]  # (1, C, 1)
    for s, (stage, patches) in enumerate(zip(neck.stages, maps)):
        for block in stage.blocks:
            g = block.grapher
            x = g.fc1(node)
            if s in cut:
                relative = torch.zeros_like(x)
            else:
                _, edges = g(node, patches)
                parts = zip(patches[0].flatten(1).chunk(2), edges[0, :, 0].long(), x[0].chunk(2))
                relative = torch.cat([(p[:, e] - n).amax(1) for p, e, n in parts])[None, :, None]
            mixed = torch.stack([x, relative], dim=2).flatten(1, 2)
            conv, norm = g.graph_conv[:2]
            node = block.ffn(node + g.fc2(F.gelu(norm(conv(mixed)))))
        node = stage.project(node.transpose(1, 2)).transpose(1, 2)
    own = node[0, :, 0] @ head.fc1.weight[label] + head.fc1.bias[label]
    return own + head.fc2(maps[-1].mean(dim=(2, 3)))[0, label]


def test_patch_ablation_equals_a_run_by_hand(loaded, run):
    model, maps, before = run(loaded['gkgnet'])
    labels = [2, 0]
    effects = patch_effects(model, maps, labels)
    assert effects.shape == (2, 4)
    with torch.no_grad():
        for i, label in enumerate(labels):
            whole = label_alone(model, maps, label, cut=())
            torch.testing.assert_close(whole, before[label], atol=1e-4, rtol=1e-4)
            for column, cut in enumerate(([0], [1], [2], range(3))):
                change = label_alone(model, maps, label, cut) - whole
                torch.testing.assert_close(effects[i, column], change, atol=1e-4, rtol=1e-3)
        after, *_ = model.head(model.neck(maps))
    torch.testing.assert_close(after, before, atol=0, rtol=0)  # all edges are back
    assert (effects.abs() > 1e-3).all()


def test_neighbours_are_those_of_every_stages_last_block(loaded, photo_file):
    model = loaded['gkgnet'].model
    packed = loaded['gkgnet'].pack(photo_file)
    _, maps, found, _ = run_model(model, packed)
    assert [(n.grid, n.reduction) for n in found] == [
        ((16, 16), 4),
        ((8, 8), 2),
        ((4, 4), 1),
    ]
    with torch.no_grad():
        for s, stage in enumerate(model.backbone.stages[1:], start=1):
            x = stage.downsample(maps[s - 1])
            table = stage.relative_position(x[0, 0].numel(), stage.num_keys(x.shape[2:]), x.device)
            for block in stage.blocks:
                x, edges = block(x, relative_pos=table)
            assert torch.equal(found[s].index, edges[0])
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize('pool', ['avg', 'max'])
def test_class_maps_of_a_linear_head_add_up_to_the_logit(pool, loaded, run):
    model, maps, logits = run(loaded[pool])
    fc, labels = model.head.fc, [3, 0]
    found, rest = class_maps(model, maps, labels)
    torch.testing.assert_close(rest, fc.bias[labels].detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.sum(dim=(1, 2)) + rest, logits[labels])
    feature = maps[-1][0]
    if pool == 'avg':  # Zhou et al.'s CAM, a 1x1 convolution
        expected = torch.einsum('kc,chw->khw', fc.weight[labels], feature) / feature[0].numel()
    else:  # each channel at the place of its maximum
        expected = torch.zeros(2, *feature.shape[1:])
        for c, channel in enumerate(feature):
            row, column = divmod(int(channel.argmax()), feature.shape[2])
            expected[:, row, column] += fc.weight[labels, c] * channel.max()
    torch.testing.assert_close(found, expected.detach(), atol=1e-5, rtol=1e-4)


def test_class_maps_of_other_heads_are_first_order(loaded, run):
    model, maps, logits = run(loaded['gkgnet'])
    found, rest = class_maps(model, maps, [1])
    torch.testing.assert_close(found.sum() + rest[0], logits[1])
    step = 1e-3  # of the last map: the slope is the map's sum
    with torch.no_grad():
        moved = [
            model.head(model.neck((*maps[:-1], maps[-1] * (1 + s))))[0, 1] for s in (step, -step)
        ]
    torch.testing.assert_close(
        found.sum(), (moved[0] - moved[1]) / (2 * step), atol=5e-3, rtol=0.01
    )


def test_a_backbone_without_maps_is_named(loaded):
    with pytest.raises(ValueError, match=r'ResNet: its last output is \(1, 32\), not a map'):
        class_maps(loaded['avg'].model, (torch.zeros(1, 32),), [0])


def test_known_effects_equal_a_run_by_hand(loaded, run):
    model, maps, before = run(loaded['ctran'])
    labels = [2, 0, 3]
    effects, columns = known_effects(model.head, maps, labels)
    assert columns[:3] == labels and sorted(columns) == list(range(K))
    for i, label in enumerate(labels):
        states = torch.full((1, K), -1)
        states[0, label] = 1
        with torch.no_grad():
            change = (model.head(maps, states)[0] - before)[columns]
        change[i] = 0
        torch.testing.assert_close(effects[i], change, atol=1e-5, rtol=1e-4)
        assert effects[i].abs().max() > 0
