"""Times and memory: the order of the runs, the bytes counted, the plain form and back."""

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from paths import DATA

from mlgcn.cli.measure import floor, interleaved, peak_memory, plain_form
from mlgcn.models.layers import grapher
from mlgcn.registry import MODELS

CPU = torch.device('cpu')


def small():
    """The backbone of configs/gkgnet/gkgnet_scenes.py."""
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(DATA.parent.parent / 'configs/gkgnet/gkgnet_scenes.py')
    torch.manual_seed(0)
    return MODELS.build(cfg.model.backbone)


def test_functions_run_in_turns_after_a_warm_up():
    calls = []
    figures = interleaved({name: lambda n=name: calls.append(n) for name in 'ab'}, 3, CPU)
    assert ''.join(calls) == 'abababab'
    assert set(figures['a']) == {'median', 'fastest', 'slowest', 'cpu'}


def test_the_peak_counts_what_is_held_at_once():
    def function():
        first = torch.zeros(2**18)  # 1 MiB
        del first
        return torch.zeros(2**19) + torch.zeros(2**19)  # 3 x 2 MiB

    assert peak_memory(function, CPU)['tensors'] == 6


def test_the_plain_form_answers_the_same_and_is_undone():
    model, images = small().eval(), torch.randn(1, 3, 96, 96)
    before = vars(grapher).copy()
    with torch.no_grad():
        ours = model(images)
        with plain_form(model):
            assert grapher.group_knn is not before['group_knn']
            plain = model(images)
    torch.testing.assert_close(plain, ours)
    assert vars(grapher) == before
    assert not any(getattr(m, 'keep_hidden', False) for m in model.modules())


def test_the_floor_is_of_convolutions_and_products():
    model, images = small().eval(), torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        shares = floor(lambda: model(images))
    assert set(shares) == {'convolutions', 'products'}
    assert all(seconds > 0 for seconds in shares.values())
