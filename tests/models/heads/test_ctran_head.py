"""C-Tran against the published head (tests/data/peers/head_ctran_*)."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from peer_cases import Case, names

from mlgcn.models.heads import CTranHead


def build(case):
    return dict(
        type='mlgcn.CTranHead',
        num_classes=case.options['num_classes'],
        in_channels=case.options['hidden'],
        num_layers=case.options['layers'],
        num_heads=case.options['heads'],
        label_masks=bool(case.options['use_lmt']),
        dropout=0.0,
    )


def tiny(num_classes=7, **kwargs):
    return CTranHead(num_classes, in_channels=8, num_heads=2, **kwargs)


def samples(rows, **fields):
    found = [DataSample().set_gt_score(torch.as_tensor(row)) for row in rows]
    for key, values in fields.items():
        for sample, value in zip(found, values):
            sample.set_field(value, key)
    return found


@pytest.mark.parametrize('name', names('ctran'))
def test_equals_the_published_head(name):
    case = Case(name, build)
    states = torch.from_numpy(case.arrays['mask'])
    case.check_eval(states=states)
    logits = case.head((case.input,), states)
    loss = case.head._get_loss(logits, case.samples, states=states)['loss'].item()
    np.testing.assert_allclose(loss, case.train['loss_unknown_sum'], rtol=1e-8)
    Case(name, build).check_train(states=states)


def test_states_are_drawn_from_true_labels():
    target = torch.randint(-1, 2, (2000, 8))
    states = tiny(8).draw_states(target)
    known = states >= 0
    assert torch.equal(states[known], target[known])
    counts = (tiny(8).draw_states(torch.ones(4000, 8)) == 1).sum(dim=1)
    shares = counts.bincount(minlength=9) / len(counts)
    assert (shares[:7] - 1 / 7).abs().max() < 0.03 and shares[7:].sum() == 0  # 0 to 6, alike
    assert (tiny(8, label_masks=False).draw_states(target) == -1).all()


def test_known_and_ignored_labels_take_no_part_in_the_loss():
    head = tiny(3).eval()
    rows = [[1, 0, -1]]
    logits = torch.zeros(1, 3, requires_grad=True)
    states = torch.tensor([[1, -1, -1]])
    head._get_loss(logits, samples(rows), states=states)['loss'].backward()
    assert (logits.grad != 0).tolist() == [[False, True, False]]


def test_known_labels_of_a_sample_change_the_others():
    head = tiny(3).eval()
    feats = (torch.randn(2, 8, 2, 2),)
    rows = torch.zeros(2, 3)
    with torch.no_grad():
        plain = head(feats)
        given = samples(rows, known_labels=[torch.tensor([1, -1, -1])])
        predictions = head.predict(feats, given)
        first, second = (sample.pred_logits for sample in predictions)
    assert not torch.allclose(first, plain[0]) and torch.equal(second, plain[1])
    # labels of the data are never given by themselves
    assert torch.equal(head.predict(feats, samples(rows))[0].pred_logits, plain[0])


def test_the_unknown_state_is_random_and_frozen():
    head = tiny()
    head((torch.randn(2, 8, 2, 2),)).sum().backward()
    assert (head.states.weight[0] != 0).all() and (head.states.weight.grad[0] == 0).all()
