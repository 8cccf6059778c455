"""mlgcn benchmark: the order of the runs, the bytes counted, the plain form and back."""

from argparse import Namespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from tiny import ROOT

from mlgcn.cli import benchmark
from mlgcn.models.layers.grapher import Grapher
from mlgcn.ops import group_knn, group_knn_plain
from mlgcn.registry import MODELS

CPU = torch.device('cpu')


def test_functions_run_in_turns():
    calls = []
    functions = {name: lambda n=name: calls.append(n) for name in 'ab'}
    times = benchmark.in_turns(functions, Namespace(repeat=3, threads=1))
    order = ''.join(calls)
    assert [order.count(turn) for turn in ('ab', 'ba')] == [3, 2]
    assert times['a'].median > 0


def test_the_peak_counts_what_is_held_at_once():
    def function():
        first = torch.zeros(2**18)  # 1 MiB
        del first
        return torch.zeros(2**19) + torch.zeros(2**19)  # 3 x 2 MiB

    assert benchmark.peak_mib(function, CPU) == 6


def test_the_plain_form_answers_the_same_and_is_undone():
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(ROOT / 'configs/gkgnet/gkgnet_scenes.py')
    model, images = MODELS.build(cfg.model.backbone).eval(), torch.randn(1, 3, 96, 96)
    graphers = [module for module in model.modules() if isinstance(module, Grapher)]
    with torch.no_grad():
        ours = model(images)
        with benchmark.plain(model):
            assert {grapher.search for grapher in graphers} == {group_knn_plain}
            plain = model(images)
    torch.testing.assert_close(plain, ours)
    assert {grapher.search for grapher in graphers} == {group_knn}


@pytest.mark.parametrize('form', ['plain', 'fuse'])
def test_command(monkeypatch, capsys, form):
    from mlgcn.cli import main

    words = f'mlgcn benchmark gkgnet_scenes --compare {form} --what forward --repeat 1'
    monkeypatch.setattr('sys.argv', [*words.split(), '--image-size', '96', '128'])
    main()
    rows = [line for line in capsys.readouterr().out.splitlines() if 'forward' in line]
    assert len(rows) == 4 and sum(form in row for row in rows) == 2
