"""ADD-GCN against the published model's outputs (tests/data/addgcn_*, traj_addgcn_*)."""

import json

import numpy as np
import pytest
import torch
from fill import fill_, make_input, make_target
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from paths import DATA

from mlgcn.checkpoints import published_key
from mlgcn.models.heads import ADDGCNHead
from mlgcn.models.layers.dynamic_gcn import DynamicGCN

CASES = ['addgcn_r101_c20_128', 'addgcn_r50_c80_224']


def build(arch, **head):
    """ResNet + ADDGCNHead as the configs build it, before any training."""
    return ImageClassifier(
        backbone=dict(type='ResNet', depth=arch['depth'], num_stages=4, out_indices=(3,)),
        head=dict(type='mlgcn.ADDGCNHead', num_classes=arch['num_classes'], in_channels=2048),
    )


def load_case(name):
    """The fixture, its model (float64, published weights) and its input."""
    fixture = json.loads((DATA / f'{name}.json').read_text())
    case = fixture['case']
    model = build(case['arch'])
    fill_(model, case['salt'], case['gains'], rename=lambda key: published_key(key, 'addgcn'))
    shape = (case['batch'], 3, case['size'], case['size'])
    return fixture, model.double(), make_input(case['name'], shape, case['salt'])


def samples_of(case):
    """DataSamples whose gt_score are the case's labels."""
    shape = (case['batch'], case['arch']['num_classes'])
    target = make_target(case['name'], shape, case['salt'], p=case.get('p', 0.15))
    return [DataSample().set_gt_score(row) for row in target]


@pytest.mark.parametrize('name', CASES)
def test_eval_logits_equal_the_published_model(name):
    fixture, model, images = load_case(name)
    expected = np.load(DATA / f'{name}.npz')
    published = (expected['eval_out1'] + expected['eval_out2']) / 2
    model.eval()
    with torch.no_grad():
        logits = model(images.double())
        np.testing.assert_allclose(logits, published, rtol=0, atol=1e-9)
        explained = model.head.explain(model.extract_feat(images.double()))
        np.testing.assert_allclose(explained['adjacency'][0], expected['dynamic_adj_0'], atol=1e-6)
        np.testing.assert_allclose(explained['attention'][0, :4], expected['sam_mask_0'], atol=1e-6)
        single = model.float()(images)
    np.testing.assert_allclose(single, published, rtol=1e-4, atol=1e-4 * published.std())


@pytest.mark.parametrize('name', CASES)
def test_loss_and_gradients_equal_the_published_model(name):
    fixture, model, images = load_case(name)
    model.train()
    loss = model.loss(images.double(), samples_of(fixture['case']))['loss']
    loss.backward()
    expected = fixture['train']['f64']
    assert loss.item() == pytest.approx(expected['losses']['loss'], rel=1e-8)

    norms = {}
    total = 0.0
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, f'{key} got no gradient'
        square = parameter.grad.square().sum().item()
        norms[published_key(key, 'addgcn')] = square**0.5
        total += square
    assert total**0.5 == pytest.approx(expected['grads']['total'], rel=1e-8)
    for key, norm in expected['grads'].get('params', {}).items():
        # the fixture stores these norms with nine digits
        assert norms[key] == pytest.approx(norm, rel=1e-7, abs=1e-9), key


def test_five_sgd_steps_equal_the_published_trajectory():
    fixture, model, images = load_case('traj_addgcn_r50_c7_96')
    expected = fixture['float64']
    samples = samples_of(fixture['case'])
    backbone = list(model.backbone.parameters())
    optimizer = torch.optim.SGD(
        [dict(params=backbone, lr=0.005), dict(params=model.head.parameters())],
        lr=0.05,
        momentum=0.9,
        weight_decay=1e-4,
    )
    model.train()
    losses, norms = [], []
    for _ in range(5):
        loss = model.loss(images.double(), samples)['loss']
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0).item())
        optimizer.step()
    model.eval()
    with torch.no_grad():  # before one more training forward moves the BatchNorm statistics
        logits = model(images.double())
    losses.append(model.train().loss(images.double(), samples)['loss'].item())
    wanted = [entry['loss'] for entry in expected['losses_before_each_step_then_after_last']]
    np.testing.assert_allclose(losses, wanted, rtol=1e-8)
    np.testing.assert_allclose(norms, expected['grad_norm_before_clip'], rtol=1e-8)
    after = expected['eval_logits_after']
    wanted = (np.array(after['out1']) + np.array(after['out2'])) / 2
    np.testing.assert_allclose(logits, wanted, rtol=1e-7, atol=1e-8)


def test_dynamic_gcn_by_hand():
    """Two nodes, one channel, all weights set by hand."""
    gcn = DynamicGCN(num_nodes=2, channels=1).eval()
    with torch.no_grad():
        for parameter in gcn.parameters():
            parameter.zero_()
        gcn.static_adj.weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]])[..., None])  # swap
        gcn.static_weight.weight.fill_(1.0)
        gcn.dynamic_weight.weight.fill_(1.0)
        updated, adjacency = gcn(torch.tensor([[[1.0, 3.0]]]))
    # static: [1, 3] + [3, 1] = [4, 4]; adjacency: sigmoid(0) = 0.5 everywhere; 4 * .5 + 4 * .5
    assert torch.equal(adjacency, torch.full((1, 2, 2), 0.5))
    assert torch.equal(updated, torch.full((1, 1, 2), 4.0))


@pytest.mark.parametrize('num_classes', [1, 2000])
def test_any_number_of_classes(num_classes):
    head = ADDGCNHead(num_classes, in_channels=8, node_channels=4)
    feats = (torch.randn(2, 8, 3, 5),)
    samples = [DataSample().set_gt_score(torch.zeros(num_classes)) for _ in range(2)]
    head.loss(feats, samples)['loss'].backward()
    assert head(feats).shape == (2, num_classes)
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_node_score_is_the_diagonal_of_all_pairs():
    head = ADDGCNHead(5, in_channels=8, node_channels=4)
    nodes = torch.randn(3, 4, 5)
    pairs = head.last_linear(nodes)  # (B, K classifiers, K nodes)
    assert torch.allclose(head.node_score(nodes), pairs.diagonal(dim1=1, dim2=2), atol=1e-6)


def test_one_training_image_is_refused_in_words():
    head = ADDGCNHead(3, in_channels=8, node_channels=4)
    with pytest.raises(ValueError, match='at least 2 images per process, got 1'):
        head((torch.randn(1, 8, 2, 2),))
    assert head.eval()((torch.randn(1, 8, 2, 2),)).shape == (1, 3)
