"""Forms of a model, bytes counted, forms that fail."""

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tiny import ROOT

from mlgcn.cli import measuring
from mlgcn.cli.measuring import compared
from mlgcn.models.layers.grapher import Grapher
from mlgcn.ops import group_knn, group_knn_plain
from mlgcn.registry import MODELS

CPU = torch.device('cpu')


def test_the_peak_counts_what_is_held_at_once():
    def function():
        first = torch.zeros(2**18)  # 1 MiB
        del first
        return torch.zeros(2**19) + torch.zeros(2**19)  # 3 x 2 MiB

    assert measuring.peak_mib(function, CPU) == 6


def test_the_plain_form_answers_the_same_and_is_undone():
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(ROOT / 'configs/gkgnet/gkgnet_scenes.py')
    model, images = MODELS.build(cfg.model.backbone).eval(), torch.randn(1, 3, 96, 96)
    graphers = [module for module in model.modules() if isinstance(module, Grapher)]
    with torch.no_grad():
        ours = model(images)
        with measuring.plain(model):
            assert {grapher.search for grapher in graphers} == {group_knn_plain}
            plain = model(images)
    torch.testing.assert_close(plain, ours)
    assert {grapher.search for grapher in graphers} == {group_knn}


def test_a_form_that_fails_is_a_row():
    def fail():
        raise torch.OutOfMemoryError('too large')

    bad, good = compared('case', dict(plain=fail, ours=lambda: torch.ones(9)), 2, 'cpu')
    assert bad.form == 'plain' and 'too large' in bad.note and bad.seconds is None
    assert good.images_per_second == 2 / good.seconds and good.faster is None


def test_forms_run_in_turns():
    calls = []
    forms = {name: lambda n=name: calls.append(n) for name in 'ab'}
    rows = list(compared('case', forms, 1, 'cpu', repeat=3))
    assert ''.join(calls) == 'aabb' + 'ab' * 3  # once before, once for the memory
    assert all(row.iqr >= 0 for row in rows) and rows[1].faster > 0
