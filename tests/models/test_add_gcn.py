"""ADD-GCN against the published model's outputs (tests/data/addgcn_*, traj_addgcn_*)."""

import json

import numpy as np
import pytest
import torch
from fill import fill_, make_input, make_target
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from models.published_steps import check_five_steps, check_gradients
from paths import DATA

from mlgcn.checkpoints import published_key

CASES = ['addgcn_r101_c20_128', 'addgcn_r50_c80_224']


def build(arch):
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
def test_logits_loss_and_gradients_equal_the_published_model(name):
    """In one test, as filling 43 million weights takes longer than a forward pass."""
    fixture, model, images = load_case(name)
    expected = np.load(DATA / f'{name}.npz')
    published = (expected['eval_out1'] + expected['eval_out2']) / 2
    model.eval()
    with torch.no_grad():
        feats = model.extract_feat(images.double())
        logits, explained = model.head(feats), model.head.explain(feats)
        np.testing.assert_allclose(logits, published, rtol=0, atol=1e-9)
        np.testing.assert_allclose(explained['adjacency'][0], expected['dynamic_adj_0'], atol=1e-6)
        np.testing.assert_allclose(explained['attention'][0, :4], expected['sam_mask_0'], atol=1e-6)
        single = model.float()(images)
    np.testing.assert_allclose(single, published, rtol=1e-4, atol=1e-4 * published.std())

    model.double().train()  # the weights are those of float32, so nothing was lost
    loss = model.loss(images.double(), samples_of(fixture['case']))['loss']
    loss.backward()
    expected = fixture['train']['f64']
    assert loss.item() == pytest.approx(expected['losses']['loss'], rel=1e-8)
    check_gradients(model, 'addgcn', expected['grads'])


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
    logits = check_five_steps(model, images.double(), samples, optimizer, 10.0, expected)
    after = expected['eval_logits_after']
    wanted = (np.array(after['out1']) + np.array(after['out2'])) / 2
    np.testing.assert_allclose(logits, wanted, rtol=1e-7, atol=1e-8)
